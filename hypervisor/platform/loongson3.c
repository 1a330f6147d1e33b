/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Boards with one 3A5000 or 3A6000 and a 7A bridge, by the 3A5000's manual (3A) and the 7A1000's (7A).
 * Nobody has run the hypervisor on one.  There is no public manual of the 3A6000 or the 7A2000: Linux has the
 * same drivers for them (irq-loongson-eiointc.c, irq-loongson-pch-pic.c), so the same addresses are taken.
 *
 * The chip's registers are at CHIP and, while its register 0x400 has bit 9 clear, at CHIP_TOO (3A 4, 10.1,
 * 11.2.1): a core's IPIs and mailboxes at 0x1000 + 0x100 * core, what interrupts it at 0x1800 + 0x100 * core.
 * What is at the bridge is seen at its low addresses and at HT1 + these (7A 3.1).
 */
#include "platform.h"

#define CHIP	 UINT64_C(0x1fe00000)
#define CHIP_TOO UINT64_C(0x3ff00000)
#define HT1	 UINT64_C(0xe0000000000)
#define TERA	 UINT64_C(0x10000000000)

static const struct platform_range ranges[] = {
	/* 3A 15.1, 15.3, 7.  SPI, which writes firmware's flash, is none for cells. */
	{ CHIP + 0x100, 0x40, GUARD_CHIP_DEVICE, "the chip's UARTs, I2C" },
	{ CHIP + 0x1e0, 0x10, GUARD_CHIP_DEVICE, "the chip's UARTs" },
	{ CHIP + 0x500, 0x18, GUARD_CHIP_DEVICE, "the chip's GPIO" },
	{ CHIP, 0x10000, GUARD_CHIP, "the chip's registers" },
	{ CHIP_TOO, 0x10000, GUARD_CHIP, "the chip's registers" },
	/* 7A 3.1, 4, 5, 12 */
	{ 0x10000000, 0x1000, GUARD_PIC, "the bridge's interrupts" },
	{ 0x10010000, 0x10000, GUARD_ROOT, "the bridge's configuration" },
	{ 0x100d0000, 0x100, GUARD_ROOT, "power and reset" },
	{ HT1 + 0x10000000, 0x1000, GUARD_PIC, "the bridge's interrupts" },
	{ HT1 + 0x10010000, 0x10000, GUARD_ROOT, "the bridge's configuration" },
	{ HT1 + 0x100d0000, 0x100, GUARD_ROOT, "power and reset" },
	/* 7A 3.2; 3A 15.2 */
	{ 0x1a000000, 0x2000000, GUARD_ROOT, "PCI configuration" },
	{ 0x1c000000, 0x2000000, GUARD_ROOT, "firmware's flash" },
	{ 0x1fc00000, 0x100000, GUARD_ROOT, "firmware's flash" },
	/* 7A 5; the first where Linux's irq-loongarch-avec.c has it, on processors with message interrupts */
	{ 0x2fe00000, 0x100000, GUARD_CPU_DOORBELL, "the doorbell of CPUs" },
	{ 0x2ff00000, 0x4000, GUARD_VECTOR_DOORBELL, "the doorbell of messages" },
	/* 3A 3.2: memory by its controllers, past the caches, is the memory of all */
	{ 4 * TERA, 2 * TERA, GUARD_NOBODY, "the memory controllers" },
	{ 10 * TERA, 2 * TERA, GUARD_ROOT, "HyperTransport 0" },
	{ 12 * TERA, TERA, GUARD_ROOT, "the security engine" },
	/* 3A 14.4.1: interrupts, the controllers' registers, I/O and configuration of the bus */
	{ HT1 + 0xfd00000000, 0x300000000, GUARD_ROOT, "HyperTransport 1" },
	{ 15 * TERA, TERA, GUARD_ROOT, "HyperTransport 1" },
};

/* 3A 4.5, 4.11, 4.12, 3.3: memory controllers, cores' reset, where addresses lead */
static const struct platform_registers refused[] = {
	{ 0x180, 8 },
	{ 0x1d8, 1 },
	{ 0x400, 8 },
	{ 0x2000, 0x1000 },
};

#define BOARD                                                                                                \
	.pins = 64, .nodes = 1, .node_shift = 44, .vectors = 256, .pic = 0x10000000,                         \
	.pic_too = HT1 + 0x10000000, .doorbell = 0x2ff00000, .cpu_doorbell = 0x2fe00000, .ranges = ranges,   \
	.range_count = LENGTH_OF(ranges), .refused = refused, .refused_count = LENGTH_OF(refused)

const struct platform platform_3a5000 = {
	.name = "3A5000 board",
	.chip = "3A5000",
	.series = 0xc,
	.cpus = 4,
	BOARD,
};

/* Four cores of two threads each, which Linux counts as CPUs. */
const struct platform platform_3a6000 = {
	.name = "3A6000 board",
	.chip = "3A6000",
	.series = 0xd,
	.cpus = 8,
	BOARD,
};
