/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * How late interrupts of the timer are: one is due each millisecond, and its handler looks at the counter.
 * Each second a line and the histogram of all so far, by powers of two of the counter's ticks.
 */
#include "cells/lib/cell.h"

#define RATE	1000 /* Hz */
#define BUCKETS 28

static uint64_t period, due; /* ticks; when the next one is */
static uint64_t samples, missed, sum, least = UINT64_MAX, most;
static uint64_t histogram[BUCKETS];

void interrupt_handle(unsigned pending)
{
	uint64_t now = counter(), late = now - due;
	unsigned bucket = late ? 63 - (unsigned)__builtin_clzll(late) : 0;

	timer_clear();
	if (now < due)
		return; /* one that has been counted as missed comes yet */
	/* Later than the next one was due: that one came at the same time. */
	missed += late / period;
	due += (late / period + 1) * period;
	samples++;
	sum += late;
	if (late < least)
		least = late;
	if (late > most)
		most = late;
	histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

static void report(uint64_t frequency)
{
	/* Nanoseconds a tick, in tenths: 100 at 100 MHz. */
	uint64_t tenths = UINT64_C(10000000000) / frequency;

	print("latency: %lu interrupts, late by %lu to %lu ns, %lu on average; %lu missed\n", samples,
	      least * tenths / 10, most * tenths / 10, sum * tenths / 10 / samples, missed);
	for (unsigned i = 0; i < BUCKETS; i++) {
		if (histogram[i])
			print("  %10lu ns  %8lu\n", (UINT64_C(1) << i) * tenths / 10, histogram[i]);
	}
}

void secondary_main(unsigned cpu)
{
}

void cell_main(void)
{
	uint64_t frequency = counter_frequency(), then = counter();

	period = frequency / RATE & ~UINT64_C(3);
	print("latency: %s, counter at %lu kHz, an interrupt each %lu ticks\n",
	      comm_region() ? "a cell" : "no cell", frequency / 1000, period);
	due = counter() + period;
	timer_start(period);
	interrupts_enable(INTERRUPT_TIMER);
	for (;;) {
		/* Not idle: who waits in a cell is woken by the hypervisor, and this is to measure the timer
		 * alone. */
		if (counter() - then < frequency)
			continue;
		then += frequency;
		if (samples)
			report(frequency);
		obey_messages();
	}
}
