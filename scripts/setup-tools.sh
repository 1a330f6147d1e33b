#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The programs bixi is compared with and checked against, as Debian forky packages in a tree of their own
# (needs root; about 1.5 GB).  The tree is $BIXI_TOOLS, by default ~/.cache/bixi-tools.
#   setup-tools.sh              makes the tree, once
#   setup-tools.sh qemu ARGS    qemu-system-loongarch64, seeing this machine's files
#   setup-tools.sh qemu-user P  runs a loongarch64 Linux program
#   setup-tools.sh run P ARGS   any program of the tree, by name
#   setup-tools.sh firmware     prints the path of EDK2 for LoongArch
#   setup-tools.sh qmp-path     prints the path of QEMU's QMP library for Python, with qmp-shell
#   setup-tools.sh gdb ARGS     gdb-multiarch, of which Debian 12's knows no LoongArch
#   setup-tools.sh path         prints the tree's path
#   setup-tools.sh qemu-path    prints a program that is this QEMU, for "bixi run -q"
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=${BIXI_TOOLS:-$HOME/.cache/bixi-tools}
packages=qemu-system-misc,qemu-user,qemu-utils,qemu-efi-loongarch64,binutils-loongarch64-linux-gnu,gcc-loongarch64-linux-gnu,libc6-dev-loong64-cross,linux-libc-dev-loong64-cross

run() {
    local program=$1
    shift
    exec "$tree/lib64/ld-linux-x86-64.so.2" --library-path "$tree/usr/lib/x86_64-linux-gnu" "$tree/usr/bin/$program" "$@"
}

qmp=$tree/opt/python3-qemu-qmp
# The QMP library is Python alone: it is unpacked by itself and runs on this machine's Python.
get_qmp() {
    local work root=() deb
    [ -d "$qmp" ] && return
    [ -w "$tree" ] || root=(sudo)
    . "$here/forky-apt.sh"
    work=$(mktemp -d)
    forky_apt_init "$work/apt"
    deb=$(forky_fetch python3-qemu-qmp "$work")
    dpkg-deb -x "$deb" "$work/qmp"
    "${root[@]}" mkdir -p "$tree/opt"
    "${root[@]}" cp -rT "$work/qmp/usr/lib/python3/dist-packages" "$qmp"
    rm -rf "$work"
}

gdb=$tree/opt/gdb
# GDB with the libraries that it alone needs, as a tree of its own in the tree.
get_gdb() {
    local root=()
    [ -d "$gdb" ] && return
    [ "$(id -u)" = 0 ] || root=(sudo)
    . "$here/forky-apt.sh"
    echo "bixi: fetching GDB for loongarch64 into $gdb (once, about 60 MB)"
    "${root[@]}" rm -rf "$gdb.new"
    "${root[@]}" mkdir -p "$tree/opt"
    "${root[@]}" mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=gdb-multiarch forky "$gdb.new" "deb $(forky_mirror) forky main"
    for d in bin lib lib64; do [ -e "$gdb.new/$d" ] || "${root[@]}" ln -s "usr/$d" "$gdb.new/$d"; done
    "${root[@]}" mv "$gdb.new" "$gdb"
}

case ${1:-setup} in
setup)
    [ -e "$tree/.complete" ] && { get_qmp; get_gdb; exit 0; }
    "$here/install-packages.sh" tools
    root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    . "$here/forky-apt.sh"
    echo "bixi: fetching QEMU 11.1, GCC and binutils for loongarch64 into $tree (once, about 400 MB)"
    "${root[@]}" rm -rf "$tree"
    mkdir -p "$(dirname "$tree")"
    "${root[@]}" mmdebstrap --quiet --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" \
        forky "$tree" "deb $(forky_mirror) forky main"
    # Unpacked packages carry no merged-/usr links and no ld.so link; what we start needs them.
    for d in bin lib lib64 sbin; do [ -e "$tree/$d" ] || "${root[@]}" ln -s "usr/$d" "$tree/$d"; done
    printf '#!/bin/sh\nexec "%s/lib64/ld-linux-x86-64.so.2" --library-path "%s/usr/lib/x86_64-linux-gnu" %s "$@"\n' \
        "$tree" "$tree" "\"$tree/usr/bin/qemu-system-loongarch64\" -L \"$tree/usr/share/qemu\"" |
        "${root[@]}" install -D -m 755 /dev/stdin "$tree/usr/libexec/qemu-system-loongarch64"
    get_qmp
    get_gdb
    "${root[@]}" touch "$tree/.complete" ;;
qemu) shift; run qemu-system-loongarch64 -L "$tree/usr/share/qemu" "$@" ;;
qemu-user) shift; run qemu-loongarch64 "$@" ;;
run) shift; run "$@" ;;
firmware) echo "$tree/usr/share/qemu-efi-loongarch64/QEMU_EFI.fd" ;;
qmp-path) echo "$qmp" ;;
gdb)
    shift
    exec "$gdb/lib64/ld-linux-x86-64.so.2" --library-path "$gdb/usr/lib/x86_64-linux-gnu" \
        "$gdb/usr/bin/gdb-multiarch" --data-directory="$gdb/usr/share/gdb" "$@" ;;
path) echo "$tree" ;;
qemu-path) echo "$tree/usr/libexec/qemu-system-loongarch64" ;;
*) sed -n '3,15p' "$0"; exit 2 ;;
esac
