/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What translated code and its helper functions keep in each core (struct cpu): translated code reaches it
 * by the register that holds the core, so it is the same code for all cores.
 */
#ifndef BIXI_JIT_CORE_H
#define BIXI_JIT_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define JIT_JUMP_BITS	 12
#define JIT_JUMP_ENTRIES (1u << JIT_JUMP_BITS)
#define JIT_BOUNCE	 32 /* bytes of the widest access */
#define JIT_SPANS	 8  /* of a block at a time, memory.c */

/* Where an indirect jump to @va leads: to code that first checks that it still stands for that address. */
struct jit_jump {
	uint64_t va;
	const void *entry;
};

/*
 * How to find FCSR0.Cause, which is about the last floating-point instruction only: its word and operands,
 * stored by translated code where somebody could look afterwards; fp_state.c works it out when somebody does.
 */
struct jit_cause {
	uint32_t word; /* 0: FCSR0.Cause is right as it is */
	uint32_t reserved;
	uint64_t operand[3][4] __attribute__((aligned(32)));
};

struct jit_core {
	int64_t left;	     /* instructions left of budget: in a register while translated code runs */
	int64_t budget;	     /* what left began with */
	uint64_t count;	     /* insn_count then */
	uint32_t site;	     /* index of the struct jit_site at which translated code was left */
	uint32_t link;	     /* index of the struct jit_link by which it was left */
	uint32_t result;     /* enum insn_result of the instruction at site, by which it was left */
	uint32_t raised;     /* exceptions since translated code was entered: struct translated_insn's */
	uint8_t missing;     /* JIT_MISSING_*: what instructions may not be executed without a look */
	bool fp_used;	     /* MXCSR holds the guest's rounding mode and flags, see fp_state.h */
	_Atomic bool inside; /* executes translated code, or may at any time */
	uint32_t epoch;	     /* of the code cache, that jump[] is from */
	uint8_t bounce[JIT_BOUNCE]
		__attribute__((aligned(32))); /* of accesses that do not go to RAM directly */
	uint64_t span[JIT_SPANS];	      /* host address - guest address of a block's spans */
	struct jit_cause cause;
	struct jit_jump jump[JIT_JUMP_ENTRIES];
};

/*
 * Bits of jit_core.missing: the unit is off, or FCSR0.Enables is not 0; the privilege level is not PLV0 (or
 * accesses to CSRs are traced); the core is in guest mode; something beside lines, messages and the timers
 * may interrupt, or keep it from doing so.  None of the latter changes while translated code goes on.
 */
enum {
	JIT_MISSING_FP = 1,
	JIT_MISSING_LSX = 2,
	JIT_MISSING_LASX = 4,
	JIT_MISSING_QUIET_FP = 8,
	JIT_MISSING_PLV0 = 16,
	JIT_MISSING_ROOT = 32,
	JIT_MISSING_PLAIN_INTERRUPTS = 64,
};

#endif
