/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What a core has to know before translated code goes on: which of its instructions need a look first, and
 * whether the end of an instruction with a result is one that concerns the run loop (machine/interp/run.c).
 */
#include "machine/cpu/internal.h"
#include "machine/interp/fp.h"
#include "machine/interp/interp.h"
#include "machine/jit/run.h"

/* Debug mode takes no interrupts; performance counters may interrupt at any instruction. */
static bool interrupts_plain(const struct cpu *cpu)
{
	uint64_t configs = 0;

	for (unsigned i = 0; i < cpu->pmu_counters; i++)
		configs |=
			cpu->root.value[CSR_SLOT_PMCFG0 + 2 * i] | cpu->guest.value[CSR_SLOT_PMCFG0 + 2 * i];
	return !(configs & PMCFG_PMIEN) && !(cpu->root.dbg & DBG_DST);
}

static unsigned missing_of_system(const struct cpu *cpu)
{
	unsigned missing = 0;

	if (cpu_plv(cpu) != PLV0 || trace_on(cpu->trace, TRACE_CSR))
		missing |= JIT_MISSING_PLV0;
	if (cpu->guest_mode)
		missing |= JIT_MISSING_ROOT;
	if (!interrupts_plain(cpu))
		missing |= JIT_MISSING_PLAIN_INTERRUPTS;
	return missing;
}

void jit_set_missing(struct cpu *cpu)
{
	const uint64_t units = cpu->csr->euen & cpu->root.euen;
	unsigned missing = missing_of_system(cpu);

	if (!(units & EUEN_FPE))
		missing |= JIT_MISSING_FP;
	if (!(units & EUEN_SXE))
		missing |= JIT_MISSING_LSX;
	if (!(units & EUEN_ASXE))
		missing |= JIT_MISSING_LASX;
	if (missing & JIT_MISSING_FP || cpu->fcsr & FCSR_ENABLES)
		missing |= JIT_MISSING_QUIET_FP;
	cpu->jit.missing = (uint8_t)missing;
}

/* Whether the run loop would just go on with the next instruction, whatever the one before has changed. */
static bool may_go_on(struct cpu *cpu, int result)
{
	const unsigned before = cpu->jit.missing;

	jit_set_missing(cpu);
	if ((before | cpu->jit.missing) & JIT_MISSING_PLAIN_INTERRUPTS || cpu->pmu_branching)
		return false;
	if (atomic_load_explicit(&cpu->attention, memory_order_relaxed))
		return false;
	if (result != INSN_STATE && result != INSN_STATE_JUMP)
		return result == INSN_RAISED || result == INSN_JUMP;
	return !atomic_load_explicit(&cpu->halted, memory_order_relaxed) && !cpu_interrupt_due(cpu);
}

/* Leaves it to the run loop. */
static const void *leave_result(struct cpu *cpu, int result)
{
	cpu->jit.result = (uint32_t)result;
	return cpu->group->translator.jit->thunk.result;
}

/* Code for pc, or what finds it. */
static const void *code_at_pc(struct cpu *cpu)
{
	const struct jit_jump *jump = jit_jump_of(cpu, cpu->pc);

	return jump->va == cpu->pc ? jump->entry : cpu->group->translator.jit->thunk.indirect;
}

const void *jit_settle(struct cpu *cpu, int result)
{
	const int64_t left = cpu->jit.budget - (int64_t)(cpu->insn_count - cpu->jit.count) - 1;

	if (cpu->group->translator.jit->options.check || left <= 0 || !may_go_on(cpu, result))
		return leave_result(cpu, result);
	if (result == INSN_RAISED) {
		cpu->jit.raised++;
		cpu->jit.budget--;
	} else {
		cpu->insn_count++;
	}
	if (result == INSN_STATE)
		cpu->pc += 4;
	cpu->jit.left = left;
	return code_at_pc(cpu);
}

/*
 * Whether an instruction at the end of its block, which is counted already, may change the mode without exact
 * counts: nothing but it can be the reason to leave translated code.
 */
static bool is_plain(const struct cpu *cpu, unsigned missing)
{
	return !(cpu->jit.missing & missing) && cpu->jit.left > 0 && !cpu->pmu_counters &&
	       !atomic_load_explicit(&cpu->attention, memory_order_relaxed) &&
	       !atomic_load_explicit(&cpu->trace->enabled, memory_order_relaxed);
}

const void *jit_help_syscall(struct cpu *cpu, uint64_t pc, uint32_t word)
{
	if (!is_plain(cpu, JIT_MISSING_PLAIN_INTERRUPTS))
		return NULL;
	cpu->pc = pc;
	cpu_raise_plain(cpu, EXC_SYS, word);
	jit_set_missing(cpu);
	/* It is not counted after all, but takes one off the budget. */
	cpu->jit.raised++;
	cpu->jit.budget--;
	return code_at_pc(cpu);
}

const void *jit_help_ertn(struct cpu *cpu, uint32_t site)
{
	if (!is_plain(cpu, JIT_MISSING_PLV0 | JIT_MISSING_PLAIN_INTERRUPTS))
		return NULL;
	(void)cpu_return(cpu);
	jit_set_missing(cpu);
	if (!cpu_interrupt_due(cpu))
		return code_at_pc(cpu);
	jit_count(cpu, cpu->jit.left + 1);
	cpu->segment_pc = jit_site_pc(cpu->group->translator.jit, site);
	cpu->jit.site = site;
	return leave_result(cpu, INSN_STATE_JUMP);
}
