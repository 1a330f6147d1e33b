#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# make-debian.sh BIXI GUEST_DIR DIR: makes DIR/debian.img, a Debian forky loong64 system on a GPT disk (EFI system
# partition with GRUB, ext4 root), once.  The packages come from the mirror; they are configured by the new
# system itself, on bixi with the kernel and initrd of GUEST_DIR.  Also DIR/ssh-key, which root of the guest accepts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
bixi=$1 guest=$2
mkdir -p "$3"
out=$(cd "$3" && pwd)
root=$out/root
esp_mib=64 root_mib=3000

stamp=$(cat "$here/make-debian.sh" "$here/debian-setup" | sha256sum)
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$out/debian.img" ] && exit 0
"$here/install-packages.sh" debian
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
begin=$SECONDS
say() { echo "bixi: $1 ($((SECONDS - begin)) s)"; }

# Fetched and unpacked here; debootstrap's own script does the rest in the guest.
packages=systemd-sysv,udev,dbus,openssh-server,iproute2,iputils-ping,ca-certificates,e2fsprogs,dosfstools,procps,less
say "fetching Debian forky for loong64, about 130 MB"
"${as_root[@]}" rm -rf "$root" "$out"/{debian.img,stamp}
"${as_root[@]}" debootstrap --foreign --arch=loong64 --variant=minbase \
    --include="$packages,linux-image-loong64,grub-efi-loong64" \
    forky "$root" "$(forky_mirror)" /usr/share/debootstrap/scripts/sid > "$out/debootstrap.log" 2>&1 ||
    { tail -n 5 "$out/debootstrap.log" >&2; echo "make-debian: debootstrap failed, see $out/debootstrap.log" >&2; exit 1; }

# The second stage reads the whole index again for each package: leave only these packages' entries in it.
for index in "$root"/var/lib/apt/lists/*_Packages; do
    awk -v names="$(cat "$root"/debootstrap/{required,base})" 'BEGIN { n = split(names, list); RS = ""; ORS = "\n\n"
        for (i = 1; i <= n; i++) wanted["Package: " list[i]] } { split($0, line, "\n") } line[1] in wanted' "$index" |
        "${as_root[@]}" tee "$index.new" > /dev/null
    "${as_root[@]}" mv "$index.new" "$index"
done

say "writing the system's configuration"
[ -s "$out/ssh-key" ] || ssh-keygen -q -t ed25519 -N "" -C bixi -f "$out/ssh-key"
put() { "${as_root[@]}" install -D -m "$1" /dev/stdin "$root/$2"; } # MODE FILE: standard input
put 755 debian-setup < "$here/debian-setup"
put 600 root/.ssh/authorized_keys < "$out/ssh-key.pub"
put 644 etc/hostname <<< bixi
printf '127.0.0.1 localhost bixi\n::1 localhost\n' | put 644 etc/hosts
printf 'nameserver 10.0.2.3\n' | put 644 etc/resolv.conf
printf '/dev/vda2 / ext4 errors=remount-ro 0 1\n/dev/vda1 /boot/efi vfat nofail 0 2\n' | put 644 etc/fstab
printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' | put 644 etc/systemd/network/80-dhcp.network
printf 'Acquire::Check-Valid-Until "false";\nAPT::Install-Recommends "false";\n' | put 644 etc/apt/apt.conf.d/80bixi
printf 'GRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX_DEFAULT=""\nGRUB_CMDLINE_LINUX="console=ttyS0"\nGRUB_TERMINAL=console\n' |
    put 644 etc/default/grub
put 644 etc/dpkg/dpkg.cfg.d/bixi-setup <<< force-unsafe-io # until it is set up: no waiting for the disk
printf 'MODULES=dep\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\n' | put 644 etc/initramfs-tools/conf.d/bixi

say "making the disk"
image=$out/debian.img.new
rm -f "$image"
truncate -s "$((esp_mib + root_mib + 2))M" "$image"
printf 'label: gpt\nstart=1MiB, size=%dMiB, type=U, name=esp\nstart=%dMiB, size=%dMiB, type=L, name=root\n' \
    $esp_mib $((esp_mib + 1)) $root_mib | sfdisk -q "$image"
truncate -s ${esp_mib}M "$out/esp"
mkfs.vfat -n ESP "$out/esp" > "$out/mkfs.log"
"${as_root[@]}" mke2fs -q -t ext4 -d "$root" "$out/root.ext4" ${root_mib}M
dd if="$out/esp" of="$image" bs=1M seek=1 conv=notrunc,sparse status=none
dd if="$out/root.ext4" of="$image" bs=1M seek=$((esp_mib + 1)) conv=notrunc,sparse status=none
"${as_root[@]}" rm -rf "$root" "$out/esp" "$out/root.ext4"

say "configuring it on bixi, some minutes; what the guest says is in $out/setup.log"
"$bixi" run -k "$guest/vmlinuz" -i "$guest/initrd" -c 2 -m 2G --disk "$image" \
    -a "console=ttyS0 quiet bixi.do=debian-setup,poweroff" < /dev/null 2>&1 | tee "$out/setup.log" |
    sed -u -nE 's/\r//; s/^-- (.*)/bixi:   \1/p; s/^@@ debian /bixi:   Debian: /p'
grep -q '^@@ debian ok' "$out/setup.log" || { echo "make-debian: the new system was not set up; see $out/setup.log" >&2; exit 1; }
mv "$image" "$out/debian.img"
echo "$stamp" > "$out/stamp"
say "Debian is on $out/debian.img"
