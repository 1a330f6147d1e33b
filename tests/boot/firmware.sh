#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Firmware: Debian's EDK2 started from flash, on its own, with a kernel given to it, and with a disk from
# which it starts GRUB.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
scripts/fetch-firmware.sh "$guest" || exit 1
efi=$guest/QEMU_EFI.fd
cmdline=

# make_disk FILE PATH: a disk with a GPT and a FAT file system that has GRUB at PATH, its menu, and Debian's
# kernel and initrd.
make_disk() {
    local part=$1@@1M
    truncate -s 64M "$1" && printf 'label: gpt\nstart=2048, type=uefi\n' | sfdisk -q "$1" || return 1
    cat > "$work/grub.cfg" <<EOF
set timeout=0
menuentry Debian {
    echo "GRUB starts Debian"
    linux /vmlinuz console=ttyS0 quiet bixi.do=system,poweroff bixi.cpus=4 bixi.mem=1024 bixi.wall=$(date +%s)
    initrd /initrd
}
EOF
    export MTOOLS_SKIP_CHECK=1
    mformat -i "$part" -F -T $((62 * 2048)) :: && mmd -i "$part" ::/EFI ::/EFI/debian ::/EFI/BOOT &&
        mcopy -i "$part" "$guest/grub.efi" "::$2" && mcopy -i "$part" "$work/grub.cfg" ::/EFI/debian/grub.cfg &&
        mcopy -i "$part" "$guest/vmlinuz" "$guest/initrd" ::/
}

# The shell, from which a boot entry is made; the machine is reset by it, starts GRUB, and is killed.
make_disk "$work/disk.img" /EFI/debian/grub.efi
check "a disk with GRUB and Debian's kernel is made" $?
tests/boot/efi-shell.py "GRUB starts Debian" ver 'bcfg boot add 0 FS0:\EFI\debian\grub.efi bixi-entry' \
    'bcfg boot dump' reset -- "$bixi" run -b "$efi,vars=$work/vars.fd" --disk "$work/disk.img" > "$work/shell.log"
status=$?
grep -q 'UEFI Interactive Shell' "$work/shell.log" && grep -q 'Shell> .*ver' "$work/shell.log"
check "EDK2 comes to its shell, which takes commands" $?
grep -q 'Desc *- bixi-entry' "$work/shell.log"
check "the shell makes a boot entry" $?
check "the shell's reset starts the machine again, and the entry starts GRUB" $status
[ $status = 0 ] || tail -n 5 "$work/shell.log"

# A new process with the same variables finds the entry; 4 cores.
timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -b "$efi,vars=$work/vars.fd" -c 4 --disk "$work/disk.img" < /dev/null \
    > "$work/grub.log" 2>&1
check "GRUB starts Debian from the disk on 4 cores, which powers off with status 0" $?
grep -q 'starting Boot.* "bixi-entry"' "$work/grub.log"
check "the boot entry is kept over the end of the process" $?
for step in cores memory pci power-button rtc date; do
    said grub $step
    check "Debian started by GRUB sees the right $step" $?
done

# The kernel of -k, on a machine that is saved while EDK2 is at work, and goes on in another process; a reboot
# goes through EDK2's ResetSystem, as the kernel uses EFI's services.
timeout $((120 * ${TIME_SCALE:-1})) "$bixi" run -b "$efi" -m 512M --no-reboot -k "$guest/vmlinuz" -i "$guest/initrd" \
    -a "console=ttyS0 quiet bixi.do=show,reboot" --monitor "unix:$work/monitor" < /dev/null > "$work/saved.log" 2>&1 &
await "$work/saved.log" "PROGRESS CODE: V03040003" 120 &&
    tests/boot/monitor.py "$work/monitor" stop "save $work/efi.snapshot" quit > "$work/answers"
check "a machine is saved while EDK2 starts" $?
wait
boot kernel 300 show,reboot -b "$efi" --no-reboot -m 512M --load "$work/efi.snapshot"
[ $status = 3 ] && grep -q 'userland begin' "$work/kernel.log"
check "it is loaded, EDK2 starts the kernel of -k and -i, whose reboot resets the machine" $?

# The variables that EDK2 makes at its first start are those it makes on QEMU, but for their dates.
first_start() { # FILE COMMAND...
    "${@:2}" < /dev/null > "$work/first.log" 2>&1 &
    local job=$!
    await "$work/first.log" 'Boot Manager Menu' 120
    kill -KILL $job 2> /dev/null
    wait $job 2> /dev/null
    [ -s "$1" ]
}
first_start "$work/first.fd" "$bixi" run -b "$efi,vars=$work/first.fd"
check "a file for variables is made if it is missing" $?
first_start "$work/qemu.fd" "$bixi" run -q "$(scripts/setup-tools.sh qemu-path)" -b "$efi,vars=$work/qemu.fd"
differences=$(cmp -l "$work/first.fd" "$work/qemu.fd" | wc -l)
grep -q 'Boot Manager Menu' "$work/first.log" && [ "$differences" -lt 64 ]
check "EDK2's variables after its first start are those it leaves on QEMU, but for dates ($differences bytes)" $?

# Files.
: > "$work/empty"
echo short > "$work/short"
truncate -s 17M "$work/large"
mistake "$work/none" run -b "$work/none"
mistake "$work/empty" run -b "$work/empty"
mistake "$work/large" run -b "$work/large"
mistake "$work" run -b "$work"
mistake "$work/short" run -b "$work/short"
mistake "$guest/vmlinuz" run -b "$guest/vmlinuz"
mistake "$work/short" run -b "$efi,vars=$work/short"
mistake "$work/none/vars" run -b "$efi,vars=$work/none/vars"
mistake /proc/version run -b "$efi,vars=/proc/version"
mistake "$work/short" run -b "$efi" -k "$work/short"
mistake "-i" run -b "$efi" -i "$guest/initrd"
mistake "-b" run -b ,vars=x
finish
