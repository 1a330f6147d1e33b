/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * IPI status, enable, set and clear, mailboxes, IPI_Send and Mail_Send (3A5000 manual ch. 10, tables 10-1 to
 * 10-3).  The blocking bit is accepted: every send is complete when the write is.  FREQ_Send is not here.
 */
#include "machine/soc/ipi.h"

static void core_update(struct ipi *ipi, unsigned core)
{
	irq_set(&ipi->out[core], (ipi->core[core].status & ipi->core[core].enable) != 0);
}

static void enable_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	core_update(device_of(dev, struct ipi, dev), at->bank);
}

static void set_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct ipi *ipi = device_of(dev, struct ipi, dev);

	ipi->core[at->bank].status |= (uint32_t)value;
	core_update(ipi, at->bank);
}

static void clear_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct ipi *ipi = device_of(dev, struct ipi, dev);

	ipi->core[at->bank].status &= ~(uint32_t)value;
	core_update(ipi, at->bank);
}

/* IPI_Send: vector in [4:0], core in [25:16]. */
static void ipi_send_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct ipi *ipi = device_of(dev, struct ipi, dev);
	unsigned core = value >> 16 & 0x3ff;

	if (core >= ipi->cores)
		return;
	ipi->core[core].status |= UINT32_C(1) << (value & 31);
	core_update(ipi, core);
}

/* Mail_Send: data in [63:32], bytes not to write in [30:27], core in [25:16], half of a mailbox in [4:2]. */
static void mail_send_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct ipi *ipi = device_of(dev, struct ipi, dev);
	unsigned core = value >> 16 & 0x3ff, half = value >> 2 & 7;
	uint64_t lanes = 0, *mailbox;

	if ((uint32_t)at->mask != UINT32_MAX || core >= ipi->cores)
		return;
	for (unsigned byte = 0; byte < 4; byte++)
		if (!(value >> (27 + byte) & 1))
			lanes |= UINT64_C(0xff) << (byte * 8);
	mailbox = &ipi->core[core].mailbox[half / 2];
	lanes <<= half % 2 * 32;
	*mailbox = (*mailbox & ~lanes) | (value >> 32 << (half % 2 * 32) & lanes);
}

/* clang-format off */
static const struct reg ipi_regs[] = {
	{ .offset = 0x00, .width = 4, .name = "status", .field = offsetof(struct ipi_core, status) },
	{ .offset = 0x04, .width = 4, .name = "enable", .field = offsetof(struct ipi_core, enable),
	  .writable = UINT32_MAX, .written = enable_written },
	{ .offset = 0x08, .width = 4, .name = "set", .field = REG_NO_FIELD, .write = set_write },
	{ .offset = 0x0c, .width = 4, .name = "clear", .field = REG_NO_FIELD, .write = clear_write },
	{ .offset = 0x20, .width = 8, .count = IPI_MAILBOXES, .name = "mailbox",
	  .field = offsetof(struct ipi_core, mailbox), .writable = UINT64_MAX },
	{ .offset = 0x40, .width = 4, .name = "ipi_send", .field = REG_NO_FIELD, .write = ipi_send_write },
	{ .offset = 0x48, .width = 8, .name = "mail_send", .field = REG_NO_FIELD, .write = mail_send_write },
};
/* clang-format on */

static void *ipi_bank(struct device *dev, unsigned bank)
{
	return &device_of(dev, struct ipi, dev)->core[bank];
}

static void ipi_reset(struct device *dev)
{
	struct ipi *ipi = device_of(dev, struct ipi, dev);

	for (unsigned core = 0; core < ipi->cores; core++)
		core_update(ipi, core);
}

const struct device_type ipi_type = {
	.name = "ipi",
	DEVICE_REGS(ipi_regs),
	.size = 0x50,
	.widths = 1 | 2 | 4 | 8,
	.bank = ipi_bank,
	.reset = ipi_reset,
};

int ipi_init(struct ipi *ipi, unsigned cores, struct trace *trace)
{
	ipi->cores = cores;
	return device_init(&ipi->dev, &ipi_type, "ipi", cores, trace);
}

void ipi_destroy(struct ipi *ipi)
{
	device_destroy(&ipi->dev);
}
