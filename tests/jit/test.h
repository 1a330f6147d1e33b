/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The translator against the reference engine: single instructions (instr.c), programs (program.c and what it
 * is made of), threads (threads.c).  main.c runs them in a process of their own, which translated code may
 * take with it; what that process was at is in memory shared with main.c.
 */
#ifndef BIXI_TEST_JIT_TEST_H
#define BIXI_TEST_JIT_TEST_H

#include "tests/isa/test.h"
#include "tests/jit/rig.h"

/* How the translator under test is to be made. */
struct variant {
	uint32_t features; /* of the host's, beyond x86-64-v3 */
	bool weak_llsc;
	bool small_cache;
	bool reference; /* no translator: the test of the test */
	bool fenceless; /* programs: without IBAR, where the engines execute what was stored all the same */
	bool guest;	/* programs: in guest mode */
	bool watched;	/* programs: with watchpoints */
	bool check;	/* programs: --engine check, which is to leave and to find no difference */
};

/* A block of code around an instruction, and what it starts with. */
#define INSTR_WORDS 32
struct instr_case {
	struct case_state in;
	uint32_t words[INSTR_WORDS];
	unsigned count, tested; /* of words; which one the case is about */
	uint64_t pc, budget;
	uint64_t crmd, euen;
	bool again; /* the block has been executed before, with other inputs */
};

/* What the working process was at, for who finds it dead. */
struct progress {
	unsigned unit;
	bool in_case, died;
	struct instr_case instr;
	unsigned passed, failed;
	struct rig_totals totals;
};

/* Runs @count cases of row @op; the same for the same @seed.  Returns how many fail. */
unsigned instr_run(enum isa_op op, uint64_t seed, unsigned count, const struct variant *variant,
		   struct progress *progress);
bool instr_has(enum isa_op op);
void instr_end(void); /* after the last */

/* Makes @instr smaller while it fails, if it does at all on a fresh machine, and prints it. */
void instr_show(struct instr_case *instr, const struct variant *variant);

/* Runs the program of @seed for @length instructions.  False: it failed, and was shown. */
bool program_run(uint64_t seed, uint64_t length, const struct variant *variant, struct progress *progress);

/* Finds out where the program of @seed fails and prints that. */
void program_show(uint64_t seed, uint64_t length, const struct variant *variant);

/* Cores on host threads of their own.  False: it failed, and was shown. */
bool threads_run(uint64_t seed, const struct variant *variant);

/* How long interrupts wait, latency.c.  False: too long, and it was shown. */
bool latency_run(const struct variant *variant);

/* All cores of @rig, each on a thread, from @pc on until all idle; for a minute at most. */
void threads_start(struct rig *rig, uint64_t pc);

/* The same with more code than the cache holds: walks through it, which the reference engine does as well. */
bool walk_run(uint64_t seed, const struct variant *variant);

/* The result of @run in a process of its own: 0 and 1 are its own, greater ones that of a dead process. */
unsigned isolated(unsigned (*run)(void *opaque), void *opaque);

#endif
