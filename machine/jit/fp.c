/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Scalar floating-point arithmetic.  The host rounds and raises as the guest does; what differs is which NaN
 * is the result, so a NaN takes the slow path.  Results may go to rd's register before that is known: the
 * operands are in memory, too, and the slow path takes them from there.
 */
#include "machine/interp/fp.h"
#include "machine/jit/fp_emit.h"

static const bool sets_cause[ISA_OP_COUNT] = {
#define EMIT(name) [ISA_##name] = true,
#include "machine/jit/fp.def"
#include "machine/jit/fp_compare.def"
#include "machine/jit/fp_convert.def"
#include "machine/jit/vector_convert.def"
#include "machine/jit/vector_fp.def"
#undef EMIT
};

bool emit_sets_cause(const struct insn *insn)
{
	return sets_cause[insn->op];
}

static void note_operand(struct emit *e, unsigned i, unsigned v, unsigned size)
{
	x86_vstore(&e->code, size, vr_use(e, v, size), CPU_MEM(e, jit.cause.operand[i]));
}

void emit_cause(struct emit *e, const struct insn *insn, unsigned size, unsigned operands)
{
	if (!emit_cause_wanted(e))
		return;
	x86_mov_mi(&e->code, 4, CPU_MEM(e, jit.cause.word), (int32_t)insn->word);
	if (operands & OPERAND_J)
		note_operand(e, 0, insn->rj, size);
	if (operands & OPERAND_K)
		note_operand(e, 1, insn->rk, size);
	if (operands & OPERAND_A)
		note_operand(e, 2, insn->ra, size);
}

void emit_cause_none(struct emit *e)
{
	if (emit_cause_wanted(e))
		x86_mov_mi(&e->code, 4, CPU_MEM(e, jit.cause.word), JIT_CAUSE_NONE);
}

void emit_slow_if_nan(struct emit *e, unsigned size, unsigned x)
{
	x86_v2(&e->code, size == 4 ? V_ucomiss : V_ucomisd, 128, x, x);
	emit_interp_slow_jcc(e, CC_P);
}

unsigned emit_ones(struct emit *e)
{
	x86_v3(&e->code, V_pcmpeqd, 128, X5, X5, X5);
	return X5;
}

void emit_box_single(struct emit *e, unsigned d)
{
	x86_v3i(&e->code, V_blendps, 128, d, emit_ones(e), d, 1);
}

unsigned emit_sign_mask(struct emit *e, unsigned size)
{
	x86_v3(&e->code, V_pcmpeqd, 128, X4, X4, X4);
	x86_vshift(&e->code, size == 4 ? V_pslld_i : V_psllq_i, 128, X4, X4, size * 8 - 1);
	return X4;
}

/* Ends an instruction whose result of @size bytes is in @d, rd's register. */
static bool finish(struct emit *e, const struct insn *insn, unsigned size, unsigned d)
{
	emit_slow_if_nan(e, size, d);
	if (size == 4)
		emit_box_single(e, d);
	vr_done(e, insn->rd, 8);
	return true;
}

static bool binary(struct emit *e, const struct insn *insn, unsigned size, enum x86_vop op)
{
	unsigned a, b, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J | OPERAND_K);
	a = vr_use(e, insn->rj, size);
	b = vr_use(e, insn->rk, size);
	d = vr_def(e, insn->rd, 8);
	x86_v3(&e->code, op, 128, d, a, b);
	return finish(e, insn, size, d);
}

#define BINARY(op)                                                                                           \
	bool emit_f##op##_s(struct emit *e, const struct insn *insn)                                         \
	{                                                                                                    \
		return binary(e, insn, 4, V_##op##ss);                                                       \
	}                                                                                                    \
	bool emit_f##op##_d(struct emit *e, const struct insn *insn)                                         \
	{                                                                                                    \
		return binary(e, insn, 8, V_##op##sd);                                                       \
	}
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)

/* 1 / sqrt(rj), with either step or both. */
static bool reciprocal_root(struct emit *e, const struct insn *insn, unsigned size, bool reciprocal,
			    bool root)
{
	struct code *c = &e->code;
	unsigned a, d, divisor;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J);
	a = vr_use(e, insn->rj, size);
	d = vr_def(e, insn->rd, 8);
	divisor = root ? reciprocal ? X0 : d : a;
	if (root)
		x86_v3(c, size == 4 ? V_sqrtss : V_sqrtsd, 128, divisor, a, a);
	if (reciprocal) {
		x86_mov_ri(c, RAX, size == 4 ? 0x3f800000 : 0x3ff0000000000000);
		x86_v2(c, V_movq, 128, X1, RAX);
		x86_v3(c, size == 4 ? V_divss : V_divsd, 128, d, X1, divisor);
	}
	return finish(e, insn, size, d);
}

#define RECIPROCAL_ROOT(name, reciprocal, root)                                                              \
	bool emit_##name##_s(struct emit *e, const struct insn *insn)                                        \
	{                                                                                                    \
		return reciprocal_root(e, insn, 4, reciprocal, root);                                        \
	}                                                                                                    \
	bool emit_##name##_d(struct emit *e, const struct insn *insn)                                        \
	{                                                                                                    \
		return reciprocal_root(e, insn, 8, reciprocal, root);                                        \
	}
RECIPROCAL_ROOT(fsqrt, false, true)
RECIPROCAL_ROOT(frecip, true, false)
RECIPROCAL_ROOT(frecipe, true, false)
RECIPROCAL_ROOT(frsqrt, true, true)
RECIPROCAL_ROOT(frsqrte, true, true)

/* FMADD or FMSUB of one size in the forms that differ by which source the result replaces. */
struct fused {
	enum x86_vop replaces_factor, replaces_addend;
};

static const struct fused fused[2][2] = {
	{ { V_fmadd213ss, V_fmadd231ss }, { V_fmadd213sd, V_fmadd231sd } },
	{ { V_fmsub213ss, V_fmsub231ss }, { V_fmsub213sd, V_fmsub231sd } },
};

/*
 * The guest's negations after rounding are none of the host's fnmadd and fnmsub, which round the negated sum
 * and have another sign of zero.
 */
static bool muladd(struct emit *e, const struct insn *insn, unsigned size, enum fp_muladd options)
{
	const struct fused *op = &fused[!!(options & FP_MSUB)][size == 8];
	struct code *c = &e->code;
	unsigned a, b, addend, d;

	emit_need_fp_arith(e);
	emit_cause(e, insn, 8, OPERAND_J | OPERAND_K | OPERAND_A);
	a = vr_use(e, insn->rj, size);
	b = vr_use(e, insn->rk, size);
	addend = vr_use(e, insn->ra, size);
	d = vr_def(e, insn->rd, 8);
	if (d == addend || (d != a && d != b)) {
		if (d != addend)
			x86_vmov(c, 128, d, addend);
		x86_v3(c, op->replaces_addend, 128, d, a, b);
	} else {
		x86_v3(c, op->replaces_factor, 128, d, d == a ? b : a, addend);
	}
	emit_slow_if_nan(e, size, d);
	if (options & FP_NMADD)
		x86_v3(c, V_xorps, 128, d, d, emit_sign_mask(e, size));
	if (size == 4)
		emit_box_single(e, d);
	vr_done(e, insn->rd, 8);
	return true;
}

#define MULADD(name, options)                                                                                \
	bool emit_##name##_s(struct emit *e, const struct insn *insn)                                        \
	{                                                                                                    \
		return muladd(e, insn, 4, options);                                                          \
	}                                                                                                    \
	bool emit_##name##_d(struct emit *e, const struct insn *insn)                                        \
	{                                                                                                    \
		return muladd(e, insn, 8, options);                                                          \
	}
MULADD(fmadd, FP_MADD)
MULADD(fmsub, FP_MSUB)
MULADD(fnmadd, FP_NMADD)
MULADD(fnmsub, FP_NMSUB)

/* What VRANGE selects; the sign is the selected operand's. */
enum range { RANGE_MIN = 4, RANGE_MAX, RANGE_MINA, RANGE_MAXA };

/* maxNum and its relatives, which raise something for NaNs only. */
static bool select_range(struct emit *e, const struct insn *insn, unsigned size, enum range range)
{
	unsigned a, b, d;

	emit_need_fp_arith(e);
	emit_cause_none(e);
	a = vr_use(e, insn->rj, size);
	b = vr_use(e, insn->rk, size);
	d = vr_def(e, insn->rd, 8);
	x86_v3i(&e->code, size == 4 ? V_rangess : V_rangesd, 128, d, a, b, range);
	return finish(e, insn, size, d);
}

/*
 * Maximum or minimum by @op, the host's, which for two zeros gives the second one: @join of both orders is
 * the right one of +0 and -0.  It knows no NaNs.
 */
static bool select_twice(struct emit *e, const struct insn *insn, unsigned size, enum x86_vop op,
			 enum x86_vop join)
{
	struct code *c = &e->code;
	unsigned a, b, d;

	emit_need_fp_arith(e);
	emit_cause_none(e);
	a = vr_use(e, insn->rj, size);
	b = vr_use(e, insn->rk, size);
	d = vr_def(e, insn->rd, 8);
	x86_v2(c, size == 4 ? V_ucomiss : V_ucomisd, 128, a, b);
	emit_interp_slow_jcc(e, CC_P);
	x86_v3(c, op, 128, X0, a, b);
	x86_v3(c, op, 128, X1, b, a);
	x86_v3(c, join, 128, d, X0, X1);
	if (size == 4)
		emit_box_single(e, d);
	vr_done(e, insn->rd, 8);
	return true;
}

#define SELECT(name, suffix, size, range, op, join)                                                          \
	bool emit_##name##_##suffix(struct emit *e, const struct insn *insn)                                 \
	{                                                                                                    \
		if (host_has(e, X86_AVX512DQ))                                                               \
			return select_range(e, insn, size, range);                                           \
		return select_twice(e, insn, size, op, join);                                                \
	}
SELECT(fmax, s, 4, RANGE_MAX, V_maxss, V_andps)
SELECT(fmax, d, 8, RANGE_MAX, V_maxsd, V_andpd)
SELECT(fmin, s, 4, RANGE_MIN, V_minss, V_orps)
SELECT(fmin, d, 8, RANGE_MIN, V_minsd, V_orpd)

#define SELECT_MAGNITUDE(name, suffix, size, range)                                                          \
	bool emit_##name##_##suffix(struct emit *e, const struct insn *insn)                                 \
	{                                                                                                    \
		return host_has(e, X86_AVX512DQ) && select_range(e, insn, size, range);                      \
	}
SELECT_MAGNITUDE(fmaxa, s, 4, RANGE_MAXA)
SELECT_MAGNITUDE(fmaxa, d, 8, RANGE_MAXA)
SELECT_MAGNITUDE(fmina, s, 4, RANGE_MINA)
SELECT_MAGNITUDE(fmina, d, 8, RANGE_MINA)
