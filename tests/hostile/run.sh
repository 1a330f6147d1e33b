#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Runs the guest that means harm in all its ways, with real and with counted time.  Each run ends by the exit
# device, a poweroff, a reset, or is stopped after a few seconds; the process must be alive until then, end at
# the signal, and no sanitizer may have said anything.  Ends with "N passed, N failed".
# Environment: O, the build directory (build); SEED, of the first run (the time); RUNS, seeds a way (2);
# SECONDS_EACH, until a run is stopped (3).
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
seed=${SEED:-$(date +%s)}
runs=${RUNS:-2}
limit=${SECONDS_EACH:-3}
elf=${O:-build}/tests/hostile/hostile.elf
truncate -s 1M "$work/disk.img"
echo "first seed: $seed (SEED=$seed $0 repeats this)"

# act NAME SEED [OPTION...]
act() {
    local name=$1 number=$2 status
    shift 2
    timeout -k 10 "$limit" "$bixi" run -k "$elf" -a "do=$name seed=$number" -m 256M --no-reboot --console null \
        --disk "$work/disk.img,snapshot" "$@" < /dev/null > "$work/log" 2>&1
    status=$?
    # 0 poweroff, 3 reset, 7 its own exit code, 124 stopped by the signal
    case $status in
    0 | 3 | 7 | 124) ! grep -aqE 'runtime error|Sanitizer' "$work/log" && grep -aq '@@ hostile begin' "$work/log" ;;
    *) false ;;
    esac
    check "the machine outlives a guest that does $name, seed $number${*:+ ($*)}: status $status" $? ||
        tail -n 30 "$work/log" | tr -cd '[:print:]\n'
}

for name in nowhere double execute devices queues csrs guests overwrite idle cores; do
    cores=1
    [ $name = cores ] && cores=4
    for ((i = 0; i < runs; i++)); do
        act $name $((seed + i)) -c $cores
        act $name $((seed + i)) -c $cores --deterministic
    done
done
finish
