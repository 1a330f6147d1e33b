#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Programs on Debian's kernel print what tests/boot/programs/*.expected say: node and luajit, with and without its
# compiler, which compile code while they run, and a session of gcc, python and openssl.
#   programs.sh [NAME...]   only these: node luajit luajit-off session
# Environment: CORES (2); BIXI_ENGINE.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
programs=${PROGRAMS:-build/programs}
scripts/make-programs-guest.sh "$programs" tests/boot/programs \
    busybox-static,nodejs,luajit,gcc,libc6-dev,python3-minimal,openssl || exit 1
wanted=("$@")
[ $# = 0 ] && wanted=(node luajit luajit-off session)

initrd_with programs << GUEST
wanted=" ${wanted[*]} "
$(cat << 'STEPS'
mount -t ext4 -o ro /dev/vda /mnt
mount -t proc proc /mnt/proc; mount -t devtmpfs dev /mnt/dev; mount -t tmpfs tmp /mnt/tmp
run() { # NAME EXPECTED COMMAND...
    name=$1 expected=$2
    shift 2
    case $wanted in *" $name "*) ;; *) return ;; esac
    chroot /mnt "$@" > /tmp/output 2>&1
    diff "/mnt/programs/$expected" /tmp/output && echo "@@ $name ok"
}
run node hot.js.expected /usr/bin/node /programs/hot.js
run luajit hot.lua.expected /usr/bin/luajit /programs/hot.lua
run luajit-off hot.lua.expected /usr/bin/luajit -joff /programs/hot.lua
run session session.sh.expected /usr/bin/busybox sh /programs/session.sh
STEPS
)
GUEST
timeout $((600 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/programs.initrd" -c "${CORES:-2}" \
    --disk "$programs/root.ext4,ro" -a "console=ttyS0 quiet rdinit=/test.sh" < /dev/null > "$work/programs.log" 2>&1
check "the machine that ran them powers off" $?
for name in "${wanted[@]}"; do
    said programs "$name"
    done=$?
    check "$name computes what it should" $done
    [ $done = 0 ] || tail -n 30 "$work/programs.log"
done
finish
