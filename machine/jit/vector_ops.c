/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The frame of the emitters of LSX and LASX integer rows, and what all of them need: constants, logic, add,
 * subtract, maximum, minimum, absolute value.  Other operations are beside the rows that are made of them.
 */
#include "machine/jit/vector_ops.h"

void vec_need(struct emit *e, unsigned bits)
{
	if (bits == 128)
		emit_need_lsx(e);
	else
		emit_need_lasx(e);
}

bool vec_emit(struct emit *e, const struct insn *insn, unsigned bits, vec_fn *fn, unsigned el, unsigned form)
{
	struct vec v = { .e = e, .bits = bits };
	const unsigned bytes = bits / 8;
	unsigned d, a, b = insn->imm;

	vec_need(e, bits);
	a = vr_use(e, insn->rj, bytes);
	if (form & VEC_VK)
		b = vr_use(e, insn->rk, bytes);
	if (form & VEC_OLD)
		v.third = vr_use(e, insn->rd, bytes);
	if (form & VEC_VA)
		v.third = vr_use(e, insn->ra, bytes);
	if (form & VEC_SPLAT) {
		b = vec_temp(&v);
		vec_splat(v, el, b, insn->imm);
	}
	d = vr_def(e, insn->rd, bytes);
	fn(v, el, d, a, b);
	vr_done(e, insn->rd, bytes);
	return true;
}

void vec_zero(struct vec v, unsigned d)
{
	v3(v, V_pxor, d, d, d);
}

void vec_ones(struct vec v, unsigned d)
{
	v3(v, V_pcmpeqd, d, d, d);
}

/* All elements what RAX holds. */
static void broadcast_rax(struct vec v, unsigned size, unsigned d)
{
	static const uint16_t from_gpr[] = { V_pbroadcastb_r, V_pbroadcastw_r, V_pbroadcastd_r,
					     V_pbroadcastq_r };
	static const uint16_t broadcast[] = { V_pbroadcastb, V_pbroadcastw, V_pbroadcastd, V_pbroadcastq };

	if (host_has(v.e, X86_AVX512VL | X86_AVX512BW)) {
		v2(v, from_gpr[size], d, RAX);
	} else {
		x86_v2(&v.e->code, size == VEC_D ? V_movq : V_movd, 128, d, RAX);
		v2(v, broadcast[size], d, d);
	}
}

void vec_splat(struct vec v, unsigned el, unsigned d, uint64_t value)
{
	const unsigned bits = vec_bits(el);
	const uint64_t all = UINT64_MAX >> (64 - bits), zeros = ~value & all;

	value &= all;
	if (!value) {
		vec_zero(v, d);
	} else if (!zeros) {
		vec_ones(v, d);
	} else if (bits > 8 && !(value & (value + 1))) { /* ones below zeros */
		vec_ones(v, d);
		vec_shift(v, VEC_SRL, el, d, d, bits - __builtin_popcountll(value));
	} else if (bits > 8 && !(zeros & (zeros + 1))) { /* ones above zeros */
		vec_ones(v, d);
		vec_shift(v, VEC_SLL, el, d, d, __builtin_popcountll(zeros));
	} else {
		x86_mov_ri(&v.e->code, RAX, value);
		broadcast_rax(v, vec_size(el), d);
	}
}

void vec_lanes(struct vec v, unsigned d, uint64_t low, uint64_t high)
{
	struct code *c = &v.e->code;

	x86_mov_ri(c, RAX, low);
	x86_v2(c, V_movq, 128, d, RAX);
	x86_mov_ri(c, RAX, high);
	x86_v3i(c, V_pinsrq, 128, d, d, RAX, 1);
	if (v.bits == 256)
		v3i(v, V_inserti128, d, d, d, 1);
}

void vec_not(struct vec v, unsigned d, unsigned a)
{
	const unsigned ones = vec_temp(&v);

	vec_ones(v, ones);
	v3(v, V_pxor, d, a, ones);
}

void vec_ternary(struct vec v, unsigned table, unsigned d, unsigned x, unsigned y, unsigned z)
{
	const bool in_place = d == x || (d != y && d != z);
	const unsigned r = in_place ? d : vec_temp(&v);

	if (r != x)
		vec_move(v, r, x);
	v3i(v, V_pternlogq, r, y, z, table);
	if (r != d)
		vec_move(v, d, r);
}

void vec_blend(struct vec v, unsigned d, unsigned a, unsigned b, unsigned mask)
{
	x86_v4(&v.e->code, V_pblendvb, v.bits, d, a, b, mask);
}

void vec_add(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = { V_paddb, V_paddw, V_paddd, V_paddq };

	if (vec_size(el) == VEC_Q) {
		/* Where the low half of the sum is less than an operand's there was a carry out of it. */
		const unsigned sum = vec_temp(&v), carry = vec_temp(&v);

		v3(v, V_paddq, sum, a, b);
		vec_lt(v, VEC_DU, carry, sum, a);
		vn(v, V_pslldq, carry, carry, 8);
		v3(v, V_psubq, d, sum, carry);
	} else {
		v3(v, op[vec_size(el)], d, a, b);
	}
}

void vec_sub(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = { V_psubb, V_psubw, V_psubd, V_psubq };

	if (vec_size(el) == VEC_Q) {
		const unsigned difference = vec_temp(&v), borrow = vec_temp(&v);

		v3(v, V_psubq, difference, a, b);
		vec_lt(v, VEC_DU, borrow, a, b);
		vn(v, V_pslldq, borrow, borrow, 8);
		v3(v, V_paddq, d, difference, borrow);
	} else {
		v3(v, op[vec_size(el)], d, a, b);
	}
}

/* By a row's host instruction; of quadwords this is AVX-512's, and @if_less and @if_not serve without it. */
static void extreme(struct vec v, enum x86_vop op, unsigned el, unsigned d, unsigned a, unsigned b,
		    unsigned if_less, unsigned if_not)
{
	if (vec_size(el) < VEC_D || host_has(v.e, X86_AVX512VL)) {
		v3(v, op, d, a, b);
	} else {
		const unsigned less = vec_temp(&v);

		vec_lt(v, el, less, a, b);
		vec_blend(v, d, if_not, if_less, less);
	}
}

void vec_max(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = {
		[VEC_B] = V_pmaxsb,  [VEC_H] = V_pmaxsw,  [VEC_W] = V_pmaxsd,  [VEC_D] = V_pmaxsq,
		[VEC_BU] = V_pmaxub, [VEC_HU] = V_pmaxuw, [VEC_WU] = V_pmaxud, [VEC_DU] = V_pmaxuq
	};

	extreme(v, op[el], el, d, a, b, b, a);
}

void vec_min(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = {
		[VEC_B] = V_pminsb,  [VEC_H] = V_pminsw,  [VEC_W] = V_pminsd,  [VEC_D] = V_pminsq,
		[VEC_BU] = V_pminub, [VEC_HU] = V_pminuw, [VEC_WU] = V_pminud, [VEC_DU] = V_pminuq
	};

	extreme(v, op[el], el, d, a, b, a, b);
}

void vec_abs(struct vec v, unsigned el, unsigned d, unsigned a)
{
	static const uint16_t op[] = { V_pabsb, V_pabsw, V_pabsd, V_pabsq };

	if (vec_size(el) < VEC_D || host_has(v.e, X86_AVX512VL)) {
		v2(v, op[vec_size(el)], d, a);
	} else {
		const unsigned sign = vec_temp(&v);

		vec_sign(v, el, sign, a);
		v3(v, V_pxor, d, a, sign);
		v3(v, V_psubq, d, d, sign);
	}
}
