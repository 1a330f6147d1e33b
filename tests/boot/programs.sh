#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Programs that compile code while they run, on Debian's kernel: node and luajit, with and without its compiler, print
# what tests/boot/programs/*.expected say.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
programs=${PROGRAMS:-build/programs}
scripts/make-programs-guest.sh "$programs" tests/boot/programs || exit 1

initrd_with programs << 'GUEST'
mount -t ext4 -o ro /dev/vda /mnt
mount -t proc proc /mnt/proc; mount -t devtmpfs dev /mnt/dev; mount -t tmpfs tmp /mnt/tmp
run() { # NAME EXPECTED COMMAND...
    name=$1 expected=$2
    shift 2
    chroot /mnt "$@" > /tmp/output 2>&1 && diff "/mnt/programs/$expected" /tmp/output && echo "@@ $name ok"
}
run node hot.js.expected /usr/bin/node /programs/hot.js
run luajit hot.lua.expected /usr/bin/luajit /programs/hot.lua
run luajit-off hot.lua.expected /usr/bin/luajit -joff /programs/hot.lua
GUEST
timeout $((600 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/programs.initrd" -c 2 \
    --disk "$programs/root.ext4,ro" -a "console=ttyS0 quiet rdinit=/test.sh" < /dev/null > "$work/programs.log" 2>&1
check "the machine that ran them powers off" $?
for name in node luajit luajit-off; do
    said programs $name
    check "$name computes what it should" $? || tail -n 30 "$work/programs.log"
done
finish
