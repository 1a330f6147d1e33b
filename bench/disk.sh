#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The virtio disk beside QEMU's on the same image: direct I/O in the guest (disk.c) in large pieces one after the
# other, in small ones at random, and small writes with a flush after each.  Settings: see run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
wanted disk || exit 0
work=$(mktemp -d "$O/bench-disk.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The image has been read once when the machine is idle.
mkdir -p "$work/root/bench"
clang-19 --target=loongarch64-unknown-linux-gnu -ffreestanding -nostdlib -static -fno-pic -fuse-ld=lld-19 -O2 -Wall \
    -Wextra -o "$work/root/bench/disk" bench/disk.c
cat > "$work/root/bench/steps" << 'STEPS'
need_disk
need_idle
echo "@@ userland begin"
/bench/disk
STEPS
make_initrd "$work/root" "$work/initrd"
# Written once, so that both read from the page cache and write to blocks that the file has.
head -c 256M /dev/zero > "$work/disk.img"

disk() { # MACHINE RUN COMMAND...
    # Both find the image in the page cache and nothing to write back.
    sync "$work/disk.img"
    cat "$work/disk.img" > /dev/null
    measure disk "$1" "$2" 1 "${@:3}"
}
for run in $(seq "$runs"); do
    echo "disk, run $run of $runs"
    disk bixi "$run" "${bixi[@]}" -k build/guest/vmlinuz -i "$work/initrd" -m 1G -a "$append" --no-reboot \
        --disk "$work/disk.img"
    disk qemu "$run" "${qemu[@]}" -m 1G -bios "$(scripts/setup-tools.sh firmware)" -kernel build/guest/vmlinuz \
        -initrd "$work/initrd" -append "$append" -drive "file=$work/disk.img,format=raw,if=none,id=d" \
        -device virtio-blk-pci,drive=d
done
