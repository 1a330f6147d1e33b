#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# GDB: sessions with a small guest that knows all places (tests/gdb/) and with Debian's kernel.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
target=${O:-build}/tests/gdb/target.elf
hypervisor=${O:-build}/tests/gdb/hypervisor.elf

# start NAME OPTION...: a machine with a port for GDB, in $port; its messages are in $work/NAME.log.
start() {
    local name=$1
    shift
    timeout $((240 * ${TIME_SCALE:-1})) "$bixi" run --gdb 0 "$@" < /dev/null > "$work/$name.log" 2>&1 &
    machine=$!
    port=
    for ((i = 0; i < 300 * ${TIME_SCALE:-1}; i++)); do
        port=$(sed -n 's/.*GDB: connect with `target remote :\([0-9]*\)`.*/\1/p' "$work/$name.log" 2> /dev/null)
        [ -n "$port" ] && return
        sleep 0.1
    done
    echo "-- no port:"
    cat "$work/$name.log"
}

# session NAME SCRIPT [FILE]: GDB with a script; what it said is in $work/NAME.session.
session() {
    timeout $((200 * ${TIME_SCALE:-1})) scripts/setup-tools.sh gdb -nx -batch -ex "target remote :$port" \
        -x tests/gdb/common.py -x "$2" "${@:3}" > "$work/$1.session" 2>&1 < /dev/null
}

# count NAME: each check of a session is a test.
count() {
    while IFS= read -r line; do
        check "${line:5}" "$([[ $line == FAIL* ]]; echo $((1 - $?)))"
    done < <(grep -E '^(ok  |FAIL) ' "$work/$1.session")
    grep -E -A 3 '^FAIL|^Python|^Error' "$work/$1.session"
}

# ended NAME STATUS: the machine's exit status.
ended() {
    wait "$machine"
    status=$?
    [ "$status" = "$1" ] || cat "$work/$name.log"
    [ "$status" = "$1" ]
}

name=target
start target -k "$target" -D -c 2 --serial null
session target tests/gdb/session.py "$target"
count target
grep -q '^ok   detach is answered' "$work/target.session"
check "a session with break- and watchpoints, steps, registers, memory and the monitor goes through" $?
ended 0
check "after detach the guest goes on to its end" $?

# Virtual time stands while the machine does: the same session is the same to the letter.
for name in det1 det2; do
    start $name -k "$target" -D -c 2 --serial null --deterministic
    session $name tests/gdb/session.py "$target"
    ended 0
    check "a deterministic session goes through ($name)" $?
done
cmp "$work/det1.session" "$work/det2.session" && ! grep -q ^FAIL "$work/det1.session"
check "two deterministic sessions say the same" $?
timeout $((60 * ${TIME_SCALE:-1})) "$bixi" run -k "$target" -c 2 --serial null --deterministic --stats > "$work/alone.log" 2>&1
start watched -k "$target" -D -c 2 --serial null --deterministic --stats
session watched tests/gdb/count.py "$target"
name=watched
ended 0
check "a session that only looks ends well" $?
counts='^bixi: (instructions|exceptions|interrupts|TLB refills) '
diff <(grep -E "$counts" "$work/alone.log") <(grep -E "$counts" "$work/watched.log") &&
    [ "$(grep -cE "$counts" "$work/watched.log")" = 4 ]
check "the guest has executed what it executes without a debugger, to the instruction" $?

# A hypervisor and its guest, on models with and without the page walker; without LVZ GDB sees none of it.
for cpu in la464 max; do
    name=hypervisor-$cpu
    start $name -k "$hypervisor" -D --cpu $cpu --serial null
    session $name tests/gdb/hypervisor.py "$hypervisor"
    count $name
    grep -q '^ok   detach is answered' "$work/$name.session"
    check "a session with root and its guest goes through ($cpu)" $?
    ended 0
    check "after detach the guest's last call ends the machine ($cpu)" $?
done
name=without
start without -k "$target" -D --cpu la464,lvz=off --serial null
cat > "$work/without.py" << 'END'
check("without LVZ there is no group of the guest's registers", "Invalid register" in run("info registers gcsr"))
check("without LVZ root has no register for guests", "void" in run("print $gstat"), run("print $gstat"))
check("without LVZ the monitor says so", "no LVZ" in run("monitor info registers gcsr"))
run("kill")
END
session without "$work/without.py" "$target"
count without
[ "$(grep -c '^ok ' "$work/without.session")" = 3 ] && ended 0
check "a session without LVZ goes through" $?

# Debian's kernel, at its first instruction and once it runs.
name=kernel
start kernel -D -c 2 -k "$guest/vmlinuz" -i "$guest/initrd" -a "console=ttyS0 quiet bixi.do=show,tick" \
    --serial "file:$work/console"
session entry tests/gdb/entry.py
count entry
for ((i = 0; i < 1200 * ${TIME_SCALE:-1}; i++)); do
    grep -q 'userland begin' "$work/console" 2> /dev/null && break
    kill -0 $machine 2> /dev/null || break
    sleep 0.1
done
session kernel tests/gdb/kernel.py
count kernel
ended 0
check "kill ends bixi with status 0" $?

# A client that vanishes leaves the machine to go on, without its breakpoints.
name=vanish
start vanish -d -k "$target" -D --serial null
python3 - "$port" << 'END'
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for packet in (b"QStartNoAckMode", b"Z0,9000000001001050,4", b"Z2,9000000001004000,1000"):
    client.sendall(b"$%s#%02x" % (packet, sum(packet) & 255))
    client.recv(100)
END
ended 0
check "when the client vanishes the machine goes on without it" $?

# What is not possible is said in one sentence.
start taken -k "$target" -D --serial null
name=taken
mistake "$port" run -k "$target" --gdb "$port"
kill $machine
wait $machine
mistake "--gdb 70000" run -k "$target" --gdb 70000
finish
