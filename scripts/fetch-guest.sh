#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# fetch-guest.sh DIR: makes DIR/vmlinuz and DIR/initrd of Debian forky's loong64 packages: its kernel,
# busybox, and the modules a virtio disk or console needs.  Packages are kept in DIR/debs and checked by
# hash against apt's index each time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
mkdir -p "$1"
out=$(cd "$1" && pwd)
forky_apt_init "$out/apt"

kernel=$(apt-cache "${FORKY_OPTS[@]}" depends linux-image-loong64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$kernel" ] || { echo "fetch-guest: the mirror's linux-image-loong64 names no kernel package" >&2; exit 1; }
version=${kernel#linux-image-}
kernel_deb=$(forky_fetch "linux-binary-$version" "$out/debs")
modules_deb=$(forky_fetch "linux-modules-$version" "$out/debs")
busybox_deb=$(forky_fetch busybox-static "$out/debs")

stamp="$(basename "$kernel_deb") $(basename "$busybox_deb") $(sha256sum < "$0") $(sha256sum < "$here/guest-init")"
if [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$out/vmlinuz" ] && [ -s "$out/initrd" ]; then
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "unpacking Debian's kernel $version and busybox"
dpkg-deb -x "$kernel_deb" "$work/kernel"
dpkg-deb -x "$modules_deb" "$work/kernel"
dpkg-deb -x "$busybox_deb" "$work/busybox"
modules=$(find "$work/kernel" -type d -path '*/modules/*' -name kernel)
# The kernel is in /boot, or beside its modules.
vmlinuz=$(find "$work/kernel" -name 'vmlinu[xz]*' -type f | head -n 1)

root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,mnt,modules}
cp "$(find "$work/busybox" -path "*/bin/busybox" -type f)" "$root/bin/busybox"
# add_modules ORDER NAME...: the modules, and in file ORDER their names in the order they must be loaded.
add_modules() {
    local order=$1 module file
    shift
    for module in "$@"; do
        file=$(find "$modules" -name "$module.ko*" -o -name "${module//-/_}.ko*" | head -n 1)
        [ -n "$file" ] || continue # built into the kernel
        case $file in
        *.xz) xz -dc "$file" > "$root/modules/$module.ko" ;;
        *.zst) zstd -qdc "$file" > "$root/modules/$module.ko" ;;
        *) cp "$file" "$root/modules/$module.ko" ;;
        esac
        echo "$module" >> "$root/modules/$order"
    done
}
add_modules order crc16 crc32c-cryptoapi mbcache jbd2 ext4 virtio_blk virtio_console rtc-efi
add_modules order-net failover net_failover virtio_net
add_modules order-mmio virtio_mmio
add_modules order-rng virtio-rng
add_modules order-button evdev
add_modules order-9p netfs 9pnet 9pnet_virtio 9p
install -m 755 "$here/guest-init" "$root/init"
mknod "$root/dev/console" c 5 1 2>/dev/null || true # devtmpfs provides it where mknod is not allowed
(cd "$root" && find . | sort | cpio -o -H newc --reproducible 2>/dev/null | zstd -q -10) > "$out/initrd"
cp "$vmlinuz" "$out/vmlinuz"
echo "$stamp" > "$out/stamp"
echo "guest images: $(du -h "$out/vmlinuz" | cut -f1) kernel, $(du -h "$out/initrd" | cut -f1) initrd in $1"
