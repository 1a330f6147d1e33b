/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Small kernels, each a fixed amount of work of one kind: what a machine is good at and what not.  The same
 * sources are compiled for the guest and for the host.  A file lists its kernels in an array that a row
 * without a name ends; main.c knows the arrays.
 */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stddef.h>
#include <stdint.h>

struct kernel {
	const char *kind, *name;
	void (*run)(unsigned times); /* does the work so many times */
};

extern const struct kernel memory_kernels[], control_kernels[], integer_kernels[], fp_kernels[],
	system_kernels[], lsx_kernels[], lasx_kernels[];

/* The compiler must have made the value that p points to, and may not guess what it is from now on. */
static inline void keep(void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* Numbers that are the same in each run; Marsaglia's xorshift. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define RANDOM_SEED UINT64_C(88172645463325252)

#endif
