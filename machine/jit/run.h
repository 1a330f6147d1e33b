/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Execution of translated code, run.c. */
#ifndef BIXI_JIT_RUN_H
#define BIXI_JIT_RUN_H

#include "machine/cpu/exception.h"
#include "machine/jit/jit_impl.h"

/* The core has @left instructions left of the budget it entered with. */
static inline void jit_count(struct cpu *cpu, int64_t left)
{
	cpu->insn_count = cpu->jit.count + (uint64_t)(cpu->jit.budget - left);
}

/* The address of the instruction at site @number. */
static inline uint64_t jit_site_pc(const struct jit *jit, uint32_t number)
{
	const struct jit_site *site = &jit->site[number];

	return (jit->block[site->block].pc & ~(uint64_t)JIT_PIECEMEAL) + 4u * site->index;
}

/* struct translator's. */
enum translated jit_run(struct cpu *cpu, uint64_t limit, struct translated_insn *insn);

/* For check.c: the block at pc, made if there is none; 0: none can be.  And the words of one. */
uint32_t jit_block_at(struct cpu *cpu);
const uint32_t *jit_block_code(const struct jit *jit, uint32_t block);

/* settle.c: what may not be executed without a look. */
void jit_set_missing(struct cpu *cpu);

/*
 * settle.c: after the instruction at @site gave @result, not INSN_NEXT, and the core still has its address
 * and counts: accounts for it as the run loop does, and answers where translated code goes on.  Where that is
 * the run loop's business it answers the thunk that leaves.
 */
const void *jit_settle(struct cpu *cpu, int result);

/* The only place in the jump cache where @pc may be. */
static inline struct jit_jump *jit_jump_of(struct cpu *cpu, uint64_t pc)
{
	return &cpu->jit.jump[pc >> 2 & (JIT_JUMP_ENTRIES - 1)];
}

#endif
