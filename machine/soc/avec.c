/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * AVEC doorbell: a 4-byte write to base | core << 12 | vector << 4 makes message interrupt @vector pending
 * at the core (Vol.1 6.1.4); the data does not matter.  Reads give 0.
 */
#include "machine/soc/avec.h"

static bool avec_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0;
	return true;
}

static bool avec_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct avec *avec = dev;
	unsigned core = (unsigned)(offset >> 12), vector = offset >> 4 & 0xff;

	if (trace_on(avec->trace, TRACE_DEVICE))
		trace_emit(avec->trace, TRACE_DEVICE, -1, "avec.doorbell", offset, value, size | 1 << 8);
	if (core < avec->group->count && atomic_load_explicit(&avec->enabled, memory_order_relaxed))
		cpu_message_interrupt(avec->group->cpu[core], vector);
	return true;
}

static const struct mmio_ops avec_ops = { avec_read, avec_write };

void avec_init(struct avec *avec, struct cpu_group *group, struct trace *trace)
{
	avec->group = group;
	avec->trace = trace;
	avec_reset(avec);
}

void avec_reset(struct avec *avec)
{
	atomic_store(&avec->enabled, true);
}

int avec_map(struct avec *avec, struct bus *bus, uint64_t base)
{
	const struct mmio_region region = {
		.name = "avec", .base = base, .size = AVEC_SIZE, .ops = &avec_ops, .dev = avec
	};

	return bus_add_region(bus, &region);
}
