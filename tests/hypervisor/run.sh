#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The hypervisor's core: its unit tests on the mock architecture, that it compiles for AArch64, and that it is
# as small as it is to be.
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
[ "$(cat hypervisor/core/*.[ch] | wc -l)" -le 4000 ]
verdict "the core has at most 4,000 lines"
awk 'FNR > 800 { exit 1 }' hypervisor/core/*.[ch]
verdict "its files have at most 800 lines"
awk 'FNR == 1 { begin = 0 } /^{/ { begin = FNR } /^}/ { if (begin && FNR - begin > 80) { print FILENAME ":" begin; bad = 1 } begin = 0 }
    END { exit bad }' hypervisor/core/*.c
verdict "its functions have at most 80 lines"

for directory in tests/hypervisor tests/hypervisor/loongarch; do
    units=$(tests/unit/run.sh $directory)
    echo "$units"
    line=$(tail -n 1 <<< "$units")
    passed=$((passed + ${line%% *})) failed=$((failed + $(sed 's/.*, \([0-9]*\) failed/\1/' <<< "$line")))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 5 ]
