/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Floating-point arithmetic where comparing whole instructions with another emulator does not reach: the
 * fused multiply-add for hosts without one, underflow when it is enabled, priorities of NaNs, and what
 * an instruction leaves behind in FCSR0 and in the host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "machine/interp/fp.h"

#define FCSR(rounding, enables) ((uint32_t)(rounding) << FCSR_RM_SHIFT | (enables))

static uint64_t random_state = 1;

static uint64_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d;
}

/* Numbers whose exponents are near each other or at the ends, fractions often of few bits. */
static uint64_t random_number(const struct fp_format *f)
{
	uint64_t ones = (1ull << f->exponent_bits) - 1, exponent = ones / 2 - 3 + random_bits() % 7;
	uint64_t fraction = random_bits() & ((1ull << f->fraction_bits) - 1);

	if (random_bits() % 4 == 0)
		exponent = random_bits() & ones;
	if (random_bits() % 8 == 0)
		exponent = random_bits() % 2 ? random_bits() % 3 : ones - random_bits() % 3;
	if (random_bits() % 3 == 0)
		fraction &= random_bits() & random_bits() & random_bits();
	if (random_bits() % 8 == 0)
		fraction = 0;
	return (random_bits() & 1) << (f->exponent_bits + f->fraction_bits) | exponent << f->fraction_bits |
	       fraction;
}

static void compare_muladd(const struct fp_format *f, fp_muladd_fn *op)
{
	for (int i = 0; i < 500000; i++) {
		uint64_t a = random_number(f), b = random_number(f), c = random_number(f), host, soft;
		uint32_t fcsr = FCSR(random_bits() & 3, 0);
		struct fp_env host_env, soft_env;

		fp_begin(&host_env, fcsr, FP_HOST);
		host = op(&host_env, a, b, c, FP_MADD);
		fp_end(&host_env);
		fp_begin(&soft_env, fcsr, FP_SOFT);
		soft = fp_soft_muladd(&soft_env, f, a, b, c);
		assert_int_equal(soft, host);
		assert_int_equal(soft_env.flags, host_env.flags);
	}
}

static void software_multiply_add_equals_the_hosts(void **state)
{
	if (!__builtin_cpu_supports("fma"))
		skip();
	compare_muladd(&fp_single, fp_muladd_s);
	compare_muladd(&fp_double, fp_muladd_d);
}

static unsigned flags_of(fp_binary_fn *op, uint32_t fcsr, uint64_t a, uint64_t b)
{
	struct fp_env env;

	fp_begin(&env, fcsr, FP_HOST);
	op(&env, a, b);
	return fp_end(&env);
}

#define SUBNORMAL_S 0x00000002ull
#define SUBNORMAL_D 0x0000000000000002ull
#define ONE_S	    0x3f800000ull
#define TWO_D	    0x4000000000000000ull
#define THREE_D	    0x4008000000000000ull

static void exact_tiny_result_is_an_underflow_only_when_enabled(void **state)
{
	assert_int_equal(flags_of(fp_mul_s, FCSR(FP_RNE, 0), SUBNORMAL_S, ONE_S), 0);
	assert_int_equal(flags_of(fp_mul_s, FCSR(FP_RNE, FP_UNDERFLOW), SUBNORMAL_S, ONE_S), FP_UNDERFLOW);
	assert_int_equal(flags_of(fp_add_d, FCSR(FP_RNE, 0), SUBNORMAL_D, SUBNORMAL_D), 0);
	assert_int_equal(flags_of(fp_add_d, FCSR(FP_RNE, FP_UNDERFLOW), SUBNORMAL_D, SUBNORMAL_D),
			 FP_UNDERFLOW);
	assert_int_equal(flags_of(fp_scaleb_d, FCSR(FP_RNE, FP_UNDERFLOW), TWO_D, -1030), FP_UNDERFLOW);
	assert_int_equal(flags_of(fp_div_d, FCSR(FP_RNE, 0), SUBNORMAL_D, THREE_D),
			 FP_UNDERFLOW | FP_INEXACT);
}

static void signaling_nan_wins_and_the_addend_comes_first(void **state)
{
	const uint64_t q1 = 0x7ff8000000000001, q2 = 0x7ff8000000000002, q3 = 0xfff8000000000003;
	const uint64_t s1 = 0x7ff0000000000011, s3 = 0xfff0000000000013, quiet = 1ull << 51;
	struct fp_env env;

	fp_begin(&env, 0, FP_HOST);
	assert_int_equal(fp_add_d(&env, q1, q2), q1);
	assert_int_equal(fp_muladd_d(&env, q1, q2, q3, FP_NMSUB), q3);
	assert_int_equal(fp_max_d(&env, q1, TWO_D), TWO_D);
	assert_int_equal(fp_end(&env), 0);

	fp_begin(&env, 0, FP_HOST);
	assert_int_equal(fp_add_d(&env, q2, s1), s1 | quiet);
	assert_int_equal(fp_muladd_d(&env, s1, q2, q3, FP_MADD), s1 | quiet);
	assert_int_equal(fp_muladd_d(&env, s1, q2, s3, FP_MADD), s3 | quiet);
	assert_int_equal(fp_double_to_single(&env, s3), 0xffc00000);
	assert_int_equal(fp_end(&env), FP_INVALID);

	fp_begin(&env, 0, FP_HOST);
	assert_int_equal(fp_sub_d(&env, 0x7ff0000000000000, 0x7ff0000000000000), 0x7ff8000000000000);
	assert_int_equal(fp_end(&env), FP_INVALID);
}

static void enabled_exception_sets_cause_and_not_flags(void **state)
{
	uint32_t fcsr = FCSR(FP_RP, FP_DIVIDE_BY_ZERO) | FP_INEXACT << FCSR_FLAGS_SHIFT;
	struct fp_env env;

	fp_begin(&env, fcsr, FP_HOST);
	fp_div_d(&env, TWO_D, 0);
	assert_false(fp_record(&fcsr, &env));
	assert_int_equal(fcsr, FCSR(FP_RP, FP_DIVIDE_BY_ZERO) | FP_INEXACT << FCSR_FLAGS_SHIFT |
				       FP_DIVIDE_BY_ZERO << FCSR_CAUSE_SHIFT);

	fp_begin(&env, fcsr, FP_HOST);
	fp_sub_d(&env, 0x7ff0000000000000, 0x7ff0000000000000);
	assert_true(fp_record(&fcsr, &env));
	assert_int_equal(fcsr, FCSR(FP_RP, FP_DIVIDE_BY_ZERO) |
				       (FP_INEXACT | FP_INVALID) << FCSR_FLAGS_SHIFT |
				       FP_INVALID << FCSR_CAUSE_SHIFT);
}

static void hosts_rounding_mode_is_restored(void **state)
{
	for (unsigned rounding = FP_RNE; rounding <= FP_RM; rounding++) {
		flags_of(fp_div_d, FCSR(rounding, 0x1f), TWO_D, THREE_D);
		assert_int_equal(mxcsr_read() & ~0x3fu, MXCSR_DEFAULT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(software_multiply_add_equals_the_hosts),
		cmocka_unit_test(exact_tiny_result_is_an_underflow_only_when_enabled),
		cmocka_unit_test(signaling_nan_wins_and_the_addend_comes_first),
		cmocka_unit_test(enabled_exception_sets_cause_and_not_flags),
		cmocka_unit_test(hosts_rounding_mode_is_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
