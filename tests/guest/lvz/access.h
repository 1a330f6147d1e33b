/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What the suites about stage 2, the page walker and the TLB share: accesses by the guest, its stage-1
 * entries and page tables, and the same tests once alone and then on two cores at a time, which must not
 * notice.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "lvz.h"

#define MTLB	 2048 /* index of the first MTLB entry */
#define PTE_P	 0x80
#define PTE_W	 0x100
#define PTE_HUGE 0x40
#define RAN	 EXC_HVC /* how an access that went well ends: by the `hvcl 0` behind it */

/* Checks that core 0 alone prints; with two cores they are counted, and core 0 prints the sum. */
void expect_at(const char *file, int line, bool ok, const char *sentence);
void expect_equal_at(const char *file, int line, uint64_t got, uint64_t want, const char *sentence);
#define expect(ok, sentence)		  expect_at(__FILE_NAME__, __LINE__, ok, sentence)
#define expect_equal(got, want, sentence) expect_equal_at(__FILE_NAME__, __LINE__, got, want, sentence)

/* Runs @tests on core 0, then with cores=2 on both at once, @rounds times. */
void run_alone_then_together(void (*tests)(void), unsigned rounds, const char *sentence);
bool together(void);
void second_core(void); /* what a suite's secondary_main() calls */

/* This core's: GIDs 0-2, and pages of 16 KiB in physical memory that stage 2 maps to themselves. */
unsigned gid_of(unsigned n);
#define GID_OPERAND(n) ((uint64_t)gid_of(n) << 16) /* as GSTAT, GTLBC and invtlb have it */
uint64_t page(unsigned n);

/* Guest physical pages that stage 2 does not map until a test does. */
static inline uint64_t gpa(unsigned n)
{
	return 0x40000000 + S2_PAGE * n;
}

/*
 * The state that every test starts from: no TLB entry, guest as after reset in GID 0, nothing mapped at
 * gpa(0) to gpa(15), and page(0) to page(15) with page_mark(n) at their first and last doublewords.
 */
void fresh(void);
uint64_t page_mark(unsigned n);

/* Where the guest finds @fn in its mode: direct, or with guest_windows() by PLV. */
uint64_t guest_address(const char *fn);

/* One piece of guest code with a0 and a1, without guest_run()'s loop; returns the exit. */
unsigned access_by(const char *fn, uint64_t a0, uint64_t a1);
unsigned load(uint64_t address); /* the value is in loaded() */
unsigned store(uint64_t address, uint64_t value);
unsigned fetch(uint64_t address); /* jumps there; a guest exception ends it */
static inline uint64_t loaded(void)
{
	return guest.gpr[4];
}
extern const char guest_load[], guest_store[], guest_jump[], guest_tlbwr[];

static inline uint32_t instruction_at(const char *fn)
{
	return *(volatile uint32_t *)ADDRESS(fn);
}

/* A stage-1 entry of the running GID, by the guest's tlbwr or (@index FILL) tlbfill; G1's ASID is GCSR.ASID.
 */
#define FILL ~0u
void stage1_set(unsigned index, uint64_t gva, unsigned ps, uint64_t elo0, uint64_t elo1);

/* A stage-2 entry of GID 0-2, by root's tlbwr, whatever the tables say; with @n ROOT_ENTRY one of root's own.
 */
#define ROOT_ENTRY ~0u
void stage2_set(unsigned n, unsigned index, uint64_t address, unsigned ps, uint64_t elo0, uint64_t elo1);

/*
 * The guest's page tables, three levels like stage 2's in page(240), page(242) and page(244): level 0 is the
 * page table, 1 Dir1, 2 Dir3.  All addresses of a test lie in one 32 MiB.  The guest's refill handler becomes
 * crt0.S's walk_entry.
 */
void tables_setup(void);
void tables_map(uint64_t gva, uint64_t pte);	    /* no flag is added */
uint64_t table_entry(unsigned level, uint64_t gva); /* where the entry is, physical */

#endif
