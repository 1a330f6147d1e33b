/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Interrupt controller of the 7A1000 bridge (7A1000 manual ch. 5): pins to HT interrupt messages. */
#ifndef BIXI_BRIDGE_PCH_PIC_H
#define BIXI_BRIDGE_PCH_PIC_H

#include "machine/bus/device.h"
#include "machine/bus/irq.h"

#define PCH_PIC_PINS	  32 /* wired; registers exist for 64 */
#define PCH_PIC_ENTRIES	  64
#define PCH_PIC_NO_VECTOR (-1)

struct pch_pic {
	struct device dev;
	struct irq_line out; /* pin = vector: the line's own pin is replaced */
	uint64_t mask, htmsi_en, edge, auto0, auto1, polarity;
	uint8_t route[PCH_PIC_ENTRIES], vector[PCH_PIC_ENTRIES];
	uint64_t input;		       /* levels of the pins */
	uint64_t recorded;	       /* edges that came and were not cleared */
	bool htmsi_programmed;	       /* software wrote htmsi_en: until then all pins send messages */
	int16_t sent[PCH_PIC_ENTRIES]; /* vector that each pin holds high, or PCH_PIC_NO_VECTOR */
};

extern const struct device_type pch_pic_type;

/* @out.set is called with the vector as its pin. */
int pch_pic_init(struct pch_pic *pic, const struct irq_line *out, struct trace *trace);
void pch_pic_destroy(struct pch_pic *pic);

/* Input @pin (irq_line sink).  Takes the lock. */
void pch_pic_set_pin(void *pic, unsigned pin, bool level);

/* The line to input @pin. */
static inline struct irq_line pch_pic_line(struct pch_pic *pic, unsigned pin)
{
	return (struct irq_line){ pch_pic_set_pin, pic, pin };
}

#endif
