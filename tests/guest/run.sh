#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Runs every bare-metal suite on every processor model, and once in deterministic mode; ends with
# "N passed, N failed".
#   run.sh [SUITE...]
# QEMU=/path/to/qemu-system-loongarch64 run.sh: the same programs on QEMU, with its known differences.
set -uo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
suites=("$@")
[ $# = 0 ] && suites=(exceptions interrupts tlb walk translate privilege csr timer watch debug pmu smp instructions
    irq_uart irq_ipi irq_extioi irq_msi irq_bridge)
passed=0 failed=0

# run TITLE COMMAND...: counts what the program's last line says; a program without one has failed.
run() {
    local title=$1 output line
    shift
    echo "== $title"
    output=$(timeout $((300 * ${TIME_SCALE:-1})) "$@" < /dev/null 2>&1 | tr -d '\r')
    grep -v '^# skipped' <<< "$output" | grep -vE '^[0-9]+ passed' | sed "s/^\(not ok\|ok\) [0-9]* - /\1 - $title: /"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' <<< "$output" | tail -n 1)
    if [ -z "$line" ]; then
        echo "not ok - $title: ends by itself"
        line="0 passed, 1 failed"
    fi
    passed=$((passed + ${line%% *}))
    line=${line#*, }
    failed=$((failed + ${line%% *}))
}

for suite in "${suites[@]}"; do
    elf=$O/tests/guest/$suite.elf
    cores=1
    [ "$suite" = smp ] && cores=4
    [[ "$suite" = irq_* ]] && cores=6 # two nodes of four
    if [ -n "${QEMU:-}" ]; then
        for model in la464 max; do
            run "$suite on QEMU's $model" "$QEMU" -M virt -cpu $model -smp $cores -m 1G -display none -monitor none \
                -serial stdio -kernel "$elf" -append qemu
        done
        continue
    fi
    for model in la464 la664 max; do
        run "$suite on $model" "$O/bixi" run -k "$elf" --cpu $model -c $cores -a "cores=$cores"
    done
    [ "$suite" = smp ] || run "$suite, deterministic" "$O/bixi" run -k "$elf" --deterministic -a cores=1
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
