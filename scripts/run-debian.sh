#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# run-debian.sh BIXI GUEST_DIR DIR: boots the Debian disk of make-debian.sh (made if need be) as on a real computer:
# firmware, GRUB, systemd, login, network.  With a terminal the person is left at the login (root, password bixi) and
# ssh reaches the guest too; without one the script waits for the login, goes in by ssh, has apt install a package,
# and powers off; the status is 0 only if all went well.
# Environment: SSH_PORT, the host's port for the guest's ssh (2222).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bixi=$1 guest=$2 out=$3 port=${SSH_PORT:-2222}
"$here/make-debian.sh" "$bixi" "$guest" "$out"
"$here/fetch-firmware.sh" "$guest"
options=(-b "$guest/QEMU_EFI.fd,vars=$out/vars.fd" -c 2 -m 2G --disk "$out/debian.img" --net "user,hostfwd=tcp:127.0.0.1:$port-:22")
ssh_options=(-i "$out/ssh-key" -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
    -o ConnectTimeout=20 -o BatchMode=yes)

if [ -t 0 ] && [ -t 1 ]; then
    echo "bixi: Debian starts by firmware and GRUB, a minute or two; log in as root, password bixi; Ctrl-a x leaves"
    echo "bixi: from another terminal: ssh -i $out/ssh-key -p $port root@127.0.0.1"
    exec "$bixi" run "${options[@]}"
fi

log=$out/console.log
: > "$log"
"$bixi" run "${options[@]}" --serial "file:$log" < /dev/null &
machine=$!
tail -n +1 -f "$log" --pid=$machine &
trap 'kill $machine 2>/dev/null || true' EXIT

# wait_for SECONDS COMMAND...: until the command succeeds, while the machine lives.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] && kill -0 $machine 2>/dev/null || return 1
        sleep 2
    done
}
# in_guest COMMAND: by ssh.
in_guest() { ssh "${ssh_options[@]}" root@127.0.0.1 "$1" < /dev/null; }
fail() {
    echo "bixi: $1; the console is in $log" >&2
    exit 1
}

wait_for 900 grep -aq 'bixi login:' "$log" || fail "Debian did not reach its login"
echo
echo "bixi: Debian is at its login; going in by ssh"
wait_for 300 in_guest true || fail "ssh does not get in"
in_guest 'uname -a; systemctl is-system-running --wait; uptime' || true
in_guest 'apt-get -q update && apt-get -q -y install hello && hello -g "installed by apt inside the guest"' ||
    fail "apt could not install a package"
in_guest 'systemctl poweroff' || true
status=0
wait $machine || status=$?
trap - EXIT
[ $status = 0 ] || fail "the machine ended with status $status after poweroff"
echo "bixi: Debian booted to its login, ssh and apt work, it powered off"
