/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Timers of the clock: order, cancelling, re-arming, waking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "machine/bus/clock.h"

static char fired[64];
static unsigned fired_count, rearmed;

struct named {
	struct clock_timer timer;
	struct clock *clock;
	char name;
	uint64_t again; /* re-arm at this time, 0: no */
};

static void fire(void *opaque)
{
	struct named *t = opaque;

	fired[fired_count++ % sizeof(fired)] = t->name;
	if (t->again)
		clock_timer_set(t->clock, &t->timer, t->again);
}

static void note_rearm(void *opaque)
{
	rearmed++;
}

static void setup(struct clock *clock, struct named *timers, unsigned count)
{
	clock_init(clock, true, 0);
	clock->rearm = note_rearm;
	fired_count = rearmed = 0;
	for (unsigned i = 0; i < count; i++) {
		timers[i] = (struct named){ .clock = clock, .name = (char)('a' + i) };
		clock_timer_init(&timers[i].timer, fire, &timers[i]);
	}
}

static void timers_fire_in_order_of_deadline_then_of_arming(void **state)
{
	struct clock clock;
	struct named t[4];

	setup(&clock, t, 4);
	clock_timer_set(&clock, &t[0].timer, 300);
	clock_timer_set(&clock, &t[1].timer, 100);
	clock_timer_set(&clock, &t[2].timer, 300);
	clock_timer_set(&clock, &t[3].timer, 200);
	assert_int_equal(rearmed, 2);
	assert_int_equal(clock_next_deadline(&clock), 100);
	clock.virtual_now = 250;
	assert_int_equal(clock_run_timers(&clock), 300);
	clock.virtual_now = 300;
	assert_int_equal(clock_run_timers(&clock), UINT64_MAX);
	assert_int_equal(fired_count, 4);
	assert_memory_equal(fired, "bdac", 4);
	clock_destroy(&clock);
}

static void a_cancelled_timer_does_not_fire(void **state)
{
	struct clock clock;
	struct named t[2];

	setup(&clock, t, 2);
	clock_timer_set(&clock, &t[0].timer, 10);
	clock_timer_set(&clock, &t[1].timer, 20);
	clock_timer_cancel(&clock, &t[0].timer);
	clock_timer_cancel(&clock, &t[0].timer);
	clock.virtual_now = 30;
	clock_run_timers(&clock);
	assert_int_equal(fired_count, 1);
	assert_int_equal(fired[0], 'b');
	clock_destroy(&clock);
}

static void a_moved_timer_fires_once_at_its_new_time(void **state)
{
	struct clock clock;
	struct named t[1];

	setup(&clock, t, 1);
	clock_timer_set(&clock, &t[0].timer, 10);
	clock_timer_set(&clock, &t[0].timer, 50);
	clock.virtual_now = 40;
	clock_run_timers(&clock);
	assert_int_equal(fired_count, 0);
	clock.virtual_now = 50;
	clock_run_timers(&clock);
	clock_run_timers(&clock);
	assert_int_equal(fired_count, 1);
	clock_destroy(&clock);
}

static void a_timer_that_arms_itself_in_the_past_waits_for_the_next_round(void **state)
{
	struct clock clock;
	struct named t[1];

	setup(&clock, t, 1);
	t[0].again = 5;
	clock_timer_set(&clock, &t[0].timer, 10);
	clock.virtual_now = 100;
	assert_int_equal(clock_run_timers(&clock), 5);
	assert_int_equal(fired_count, 1);
	clock_run_timers(&clock);
	assert_int_equal(fired_count, 2);
	clock_destroy(&clock);
}

static void a_deterministic_clock_starts_at_its_date(void **state)
{
	struct clock clock;
	uint32_t ns;

	clock_init(&clock, true, 0);
	assert_int_equal(clock_wall(&clock, NULL), CLOCK_DETERMINISTIC_EPOCH);
	clock.virtual_now = UINT64_C(2500000001);
	assert_int_equal(clock_wall(&clock, &ns), CLOCK_DETERMINISTIC_EPOCH + 2);
	assert_int_equal(ns, 500000001);
	clock_destroy(&clock);
}

static void the_real_clock_runs(void **state)
{
	struct clock clock;
	uint64_t a, b;

	clock_init(&clock, false, 0);
	a = clock_now(&clock);
	do
		b = clock_now(&clock);
	while (b == a);
	assert_true(b > a);
	assert_true(clock_wall(&clock, NULL) > 1600000000);
	clock_destroy(&clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_of_deadline_then_of_arming),
		cmocka_unit_test(a_cancelled_timer_does_not_fire),
		cmocka_unit_test(a_moved_timer_fires_once_at_its_new_time),
		cmocka_unit_test(a_timer_that_arms_itself_in_the_past_waits_for_the_next_round),
		cmocka_unit_test(a_deterministic_clock_starts_at_its_date),
		cmocka_unit_test(the_real_clock_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
