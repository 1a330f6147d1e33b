/* SPDX-License-Identifier: MulanPSL-2.0 */
/* MXCSR and FCSR0 at the borders of translated code: fp_state.h. */
#include <string.h>

#include "machine/interp/fp.h"
#include "machine/interp/interp.h"
#include "machine/jit/fp_state.h"

void jit_fp_enter(struct cpu *cpu)
{
	struct fp_env env;

	fp_begin(&env, cpu->fcsr, FP_HOST);
	cpu->jit.fp_used = true;
}

/*
 * Sets FCSR0.Cause: executes the instruction of @cause once more, by the reference engine's function and with
 * registers that are lent to it.
 */
static void repeat(struct cpu *cpu, const struct jit_cause *cause)
{
	enum { RD, RJ, RK, RA, LENT };
	const uint64_t root_euen = cpu->root.euen, euen = cpu->csr->euen;
	const uint32_t fcsr = cpu->fcsr;
	const uint8_t fcc = cpu->fcc[RD];
	union vreg lent[LENT];
	struct insn insn;

	interp_decode(&insn, cause->word);
	insn.rd = RD;
	insn.rj = RJ;
	insn.rk = RK;
	insn.ra = RA;
	memcpy(lent, cpu->vr, sizeof(lent));
	memcpy(&cpu->vr[RJ], cause->operand, sizeof(cause->operand));
	/* the units were on then */
	cpu->csr->euen = cpu->root.euen = EUEN_FPE | EUEN_SXE | EUEN_ASXE;
	insn.fn(cpu, &insn);
	cpu->fcsr = (fcsr & ~FCSR_CAUSE) | (cpu->fcsr & FCSR_CAUSE);
	cpu->csr->euen = euen;
	cpu->root.euen = root_euen;
	cpu->fcc[RD] = fcc;
	memcpy(cpu->vr, lent, sizeof(lent));
}

void jit_fp_leave(struct cpu *cpu)
{
	struct fp_env env = { .unit = FP_HOST, .rounding = (cpu->fcsr & FCSR_RM) >> FCSR_RM_SHIFT };
	struct jit_cause *cause = &cpu->jit.cause;

	if (!cpu->jit.fp_used)
		return;
	cpu->jit.fp_used = false;
	cpu->fcsr |= fp_end(&env) << FCSR_FLAGS_SHIFT;
	if (cause->word == JIT_CAUSE_NONE)
		cpu->fcsr &= ~FCSR_CAUSE;
	else if (cause->word)
		repeat(cpu, cause);
	cause->word = 0;
}
