#!/bin/bash
# SPDX-License-Identifier: MulanPSL-2.0
# build-kvm-selftests.sh DIR: makes DIR/kvm-selftests/bin of KVM's own tests for LoongArch
# (tools/testing/selftests/kvm in the source, as Debian packages it, of the guest's kernel) and of our
# tests/boot/kvm_cpucfg.c: programs for loongarch64, linked statically.  DIR is fetch-guest.sh's.
# The compiler is the one of setup-tools.sh.  Nothing of Linux' source stays but the package in DIR/debs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/forky-apt.sh"
. "$here/cross-gcc.sh"
mkdir -p "$1"
out=$(cd "$1" && pwd)
forky_apt_init "$out/apt"

kernel=$(apt-cache "${FORKY_OPTS[@]}" depends linux-image-loong64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$kernel" ] || { echo "build-kvm-selftests: the mirror's linux-image-loong64 names no kernel package" >&2; exit 1; }
version=$(forky_show "linux-binary-${kernel#linux-image-}" Version)
source=linux-source-$(cut -d. -f1,2 <<< "$version")
[ "$(forky_show "$source" Version)" = "$version" ] ||
    { echo "build-kvm-selftests: the mirror's $source is not of version $version, the kernel's" >&2; exit 1; }

bin=$out/kvm-selftests/bin
our=$(cd "$here/../tests/boot" && pwd)/kvm_cpucfg.c
stamp="$version $(sha256sum < "$0")"
[ "$(cat "$out/kvm-selftests/stamp" 2>/dev/null)" = "$stamp" ] && [ "$bin/kvm_cpucfg" -nt "$our" ] && exit 0
"$here/install-packages.sh" build guest
"$here/setup-tools.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed() {
    { grep -m 5 -iE 'error|cannot|not found' "$work/log" || tail -n 5 "$work/log"; } | cut -c1-200 >&2
    echo "build-kvm-selftests: $*" >&2
    exit 1
}

cross=$work/bin/loongarch64-linux-gnu-
cross_gcc "$work/bin" "$("$here/setup-tools.sh" path)"

# build_selftests DEB: the programs of the source package.
build_selftests() {
    local linux=$work/linux program
    echo "building KVM's selftests of Linux $version"
    mkdir "$linux"
    dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards './usr/src/*.tar.xz' | xz -dc |
        tar -x -C "$linux" --strip-components=1 --wildcards '*/Makefile' '*/scripts' '*/include' '*/arch/loongarch' \
            '*/tools/build' '*/tools/lib' '*/tools/testing/selftests/'{'*.mk','*.h',cgroup,kvm,rseq} \
            --exclude='*/Documentation' --exclude='*/drivers' --exclude='*/samples'
    make -s -C "$linux" ARCH=loongarch headers > "$work/log" 2>&1 || failed "Linux' headers cannot be made"
    # Guest code of the tests runs with LSX off, and GCC would use it.
    LDFLAGS=-static make -j"$(nproc)" -C "$linux/tools/testing/selftests/kvm" ARCH=loongarch CROSS_COMPILE="$cross" \
        EXTRA_CFLAGS=-mno-lsx OUTPUT="$work/out" > "$work/log" 2>&1 || failed "the selftests cannot be built"
    rm -rf "$out/kvm-selftests"
    mkdir -p "$bin"
    find "$work/out" -type f -perm -u+x | while read -r program; do
        "${cross}strip" -o "$bin/${program##*/}" "$program"
    done
    echo "$stamp" > "$out/kvm-selftests/stamp"
    echo "KVM selftests: $(ls "$bin" | wc -l) programs in $bin"
}

if [ "$(cat "$out/kvm-selftests/stamp" 2>/dev/null)" != "$stamp" ]; then
    deb=$(forky_fetch "$source" "$out/debs")
    build_selftests "$deb"
fi
"${cross}gcc" -static -O2 -Wall -Wextra -Werror -o "$bin/kvm_cpucfg" "$our" > "$work/log" 2>&1 || failed "$our cannot be built"
