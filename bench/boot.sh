#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The boot: to userland ("boot") and off again ("total"), both machines started directly.  Settings: see run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
wanted boot || exit 0

append="console=ttyS0 quiet bixi.do=poweroff"
boot() { # MACHINE RUN COMMAND...
    local machine=$1 run=$2
    shift 2
    stamp "$@" || failed "boot on $machine"
    record boot "$machine" "$run" < "$results/last"
}
for run in $(seq "$runs"); do
    echo "boot, run $run of $runs"
    boot bixi "$run" "${bixi[@]}" -k build/guest/vmlinuz -i build/guest/initrd -m 1G -a "$append"
    boot qemu "$run" "${qemu[@]}" -m 1G -kernel build/guest/vmlinuz -initrd build/guest/initrd \
        -append "$append $qemu_direct"
done
