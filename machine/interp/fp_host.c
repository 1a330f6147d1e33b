/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Floating-point operations that the host's SSE unit does as the guest's would, Vol.1 3.1: same formats,
 * roundings, exceptions, tininess after rounding.  What differs is put right afterwards: which NaN is
 * the result, and the underflow of exact results when it is enabled.
 *
 * Instructions are inline assembly because the compiler may neither move them across changes of MXCSR nor
 * fold them; volatile keeps them in order.
 */
#include <string.h>

#include "machine/interp/fp.h"

static float single_from(uint64_t bits)
{
	uint32_t low = bits;
	float value;

	memcpy(&value, &low, sizeof(value));
	return value;
}

static uint64_t single_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static double double_from(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint64_t double_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Neither zero, subnormal, infinite nor NaN: nothing to put right. */
static bool is_normal_s(uint64_t a)
{
	return (((a >> 23) + 1) & 0xff) > 1;
}

static bool is_normal_d(uint64_t a)
{
	return (((a >> 52) + 1) & 0x7ff) > 1;
}

/* Enables.U: a tiny result is an underflow although exact.  (If inexact, the host has said so.) */
static void check_tiny_s(struct fp_env *env, uint64_t result)
{
	if (env->trap_underflow && !(result & 0x7f800000) && (result & 0x007fffff))
		env->flags |= FP_UNDERFLOW;
}

static void check_tiny_d(struct fp_env *env, uint64_t result)
{
	if (env->trap_underflow && !(result & 0x7ff0000000000000) && (result & 0x000fffffffffffff))
		env->flags |= FP_UNDERFLOW;
}

static uint64_t special_s(struct fp_env *env, uint64_t result, uint64_t a, uint64_t b)
{
	if (fp_is_nan(&fp_single, result))
		return fp_pick_nan2(env, &fp_single, a, b);
	check_tiny_s(env, result);
	return result;
}

static uint64_t special_d(struct fp_env *env, uint64_t result, uint64_t a, uint64_t b)
{
	if (fp_is_nan(&fp_double, result))
		return fp_pick_nan2(env, &fp_double, a, b);
	check_tiny_d(env, result);
	return result;
}

#define HOST_BINARY(op)                                                                                      \
	uint64_t fp_##op##_s(struct fp_env *env, uint64_t a, uint64_t b)                                     \
	{                                                                                                    \
		float x = single_from(a);                                                                    \
		uint64_t result;                                                                             \
                                                                                                             \
		asm volatile(#op "ss %1, %0" : "+x"(x) : "x"(single_from(b)));                               \
		result = single_bits(x);                                                                     \
		return is_normal_s(result) ? result : special_s(env, result, a, b);                          \
	}                                                                                                    \
	uint64_t fp_##op##_d(struct fp_env *env, uint64_t a, uint64_t b)                                     \
	{                                                                                                    \
		double x = double_from(a);                                                                   \
		uint64_t result;                                                                             \
                                                                                                             \
		asm volatile(#op "sd %1, %0" : "+x"(x) : "x"(double_from(b)));                               \
		result = double_bits(x);                                                                     \
		return is_normal_d(result) ? result : special_d(env, result, a, b);                          \
	}
HOST_BINARY(add)
HOST_BINARY(sub)
HOST_BINARY(mul)
HOST_BINARY(div)

uint64_t fp_sqrt_s(struct fp_env *env, uint64_t a)
{
	uint64_t result;
	float x;

	asm volatile("sqrtss %1, %0" : "=x"(x) : "x"(single_from(a)));
	result = single_bits(x);
	return is_normal_s(result) ? result : special_s(env, result, a, a);
}

uint64_t fp_sqrt_d(struct fp_env *env, uint64_t a)
{
	uint64_t result;
	double x;

	asm volatile("sqrtsd %1, %0" : "=x"(x) : "x"(double_from(a)));
	result = double_bits(x);
	return is_normal_d(result) ? result : special_d(env, result, a, a);
}

uint64_t fp_recip_s(struct fp_env *env, uint64_t a)
{
	return fp_div_s(env, single_bits(1.0f), a);
}

uint64_t fp_recip_d(struct fp_env *env, uint64_t a)
{
	return fp_div_d(env, double_bits(1.0), a);
}

uint64_t fp_rsqrt_s(struct fp_env *env, uint64_t a)
{
	return fp_recip_s(env, fp_sqrt_s(env, a));
}

uint64_t fp_rsqrt_d(struct fp_env *env, uint64_t a)
{
	return fp_recip_d(env, fp_sqrt_d(env, a));
}

/* a * b + c; hosts before Haswell and Piledriver have no such instruction. */
static uint64_t fused_s(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c)
{
	float x = single_from(c);

	if (!__builtin_cpu_supports("fma"))
		return fp_soft_muladd(env, &fp_single, a, b, c);
	asm volatile("vfmadd231ss %2, %1, %0" : "+x"(x) : "x"(single_from(a)), "x"(single_from(b)));
	return single_bits(x);
}

static uint64_t fused_d(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c)
{
	double x = double_from(c);

	if (!__builtin_cpu_supports("fma"))
		return fp_soft_muladd(env, &fp_double, a, b, c);
	asm volatile("vfmadd231sd %2, %1, %0" : "+x"(x) : "x"(double_from(a)), "x"(double_from(b)));
	return double_bits(x);
}

uint64_t fp_muladd_s(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c, enum fp_muladd options)
{
	uint64_t result = fused_s(env, a, b, options & FP_MSUB ? c ^ 1ull << 31 : c);

	if (fp_is_nan(&fp_single, result))
		return fp_pick_nan3(env, &fp_single, a, b, c);
	check_tiny_s(env, result);
	return options & FP_NMADD ? result ^ 1ull << 31 : result;
}

uint64_t fp_muladd_d(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c, enum fp_muladd options)
{
	uint64_t result = fused_d(env, a, b, options & FP_MSUB ? c ^ 1ull << 63 : c);

	if (fp_is_nan(&fp_double, result))
		return fp_pick_nan3(env, &fp_double, a, b, c);
	check_tiny_d(env, result);
	return options & FP_NMADD ? result ^ 1ull << 63 : result;
}

uint64_t fp_single_to_double(struct fp_env *env, uint64_t a)
{
	double x;

	/* NaNs as Vol.1 wants them: the fraction's high bits kept, the quiet bit set */
	asm volatile("cvtss2sd %1, %0" : "=x"(x) : "x"(single_from(a)));
	return double_bits(x);
}

uint64_t fp_double_to_single(struct fp_env *env, uint64_t a)
{
	uint64_t result;
	float x;

	asm volatile("cvtsd2ss %1, %0" : "=x"(x) : "x"(double_from(a)));
	result = single_bits(x);
	check_tiny_s(env, result);
	return result;
}

uint64_t fp_from_w_s(struct fp_env *env, uint64_t a)
{
	float x;

	asm volatile("cvtsi2ssl %1, %0" : "=x"(x) : "r"((uint32_t)a));
	return single_bits(x);
}

uint64_t fp_from_l_s(struct fp_env *env, uint64_t a)
{
	float x;

	asm volatile("cvtsi2ssq %1, %0" : "=x"(x) : "r"(a));
	return single_bits(x);
}

uint64_t fp_from_w_d(struct fp_env *env, uint64_t a)
{
	double x;

	asm volatile("cvtsi2sdl %1, %0" : "=x"(x) : "r"((uint32_t)a));
	return double_bits(x);
}

uint64_t fp_from_l_d(struct fp_env *env, uint64_t a)
{
	double x;

	asm volatile("cvtsi2sdq %1, %0" : "=x"(x) : "r"(a));
	return double_bits(x);
}
