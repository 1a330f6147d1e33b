/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * 7A1000 configuration registers: routing, function enables, pad multiplexing and PLLs.  There are no clocks
 * to route, so the registers keep what is written; a PLL that was set up says it is locked.
 */
#include "machine/bridge/config.h"

#define PLL_LOCKED     (UINT64_C(1) << 39) /* bit 7 of the second word */
#define PLL_SET_PARAM  (UINT64_C(1) << 43)
#define PLL_POWER_DOWN (UINT64_C(1) << 45)

static uint64_t pll_read(struct device *dev, const struct reg_access *at)
{
	const struct bridge_config *config = device_of(dev, struct bridge_config, dev);
	uint64_t pll = config->pll[at->index / 2][at->index % 2];

	if (at->index % 2 == 0 && pll & PLL_SET_PARAM && !(pll & PLL_POWER_DOWN))
		pll |= PLL_LOCKED;
	return pll;
}

#define FIELD(name) offsetof(struct bridge_config, name)

/* clang-format off */
static const struct reg bridge_config_regs[] = {
	{ .offset = 0x0418, .width = 4, .name = "ht_route", .field = FIELD(ht_route),
	  .reset = 3, .writable = UINT32_MAX },
	{ .offset = 0x041c, .width = 4, .name = "dma_route", .field = FIELD(dma_route),
	  .reset = 0x000aa800, .writable = UINT32_MAX },
	{ .offset = 0x0420, .width = 4, .name = "function0", .field = FIELD(function[0]),
	  .reset = 0xcccc3ce0, .writable = UINT32_MAX },
	{ .offset = 0x0424, .width = 4, .name = "status0", .field = FIELD(function[1]) },
	{ .offset = 0x0430, .width = 4, .name = "function1", .field = FIELD(function[2]),
	  .reset = 0x00f9bbf2, .writable = UINT32_MAX },
	{ .offset = 0x0434, .width = 4, .name = "function1_high", .field = FIELD(function[3]),
	  .reset = 0x12099900, .writable = UINT32_MAX },
	{ .offset = 0x0440, .width = 4, .name = "pad", .field = FIELD(pad),
	  .reset = UINT32_MAX, .writable = UINT32_MAX },
	{ .offset = 0x0480, .width = 8, .count = 2 * BRIDGE_PLLS, .name = "pll", .field = FIELD(pll),
	  .writable = ~PLL_LOCKED, .read = pll_read },
	{ .offset = 0x3838, .width = 4, .name = "gmem_bar_mask", .field = FIELD(gmem_mask),
	  .reset = 0x0fffffff, .writable = UINT32_MAX },
	{ .offset = 0x3ff8, .width = 4, .name = "chip_id", .field = REG_NO_FIELD, .reset = 0x7a000000 },
	{ .offset = 0x3ffc, .width = 4, .name = "chip_revision", .field = REG_NO_FIELD },
};
/* clang-format on */

const struct device_type bridge_config_type = {
	.name = "bridge",
	DEVICE_REGS(bridge_config_regs),
	.size = 0x10000,
	.widths = 1 | 2 | 4 | 8,
};

int bridge_config_init(struct bridge_config *config, struct trace *trace)
{
	return device_init(&config->dev, &bridge_config_type, "bridge", 1, trace);
}

void bridge_config_destroy(struct bridge_config *config)
{
	device_destroy(&config->dev);
}
