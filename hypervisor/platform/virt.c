/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * QEMU's and Bixi's virt machine.  It says of itself that it is the chip whose processor it imitates; what
 * tells it from a board is its bridge, whose interrupt controller has 32 pins.  The chip's registers are seen
 * by IOCSR instructions only.
 */
#include "platform.h"

static const struct platform_range ranges[] = {
	{ 0x10000000, 0x1000, GUARD_PIC, "the bridge's interrupts" },
	{ 0x10010000, 0x10000, GUARD_ROOT, "the bridge's configuration" },
	{ 0x100e0000, 0x4000, GUARD_ROOT, "power and reset" },
	{ 0x1c000000, 0x2000000, GUARD_ROOT, "firmware's flash" },
	{ 0x1e020000, 0x18, GUARD_ROOT, "fw_cfg" }, /* writes memory by itself */
	{ 0x20000000, 0x8000000, GUARD_ROOT, "PCI configuration" },
	{ 0x2fe00000, 0x100000, GUARD_CPU_DOORBELL, "the doorbell of CPUs" },
	{ 0x2ff00000, 0x4000, GUARD_VECTOR_DOORBELL, "the doorbell of messages" },
};

/* As boards', and how routes are to be read: the extended I/O interrupt controller's for virtual machines. */
static const struct platform_registers refused[] = {
	{ 0x180, 8 }, { 0x1d8, 1 }, { 0x400, 8 }, { 0x2000, 0x1000 }, { 0x40000004, 4 },
};

const struct platform platform_virt = {
	.name = "virt",
	.pins = 32,
	.nodes = 16,
	.cpus = 64,
	.vectors = 256,
	.pic = 0x10000000,
	.doorbell = 0x2ff00000,
	.cpu_doorbell = 0x2fe00000,
	.ranges = ranges,
	.range_count = LENGTH_OF(ranges),
	.refused = refused,
	.refused_count = LENGTH_OF(refused),
};
