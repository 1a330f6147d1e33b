/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Arithmetic and logic, Vol.1 2.2.1.  What a division by zero or the overflowing division gives is open
 * in the manual; here, as in QEMU, the divisor is then taken as 1.
 */
#include "machine/interp/integer.h"

#define SI ((uint64_t)(int64_t)insn->imm)  /* a signed immediate, extended */
#define UI ((uint64_t)(uint32_t)insn->imm) /* an unsigned one */
#define SJ ((int64_t)GR(rj))
#define SK ((int64_t)GR(rk))
#define WJ ((int32_t)GR(rj))
#define WK ((int32_t)GR(rk))

INTEGER_INLINE(COMPUTE) /* xor, add_w, rotri_w, and, or: integer.h */

COMPUTE(add_d, GR(rj) + GR(rk))
COMPUTE(sub_w, sext32(GR(rj) - GR(rk)))
COMPUTE(sub_d, GR(rj) - GR(rk))
COMPUTE(addi_w, sext32(GR(rj) + SI))
COMPUTE(addi_d, GR(rj) + SI)
COMPUTE(addu16i_d, GR(rj) + (SI << 16))

/* The operand is sa2 + 1, as the assembler writes it. */
COMPUTE(alsl_w, sext32((GR(rj) << insn->imm) + GR(rk)))
COMPUTE(alsl_wu, (uint32_t)((GR(rj) << insn->imm) + GR(rk)))
COMPUTE(alsl_d, (GR(rj) << insn->imm) + GR(rk))

COMPUTE(lu12i_w, SI << 12)
COMPUTE(lu32i_d, SI << 32 | (uint32_t)GR(rd))
COMPUTE(lu52i_d, SI << 52 | (GR(rj) & ((UINT64_C(1) << 52) - 1)))

COMPUTE(slt, SJ < SK)
COMPUTE(sltu, GR(rj) < GR(rk))
COMPUTE(slti, SJ < (int64_t)insn->imm)
COMPUTE(sltui, GR(rj) < SI)

COMPUTE(pcaddi, cpu->pc + (SI << 2))
COMPUTE(pcaddu12i, cpu->pc + (SI << 12))
COMPUTE(pcaddu18i, cpu->pc + (SI << 18))
COMPUTE(pcalau12i, (cpu->pc + (SI << 12)) & ~UINT64_C(0xfff))

COMPUTE(nor, ~(GR(rj) | GR(rk)))
COMPUTE(andn, GR(rj) & ~GR(rk))
COMPUTE(orn, GR(rj) | ~GR(rk))
COMPUTE(andi, GR(rj) & UI)
COMPUTE(ori, GR(rj) | UI)
COMPUTE(xori, GR(rj) ^ UI)

COMPUTE(mul_w, sext32(GR(rj) * GR(rk)))
COMPUTE(mulh_w, (uint64_t)((int64_t)WJ *WK >> 32))
COMPUTE(mulh_wu, sext32((uint64_t)(uint32_t)GR(rj) * (uint32_t)GR(rk) >> 32))
COMPUTE(mul_d, GR(rj) * GR(rk))
COMPUTE(mulh_d, (uint64_t)((__int128)SJ *SK >> 64))
COMPUTE(mulh_du, (uint64_t)((unsigned __int128)GR(rj) * GR(rk) >> 64))
COMPUTE(mulw_d_w, (uint64_t)((int64_t)WJ *WK))
COMPUTE(mulw_d_wu, (uint64_t)(uint32_t)GR(rj) * (uint32_t)GR(rk))

static inline int32_t divisor_w(int32_t dividend, int32_t divisor)
{
	return divisor == 0 || (dividend == INT32_MIN && divisor == -1) ? 1 : divisor;
}

static inline int64_t divisor_d(int64_t dividend, int64_t divisor)
{
	return divisor == 0 || (dividend == INT64_MIN && divisor == -1) ? 1 : divisor;
}

static inline uint64_t divisor_u(uint64_t divisor)
{
	return divisor ? divisor : 1;
}

COMPUTE(div_w, (uint64_t)(int64_t)(WJ / divisor_w(WJ, WK)))
COMPUTE(mod_w, (uint64_t)(int64_t)(WJ % divisor_w(WJ, WK)))
COMPUTE(div_wu, sext32((uint32_t)GR(rj) / (uint32_t)divisor_u((uint32_t)GR(rk))))
COMPUTE(mod_wu, sext32((uint32_t)GR(rj) % (uint32_t)divisor_u((uint32_t)GR(rk))))
COMPUTE(div_d, (uint64_t)(SJ / divisor_d(SJ, SK)))
COMPUTE(mod_d, (uint64_t)(SJ % divisor_d(SJ, SK)))
COMPUTE(div_du, GR(rj) / divisor_u(GR(rk)))
COMPUTE(mod_du, GR(rj) % divisor_u(GR(rk)))
