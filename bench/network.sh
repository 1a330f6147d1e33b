#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The user network beside QEMU's: the same guest takes and sends $MIB (64) MiB by TCP through forwarded ports.
# Seconds that takes, and (-cpu) that the host's processors work for it.  Settings: see run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
wanted network || exit 0
mib=${MIB:-64}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
network() { # MACHINE RUN COMMAND...
    bench/network.py --in "$in" --out "$out" --mib "$mib" --times 3 -- "${@:3}" > "$results/last" ||
        failed "network on $1"
    record network "$1" "$2" < "$results/last"
}
append="console=ttyS0 quiet bixi.do=net-dhcp,net-bench"
for run in $(seq "$runs"); do
    echo "network, run $run of $runs"
    in=$(free_port) out=$(free_port)
    forward="user,hostfwd=tcp:127.0.0.1:$in-:7003,hostfwd=tcp:127.0.0.1:$out-:7004"
    network bixi "$run" "${bixi[@]}" -k build/guest/vmlinuz -i build/guest/initrd -m 1G -a "$append" \
        --net "$forward"
    network qemu "$run" "${qemu[@]}" -m 1G -nodefaults -serial stdio \
        -bios "$(scripts/setup-tools.sh firmware)" -kernel build/guest/vmlinuz -initrd build/guest/initrd \
        -append "$append" -netdev "$forward,id=n" -device virtio-net-pci,netdev=n
done
