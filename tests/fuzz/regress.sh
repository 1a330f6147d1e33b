#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# What "make test" does with the fuzzers: each runs over its committed corpus and a fixed sequence of
# mutations of it, two fuzzers at a time and each for $FUZZ_SECONDS (12) at most.  Ends with
# "N passed, N failed"; a finding is left in build/fuzz.
set -uo pipefail
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-12}
build=build/fuzz
make -s -j"$(nproc)" O=$build CC=clang-19 SANITIZE=fuzzer-no-link,address,undefined fuzzers || {
    echo "not ok - the fuzzers compile"
    echo "0 passed, 1 failed"
    exit 1
}

one() { # DIRECTORY NAME
    local fuzzer=$build/$1/$2 seeds=$1/corpus/${2#fuzz_}
    shift
    local log=$build/$1-regress.log new=$build/regress/$1
    [ -d "$seeds" ] || seeds=
    # What is new goes into the first directory and is not used again.
    rm -rf "$new" && mkdir -p "$new"
    if timeout $((seconds * 10)) "$fuzzer" -runs=20000 -seed=1 -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$build/$1-" "$new" $seeds > "$log" 2>&1 < /dev/null; then
        echo "ok - $1 has no finding in $(sed -n 's/stat::number_of_executed_units: *//p' "$log") inputs"
    else
        echo "not ok - $1 has no finding: see $log"
        grep -E 'runtime error|ERROR|SUMMARY' "$log" | head -n 5
    fi
}

verdicts=$(
    for source in tests/fuzz/fuzz_*.c tests/hypervisor/{,loongarch/}fuzz_*.c; do
        while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
        one "$(dirname "$source")" "$(basename "$source" .c)" &
    done
    wait
)
echo "$verdicts"
passed=$(grep -c '^ok ' <<< "$verdicts") failed=$(grep -c '^not ok ' <<< "$verdicts")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
