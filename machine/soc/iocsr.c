/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The IOCSR space and Any_Send (3A5000 manual ch. 4 and 10).  A misaligned access and an offset that no
 * block decodes read 0 and write nothing: IOCSR accesses never raise bus errors.
 */
#include "machine/soc/iocsr.h"

#include <errno.h>

#define ANY_SEND 0x1158

static void iocsr_write_lanes(struct iocsr *iocsr, unsigned core, uint32_t offset, unsigned size,
			      uint64_t value, uint64_t lanes);

/* Data in [63:32], bytes not to write in [30:27], core in [25:16], register in [15:0]. */
static void any_send_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct iocsr *iocsr = device_of(dev, struct iocsr, dev);
	unsigned core = value >> 16 & 0x3ff;
	uint32_t offset = value & 0xfffc, lanes = 0;

	if ((uint32_t)at->mask != UINT32_MAX || core >= iocsr->cores || offset - ANY_SEND < 8)
		return;
	for (unsigned byte = 0; byte < 4; byte++)
		if (!(value >> (27 + byte) & 1))
			lanes |= UINT32_C(0xff) << (byte * 8);
	iocsr_write_lanes(iocsr, core, offset, 4, value >> 32, lanes);
}

/* clang-format off */
static const struct reg iocsr_regs[] = {
	{ .offset = 0, .width = 8, .name = "any_send", .field = REG_NO_FIELD, .write = any_send_write },
};
/* clang-format on */

const struct device_type iocsr_type = {
	.name = "iocsr",
	DEVICE_REGS(iocsr_regs),
	.size = 8,
	.widths = 1 | 2 | 4 | 8,
};

int iocsr_init(struct iocsr *iocsr, unsigned cores, struct trace *trace)
{
	const struct iocsr_block any_send = {
		.first = ANY_SEND, .size = 8, .base = ANY_SEND, .dev = &iocsr->dev
	};
	int err = device_init(&iocsr->dev, &iocsr_type, "iocsr", 1, trace);

	iocsr->cores = cores;
	iocsr->block_count = 0;
	return err ? err : iocsr_add_block(iocsr, &any_send);
}

void iocsr_destroy(struct iocsr *iocsr)
{
	device_destroy(&iocsr->dev);
}

int iocsr_add_block(struct iocsr *iocsr, const struct iocsr_block *block)
{
	for (unsigned i = 0; i < iocsr->block_count; i++) {
		const struct iocsr_block *other = &iocsr->block[i];

		if (block->first < other->first + (uint64_t)other->size &&
		    other->first < block->first + (uint64_t)block->size)
			return -EEXIST;
	}
	if (iocsr->block_count == IOCSR_MAX_BLOCKS)
		return -ENOSPC;
	iocsr->block[iocsr->block_count++] = *block;
	return 0;
}

unsigned iocsr_bank_core(struct device *dev, unsigned core)
{
	return core;
}

/* A dozen blocks: the interrupt path's come first because boards add them first. */
static const struct iocsr_block *block_find(const struct iocsr *iocsr, uint32_t offset, unsigned size)
{
	if (offset & (size - 1))
		return NULL;
	for (unsigned i = 0; i < iocsr->block_count; i++)
		if (offset - iocsr->block[i].first < iocsr->block[i].size)
			return &iocsr->block[i];
	return NULL;
}

uint64_t iocsr_read(void *opaque, unsigned core, uint32_t offset, unsigned size)
{
	const struct iocsr_block *block = block_find(opaque, offset, size);
	uint64_t value = 0;

	if (!block)
		return 0;
	pthread_mutex_lock(block->dev->lock);
	device_read(block->dev, block->bank ? block->bank(block->dev, core) : 0, offset - block->base, size,
		    &value);
	pthread_mutex_unlock(block->dev->lock);
	return value;
}

static void iocsr_write_lanes(struct iocsr *iocsr, unsigned core, uint32_t offset, unsigned size,
			      uint64_t value, uint64_t lanes)
{
	const struct iocsr_block *block = block_find(iocsr, offset, size);

	if (!block)
		return;
	pthread_mutex_lock(block->dev->lock);
	device_write(block->dev, block->bank ? block->bank(block->dev, core) : 0, offset - block->base, size,
		     value, lanes);
	pthread_mutex_unlock(block->dev->lock);
}

void iocsr_write(void *opaque, unsigned core, uint32_t offset, unsigned size, uint64_t value)
{
	iocsr_write_lanes(opaque, core, offset, size, value, UINT64_MAX);
}
