/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Functions that translated code calls, through thunk.c: accesses the soft TLB does not know, and
 * instructions.
 */
#include "machine/cpu/access.h"
#include "machine/cpu/internal.h"
#include "machine/interp/interp.h"
#include "machine/jit/fp_state.h"
#include "machine/jit/run.h"

void jit_locate(struct cpu *cpu, uint32_t number)
{
	const struct jit *jit = cpu->group->translator.jit;
	const struct jit_site *site = &jit->site[number];
	const struct jit_block *block = &jit->block[site->block];
	const struct jit_page *page = &jit->page[block->page];

	/* The block has taken all its instructions off the budget. */
	jit_count(cpu, cpu->jit.left + block->insns - site->index);
	cpu->pc = jit_site_pc(jit, number);
	cpu->segment_pc = cpu->pc;
	cpu->code_base = cpu->pc & -(uint64_t)BUS_PAGE_SIZE;
	cpu->code = (const uint32_t *)(page->host + (cpu->code_base - page->va));
}

/*
 * Something wants to be looked at after the instruction.  The reference engine does that where a straight run
 * ends; with a negative budget the next block is not entered (run.c goes on from there).
 */
static void attend_soon(struct cpu *cpu)
{
	const int64_t take = cpu->jit.left + 2 * JIT_BLOCK_INSNS;

	if (take <= 0)
		return;
	cpu->jit.left -= take;
	cpu->jit.budget -= take;
}

static void look_around(struct cpu *cpu)
{
	if (atomic_load_explicit(&cpu->attention, memory_order_relaxed))
		attend_soon(cpu);
}

struct jit_loaded jit_help_load(struct cpu *cpu, uint64_t va, uint32_t number)
{
	const struct jit *jit = cpu->group->translator.jit;
	const unsigned size = jit->site[number].size;
	const void *host;

	jit->counts[cpu->id].loads++;
	jit_locate(cpu, number);
	if (softtlb_recall(cpu, va, SOFTTLB_LOAD)) {
		host = access_host(cpu, va, size, SOFTTLB_LOAD);
		if (host)
			return (struct jit_loaded){ .value = host };
	}
	if (!access_load_slow(cpu, va, cpu->jit.bounce, size))
		return (struct jit_loaded){ .elsewhere = jit_settle(cpu, INSN_RAISED) };
	look_around(cpu);
	return (struct jit_loaded){ .value = cpu->jit.bounce };
}

/*
 * Where to go on after the instruction at @site, which is done.  Not in the block if what it has overwritten
 * may be what comes next, nor if meanwhile the core gave up its rights to store (@flushes: store_flushes
 * before), which the block's spans do not know.
 */
static const void *go_on(const struct cpu *cpu, const struct jit_site *site, uint64_t flushes)
{
	const struct jit *jit = cpu->group->translator.jit;

	if (cache_page_lives(jit, jit->block[site->block].page) && cpu->softtlb.store_flushes == flushes)
		return NULL;
	return jit->thunk.rewritten;
}

const void *jit_help_store(struct cpu *cpu, uint64_t va, uint32_t number)
{
	const struct jit *jit = cpu->group->translator.jit;
	const struct jit_site *site = &jit->site[number];
	const uint64_t flushes = cpu->softtlb.store_flushes;
	void *host;

	jit->counts[cpu->id].stores++;
	jit_locate(cpu, number);
	if (softtlb_recall(cpu, va, SOFTTLB_STORE)) {
		host = access_host(cpu, va, site->size, SOFTTLB_STORE);
		if (host) {
			copy_out(host, cpu->jit.bounce, site->size);
			return NULL;
		}
	}
	if (!access_store_slow(cpu, va, cpu->jit.bounce, site->size))
		return jit_settle(cpu, INSN_RAISED);
	look_around(cpu);
	return go_on(cpu, site, flushes);
}

const void *jit_help_insn(struct cpu *cpu, uint32_t number)
{
	const struct jit *jit = cpu->group->translator.jit;
	const struct jit_site *site = &jit->site[number];
	const uint8_t extension = isa_info[site->insn.op].extension;
	const bool fp = extension == ISA_EXT_FP || extension == ISA_EXT_LSX || extension == ISA_EXT_LASX;
	const uint64_t flushes = cpu->softtlb.store_flushes;
	int result;

	jit->counts[cpu->id].called[site->insn.op]++;
	jit_locate(cpu, number);
	if (fp)
		jit_fp_leave(cpu);
	result = site->insn.fn(cpu, &site->insn);
	if (fp) {
		jit_fp_enter(cpu);
		jit_set_missing(cpu);
	}
	look_around(cpu);
	return result == INSN_NEXT ? go_on(cpu, site, flushes) : jit_settle(cpu, result);
}
