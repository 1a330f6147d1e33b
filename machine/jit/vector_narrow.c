/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector shifts right with narrowing (Vol.2).  Elements are shifted at their full width, brought into the
 * range of the result's, and packed: those of vj to the low half of each lane; the high half is of the old vd
 * if the amount is an immediate, else zeros.  Saturation of 128-bit elements is left to the reference engine.
 */
#include "machine/jit/vector_ops.h"

/* Flags of the elements, of which VEC_UNSIGNED says that they are shifted logically. */
#define VEC_ROUND    VEC_FLAG0
#define VEC_SATURATE VEC_FLAG1 /* else the elements are cut */
#define VEC_NO_SIGN  VEC_FLAG2 /* of the saturated result */

static unsigned plain(unsigned el)
{
	return el & (VEC_SIZE | VEC_UNSIGNED);
}

/* Limits the elements of the first @count registers of @r to the range of the result's. */
static void clamp(struct vec v, unsigned el, const unsigned *r, unsigned count)
{
	const unsigned bits = vec_bits(el) / 2 - (el & VEC_NO_SIGN ? 0 : 1), limit = vec_temp(&v);

	vec_splat(v, el, limit, (1ull << bits) - 1);
	for (unsigned i = 0; i < count; i++)
		vec_min(v, plain(el), r[i], r[i], limit);
	if (el & VEC_UNSIGNED)
		return;
	vec_splat(v, el, limit, el & VEC_NO_SIGN ? 0 : -(1ull << bits));
	for (unsigned i = 0; i < count; i++)
		vec_max(v, plain(el), r[i], r[i], limit);
}

/* Clears their high halves. */
static void clear_high(struct vec v, unsigned el, const unsigned *r, unsigned count)
{
	const unsigned mask = vec_temp(&v);

	if (vec_size(el) == VEC_H)
		vec_splat(v, VEC_H, mask, 0x00ff);
	else
		vec_zero(v, mask);
	for (unsigned i = 0; i < count; i++) {
		if (vec_size(el) == VEC_H)
			v3(v, V_pand, r[i], r[i], mask);
		else
			v3i(v, V_pblendw, r[i], r[i], mask, 0xaa);
	}
}

/*
 * The host packs halfwords and words with a sign, saturating to a width with or without one.  This does for
 * the first @count registers of @r, shifted by at least @n, what has to be done before.  Returns whether they
 * are to be packed with a sign.
 */
static bool prepare(struct vec v, unsigned el, const unsigned *r, unsigned count, unsigned n)
{
	const unsigned rounding = el & VEC_ROUND ? 1 : 0;

	if (el & VEC_SATURATE) { /* the top bit of a logical result must not be taken for a sign */
		if (vec_size(el) == VEC_D || (el & VEC_UNSIGNED && n <= rounding))
			clamp(v, el, r, count);
		return !(el & VEC_NO_SIGN);
	}
	if (vec_size(el) == VEC_D)
		return false;
	if (n >= vec_bits(el) / 2 + rounding) /* they fit */
		return !(el & VEC_UNSIGNED);
	clear_high(v, el, r, count);
	return false;
}

static void pack(struct vec v, unsigned el, bool sign, unsigned d, unsigned low, unsigned high)
{
	if (vec_size(el) == VEC_D)
		v3i(v, V_shufps, d, low, high, 0x88);
	else if (vec_size(el) == VEC_W)
		v3(v, sign ? V_packssdw : V_packusdw, d, low, high);
	else
		v3(v, sign ? V_packsswb : V_packuswb, d, low, high);
}

static void narrow_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	const unsigned source[] = { a, v.third };
	unsigned r[2];
	bool sign;

	/* Elements that are cut before any copy of the sign would remain may be shifted logically. */
	if (!(el & VEC_SATURATE) && n <= vec_bits(el) / 2)
		el |= VEC_UNSIGNED;
	for (unsigned i = 0; i < 2; i++) {
		r[i] = vec_temp(&v);
		if (el & VEC_ROUND)
			vec_shift_round(v, plain(el), r[i], source[i], n);
		else
			vec_shift(v, vec_right(el), plain(el), r[i], source[i], n);
	}
	sign = prepare(v, el, r, 2, n);
	pack(v, el, sign, d, r[0], r[1]);
}

static void narrow(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned r = vec_temp(&v);
	unsigned zero;
	bool sign;

	vec_modulo(v, el, r, b);
	if (el & VEC_ROUND)
		vec_shift_round_by(v, plain(el), r, a, r);
	else
		vec_shift_by(v, vec_right(el), plain(el), r, a, r);
	sign = prepare(v, el, &r, 1, 0);
	zero = vec_temp(&v);
	vec_zero(v, zero);
	pack(v, el, sign, d, r, zero);
}

/* Quadwords cut out of 128-bit elements, whose halves are gathered first; n is at most 127. */
static void extract(struct vec v, enum vec_shift right, unsigned d, unsigned low, unsigned high, unsigned n)
{
	if (n >= 64) {
		vec_shift(v, right, VEC_D, d, high, n - 64);
	} else if (!n) {
		vec_move(v, d, low);
	} else if (host_has(v.e, X86_AVX512VL | X86_VBMI2)) {
		v3i(v, V_pshrdq, d, low, high, n);
	} else {
		const unsigned t = vec_temp(&v);

		vec_shift(v, VEC_SRL, VEC_D, t, low, n);
		vec_shift(v, VEC_SLL, VEC_D, d, high, 64 - n);
		v3(v, V_por, d, d, t);
	}
}

static void narrow_quads(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	const unsigned low = vec_temp(&v), high = vec_temp(&v), last = vec_temp(&v), one = vec_temp(&v);

	v3(v, V_punpcklqdq, low, a, v.third);
	v3(v, V_punpckhqdq, high, a, v.third);
	extract(v, vec_right(el), d, low, high, n);
	if (el & VEC_ROUND && n) {
		extract(v, VEC_SRL, last, low, high, n - 1);
		vec_splat(v, VEC_D, one, 1);
		v3(v, V_pand, last, last, one);
		vec_add(v, VEC_D, d, d, last);
	}
}

#include "machine/jit/vector_narrow.def"
