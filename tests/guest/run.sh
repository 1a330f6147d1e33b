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
    irq_uart irq_ipi irq_extioi irq_msi irq_bridge lvz_registers lvz_modes lvz_traps lvz_stage2 lvz_sizes
    lvz_walk lvz_tlb lvz_interrupts lvz_timer lvz_units lvz_counters lvz_watchpoints lvz_storm
    lvz_hypervisor hv_launch hv_cells hv_hostile hv_isolation hv_platform hv_races hv_watch hv_costs)
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
    elf=${suite/#lvz_/lvz/}
    elf=$O/tests/guest/${elf/#hv_/hv/}.elf
    cores=1
    [[ "$suite" = smp || "$suite" = hv_* ]] && cores=4
    [[ "$suite" = irq_* ]] && cores=6 # two nodes of four
    if [ -n "${QEMU:-}" ]; then
        [[ "$suite" = lvz_* || "$suite" = hv_* ]] && continue # QEMU has no LVZ
        for model in la464 max; do
            run "$suite on QEMU's $model" "$QEMU" -M virt -cpu $model -smp $cores -m 1G -display none -monitor none \
                -serial stdio -kernel "$elf" -append qemu
        done
        continue
    fi
    for model in la464 la664 max; do
        run "$suite on $model" "$O/bixi" run -k "$elf" --cpu $model -c $cores -a "cores=$cores"
    done
    case $suite in
    exceptions|csr)
        run "$suite without LVZ" "$O/bixi" run -k "$elf" --cpu la464,lvz=off -a cores=1
        ;;
    esac
    if [[ "$suite" = hv_* ]]; then
        for engine in interp jit; do
            run "$suite, $engine" "$O/bixi" run -k "$elf" -c 4 --engine $engine -a cores=4
        done
        run "$suite on two nodes" "$O/bixi" run -k "$elf" -c 6 -a cores=6
        run "$suite on four cores, deterministic" "$O/bixi" run -k "$elf" -c 4 --deterministic -a cores=4
        [ "$suite" = hv_costs ] && run "$suite, counted" "$O/bixi" run -k "$elf" -c 2 --deterministic -a "cores=2 deterministic"
        [ "$suite" = hv_launch ] || continue
    fi
    [ "$suite" = smp ] || run "$suite, deterministic" "$O/bixi" run -k "$elf" --deterministic -a cores=1
    if [[ "$suite" = lvz_* ]]; then
        for model in la464 la664 max; do
            run "$suite on two cores of $model" "$O/bixi" run -k "$elf" --cpu $model -c 2 -a cores=2
        done
        run "$suite on two cores, deterministic" "$O/bixi" run -k "$elf" --deterministic -c 2 -a cores=2
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
