#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Disks of a machine under Debian's kernel: several of them, read-only, snapshot, discard, qcow2 by qemu-nbd; and
# hosts that fail: a full file system, a file cut or removed in use, an NBD server that goes away.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
server=
trap 'kill $server 2> /dev/null; umount "$work/small" 2> /dev/null; rm -rf "$work"' EXIT

# serve SOCKET FORMAT FILE: qemu-nbd, as the process $server.
serve() {
    qemu-nbd --socket "$1" --format "$2" --discard unmap --persistent --shared 2 "$3" &
    server=$!
    for _ in $(seq 100); do [ -S "$1" ] && return; sleep 0.1; done
}

# run NAME MEM OPTION...: the machine in the background, as $machine.
run() {
    local name=$1
    shift
    timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/$name.initrd" -m 512M --no-reboot \
        -a "console=ttyS0 quiet panic=1 rdinit=/test.sh" "$@" < /dev/null > "$work/$name.log" 2>&1 &
    machine=$!
}

# ends NAME: the machine powered itself off.
ends() {
    wait $machine
    status=$?
    check "the machine with ${1//-/ } ends well" $status || tail -n 20 "$work/$1.log"
}

# told NAME TEXT N: bixi printed the sentence TEXT, N times.
told() {
    [ "$(grep -ac "^bixi: .*$2" "$work/$1.log")" = "$3" ] || { grep -a '^bixi: ' "$work/$1.log"; false; }
}

# 1. Four disks that work.
initrd_with several-disks << 'GUEST'
say() { [ "$1" = 0 ] && echo "@@ $2 ok" || echo "@@ $2 FAILED"; }
numbers() { seq "$1" 400000; }
[ "$(ls -d /sys/block/vd* | wc -l)" = 5 ]; say $? count
[ "$(cat /sys/block/vda/serial)$(cat /sys/block/vde/serial)" = bixi-disk0bixi-disk4 ]; say $? serials
mount -t ext4 /dev/vda /mnt && numbers 1 > /mnt/a && cp /mnt/a /mnt/b && sync && rm /mnt/a && sync && fstrim /mnt
say $? fstrim
sync; umount /mnt
[ "$(cat /sys/block/vdb/ro)" = 1 ] && ! echo x 2> /dev/null > /dev/vdb; say $? read-only
numbers 2 | cmp -n 100000 - /dev/vdb; say $? read-only-data
numbers 3 | dd of=/dev/vdc bs=64k conv=fsync 2> /dev/null
echo 3 > /proc/sys/vm/drop_caches
numbers 3 | cmp -n 100000 - /dev/vdc; say $? snapshot
numbers 4 | dd of=/dev/vdd bs=64k conv=fsync 2> /dev/null && numbers 5 | dd of=/dev/vdd bs=4k seek=2000 oflag=direct conv=fsync 2> /dev/null
say $? nbd-write
echo 3 > /proc/sys/vm/drop_caches
numbers 4 | cmp -n 100000 - /dev/vdd; say $? nbd-read
blkdiscard -o 1048576 -l 1048576 /dev/vdd; say $? nbd-discard
[ "$(cat /sys/block/vde/queue/write_cache)" = "write back" ] && echo "write through" > /sys/block/vde/cache_type &&
    [ "$(cat /sys/block/vde/cache_type)" = "write through" ] && numbers 6 | dd of=/dev/vde bs=64k 2> /dev/null
say $? write-through
sync
GUEST
truncate -s 64M "$work/a.img"
mke2fs -q -t ext4 -O ^has_journal "$work/a.img"
seq 2 400000 > "$work/b.img"
truncate -s 4M "$work/b.img"
seq 2 400000 > "$work/c.img"
truncate -s 4M "$work/c.img"
cp "$work/c.img" "$work/c.before"
qemu-img create -q -f qcow2 "$work/d.qcow2" 64M
truncate -s 4M "$work/e.img"
serve "$work/d.sock" qcow2 "$work/d.qcow2"
run several-disks --disk "$work/a.img" --disk "$work/b.img,ro" --disk "$work/c.img,snapshot" \
    --disk "nbd+unix:///?socket=$work/d.sock" --disk "$work/e.img"
ends several-disks
for step in count serials fstrim read-only read-only-data snapshot nbd-write nbd-read nbd-discard write-through; do
    said several-disks $step
    check "the guest with several disks: $step" $?
done
kill $server
wait $server 2> /dev/null
# /b has 2.7 MB, as /a had.
[ $(($(stat -c '%b * %B' "$work/a.img"))) -lt 4500000 ] && e2fsck -fn "$work/a.img" > /dev/null 2>&1 &&
    debugfs -R "cat /b" "$work/a.img" 2> /dev/null | cmp - <(seq 1 400000)
check "what the guest trimmed is a hole in the file, and the rest is there" $?
cmp "$work/c.img" "$work/c.before"
check "a snapshot disk's file is as it was" $?
qemu-img convert -q -f qcow2 -O raw "$work/d.qcow2" "$work/d.img" && cmp -n 1000000 "$work/d.img" <(seq 4 400000) &&
    cmp -n 2600000 -i 8192000:0 "$work/d.img" <(seq 5 400000)
check "what the guest wrote by NBD is in the qcow2 file" $?
[ "$(head -c 2097152 "$work/d.img" | tail -c 1048576 | tr -d '\0' | wc -c)" = 0 ]
check "what the guest discarded by NBD reads as zeros" $?
cmp -n 2600000 "$work/e.img" <(seq 6 400000)
check "what the guest wrote through is in the file" $?

# 2. Hosts that fail.
initrd_with failing-disks << 'GUEST'
say() { [ "$1" = 0 ] && echo "@@ $2 ok" || echo "@@ $2 FAILED"; }
fails() { ! dd if=/dev/zero of="$1" bs=64k count="$2" seek="$3" oflag=direct conv=fsync 2> /dev/null; }
# until COMMAND fails, a minute or so
until_fails() { n=0; while "$@" > /dev/null 2>&1; do n=$((n + 1)); [ $n -lt 600 ] || return 1; sleep 0.1; done; }
until_works() { n=0; until "$@" > /dev/null 2>&1; do n=$((n + 1)); [ $n -lt 600 ] || return 1; sleep 0.1; done; }
write() { dd if=/dev/zero of=$1 bs=4k count=1 oflag=direct conv=fsync; }
read_direct() { dd if=$1 of=/dev/null bs=4k count=1 iflag=direct; }
fails /dev/vda 400 0; say $? full
fails /dev/vda 400 0; read_direct /dev/vda 2> /dev/null; say $? full-read
write /dev/vdb 2> /dev/null; say $? before-cut
echo "@@ cut now"; until_fails write /dev/vdb; say $? cut
! write /dev/vdb 2> /dev/null; say $? cut-for-good
echo "@@ remove now"; until_fails write /dev/vdc; say $? removed
echo "@@ kill now"; until_fails dd if=/dev/zero of=/dev/vdd bs=4k count=64 oflag=direct; say $? gone
! read_direct /dev/vdd 2> /dev/null; say $? gone-read
echo "@@ serve now"; until_works read_direct /dev/vdd; say $? back
! write /dev/vdd 2> /dev/null; say $? unflushed-lost
GUEST
mkdir "$work/small"
# A file system of 8 MiB where that can be had, else a limit on the size of files.
limit=unlimited
mount -t tmpfs -o size=8M bixi-test "$work/small" 2> /dev/null || limit=8192
truncate -s 64M "$work/small/a.img"
truncate -s 4M "$work/b.img" "$work/c.img"
serve "$work/d2.sock" qcow2 "$work/d.qcow2"
ulimit -S -f $limit
run failing-disks --disk "$work/small/a.img" --disk "$work/b.img" --disk "$work/c.img" \
    --disk "nbd+unix:///?socket=$work/d2.sock"
ulimit -S -f "$(ulimit -H -f)"
await "$work/failing-disks.log" '@@ cut now' 240 && truncate -s 1M "$work/b.img" && truncate -s 0 "$work/b.img"
await "$work/failing-disks.log" '@@ remove now' 60 && rm "$work/c.img"
if await "$work/failing-disks.log" '@@ kill now' 60; then
    sleep 1
    kill -KILL $server
    wait $server 2> /dev/null
    rm -f "$work/d2.sock"
fi
await "$work/failing-disks.log" '@@ serve now' 60 && serve "$work/d2.sock" qcow2 "$work/d.qcow2"
ends failing-disks
while read -r step sentence; do
    said failing-disks "$step"
    check "$sentence" $?
done << 'STEPS'
full a write to a disk on a full file system fails in the guest
full-read and that disk can still be read
before-cut a write to a disk works before its file is cut
cut a write to a disk whose file was cut fails in the guest
cut-for-good and goes on failing, as what was there is lost
removed a flush of a disk whose file was removed fails in the guest
gone a write to a disk whose NBD server was killed fails in the guest
gone-read and so does a read
back a read works when the server is there again
unflushed-lost but no flush succeeds any more, as the server may have lost writes
STEPS
[ $limit = unlimited ] && full="No space left" || full="File too large"
told failing-disks "small/a.img.*$full" 1
check "the user is told once that the file system is full" $?
told failing-disks 'b.img.*shorter than it was' 1
check "the user is told once that the file was cut" $?
told failing-disks 'c.img.*the file was removed' 1
check "the user is told once that the file was removed" $?
told failing-disks 'd2.sock.*the NBD server is gone' 1
check "the user is told once that the server is gone" $?
told failing-disks 'd2.sock.*connected to its server again' 1
check "the user is told once that the server is back" $?

# 3. What cannot be opened.
refused() { # SENTENCE TEXT OPTION...
    local sentence=$1 text=$2
    shift 2
    "$bixi" run -k "$guest/vmlinuz" "$@" < /dev/null > "$work/refused.log" 2>&1
    [ $? = 2 ] && [ "$(grep -c '' "$work/refused.log")" = 1 ] && grep -q "$text" "$work/refused.log"
    check "$sentence" $? || cat "$work/refused.log"
}
refused "a server that is not there is refused in a sentence" "cannot connect to disk 'nbd+unix:" \
    --disk "nbd+unix:///?socket=$work/none"
refused "an address that is none is refused in a sentence" "give the server's socket as" --disk "nbd+unix:///x"
refused "an export that is not there is refused in a sentence" "cannot use disk .*d2.sock" \
    --disk "nbd+unix:///nothing?socket=$work/d2.sock"
kill $server
wait $server 2> /dev/null
rm -f "$work/d2.sock"
qemu-nbd --socket "$work/d2.sock" --format qcow2 --read-only --persistent "$work/d.qcow2" &
server=$!
for _ in $(seq 100); do [ -S "$work/d2.sock" ] && break; sleep 0.1; done
refused "a read-only export is refused without ,ro" "add ,ro or ,snapshot" --disk "nbd+unix:///?socket=$work/d2.sock"
finish
