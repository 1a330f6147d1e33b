/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Performance counters, Vol.1 7.7.  Two events exist: cycles and instructions, and as every instruction
 * takes one cycle here, they count the same thing.  Other event codes count nothing.
 *
 * A counter that counts is exact up to cpu->pmu_mark and owes the instructions retired since; the debt
 * is settled (pmu_sync) before what it depends on changes.
 */
#include "machine/cpu/internal.h"

#define PMCFG_EVENT	   UINT64_C(0x3ff)
#define PMCFG_PLV(plv)	   (UINT64_C(1) << (16 + (plv)))
#define PMCFG_PMIEN	   (UINT64_C(1) << 20)
#define EVENT_CYCLES	   0
#define EVENT_INSTRUCTIONS 1
#define COUNT_OVERFLOW	   (UINT64_C(1) << 63)

static uint64_t counter_config(const struct cpu *cpu, unsigned counter)
{
	return cpu->root.value[CSR_SLOT_PMCFG0 + 2 * counter];
}

static uint64_t *counter_value(struct cpu *cpu, unsigned counter)
{
	return &cpu->root.value[CSR_SLOT_PMCNT0 + 2 * counter];
}

void pmu_reset(struct cpu *cpu)
{
	cpu->pmu_mark = 0;
	cpu->pmu_active = 0;
}

void pmu_sync(struct cpu *cpu)
{
	uint64_t retired = cpu->insn_count - cpu->pmu_mark;

	cpu->pmu_mark = cpu->insn_count;
	for (unsigned active = cpu->pmu_active; active; active &= active - 1)
		*counter_value(cpu, (unsigned)__builtin_ctz(active)) += retired;
}

void pmu_select(struct cpu *cpu)
{
	uint64_t plv = PMCFG_PLV(cpu_plv(cpu));

	cpu->pmu_active = 0;
	for (unsigned i = 0; i < cpu->model->counters; i++) {
		uint64_t config = counter_config(cpu, i), event = config & PMCFG_EVENT;

		if (config & plv && (event == EVENT_CYCLES || event == EVENT_INSTRUCTIONS))
			cpu->pmu_active |= (uint8_t)(1u << i);
	}
}

uint64_t pmu_count(const struct cpu *cpu, unsigned counter)
{
	uint64_t value = cpu->root.value[CSR_SLOT_PMCNT0 + 2 * counter];

	if (cpu->pmu_active >> counter & 1)
		value += cpu->insn_count - cpu->pmu_mark;
	return value;
}

bool pmu_overflow(const struct cpu *cpu)
{
	for (unsigned i = 0; i < cpu->model->counters; i++)
		if (counter_config(cpu, i) & PMCFG_PMIEN && pmu_count(cpu, i) & COUNT_OVERFLOW)
			return true;
	return false;
}

uint64_t cpu_pmu_budget(const struct cpu *cpu)
{
	uint64_t budget = UINT64_MAX;

	for (unsigned active = cpu->pmu_active; active; active &= active - 1) {
		unsigned i = (unsigned)__builtin_ctz(active);
		uint64_t count = pmu_count(cpu, i);

		if (counter_config(cpu, i) & PMCFG_PMIEN && !(count & COUNT_OVERFLOW) &&
		    COUNT_OVERFLOW - count < budget)
			budget = COUNT_OVERFLOW - count;
	}
	return budget;
}
