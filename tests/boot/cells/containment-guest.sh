# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=sh
# What containment.sh does in the guest; it sets order (of the image's order, in bytes), seed, long.
said() { bixi-cell console "$1" >> "/tmp/$1.out"; grep -q "$2" "/tmp/$1.out"; }
counts() { : > /tmp/latency.out; bixi-cell console latency > /dev/null; within 60 said latency interrupts; }
ended() { said hostile over || state hostile failed; }
# orders TEXT: the hostile cell is started with this order.
orders() {
    : > /tmp/hostile.out
    cp hostile.bin /tmp/order.bin
    printf '%s\0' "$1" | dd of=/tmp/order.bin bs=1 seek="$order" conv=notrunc 2> /dev/null
    bixi-cell restart hostile /tmp/order.bin
}
# touches ADDRESS HOW NAME: the access fails the cell, and the record has the address.
touches() {
    orders "touch $1 $2" && within 20 state hostile failed && bixi-cell fault hostile > /tmp/fault &&
        grep -qE "gpa +0*$1 " /tmp/fault && ! grep -q survived /tmp/hostile.out
}

insmod /bixi.ko
bixi-cell enable system.yaml && bixi-cell create latency.yaml && bixi-cell load latency latency.bin &&
    bixi-cell start latency && bixi-cell create hostile.yaml && bixi-cell load hostile hostile.bin
verdict "a latency cell runs, and there is another cell"
dd if=/dev/urandom of=/tmp/data bs=1M count=8 2> /dev/null
dd if=/tmp/data of=/dev/vda bs=1M conv=fsync 2> /dev/null
witness > /tmp/witness &
witness=$!
while [ ! -e /tmp/stop ]; do
    echo 3 > /proc/sys/vm/drop_caches
    dd if=/dev/vda bs=1M count=8 2> /dev/null | cmp - /tmp/data || touch /tmp/wrong
    echo >> /tmp/rounds
    sleep 0.2
done &
disk=$!

cat /sys/devices/bixi/reserved
hypervisor=$(awk '$3 == "-" || NR == 1 { print substr($1, 3); exit }' /sys/devices/bixi/reserved)
latency=$(awk '/latency/ { print substr($1, 3); exit }' /sys/devices/bixi/reserved)
# Ways: 0 read, 1 write, 2 execute; + 4 by the TLB, + 8 in direct mode.
n=$seed
while read -r address sentence; do
    [ -n "$long" ] && ways="0 1 2 4 5 6 8 9" || ways=$(echo "0 1 2 4 5 6 8 9" | cut -d ' ' -f $((n % 8 + 1)))
    n=$((n + 3))
    for how in $ways; do
        case $address/$how in *c/[26] | *8/[26] | 1fe001e0/*) continue ;; esac
        touches "$address" "$how" || { cat /tmp/hostile.out /tmp/fault; false; }
        verdict "way $how to $sentence, $address, fails the cell, and is on record"
    done
done <<ADDRESSES
$hypervisor the hypervisor's image
${hypervisor%??????}100000 the hypervisor's memory
$latency another cell's memory
8000000 root's memory
90000000 root's memory
ffffc000 root's memory
400000 what follows its own memory
effc000 what is before the comm region
f004000 what follows the comm region
10000000 the bridge's interrupt controller
100e0000 power management
1c000000 flash
20000000 PCI configuration space
2ff00000 the doorbell of messages
40000000 PCI memory
7fffffffc000 the last page
ADDRESSES
orders "touch 3ffffc 4"; within 20 state hostile failed && bixi-cell fault hostile | grep -q 'gpa   0*400000'
verdict "an access across the end of its memory fails the cell"
counts; verdict "the other cell goes on"

orders "storm 0 $(printf %x "$seed")"; within 120 ended; state hostile running &&
    grep -q ' 0 other than' /tmp/hostile.out
verdict "a storm of all that is privileged: $(grep -a attempts, /tmp/hostile.out)"
[ -s /tmp/hostile.out ] && ! grep -q '0 other' /tmp/hostile.out && cat /tmp/hostile.out
counts; verdict "the other cell goes on"
orders "tables 0 $(printf %x "$seed")"; within 60 ended
verdict "broken page tables: $(bixi-cell list | grep hostile)"
for i in 1 2 3 4 ${long:+5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20}; do
    orders "instructions ${long:+4}1 $(printf %x $((seed + i)))"
    end=$(($(date +%s) + 5)) # they lead it into a loop more often than not
    until ended || [ "$(date +%s)" -ge $end ]; do sleep 0.2; done
    ended || state hostile running
    verdict "random instructions, $i: $(bixi-cell list | grep hostile)"
done
orders "interrupts"; within 60 said hostile interrupts; sleep 2; state hostile running
verdict "a storm of interrupts"
counts; verdict "the other cell goes on"
orders "exits"; within 60 said hostile rounds; sleep 2; state hostile running
verdict "a storm of exits"
counts; verdict "the other cell goes on"
for i in 1 2 3 ${long:+4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20}; do
    orders "hang 64" && within 20 state hostile failed && bixi-cell fault hostile > /tmp/fault && grep -q "no heartbeat" /tmp/fault
    verdict "a cell that hangs is found out, $i: $(head -n 1 /tmp/fault)"
done

# finds PATTERN: what a cell that is started now says that it found.
finds() { orders "find 0 $(printf %x "$seed")"; within 20 said hostile 'secrets found' && grep -q "$1" /tmp/hostile.out; }
orders "leave 0 $(printf %x "$seed")"; within 20 said hostile pending
finds ' 0 secrets found in registers'; verdict "secrets that a cell leaves in registers are not found when it is started again"
grep -q ' 0 secrets found in reg' /tmp/hostile.out || cat /tmp/hostile.out
orders "leave 0 $(printf %x "$seed")"; within 20 said hostile pending
bixi-cell destroy hostile && bixi-cell create hostile.yaml && bixi-cell load hostile hostile.bin &&
    finds ' 0 secrets found in registers, 0 in memory'
verdict "nor are those in memory by the next one"

bixi-cell destroy hostile && bixi-cell create hostile-again.yaml && bixi-cell load hostile hostile.bin
verdict "the cell can be destroyed, and be created again"
orders "touch 90000000 0"; within 30 sh -c '[ "$(bixi-cell fault hostile --json | grep -o "\"count\": [0-9]*" | grep -o "[0-9]*\$")" -ge 4 ]'
verdict "one that is to be restarted after a fault is, several times"
counts; verdict "the other cell goes on"
orders "interrupts"; within 20 said hostile interrupts; bixi-cell destroy hostile; verdict "one that runs can be destroyed"
[ "$(wc -l < /sys/devices/bixi/reserved)" = 2 ]; verdict "its memory is given back"
taskset 4 true; verdict "its CPU is root's again"
bixi-cell console > /tmp/hypervisor.out; ! grep -iE 'the hypervisor failed|is lost' /tmp/hypervisor.out
verdict "the hypervisor had no trouble"
touch /tmp/stop
wait $witness; verdict "root's memory and timers were all right: $(head -n 1 /tmp/witness)"
wait $disk
[ ! -e /tmp/wrong ]; verdict "and its disk, $(wc -l < /tmp/rounds) times"
bixi-cell destroy latency && bixi-cell disable && rmmod bixi; verdict "the hypervisor can be disabled"
echo "@@ all ok"
