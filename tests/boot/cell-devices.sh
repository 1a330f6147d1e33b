#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Devices in cells: a bare-metal cell (cells/device.c) has a UART, 8 bytes of a page, with its pin's interrupts, an RTC's
# registers, messages, and memory that it shares with root; a Linux has another UART for its console.  At the other
# ends of the UARTs' wires is cells/wire.py.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/boot/lib.sh
. tests/boot/cells/lib.sh

cells_build
cell_objects tests/boot/cells/device.c && cell_link binary "$work/device.bin" "$work/device.o" &&
    "${cross}gcc" -static -O2 -I. -Wall -Wextra -Werror -o "$work/share" tests/boot/cells/share.c
check "so do a cell that has devices, and root's side of it" $?
[ "$failed" = 0 ] || { tail -n 20 "$work/make.log"; finish; exit; }

cells_root devices cells/system.yaml "$work/device.bin" "$work/share" "$guest/vmlinuz"
# Root has the UARTs' page in parts: what it does there goes by the hypervisor, which leaves cells' registers out.
parts='    - { phys: 0x1fe00000, size: 0x1000, flags: [read, write, io, io-8, io-16, io-32, io-64] }\
    - { phys: 0x1fe04000, size: 48K, flags: [read, write, io] }'
sed "s/.*phys: 0x1fe00000.*/$parts/" cells/system.yaml > "$root/cells/parts.yaml"

# cell NAME CPU MORE-MEMORY IRQCHIPS: a cell for device.bin.
cell() {
    cat > "$root/cells/$1.yaml" << YAML
architecture: loongarch64

cell:
  name: $1
  flags: [passive-comm-region, console-active]
  cpus: [$2]
  entry: 0x200000
  memory:
    - { phys: auto, virt: 0x0, size: 4M, flags: [read, write, execute, loadable] }
    - { phys: auto, virt: 0x20000000, size: 64K, flags: [read, write, root-shared] }
    - { virt: 0xf000000, size: 16K, flags: [read, write, comm-region] }
$3
  irqchips:
$4
YAML
}
uart='    - { phys: 0x1fe002e0, size: 8, flags: [read, write, io, io-8] }'
rtc='    - { phys: 0x100d0100, size: 0xfe, flags: [read, write, io, io-32, root-shared] }'
vectors='    - { kind: extioi, pins: [40-41] }'
pins='    - { kind: pch-pic, address: 0x10000000, pins: [3, 6] }'
messages='    - { kind: msi, address: 0x2ff00000, pins: [250] }'
cell device 1 "$uart
$rtc" "$vectors
$pins
$messages"
cell neighbour 2 "" "    - { kind: msi, address: 0x2ff00000, pins: [249] }"
cell voiceless 2 "" "    - { kind: pch-pic, address: 0x10000000, pins: [5] }"
cell doorbell 2 "    - { phys: 0x2ff00000, size: 16K, flags: [read, write, io] }" "$messages"
cell controller 2 "    - { phys: 0x10000200, size: 64, flags: [read, write, io, io-8, root-shared] }" "    - { kind: extioi, pins: [42] }"
cat > "$root/cells/linux.yaml" << 'YAML'
architecture: loongarch64

cell:
  name: linux
  flags: [passive-comm-region]
  cpus: [3]
  entry: 0x1000
  console: { type: 8250, address: 0x1fe003e0, size: 8, flags: [mmio] }
  memory:
    - { phys: auto, virt: 0x0, size: 256M, flags: [read, write, execute, loadable] }
    - { phys: 0x1fe003e0, size: 8, flags: [read, write, io, io-8] }
    - { virt: 0x30000000, size: 16K, flags: [read, write, comm-region] }
  irqchips:
    - { kind: extioi, pins: [44-47] }
    - { kind: pch-pic, address: 0x10000000, pins: [4] }
YAML

# What the Linux in the cell does, as a step of guest-init.
steps_initrd "$root/cells/initrd" <<'STEPS'
step_uart() {
    echo listening
    read -r answer < /dev/ttyS0
    [ "$answer" = "hello from the wire" ]; say heard $? "$answer"
    grep -q 'PCH PIC.*ttyS0' /proc/interrupts && awk '/ttyS0/ { exit !($2 > 5) }' /proc/interrupts
    say interrupts $? "$(grep ttyS0 /proc/interrupts)"
}
STEPS

cells_initrd devices <<'GUEST'
ended() { state linux shut || state linux failed; }
device() { share device "$@"; }
interrupts() { [ "$(share "$1" interrupts "$2")" -ge "$3" ]; }
begin() { bixi-cell create $1.yaml && bixi-cell load $1 device.bin && bixi-cell start $1; }
again() { share $1 forget && bixi-cell restart $1 device.bin; }
# refused FILE TEXT: no such cell can be created, and why.
refused() { ! bixi-cell create $1.yaml > /tmp/refused 2>&1 && grep -q "$2" /tmp/refused; }
# fails ORDER...: it is the cell's end, and the record has the address.
fails() { ! device "$@" && within 20 state device failed && bixi-cell fault device | grep -q "gpa   00000000${2#0x} "; }
# The second UART in root's hands: a line is sent, its answer comes by interrupts.
ttyS1() {
    local before answer=
    stty -F /dev/ttyS1 raw -echo
    exec 3<> /dev/ttyS1
    before=$(awk '/ttyS1/ { print $2 + $3 + $4 + $5 }' /proc/interrupts)
    echo listening >&3
    read -r -t 10 answer <&3
    [ "$answer" = "hello from the wire" ] && awk -v before="$before" '/ttyS1/ { exit !($2 + $3 + $4 + $5 > before) }' /proc/interrupts
    set -- $?
    exec 3>&-
    return $1
}

insmod /bixi.ko
ttyS1; verdict "the second UART is root's"
# The second is closed, which is enough; the third is taken from its driver.
port=$(readlink -f /sys/class/tty/ttyS2/device | sed 's|.*/\(00:[0-9a-f]*\)/.*|\1|')
echo $port > /sys/bus/pnp/drivers/serial/unbind
bixi-cell enable system.yaml
refused device "part of a page root maps"; verdict "no cell gets part of what root has as a whole: $(cat /tmp/refused)"
bixi-cell disable; bixi-cell enable parts.yaml
verdict "root's UART works where the page has parts"
refused voiceless "no vector"; verdict "no pins without a vector: $(cat /tmp/refused)"
refused doorbell "doorbell of messages"; verdict "no cell gets the doorbell of messages: $(cat /tmp/refused)"
refused controller "bridge's interrupts"; verdict "nor registers of the bridge's controller: $(cat /tmp/refused)"

begin device && begin neighbour; verdict "two cells are started"
device memory 1 > /tmp/shared && share neighbour memory 2 && device memory 3
verdict "what root writes to shared memory they read, and the other way round: $(cat /tmp/shared)"
# Sent: an interrupt by the pin, which has not been told a vector.
device write 0x1fe002e1 1 2; device write 0x10000040 8 0x48; device write 0x10000020 8 0; within 20 interrupts device 0 1
verdict "a pin raises a vector of its cell's from the first"
before=$(device interrupts 0); device listen; within 20 interrupts device 0 $((before + 1))
verdict "an interrupt comes by the UART's pin"
within 20 sh -c '[ "$(share device text)" = "hello from the wire" ]'; verdict "and characters: $(device text)"
device write 0x1fe002e7 1 0x5a && [ "$(device read 0x1fe002e7 1)" = 0x5a ]; verdict "the UART's last register is the cell's"
[ "$(device read 0x10000203 1)" = 0x0 ] && [ "$(device read 0x10000206 1)" = 0x1 ] && [ "$(device read 0x10000020 4)" = 0x0 ] &&
    [ "$(device read 0x10000060 8)" = 0x0 ]
verdict "the bridge's controller shows the cell its pins and its numbers"
device write 0x10000203 1 9; before=$(device interrupts 0); device listen
within 20 sh -c "[ \"\$(share device interrupts 0)\" -gt $before ]"; verdict "a pin that is given a foreign vector keeps its own"

device write 0x100d0140 4 0x2100
# In 0.1 s, on a host with time for us.
for ticks in 3277 65536 655360; do
    now=$(device read 0x100d0168 4)
    device write 0x100d016c 4 $((now + ticks)); within $((ticks / 32768 + 2)) interrupts device 1 1 && break
done
verdict "the RTC's alarm comes by another pin"; sleep 0.5
[ "$(device interrupts 1)" = 1 ]; verdict "once"

device write 0x2ff00000 4 250; within 20 interrupts device 250 1; verdict "a message arrives for a vector that the cell owns"
device write 0x2ff00000 4 249; device write 0x2ff00000 1 250; device write 0x2ff00000 4 250
within 20 interrupts device 250 2; sleep 0.2; [ "$(share neighbour interrupts 249)" = 0 ]; verdict "none at another cell"
[ "$(device interrupts 250)" = 2 ]; verdict "none by a byte"
share neighbour write 0x2ff00000 4 249; within 20 interrupts neighbour 249 1; verdict "which can send it itself"
[ "$(device interrupts 249)" = 0 ] && [ "$(share neighbour interrupts 250)" = 0 ]; verdict "each has its own"

fails read 0x1fe002e8 1; verdict "what is behind the UART fails the cell, and is on record"
again device; fails read 0x1fe001e5 1; verdict "so does another UART in the page"
again device; fails read 0x1fe002e0 2; verdict "so does an access that is too wide, ..."
again device; fails read 0x100d01fc 4; verdict "... or reaches over the end"
again device; fails write 0x100d0140 1 0; verdict "so does one that is too narrow"
again device; [ "$(device read 0x100d0140 4)" = 0x2100 ]; verdict "one of the right width does not"
before=$(device interrupts 0); device listen; within 20 interrupts device 0 $((before + 1))
verdict "started again it gets its interrupts again"

bixi-cell linux linux.yaml vmlinuz -i initrd -c "console=ttyS0 bixi.do=uart,poweroff"
verdict "a Linux is started whose console is a UART of its own"
within 60 ended; state linux shut; verdict "it ends by poweroff"
bixi-cell fault linux 2>&1 | grep -q 'had no fault'; verdict "without a fault"
bixi-cell console linux > /tmp/linux.out && [ ! -s /tmp/linux.out ]; verdict "its virtual console has seen nothing"

share device keep & kept=$!
sleep 0.5
bixi-cell destroy neighbour && bixi-cell destroy linux && bixi-cell destroy device; verdict "the cells are destroyed"
grep ' 0x10000 shared' /sys/devices/bixi/reserved | wc -l > /tmp/kept
[ "$(cat /tmp/kept)" = 1 ]; verdict "memory that a program still has mapped stays"
kill $kept; wait $kept
echo $port > /sys/bus/pnp/drivers/serial/bind; [ -e /sys/class/tty/ttyS2 ]; verdict "a driver of root's finds the UART"
ttyS1; verdict "the UART and its interrupt are root's again"
bixi-cell disable; ttyS1; verdict "and so they are without the hypervisor"
[ -z "$(cat /sys/devices/bixi/reserved)" ]; verdict "all memory is root's again"
rmmod bixi; verdict "the driver can go"
echo "@@ all ok"
GUEST
for number in 1 2; do
    tests/boot/cells/wire.py "$work/uart$number" "$work/uart$number.log" &
    wires+=($!)
done
timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -k "$guest/vmlinuz" -i "$work/devices.initrd" -c 4 -m 2G \
    --serial stdio --serial "unix:$work/uart1" --serial "unix:$work/uart2" \
    -a "console=ttyS0 quiet rdinit=/test.sh kvm.enable_virt_at_load=0" < /dev/null 2>&1 | tr -d '\r' > "$work/devices.log"
[ "${PIPESTATUS[0]}" = 0 ] && said devices all
check "the guest comes to its end" $?
kill "${wires[@]}" 2> /dev/null
while read -r verdict sentence; do
    [ "$verdict" = ok ]
    check "$sentence" $?
done < <(grep -aE '^(ok|FAIL) ' "$work/devices.log")
grep -aq 'the cell has heard' "$work/uart1.log"
check "what the cell sends is on its wire" $?
for step in heard interrupts; do
    grep -aq "@@ $step ok" "$work/uart2.log"
    check "there: $(grep -a "@@ $step" "$work/uart2.log" | tr -d '\r')" $?
done
! grep -aqE 'Oops|Call Trace|unable' "$work/uart2.log"
check "nothing went wrong in the Linux" $?
[ "$failed" = 0 ] || { tail -n 60 "$work/devices.log"; tail -n 20 "$work/uart2.log"; } | sed 's/^/    /'
finish
