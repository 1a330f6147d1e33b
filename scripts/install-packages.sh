#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# install-packages.sh GROUP...: installs what a step needs and this machine lacks, by apt, saying what
# and why.  Does nothing, and needs no root, when everything is there.
set -euo pipefail

why_build="to compile bixi"
packages_build="gcc make libc6-dev libfdt-dev libjansson-dev libzstd-dev liblzma-dev libnbd-dev libseccomp-dev libslirp-dev libzydis-dev zlib1g-dev acpica-tools clang-19 lld-19"
why_hypervisor="to build the hypervisor's image"
packages_hypervisor="clang-19 lld-19 llvm-19"
why_cells="to build bixi-cell"
packages_cells="libcyaml-dev libyaml-dev libjansson-dev"
why_guest="to fetch Debian's loong64 kernel and make an initrd of it"
packages_guest="dpkg zstd xz-utils cpio ca-certificates"
why_test="to build and run the tests"
packages_test="libcmocka-dev llvm-19 python3 e2fsprogs device-tree-compiler qemu-utils mtools fdisk iproute2 procps"
why_tools="to set up the programs that bixi is compared with (QEMU, binutils)"
packages_tools="mmdebstrap"
why_fuzz="to build the fuzzers"
packages_fuzz="clang-19 libclang-rt-19-dev"
why_debian="to make a Debian disk"
packages_debian="debootstrap fdisk dosfstools e2fsprogs openssh-client"
why_kvm="to make a disk with QEMU for a guest"
packages_kvm="dpkg zstd cpio e2fsprogs binutils"

missing=()
for group in "$@"; do
    list=packages_$group why=why_$group lacking=()
    for package in ${!list}; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || lacking+=("$package")
    done
    [ ${#lacking[@]} = 0 ] && continue
    echo "bixi: installing ${lacking[*]} ${!why}"
    missing+=("${lacking[@]}")
done
[ ${#missing[@]} = 0 ] && exit 0

root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
        { echo "bixi: run as root or install sudo, or install by hand: apt-get install ${missing[*]}" >&2; exit 2; }
    root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get -q -o Acquire::Check-Valid-Until=false update
"${root[@]}" apt-get -q -y --no-install-recommends install "${missing[@]}"
