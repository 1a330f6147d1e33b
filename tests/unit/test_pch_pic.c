/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The bridge's interrupt controller, message doorbell and event device: machine/bridge/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "machine/bus/trace.h"
#include "machine/bridge/config.h"
#include "machine/bridge/ged.h"
#include "machine/bridge/pch_msi.h"
#include "machine/bridge/pch_pic.h"

enum {
	ID = 0,
	MASK = 0x20,
	HTMSI_EN = 0x40,
	EDGE = 0x60,
	CLEAR = 0x80,
	ROUTE = 0x100,
	VECTOR = 0x200,
	ISR0 = 0x300,
	ISR1 = 0x320,
	IRR = 0x380,
	ISR = 0x3a0,
	POLARITY = 0x3e0,
};

struct fixture {
	struct trace trace;
	struct pch_pic pic;
	struct pch_msi msi;
	struct ged ged;
	bool level[256]; /* vectors */
	unsigned rises[256];
	unsigned message, messages, poweroffs, resets;
};

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static void vector_set(void *sink, unsigned vector, bool level)
{
	struct fixture *f = sink;

	f->rises[vector] += level;
	f->level[vector] = level;
}

static void message_sent(void *opaque, unsigned vector)
{
	struct fixture *f = opaque;

	f->message = vector;
	f->messages++;
}

static void count_poweroff(void *opaque)
{
	((struct fixture *)opaque)->poweroffs++;
}

static void count_reset(void *opaque)
{
	((struct fixture *)opaque)->resets++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct irq_line out = { vector_set, f, 0 };

	f->trace.emit = emit_nothing;
	assert_int_equal(pch_pic_init(&f->pic, &out, &f->trace), 0);
	assert_int_equal(pch_msi_init(&f->msi, message_sent, f, &f->trace), 0);
	assert_int_equal(ged_init(&f->ged, &f->trace), 0);
	f->ged.irq = pch_pic_line(&f->pic, 7);
	f->ged.poweroff = count_poweroff;
	f->ged.reset = count_reset;
	f->ged.opaque = f;
	device_reset(&f->pic.dev);
	device_reset(&f->ged.dev);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ged_destroy(&f->ged);
	pch_msi_destroy(&f->msi);
	pch_pic_destroy(&f->pic);
	free(f);
	return 0;
}

static uint64_t rd(struct device *dev, uint64_t offset, unsigned size)
{
	uint64_t value;

	assert_true(device_mmio.read(dev, offset, size, &value));
	return value;
}

static void wr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
	assert_true(device_mmio.write(dev, offset, size, value));
}

static void it_identifies_as_qemu_does(void **state)
{
	struct device *pic = &((struct fixture *)*state)->pic.dev;
	uint64_t value;

	assert_int_equal(rd(pic, ID, 8), 0x001f000107000000);
	assert_int_equal(rd(pic, 6, 1), 31);
	assert_int_equal(rd(pic, VECTOR + 2, 1), 2);
	assert_int_equal(rd(pic, VECTOR + 32, 1), 0x40);
	/* Software resets a table that is all 255: byte writes up to 2ff are harmless; 400 is outside. */
	wr(pic, 0x2ff, 1, 0);
	assert_int_equal(rd(pic, 0x2ff, 1), 0);
	assert_false(device_mmio.read(pic, 0x400, 4, &value));
}

static void a_level_pin_follows_its_input_when_unmasked(void **state)
{
	struct fixture *f = *state;
	struct device *pic = &f->pic.dev;

	wr(pic, VECTOR + 2, 1, 0x15);
	pch_pic_set_pin(&f->pic, 2, true);
	assert_int_equal(rd(pic, IRR, 8), 4);
	assert_int_equal(rd(pic, ISR, 8), 0);
	assert_false(f->level[0x15]);
	wr(pic, MASK, 1, 0xfb);
	assert_true(f->level[0x15]);
	assert_int_equal(rd(pic, ISR, 8), 4);
	wr(pic, CLEAR, 4, 4); /* means nothing to a level */
	assert_true(f->level[0x15]);
	/* Masked it falls; unmasked while high it rises again. */
	wr(pic, MASK, 4, UINT32_MAX);
	assert_false(f->level[0x15]);
	wr(pic, MASK, 4, ~4u);
	assert_true(f->level[0x15]);
	assert_int_equal(f->rises[0x15], 2);
	pch_pic_set_pin(&f->pic, 2, false);
	assert_false(f->level[0x15]);
	assert_int_equal(rd(pic, IRR, 8), 0);
}

static void an_edge_pin_keeps_what_came(void **state)
{
	struct fixture *f = *state;
	struct device *pic = &f->pic.dev;

	wr(pic, EDGE, 4, 0x80);
	wr(pic, MASK, 4, ~0x80u);
	pch_pic_set_pin(&f->pic, 7, true);
	pch_pic_set_pin(&f->pic, 7, false);
	assert_true(f->level[7]);
	assert_int_equal(rd(pic, ISR, 4), 0x80);
	/* A second edge before the first is cleared is sent too. */
	pch_pic_set_pin(&f->pic, 7, true);
	assert_int_equal(f->rises[7], 2);
	wr(pic, CLEAR, 4, 0x80);
	assert_false(f->level[7]);
	/* The input is still high: no new edge. */
	pch_pic_set_pin(&f->pic, 7, true);
	assert_false(f->level[7]);
	pch_pic_set_pin(&f->pic, 7, false);
	/* One that comes while masked is sent when unmasked. */
	wr(pic, MASK, 4, UINT32_MAX);
	pch_pic_set_pin(&f->pic, 7, true);
	assert_false(f->level[7]);
	wr(pic, MASK, 4, ~0x80u);
	assert_true(f->level[7]);
}

static void polarity_inverts(void **state)
{
	struct fixture *f = *state;
	struct device *pic = &f->pic.dev;

	wr(pic, MASK, 4, ~4u);
	wr(pic, POLARITY, 4, 4);
	assert_true(f->level[2]);
	pch_pic_set_pin(&f->pic, 2, true);
	assert_false(f->level[2]);
	wr(pic, EDGE, 4, 4);
	pch_pic_set_pin(&f->pic, 2, false);
	assert_true(f->level[2]);
}

static void htmsi_en_counts_once_it_was_written(void **state)
{
	struct fixture *f = *state;
	struct device *pic = &f->pic.dev;

	assert_int_equal(rd(pic, HTMSI_EN, 8), 0);
	wr(pic, MASK, 4, 0);
	pch_pic_set_pin(&f->pic, 2, true);
	assert_true(f->level[2]);
	wr(pic, HTMSI_EN, 4, ~4u);
	assert_false(f->level[2]);
	assert_int_equal(rd(pic, ISR, 4), 4);
	wr(pic, HTMSI_EN, 4, UINT32_MAX);
	assert_true(f->level[2]);
}

static void a_vector_may_be_any_byte_and_change_while_high(void **state)
{
	struct fixture *f = *state;
	struct device *pic = &f->pic.dev;

	wr(pic, MASK, 4, 0);
	wr(pic, VECTOR + 3, 1, 0xff);
	assert_int_equal(rd(pic, VECTOR, 4), 0xff020100);
	pch_pic_set_pin(&f->pic, 3, true);
	assert_true(f->level[0xff]);
	wr(pic, VECTOR + 3, 1, 0x21);
	assert_false(f->level[0xff]);
	assert_true(f->level[0x21]);
}

static void service_registers_follow_the_route(void **state)
{
	struct fixture *f = *state;
	struct device *pic = &f->pic.dev;

	wr(pic, MASK, 4, 0);
	wr(pic, ROUTE + 1, 1, 2);
	pch_pic_set_pin(&f->pic, 1, true);
	pch_pic_set_pin(&f->pic, 2, true);
	assert_int_equal(rd(pic, ISR0, 8), 4);
	assert_int_equal(rd(pic, ISR1, 8), 2);
}

static void pins_that_are_not_there_do_nothing(void **state)
{
	struct fixture *f = *state;

	wr(&f->pic.dev, MASK, 8, 0);
	pch_pic_set_pin(&f->pic, 32, true);
	pch_pic_set_pin(&f->pic, 63, true);
	pch_pic_set_pin(&f->pic, 1000, true);
	assert_int_equal(rd(&f->pic.dev, IRR, 8), 0);
	wr(&f->pic.dev, POLARITY, 8, UINT64_MAX);
	assert_int_equal(rd(&f->pic.dev, IRR, 8), UINT32_MAX);
}

static void messages_are_vectors_above_the_pins(void **state)
{
	struct fixture *f = *state;
	unsigned sent = 0;

	for (unsigned vector = 0; vector < 256; vector++) {
		wr(&f->msi.dev, 0, 4, vector);
		sent += vector >= 0x20;
		assert_int_equal(f->messages, sent);
		assert_true(vector < 0x20 || f->message == vector);
	}
	wr(&f->msi.dev, 4, 4, 0x55);
	assert_int_equal(f->messages, sent);
	assert_int_equal(rd(&f->msi.dev, 0, 4), 0);
}

static void the_power_button_is_one_event_read_once(void **state)
{
	struct fixture *f = *state;

	wr(&f->pic.dev, EDGE, 4, 0x80);
	wr(&f->pic.dev, MASK, 4, ~0x80u);
	ged_raise(&f->ged, GED_POWER_BUTTON);
	assert_true(f->level[7]);
	ged_raise(&f->ged, GED_CPU);
	assert_int_equal(f->rises[7], 1);
	assert_int_equal(rd(&f->ged.dev, 0, 4), GED_POWER_BUTTON | GED_CPU);
	assert_int_equal(rd(&f->ged.dev, 0, 4), 0);
	wr(&f->pic.dev, CLEAR, 4, 0x80);
	ged_raise(&f->ged, GED_POWER_BUTTON);
	assert_int_equal(f->rises[7], 2);
}

static void only_the_right_values_end_the_machine(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	for (unsigned i = 0; i < 256; i++) {
		wr(&f->ged.dev, 0x1c, 1, i);
		wr(&f->ged.dev, 0x1d, 1, i);
		wr(&f->ged.dev, 0x1e, 1, i);
	}
	assert_int_equal(f->poweroffs, 1);
	assert_int_equal(f->resets, 1);
	assert_int_equal(rd(&f->ged.dev, 0x1d, 1), 0);
	for (unsigned i = 0x20; i < 0x2c; i += 4)
		assert_int_equal(rd(&f->ged.dev, i, 4), 0);
	assert_false(device_mmio.read(&f->ged.dev, 0x2c, 4, &value));
}

static void a_bridge_pll_locks_when_its_parameters_are_set(void **state)
{
	struct fixture *f = *state;
	struct bridge_config config = { 0 };

	assert_int_equal(bridge_config_init(&config, &f->trace), 0);
	device_reset(&config.dev);
	assert_int_equal(rd(&config.dev, 0x41c, 4), 0x000aa800);
	assert_int_equal(rd(&config.dev, 0x3ff8, 4) >> 24, 0x7a);
	wr(&config.dev, 0x490, 8, 0x1234);
	assert_int_equal(rd(&config.dev, 0x490, 8), 0x1234);
	wr(&config.dev, 0x494, 4, 1 << 11);
	assert_int_equal(rd(&config.dev, 0x494, 4), 1 << 11 | 1 << 7);
	bridge_config_destroy(&config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_identifies_as_qemu_does),
		TEST(a_level_pin_follows_its_input_when_unmasked),
		TEST(an_edge_pin_keeps_what_came),
		TEST(polarity_inverts),
		TEST(htmsi_en_counts_once_it_was_written),
		TEST(a_vector_may_be_any_byte_and_change_while_high),
		TEST(service_registers_follow_the_route),
		TEST(pins_that_are_not_there_do_nothing),
		TEST(messages_are_vectors_above_the_pins),
		TEST(the_power_button_is_one_event_read_once),
		TEST(only_the_right_values_end_the_machine),
		TEST(a_bridge_pll_locks_when_its_parameters_are_set),
	};

	return cmocka_run_group_tests_name("pch_pic", tests, NULL, NULL);
}
