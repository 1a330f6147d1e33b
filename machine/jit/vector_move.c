/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LSX and LASX instructions that move single elements, Vol.2: between general and vector registers, from one
 * place of a vector to another, to all places.
 */
#include "machine/interp/vector.h"
#include "machine/jit/vector_frame.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/vector_move.def"
#undef EMIT

/* Between general and vector registers */

/* Element @i of @size bytes, of the lower lane of host register @v. */
static void pick_from_lane(struct code *c, unsigned d, unsigned v, unsigned size, unsigned i, bool sign)
{
	static const uint16_t extract[] = { [1] = V_pextrb, [2] = V_pextrw, [4] = V_pextrd, [8] = V_pextrq };

	if (i == 0 && size >= 4)
		x86_v2(c, size == 4 ? V_movd_r : V_movq_r, 128, d, v);
	else
		x86_v2i(c, extract[size], 128, d, v, i);
	if (sign && size < 8)
		x86_movsx_rr(c, d, d, size);
}

static void pick_from_memory(struct code *c, unsigned d, struct x86_mem from, unsigned size, bool sign)
{
	if (size == 8)
		x86_mov_rm(c, 8, d, from);
	else if (sign)
		x86_movsx_rm(c, d, from, size);
	else
		x86_movzx_rm(c, d, from, size);
}

static bool pick_to_gr(struct emit *e, const struct insn *insn, unsigned bits, unsigned size, bool sign)
{
	const unsigned offset = (unsigned)insn->imm * size;
	struct x86_mem from = vr_mem(e, insn->rj);
	unsigned d;

	vector_need(e, bits);
	d = gr_def(e, insn->rd);
	from.disp += (int32_t)offset;
	if (offset < 16 && vector_is_cached(e, insn->rj))
		pick_from_lane(&e->code, d, vr_use(e, insn->rj, 16), size, (unsigned)insn->imm, sign);
	else
		pick_from_memory(&e->code, d, from, size, sign);
	gr_done(e, insn->rd);
	return true;
}

LSX_ROW(vpickve2gr_b, pick_to_gr, 1, true)
LSX_ROW(vpickve2gr_h, pick_to_gr, 2, true)
LSX_ROW(vpickve2gr_w, pick_to_gr, 4, true)
LSX_ROW(vpickve2gr_d, pick_to_gr, 8, true)
LSX_ROW(vpickve2gr_bu, pick_to_gr, 1, false)
LSX_ROW(vpickve2gr_hu, pick_to_gr, 2, false)
LSX_ROW(vpickve2gr_wu, pick_to_gr, 4, false)
LSX_ROW(vpickve2gr_du, pick_to_gr, 8, false)
LASX_ROW(xvpickve2gr_w, pick_to_gr, 4, true)
LASX_ROW(xvpickve2gr_d, pick_to_gr, 8, true)
LASX_ROW(xvpickve2gr_wu, pick_to_gr, 4, false)
LASX_ROW(xvpickve2gr_du, pick_to_gr, 8, false)

static bool insert_from_gr(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop insert)
{
	const unsigned value = gr_use(e, insn->rj);
	const struct vectors v = vector_begin(e, insn, bits, FIELD_D);

	x86_v3i(&e->code, insert, 128, v.d, v.old, value, insn->imm);
	return vector_end(e, insn, bits);
}

LSX_ROW(vinsgr2vr_b, insert_from_gr, V_pinsrb)
LSX_ROW(vinsgr2vr_h, insert_from_gr, V_pinsrw)
LSX_ROW(vinsgr2vr_w, insert_from_gr, V_pinsrd)
LSX_ROW(vinsgr2vr_d, insert_from_gr, V_pinsrq)

/* How an element of a size goes to all places, from a vector register or from a general one. */
static const struct replicate {
	uint8_t size;
	uint16_t from_vr, from_gr;
	uint32_t from_gr_needs;
} replicate_b = { 1, V_pbroadcastb, V_pbroadcastb_r, X86_AVX512VL | X86_AVX512BW },
  replicate_h = { 2, V_pbroadcastw, V_pbroadcastw_r, X86_AVX512VL | X86_AVX512BW },
  replicate_w = { 4, V_pbroadcastd, V_pbroadcastd_r, X86_AVX512VL },
  replicate_d = { 8, V_pbroadcastq, V_pbroadcastq_r, X86_AVX512VL };

static void replicate_gr(struct emit *e, unsigned bits, const struct replicate *how, unsigned d, unsigned gr)
{
	if (host_has(e, how->from_gr_needs)) {
		x86_v2(&e->code, how->from_gr, bits, d, gr);
		return;
	}
	x86_v2(&e->code, V_movq, 128, d, gr);
	x86_v2(&e->code, how->from_vr, bits, d, d);
}

static bool replicate_from_gr(struct emit *e, const struct insn *insn, unsigned bits,
			      const struct replicate *how)
{
	const unsigned value = insn->rj ? gr_use(e, insn->rj) : 0;
	const struct vectors v = vector_begin(e, insn, bits, 0);

	if (insn->rj)
		replicate_gr(e, bits, how, v.d, value);
	else
		x86_v3(&e->code, V_pxor, 128, v.d, v.d, v.d);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(replgr2vr_b, replicate_from_gr, &replicate_b)
VECTOR_ROWS(replgr2vr_h, replicate_from_gr, &replicate_h)
VECTOR_ROWS(replgr2vr_w, replicate_from_gr, &replicate_w)
VECTOR_ROWS(replgr2vr_d, replicate_from_gr, &replicate_d)

static bool load_immediate(struct emit *e, const struct insn *insn, unsigned bits)
{
	struct code *c = &e->code;
	struct vectors v;
	uint64_t value;

	if (!vldi_value(insn->imm, &value))
		return false;
	v = vector_begin(e, insn, bits, 0);
	if (value == 0) {
		x86_v3(c, V_pxor, 128, v.d, v.d, v.d);
	} else if (value == UINT64_MAX) {
		x86_v3(c, V_pcmpeqd, bits, v.d, v.d, v.d);
	} else if (value >> 32 == (uint32_t)value) {
		x86_mov_ri(c, RAX, (uint32_t)value);
		replicate_gr(e, bits, &replicate_w, v.d, RAX);
	} else {
		x86_mov_ri(c, RAX, value);
		replicate_gr(e, bits, &replicate_d, v.d, RAX);
	}
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(ldi, load_immediate)

/* PINSR would clear the upper half. */
static bool insert_wide_from_gr(struct emit *e, const struct insn *insn, unsigned bits,
				const struct replicate *how)
{
	const unsigned value = gr_use(e, insn->rj);
	const unsigned place = how->size == 4 ? 1u << insn->imm : 3u << (2 * insn->imm);
	const struct vectors v = vector_begin(e, insn, bits, FIELD_D);

	replicate_gr(e, bits, how, T0, value);
	x86_v3i(&e->code, V_pblendd, bits, v.d, v.old, T0, place);
	return vector_end(e, insn, bits);
}

LASX_ROW(xvinsgr2vr_w, insert_wide_from_gr, &replicate_w)
LASX_ROW(xvinsgr2vr_d, insert_wide_from_gr, &replicate_d)

/* Replication inside a vector: an element of each lane to all of the lane. */

/* By the number in rk.  PSHUFB takes bytes 2 * n, 2 * n + 1 for the halfword n. */
static bool replicate_narrow(struct emit *e, const struct insn *insn, unsigned bits,
			     const struct replicate *how)
{
	struct code *c = &e->code;
	const unsigned number = gr_use(e, insn->rk);
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_mov_rr(c, 4, RAX, number);
	x86_alu_ri(c, ALU_AND, 4, RAX, 16 / how->size - 1);
	if (how->size == 2) {
		x86_imul_rri(c, 4, RAX, RAX, 0x0202);
		x86_alu_ri(c, ALU_ADD, 4, RAX, 0x0100);
	}
	replicate_gr(e, bits, how, T0, RAX);
	x86_v3(c, V_pshufb, bits, v.d, v.j, T0);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(replve_b, replicate_narrow, &replicate_b)
VECTOR_ROWS(replve_h, replicate_narrow, &replicate_h)

static bool replicate_word(struct emit *e, const struct insn *insn, unsigned bits)
{
	const unsigned number = gr_use(e, insn->rk);
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	replicate_gr(e, bits, &replicate_w, T0, number);
	x86_v3(&e->code, V_permilps, bits, v.d, v.j, T0);
	return vector_end(e, insn, bits);
}

/* VPERMILPD has the number in bit 1. */
static bool replicate_doubleword(struct emit *e, const struct insn *insn, unsigned bits)
{
	const unsigned number = gr_use(e, insn->rk);
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_lea(&e->code, 4, RAX, x86_at_index(number, number, 1, 0));
	replicate_gr(e, bits, &replicate_d, T0, RAX);
	x86_v3(&e->code, V_permilpd, bits, v.d, v.j, T0);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(replve_w, replicate_word)
VECTOR_ROWS(replve_d, replicate_doubleword)

/* By a constant number. */
static bool replicate_shift(struct emit *e, const struct insn *insn, unsigned bits,
			    const struct replicate *how)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);
	unsigned from = v.j;

	if (insn->imm) {
		x86_vshift(&e->code, V_psrldq, bits, T0, v.j, insn->imm * how->size);
		from = T0;
	}
	x86_v2(&e->code, how->from_vr, bits, v.d, from);
	return vector_end(e, insn, bits);
}

/* Halfword @n of each lane of @from. */
static void replicate_lane_h(struct code *c, unsigned bits, unsigned d, unsigned from, unsigned n)
{
	x86_v2i(c, n < 4 ? V_pshuflw : V_pshufhw, bits, T0, from, n % 4 * 0x55);
	x86_v3(c, n < 4 ? V_punpcklqdq : V_punpckhqdq, bits, d, T0, T0);
}

static bool replicate_lanes_b(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_v3(&e->code, insn->imm < 8 ? V_punpcklbw : V_punpckhbw, bits, T0, v.j, v.j);
	replicate_lane_h(&e->code, bits, v.d, T0, insn->imm % 8);
	return vector_end(e, insn, bits);
}

static bool replicate_lanes_h(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	replicate_lane_h(&e->code, bits, v.d, v.j, insn->imm);
	return vector_end(e, insn, bits);
}

static bool replicate_lanes_w(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_v2i(&e->code, V_pshufd, bits, v.d, v.j, insn->imm * 0x55);
	return vector_end(e, insn, bits);
}

static bool replicate_lanes_d(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_v2i(&e->code, V_pshufd, bits, v.d, v.j, insn->imm ? 0xee : 0x44);
	return vector_end(e, insn, bits);
}

LSX_ROW(vreplvei_b, replicate_shift, &replicate_b)
LSX_ROW(vreplvei_h, replicate_shift, &replicate_h)
LSX_ROW(vreplvei_w, replicate_lanes_w)
LSX_ROW(vreplvei_d, replicate_lanes_d)
LASX_ROW(xvrepl128vei_b, replicate_lanes_b)
LASX_ROW(xvrepl128vei_h, replicate_lanes_h)
LASX_ROW(xvrepl128vei_w, replicate_lanes_w)
LASX_ROW(xvrepl128vei_d, replicate_lanes_d)

/* Element 0 of the lower lane to all of both. */
static bool replicate_first(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop broadcast)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_v2(&e->code, broadcast, bits, v.d, v.j);
	return vector_end(e, insn, bits);
}

static bool replicate_lane(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J);

	x86_v3i(&e->code, V_inserti128, bits, v.d, v.j, v.j, 1);
	return vector_end(e, insn, bits);
}

LASX_ROW(xvreplve0_b, replicate_first, V_pbroadcastb)
LASX_ROW(xvreplve0_h, replicate_first, V_pbroadcastw)
LASX_ROW(xvreplve0_w, replicate_first, V_pbroadcastd)
LASX_ROW(xvreplve0_d, replicate_first, V_pbroadcastq)
LASX_ROW(xvreplve0_q, replicate_lane)

/* One element, the others of vd staying */

/* Each lane of @from moved up by @bytes, or down if they are negative; from itself or T0. */
static unsigned align_lanes(struct code *c, unsigned bits, unsigned from, int bytes)
{
	if (!bytes)
		return from;
	if (bytes > 0)
		x86_vshift(c, V_pslldq, bits, T0, from, (unsigned)bytes);
	else
		x86_vshift(c, V_psrldq, bits, T0, from, (unsigned)-bytes);
	return T0;
}

/* From byte 15 - n on, byte n of each lane is set. */
static const uint8_t byte_marks[15 + 32] = { [15] = 0xff, [31] = 0xff };

static bool extract_insert_b(struct emit *e, const struct insn *insn, unsigned bits)
{
	const int to = insn->imm >> 4, from = insn->imm & 15;
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_D);
	const unsigned moved = align_lanes(&e->code, bits, v.j, to - from);

	x86_vload(&e->code, bits / 8, T1, vector_constant(e, byte_marks + 15 - to));
	x86_v4(&e->code, V_pblendvb, bits, v.d, v.old, moved, T1);
	return vector_end(e, insn, bits);
}

static bool extract_insert_h(struct emit *e, const struct insn *insn, unsigned bits)
{
	const int to = insn->imm >> 4 & 7, from = insn->imm & 7;
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_D);
	const unsigned moved = align_lanes(&e->code, bits, v.j, 2 * (to - from));

	x86_v3i(&e->code, V_pblendw, bits, v.d, v.old, moved, 1u << to);
	return vector_end(e, insn, bits);
}

static bool extract_insert_w(struct emit *e, const struct insn *insn, unsigned bits)
{
	const int to = insn->imm >> 4 & 3, from = insn->imm & 3;
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_D);
	const unsigned moved = align_lanes(&e->code, bits, v.j, 4 * (to - from));

	x86_v3i(&e->code, V_pblendd, bits, v.d, v.old, moved, 0x11u << to);
	return vector_end(e, insn, bits);
}

/* SHUFPD's lower result comes from its first source, the upper one from its second. */
static bool extract_insert_d(struct emit *e, const struct insn *insn, unsigned bits)
{
	const unsigned from = insn->imm & 1;
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_D);

	if (insn->imm >> 4 & 1)
		x86_v3i(&e->code, V_shufpd, bits, v.d, v.old, v.j, from * 0xa);
	else
		x86_v3i(&e->code, V_shufpd, bits, v.d, v.j, v.old, 0xa | from * 0x5);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(extrins_b, extract_insert_b)
VECTOR_ROWS(extrins_h, extract_insert_h)
VECTOR_ROWS(extrins_w, extract_insert_w)
VECTOR_ROWS(extrins_d, extract_insert_d)

static bool insert_first(struct emit *e, const struct insn *insn, unsigned bits, const struct replicate *how)
{
	const unsigned place = how->size == 4 ? 1u << insn->imm : 3u << (2 * insn->imm);
	const struct vectors v = vector_begin(e, insn, bits, FIELD_J | FIELD_D);

	x86_v2(&e->code, how->from_vr, bits, T0, v.j);
	x86_v3i(&e->code, V_pblendd, bits, v.d, v.old, T0, place);
	return vector_end(e, insn, bits);
}

LASX_ROW(xvinsve0_w, insert_first, &replicate_w)
LASX_ROW(xvinsve0_d, insert_first, &replicate_d)

/* One element to the lowest place, the others being 0. */
static bool pick_element(struct emit *e, const struct insn *insn, unsigned bits, unsigned size)
{
	struct x86_mem from = vr_mem(e, insn->rj);
	const struct vectors v = vector_begin(e, insn, bits, 0);

	from.disp += insn->imm * (int32_t)size;
	x86_vload(&e->code, size, v.d, from);
	return vector_end(e, insn, bits);
}

LASX_ROW(xvpickve_w, pick_element, 4)
LASX_ROW(xvpickve_d, pick_element, 8)
