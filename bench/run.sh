#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Compares bixi with QEMU on the same kernel and programs in the same run, alternating the two, and
# prints the medians and their ratio.  Absolute seconds mean little on a shared machine; ratios do.
#   RUNS=3       how often each
#   ONLY=a,b     only these workloads (see workloads.sh); ONLY=boot only the boot, ONLY=disk only disk.sh,
#                ONLY=share only share.sh, ONLY=network only network.sh
set -euo pipefail
cd "$(dirname "$0")/.."
O=${O:-build} runs=${RUNS:-3} only=${ONLY:-all}
[ "$only" != disk ] || exec bench/disk.sh
[ "$only" != share ] || exec bench/share.sh
[ "$only" != network ] || exec bench/network.sh
scripts/fetch-guest.sh build/guest
[ "$only" = boot ] || bench/mkimage.sh build/bench
results=$O/bench-results
rm -rf "$results"
mkdir -p "$results"

bixi() { bench/stamp.py --timeout 3600 -- "$O/bixi" run "$@"; }
qemu() { bench/stamp.py --timeout 3600 -- scripts/setup-tools.sh qemu -M virt -cpu max -nographic -no-reboot "$@"; }

# programs NAME COMMAND...: adds the programs' times to NAME's results.
programs() {
    local name=$1 status=0
    shift
    "$@" > "$results/last" || status=$?
    grep -vE '^(boot|total|peak-mib|all) ' "$results/last" >> "$results/$name" || true
    [ $status = 0 ] || { echo "bench: $name did not get through the programs (status $status)" >&2; exit 1; }
}

# The boot: to userland and off again, both started directly.  QEMU's direct start panics in Debian's
# i8042 driver unless that is left out.
boot="console=ttyS0 quiet bixi.do=poweroff"
for run in $(seq "$runs"); do
    echo "boot, run $run of $runs"
    bixi -k build/guest/vmlinuz -i build/guest/initrd -m 1G -a "$boot" >> "$results/bixi"
    qemu -m 1G -kernel build/guest/vmlinuz -initrd build/guest/initrd \
        -append "$boot initcall_blacklist=i8042_init" >> "$results/qemu"
done
if [ "$only" != boot ]; then
    for run in $(seq "$runs"); do
        echo "programs, run $run of $runs (minutes)"
        append="console=ttyS0 quiet only=$only"
        programs bixi bixi -k build/bench/vmlinuz -i build/bench/initrd -m 4G -a "$append" \
            --disk build/bench/root.ext4,snapshot
        programs qemu qemu -m 4G -bios "$(scripts/setup-tools.sh firmware)" -kernel build/bench/vmlinuz \
            -initrd build/bench/initrd -append "$append" \
            -drive file=build/bench/root.ext4,format=raw,if=none,id=d,snapshot=on -device virtio-blk-pci,drive=d
    done
fi
bench/compare.py "$results/bixi" "$results/qemu"
[ "$only" != all ] || bench/disk.sh
[ "$only" != all ] || bench/share.sh
[ "$only" != all ] || bench/network.sh
