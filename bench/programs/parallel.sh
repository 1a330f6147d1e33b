#!/bin/sh
# SPDX-License-Identifier: MulanPSL-2.0
# parallel.sh [WORD,...]: work for four processors (lib.sh): programs of workloads.sh four at a time, threads that share
# memory, processes that wake each other.
suite=smp
. "$(dirname "$0")/lib.sh"
four() { # four COMMAND...
    for i in 1 2 3 4; do "$@" & done
    wait
}
compile() { four gcc -O2 -c -o /dev/null "$here/prog.c"; }

t parallel 4-zstd    four zstd -q -9 -c text
t parallel 4-sha512  four openssl dgst -sha512 text text
t parallel 4-lua-fib four lua5.4 "$here/fib.lua"
t parallel 4-python  four python3 "$here/dict.py"
t parallel 4-gcc     compile
t parallel 4-nbody   four lua5.4 "$here/nbody.lua"
t threads  zstd-T4   zstd -q -9 -T4 -B256K -c text
t threads  pipe-4    stress-ng -q --pipe 4 --pipe-ops 200000
t threads  switch-4  stress-ng -q --switch 4 --switch-ops 40000
t threads  futex-4   stress-ng -q --futex 4 --futex-ops 20000
echo "@@ all end"
