/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Vector integer comparisons (Vol.2), and the tests of elements for zero that set a condition flag. */
#include "machine/jit/vector_ops.h"

/*
 * The host compares for "equal" and, with a sign, "greater".  AVX-512 compares in all ways, but into a mask
 * register: worth it where more than two other instructions would be needed.
 */
#define AVX512_MASKS (X86_AVX512VL | X86_AVX512BW | X86_AVX512DQ)

enum { PREDICATE_LT = 1, PREDICATE_LE = 2 };

static void compare_by_mask(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b, unsigned predicate)
{
	static const uint16_t compare[] = {
		[VEC_B] = V_pcmpb,   [VEC_H] = V_pcmpw,	  [VEC_W] = V_pcmpd,   [VEC_D] = V_pcmpq,
		[VEC_BU] = V_pcmpub, [VEC_HU] = V_pcmpuw, [VEC_WU] = V_pcmpud, [VEC_DU] = V_pcmpuq
	};
	static const uint16_t expand[] = { V_pmovm2b, V_pmovm2w, V_pmovm2d, V_pmovm2q };
	enum { K = 1 };

	x86_vcmp_k(&v.e->code, compare[el], v.bits, K, a, b, predicate);
	x86_vmov_from_k(&v.e->code, expand[vec_size(el)], v.bits, d, K);
}

void vec_eq(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t op[] = { V_pcmpeqb, V_pcmpeqw, V_pcmpeqd, V_pcmpeqq };

	v3(v, op[vec_size(el)], d, a, b);
}

void vec_lt(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	static const uint16_t greater[] = { V_pcmpgtb, V_pcmpgtw, V_pcmpgtd, V_pcmpgtq };

	if (!(el & VEC_UNSIGNED)) {
		v3(v, greater[el], d, b, a);
	} else if (host_has(v.e, AVX512_MASKS)) {
		compare_by_mask(v, el, d, a, b, PREDICATE_LT);
	} else if (el == VEC_DU) {
		const unsigned flip = vec_temp(&v), flipped = vec_temp(&v);

		vec_splat(v, el, flip, 1ull << 63);
		v3(v, V_pxor, flipped, a, flip);
		v3(v, V_pxor, flip, b, flip);
		v3(v, V_pcmpgtq, d, flip, flipped);
	} else {
		const unsigned max = vec_temp(&v);

		vec_max(v, el, max, a, b);
		vec_eq(v, el, max, max, a);
		vec_not(v, d, max);
	}
}

void vec_le(struct vec v, unsigned el, unsigned d, unsigned a, unsigned b)
{
	const unsigned r = vec_temp(&v);

	if (vec_size(el) < VEC_D) {
		vec_min(v, el, r, a, b);
		vec_eq(v, el, d, r, a);
	} else if (host_has(v.e, AVX512_MASKS)) {
		compare_by_mask(v, el, d, a, b, PREDICATE_LE);
	} else {
		vec_lt(v, el, r, b, a);
		vec_not(v, d, r);
	}
}

void vec_sign(struct vec v, unsigned el, unsigned d, unsigned a)
{
	const unsigned size = vec_size(el);

	if (size == VEC_H || size == VEC_W || (size == VEC_D && host_has(v.e, X86_AVX512VL))) {
		vec_shift(v, VEC_SRA, el, d, a, vec_bits(el) - 1);
	} else {
		const unsigned zero = vec_temp(&v);

		vec_zero(v, zero);
		vec_lt(v, size, d, a, zero);
	}
}

/* With an immediate: less or equal to it, or less, as the host does the other of the two faster. */
static void le_immediate(struct vec v, unsigned el, unsigned d, unsigned a, unsigned imm)
{
	const unsigned b = vec_temp(&v);

	vec_splat(v, el, b, (int64_t)(int32_t)imm + 1);
	vec_lt(v, el, d, a, b);
}

static void lt_immediate_unsigned(struct vec v, unsigned el, unsigned d, unsigned a, unsigned imm)
{
	const unsigned b = vec_temp(&v);

	if (!imm) {
		vec_zero(v, d);
	} else {
		vec_splat(v, el, b, imm - 1);
		vec_le(v, el, d, a, b);
	}
}

/* ZF, of the host, goes to a condition flag as @cc says. */
static void set_flag(struct emit *e, const struct insn *insn, enum x86_cond cc)
{
	x86_setcc(&e->code, cc, RAX);
	x86_mov_mr(&e->code, 1, cpu_mem(e, offsetof(struct cpu, fcc) + (insn->rd & 7)), RAX);
}

static bool set_by_register(struct emit *e, const struct insn *insn, unsigned bits, enum x86_cond cc)
{
	unsigned a;

	vec_need(e, bits);
	a = vr_use(e, insn->rj, bits / 8);
	x86_v2(&e->code, V_ptest, bits, a, a);
	set_flag(e, insn, cc);
	return true;
}

static bool set_by_elements(struct emit *e, const struct insn *insn, unsigned bits, unsigned el,
			    enum x86_cond cc)
{
	struct vec v = { .e = e, .bits = bits };
	const unsigned zero = vec_temp(&v);

	vec_need(e, bits);
	vec_zero(v, zero);
	vec_eq(v, el, zero, zero, vr_use(e, insn->rj, bits / 8));
	v2(v, V_ptest, zero, zero);
	set_flag(e, insn, cc);
	return true;
}

#include "machine/jit/vector_compare.def"
