/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * How late interrupts of the timer are: one comes each millisecond, and its handler reads how far the timer
 * has gone on since.  Each second a line and the histogram of all so far: by powers of two of the counter's
 * ticks.
 */
#include "cells/lib/cell.h"

#define RATE	1000 /* Hz */
#define BUCKETS 24

static uint64_t period, samples, sum, least = UINT64_MAX, most;
static uint64_t histogram[BUCKETS];
static volatile bool second_over;

void interrupt_handle(unsigned pending)
{
	uint64_t late = period - timer_value();
	unsigned bucket = late ? 63 - (unsigned)__builtin_clzll(late) : 0;

	timer_clear();
	samples++;
	sum += late;
	if (late < least)
		least = late;
	if (late > most)
		most = late;
	histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	if (samples % RATE == 0)
		second_over = true;
}

static void report(uint64_t frequency)
{
	/* Nanoseconds a tick, in tenths: 100 at 100 MHz. */
	uint64_t tenths = UINT64_C(10000000000) / frequency;

	print("latency: %lu interrupts, late by %lu to %lu ns, %lu on average\n", samples,
	      least * tenths / 10, most * tenths / 10, sum * tenths / 10 / samples);
	for (unsigned i = 0; i < BUCKETS; i++) {
		if (histogram[i])
			print("  %8lu ns  %8lu\n", (UINT64_C(1) << i) * tenths / 10, histogram[i]);
	}
}

void secondary_main(unsigned cpu)
{
}

void cell_main(void)
{
	uint64_t frequency = counter_frequency();

	period = frequency / RATE & ~UINT64_C(3);
	print("latency: %s, counter at %lu kHz, an interrupt each %lu ticks\n",
	      comm_region() ? "a cell" : "no cell", frequency / 1000, period);
	timer_start(period);
	interrupts_enable(INTERRUPT_TIMER);
	for (;;) {
		/* Not idle: who waits in a cell is woken by the hypervisor, and this is to measure the timer
		 * alone. */
		if (!second_over)
			continue;
		second_over = false;
		report(frequency);
		obey_messages();
	}
}
