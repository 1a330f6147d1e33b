/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector integer instructions whose result elements are wider than their operands (Vol.2): widening add,
 * subtract, multiply and multiply-add of even or odd elements, horizontal add and subtract, extension of
 * the low or high half of a lane, vsllwil, vext2xv.
 */
#include "machine/jit/vector_ops.h"

#define VEC_HIGH VEC_FLAG0 /* the high half of each lane */

/* Without AVX-512 no quadword shifts right arithmetically: words get their signs beside them. */
static bool words_by_blend(struct vec v, unsigned el)
{
	return el == VEC_W && !host_has(v.e, X86_AVX512VL);
}

/* The signs of all elements, which extend them. */
static void extension(struct vec v, unsigned el, unsigned d, unsigned a)
{
	if (el & VEC_UNSIGNED)
		vec_zero(v, d);
	else
		vec_sign(v, el, d, a);
}

void vec_even(struct vec v, unsigned el, unsigned d, unsigned a)
{
	const unsigned t = vec_temp(&v);

	if (vec_size(el) == VEC_D) {
		extension(v, el, t, a);
		v3(v, V_punpcklqdq, d, a, t);
	} else if (el == VEC_HU || el == VEC_WU) {
		vec_zero(v, t);
		v3i(v, V_pblendw, d, a, t, el == VEC_HU ? 0xaa : 0xcc);
	} else if (words_by_blend(v, el)) {
		v2i(v, V_pshufd, t, a, 0xa0);
		vec_sign(v, el, t, t);
		v3i(v, V_pblendd, d, a, t, 0xaa);
	} else {
		vec_shift(v, VEC_SLL, vec_wider(el), t, a, vec_bits(el));
		vec_shift(v, vec_right(el), vec_wider(el), d, t, vec_bits(el));
	}
}

void vec_odd(struct vec v, unsigned el, unsigned d, unsigned a)
{
	const unsigned t = vec_temp(&v);

	if (vec_size(el) == VEC_D) {
		extension(v, el, t, a);
		v3(v, V_punpckhqdq, d, a, t);
	} else if (words_by_blend(v, el)) {
		vec_sign(v, el, t, a);
		vec_shift(v, VEC_SRL, VEC_D, d, a, 32);
		v3i(v, V_pblendd, d, d, t, 0xaa);
	} else {
		vec_shift(v, vec_right(el), vec_wider(el), d, a, vec_bits(el));
	}
}

/* Elements of even or, with VEC_ODD, odd number, extended. */
static void extend(struct vec v, unsigned el, unsigned d, unsigned a)
{
	const unsigned plain = el & (VEC_SIZE | VEC_UNSIGNED);

	if (el & VEC_ODD)
		vec_odd(v, plain, d, a);
	else
		vec_even(v, plain, d, a);
}

/* Both operands; b has a sign if VEC_MIXED. */
static void extend_both(struct vec v, unsigned el, unsigned d, unsigned e, unsigned a, unsigned b)
{
	extend(v, el, d, a);
	extend(v, el & VEC_MIXED ? el & ~VEC_UNSIGNED : el, e, b);
}

/*
 * Bytes of odd number, and of mixed sign, are extended to be multiplied; of others the halfwords with zeros
 * below are, so that the product is the high half.
 */
static void multiply_bytes(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	if (el & (VEC_ODD | VEC_MIXED)) {
		extend_both(v, el, t, u, a, b);
		v3(v, V_pmullw, d, t, u);
	} else {
		vec_shift(v, VEC_SLL, VEC_H, t, a, 8);
		vec_shift(v, VEC_SLL, VEC_H, u, b, 8);
		v3(v, el & VEC_UNSIGNED ? V_pmulhuw : V_pmulhw, d, t, u);
	}
}

static void multiply_halfwords(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	if (el & VEC_MIXED) {
		extend_both(v, el, t, u, a, b);
		v3(v, V_pmulld, d, t, u);
	} else if (el & VEC_UNSIGNED) { /* low and high halves of products, put together */
		v3(v, V_pmullw, t, a, b);
		v3(v, V_pmulhuw, u, a, b);
		if (el & VEC_ODD)
			vec_shift(v, VEC_SRL, VEC_W, t, t, 16);
		else
			vec_shift(v, VEC_SLL, VEC_W, u, u, 16);
		v3i(v, V_pblendw, d, t, u, 0xaa);
	} else { /* a sum of two products, of which one is 0 */
		vec_zero(v, t);
		v3i(v, V_pblendw, t, a, t, el & VEC_ODD ? 0x55 : 0xaa);
		v3(v, V_pmaddwd, d, t, b);
	}
}

static void multiply_words(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	if (el & VEC_ODD) {
		v2i(v, V_pshufd, t, a, 0xf5);
		v2i(v, V_pshufd, u, b, 0xf5);
		a = t;
		b = u;
	}
	if (el & VEC_MIXED) { /* a negative b was taken for b + 2^32 */
		const unsigned excess = vec_temp(&v);

		vec_sign(v, VEC_W, excess, b);
		v3(v, V_pand, excess, excess, a);
		vec_shift(v, VEC_SLL, VEC_D, excess, excess, 32);
		v3(v, V_pmuludq, d, a, b);
		vec_sub(v, VEC_D, d, d, excess);
	} else {
		v3(v, el & VEC_UNSIGNED ? V_pmuludq : V_pmuldq, d, a, b);
	}
}

/* One lane's quadwords by the general registers, which have no product of mixed signs. */
static void multiply_quadword(struct code *c, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned which = el & VEC_ODD ? 1 : 0;

	x86_v2i(c, V_pextrq, 128, RAX, a, which);
	x86_v2i(c, V_pextrq, 128, RCX, b, which);
	x86_unary(c, el & VEC_UNSIGNED ? UNARY_MUL : UNARY_IMUL, 8, RCX);
	if (el & VEC_MIXED) { /* a negative b was taken for b + 2^64 */
		x86_shift_ri(c, SHIFT_SAR, 8, RCX, 63);
		x86_v2(c, V_movq, 128, d, RAX);
		x86_v2i(c, V_pextrq, 128, RAX, a, which);
		x86_alu_rr(c, ALU_AND, 8, RCX, RAX);
		x86_alu_rr(c, ALU_SUB, 8, RDX, RCX);
	} else {
		x86_v2(c, V_movq, 128, d, RAX);
	}
	x86_v3i(c, V_pinsrq, 128, d, d, RDX, 1);
}

static void multiply_quadwords(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned low = vec_temp(&v), high = vec_temp(&v), t = vec_temp(&v);

	multiply_quadword(&v.e->code, el, low, a, b);
	if (v.bits == 256) {
		v2i(v, V_extracti128, high, a, 1);
		v2i(v, V_extracti128, t, b, 1);
		multiply_quadword(&v.e->code, el, d, high, t);
		v3i(v, V_inserti128, d, low, d, 1);
	} else {
		vec_move(v, d, low);
	}
}

void vec_mul_wide(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static vec_fn *const by_size[] = { multiply_bytes, multiply_halfwords, multiply_words,
					   multiply_quadwords };

	by_size[vec_size(el)](v, el, d, a, b);
}

static void add(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	extend_both(v, el, t, u, a, b);
	vec_add(v, vec_wider(vec_size(el)), d, t, u);
}

static void sub(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	extend_both(v, el, t, u, a, b);
	vec_sub(v, vec_wider(vec_size(el)), d, t, u);
}

static void multiply_add(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned product = vec_temp(&v);

	vec_mul_wide(v, el, product, a, b);
	vec_add(v, vec_wider(vec_size(el)), d, v.third, product);
}

/* Horizontal: odd elements of a with even ones of b. */
static void add_pairs(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	if (el == VEC_H && a == b) { /* the host has it as a sum of products by 1 */
		vec_splat(v, el, t, 1);
		v3(v, V_pmaddwd, d, a, t);
	} else {
		vec_odd(v, el, t, a);
		vec_even(v, el, u, b);
		vec_add(v, vec_wider(vec_size(el)), d, t, u);
	}
}

static void sub_pairs(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	vec_odd(v, el, t, a);
	vec_even(v, el, u, b);
	vec_sub(v, vec_wider(vec_size(el)), d, t, u);
}

/* Half of each lane, extended and shifted left by @n: the low half, or the high one if VEC_HIGH. */
static void extend_half(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	static const uint16_t low[] = { V_punpcklbw, V_punpcklwd, V_punpckldq, V_punpcklqdq };
	static const uint16_t high[] = { V_punpckhbw, V_punpckhwd, V_punpckhdq, V_punpckhqdq };
	static const uint16_t whole[] = {
		[VEC_B] = V_pmovsxbw, V_pmovsxwd, V_pmovsxdq, [VEC_BU] = V_pmovzxbw, V_pmovzxwd, V_pmovzxdq
	};
	const unsigned size = vec_size(el), signs = vec_temp(&v);

	if (v.bits == 128 && size < VEC_D && !(el & VEC_HIGH)) {
		v2(v, whole[el], d, a);
	} else {
		extension(v, el & ~VEC_HIGH, signs, a);
		v3(v, el & VEC_HIGH ? high[size] : low[size], d, a, signs);
	}
	if (n)
		vec_shift(v, VEC_SLL, vec_wider(size), d, d, n);
}

static void extend_whole_half(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	extend_half(v, el, d, a, 0);
}

/* The low elements of both lanes: a row's host instruction takes its source from one. */
static bool extend_low(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op)
{
	unsigned a, d;

	vec_need(e, bits);
	a = vr_use(e, insn->rj, bits / 8);
	d = vr_def(e, insn->rd, bits / 8);
	x86_v2(&e->code, op, bits, d, a);
	vr_done(e, insn->rd, bits / 8);
	return true;
}

#include "machine/jit/vector_widen.def"
