/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Compares two rigs (compare.h). */
#include "tests/jit/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/cpu/internal.h"

#define REPORTS 8 /* differences shown of one comparison */

/* A comparison in progress. */
struct comparison {
	unsigned core, found;
	bool report;
};

static void same(struct comparison *c, const char *name, int index, uint64_t expected, uint64_t got)
{
	if (expected == got)
		return;
	if (c->report && c->found < REPORTS) {
		printf("    core %u %s", c->core, name);
		if (index >= 0)
			printf("%d", index);
		printf(": reference %016" PRIx64 " translated %016" PRIx64 "\n", expected, got);
	}
	c->found++;
}

#define SAME(c, a, b, member) same(c, #member, -1, (uint64_t)(a)->member, (uint64_t)(b)->member)

static void compare_vectors(struct comparison *c, const struct cpu *a, const struct cpu *b)
{
	for (unsigned reg = 0; reg < 32; reg++) {
		const uint64_t *x = a->vr[reg].ud, *y = b->vr[reg].ud;

		if (memcmp(x, y, 32) == 0)
			continue;
		if (c->report && c->found < REPORTS)
			printf("    core %u vr%u: reference  %016" PRIx64 " %016" PRIx64 " %016" PRIx64
			       " %016" PRIx64 "\n              translated %016" PRIx64 " %016" PRIx64
			       " %016" PRIx64 " %016" PRIx64 "\n",
			       c->core, reg, x[3], x[2], x[1], x[0], y[3], y[2], y[1], y[0]);
		c->found++;
	}
}

static void compare_csrs(struct comparison *c, const struct csr_file *a, const struct csr_file *b)
{
	if (memcmp(a->value, b->value, sizeof(a->value)) == 0)
		return;
	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++)
		same(c, csr_info[slot].name, -1, a->value[slot], b->value[slot]);
}

static void compare_timer(struct comparison *c, const struct cpu_timer *a, const struct cpu_timer *b)
{
	SAME(c, a, b, running);
	SAME(c, a, b, expiry);
	SAME(c, a, b, stopped);
	same(c, "timer.fired", -1, atomic_load(&a->fired), atomic_load(&b->fired));
}

static void compare_core(struct comparison *c, const struct cpu *a, const struct cpu *b, bool reservations)
{
	SAME(c, a, b, pc);
	SAME(c, a, b, insn_count);
	for (unsigned reg = 0; reg < 32; reg++)
		same(c, "r", (int)reg, a->gpr[reg], b->gpr[reg]);
	compare_vectors(c, a, b);
	for (unsigned i = 0; i < 8; i++)
		same(c, "fcc", (int)i, a->fcc[i], b->fcc[i]);
	SAME(c, a, b, fcsr);
	SAME(c, a, b, guest_mode);
	compare_csrs(c, &a->root, &b->root);
	compare_csrs(c, &a->guest, &b->guest);
	for (unsigned mode = 0; mode < CPU_MODES; mode++) {
		compare_timer(c, &a->timer[mode], &b->timer[mode]);
		if (!reservations)
			continue;
		SAME(c, &a->ll[mode], &b->ll[mode], bit);
		SAME(c, &a->ll[mode], &b->ll[mode], size);
		SAME(c, &a->ll[mode], &b->ll[mode], offset);
	}
	same(c, "lines", -1, atomic_load(&a->lines), atomic_load(&b->lines));
	same(c, "halted", -1, atomic_load(&a->halted), atomic_load(&b->halted));
	SAME(c, a, b, stats.instructions);
	SAME(c, a, b, stats.exceptions);
	SAME(c, a, b, stats.interrupts);
	SAME(c, a, b, stats.tlb_refills);
	SAME(c, a, b, stats.vm_entries);
	SAME(c, a, b, stats.stage2_misses);
	SAME(c, a, b, random);
}

bool compare_cores(struct rig *reference, struct rig *translated, bool report)
{
	struct comparison c = { .report = report };

	for (c.core = 0; c.core < reference->options.cores; c.core++) {
		/* Counters are brought up to date when somebody looks, which engines do at different times.
		 */
		pmu_sync(reference->cpu[c.core]);
		pmu_sync(translated->cpu[c.core]);
		compare_core(&c, reference->cpu[c.core], translated->cpu[c.core],
			     !translated->options.weak_llsc);
	}
	c.core = 0;
	same(&c, "virtual time", -1, reference->clock.virtual_now, translated->clock.virtual_now);
	same(&c, "digest of device accesses", -1, reference->seen, translated->seen);
	return c.found == 0;
}

static void compare_entry(struct comparison *c, unsigned index, const struct tlb_entry *a,
			  const struct tlb_entry *b)
{
	if (!a->valid && !b->valid)
		return;
	same(c, "TLB valid ", (int)index, a->valid, b->valid);
	same(c, "TLB vppn ", (int)index, a->vppn, b->vppn);
	same(c, "TLB elo0 ", (int)index, a->elo[0], b->elo[0]);
	same(c, "TLB elo1 ", (int)index, a->elo[1], b->elo[1]);
	same(c, "TLB asid ", (int)index, a->asid, b->asid);
	same(c, "TLB ps ", (int)index, a->ps, b->ps);
}

bool compare_tlbs(const struct rig *reference, const struct rig *translated, bool report)
{
	struct comparison c = { .report = report };

	for (c.core = 0; c.core < reference->options.cores; c.core++)
		for (unsigned index = 0; index < TLB_ENTRIES; index++)
			compare_entry(&c, index, &reference->cpu[c.core]->tlb.entry[index],
				      &translated->cpu[c.core]->tlb.entry[index]);
	return c.found == 0;
}

bool compare_memory(const struct rig *reference, const struct rig *translated, uint64_t pa, uint64_t size,
		    bool report)
{
	const uint8_t *a = rig_ram(reference, pa), *b = rig_ram(translated, pa);
	unsigned found = 0;

	if (memcmp(a, b, size) == 0)
		return true;
	for (uint64_t i = 0; i + 8 <= size && found < REPORTS; i += 8) {
		uint64_t x, y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x == y)
			continue;
		if (report)
			printf("    memory %" PRIx64 ": reference %016" PRIx64 " translated %016" PRIx64 "\n",
			       pa + i, x, y);
		found++;
	}
	return false;
}
