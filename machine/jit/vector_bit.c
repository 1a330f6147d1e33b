/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Vector instructions on bits (Vol.2): logic, bitwise select, single bits, counts, masks of elements' signs,
 * and the search for the first negative element.
 */
#include "machine/jit/vector_ops.h"

static void and (struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	v3(v, V_pand, d, a, b);
}

static void or (struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	if (a == b)
		vec_move(v, d, a);
	else
		v3(v, V_por, d, a, b);
}

static void xor (struct vec v, unsigned el, unsigned d, unsigned a, unsigned b) { v3(v, V_pxor, d, a, b); }

	static void nor(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	if (host_has(v.e, X86_AVX512VL)) {
		v3i(v, V_pternlogq, d, a, b, 0x11);
	} else {
		const unsigned t = vec_temp(&v);

		v3(v, V_por, t, a, b);
		vec_not(v, d, t);
	}
}

static void and_not(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	v3(v, V_pandn, d, a, b);
}

static void or_not(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	if (host_has(v.e, X86_AVX512VL)) {
		v3i(v, V_pternlogq, d, a, b, 0xdd);
	} else {
		const unsigned t = vec_temp(&v);

		vec_not(v, t, b);
		v3(v, V_por, d, a, t);
	}
}

/* Immediates of 0, which stand for a move and for "not", need no constant. */
static void or_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned imm)
{
	const unsigned b = imm ? vec_temp(&v) : a;

	if (imm)
		vec_splat(v, el, b, imm);
	or (v, el, d, a, b);
}

static void nor_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned imm)
{
	const unsigned b = imm ? vec_temp(&v) : a;

	if (imm)
		vec_splat(v, el, b, imm);
	nor(v, el, d, a, b);
}

/* Of b where v.third has ones, else of a. */
static void bit_select(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	if (host_has(v.e, X86_AVX512VL)) {
		vec_ternary(v, 0xac, d, v.third, a, b);
	} else {
		const unsigned t = vec_temp(&v);

		v3(v, V_pxor, t, a, b);
		v3(v, V_pand, t, t, v.third);
		v3(v, V_pxor, d, a, t);
	}
}

/* Each element with only the bit set that b has the number of. */
static void one_bit(struct vec v, unsigned el, unsigned d, unsigned b)
{
	const unsigned number = vec_temp(&v);

	vec_modulo(v, el, number, b);
	if (vec_size(el) == VEC_B) {
		vec_splat(v, VEC_D, d, 0x8040201008040201);
		v3(v, V_pshufb, d, d, number);
	} else {
		vec_splat(v, el, d, 1);
		vec_shift_by(v, VEC_SLL, el, d, d, number);
	}
}

static void bit_clear(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned bit = vec_temp(&v);

	one_bit(v, el, bit, b);
	v3(v, V_pandn, d, bit, a);
}

static void bit_set(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned bit = vec_temp(&v);

	one_bit(v, el, bit, b);
	v3(v, V_por, d, a, bit);
}

static void bit_flip(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned bit = vec_temp(&v);

	one_bit(v, el, bit, b);
	v3(v, V_pxor, d, a, bit);
}

static void bit_clear_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	const unsigned bit = vec_temp(&v);

	vec_splat(v, el, bit, 1ull << n);
	v3(v, V_pandn, d, bit, a);
}

static void bit_set_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	const unsigned bit = vec_temp(&v);

	vec_splat(v, el, bit, 1ull << n);
	v3(v, V_por, d, a, bit);
}

static void bit_flip_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned n)
{
	const unsigned bit = vec_temp(&v);

	vec_splat(v, el, bit, 1ull << n);
	v3(v, V_pxor, d, a, bit);
}

/*
 * Without an instruction that counts, the halves of bytes are looked up in a table of 16 bytes; counts of
 * wider elements are made of those of their halves.
 */
static void look_up_halves(struct vec v, unsigned low, unsigned high, unsigned a, uint64_t table0,
			   uint64_t table1)
{
	const unsigned mask = vec_temp(&v), table = vec_temp(&v);

	vec_splat(v, VEC_B, mask, 0x0f);
	vec_lanes(v, table, table0, table1);
	vec_shift(v, VEC_SRL, VEC_H, high, a, 4);
	v3(v, V_pand, low, a, mask);
	v3(v, V_pand, high, high, mask);
	v3(v, V_pshufb, low, table, low);
	v3(v, V_pshufb, high, table, high);
}

static void count_ones_bytes(struct vec v, unsigned d, unsigned a)
{
	const unsigned low = vec_temp(&v), high = vec_temp(&v);

	look_up_halves(v, low, high, a, 0x0302020102010100, 0x0403030203020201);
	v3(v, V_paddb, d, low, high);
}

static void count_ones(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const struct {
		uint16_t op;
		uint16_t need;
	} by_host[] = { { V_popcntb, X86_AVX512VL | X86_BITALG },
			{ V_popcntw, X86_AVX512VL | X86_BITALG },
			{ V_popcntd, X86_AVX512VL | X86_VPOPCNTDQ },
			{ V_popcntq, X86_AVX512VL | X86_VPOPCNTDQ } };
	const unsigned size = vec_size(el), half = vec_bits(el) / 2;

	if (host_has(v.e, by_host[size].need)) {
		v2(v, by_host[size].op, d, a);
	} else if (size == VEC_B) {
		count_ones_bytes(v, d, a);
	} else {
		unsigned t;

		count_ones(v, el - 1, d, a, b);
		t = vec_temp(&v);
		vec_shift(v, VEC_SRL, el, t, d, half);
		vec_add(v, el, d, d, t);
		vec_splat(v, el, t, (1ull << half) - 1);
		v3(v, V_pand, d, d, t);
	}
}

/* A high half of zeros counts 8: that of the low half is less then. */
static void leading_zeros_bytes(struct vec v, unsigned d, unsigned a)
{
	const unsigned low = vec_temp(&v), high = vec_temp(&v), four = vec_temp(&v);

	look_up_halves(v, low, high, a, 0x0101010102020308, 0);
	vec_splat(v, VEC_B, four, 4);
	v3(v, V_paddb, low, low, four);
	v3(v, V_pminub, d, low, high);
}

static void leading_zeros(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned size = vec_size(el), half = vec_bits(el) / 2;

	if (size >= VEC_W && host_has(v.e, X86_AVX512VL | X86_AVX512CD)) {
		v2(v, size == VEC_W ? V_plzcntd : V_plzcntq, d, a);
	} else if (size == VEC_B) {
		leading_zeros_bytes(v, d, a);
	} else { /* that of the high half, and of the low one if the high one is all zeros */
		unsigned t;

		leading_zeros(v, el - 1, d, a, b);
		t = vec_temp(&v);
		vec_splat(v, el - 1, t, half);
		vec_eq(v, el - 1, t, t, d);
		vec_shift(v, VEC_SRL, el, t, t, half); /* ones in the low half where it counts */
		v3(v, V_pand, t, t, d);
		vec_shift(v, VEC_SRL, el, d, d, half);
		vec_add(v, el, d, d, t);
	}
}

static void leading_ones(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned t = vec_temp(&v);

	vec_not(v, t, a);
	leading_zeros(v, el, d, t, b);
}

/* EAX: a bit for each element of a that is negative; those of a lane take @pitch bits.  Returns pitch. */
static unsigned sign_mask(struct vec v, unsigned el, unsigned a)
{
	const unsigned t = vec_temp(&v);

	switch (el) {
	case VEC_B:
		v2(v, V_pmovmskb, RAX, a);
		return 16;
	case VEC_H:
		vec_zero(v, t);
		v3(v, V_packsswb, t, a, t);
		v2(v, V_pmovmskb, RAX, t);
		return 16;
	case VEC_W:
		v2(v, V_movmskps, RAX, a);
		return 4;
	default:
		v2(v, V_movmskpd, RAX, a);
		return 2;
	}
}

/* Each lane of d is the number that its @pitch bits of EAX are.  Changes RAX, RCX. */
static void lanes_from_mask(struct vec v, unsigned d, unsigned pitch)
{
	struct code *c = &v.e->code;

	if (v.bits == 256) {
		const unsigned high = vec_temp(&v);

		x86_mov_rr(c, 4, RCX, RAX);
		x86_shift_ri(c, SHIFT_SHR, 4, RCX, pitch);
		x86_alu_ri(c, ALU_AND, 4, RAX, (1 << pitch) - 1);
		x86_v2(c, V_movd, 128, high, RCX);
		x86_v2(c, V_movd, 128, d, RAX);
		v3i(v, V_inserti128, d, d, high, 1);
	} else {
		x86_v2(c, V_movd, 128, d, RAX);
	}
}

static void mask_negative(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	lanes_from_mask(v, d, sign_mask(v, el, a));
}

static void mask_not(struct vec v, unsigned d, unsigned a)
{
	const unsigned pitch = sign_mask(v, VEC_B, a);

	x86_alu_ri(&v.e->code, ALU_XOR, 4, RAX, v.bits == 256 ? -1 : 0xffff);
	lanes_from_mask(v, d, pitch);
}

static void mask_not_negative(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	mask_not(v, d, a);
}

static void mask_not_zero(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned zero = vec_temp(&v);

	vec_zero(v, zero);
	vec_eq(v, el, zero, zero, a);
	mask_not(v, d, zero);
}

/*
 * In each lane, the number of the first negative element replaces an element of the old vd, which an
 * immediate names.
 */
static void first_negative(struct vec v, unsigned el, unsigned d, unsigned a, unsigned imm)
{
	struct code *c = &v.e->code;
	const enum x86_vop insert = el == VEC_B ? V_pinsrb : V_pinsrw;
	const unsigned elements = 128 / vec_bits(el), where = imm % elements, high = vec_temp(&v);

	sign_mask(v, el, a);
	if (v.bits == 256) {
		x86_mov_rr(c, 4, RCX, RAX);
		x86_shift_ri(c, SHIFT_SHR, 4, RCX, 16);
		x86_alu_ri(c, ALU_OR, 4, RCX, 1 << elements);
		x86_tzcnt_rr(c, 4, RCX, RCX);
		v2i(v, V_extracti128, high, v.third, 1);
		x86_v3i(c, insert, 128, high, high, RCX, where);
	}
	x86_alu_ri(c, ALU_OR, 4, RAX, 1 << elements);
	x86_tzcnt_rr(c, 4, RAX, RAX);
	x86_v3i(c, insert, 128, d, v.third, RAX, where);
	if (v.bits == 256)
		v3i(v, V_inserti128, d, d, high, 1);
}

#include "machine/jit/vector_bit.def"
