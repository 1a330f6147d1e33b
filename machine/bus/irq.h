/* SPDX-License-Identifier: MulanPSL-2.0 */
/* An interrupt line: a wire from one device's output to another's input. */
#ifndef BIXI_BUS_IRQ_H
#define BIXI_BUS_IRQ_H

#include <stdbool.h>
#include <stddef.h>

struct irq_line {
	void (*set)(void *sink, unsigned pin, bool level); /* NULL: not connected */
	void *sink;
	unsigned pin;
};

/* Drives the line.  The caller may hold its own device lock; sinks lie nearer to the processor, so
 * locks are taken in the order device, PCH-PIC, EXTIOI, processor. */
static inline void irq_set(const struct irq_line *line, bool level)
{
	if (line->set)
		line->set(line->sink, line->pin, level);
}

#endif
