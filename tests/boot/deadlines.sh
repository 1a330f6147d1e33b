#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# What a cell's neighbours notice of it, in a deterministic run, where time is instructions and not the host's: the latency
# cell beside one that leaves the guest as often as it can, beside a storm of interrupts, and beside a Linux that boots;
# and when a cell is found that hangs.
#   deadlines.sh [long]   long: the Linux works for longer, and so do the storms
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
. tests/boot/cells/lib.sh
. tests/boot/cells/hostile.sh
long=${1:-}

cells_build
hostile_build
check "so does a hostile cell" $?
[ "$failed" = 0 ] || { tail -n 20 "$work/make.log"; finish; exit; }

cells_root deadlines cells/*.yaml "$build"/cells/latency.bin "$guest/vmlinuz" "$work/hostile.bin"
hostile_config > "$root/cells/hostile.yaml"

# What the cell's init does, as guest-init's steps.
steps_initrd "$root/cells/initrd" <<'STEPS'
work() { # work CPU ROUNDS: four MiB each, always the same sum
    for i in $(seq "$2"); do
        taskset "$1" dd if=/dev/zero bs=1M count=4 2> /dev/null | taskset "$1" sha256sum
    done | sort -u > "/tmp/work$1"
    [ "$(cut -c-16 "/tmp/work$1")" = bb9f8df61474d25e ]
}
step_work() {
    work 1 "$1" & first=$!
    work 2 "$1"; say work-second $?
    wait $first; say work-first $?
}
STEPS

{
    echo "order=$order todo=work:${long:+1}1,poweroff"
    [ -n "$long" ] && echo seconds=5 || echo seconds=1
    cat tests/boot/cells/deadlines-guest.sh
} | cells_initrd deadlines
timeout $((${long:+4 *} 400 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/deadlines.initrd" -c 4 -m 2G \
    --deterministic -a "console=ttyS0 quiet rdinit=/test.sh kvm.enable_virt_at_load=0" \
    < /dev/null 2>&1 | tr -d '\r' > "$work/deadlines.log"
[ "${PIPESTATUS[0]}" = 0 ] && said deadlines all
check "the guest comes to its end" $?
while read -r verdict sentence; do
    [ "$verdict" = ok ]
    check "$sentence" $?
done < <(grep -aE '^(ok|FAIL) ' "$work/deadlines.log")
[ "$failed" = 0 ] || tail -n 60 "$work/deadlines.log" | sed 's/^/    /'
finish
