/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Vector shifts and rotates whose result is as wide as its operands (Vol.2). */
#include "machine/jit/vector_ops.h"

#define AVX512_HALVES (X86_AVX512VL | X86_AVX512BW)
#define VBMI2_HALVES  (X86_AVX512VL | X86_VBMI2)

/* What gf2p8affineqb multiplies bytes by to shift them by @n. */
static uint64_t bit_matrix(enum vec_shift kind, unsigned n)
{
	uint64_t matrix = 0;

	for (unsigned to = 0; to < 8; to++) {
		const unsigned from = kind == VEC_SLL		      ? to - n
				      : kind == VEC_ROTR	      ? (to + n) % 8
				      : kind == VEC_SRA && to + n > 7 ? 7
								      : to + n;

		if (from < 8)
			matrix |= 1ull << (8 * (7 - to) + from);
	}
	return matrix;
}

/* Bytes without GFNI: halfwords are shifted, and the bits that came from the neighbour cleared. */
static void shift_bytes(struct vec v, enum vec_shift kind, unsigned d, unsigned a, unsigned n)
{
	if (kind == VEC_ROTR) {
		const unsigned t = vec_temp(&v);

		shift_bytes(v, VEC_SRL, t, a, n);
		shift_bytes(v, VEC_SLL, d, a, 8 - n);
		v3(v, V_por, d, d, t);
	} else {
		const unsigned mask = vec_temp(&v);

		vn(v, kind == VEC_SLL ? V_psllw_i : V_psrlw_i, d, a, n);
		vec_splat(v, VEC_B, mask, kind == VEC_SLL ? 0xff << n : 0xff >> n);
		v3(v, V_pand, d, d, mask);
		if (kind == VEC_SRA) { /* the sign is extended from its new place */
			vec_splat(v, VEC_B, mask, 0x80 >> n);
			v3(v, V_pxor, d, d, mask);
			v3(v, V_psubb, d, d, mask);
		}
	}
}

/* What the host has no instruction for, but for bytes. */
static void shift_composed(struct vec v, enum vec_shift kind, unsigned el, unsigned d, unsigned a, unsigned n)
{
	const unsigned t = vec_temp(&v), bits = vec_bits(el);

	if (kind == VEC_ROTR) {
		vec_shift(v, VEC_SRL, el, t, a, n);
		vec_shift(v, VEC_SLL, el, d, a, bits - n);
	} else { /* VEC_SRA of quadwords */
		vec_sign(v, VEC_D, t, a);
		vec_shift(v, VEC_SLL, el, t, t, bits - n);
		vec_shift(v, VEC_SRL, el, d, a, n);
	}
	v3(v, V_por, d, d, t);
}

static void shift_bytes_gfni(struct vec v, enum vec_shift kind, unsigned d, unsigned a, unsigned n)
{
	const unsigned matrix = vec_temp(&v);

	vec_splat(v, VEC_D, matrix, bit_matrix(kind, n));
	v3i(v, V_gf2p8affineqb, d, a, matrix, 0);
}

void vec_shift(struct vec v, enum vec_shift kind, unsigned el, unsigned d, unsigned a, unsigned n)
{
	static const struct {
		uint16_t op;
		uint16_t need;
	} by_host[][4] = {
		[VEC_SLL] = { [VEC_H] = { V_psllw_i, 0 },
			      [VEC_W] = { V_pslld_i, 0 },
			      [VEC_D] = { V_psllq_i, 0 } },
		[VEC_SRL] = { [VEC_H] = { V_psrlw_i, 0 },
			      [VEC_W] = { V_psrld_i, 0 },
			      [VEC_D] = { V_psrlq_i, 0 } },
		[VEC_SRA] = { [VEC_H] = { V_psraw_i, 0 },
			      [VEC_W] = { V_psrad_i, 0 },
			      [VEC_D] = { V_psraq_i, X86_AVX512VL } },
		[VEC_ROTR] = { [VEC_W] = { V_prord, X86_AVX512VL }, [VEC_D] = { V_prorq, X86_AVX512VL } },
	};
	const unsigned size = vec_size(el);

	if (n == 0)
		vec_move(v, d, a);
	else if (size == VEC_B && kind == VEC_SLL && n == 1)
		v3(v, V_paddb, d, a, a);
	else if (size == VEC_B && host_has(v.e, X86_GFNI))
		shift_bytes_gfni(v, kind, d, a, n);
	else if (size == VEC_B)
		shift_bytes(v, kind, d, a, n);
	else if (size == VEC_H && kind == VEC_ROTR && host_has(v.e, VBMI2_HALVES))
		v3i(v, V_pshrdw, d, a, a, n);
	else if (by_host[kind][size].op && host_has(v.e, by_host[kind][size].need))
		vn(v, by_host[kind][size].op, d, a, n);
	else
		shift_composed(v, kind, el, d, a, n);
}

/*
 * By each element's own count, which the host has no instruction for: as many places as the count's top bit
 * says, as the next bit says, ...
 */
static void shift_by_steps(struct vec v, enum vec_shift kind, unsigned el, unsigned d, unsigned a,
			   unsigned count)
{
	const unsigned bits = vec_bits(el);
	const unsigned left = vec_temp(&v), moved = vec_temp(&v);

	vn(v, V_psllw_i, left, count, bits == 8 ? 5 : 12);
	for (unsigned n = bits / 2; n; n /= 2) {
		struct vec step = v;
		unsigned mask = left;

		vec_shift(v, kind, el, moved, a, n);
		if (bits != 8) { /* there is no blend of halfwords */
			mask = vec_temp(&step);
			vec_sign(step, el, mask, left);
		}
		vec_blend(v, d, a, moved, mask);
		if (n > 1)
			vec_add(v, el, left, left, left);
		a = d;
	}
}

static bool by_steps(struct vec v, unsigned el)
{
	return vec_size(el) == VEC_B || (vec_size(el) == VEC_H && !host_has(v.e, AVX512_HALVES));
}

void vec_shift_by(struct vec v, enum vec_shift kind, unsigned el, unsigned d, unsigned a, unsigned count)
{
	static const uint16_t op[][4] = {
		[VEC_SLL] = { [VEC_H] = V_psllvw, [VEC_W] = V_psllvd, [VEC_D] = V_psllvq },
		[VEC_SRL] = { [VEC_H] = V_psrlvw, [VEC_W] = V_psrlvd, [VEC_D] = V_psrlvq },
		[VEC_SRA] = { [VEC_H] = V_psravw, [VEC_W] = V_psravd, [VEC_D] = V_psravq },
		[VEC_ROTR] = { [VEC_W] = V_prorvd, [VEC_D] = V_prorvq },
	};
	const unsigned size = vec_size(el);

	if (by_steps(v, el)) {
		shift_by_steps(v, kind, el, d, a, count);
	} else if (kind == VEC_ROTR && (size == VEC_H || !host_has(v.e, X86_AVX512VL))) {
		const unsigned right = vec_temp(&v), left = vec_temp(&v);

		vec_splat(v, el, left, vec_bits(el));
		vec_sub(v, el, left, left, count);
		vec_shift_by(v, VEC_SRL, el, right, a, count);
		vec_shift_by(v, VEC_SLL, el, left, a, left);
		v3(v, V_por, d, left, right);
	} else if (kind == VEC_SRA && size == VEC_D && !host_has(v.e, X86_AVX512VL)) {
		const unsigned sign = vec_temp(&v), r = vec_temp(&v);

		vec_sign(v, el, sign, a);
		v3(v, V_pxor, r, a, sign);
		v3(v, V_psrlvq, r, r, count);
		v3(v, V_pxor, d, r, sign);
	} else {
		v3(v, op[kind][size], d, a, count);
	}
}

void vec_shift_round(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	const enum vec_shift right = vec_right(el);
	const unsigned t = vec_temp(&v);

	if (n == 0) {
		vec_move(v, d, a);
	} else if (el == VEC_BU || el == VEC_HU) { /* the host's average rounds up */
		if (n > 1) {
			vec_shift(v, right, el, d, a, n - 1);
			a = d;
		}
		vec_zero(v, t);
		v3(v, el == VEC_BU ? V_pavgb : V_pavgw, d, a, t);
	} else if (n == 1) {
		vec_splat(v, el, t, 1);
		v3(v, V_pand, t, t, a);
		vec_shift(v, right, el, d, a, 1);
		vec_add(v, el, d, d, t);
	} else { /* one bit is left to go, which may be added to without overflow */
		vec_ones(v, t);
		vec_shift(v, right, el, d, a, n - 1);
		vec_sub(v, el, d, d, t);
		vec_shift(v, right, el, d, d, 1);
	}
}

void vec_shift_round_by(struct vec v, unsigned el, unsigned d, unsigned a, unsigned count)
{
	const unsigned last = vec_temp(&v), t = vec_temp(&v);

	/* A count of 0 less 1 is one so large that the host shifts all bits out. */
	vec_ones(v, last);
	vec_add(v, el, last, last, count);
	vec_shift_by(v, VEC_SRL, el, last, a, last);
	vec_splat(v, el, t, 1);
	v3(v, V_pand, last, last, t);
	if (by_steps(v, el)) {
		vec_zero(v, t);
		vec_eq(v, el, t, t, count);
		v3(v, V_pandn, last, t, last);
	}
	vec_shift_by(v, vec_right(el), el, d, a, count);
	vec_add(v, el, d, d, last);
}

static void left_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	vec_shift(v, VEC_SLL, el, d, a, n);
}

static void right_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	vec_shift(v, vec_right(el), el, d, a, n);
}

static void rotate_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	vec_shift(v, VEC_ROTR, el, d, a, n);
}

static void by_modulo(struct vec v, enum vec_shift kind, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned count = vec_temp(&v);

	vec_modulo(v, el, count, b);
	vec_shift_by(v, kind, el, d, a, count);
}

static void left(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	by_modulo(v, VEC_SLL, el, d, a, b);
}

static void right(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	by_modulo(v, vec_right(el), el, d, a, b);
}

static void rotate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	by_modulo(v, VEC_ROTR, el, d, a, b);
}

static void right_rounded(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned count = vec_temp(&v);

	vec_modulo(v, el, count, b);
	vec_shift_round_by(v, el, d, a, count);
}

#include "machine/jit/vector_shift.def"
