#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# The differential test of the instruction set against qemu-loongarch64; arguments go to isa-test, such as
#   run.sh --row fadd.s --seed 7 --count 20000
# Environment: O, the build directory (build); QEMU_USER, the command that runs a loongarch64 Linux program
# (default: the one of scripts/setup-tools.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
O=${O:-build}
QEMU_USER=${QEMU_USER:-$PWD/scripts/setup-tools.sh qemu-user}
exec "$O/tests/isa/isa-test" --qemu "$QEMU_USER -cpu max" --runner "$O/tests/isa/runner" --guest-tests tests/guest "$@"
