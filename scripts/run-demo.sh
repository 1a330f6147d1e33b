#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# run-demo.sh BIXI GUEST_DIR [DEMO]: without DEMO the hypervisor with cells beside Debian's kernel (run-cells.sh);
# "debian": a whole Debian (run-debian.sh); "kvm": a KVM guest in the guest (run-kvm.sh); "shell": Debian's loong64 kernel
# booted to a busybox shell.  With a terminal the person is left at the guest's prompt; without one all is shown, the guest
# checks itself and powers off, and the status is 0 only if all went well.
set -euo pipefail
bixi=$1 guest=$2
case ${3:-} in
"") exec "$(dirname "$0")/run-cells.sh" "$bixi" "$guest" ;;
shell) ;;
debian) exec "$(dirname "$0")/run-debian.sh" "$bixi" "$guest" "$(dirname "$guest")/debian" ;;
kvm) exec "$(dirname "$0")/run-kvm.sh" "$bixi" "$guest" "$(dirname "$guest")/kvm" ;;
*) echo "run-demo: there is no demo \"$3\"; say DEMO=shell, DEMO=debian or DEMO=kvm, or nothing for the hypervisor" >&2; exit 2 ;;
esac
options=(-k "$guest/vmlinuz" -i "$guest/initrd" -c 2 -m 1G)
if [ -t 0 ] && [ -t 1 ]; then
    echo "bixi: booting Debian's kernel; the shell takes a few seconds, Ctrl-a x leaves"
    exec "$bixi" run "${options[@]}" -a "console=ttyS0"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
timeout 600 "$bixi" run "${options[@]}" --stats \
    -a "console=ttyS0 bixi.cpus=2 bixi.mem=1024 bixi.wall=$(date +%s) bixi.do=show,system,poweroff" < /dev/null 2>&1 | tee "$log" || status=$?
if [ "$status" = 0 ] && grep -q '@@ all end' "$log" && ! grep -q '@@ .* FAILED' "$log"; then
    echo "bixi: Debian booted to userland, its checks passed, it powered off"
    exit 0
fi
echo "bixi: the boot did not go well (status $status)" >&2
exit 1
