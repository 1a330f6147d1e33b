#!/usr/bin/env python3
# SPDX-License-Identifier: MulanPSL-2.0
"""report.py DIR: reads the suites' results, DIR/SUITE.tsv with rows of suite, kind, workload, machine, run and
value; prints the medians and their ratios, and writes them to DIR/table.tsv and, as a chart, to DIR/ratios.svg."""
import os
import statistics
import sys

sys.dont_write_bytecode = True  # the tree stays as it is
import chart  # noqa: E402

SUITES = "boot", "programs", "smp", "micro", "disk", "share", "network"
MACHINES = "bixi", "qemu", "native"
RATIOS = ("bixi", "qemu"), ("bixi", "native"), ("qemu", "native")
# Told of a whole run, and no time.
OTHER = {"peak-mib": "largest memory, MiB", "host-per-guest": "host instructions per guest instruction (static)"}


def read(directory):
    """{(suite, kind): {workload: {machine: median}}}, in the order of the suites."""
    values = {}
    for suite in SUITES:
        path = os.path.join(directory, suite + ".tsv")
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            for line in file:
                suite, kind, name, machine, _, value = line.rstrip("\n").split("\t")
                workload = values.setdefault((suite, kind), {}).setdefault(name, {})
                workload.setdefault(machine, []).append(float(value))
    return {group: {name: {machine: statistics.median(runs) for machine, runs in machines.items()}
                    for name, machines in workloads.items()} for group, workloads in values.items()}


def ratio(medians, pair):
    """How many times as long the first takes, or None where one has no time."""
    first, second = (medians.get(machine) for machine in pair)
    return first / second if first and second else None


def number(value, form):
    return format(value, form) if value is not None else "-"


def row(name, medians, ratios):
    cells = [number(medians.get(machine), ".4f") for machine in MACHINES] + [number(value, ".3g") for value in ratios]
    print(f"  {name:18s}" + "".join(f"{cell:>13s}" for cell in cells))


def main():
    directory = sys.argv[1]
    groups, other, bars = read(directory), [], []
    heads = [*MACHINES, *("/".join(pair) for pair in RATIOS)]
    print(f"{'median seconds':20s}" + "".join(f"{head:>13s}" for head in heads))
    with open(os.path.join(directory, "table.tsv"), "w", encoding="utf-8") as table:
        print("suite", "kind", "workload", *heads, sep="\t", file=table)
        for (suite, kind), workloads in groups.items():
            title = suite if kind == "-" else f"{suite}: {kind}"
            times = {name: medians for name, medians in workloads.items() if name not in OTHER}
            other += [(suite, name, medians) for name, medians in workloads.items() if name in OTHER]
            ratios = {name: [ratio(medians, pair) for pair in RATIOS] for name, medians in times.items()}
            if not times:
                continue
            print(title)
            for name, medians in times.items():
                row(name, medians, ratios[name])
                print(suite, kind, name, *(number(medians.get(machine), ".6f") for machine in MACHINES),
                      *(number(value, ".4f") for value in ratios[name]), sep="\t", file=table)
            if kind != "-":
                columns = [[value for value in column if value] for column in zip(*ratios.values())]
                row("geometric mean", {}, [statistics.geometric_mean(c) if c else None for c in columns])
            bars.append((title, [(name, values[0], ratio(times[name], ("native", "qemu")))
                                 for name, values in ratios.items() if values[0]]))
        for suite, name, medians in other:
            print(suite, "-", name, *(number(medians.get(machine), ".2f") for machine in MACHINES), *"---",
                  sep="\t", file=table)
    for name, title in OTHER.items():
        for suite in (suite for suite, what, _ in other if what == name):
            medians = groups[suite, "-"][name]
            print(f"{title}: {suite}: " + ", ".join(f"{machine} {value:.2f}" for machine, value in medians.items()))
    with open(os.path.join(directory, "ratios.svg"), "w", encoding="utf-8") as file:
        file.write(chart.draw(bars))
    print(f"written: {directory}/table.tsv, {directory}/ratios.svg")


main()
