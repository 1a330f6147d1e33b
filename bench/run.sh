#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Compares bixi with QEMU, and with this machine itself, on the same programs in the same run, alternating them;
# prints the medians and their ratios, and writes them to bench-results/table.tsv and a chart, ratios.svg, beside
# it.  Absolute seconds mean little on a shared machine; ratios do.
#   RUNS=5            how often each
#   ONLY=a,b          only these: suites (the names below), kinds (integer, fp, vector, system, ...), workloads
#   ENGINE=interp     the engine of bixi, where it has more than one
#   CLOCK=cpu         the seconds that the host's processors work for the process, where other work delays it;
#                     not for this machine's own programs, which are several processes
# Environment: O, the build directory (build).
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
rm -rf "$results"
mkdir -p "$results"
scripts/fetch-guest.sh build/guest
for suite in boot programs micro disk share network; do
    "bench/$suite.sh"
done
bench/report.py "$results"
bench/hypervisor.sh
[ ! -e "$results/failed" ]
