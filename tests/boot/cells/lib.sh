# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# For tests with cells in Debian under the hypervisor: programs, and the guest's initrd.  lib.sh comes before.
build=${O:-build}
cross=build/headers/bin/loongarch64-linux-gnu-

# cells_build: all of ours that such a test needs.
cells_build() {
    make -s O="$build" driver hypervisor tools-loong64 cells > "$work/make.log" 2>&1
    check "hypervisor, driver, tool and cells build" $?
}

# cell_objects SOURCE...: compiles sources of bare-metal cells to $work/NAME.o.
cell_objects() {
    local source name
    for source in "$@"; do
        name=$(basename "${source%.*}")
        clang-19 --target=loongarch64-unknown-none-elf -march=la464 -mno-lsx -ffreestanding -fno-pic -O2 -I. -Wall -Wextra \
            -Werror -Wno-unused-parameter -Wno-address-of-packed-member -fdirect-access-external-data \
            -c -o "$work/$name.o" "$source" || return
    done
}

# cell_link FORMAT FILE OBJECT...: links these and what all cells have, to a format of ld.lld's: elf, binary.
cell_link() {
    ld.lld-19 -T cells/lib/cell.ld --oformat "$1" -o "$2" "$build"/cells/lib/{crt0,cell}.o "${@:3}"
}

# cells_root NAME FILE...: $root, which cells_initrd NAME packs: driver, image, and in /cells the tool and these files.
cells_root() {
    root=$work/$1.root
    shift
    mkdir -p "$root/lib/firmware" "$root/cells"
    "${cross}strip" -g -o "$root/bixi.ko" "$build/driver/bixi.ko"
    cp "$build/hypervisor/bixi-hv.bin" "$root/lib/firmware/"
    cp "$build/tools-loong64/bixi-cell" "$@" "$root/cells/"
}

# cells_initrd NAME: $work/NAME.initrd, with $root and the commands on standard input, which prelude.sh comes before.
cells_initrd() {
    cat tests/boot/cells/prelude.sh - | initrd_with "$1"
}

# steps_initrd FILE: the guest's initrd with the steps on standard input, as guest-init's, for a Linux in a cell.
steps_initrd() {
    mkdir -p "$work/steps.root"
    cat > "$work/steps.root/steps"
    (cd "$work/steps.root" && find . | cpio -o -H newc 2> /dev/null) > "$1"
    cat "$guest/initrd" >> "$1"
}
