#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor beside the bare machine and Linux' KVM: exits, interrupts, cells' lives, compute, in instructions of a
# deterministic machine, so that one run is enough (hypervisor/).  Prints a table, and writes it to hypervisor.tsv.
#   to reach: hypercall <= 200 and a fifth of KVM's; IOCSR <= 150; no exit by a timer; overhead <= 0.2 %; text <= 64 KiB
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
wanted hypervisor || exit 0
make -s O="$O" driver hypervisor tools-loong64 bench-hypervisor > /dev/null
bench/micro/build.sh "$O/bench-micro"
work=$(mktemp -d "$O/bench-hypervisor.XXXXXX")
trap 'rm -rf "$work"' EXIT
programs=$O/bench-hypervisor

# linux NAME WORDS OPTION...: boots Debian's kernel with the steps on standard input, which print lines "= PLACE NAME VALUE".
linux() {
    local name=$1 words=$2
    shift 2
    mkdir -p "$work/root/bench"
    cat > "$work/root/bench/steps"
    make_initrd "$work/root" "$work/initrd"
    "${bixi[@]}" --deterministic -k build/guest/vmlinuz -i "$work/initrd" -a "console=ttyS0 quiet panic=1 rdinit=/bench/init $words" \
        "$@" < /dev/null 2>&1 | tr -d '\r' > "$work/$name.log" && grep -q '^= end' "$work/$name.log" ||
        { tail -n 20 "$work/$name.log"; failed "hypervisor: $name"; }
}

echo "hypervisor: on the bare machine, and as its root cell"
"${bixi[@]}" --deterministic -k "$programs/measure.elf" -a cores=1 < /dev/null | tr -d '\r' > "$work/alone.log" ||
    failed "hypervisor: alone"

echo "hypervisor: under Debian's kernel"
mkdir -p "$work/root/lib/firmware"
build/headers/bin/loongarch64-linux-gnu-strip -g -o "$work/root/bixi.ko" "$O/driver/bixi.ko"
cp "$O/hypervisor/bixi-hv.bin" "$work/root/lib/firmware"
cp "$O/tools-loong64/bixi-cell" "$O/bench-micro/guest" "$programs"/{measure.bin,stopwatch,vmm} bench/hypervisor/cell.yaml "$work/root"
sed 's/cpus: \[0-3\]/cpus: [0-1]/' cells/system.yaml > "$work/root/system.yaml"
linux debian kvm.enable_virt_at_load=0 -c 2 -m 2G << 'STEPS'
cd /
mount -t tmpfs tmp /tmp
watch="taskset 1 /stopwatch"
head -c 8388608 /dev/urandom > /tmp/data
exits() { cat /sys/devices/bixi/cells/0/statistics/cpu0/vmexits_total; }
# The least of some runs: what else the kernel does is not the hypervisor's.
compute() {
    for run in 1 2 3 4 5; do
        $watch "sha256-$1" sha256sum /tmp/data
        $watch "integer-$1" /guest integer > /tmp/out
        grep '^=' /tmp/out
    done | grep '^=' | sort -k 3,3 -k 4n | awk '$3 != last { print; last = $3 }'
}
need_idle
compute bare
insmod /bixi.ko
$watch enable /bixi-cell enable system.yaml
before=$(exits)
compute root
echo "= linux compute-exits $(($(exits) - before))"
$watch create /bixi-cell create cell.yaml
$watch load /bixi-cell load bench measure.bin -a 0x1000000
$watch start /bixi-cell start bench
for i in $(seq 120); do
    sleep 0.5
    /bixi-cell console bench >> /tmp/cell.out
    grep -q '^= end' /tmp/cell.out && break
done
tr -d '\r' < /tmp/cell.out | grep '^= cell'
$watch shutdown /bixi-cell shutdown bench
$watch destroy /bixi-cell destroy bench
$watch disable /bixi-cell disable
echo "= end"
STEPS
linux kvm "" -c 1 -m 2G << 'STEPS'
need_idle
/vmm /measure.bin
echo "= end"
STEPS

{
    cat "$work"/{alone,debian,kvm}.log | grep -E '^= [a-z]+ ' | grep -v '^= end'
    echo "= image text $(llvm-size-19 -A "$O/hypervisor/bixi-hv.elf" | awk '$1 == ".text" { print $2 }')"
    for part in core arch; do # lines that are neither empty nor comments alone
        echo "= image lines-$part $(find hypervisor/$part -name '*.[chS]' -not -path '*/aarch64/*' -exec cat {} + |
            sed -e 's@/\*.*\*/@@' -e '\@^[[:space:]]*/\*@,\@\*/@d' | grep -c '[^[:space:]]')"
    done
} | bench/hypervisor/report.py | tee "$results/hypervisor.tsv"
