/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Conversions between floating-point formats and integers, and rounding to integral values.  Where the only
 * NaN there can be is the operand, the host's result is the guest's.
 */
#include "machine/interp/fp.h"
#include "machine/jit/fp_emit.h"

bool emit_fcvt_s_d(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, 8);
	d = vr_def(e, insn->rd, 8);
	x86_v3(&e->code, V_cvtsd2ss, 128, d, emit_ones(e), a);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_fcvt_d_s(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, 4);
	d = vr_def(e, insn->rd, 8);
	x86_v3(&e->code, V_cvtss2sd, 128, d, a, a);
	vr_done(e, insn->rd, 8);
	return true;
}

/* From integers of @size bytes. */
static bool to_single(struct emit *e, const struct insn *insn, unsigned size)
{
	struct code *c = &e->code;
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, size);
	d = vr_def(e, insn->rd, 8);
	x86_v2(c, size == 4 ? V_movd_r : V_movq_r, 128, RAX, a);
	x86_v3(c, size == 4 ? V_cvtsi2ss : V_cvtsi2ss_q, 128, d, emit_ones(e), RAX);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_ffint_s_w(struct emit *e, const struct insn *insn)
{
	return to_single(e, insn, 4);
}

bool emit_ffint_s_l(struct emit *e, const struct insn *insn)
{
	return to_single(e, insn, 8);
}

/* Exact. */
bool emit_ffint_d_w(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause_none(e);
	a = vr_use(e, insn->rj, 4);
	d = vr_def(e, insn->rd, 8);
	x86_v2(&e->code, V_cvtdq2pd, 128, d, a);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_ffint_d_l(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, 8);
	d = vr_def(e, insn->rd, 8);
	x86_v2(c, V_movq_r, 128, RAX, a);
	x86_v3(c, V_cvtsi2sd_q, 128, d, a, RAX);
	vr_done(e, insn->rd, 8);
	return true;
}

/* The immediate of round: a mode of its own, or MXCSR's, and whether inexact is raised. */
enum { ROUND_NEAREST, ROUND_DOWN, ROUND_UP, ROUND_ZERO, ROUND_MXCSR, ROUND_QUIETLY = 8 };

bool emit_frint_s(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, 4);
	d = vr_def(e, insn->rd, 8);
	/* bits 63:32 are 0 */
	x86_v3(c, V_xorps, 128, X0, X0, X0);
	x86_v3i(c, V_roundss, 128, d, X0, a, ROUND_MXCSR);
	vr_done(e, insn->rd, 8);
	return true;
}

bool emit_frint_d(struct emit *e, const struct insn *insn)
{
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, 8);
	d = vr_def(e, insn->rd, 8);
	x86_v3i(&e->code, V_roundsd, 128, d, a, a, ROUND_MXCSR);
	vr_done(e, insn->rd, 8);
	return true;
}

/* To integers, by MXCSR's mode or truncating: from @from bytes to @to. */
static enum x86_vop to_integer_op(bool truncate, unsigned from, unsigned to)
{
	static const enum x86_vop ops[2][2][2] = {
		{ { V_cvtss2si, V_cvtss2si_q }, { V_cvtsd2si, V_cvtsd2si_q } },
		{ { V_cvttss2si, V_cvttss2si_q }, { V_cvttsd2si, V_cvttsd2si_q } },
	};

	return ops[truncate][from == 8][to == 8];
}

/*
 * NaNs and what is out of range give the host's lowest integer, and that takes the slow path.  Nothing but
 * invalid may have been raised then: so a mode that is neither truncation nor MXCSR's rounds quietly, and
 * truncates the operand, too, which is inexact when the rounding is, and in range if the result is.
 */
static bool to_integer(struct emit *e, const struct insn *insn, unsigned from, unsigned to, unsigned mode,
		       bool zero_extend)
{
	const enum x86_vop op = to_integer_op(mode != ROUND_MXCSR, from, to);
	const bool other = mode != ROUND_MXCSR && mode != ROUND_ZERO;
	struct code *c = &e->code;
	unsigned a, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, from);
	d = vr_def(e, insn->rd, 8);
	if (other)
		x86_v3i(c, from == 4 ? V_roundss : V_roundsd, 128, X0, a, a, mode | ROUND_QUIETLY);
	x86_v2(c, op, 128, RAX, other ? X0 : a);
	x86_alu_ri(c, ALU_CMP, to, RAX, 1);
	emit_interp_slow_jcc(e, CC_O);
	if (other)
		x86_v2(c, op, 128, RCX, a);
	if (to == 4 && !zero_extend)
		x86_movsx_rr(c, RAX, RAX, 4);
	x86_v2(c, V_movq, 128, d, RAX);
	vr_done(e, insn->rd, 8);
	return true;
}

#define TO_INTEGER(name, to, from, to_bytes, from_bytes, mode, zero_extend)                                  \
	bool emit_##name##_##to##_##from(struct emit *e, const struct insn *insn)                            \
	{                                                                                                    \
		return to_integer(e, insn, from_bytes, to_bytes, mode, zero_extend);                         \
	}
/* Bits 63:32 of a word depend on the row. */
#define TO_INTEGERS(name, mode, zero_extend)                                                                 \
	TO_INTEGER(name, w, s, 4, 4, mode, zero_extend)                                                      \
	TO_INTEGER(name, w, d, 4, 8, mode, false)                                                            \
	TO_INTEGER(name, l, s, 8, 4, mode, false)                                                            \
	TO_INTEGER(name, l, d, 8, 8, mode, false)
TO_INTEGERS(ftint, ROUND_MXCSR, false)
TO_INTEGERS(ftintrm, ROUND_DOWN, false)
TO_INTEGERS(ftintrp, ROUND_UP, false)
TO_INTEGERS(ftintrz, ROUND_ZERO, true)
TO_INTEGERS(ftintrne, ROUND_NEAREST, true)
