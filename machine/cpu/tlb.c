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

/* Addresses are compared as sign extensions of their VALEN bits. */
static uint64_t sign_extend(uint64_t va)
{
	return (uint64_t)((int64_t)(va << (64 - VALEN)) >> (64 - VALEN));
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
	if (entry->kind == TLB_S2)
		softtlb_flush_gpa(cpu, entry->gid, entry->vppn, entry->ps + 1u);
	else
		softtlb_flush_page(
			cpu,
			(struct softtlb_scope){ entry->kind, entry->gid, entry->global ? -1 : entry->asid },
			entry->vppn, entry->ps + 1u);
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

/* Root's TLB instructions work for guest TGID when USETGID says so. */
static uint8_t target_gid(const struct cpu *cpu)
{
	return cpu->root.gtlbc & GTLBC_USETGID ? GTLBC_TGID(cpu->root.gtlbc) : 0;
}

struct tlb_view tlb_view(struct cpu *cpu)
{
	uint8_t gid;

	if (cpu->guest_mode)
		return (struct tlb_view){ &cpu->guest, TLB_G1, GSTAT_GID(cpu->root.gstat) };
	gid = target_gid(cpu);
	return (struct tlb_view){ &cpu->root, gid ? TLB_S2 : TLB_ROOT, gid };
}

struct tlb_view tlb_view_guest(struct cpu *cpu)
{
	return (struct tlb_view){ &cpu->guest, TLB_G1, target_gid(cpu) };
}

static struct tlb_key view_key(struct tlb_view view, uint64_t address)
{
	return (struct tlb_key){
		.address = address, .asid = view.csr->asid & ASID_MASK, .kind = view.kind, .gid = view.gid
	};
}

static bool view_shows(struct tlb_view view, const struct tlb_entry *e)
{
	return e->kind == view.kind && e->gid == view.gid;
}

/* What TLBWR and TLBFILL write: the refill's registers inside a refill, else the ordinary ones. */
static struct tlb_content view_content(struct tlb_view view)
{
	const struct csr_file *csr = view.csr;
	struct tlb_content c;

	if (csr->tlbrera & TLBRERA_ISTLBR) {
		c.key = view_key(view, csr->tlbrehi & ~UINT64_C(0x1fff));
		c.elo[0] = csr->tlbrelo0;
		c.elo[1] = csr->tlbrelo1;
		c.ps = csr->tlbrehi & 0x3f;
		c.exists = true;
	} else {
		c.key = view_key(view, csr->tlbehi);
		c.elo[0] = csr->tlbelo0;
		c.elo[1] = csr->tlbelo1;
		c.ps = csr->tlbidx >> 24 & 0x3f;
		c.exists = !(csr->tlbidx & TLBIDX_NE);
	}
	return c;
}

void tlb_insn_search(struct cpu *cpu, struct tlb_view view)
{
	struct csr_file *csr = view.csr;
	struct tlb_key key = view_key(view, csr->tlbrera & TLBRERA_ISTLBR ? csr->tlbrehi : csr->tlbehi);
	struct tlb_entry *entry = tlb_search(&cpu->tlb, &key);

	csr->tlbidx &= ~(TLBIDX_NE | (entry ? TLBIDX_INDEX : 0));
	csr->tlbidx |= entry ? (uint64_t)(entry - cpu->tlb.entry) : TLBIDX_NE;
}

/* Root reads any entry and learns from TRGP whose it is; a guest only its own. */
static const struct tlb_entry *entry_read(struct cpu *cpu, struct tlb_view view, uint64_t index)
{
	const struct tlb_entry *entry = index < TLB_ENTRIES ? &cpu->tlb.entry[index] : NULL;

	if (!entry || !entry->valid || (view.csr == &cpu->guest && !view_shows(view, entry)))
		return NULL;
	if (view.csr == &cpu->root)
		cpu->root.trgp = (uint64_t)entry->gid << 16 | (entry->kind == TLB_G1);
	return entry;
}

void tlb_insn_read(struct cpu *cpu, struct tlb_view view)
{
	struct csr_file *csr = view.csr;
	uint64_t index = csr->tlbidx & TLBIDX_INDEX;
	const struct tlb_entry *entry = entry_read(cpu, view, index);
	uint64_t global;

	if (!entry) {
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

void tlb_insn_write(struct cpu *cpu, struct tlb_view view)
{
	uint64_t index = view.csr->tlbidx & TLBIDX_INDEX;
	struct tlb_content content = view_content(view);

	if (index >= TLB_ENTRIES)
		return;
	if (index < STLB_ENTRIES)
		content.ps = view.csr->stlbps;
	else if (content.exists && !page_size_legal(cpu, content.ps))
		return;
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "write", content.key.address, index,
			   content.ps);
	entry_set(cpu, &cpu->tlb.entry[index], &content);
}

void tlb_insn_fill(struct cpu *cpu, struct tlb_view view)
{
	struct tlb_content content = view_content(view);

	if (!content.exists) {
		content.ps = view.csr->stlbps;
		entry_set(cpu, tlb_victim(cpu, view.csr, content.key.address, content.ps), &content);
	} else if (page_size_legal(cpu, content.ps)) {
		tlb_fill(cpu, view.csr, &content.key, content.ps, content.elo);
	}
}

/* Drops the entries of TLBIDX's STLB set, or the MTLB; @all or only those of the current ASID. */
static void tlb_clear_set(struct cpu *cpu, struct tlb_view view, bool all)
{
	uint64_t index = view.csr->tlbidx & TLBIDX_INDEX;
	bool stlb = index < STLB_ENTRIES;
	struct tlb_entry *first = &cpu->tlb.entry[stlb ? index & (STLB_SETS - 1) : STLB_ENTRIES];
	unsigned count = stlb ? STLB_WAYS : MTLB_ENTRIES, step = stlb ? STLB_SETS : 1;

	for (unsigned i = 0; i < count; i++) {
		struct tlb_entry *e = &first[i * step];

		if (view_shows(view, e) && (all || (!e->global && e->asid == (view.csr->asid & ASID_MASK))))
			tlb_drop(cpu, e);
	}
}

void tlb_insn_clear(struct cpu *cpu, struct tlb_view view)
{
	tlb_clear_set(cpu, view, false);
}

void tlb_insn_flush(struct cpu *cpu, struct tlb_view view)
{
	tlb_clear_set(cpu, view, true);
}

/* INVTLB. */

/* Which of the entries that an operation is about it drops. */
enum invtlb_match {
	MATCH_ALL,
	MATCH_GLOBAL,
	MATCH_LOCAL,
	MATCH_ASID,    /* local ones of the ASID */
	MATCH_ASID_VA, /* the same, of one address */
	MATCH_GLOBAL_OR_ASID_VA,
	MATCH_VA,
};

#define KINDS_CURRENT 0 /* those of tlb_view() */
#define KIND(kind)    (1u << (kind))
#define KINDS_GUEST   (KIND(TLB_G1) | KIND(TLB_S2))
#define KINDS_ANY     (KIND(TLB_ROOT) | KINDS_GUEST)

/* The operations of Vol.1 4.2.4.7 (0-6) and of the virtualization extension; the others do not exist. */
static const struct invtlb_op {
	bool exists, any_gid;
	uint8_t kinds;
	uint8_t match; /* enum invtlb_match */
} invtlb_ops[] = {
	[0x00] = { true, true, KINDS_ANY, MATCH_ALL },
	[0x01] = { true, false, KINDS_CURRENT, MATCH_ALL },
	[0x02] = { true, false, KINDS_CURRENT, MATCH_GLOBAL },
	[0x03] = { true, false, KINDS_CURRENT, MATCH_LOCAL },
	[0x04] = { true, false, KINDS_CURRENT, MATCH_ASID },
	[0x05] = { true, false, KINDS_CURRENT, MATCH_ASID_VA },
	[0x06] = { true, false, KINDS_CURRENT, MATCH_GLOBAL_OR_ASID_VA },
	[0x09] = { true, false, KIND(TLB_G1), MATCH_ALL },
	[0x0a] = { true, false, KIND(TLB_G1), MATCH_GLOBAL },
	[0x0b] = { true, false, KIND(TLB_G1), MATCH_LOCAL },
	[0x0c] = { true, false, KIND(TLB_G1), MATCH_ASID },
	[0x0d] = { true, false, KIND(TLB_G1), MATCH_ASID_VA },
	[0x0e] = { true, false, KIND(TLB_G1), MATCH_GLOBAL_OR_ASID_VA },
	[0x10] = { true, true, KIND(TLB_G1), MATCH_ALL },
	[0x11] = { true, true, KIND(TLB_S2), MATCH_ALL },
	[0x12] = { true, true, KINDS_GUEST, MATCH_ALL },
	[0x13] = { true, false, KIND(TLB_G1), MATCH_ALL },
	[0x14] = { true, false, KIND(TLB_S2), MATCH_ALL },
	[0x15] = { true, false, KINDS_GUEST, MATCH_ALL },
	[0x16] = { true, false, KIND(TLB_S2), MATCH_VA },
};
#define INVTLB_BASE 7 /* operations below are there without the virtualization extension, and in guests */

/* An operation with its operands. */
struct invtlb {
	uint8_t kinds; /* bit 1 << enum tlb_kind */
	int gid;       /* -1: any */
	enum invtlb_match match;
	uint16_t asid;
	uint64_t va;
};

static bool invtlb_selects(const struct tlb_entry *e, const struct invtlb *op)
{
	if (!(op->kinds >> e->kind & 1) || (op->gid >= 0 && e->gid != op->gid))
		return false;
	switch (op->match) {
	case MATCH_GLOBAL:
		return e->global;
	case MATCH_LOCAL:
		return !e->global;
	case MATCH_ASID:
	case MATCH_ASID_VA:
		return !e->global && e->asid == op->asid;
	case MATCH_GLOBAL_OR_ASID_VA:
		return e->global || e->asid == op->asid;
	default:
		return true;
	}
}

/* The operations on one address look only where it can be. */
static void invtlb_address(struct cpu *cpu, const struct invtlb *op)
{
	struct tlb *tlb = &cpu->tlb;

	for (uint64_t sizes = tlb->stlb_sizes; sizes; sizes &= sizes - 1) {
		unsigned ps = (unsigned)__builtin_ctzll(sizes);
		struct tlb_entry *e = &tlb->entry[stlb_set(op->va, ps)];

		for (unsigned way = 0; way < STLB_WAYS; way++, e += STLB_SETS)
			if (e->ps == ps && e->vppn == pair_base(op->va, ps) && invtlb_selects(e, op))
				tlb_drop(cpu, e);
	}
	for (unsigned i = 0; i < tlb->mtlb_used; i++) {
		struct tlb_entry *e = &tlb->entry[STLB_ENTRIES + i];

		if (e->vppn == pair_base(op->va, e->ps) && invtlb_selects(e, op))
			tlb_drop(cpu, e);
	}
}

/* The operations on many entries drop the soft TLB wholesale. */
static void invtlb_many(struct cpu *cpu, const struct invtlb *op)
{
	const int asid = op->match == MATCH_ASID ? op->asid : -1;
	struct tlb *tlb = &cpu->tlb;

	for (unsigned i = 0; i < STLB_ENTRIES + tlb->mtlb_used; i++)
		if (invtlb_selects(&tlb->entry[i], op))
			tlb->entry[i].valid = false;
	while (tlb->mtlb_used && !tlb->entry[STLB_ENTRIES + tlb->mtlb_used - 1].valid)
		tlb->mtlb_used--;
	if (op->kinds == KINDS_ANY)
		tlb->stlb_sizes = 0;
	if (op->kinds & KIND(TLB_ROOT))
		softtlb_flush_scope(cpu, (struct softtlb_scope){ TLB_ROOT, -1, asid });
	if (op->kinds & KIND(TLB_S2))
		softtlb_flush_guest(cpu, op->gid);
	else if (op->kinds & KIND(TLB_G1))
		softtlb_flush_scope(cpu, (struct softtlb_scope){ TLB_G1, op->gid, asid });
}

bool tlb_invalidate(struct cpu *cpu, unsigned number, uint64_t rj, uint64_t rk)
{
	const struct tlb_view view = tlb_view(cpu);
	const struct invtlb_op *info;
	struct invtlb op;

	if (number >= sizeof(invtlb_ops) / sizeof(invtlb_ops[0]) || !invtlb_ops[number].exists)
		return false;
	if (number >= INVTLB_BASE && (cpu->guest_mode || !cpu_model_lvz(cpu->model)))
		return false;
	info = &invtlb_ops[number];
	op = (struct invtlb){ info->kinds, (uint8_t)(rj >> 16), info->match, rj & ASID_MASK,
			      sign_extend(rk) };
	if (number < INVTLB_BASE && (cpu->guest_mode || info->kinds == KINDS_CURRENT)) {
		op.kinds = KIND(view.kind);
		op.gid = view.gid;
	} else if (info->any_gid) {
		op.gid = -1;
	}
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "invtlb", rk, number, rj);
	if (op.match == MATCH_ASID_VA || op.match == MATCH_GLOBAL_OR_ASID_VA || op.match == MATCH_VA)
		invtlb_address(cpu, &op);
	else
		invtlb_many(cpu, &op);
	return true;
}

void tlb_reset(struct cpu *cpu)
{
	memset(&cpu->tlb, 0, sizeof(cpu->tlb));
}
