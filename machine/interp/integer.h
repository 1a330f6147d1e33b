/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the integer instructions' files share. */
#ifndef BIXI_INTERP_INTEGER_H
#define BIXI_INTERP_INTEGER_H

#include "machine/interp/interp.h"

static inline uint64_t sext32(uint64_t value)
{
	return (uint64_t)(int32_t)value;
}

/* An instruction that only computes a general register. */
#define COMPUTE(name, value)                                                                                 \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		cpu_set_gpr(cpu, insn->rd, value);                                                           \
		return INSN_NEXT;                                                                            \
	}

#endif
