#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Networks: the user network with forwarded ports, two machines on a cable, tap devices, mistakes.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
cmdline=

# A port of the host that nobody uses.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for NAME SECONDS TEXT: until the console of machine NAME has said it.
wait_for() {
    local end=$((SECONDS + $2 * ${TIME_SCALE:-1}))
    until grep -qF -- "$3" "$work/$1.log" 2>/dev/null; do
        [ $SECONDS -lt $end ] || { echo "-- $1 did not say '$3':"; tail -n 15 "$work/$1.log"; return 1; }
        sleep 0.2
    done
}

# start NAME TODO CMDLINE OPTION...: as boot, in the background; its process is in $machine.
start() {
    local name=$1 todo=$2 cmdline=$3
    shift 3
    : > "$work/$name.log"
    timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$guest/initrd" \
        -a "console=ttyS0 quiet bixi.do=$todo $cmdline" "$@" < /dev/null >> "$work/$name.log" 2>&1 &
    machine=$!
}

# What the guest said behind "@@ STEP ok".
detail() {
    sed -n "s/^@@ $2 ok \([^[:space:]]*\).*/\1/p" "$work/$1.log" | head -n 1
}

# 64 MiB through forwarded ports, there and back.
mib=64
head -c $((mib << 20)) /dev/urandom > "$work/data"
hash=$(sha256sum < "$work/data" | cut -d' ' -f1)
echo_test() { # NAME OPTION...: a guest that sends back what it gets
    local name=$1 in out back
    shift
    in=$(free_port) out=$(free_port)
    start "$name" net-dhcp,net-echo,poweroff "" \
        --net "user,hostfwd=tcp:127.0.0.1:$in-:7001,hostfwd=tcp:127.0.0.1:$out-:7002$1" "${@:2}"
    wait_for "$name" 120 "@@ net-echo begin"
    said "$name" net-dhcp && [ "$(detail "$name" net-dhcp)" = 10.0.2.15/24 ]
    check "$name: the guest gets 10.0.2.15 by DHCP" $?
    python3 tests/boot/transfer.py send "$in" "$work/data"
    wait_for "$name" 120 "@@ net-received"
    for _ in {1..50}; do # the line may still be on its way
        [ "$(detail "$name" net-received | wc -c)" -ge 65 ] && break
        sleep 0.1
    done
    [ "$(detail "$name" net-received)" = "$hash" ]
    check "$name: $mib MiB sent through hostfwd arrive in the guest with their checksum" $?
    back=$(python3 tests/boot/transfer.py receive "$out")
    [ "$back" = "$hash" ] || { echo "-- $back came back, $hash was sent"; false; }
    check "$name: $mib MiB come back through hostfwd with their checksum" $?
    wait $machine
    check "$name: the machine powers off with status 0" $?
}
echo_test user "" -c 2
mib=4
head -c $((mib << 20)) "$work/data" > "$work/small" && mv "$work/small" "$work/data"
hash=$(sha256sum < "$work/data" | cut -d' ' -f1)
echo_test packed ",packed=on"
echo_test mmio ",bus=mmio"

# A port that is taken, and other mistakes: one sentence, status 2.
python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(600)' > "$work/port" &
taken=$!
until [ -s "$work/port" ]; do sleep 0.1; done
port=$(cat "$work/port")
mistake "port $port" run -k "$guest/vmlinuz" --net "user,hostfwd=tcp:127.0.0.1:$port-:22"
mistake "in use" run -k "$guest/vmlinuz" --net "user,hostfwd=udp:127.0.0.1:$port-:1,hostfwd=tcp:127.0.0.1:$port-:22"
kill $taken
mistake carrier-pigeon run -k "$guest/vmlinuz" --net carrier-pigeon
mistake 'frob=1' run -k "$guest/vmlinuz" --net user,frob=1
mistake hostfwd=tcp:22 run -k "$guest/vmlinuz" --net user,hostfwd=tcp:22
mistake hostfwd=icmp:: run -k "$guest/vmlinuz" --net user,hostfwd=icmp::1-:1
mistake "65535" run -k "$guest/vmlinuz" --net user,hostfwd=tcp::1-:70000
mistake mac= run -k "$guest/vmlinuz" --net user,mac=53:54:00:12:34:56
mistake mac= run -k "$guest/vmlinuz" --net user,mac=nonsense
mistake "tap" run -k "$guest/vmlinuz" --net tap
mistake "bixi-no-tap" run -k "$guest/vmlinuz" --net tap=bixi-no-tap
mistake "not a tap device" run -k "$guest/vmlinuz" --net tap=lo
mistake "socket" run -k "$guest/vmlinuz" --net socket=
mistake "$work/none/x" run -k "$guest/vmlinuz" --net "socket=$work/none/x"
mistake "not a socket" run -k "$guest/vmlinuz" --net "socket=$work/data"
mistake "longer than" run -k "$guest/vmlinuz" --net "socket=$work/$(printf 'x%.0s' {1..120})"

# Two machines on a cable: ping, 8 MiB there and back; then one is killed, and started again.
start left net-static,net-echo,net-link,poweroff bixi.ip=192.168.7.1/24 --net "socket=$work/cable" \
    --net none
left=$machine
wait_for left 120 "@@ net-static"
start right net-static,net-client,poweroff "bixi.ip=192.168.7.2/24 bixi.peer=192.168.7.1" \
    --net "socket=$work/cable,mac=52:54:00:00:00:02" -c 2
wait $machine
check "the second machine of a cable powers off with status 0" $?
said right net-ping
check "it reached the first by ping" $?
said right net-client && said left net-received && said left net-sent &&
    [ "$(detail right net-client)" = "$(detail left net-received)" ]
check "8 MiB went over the cable and came back the same" $?
wait_for left 60 "@@ net-link-0 ok"
check "the first machine's guest sees the link go down when the second has ended" $?
start again net-static,reboot bixi.ip=192.168.7.2/24 --net "socket=$work/cable" --no-reboot
again=$machine
wait_for left 120 "@@ net-link-1 ok"
check "and up when another machine takes its place" $?
wait $left
check "the first machine went on and powers off with status 0" $?
wait $again
[ $? = 3 ] && [ ! -e "$work/cable" ]
check "the other machine ends as asked, and nothing is left of the cable" $?

# Killed without a chance to say goodbye: the one that listened leaves a stale socket, which is taken over.
start first net-static,net-link,poweroff bixi.ip=192.168.7.1/24 --net "socket=$work/cable2"
first=$machine
until [ -S "$work/cable2" ]; do sleep 0.1; done
start second net-static,net-link,poweroff bixi.ip=192.168.7.2/24 --net "socket=$work/cable2"
second=$machine
wait_for second 120 "@@ net-link begin"
pkill -9 -P $first
wait $first 2>/dev/null
wait_for second 60 "@@ net-link-0 ok"
check "when the listening machine is killed, the other's guest sees the link go down" $?
start third net-static,poweroff bixi.ip=192.168.7.1/24 --net "socket=$work/cable2"
wait_for second 120 "@@ net-link-1 ok"
check "and a new machine finds it through the same path" $?
wait $second
check "which powers off with status 0" $?
wait $machine
check "as does the new one" $?

# A tap device, in a network namespace of our own so that nothing of the host's network is touched.
if unshare -n true 2>/dev/null && [ -w /dev/net/tun ] && command -v ip > /dev/null; then
    cat > "$work/tap.sh" <<'SCRIPT'
ip tuntap add dev bixitap mode tap && ip addr add 192.168.7.1/24 dev bixitap && ip link set bixitap up || exit 1
timeout 300 "$1" run -k "$2/vmlinuz" -i "$2/initrd" --net tap=bixitap \
    -a "console=ttyS0 quiet bixi.do=net-static,net-client,poweroff bixi.ip=192.168.7.2/24 bixi.peer=192.168.7.1" < /dev/null &
python3 tests/boot/transfer.py echo 7001 7002
wait $!
SCRIPT
    unshare -n bash "$work/tap.sh" "$bixi" "$guest" > "$work/tap.log" 2>&1
    check "a machine on a tap device powers off with status 0" $?
    said tap net-ping && said tap net-client
    check "it reaches the host over the tap device, and 8 MiB come back the same" $?
else
    echo "-- no tests of tap devices: this system lets nobody make network namespaces or open /dev/net/tun"
fi
finish
