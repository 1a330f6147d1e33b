/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What each CPU counts of its guests' exits. */
#include "hv.h"

void stat_count(struct cpu *cpu, enum hv_stat stat, uint64_t begin, uint64_t pc, uint32_t insn)
{
	uint64_t now = arch_time(), ticks = now - begin;
	unsigned bucket = ticks ? 63 - (unsigned)__builtin_clzll(ticks) : 0, slot = cpu->exit_next;

	cpu->stats.count[HV_STAT_TOTAL]++;
	cpu->stats.ticks[HV_STAT_TOTAL] += ticks;
	cpu->stats.count[stat]++;
	cpu->stats.ticks[stat] += ticks;
	cpu->stats.latency[bucket < HV_LATENCY_BUCKETS ? bucket : HV_LATENCY_BUCKETS - 1]++;

	cpu->exits[slot].time = begin;
	cpu->exits[slot].pc = pc;
	cpu->exits[slot].stat = stat;
	cpu->exits[slot].insn = insn;
	cpu->exit_next = (slot + 1) % HV_FAULT_EXITS;

	if (now >= __atomic_load_n(&heartbeat_due, __ATOMIC_RELAXED))
		heartbeat_watch(cpu);
}
