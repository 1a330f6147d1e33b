/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Floating-point operations in integer code, for any format: what SSE2 does not have (rounding to
 * integral values, saturating conversions, half precision, scaleB, logB, classes, maxNum) and the rules
 * for NaNs, Vol.1 3.1.1.3 and 3.1.4.  Everything is exact, and tininess is detected after rounding.
 */
#include "machine/interp/fp.h"

const struct fp_format fp_half = { 5, 10 };
const struct fp_format fp_single = { 8, 23 };
const struct fp_format fp_double = { 11, 52 };

/* With the format a constant, these fold into what one would write for it by hand. */
#define FOLD static inline __attribute__((always_inline))

FOLD uint64_t mask(unsigned bits)
{
	return (1ull << bits) - 1;
}

FOLD int bias(const struct fp_format *f)
{
	return (1 << (f->exponent_bits - 1)) - 1;
}

FOLD uint64_t sign_bit(const struct fp_format *f)
{
	return 1ull << (f->exponent_bits + f->fraction_bits);
}

FOLD bool is_negative(const struct fp_format *f, uint64_t a)
{
	return a & sign_bit(f);
}

/* @a without its sign: orders all numbers by magnitude, infinity and NaNs above them. */
FOLD uint64_t magnitude(const struct fp_format *f, uint64_t a)
{
	return a & (sign_bit(f) - 1);
}

FOLD uint64_t infinity(const struct fp_format *f)
{
	return mask(f->exponent_bits) << f->fraction_bits;
}

FOLD uint64_t quiet_bit(const struct fp_format *f)
{
	return 1ull << (f->fraction_bits - 1);
}

FOLD uint64_t default_nan(const struct fp_format *f)
{
	return infinity(f) | quiet_bit(f);
}

FOLD uint64_t pack_sign(const struct fp_format *f, bool negative, uint64_t magnitude)
{
	return (negative ? sign_bit(f) : 0) | magnitude;
}

/* The bits of @a that belong to the format. */
FOLD uint64_t strip(const struct fp_format *f, uint64_t a)
{
	return a & (sign_bit(f) | (sign_bit(f) - 1));
}

FOLD bool is_nan(const struct fp_format *f, uint64_t a)
{
	return magnitude(f, a) > infinity(f);
}

bool fp_is_nan(const struct fp_format *f, uint64_t a)
{
	return is_nan(f, a);
}

FOLD bool is_snan(const struct fp_format *f, uint64_t a)
{
	return is_nan(f, a) && !(a & quiet_bit(f));
}

/* The NaN result of an operation whose only NaN operand is @a. */
static uint64_t quiet(struct fp_env *env, const struct fp_format *f, uint64_t a)
{
	if (is_snan(f, a))
		env->flags |= FP_INVALID;
	return strip(f, a) | quiet_bit(f);
}

/* A signaling NaN wins over a quiet one, the first operand over the second; with none it is the default. */
uint64_t fp_pick_nan2(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b)
{
	if (is_snan(f, a))
		return quiet(env, f, a);
	if (is_snan(f, b))
		return quiet(env, f, b);
	if (is_nan(f, a))
		return quiet(env, f, a);
	if (is_nan(f, b))
		return quiet(env, f, b);
	return default_nan(f);
}

/* The same for a * b + c: the addend has the highest priority. */
uint64_t fp_pick_nan3(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t am = magnitude(f, a), bm = magnitude(f, b);

	/* infinity times zero is invalid even when the addend is a quiet NaN */
	if ((am == infinity(f) && bm == 0) || (bm == infinity(f) && am == 0))
		env->flags |= FP_INVALID;
	if (is_snan(f, c))
		return quiet(env, f, c);
	if (is_snan(f, a) || is_snan(f, b))
		return fp_pick_nan2(env, f, a, b);
	if (is_nan(f, c))
		return quiet(env, f, c);
	return fp_pick_nan2(env, f, a, b);
}

/* A finite number that is not zero: +-significand * 2^(exponent - 63), bit 63 of significand set. */
struct number {
	bool negative;
	int exponent;
	uint64_t significand;
};

FOLD struct number unpack(const struct fp_format *f, uint64_t a)
{
	uint64_t fraction = a & mask(f->fraction_bits);
	int exponent = magnitude(f, a) >> f->fraction_bits;
	struct number n = { .negative = is_negative(f, a) };

	if (exponent) {
		n.exponent = exponent - bias(f);
		n.significand = (fraction | 1ull << f->fraction_bits) << (63 - f->fraction_bits);
	} else {
		unsigned zeros = __builtin_clzll(fraction);

		n.exponent = 1 - bias(f) - (int)zeros + 63 - f->fraction_bits;
		n.significand = fraction << zeros;
	}
	return n;
}

/* @a / 2^@shift (shift >= 1) rounded to an integer; @sticky says that @a is a little more than it shows. */
FOLD uint64_t shift_round(uint64_t a, unsigned shift, bool sticky, bool negative, unsigned rounding,
			  bool *inexact)
{
	uint64_t kept = shift < 64 ? a >> shift : 0;
	bool half = shift <= 64 && (a >> (shift - 1) & 1);
	bool rest = sticky || (shift > 64 ? a != 0 : shift > 1 && a << (65 - shift) != 0);

	*inexact = half || rest;
	switch (rounding) {
	case FP_RNE:
		return kept + (half && (rest || (kept & 1)));
	case FP_RP:
		return kept + (*inexact && !negative);
	case FP_RM:
		return kept + (*inexact && negative);
	default:
		return kept;
	}
}

static uint64_t overflow(struct fp_env *env, const struct fp_format *f, bool negative)
{
	bool to_infinity = env->rounding == FP_RNE || env->rounding == (negative ? FP_RM : FP_RP);

	env->flags |= FP_OVERFLOW | FP_INEXACT;
	return pack_sign(f, negative, infinity(f) - !to_infinity);
}

/* Rounds @n to the format.  @sticky: its magnitude is a little more than n says. */
static uint64_t round_pack(struct fp_env *env, const struct fp_format *f, struct number n, bool sticky)
{
	const int min_exponent = 1 - bias(f);
	const unsigned shift = 63 - f->fraction_bits;
	bool inexact, ignored, tiny = false;
	uint64_t rounded;

	if (n.exponent > bias(f))
		return overflow(env, f, n.negative);
	if (n.exponent >= min_exponent) {
		rounded = shift_round(n.significand, shift, sticky, n.negative, env->rounding, &inexact);
		/* the hidden bit, or a carry out of it, adds to the exponent field */
		rounded += (uint64_t)(n.exponent - min_exponent) << f->fraction_bits;
		if (rounded >= infinity(f))
			return overflow(env, f, n.negative);
	} else {
		unsigned extra = min_exponent - n.exponent;

		/* with an unbounded exponent it may round up to the smallest normal number */
		rounded = shift_round(n.significand, shift, sticky, n.negative, env->rounding, &ignored);
		tiny = extra > 1 || !(rounded >> (f->fraction_bits + 1));
		rounded = shift_round(n.significand, shift + extra, sticky, n.negative, env->rounding,
				      &inexact);
	}
	if (inexact)
		env->flags |= FP_INEXACT;
	if (tiny && (inexact || env->trap_underflow))
		env->flags |= FP_UNDERFLOW;
	return pack_sign(f, n.negative, rounded);
}

/* The unsigned integer @a, negated if @negative. */
static uint64_t from_integer(struct fp_env *env, const struct fp_format *f, bool negative, uint64_t a)
{
	struct number n = { .negative = negative };
	unsigned zeros;

	if (!a)
		return 0;
	zeros = __builtin_clzll(a);
	n.exponent = 63 - zeros;
	n.significand = a << zeros;
	return round_pack(env, f, n, false);
}

static uint64_t scaleb(struct fp_env *env, const struct fp_format *f, uint64_t a, int64_t by)
{
	const int limit = 1 << (f->exponent_bits + 2); /* from any number to overflow or to nothing */
	struct number n;

	if (is_nan(f, a))
		return quiet(env, f, a);
	if (magnitude(f, a) == 0 || magnitude(f, a) == infinity(f))
		return strip(f, a);
	n = unpack(f, a);
	n.exponent += by > limit ? limit : by < -limit ? -limit : (int)by;
	return round_pack(env, f, n, false);
}

FOLD uint64_t exponent_of(struct fp_env *env, const struct fp_format *f, uint64_t a)
{
	int exponent;

	if (is_nan(f, a))
		return quiet(env, f, a);
	if (magnitude(f, a) == 0) {
		env->flags |= FP_DIVIDE_BY_ZERO;
		return pack_sign(f, true, infinity(f));
	}
	if (is_negative(f, a)) {
		env->flags |= FP_INVALID;
		return default_nan(f);
	}
	if (magnitude(f, a) == infinity(f))
		return infinity(f);
	exponent = unpack(f, a).exponent;
	return from_integer(env, f, exponent < 0, exponent < 0 ? -exponent : exponent);
}

/* To an integral value in the same format. */
FOLD uint64_t round_to_integral(struct fp_env *env, const struct fp_format *f, uint64_t a, unsigned rounding)
{
	uint64_t m = magnitude(f, a);
	bool negative = is_negative(f, a), inexact;
	struct number n;
	uint64_t rounded;

	if (m > infinity(f))
		return quiet(env, f, a);
	/* infinity, zero and what is too large for a fraction stay */
	if (m == 0 || m >= (uint64_t)(bias(f) + f->fraction_bits) << f->fraction_bits)
		return strip(f, a);
	n = unpack(f, a);
	if (n.exponent < -1) /* below one half: only the direction counts */
		n.exponent = -2;
	rounded = shift_round(n.significand, 63 - n.exponent, false, negative, rounding, &inexact);
	if (inexact)
		env->flags |= FP_INEXACT;
	if (!rounded)
		return pack_sign(f, negative, 0);
	n.exponent = 63 - __builtin_clzll(rounded);
	m = (uint64_t)(n.exponent + bias(f) - 1) << f->fraction_bits;
	return pack_sign(f, negative, m + (rounded << (f->fraction_bits - n.exponent)));
}

static uint64_t invalid_integer(struct fp_env *env, uint64_t result)
{
	env->flags |= FP_INVALID;
	return result;
}

/* Limits of the integer types: magnitudes of the lowest and the highest value. */
struct integer_type {
	uint64_t low, high;
};
static const struct integer_type type_w = { 1ull << 31, (1ull << 31) - 1 };
static const struct integer_type type_l = { 1ull << 63, (1ull << 63) - 1 };
static const struct integer_type type_wu = { 0, UINT32_MAX };
static const struct integer_type type_lu = { 0, UINT64_MAX };

FOLD uint64_t to_integer(struct fp_env *env, const struct fp_format *f, uint64_t a, unsigned rounding,
			 const struct integer_type *type)
{
	bool negative = is_negative(f, a), inexact = false;
	uint64_t limit = negative ? type->low : type->high;
	struct number n;
	uint64_t rounded;

	if (is_nan(f, a))
		return invalid_integer(env, 0);
	if (magnitude(f, a) == 0)
		return 0;
	n = unpack(f, a); /* infinity becomes a number out of every range */
	if (n.exponent > 63)
		return invalid_integer(env, negative ? -limit : limit);
	if (n.exponent < -1)
		n.exponent = -2;
	if (n.exponent == 63)
		rounded = n.significand;
	else
		rounded = shift_round(n.significand, 63 - n.exponent, false, negative, rounding, &inexact);
	if (rounded > limit)
		return invalid_integer(env, negative ? -limit : limit);
	if (inexact)
		env->flags |= FP_INEXACT;
	return negative ? -rounded : rounded;
}

FOLD uint64_t class(const struct fp_format *f, uint64_t a)
{
	uint64_t m = magnitude(f, a);
	unsigned bit;

	if (m > infinity(f))
		return is_snan(f, a) ? 1 << 0 : 1 << 1;
	if (m == infinity(f))
		bit = 2;
	else if (m >> f->fraction_bits)
		bit = 3;
	else if (m)
		bit = 4;
	else
		bit = 5;
	return 1 << (is_negative(f, a) ? bit : bit + 4);
}

FOLD enum fp_relation compare_numbers(const struct fp_format *f, uint64_t a, uint64_t b)
{
	uint64_t am = magnitude(f, a), bm = magnitude(f, b);
	bool less;

	if (am == 0 && bm == 0)
		return FP_EQ;
	if (strip(f, a) == strip(f, b))
		return FP_EQ;
	if (is_negative(f, a) != is_negative(f, b))
		less = is_negative(f, a);
	else
		less = is_negative(f, a) ? am > bm : am < bm;
	return less ? FP_LT : FP_GT;
}

FOLD enum fp_relation compare(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b,
			      bool signaling)
{
	if (is_nan(f, a) || is_nan(f, b)) {
		if (signaling || is_snan(f, a) || is_snan(f, b))
			env->flags |= FP_INVALID;
		return FP_UN;
	}
	return compare_numbers(f, a, b);
}

enum fp_relation fp_compare_s(struct fp_env *env, uint64_t a, uint64_t b, bool signaling)
{
	return compare(env, &fp_single, a, b, signaling);
}

enum fp_relation fp_compare_d(struct fp_env *env, uint64_t a, uint64_t b, bool signaling)
{
	return compare(env, &fp_double, a, b, signaling);
}

/*
 * maxNum and its three relatives: a number beats a quiet NaN.  Zeros are ordered -0 < +0, and equal
 * magnitudes by value, which makes the result independent of the operands' order.
 */
FOLD uint64_t choose(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b, bool max,
		     bool by_magnitude)
{
	uint64_t am = magnitude(f, a), bm = magnitude(f, b);
	bool a_greater;

	if (is_nan(f, a) || is_nan(f, b)) {
		if (is_snan(f, a) || is_snan(f, b) || (is_nan(f, a) && is_nan(f, b)))
			return fp_pick_nan2(env, f, a, b);
		return strip(f, is_nan(f, a) ? b : a);
	}
	if (by_magnitude && am != bm)
		a_greater = am > bm;
	else if (is_negative(f, a) != is_negative(f, b))
		a_greater = is_negative(f, b);
	else
		a_greater = is_negative(f, a) ? am < bm : am > bm;
	return strip(f, a_greater == max ? a : b);
}

/* A NaN of another format: the fraction's high bits stay. */
static uint64_t convert_nan(struct fp_env *env, const struct fp_format *to, const struct fp_format *from,
			    uint64_t a)
{
	uint64_t fraction = (quiet(env, from, a) & mask(from->fraction_bits)) << (63 - from->fraction_bits);

	return pack_sign(to, is_negative(from, a), infinity(to) | fraction >> (63 - to->fraction_bits));
}

static uint64_t convert(struct fp_env *env, const struct fp_format *to, const struct fp_format *from,
			uint64_t a)
{
	uint64_t m = magnitude(from, a);

	if (m > infinity(from))
		return convert_nan(env, to, from, a);
	if (m == infinity(from))
		return pack_sign(to, is_negative(from, a), infinity(to));
	if (m == 0)
		return pack_sign(to, is_negative(from, a), 0);
	return round_pack(env, to, unpack(from, a), false);
}

uint64_t fp_half_to_single(struct fp_env *env, uint64_t a)
{
	return convert(env, &fp_single, &fp_half, a);
}

uint64_t fp_single_to_half(struct fp_env *env, uint64_t a)
{
	return convert(env, &fp_half, &fp_single, a);
}

/* @a / 2^@shift; bits that fall off leave a trace in bit 0. */
static unsigned __int128 shift_jam(unsigned __int128 a, unsigned shift)
{
	if (shift == 0)
		return a;
	if (shift > 127)
		return a != 0;
	return a >> shift | ((a << (128 - shift)) != 0);
}

/*
 * The sum of the exact product @p * 2^(@p_exponent - 126) and @c, neither zero.  Both are brought to 127
 * bits; the one that is shifted keeps a trace of what it loses, which is enough: if bits are lost, at
 * most one leading bit can cancel, and what is rounded are at most the upper 54.
 */
static uint64_t add_exact(struct fp_env *env, const struct fp_format *f, bool p_negative, int p_exponent,
			  unsigned __int128 p, struct number c)
{
	unsigned __int128 addend = (unsigned __int128)c.significand << 63, sum;
	struct number n = { .negative = p_negative };
	unsigned zeros;
	int exponent = p_exponent > c.exponent ? p_exponent : c.exponent;

	p = shift_jam(p, exponent - p_exponent);
	addend = shift_jam(addend, exponent - c.exponent);
	if (p_negative == c.negative) {
		sum = p + addend;
	} else if (p >= addend) {
		sum = p - addend;
	} else {
		sum = addend - p;
		n.negative = c.negative;
	}
	if (!sum)
		return pack_sign(f, env->rounding == FP_RM, 0);
	zeros = sum >> 64 ? __builtin_clzll(sum >> 64) : 64 + __builtin_clzll(sum);
	sum <<= zeros;
	n.exponent = exponent + 1 - (int)zeros;
	n.significand = sum >> 64;
	return round_pack(env, f, n, (uint64_t)sum != 0);
}

uint64_t fp_soft_muladd(struct fp_env *env, const struct fp_format *f, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t inf = infinity(f);
	uint64_t am = magnitude(f, a), bm = magnitude(f, b), cm = magnitude(f, c);
	bool negative = is_negative(f, a) != is_negative(f, b);
	unsigned __int128 product;
	struct number na, nb, nc;
	int exponent;

	if (am > inf || bm > inf || cm > inf)
		return fp_pick_nan3(env, f, a, b, c);
	if (am == inf || bm == inf) {
		if (am == 0 || bm == 0 || (cm == inf && negative != is_negative(f, c))) {
			env->flags |= FP_INVALID;
			return default_nan(f);
		}
		return pack_sign(f, negative, inf);
	}
	if (cm == inf)
		return strip(f, c);
	if (am == 0 || bm == 0) {
		if (cm == 0 && negative != is_negative(f, c))
			return pack_sign(f, env->rounding == FP_RM, 0);
		return cm == 0 ? strip(f, c) : round_pack(env, f, unpack(f, c), false);
	}
	na = unpack(f, a);
	nb = unpack(f, b);
	exponent = na.exponent + nb.exponent;
	product = (unsigned __int128)na.significand * nb.significand;
	/* leading bit to 126; the low bits are zero, significands have 53 bits at most */
	if (product >> 127) {
		product >>= 1;
		exponent++;
	}
	if (cm == 0) {
		nb.negative = negative;
		nb.exponent = exponent;
		nb.significand = product >> 63;
		return round_pack(env, f, nb, (uint64_t)(product << 1) != 0);
	}
	nc = unpack(f, c);
	return add_exact(env, f, negative, exponent, product, nc);
}

/* One function per operation and format. */

#define SELECT(op, max, by_magnitude)                                                                        \
	uint64_t fp_##op##_s(struct fp_env *env, uint64_t a, uint64_t b)                                     \
	{                                                                                                    \
		return choose(env, &fp_single, a, b, max, by_magnitude);                                     \
	}                                                                                                    \
	uint64_t fp_##op##_d(struct fp_env *env, uint64_t a, uint64_t b)                                     \
	{                                                                                                    \
		return choose(env, &fp_double, a, b, max, by_magnitude);                                     \
	}
SELECT(max, true, false)
SELECT(min, false, false)
SELECT(maxa, true, true)
SELECT(mina, false, true)

uint64_t fp_scaleb_s(struct fp_env *env, uint64_t a, uint64_t b)
{
	return scaleb(env, &fp_single, a, (int32_t)b);
}

uint64_t fp_scaleb_d(struct fp_env *env, uint64_t a, uint64_t b)
{
	return scaleb(env, &fp_double, a, b);
}

uint64_t fp_logb_s(struct fp_env *env, uint64_t a)
{
	return exponent_of(env, &fp_single, a);
}

uint64_t fp_logb_d(struct fp_env *env, uint64_t a)
{
	return exponent_of(env, &fp_double, a);
}

uint64_t fp_class_s(uint64_t a)
{
	return class(&fp_single, a);
}

uint64_t fp_class_d(uint64_t a)
{
	return class(&fp_double, a);
}

uint64_t fp_from_wu_s(struct fp_env *env, uint64_t a)
{
	return from_integer(env, &fp_single, false, (uint32_t)a);
}

uint64_t fp_from_lu_d(struct fp_env *env, uint64_t a)
{
	return from_integer(env, &fp_double, false, a);
}

#define TO_INTEGER(name, rounding, type, format)                                                             \
	uint64_t fp_to##name##_##type##_##format(struct fp_env *env, uint64_t a)                             \
	{                                                                                                    \
		return to_integer(env, &format_##format, a, rounding, &type_##type);                         \
	}
#define format_s fp_single
#define format_d fp_double
#define TO_INTEGERS(name, rounding)                                                                          \
	TO_INTEGER(name, rounding, w, s)                                                                     \
	TO_INTEGER(name, rounding, w, d)                                                                     \
	TO_INTEGER(name, rounding, l, s)                                                                     \
	TO_INTEGER(name, rounding, l, d)                                                                     \
	TO_INTEGER(name, rounding, wu, s)                                                                    \
	TO_INTEGER(name, rounding, lu, d)                                                                    \
	uint64_t fp_rint##name##_s(struct fp_env *env, uint64_t a)                                           \
	{                                                                                                    \
		return round_to_integral(env, &fp_single, a, rounding);                                      \
	}                                                                                                    \
	uint64_t fp_rint##name##_d(struct fp_env *env, uint64_t a)                                           \
	{                                                                                                    \
		return round_to_integral(env, &fp_double, a, rounding);                                      \
	}
FP_ROUNDINGS(TO_INTEGERS)
