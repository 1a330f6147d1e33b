#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# fetch-headers.sh GUEST_DIR DIR: makes in DIR what a module for the kernel of GUEST_DIR (fetch-guest.sh's) is
# built with: Debian forky's headers of exactly that kernel, its build programs for this machine, and starters of
# the cross compiler of setup-tools.sh's tree, whose libraries the build programs run with, too.  To be used as
#   PATH=DIR/bin:$PATH make -C DIR/linux M=... MO=...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
. "$here/cross-gcc.sh"
"$here/fetch-guest.sh" "$1"
guest=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)

# The kernel that is there, whatever the mirror's newest is.
kernel=$(cut -d' ' -f1 "$guest/stamp") # linux-binary-VERSION-loong64_...deb
kernel=${kernel#linux-binary-}
release=${kernel%%_*} version=${kernel%%-loong64_*}
tree=$("$here/setup-tools.sh" path)
stamp="$kernel $out $tree $(cat "$0" "$here/cross-gcc.sh" | sha256sum)"
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
"$here/install-packages.sh" guest
"$here/setup-tools.sh"

echo "unpacking Debian's headers of $release"
forky_apt_init "$guest/apt"
headers_deb=$(forky_fetch "linux-headers-$release" "$guest/debs")
common_deb=$(forky_fetch "linux-headers-$version-common" "$guest/debs")
[[ ${headers_deb##*/} = *"${kernel#*_}" ]] ||
    { echo "fetch-headers: the mirror's headers are ${headers_deb##*/}, the kernel is $kernel; remove $guest/stamp to fetch the new kernel" >&2; exit 1; }
forky_apt_init "$guest/apt-$(dpkg --print-architecture)" "$(dpkg --print-architecture)"
kbuild_deb=$(forky_fetch "linux-kbuild-$version" "$guest/debs")
rm -rf "$out"
mkdir -p "$out"
for deb in "$headers_deb" "$common_deb" "$kbuild_deb"; do dpkg-deb -x "$deb" "$out"; done

ln -s "usr/src/linux-headers-$release" "$out/linux"
sed -i "s#/usr/src/#$out/usr/src/#" "$out/linux/Makefile"
# There is no BTF in this kernel, so no need of pahole, which kbuild would miss.
sed -i 's/^CONFIG_PAHOLE_VERSION=.*/CONFIG_PAHOLE_VERSION=0/' "$out/linux/include/config/auto.conf"
# Their C library is newer than this machine's may be: started with that of the tools.
find "$out/usr/lib" -type f -perm -u+x | while read -r program; do
    [ "$(head -c 4 "$program" | tr -d '\0')" = $'\177ELF' ] || continue
    mv "$program" "$program.elf"
    tree_starter "$program" "$tree" "$program.elf"
done
# Debian's modpost would look for the one for the kernel's word size beside itself, which is ld.so now.
ln -sf modpost.real-lsb-64 "$out/linux/scripts/mod/modpost"
cross_gcc "$out/bin" "$tree"
for part in gcc-16 ld nm objcopy objdump ar readelf; do
    cross_starter "$out/bin/loongarch64-linux-gnu-$part" "$tree" "bin/loongarch64-linux-gnu-$part" \
        "$([[ $part != gcc* ]] || echo "-B$out/bin/")"
done
echo "$stamp" > "$out/stamp"
