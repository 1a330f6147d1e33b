#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# mkimage.sh DIR: makes DIR/root.ext4, a Debian forky loong64 system with the workloads, and DIR/vmlinuz
# and DIR/initrd that start it.  Needs root; about two minutes and 3 GB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../scripts/forky-apt.sh"
mkdir -p "$1"
out=$(cd "$1" && pwd)
stamp=$(cat "$here/mkimage.sh" "$here/workloads.sh" | sha256sum)
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
"$here/../scripts/install-packages.sh" guest tools test

root=$out/root
echo "bench: unpacking Debian forky loong64 with the workloads' programs (once)"
rm -rf "$root"
[ "$(id -u)" = 0 ] || { echo "bench: making the disk image needs root; run make bench with sudo" >&2; exit 2; }
mmdebstrap --quiet --variant=extract --architectures=loong64 --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=busybox-static,zstd,lua5.4,python3-minimal,stress-ng,coreutils,gcc,libc6-dev,linux-image-loong64 \
    forky "$root" "deb $(forky_mirror) forky main"
# Unpacked packages are not configured: what their scripts would have linked.
for d in bin lib lib64 sbin; do
    [ -e "$root/$d" ] || { mkdir -p "$root/usr/$d"; ln -s "usr/$d" "$root/$d"; }
done
mkdir -p "$root"/{dev,proc,sys,tmp,run,bench,root,var/tmp}
ln -sf busybox "$root/usr/bin/sh"
[ -e "$root/usr/lib64/ld-linux-loongarch-lp64d.so.1" ] || { mkdir -p "$root/usr/lib64"
    ln -sf ../lib/loongarch64-linux-gnu/ld-linux-loongarch-lp64d.so.1 "$root/usr/lib64/"; }

cp "$here/workloads.sh" "$root/bench/workloads.sh"
# Inputs from a fixed generator: text for the compressor and the hash, a program for the compiler.
awk 'BEGIN { s = 12345
    for (i = 0; i < 30000; i++) {
        s = (s * 1103515245 + 12345) % 2147483648; n = s % 9 + 2; w = ""
        for (j = 0; j < n; j++) { s = (s * 1103515245 + 12345) % 2147483648; w = w sprintf("%c", 97 + int(s / 65536) % 26) }
        printf "%s%s", w, (i % 11 == 10 ? "\n" : " ")
    } }' > "$root/bench/seed.txt"
awk 'BEGIN { print "#include <stdio.h>\n#include <string.h>"
    for (i = 0; i < 36; i++)
        printf "int f%d(int a,const char*s){int r=a*%d;double d=a;char b[64];for(int i=0;i<a%%%d+3;i++){switch((r^i)&7){case 0:r+=i*%d;break;case 1:r^=r<<3;break;case 2:d*=1.5;break;case 3:r-=strlen(s);break;default:r=r>>1|i;}}snprintf(b,64,\"%%d%%f%%s\",r,d,s);return r+b[3]%s;}\n", i, i * 7 + 3, i % 13 + 2, i * 31 + 1, (i ? sprintf("+f%d(a-1,s)", i - 1) : "")
    print "int main(){return f35(3,\"x\");}" }' > "$root/bench/prog.c"
cat > "$root/bench/init" <<'INIT'
#!/usr/bin/busybox sh
export PATH=/usr/bin:/usr/sbin:/bin HOME=/root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
echo "@@ userland begin"
for a in $(cat /proc/cmdline); do case $a in only=*) export ONLY=${a#only=};; esac; done
sh /bench/workloads.sh; sync; poweroff -f
INIT
chmod +x "$root/bench/init"

modules=$(ls -d "$root"/usr/lib/modules/*/kernel | head -n 1)
vmlinuz=$(find "$root" -path "*vmlinu[xz]*" -type f | head -n 1)
cp "$vmlinuz" "$out/vmlinuz"
initrd=$(mktemp -d)
trap 'rm -rf "$initrd"' EXIT
mkdir -p "$initrd"/{bin,proc,sys,dev,modules,new}
cp "$root/usr/bin/busybox" "$initrd/bin/"
for module in crc16 crc32c-cryptoapi mbcache jbd2 ext4 virtio_blk; do
    file=$(find "$modules" -name "$module.ko*" | head -n 1)
    case $file in
    *.xz) xz -dc "$file" > "$initrd/modules/$module.ko" ;;
    ?*) cp "$file" "$initrd/modules/" ;;
    esac
done
cat > "$initrd/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin; mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
echo "@@ kernel end"
for k in crc16 crc32c-cryptoapi mbcache jbd2 ext4 virtio_blk; do insmod /modules/$k.ko 2>/dev/null; done
for i in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] && break; sleep 0.2; done
mount -t ext4 /dev/vda /new || { echo "@@ root FAILED"; poweroff -f; }
mount -t devtmpfs d /new/dev; umount /proc /sys; exec switch_root /new /bench/init
INIT
chmod +x "$initrd/init"
(cd "$initrd" && find . | cpio -o -H newc 2>/dev/null | zstd -q -3) > "$out/initrd"
rm -f "$out/root.ext4"
mke2fs -q -t ext4 -O ^metadata_csum -d "$root" "$out/root.ext4" 2200M
rm -rf "$root"
echo "$stamp" > "$out/stamp"
