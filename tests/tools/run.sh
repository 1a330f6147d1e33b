#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Runs the tests of bixi-cell and adds up what they say.
set -uo pipefail
cd "$(dirname "$0")/../.."
output=$(
    for source in tests/tools/test_*.c; do
        timeout 60 "${O:-build}/${source%.c}" 2>&1 || echo "not ok - ${source%.c} ended with status $?"
    done
    timeout $((180 * ${TIME_SCALE:-1})) tests/tools/command.sh || echo "not ok - command.sh ended with status $?"
)
echo "$output"
passed=$(grep -cE '^(\[       OK \]|ok )' <<< "$output")
failed=$(grep -cE '^(\[  FAILED  \] [^0-9]|not ok )' <<< "$output")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
