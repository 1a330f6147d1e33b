/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Bit manipulation, Vol.1 2.2.3.  BSTRINS and BSTRPICK with lsb above msb are not defined by the manual;
 * as in QEMU they raise INE.
 */
#include "machine/interp/integer.h"

static inline unsigned count_leading_zeros(uint64_t value, unsigned width)
{
	return value ? (unsigned)__builtin_clzll(value) - (64 - width) : width;
}

static inline unsigned count_trailing_zeros(uint64_t value, unsigned width)
{
	return value ? (unsigned)__builtin_ctzll(value) : width;
}

/* Exchanges neighbouring groups of @width bits, which @mask selects the lower ones of. */
static inline uint64_t swap_groups(uint64_t value, uint64_t mask, unsigned width)
{
	return (value >> width & mask) | (value & mask) << width;
}

static inline uint64_t reverse_bits_in_bytes(uint64_t value)
{
	value = swap_groups(value, UINT64_C(0x5555555555555555), 1);
	value = swap_groups(value, UINT64_C(0x3333333333333333), 2);
	return swap_groups(value, UINT64_C(0x0f0f0f0f0f0f0f0f), 4);
}

static inline uint64_t reverse_bytes_in_halves(uint64_t value)
{
	return swap_groups(value, UINT64_C(0x00ff00ff00ff00ff), 8);
}

static inline uint64_t reverse_halves_in_words(uint64_t value)
{
	return swap_groups(value, UINT64_C(0x0000ffff0000ffff), 16);
}

static inline uint64_t swap_words(uint64_t value)
{
	return value >> 32 | value << 32;
}

COMPUTE(ext_w_b, (uint64_t)(int8_t)GR(rj))
COMPUTE(ext_w_h, (uint64_t)(int16_t)GR(rj))

COMPUTE(clo_w, count_leading_zeros((uint32_t)~GR(rj), 32))
COMPUTE(clz_w, count_leading_zeros((uint32_t)GR(rj), 32))
COMPUTE(cto_w, count_trailing_zeros((uint32_t)~GR(rj), 32))
COMPUTE(ctz_w, count_trailing_zeros((uint32_t)GR(rj), 32))
COMPUTE(clo_d, count_leading_zeros(~GR(rj), 64))
COMPUTE(clz_d, count_leading_zeros(GR(rj), 64))
COMPUTE(cto_d, count_trailing_zeros(~GR(rj), 64))
COMPUTE(ctz_d, count_trailing_zeros(GR(rj), 64))

COMPUTE(bytepick_w, sext32((GR(rk) << 32 | (uint32_t)GR(rj)) >> (32 - 8 * insn->imm)))
COMPUTE(bytepick_d, insn->imm ? GR(rk) << 8 * insn->imm | GR(rj) >> (64 - 8 * insn->imm) : GR(rk))

COMPUTE(revb_2h, sext32(reverse_bytes_in_halves(GR(rj))))
COMPUTE(revb_4h, reverse_bytes_in_halves(GR(rj)))
COMPUTE(revb_2w, swap_words(__builtin_bswap64(GR(rj))))
COMPUTE(revb_d, __builtin_bswap64(GR(rj)))
COMPUTE(revh_2w, reverse_halves_in_words(GR(rj)))
COMPUTE(revh_d, swap_words(reverse_halves_in_words(GR(rj))))

COMPUTE(bitrev_4b, sext32(reverse_bits_in_bytes(GR(rj))))
COMPUTE(bitrev_8b, reverse_bits_in_bytes(GR(rj)))
COMPUTE(bitrev_w, sext32(__builtin_bswap32((uint32_t)reverse_bits_in_bytes(GR(rj)))))
COMPUTE(bitrev_d, __builtin_bswap64(reverse_bits_in_bytes(GR(rj))))

COMPUTE(maskeqz, GR(rk) ? GR(rj) : 0)
COMPUTE(masknez, GR(rk) ? 0 : GR(rj))

/* The bits of a field from bit lsb = imm to bit msb = imm2, at bit 0. */
static inline uint64_t field_mask(const struct insn *insn)
{
	return ~UINT64_C(0) >> (63 - (insn->imm2 - insn->imm));
}

static inline uint64_t insert_field(const struct insn *insn, uint64_t old, uint64_t field)
{
	uint64_t mask = field_mask(insn) << insn->imm;

	return (old & ~mask) | (field << insn->imm & mask);
}

static inline uint64_t pick_field(const struct insn *insn, uint64_t value)
{
	return value >> insn->imm & field_mask(insn);
}

#define FIELD(name, value)                                                                                   \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		if (__builtin_expect(insn->imm > insn->imm2, 0))                                             \
			return cpu_raise(cpu, EXC_INE);                                                      \
		cpu_set_gpr(cpu, insn->rd, value);                                                           \
		return INSN_NEXT;                                                                            \
	}

FIELD(bstrins_w, sext32(insert_field(insn, GR(rd), GR(rj))))
FIELD(bstrins_d, insert_field(insn, GR(rd), GR(rj)))
FIELD(bstrpick_w, sext32(pick_field(insn, (uint32_t)GR(rj))))
FIELD(bstrpick_d, pick_field(insn, GR(rj)))
