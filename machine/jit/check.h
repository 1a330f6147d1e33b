/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * --engine check: each block is rehearsed by the reference engine, which is undone, then executed by the
 * translator, and both are compared: all registers, CSRs, the reservation of LL/SC, the count of
 * instructions, and what the rehearsal wrote to RAM.  (What translated code writes elsewhere is not seen
 * until it is read.)
 *
 * What has effects outside of these cannot be undone.  Instructions that always have such (check_alone()) are
 * blocks of their own, which the translator executes with nothing to compare: it calls the reference engine's
 * functions for them.  When a rehearsal comes to an access of a device, the core is as it was before the
 * block, and the reference engine goes on alone.
 *
 * For machines whose cores run on one thread.
 */
#ifndef BIXI_JIT_CHECK_H
#define BIXI_JIT_CHECK_H

#include "machine/jit/jit_impl.h"

/* What executing an instruction may change and a rehearsal undoes; vr, if a unit is on; and CHECK_SYSTEM, if
 * it raises an exception or writes a CSR: */
#define CHECK_STATE(X)                                                                                       \
	X(gpr)                                                                                               \
	X(pc)                                                                                                \
	X(fcsr)                                                                                              \
	X(fcc)                                                                                               \
	X(guest_mode)                                                                                        \
	X(csr)                                                                                               \
	X(bank)                                                                                              \
	X(insn_count)                                                                                        \
	X(segment_pc)                                                                                        \
	X(code)                                                                                              \
	X(code_base)                                                                                         \
	X(clock_count)                                                                                       \
	X(ll)
#define CHECK_SYSTEM(X)                                                                                      \
	X(root)                                                                                              \
	X(guest)                                                                                             \
	X(stats)                                                                                             \
	X(pmu_mark)                                                                                          \
	X(pmu_active)                                                                                        \
	X(pmu_branches)                                                                                      \
	X(pmu_branching)

struct check_state {
#define MEMBER(name) __typeof__(((struct cpu *)NULL)->name) name;
	CHECK_STATE(MEMBER)
	MEMBER(vr)
	CHECK_SYSTEM(MEMBER)
#undef MEMBER
	uint64_t now; /* of the machine's clock */
	bool units;   /* vr is there */
	bool system;  /* CHECK_SYSTEM is there */
};

/* How far a block was executed. */
struct check_end {
	uint64_t pc;
	unsigned executed; /* instructions, with the one that raised an exception */
	bool raised;
};

/*
 * Says what differs, on standard error.  @cpu is as translated code left it, which ended with @actual; @code
 * has the block's words.
 */
struct check_difference {
	uint32_t block;
	struct check_state before, expected; /* by the reference engine, which ended with: */
	struct check_end end, actual;
	const uint8_t *memory; /* the first byte of RAM that differs, NULL: none */
	uint8_t memory_expected;
};
void check_report(const struct jit *jit, const struct cpu *cpu, const struct check_difference *difference,
		  const uint32_t *code);

int check_create(struct jit *jit);
void check_destroy(struct jit *jit);

/* struct translator's. */
enum translated check_run(struct cpu *cpu, uint64_t limit, struct translated_insn *insn);

/* Whether the instruction cannot be rehearsed on @cpu. */
bool check_alone(const struct cpu *cpu, const struct insn *insn);

#endif
