#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Two Linuxes: Debian's stock kernel in a cell of two CPUs, beside root's and a bare-metal cell.  How late that one is
# meanwhile is deadlines.sh's to say.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
. tests/boot/cells/lib.sh

cells_build
[ "$failed" = 0 ] || { tail -n 20 "$work/make.log"; finish; exit; }

# What the cell's init does, as guest-init's steps.
steps_initrd "$work/steps.initrd" <<'STEPS'
step_cell() {
    [ "$(nproc)" = 2 ] && [ "$(grep -c '^processor' /proc/cpuinfo)" = 2 ]; say processors $? "$(nproc)"
    # Of 256 MiB: 64 are for DMA through a buffer, the kernel has 30.
    awk '/MemTotal/ { exit !($2 > 110000 && $2 < 262144) }' /proc/meminfo; say ram $? "$(grep MemTotal /proc/meminfo)"
    taskset 2 true; say second $? "a task on the second CPU"
    sleep 0.2
    awk '/timer$/ { exit !($2 > 5 && $3 > 5) }' /proc/interrupts; say timers $? "$(grep 'timer$' /proc/interrupts)"
    awk '/IPI$/ { exit !($2 > 5 && $3 > 5) }' /proc/interrupts; say ipis $? "$(grep 'IPI$' /proc/interrupts)"
    echo 0 > /sys/devices/system/cpu/cpu1/online && [ "$(nproc)" = 1 ] && echo 1 > /sys/devices/system/cpu/cpu1/online &&
        [ "$(nproc)" = 2 ]; say hotplug $?
    awk '/ttyS0/ { exit !($2 + $3 > 5) }' /proc/interrupts; say uart $? "$(grep ttyS0 /proc/interrupts)"
}
load() { # load CPU ROUNDS: four MiB each, always the same sum
    for i in $(seq "$2"); do
        taskset "$1" dd if=/dev/zero bs=1M count=4 2> /dev/null | taskset "$1" sha256sum
    done | sort -u > "/tmp/load$1"
    [ "$(cut -c-16 "/tmp/load$1")" = bb9f8df61474d25e ]
}
step_load() {
    load 1 "$1" & first=$!
    load 2 "$1"; say load-second $? "$(wc -l < /tmp/load2) sum(s)"
    wait $first; say load-first $? "$(wc -l < /tmp/load1) sum(s)"
}
step_ask() {
    echo "@@ ask ok"
    read -r answer < /dev/ttyS0
    [ "$answer" = "from root" ]; say answer $? "$answer"
}
STEPS

cells_root cells cells/*.yaml "$build"/cells/latency.bin "$guest/vmlinuz"
cp "$work/steps.initrd" "$root/cells/initrd"

cells_initrd cells <<'GUEST'
# What a cell prints is kept in /tmp/CELL.out, from "listen CELL" on.
listen() { while :; do bixi-cell console "$1" >> "/tmp/$1.out" 2> /dev/null; sleep 0.2; done & }
# prints CELL PATTERN SECONDS
prints() {
    local n=$(($3 * 5))
    until grep -qE "$2" "/tmp/$1.out" 2> /dev/null; do
        n=$((n - 1))
        [ $n -gt 0 ] || { tail -n 15 "/tmp/$1.out"; return 1; }
        sleep 0.2
    done
}
ends() { within "$2" state "$1" "shut down"; } # ends CELL SECONDS

insmod /bixi.ko
bixi-cell enable system.yaml; verdict "the hypervisor is enabled"
bixi-cell create latency.yaml && bixi-cell load latency latency.bin && bixi-cell start latency
verdict "the latency cell runs"

head -c 100000 vmlinuz > /tmp/short
bixi-cell linux linux.yaml /tmp/short 2>&1 | grep -q 'truncated'; verdict "half a kernel is refused with a sentence"
bixi-cell linux latency.yaml vmlinuz 2>&1 | grep -q 'entry'; verdict "a cell that is not made for a Linux, too"
bixi-cell linux linux.yaml vmlinuz -i /nowhere 2>&1 | grep -q '/nowhere'; verdict "an initrd that is not there, too"
bixi-cell list | grep -q linux; [ $? = 1 ]; verdict "no cell was made for them"

listen latency; listen linux
bixi-cell linux linux.yaml vmlinuz -i initrd -c "console=ttyS0 quiet bixi.do=cell,ask,load:4,poweroff"
verdict "Debian's kernel is started in a cell"
prints linux '@@ userland begin' 60; verdict "it comes to its userland"
prints linux '@@ ask' 60
for what in processors ram second timers ipis hotplug uart; do
    grep -q "@@ $what ok" /tmp/linux.out; verdict "there: $(grep "@@ $what" /tmp/linux.out)"
done
state linux "running 2-3"; verdict "list shows it running on its CPUs"
# Root keeps its CPU busy, too, while both of the cell's are.
: > /tmp/latency.out
printf 'from root\n' | bixi-cell console linux -a >> /tmp/linux.out 2> /dev/null
(while [ ! -e /tmp/stop ]; do dd if=/dev/zero bs=1M count=2 2> /dev/null | sha256sum; done | sort -u > /tmp/sums; touch /tmp/stopped) &
prints linux '@@ all end' 90; verdict "it ends its work"
touch /tmp/stop
grep -q '@@ answer ok' /tmp/linux.out; verdict "what was typed into its console arrived"
for cpu in first second; do
    grep -q "@@ load-$cpu ok 1 sum" /tmp/linux.out; verdict "its $cpu CPU computes right under load"
done
until [ -e /tmp/stopped ]; do sleep 0.1; done
[ "$(wc -l < /tmp/sums)" = 1 ]; verdict "so does root"
prints latency '^latency: [0-9]+ interrupts' 10; verdict "the latency cell reports all the while"
ends linux 10; verdict "after poweroff list says that it is shut down"
bixi-cell fault linux 2>&1 | grep -q 'had no fault'; verdict "that was no fault"
grep -q 'reboot: Power down' /tmp/linux.out && ! grep -qE 'Oops|Call Trace|unable' /tmp/linux.out
verdict "nothing went wrong in it"

: > /tmp/linux.out
bixi-cell linux linux.yaml vmlinuz -i initrd -c "console=ttyS0 quiet bixi.do=cell,reboot" && prints linux '@@ uart' 60 && ends linux 20
verdict "the same cell boots again, and ends by reboot as well"
[ "$(grep -c '@@ [a-z]* ok' /tmp/linux.out)" = 7 ]; verdict "all works there as before"
: > /tmp/linux.out
bixi-cell linux linux.yaml vmlinuz -i initrd -c "console=ttyS0 bixi.do=panic" && prints linux 'end Kernel panic' 60
verdict "a cell's Linux may panic"
: > /tmp/latency.out; prints latency '^latency: [0-9]+ interrupts' 10; verdict "the latency cell goes on"
bixi-cell destroy linux; verdict "and be destroyed"
bixi-cell linux linux.yaml vmlinuz -i initrd -c "console=ttyS0 quiet bixi.do=show,shell" && prints linux '2 core' 60
verdict "and be made anew"
bixi-cell disable && [ "$(nproc)" = 4 ]; verdict "disabling ends it; root has all CPUs again"
[ -z "$(cat /sys/devices/bixi/reserved)" ]; verdict "and all memory"
echo "@@ all ok"
GUEST
timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/cells.initrd" -c 4 -m 2G \
    -a "console=ttyS0 quiet rdinit=/test.sh kvm.enable_virt_at_load=0" < /dev/null 2>&1 | tr -d '\r' > "$work/cells.log"
[ "${PIPESTATUS[0]}" = 0 ] && said cells all
check "the guest comes to its end" $?
while read -r verdict sentence; do
    [ "$verdict" = ok ]
    check "$sentence" $?
done < <(grep -aE '^(ok|FAIL) ' "$work/cells.log")
[ "$failed" = 0 ] || tail -n 60 "$work/cells.log" | sed 's/^/    /'
finish
