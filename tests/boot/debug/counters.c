/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A cell that looks for watchpoints and counters of others, sets its own, and leaves counters running that
 * have overflowed.  One line says what it found; then it works, and says how much.
 */
#include "cells/lib/cell.h"

#define CRMD_WE	    0x200
#define ESTAT_PMI   (1u << 10)
#define CONFIG	    0x110001 /* counts instructions at PLV0, interrupts */
#define OVERFLOW    (UINT64_C(1) << 63)
#define LOOPS	    1000000
#define MWP_CONTROL 0x302 /* loads and stores at PLV0 */
#define FWP_CONTROL 2

#define READ(number)                                                                                         \
	({                                                                                                   \
		uint64_t value_;                                                                             \
		__asm__ volatile("csrrd %0, %1" : "=r"(value_) : "i"(number) : "memory");                    \
		value_;                                                                                      \
	})
#define WRITE(number, value)                                                                                 \
	({                                                                                                   \
		uint64_t old_ = (uint64_t)(value);                                                           \
		__asm__ volatile("csrwr %0, %1" : "+r"(old_) : "i"(number) : "memory");                      \
	})
#define CONFIGS(n) (READ(n) | READ((n) + 1) | READ((n) + 2) | READ((n) + 3))
#define SET(n, address, control)                                                                             \
	({                                                                                                   \
		WRITE(n, address);                                                                           \
		WRITE((n) + 1, 0);                                                                           \
		WRITE((n) + 2, control);                                                                     \
		WRITE((n) + 3, 0);                                                                           \
	})

static volatile uint64_t watched;

void interrupt_handle(unsigned pending)
{
}

void secondary_main(unsigned cpu)
{
}

static __attribute__((noinline)) void work(uint64_t loops)
{
	__asm__ volatile("1: addi.d %0, %0, -1\n\tbnez %0, 1b" : "+r"(loops));
}

static uint64_t watchpoints(void)
{
	return READ(0x300) | READ(0x301) | READ(0x380) | READ(0x381) | CONFIGS(0x310) | CONFIGS(0x318) |
	       CONFIGS(0x320) | CONFIGS(0x328) | CONFIGS(0x390) | CONFIGS(0x398) | CONFIGS(0x3a0) |
	       CONFIGS(0x3a8);
}

/* A hit would end the cell: it has no handler for it. */
static uint64_t watchpoints_set(void)
{
	SET(0x310, &watched, MWP_CONTROL);
	SET(0x390, work, FWP_CONTROL);
	SET(0x398, work, FWP_CONTROL);
	WRITE(0x0, READ(0x0) | CRMD_WE);
	watched = watched + 1;
	work(10);
	WRITE(0x0, READ(0x0) & ~(uint64_t)CRMD_WE);
	return watchpoints();
}

static uint64_t counters(void)
{
	return READ(0x200) | READ(0x201) | READ(0x202) | READ(0x203) | READ(0x204) | READ(0x205) |
	       READ(0x206) | READ(0x207);
}

void cell_main(void)
{
	uint64_t seen = watchpoints(), set = watchpoints_set(), then = counters(), counted;

	WRITE(0x201, 0);
	WRITE(0x200, CONFIG);
	work(LOOPS);
	counted = READ(0x201);
	WRITE(0x201, OVERFLOW - LOOPS);
	WRITE(0x203, OVERFLOW - LOOPS);
	WRITE(0x202, CONFIG);
	work(LOOPS);
	print("counters: watchpoints %lx, set %lx, counters %lx, counts %s, overflow %s\n", seen, set, then,
	      counted >= 2 * LOOPS && counted < 2 * LOOPS + 100 ? "yes" : "no",
	      READ(0x5) & ESTAT_PMI ? "yes" : "no");
	for (uint64_t done = 0;; done += 100) {
		print("counters: %lu million loops\n", done);
		for (unsigned i = 0; i < 100; i++) {
			work(LOOPS);
			obey_messages();
		}
	}
}
