#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# Shared folders: Debian's 9p client against virtio-9p, looked at from both sides.
set -uo pipefail
cd "$(dirname "$0")/../.."
# A mount of root's goes away with this script, however it ends.
if [ "$(id -u)" = 0 ] && [ -z "${SHARE_NAMESPACE:-}" ] && unshare -m true 2> /dev/null; then
    SHARE_NAMESPACE=yes exec unshare -m "$0"
fi
. tests/boot/lib.sh
shares=$work/shares
mkdir -p "$shares"/{guest,ro,loose,mmap,full,packed}
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m bixi-test "$shares/full" 2> /dev/null; then
    trap 'umount "$shares/full"; rm -rf "$work"' EXIT # lib.sh's, behind the mount
    full=yes
fi

# Mistakes on the command line.
mistake "$work/none" run -k "$guest/vmlinuz" --share "$work/none,t"
mistake "Not a directory" run -k "$guest/vmlinuz" --share "$guest/vmlinuz,t"
mistake "DIR,TAG" run -k "$guest/vmlinuz" --share "$shares/guest"
mistake "DIR,TAG" run -k "$guest/vmlinuz" --share ",tag"
mistake "DIR,TAG" run -k "$guest/vmlinuz" --share "$shares/guest,"
mistake "33 bytes" run -k "$guest/vmlinuz" --share "$shares/guest,$(printf '%033d' 0)"
mistake "twice" run -k "$guest/vmlinuz" --share "$shares/guest,a" --share "$shares/ro,a,ro"
many=()
for i in 1 2 3 4 5 6 7 8 9; do many+=(--share "$shares/guest,t$i"); done
mistake "at most 8" run -k "$guest/vmlinuz" "${many[@]}"
"$bixi" run -k x --share "$shares/a,b,t,ro" -q echo 2> "$work/err" |
    grep -q -- "-fsdev local,id=share0,path=$shares/a,,b,security_model=none,multidevs=remap,readonly=on -device virtio-9p-pci,fsdev=share0,mount_tag=t"
check "-q shares the folder by QEMU's options" $?

# What the host puts there.
mkdir "$shares/guest/host-many" "$shares/guest/away"
for ((i = 0; i < 10000; i++)); do echo "host $i" > "$shares/guest/host-many/$i"; done
head -c 32M /dev/urandom > "$shares/guest/host-big"
echo "read me" > "$shares/ro/file"
echo "still there" > "$shares/guest/under"
echo "0123456789" > "$shares/guest/cut"
echo "x" > "$shares/guest/away/file"
head -c 100 /dev/urandom > "$shares/loose/seed"

cat > "$shares/guest/guest.sh" <<'GUEST'
refused() { # refused SENTENCE COMMAND...: it fails, and says so
    sentence=$1; shift
    "$@" > /tmp/out 2>&1 && return 1
    grep -q "$sentence" /tmp/out || { cat /tmp/out; return 1; }
}
cd /share
ls host-many | sort -n > /tmp/names && [ "$(wc -l < /tmp/names)" = 10000 ] && [ "$(tail -n 1 /tmp/names)" = 9999 ] &&
    sed -n 's/7$/7/p' /tmp/names > /tmp/some && sed 's/^/host /' /tmp/some > /tmp/want &&
    (cd host-many && xargs cat < /tmp/some) | cmp - /tmp/want
say host-files $?
mkdir many; i=0
while [ $i -lt 10000 ]; do echo "guest $i" > many/$i; i=$((i + 1)); done
[ "$(ls many | wc -l)" = 10000 ]; say guest-files $?
mkdir removed; i=0
while [ $i -lt 300 ]; do : > removed/a-long-name-for-a-file-that-is-soon-gone-again-$i; i=$((i + 1)); done
rm -r removed; [ ! -e removed ]; say remove-all $?
sha256sum < host-big > host-big.sum && cp host-big guest-big && cmp host-big guest-big; say big $?

mkdir d && echo one > d/a && mv d/a d/b && [ "$(cat d/b)" = one ] && [ ! -e d/a ] &&
    echo two > d/c && mv d/c d/b && [ "$(cat d/b)" = two ] && mv d e && [ "$(cat e/b)" = two ]
say rename $?
ln e/b e/link && [ "$(stat -c %h e/b)" = 2 ] && [ "$(stat -c %i e/b)" = "$(stat -c %i e/link)" ] && rm e/b &&
    [ "$(cat e/link)" = two ]
say link $?
chmod 640 e/link && [ "$(stat -c %a e/link)" = 640 ] && touch -d '2020-01-02 03:04:05' e/link &&
    [ "$(stat -c %y e/link | cut -c1-19)" = '2020-01-02 03:04:05' ]
say attributes $?
ln -s nowhere/else e/symlink && [ "$(readlink e/symlink)" = nowhere/else ] && ln -s /etc/hostname e/host &&
    ! cat e/host 2>/dev/null && ln -s / e/slash && [ "$(ls e/slash/init)" = e/slash/init ]
say symlink $?
mkfifo e/fifo && (echo through > e/fifo &) && [ "$(cat e/fifo)" = through ]; say fifo $?
refused 'not permitted' mknod e/null c 1 3; say no-devices $?
dd if=/dev/zero of=e/size bs=1k count=64 conv=fsync 2>/dev/null && truncate -s 1000 e/size &&
    [ "$(stat -c %s e/size)" = 1000 ] && truncate -s 5000 e/size && [ "$(stat -c %s e/size)" = 5000 ]
say truncate $?
exec 4> e/open && rm e/open && echo kept >&4 && [ "$(stat -L -c %s /proc/self/fd/4)" = 5 ]; say unlinked $?
exec 4>&-
df /share | grep -q guest; say statfs $?

# The host takes things away while they are in use.
exec 3< under; exec 5< cut
touch ready; i=0
while [ ! -e go ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done
refused 'No such file' cat under && [ "$(cat <&3)" = "still there" ] && { ! cat <&5 > /tmp/out 2>&1 || [ "$(cat /tmp/out)" = 012 ]; } &&
    refused 'No such file' ls away && ls e > /dev/null
say taken-away $?

mount -t 9p -o trans=virtio,ro ro /mnt; refused 'Read-only' touch /mnt/x; say mounted-ro $?; umount /mnt
mount -t 9p -o trans=virtio ro /mnt && [ "$(cat /mnt/file)" = "read me" ] && refused 'Read-only' touch /mnt/x &&
    refused 'Read-only' rm /mnt/file && refused 'Read-only' mkdir /mnt/d &&
    refused 'Read-only' mv /mnt/file /mnt/other && refused 'Read-only' sh -c 'echo x > /mnt/file' &&
    refused 'Read-only' chmod 600 /mnt/file
say read-only $?; umount /mnt

# A page cache over it: written back, appended to, and programs run from it by mmap.
for tag in loose mmap; do
    mount -t 9p -o trans=virtio,cache=$tag,msize=262144 $tag /mnt && cp /bin/busybox /mnt/busybox && sync &&
        [ "$(/mnt/busybox echo it runs)" = "it runs" ] && : > /mnt/log &&
        for i in $(seq 200); do echo "line $i of the log" >> /mnt/log; done &&
        dd if=/bin/busybox of=/mnt/pieces bs=700 2>/dev/null && cmp /bin/busybox /mnt/pieces &&
        sed 's/line/LINE/' /mnt/log > /mnt/log2 && tail -n 1 /mnt/log2 | grep -q 'LINE 200' && umount /mnt
    say cache-$tag $?
done
mount -t 9p -o trans=virtio,msize=1048576 packed /mnt && echo packed > /mnt/file && [ "$(cat /mnt/file)" = packed ]
say packed $?; umount /mnt

mount -t 9p -o trans=virtio full /mnt
refused 'No space' dd if=/dev/zero of=/mnt/x bs=64k count=64 && [ "$(stat -c %s /mnt/x)" -gt 500000 ] &&
    rm /mnt/x && echo fits > /mnt/y
say full $?; umount /mnt
refused 'File too large' dd if=/dev/zero of=too-large bs=1M seek=598 count=4 &&
    [ "$(stat -c %s too-large)" = $((600 << 20)) ]
say too-large $?; rm too-large
GUEST
(
    for ((i = 0; i < 6000; i++)); do [ -e "$shares/guest/ready" ] && break; sleep 0.1; done
    rm "$shares/guest/under"
    truncate -s 3 "$shares/guest/cut"
    rm -r "$shares/guest/away"
    touch "$shares/guest/go"
) &
cmdline=
ulimit -Sf 614400 # 600 MiB in KiB, more than the guest's RAM: what it finds too large
boot share 900 share,poweroff -m 512M --share "$shares/guest,guest" --share "$shares/ro,ro,ro" --share "$shares/loose,loose,bus=mmio" \
    --share "$shares/mmap,mmap" --share "$shares/full,full" --share "$shares/packed,packed,packed=on"
ulimit -Sf unlimited
kill $! 2>/dev/null
[ $status = 0 ]
check "a guest with six shared folders runs and powers off" $?
for step in host-files guest-files remove-all big rename link attributes symlink fifo no-devices truncate unlinked \
    statfs taken-away mounted-ro read-only cache-loose cache-mmap packed full too-large; do
    [ $step = full ] && [ -z "${full:-}" ] && continue
    said share $step || { grep "@@ $step" "$work/share.log"; false; }
    check "in the guest: $step" $?
done
[ -z "${full:-}" ] || { grep -q "bixi: share 'full': cannot write: No space left on device; the guest gets the error" "$work/share.log"
    check "the user is told that the folder's disk is full" $?; }

# The same from the host's side.
[ "$(ls "$shares/guest/many" | wc -l)" = 10000 ] &&
    for ((i = 0; i < 10000; i++)); do [ "$(< "$shares/guest/many/$i")" = "guest $i" ] || exit 1; done
check "the host sees the guest's 10,000 files with the right content" $?
cmp "$shares/guest/host-big" "$shares/guest/guest-big" &&
    [ "$(sha256sum < "$shares/guest/host-big")" = "$(cat "$shares/guest/host-big.sum")" ]
check "32 MiB went to the guest and back with the same checksum" $?
[ "$(stat -c '%a %Y' "$shares/guest/e/link")" = "640 1577934245" ] &&
    [ "$(readlink "$shares/guest/e/symlink")" = nowhere/else ] && [ -p "$shares/guest/e/fifo" ] &&
    [ "$(stat -c %s "$shares/guest/e/size")" = 5000 ] && [ ! -e "$shares/guest/e/open" ]
check "mode, time, links and size are on the host as the guest left them" $?
for i in $(seq 200); do echo "line $i of the log"; done > "$work/log"
cmp "$work/log" "$shares/loose/log" && cmp "$work/log" "$shares/mmap/log" &&
    cmp "$shares/loose/busybox" "$shares/loose/pieces" && cmp "$shares/mmap/busybox" "$shares/mmap/pieces"
check "what went through the guest's page cache is whole on the host" $?
[ "$(ls "$shares/ro")" = file ] && [ "$(cat "$shares/ro/file")" = "read me" ]
check "the read-only folder is as it was" $?

# Deterministic: the same folder, down to its times, gives the same run.
rm -f "$shares/packed"/*
cat > "$shares/packed/guest.sh" <<'GUEST'
cd /share; for i in 0 1 2 3 4 5 6 7 8 9; do cat f$i; done; ls -l | wc -l; [ "$(cat f* | wc -c)" = 100 ]
GUEST
for i in 0 1 2 3 4 5 6 7 8 9; do echo "content $i" > "$shares/packed/f$i"; done
touch -d 2026-01-01 "$shares/packed"/* "$shares/packed"
cat "$shares/packed"/* > "$work/out"; ls "$shares/packed" > "$work/out" # so that reading changes no times any more
for run in 1 2; do boot "det$run" 600 share,poweroff --deterministic --stats --share "$shares/packed,guest"; done
said det1 share && cmp "$work/det1.log" "$work/det2.log"
check "two deterministic runs on the same folder print the same console and counts" $?

# A snapshot keeps what the guest has open; what the host removes meanwhile is an error for who uses it.
rm -rf "$shares/packed"/*
cat > "$shares/packed/guest.sh" <<'GUEST'
cd /share; echo first > kept; echo gone > lost
exec 3>> kept; exec 4< lost
echo second >&3
echo "@@ snapshot begin"
while [ ! -e go ]; do sleep 0.2; done
echo third >&3 && ! cat <&4 && [ "$(wc -l < kept)" = 3 ]
GUEST
timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -m 512M -k "$guest/vmlinuz" -i "$guest/initrd" \
    -a "console=ttyS0 quiet bixi.do=share,poweroff" --share "$shares/packed,guest" --monitor "unix:$work/monitor" \
    < /dev/null > "$work/save.log" 2>&1 &
for ((i = 0; i < 3000; i++)); do grep -qs "snapshot begin" "$work/save.log" && break; sleep 0.1; done
python3 - "$work/monitor" "$work/snapshot" > "$work/monitor.log" 2>&1 <<'PYTHON'
import socket, sys
monitor = socket.socket(socket.AF_UNIX)
monitor.connect(sys.argv[1])
monitor.settimeout(120)
seen = b""
for command in b"", b"save " + sys.argv[2].encode() + b"\n", b"quit\n":
    monitor.sendall(command)
    while True:
        data = monitor.recv(4096)
        seen += data
        if not data or seen.endswith(b"(bixi) ") and (not command or command.strip() in seen):
            break
print(seen.decode(errors="replace"))
PYTHON
wait $!
rm "$shares/packed/lost"
touch "$shares/packed/go"
timeout $((300 * ${TIME_SCALE:-1})) "$bixi" run -m 512M --load "$work/snapshot" --share "$shares/packed,guest" < /dev/null > "$work/load.log" 2>&1
said load share && [ "$(cat "$shares/packed/kept")" = "first
second
third" ] || { tail -n 15 "$work"/{save,monitor,load}.log; cat "$shares/packed/kept"; false; }
check "open files go on after a snapshot is loaded, and one that is gone is an error" $?
finish
