#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# fetch-firmware.sh DIR: makes DIR/QEMU_EFI.fd and DIR/QEMU_VARS.fd (EDK2 for LoongArch and a template of its
# variables) and DIR/grub.efi of Debian forky's packages, for "bixi run -b".  Packages are kept in DIR/debs
# and checked by hash against apt's index each time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
mkdir -p "$1"
out=$(cd "$1" && pwd)
forky_apt_init "$out/apt"

efi_deb=$(forky_fetch qemu-efi-loongarch64 "$out/debs")
grub_deb=$(forky_fetch grub-efi-loong64-unsigned "$out/debs")
stamp="$(basename "$efi_deb") $(basename "$grub_deb") $(sha256sum < "$0")"
if [ "$(cat "$out/firmware-stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$out/QEMU_EFI.fd" ] && [ -s "$out/QEMU_VARS.fd" ] &&
    [ -s "$out/grub.efi" ]; then
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$efi_deb" "$work"
dpkg-deb -x "$grub_deb" "$work"
cp "$work"/usr/share/qemu-efi-loongarch64/QEMU_{EFI,VARS}.fd "$out/"
cp "$work/usr/lib/grub/loongarch64-efi/monolithic/grubloongarch64.efi" "$out/grub.efi"
echo "$stamp" > "$out/firmware-stamp"
echo "firmware: $(basename "$efi_deb" _all.deb) in $1"
