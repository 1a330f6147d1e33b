#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# What looks at processors in root: Debian's perf and gdb, and a debugger of our own (debug/debugger.c), on the bare
# machine, under the hypervisor, across its coming and going, and afterwards; and a cell (debug/counters.c) that looks for
# what root has of that and counts for itself.
# Environment: DEBUG_DISK (build/debug), where the disk with the programs is kept.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
. tests/boot/cells/lib.sh
disk=${DEBUG_DISK:-build/debug}
scripts/make-programs-guest.sh "$disk" tests/boot/debug busybox-static,gdb,linux-perf || exit 1

cells_build
cell_objects tests/boot/debug/counters.c && cell_link binary "$work/counters.bin" "$work/counters.o"
check "so does a cell that counts" $?
"${cross}gcc" -static -O1 -Wall -Wextra -Werror -o "$work/debugger" tests/boot/debug/debugger.c &&
    "${cross}gcc" -static -g -O1 -Wall -Wextra -Werror -o "$work/loop" tests/boot/debug/loop.c
check "and a debugger and something to look at" $?
[ "$failed" = 0 ] || { tail -n 20 "$work/make.log"; finish; exit; }

cells_root debug cells/system.yaml "$work"/{counters.bin,debugger,loop}
sed 's/latency/counters/; s/cpus: \[1\]/cpus: [2]/' cells/latency.yaml > "$root/cells/counters.yaml"

cells_initrd debug << 'GUEST'
insmod /bixi.ko
mount -t ext4 -o ro /dev/vda /mnt
mount -t proc proc /mnt/proc; mount -t devtmpfs dev /mnt/dev; mount -t tmpfs tmp /mnt/tmp; mount -t sysfs sys /mnt/sys
cp loop /mnt/tmp/; cp /mnt/bin/busybox /mnt/tmp/
echo -1 > /proc/sys/kernel/perf_event_paranoid
million=1000000
# on CPU COMMAND...: a program of the disk's.  A profile needs one CPU: Linux, whose PMI is off on the CPU where the last
# event before was closed, puts it on again only where the next one is opened.
on() {
    local mask=$(printf %x $((1 << $1)))
    shift
    chroot /mnt /tmp/busybox taskset $mask "$@"
}
# near VALUE EXPECTED PERMILLE
near() { awk -v v="$1" -v e="$2" -v p="$3" 'BEGIN { exit !(v != "" && (v - e) * 1000 <= e * p && (e - v) * 1000 <= e * p) }'; }

# counted CPU WHEN: four events, one a counter, are what the bare machine had on CPU 0.
counted() {
    local event now first
    on $1 perf stat -x, -o /tmp/stat -e instructions:u,cycles:u,branches:u,branch-misses:u /tmp/loop 2000000 > /dev/null 2>&1
    [ -e /tmp/stat ] || { cp /mnt/tmp/stat /tmp/stat; near "$(awk -F, '$3 == "instructions:u" { print $1 }' /tmp/stat)" 4000000 50; }
    verdict "perf stat counts: $2"
    for event in instructions cycles branches branch-misses; do
        first=$(awk -F, -v e=$event:u '$3 == e { print $1 }' /tmp/stat)
        now=$(awk -F, -v e=$event:u '$3 == e { print $1 }' /mnt/tmp/stat)
        near "$now" "$first" 30
        verdict "$event: $now, $first on the bare machine: $2"
    done
}

# samples FILE: how many, and how many of them in busy()
samples() {
    chroot /mnt perf script -i $1 -F ip,sym 2> /dev/null | awk '/[^ ]/ { n++ } / busy/ { b++ } END { print n + 0, b + 0 }'
}

# profiled CPU WHEN
profiled() {
    on $1 perf record -o /tmp/record -e cycles:u -c 100003 /tmp/loop 10000000 > /tmp/record.log 2>&1
    set -- "$2" $(samples /tmp/record)
    near "$2" 201 30 && near "$3" "$2" 30
    verdict "perf record takes $2 samples by interrupts of a counter, $3 in the loop: $1"
}

debugged() {
    debugger
    verdict "counter, single steps and watchpoints by ptrace: $1"
    chroot /mnt gdb -nx -q -batch -x /programs/loop.gdb > /tmp/gdb 2>&1
    grep -oE '^(Hardware (read )?watchpoint .*|(Old|New) value = .*|Value = .*|Hardware assisted breakpoint 3|Breakpoint 3, last|at .*|loops .*|.Inferior 1)' \
        /tmp/gdb > /tmp/gdb.said
    diff /mnt/programs/loop.gdb.expected /tmp/gdb.said
    verdict "gdb: watch, rwatch, hbreak, stepi: $1"
}

# across WHAT COMMAND...: while programs are counted, profiled and watched; the counters are those of a CPU, as events of a
# program are off while another's context is there.
across() {
    local what=$1 done
    shift
    rm -f /mnt/tmp/enough
    on 1 perf record -C 1 -o /tmp/record.across -e cycles:u -c 1000003 /tmp/loop $million /tmp/enough > /tmp/profiled 2>&1 &
    taskset 4 debugger across /mnt/tmp/enough > /tmp/watched 2>&1 && touch /tmp/hit &
    until [ "$(pidof loop | wc -w)" = 1 ]; do sleep 0.1; done
    on 0 perf stat -C 0 -x, -o /tmp/stat.across -e instructions:u /tmp/loop $million /tmp/enough > /tmp/counted 2>&1 &
    until [ "$(pidof loop | wc -w)" = 2 ]; do sleep 0.1; done
    sleep 1
    taskset 8 "$@"
    verdict "the hypervisor is $what meanwhile"
    sleep 1
    touch /mnt/tmp/enough
    wait
    done=$(sed -n 's/^loops //p' /tmp/counted)
    near "$(awk -F, '/instructions/ { print $1 }' /mnt/tmp/stat.across)" $((${done:-0} * 2)) 50
    verdict "perf stat counts $(awk -F, '/instructions/ { print $1 }' /mnt/tmp/stat.across) for $done loops of two: $what"
    done=$(sed -n 's/^loops //p' /tmp/profiled)
    set -- "$what" $(samples /tmp/record.across)
    near "$2" $((${done:-0} * 2 / 1000003)) 50
    verdict "perf record takes $2 samples of $done loops: $1"
    [ -e /tmp/hit ]
    verdict "a watchpoint that was set before hits: $1 $(cat /tmp/watched)"
    rm -f /tmp/hit
}

counted 0 "bare"; profiled 0 "bare"; debugged "bare"
across enabled bixi-cell enable system.yaml
counted 2 "under the hypervisor"; profiled 1 "under the hypervisor"; debugged "under the hypervisor"

# Without a program, as perf would wait for its end; the first numbers say that all CPUs are counted.
chroot /mnt perf stat -a -A -I 100 -x, -o /tmp/stat.held -e instructions,cycles,branches,branch-misses > /dev/null 2>&1 &
held=$!
for i in $(seq 100); do grep -q CPU3,.*branch-misses /mnt/tmp/stat.held 2> /dev/null && break; sleep 0.1; done
bixi-cell create counters.yaml && bixi-cell load counters counters.bin && bixi-cell start counters
verdict "a cell is started on CPU 2, which perf stat -a counts on"
sleep 1
kill -INT $held
for i in $(seq 100); do kill -0 $held 2> /dev/null || break; sleep 0.1; done
! kill -KILL $held 2> /dev/null && awk -F, '$2 == "CPU2" && $3 > 0 { n++ } END { exit !n }' /mnt/tmp/stat.held
verdict "perf stat -a ends, which has counted there before"
before=$(bixi-cell console counters | tee /tmp/console | sed -n 's/.* \([0-9]*\) million.*/\1/p' | tail -n 1)
chroot /mnt perf stat -a -x, -o /tmp/stat.all -e instructions /tmp/busybox sleep 4 > /dev/null 2>&1
after=$(bixi-cell console counters | tee -a /tmp/console | sed -n 's/.* \([0-9]*\) million.*/\1/p' | tail -n 1)
grep -q 'watchpoints 0, set 0, counters 0, counts yes, overflow yes' /tmp/console
verdict "it sees nothing of root, sets no watchpoint, and counts: $(grep -m 1 watchpoints /tmp/console)"
root=$(awk -F, '/instructions/ { print $1 }' /mnt/tmp/stat.all)
[ "${root:-0}" -gt 0 ] && [ $((${root:-0} / million)) -lt $((${after:-0} - ${before:-0})) ]
verdict "it does $((2 * (${after:-0} - ${before:-0}))) million instructions, of which root's counters, with $root, have none"
profiled 0 "beside the cell"
bixi-cell destroy counters
verdict "the cell is destroyed"
counted 2 "where it was"; profiled 2 "where it was"
across disabled bixi-cell disable
counted 3 "bare again"; profiled 3 "bare again"; debugged "bare again"
dmesg | grep -E 'WARNING:|BUG|Oops|Call Trace|nobody cared'; [ $? = 1 ]
verdict "the kernel has nothing to complain of"
echo "@@ all ok"
GUEST
timeout $((400 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/debug.initrd" -c 4 -m 2G --disk "$disk/root.ext4,ro" \
    -a "console=ttyS0 quiet rdinit=/test.sh kvm.enable_virt_at_load=0" < /dev/null 2>&1 | tr -d '\r' > "$work/debug.log"
[ "${PIPESTATUS[0]}" = 0 ] && said debug all
check "the guest comes to its end" $?
while read -r verdict sentence; do
    [ "$verdict" = ok ]
    check "$sentence" $?
done < <(grep -aE '^(ok|FAIL) ' "$work/debug.log")
[ "$failed" = 0 ] || tail -n 80 "$work/debug.log" | sed 's/^/    /'
finish
