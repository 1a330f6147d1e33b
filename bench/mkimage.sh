#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# mkimage.sh DIR: makes DIR/root.ext4, a Debian forky loong64 system with the programs that workloads.sh runs,
# and DIR/native, a tree of the same programs for this machine.  Needs root; some minutes and 5 GB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../scripts/forky-apt.sh"
mkdir -p "$1"
out=$(cd "$1" && pwd)
stamp=$(sha256sum < "$here/mkimage.sh")
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
"$here/../scripts/install-packages.sh" guest tools test
[ "$(id -u)" = 0 ] || { echo "bench: making the disk image needs root; run make bench with sudo" >&2; exit 2; }

packages=busybox-static,coreutils,gcc,libc6-dev,lua5.4,openssl,python3-minimal,sqlite3,stress-ng,vpx-tools,zstd

unpack() { # ARCHITECTURE ROOT LOADER: the packages, and the links that configuring them would have made
    local root=$2 d
    rm -rf "$root"
    mmdebstrap --quiet --variant=extract --architectures="$1" --aptopt='Acquire::Check-Valid-Until "false"' \
        --include="$packages" forky "$root" "deb $(forky_mirror) forky main"
    for d in bin lib lib64 sbin; do
        [ -e "$root/$d" ] || { mkdir -p "$root/usr/$d"; ln -s "usr/$d" "$root/$d"; }
    done
    mkdir -p "$root"/{dev,proc,sys,tmp,bench}
    ln -sf busybox "$root/usr/bin/sh"
    [ -e "$root/usr/lib64/${3##*/}" ] || { mkdir -p "$root/usr/lib64"; ln -sf "$3" "$root/usr/lib64/"; }
}

rm -f "$out/stamp"
echo "bench: unpacking the programs for loong64 (once)"
unpack loong64 "$out/root" ../lib/loongarch64-linux-gnu/ld-linux-loongarch-lp64d.so.1
rm -f "$out/root.ext4"
mke2fs -q -t ext4 -O ^metadata_csum -d "$out/root" "$out/root.ext4" 2200M
rm -rf "$out/root"
echo "bench: unpacking the programs for this machine (once)"
unpack amd64 "$out/native" ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
echo "$stamp" > "$out/stamp"
