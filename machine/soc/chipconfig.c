/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Chip configuration registers (3A5000 manual ch. 4, 5).  Clocks, drive strengths, cache locks and address
 * interleaving have no effect on a machine without those parts: the registers keep what is written.
 */
#include "machine/soc/chipconfig.h"

#define VENDOR		    UINT64_C(0x6e6f73676e6f6f4c) /* "Loongson" */
#define TEMPERATURE	    40				 /* degrees Celsius, of both sensors */
#define NODE_CLOCK_NS_RATIO 2				 /* node clock ticks per ns: 2 GHz */

static uint64_t features_read(struct device *dev, const struct reg_access *at)
{
	return device_of(dev, struct chipconfig, dev)->features;
}

static uint64_t chip_id_read(struct device *dev, const struct reg_access *at)
{
	return device_of(dev, struct chipconfig, dev)->chip_id;
}

/* Both sensors' outputs: Celsius = out * 731 / 16384 - 273. */
static uint64_t sampling_read(struct device *dev, const struct reg_access *at)
{
	const uint64_t out = (TEMPERATURE + 273) * 16384 / 731;

	return out << 32 | out << 48;
}

static uint64_t temperature_read(struct device *dev, const struct reg_access *at)
{
	return TEMPERATURE;
}

static uint64_t node_counter_read(struct device *dev, const struct reg_access *at)
{
	return clock_now(device_of(dev, struct chipconfig, dev)->clock) * NODE_CLOCK_NS_RATIO;
}

/* A PLL is locked from the moment SOFT_SET_PLL is written with the power on. */
static uint64_t node_pll_read(struct device *dev, const struct reg_access *at)
{
	const uint64_t *pll = device_of(dev, struct chipconfig, dev)->node_pll;
	bool locked = pll[0] >> 2 & 1 && !(pll[0] >> 19 & 1);

	return at->index == 0 ? pll[0] | (uint64_t)locked << 16 : pll[1];
}

static uint64_t memory_pll_read(struct device *dev, const struct reg_access *at)
{
	uint64_t pll = device_of(dev, struct chipconfig, dev)->memory_pll;
	bool locked = pll >> 1 & 1 && !(pll >> 7 & 1);

	return pll | (uint64_t)locked << 6;
}

/* Per core: bit 2n resetn_pre, bit 2n + 1 resetn; the core starts when resetn rises. */
static void reset_control_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct chipconfig *config = device_of(dev, struct chipconfig, dev);
	unsigned rising = config->reset_control & ~(unsigned)old;

	for (unsigned core = 0; core < 4; core++)
		if (rising >> (2 * core + 1) & 1 && config->core_reset)
			config->core_reset(config->opaque, core);
}

static void misc_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct chipconfig *config = device_of(dev, struct chipconfig, dev);

	if (config->misc_written)
		config->misc_written(config->opaque, config->misc);
}

#define FIELD(name) offsetof(struct chipconfig, name)

/* clang-format off */
static const struct reg chipconfig_regs[] = {
	{ .offset = 0x000, .width = 4, .name = "version", .field = REG_NO_FIELD, .reset = 0x11 },
	{ .offset = 0x008, .width = 8, .name = "features", .field = REG_NO_FIELD, .read = features_read },
	{ .offset = 0x010, .width = 8, .name = "vendor", .field = REG_NO_FIELD, .reset = VENDOR },
	{ .offset = 0x020, .width = 8, .name = "chip_id", .field = REG_NO_FIELD, .read = chip_id_read },
	{ .offset = 0x180, .width = 8, .name = "function", .field = FIELD(function),
	  .reset = 0x3d000f00bb003de0, .writable = UINT64_MAX >> 8 },
	{ .offset = 0x188, .width = 8, .name = "drive", .field = FIELD(drive), .writable = UINT64_MAX },
	{ .offset = 0x190, .width = 8, .name = "function_sample", .field = REG_NO_FIELD },
	{ .offset = 0x198, .width = 8, .name = "sample", .field = REG_NO_FIELD, .read = sampling_read },
	{ .offset = 0x1b0, .width = 8, .count = 2, .name = "node_pll", .field = FIELD(node_pll),
	  .writable = ~(UINT64_C(1) << 16), .read = node_pll_read },
	{ .offset = 0x1c0, .width = 8, .name = "memory_pll", .field = FIELD(memory_pll),
	  .reset = 0x41 << 14 | 1 << 8 | 1 << 3, .writable = ~(UINT64_C(1) << 6), .read = memory_pll_read },
	{ .offset = 0x1d0, .width = 2, .name = "frequency", .field = FIELD(frequency),
	  .reset = UINT16_MAX, .writable = UINT16_MAX },
	{ .offset = 0x1d8, .width = 1, .name = "core_reset", .field = FIELD(reset_control),
	  .reset = UINT8_MAX, .writable = UINT8_MAX, .written = reset_control_written },
	{ .offset = 0x200, .width = 8, .count = 4, .name = "lock", .field = FIELD(lock),
	  .writable = UINT64_C(1) << 63 | (UINT64_MAX >> 16) },
	{ .offset = 0x240, .width = 8, .count = 4, .name = "lock_mask", .field = FIELD(lock_mask),
	  .writable = UINT64_MAX >> 16 },
	{ .offset = 0x280, .width = 8, .name = "sc_config", .field = FIELD(sc_config),
	  .reset = 0x22110001, .writable = UINT64_MAX },
	{ .offset = 0x400, .width = 8, .name = "routing", .field = FIELD(routing),
	  .reset = 0xc00000f0, .writable = ~(UINT64_C(0xf) << 40) },
	{ .offset = 0x408, .width = 8, .name = "node_counter", .field = REG_NO_FIELD, .read = node_counter_read },
	{ .offset = 0x420, .width = 8, .name = "misc", .field = FIELD(misc),
	  .reset = 0x38000000, .writable = ~(UINT64_C(0xf) << 60 | UINT64_C(1) << 9), .written = misc_written },
	{ .offset = 0x428, .width = 8, .name = "temperature", .field = REG_NO_FIELD, .read = temperature_read },
	{ .offset = 0x430, .width = 4, .name = "sram", .field = FIELD(sram), .writable = UINT32_MAX },
	{ .offset = 0x460, .width = 8, .count = 4, .name = "fuse", .field = REG_NO_FIELD },
};
/* clang-format on */

/* node_pll differs in its two halves: all dividers 1. */
static void chipconfig_reset(struct device *dev)
{
	struct chipconfig *config = device_of(dev, struct chipconfig, dev);

	config->node_pll[0] = UINT64_C(1) << 26 | UINT64_C(1) << 32 | UINT64_C(1) << 42;
	config->node_pll[1] = 0;
}

const struct device_type chipconfig_type = {
	.name = "chip",
	DEVICE_REGS(chipconfig_regs),
	.size = 0x480,
	.widths = 1 | 2 | 4 | 8,
	.reset = chipconfig_reset,
};

int chipconfig_init(struct chipconfig *config, struct clock *clock, uint64_t features, uint64_t chip_id,
		    struct trace *trace)
{
	config->clock = clock;
	config->features = features;
	config->chip_id = chip_id;
	config->misc_written = NULL;
	config->core_reset = NULL;
	return device_init(&config->dev, &chipconfig_type, "chip", 1, trace);
}

void chipconfig_destroy(struct chipconfig *config)
{
	device_destroy(&config->dev);
}
