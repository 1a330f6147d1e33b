#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""compare.py BIXI QEMU: reads "NAME SECONDS" lines of several runs and prints medians and their ratio."""
import statistics
import sys


def read(path):
    values = {}
    for line in open(path, encoding="utf-8"):
        name, value = line.split()
        values.setdefault(name, []).append(float(value))
    return values


bixi, qemu = read(sys.argv[1]), read(sys.argv[2])
print(f"{'':12s} {'bixi':>10s} {'QEMU':>10s} {'bixi/QEMU':>10s}  (medians; seconds, peak-mib in MiB)")
for name, values in bixi.items():
    ours = statistics.median(values)
    if name not in qemu:
        print(f"{name:12s} {ours:10.3f} {'-':>10s} {'-':>10s}")
        continue
    theirs = statistics.median(qemu[name])
    bar = "#" * min(40, round(2 * ours / theirs)) if theirs else ""
    print(f"{name:12s} {ours:10.3f} {theirs:10.3f} {ours / theirs:10.2f}  {bar}")
