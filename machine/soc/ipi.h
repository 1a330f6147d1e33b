/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inter-processor interrupts and mailboxes, 3A5000 manual ch. 10; IOCSR 0x1000. */
#ifndef BIXI_SOC_IPI_H
#define BIXI_SOC_IPI_H

#include "machine/bus/device.h"
#include "machine/bus/irq.h"
#include "machine/cpu/cpu.h"

#define IPI_MAILBOXES 4

struct ipi_core {
	uint32_t status, enable;
	uint64_t mailbox[IPI_MAILBOXES];
};

struct ipi {
	struct device dev; /* bank: core */
	unsigned cores;
	struct irq_line out[CPU_MAX]; /* to input 12 of each core */
	struct ipi_core core[CPU_MAX];
};

extern const struct device_type ipi_type;

int ipi_init(struct ipi *ipi, unsigned cores, struct trace *trace);
void ipi_destroy(struct ipi *ipi);

#endif
