#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Debian's drivers on both transports and both kinds of ring; the source of random numbers.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh

cmdline=
truncate -s 64M "$work/disk.img"
boot mmio 300 disk-write,virtio,rng,poweroff --disk "$work/disk.img,bus=mmio" --rng=packed=on
check "Debian boots with a disk off PCI and powers off with status 0" $status
said mmio disk-write
check "a guest makes an ext4 file system on a memory-mapped virtio disk and writes to it" $?
grep -q "virtio 0x0002 mmio packed=0" "$work/mmio.log"
check "its driver uses split rings unless packed ones are offered" $?
grep -q "virtio 0x0004 pci packed=1" "$work/mmio.log"
check "the driver of random numbers uses packed rings when they are offered" $?
said mmio rng-driver && said mmio rng
check "/dev/hwrng gives random bytes over PCI and a packed ring" $?

boot packed 300 disk-read,virtio,rng,poweroff --disk "$work/disk.img,packed=on" --rng=bus=mmio -c 2
check "Debian boots with a disk with packed rings and powers off with status 0" $status
said packed disk-read && grep -q "virtio 0x0002 pci packed=1" "$work/packed.log"
check "it reads the same bytes back from the disk over PCI and a packed ring" $?
said packed rng-driver && said packed rng && grep -q "virtio 0x0004 mmio packed=0" "$work/packed.log"
check "/dev/hwrng gives random bytes over MMIO and a split ring" $?
finish
