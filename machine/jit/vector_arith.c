/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector integer arithmetic whose result is as wide as its operands (Vol.2): with saturation, averages,
 * absolute difference, multiply, saturation to a width.  Plain operations are in vector_ops.c.
 */
#include "machine/jit/vector_ops.h"

static void negate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned zero = vec_temp(&v);

	vec_zero(v, zero);
	vec_sub(v, el, d, zero, a);
}

/*
 * Words and quadwords with a sign, which the host does not saturate: where @overflow is negative the result
 * is the maximum or minimum, whichever has not the sign of the wrapped one.
 */
static void saturate(struct vec v, unsigned el, unsigned d, unsigned wrapped, unsigned overflow)
{
	const unsigned limit = vec_temp(&v), flip = vec_temp(&v);

	vec_sign(v, el, limit, wrapped);
	vec_splat(v, el, flip, 1ull << (vec_bits(el) - 1));
	v3(v, V_pxor, limit, limit, flip);
	x86_v4(&v.e->code, el == VEC_W ? V_blendvps : V_blendvpd, v.bits, d, wrapped, limit, overflow);
}

static void add_saturated(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = { [VEC_B] = V_paddsb, V_paddsw, [VEC_BU] = V_paddusb, V_paddusw };
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	if (vec_size(el) <= VEC_H) {
		v3(v, op[el], d, a, b);
	} else if (el & VEC_UNSIGNED) { /* b and as much of a as there is room for */
		vec_not(v, t, b);
		vec_min(v, el, t, t, a);
		vec_add(v, el, d, t, b);
	} else { /* an overflow gives the sum another sign than both operands */
		const unsigned sum = vec_temp(&v);

		vec_add(v, el, sum, a, b);
		v3(v, V_pxor, t, a, sum);
		v3(v, V_pxor, u, b, sum);
		v3(v, V_pand, t, t, u);
		saturate(v, el, d, sum, t);
	}
}

static void sub_saturated(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = { [VEC_B] = V_psubsb, V_psubsw, [VEC_BU] = V_psubusb, V_psubusw };
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	if (vec_size(el) <= VEC_H) {
		v3(v, op[el], d, a, b);
	} else if (el & VEC_UNSIGNED) {
		vec_max(v, el, t, a, b);
		vec_sub(v, el, d, t, b);
	} else { /* an overflow needs operands of different signs, and gives a's to the difference no more */
		const unsigned difference = vec_temp(&v);

		vec_sub(v, el, difference, a, b);
		v3(v, V_pxor, t, a, difference);
		v3(v, V_pxor, u, a, b);
		v3(v, V_pand, t, t, u);
		saturate(v, el, d, difference, t);
	}
}

/*
 * Averages of bytes by the host's, which has no sign and rounds up: flipping the top bits takes the sign
 * away, flipping all bits makes rounding up rounding down.
 */
static void average_bytes(struct vec v, unsigned d, unsigned a, unsigned b, uint8_t flipped)
{
	const unsigned flip = vec_temp(&v), t = vec_temp(&v);

	vec_splat(v, VEC_B, flip, flipped);
	v3(v, V_pxor, t, a, flip);
	v3(v, V_pxor, d, b, flip);
	v3(v, V_pavgb, d, d, t);
	v3(v, V_pxor, d, d, flip);
}

/* The bits in which a and b agree count in full, those of one of them by half. */
static void average(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned one = vec_temp(&v), both = vec_temp(&v);

	if (vec_size(el) == VEC_B) {
		average_bytes(v, d, a, b, el & VEC_UNSIGNED ? 0xff : 0x7f);
		return;
	}
	v3(v, V_pxor, one, a, b);
	v3(v, V_pand, both, a, b);
	vec_shift(v, vec_right(el), el, one, one, 1);
	vec_add(v, el, d, both, one);
}

static void average_rounded(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned one = vec_temp(&v), any = vec_temp(&v);

	if (el == VEC_BU || el == VEC_HU) {
		v3(v, el == VEC_BU ? V_pavgb : V_pavgw, d, a, b);
	} else if (el == VEC_B) {
		average_bytes(v, d, a, b, 0x80);
	} else {
		v3(v, V_pxor, one, a, b);
		v3(v, V_por, any, a, b);
		vec_shift(v, vec_right(el), el, one, one, 1);
		vec_sub(v, el, d, any, one);
	}
}

static void difference(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned max = vec_temp(&v), min = vec_temp(&v);

	vec_max(v, el, max, a, b);
	vec_min(v, el, min, a, b);
	vec_sub(v, el, d, max, min);
}

static void add_absolute(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v), u = vec_temp(&v);

	vec_abs(v, el, t, a);
	vec_abs(v, el, u, b);
	vec_add(v, el, d, t, u);
}

/* Bytes by halfwords: odd ones where they are, the others' own and b's below cleared. */
static void multiply_bytes(struct vec v, unsigned d, unsigned a, unsigned b)
{
	const unsigned low = vec_temp(&v), odd = vec_temp(&v), even = vec_temp(&v);

	vec_splat(v, VEC_H, low, 0x00ff);
	v3(v, V_pmullw, even, a, b);
	vec_shift(v, VEC_SRL, VEC_H, odd, a, 8);
	v3(v, V_pandn, d, low, b);
	v3(v, V_pmullw, odd, odd, d);
	v3(v, V_pand, even, even, low);
	v3(v, V_por, d, even, odd);
}

/* Quadwords by words: the product of the low halves, plus in the high half those of low and high ones. */
static void multiply_quadwords(struct vec v, unsigned d, unsigned a, unsigned b)
{
	const unsigned cross = vec_temp(&v), t = vec_temp(&v);

	v2i(v, V_pshufd, cross, b, 0xb1);
	v3(v, V_pmulld, cross, cross, a);
	vec_shift(v, VEC_SRL, VEC_D, t, cross, 32);
	vec_add(v, VEC_W, cross, cross, t);
	vec_shift(v, VEC_SLL, VEC_D, cross, cross, 32);
	v3(v, V_pmuludq, d, a, b);
	vec_add(v, VEC_D, d, d, cross);
}

static void multiply(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	switch (vec_size(el)) {
	case VEC_B:
		multiply_bytes(v, d, a, b);
		break;
	case VEC_H:
		v3(v, V_pmullw, d, a, b);
		break;
	case VEC_W:
		v3(v, V_pmulld, d, a, b);
		break;
	default:
		if (host_has(v.e, X86_AVX512VL | X86_AVX512DQ))
			v3(v, V_pmullq, d, a, b);
		else
			multiply_quadwords(v, d, a, b);
	}
}

static void multiply_add(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned product = vec_temp(&v);

	multiply(v, el, product, a, b);
	vec_add(v, el, d, v.third, product);
}

static void multiply_sub(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned product = vec_temp(&v);

	multiply(v, el, product, a, b);
	vec_sub(v, el, d, v.third, product);
}

/* High half of the product: of products twice as wide, of even and odd elements. */
static void multiply_high(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned even = vec_temp(&v), odd = vec_temp(&v);
	unsigned mask;

	if (vec_size(el) == VEC_H) {
		v3(v, el == VEC_H ? V_pmulhw : V_pmulhuw, d, a, b);
		return;
	}
	vec_mul_wide(v, el, even, a, b);
	vec_mul_wide(v, el | VEC_ODD, odd, a, b);
	switch (vec_size(el)) {
	case VEC_B:
		mask = vec_temp(&v);
		vec_shift(v, VEC_SRL, VEC_H, even, even, 8);
		vec_splat(v, VEC_H, mask, 0xff00);
		v3(v, V_pand, odd, odd, mask);
		v3(v, V_por, d, even, odd);
		break;
	case VEC_W:
		vec_shift(v, VEC_SRL, VEC_D, even, even, 32);
		v3i(v, V_pblendd, d, even, odd, 0xaa);
		break;
	default:
		v3(v, V_punpckhqdq, d, even, odd);
	}
}

/* To imm bits and a sign, or to imm + 1 bits without one. */
static void saturate_width(struct vec v, unsigned el, unsigned d, unsigned a, unsigned imm)
{
	const unsigned limit = vec_temp(&v), t = vec_temp(&v);

	if (el & VEC_UNSIGNED) {
		vec_splat(v, el, limit, (2ull << imm) - 1);
		vec_min(v, el, d, a, limit);
	} else {
		vec_splat(v, el, limit, (1ull << imm) - 1);
		vec_min(v, el, t, a, limit);
		vec_splat(v, el, limit, -(1ull << imm));
		vec_max(v, el, d, t, limit);
	}
}

/* b with the sign of a */
static void copy_sign(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = { V_psignb, V_psignw, V_psignd };
	const unsigned sign = vec_temp(&v), zero = vec_temp(&v), r = vec_temp(&v);

	if (el < VEC_D) {
		v3(v, op[el], d, b, a);
		return;
	}
	vec_sign(v, el, sign, a);
	v3(v, V_pxor, r, b, sign);
	vec_sub(v, el, r, r, sign);
	vec_zero(v, zero);
	vec_eq(v, el, zero, zero, a);
	v3(v, V_pandn, d, zero, r);
}

#include "machine/jit/vector_arith.def"
