/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What a bare-metal cell is written with.  It has one source file with cell_main(). */
#ifndef BIXI_CELLS_CELL_H
#define BIXI_CELLS_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/include/comm.h"
#include "hypervisor/include/hypercall.h"

#define CELL_CPUS 4 /* stacks that there are */

/* ECFG.LIE and ESTAT.IS */
#define INTERRUPT_TIMER (1u << 11)
#define INTERRUPT_IPI	(1u << 12)

/* The cell's own: the first CPU, with interrupts off; the others, after cpu_start(). */
void cell_main(void);
void secondary_main(unsigned cpu);
/* With interrupts off: those of @pending (ESTAT) that are enabled; each must be cleared. */
void interrupt_handle(unsigned pending);

/* NULL: this is no cell (a machine of its own). */
volatile struct comm_region *comm_region(void);
uint64_t counter_frequency(void); /* Hz */
/* If the cell is asked to end, it says yes, and this does not return. */
void obey_messages(void);
long hypercall(unsigned number, uint64_t arg1, uint64_t arg2);
void print(const char *format, ...) __attribute__((format(printf, 1, 2))); /* %s %c %u %lu %x %lx, widths */

unsigned cpu_number(void);
void cpu_start(unsigned cpu);
void ipi_enable(void);
void ipi_send(unsigned cpu, unsigned vector);
uint32_t ipi_take(void); /* what is pending; it is cleared */

/* An interrupt each @ticks, a multiple of 4. */
void timer_start(uint64_t ticks);
void timer_clear(void);
uint64_t timer_value(void); /* ticks until the next one */

void interrupts_enable(unsigned lines);
void wait_for_interrupt(void);

static inline uint64_t counter(void)
{
	uint64_t value;

	__asm__ volatile("rdtime.d %0, $zero" : "=r"(value));
	return value;
}

#endif
