#!/bin/sh
# SPDX-License-Identifier: MulanPSL-2.0
# workloads.sh [WORD,...]: fixed work of Debian's programs, one at a time (lib.sh).  Runs in the guest, and in a tree of
# the same programs for this machine.
suite=programs
. "$(dirname "$0")/lib.sh"
encode() { vpxenc --quiet --codec=vp9 --good "$@" -o video.webm "$here/video.y4m"; }
pipe() { dd if=/dev/zero bs=512 count=60000 | dd of=/dev/null bs=512; }

t integer zstd       zstd -q -9 -c text
t integer sha256     times 10 sha256sum text text text text
t integer sha512     times 2 openssl dgst -sha512 text text text text
t integer lua-fib    lua5.4 "$here/fib.lua"
t integer python     python3 "$here/dict.py"
t integer gcc        gcc -O2 -c -o prog.o "$here/prog.c"
t integer sqlite     sqlite3 :memory: ".read $here/query.sql"
t fp      lua-nbody  lua5.4 "$here/nbody.lua"
t fp      lua-mandel lua5.4 "$here/mandelbrot.lua"
t fp      matrixfp   stress-ng -q --matrix 1 --matrix-size 128 --matrix-method prod --matrix-ops 20
t fp      fft        stress-ng -q --cpu 1 --cpu-method fft --cpu-ops 60
t fp      trig       stress-ng -q --cpu 1 --cpu-method trig --cpu-ops 60
t vector  chacha20   times 8 openssl enc -chacha20 -K 00 -iv 00 -in text
t vector  video      encode --cpu-used=4 --threads=1 --limit=3
t vector  vecmath    stress-ng -q --vecmath 1 --vecmath-ops 100
t vector  vecshuf    stress-ng -q --vecshuf 1 --vecshuf-ops 30
t system  syscall    dd if=/dev/zero of=/dev/null bs=1 count=300000
t system  fork       times 300 /usr/bin/true
t system  pipe       pipe
t system  switch     stress-ng -q --switch 1 --switch-ops 30000
echo "@@ all end"
