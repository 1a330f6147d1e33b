/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Multiplication and division, Vol.1 2.2.1, to host code; semantics as in machine/interp/integer.c. */
#include "machine/jit/integer.h"

/* d = a * b */
static void multiply(struct code *c, unsigned size, struct operands o)
{
	if (o.d == o.b) {
		x86_imul_rr(c, size, o.d, o.a);
	} else {
		copy(c, size, o.d, o.a);
		x86_imul_rr(c, size, o.d, o.b);
	}
}

COMPUTE(mul_w)
{
	const struct operands o = operands_words(e, insn);

	multiply(&e->code, 4, o);
	done_word(e, insn, o.d, o.d);
}

COMPUTE(mul_d)
{
	multiply(&e->code, 8, operands_jk(e, insn));
	gr_done(e, insn->rd);
}

/* Product of words in 64 bits.  a is read before d is written, and b in doing so. */
static unsigned multiply_words(struct emit *e, const struct insn *insn, bool sign)
{
	const struct operands o = operands_jk(e, insn);
	struct code *c = &e->code;

	if (sign) {
		x86_movsx_rr(c, RAX, o.a, 4);
		x86_movsx_rr(c, o.d, o.b, 4);
	} else {
		x86_movzx_rr(c, RAX, o.a, 4);
		x86_movzx_rr(c, o.d, o.b, 4);
	}
	x86_imul_rr(c, 8, o.d, RAX);
	return o.d;
}

COMPUTE(mulw_d_w)
{
	multiply_words(e, insn, true);
	gr_done(e, insn->rd);
}

COMPUTE(mulw_d_wu)
{
	multiply_words(e, insn, false);
	gr_done(e, insn->rd);
}

/* The upper word of the product is sign-extended in both. */
COMPUTE(mulh_w)
{
	x86_shift_ri(&e->code, SHIFT_SAR, 8, multiply_words(e, insn, true), 32);
	gr_done(e, insn->rd);
}

COMPUTE(mulh_wu)
{
	x86_shift_ri(&e->code, SHIFT_SAR, 8, multiply_words(e, insn, false), 32);
	gr_done(e, insn->rd);
}

COMPUTE(mulh_d)
{
	const struct operands o = operands_jk(e, insn);

	x86_mov_rr(&e->code, 8, RAX, o.a);
	x86_unary(&e->code, UNARY_IMUL, 8, o.b);
	x86_mov_rr(&e->code, 8, o.d, RDX);
	gr_done(e, insn->rd);
}

COMPUTE(mulh_du)
{
	const struct operands o = operands_jk(e, insn);

	x86_mov_rr(&e->code, 8, RDX, o.a);
	x86_mulx(&e->code, 8, o.d, RAX, o.b);
	gr_done(e, insn->rd);
}

/*
 * rd = the quotient of rj and rk, or what is in @result.  Division by 0 is the reference engine's, and all
 * signed division by -1 with it, one case of which the host cannot do.
 */
static bool divide(struct emit *e, const struct insn *insn, unsigned size, bool sign, enum x86_reg result)
{
	struct code *c = &e->code;
	struct operands o;

	if (!insn->rd)
		return true;
	if (!insn->rk)
		return false;
	o = operands_jk(e, insn);
	if (sign) {
		x86_lea(c, size, RCX, x86_at(o.b, 1));
		x86_alu_ri(c, ALU_CMP, size, RCX, 1);
		emit_interp_slow_jcc(e, CC_BE);
		x86_mov_rr(c, size, RAX, o.a);
		x86_sign_rax(c, size);
		x86_unary(c, UNARY_IDIV, size, o.b);
	} else {
		x86_test_rr(c, size, o.b, o.b);
		emit_interp_slow_jcc(e, CC_E);
		x86_mov_rr(c, size, RAX, o.a);
		x86_alu_rr(c, ALU_XOR, 4, RDX, RDX);
		x86_unary(c, UNARY_DIV, size, o.b);
	}
	if (size == 4)
		x86_movsx_rr(c, o.d, result, 4);
	else
		x86_mov_rr(c, 8, o.d, result);
	gr_done(e, insn->rd);
	return true;
}

#define DIVIDE(name, size, sign, result)                                                                     \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		return divide(e, insn, size, sign, result);                                                  \
	}

DIVIDE(div_w, 4, true, RAX)
DIVIDE(div_wu, 4, false, RAX)
DIVIDE(div_d, 8, true, RAX)
DIVIDE(div_du, 8, false, RAX)
DIVIDE(mod_w, 4, true, RDX)
DIVIDE(mod_wu, 4, false, RDX)
DIVIDE(mod_d, 8, true, RDX)
DIVIDE(mod_du, 8, false, RDX)
