/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Shifts and rotations, Vol.1 2.2.2.  The amount is taken modulo the operand's width. */
#include "machine/interp/integer.h"

static inline uint64_t rotate_right_d(uint64_t value, unsigned amount)
{
	return value >> (amount & 63) | value << (-amount & 63);
}

/* The register form @name and the immediate form @name_i; the value is made from GR(rj) and AMOUNT. */
#define SHIFT(name, name_i, amount_mask, value)                                                              \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		unsigned amount = GR(rk) & (amount_mask);                                                    \
                                                                                                             \
		cpu_set_gpr(cpu, insn->rd, value);                                                           \
		return INSN_NEXT;                                                                            \
	}                                                                                                    \
	INTERP(name_i)                                                                                       \
	{                                                                                                    \
		unsigned amount = (unsigned)insn->imm & (amount_mask);                                       \
                                                                                                             \
		cpu_set_gpr(cpu, insn->rd, value);                                                           \
		return INSN_NEXT;                                                                            \
	}

SHIFT(sll_w, slli_w, 31, sext32(GR(rj) << amount))
SHIFT(srl_w, srli_w, 31, sext32((uint32_t)GR(rj) >> amount))
SHIFT(sra_w, srai_w, 31, (uint64_t)(int64_t)((int32_t)GR(rj) >> amount))
COMPUTE(rotr_w, sext32(rotate_right_w(GR(rj), (unsigned)GR(rk)))) /* rotri_w: integer.h */
SHIFT(sll_d, slli_d, 63, GR(rj) << amount)
SHIFT(srl_d, srli_d, 63, GR(rj) >> amount)
SHIFT(sra_d, srai_d, 63, (uint64_t)((int64_t)GR(rj) >> amount))
SHIFT(rotr_d, rotri_d, 63, rotate_right_d(GR(rj), amount))
