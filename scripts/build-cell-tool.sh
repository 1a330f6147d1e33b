#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# build-cell-tool.sh DIR OUT: makes OUT, bixi-cell for the guest's Linux, statically linked: with the GCC of
# setup-tools.sh's tree and Debian forky's libraries, which are unpacked to DIR/libraries.
# Environment: CELL_TOOL_FLAGS, what the Makefile defines for the sources.
set -euo pipefail
dir=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
. "$here/cross-gcc.sh"
packages="libcyaml-dev libyaml-dev libjansson-dev libfdt-dev libzstd-dev liblzma-dev zlib1g-dev"

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ "$(cat "$dir/libraries/stamp" 2>/dev/null)" != "$packages" ]; then
    echo "bixi: fetching the libraries of bixi-cell for loong64 (once, 2 MB)"
    forky_apt_init "$dir/apt"
    rm -rf "$dir/libraries"
    mkdir -p "$dir/libraries"
    for package in $packages; do
        dpkg-deb -x "$(forky_fetch "$package" "$dir/debs")" "$dir/libraries"
    done
    echo "$packages" > "$dir/libraries/stamp"
fi
"$here/setup-tools.sh"
cross_gcc "$dir/bin" "$("$here/setup-tools.sh" path)"
mkdir -p "$(dirname "$out")"
# shellcheck disable=SC2086 # flags are several words
"$dir/bin/loongarch64-linux-gnu-gcc" $CELL_TOOL_FLAGS -static -I"$dir/libraries/usr/include" -o "$out.new" \
    "$here"/../tools/*.c "$here"/../tools/lib/*.c "$here"/../machine/firmware/{image,unpack}.c \
    -L"$dir/libraries/usr/lib/loongarch64-linux-gnu" -lcyaml -lyaml -ljansson -lfdt -lzstd -llzma -lz
"$dir/bin/loongarch64-linux-gnu-strip" "$out.new"
mv "$out.new" "$out"
