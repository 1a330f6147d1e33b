#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Runs every fuzzer for $FUZZ_SECONDS (60) on a copy of its corpus; a finding is left in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-60}
make -s -j"$(nproc)" O=build/fuzz CC=clang-19 SANITIZE=fuzzer-no-link,address,undefined fuzzers
passed=0 failed=0
for source in tests/fuzz/fuzz_*.c tests/hypervisor/{,loongarch/}fuzz_*.c; do
    name=$(basename "$source" .c)
    fuzzer=build/fuzz/${source%.c}
    seeds=$(dirname "$source")/corpus/${name#fuzz_}
    work=build/fuzz/corpus/$name
    mkdir -p "$work"
    [ -d "$seeds" ] || seeds=
    if "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "$work" $seeds > "build/fuzz/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok   $name: $(sed -n 's/stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs in $seconds s"
    else
        failed=$((failed + 1))
        echo "FAIL $name: see build/fuzz/$name.log"
        tail -n 5 "build/fuzz/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
