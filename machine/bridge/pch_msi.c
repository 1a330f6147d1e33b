/* SPDX-License-Identifier: MulanPSL-2.0 */
/* PCI message doorbell: [7:0] of what is written is the vector; those of the bridge's pins are refused. */
#include "machine/bridge/pch_msi.h"

static void doorbell_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct pch_msi *msi = device_of(dev, struct pch_msi, dev);

	if (at->mask & 0xff && (value & 0xff) >= PCH_MSI_FIRST)
		msi->send(msi->opaque, value & 0xff);
}

static const struct reg pch_msi_regs[] = {
	{ .offset = 0, .width = 4, .name = "doorbell", .field = REG_NO_FIELD, .write = doorbell_write },
};

const struct device_type pch_msi_type = {
	.name = "pch-msi",
	DEVICE_REGS(pch_msi_regs),
	.size = 8,
	.widths = 1 | 2 | 4 | 8,
};

int pch_msi_init(struct pch_msi *msi, void (*send)(void *opaque, unsigned vector), void *opaque,
		 struct trace *trace)
{
	msi->send = send;
	msi->opaque = opaque;
	return device_init(&msi->dev, &pch_msi_type, "pch-msi", 1, trace);
}

void pch_msi_destroy(struct pch_msi *msi)
{
	device_destroy(&msi->dev);
}
