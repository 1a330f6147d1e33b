#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Compares the shared folder (virtio-9p) of bixi and QEMU: the same kernel and programs in the same run, the
# two alternating; prints the medians and their ratio.  The folder is in memory (/dev/shm).
#   RUNS=3       how often each
set -euo pipefail
cd "$(dirname "$0")/.."
O=${O:-build} runs=${RUNS:-3}
guest=${GUEST:-build/guest}
[ -n "${GUEST:-}" ] || scripts/fetch-guest.sh build/guest
results=$O/bench-results/share
rm -rf "$results"
mkdir -p "$results"
folder=$(mktemp -d /dev/shm/bixi-share.XXXXXX)
trap 'rm -rf "$folder"' EXIT

# What the guest does: a large file in large and small pieces, and 2,000 small files.
cat > "$folder/guest.sh" <<'GUEST'
t() { # t NAME COMMAND...
    name=$1; shift
    echo "@@ $name begin"; "$@" > /dev/null 2> /tmp/err; status=$?; echo "@@ $name end"
    [ $status = 0 ] || { echo "@@ $name FAILED $status"; head -n 3 /tmp/err; }
}
each() { # each WHAT: for 2,000 files
    i=0
    while [ $i -lt 2000 ]; do eval "$1"; i=$((i + 1)); done
}
cd /share
mkdir many
t write-1M dd if=/dev/zero of=large bs=1M count=512
t read-1M dd if=large of=/dev/null bs=1M
t write-4K dd if=/dev/zero of=small bs=4k count=8192
t read-4K dd if=small of=/dev/null bs=4k
t create each 'echo $i > many/$i'
t open-read each 'read x < many/$i'
t stat ls -l many
t test each '[ -f many/$i ]'
t unlink rm -r many
rm large small
GUEST

append="console=ttyS0 quiet bixi.do=share,poweroff"
run_bixi() {
    bench/stamp.py --timeout 1200 -- "$O/bixi" run -k "$guest/vmlinuz" -i "$guest/initrd" -m 1G -a "$append" \
        --share "$folder,guest"
}
run_qemu() { # EDK2, as QEMU's direct start has no PCI
    bench/stamp.py --timeout 1200 -- scripts/setup-tools.sh qemu -M virt -cpu max -nographic -no-reboot -m 1G \
        -bios "$(scripts/setup-tools.sh firmware)" -kernel "$guest/vmlinuz" -initrd "$guest/initrd" \
        -append "$append" -fsdev "local,id=share,path=$folder,security_model=none" \
        -device virtio-9p-pci,fsdev=share,mount_tag=guest
}

for run in $(seq "$runs"); do
    echo "shared folder, run $run of $runs"
    for machine in bixi qemu; do
        "run_$machine" > "$results/last"
        grep -vE '^(boot|total|peak-mib|all) ' "$results/last" >> "$results/$machine"
    done
done
bench/compare.py "$results/bixi" "$results/qemu"
