/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LSX and LASX instructions that make a vector of elements of one or two others, Vol.2: interleaving,
 * packing, shuffles, permutations, shifts of whole lanes.
 */
#include "machine/jit/vector_frame.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/vector_shuffle.def"
#undef EMIT

/* The repeated constants of this file are memory operands of 128 or 256 bits. */
#define REPEATED __attribute__((aligned(32)))

static const uint8_t each_5_bits[32] REPEATED = { [0 ... 31] = 0x1f };
static const uint16_t each_low_byte[16] REPEATED = { [0 ... 15] = 0x00ff };
static const uint32_t each_low_half[8] REPEATED = { [0 ... 7] = 0x0000ffff };
static const uint32_t each_group[8] REPEATED = { 0, 0x04040404, 0x08080808, 0x0c0c0c0c,
						 0, 0x04040404, 0x08080808, 0x0c0c0c0c };

/* What one host instruction does. */

static bool of_vj(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op, unsigned imm)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_v2i(&e->code, op, bits, v.d, v.j, imm);
	return vector_end(e, insn, bits);
}

static bool of_vk_vj(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_v3(&e->code, op, bits, v.d, v.k, v.j);
	return vector_end(e, insn, bits);
}

static bool of_vk_vj_imm(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op,
			 unsigned imm)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_v3i(&e->code, op, bits, v.d, v.k, v.j, imm);
	return vector_end(e, insn, bits);
}

static bool of_vj_vd_imm(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op,
			 unsigned imm)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_D);

	x86_v3i(&e->code, op, bits, v.d, v.j, v.old, imm);
	return vector_end(e, insn, bits);
}

static bool shift_lanes(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_vshift(&e->code, op, bits, v.d, v.j, insn->imm % 16);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(ilvl_b, of_vk_vj, V_punpcklbw)
VECTOR_ROWS(ilvl_h, of_vk_vj, V_punpcklwd)
VECTOR_ROWS(ilvl_w, of_vk_vj, V_punpckldq)
VECTOR_ROWS(ilvl_d, of_vk_vj, V_punpcklqdq)
VECTOR_ROWS(ilvh_b, of_vk_vj, V_punpckhbw)
VECTOR_ROWS(ilvh_h, of_vk_vj, V_punpckhwd)
VECTOR_ROWS(ilvh_w, of_vk_vj, V_punpckhdq)
VECTOR_ROWS(ilvh_d, of_vk_vj, V_punpckhqdq)
VECTOR_ROWS(packev_d, of_vk_vj, V_punpcklqdq)
VECTOR_ROWS(packod_d, of_vk_vj, V_punpckhqdq)
VECTOR_ROWS(pickev_d, of_vk_vj, V_punpcklqdq)
VECTOR_ROWS(pickod_d, of_vk_vj, V_punpckhqdq)
VECTOR_ROWS(pickev_w, of_vk_vj_imm, V_shufps, 0x88)
VECTOR_ROWS(pickod_w, of_vk_vj_imm, V_shufps, 0xdd)
VECTOR_ROWS(shuf4i_w, of_vj, V_pshufd, insn->imm)
VECTOR_ROWS(permi_w, of_vj_vd_imm, V_shufps, insn->imm)
VECTOR_ROWS(bsll_v, shift_lanes, V_pslldq)
VECTOR_ROWS(bsrl_v, shift_lanes, V_psrldq)
LASX_ROW(xvpermi_d, of_vj, V_permq, insn->imm)
LASX_ROW(xvpermi_q, of_vj_vd_imm, V_perm2i128, insn->imm & 0x33)
LASX_ROW(xvperm_w, of_vk_vj, V_permd)
LASX_ROW(xvhseli_d, of_vj, V_permilpd_i, insn->imm & 0xf)

/* Even (odd) elements of vk stay or go to even places, those of vj to odd ones. */

static bool pack_bytes(struct emit *e, const struct insn *insn, unsigned bits, bool odd)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_K);
	struct code *c = &e->code;

	if (odd) {
		x86_vshift(c, V_psrlw_i, bits, T0, v.k, 8);
		x86_vshift(c, V_psrlw_i, bits, T1, v.j, 8);
		x86_vshift(c, V_psllw_i, bits, T1, T1, 8);
	} else {
		x86_v3m(c, V_pand, bits, T0, v.k, vector_constant(e, each_low_byte));
		x86_vshift(c, V_psllw_i, bits, T1, v.j, 8);
	}
	x86_v3(c, V_por, bits, v.d, T0, T1);
	return vector_end(e, insn, bits);
}

static bool pack_even(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop shift,
		      unsigned size, enum x86_vop blend)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_vshift(&e->code, shift, bits, T0, v.j, size);
	x86_v3i(&e->code, blend, bits, v.d, v.k, T0, 0xaa);
	return vector_end(e, insn, bits);
}

static bool pack_odd(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop shift,
		     unsigned size, enum x86_vop blend)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_vshift(&e->code, shift, bits, T0, v.k, size);
	x86_v3i(&e->code, blend, bits, v.d, T0, v.j, 0xaa);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(packev_b, pack_bytes, false)
VECTOR_ROWS(packod_b, pack_bytes, true)
VECTOR_ROWS(packev_h, pack_even, V_pslld_i, 16, V_pblendw)
VECTOR_ROWS(packev_w, pack_even, V_psllq_i, 32, V_pblendd)
VECTOR_ROWS(packod_h, pack_odd, V_psrld_i, 16, V_pblendw)
VECTOR_ROWS(packod_w, pack_odd, V_psrlq_i, 32, V_pblendd)

/* A lane's lower half: the even (odd) elements of vk; its upper half: vj's. */

static bool pick_even(struct emit *e, const struct insn *insn, unsigned bits, const void *even,
		      enum x86_vop pack)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_K);
	const struct x86_mem mask = vector_constant(e, even);

	x86_v3m(&e->code, V_pand, bits, T0, v.k, mask);
	x86_v3m(&e->code, V_pand, bits, T1, v.j, mask);
	x86_v3(&e->code, pack, bits, v.d, T0, T1);
	return vector_end(e, insn, bits);
}

static bool pick_odd(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop shift,
		     unsigned size, enum x86_vop pack)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_vshift(&e->code, shift, bits, T0, v.k, size);
	x86_vshift(&e->code, shift, bits, T1, v.j, size);
	x86_v3(&e->code, pack, bits, v.d, T0, T1);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(pickev_b, pick_even, each_low_byte, V_packuswb)
VECTOR_ROWS(pickev_h, pick_even, each_low_half, V_packusdw)
VECTOR_ROWS(pickod_b, pick_odd, V_psrlw_i, 8, V_packuswb)
VECTOR_ROWS(pickod_h, pick_odd, V_psrld_i, 16, V_packusdw)

/* Shuffles of vk followed by vj, by numbers in a vector */

/*
 * The host's shuffles of two tables, which put the result where the numbers were.  There are no lanes for
 * them: they do in 128 bits only.
 */
static bool permute(struct emit *e, const struct insn *insn, enum x86_vop op, enum vector_field selector)
{
	const struct vectors v = vector_begin(e, insn, 128, FIELD_J | FIELD_K | selector);
	const unsigned numbers = selector == FIELD_A ? v.a : v.old;
	struct code *c = &e->code;
	const unsigned to = v.d == numbers || (v.d != v.j && v.d != v.k) ? v.d : T0;

	if (to != numbers)
		x86_vmov(c, 128, to, numbers);
	x86_v3(c, op, 128, to, v.k, v.j);
	if (to != v.d)
		x86_vmov(c, 128, v.d, to);
	return vector_end(e, insn, 128);
}

/* Numbers of bytes are in T0, below 32.  PSHUFB looks at four bits, and at the sign, which is clear. */
static void shuffle_by_byte(struct code *c, unsigned bits, const struct vectors *v)
{
	if (v->j == v->k) {
		x86_v3(c, V_pshufb, bits, v->d, v->k, T0);
		return;
	}
	x86_v3(c, V_pshufb, bits, T1, v->k, T0);
	x86_v3(c, V_pshufb, bits, T2, v->j, T0);
	x86_vshift(c, V_psllw_i, bits, T0, T0, 3);
	x86_v4(c, V_pblendvb, bits, v->d, T1, T2, T0);
}

static bool shuffle_b(struct emit *e, const struct insn *insn, unsigned bits)
{
	struct vectors v;

	if (bits == 128 && host_has(e, X86_AVX512VL | X86_VBMI))
		return permute(e, insn, V_permi2b, FIELD_A);
	v = vector_begin(e, insn, bits, FIELD_J | FIELD_K | FIELD_A);
	x86_v3m(&e->code, V_pand, bits, T0, v.a, vector_constant(e, each_5_bits));
	shuffle_by_byte(&e->code, bits, &v);
	return vector_end(e, insn, bits);
}

/* Of the number n of a halfword, the numbers of its bytes: (n & 15) * 0x0202 + 0x0100. */
static const struct {
	uint16_t and[16], multiply[16], add[16];
} bytes_of_halfword REPEATED = {
	.and = { [0 ... 15] = 15 },
	.multiply = { [0 ... 15] = 0x0202 },
	.add = { [0 ... 15] = 0x0100 },
};

static bool shuffle_h(struct emit *e, const struct insn *insn, unsigned bits)
{
	struct code *c = &e->code;
	struct vectors v;

	if (bits == 128 && host_has(e, X86_AVX512VL | X86_AVX512BW))
		return permute(e, insn, V_permi2w, FIELD_D);
	v = vector_begin(e, insn, bits, FIELD_J | FIELD_K | FIELD_D);
	(void)vector_constant(e, &bytes_of_halfword);
	x86_v3m(c, V_pand, bits, T0, v.old, x86_at(RAX, offsetof(typeof(bytes_of_halfword), and)));
	x86_v3m(c, V_pmullw, bits, T0, T0, x86_at(RAX, offsetof(typeof(bytes_of_halfword), multiply)));
	x86_v3m(c, V_paddw, bits, T0, T0, x86_at(RAX, offsetof(typeof(bytes_of_halfword), add)));
	shuffle_by_byte(c, bits, &v);
	return vector_end(e, insn, bits);
}

/* VPERMILPS takes two bits of the number; the third, as a sign, says which vector. */
static bool shuffle_w(struct emit *e, const struct insn *insn, unsigned bits)
{
	struct code *c = &e->code;
	struct vectors v;

	if (bits == 128 && host_has(e, X86_AVX512VL))
		return permute(e, insn, V_permi2d, FIELD_D);
	v = vector_begin(e, insn, bits, FIELD_J | FIELD_K | FIELD_D);
	x86_v3(c, V_permilps, bits, T0, v.k, v.old);
	x86_v3(c, V_permilps, bits, T1, v.j, v.old);
	x86_vshift(c, V_pslld_i, bits, T2, v.old, 29);
	x86_v4(c, V_blendvps, bits, v.d, T0, T1, T2);
	return vector_end(e, insn, bits);
}

/* VPERMILPD takes the number from bit 1. */
static bool shuffle_d(struct emit *e, const struct insn *insn, unsigned bits)
{
	struct code *c = &e->code;
	struct vectors v;

	if (bits == 128 && host_has(e, X86_AVX512VL))
		return permute(e, insn, V_permi2q, FIELD_D);
	v = vector_begin(e, insn, bits, FIELD_J | FIELD_K | FIELD_D);
	x86_v3(c, V_paddq, bits, T2, v.old, v.old);
	x86_v3(c, V_permilpd, bits, T0, v.k, T2);
	x86_v3(c, V_permilpd, bits, T1, v.j, T2);
	x86_vshift(c, V_psllq_i, bits, T2, T2, 61);
	x86_v4(c, V_blendvpd, bits, v.d, T0, T1, T2);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(shuf_b, shuffle_b)
VECTOR_ROWS(shuf_h, shuffle_h)
VECTOR_ROWS(shuf_w, shuffle_w)
VECTOR_ROWS(shuf_d, shuffle_d)

/* Shuffles in groups of four, by an immediate */

static bool shuffle_fours_b(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);
	const uint32_t imm = insn->imm;
	struct code *c = &e->code;

	x86_mov_ri(c, RAX, (imm & 3) | (imm >> 2 & 3) << 8 | (imm >> 4 & 3) << 16 | (imm >> 6 & 3) << 24);
	x86_v2(c, V_movd, 128, T0, RAX);
	x86_v2(c, V_pbroadcastd, bits, T0, T0);
	x86_v3m(c, V_por, bits, T0, T0, vector_constant(e, each_group));
	x86_v3(c, V_pshufb, bits, v.d, v.j, T0);
	return vector_end(e, insn, bits);
}

static bool shuffle_fours_h(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_v2i(&e->code, V_pshuflw, bits, T0, v.j, insn->imm);
	x86_v2i(&e->code, V_pshufhw, bits, v.d, T0, insn->imm);
	return vector_end(e, insn, bits);
}

/* Bits 1 and 3 say whether vd or vj is the source, bits 0 and 2 which half of it. */
static bool shuffle_halves(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_D);
	const unsigned half = (insn->imm & 1) * 0x5 | (insn->imm >> 2 & 1) * 0xa;

	x86_v3i(&e->code, V_shufpd, bits, v.d, insn->imm & 2 ? v.j : v.old, insn->imm & 8 ? v.j : v.old,
		half);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(shuf4i_b, shuffle_fours_b)
VECTOR_ROWS(shuf4i_h, shuffle_fours_h)
VECTOR_ROWS(shuf4i_d, shuffle_halves)
