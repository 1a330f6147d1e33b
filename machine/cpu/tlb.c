/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * TLB entries, their search, and the TLB instructions: Vol.1 4.2.4 and 5.4.  The soft TLB holds nothing
 * that is not in the TLB: whatever leaves an entry takes along what was derived from it.
 */
#include <string.h>

#include "machine/cpu/internal.h"

/* The set that page pair @va of size 2^ps falls into.  The bit that tells the halves apart is not part
 * of it (the manual's index formula includes it, which cannot be meant). */
static unsigned stlb_set(uint64_t va, unsigned ps)
{
	return va >> (ps + 1) & (STLB_SETS - 1);
}

static uint64_t pair_base(uint64_t va, unsigned ps)
{
	return va & (~UINT64_C(0) << (ps + 1));
}

static bool entry_matches(const struct tlb_entry *e, const struct tlb_key *key)
{
	return e->valid && e->vppn == pair_base(key->address, e->ps) && e->kind == key->kind &&
	       e->gid == key->gid && (e->global || e->asid == key->asid || e->kind == TLB_S2);
}

struct tlb_entry *tlb_search(struct tlb *tlb, const struct tlb_key *key)
{
	for (uint64_t sizes = tlb->stlb_sizes; sizes; sizes &= sizes - 1) {
		unsigned ps = (unsigned)__builtin_ctzll(sizes);
		struct tlb_entry *e = &tlb->entry[stlb_set(key->address, ps)];

		for (unsigned way = 0; way < STLB_WAYS; way++, e += STLB_SETS)
			if (e->ps == ps && entry_matches(e, key))
				return e;
	}
	for (unsigned i = 0; i < tlb->mtlb_used; i++)
		if (entry_matches(&tlb->entry[STLB_ENTRIES + i], key))
			return &tlb->entry[STLB_ENTRIES + i];
	return NULL;
}

void tlb_drop(struct cpu *cpu, struct tlb_entry *entry)
{
	if (!entry->valid)
		return;
	entry->valid = false;
	softtlb_flush_asid_page(cpu, entry->global ? -1 : entry->asid, entry->vppn, entry->ps + 1u);
}

/* What an entry is to say, from the registers or from the page walker. */
struct tlb_content {
	struct tlb_key key;
	uint64_t elo[2];
	unsigned ps;
	bool exists;
};

static void entry_set(struct cpu *cpu, struct tlb_entry *entry, const struct tlb_content *content)
{
	struct tlb *tlb = &cpu->tlb;
	unsigned index = (unsigned)(entry - tlb->entry);

	tlb_drop(cpu, entry);
	*entry = (struct tlb_entry){
		.vppn = pair_base(content->key.address, content->ps),
		.elo = { content->elo[0] & CSR_ELO_MASK, content->elo[1] & CSR_ELO_MASK },
		.asid = content->key.asid,
		.ps = (uint8_t)content->ps,
		.kind = content->key.kind,
		.gid = content->key.gid,
		.global = content->elo[0] & content->elo[1] & TLBELO_G,
		.valid = content->exists,
	};
	if (!content->exists)
		return;
	if (index < STLB_ENTRIES)
		tlb->stlb_sizes |= UINT64_C(1) << content->ps;
	else if (tlb->mtlb_used <= index - STLB_ENTRIES)
		tlb->mtlb_used = index - STLB_ENTRIES + 1;
}

/* A place for a page of size 2^ps: any way of its STLB set, or any MTLB entry; free ones first. */
static struct tlb_entry *tlb_victim(struct cpu *cpu, const struct csr_file *csr, uint64_t va, unsigned ps)
{
	struct tlb_entry *first = &cpu->tlb.entry[STLB_ENTRIES];
	unsigned count = MTLB_ENTRIES, step = 1;

	if (ps == csr->stlbps) {
		first = &cpu->tlb.entry[stlb_set(va, ps)];
		count = STLB_WAYS;
		step = STLB_SETS;
	}
	for (unsigned i = 0; i < count; i++)
		if (!first[i * step].valid)
			return &first[i * step];
	return &first[cpu_random(cpu) % count * step];
}

static bool page_size_legal(const struct cpu *cpu, unsigned ps)
{
	return ps < 32 && cpu->model->prcfg2 >> ps & 1;
}

/*
 * Two entries for one address make the processor's behaviour undefined; ours is that the new one wins,
 * as after a refill that raced with the page walker.
 */
static void tlb_drop_twin(struct cpu *cpu, const struct tlb_key *key)
{
	struct tlb_entry *twin = tlb_search(&cpu->tlb, key);

	if (twin)
		tlb_drop(cpu, twin);
}

struct tlb_entry *tlb_fill(struct cpu *cpu, const struct csr_file *csr, const struct tlb_key *key,
			   unsigned ps, const uint64_t elo[2])
{
	struct tlb_content content = { .key = *key, .elo = { elo[0], elo[1] }, .ps = ps, .exists = true };
	struct tlb_entry *entry;

	tlb_drop_twin(cpu, key);
	entry = tlb_victim(cpu, csr, key->address, ps);
	entry_set(cpu, entry, &content);
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "fill", key->address,
			   (uint64_t)(entry - cpu->tlb.entry), ps);
	return entry;
}

static struct tlb_key csr_key(const struct csr_file *csr, uint64_t address)
{
	return (struct tlb_key){ .address = address, .asid = csr->asid & ASID_MASK, .kind = TLB_ROOT };
}

/* What TLBWR and TLBFILL write: the refill's registers inside a refill, else the ordinary ones. */
static struct tlb_content csr_content(const struct csr_file *csr)
{
	struct tlb_content c;

	if (csr->tlbrera & TLBRERA_ISTLBR) {
		c.key = csr_key(csr, csr->tlbrehi & ~UINT64_C(0x1fff));
		c.elo[0] = csr->tlbrelo0;
		c.elo[1] = csr->tlbrelo1;
		c.ps = csr->tlbrehi & 0x3f;
		c.exists = true;
	} else {
		c.key = csr_key(csr, csr->tlbehi);
		c.elo[0] = csr->tlbelo0;
		c.elo[1] = csr->tlbelo1;
		c.ps = csr->tlbidx >> 24 & 0x3f;
		c.exists = !(csr->tlbidx & TLBIDX_NE);
	}
	return c;
}

void tlb_insn_search(struct cpu *cpu, struct csr_file *csr)
{
	struct tlb_key key = csr_key(csr, csr->tlbrera & TLBRERA_ISTLBR ? csr->tlbrehi : csr->tlbehi);
	struct tlb_entry *entry = tlb_search(&cpu->tlb, &key);

	csr->tlbidx &= ~(TLBIDX_NE | (entry ? TLBIDX_INDEX : 0));
	csr->tlbidx |= entry ? (uint64_t)(entry - cpu->tlb.entry) : TLBIDX_NE;
}

void tlb_insn_read(struct cpu *cpu, struct csr_file *csr)
{
	uint64_t index = csr->tlbidx & TLBIDX_INDEX;
	const struct tlb_entry *entry = index < TLB_ENTRIES ? &cpu->tlb.entry[index] : NULL;
	uint64_t global;

	if (!entry || !entry->valid) {
		csr->tlbehi = csr->tlbelo0 = csr->tlbelo1 = 0;
		csr->tlbidx = index | TLBIDX_NE;
		return;
	}
	global = entry->global ? TLBELO_G : 0;
	csr->tlbehi = entry->vppn;
	csr->tlbelo0 = (entry->elo[0] & ~TLBELO_G) | global;
	csr->tlbelo1 = (entry->elo[1] & ~TLBELO_G) | global;
	csr->tlbidx = index | (uint64_t)entry->ps << 24;
	csr->asid = (csr->asid & ~ASID_MASK) | entry->asid;
	softtlb_select(cpu);
}

void tlb_insn_write(struct cpu *cpu, struct csr_file *csr)
{
	uint64_t index = csr->tlbidx & TLBIDX_INDEX;
	struct tlb_content content = csr_content(csr);

	if (index >= TLB_ENTRIES)
		return;
	if (index < STLB_ENTRIES)
		content.ps = csr->stlbps;
	else if (content.exists && !page_size_legal(cpu, content.ps))
		return;
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "write", content.key.address, index,
			   content.ps);
	entry_set(cpu, &cpu->tlb.entry[index], &content);
}

void tlb_insn_fill(struct cpu *cpu, struct csr_file *csr)
{
	struct tlb_content content = csr_content(csr);

	if (!content.exists) {
		content.ps = csr->stlbps;
		entry_set(cpu, tlb_victim(cpu, csr, content.key.address, content.ps), &content);
	} else if (page_size_legal(cpu, content.ps)) {
		tlb_fill(cpu, csr, &content.key, content.ps, content.elo);
	}
}

/* Drops the entries of TLBIDX's STLB set, or the MTLB; @all or only those of the current ASID. */
static void tlb_clear_set(struct cpu *cpu, const struct csr_file *csr, bool all)
{
	uint64_t index = csr->tlbidx & TLBIDX_INDEX;
	bool stlb = index < STLB_ENTRIES;
	struct tlb_entry *first = &cpu->tlb.entry[stlb ? index & (STLB_SETS - 1) : STLB_ENTRIES];
	unsigned count = stlb ? STLB_WAYS : MTLB_ENTRIES, step = stlb ? STLB_SETS : 1;

	for (unsigned i = 0; i < count; i++) {
		struct tlb_entry *e = &first[i * step];

		if (e->kind == TLB_ROOT && (all || (!e->global && e->asid == (csr->asid & ASID_MASK))))
			tlb_drop(cpu, e);
	}
}

void tlb_insn_clear(struct cpu *cpu, struct csr_file *csr)
{
	tlb_clear_set(cpu, csr, false);
}

void tlb_insn_flush(struct cpu *cpu, struct csr_file *csr)
{
	tlb_clear_set(cpu, csr, true);
}

/* INVTLB operations without LVZ. */
enum invtlb {
	INVTLB_ALL,
	INVTLB_ALL_TOO,
	INVTLB_GLOBAL,
	INVTLB_LOCAL,
	INVTLB_ASID,
	INVTLB_ASID_VA,
	INVTLB_GLOBAL_OR_ASID_VA,
	INVTLB_COUNT
};

static bool invtlb_selects(const struct tlb_entry *e, enum invtlb op, uint16_t asid)
{
	switch (op) {
	case INVTLB_GLOBAL:
		return e->global;
	case INVTLB_LOCAL:
		return !e->global;
	case INVTLB_ASID:
	case INVTLB_ASID_VA:
		return !e->global && e->asid == asid;
	case INVTLB_GLOBAL_OR_ASID_VA:
		return e->global || e->asid == asid;
	default:
		return true;
	}
}

/* The operations on one address look only where it can be. */
static void invtlb_address(struct cpu *cpu, enum invtlb op, uint16_t asid, uint64_t va)
{
	struct tlb *tlb = &cpu->tlb;

	va = (uint64_t)((int64_t)(va << (64 - VALEN)) >> (64 - VALEN));
	for (uint64_t sizes = tlb->stlb_sizes; sizes; sizes &= sizes - 1) {
		unsigned ps = (unsigned)__builtin_ctzll(sizes);
		struct tlb_entry *e = &tlb->entry[stlb_set(va, ps)];

		for (unsigned way = 0; way < STLB_WAYS; way++, e += STLB_SETS)
			if (e->ps == ps && e->vppn == pair_base(va, ps) && invtlb_selects(e, op, asid))
				tlb_drop(cpu, e);
	}
	for (unsigned i = 0; i < tlb->mtlb_used; i++) {
		struct tlb_entry *e = &tlb->entry[STLB_ENTRIES + i];

		if (e->vppn == pair_base(va, e->ps) && invtlb_selects(e, op, asid))
			tlb_drop(cpu, e);
	}
}

/* The operations on many entries drop the soft TLB wholesale. */
static void invtlb_many(struct cpu *cpu, enum invtlb op, uint16_t asid)
{
	struct tlb *tlb = &cpu->tlb;

	for (unsigned i = 0; i < STLB_ENTRIES + tlb->mtlb_used; i++)
		if (invtlb_selects(&tlb->entry[i], op, asid))
			tlb->entry[i].valid = false;
	if (op <= INVTLB_ALL_TOO) {
		tlb->stlb_sizes = 0;
		tlb->mtlb_used = 0;
	}
	softtlb_flush_asid(cpu, op == INVTLB_ASID ? asid : -1);
}

bool tlb_invalidate(struct cpu *cpu, unsigned op, uint64_t rj, uint64_t rk)
{
	uint16_t asid = rj & ASID_MASK;

	if (op >= INVTLB_COUNT)
		return false;
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "invtlb", rk, op, rj);
	if (op == INVTLB_ASID_VA || op == INVTLB_GLOBAL_OR_ASID_VA)
		invtlb_address(cpu, op, asid, rk);
	else
		invtlb_many(cpu, op, asid);
	return true;
}

void tlb_reset(struct cpu *cpu)
{
	memset(&cpu->tlb, 0, sizeof(cpu->tlb));
}
