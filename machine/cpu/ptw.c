/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Page tables: LDDIR and LDPTE (Vol.1 4.2.5), and the hardware walker that PWCH bit 24 switches on, in
 * the multi-level structure of Vol.1 5.4.1.
 *
 * The walker reads P (bit 7) and W (bit 8) of a page-table entry and keeps V ("accessed") and D in it:
 * a present page gets V at the first access and, if it may be written, D at the first store.
 */
#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"

#define PTE_P	   (UINT64_C(1) << 7)
#define PTE_W	   (UINT64_C(1) << 8)
#define PTE_HUGE   (UINT64_C(1) << 6)  /* in a directory */
#define PTE_HUGE_G (UINT64_C(1) << 12) /* G of a huge page */
#define PTE_LEVEL_SHIFT                                                                                      \
	13 /* of a huge page, between LDDIR and LDPTE: the directory level it was found in                   \
	    */
#define PTE_LEVEL (UINT64_C(3) << PTE_LEVEL_SHIFT)

/* Bits of the address that index a table: level 0 is the page table, 1-4 are Dir1-Dir4. */
struct table_index {
	unsigned base, width;
};

static struct table_index table_index(const struct csr_file *csr, unsigned level)
{
	static const struct {
		uint8_t base, base_bits, width;
	} field[] = { { 0, 5, 5 }, { 10, 5, 15 }, { 20, 5, 25 }, { 0, 6, 6 }, { 12, 6, 18 } };
	uint64_t reg = level < 3 ? csr->pwcl : csr->pwch;
	uint64_t mask = (1u << field[level].base_bits) - 1;

	return (struct table_index){ reg >> field[level].base & mask, reg >> field[level].width & mask };
}

static uint64_t index_of(struct table_index index, uint64_t va)
{
	return va >> index.base & ((UINT64_C(1) << index.width) - 1);
}

/*
 * The entry of a table at @pa, for an access of @kind; NULL if it does not lie in RAM, where an entry reads
 * as if empty.  A guest's tables are at guest-physical addresses: false if stage 2 has no such page.
 */
static bool table_entry(struct cpu *cpu, uint8_t space_kind, uint64_t pa, enum softtlb_access kind,
			uint64_t **host, struct mmu_fault *fault)
{
	pa &= PA_MASK & ~UINT64_C(7);
	if (space_kind == TLB_G1) {
		struct mmu_page page = { .gpa = pa };

		if (!mmu_stage2(cpu, &page, kind, fault))
			return false;
		pa = page.pa;
	}
	*host = bus_ram(cpu->bus, pa, 8);
	return true;
}

static bool table_read(struct cpu *cpu, uint8_t space_kind, uint64_t pa, uint64_t *pte,
		       struct mmu_fault *fault)
{
	uint64_t *host;

	if (!table_entry(cpu, space_kind, pa, SOFTTLB_LOAD, &host, fault))
		return false;
	*pte = host ? __atomic_load_n(host, __ATOMIC_RELAXED) : 0;
	return true;
}

static uint64_t bad_address(const struct csr_file *csr)
{
	return csr->tlbrera & TLBRERA_ISTLBR ? csr->tlbrbadv : csr->badv;
}

bool ptw_lddir(struct cpu *cpu, uint64_t base, unsigned level, uint64_t *entry)
{
	const struct csr_file *csr = cpu->csr;
	struct mmu_fault fault;

	*entry = base;
	if (level == 0 || level > 4)
		return true;
	if (base & PTE_HUGE) {
		if (!(base & PTE_LEVEL))
			*entry = base | (uint64_t)(level & 3) << PTE_LEVEL_SHIFT;
		return true;
	}
	base += 8 * index_of(table_index(csr, level), bad_address(csr));
	if (table_read(cpu, mmu_space(cpu).kind, base, entry, &fault))
		return true;
	cpu_raise_fault(cpu, &fault);
	return false;
}

/* The page-table entry of half @seq of a huge page that covers 2^(ps + 1) bytes. */
static uint64_t huge_half(uint64_t pte, unsigned ps, unsigned seq)
{
	uint64_t elo = pte & ~(PTE_HUGE | PTE_HUGE_G | PTE_LEVEL);

	if (pte & PTE_HUGE_G)
		elo |= TLBELO_G;
	return elo | (uint64_t)seq << ps;
}

bool ptw_ldpte(struct cpu *cpu, uint64_t base, unsigned seq)
{
	struct csr_file *csr = cpu->csr;
	struct table_index index;
	struct mmu_fault fault;
	uint64_t elo;
	unsigned ps;

	if (base & PTE_HUGE) {
		index = table_index(csr, base >> PTE_LEVEL_SHIFT & 3);
		ps = (index.base + index.width - 1) & 0x3f; /* as wide as PS, whatever PWCL and PWCH say */
		elo = huge_half(base, ps, seq);
	} else {
		index = table_index(csr, 0);
		ps = index.base;
		base += 8 * ((index_of(index, bad_address(csr)) & ~UINT64_C(1)) | seq);
		if (!table_read(cpu, mmu_space(cpu).kind, base, &elo, &fault)) {
			cpu_raise_fault(cpu, &fault);
			return false;
		}
	}
	*(seq ? &csr->tlbrelo1 : &csr->tlbrelo0) = elo & CSR_ELO_MASK;
	csr->tlbrehi = (csr->tlbrehi & ~UINT64_C(0x3f)) | ps;
	return true;
}

/* Where a walk ended: at @pa lies the entry for pages of 2^ps bytes (a huge page's: two halves of it). */
struct walk {
	uint64_t pa, pte;
	unsigned ps;
	bool huge;
};

/* How a walk reads a table: as the processor, or as one who only looks. */
typedef bool walk_read_fn(void *reader, uint64_t pa, uint64_t *pte);

static bool walk_tables(const struct csr_file *csr, uint64_t va, walk_read_fn *read, void *reader,
			struct walk *walk)
{
	uint64_t base = mmu_directory(csr, va);
	struct table_index index;

	*walk = (struct walk){ 0 };
	for (unsigned level = 4; level; level--) {
		index = table_index(csr, level);
		if (!index.width)
			continue;
		walk->pa = base + 8 * index_of(index, va);
		if (!read(reader, walk->pa, &walk->pte))
			return false;
		if (walk->pte & PTE_HUGE) {
			walk->huge = true;
			walk->ps = index.base - 1;
			return true;
		}
		base = walk->pte & PA_MASK;
	}
	index = table_index(csr, 0);
	walk->pa = base + 8 * index_of(index, va);
	walk->ps = index.base;
	return read(reader, walk->pa, &walk->pte);
}

/* The processor's reader. */
struct walker {
	struct cpu *cpu;
	uint8_t kind; /* enum tlb_kind: whose tables */
	struct mmu_fault *fault;
};

static bool walker_read(void *reader, uint64_t pa, uint64_t *pte)
{
	const struct walker *walker = reader;

	return table_read(walker->cpu, walker->kind, pa, pte, walker->fault);
}

/* The onlooker's. */
struct onlooker {
	const struct cpu *cpu;
	uint8_t kind;
};

static bool onlooker_read(void *reader, uint64_t pa, uint64_t *pte)
{
	const struct onlooker *onlooker = reader;
	const struct mmu_space stage2 = mmu_space2(onlooker->cpu);
	const uint64_t *host;

	pa &= PA_MASK & ~UINT64_C(7);
	if (onlooker->kind == TLB_G1 && !mmu_look(onlooker->cpu, &stage2, pa, &pa))
		return false;
	host = bus_ram(onlooker->cpu->bus, pa, 8);
	*pte = host ? __atomic_load_n(host, __ATOMIC_RELAXED) : 0;
	return true;
}

/*
 * A page that the walker would set V for is there; without the walker bit 7 is the guest's own.  A walk over
 * both halves of a huge page's pair ends at the same entry, which covers 2^(ps + 1) bytes.
 */
bool ptw_peek(const struct cpu *cpu, const struct mmu_space *space, uint64_t va, uint64_t *pa)
{
	struct onlooker onlooker = { cpu, space->kind };
	uint64_t mask;
	struct walk walk;
	unsigned bits;

	if (!walk_tables(space->csr, va, onlooker_read, &onlooker, &walk))
		return false;
	bits = walk.huge ? walk.ps + 1 : walk.ps;
	if (bits < SOFTTLB_BITS_MIN || bits >= VALEN)
		return false;
	if (!(walk.pte & TLBELO_V) && !(walk.pte & PTE_P && space->csr->pwch & PWCH_HPTW))
		return false;
	mask = (UINT64_C(1) << bits) - 1;
	*pa = (walk.pte & CSR_VPN & PA_MASK & ~mask) | (va & mask);
	return true;
}

bool ptw_wanted(uint64_t elo, enum softtlb_access kind)
{
	return !(elo & TLBELO_V) || (kind == SOFTTLB_STORE && !(elo & TLBELO_D));
}

enum update { UPDATE_DONE, UPDATE_AGAIN, UPDATE_FAULT };

/* Replaces the entry in memory if it still is what was read; other cores' walkers and LL/SC see one store. */
static enum update pte_update(const struct walker *walker, const struct walk *walk, uint64_t pte)
{
	struct reserve_bucket *bucket;
	uint64_t *host, expected = walk->pte;
	bool done;

	if (!table_entry(walker->cpu, walker->kind, walk->pa, SOFTTLB_STORE, &host, walker->fault))
		return UPDATE_FAULT;
	if (!host)
		return UPDATE_AGAIN;
	bucket = reserve_begin(walker->cpu, host);
	done = __atomic_compare_exchange_n(host, &expected, pte, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	reserve_end(walker->cpu, bucket, host);
	return done ? UPDATE_DONE : UPDATE_AGAIN;
}

/* A half of a TLB entry that no access has asked for yet stays invalid until its page has V in memory. */
static uint64_t pte_elo(uint64_t pte)
{
	return pte & PTE_P ? pte : pte & ~TLBELO_V;
}

static struct tlb_entry *walk_fill(const struct walker *walker, const struct mmu_space *space, uint64_t va,
				   const struct walk *walk, uint64_t pte)
{
	struct tlb_key key = { .address = va, .asid = space->asid, .kind = space->kind, .gid = space->gid };
	unsigned half = va >> walk->ps & 1;
	uint64_t elo[2], other;

	if (walk->huge) {
		elo[0] = huge_half(pte, walk->ps, 0);
		elo[1] = huge_half(pte, walk->ps, 1);
	} else {
		elo[half] = pte;
		if (!table_read(walker->cpu, walker->kind, walk->pa ^ 8, &other, walker->fault))
			return NULL;
		elo[!half] = pte_elo(other);
	}
	return tlb_fill(walker->cpu, space->csr, &key, walk->ps, elo);
}

/* What the entry becomes by an access of @kind; false if that is not allowed. */
static bool pte_access(const struct mmu_space *space, const struct walk *walk, enum softtlb_access kind,
		       uint64_t *pte, enum exception *exc)
{
	/* An absent page leaves nothing in the TLB. */
	if (!(walk->pte & PTE_P) || walk->ps < SOFTTLB_BITS_MIN || walk->ps >= VALEN) {
		*exc = kind == SOFTTLB_LOAD ? EXC_PIL : kind == SOFTTLB_STORE ? EXC_PIS : EXC_PIF;
		return false;
	}
	/* V and D record accesses that are allowed. */
	*pte = walk->pte | TLBELO_V;
	if (!mmu_page_check(space, walk->huge ? *pte & ~PTE_HUGE : *pte, kind, exc)) {
		if (*exc != EXC_PME || !(*pte & PTE_W))
			return false;
		*pte |= TLBELO_D;
	} else if (kind == SOFTTLB_STORE && *pte & PTE_W) {
		*pte |= TLBELO_D;
	}
	return true;
}

struct tlb_entry *ptw_walk(struct cpu *cpu, const struct mmu_space *space, uint64_t va,
			   enum softtlb_access kind, struct tlb_entry *stale, struct mmu_fault *fault)
{
	struct walker walker = { cpu, space->kind, fault };
	enum update update = UPDATE_DONE;
	struct walk walk;
	uint64_t pte;

	cpu->stats.ptw_walks++;
	if (stale)
		tlb_drop(cpu, stale);
	do {
		if (!walk_tables(space->csr, va, walker_read, &walker, &walk))
			return NULL;
		if (!pte_access(space, &walk, kind, &pte, &fault->exc))
			return NULL;
		if (pte != walk.pte)
			update = pte_update(&walker, &walk, pte);
		if (update == UPDATE_FAULT)
			return NULL;
	} while (pte != walk.pte && update == UPDATE_AGAIN);
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "ptw", va, pte, walk.ps);
	return walk_fill(&walker, space, va, &walk, pte);
}
