/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The doorbell of message interrupts (AVEC): an MSI that names vector and core in its address. */
#ifndef BIXI_SOC_AVEC_H
#define BIXI_SOC_AVEC_H

#include <stdbool.h>

#include "machine/bus/bus.h"
#include "machine/cpu/cpu.h"

#define AVEC_SIZE (UINT64_C(1) << 20)

struct avec {
	struct cpu_group *group;
	_Atomic bool enabled; /* IOCSR 0x420 bit 51, once software has written that register */
	struct trace *trace;
};

void avec_init(struct avec *avec, struct cpu_group *group, struct trace *trace);
void avec_reset(struct avec *avec);

/* Adds the doorbell window at @base. */
int avec_map(struct avec *avec, struct bus *bus, uint64_t base);

#endif
