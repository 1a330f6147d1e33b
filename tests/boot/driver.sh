#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor's driver in Debian's stock kernel: what it refuses, what it says then, what it leaves behind; and, with
# the hypervisor, enabling and disabling.  driver/driver.c is what runs in the guest.
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

"${cross}gcc" -static -O2 -Wall -Wextra -Werror -Ihypervisor/include -o "$work/driver" tests/boot/driver/driver.c &&
    "${cross}gcc" -nostdlib -static -Wl,-Ttext=0,--build-id=none -o "$work/stub.elf" tests/boot/driver/stub.S &&
    "${cross}objcopy" -O binary -j .text "$work/stub.elf" "$work/stub.bin"
check "the guest's program and its image build" $?

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
    [ ! -e "$build/hypervisor/bixi-hv.bin" ] || cp "$build/hypervisor/bixi-hv.bin" "$work/$name.root/lib/firmware"
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
    [ "${PIPESTATUS[0]}" = 0 ] && said "$name" all
    check "$name: the guest comes to its end" $?
    ! grep -aqE "$complaint" "$work/$name.log"
    check "$name: its kernel has nothing to complain of" $?
    while read -r verdict sentence; do
        [ "$verdict" = ok ]
        check "$name: $sentence" $?
    done < <(grep -aE '^(ok|FAIL) ' "$work/$name.log")
    [ "$failed" = 0 ] || tail -n 60 "$work/$name.log" | sed 's/^/    /'
}

cmdline=kvm.enable_virt_at_load=0
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
before=$(awk '/MemFree/ { print int($2 / 1024) }' /proc/meminfo)
load
/driver memory
[ "$(wc -l < /sys/devices/bixi/reserved)" -gt 1 ]; verdict "sysfs tells what is reserved"
unload
after=$(awk '/MemFree/ { print int($2 / 1024) }' /proc/meminfo)
[ $((before - after)) -lt 20 ]; verdict "rmmod gives it back: $after MiB free, $before before"
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
finish
