/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Exit device: a 4-byte write of code << 1 | 1 ends the machine with that code; even values do nothing. */
#include "machine/board/exit.h"

static void exit_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct exit_device *exit = device_of(dev, struct exit_device, dev);

	if (value & 1)
		exit->exit(exit->opaque, (int)(value >> 1 & 0xff));
}

static const struct reg exit_regs[] = {
	{ .offset = 0, .width = 4, .name = "code", .field = REG_NO_FIELD, .write = exit_write },
};

const struct device_type exit_type = {
	.name = "exit",
	DEVICE_REGS(exit_regs),
	.size = 4,
	.widths = 4,
};

int exit_init(struct exit_device *exit, void (*fn)(void *opaque, int code), void *opaque, struct trace *trace)
{
	exit->exit = fn;
	exit->opaque = opaque;
	return device_init(&exit->dev, &exit_type, "exit", 1, trace);
}

void exit_destroy(struct exit_device *exit)
{
	device_destroy(&exit->dev);
}
