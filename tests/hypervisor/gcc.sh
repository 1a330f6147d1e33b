#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor by the cross GCC of scripts/setup-tools.sh's tree: that it compiles without a word, and that the
# image does what clang's does: takes the machine over, gives it back, has a cell beside root.
set -uo pipefail
cd "$(dirname "$0")/../.."
. scripts/cross-gcc.sh
bixi=${O:-build}/bixi
out=${O:-build}/hypervisor-gcc
passed=0 failed=0

verdict() { # TEXT, after the command that decides
    if [ $? = 0 ]; then
        echo "ok - $1" && passed=$((passed + 1))
    else
        echo "not ok - $1" && failed=$((failed + 1))
    fi
}

# Warnings are said when something is compiled: all is, each time.
rm -rf "$out"
mkdir -p "$out"
log=$out/make.log
scripts/setup-tools.sh && cross_gcc "$out/bin" "$(scripts/setup-tools.sh path)"
verdict "there is a cross GCC"
programs=("$out"/tests/guest/hv/{launch,cells,platform}.elf)
make -s O="$out" HV_CC="$out/bin/loongarch64-linux-gnu-gcc" HV_LD="$out/bin/ld" hypervisor "${programs[@]}" > "$log" 2>&1
verdict "it builds the hypervisor"
! grep -iE 'warning|error' "$log"
verdict "without a warning"
compilers=$(find "$out/hypervisor" -name '*.o' -exec llvm-readelf-19 -p .comment {} + 2> /dev/null |
    grep -oE 'GCC: \([^)]*\)|clang version' | sort -u)
[[ $compilers = "GCC: (Debian 16."*")" ]]
verdict "all of it: $compilers"
size=$(llvm-size-19 "$out/hypervisor/bixi-hv.elf" | awk 'NR == 2 { print $1 }')
[ "${size:-65537}" -le 65536 ]
verdict "text of at most 64 KiB: ${size:-none}"

[ $failed = 0 ] || programs=()
for program in "${programs[@]}"; do
    name=$(basename "$program" .elf)
    timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -k "$program" --cpu max -c 4 -a cores=4 < /dev/null 2>&1 |
        tr -d '\r' > "$out/$name.log"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$out/$name.log" | tail -n 1)
    [[ $line = [1-9]*", 0 failed" ]]
    verdict "$name with this image: ${line:-does not end by itself}"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
