#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Compares the virtio disk with QEMU's on the same image in the same run: direct I/O in the guest (disk.c) in
# large pieces one after the other, in small ones at random, and small writes with a flush after each.  Prints
# the medians and their ratio.
#   RUNS=3   how often each
# Environment: O, the build directory (build).
set -euo pipefail
cd "$(dirname "$0")/.."
O=${O:-build} runs=${RUNS:-3}
scripts/install-packages.sh build guest
scripts/fetch-guest.sh build/guest
results=$O/bench-results
mkdir -p "$results"
rm -f "$results"/disk-*
work=$(mktemp -d "$O/bench-disk.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The guest: the usual one with the program and an init of its own.
mkdir -p "$work/root/bench"
clang-19 --target=loongarch64-unknown-linux-gnu -ffreestanding -nostdlib -static -fno-pic -fuse-ld=lld-19 -O2 -Wall \
    -Wextra -o "$work/root/bench/disk" bench/disk.c
cat > "$work/root/bench/init" << 'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2> /dev/null
insmod /modules/virtio_blk.ko 2> /dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] && break; sleep 0.2; done
# The kernel goes on testing its cryptography in the background; when the processor idles, that is over.
idle_ticks() { while read -r name user nice system idle rest; do echo "$idle"; break; done < /proc/stat; }
for i in $(seq 60); do
    before=$(idle_ticks)
    sleep 1
    [ $(($(idle_ticks) - before)) -lt 90 ] || break
done
echo "@@ userland begin"
/bench/disk
poweroff -f
INIT
chmod +x "$work/root/bench/init"
(cd "$work/root" && find . | cpio -o -H newc 2> /dev/null) > "$work/initrd"
cat build/guest/initrd >> "$work/initrd"
# Written once, so that both read from the page cache and write to blocks that the file has.
head -c 256M /dev/zero > "$work/disk.img"

append="console=ttyS0 quiet panic=1 rdinit=/bench/init"
measure() { # NAME COMMAND...
    local name=$1
    shift
    # Both find the image in the page cache and nothing to write back.
    sync "$work/disk.img"
    cat "$work/disk.img" > /dev/null
    bench/stamp.py --timeout 1800 -- "$@" > "$work/last" || { cat "$work/last"; exit 1; }
    grep -vE '^(boot|total|peak-mib) ' "$work/last" >> "$results/disk-$name"
}
for run in $(seq "$runs"); do
    echo "disk, run $run of $runs"
    measure bixi "$O/bixi" run -k build/guest/vmlinuz -i "$work/initrd" -m 1G -a "$append" --no-reboot --disk "$work/disk.img"
    measure qemu scripts/setup-tools.sh qemu -M virt -cpu max -nographic -no-reboot -m 1G \
        -bios "$(scripts/setup-tools.sh firmware)" -kernel build/guest/vmlinuz -initrd "$work/initrd" \
        -append "$append" -drive "file=$work/disk.img,format=raw,if=none,id=d" -device virtio-blk-pci,drive=d
done
bench/compare.py "$results/disk-bixi" "$results/disk-qemu"
