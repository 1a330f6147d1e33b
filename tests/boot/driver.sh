#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor's driver in Debian's stock kernel: what it refuses, what it says then, what it leaves behind; and, with
# the hypervisor, enabling, disabling and cells.  driver/driver.c and driver/cells.c are what runs in the guest.
#   driver.sh [refusals | cycles | root | long]   only this part; long: a thousand times
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
build=${O:-build}

make -s O="$build" driver > "$work/make.log" 2>&1
built=$?
check "the module builds for the guest's kernel" $built
[ $built = 0 ] || { cat "$work/make.log"; finish; exit; }
touch driver/*.c
make -s O="$build" driver > "$work/make.log" 2>&1 && ! grep -i warning "$work/make.log"
check "without a warning" $?
cross=build/headers/bin/loongarch64-linux-gnu-
comm -23 <("${cross}nm" -u "$build/driver/bixi.ko" | awk '{print $2}' | sort) \
    <(awk '{print $2}' build/headers/linux/Module.symvers | sort) > "$work/unexported"
[ ! -s "$work/unexported" ]
check "it uses exported symbols only $(tr '\n' ' ' < "$work/unexported")" $?

"${cross}gcc" -static -O2 -Wall -Wextra -Werror -Ihypervisor/include -o "$work/driver" tests/boot/driver/{driver,cells}.c
check "the guest's program builds" $?
for name in stub cell; do
    "${cross}gcc" -nostdlib -static -Wl,-Ttext=0,-e0,--build-id=none -o "$work/$name.elf" tests/boot/driver/$name.S &&
        "${cross}objcopy" -O binary -j .text "$work/$name.elf" "$work/$name.bin"
    check "$name.bin builds" $?
done
[ ! -e hypervisor/files.mk ] || make -s O="$build" hypervisor
image=$build/hypervisor/bixi-hv.bin
complaint="WARNING:|BUG|Oops|Call Trace|lockup|rcu.*stall|blocked for more"

# guest NAME SECONDS [OPTION...]: boots Debian's kernel with the commands on standard input; their lines "ok ..." and
# "FAIL ..." are checks.  Words of the command line beyond the usual come from $cmdline.
guest() {
    local name=$1 limit=$2 verdict sentence
    shift 2
    mkdir -p "$work/$name.root/lib/firmware"
    cp "$work/driver" "$work/$name.root/driver"
    "${cross}strip" -g -o "$work/$name.root/bixi.ko" "$build/driver/bixi.ko"
    cp "$work/stub.bin" "$work/$name.root/lib/firmware/stub.bin"
    head -c 100 "$work/stub.bin" > "$work/$name.root/lib/firmware/short.bin"
    sed 's/BIXI-HV/JAILHOU/' "$work/stub.bin" > "$work/$name.root/lib/firmware/other.bin"
    cp "$work/cell.bin" "$work/$name.root"
    [ ! -e "$image" ] || cp "$image" "$work/$name.root/lib/firmware"
    {
        echo 'load() { insmod /bixi.ko "$@" || echo "FAIL insmod $*"; }'
        echo 'unload() { rmmod bixi || echo "FAIL rmmod"; }'
        echo 'verdict() { if [ $? = 0 ]; then echo "ok   $*"; else echo "FAIL $*"; fi; }'
        cat
        echo "dmesg | grep -E '$complaint' && dmesg | tail -n 60"
        echo 'echo "@@ all ok"'
    } | initrd_with "$name"
    timeout $((limit * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/$name.initrd" \
        -a "console=ttyS0 quiet rdinit=/test.sh $cmdline" "$@" < /dev/null 2>&1 | tr -d '\r' > "$work/$name.log"
    status=${PIPESTATUS[0]}
    [ $status = 0 ] && said "$name" all
    check "$name: the guest comes to its end" $?
    ! grep -aqE "$complaint" "$work/$name.log"
    check "$name: its kernel has nothing to complain of" $?
    while read -r verdict sentence; do
        [ "$verdict" = ok ]
        check "$name: $sentence" $?
    done < <(grep -aE '^(ok|FAIL) ' "$work/$name.log")
    [ "$failed" = 0 ] || tail -n 60 "$work/$name.log" | sed 's/^/    /'
}

without_kvm=kvm.enable_virt_at_load=0

# What is refused, before the hypervisor has a part in it.
refusals() {
    local cpus
    cmdline=$without_kvm
    guest refusals 300 -c 2 -m 1G <<'GUEST'
rm /lib/firmware/bixi-hv.bin 2> /dev/null
load
/driver refusals
/driver no-image
[ "$(cat /sys/devices/bixi/enabled)" = 0 ]; verdict "sysfs says that it is not enabled"
[ -z "$(cat /sys/devices/bixi/reserved)" ] && [ -d /sys/devices/bixi/cells ]; verdict "there is no cell, nothing is reserved"
echo 0 > /sys/devices/system/cpu/cpu1/online; verdict "CPU 1 goes offline"
/driver offline
echo 1 > /sys/devices/system/cpu/cpu1/online; verdict "and comes online"
dmesg | grep -q 'bixi: CPU 1 is offline: echo 1'; verdict "the sentences are in the log, too"
unload
for image in short other; do
    load firmware=$image.bin
    /driver damaged-image
    unload
done
load
/driver memory
[ "$(wc -l < /sys/devices/bixi/reserved)" -gt 1 ]; verdict "sysfs tells what is reserved"
unload
for i in 1 2 3 4 5 6 7 8 9; do # more than there is
    load
    /driver memory | grep -v ^ok
    unload
done
[ ! -e /dev/bixi ] && [ ! -e /sys/devices/bixi ]; verdict "nothing is left of the module"
GUEST
    for cpus in 1 2 4; do
        guest "stub-$cpus" 300 -c $cpus -m 1G <<'GUEST'
load firmware=stub.bin
/driver stub
unload
GUEST
    done
    cmdline=
    guest kvm 300 -c 2 -m 1G <<'GUEST'
load firmware=stub.bin
/driver kvm
unload
GUEST
    guest no-lvz 300 -c 1 -m 1G --cpu max,lvz=off <<'GUEST'
load firmware=stub.bin
/driver no-lvz
unload
GUEST
}

# Linux as the root cell, and back: $1 times under load, the disk being written and read all the time.
cycles() {
    local cpus
    cmdline=$without_kvm
    truncate -s 64M "$work/disk.img"
    for cpus in 1 2 4; do
        guest "cycle-$cpus" 600 -c $cpus -m 1G --disk "$work/disk.img" <<GUEST
load
dd if=/dev/urandom of=/tmp/data bs=1M count=4 2> /dev/null
{
    while [ ! -e /tmp/stop ]; do
        dd if=/tmp/data of=/dev/vda bs=1M conv=fsync 2> /dev/null
        echo 3 > /proc/sys/vm/drop_caches
        dd if=/dev/vda bs=1M count=4 2> /dev/null | cmp - /tmp/data || touch /tmp/wrong
        echo >> /tmp/rounds
    done
} &
sleep 0.1
/driver cycle $1
touch /tmp/stop
wait
[ ! -e /tmp/wrong ] && [ "\$(wc -l < /tmp/rounds)" -gt 0 ]; verdict "the disk was right \$(wc -l < /tmp/rounds) times of as many meanwhile"
unload
GUEST
    done
}

# What Linux may do, and may not do, as the root cell.
root_cell() {
    cmdline=$without_kvm
    guest root 300 -c 2 -m 1G <<'GUEST'
load
/driver enable
/driver root
! rmmod bixi 2> /dev/null; verdict "the module cannot be removed"
! echo mem 2> /dev/null > /sys/power/state; verdict "the computer cannot be suspended"
cpu1=/sys/devices/system/cpu/cpu1/online
for i in 1 2 3; do
    echo 0 > $cpu1 && [ "$(nproc)" = 1 ] && echo 1 > $cpu1 && taskset 2 true; verdict "CPU 1 goes offline and comes back"
done
echo 0 > $cpu1
/driver disable
[ "$(cat $cpu1)" = 1 ] && taskset 2 true; verdict "CPU 1, which was offline, is back on the bare machine"
/driver enable
while :; do cat /sys/devices/bixi/*_* /sys/devices/bixi/cells/*/* /sys/devices/bixi/cells/*/statistics/* \
    /sys/devices/bixi/cells/*/statistics/*/*; done > /dev/null 2>&1 &
/driver cells
/driver mistakes 100
kill $!
/driver disable
unload
load
/driver enable
/driver running-cell
dmesg -n 8
GUEST
    grep -aq "bixi: cell 1, .* is destroyed" "$work/root.log"
    check "root: power-off destroys the cell that still runs" $?
    grep -aq 'bixi: the hypervisor is disabled' "$work/root.log"
    check "root: power-off disables the hypervisor first" $?
}

case ${1:-all} in
all | refusals) refusals ;;&
all | cycles) [ ! -e "$image" ] || cycles 10 ;;&
all | root) [ ! -e "$image" ] || root_cell ;;&
long) cycles 1000 ;;
esac
finish
