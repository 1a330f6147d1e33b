/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The 16550A UART: machine/soc/uart.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "machine/bus/trace.h"
#include "machine/soc/uart.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = 2 };

struct fixture {
	struct trace trace;
	struct clock clock;
	struct uart uart;
	bool line;
	uint8_t out[64];
	size_t out_size;
	unsigned ready;
};

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static void line_set(void *sink, unsigned pin, bool level)
{
	((struct fixture *)sink)->line = level;
}

static void take_output(void *opaque, const uint8_t *data, size_t size)
{
	struct fixture *f = opaque;

	memcpy(f->out + f->out_size, data, size);
	f->out_size += size;
}

static void input_ready(void *opaque)
{
	((struct fixture *)opaque)->ready++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct uart_backend backend = { take_output, input_ready, f };

	f->trace.emit = emit_nothing;
	clock_init(&f->clock, true, 1);
	assert_int_equal(uart_init(&f->uart, "uart", &f->clock, &f->trace), 0);
	f->uart.irq = (struct irq_line){ line_set, f, 0 };
	uart_attach(&f->uart, &backend);
	device_reset(&f->uart.dev);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	uart_destroy(&f->uart);
	clock_destroy(&f->clock);
	free(f);
	return 0;
}

static uint8_t rd(struct fixture *f, unsigned offset)
{
	uint64_t value;

	assert_true(device_mmio.read(&f->uart.dev, offset, 1, &value));
	return (uint8_t)value;
}

static void wr(struct fixture *f, unsigned offset, uint8_t value)
{
	assert_true(device_mmio.write(&f->uart.dev, offset, 1, value));
}

static void reset_state(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_int_equal(rd(f, IIR), 1);
	assert_int_equal(rd(f, LSR), 0x60);
	assert_int_equal(rd(f, MSR), 0xb0);
	wr(f, SCR, 0x5a);
	/* A wider access is one register, zero-extended; none crosses the end. */
	assert_true(device_mmio.read(&f->uart.dev, SCR, 1, &value));
	assert_true(device_mmio.read(&f->uart.dev, 4, 4, &value));
	assert_int_equal(value, 0);
	assert_true(device_mmio.read(&f->uart.dev, 0, 8, &value));
	assert_false(device_mmio.read(&f->uart.dev, SCR, 2, &value));
	assert_false(device_mmio.read(&f->uart.dev, 5, 4, &value));
}

static void output_goes_out_and_thre_interrupts(void **state)
{
	struct fixture *f = *state;

	wr(f, DATA, 'a');
	assert_false(f->line);
	wr(f, IER, 2);
	assert_true(f->line);
	assert_int_equal(rd(f, IIR), 2);
	assert_false(f->line); /* reading IIR ends it */
	assert_int_equal(rd(f, IIR), 1);
	wr(f, DATA, 'b');
	assert_true(f->line);
	assert_memory_equal(f->out, "ab", 2);
	wr(f, IER, 0);
	assert_false(f->line);
	wr(f, IER, 2);
	assert_true(f->line);
}

static void input_without_fifo_is_one_character(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(uart_can_receive(&f->uart), 1);
	uart_receive(&f->uart, (const uint8_t *)"x", 1);
	assert_int_equal(uart_can_receive(&f->uart), 0);
	assert_false(f->line);
	wr(f, IER, 1);
	assert_true(f->line);
	assert_int_equal(rd(f, IIR), 4);
	assert_int_equal(rd(f, LSR), 0x61);
	assert_int_equal(rd(f, DATA), 'x');
	assert_false(f->line);
	assert_int_equal(f->ready, 1);
	assert_int_equal(rd(f, LSR), 0x60);
	assert_int_equal(rd(f, DATA), 0);
}

static void the_trigger_level_and_the_time_out_interrupt(void **state)
{
	static const uint8_t level[4] = { 1, 4, 8, 14 };
	static const uint8_t text[] = "0123456789abcdef";
	struct fixture *f = *state;

	wr(f, IER, 1);
	for (unsigned i = 0; i < 4; i++) {
		wr(f, FCR, (uint8_t)(i << 6 | 3));
		assert_int_equal(uart_can_receive(&f->uart), 16);
		uart_receive(&f->uart, text, level[i] - 1u);
		assert_false(f->line);
		uart_receive(&f->uart, text, 1);
		assert_true(f->line);
		assert_int_equal(rd(f, IIR), 0xc4);
	}
	/* Below the level: only after four character times, and not if something is read meanwhile. */
	wr(f, LCR, 0x80);
	wr(f, DATA, 1);
	wr(f, LCR, 3);
	wr(f, FCR, 0xc3);
	uart_receive(&f->uart, text, 2);
	f->clock.virtual_now += 6000;
	clock_run_timers(&f->clock);
	assert_false(f->line);
	f->clock.virtual_now += 400;
	clock_run_timers(&f->clock);
	assert_true(f->line);
	assert_int_equal(rd(f, IIR), 0xcc);
	assert_int_equal(rd(f, DATA), '0');
	assert_false(f->line);
	f->clock.virtual_now += 6400;
	clock_run_timers(&f->clock);
	assert_int_equal(rd(f, IIR), 0xcc);
	assert_int_equal(rd(f, DATA), '1');
	f->clock.virtual_now += 100000;
	clock_run_timers(&f->clock);
	assert_false(f->line);
}

static void the_fifo_keeps_order_and_can_be_cleared(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 1);
	for (unsigned round = 0; round < 5; round++) {
		uart_receive(&f->uart, (const uint8_t *)"abcdefg", 7);
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(rd(f, DATA), 'a' + i);
	}
	uart_receive(&f->uart, (const uint8_t *)"0123456789abcdefX", 17);
	assert_int_equal(rd(f, LSR), 0x63); /* overrun */
	assert_int_equal(rd(f, LSR), 0x61); /* said once */
	wr(f, FCR, 3);
	assert_int_equal(rd(f, LSR), 0x60);
	assert_int_equal(uart_can_receive(&f->uart), 16);
}

static void interrupts_have_their_priorities(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 1);
	wr(f, IER, 0xf);
	wr(f, MCR, 0x10); /* loop-back with all outputs off changes CTS, DSR and DCD */
	for (unsigned i = 0; i < 17; i++)
		wr(f, DATA, 'x');
	assert_int_equal(rd(f, IIR), 0xc6);
	assert_int_equal(rd(f, LSR) & 2, 2);
	assert_int_equal(rd(f, IIR), 0xc4);
	for (unsigned i = 0; i < 16; i++)
		rd(f, DATA);
	assert_int_equal(rd(f, IIR), 0xc2);
	assert_int_equal(rd(f, IIR), 0xc0);
	assert_int_equal(rd(f, MSR), 0x0b);
	assert_int_equal(rd(f, IIR), 0xc1);
	assert_false(f->line);
}

static void loop_back_connects_outputs_to_inputs(void **state)
{
	static const struct {
		uint8_t mcr, msr;
	} wire[] = { { 1, 0x20 }, { 2, 0x10 }, { 4, 0x40 }, { 8, 0x80 }, { 0xa, 0x90 } };
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(wire) / sizeof(wire[0]); i++) {
		wr(f, MCR, 0x10 | wire[i].mcr);
		assert_int_equal(rd(f, MSR) & 0xf0, wire[i].msr);
	}
	assert_int_equal(uart_can_receive(&f->uart), 0);
	wr(f, DATA, 0x42);
	assert_int_equal(f->out_size, 0);
	assert_int_equal(rd(f, DATA), 0x42);
	wr(f, MCR, 0xff);
	assert_int_equal(rd(f, MCR), 0x1f);
	wr(f, MCR, 0);
	assert_int_equal(rd(f, MSR) & 0xf0, 0xb0);
	assert_true(f->ready > 0);
}

/* What Linux's 8250 driver looks at to tell the types apart. */
static void software_takes_it_for_a_16550a(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0xff);
	assert_int_equal(rd(f, IER), 0xf);
	wr(f, IER, 0);
	wr(f, FCR, 1);
	assert_int_equal(rd(f, IIR) >> 6, 3);
	wr(f, LCR, 0x80);
	assert_int_equal(rd(f, IIR), 0xc1); /* no EFR */
	wr(f, LCR, 0xbf);
	assert_int_equal(rd(f, IIR), 0xc1);
	wr(f, FCR, 0x21);
	assert_int_equal(rd(f, IIR) >> 5, 6); /* no 64-byte FIFO */
	wr(f, DATA, 0x36);
	wr(f, IER, 0x01);
	assert_int_equal(rd(f, DATA), 0x36);
	assert_int_equal(rd(f, IER), 0x01);
	wr(f, LCR, 0);
	assert_int_equal(rd(f, IER), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reset_state),
		TEST(output_goes_out_and_thre_interrupts),
		TEST(input_without_fifo_is_one_character),
		TEST(the_trigger_level_and_the_time_out_interrupt),
		TEST(the_fifo_keeps_order_and_can_be_cleared),
		TEST(interrupts_have_their_priorities),
		TEST(loop_back_connects_outputs_to_inputs),
		TEST(software_takes_it_for_a_16550a),
	};

	return cmocka_run_group_tests_name("uart", tests, NULL, NULL);
}
