/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The bridge's real-time clock: machine/bridge/rtc.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "machine/bus/trace.h"
#include "machine/bridge/rtc.h"

#define SECOND UINT64_C(1000000000)

enum {
	TOYTRIM = 0x20,
	TOYWRITE0 = 0x24,
	TOYWRITE1 = 0x28,
	TOYREAD0 = 0x2c,
	TOYREAD1 = 0x30,
	TOYMATCH0 = 0x34,
	CONTROL = 0x40,
	RTCWRITE = 0x64,
	RTCREAD = 0x68,
	RTCMATCH0 = 0x6c,
};

#define RUN_TOY	 0x900
#define RUN_BOTH 0x2900

struct fixture {
	struct trace trace;
	struct clock clock;
	struct rtc rtc;
	bool line;
};

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static void line_set(void *sink, unsigned pin, bool level)
{
	((struct fixture *)sink)->line = level;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->trace.emit = emit_nothing;
	clock_init(&f->clock, true, 1); /* 2026-01-01 00:00:00 */
	assert_int_equal(rtc_init(&f->rtc, &f->clock, &f->trace), 0);
	f->rtc.irq = (struct irq_line){ line_set, f, 0 };
	device_reset(&f->rtc.dev);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rtc_destroy(&f->rtc);
	clock_destroy(&f->clock);
	free(f);
	return 0;
}

static uint32_t rd(struct fixture *f, unsigned offset)
{
	uint64_t value;

	assert_true(device_mmio.read(&f->rtc.dev, offset, 4, &value));
	return (uint32_t)value;
}

static void wr(struct fixture *f, unsigned offset, uint32_t value)
{
	assert_true(device_mmio.write(&f->rtc.dev, offset, 4, value));
}

static void pass(struct fixture *f, uint64_t ns)
{
	f->clock.virtual_now += ns;
	clock_run_timers(&f->clock);
}

static uint32_t calendar(unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second)
{
	return month << 26 | day << 21 | hour << 16 | minute << 10 | second << 4;
}

static uint32_t match(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
		      unsigned second)
{
	return (year % 64) << 26 | month << 22 | day << 17 | hour << 12 | minute << 6 | second;
}

static void a_stopped_clock_reads_0(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, TOYREAD0), 0);
	assert_int_equal(rd(f, TOYREAD1), 0);
	assert_int_equal(rd(f, RTCREAD), 0);
	wr(f, CONTROL, 0x800); /* TEN without EO */
	assert_int_equal(rd(f, TOYREAD0), 0);
	wr(f, CONTROL, RUN_TOY);
	assert_int_equal(rd(f, TOYREAD1), 126);
	assert_int_equal(rd(f, RTCREAD), 0);
}

static void the_calendar_follows_the_machines_time(void **state)
{
	struct fixture *f = *state;

	wr(f, CONTROL, RUN_BOTH);
	assert_int_equal(rd(f, TOYREAD0), calendar(1, 1, 0, 0, 0));
	pass(f, SECOND * 3661 + SECOND / 2);
	assert_int_equal(rd(f, TOYREAD0), calendar(1, 1, 1, 1, 1) | 5);
	assert_int_equal(rd(f, RTCREAD), 3661 * 32768 + 16384);
}

static void the_calendar_can_be_set(void **state)
{
	struct fixture *f = *state;

	wr(f, CONTROL, RUN_BOTH);
	wr(f, TOYWRITE1, 99);
	wr(f, TOYWRITE0, calendar(12, 31, 23, 59, 59));
	assert_int_equal(rd(f, TOYREAD1), 99);
	assert_int_equal(rd(f, TOYREAD0), calendar(12, 31, 23, 59, 59));
	pass(f, SECOND);
	assert_int_equal(rd(f, TOYREAD1), 100);
	assert_int_equal(rd(f, TOYREAD0), calendar(1, 1, 0, 0, 0));
	/* 29 February of a leap year. */
	wr(f, TOYWRITE1, 128);
	wr(f, TOYWRITE0, calendar(2, 28, 23, 59, 59));
	pass(f, SECOND);
	assert_int_equal(rd(f, TOYREAD0), calendar(2, 29, 0, 0, 0));
	wr(f, RTCWRITE, 1000);
	assert_int_equal(rd(f, RTCREAD), 1000);
	/* Nonsense does no harm, and a reset keeps the time. */
	wr(f, TOYWRITE0, UINT32_MAX);
	wr(f, TOYWRITE1, UINT32_MAX);
	rd(f, TOYREAD0);
	wr(f, TOYWRITE1, 130);
	wr(f, TOYWRITE0, calendar(6, 7, 8, 9, 10));
	device_reset(&f->rtc.dev);
	assert_int_equal(rd(f, CONTROL), 0);
	wr(f, CONTROL, RUN_TOY);
	assert_int_equal(rd(f, TOYREAD0), calendar(6, 7, 8, 9, 10));
	assert_int_equal(rd(f, TOYREAD1), 130);
}

static void alarms_interrupt_until_they_are_cleared(void **state)
{
	struct fixture *f = *state;

	wr(f, CONTROL, RUN_BOTH);
	for (unsigned i = 0; i < 3; i++) {
		wr(f, TOYMATCH0 + 4 * i, match(126, 1, 1, 0, i + 1, 0));
		pass(f, 59 * SECOND);
		assert_false(f->line);
		pass(f, SECOND);
		assert_true(f->line);
		wr(f, TOYMATCH0 + 4 * i, 0);
		assert_false(f->line);
	}
	for (unsigned i = 0; i < 3; i++) {
		wr(f, RTCMATCH0 + 4 * i, rd(f, RTCREAD) + 32768);
		pass(f, SECOND - 1000000);
		assert_false(f->line);
		pass(f, 2000000);
		assert_true(f->line);
		wr(f, RTCMATCH0 + 4 * i, 0);
		assert_false(f->line);
	}
}

static void alarms_follow_the_clock_being_set(void **state)
{
	struct fixture *f = *state;

	wr(f, CONTROL, RUN_TOY);
	wr(f, TOYMATCH0, match(126, 3, 1, 12, 0, 0));
	pass(f, 10 * SECOND);
	assert_false(f->line);
	wr(f, TOYWRITE0, calendar(3, 1, 11, 59, 58));
	pass(f, SECOND);
	assert_false(f->line);
	pass(f, SECOND);
	assert_true(f->line);
	/* Switched off it does not fire; one in the past never. */
	wr(f, TOYMATCH0, match(126, 3, 1, 12, 0, 10));
	assert_false(f->line);
	wr(f, CONTROL, 0);
	pass(f, 60 * SECOND);
	assert_false(f->line);
	wr(f, CONTROL, RUN_TOY);
	pass(f, 60 * SECOND);
	assert_false(f->line);
}

static void only_4_byte_accesses_are_decoded(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_false(device_mmio.read(&f->rtc.dev, TOYREAD0, 1, &value));
	assert_false(device_mmio.read(&f->rtc.dev, TOYREAD0, 8, &value));
	assert_false(device_mmio.write(&f->rtc.dev, TOYREAD0, 2, 0));
	assert_int_equal(rd(f, 0xfc), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stopped_clock_reads_0),		 TEST(the_calendar_follows_the_machines_time),
		TEST(the_calendar_can_be_set),		 TEST(alarms_interrupt_until_they_are_cleared),
		TEST(alarms_follow_the_clock_being_set), TEST(only_4_byte_accesses_are_decoded),
	};

	return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
