#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""report.py: makes of lines "= PLACE NAME VALUE" a table with a column for each place, and of those of Linux one
line each; tab-separated."""
import sys

PLACES = "bare", "root", "cell", "kvm"
values, others = {}, {}
for line in sys.stdin:
    _, place, name, value = line.split()
    if place in PLACES:
        values.setdefault(name, {})[place] = value
    else:
        others[place, name] = float(value)

print("instructions", *PLACES, "kvm/root", sep="\t")
for name, row in values.items():
    ratio = f"{float(row['kvm']) / float(row['root']):.1f}" if {"kvm", "root"} <= row.keys() else "-"
    print(name, *(row.get(place, "-") for place in PLACES), ratio, sep="\t")
for (place, name), value in others.items():
    print(place, name, f"{value:.0f}", sep="\t")
for name in "sha256", "integer":
    bare, root = (others.get(("linux", f"{name}-{place}")) for place in ("bare", "root"))
    if bare and root:
        print("overhead", name, f"{100 * (root / bare - 1):.3f} %", sep="\t")
