/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Execution of translated code, run.c. */
#ifndef BIXI_JIT_RUN_H
#define BIXI_JIT_RUN_H

#include "machine/cpu/exception.h"
#include "machine/jit/jit_impl.h"

/* Beside enum insn_result: NEXT, but the block cannot go on, help.c. */
#define JIT_REWRITTEN (INSN_STATE_JUMP + 1)

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
 * settle.c: whether cpu_take_interrupt() would do nothing.  An expiry of a timer is noticed there, too.  The
 * interrupts are plain ones of root mode.
 */
bool jit_nothing_to_take(const struct cpu *cpu);

/*
 * settle.c: after an instruction with insn->result, whose own address and counts the core still has if it was
 * executed: accounts for it as the run loop does.  False: the run loop is to do that.
 */
bool jit_settle(struct cpu *cpu, struct translated_insn *insn);

#endif
