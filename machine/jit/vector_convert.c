/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LSX and LASX conversions between floating-point formats and integers, and rounding to integral values,
 * Vol.2.  Between floating-point formats the host treats NaNs as the guest does.  To integers it gives one
 * number for everything that is invalid, and an element with that number takes the slow path.
 */
#include "machine/interp/fp.h"
#include "machine/jit/vector_fp.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/vector_convert.def"
#undef EMIT

/* Roundings of VROUNDPS and VROUNDPD. */
enum round {
	ROUND_RNE,
	ROUND_RM,
	ROUND_RP,
	ROUND_RZ,
	ROUND_MXCSR,
	ROUND_QUIET = 8, /* a flag: inexact results raise nothing */
};

/* Conversions to integers can round themselves in two ways, the second as CVTT. */
static bool rounds_itself(enum round round)
{
	return round == ROUND_MXCSR || round == ROUND_RZ;
}

/* Elements to elements of the same size */

static bool round_integral(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op,
			   enum round round)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J);

	x86_v2i(&e->code, op, bits, v.d, v.j, round);
	return vector_end(e, insn, bits);
}

#define ROUND_INTEGRAL(name, round)                                                                          \
	VECTOR_ROWS(name##_s, round_integral, V_roundps, round)                                              \
	VECTOR_ROWS(name##_d, round_integral, V_roundpd, round)
ROUND_INTEGRAL(frint, ROUND_MXCSR)
ROUND_INTEGRAL(frintrm, ROUND_RM)
ROUND_INTEGRAL(frintrp, ROUND_RP)
ROUND_INTEGRAL(frintrz, ROUND_RZ)
ROUND_INTEGRAL(frintrne, ROUND_RNE)

static bool convert(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op, uint32_t needs)
{
	struct vectors v;

	if (!host_has(e, needs))
		return false;
	v = vector_fp_begin(e, insn, bits, FIELD_J);
	x86_v2(&e->code, op, bits, v.d, v.j);
	return vector_end(e, insn, bits);
}

#define FOR_64 (X86_AVX512VL | X86_AVX512DQ) /* conversions from and to integers of 64 bits */

VECTOR_ROWS(ffint_s_w, convert, V_cvtdq2ps, 0)
VECTOR_ROWS(ffint_s_wu, convert, V_cvtudq2ps, X86_AVX512VL)

/*
 * Without an instruction for it: the halves of an integer, put into fractions of numbers that are large
 * enough, are low + 2^52 and high * 2^32 + 2^84 (signed ones: 2^63 more, by @high's bit 31).  Subtracting
 * @bias is exact, adding rounds once.  The sum of an integer 0 is not always +0.
 */
#define REPEATED __attribute__((aligned(32)))
static const struct long_halves {
	uint64_t low[4], high[4], bias[4];
} signed_halves REPEATED = {
	.low = { [0 ... 3] = 0x4330000000000000 },
	.high = { [0 ... 3] = 0x4530000080000000 },
	.bias = { [0 ... 3] = 0x4530000080100000 },
}, unsigned_halves REPEATED = {
	.low = { [0 ... 3] = 0x4330000000000000 },
	.high = { [0 ... 3] = 0x4530000000000000 },
	.bias = { [0 ... 3] = 0x4530000000100000 },
};

static struct x86_mem in_table(struct x86_mem table, size_t offset)
{
	table.disp += (int32_t)offset;
	return table;
}

static bool long_to_double(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op,
			   const struct long_halves *halves)
{
	struct code *c = &e->code;
	struct x86_mem table;
	struct vectors v;

	if (host_has(e, FOR_64))
		return convert(e, insn, bits, op, FOR_64);
	v = vector_fp_begin(e, insn, bits, FIELD_J);
	table = vector_constant(e, halves);
	x86_v3mi(c, V_pblendd, bits, T0, v.j, in_table(table, offsetof(struct long_halves, low)), 0xaa);
	x86_vshift(c, V_psrlq_i, bits, T1, v.j, 32);
	x86_v3m(c, V_pxor, bits, T1, T1, in_table(table, offsetof(struct long_halves, high)));
	x86_v3m(c, V_subpd, bits, T1, T1, in_table(table, offsetof(struct long_halves, bias)));
	x86_v3(c, V_addpd, bits, T0, T0, T1);
	x86_v3(c, V_pxor, bits, T1, T1, T1);
	x86_v3(c, V_pcmpeqq, bits, T1, T1, v.j);
	x86_v3(c, V_pandn, bits, v.d, T1, T0);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(ffint_d_l, long_to_double, V_cvtqq2pd, &signed_halves)
VECTOR_ROWS(ffint_d_lu, long_to_double, V_cvtuqq2pd, &unsigned_halves)

/* The host's result for what is invalid. */
static const uint32_t invalid_w[8] REPEATED = { [0 ... 7] = 1u << 31 };
static const uint64_t invalid_l[4] REPEATED = { [0 ... 3] = 1ull << 63 };
static const uint64_t invalid_unsigned[4] REPEATED = { [0 ... 3] = UINT64_MAX };

/* Integers of @size bytes in @x. */
static void slow_if_invalid(struct emit *e, unsigned bits, unsigned size, unsigned x, const void *invalid)
{
	x86_v3m(&e->code, size == 4 ? V_pcmpeqd : V_pcmpeqq, bits, T5, x, vector_constant(e, invalid));
	vector_slow_if_any(e, size, bits, T5);
}

/* What cannot be represented is integral already: rounding before raises nothing that must not be raised. */
static bool to_integer(struct emit *e, const struct insn *insn, unsigned bits, unsigned size, enum x86_vop op,
		       uint32_t needs, enum round round, const void *invalid)
{
	struct vectors v;

	if (!host_has(e, needs))
		return false;
	v = vector_fp_begin(e, insn, bits, FIELD_J);
	if (!rounds_itself(round)) {
		x86_v2i(&e->code, size == 4 ? V_roundps : V_roundpd, bits, T0, v.j, round);
		v.j = T0;
	}
	x86_v2(&e->code, op, bits, v.d, v.j);
	slow_if_invalid(e, bits, size, v.d, invalid);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(ftint_wu_s, to_integer, 4, V_cvtps2udq, X86_AVX512VL, ROUND_MXCSR, invalid_unsigned)
VECTOR_ROWS(ftint_lu_d, to_integer, 8, V_cvtpd2uqq, FOR_64, ROUND_MXCSR, invalid_unsigned)
VECTOR_ROWS(ftintrz_wu_s, to_integer, 4, V_cvttps2udq, X86_AVX512VL, ROUND_RZ, invalid_unsigned)
VECTOR_ROWS(ftintrz_lu_d, to_integer, 8, V_cvttpd2uqq, FOR_64, ROUND_RZ, invalid_unsigned)

/*
 * Without an instruction for it: a number whose fraction's last bit is 1 shifts integers of less than 52 bits
 * into its fraction.  Greater ones take the slow path.
 */
static const struct {
	uint64_t magnitude[4], limit[4], shifter[4];
} to_long REPEATED = {
	.magnitude = { [0 ... 3] = INT64_MAX },
	.limit = { [0 ... 3] = 0x4320000000000000 },
	.shifter = { [0 ... 3] = 0x4338000000000000 },
};

/* Integral doubles in T0. */
static void integral_to_long(struct emit *e, unsigned bits, unsigned d)
{
	enum { NOT_LESS_QUIET = 0x15 };
	const struct x86_mem table = vector_constant(e, &to_long);
	const struct x86_mem shifter = in_table(table, offsetof(typeof(to_long), shifter));
	struct code *c = &e->code;

	x86_v3m(c, V_andpd, bits, T1, T0, in_table(table, offsetof(typeof(to_long), magnitude)));
	x86_v3mi(c, V_cmppd, bits, T1, T1, in_table(table, offsetof(typeof(to_long), limit)), NOT_LESS_QUIET);
	vector_slow_if_any(e, 8, bits, T1);
	x86_v3m(c, V_addpd, bits, T0, T0, shifter);
	x86_v3m(c, V_psubq, bits, d, T0, shifter);
}

static bool double_to_long(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op,
			   enum round round)
{
	struct vectors v;

	if (host_has(e, FOR_64))
		return to_integer(e, insn, bits, 8, op, FOR_64, round, invalid_l);
	v = vector_fp_begin(e, insn, bits, FIELD_J);
	x86_v2i(&e->code, V_roundpd, bits, T0, v.j, round);
	integral_to_long(e, bits, v.d);
	return vector_end(e, insn, bits);
}

/* Half of each lane to elements of twice the size */

/* The lower or upper halves of the lanes of @from, side by side; 0 above.  T0. */
static unsigned lane_halves(struct code *c, unsigned bits, unsigned from, bool upper)
{
	if (bits == 256)
		x86_v2i(c, V_permq, bits, T0, from, upper ? 0xdd : 0xd8);
	else if (upper)
		x86_vshift(c, V_psrldq, bits, T0, from, 8);
	else
		x86_v2(c, V_movq_x, bits, T0, from);
	return T0;
}

static bool widen(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op, bool upper)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J);
	const bool in_place = bits == 128 && !upper;

	x86_v2(&e->code, op, bits, v.d, in_place ? v.j : lane_halves(&e->code, bits, v.j, upper));
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(fcvtl_s_h, widen, V_cvtph2ps, false)
VECTOR_ROWS(fcvth_s_h, widen, V_cvtph2ps, true)
VECTOR_ROWS(fcvtl_d_s, widen, V_cvtps2pd, false)
VECTOR_ROWS(fcvth_d_s, widen, V_cvtps2pd, true)
VECTOR_ROWS(ffintl_d_w, widen, V_cvtdq2pd, false)
VECTOR_ROWS(ffinth_d_w, widen, V_cvtdq2pd, true)

/* The other half must not be rounded, because that could raise something. */
static bool single_to_long(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op,
			   enum round round, bool upper)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J);
	const bool instruction = host_has(e, FOR_64);
	struct code *c = &e->code;
	const unsigned half = lane_halves(c, bits, v.j, upper);

	if (!instruction || !rounds_itself(round))
		x86_v2i(c, V_roundps, 128, half, half, round);
	if (instruction) {
		x86_v2(c, op, bits, v.d, half);
		slow_if_invalid(e, bits, 8, v.d, invalid_l);
	} else {
		x86_v2(c, V_cvtps2pd, bits, T0, half);
		integral_to_long(e, bits, v.d);
	}
	return vector_end(e, insn, bits);
}

/* Two vectors to elements of half the size */

/* Lanes of the two halves of T0 and T1: a lane's lower half from T0, its upper half from T1. */
static void join_halves(struct code *c, unsigned bits, unsigned d)
{
	if (bits == 128) {
		x86_v3(c, V_punpcklqdq, bits, d, T0, T1);
		return;
	}
	x86_v3i(c, V_inserti128, bits, T0, T0, T1, 1);
	x86_v2i(c, V_permq, bits, d, T0, 0xd8);
}

static bool narrow(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op, uint32_t needs)
{
	struct vectors v;

	if (!host_has(e, needs))
		return false;
	v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K);
	x86_v2(&e->code, op, bits, T0, v.k);
	x86_v2(&e->code, op, bits, T1, v.j);
	join_halves(&e->code, bits, v.d);
	return vector_end(e, insn, bits);
}

static bool narrow_to_half(struct emit *e, const struct insn *insn, unsigned bits)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K);

	x86_v2i(&e->code, V_cvtps2ph, bits, T0, v.k, ROUND_MXCSR);
	x86_v2i(&e->code, V_cvtps2ph, bits, T1, v.j, ROUND_MXCSR);
	join_halves(&e->code, bits, v.d);
	return vector_end(e, insn, bits);
}

VECTOR_ROWS(fcvt_h_s, narrow_to_half)
VECTOR_ROWS(fcvt_s_d, narrow, V_cvtpd2ps, 0)
VECTOR_ROWS(ffint_s_l, narrow, V_cvtqq2ps, FOR_64)

/*
 * A double between representable numbers may round to one that is not: then it is invalid, and not inexact.
 * So rounding beforehand raises nothing, and is done once more to raise it where all elements are valid.
 */
static bool narrow_to_integer(struct emit *e, const struct insn *insn, unsigned bits, enum x86_vop op,
			      enum round round)
{
	const struct vectors v = vector_fp_begin(e, insn, bits, FIELD_J | FIELD_K);
	struct code *c = &e->code;
	unsigned j = v.j, k = v.k;

	if (!rounds_itself(round)) {
		x86_v2i(c, V_roundpd, bits, T0, k, round | ROUND_QUIET);
		x86_v2i(c, V_roundpd, bits, T1, j, round | ROUND_QUIET);
		k = T0;
		j = T1;
	}
	x86_v2(c, op, bits, T0, k);
	x86_v2(c, op, bits, T1, j);
	join_halves(c, bits, T2);
	slow_if_invalid(e, bits, 4, T2, invalid_w);
	if (!rounds_itself(round)) {
		x86_v2i(c, V_roundpd, bits, T0, v.k, round);
		x86_v2i(c, V_roundpd, bits, T0, v.j, round);
	}
	x86_vmov(c, bits, v.d, T2);
	return vector_end(e, insn, bits);
}

/* FTINT in all roundings; t: by CVTT. */
#define TO_INTEGER(name, t, round)                                                                           \
	VECTOR_ROWS(ftint##name##_w_s, to_integer, 4, V_cvt##t##ps2dq, 0, round, invalid_w)                  \
	VECTOR_ROWS(ftint##name##_l_d, double_to_long, V_cvt##t##pd2qq, round)                               \
	VECTOR_ROWS(ftint##name##_w_d, narrow_to_integer, V_cvt##t##pd2dq, round)                            \
	VECTOR_ROWS(ftint##name##l_l_s, single_to_long, V_cvt##t##ps2qq, round, false)                       \
	VECTOR_ROWS(ftint##name##h_l_s, single_to_long, V_cvt##t##ps2qq, round, true)
TO_INTEGER(, , ROUND_MXCSR)
TO_INTEGER(rm, , ROUND_RM)
TO_INTEGER(rp, , ROUND_RP)
TO_INTEGER(rz, t, ROUND_RZ)
TO_INTEGER(rne, , ROUND_RNE)
