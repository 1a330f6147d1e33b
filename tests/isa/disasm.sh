#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Compares the disassembler with GNU objdump: gets objdump and Debian's libraries, then runs
# disasm-oracle.sh.  Environment as there, all optional here.
set -euo pipefail
cd "$(dirname "$0")/../.."
export O=${O:-build}
if [ -z "${TOOLS:-}" ]; then
    scripts/setup-tools.sh
    TOOLS=$(scripts/setup-tools.sh path)
fi
if [ -z "${LIBS:-}" ]; then
    LIBS=build/guest-libraries
    if [ ! -e "$LIBS/.complete" ]; then
        # shellcheck source=scripts/forky-apt.sh
        . scripts/forky-apt.sh
        forky_apt_init build/guest-apt
        mkdir -p "$LIBS"
        unpacked=$(mktemp -d)
        trap 'rm -rf "$unpacked"' EXIT
        # The numbers in these packages' names change with every release of the library.
        for pattern in '^libc6$' '^libssl3t64$' '^libx264-[0-9]+$' '^libavcodec[0-9]+$'; do
            package=$(apt-cache "${FORKY_OPTS[@]}" search -n "$pattern" | cut -d ' ' -f 1 |
                grep -E "$pattern" | sort -V | tail -n 1)
            dpkg-deb -x "$(forky_fetch "$package" build/guest-debs)" "$unpacked"
        done
        find "$unpacked" -type f \( -name 'libc.so.6' -o -name 'libcrypto.so.*' -o -name 'libx264.so.*' \
            -o -name 'libavcodec.so.*' \) -exec cp {} "$LIBS/" \;
        touch "$LIBS/.complete"
    fi
fi
export TOOLS LIBS
tests/isa/disasm-oracle.sh
