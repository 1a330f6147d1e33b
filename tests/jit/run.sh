#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The translator against the reference engine; arguments go to jit-test, such as
#   run.sh --row fadd.s --seed 7 --count 20000
#   run.sh --program 123456 --length 1000000
# Environment: O, the build directory (build).
set -euo pipefail
cd "$(dirname "$0")/../.."
exec "${O:-build}/tests/jit/jit-test" --seeds tests/jit/seeds.txt "$@"
