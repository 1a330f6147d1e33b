/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Floating-point arithmetic of the LoongArch, Vol.1 3.1: one function per operation and format on bit
 * patterns, used by the scalar instructions, and lane by lane by LSX and LASX.
 *
 * An instruction calls fp_begin(), any number of operations and fp_record().  Operations are of two
 * kinds.  Those of fp_host.c run on the host's SSE unit, with the guest's rounding mode, and need
 * fp_begin(FP_HOST): no other floating-point code may run until fp_record().  Those of fp_soft.c are
 * integer code and do not care.
 */
#ifndef BIXI_INTERP_FP_H
#define BIXI_INTERP_FP_H

#include <stdbool.h>
#include <stdint.h>

/* Exceptions, in the order of FCSR0's Enables, Flags and Cause fields. */
enum fp_flag {
	FP_INEXACT = 1 << 0,
	FP_UNDERFLOW = 1 << 1,
	FP_OVERFLOW = 1 << 2,
	FP_DIVIDE_BY_ZERO = 1 << 3,
	FP_INVALID = 1 << 4,
};

/* FCSR0.RM */
enum fp_rounding { FP_RNE, FP_RZ, FP_RP, FP_RM };

#define FCSR_ENABLES	 0x1fu
#define FCSR_RM		 0x300u
#define FCSR_RM_SHIFT	 8
#define FCSR_FLAGS	 0x1f0000u
#define FCSR_FLAGS_SHIFT 16
#define FCSR_CAUSE	 0x1f000000u
#define FCSR_CAUSE_SHIFT 24
#define FCSR_WRITABLE	 (FCSR_ENABLES | FCSR_RM | FCSR_FLAGS | FCSR_CAUSE)

/* What is visible of FCSR0 in FCSR @number, its alias; of the number two bits count. */
static inline uint32_t fp_fcsr_view(unsigned number)
{
	static const uint32_t view[4] = { FCSR_WRITABLE, FCSR_ENABLES, FCSR_FLAGS | FCSR_CAUSE, FCSR_RM };

	return view[number & 3];
}

/* What an instruction's operations run on. */
enum fp_unit { FP_SOFT, FP_HOST };

/* The floating-point environment of one instruction. */
struct fp_env {
	uint8_t rounding;    /* enum fp_rounding */
	uint8_t unit;	     /* enum fp_unit */
	bool trap_underflow; /* Enables.U: a tiny result is an underflow even when exact */
	uint8_t flags;	     /* enum fp_flag: raised so far, but for what is still in the host's MXCSR */
};

#define MXCSR_DEFAULT	     0x1f80u /* exceptions masked, to nearest, no flags; what C code expects */
#define MXCSR_ROUNDING_SHIFT 13

static inline void mxcsr_write(uint32_t value)
{
	asm volatile("ldmxcsr %0" : : "m"(value));
}

static inline uint32_t mxcsr_read(void)
{
	uint32_t value;

	asm volatile("stmxcsr %0" : "=m"(value));
	return value;
}

/* Takes RM and Enables from @fcsr (FCSR0) and sets up the host. */
static inline void fp_begin(struct fp_env *env, uint32_t fcsr, enum fp_unit unit)
{
	env->rounding = (fcsr & FCSR_RM) >> FCSR_RM_SHIFT;
	env->unit = unit;
	env->trap_underflow = fcsr & FP_UNDERFLOW;
	env->flags = 0;
	/* RNE, RZ, RP, RM are 0, 3, 2, 1 there: the negative of ours */
	if (unit == FP_HOST)
		mxcsr_write(MXCSR_DEFAULT | (-env->rounding & 3u) << MXCSR_ROUNDING_SHIFT);
}

/* The exceptions (enum fp_flag) that a value of MXCSR has. */
static inline unsigned fp_flags_of(uint32_t host)
{
	/* invalid, (denormal operand,) zero divide, overflow, underflow, precision are bits 0 to 5 there */
	return (host & 1) << 4 | (host & 4) << 1 | (host & 8) >> 1 | (host & 16) >> 3 | (host & 32) >> 5;
}

/* Restores the host; returns all exceptions (enum fp_flag) since fp_begin(). */
static inline unsigned fp_end(struct fp_env *env)
{
	uint32_t host;

	if (env->unit != FP_HOST)
		return env->flags;
	host = mxcsr_read();
	/* sticky flags do not disturb anyone, but a rounding mode would */
	if (env->rounding != FP_RNE)
		mxcsr_write(MXCSR_DEFAULT);
	env->flags |= fp_flags_of(host);
	return env->flags;
}

/*
 * fp_end(), and the exceptions go to @fcsr (FCSR0): to Cause always, to Flags unless one is enabled.
 * False if one is enabled: then the instruction writes no result and raises FPE or VFPE.
 */
static inline bool fp_record(uint32_t *fcsr, struct fp_env *env)
{
	unsigned cause = fp_end(env);

	*fcsr = (*fcsr & ~FCSR_CAUSE) | cause << FCSR_CAUSE_SHIFT;
	if (__builtin_expect(cause & *fcsr & FCSR_ENABLES, 0))
		return false;
	*fcsr |= cause << FCSR_FLAGS_SHIFT;
	return true;
}

/* A binary interchange format: 1 bit sign, then exponent, then fraction. */
struct fp_format {
	uint8_t exponent_bits, fraction_bits;
};

extern const struct fp_format fp_half, fp_single, fp_double;

/* Singles and halves are the low bits of arguments (what lies above is ignored) and results (zero above). */
typedef uint64_t fp_unary_fn(struct fp_env *env, uint64_t a);
typedef uint64_t fp_binary_fn(struct fp_env *env, uint64_t a, uint64_t b);

/* Options of fp_muladd: negations before and after the one rounding; a NaN result keeps its sign. */
enum fp_muladd { FP_MADD = 0, FP_MSUB = 1, FP_NMADD = 2, FP_NMSUB = 3 };
typedef uint64_t fp_muladd_fn(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c, enum fp_muladd options);

/*
 * fp_add_s, fp_add_d, ..., each with its unit.  recip and rsqrt are 1/a and 1/sqrt(a), each step rounded,
 * as Vol.1 defines them; max to mina are maxNum, minNum, maxNumMag and minNumMag of IEEE 754-2008.
 */
/* clang-format off */
#define FP_BINARY_OPS(X)                                                                             \
	X(add, FP_HOST) X(sub, FP_HOST) X(mul, FP_HOST) X(div, FP_HOST)                              \
	X(max, FP_SOFT) X(min, FP_SOFT) X(maxa, FP_SOFT) X(mina, FP_SOFT)
#define FP_UNARY_OPS(X)                                                                              \
	X(sqrt, FP_HOST) X(recip, FP_HOST) X(rsqrt, FP_HOST) X(logb, FP_SOFT)                        \
	X(rint, FP_SOFT) X(rintrm, FP_SOFT) X(rintrp, FP_SOFT) X(rintrz, FP_SOFT) X(rintrne, FP_SOFT)
/* clang-format on */
#define FP_DECLARE_BINARY(op, unit) fp_binary_fn fp_##op##_s, fp_##op##_d;
#define FP_DECLARE_UNARY(op, unit)  fp_unary_fn fp_##op##_s, fp_##op##_d;
FP_BINARY_OPS(FP_DECLARE_BINARY)
FP_UNARY_OPS(FP_DECLARE_UNARY)
#undef FP_DECLARE_BINARY
#undef FP_DECLARE_UNARY

/* a * 2^b, b being a signed integer of the format's size.  Soft. */
fp_binary_fn fp_scaleb_s, fp_scaleb_d;

/* a * b + c with one rounding.  Host. */
fp_muladd_fn fp_muladd_s, fp_muladd_d;

/* Ten class bits as FCLASS gives them; raises nothing. */
uint64_t fp_class_s(uint64_t a);
uint64_t fp_class_d(uint64_t a);

/* The four outcomes of a comparison; a condition is a set of them.  Soft. */
enum fp_relation { FP_LT = 1, FP_EQ = 2, FP_GT = 4, FP_UN = 8 };
typedef enum fp_relation fp_compare_fn(struct fp_env *env, uint64_t a, uint64_t b, bool signaling);
fp_compare_fn fp_compare_s, fp_compare_d;

/* Conditions of FCMP and VFCMP, quiet (c...) and signaling (s...). */
/* clang-format off */
#define FP_CONDITIONS(X)                                   \
	X(caf, 0, false) X(saf, 0, true)                   \
	X(clt, FP_LT, false) X(slt, FP_LT, true)           \
	X(ceq, FP_EQ, false) X(seq, FP_EQ, true)           \
	X(cle, FP_LT | FP_EQ, false) X(sle, FP_LT | FP_EQ, true) \
	X(cun, FP_UN, false) X(sun, FP_UN, true)           \
	X(cult, FP_UN | FP_LT, false) X(sult, FP_UN | FP_LT, true) \
	X(cueq, FP_UN | FP_EQ, false) X(sueq, FP_UN | FP_EQ, true) \
	X(cule, FP_UN | FP_LT | FP_EQ, false) X(sule, FP_UN | FP_LT | FP_EQ, true) \
	X(cne, FP_LT | FP_GT, false) X(sne, FP_LT | FP_GT, true) \
	X(cor, FP_LT | FP_GT | FP_EQ, false) X(sor, FP_LT | FP_GT | FP_EQ, true) \
	X(cune, FP_UN | FP_LT | FP_GT, false) X(sune, FP_UN | FP_LT | FP_GT, true)
/* clang-format on */

/* Between formats; the first two are host, those of half precision soft. */
fp_unary_fn fp_single_to_double, fp_double_to_single, fp_half_to_single, fp_single_to_half;

/* From integers: w, l signed (host) and wu, lu unsigned (soft), of 32 and 64 bits. */
fp_unary_fn fp_from_w_s, fp_from_w_d, fp_from_l_s, fp_from_l_d, fp_from_wu_s, fp_from_lu_d;

/*
 * To integers, rounding as FCSR0.RM says or rm, rp, rz, rne.  Out of range is invalid and gives the
 * nearest integer of the type, a NaN 0.  w results are sign-extended to 64 bits.  Soft.
 */
#define FP_ROUNDINGS(X) X(, env->rounding) X(rm, FP_RM) X(rp, FP_RP) X(rz, FP_RZ) X(rne, FP_RNE)
#define FP_DECLARE_TO_INT(name, rounding)                                                                    \
	fp_unary_fn fp_to##name##_w_s, fp_to##name##_w_d, fp_to##name##_l_s, fp_to##name##_l_d,              \
		fp_to##name##_wu_s, fp_to##name##_lu_d;
FP_ROUNDINGS(FP_DECLARE_TO_INT)
#undef FP_DECLARE_TO_INT

/* What fp_host.c takes from fp_soft.c: NaN rules of Vol.1 3.1.1.3, and operations the host may lack. */
uint64_t fp_pick_nan2(struct fp_env *env, const struct fp_format *format, uint64_t a, uint64_t b);
uint64_t fp_pick_nan3(struct fp_env *env, const struct fp_format *format, uint64_t a, uint64_t b, uint64_t c);
bool fp_is_nan(const struct fp_format *format, uint64_t a);
uint64_t fp_soft_muladd(struct fp_env *env, const struct fp_format *format, uint64_t a, uint64_t b,
			uint64_t c);

#endif
