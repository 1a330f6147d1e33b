#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Monitor and QMP on whole systems: QEMU's Python library and qmp-shell as clients, QEMU as the measure.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
PYTHONPATH=$(scripts/setup-tools.sh qmp-path)
export PYTHONPATH

# session "SENTENCE" COMMAND...: each line "ok ..." or "FAIL ..." that COMMAND prints is a test; so is its end.
session() {
    local sentence=$1
    shift
    timeout $((600 * ${TIME_SCALE:-1})) "$@" > "$work/session.log" 2>&1 < /dev/null
    status=$?
    passed=$((passed + $(grep -c '^ok ' "$work/session.log")))
    failed=$((failed + $(grep -c '^FAIL ' "$work/session.log")))
    grep -E '^(ok|FAIL) ' "$work/session.log"
    [ $status = 0 ] || tail -n 15 "$work/session.log"
    check "$sentence" $status
}

session "the session with QEMU's Python library ends well" \
    tests/boot/qmp-session.py "$bixi" "$guest" "$work/control" control -c 2
session "the same session works with a deterministic machine" \
    tests/boot/qmp-session.py "$bixi" "$guest" "$work/det" control --deterministic
session "the power button's session ends well" tests/boot/qmp-session.py "$bixi" "$guest" "$work/button" button
session "bixi's answers agree with QEMU's" \
    tests/boot/qmp-compare.py "$bixi" "$guest" "$work/compare" "$(scripts/setup-tools.sh qemu-path)"

# qmp-shell, as a person uses it.  shell NAME [OPTION]: its standard input is typed; bixi ends by it.
shell() {
    local name=$1
    shift
    "$bixi" run -k "$guest/vmlinuz" -m 256M --serial null --qmp "unix:$work/$name" < /dev/null > "$work/$name.log" 2>&1 &
    local pid=$!
    for _ in $(seq 600); do [ -S "$work/$name" ] && break; sleep 0.1; done
    timeout $((60 * ${TIME_SCALE:-1})) python3 -m qemu.qmp.qmp_shell "$@" "$work/$name" > "$work/$name.out" 2>&1
    timeout $((60 * ${TIME_SCALE:-1})) tail --pid=$pid -f /dev/null || kill $pid
    wait $pid
    status=$?
}
shell plain << 'END'
query-status
stop
query-status
human-monitor-command command-line=help
cont
no-such-command
quit
END
[ $status = 0 ] && grep -q '"status": "paused"' "$work/plain.out" && grep -q 'system_powerdown' "$work/plain.out" &&
    grep -q 'The command no-such-command has not been found' "$work/plain.out"
check "qmp-shell queries, stops, continues and quits" $?
shell human -H << 'END'
info status
info version
quit
END
[ $status = 0 ] && grep -q 'VM status: running' "$work/human.out" && grep -q 'Bixi [0-9]' "$work/human.out"
check "qmp-shell -H is a monitor" $?

# On a terminal.
for mode in "" --deterministic; do
    timeout $((600 * ${TIME_SCALE:-1})) tests/boot/monitor-terminal.py "$bixi" run -k "$guest/vmlinuz" -i "$guest/initrd" \
        -a "console=ttyS0 quiet" -m 512M $mode
    check "Ctrl-a c goes to the monitor and back, whatever the guest does${mode:+ ($mode)}" $?
done

# A hypervisor in the monitor: its guest's registers, and its entries and exits from the moment on that they are asked for.
timeout $((60 * ${TIME_SCALE:-1})) "$bixi" run -k "${O:-build}/tests/gdb/hypervisor.elf" -D --gdb 0 --serial null \
    --monitor "unix:$work/guest" < /dev/null > "$work/guest.log" 2>&1 &
pid=$!
tests/boot/monitor.py "$work/guest" "info registers gcsr" "trace-event vmexit on" "info trace-events" \
    "info cpus" cont > "$work/guest.said"
check "the monitor goes along with a hypervisor" $?
wait $pid
check "which runs to its end after cont" $?
grep -q '^CRMD      0000000000000008 ' "$work/guest.said" && grep -q 'ASID      00000000000a0000' "$work/guest.said" &&
    ! grep -q GSTAT "$work/guest.said"
check "info registers gcsr shows the guest's registers as they are after a reset" $?
grep -q '^vmexit : state 1' "$work/guest.said" && grep -q '^csr : state 0' "$work/guest.said" &&
    [ "$(grep -c ' cpu0 vmexit enter ' "$work/guest.log")" = 5 ] && grep -q ' vmexit HVC .* insn=0x2b8013 gid=1' "$work/guest.log"
check "trace-event vmexit on writes the entries and exits that follow" $?

# Mistakes are one sentence.
mistake "graphics come in a later version" run -g
mistake "graphics come in a later version" run -k "$guest/vmlinuz" -g gtk
mistake "--monitor stdio" run -k "$guest/vmlinuz" --monitor stdio
mistake "--qmp stdio" run -k "$guest/vmlinuz" --qmp stdio
mistake "carrier-pigeon" run -k "$guest/vmlinuz" --monitor carrier-pigeon
mistake "$work/none/x" run -k "$guest/vmlinuz" --qmp "unix:$work/none/x"
finish
