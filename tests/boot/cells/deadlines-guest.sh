# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=sh
# What deadlines.sh does in the guest; it sets order (of the image's order, in bytes), seconds (of a storm), todo (of the
# Linux).
# orders TEXT: the hostile cell is started with this order.
orders() {
    cp hostile.bin /tmp/order.bin
    printf '%s\0' "$1" | dd of=/tmp/order.bin bs=1 seek="$order" conv=notrunc 2> /dev/null
    bixi-cell restart hostile /tmp/order.bin
}
# reports: what the latency cell says after its next report, which comes each second; then $late (ns at most), $missed
reports() {
    bixi-cell console latency > /tmp/latency.out
    until grep -q interrupts, /tmp/latency.out; do sleep 0.2; bixi-cell console latency >> /tmp/latency.out; done
    line=$(grep interrupts, /tmp/latency.out | tail -n 1)
    late=$(echo "$line" | sed 's/.* to \([0-9]*\) ns.*/\1/') missed=$(echo "$line" | sed 's/.*; \([0-9]*\) missed/\1/')
}
exits() { cat /sys/devices/bixi/cells/"$1"/statistics/vmexits_total; }
# beside WHAT: exits of root and of the hostile cell in the next seconds, and how late the latency cell, started anew, was
beside() {
    bixi-cell restart latency latency.bin
    roots=$(exits 0) its=$(exits 2)
    sleep "$seconds.1"
    roots=$(($(exits 0) - roots)) its=$(($(exits 2) - its))
    reports
    bixi-cell shutdown latency # which keeps a CPU busy
    echo "beside $1: root $roots exits, the cell $its; $line"
}

insmod /bixi.ko
bixi-cell enable system.yaml
bixi-cell create latency.yaml && bixi-cell load latency latency.bin && bixi-cell create hostile.yaml
verdict "two cells are made"
orders nothing; beside "one that does nothing"
quiet=$roots
[ "$missed" = 0 ]; verdict "beside a cell that does nothing the latency cell is late by $late ns at most"
for storm in exits interrupts; do
    orders $storm; beside "a storm of $storm"
    [ "$its" -gt 100000 ]; verdict "a storm of $storm: $its exits of the cell in $seconds s"
    [ "$missed" = 0 ] && [ "$late" -lt 10000 ]; verdict "the latency cell beside it is late by $late ns at most"
    [ "$roots" -lt $((2 * quiet)) ]; verdict "root leaves the guest $roots times meanwhile, $quiet times without"
    state hostile running; verdict "that is no fault"
done

# A tenth of a second after its only heartbeat, and nobody else's exit has to come.
orders "hang 64"
sleep 0.7
state hostile failed; verdict "a cell that hangs with interrupts off is stopped"
bixi-cell fault hostile --json > /tmp/fault
grep -q '"reason": "hang"' /tmp/fault; verdict "as one that hangs"
after=$(awk -F '[:,]' '$1 ~ /"time"/ { time = $2; if (!fault) fault = time }
    $1 ~ /"reason"/ && $2 ~ /hypercall/ { beat = time } END { printf "%d", fault - beat }' /tmp/fault)
[ "$after" -ge 10000000 ] && [ "$after" -lt 10010000 ]; verdict "$after ticks of 10 ns after its heartbeat, of 10000000"
bixi-cell destroy hostile; verdict "it can be destroyed"

bixi-cell restart latency latency.bin
bixi-cell linux linux.yaml vmlinuz -i initrd -c "console=ttyS0 quiet bixi.do=$todo"
until state linux "shut"; do sleep 0.2; bixi-cell console linux >> /tmp/linux.out 2> /dev/null; done
grep -q '@@ userland begin' /tmp/linux.out; verdict "a Linux of two CPUs boots"
[ "$(grep -c '@@ work-.* ok' /tmp/linux.out)" = 2 ]; verdict "it works on both of its CPUs"
reports
[ "$missed" = 0 ]; verdict "the latency cell misses no interrupt meanwhile: $line"
[ "$late" -lt 10000 ]; verdict "and gets none as late as a hundredth of a period"
echo "@@ all ok"
