#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Linux KVM on the machine: Debian's kernel (the outer guest), in it Debian's QEMU with -accel kvm, which boots the same
# kernel (the inner guest).  The steps of both are in scripts/kvm-steps.
#   kvm.sh        in some minutes (suite kvm of make test)
#   kvm.sh long   all sizes, ten boots in a row, STRESS seconds of stress (600), migration (part kvm of make soak)
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
kvm=${KVM:-build/kvm}
scripts/make-kvm-guest.sh "$guest" "$kvm" || exit 1

# outer NAME SECONDS STEP[,STEP...] [OPTION...]: runs the steps in the outer guest, which then powers off.
outer() {
    local name=$1 limit=$2 todo=$3
    shift 3
    timeout $((limit * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$kvm/initrd" --disk "$kvm/kvm.img,ro" \
        -m 2G -a "console=ttyS0 quiet bixi.do=$todo,kvm-kernel,poweroff" "$@" < /dev/null > "$work/$name.log" 2>&1
    status=$?
    [ $status = 0 ] && said "$name" kvm-kernel
    check "outer guest \"$name\" ($*) powers off, its kernel content" $?
    [ $status = 0 ] && ! grep -aq '@@ .* FAILED' "$work/$name.log" || tail -n 40 "$work/$name.log" | sed 's/^/    /'
}

# shows NAME STEP "SENTENCE" [TIMES]: the step went well in the outer guest, so often.
shows() {
    local last
    last=$(grep -a "^@@ $2 " "$work/$1.log" | tail -n 1 | tr -d '\r')
    [ "$(grep -ac "^@@ $2 ok" "$work/$1.log")" = "${4:-1}" ]
    check "$3: $last" $?
}

# boots NAME CPUS [WORD]: an inner guest of this many cores booted.
boots() {
    shows "$1" "kvm-boot:$2:512${3:+:$3}" "a KVM guest with $2 core(s)${3:+ ($3)} boots to its shell and powers off in \"$1\""
}

# by_firmware NAME CPUS: it did so by EDK2, with disk and network.
by_firmware() {
    shows "$1" "kvm-efi:$2:512" "EDK2 starts a KVM guest with $2 core(s), which keeps files on a virtio disk"
    shows "$1" kvm-net "8 MiB go to the outer guest by virtio network and back"
}

stress() { # NAME CPUS MIB SECONDS
    shows "$1" "kvm-stress:$2:$3:$4" "memory under stress for $4 s in a KVM guest with $2 core(s) is verified, all timers tick"
    shows "$1" kvm-clock "the inner clock goes as the outer one"
}

short_tests() {
    outer one 600 kvm-info,kvm-boot:1:512,kvm-boot:2:512 -c 1 --cpu la664
    shows one kvm-processor "the kernel sees the virtualization extension"
    shows one kvm-initialised "the kernel says that KVM is initialised"
    boots one 1
    boots one 2
    outer four 900 kvm-info,kvm-boot:4:512,kvm-boot:1:512:irqchip=off,kvm-efi:2:512,kvm-stress:2:512:15 -c 4
    shows four kvm-initialised "the kernel with 4 cores says that KVM is initialised"
    boots four 4
    boots four 1 irqchip=off
    by_firmware four 2
    stress four 2 512 15
    outer without 300 kvm-info --cpu max,lvz=off
    grep -aq '^@@ kvm-processor FAILED' "$work/without.log" && grep -aq '^@@ kvm-initialised FAILED.*not available' "$work/without.log"
    check "with lvz=off the kernel says that KVM is not available" $?
}

long_tests() {
    local cores ten=kvm-boot:2:512 seconds=${STRESS:-600} run
    for cores in 1 4; do
        outer "matrix$cores" 1800 kvm-boot:1:512,kvm-boot:2:512,kvm-boot:4:512,kvm-boot:2:512:irqchip=off,kvm-efi:4:512 -c $cores
        for cpus in 1 2 4; do boots "matrix$cores" $cpus; done
        boots "matrix$cores" 2 irqchip=off
        by_firmware "matrix$cores" 4
    done
    outer ten 1800 $ten,$ten,$ten,$ten,$ten,$ten,$ten,$ten,$ten,$ten -c 2 --cpu la464
    shows ten $ten "a KVM guest boots ten times in a row on la464" 10
    outer two 1800 kvm-two:2:512:60 -c 4
    for name in one two; do
        shows two "kvm-two:2:512:60:$name" "of two KVM guests at once, guest $name verifies its memory"
        shows two "kvm-clock-$name" "and its clock goes as the outer one"
    done
    outer migration 900 kvm-migrate:2:512 -c 2
    shows migration kvm-migrate:2:512 "a KVM guest is migrated to a file and goes on from it"
    outer stress $((seconds * 4 + 900)) "kvm-stress:4:1024:$seconds" -c 4 -m 3G
    stress stress 4 1024 "$seconds"
    for run in 1 2; do outer "same$run" 900 kvm-boot:1:512 --deterministic --stats; done
    cmp "$work/same1.log" "$work/same2.log"
    check "two deterministic boots with a KVM guest print the same consoles and counts" $?
}

case ${1:-short} in
short) short_tests ;;
long) long_tests ;;
*) sed -n '3,6p' "$0"; exit 2 ;;
esac
finish
