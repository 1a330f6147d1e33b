/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The IOCSR space (3A5000 manual ch. 4, 10, 11): blocks of registers that IOCSRRD and IOCSRWR reach, each
 * a struct device.  Per-core and per-node blocks are banked: a block says which bank a core sees.
 */
#ifndef BIXI_SOC_IOCSR_H
#define BIXI_SOC_IOCSR_H

#include "machine/bus/device.h"
#include "machine/cpu/cpu.h"

#define IOCSR_MAX_BLOCKS 16

/* Offsets [first, first + size) go to @dev, whose offset 0 is at @base. */
struct iocsr_block {
	uint32_t first, size, base;
	struct device *dev;
	/* Bank that @core sees; NULL: bank 0 for all.  The device's lock is held. */
	unsigned (*bank)(struct device *dev, unsigned core);
};

struct iocsr {
	struct device dev; /* Any_Send; its lock comes before those of the blocks */
	struct iocsr_block block[IOCSR_MAX_BLOCKS];
	unsigned block_count;
	unsigned cores;
};

extern const struct device_type iocsr_type;

int iocsr_init(struct iocsr *iocsr, unsigned cores, struct trace *trace);
void iocsr_destroy(struct iocsr *iocsr);

/* Adds a block (copied).  0, -ENOSPC, or -EEXIST if it overlaps another block.  While the board is built. */
int iocsr_add_block(struct iocsr *iocsr, const struct iocsr_block *block);

/* A bank function: every core has its own. */
unsigned iocsr_bank_core(struct device *dev, unsigned core);

/* As struct iocsr_ops (cpu.h) calls them; @opaque is the struct iocsr. */
uint64_t iocsr_read(void *opaque, unsigned core, uint32_t offset, unsigned size);
void iocsr_write(void *opaque, unsigned core, uint32_t offset, unsigned size, uint64_t value);

#endif
