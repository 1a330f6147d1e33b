/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What must hold of a core (translation.h).  Translation is written down here a second time, without searches
 * and caches: a TLB may hold several entries for an address, and any of them may be meant.
 */
#include "tests/fuzz/translation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/state.h"

/* What is compared here says nothing about the input, and there is much of it. */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)

static const char *const access_names[] = { "load", "store", "fetch" };

static void fail(const struct cpu *cpu, const char *what)
{
	fprintf(stderr, "core %u in %s mode at %#lx: %s\n", cpu->id, cpu->guest_mode ? "guest" : "root",
		(unsigned long)cpu->pc, what);
	abort();
}

static void tlb_check(const struct cpu *cpu)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		const struct tlb_entry *e = &cpu->tlb.entry[i];

		if (!e->valid)
			continue;
		if (i < STLB_ENTRIES ? !(cpu->tlb.stlb_sizes >> e->ps & 1)
				     : i - STLB_ENTRIES >= cpu->tlb.mtlb_used)
			fail(cpu, "a TLB entry that no search finds");
		if (e->kind == TLB_ROOT && e->gid)
			fail(cpu, "a TLB entry of root's with a guest's GID");
	}
}

void core_check(const struct cpu *cpu)
{
	if (cpu->csr != (cpu->guest_mode ? &cpu->guest : &cpu->root))
		fail(cpu, "the current CSR file is the other mode's");
	if (cpu->guest_mode && !cpu_model_lvz(cpu->model))
		fail(cpu, "guest mode on a processor without it");
	if (cpu->guest_mode && cpu->root.dbg & DBG_DST)
		fail(cpu, "a guest in root's debug mode");
	if (cpu->gpr[0])
		fail(cpu, "r0 is not 0");
	for (unsigned i = 0; i < 8; i++)
		if (cpu->fcc[i] > 1)
			fail(cpu, "a condition flag that is neither 0 nor 1");
	tlb_check(cpu);
}

/* Translation, a second time. */

/* Valid entries of the TLB, of which there are mostly few. */
struct live {
	const struct tlb_entry *entry[TLB_ENTRIES];
	unsigned count;
};

/* One question: may the guest reach this page of the host by this access at this address? */
struct question {
	const struct cpu *cpu;
	const struct live *live;
	uint64_t va;
	enum softtlb_access kind;
	const void *host;
};

static bool allowed(uint64_t elo, enum softtlb_access kind, unsigned plv, bool unprotected)
{
	unsigned page_plv = elo >> 2 & 3;

	if (!(elo & TLBELO_V) || (elo & TLBELO_RPLV ? plv != page_plv : plv > page_plv))
		return false;
	return kind == SOFTTLB_LOAD    ? !(elo & TLBELO_NR)
	       : kind == SOFTTLB_STORE ? elo & TLBELO_D || unprotected
				       : !(elo & TLBELO_NX);
}

static bool entry_covers(const struct tlb_entry *e, uint64_t address)
{
	return !((e->vppn ^ address) >> (e->ps + 1));
}

static uint64_t through(const struct tlb_entry *e, uint64_t address)
{
	uint64_t mask = (UINT64_C(1) << e->ps) - 1;

	return (e->elo[address >> e->ps & 1] & CSR_VPN & PA_MASK & ~mask) | (address & mask);
}

static bool is_page(const struct question *q, uint64_t pa)
{
	return bus_ram(q->cpu->bus, pa, BUS_PAGE_SIZE) == q->host;
}

static bool stage2_allows(const struct question *q, uint64_t gpa)
{
	const uint8_t gid = GSTAT_GID(q->cpu->root.gstat);
	uint64_t address = (uint64_t)((int64_t)(gpa << (64 - VALEN)) >> (64 - VALEN));

	if (!q->cpu->guest_mode)
		return is_page(q, gpa);
	for (unsigned i = 0; i < q->live->count; i++) {
		const struct tlb_entry *e = q->live->entry[i];

		if (e->kind == TLB_S2 && e->gid == gid && entry_covers(e, address) &&
		    allowed(e->elo[address >> e->ps & 1], q->kind, PLV0, false) &&
		    is_page(q, through(e, address)))
			return true;
	}
	return false;
}

static bool tlb_allows(const struct question *q, uint64_t va)
{
	const struct cpu *cpu = q->cpu;
	const struct csr_file *csr = cpu->csr;
	const unsigned plv = csr->crmd & CRMD_PLV, gid = cpu->guest_mode ? GSTAT_GID(cpu->root.gstat) : 0;
	const bool unprotected = plv < PLV3 && csr->misc & MISC_DWPL(plv);
	int64_t top = (int64_t)va >> (VALEN - 1 - (csr->rvacfg > 8 ? 8 : csr->rvacfg));

	if (top != 0 && top != -1)
		return false;
	for (unsigned i = 0; i < q->live->count; i++) {
		const struct tlb_entry *e = q->live->entry[i];

		if (e->kind == (cpu->guest_mode ? TLB_G1 : TLB_ROOT) && e->gid == gid &&
		    (e->global || e->asid == (csr->asid & ASID_MASK)) && entry_covers(e, va) &&
		    allowed(e->elo[va >> e->ps & 1], q->kind, plv, unprotected) &&
		    stage2_allows(q, through(e, va)))
			return true;
	}
	return false;
}

static bool is_allowed(const struct question *q)
{
	const struct csr_file *csr = q->cpu->csr;
	const uint64_t *dmw = &csr->value[CSR_SLOT_DMW0];
	const unsigned plv = csr->crmd & CRMD_PLV;
	uint64_t va = q->va;

	if (plv && csr->misc & MISC_VA32(plv))
		va = (uint32_t)va;
	if (csr->crmd & CRMD_DA && !(csr->crmd & CRMD_PG))
		return stage2_allows(q, va & PA_MASK);
	for (unsigned n = 0; n < (q->kind == SOFTTLB_FETCH ? 2 : 4); n++)
		if (dmw[n] >> plv & 1 && dmw[n] >> 60 == va >> 60)
			return stage2_allows(q, va & PA_MASK);
	return tlb_allows(q, va);
}

/* The current bank. */

static void question_ask(const struct question *q)
{
	if (is_allowed(q))
		return;
	fprintf(stderr, "the soft TLB allows a %s at %#lx, host %p, RAM %#lx, crmd %#lx, asid %#lx, gid %u\n",
		access_names[q->kind], (unsigned long)q->va, q->host,
		(unsigned long)((const uint8_t *)q->host - q->cpu->bus->ram),
		(unsigned long)q->cpu->csr->crmd, (unsigned long)(q->cpu->csr->asid & ASID_MASK),
		GSTAT_GID(q->cpu->root.gstat));
	for (unsigned n = 0; n < 4; n++)
		fprintf(stderr, "  window %#lx\n", (unsigned long)q->cpu->csr->value[CSR_SLOT_DMW0 + n]);
	for (unsigned i = 0; i < q->live->count; i++) {
		const struct tlb_entry *e = q->live->entry[i];

		fprintf(stderr, "  kind %u gid %u asid %#x%s vppn %#lx ps %u %#lx %#lx\n", e->kind, e->gid,
			e->asid, e->global ? " global" : "", (unsigned long)e->vppn, e->ps,
			(unsigned long)e->elo[0], (unsigned long)e->elo[1]);
	}
	fail(q->cpu, "no TLB entries stand behind an entry of the soft TLB");
}

/* The soft TLB's page at @va: each of the guest's smallest pages in it. */
static void page_ask(const struct cpu *cpu, const struct live *live, uint64_t va, enum softtlb_access kind,
		     const uint8_t *host)
{
	for (uint64_t offset = 0; offset < cpu->page_size; offset += BUS_PAGE_SIZE)
		question_ask(&(struct question){ cpu, live, va + offset, kind, host + offset });
}

static void bank_check(const struct cpu *cpu, const struct live *live)
{
	const unsigned bits = cpu->page_bits;

	for (unsigned i = 0; i < SOFTTLB_ENTRIES; i++) {
		const struct softtlb_entry *e = &cpu->bank->entry[i];

		for (enum softtlb_access kind = SOFTTLB_LOAD; kind <= SOFTTLB_FETCH; kind++) {
			uint64_t va = e->tag[kind];

			/* Guarded pages are stored to by way of the tag for loads. */
			if (kind == SOFTTLB_STORE && va == (softtlb_none(bits, i) | SOFTTLB_GUARDED))
				va = e->tag[SOFTTLB_LOAD];
			if (softtlb_index(bits, va) == i)
				page_ask(cpu, live, va, kind, softtlb_host(e, va));
		}
	}
}

/* Regimes. */

static struct regime regime_now(const struct cpu *cpu)
{
	return (struct regime){
		.guest = cpu->guest_mode,
		.gid = GSTAT_GID(cpu->root.gstat),
		.asid = cpu->csr->asid & ASID_MASK,
		.crmd = (uint16_t)(cpu->csr->crmd & (CRMD_PLV | CRMD_DA | CRMD_PG | CRMD_WE)),
	};
}

static void regime_enter(struct cpu *cpu, struct regime regime)
{
	cpu->guest_mode = regime.guest;
	cpu->csr = cpu_csr(cpu, regime.guest);
	cpu->root.gstat = (cpu->root.gstat & ~UINT64_C(0xff0000)) | (uint64_t)regime.gid << 16;
	cpu->csr->asid = (cpu->csr->asid & ~ASID_MASK) | regime.asid;
	cpu->csr->crmd = (cpu->csr->crmd & ~(CRMD_PLV | CRMD_DA | CRMD_PG | CRMD_WE)) | regime.crmd;
	softtlb_select(cpu);
}

/* The latest first; the oldest falls out. */
static void regime_remember(struct regimes *seen, struct regime regime)
{
	unsigned i = 0;

	while (i < seen->count && memcmp(&seen->regime[i], &regime, sizeof(regime)))
		i++;
	if (i == REGIMES)
		i--;
	else if (i == seen->count)
		seen->count++;
	memmove(&seen->regime[1], &seen->regime[0], i * sizeof(regime));
	seen->regime[0] = regime;
}

void translation_check(struct cpu *cpu, struct regimes *seen)
{
	static struct live live;
	const uint64_t gstat = cpu->root.gstat, crmd[] = { cpu->root.crmd, cpu->guest.crmd };
	const uint64_t asid[] = { cpu->root.asid, cpu->guest.asid };
	const struct regime now = regime_now(cpu);

	live.count = 0;
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (cpu->tlb.entry[i].valid)
			live.entry[live.count++] = &cpu->tlb.entry[i];
	regime_remember(seen, now);
	for (unsigned i = seen->count; i--;) {
		regime_enter(cpu, seen->regime[i]);
		bank_check(cpu, &live);
		cpu->root.gstat = gstat;
		cpu->root.crmd = crmd[CPU_ROOT], cpu->guest.crmd = crmd[CPU_GUEST];
		cpu->root.asid = asid[CPU_ROOT], cpu->guest.asid = asid[CPU_GUEST];
	}
	regime_enter(cpu, now);
}

/* Saving. */

static struct state *save(struct cpu *cpu)
{
	struct state *state = state_writer(cpu->clock);

	if (!state)
		fail(cpu, "no memory to save it");
	state_section(state, "cpu", 1, cpu_state, cpu);
	if (!state_good(state))
		fail(cpu, state_reason(state));
	return state;
}

/* Which registers loading has changed: the likeliest reason. */
static void csrs_compare(const struct csr_file before[CPU_MODES], const struct cpu *cpu)
{
	for (unsigned slot = 0; slot < CSR_SLOT_COUNT; slot++)
		for (unsigned mode = 0; mode < CPU_MODES; mode++) {
			uint64_t now = (mode == CPU_GUEST ? &cpu->guest : &cpu->root)->value[slot];

			if (before[mode].value[slot] != now)
				fprintf(stderr, "  %s's %s: %#lx, then %#lx\n",
					mode == CPU_GUEST ? "guest" : "root", csr_info[slot].name,
					(unsigned long)before[mode].value[slot], (unsigned long)now);
		}
}

void saved_check(struct cpu *cpu)
{
	const struct csr_file csrs[CPU_MODES] = { cpu->root, cpu->guest };
	struct state *before = save(cpu), *reader, *after;
	size_t size, size_after;
	const void *data = state_data(before, &size), *data_after;

	reader = state_reader(data, size, cpu->clock);
	if (!reader)
		fail(cpu, "no memory to load it");
	state_section(reader, "cpu", 1, cpu_state, cpu);
	if (!state_good(reader))
		fail(cpu, state_reason(reader));
	state_free(reader);
	after = save(cpu);
	data_after = state_data(after, &size_after);
	if (size != size_after || memcmp(data, data_after, size)) {
		csrs_compare(csrs, cpu);
		fail(cpu, "saved, loaded and saved again it is another one");
	}
	state_free(before);
	state_free(after);
}

#pragma clang attribute pop
