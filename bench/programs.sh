#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Debian's programs on Debian's kernel, and the same programs' x86-64 builds on this machine: one at a time on one
# core (programs/workloads.sh), then work for four cores (programs/parallel.sh).  Settings: see run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
# asked SUITE LIST: whether a workload of the list is wanted.
asked() {
    local names
    mapfile -t names < <(awk '$1 == "t" { print $2; print $3 }' "bench/programs/$2.sh")
    wanted "$1" "${names[@]}"
}
asked programs workloads || asked smp parallel || exit 0
bench/mkimage.sh "$image"
work=$(mktemp -d "$O/bench-programs.XXXXXX")
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/root/bench/programs"
install bench/programs/* "$work/root/bench/programs"
bench/programs/inputs.py "$work/root/bench/programs"
rm -rf "$image"/native/{bench,tmp/bench}
cp -r "$work/root/bench/programs" "$image/native/bench"
cat > "$work/root/bench/steps" << 'STEPS'
need_disk
mount -t ext4 /dev/vda /mnt || echo "@@ disk FAILED"
need_idle
for d in proc sys dev; do mount --move "/$d" "/mnt/$d"; done
mount -t tmpfs tmp /mnt/tmp
cp -r /bench/programs/* /mnt/bench
echo "@@ userland begin"
chroot /mnt "/bench/$list.sh" "$words"
STEPS
make_initrd "$work/root" "$work/initrd"

# suite NAME LIST CORES
suite() {
    local run append="$append list=$2"
    asked "$1" "$2" || return 0
    for run in $(seq "$runs"); do
        echo "$1, run $run of $runs (minutes)"
        measure "$1" bixi "$run" 1 "${bixi[@]}" -k build/guest/vmlinuz -i "$work/initrd" -m 4G -c "$3" -a "$append" \
            --disk "$image/root.ext4,snapshot"
        measure "$1" qemu "$run" 1 "${qemu[@]}" -m 4G -smp "$3" -bios "$(scripts/setup-tools.sh firmware)" \
            -kernel build/guest/vmlinuz -initrd "$work/initrd" -append "$append" \
            -drive "file=$image/root.ext4,format=raw,if=none,id=d,snapshot=on" -device virtio-blk-pci,drive=d
        [ "$clock" = cpu ] || measure "$1" native "$run" 1 chroot "$image/native" "/bench/$2.sh" "$only"
    done
}
suite programs workloads 1
suite smp parallel 4
