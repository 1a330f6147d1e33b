#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# "make run", as a person or a script starts it.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
build=${O:-build}

# Without a terminal: all is shown, and ended well.
timeout $((600 * ${TIME_SCALE:-1})) make -s O="$build" run < /dev/null > "$work/run.out" 2>&1
check "make run without a terminal ends with status 0" $?
# Into a file first: in a pipe "grep -q" leaves at its line, and with pipefail what writes into it then fails.
tr -d '\r' < "$work/run.out" > "$work/run.log"
for line in '^0 +root +running +0 ' '^1 +latency +running +1 ' '^2 +linux +running +2-3 ' '^\[latency\] latency: [0-9]+ interrupts, ' \
    "^\\[linux\\] Debian's .* 2 core" \
    '^@@ cells-end ok' '^@@ all end' '^bixi: Debian ran as the root cell'; do
    grep -aqE "$line" "$work/run.log"
    check "it shows a line like $line" $?
done
[ "$failed" = 0 ] || tail -n 40 "$work/run.log" | sed 's/^/    /'

timeout $((300 * ${TIME_SCALE:-1})) make -s O="$build" run DEMO=shell < /dev/null > "$work/shell.log" 2>&1
check "make run DEMO=shell boots the kernel alone and ends with status 0" $?
grep -aq '^bixi: Debian booted to userland' "$work/shell.log"
check "and says so" $?
scripts/run-demo.sh "$bixi" "$guest" nothing > "$work/nothing.log" 2>&1
[ $? = 2 ] && grep -q 'DEMO=shell' "$work/nothing.log"
check "a demo that is not there is refused with the names of those that are" $?

# With one: a person is at root's shell, types, leaves; the cells' consoles are beside it or came before.
for terminal in dumb xterm; do
    TERM=$terminal tests/boot/terminal.py scripts/run-demo.sh "$bixi" "$guest" > "$work/terminal.log" 2>&1
    check "on a terminal of kind $terminal a person is left at the shell, and leaves: $(tail -n 1 "$work/terminal.log")" $?
done
finish
