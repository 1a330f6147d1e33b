/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Generic event device.  Memory and CPU hot-plug windows read 0: nothing can be plugged.  Sleep and reset
 * values other than the one each that means something are ignored.
 */
#include "machine/bridge/ged.h"

#define SLEEP_S5    0x34 /* SLP_EN | SLP_TYP 5 << 2 */
#define RESET_VALUE 0x42

static uint64_t select_read(struct device *dev, const struct reg_access *at)
{
	struct ged *ged = device_of(dev, struct ged, dev);
	uint32_t events = ged->events;

	ged->events = 0;
	irq_set(&ged->irq, false);
	return events;
}

static void sleep_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct ged *ged = device_of(dev, struct ged, dev);

	if (value == SLEEP_S5 && ged->poweroff)
		ged->poweroff(ged->opaque);
}

static void reset_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct ged *ged = device_of(dev, struct ged, dev);

	if (value == RESET_VALUE && ged->reset)
		ged->reset(ged->opaque);
}

/* clang-format off */
static const struct reg ged_regs[] = {
	{ .offset = 0x00, .width = 4, .name = "event", .field = offsetof(struct ged, events), .read = select_read },
	{ .offset = 0x04, .width = 4, .count = 6, .name = "memory_hotplug", .field = REG_NO_FIELD },
	{ .offset = 0x1c, .width = 1, .name = "sleep_control", .field = REG_NO_FIELD, .write = sleep_write },
	{ .offset = 0x1d, .width = 1, .name = "sleep_status", .field = REG_NO_FIELD },
	{ .offset = 0x1e, .width = 1, .name = "reset", .field = REG_NO_FIELD, .write = reset_write },
	{ .offset = 0x20, .width = 4, .count = 3, .name = "cpu_hotplug", .field = REG_NO_FIELD },
};
/* clang-format on */

static void ged_reset(struct device *dev)
{
	irq_set(&device_of(dev, struct ged, dev)->irq, false);
}

const struct device_type ged_type = {
	.name = "ged",
	DEVICE_REGS(ged_regs),
	.size = 0x2c,
	.widths = 1 | 2 | 4 | 8,
	.flags = DEVICE_STRICT,
	.reset = ged_reset,
};

int ged_init(struct ged *ged, struct trace *trace)
{
	return device_init(&ged->dev, &ged_type, "ged", 1, trace);
}

void ged_destroy(struct ged *ged)
{
	device_destroy(&ged->dev);
}

void ged_raise(struct ged *ged, enum ged_event event)
{
	pthread_mutex_lock(ged->dev.lock);
	ged->events |= event;
	irq_set(&ged->irq, true);
	pthread_mutex_unlock(ged->dev.lock);
}
