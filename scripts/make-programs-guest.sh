#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# make-programs-guest.sh DIR PROGRAMS PACKAGE,...: makes DIR/root.ext4, a disk with packages of Debian forky for loong64 and
# what they need, and the files of folder PROGRAMS in /programs.  The packages are fetched once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
mkdir -p "$1"
out=$(cd "$1" && pwd)
packages=$3
stamp=$(cat "$0" "$2"/* | sha256sum)$packages
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$out/root.ext4" ] && exit 0
"$here/install-packages.sh" guest tools test
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)

root=$out/root
if [ "$(cat "$out/unpacked" 2>/dev/null)" != "$packages" ]; then
    echo "unpacking ${packages//,/, } for loong64 (once)"
    "${as_root[@]}" rm -rf "$root"
    "${as_root[@]}" mmdebstrap --quiet --variant=extract --architectures=loong64 \
        --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" forky "$root" \
        "deb $(forky_mirror) forky main"
    "${as_root[@]}" chown -R "$(id -u):$(id -g)" "$root"
    # The links that configuring the packages would have made.
    for directory in bin lib lib64 sbin; do
        [ -e "$root/$directory" ] || { mkdir -p "$root/usr/$directory"; ln -s "usr/$directory" "$root/$directory"; }
    done
    [ -e "$root/usr/lib64/ld-linux-loongarch-lp64d.so.1" ] ||
        ln -s ../lib/loongarch64-linux-gnu/ld-linux-loongarch-lp64d.so.1 "$root/usr/lib64/"
    mkdir -p "$root"/{dev,proc,sys,tmp}
    echo "$packages" > "$out/unpacked"
fi
rm -rf "$root/programs" "$out/root.ext4"
cp -r "$2" "$root/programs"
mke2fs -q -t ext4 -d "$root" "$out/root.ext4" "$(($(du -sm "$root" | cut -f1) * 5 / 4 + 16))M"
echo "$stamp" > "$out/stamp"
