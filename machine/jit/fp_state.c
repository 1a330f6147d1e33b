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

static void work_out_cause(struct cpu *cpu)
{
	struct jit_cause *cause = &cpu->jit.cause;

	if (cause->word == JIT_CAUSE_NONE)
		cpu->fcsr &= ~FCSR_CAUSE;
	else if (cause->word)
		repeat(cpu, cause);
	cause->word = 0;
}

void jit_fp_leave(struct cpu *cpu)
{
	struct fp_env env = { .unit = FP_HOST, .rounding = (cpu->fcsr & FCSR_RM) >> FCSR_RM_SHIFT };

	if (!cpu->jit.fp_used)
		return;
	cpu->jit.fp_used = false;
	cpu->fcsr |= fp_end(&env) << FCSR_FLAGS_SHIFT;
	work_out_cause(cpu);
}

/* Makes FCSR0 what it is.  MXCSR keeps flags that FCSR0 has then, too. */
static void look(struct cpu *cpu)
{
	const uint32_t host = mxcsr_read();

	cpu->fcsr |= fp_flags_of(host) << FCSR_FLAGS_SHIFT;
	if (!cpu->jit.cause.word)
		return;
	work_out_cause(cpu);
	mxcsr_write(host);
}

uint64_t jit_fp_read(struct cpu *cpu, uint32_t view)
{
	look(cpu);
	return cpu->fcsr & view;
}

void jit_fp_write(struct cpu *cpu, uint32_t value, uint32_t view)
{
	/* What is overwritten need not be known; the rest is by what RM and Enables were. */
	if (!(view & FCSR_CAUSE))
		look(cpu);
	cpu->jit.cause.word = 0;
	cpu->fcsr = (cpu->fcsr & ~view) | (value & view);
	if (cpu->fcsr & FCSR_ENABLES)
		cpu->jit.missing |= JIT_MISSING_QUIET_FP;
	else
		cpu->jit.missing &= (uint8_t)~JIT_MISSING_QUIET_FP;
	jit_fp_enter(cpu);
}
