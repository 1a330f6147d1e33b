/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LSX and LASX floating-point arithmetic and comparisons, Vol.2.  The host rounds and raises as the guest
 * does, and gathers the flags in MXCSR as the guest does in FCSR0.  What differs is which NaN is the result:
 * a vector with one takes the slow path.  Results may be in vd's register before that is known, because the
 * slow path takes the operands from memory.
 */
#include "machine/interp/fp.h"
#include "machine/jit/vector_fp.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/vector_fp.def"
#undef EMIT

/* Constants of all elements, which are memory operands. */
#define REPEATED __attribute__((aligned(32)))
static const uint32_t one_s[8] REPEATED = { [0 ... 7] = 0x3f800000 };
static const uint64_t one_d[4] REPEATED = { [0 ... 3] = 0x3ff0000000000000 };
static const uint32_t sign_s[8] REPEATED = { [0 ... 7] = 1u << 31 };
static const uint64_t sign_d[4] REPEATED = { [0 ... 3] = 1ull << 63 };

struct vectors vector_fp_begin(struct emit *e, const struct insn *insn, unsigned bits, unsigned sources)
{
	_Static_assert((int)FIELD_J == OPERAND_J && (int)FIELD_K == OPERAND_K && (int)FIELD_A == OPERAND_A,
		       "of emit_cause()");
	vector_need(e, bits);
	emit_need_fp_arith(e);
	emit_cause(e, insn, bits / 8, sources);
	return vector_operands(e, insn, bits, sources);
}

void vector_slow_if_any(struct emit *e, unsigned size, unsigned bits, unsigned mask)
{
	x86_v2(&e->code, size == 4 ? V_movmskps : V_movmskpd, bits, RCX, mask);
	x86_test_rr(&e->code, 4, RCX, RCX);
	emit_interp_slow_jcc(e, CC_NE);
}

/* Predicates of CMPPS and CMPPD that do not raise for quiet NaNs; bit 4 inverted they do. */
enum { QUIET_UNORDERED = 3, SIGNALING = 0x10 };

static void slow_if_unordered(struct emit *e, unsigned bits, unsigned size, unsigned a, unsigned b)
{
	x86_v3i(&e->code, size == 4 ? V_cmpps : V_cmppd, bits, T5, a, b, QUIET_UNORDERED);
	vector_slow_if_any(e, size, bits, T5);
}

/* Arithmetic */

static bool binary(struct emit *e, const struct insn *insn, unsigned bits, unsigned size, enum x86_vop op)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_v3(&e->code, op, bits, v.d, v.j, v.k);
	slow_if_unordered(e, bits, size, v.d, v.d);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(fadd_s, binary, 4, V_addps)
VECTOR_ROWS(fadd_d, binary, 8, V_addpd)
VECTOR_ROWS(fsub_s, binary, 4, V_subps)
VECTOR_ROWS(fsub_d, binary, 8, V_subpd)
VECTOR_ROWS(fmul_s, binary, 4, V_mulps)
VECTOR_ROWS(fmul_d, binary, 8, V_mulpd)
VECTOR_ROWS(fdiv_s, binary, 4, V_divps)
VECTOR_ROWS(fdiv_d, binary, 8, V_divpd)

static bool root(struct emit *e, const struct insn *insn, unsigned bits, unsigned size, enum x86_vop root)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J);

	x86_v2(&e->code, root, bits, v.d, v.j);
	slow_if_unordered(e, bits, size, v.d, v.d);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(fsqrt_s, root, 4, V_sqrtps)
VECTOR_ROWS(fsqrt_d, root, 8, V_sqrtpd)

/* 1 / vj or 1 / sqrt(vj); the estimates are as exact, as the reference engine's. */
static bool reciprocal(struct emit *e, const struct insn *insn, unsigned bits, unsigned size, bool of_root)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J);
	struct code *c = &e->code;

	if (of_root)
		x86_v2(c, size == 4 ? V_sqrtps : V_sqrtpd, bits, T0, v.j);
	x86_vload(c, bits / 8, T1, vector_constant(e, size == 4 ? (const void *)one_s : one_d));
	x86_v3(c, size == 4 ? V_divps : V_divpd, bits, v.d, T1, of_root ? T0 : v.j);
	slow_if_unordered(e, bits, size, v.d, v.d);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(frecip_s, reciprocal, 4, false)
VECTOR_ROWS(frecip_d, reciprocal, 8, false)
VECTOR_ROWS(frecipe_s, reciprocal, 4, false)
VECTOR_ROWS(frecipe_d, reciprocal, 8, false)
VECTOR_ROWS(frsqrt_s, reciprocal, 4, true)
VECTOR_ROWS(frsqrt_d, reciprocal, 8, true)
VECTOR_ROWS(frsqrte_s, reciprocal, 4, true)
VECTOR_ROWS(frsqrte_d, reciprocal, 8, true)

/* The host's forms of a * b +- c that put the result in place of a, and in place of c. */
struct fused {
	uint16_t replaces_factor, replaces_addend;
};

static const struct fused fused[2][2] = {
	{ { V_fmadd213ps, V_fmadd231ps }, { V_fmadd213pd, V_fmadd231pd } },
	{ { V_fmsub213ps, V_fmsub231ps }, { V_fmsub213pd, V_fmsub231pd } },
};

/* The guest negates after rounding; the host's fnmadd and fnmsub do it before. */
static bool muladd(struct emit *e, const struct insn *insn, unsigned bits, unsigned size,
		   enum fp_muladd options)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K | FIELD_A);
	const struct fused *op = &fused[!!(options & FP_MSUB)][size == 8];
	struct code *c = &e->code;

	if (v.d != v.a && (v.d == v.j || v.d == v.k)) {
		x86_v3(c, op->replaces_factor, bits, v.d, v.d == v.j ? v.k : v.j, v.a);
	} else {
		if (v.d != v.a)
			x86_vmov(c, bits, v.d, v.a);
		x86_v3(c, op->replaces_addend, bits, v.d, v.j, v.k);
	}
	slow_if_unordered(e, bits, size, v.d, v.d);
	if (options & FP_NMADD)
		x86_v3m(c, V_xorps, bits, v.d, v.d,
			vector_constant(e, size == 4 ? (const void *)sign_s : sign_d));
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(fmadd_s, muladd, 4, FP_MADD)
VECTOR_ROWS(fmadd_d, muladd, 8, FP_MADD)
VECTOR_ROWS(fmsub_s, muladd, 4, FP_MSUB)
VECTOR_ROWS(fmsub_d, muladd, 8, FP_MSUB)
VECTOR_ROWS(fnmadd_s, muladd, 4, FP_NMADD)
VECTOR_ROWS(fnmadd_d, muladd, 8, FP_NMADD)
VECTOR_ROWS(fnmsub_s, muladd, 4, FP_NMSUB)
VECTOR_ROWS(fnmsub_d, muladd, 8, FP_NMSUB)

/* maxNum and its relatives */

/* What VRANGE selects, keeping signs: it orders zeros and treats NaNs as the guest does. */
enum range { RANGE_MIN = 4, RANGE_MAX, RANGE_MINA, RANGE_MAXA };

static bool select_range(struct emit *e, const struct insn *insn, unsigned bits, unsigned size,
			 enum range range)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_v3i(&e->code, size == 4 ? V_rangeps : V_rangepd, bits, v.d, v.j, v.k, range);
	return vector_end(e, insn, bits);
}

/*
 * By @op, MIN or MAX, which for two zeros gives the second one: @join of both orders is the right one of +0
 * and -0.  It knows no NaNs, and raises for them, so that they are looked for before.
 */
static bool select_twice(struct emit *e, const struct insn *insn, unsigned bits, unsigned size,
			 enum x86_vop op, enum x86_vop join)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K);
	struct code *c = &e->code;

	slow_if_unordered(e, bits, size, v.j, v.k);
	x86_v3(c, op, bits, T0, v.j, v.k);
	x86_v3(c, op, bits, T1, v.k, v.j);
	x86_v3(c, join, bits, v.d, T0, T1);
	return vector_end(e, insn, bits);
}

static bool select_value(struct emit *e, const struct insn *insn, unsigned bits, unsigned size,
			 enum range range, enum x86_vop op, enum x86_vop join)
{
	if (host_has(e, X86_AVX512VL | X86_AVX512DQ))
		return select_range(e, insn, bits, size, range);
	return select_twice(e, insn, bits, size, op, join);
}

static bool select_magnitude(struct emit *e, const struct insn *insn, unsigned bits, unsigned size,
			     enum range range)
{
	return host_has(e, X86_AVX512VL | X86_AVX512DQ) && select_range(e, insn, bits, size, range);
}

VECTOR_ROWS(fmax_s, select_value, 4, RANGE_MAX, V_maxps, V_andps)
VECTOR_ROWS(fmax_d, select_value, 8, RANGE_MAX, V_maxpd, V_andpd)
VECTOR_ROWS(fmin_s, select_value, 4, RANGE_MIN, V_minps, V_orps)
VECTOR_ROWS(fmin_d, select_value, 8, RANGE_MIN, V_minpd, V_orpd)
VECTOR_ROWS(fmaxa_s, select_magnitude, 4, RANGE_MAXA)
VECTOR_ROWS(fmaxa_d, select_magnitude, 8, RANGE_MAXA)
VECTOR_ROWS(fmina_s, select_magnitude, 4, RANGE_MINA)
VECTOR_ROWS(fmina_d, select_magnitude, 8, RANGE_MINA)

/* Comparisons */

/* The quiet predicate for each set of outcomes that there is a condition for; by enum fp_relation. */
static const uint8_t predicate[] = {
	[0] = 0x0b,
	[FP_LT] = 0x11,
	[FP_EQ] = 0x00,
	[FP_LT | FP_EQ] = 0x12,
	[FP_LT | FP_GT] = 0x0c,
	[FP_LT | FP_GT | FP_EQ] = 0x07,
	[FP_UN] = QUIET_UNORDERED,
	[FP_UN | FP_LT] = 0x19,
	[FP_UN | FP_EQ] = 0x08,
	[FP_UN | FP_LT | FP_EQ] = 0x1a,
	[FP_UN | FP_LT | FP_GT] = 0x04,
};

static bool compare(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op, unsigned set,
		    bool signaling)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_v3i(&e->code, op, bits, v.d, v.j, v.k, predicate[set] ^ (signaling ? SIGNALING : 0));
	return vector_end(e, insn, bits);
}

#define COMPARE(condition, set, signaling)                                                                   \
	VECTOR_ROWS(fcmp_##condition##_s, compare, V_cmpps, set, signaling)                                  \
	VECTOR_ROWS(fcmp_##condition##_d, compare, V_cmppd, set, signaling)
FP_CONDITIONS(COMPARE)
