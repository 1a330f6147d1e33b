#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Small kernels, each of one kind of work (micro/): the same C compiled for the guest and for this machine, which
# does them $native times, as they are short here.  Settings: see run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh
bench/micro/build.sh "$O/bench-micro"
mapfile -t names < <("$O/bench-micro/native" -l)
wanted micro "${names[@]}" || exit 0
work=$(mktemp -d "$O/bench-micro.XXXXXX")
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/root/bench"
install "$O/bench-micro/guest" "$work/root/bench/micro"
cat > "$work/root/bench/steps" << 'STEPS'
need_idle
echo "@@ userland begin"
/bench/micro "$words" || echo "@@ micro FAILED $?"
STEPS
make_initrd "$work/root" "$work/initrd"

native=10
for run in $(seq "$runs"); do
    echo "micro, run $run of $runs"
    measure micro bixi "$run" 1 "${bixi[@]}" -k build/guest/vmlinuz -i "$work/initrd" -m 1G -a "$append"
    measure micro qemu "$run" 1 "${qemu[@]}" -m 1G -kernel build/guest/vmlinuz -initrd "$work/initrd" \
        -append "$append $qemu_direct"
    [ "$clock" = cpu ] || measure micro native "$run" "$native" "$O/bench-micro/native" -n "$native" "$only"
done
