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

	for (unsigned i = 0; i < cpu->model->counters; i++)
		configs |= cpu->root.value[CSR_SLOT_PMCFG0 + 2 * i];
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

bool jit_nothing_to_take(const struct cpu *cpu)
{
	for (unsigned mode = 0; mode < CPU_MODES; mode++)
		if (atomic_load_explicit(&cpu->timer[mode].fired, memory_order_relaxed))
			return false;
	return !(cpu->root.crmd & CRMD_IE) || !cpu_interrupt_pending(cpu);
}

/* Whether the run loop would just go on with the next instruction, whatever the one before has changed. */
static bool may_go_on(struct cpu *cpu, int result)
{
	const unsigned before = cpu->jit.missing;

	jit_set_missing(cpu);
	if ((before | cpu->jit.missing) & (JIT_MISSING_ROOT | JIT_MISSING_PLAIN_INTERRUPTS) ||
	    cpu->pmu_branching)
		return false;
	if (atomic_load_explicit(&cpu->attention, memory_order_relaxed))
		return false;
	if (result != INSN_STATE && result != INSN_STATE_JUMP)
		return result == INSN_RAISED || result == INSN_JUMP;
	return !atomic_load_explicit(&cpu->halted, memory_order_relaxed) && jit_nothing_to_take(cpu);
}

bool jit_settle(struct cpu *cpu, struct translated_insn *insn)
{
	const bool raised = insn->result == INSN_RAISED;
	const int64_t left = cpu->jit.budget - (int64_t)(cpu->insn_count - cpu->jit.count) - 1;

	if (left <= 0 || !may_go_on(cpu, insn->result))
		return false;
	if (raised) {
		insn->raised++;
		cpu->jit.budget--;
	} else {
		cpu->insn_count++;
	}
	if (insn->result == INSN_STATE)
		cpu->pc += 4;
	cpu->jit.left = left;
	return true;
}
