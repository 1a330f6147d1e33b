/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the integer instructions' files share. */
#ifndef BIXI_INTERP_INTEGER_H
#define BIXI_INTERP_INTEGER_H

#include "machine/interp/interp.h"

static inline uint64_t sext32(uint64_t value)
{
	return (uint64_t)(int32_t)value;
}

static inline uint32_t rotate_right_w(uint32_t value, unsigned amount)
{
	return value >> (amount & 31) | value << (-amount & 31);
}

/*
 * What hashes and ciphers are made of, X(name, value): the run loop (run.c) computes these itself.  Such code
 * is long and without a loop inside; the host predicts the target of an indirect call badly there, and well
 * which of a few compares is true.
 */
#define INTEGER_INLINE(X)                                                                                    \
	X(xor, GR(rj) ^ GR(rk))                                                                              \
	X(add_w, sext32(GR(rj) + GR(rk)))                                                                    \
	X(rotri_w, sext32(rotate_right_w(GR(rj), (unsigned)insn->imm)))                                      \
	X(and, GR(rj) & GR(rk))                                                                              \
	X(or, GR(rj) | GR(rk))

/* An instruction that only computes a general register. */
#define COMPUTE(name, value)                                                                                 \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		cpu_set_gpr(cpu, insn->rd, value);                                                           \
		return INSN_NEXT;                                                                            \
	}

#endif
