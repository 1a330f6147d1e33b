#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# What a cell may do to others: a hostile one (cells/hostile.c) beside the latency cell, in Debian under the hypervisor,
# while processes of root's look at their memory, timers and disk.
#   containment.sh [long]   long: every address in every way, more seeds
# Environment: SEED, of all that is random (the time).
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
. tests/boot/cells/lib.sh
. tests/boot/cells/hostile.sh
seed=${SEED:-$(date +%s)}
long=${1:-}
echo "# SEED=$seed"

cells_build
hostile_build &&
    "${cross}gcc" -static -O2 -Wall -Wextra -Werror -o "$work/witness" tests/boot/cells/witness.c
check "so do a hostile cell, and a witness" $?
[ "$failed" = 0 ] || { tail -n 20 "$work/make.log"; finish; exit; }

cells_root containment cells/{system,latency}.yaml "$build/cells/latency.bin" "$work"/{hostile.bin,witness}
hostile_config > "$root/cells/hostile.yaml"
hostile_config fault-restart > "$root/cells/hostile-again.yaml"
truncate -s 64M "$work/disk.img"

{
    echo "order=$order seed=$seed long=$long"
    cat tests/boot/cells/containment-guest.sh
} | cells_initrd containment
timeout $((${long:+10 *} 300 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/containment.initrd" -c 4 -m 2G \
    --disk "$work/disk.img" -a "console=ttyS0 quiet rdinit=/test.sh kvm.enable_virt_at_load=0" \
    < /dev/null 2>&1 | tr -d '\r' > "$work/containment.log"
[ "${PIPESTATUS[0]}" = 0 ] && said containment all
check "the guest comes to its end" $?
! grep -aE 'WARNING:|BUG|Oops|Call Trace|lockup|rcu.*stall|blocked for more' "$work/containment.log"
check "its kernel has nothing to complain of" $?
while read -r verdict sentence; do
    [ "$verdict" = ok ]
    check "$sentence" $?
done < <(grep -aE '^(ok|FAIL) ' "$work/containment.log")
[ "$failed" = 0 ] || tail -n 60 "$work/containment.log" | sed 's/^/    /'
finish
