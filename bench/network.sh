#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Compares the user network with QEMU's in the same run, alternating the two: the same guest takes and sends
# $MIB (64) MiB by TCP through forwarded ports.  Prints the medians of the seconds that takes, and of the
# seconds the host's processors work for it (-cpu), and their ratio.
#   RUNS=3   how often each
# Environment: O, the build directory (build).
set -euo pipefail
cd "$(dirname "$0")/.."
O=${O:-build} runs=${RUNS:-3} mib=${MIB:-64}
scripts/install-packages.sh build guest
scripts/fetch-guest.sh build/guest
results=$O/bench-results
mkdir -p "$results"
rm -f "$results"/network-*

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
measure() { # NAME COMMAND...
    local name=$1
    shift
    bench/network.py --in "$in" --out "$out" --mib "$mib" --times 3 -- "$@" >> "$results/network-$name"
}
append="console=ttyS0 quiet bixi.do=net-dhcp,net-bench"
for run in $(seq "$runs"); do
    echo "network, run $run of $runs"
    in=$(free_port) out=$(free_port)
    forward="user,hostfwd=tcp:127.0.0.1:$in-:7003,hostfwd=tcp:127.0.0.1:$out-:7004"
    measure bixi "$O/bixi" run -k build/guest/vmlinuz -i build/guest/initrd -m 1G -a "$append" \
        --net "$forward"
    measure qemu scripts/setup-tools.sh qemu -M virt -cpu max -nographic -m 1G -nodefaults -serial stdio \
        -bios "$(scripts/setup-tools.sh firmware)" -kernel build/guest/vmlinuz -initrd build/guest/initrd \
        -append "$append" -netdev "$forward,id=n" -device virtio-net-pci,netdev=n
done
bench/compare.py "$results/network-bixi" "$results/network-qemu"
