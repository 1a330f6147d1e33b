#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# What the guest flushed is in the file, however the process ends: SIGKILL during writes, 100 times with a small
# program (durability.py), and a few times with Debian's kernel and ext4.
# Environment: ROUNDS, with the program (100); SEED (the time).
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
seed=${SEED:-$(date +%s)}
rounds=${ROUNDS:-100}
echo "seed: $seed (SEED=$seed $0 repeats this)"

tests/boot/durability.py "$bixi" "${O:-build}/tests/guest/disk_writer.elf" "$work/disk.img" "$rounds" "$seed"
check "no flushed record is lost when the process is killed during writes, $rounds times" $?

# Files that are synced one after the other, told of on the console.
initrd_with files << 'GUEST'
mount -t ext4 /dev/vda /mnt || echo "@@ mount FAILED"
i=0
while :; do
    seq $((i * 7)) $((i * 7 + 3000)) > /mnt/$i && sync /mnt/$i && sync /mnt && echo "@@ synced $i"
    i=$((i + 1))
done
GUEST
for round in 1 2; do
    rm -f "$work/ext4.img"
    truncate -s 64M "$work/ext4.img"
    mke2fs -q -t ext4 "$work/ext4.img"
    "$bixi" run -k "$guest/vmlinuz" -i "$work/files.initrd" -a "console=ttyS0 quiet rdinit=/test.sh" -m 512M \
        --disk "$work/ext4.img" < /dev/null > "$work/ext4.log" 2>&1 &
    machine=$!
    await "$work/ext4.log" "@@ synced 5" 240
    check "the guest writes files to ext4 (round $round)" $?
    sleep "0.$((RANDOM % 9 + 1))"
    kill -KILL $machine
    wait $machine 2> /dev/null
    # Whole lines: the kill may cut the last one off.
    last=$(sed -n 's/^@@ synced \([0-9][0-9]*\)\r$/\1/p' "$work/ext4.log" | tail -n 1)
    # The first pass replays the journal (status 1: changed something); then there is nothing to repair.
    e2fsck -p "$work/ext4.img" > "$work/fsck.log" 2>&1
    [ $? -le 1 ] && e2fsck -fn "$work/ext4.img" >> "$work/fsck.log" 2>&1
    check "ext4 is whole after its journal was replayed (round $round)" $? || cat "$work/fsck.log"
    wrong=0
    for ((i = 0; i <= ${last:-0}; i++)); do
        debugfs -R "cat /$i" "$work/ext4.img" 2> /dev/null | cmp -s - <(seq $((i * 7)) $((i * 7 + 3000))) || wrong=$((wrong + 1))
    done
    [ "${last:-0}" -ge 5 ] && [ $wrong = 0 ]
    check "all files synced before the kill are in it (round $round: ${last:-0})" $?
done
finish
