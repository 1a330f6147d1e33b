/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the files of machine/cpu/ use of each other and nobody else does. */
#ifndef BIXI_CPU_INTERNAL_H
#define BIXI_CPU_INTERNAL_H

#include "machine/cpu/cpu.h"
#include "machine/cpu/exception.h"

uint64_t cpu_random(struct cpu *cpu);

/* mmu.c: one page's translation. */
struct mmu_page {
	uint64_t pa; /* of the address that was asked for */
	uint8_t mat;
	uint8_t rights; /* bit 1 << SOFTTLB_LOAD etc. */
};

/*
 * Translates @va for an access of @kind under @csr's registers, raising nothing: false with *@exc set if
 * it is not allowed.  The page walker may fill the TLB and set V and D in the page table.
 */
bool mmu_translate(struct cpu *cpu, const struct csr_file *csr, uint64_t va, enum softtlb_access kind,
		   struct mmu_page *page, enum exception *exc);

/* The word at @va as a fetch sees it; false if it cannot be had without side effects. */
bool mmu_peek_insn(struct cpu *cpu, uint64_t va, uint32_t *word);

/* True if privilege level @plv runs in 32-bit address mode (Vol.1 5.3.1). */
static inline bool mmu_va32(const struct csr_file *csr, unsigned plv)
{
	return plv && (csr->misc & MISC_VA32(plv));
}

/* Which directory PTE walks start from: PGDL or PGDH by the top bit of @va. */
static inline uint64_t mmu_directory(const struct csr_file *csr, uint64_t va)
{
	return va >> (VALEN - 1) & 1 ? csr->pgdh : csr->pgdl;
}

/* Whether page permissions @elo allow the access; *@exc if not.  Order of checks: Vol.1 5.4.4. */
bool mmu_page_check(const struct csr_file *csr, uint64_t elo, enum softtlb_access kind, enum exception *exc);

/* MISC.DWPLn: stores of privilege level n (not 3) ignore D. */
static inline bool mmu_unprotected(const struct csr_file *csr)
{
	unsigned plv = csr->crmd & CRMD_PLV;

	return plv < PLV3 && csr->misc & MISC_DWPL(plv);
}

/*
 * ptw.c: walks the page table for @va and fills the TLB; @stale is the entry that was there and is to go.
 * NULL with *@exc set if the table does not allow the access.
 */
struct tlb_entry *ptw_walk(struct cpu *cpu, const struct csr_file *csr, uint64_t va, enum softtlb_access kind,
			   struct tlb_entry *stale, enum exception *exc);

/* Whether the walker must look at the page table again, as V or D is missing in the TLB. */
bool ptw_wanted(uint64_t elo, enum softtlb_access kind);

/* ptw.c: where the page table maps @va, for whoever looks from outside; nothing changes. */
bool ptw_peek(const struct cpu *cpu, const struct csr_file *csr, uint64_t va, uint64_t *pa);

/* ptw.c: LDDIR and LDPTE. */
uint64_t ptw_lddir(struct cpu *cpu, uint64_t base, unsigned level);
void ptw_ldpte(struct cpu *cpu, uint64_t base, unsigned seq);

/* tlb.c: which of an entry's halves @va is in. */
static inline uint64_t tlb_half(const struct tlb_entry *entry, uint64_t va)
{
	return entry->elo[va >> entry->ps & 1];
}

/* tlb.c: makes @entry invalid, with what was derived from it. */
void tlb_drop(struct cpu *cpu, struct tlb_entry *entry);

/* timer.c */
void timer_init(struct cpu *cpu);
void timer_reset(struct cpu *cpu);
void timer_configure(struct cpu *cpu);
void timer_poll(struct cpu *cpu);	     /* notices expiries up to now; on the core's thread */
bool timer_due(const struct cpu *cpu);	     /* ESTAT.IS[11], exactly */
bool timer_signalled(const struct cpu *cpu); /* the same as soon as the clock has noticed */
uint64_t timer_value(const struct cpu *cpu);

/* pmu.c */
void pmu_reset(struct cpu *cpu);
void pmu_sync(struct cpu *cpu);	  /* before the privilege level or a counter changes */
void pmu_select(struct cpu *cpu); /* after it */
uint64_t pmu_count(const struct cpu *cpu, unsigned counter);
bool pmu_overflow(const struct cpu *cpu); /* ESTAT.IS[10] of the counters' own */

/* watch.c: Vol.1 7.8 */
void watch_update(struct cpu *cpu);
bool watch_enabled(const struct cpu *cpu);			 /* CRMD.WE with a watchpoint configured */
bool watch_page(const struct cpu *cpu, uint64_t va, bool fetch); /* may anything in @va's page hit? */
bool watch_hit_fetch(struct cpu *cpu, uint64_t va);
bool watch_hit_memory(struct cpu *cpu, uint64_t va, unsigned size, bool store);

/* Message interrupts: the highest pending vector at or above MSGIE.PT, -1 if none. */
int message_highest(const struct cpu *cpu);

#endif
