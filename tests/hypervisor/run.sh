#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor's core: its unit tests on the mock architecture, that it compiles for AArch64, and that it is
# as small as it is to be; and all of it once more by GCC, with a cell beside root on the machine.
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0

verdict() { # TEXT, after the command that decides
    if [ $? = 0 ]; then
        echo "ok - $1" && passed=$((passed + 1))
    else
        echo "not ok - $1" && failed=$((failed + 1))
    fi
}

make -s O="${O:-build}" hv-core-aarch64
verdict "the core compiles for AArch64"
! grep -nE '#if.*(loongarch|aarch64|__arm|x86)' hypervisor/core/*.[ch]
verdict "there is no architecture in the core"
core=$(cat hypervisor/core/*.[ch] | wc -l)
[ "$core" -le 4000 ]
verdict "the core has at most 4,000 lines: $core"
arch=$(find hypervisor/arch/loongarch64 \( -name '*.[chS]' -o -name '*.def' \) -exec cat {} + | wc -l)
[ "$arch" -le 4000 ]
verdict "LoongArch64's part, too: $arch"
make -s O="${O:-build}" hypervisor
text=$(size -A "${O:-build}/hypervisor/bixi-hv.elf" | awk '$1 == ".text" { print $2 }')
[ "${text:-65537}" -le 65536 ]
verdict "the image has at most 64 KiB of code: $text bytes"
awk 'FNR > 800 { exit 1 }' hypervisor/core/*.[ch]
verdict "its files have at most 800 lines"
awk 'FNR == 1 { begin = 0 } /^{/ { begin = FNR } /^}/ { if (begin && FNR - begin > 80) { print FILENAME ":" begin; bad = 1 } begin = 0 }
    END { exit bad }' hypervisor/core/*.c
verdict "its functions have at most 80 lines"

# Each of them ends with "N passed, N failed"; one that does not has failed.
for suite in "tests/unit/run.sh tests/hypervisor" "tests/unit/run.sh tests/hypervisor/loongarch" \
    tests/hypervisor/gcc.sh; do
    output=$($suite)
    echo "$output"
    line=$(tail -n 1 <<< "$output")
    [[ $line =~ ^[0-9]+\ passed,\ [0-9]+\ failed$ ]] || line="0 passed, 1 failed"
    passed=$((passed + ${line%% *})) failed=$((failed + $(sed 's/.*, \([0-9]*\) failed/\1/' <<< "$line")))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 5 ]
