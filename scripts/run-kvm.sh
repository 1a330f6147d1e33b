#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# run-kvm.sh BIXI GUEST_DIR DIR: shows KVM on the machine: Debian's kernel in bixi, inside it Debian's QEMU with
# "-accel kvm", inside that the same kernel.  With a terminal the person is left at the inner guest's shell, and after its
# poweroff at the outer one's; without one both are shown and power off, and the status is 0 only if all went well.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bixi=$1 guest=$2 kvm=$3
"$here/make-kvm-guest.sh" "$guest" "$kvm"
options=(-k "$guest/vmlinuz" -i "$kvm/initrd" -c 2 -m 2G --disk "$kvm/kvm.img,ro")
if [ -t 0 ] && [ -t 1 ]; then
    echo "bixi: booting Debian's kernel, and in it QEMU with KVM and the kernel again; the shell is the inner guest's"
    echo "bixi: poweroff -f leaves it for the outer guest's shell; Ctrl-a x leaves all"
    exec "$bixi" run "${options[@]}" -a "console=ttyS0 quiet bixi.do=show,kvm-info,kvm-shell:2:512,shell"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
timeout 900 "$bixi" run "${options[@]}" --stats \
    -a "console=ttyS0 quiet bixi.do=show,kvm-info,kvm-boot:2:512,kvm-kernel,poweroff" < /dev/null 2>&1 | tee "$log" || status=$?
if [ "$status" = 0 ] && grep -q '^@@ kvm-boot:2:512 ok' "$log" && grep -q '^@@ all end' "$log" && ! grep -q '@@ .* FAILED' "$log"; then
    echo "bixi: a KVM guest booted to userland inside the guest, and both powered off"
    exit 0
fi
echo "bixi: KVM did not go well (status $status)" >&2
exit 1
