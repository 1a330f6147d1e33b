/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Shifts, bit manipulation and CRC, Vol.1 2.2.2, 2.2.3, 2.2.9, to host code; semantics as in
 * machine/interp/shift.c, bits.c and crc.c.
 */
#include "machine/interp/interp.h"
#include "machine/jit/integer.h"

/* rd = rj shifted by rk modulo the width, which is what the host's instructions do, too. */
static void shift_d(struct emit *e, const struct insn *insn, enum x86_shift op)
{
	const struct operands o = operands_jk(e, insn);

	x86_shiftx(&e->code, op, 8, o.d, o.a, o.b);
	gr_done(e, insn->rd);
}

static void shift_w(struct emit *e, const struct insn *insn, enum x86_shift op)
{
	const struct operands o = operands_words(e, insn);

	x86_shiftx(&e->code, op, 4, o.d, o.a, o.b);
	done_word(e, insn, o.d, o.d);
}

static void shift_immediate_d(struct emit *e, const struct insn *insn, enum x86_shift op)
{
	struct operands o;

	if (!insn->imm) {
		gr_move(e, insn->rd, insn->rj);
		return;
	}
	o = operands_j(e, insn);
	copy(&e->code, 8, o.d, o.a);
	x86_shift_ri(&e->code, op, 8, o.d, (unsigned)insn->imm);
	gr_done(e, insn->rd);
}

static void shift_immediate_w(struct emit *e, const struct insn *insn, enum x86_shift op)
{
	struct operands o;

	if (!insn->imm) {
		gr_move_word(e, insn->rd, insn->rj);
		return;
	}
	o = operands_word(e, insn);
	copy(&e->code, 4, o.d, o.a);
	x86_shift_ri(&e->code, op, 4, o.d, (unsigned)insn->imm);
	if (op == SHIFT_SHR)
		gr_done_extended(e, insn->rd); /* the word has become positive */
	else
		gr_done_word(e, insn->rd);
}

#define SHIFT(name, function, op)                                                                            \
	COMPUTE(name)                                                                                        \
	{                                                                                                    \
		function(e, insn, op);                                                                       \
	}

SHIFT(sll_d, shift_d, SHIFT_SHL)
SHIFT(srl_d, shift_d, SHIFT_SHR)
SHIFT(sra_d, shift_d, SHIFT_SAR)
SHIFT(sll_w, shift_w, SHIFT_SHL)
SHIFT(srl_w, shift_w, SHIFT_SHR)
SHIFT(sra_w, shift_w, SHIFT_SAR)
SHIFT(slli_d, shift_immediate_d, SHIFT_SHL)
SHIFT(srli_d, shift_immediate_d, SHIFT_SHR)
SHIFT(srai_d, shift_immediate_d, SHIFT_SAR)
SHIFT(slli_w, shift_immediate_w, SHIFT_SHL)
SHIFT(srli_w, shift_immediate_w, SHIFT_SHR)
SHIFT(srai_w, shift_immediate_w, SHIFT_SAR)

/* rd = rj rotated by rk */
static unsigned rotate(struct emit *e, const struct insn *insn, unsigned size)
{
	const struct operands o = size == 4 ? operands_words(e, insn) : operands_jk(e, insn);

	x86_mov_rr(&e->code, 4, RCX, o.b);
	copy(&e->code, size, o.d, o.a);
	x86_shift_cl(&e->code, SHIFT_ROR, size, o.d);
	return o.d;
}

COMPUTE(rotr_d)
{
	rotate(e, insn, 8);
	gr_done(e, insn->rd);
}

COMPUTE(rotr_w)
{
	const unsigned d = rotate(e, insn, 4);

	done_word(e, insn, d, d);
}

COMPUTE(rotri_d)
{
	const struct operands o = operands_j(e, insn);

	x86_rorx(&e->code, 8, o.d, o.a, (unsigned)insn->imm);
	gr_done(e, insn->rd);
}

COMPUTE(rotri_w)
{
	const struct operands o = operands_word(e, insn);

	x86_rorx(&e->code, 4, o.d, o.a, (unsigned)insn->imm);
	done_word(e, insn, o.d, o.d);
}

static void extend(struct emit *e, const struct insn *insn, unsigned size)
{
	const struct operands o = operands_word(e, insn);

	x86_movsx_rr(&e->code, o.d, o.a, size);
	gr_done_extended(e, insn->rd);
}

COMPUTE(ext_w_b)
{
	extend(e, insn, 1);
}

COMPUTE(ext_w_h)
{
	extend(e, insn, 2);
}

typedef void count_fn(struct code *c, unsigned size, unsigned d, unsigned s);

/* rd = number of zeros at one end of rj, or of ones; all of them give the width. */
static void count(struct emit *e, const struct insn *insn, unsigned size, count_fn *zeros, bool ones)
{
	struct operands o = operands_j(e, insn);

	if (ones) {
		copy(&e->code, size, o.d, o.a);
		x86_unary(&e->code, UNARY_NOT, size, o.d);
		o.a = o.d;
	}
	zeros(&e->code, size, o.d, o.a);
	gr_done(e, insn->rd);
}

#define COUNT(name, size, zeros, ones)                                                                       \
	COMPUTE(name)                                                                                        \
	{                                                                                                    \
		count(e, insn, size, zeros, ones);                                                           \
	}

COUNT(clo_w, 4, x86_lzcnt_rr, true)
COUNT(clz_w, 4, x86_lzcnt_rr, false)
COUNT(cto_w, 4, x86_tzcnt_rr, true)
COUNT(ctz_w, 4, x86_tzcnt_rr, false)
COUNT(clo_d, 8, x86_lzcnt_rr, true)
COUNT(clz_d, 8, x86_lzcnt_rr, false)
COUNT(cto_d, 8, x86_tzcnt_rr, true)
COUNT(ctz_d, 8, x86_tzcnt_rr, false)

/* The upper part of b:a shifted left by @count bytes: in d, or in RAX where d is a. */
static unsigned pick_bytes(struct code *c, unsigned size, struct operands o, unsigned count)
{
	const unsigned picked = o.d == o.a ? RAX : o.d;

	copy(c, size, picked, o.b);
	if (count)
		x86_shld_ri(c, size, picked, o.a, 8 * count);
	return picked;
}

COMPUTE(bytepick_w)
{
	const struct operands o = operands_jk(e, insn);

	done_word(e, insn, o.d, pick_bytes(&e->code, 4, o, (unsigned)insn->imm));
}

COMPUTE(bytepick_d)
{
	const struct operands o = operands_jk(e, insn);

	copy(&e->code, 8, o.d, pick_bytes(&e->code, 8, o, (unsigned)insn->imm));
	gr_done(e, insn->rd);
}

/* d = a with neighbouring groups of @width bits exchanged, which @mask selects the lower ones of. */
static void swap_groups(struct code *c, unsigned d, unsigned a, uint64_t mask, unsigned width)
{
	x86_mov_ri(c, RCX, mask);
	x86_andn(c, 8, RAX, RCX, a);
	x86_alu_rr(c, ALU_AND, 8, RCX, a);
	x86_shift_ri(c, SHIFT_SHR, 8, RAX, width);
	x86_shift_ri(c, SHIFT_SHL, 8, RCX, width);
	x86_lea(c, 8, d, x86_at_index(RAX, RCX, 1, 0));
}

#define EVEN_BYTES  UINT64_C(0x00ff00ff00ff00ff)
#define EVEN_HALVES UINT64_C(0x0000ffff0000ffff)

/* Bytes of the word reversed, and its halves exchanged again. */
COMPUTE(revb_2h)
{
	const struct operands o = operands_j(e, insn);

	copy(&e->code, 4, o.d, o.a);
	x86_bswap(&e->code, 4, o.d);
	x86_rorx(&e->code, 4, o.d, o.d, 16);
	done_word(e, insn, o.d, o.d);
}

COMPUTE(revb_4h)
{
	const struct operands o = operands_j(e, insn);

	swap_groups(&e->code, o.d, o.a, EVEN_BYTES, 8);
	gr_done(e, insn->rd);
}

COMPUTE(revb_2w)
{
	const struct operands o = operands_j(e, insn);

	copy(&e->code, 8, o.d, o.a);
	x86_bswap(&e->code, 8, o.d);
	x86_rorx(&e->code, 8, o.d, o.d, 32);
	gr_done(e, insn->rd);
}

COMPUTE(revb_d)
{
	const struct operands o = operands_j(e, insn);

	copy(&e->code, 8, o.d, o.a);
	x86_bswap(&e->code, 8, o.d);
	gr_done(e, insn->rd);
}

COMPUTE(revh_2w)
{
	const struct operands o = operands_j(e, insn);

	swap_groups(&e->code, o.d, o.a, EVEN_HALVES, 16);
	gr_done(e, insn->rd);
}

COMPUTE(revh_d)
{
	const struct operands o = operands_j(e, insn);

	swap_groups(&e->code, o.d, o.a, EVEN_HALVES, 16);
	x86_rorx(&e->code, 8, o.d, o.d, 32);
	gr_done(e, insn->rd);
}

/*
 * rd = rj with the bits of each byte reversed, then the order of the low @swap bytes; a result of @size 4 is
 * sign-extended.  For the host the first is multiplying each byte by a matrix of bits.
 */
static bool reverse_bits(struct emit *e, const struct insn *insn, unsigned size, unsigned swap)
{
	const uint64_t antidiagonal = UINT64_C(0x8040201008040201);
	struct code *c = &e->code;
	struct operands o;

	if (!insn->rd)
		return true;
	if (!host_has(e, X86_GFNI))
		return false;
	o = operands_j(e, insn);
	x86_v2(c, V_movq, 128, 0, o.a);
	x86_mov_ri(c, RAX, antidiagonal);
	x86_v2(c, V_movq, 128, 1, RAX);
	x86_v3i(c, V_gf2p8affineqb, 128, 0, 0, 1, 0);
	x86_v2(c, V_movq_r, 128, o.d, 0);
	if (swap)
		x86_bswap(c, swap, o.d);
	if (size == 4)
		x86_movsx_rr(c, o.d, o.d, 4);
	gr_done(e, insn->rd);
	return true;
}

#define REVERSE_BITS(name, size, swap)                                                                       \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		return reverse_bits(e, insn, size, swap);                                                    \
	}

REVERSE_BITS(bitrev_4b, 4, 0)
REVERSE_BITS(bitrev_8b, 8, 0)
REVERSE_BITS(bitrev_w, 4, 4)
REVERSE_BITS(bitrev_d, 8, 8)

/* The bits of a field of @width bits, at bit 0. */
static uint64_t field_mask(unsigned width)
{
	return ~UINT64_C(0) >> (64 - width);
}

/* d = the low @width bits of a */
static void low_bits(struct code *c, unsigned d, unsigned a, unsigned width)
{
	if (width == 8 || width == 16 || width == 32) {
		x86_movzx_rr(c, d, a, width / 8);
	} else if (width < 32) {
		copy(c, 4, d, a);
		x86_alu_ri(c, ALU_AND, 4, d, (int32_t)field_mask(width));
	} else {
		copy(c, 8, d, a);
		if (width < 64) {
			x86_shift_ri(c, SHIFT_SHL, 8, d, 64 - width);
			x86_shift_ri(c, SHIFT_SHR, 8, d, 64 - width);
		}
	}
}

/* d = bits @lsb to @msb of a */
static void pick_field(struct code *c, unsigned d, unsigned a, unsigned lsb, unsigned msb)
{
	const unsigned width = msb - lsb + 1, size = msb == 31 ? 4 : 8;

	if (!lsb) {
		low_bits(c, d, a, width);
	} else if (msb == 8 * size - 1) {
		copy(c, size, d, a);
		x86_shift_ri(c, SHIFT_SHR, size, d, lsb);
	} else if (width > 32) {
		copy(c, 8, d, a);
		x86_shift_ri(c, SHIFT_SHL, 8, d, 63 - msb);
		x86_shift_ri(c, SHIFT_SHR, 8, d, 64 - width);
	} else {
		if (d == a)
			x86_shift_ri(c, SHIFT_SHR, 8, d, lsb);
		else
			x86_rorx(c, 8, d, a, lsb);
		low_bits(c, d, d, width);
	}
}

/* d &= @mask */
static void and_constant(struct code *c, unsigned d, uint64_t mask)
{
	if (mask == UINT32_MAX) {
		x86_mov_rr(c, 4, d, d);
	} else if (mask < UINT32_MAX) {
		x86_alu_ri(c, ALU_AND, 4, d, (int32_t)mask);
	} else if (mask == (uint64_t)(int32_t)mask) {
		x86_alu_ri(c, ALU_AND, 8, d, (int32_t)mask);
	} else {
		x86_mov_ri(c, RCX, mask);
		x86_alu_rr(c, ALU_AND, 8, d, RCX);
	}
}

/* Bits @lsb to @msb of rd, but not all of them, = the low ones of rj; only @size bytes of rd matter later. */
static unsigned insert_field(struct emit *e, const struct insn *insn, unsigned size, unsigned lsb,
			     unsigned msb)
{
	const unsigned width = msb - lsb + 1, top = 8 * size - 1;
	const unsigned a = insn->rj ? gr_use(e, insn->rj) : X86_NONE;
	const unsigned old = gr_use(e, insn->rd);
	const unsigned d = gr_def(e, insn->rd);
	struct code *c = &e->code;

	if (a != X86_NONE) {
		/* What is shifted out at the top need not be cleared. */
		low_bits(c, RAX, a, msb == top ? 64 : width);
		if (lsb)
			x86_shift_ri(c, SHIFT_SHL, size, RAX, lsb);
	}
	copy(c, size, d, old);
	and_constant(c, d, ~(field_mask(width) << lsb) & field_mask(top + 1));
	if (a != X86_NONE)
		x86_alu_rr(c, ALU_OR, size, d, RAX);
	return d;
}

/* Of the four instructions with a field: those that are undefined are the reference engine's. */
#define FIELD(name)                                                                                          \
	static void compute_##name(struct emit *e, const struct insn *insn, unsigned lsb, unsigned msb);     \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		if (insn->imm > insn->imm2)                                                                  \
			return false;                                                                        \
		if (insn->rd)                                                                                \
			compute_##name(e, insn, (unsigned)insn->imm, insn->imm2);                            \
		return true;                                                                                 \
	}                                                                                                    \
	static void compute_##name(struct emit *e, const struct insn *insn, unsigned lsb, unsigned msb)

FIELD(bstrpick_d)
{
	const struct operands o = operands_j(e, insn);

	pick_field(&e->code, o.d, o.a, lsb, msb);
	if (msb - lsb < 31)
		gr_done_extended(e, insn->rd);
	else
		gr_done(e, insn->rd);
}

/* A field that is not the whole word is positive. */
FIELD(bstrpick_w)
{
	if (!lsb && msb == 31)
		gr_move_word(e, insn->rd, insn->rj);
	else
		compute_bstrpick_d(e, insn, lsb, msb);
}

FIELD(bstrins_d)
{
	if (!lsb && msb == 63) {
		gr_move(e, insn->rd, insn->rj);
		return;
	}
	insert_field(e, insn, 8, lsb, msb);
	gr_done(e, insn->rd);
}

FIELD(bstrins_w)
{
	unsigned d;

	if (!lsb && msb == 31) {
		gr_move_word(e, insn->rd, insn->rj);
		return;
	}
	d = insert_field(e, insn, 4, lsb, msb);
	done_word(e, insn, d, d);
}

static bool has_crc(const struct emit *e)
{
	return e->cpu->model->cpucfg[1] & CPUCFG1_CRC;
}

/* By the host's instruction, which has the same polynomial and leaves out the inversions, too. */
static bool crc_castagnoli(struct emit *e, const struct insn *insn, unsigned size)
{
	struct operands o;

	if (!has_crc(e))
		return false;
	if (!insn->rd)
		return true;
	o = operands_jk(e, insn);
	x86_mov_rr(&e->code, 4, RAX, o.b);
	x86_crc32(&e->code, size, RAX, o.a);
	done_word(e, insn, o.d, RAX);
	return true;
}

/*
 * The polynomial P = 0xedb88320 (IEEE 802.3) with its leading term, which in the order of a CRC's bits is the
 * lowest, and the inverse of P in power series to 64 bits.  For a message m, q = m times that inverse, in 64
 * bits, is the quotient: q * P has m in its low 64 bits, and above them is the remainder.
 */
static const uint64_t crc_ieee_constants[2] = { UINT64_C(0xb4e5b025f7011641), UINT64_C(0x1db710641) };

static bool crc_ieee(struct emit *e, const struct insn *insn, unsigned size)
{
	const unsigned bits = 8 * size;
	struct code *c = &e->code;
	struct operands o;

	if (!has_crc(e) || !host_has(e, X86_CLMUL))
		return false;
	if (!insn->rd)
		return true;
	o = operands_jk(e, insn);
	/* The message plus the sum so far; shorter ones at the top, as if zeros had come before. */
	x86_mov_rr(c, 4, RAX, o.b);
	x86_alu_rr(c, ALU_XOR, 8, RAX, o.a);
	if (bits < 64)
		x86_shift_ri(c, SHIFT_SHL, 8, RAX, 64 - bits);
	x86_v2(c, V_movq, 128, 0, RAX);
	x86_mov_ri(c, RAX, (uintptr_t)crc_ieee_constants);
	x86_v3mi(c, V_pclmulqdq, 128, 0, 0, x86_at(RAX, 0), 0x00);
	x86_v3mi(c, V_pclmulqdq, 128, 0, 0, x86_at(RAX, 0), 0x10);
	x86_v2i(c, V_pextrq, 128, RAX, 0, 1);
	/* What of the sum the message does not reach. */
	if (bits < 32) {
		x86_mov_rr(c, 4, RCX, o.b);
		x86_shift_ri(c, SHIFT_SHR, 4, RCX, bits);
		x86_alu_rr(c, ALU_XOR, 4, RAX, RCX);
	}
	done_word(e, insn, o.d, RAX);
	return true;
}

#define CRC(name, function, size)                                                                            \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		return function(e, insn, size);                                                              \
	}

CRC(crc_w_b_w, crc_ieee, 1)
CRC(crc_w_h_w, crc_ieee, 2)
CRC(crc_w_w_w, crc_ieee, 4)
CRC(crc_w_d_w, crc_ieee, 8)
CRC(crcc_w_b_w, crc_castagnoli, 1)
CRC(crcc_w_h_w, crc_castagnoli, 2)
CRC(crcc_w_w_w, crc_castagnoli, 4)
CRC(crcc_w_d_w, crc_castagnoli, 8)
