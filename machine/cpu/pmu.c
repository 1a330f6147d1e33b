/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Performance counters, Vol.1 7.7.  Four events exist, with the codes of Loongson's cores: cycles and
 * instructions, and as every instruction takes one cycle here, they count the same thing; branches and
 * mispredicted branches, of a processor that predicts conditional ones to be taken if they go back and all
 * others right.  Other event codes count nothing.
 *
 * A counter of the first two is exact up to cpu->pmu_mark and owes the instructions retired since; the debt
 * is settled (pmu_sync) before what it depends on changes.  The other two are counted by the engine as it
 * goes, while there are any.
 */
#include <string.h>

#include "machine/cpu/internal.h"

#define PMCFG_EVENT	   UINT64_C(0x3ff)
#define PMCFG_PLV(plv)	   (UINT64_C(1) << (16 + (plv)))
#define EVENT_CYCLES	   0
#define EVENT_INSTRUCTIONS 1
#define EVENT_BRANCHES	   2
#define EVENT_MISSES	   3
#define COUNT_OVERFLOW	   (UINT64_C(1) << 63)

static uint64_t counter_config(const struct cpu *cpu, enum cpu_mode mode, unsigned counter)
{
	return (mode == CPU_GUEST ? &cpu->guest : &cpu->root)->value[CSR_SLOT_PMCFG0 + 2 * counter];
}

static uint64_t *counter_value(struct cpu *cpu, enum cpu_mode mode, unsigned counter)
{
	return &cpu_csr(cpu, mode)->value[CSR_SLOT_PMCNT0 + 2 * counter];
}

void pmu_settle(struct cpu *cpu)
{
	uint64_t retired = cpu->insn_count - cpu->pmu_mark;

	cpu->pmu_mark = cpu->insn_count;
	for (unsigned mode = 0; mode < CPU_MODES; mode++)
		for (unsigned active = cpu->pmu_active[mode]; active; active &= active - 1)
			*counter_value(cpu, mode, (unsigned)__builtin_ctz(active)) += retired;
}

/*
 * The file whose counter @counter counts in the current mode; CPU_MODES: none.  Those that GCFG.GPERF gives
 * away count for the guest alone; root's own count in the modes that their GMOD names (inferred: 0 root, 1
 * guest, else both).
 */
static enum cpu_mode counter_owner(const struct cpu *cpu, unsigned counter)
{
	uint64_t gmod = counter_config(cpu, CPU_ROOT, counter) >> 21 & 3;

	if (cpu->guest_mode && counter < GCFG_GPERF(cpu->root.gcfg))
		return CPU_GUEST;
	return gmod >= 2 || gmod == cpu->guest_mode ? CPU_ROOT : CPU_MODES;
}

void pmu_choose(struct cpu *cpu)
{
	uint64_t plv = PMCFG_PLV(cpu_plv(cpu));

	memset(cpu->pmu_active, 0, sizeof(cpu->pmu_active));
	memset(cpu->pmu_branches, 0, sizeof(cpu->pmu_branches));
	cpu->pmu_branching = false;
	for (unsigned i = 0; i < cpu->pmu_counters; i++) {
		enum cpu_mode mode = counter_owner(cpu, i);
		uint64_t config, event;

		if (mode == CPU_MODES)
			continue;
		config = counter_config(cpu, mode, i);
		event = config & PMCFG_EVENT;
		if (!(config & plv))
			continue;
		if (event == EVENT_CYCLES || event == EVENT_INSTRUCTIONS)
			cpu->pmu_active[mode] |= (uint8_t)(1u << i);
		else if (event == EVENT_BRANCHES || event == EVENT_MISSES)
			cpu->pmu_branches[mode] |= (uint8_t)(1u << i);
		cpu->pmu_branching |= cpu->pmu_branches[mode] != 0;
	}
}

void pmu_configure(struct cpu *cpu)
{
	cpu->pmu_mark = cpu->insn_count;
	cpu->pmu_counters = 0;
	for (unsigned i = 0; i < cpu->model->counters; i++)
		if (counter_config(cpu, CPU_ROOT, i) | counter_config(cpu, CPU_GUEST, i))
			cpu->pmu_counters = (uint8_t)(i + 1);
	pmu_choose(cpu);
}

void cpu_pmu_branch(struct cpu *cpu, bool mispredicted)
{
	for (unsigned mode = 0; mode < CPU_MODES; mode++)
		for (unsigned counting = cpu->pmu_branches[mode]; counting; counting &= counting - 1) {
			unsigned i = (unsigned)__builtin_ctz(counting);

			if (mispredicted || (counter_config(cpu, mode, i) & PMCFG_EVENT) == EVENT_BRANCHES)
				++*counter_value(cpu, mode, i);
		}
}

uint64_t pmu_count(const struct cpu *cpu, enum cpu_mode mode, unsigned counter)
{
	const struct csr_file *csr = mode == CPU_GUEST ? &cpu->guest : &cpu->root;
	uint64_t value = csr->value[CSR_SLOT_PMCNT0 + 2 * counter];

	if (cpu->pmu_active[mode] >> counter & 1)
		value += cpu->insn_count - cpu->pmu_mark;
	return value;
}

bool pmu_overflow(const struct cpu *cpu, enum cpu_mode mode)
{
	for (unsigned i = 0; i < cpu->pmu_counters; i++)
		if (counter_config(cpu, mode, i) & PMCFG_PMIEN && pmu_count(cpu, mode, i) & COUNT_OVERFLOW)
			return true;
	return false;
}

static uint64_t budget_of(const struct cpu *cpu, enum cpu_mode mode)
{
	unsigned active = cpu->pmu_active[mode] | cpu->pmu_branches[mode];
	uint64_t budget = UINT64_MAX;

	for (; active; active &= active - 1) {
		unsigned i = (unsigned)__builtin_ctz(active);
		uint64_t count = pmu_count(cpu, mode, i);

		if (counter_config(cpu, mode, i) & PMCFG_PMIEN && !(count & COUNT_OVERFLOW) &&
		    COUNT_OVERFLOW - count < budget)
			budget = COUNT_OVERFLOW - count;
	}
	return budget;
}

uint64_t cpu_pmu_budget(const struct cpu *cpu)
{
	uint64_t root = budget_of(cpu, CPU_ROOT), guest = budget_of(cpu, CPU_GUEST);

	return root < guest ? root : guest;
}
