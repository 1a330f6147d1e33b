# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# For tests with a hostile cell (hostile.c): its image, and its configuration.

# hostile_build: makes $work/hostile.bin; $order is where its order stands in it.
hostile_build() {
    local flags=(--target=loongarch64-unknown-none-elf -march=la464 -mno-lsx -ffreestanding -fno-pic -O2 -I. -Wall -Wextra
        -Werror -Wno-unused-parameter -Wno-address-of-packed-member -fdirect-access-external-data) name
    for name in hostile attempt; do
        clang-19 "${flags[@]}" -c -o "$work/$name.o" tests/boot/cells/$name.[cS] || return
    done
    ld.lld-19 -T cells/lib/cell.ld -o "$work/hostile.elf" "$build"/cells/lib/{crt0,cell}.o "$work"/{hostile,attempt}.o &&
        ld.lld-19 -T cells/lib/cell.ld --oformat binary -o "$work/hostile.bin" "$build"/cells/lib/{crt0,cell}.o \
            "$work"/{hostile,attempt}.o || return
    order=$(build/headers/bin/loongarch64-linux-gnu-nm "$work/hostile.elf" | awk '$3 == "order" { print $1 }')
    order=$((0x$order - 0x9000000000200000))
}

# hostile_config [FLAG]: to standard output; the flag beyond those that it needs.
hostile_config() {
    cat << YAML
architecture: loongarch64

cell:
  name: hostile
  flags: [passive-comm-region, console-active${1:+, $1}]
  cpus: [2]
  entry: 0x200000
  console: { type: 8250, address: 0x1fe001e0, size: 8, flags: [mmio] }
  memory:
    - { phys: auto, virt: 0x0, size: 4M, flags: [read, write, execute, loadable] }
    - { virt: 0xf000000, size: 16K, flags: [read, write, comm-region] }
  irqchips:
    - { kind: extioi, pins: [40-47] }
YAML
}
