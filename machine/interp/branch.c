/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Branches, Vol.1 2.2.4.  A misaligned target faults (ADEF) when it is fetched from. */
#include "machine/interp/interp.h"

static inline int branch(struct cpu *cpu, const struct insn *insn, bool taken)
{
	if (!taken)
		return INSN_NEXT;
	cpu->pc += (uint64_t)(int64_t)insn->imm;
	return INSN_JUMP;
}

#define BRANCH(name, condition)                                                                              \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		return branch(cpu, insn, condition);                                                         \
	}

BRANCH(beq, GR(rj) == GR(rd))
BRANCH(bne, GR(rj) != GR(rd))
BRANCH(blt, (int64_t)GR(rj) < (int64_t)GR(rd))
BRANCH(bge, (int64_t)GR(rj) >= (int64_t)GR(rd))
BRANCH(bltu, GR(rj) < GR(rd))
BRANCH(bgeu, GR(rj) >= GR(rd))
BRANCH(beqz, GR(rj) == 0)
BRANCH(bnez, GR(rj) != 0)
BRANCH(b, true)

INTERP(bl)
{
	cpu->gpr[1] = cpu->pc + 4;
	return branch(cpu, insn, true);
}

INTERP(jirl)
{
	uint64_t target = GR(rj) + (uint64_t)(int64_t)insn->imm; /* before rd is written: rd may be rj */

	cpu_set_gpr(cpu, insn->rd, cpu->pc + 4);
	cpu->pc = target;
	return INSN_JUMP;
}
