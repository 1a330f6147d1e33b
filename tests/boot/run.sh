#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Whole systems: Debian's kernel booted directly, as people boot it.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh

# Every size of machine sees what it was given: cores, memory, PCI, power button, clock.
machine() { # CPUS MEM MIB [OPTION...]
    local cpus=$1 mem=$2 mib=$3 name="boot-$1-$2"
    shift 3
    cmdline="bixi.cpus=$cpus bixi.mem=$mib bixi.wall=$(date +%s)"
    boot "$name" 300 system,poweroff -c "$cpus" -m "$mem" "$@"
    check "Debian boots with $cpus core(s) and $mem${*:+ ($*)} and powers off with status 0" $status
    for step in cores memory pci power-button rtc date; do
        said "$name" $step
        check "the guest with $cpus core(s) and $mem sees the right $step" $?
    done
}
machine 1 1G 1024
machine 4 4G 4096
machine 4 16G 16384
machine 1 1G 1024 --cpu la464
machine 2 1G 1024 --cpu la664
machine 64 2G 2048

# What is written to a disk is there after a reboot, and a snapshot leaves the file alone.
cmdline=
truncate -s 64M "$work/disk.img"
boot write 300 disk-write,poweroff --disk "$work/disk.img"
said write disk-write
check "a guest makes an ext4 file system on a virtio disk and writes to it" $?
boot read 300 disk-read,poweroff --disk "$work/disk.img,ro"
said read disk-read
check "the next boot reads back the same bytes from the disk" $?
before=$(sha256sum < "$work/disk.img")
boot snapshot 300 disk-write,poweroff --disk "$work/disk.img,snapshot"
said snapshot disk-write && [ "$before" = "$(sha256sum < "$work/disk.img")" ]
check "writes to a snapshot disk succeed and leave the file as it was" $?

# A reboot starts the machine again; under --no-reboot it ends with status 3.
cmdline="panic=1"
boot panic 300 panic --no-reboot -c 2
[ $status = 3 ]
check "a panic that reboots under --no-reboot leaves with status 3" $?
cmdline=
boot reboot 300 reboot --no-reboot
[ $status = 3 ]
check "a reboot under --no-reboot leaves with status 3" $?

# Deterministic runs are equal to the byte.
for run in 1 2; do
    boot "det$run" 600 show,poweroff -c 2 --deterministic --stats --trace "exception,interrupt,$work/trace$run"
    check "a deterministic boot with 2 cores ends well (run $run)" $status
done
cmp "$work/det1.log" "$work/det2.log"
check "two deterministic boots print the same console and counts" $?
cmp "$work/trace1" "$work/trace2" && [ -s "$work/trace1" ]
check "two deterministic boots leave the same trace" $?
finish
