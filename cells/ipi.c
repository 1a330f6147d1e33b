/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Two CPUs pass an interrupt to and fro; the first one says each second how often, and how long a round took.
 */
#include "cells/lib/cell.h"

#define VECTOR 1

static volatile uint64_t rounds;
static volatile uint32_t awake;

static void pass_on(unsigned cpu)
{
	ipi_send(cpu ^ 1, VECTOR);
}

void interrupt_handle(unsigned pending)
{
	unsigned cpu = cpu_number();

	if (!(ipi_take() & 1u << VECTOR))
		return;
	if (cpu == 0)
		rounds++;
	pass_on(cpu);
}

void secondary_main(unsigned cpu)
{
	ipi_enable();
	interrupts_enable(INTERRUPT_IPI);
	__atomic_store_n(&awake, 1, __ATOMIC_RELEASE);
	for (;;)
		wait_for_interrupt();
}

void cell_main(void)
{
	uint64_t frequency = counter_frequency(), last = 0, then;

	print("ipi: %s, starting CPU 1\n", comm_region() ? "a cell" : "no cell");
	ipi_enable();
	cpu_start(1);
	while (!__atomic_load_n(&awake, __ATOMIC_ACQUIRE))
		;
	print("ipi: CPU 1 is there\n");
	then = counter();
	interrupts_enable(INTERRUPT_IPI);
	pass_on(0);
	for (;;) {
		uint64_t passed = counter() - then, new = rounds - last;

		if (passed < frequency)
			continue;
		print("ipi: %lu rounds in all, %lu in this second, %lu ns each\n", rounds, new,
		      new ? passed * 1000 / (frequency / 1000000) / new : 0);
		last += new;
		then += passed;
		obey_messages();
	}
}
