#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# make-kvm-guest.sh GUEST_DIR DIR: makes what a guest needs to run KVM guests of its own, of Debian forky's loong64
# packages: DIR/initrd, that of GUEST_DIR with the steps of kvm-steps, stress-ng and memtester, for both guests; and
# DIR/kvm.img, an ext4 disk with QEMU, EDK2, and the inner guest's kernel and initrd.  Only files that are needed are
# taken: of each program, the libraries that it and they name.  Packages are kept in DIR/debs, checked by hash.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
guest=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
"$here/fetch-firmware.sh" "$guest"
forky_apt_init "$guest/apt"

packages=$(sha256sum < "$0")
for package in qemu-system-misc qemu-system-data stress-ng memtester; do
    packages+=" $package $(forky_show $package SHA256)"
done
stamp="$packages $(cat "$guest/stamp" "$guest/firmware-stamp" "$here/kvm-steps" | sha256sum)"
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$out/initrd" ] && [ -s "$out/kvm.img" ] && exit 0
"$here/install-packages.sh" kvm

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
libraries=usr/lib/loongarch64-linux-gnu

# unpack PACKAGE: it is in $work/debs/PACKAGE.
unpack() {
    local deb
    [ -d "$work/debs/$1" ] && return
    deb=$(forky_fetch "$1" "$out/debs")
    mkdir -p "$work/debs"
    dpkg-deb -x "$deb" "$work/debs/$1"
}

# add_libraries ROOT PACKAGE FILE: the libraries that FILE of PACKAGE names and those that they name, which are in
# the packages that each one's package depends on; those that are called like the library are looked at first.
add_libraries() {
    local root=$1 package=$2 name dependency found
    for name in $(readelf -d "$3" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        [ -e "$root/$libraries/$name" ] && continue
        found=$(find_library "$name")
        if [ -z "$found" ]; then
            for dependency in $(apt-cache "${FORKY_OPTS[@]}" depends "$package" |
                sed -nE 's/^ *\|?(Pre)?Depends: (z?lib[^<>]*)$/\2/p' | sed "s/^${name%%[.0-9-]*}/0 &/" | sort | sed 's/^0 //'); do
                unpack "$dependency"
                found=$(find_library "$name")
                [ -n "$found" ] && break
            done
        fi
        [ -n "$found" ] || { echo "make-kvm-guest: no package that $package depends on has $name" >&2; return 1; }
        install -D -m 755 "$found" "$root/$libraries/$name"
        dependency=${found#"$work/debs/"}
        add_libraries "$root" "${dependency%%/*}" "$found"
    done
}
find_library() {
    find "$work/debs" -path "*/loongarch64-linux-gnu/$1" | head -n 1
}

# add_program ROOT PACKAGE FILE
add_program() {
    unpack "$2"
    install -D -m 755 "$work/debs/$2/$3" "$1/$3"
    add_libraries "$1" "$2" "$1/$3"
}

# Both trees are kept: what changes more often than the packages is put in below.
tools=$out/tools disk=$out/disk
if [ "$(cat "$out/packages" 2>/dev/null)" != "$packages" ]; then
    echo "unpacking QEMU, stress-ng and memtester for loong64 with their libraries (about 60 MB to fetch, once)"
    rm -rf "$tools" "$disk" "$out/packages"
    add_program "$tools" stress-ng usr/bin/stress-ng
    add_program "$tools" memtester usr/sbin/memtester
    mkdir "$tools/lib64"
    ln -s "../$libraries/ld-linux-loongarch-lp64d.so.1" "$tools/lib64/"
    add_program "$disk" qemu-system-misc usr/bin/qemu-system-loongarch64
    unpack qemu-system-data
    mkdir -p "$disk/usr/share/qemu" "$disk/boot"
    cp -r "$work/debs/qemu-system-data/usr/share/qemu/keymaps" "$disk/usr/share/qemu/"
    echo "$packages" > "$out/packages"
fi

# Before the guest's initrd, as a compressed archive of its own; each file is taken from the last that has it.
install -m 644 "$here/kvm-steps" "$tools/steps"
(cd "$tools" && find . | sort | cpio -o -H newc --reproducible 2>/dev/null | zstd -q -10) > "$work/initrd"
cat "$guest/initrd" >> "$work/initrd"
cp "$guest"/QEMU_{EFI,VARS}.fd "$guest/vmlinuz" "$work/initrd" "$disk/boot/"
rm -f "$out/kvm.img"
mke2fs -q -t ext4 -d "$disk" "$out/kvm.img" "$(($(du -sm "$disk" | cut -f1) * 5 / 4 + 16))M"
cp "$work/initrd" "$out/initrd"
echo "$stamp" > "$out/stamp"
echo "KVM guest: $(du -h "$out/kvm.img" | cut -f1) disk, $(du -h "$out/initrd" | cut -f1) initrd in $2"
