/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * 7A1000 interrupt controller (7A1000 manual ch. 5).  A pin that requests, is not masked and has its message
 * enabled holds its HT vector high at the processor's EXTIOI; unmasking a pin that still requests raises it
 * anew.  The output lines INTn0 and INTn1 are not wired, so AUTO_CTRL only keeps its value.
 */
#include "machine/bridge/pch_pic.h"

/* Requests whatever the mask: levels as they are, edges as recorded. */
static uint64_t pic_requests(const struct pch_pic *pic)
{
	return (((pic->input ^ pic->polarity) & ~pic->edge) | (pic->recorded & pic->edge)) &
	       ((UINT64_C(1) << PCH_PIC_PINS) - 1);
}

static uint64_t pic_in_service(const struct pch_pic *pic)
{
	return pic_requests(pic) & ~pic->mask;
}

static void pin_send(struct pch_pic *pic, unsigned pin, int vector)
{
	if (pic->sent[pin] != PCH_PIC_NO_VECTOR && pic->sent[pin] != vector)
		pic->out.set(pic->out.sink, (unsigned)pic->sent[pin], false);
	if (vector != PCH_PIC_NO_VECTOR && pic->sent[pin] != vector)
		pic->out.set(pic->out.sink, (unsigned)vector, true);
	pic->sent[pin] = (int16_t)vector;
}

/* Makes the vectors of @pins follow their requests. */
static void pic_update(struct pch_pic *pic, uint64_t pins)
{
	uint64_t active = pic_in_service(pic) & (pic->htmsi_programmed ? pic->htmsi_en : UINT64_MAX);

	for (pins &= (UINT64_C(1) << PCH_PIC_PINS) - 1; pins; pins &= pins - 1) {
		unsigned pin = (unsigned)__builtin_ctzll(pins);

		pin_send(pic, pin, active >> pin & 1 ? pic->vector[pin] : PCH_PIC_NO_VECTOR);
	}
}

void pch_pic_set_pin(void *opaque, unsigned pin, bool level)
{
	struct pch_pic *pic = opaque;
	uint64_t one, before;

	if (pin >= PCH_PIC_PINS)
		return;
	one = UINT64_C(1) << pin;
	pthread_mutex_lock(pic->dev.lock);
	before = pic->input;
	pic->input = level ? before | one : before & ~one;
	/* An edge into the active level is recorded, and an edge while one is recorded sends again. */
	if ((pic->input ^ before) & (pic->input ^ pic->polarity) & pic->edge & one) {
		pic->recorded |= one;
		if (pic->sent[pin] == pic->vector[pin])
			pic->out.set(pic->out.sink, pic->vector[pin], true);
	}
	pic_update(pic, one);
	pthread_mutex_unlock(pic->dev.lock);
}

static void changed_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	pic_update(device_of(dev, struct pch_pic, dev), UINT64_MAX);
}

static void htmsi_en_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct pch_pic *pic = device_of(dev, struct pch_pic, dev);

	pic->htmsi_programmed = true;
	pic_update(pic, UINT64_MAX);
}

static void clear_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct pch_pic *pic = device_of(dev, struct pch_pic, dev);

	pic->recorded &= ~value;
	pic_update(pic, value);
}

static void vector_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	pic_update(device_of(dev, struct pch_pic, dev), UINT64_C(1) << at->index);
}

/* Pins whose route entry has @bit set. */
static uint64_t routed_to(const struct pch_pic *pic, unsigned bit)
{
	uint64_t pins = 0;

	for (unsigned pin = 0; pin < PCH_PIC_ENTRIES; pin++)
		pins |= (uint64_t)(pic->route[pin] >> bit & 1) << pin;
	return pins;
}

static uint64_t isr0_read(struct device *dev, const struct reg_access *at)
{
	const struct pch_pic *pic = device_of(dev, struct pch_pic, dev);

	return pic_in_service(pic) & routed_to(pic, 0);
}

static uint64_t isr1_read(struct device *dev, const struct reg_access *at)
{
	const struct pch_pic *pic = device_of(dev, struct pch_pic, dev);

	return pic_in_service(pic) & routed_to(pic, 1);
}

static uint64_t irr_read(struct device *dev, const struct reg_access *at)
{
	return pic_requests(device_of(dev, struct pch_pic, dev));
}

static uint64_t isr_read(struct device *dev, const struct reg_access *at)
{
	return pic_in_service(device_of(dev, struct pch_pic, dev));
}

#define FIELD(name) offsetof(struct pch_pic, name)

/* clang-format off */
static const struct reg pch_pic_regs[] = {
	{ .offset = 0x000, .width = 4, .name = "id", .field = REG_NO_FIELD, .reset = 0x07000000 },
	{ .offset = 0x004, .width = 4, .name = "id2", .field = REG_NO_FIELD,
	  .reset = (PCH_PIC_PINS - 1) << 16 | 1 },
	{ .offset = 0x020, .width = 8, .name = "int_mask", .field = FIELD(mask),
	  .reset = UINT64_MAX, .writable = UINT64_MAX, .written = changed_written },
	{ .offset = 0x040, .width = 8, .name = "htmsi_en", .field = FIELD(htmsi_en),
	  .writable = UINT64_MAX, .written = htmsi_en_written },
	{ .offset = 0x060, .width = 8, .name = "int_edge", .field = FIELD(edge),
	  .writable = UINT64_MAX, .written = changed_written },
	{ .offset = 0x080, .width = 8, .name = "int_clr", .field = REG_NO_FIELD, .write = clear_write },
	{ .offset = 0x0c0, .width = 8, .name = "auto_ctrl0", .field = FIELD(auto0), .writable = UINT64_MAX },
	{ .offset = 0x0e0, .width = 8, .name = "auto_ctrl1", .field = FIELD(auto1), .writable = UINT64_MAX },
	{ .offset = 0x100, .width = 1, .count = PCH_PIC_ENTRIES, .name = "route", .field = FIELD(route),
	  .reset = 1, .writable = UINT8_MAX },
	{ .offset = 0x200, .width = 1, .count = 32, .name = "htmsi_vector", .field = FIELD(vector),
	  .reset = 0, .reset_step = 1, .writable = UINT8_MAX, .written = vector_written },
	{ .offset = 0x220, .width = 1, .count = 32, .name = "htmsi_vector", .field = FIELD(vector[32]),
	  .reset = 0x40, .reset_step = 1, .writable = UINT8_MAX },
	{ .offset = 0x300, .width = 8, .name = "int_isr0", .field = REG_NO_FIELD, .read = isr0_read },
	{ .offset = 0x320, .width = 8, .name = "int_isr1", .field = REG_NO_FIELD, .read = isr1_read },
	{ .offset = 0x380, .width = 8, .name = "int_irr", .field = REG_NO_FIELD, .read = irr_read },
	{ .offset = 0x3a0, .width = 8, .name = "int_isr", .field = REG_NO_FIELD, .read = isr_read },
	{ .offset = 0x3e0, .width = 8, .name = "int_polarity", .field = FIELD(polarity),
	  .writable = UINT64_MAX, .written = changed_written },
};
/* clang-format on */

static const struct device_field pch_pic_fields[] = {
	DEVICE_FIELD(struct pch_pic, input),
	DEVICE_FIELD(struct pch_pic, recorded),
	DEVICE_BOOL(struct pch_pic, htmsi_programmed),
	DEVICE_FIELD(struct pch_pic, sent),
};

/* Pins keep their levels: they are the devices'. */
static void pch_pic_reset(struct device *dev)
{
	struct pch_pic *pic = device_of(dev, struct pch_pic, dev);

	pic->recorded = 0;
	pic->htmsi_programmed = false;
	pic_update(pic, UINT64_MAX);
}

static void pch_pic_state(struct device *dev, struct state *state)
{
	const struct pch_pic *pic = device_of(dev, struct pch_pic, dev);

	for (unsigned pin = 0; pin < PCH_PIC_ENTRIES && state_loading(state); pin++)
		if (pic->sent[pin] < PCH_PIC_NO_VECTOR || pic->sent[pin] > UINT8_MAX)
			state_refuse(state, "pin %u holds a vector that there is not", pin);
}

const struct device_type pch_pic_type = {
	.name = "pch-pic",
	DEVICE_REGS(pch_pic_regs),
	.size = 0x400,
	.widths = 1 | 2 | 4 | 8,
	.reset = pch_pic_reset,
	DEVICE_FIELDS(pch_pic_fields),
	.state = pch_pic_state,
};

int pch_pic_init(struct pch_pic *pic, const struct irq_line *out, struct trace *trace)
{
	pic->out = *out;
	pic->input = 0;
	for (unsigned pin = 0; pin < PCH_PIC_ENTRIES; pin++)
		pic->sent[pin] = PCH_PIC_NO_VECTOR;
	return device_init(&pic->dev, &pch_pic_type, "pch-pic", 1, trace);
}

void pch_pic_destroy(struct pch_pic *pic)
{
	device_destroy(&pic->dev);
}
