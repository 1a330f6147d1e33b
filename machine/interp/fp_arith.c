/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Scalar floating-point arithmetic, comparison and conversion instructions, Vol.1 3.2.1 to 3.2.3.  The
 * operations themselves are those of fp.h.
 *
 * Results of 32 bits leave bits 63:32 of their register open in Vol.1.  Here they are what QEMU's are, so
 * that whole registers can be compared with its.  Bits 255:64 of the vector register stay.
 */
#include "machine/interp/fp.h"
#include "machine/interp/interp.h"

#define ROW static inline __attribute__((always_inline)) int

/* Bits 63:32 of a result: as the operation has them, or ones (singles), or zeros. */
enum upper { UPPER_KEPT, UPPER_ONES, UPPER_ZEROS };

static uint64_t box_single(uint64_t value)
{
	return value | 0xffffffffull << 32;
}

static uint64_t set_upper(uint64_t value, enum upper upper)
{
	return upper == UPPER_ONES ? box_single(value) : upper == UPPER_ZEROS ? (uint32_t)value : value;
}

/* Ends an instruction that began with fp_begin(): writes @value unless an exception is enabled. */
ROW finish(struct cpu *cpu, const struct insn *insn, struct fp_env *env, uint64_t value)
{
	if (!fp_record(&cpu->fcsr, env))
		return cpu_raise(cpu, EXC_FPE);
	FR(rd) = value;
	return INSN_NEXT;
}

ROW unary(struct cpu *cpu, const struct insn *insn, fp_unary_fn *op, enum fp_unit unit, enum upper upper)
{
	struct fp_env env;
	uint64_t result;

	NEED_FP();
	fp_begin(&env, cpu->fcsr, unit);
	result = op(&env, FR(rj));
	return finish(cpu, insn, &env, set_upper(result, upper));
}

ROW binary(struct cpu *cpu, const struct insn *insn, fp_binary_fn *op, enum fp_unit unit, enum upper upper)
{
	struct fp_env env;
	uint64_t result;

	NEED_FP();
	fp_begin(&env, cpu->fcsr, unit);
	result = op(&env, FR(rj), FR(rk));
	return finish(cpu, insn, &env, set_upper(result, upper));
}

ROW muladd(struct cpu *cpu, const struct insn *insn, fp_muladd_fn *op, enum fp_muladd options,
	   enum upper upper)
{
	struct fp_env env;
	uint64_t result;

	NEED_FP();
	fp_begin(&env, cpu->fcsr, FP_HOST);
	result = op(&env, FR(rj), FR(rk), FR(ra), options);
	return finish(cpu, insn, &env, set_upper(result, upper));
}

ROW compare(struct cpu *cpu, const struct insn *insn, fp_compare_fn *op, unsigned condition, bool signaling)
{
	struct fp_env env;
	enum fp_relation relation;

	NEED_FP();
	fp_begin(&env, cpu->fcsr, FP_SOFT);
	relation = op(&env, FR(rj), FR(rk), signaling);
	if (!fp_record(&cpu->fcsr, &env))
		return cpu_raise(cpu, EXC_FPE);
	cpu->fcc[insn->rd & 7] = (relation & condition) != 0;
	return INSN_NEXT;
}

#define UNARY(name, op, unit, upper)                                                                         \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		return unary(cpu, insn, op, unit, upper);                                                    \
	}
#define BINARY(name, op, unit, upper)                                                                        \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		return binary(cpu, insn, op, unit, upper);                                                   \
	}
#define MULADD(name, op, options, upper)                                                                     \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		return muladd(cpu, insn, op, options, upper);                                                \
	}

#define BINARY_SD(op, unit)                                                                                  \
	BINARY(f##op##_s, fp_##op##_s, unit, UPPER_ONES)                                                     \
	BINARY(f##op##_d, fp_##op##_d, unit, UPPER_KEPT)
FP_BINARY_OPS(BINARY_SD)
BINARY_SD(scaleb, FP_SOFT)

#define UNARY_SD(op, unit)                                                                                   \
	UNARY(f##op##_s, fp_##op##_s, unit, UPPER_ONES)                                                      \
	UNARY(f##op##_d, fp_##op##_d, unit, UPPER_KEPT)
UNARY_SD(sqrt, FP_HOST)
UNARY_SD(recip, FP_HOST)
UNARY_SD(rsqrt, FP_HOST)
UNARY_SD(logb, FP_SOFT)

/* The estimates of V1.1 may be off by 2^-14 at most; these are not off at all. */
UNARY(frecipe_s, fp_recip_s, FP_HOST, UPPER_ONES)
UNARY(frecipe_d, fp_recip_d, FP_HOST, UPPER_KEPT)
UNARY(frsqrte_s, fp_rsqrt_s, FP_HOST, UPPER_ONES)
UNARY(frsqrte_d, fp_rsqrt_d, FP_HOST, UPPER_KEPT)

MULADD(fmadd_s, fp_muladd_s, FP_MADD, UPPER_ONES)
MULADD(fmadd_d, fp_muladd_d, FP_MADD, UPPER_KEPT)
MULADD(fmsub_s, fp_muladd_s, FP_MSUB, UPPER_ONES)
MULADD(fmsub_d, fp_muladd_d, FP_MSUB, UPPER_KEPT)
MULADD(fnmadd_s, fp_muladd_s, FP_NMADD, UPPER_ONES)
MULADD(fnmadd_d, fp_muladd_d, FP_NMADD, UPPER_KEPT)
MULADD(fnmsub_s, fp_muladd_s, FP_NMSUB, UPPER_ONES)
MULADD(fnmsub_d, fp_muladd_d, FP_NMSUB, UPPER_KEPT)

#define COMPARE(condition, set, signaling)                                                                   \
	INTERP(fcmp_##condition##_s)                                                                         \
	{                                                                                                    \
		return compare(cpu, insn, fp_compare_s, set, signaling);                                     \
	}                                                                                                    \
	INTERP(fcmp_##condition##_d)                                                                         \
	{                                                                                                    \
		return compare(cpu, insn, fp_compare_d, set, signaling);                                     \
	}
FP_CONDITIONS(COMPARE)

UNARY(frint_s, fp_rint_s, FP_SOFT, UPPER_KEPT)
UNARY(frint_d, fp_rint_d, FP_SOFT, UPPER_KEPT)
UNARY(fcvt_s_d, fp_double_to_single, FP_HOST, UPPER_ONES)
UNARY(fcvt_d_s, fp_single_to_double, FP_HOST, UPPER_KEPT)
UNARY(ffint_s_w, fp_from_w_s, FP_HOST, UPPER_ONES)
UNARY(ffint_s_l, fp_from_l_s, FP_HOST, UPPER_ONES)
UNARY(ffint_d_w, fp_from_w_d, FP_HOST, UPPER_KEPT)
UNARY(ffint_d_l, fp_from_l_d, FP_HOST, UPPER_KEPT)

#define TO_INTEGER(name, rounding)                                                                           \
	UNARY(ftint##name##_w_d, fp_to##name##_w_d, FP_SOFT, UPPER_KEPT)                                     \
	UNARY(ftint##name##_l_s, fp_to##name##_l_s, FP_SOFT, UPPER_KEPT)                                     \
	UNARY(ftint##name##_l_d, fp_to##name##_l_d, FP_SOFT, UPPER_KEPT)
FP_ROUNDINGS(TO_INTEGER)
UNARY(ftint_w_s, fp_to_w_s, FP_SOFT, UPPER_KEPT)
UNARY(ftintrm_w_s, fp_torm_w_s, FP_SOFT, UPPER_KEPT)
UNARY(ftintrp_w_s, fp_torp_w_s, FP_SOFT, UPPER_KEPT)
UNARY(ftintrz_w_s, fp_torz_w_s, FP_SOFT, UPPER_ZEROS)
UNARY(ftintrne_w_s, fp_torne_w_s, FP_SOFT, UPPER_ZEROS)

/* What follows is not arithmetic: no exceptions, FCSR0 stays. */

INTERP(fclass_s)
{
	NEED_FP();
	FR(rd) = fp_class_s(FR(rj));
	return INSN_NEXT;
}

INTERP(fclass_d)
{
	NEED_FP();
	FR(rd) = fp_class_d(FR(rj));
	return INSN_NEXT;
}

#define SIGN_S (1ull << 31)
#define SIGN_D (1ull << 63)

INTERP(fabs_s)
{
	NEED_FP();
	FR(rd) = box_single(FR(rj) & ~SIGN_S);
	return INSN_NEXT;
}

INTERP(fabs_d)
{
	NEED_FP();
	FR(rd) = FR(rj) & ~SIGN_D;
	return INSN_NEXT;
}

INTERP(fneg_s)
{
	NEED_FP();
	FR(rd) = box_single(FR(rj) ^ SIGN_S);
	return INSN_NEXT;
}

INTERP(fneg_d)
{
	NEED_FP();
	FR(rd) = FR(rj) ^ SIGN_D;
	return INSN_NEXT;
}

/* Bits 63:32 are fk's here, as QEMU has them; Vol.1 leaves them open. */
INTERP(fcopysign_s)
{
	NEED_FP();
	FR(rd) = (FR(rk) & ~(SIGN_S - 1)) | (FR(rj) & (SIGN_S - 1));
	return INSN_NEXT;
}

INTERP(fcopysign_d)
{
	NEED_FP();
	FR(rd) = (FR(rk) & SIGN_D) | (FR(rj) & ~SIGN_D);
	return INSN_NEXT;
}
