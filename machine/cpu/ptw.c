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

/* Tables lie in RAM; an entry elsewhere reads as if empty. */
static uint64_t *pte_host(const struct cpu *cpu, uint64_t pa)
{
	return bus_ram(cpu->bus, pa & PA_MASK & ~UINT64_C(7), 8);
}

static uint64_t pte_read(const struct cpu *cpu, uint64_t pa)
{
	const uint64_t *host = pte_host(cpu, pa);

	return host ? __atomic_load_n(host, __ATOMIC_RELAXED) : 0;
}

static uint64_t bad_address(const struct csr_file *csr)
{
	return csr->tlbrera & TLBRERA_ISTLBR ? csr->tlbrbadv : csr->badv;
}

uint64_t ptw_lddir(struct cpu *cpu, uint64_t base, unsigned level)
{
	const struct csr_file *csr = cpu->csr;

	if (level == 0 || level > 4)
		return base;
	if (base & PTE_HUGE) {
		if (!(base & PTE_LEVEL))
			base |= (uint64_t)(level & 3) << PTE_LEVEL_SHIFT;
		return base;
	}
	return pte_read(cpu, base + 8 * index_of(table_index(csr, level), bad_address(csr)));
}

/* The page-table entry of half @seq of a huge page that covers 2^(ps + 1) bytes. */
static uint64_t huge_half(uint64_t pte, unsigned ps, unsigned seq)
{
	uint64_t elo = pte & ~(PTE_HUGE | PTE_HUGE_G | PTE_LEVEL);

	if (pte & PTE_HUGE_G)
		elo |= TLBELO_G;
	return elo | (uint64_t)seq << ps;
}

void ptw_ldpte(struct cpu *cpu, uint64_t base, unsigned seq)
{
	struct csr_file *csr = cpu->csr;
	struct table_index index;
	uint64_t elo;
	unsigned ps;

	if (base & PTE_HUGE) {
		index = table_index(csr, base >> PTE_LEVEL_SHIFT & 3);
		ps = (index.base + index.width - 1) & 0x3f; /* as wide as PS, whatever PWCL and PWCH say */
		elo = huge_half(base, ps, seq);
	} else {
		index = table_index(csr, 0);
		ps = index.base;
		elo = pte_read(cpu, base + 8 * ((index_of(index, bad_address(csr)) & ~UINT64_C(1)) | seq));
	}
	*(seq ? &csr->tlbrelo1 : &csr->tlbrelo0) = elo & CSR_ELO_MASK;
	csr->tlbrehi = (csr->tlbrehi & ~UINT64_C(0x3f)) | ps;
}

/* Where a walk ended: at @pa lies the entry for pages of 2^ps bytes (a huge page's: two halves of it). */
struct walk {
	uint64_t pa, pte;
	unsigned ps;
	bool huge;
};

static struct walk walk_tables(const struct cpu *cpu, const struct csr_file *csr, uint64_t va)
{
	struct walk walk = { 0 };
	uint64_t base = mmu_directory(csr, va);
	struct table_index index;

	for (unsigned level = 4; level; level--) {
		index = table_index(csr, level);
		if (!index.width)
			continue;
		walk.pa = base + 8 * index_of(index, va);
		walk.pte = pte_read(cpu, walk.pa);
		if (walk.pte & PTE_HUGE) {
			walk.huge = true;
			walk.ps = index.base - 1;
			return walk;
		}
		base = walk.pte & PA_MASK;
	}
	index = table_index(csr, 0);
	walk.pa = base + 8 * index_of(index, va);
	walk.pte = pte_read(cpu, walk.pa);
	walk.ps = index.base;
	return walk;
}

/*
 * A page that the walker would set V for is there; without the walker bit 7 is the guest's own.  A walk over
 * both halves of a huge page's pair ends at the same entry, which covers 2^(ps + 1) bytes.
 */
bool ptw_peek(const struct cpu *cpu, const struct csr_file *csr, uint64_t va, uint64_t *pa)
{
	struct walk walk = walk_tables(cpu, csr, va);
	unsigned bits = walk.huge ? walk.ps + 1 : walk.ps;
	uint64_t mask;

	if (bits < SOFTTLB_PAGE_BITS || bits >= VALEN)
		return false;
	if (!(walk.pte & TLBELO_V) && !(walk.pte & PTE_P && csr->pwch & PWCH_HPTW))
		return false;
	mask = (UINT64_C(1) << bits) - 1;
	*pa = (walk.pte & CSR_VPN & PA_MASK & ~mask) | (va & mask);
	return true;
}

bool ptw_wanted(uint64_t elo, enum softtlb_access kind)
{
	return !(elo & TLBELO_V) || (kind == SOFTTLB_STORE && !(elo & TLBELO_D));
}

/* Replaces the entry in memory if it still is what was read; other cores' walkers and LL/SC see one store. */
static bool pte_update(struct cpu *cpu, const struct walk *walk, uint64_t pte)
{
	uint64_t *host = pte_host(cpu, walk->pa), expected = walk->pte;
	struct reserve_bucket *bucket;
	bool done;

	if (!host)
		return false;
	bucket = reserve_begin(cpu, host);
	done = __atomic_compare_exchange_n(host, &expected, pte, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	reserve_end(cpu, bucket, host);
	return done;
}

/* A half of a TLB entry that no access has asked for yet stays invalid until its page has V in memory. */
static uint64_t pte_elo(uint64_t pte)
{
	return pte & PTE_P ? pte : pte & ~TLBELO_V;
}

static struct tlb_entry *walk_fill(struct cpu *cpu, const struct csr_file *csr, uint64_t va,
				   const struct walk *walk, uint64_t pte)
{
	struct tlb_key key = { .address = va, .asid = csr->asid & ASID_MASK, .kind = TLB_ROOT };
	unsigned half = va >> walk->ps & 1;
	uint64_t elo[2];

	if (walk->huge) {
		elo[0] = huge_half(pte, walk->ps, 0);
		elo[1] = huge_half(pte, walk->ps, 1);
	} else {
		elo[half] = pte;
		elo[!half] = pte_elo(pte_read(cpu, walk->pa ^ 8));
	}
	return tlb_fill(cpu, csr, &key, walk->ps, elo);
}

struct tlb_entry *ptw_walk(struct cpu *cpu, const struct csr_file *csr, uint64_t va, enum softtlb_access kind,
			   struct tlb_entry *stale, enum exception *exc)
{
	struct walk walk;
	uint64_t pte;

	cpu->stats.ptw_walks++;
	if (stale)
		tlb_drop(cpu, stale);
	do {
		walk = walk_tables(cpu, csr, va);
		pte = walk.pte;
		/* An absent page leaves nothing in the TLB. */
		if (!(pte & PTE_P) || walk.ps < SOFTTLB_PAGE_BITS || walk.ps >= VALEN) {
			*exc = kind == SOFTTLB_LOAD ? EXC_PIL : kind == SOFTTLB_STORE ? EXC_PIS : EXC_PIF;
			return NULL;
		}
		pte |= TLBELO_V;
		/* V and D record accesses that are allowed. */
		if (!mmu_page_check(csr, walk.huge ? pte & ~PTE_HUGE : pte, kind, exc)) {
			if (*exc != EXC_PME || !(pte & PTE_W))
				return NULL;
			pte |= TLBELO_D;
		} else if (kind == SOFTTLB_STORE && pte & PTE_W) {
			pte |= TLBELO_D;
		}
	} while (pte != walk.pte && !pte_update(cpu, &walk, pte));
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "ptw", va, pte, walk.ps);
	return walk_fill(cpu, csr, va, &walk, pte);
}
