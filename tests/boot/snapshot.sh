#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Snapshots of machines that run Debian's kernel: a deterministic machine goes on exactly, one whose disk is
# being written loses nothing, and what does not fit is refused with a sentence.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh

# machine NAME OPTION...: a machine in the background, as the process $machine, with its monitor at
# $work/NAME.sock.
machine() {
    local name=$1
    shift
    timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -m 256M -c 2 --monitor "unix:$work/$name.sock" "$@" \
        < /dev/null > "$work/$name.log" 2>&1 &
    machine=$!
}

# monitor NAME COMMAND...
monitor() {
    tests/boot/monitor.py "$work/$1.sock" "${@:2}" < /dev/null
}

# ends "SENTENCE" NAME: the machine powered itself off.
ends() {
    wait $machine
    check "$1" $? || tail -n 15 "$work/$2.log"
}

# boots INITRD: the options of a machine that starts it.
boots() {
    echo -k "$guest/vmlinuz" -i "$work/$1.initrd"
}
cmdline="console=ttyS0 quiet rdinit=/test.sh"

# 1. A deterministic machine of two cores, with its trace: alone; saved while it runs; loaded.
initrd_with exact << 'GUEST'
echo "@@ begin"
work() { for i in 1 2; do seq $1 3000 | gzip | gunzip | awk '{ s += sin($1) / $1 } END { print s }'; sleep 0.05; done; }
work 1 > /tmp/1 & work 2 > /tmp/2 & work 3 > /tmp/3 & wait
echo "@@ result $(cat /tmp/1 /tmp/2 /tmp/3 | sha256sum)"
GUEST
machine alone $(boots exact) -a "$cmdline" --deterministic --trace "exception,interrupt,$work/alone.trace"
ends "a deterministic machine runs by itself" alone
machine saved $(boots exact) -a "$cmdline" --deterministic --trace "exception,interrupt,$work/saved.trace"
await "$work/saved.log" "@@ begin" 120 && monitor saved "save $work/exact.snapshot" > "$work/answers" && ! grep -q '[a-z]' "$work/answers"
check "the monitor saves a machine that runs" $?
ends "the saved machine goes on" saved
machine loaded --load "$work/exact.snapshot" --deterministic --trace "exception,interrupt,$work/loaded.trace"
ends "the machine comes back without its kernel's file and goes on" loaded
cmp "$work/alone.log" "$work/saved.log" && cmp "$work/alone.trace" "$work/saved.trace"
check "saving leaves no mark in the guest: its trace is that of the machine alone" $?
lines=$(wc -l < "$work/loaded.trace")
[ "$lines" -gt 1000 ] && tail -n "$lines" "$work/alone.trace" | cmp - "$work/loaded.trace"
check "the loaded machine's trace is the rest of it, to the byte" $?
[ -s "$work/loaded.log" ] && tail -n "$(wc -l < "$work/loaded.log")" "$work/alone.log" | cmp - "$work/loaded.log"
check "so is its console" $?

# The same of two cores in guest mode, with timers of the guests, injected interrupts and LL without its SC.
elf=${O:-build}/tests/guest/lvz/long_guest.elf
machine guests -k "$elf" -a cores=2 --deterministic --trace "vmexit,$work/guests.trace"
ends "guests of LVZ run by themselves" guests
machine guests.saved -k "$elf" -a cores=2 --deterministic --trace "vmexit,$work/guests.saved.trace"
await "$work/guests.saved.log" "@@ begin" 60 &&
    monitor guests.saved stop "info cpus" "save $work/guests.snapshot" cont > "$work/answers" && grep -q guest "$work/answers"
check "a machine is saved while a core is in guest mode" $?
ends "the machine goes on with its guests" guests.saved
cmp "$work/guests.log" "$work/guests.saved.log" && cmp "$work/guests.trace" "$work/guests.saved.trace"
check "saving leaves no mark in them" $?
machine guests.loaded --load "$work/guests.snapshot" --deterministic --trace "vmexit,$work/guests.loaded.trace"
ends "guests of LVZ come back and go on" guests.loaded
lines=$(wc -l < "$work/guests.loaded.trace")
[ "$lines" -gt 100 ] && tail -n "$lines" "$work/guests.trace" | cmp - "$work/guests.loaded.trace"
check "their exits and entries are the rest of what they were, to the nanosecond" $?
grep -q "@@ results" "$work/guests.loaded.log" && tail -n 3 "$work/guests.log" | cmp - "$work/guests.loaded.log"
check "so is what they computed, interrupt by interrupt" $?

# 2. Real time: saved while files are written, the disk copied at that moment, the machine killed; loaded with
# the copy it writes on.
initrd_with writer << 'GUEST'
mount -t ext4 /dev/vda /mnt
writer() { for i in $(seq 20); do seq $i 8000 > /mnt/$1.$i; [ $((i % 4)) = 0 ] && sync; done; }
echo "@@ writing"
writer a & writer b & wait
for w in a b; do for i in $(seq 20); do seq $i 8000 | cmp - /mnt/$w.$i || echo "@@ $w.$i differs"; done; done
umount /mnt && echo "@@ written ok"
GUEST
truncate -s 64M "$work/disk"
mke2fs -q -t ext4 "$work/disk"
machine writer $(boots writer) -a "$cmdline" --disk "$work/disk"
await "$work/writer.log" "@@ writing" 120
monitor writer stop "save $work/writer.snapshot" "info status" > "$work/answers"
check "a machine is saved while it writes to a disk" $?
cp "$work/disk" "$work/disk.copy"
kill -9 $(pgrep -P $machine) 2> /dev/null
wait $machine 2> /dev/null
! grep -q "@@ written" "$work/writer.log"
check "it was in the middle of that" $?
machine reader --load "$work/writer.snapshot" --disk "$work/disk.copy"
ends "loaded, the machine writes on and ends" reader
said reader written && ! grep -q differs "$work/reader.log"
check "all its files are what they should be" $?
e2fsck -fn "$work/disk.copy" > "$work/fsck.log" 2>&1
check "the disk's file system is whole" $? || cat "$work/fsck.log"

# 3. What does not fit.
refused() { # "SENTENCE" TEXT OPTION...
    timeout 60 "$bixi" run -m 256M --monitor none "${@:3}" < /dev/null > "$work/refused.log" 2>&1
    [ $? = 2 ] && grep -q "^bixi: --load .*: $2" "$work/refused.log" && [ "$(wc -l < "$work/refused.log")" = 1 ]
    check "a snapshot is refused $1" $? || cat "$work/refused.log"
}
refused "by a machine with other cores" "it has 2 cores, this machine 4: give -c 2" -c 4 --load "$work/writer.snapshot" --disk "$work/disk.copy"
refused "by a machine without its disk" 'the saved machine has the part "virtio-.*", which this one has not' \
    -c 2 --load "$work/writer.snapshot"
truncate -s 32M "$work/small"
refused "by a machine whose disk has another size" ".*/small had 67108864 bytes, now it has 33554432" \
    -c 2 --load "$work/writer.snapshot" --disk "$work/small"
head -c 1000000 "$work/exact.snapshot" > "$work/cut.snapshot"
refused "when it is truncated" "it is truncated" -c 2 --deterministic --load "$work/cut.snapshot"
refused "when it is another file" "it is not a snapshot of bixi" -c 2 --load "$guest/vmlinuz"
machine overlay --load "$work/writer.snapshot" --disk "$work/disk.copy,snapshot"
monitor overlay "save $work/none.snapshot" > "$work/overlay.answer"
grep -q 'used with "snapshot": what the guest wrote is in no file' "$work/overlay.answer" && [ ! -e "$work/none.snapshot" ]
check "a machine with an overlay is not saved, with a sentence" $?
monitor overlay system_reset > /dev/null
wait $machine
[ $? = 1 ] && grep -q "the guest rebooted, but --load was given without -k" "$work/overlay.log"
check "a reboot without the kernel's file ends with a sentence" $? || tail -n 3 "$work/overlay.log"
finish
