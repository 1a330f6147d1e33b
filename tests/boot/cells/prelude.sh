# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=sh
# What the guest's part of each test of cells begins with.
cd /cells
export PATH=$PATH:/cells
verdict() { if [ $? = 0 ]; then echo "ok   $*"; else echo "FAIL $*"; fi; }
# state CELL WORD...: so list's columns begin for the cell, from its state on: "running 2-3".
state() {
    bixi-cell list | awk -v name="$1" -v state="$2" '$2 == name { $1 = $2 = ""; is = index($0 " ", "  " state " ") == 1 }
        END { exit !is }'
}
# within SECONDS COMMAND...: until the command succeeds.
within() {
    local left=$(($1 * 10))
    shift
    until "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}
