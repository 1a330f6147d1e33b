#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor as a person uses it: bixi-cell in Debian's stock kernel with the driver, the cells of cells/ beside it.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
. tests/boot/cells/lib.sh

cells_build
clang-19 --target=loongarch64-unknown-none-elf -c -o "$work/foreign.o" tests/boot/cells/foreign.S &&
    ld.lld-19 -e start -Ttext=0x9000000000200000 --oformat binary -o "$work/foreign.bin" "$work/foreign.o"
check "so does a cell that does what it may not" $?
[ "$failed" = 0 ] || { tail -n 20 "$work/make.log"; finish; exit; }

cells_root cells cells/*.yaml "$build"/cells/*.bin "$work/foreign.bin"

cells_initrd cells <<'GUEST'
# prints CELL PATTERN: what the cell prints comes to have the pattern, a minute at most
prints() {
    local n=0
    until grep -qE "$2" /tmp/"$1".out 2> /dev/null; do
        n=$((n + 1))
        [ $n -gt 120 ] && { cat /tmp/"$1".out; return 1; }
        sleep 0.5
        bixi-cell console "$1" >> /tmp/"$1".out
    done
}

bixi-cell enable system.yaml 2>&1 | grep -q 'no driver\|no /dev/bixi'; verdict "without the driver a sentence says so"
insmod /bixi.ko
bixi-cell enable ipi.yaml 2>&1 | grep -q 'configuration of a cell, not of a system'
verdict "a cell's configuration enables nothing"
{ cat system.yaml; echo '    - { kind: extioi, pins: [3] }'; } > /tmp/twice.yaml
bixi-cell enable /tmp/twice.yaml > /tmp/twice 2>&1; grep -q 'lists pin 3' /tmp/twice
verdict "what the hypervisor refuses it says why: $(cat /tmp/twice)"
bixi-cell enable system.yaml; verdict "the hypervisor is enabled"
bixi-cell config create -o /tmp/probed.yaml && bixi-cell config check /tmp/probed.yaml latency.yaml linux.yaml |
    grep -q '^0 errors'
verdict "a configuration is made of the running system"

bixi-cell create latency.yaml && state latency "shut down"; verdict "the latency cell is created"
bixi-cell create latency.yaml 2>&1 | grep -q 'already'; verdict "and not twice"
bixi-cell load latency latency.bin && bixi-cell start latency && state latency "running 1"
verdict "it is loaded and started"
prints latency '^latency: [0-9]+ interrupts'; verdict "it reports: $(grep -m 1 interrupts, /tmp/latency.out)"
bixi-cell stats latency --json | grep -q '"name": "latency"'; verdict "it has statistics"
bixi-cell fault latency | grep -q 'had no fault'; verdict "it had no fault"

bixi-cell restart latency nothing.bin 2>&1 | grep -q 'nothing.bin cannot be opened' && state latency "running 1"
verdict "it goes on when what to restart it with is not there"
: > empty.bin
bixi-cell load latency empty.bin 2>&1 | grep -q 'empty.bin is empty' && state latency "running 1"
verdict "or is empty"
head -c 1000 /dev/zero | timeout 10 bixi-cell console latency -a > /dev/null; verdict "what is typed into its console it may leave there"
! head -c 20000 /dev/zero | timeout 3 bixi-cell console latency -a > /dev/null 2>&1
verdict "what it has no room for is not dropped"

mkdir nothing
bixi-cell create nothing 2>&1 | grep -q 'neither a file nothing here nor a configuration'
verdict "a directory is no configuration"
sed 's/size: 4M/size: 64M/; /virt: 0xf0/i\    - { phys: auto, virt: 0x40000000, size: 8G, flags: [read] }' ipi.yaml > /tmp/large.yaml
bixi-cell create /tmp/large.yaml 2>&1 | grep -q 'cannot be reserved' && [ "$(wc -l < /sys/devices/bixi/reserved)" = 2 ]
verdict "where memory does not suffice, none stays reserved"
{ sleep 2; cat ipi.yaml; } | bixi-cell create /proc/self/fd/0 &
sleep 0.5; bixi-cell create latency.yaml 2> /dev/null; state ipi "shut down" && bixi-cell destroy ipi
verdict "two that make cells do so one after the other"

# On a terminal statistics are shown again and again; the host looks at the numbers.
bixi-cell stats root -i 1 > /dev/console & live=$!
sleep 2
bixi-cell create ipi.yaml && bixi-cell load ipi ipi.bin && bixi-cell start ipi
verdict "a cell of two CPUs is started beside it"
sleep 2
kill $live
bixi-cell config create -o /dev/null 2>&1 | grep -q 'CPUs of cells are missing' && [ -c /dev/null ]
verdict "a configuration made now would lack their CPUs, which is said"
prints ipi '^ipi: [1-9][0-9]* rounds'; verdict "it reports: $(grep -m 1 rounds /tmp/ipi.out)"
bixi-cell create linux.yaml 2>&1 | grep -q 'CPU'; verdict "a third cell that wants its CPUs is refused"

bixi-cell restart latency foreign.bin; sleep 1; state latency "failed 1"
verdict "a cell that writes to root's memory fails"
bixi-cell fault latency > /tmp/fault
grep -q 'gpa   0000000090000008' /tmp/fault && grep -q 'a0    000000000000005a' /tmp/fault
verdict "its record has address and registers"
bixi-cell fault latency --json | grep -q '"reason": "memory"'; verdict "as JSON, too"
: > /tmp/ipi.out; prints ipi rounds; verdict "the other cell goes on"
: > /tmp/latency.out; bixi-cell restart latency latency.bin && prints latency '^latency: [0-9]+ interrupts'
verdict "the one that failed can be started again"

bixi-cell shutdown ipi && state ipi "shut down"; verdict "a cell is stopped"
bixi-cell destroy ipi && bixi-cell create linux.yaml; verdict "its CPUs can be another's; memory comes in pieces"
[ "$(grep -c linux /sys/devices/bixi/reserved)" = 8 ]; verdict "of 32 MiB"
bixi-cell destroy linux && bixi-cell destroy latency; verdict "cells are destroyed"
[ "$(wc -l < /sys/devices/bixi/reserved)" = 1 ]; verdict "their memory is given back"
# Two that do not know of each other, while CPUs go offline and come back.
compete() {
    while [ ! -e /tmp/stop ]; do
        bixi-cell create latency.yaml && bixi-cell load latency latency.bin && bixi-cell start latency && echo >> /tmp/rounds
        bixi-cell stats --json > /dev/null
        bixi-cell destroy latency
    done > /dev/null 2>&1
}
hotplug() {
    while [ ! -e /tmp/stop ]; do
        for cpu in 1 2 3; do
            for online in 0 1; do echo $online > /sys/devices/system/cpu/cpu$cpu/online; done
        done
    done 2> /dev/null
}
dmesg -n 1; dmesg -c > /dev/null
compete & one=$!; compete & other=$!; hotplug & third=$!
sleep 8; touch /tmp/stop; wait $one $other $third
bixi-cell destroy latency 2> /dev/null
# One that was to come back while the last cell had it is offline.
for cpu in 1 2 3; do echo 1 > /sys/devices/system/cpu/cpu$cpu/online; done 2> /dev/null
dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|lockup|rcu.*stall|report that'; [ $? = 1 ] && [ "$(nproc)" = 4 ] &&
    [ "$(wc -l < /sys/devices/bixi/reserved)" = 1 ] && [ "$(wc -l < /tmp/rounds)" -gt 0 ]
verdict "who compete for a CPU, and for CPUs going offline, leave all in order: $(wc -l < /tmp/rounds) cells"
dmesg -n 4
bixi-cell config create -o /tmp/later.yaml 2> /dev/null && cmp /tmp/probed.yaml /tmp/later.yaml
verdict "a configuration is what it was"
bixi-cell disable; verdict "the hypervisor is disabled"
bixi-cell list 2>&1 | grep -q 'not enabled'; verdict "list says that it is"
[ -z "$(cat /sys/devices/bixi/reserved)" ]; verdict "its memory is given back, too"
rmmod bixi; verdict "the driver can go"
echo "@@ all ok"
GUEST
timeout $((240 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/cells.initrd" -c 4 -m 2G \
    -a "console=ttyS0 quiet rdinit=/test.sh kvm.enable_virt_at_load=0" < /dev/null 2>&1 | tr -d '\r' > "$work/cells.log"
[ "${PIPESTATUS[0]}" = 0 ] && said cells all
check "the guest comes to its end" $?
[ "$(grep -ac 'root (CPUs 0,2-3)' "$work/cells.log")" -gt 0 ] && [ "$(grep -ac 'root (CPUs 0)' "$work/cells.log")" -gt 0 ] &&
    ! grep -aqE '(^| )[0-9]{18,}( |$)' "$work/cells.log"
check "statistics go on when CPUs leave the cell" $?
while read -r verdict sentence; do
    [ "$verdict" = ok ]
    check "$sentence" $?
done < <(grep -aE '^(ok|FAIL) ' "$work/cells.log")
[ "$failed" = 0 ] || tail -n 60 "$work/cells.log" | sed 's/^/    /'
finish
