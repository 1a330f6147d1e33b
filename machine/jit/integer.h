/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the emitters of integer instructions share. */
#ifndef BIXI_JIT_INTEGER_H
#define BIXI_JIT_INTEGER_H

#include "machine/jit/jit_impl.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/bits.def"
#include "machine/jit/integer.def"
#include "machine/jit/muldiv.def"
#undef EMIT

/*
 * The emitter of an instruction that only computes rd, what follows being its body: where rd is 0, nothing
 * is left to do.
 */
#define COMPUTE(name)                                                                                        \
	static void compute_##name(struct emit *e, const struct insn *insn);                                 \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		if (insn->rd)                                                                                \
			compute_##name(e, insn);                                                             \
		return true;                                                                                 \
	}                                                                                                    \
	static void compute_##name(struct emit *e, const struct insn *insn)

/* Host registers: d is to be rd, a has rj, b has rk.  Two of them, or all, may be the same. */
struct operands {
	unsigned d, a, b;
};

static inline struct operands operands_jk(struct emit *e, const struct insn *insn)
{
	unsigned a = gr_use(e, insn->rj);
	unsigned b = gr_use(e, insn->rk);

	return (struct operands){ .d = gr_def(e, insn->rd), .a = a, .b = b };
}

/* The same where only the low words of rj and rk matter. */
static inline struct operands operands_words(struct emit *e, const struct insn *insn)
{
	unsigned a = gr_use_word(e, insn->rj);
	unsigned b = gr_use_word(e, insn->rk);

	return (struct operands){ .d = gr_def(e, insn->rd), .a = a, .b = b };
}

/* Of an instruction without rk: b is a. */
static inline struct operands operands_j(struct emit *e, const struct insn *insn)
{
	unsigned a = gr_use(e, insn->rj);

	return (struct operands){ .d = gr_def(e, insn->rd), .a = a, .b = a };
}

static inline struct operands operands_word(struct emit *e, const struct insn *insn)
{
	unsigned a = gr_use_word(e, insn->rj);

	return (struct operands){ .d = gr_def(e, insn->rd), .a = a, .b = a };
}

/* d = s, in @size bytes that alone matter later. */
static inline void copy(struct code *c, unsigned size, unsigned d, unsigned s)
{
	if (d != s)
		x86_mov_rr(c, size, d, s);
}

/* The last step of an instruction whose result is the word in @s, sign-extended. */
static inline void done_word(struct emit *e, const struct insn *insn, unsigned d, unsigned s)
{
	copy(&e->code, 4, d, s);
	gr_done_word(e, insn->rd);
}

/* Guest register rd, not 0, = a constant; = rs; = rs's low word, sign-extended. */
void gr_set(struct emit *e, unsigned rd, uint64_t value);
void gr_move(struct emit *e, unsigned rd, unsigned rs);
void gr_move_word(struct emit *e, unsigned rd, unsigned rs);

#endif
