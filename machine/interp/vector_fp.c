/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LSX and LASX floating-point instructions, Vol.2: the scalar operations of fp.h on every element.
 *
 * The exceptions of all elements come together in FCSR0.Cause; if one of them is enabled the instruction
 * raises VFPE and writes nothing.
 */
#include "machine/interp/fp.h"
#include "machine/interp/vector.h"

#define ROW static inline __attribute__((always_inline)) int

ROW finish(struct cpu *cpu, const struct insn *insn, struct fp_env *env, const union vreg *result)
{
	if (!fp_record(&cpu->fcsr, env))
		return cpu_raise(cpu, EXC_VFPE);
	VR(rd) = *result;
	return INSN_NEXT;
}

/* Element @i of @v, elements being @size bytes. */
static inline uint64_t element(const union vreg *v, unsigned size, unsigned i)
{
	return size == 2 ? v->uh[i] : size == 4 ? v->uw[i] : v->ud[i];
}

static inline void set_element(union vreg *v, unsigned size, unsigned i, uint64_t value)
{
	if (size == 2)
		v->uh[i] = value;
	else if (size == 4)
		v->uw[i] = value;
	else
		v->ud[i] = value;
}

ROW unary(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size, fp_unary_fn *op,
	  enum fp_unit unit)
{
	union vreg result = {};
	struct fp_env env;

	fp_begin(&env, cpu->fcsr, unit);
	for (unsigned i = 0; i < bytes / size; i++)
		set_element(&result, size, i, op(&env, element(&VR(rj), size, i)));
	return finish(cpu, insn, &env, &result);
}

ROW binary(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size, fp_binary_fn *op,
	   enum fp_unit unit)
{
	union vreg result = {};
	struct fp_env env;

	fp_begin(&env, cpu->fcsr, unit);
	for (unsigned i = 0; i < bytes / size; i++)
		set_element(&result, size, i, op(&env, element(&VR(rj), size, i), element(&VR(rk), size, i)));
	return finish(cpu, insn, &env, &result);
}

ROW muladd(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size, fp_muladd_fn *op,
	   enum fp_muladd options)
{
	union vreg result = {};
	struct fp_env env;

	fp_begin(&env, cpu->fcsr, FP_HOST);
	for (unsigned i = 0; i < bytes / size; i++)
		set_element(&result, size, i,
			    op(&env, element(&VR(rj), size, i), element(&VR(rk), size, i),
			       element(&VR(ra), size, i), options));
	return finish(cpu, insn, &env, &result);
}

/* All ones where the condition holds. */
ROW compare(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size, fp_compare_fn *op,
	    unsigned condition, bool signaling)
{
	union vreg result = {};
	struct fp_env env;

	fp_begin(&env, cpu->fcsr, FP_SOFT);
	for (unsigned i = 0; i < bytes / size; i++) {
		enum fp_relation relation =
			op(&env, element(&VR(rj), size, i), element(&VR(rk), size, i), signaling);

		set_element(&result, size, i, relation & condition ? ~0ull : 0);
	}
	return finish(cpu, insn, &env, &result);
}

/* No exceptions; FCSR0 stays. */
ROW class(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size, uint64_t (*op)(uint64_t))
{
	union vreg result = {};

	for (unsigned i = 0; i < bytes / size; i++)
		set_element(&result, size, i, op(element(&VR(rj), size, i)));
	VR(rd) = result;
	return INSN_NEXT;
}

/* The lower or upper half of each 128-bit lane, elements of @size bytes, to elements of twice the size. */
ROW widen(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size, fp_unary_fn *op,
	  enum fp_unit unit, bool upper)
{
	const unsigned half = LSX_BYTES / 2 / size; /* elements in half a lane */
	union vreg result = {};
	struct fp_env env;

	fp_begin(&env, cpu->fcsr, unit);
	for (unsigned i = 0; i < bytes / 2 / size; i++) {
		unsigned from = i / half * 2 * half + i % half + (upper ? half : 0);

		set_element(&result, 2 * size, i, op(&env, element(&VR(rj), size, from)));
	}
	return finish(cpu, insn, &env, &result);
}

/* Elements of @size bytes to half the size: in each lane vk's go to the lower half, vj's to the upper. */
ROW narrow(struct cpu *cpu, const struct insn *insn, unsigned bytes, unsigned size, fp_unary_fn *op,
	   enum fp_unit unit)
{
	const unsigned half = LSX_BYTES / size; /* results in half a lane */
	union vreg result = {};
	struct fp_env env;

	fp_begin(&env, cpu->fcsr, unit);
	for (unsigned i = 0; i < bytes / size; i++) {
		unsigned to = i / half * 2 * half + i % half;

		set_element(&result, size / 2, to, op(&env, element(&VR(rk), size, i)));
		set_element(&result, size / 2, to + half, op(&env, element(&VR(rj), size, i)));
	}
	return finish(cpu, insn, &env, &result);
}

/* An LSX row and its LASX twin. */
#define ROWS(name, body, ...)                                                                                \
	INTERP(v##name)                                                                                      \
	{                                                                                                    \
		NEED_LSX();                                                                                  \
		return body(cpu, insn, LSX_BYTES, __VA_ARGS__);                                              \
	}                                                                                                    \
	INTERP(xv##name)                                                                                     \
	{                                                                                                    \
		NEED_LASX();                                                                                 \
		return body(cpu, insn, LASX_BYTES, __VA_ARGS__);                                             \
	}

#define BINARY(op, unit)                                                                                     \
	ROWS(f##op##_s, binary, 4, fp_##op##_s, unit)                                                        \
	ROWS(f##op##_d, binary, 8, fp_##op##_d, unit)
FP_BINARY_OPS(BINARY)

#define UNARY(op, unit)                                                                                      \
	ROWS(f##op##_s, unary, 4, fp_##op##_s, unit)                                                         \
	ROWS(f##op##_d, unary, 8, fp_##op##_d, unit)
FP_UNARY_OPS(UNARY)

/* Estimates need not be exact, but may. */
ROWS(frecipe_s, unary, 4, fp_recip_s, FP_HOST)
ROWS(frecipe_d, unary, 8, fp_recip_d, FP_HOST)
ROWS(frsqrte_s, unary, 4, fp_rsqrt_s, FP_HOST)
ROWS(frsqrte_d, unary, 8, fp_rsqrt_d, FP_HOST)

ROWS(fmadd_s, muladd, 4, fp_muladd_s, FP_MADD)
ROWS(fmadd_d, muladd, 8, fp_muladd_d, FP_MADD)
ROWS(fmsub_s, muladd, 4, fp_muladd_s, FP_MSUB)
ROWS(fmsub_d, muladd, 8, fp_muladd_d, FP_MSUB)
ROWS(fnmadd_s, muladd, 4, fp_muladd_s, FP_NMADD)
ROWS(fnmadd_d, muladd, 8, fp_muladd_d, FP_NMADD)
ROWS(fnmsub_s, muladd, 4, fp_muladd_s, FP_NMSUB)
ROWS(fnmsub_d, muladd, 8, fp_muladd_d, FP_NMSUB)

ROWS(fclass_s, class, 4, fp_class_s)
ROWS(fclass_d, class, 8, fp_class_d)

#define COMPARE(condition, set, signaling)                                                                   \
	ROWS(fcmp_##condition##_s, compare, 4, fp_compare_s, set, signaling)                                 \
	ROWS(fcmp_##condition##_d, compare, 8, fp_compare_d, set, signaling)
FP_CONDITIONS(COMPARE)

ROWS(fcvtl_s_h, widen, 2, fp_half_to_single, FP_SOFT, false)
ROWS(fcvth_s_h, widen, 2, fp_half_to_single, FP_SOFT, true)
ROWS(fcvtl_d_s, widen, 4, fp_single_to_double, FP_HOST, false)
ROWS(fcvth_d_s, widen, 4, fp_single_to_double, FP_HOST, true)
ROWS(fcvt_h_s, narrow, 4, fp_single_to_half, FP_SOFT)
ROWS(fcvt_s_d, narrow, 8, fp_double_to_single, FP_HOST)

ROWS(ffint_s_w, unary, 4, fp_from_w_s, FP_HOST)
ROWS(ffint_s_wu, unary, 4, fp_from_wu_s, FP_SOFT)
ROWS(ffint_d_l, unary, 8, fp_from_l_d, FP_HOST)
ROWS(ffint_d_lu, unary, 8, fp_from_lu_d, FP_SOFT)
ROWS(ffintl_d_w, widen, 4, fp_from_w_d, FP_HOST, false)
ROWS(ffinth_d_w, widen, 4, fp_from_w_d, FP_HOST, true)
ROWS(ffint_s_l, narrow, 8, fp_from_l_s, FP_HOST)

#define TO_INTEGER(name, rounding)                                                                           \
	ROWS(ftint##name##_w_s, unary, 4, fp_to##name##_w_s, FP_SOFT)                                        \
	ROWS(ftint##name##_l_d, unary, 8, fp_to##name##_l_d, FP_SOFT)                                        \
	ROWS(ftint##name##_w_d, narrow, 8, fp_to##name##_w_d, FP_SOFT)                                       \
	ROWS(ftint##name##l_l_s, widen, 4, fp_to##name##_l_s, FP_SOFT, false)                                \
	ROWS(ftint##name##h_l_s, widen, 4, fp_to##name##_l_s, FP_SOFT, true)
FP_ROUNDINGS(TO_INTEGER)
ROWS(ftint_wu_s, unary, 4, fp_to_wu_s, FP_SOFT)
ROWS(ftint_lu_d, unary, 8, fp_to_lu_d, FP_SOFT)
ROWS(ftintrz_wu_s, unary, 4, fp_torz_wu_s, FP_SOFT)
ROWS(ftintrz_lu_d, unary, 8, fp_torz_lu_d, FP_SOFT)
