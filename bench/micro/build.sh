#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# build.sh DIR: compiles the kernels for the guest, DIR/guest, and for this machine, DIR/native, both of them
# static.  Scalar code stays scalar; what is to be vectors is compiled for those of the guest and their like here.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/cross-gcc.sh
mkdir -p "$1"
out=$(cd "$1" && pwd)
stamp=$(cat bench/micro/* | sha256sum)
[ "$(cat "$out/stamp" 2> /dev/null)" = "$stamp" ] && exit 0
scripts/install-packages.sh build
scripts/setup-tools.sh
cross_gcc "$out/cross" "$(scripts/setup-tools.sh path)"

# compile NAME COMPILER SCALAR LSX LASX: the last three are options that choose the processor.
compile() {
    local name=$1 compiler=$2 scalar=$3 lsx=$4 lasx=$5 objects=$out/$1.o file
    local flags=(-std=gnu17 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter)
    local vectors=("${flags[@]}" -O3 -ffast-math)
    mkdir -p "$objects"
    for file in main memory control integer fp system; do
        "$compiler" "${flags[@]}" "$scalar" -fno-tree-vectorize -c -o "$objects/$file.o" "bench/micro/$file.c"
    done
    "$compiler" "${vectors[@]}" "$lsx" -DVECTOR=lsx -c -o "$objects/lsx.o" bench/micro/vector.c
    "$compiler" "${vectors[@]}" "$lasx" -DVECTOR=lasx -c -o "$objects/lasx.o" bench/micro/vector.c
    "$compiler" -static -o "$out/$name" "$objects"/*.o -lm
}
compile guest "$out/cross/loongarch64-linux-gnu-gcc" -march=la464 -msimd=lsx -msimd=lasx
compile native gcc -march=x86-64-v3 -march=x86-64-v2 -march=x86-64-v3
echo "$stamp" > "$out/stamp"
