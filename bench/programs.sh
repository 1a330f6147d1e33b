#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Debian's programs (programs/workloads.sh) on Debian's kernel, and the same programs' x86-64 builds on this
# machine.  Settings: see run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
mapfile -t names < <(awk '$1 == "t" { print $2; print $3 }' bench/programs/workloads.sh)
wanted programs "${names[@]}" || exit 0
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
chroot /mnt /bench/workloads.sh "$words"
STEPS
make_initrd "$work/root" "$work/initrd"

for run in $(seq "$runs"); do
    echo "programs, run $run of $runs (minutes)"
    measure programs bixi "$run" 1 "${bixi[@]}" -k build/guest/vmlinuz -i "$work/initrd" -m 4G -a "$append" \
        --disk "$image/root.ext4,snapshot"
    measure programs qemu "$run" 1 "${qemu[@]}" -m 4G -bios "$(scripts/setup-tools.sh firmware)" \
        -kernel build/guest/vmlinuz -initrd "$work/initrd" -append "$append" \
        -drive "file=$image/root.ext4,format=raw,if=none,id=d,snapshot=on" -device virtio-blk-pci,drive=d
    [ "$clock" = cpu ] || measure programs native "$run" 1 chroot "$image/native" /bench/workloads.sh "$only"
done
