/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the emitters of floating-point instructions share; scalar and vector. */
#ifndef BIXI_JIT_FP_EMIT_H
#define BIXI_JIT_FP_EMIT_H

#include "machine/jit/fp_state.h"
#include "machine/jit/jit_impl.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/fp.def"
#include "machine/jit/fp_compare.def"
#include "machine/jit/fp_convert.def"
#include "machine/jit/fp_memory.def"
#include "machine/jit/fp_move.def"
#undef EMIT

/* Scratch vector registers. */
enum { X0, X1, X2, X3, X4, X5 };

/* Operands of an instruction, by their fields. */
enum fp_operand { OPERAND_J = 1 << 0, OPERAND_K = 1 << 1, OPERAND_A = 1 << 2 };

/*
 * Before the operation of an instruction that raises what its operands make it raise: notes how to find
 * FCSR0.Cause, if that is wanted.  @size of the operands (enum fp_operand) as for vr_use().
 */
void emit_cause(struct emit *e, const struct insn *insn, unsigned size, unsigned operands);

/* The same where the instruction raises nothing whatever they are, but for what takes the slow path. */
void emit_cause_none(struct emit *e);

/* Whether an instruction that has an emitter sets FCSR0.Cause, whatever it finds. */
bool emit_sets_cause(const struct insn *insn);

/*
 * If the scalar in vector register @x is a NaN the reference engine does the instruction: which one is the
 * result is not the host's choice.  @size 4 or 8.
 */
void emit_slow_if_nan(struct emit *e, unsigned size, unsigned x);

/* A vector register whose bits are all ones: X5. */
unsigned emit_ones(struct emit *e);

/* Sets bits 63:32 of vector register @d, a single's, as results have them.  Uses X5. */
void emit_box_single(struct emit *e, unsigned d);

/* A vector register with the sign bit of each element of @size bytes: X4. */
unsigned emit_sign_mask(struct emit *e, unsigned size);

static inline struct x86_mem fcc_mem(const struct emit *e, unsigned fcc)
{
	return cpu_mem(e, offsetof(struct cpu, fcc) + (fcc & 7));
}

#endif
