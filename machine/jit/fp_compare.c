/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * FCMP.  The host's ucomis and comis raise what quiet and signaling comparisons shall; unordered operands
 * then take the slow path, which leaves three outcomes.
 */
#include "machine/interp/fp.h"
#include "machine/jit/fp_emit.h"

/* Of ordered operands: the host's condition for each set of outcomes; by enum fp_relation. */
static const enum x86_cond condition[] = {
	[FP_LT] = CC_B, [FP_EQ] = CC_E,		 [FP_LT | FP_EQ] = CC_BE,
	[FP_GT] = CC_A, [FP_GT | FP_LT] = CC_NE, [FP_GT | FP_EQ] = CC_AE,
};

static bool compare(struct emit *e, const struct insn *insn, unsigned size, unsigned set, bool signaling)
{
	static const enum x86_vop op[2][2] = { { V_ucomiss, V_ucomisd }, { V_comiss, V_comisd } };
	const unsigned ordered = FP_LT | FP_EQ | FP_GT;
	const struct x86_mem fcc = fcc_mem(e, insn->rd);
	struct code *c = &e->code;
	unsigned a, b;

	emit_need_fp_arith(e);
	emit_cause_none(e);
	a = vr_use(e, insn->rj, size);
	b = vr_use(e, insn->rk, size);
	x86_v2(c, op[signaling][size == 8], 128, a, b);
	emit_interp_slow_jcc(e, CC_P);
	set &= ordered;
	if (!set || set == ordered) {
		x86_mov_mi(c, 1, fcc, set == ordered);
	} else {
		x86_setcc(c, condition[set], RAX);
		x86_mov_mr(c, 1, fcc, RAX);
	}
	return true;
}

#define COMPARE(name, set, signaling)                                                                        \
	bool emit_fcmp_##name##_s(struct emit *e, const struct insn *insn)                                   \
	{                                                                                                    \
		return compare(e, insn, 4, set, signaling);                                                  \
	}                                                                                                    \
	bool emit_fcmp_##name##_d(struct emit *e, const struct insn *insn)                                   \
	{                                                                                                    \
		return compare(e, insn, 8, set, signaling);                                                  \
	}
FP_CONDITIONS(COMPARE)
