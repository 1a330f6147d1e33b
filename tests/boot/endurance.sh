#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Root and its cells when root comes to an end: a panic, which other cells outlive, and a reboot.
#   endurance.sh [panic | reboot | lives]   only this part; lives, which is not among what is done otherwise: cells are
#                                           created, run and destroyed LIVES (200) times
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
. tests/boot/cells/lib.sh

cells_build
[ "$failed" = 0 ] || { tail -n 20 "$work/make.log"; finish; exit; }

# guest_of NAME: the guest does what is on standard input once the driver is loaded.
guest_of() {
    local root name
    cells_root "$1" cells/system.yaml "$build"/cells/*.bin
    # Cells that print by UARTs of the machine: what they print is seen without root.
    for name in latency:1fe002e0 ipi:1fe003e0; do
        sed -e "s/, console-active//; /console:/d; /comm-region] }/a\\    - { phys: 0x${name#*:}, virt: 0x1fe001e0, size: 8, flags: [read, write, io, io-8, root-shared] }" \
            "cells/${name%:*}.yaml" > "$root/cells/${name%:*}.yaml"
    done
    {
        echo 'insmod /bixi.ko'
        cat
    } | cells_initrd "$1"
}

cells='bixi-cell enable system.yaml
for cell in latency ipi; do
    bixi-cell create $cell.yaml && bixi-cell load $cell $cell.bin && bixi-cell start $cell; verdict "cell $cell is started"
done'

# machine NAME OPTION...: its console is NAME.log.
machine() {
    local name=$1
    shift
    timeout $((${limit:-400} * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/$name.initrd" -c 4 -m 2G \
        -a "console=ttyS0 rdinit=/test.sh kvm.enable_virt_at_load=0 panic=0" --serial "file:$work/$name.log" "$@" < /dev/null
}

verdicts() {
    local verdict sentence
    while read -r verdict sentence; do
        [ "$verdict" = ok ]
        check "$sentence" $?
    done < <(grep -aE '^(ok|FAIL) ' "$work/$1.log")
    [ "$failed" = 0 ] || tail -n 40 "$work/$1.log" | sed 's/^/    /'
}

# lines FILE PATTERN COUNT SECONDS: until the file has so many of them.
lines() {
    local left=$(($4 * ${TIME_SCALE:-1} * 5))
    until [ "$(grep -acE "$2" "$1")" -ge "$3" ]; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.2
    done
}

part_panic() {
    local pid before
    guest_of panic << GUEST
$cells
sleep 2
echo c > /proc/sysrq-trigger
GUEST
    machine panic --serial "file:$work/latency.log" --serial "file:$work/ipi.log" &
    pid=$!
    await "$work/panic.log" 'end Kernel panic' 150
    check "root panics" $?
    for name in latency:interrupts, ipi:rounds; do
        before=$(grep -ac "${name#*:}" "$work/${name%:*}.log")
        lines "$work/${name%:*}.log" "${name#*:}" $((before + 4)) 60
        check "cell ${name%:*} runs on: $(tail -n 30 "$work/${name%:*}.log" | grep -a "${name#*:}" | tail -n 1 | tr -d '\r')" $?
    done
    pkill -P $pid # what the function has started
    wait $pid 2> /dev/null
    verdicts panic
}

part_reboot() {
    truncate -s 16M "$work/disk.img"
    guest_of reboot << GUEST
$cells
if ! grep -q been-here /dev/vda; then
    echo been-here > /dev/vda
    sync
    reboot -f
fi
bixi-cell list | grep -q 'ipi .*running'; verdict "after a reboot they run again"
GUEST
    machine reboot --disk "$work/disk.img" --serial null --serial null
    check "a machine with cells reboots, and can be switched off" $?
    [ "$(grep -ac 'bixi: the hypervisor is disabled' "$work/reboot.log")" = 2 ]
    check "the hypervisor is disabled before each" $?
    verdicts reboot
    grep -aq 'after a reboot' "$work/reboot.log"
    check "it has been there twice" $?
}

part_lives() {
    limit=1500
    guest_of lives << GUEST
bixi-cell enable system.yaml
bixi-cell create latency.yaml && bixi-cell load latency latency.bin && bixi-cell start latency
verdict "cell latency is started"
reserved=\$(wc -l < /sys/devices/bixi/reserved)
free=\$(awk '/MemFree/ { print \$2 }' /proc/meminfo)
n=0
while [ \$n -lt ${LIVES:-200} ]; do
    bixi-cell create ipi.yaml && bixi-cell load ipi ipi.bin && bixi-cell start ipi && bixi-cell list | grep -q 'ipi .*running' &&
        bixi-cell destroy ipi && [ "\$(nproc)" = 3 ] || break
    n=\$((n + 1))
done
[ \$n = ${LIVES:-200} ]; verdict "a cell of two CPUs lives \$n times of ${LIVES:-200}"
[ "\$(wc -l < /sys/devices/bixi/reserved)" = \$reserved ]; verdict "its memory is given back"
now=\$(awk '/MemFree/ { print \$2 }' /proc/meminfo)
[ \$((free - now)) -lt 65536 ]; verdict "nothing is lost: \$free kB were free, \$now are"
bixi-cell destroy latency && bixi-cell disable; verdict "the hypervisor is disabled"
GUEST
    machine lives --serial "file:$work/latency.log" --serial null
    check "the guest comes to its end" $?
    verdicts lives
}

for part in ${1:-panic reboot}; do
    "part_$part"
done
finish
