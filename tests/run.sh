#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Runs all suites of "make test", two at a time, shows each one's verdict as it ends, and closes with
# "N passed, N failed".  A suite is a command that prints its own such line; a suite that prints none, or
# exits with another status than its line says, counts as one failure.
#   run.sh [NAME...]   only these suites
# Environment: O, the build directory (build); JOBS, suites at a time (2); TIME_SCALE, by which all limits of
# time are multiplied (1); BIXI_ENGINE, what bixi executes guests with (jit, interp, or
# check, which wants a TIME_SCALE of 5 or more).
set -uo pipefail
cd "$(dirname "$0")/.."
export O=${O:-build}
jobs=${JOBS:-2}
logs=$O/test-logs
mkdir -p "$logs"

# name|command; the long ones first, so that the two lanes end together.
suites=(
    "boot|tests/boot/run.sh"
    "share|tests/boot/share.sh"
    "virtio|tests/boot/virtio.sh"
    "kvm|tests/boot/kvm.sh"
    "kvm-selftests|tests/boot/kvm-selftests.sh"
    "firmware|tests/boot/firmware.sh"
    "instructions|tests/isa/run.sh"
    "jit|tests/jit/run.sh"
    "disassembler|tests/isa/disasm.sh"
    "programs|env BIXI_ENGINE=${BIXI_ENGINE:-jit} tests/boot/programs.sh"
    "disk|tests/boot/disk.sh"
    "durability|tests/boot/durability.sh"
    "gdb|tests/boot/gdb.sh"
    "network|tests/boot/network.sh"
    "guest|tests/guest/run.sh"
    "cells|tests/boot/cells.sh"
    "cell-linux|tests/boot/cell-linux.sh"
    "cell-devices|tests/boot/cell-devices.sh"
    "containment|tests/boot/containment.sh"
    "deadlines|tests/boot/deadlines.sh"
    "endurance|tests/boot/endurance.sh"
    "debug|tests/boot/debug.sh"
    "demo|tests/boot/demo.sh"
    "monitor|tests/boot/monitor.sh"
    "snapshot|tests/boot/snapshot.sh"
    "command-line|tests/boot/command-line.sh"
    "driver|tests/boot/driver.sh"
    "hostile|tests/hostile/run.sh"
    "fuzz|tests/fuzz/regress.sh"
    "hypervisor|tests/hypervisor/run.sh"
    "cell-tool|tests/tools/run.sh"
    "unit|tests/unit/run.sh"
)

run_suite() { # NAME COMMAND
    local name=$1 log=$logs/$1.log begin=$SECONDS status line
    timeout $((1500 * ${TIME_SCALE:-1})) $2 > "$log" 2>&1
    status=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    if [ -z "$line" ] || { [ $status != 0 ] && [[ $line == *", 0 failed" ]]; }; then
        line="${line%% *} passed, 1 failed"
        [[ $line == " "* ]] && line="0 passed, 1 failed"
        echo "suite $name ended with status $status" >> "$log"
    fi
    echo "$line" > "$logs/$name.result"
    printf '%-14s %s  (%d s)\n' "$name" "$line" $((SECONDS - begin))
    if [[ $line != *", 0 failed" ]]; then
        grep -E '^(not ok|FAIL|\[  FAILED)|: error|ERROR|ended with status' "$log" | head -n 20 | sed 's/^/    /'
        tail -n 5 "$log" | sed 's/^/    | /'
        echo "    the whole output is in $log"
    fi
}

rm -f "$logs"/*.result
for suite in "${suites[@]}"; do
    name=${suite%%|*}
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    run_suite "$name" "${suite#*|}" &
done
wait
awk '{ passed += $1; failed += $3 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' \
    "$logs"/*.result
