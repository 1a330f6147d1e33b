/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the files of machine/cpu/ use of each other and nobody else does. */
#ifndef BIXI_CPU_INTERNAL_H
#define BIXI_CPU_INTERNAL_H

#include "machine/cpu/cpu.h"
#include "machine/cpu/exception.h"

uint64_t cpu_random(struct cpu *cpu);

/* mmu.c: one page's translation. */
struct mmu_page {
	uint64_t pa;  /* of the address that was asked for */
	uint64_t gpa; /* the same between the stages; without a second one equal to pa */
	uint8_t mat;
	uint8_t rights;		       /* bit 1 << SOFTTLB_LOAD etc. */
	uint8_t bits;		       /* all of the 2^bits bytes around it are translated alike */
	const struct tlb_entry *entry; /* that stage 1 used, NULL: none */
};

/* Why a translation failed.  What stage 2 does not allow is root's business: it ends guest mode. */
struct mmu_fault {
	enum exception exc;
	uint64_t address; /* for BADV: virtual in stage 1, guest-physical in stage 2 */
	bool stage2;
};

/* Whose TLB entries and page tables translate, and for whom. */
struct mmu_space {
	const struct csr_file *csr; /* page-walk registers */
	uint16_t asid;
	uint8_t kind, gid; /* of its TLB entries */
	uint8_t plv;	   /* that pages must allow */
	bool unprotected;  /* stores ignore D */
};

/* Of the current mode's virtual addresses; and of guest-physical ones (LVZ). */
struct mmu_space mmu_space(const struct cpu *cpu);
struct mmu_space mmu_space2(const struct cpu *cpu);

/*
 * Translates @va for an access of @kind in the current mode, raising nothing: false with *@fault set if it
 * is not allowed.  Page walkers may fill the TLB and set V and D in page tables.
 */
bool mmu_translate(struct cpu *cpu, uint64_t va, enum softtlb_access kind, struct mmu_page *page,
		   struct mmu_fault *fault);

/* Stage 2 alone: page->gpa for an access of @kind.  page->pa, mat and rights are narrowed. */
bool mmu_stage2(struct cpu *cpu, struct mmu_page *page, enum softtlb_access kind, struct mmu_fault *fault);

/* Where @space maps @va, for whoever looks from outside: nothing changes, rights do not count. */
bool mmu_look(const struct cpu *cpu, const struct mmu_space *space, uint64_t va, uint64_t *pa);

/* exception.c: takes the exception of a failed translation.  Returns INSN_RAISED. */
int cpu_raise_fault(struct cpu *cpu, const struct mmu_fault *fault);

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
	return va >> 63 ? csr->pgdh : csr->pgdl;
}

/* Whether page permissions @elo allow the access; *@exc if not.  Order of checks: Vol.1 5.4.4. */
bool mmu_page_check(const struct mmu_space *space, uint64_t elo, enum softtlb_access kind,
		    enum exception *exc);

/*
 * ptw.c: walks @space's page table for @va and fills the TLB; @stale is the entry that was there and is to
 * go.  NULL with *@fault set if the table does not allow the access.
 */
struct tlb_entry *ptw_walk(struct cpu *cpu, const struct mmu_space *space, uint64_t va,
			   enum softtlb_access kind, struct tlb_entry *stale, struct mmu_fault *fault);

/* Whether the walker must look at the page table again, as V or D is missing in the TLB. */
bool ptw_wanted(uint64_t elo, enum softtlb_access kind);

/* ptw.c: where the page table maps @va, for whoever looks from outside; nothing changes. */
bool ptw_peek(const struct cpu *cpu, const struct mmu_space *space, uint64_t va, uint64_t *pa);

/*
 * ptw.c: LDDIR and LDPTE.  False: the table's address does not translate (a guest's is guest-physical), and
 * the exception was taken.
 */
bool ptw_lddir(struct cpu *cpu, uint64_t base, unsigned level, uint64_t *entry);
bool ptw_ldpte(struct cpu *cpu, uint64_t base, unsigned seq);

/* tlb.c: which of an entry's halves @va is in. */
static inline uint64_t tlb_half(const struct tlb_entry *entry, uint64_t va)
{
	return entry->elo[va >> entry->ps & 1];
}

/* tlb.c: makes @entry invalid, with what was derived from it. */
void tlb_drop(struct cpu *cpu, struct tlb_entry *entry);

/* timer.c: each for root's or the guest's timer */
void timer_init(struct cpu *cpu);
void timer_destroy(struct cpu *cpu);
void timer_reset(struct cpu *cpu);
void timer_stop(struct cpu *cpu, enum cpu_mode mode);	   /* before TCFG changes */
void timer_configure(struct cpu *cpu, enum cpu_mode mode); /* after it */
void timer_set_value(struct cpu *cpu, enum cpu_mode mode, uint64_t ticks);
void timer_poll(struct cpu *cpu, enum cpu_mode mode); /* notices expiries up to now; on the core's thread */
void timer_look(struct cpu *cpu,
		enum cpu_mode mode); /* those that are signalled; where time is virtual, all */
bool timer_due(const struct cpu *cpu, enum cpu_mode mode); /* an expiry is to be noticed, exactly */
bool timer_signalled(const struct cpu *cpu,
		     enum cpu_mode mode); /* the same as soon as the clock has noticed */
uint64_t timer_value(const struct cpu *cpu, enum cpu_mode mode);

/* pmu.c */
void pmu_configure(struct cpu *cpu); /* after PMCFGs have changed, and at first: no counter owes anything */
void pmu_settle(struct cpu *cpu);
void pmu_choose(struct cpu *cpu);
uint64_t pmu_count(const struct cpu *cpu, enum cpu_mode mode, unsigned counter);
bool pmu_overflow(const struct cpu *cpu, enum cpu_mode mode); /* ESTAT.IS[10] of the counters' own */

/* Before the privilege level or a counter changes, and after it. */
static inline void pmu_sync(struct cpu *cpu)
{
	if (__builtin_expect(cpu->pmu_counters != 0, 0))
		pmu_settle(cpu);
}

static inline void pmu_select(struct cpu *cpu)
{
	if (__builtin_expect(cpu->pmu_counters != 0, 0))
		pmu_choose(cpu);
}

/* watch.c: Vol.1 7.8 */
void watch_update(struct cpu *cpu);
/* CRMD.WE with a watchpoint configured. */
static inline bool watch_enabled(const struct cpu *cpu)
{
	return (cpu->watch_fetch || cpu->watch_memory) && cpu->root.crmd & CRMD_WE &&
	       (!cpu->guest_mode || cpu->watch_guest);
}
bool watch_page(const struct cpu *cpu, uint64_t va, bool fetch); /* may anything in @va's page hit? */
bool watch_hit_fetch(struct cpu *cpu, uint64_t va);
bool watch_hit_memory(struct cpu *cpu, uint64_t va, unsigned size, bool store);

/*
 * Message interrupts: MSGISn, the highest pending vector at or above MSGIE.PT (-1 if none), and the same
 * taken off (MSGIR).
 */
uint64_t message_pending(const struct cpu *cpu, enum cpu_mode mode, unsigned n);
int message_highest(const struct cpu *cpu, enum cpu_mode mode);
int message_take(struct cpu *cpu, enum cpu_mode mode);

#endif
