#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Runs every unit test program and adds up what cmocka says.
#   run.sh [DIRECTORY]   those of this directory (tests/unit)
set -uo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0
for source in "${1:-tests/unit}"/test_*.c; do
    program=${O:-build}/${source%.c}
    echo "== $(basename "$program")"
    output=$(timeout $((300 * ${TIME_SCALE:-1})) "$program" 2>&1)
    status=$?
    echo "$output"
    ok=$(grep -cE '^\[       OK \]' <<< "$output")
    bad=$(grep -cE '^\[  FAILED  \] [^0-9]' <<< "$output")
    # A program that died without cmocka counting a failure is one.
    [ $status != 0 ] && [ "$bad" = 0 ] && bad=1
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
