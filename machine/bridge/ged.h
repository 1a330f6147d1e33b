/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Event, sleep and reset registers that ACPI tables point to (ACPI 6.5, 4.8.4 and 5.6.9): QEMU's generic
 * event device, at the addresses its virt machine has them.
 */
#ifndef BIXI_BRIDGE_GED_H
#define BIXI_BRIDGE_GED_H

#include "machine/bus/device.h"
#include "machine/bus/irq.h"

enum ged_event { GED_MEMORY = 1 << 0, GED_POWER_BUTTON = 1 << 1, GED_NVDIMM = 1 << 2, GED_CPU = 1 << 3 };

struct ged {
	struct device dev;
	struct irq_line irq; /* rises with the first event, falls when events are read */
	uint32_t events;
	void (*poweroff)(void *opaque); /* the device's lock is held */
	void (*reset)(void *opaque);
	void *opaque;
};

extern const struct device_type ged_type;

/* irq and callbacks are set by the caller afterwards. */
int ged_init(struct ged *ged, struct trace *trace);
void ged_destroy(struct ged *ged);

/* Any thread; takes the lock. */
void ged_raise(struct ged *ged, enum ged_event event);

#endif
