# SPDX-License-Identifier: MulanPSL-2.0
# shellcheck shell=bash
# For tests with a hostile cell (hostile.c): its image, and its configuration.  cells/lib.sh comes before.

# hostile_build: makes $work/hostile.bin; $order is where its order stands in it.
hostile_build() {
    cell_objects tests/boot/cells/{hostile.c,attempt.S} && cell_link elf "$work/hostile.elf" "$work"/{hostile,attempt}.o &&
        cell_link binary "$work/hostile.bin" "$work"/{hostile,attempt}.o || return
    order=$("${cross}nm" "$work/hostile.elf" | awk '$3 == "order" { print $1 }')
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
