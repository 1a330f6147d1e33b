/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The hardware page walker in both stages, which the table of LVZ tests leaves open: root's walks the stage-2
 * tables and leaves no entry for what is absent, the guest's reads its tables through stage 2.
 */
#include "access.h"

#define GVA	 0x0000000123400000ull /* in no window */
#define HUGE_GPA 0x0000000080000000ull
#define WALKER	 (1ull << 24) /* in PWCH */

extern const char guest_refill_entry[];

static bool exits(unsigned got, unsigned code, uint64_t badv)
{
	return got == code && vm_exit.badv == badv && guest_trap.count == 0;
}

static bool brings(unsigned got, uint64_t value)
{
	return got == RAN && guest_trap.count == 0 && loaded() == value;
}

/* Tests that would take a refill take an exit, which they do not expect. */
static void root_walker_on(void)
{
	csr_change(CSR_PWCH, WALKER, WALKER);
	guest.refill_exits = 1;
}

static void absent_in_stage2(void)
{
	fresh();
	root_walker_on();
	expect(exits(load(gpa(0) + 0x18), EXC_PIL, gpa(0) + 0x18),
	       "ptw_s2: with root's walker a load from an absent page is a PIL exit, not a refill");
	expect(exits(store(gpa(0) + 8, 0), EXC_PIS, gpa(0) + 8), "ptw_s2: a store is a PIS exit");
	expect(exits(fetch(gpa(0)), EXC_PIF, gpa(0)), "ptw_s2: a fetch is a PIF exit");
	s2_map(gpa(0), page(0), PAGE_RW);
	expect(brings(load(gpa(0)), page_mark(0)),
	       "ptw_s2: no V=0 entry is left: with the page mapped it is found");
	expect(exits(load(gpa(1)), EXC_PIL, gpa(1)),
	       "ptw_s2: the absent other page of the pair is a PIL exit");
	s2_map(gpa(1), page(1), PAGE_RW);
	expect(brings(load(gpa(1)), page_mark(1)), "ptw_s2: which needs no invtlb either when it is mapped");
	expect(exits(load(0x7fff00000000), EXC_PIL, 0x7fff00000000),
	       "ptw_s2: an empty directory is a PIL exit as well");
	expect_equal(vm_refill.count, 0, "ptw_s2: none of it is a refill");
}

static void rights_in_stage2(void)
{
	fresh();
	root_walker_on();
	s2_map(gpa(0), page(0), ELO_V | ELO_CC);
	s2_map(gpa(2), page(2), PAGE_RW | ELO_NR);
	s2_map(gpa(4), page(4), PAGE_RW | ELO_NX);
	s2_map(gpa(6), page(6), ELO_CC | PTE_W);
	expect(brings(load(gpa(0)), page_mark(0)), "ptw_s2: a page with D=0 can be read");
	expect(exits(store(gpa(0) + 8, 1), EXC_PME, gpa(0) + 8), "ptw_s2: a store to it is a PME exit");
	expect_equal(*s2_entry(gpa(0)), page(0) | ELO_V | ELO_CC | PTE_P,
		     "ptw_s2: which changes nothing in the table");
	s2_map(gpa(0), page(0), PAGE_RW | PTE_W);
	s2_flush(gpa(0));
	expect(store(gpa(0) + 8, 0x55) == RAN && load64(CACHED(page(0)) + 8) == 0x55,
	       "ptw_s2: with W and D in the table and invtlb 0x16 it succeeds");
	expect(exits(load(gpa(2)), EXC_PNR, gpa(2)), "ptw_s2: NR is a PNR exit");
	expect(exits(fetch(gpa(4)), EXC_PNX, gpa(4)), "ptw_s2: NX is a PNX exit");
	expect(brings(load(gpa(6)), page_mark(6)) &&
		       *s2_entry(gpa(6)) == (page(6) | ELO_CC | PTE_W | PTE_P | ELO_V),
	       "ptw_s2: the walker sets V of a present page in the stage-2 table (inferred)");
	expect(store(gpa(6) + 8, 0x66) == RAN && *s2_entry(gpa(6)) == (page(6) | PAGE_RW | PTE_W | PTE_P),
	       "ptw_s2: and D of one with W (inferred)");
}

static void identity_of_walks(void)
{
	unsigned right = 0;

	fresh();
	root_walker_on();
	for (unsigned g = 0; g < 2; g++) {
		s2_select(gid_of(g));
		s2_map(gpa(0), page(g), PAGE_RW);
	}
	for (unsigned n = 0; n < 8; n++) {
		s2_select(gid_of(n & 1));
		right += brings(load(gpa(0)), page_mark(n & 1));
	}
	expect_equal(right, 8, "ptw_s2: walks of two GIDs fill entries of theirs");
	s2_select(gid_of(0));
	s2_map(gpa(0), page(2), PAGE_RW);
	s2_select(gid_of(0) + 8);
	expect(brings(load(gpa(0)), page_mark(2)), "ptw_s2: a new GID walks the tables anew");
	s2_select(gid_of(0));
	s2_flush(gpa(0));
	expect(brings(load(gpa(0)), page_mark(2)), "ptw_s2: after invtlb 0x16 the old one as well");
	s2_map(gpa(4), page(4), PAGE_RW);
	expect_equal(load64(gpa(4)), page_mark(4), "ptw_s2: root's own miss walks the same tables");
	s2_map(gpa(4), page(5), PAGE_RW);
	expect(brings(load(gpa(4)), page_mark(5)),
	       "ptw_s2: but fills an entry of root's, which stage 2 does not use");
	s2_map_huge(HUGE_GPA, 0, PAGE_RW);
	expect(brings(load(HUGE_GPA + page(3)), page_mark(3)), "ptw_s2: huge pages are walked");
	csr_change(CSR_GTLBC, GID_OPERAND(0), GTLBC_TGID);
	csr_write(CSR_TLBEHI, HUGE_GPA);
	__asm__ volatile("tlbsrch; tlbrd");
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	csr_write(CSR_ASID, 0);
	expect_equal(csr_read(CSR_TLBIDX) >> 24 & 0xbf, 24, "ptw_s2: into an entry of two halves, PS 24");
	csr_change(CSR_PWCH, 0, WALKER);
	expect_equal(load(gpa(8)), EXC_TLBR, "ptw_s2: without PWCH bit 24 a miss is a refill exit again");
}

/* A guest in mapped mode whose tables are walked; a refill of its own would be recorded. */
static void guest_walker_on(void)
{
	guest_windows();
	tables_setup();
	gcsr_change(CSR_PWCH, WALKER, WALKER);
	gcsr_write(CSR_TLBRENTRY, PHYSICAL(guest_refill_entry));
	tables_map(GVA, 0);
}

static uint64_t guest_pte(void)
{
	return load64(CACHED(table_entry(0, GVA)));
}

static void absent_in_stage1(void)
{
	fresh();
	guest_walker_on();
	expect(load(GVA + 8) == RAN && guest_trapped(EXC_PIL) && guest_trap.badv == GVA + 8,
	       "ptw_s1: an absent page of the guest's tables is the guest's PIL, no refill and no exit");
	expect(store(GVA, 0) == RAN && guest_trapped(EXC_PIS), "ptw_s1: PIS for a store");
	expect(fetch(GVA) == RAN && guest_trapped(EXC_PIF), "ptw_s1: PIF for a fetch");
	tables_map(GVA, page(0) | ELO_CC | PTE_P | PTE_W);
	expect(brings(load(GVA), page_mark(0)), "ptw_s1: mapped, it is found without an invtlb");
	expect_equal(guest_pte(), page(0) | ELO_CC | PTE_P | PTE_W | ELO_V,
		     "ptw_s1: the walker sets V in the guest's table");
	expect(store(GVA + 8, 7) == RAN && guest_pte() == (page(0) | PAGE_RW | PTE_P | PTE_W),
	       "ptw_s1: and D at a store");
	tables_map(GVA + 0x8000, page(2) | ELO_CC | PTE_P);
	expect(store(GVA + 0x8000, 0) == RAN && guest_trapped(EXC_PME),
	       "ptw_s1: a page without W is the guest's PME");
}

/* Takes the page of a table out of stage 2. */
static void table_lose(unsigned level)
{
	s2_unmap(table_entry(level, GVA));
	s2_flush(table_entry(level, GVA));
	invtlb(0x13, GID_OPERAND(0), 0);
}

static void table_map(unsigned level, uint64_t flags)
{
	s2_map(table_entry(level, GVA), table_entry(level, GVA), flags);
	s2_flush(table_entry(level, GVA));
}

static void tables_through_stage2(void)
{
	fresh();
	guest_walker_on();
	tables_map(GVA, page(0) | PAGE_RW | PTE_P | PTE_W);
	load(GVA);
	for (unsigned level = 0; level < 3; level++) {
		table_lose(level);
		expect(exits(load(GVA), EXC_PIL, table_entry(level, GVA)) &&
			       vm_exit.era == ADDRESS(guest_load),
		       "ptw_s1_s2: a table that stage 2 does not map is a PIL exit with its entry's GPA");
		expect(exits(store(GVA, 0), EXC_PIL, table_entry(level, GVA)), "ptw_s1_s2: for a store, too");
		expect(exits(fetch(GVA), EXC_PIL, table_entry(level, GVA)) && vm_exit.era == GVA,
		       "ptw_s1_s2: and for a fetch, whose PC is the GVA");
		expect(load(GVA) == EXC_PIL && gcsr_read(CSR_TLBRERA) == 0 && gcsr_read(CSR_CRMD) == CRMD_PG,
		       "ptw_s1_s2: the guest knows nothing of it");
		table_map(level, PAGE_RW);
		expect(guest_enter() == RAN && loaded() == page_mark(0),
		       "ptw_s1_s2: with the table mapped the load ends");
		s2_flush(table_entry(level, GVA));
		invtlb(0x13, GID_OPERAND(0), 0);
		guest.refill_exits = 1;
		expect(load(GVA) == EXC_TLBR && vm_exit.tlbrbadv == table_entry(level, GVA),
		       "ptw_s1_s2: a table that misses is a refill exit with its entry's GPA");
		guest.refill_exits = 0;
		expect(guest_enter() == RAN && loaded() == page_mark(0),
		       "ptw_s1_s2: behind which the load ends");
	}
	table_map(0, ELO_V | ELO_D | ELO_CC | ELO_NR);
	invtlb(0x13, GID_OPERAND(0), 0);
	expect(exits(load(GVA), EXC_PNR, table_entry(0, GVA)),
	       "ptw_s1_s2: NR in stage 2 holds for the walker's reads");
	table_map(0, PAGE_RW);
	tables_map(GVA, gpa(3) | PAGE_RW | PTE_P | PTE_W);
	invtlb(0x13, GID_OPERAND(0), 0);
	expect(exits(load(GVA + 0x128), EXC_PIL, gpa(3) + 0x128) && exits(store(GVA, 0), EXC_PIS, gpa(3)),
	       "ptw_s1_s2: a page that stage 2 does not map exits with the page's GPA");
}

/* What the walker writes to the guest's tables must not escape a host that logs what is written. */
static void tables_write_protected(void)
{
	fresh();
	guest_walker_on();
	tables_map(GVA, page(0) | ELO_CC | PTE_P | PTE_W | ELO_V);
	load(GVA);
	table_map(0, ELO_V | ELO_CC);
	expect(brings(load(GVA), page_mark(0)), "ptw_s1_s2: a table with D=0 in stage 2 can be walked");
	expect(exits(store(GVA + 8, 0x77), EXC_PME, table_entry(0, GVA)),
	       "ptw_s1_s2: when the walker would set D in it, it is a PME exit with the entry's GPA "
	       "(inferred)");
	expect(!(guest_pte() & ELO_D) && load64(CACHED(page(0)) + 8) != 0x77,
	       "ptw_s1_s2: and nothing is written");
	table_map(0, PAGE_RW);
	expect(guest_enter() == RAN && guest_pte() & ELO_D && load64(CACHED(page(0)) + 8) == 0x77,
	       "ptw_s1_s2: with D=1 there both are");
	tables_map(GVA, page(0) | ELO_CC | PTE_P | PTE_W);
	invtlb(0x13, GID_OPERAND(0), 0);
	table_map(0, ELO_V | ELO_CC);
	expect(exits(load(GVA), EXC_PME, table_entry(0, GVA)) && !(guest_pte() & ELO_V),
	       "ptw_s1_s2: the same holds for V (inferred)");
	table_map(0, PAGE_RW);
	expect(guest_enter() == RAN && guest_pte() & ELO_V, "ptw_s1_s2: with D=1 the walker sets it");
}

static void both_walkers(void)
{
	unsigned right = 0;

	fresh();
	guest_walker_on();
	root_walker_on();
	for (unsigned n = 0; n < 8; n++) {
		s2_map(gpa(n), page(n * 3 % 8), PAGE_RW);
		tables_map(GVA + S2_PAGE * n, gpa(n * 5 % 8) | ELO_CC | PTE_P | PTE_W);
	}
	for (unsigned n = 0; n < 8; n++) {
		uint64_t to = page(n * 5 % 8 * 3 % 8);

		right += brings(load(GVA + S2_PAGE * n), page_mark(n * 5 % 8 * 3 % 8));
		right += store(GVA + S2_PAGE * n + 8, n) == RAN && load64(CACHED(to) + 8) == n;
		*(volatile uint32_t *)(CACHED(to) + 0x10) = instruction_at(guest_return);
		right += fetch(GVA + S2_PAGE * n + 0x10) == RAN && vm_exit.era == GVA + S2_PAGE * n + 0x10;
	}
	expect_equal(right, 24, "ptw_both: loads, stores and fetches through both walkers find their pages");
	expect_equal(vm_refill.count, 0, "ptw_both: without any refill");
	table_lose(1);
	expect(exits(load(GVA), EXC_PIL, table_entry(1, GVA)),
	       "ptw_both: a table that stage 2 lacks is a PIL exit");
	table_map(1, PAGE_RW);
	s2_unmap(table_entry(0, GVA));
	s2_flush(table_entry(0, GVA));
	expect(exits(load(GVA), EXC_PIL, table_entry(0, GVA)), "ptw_both: so is the next");
	s2_map(table_entry(0, GVA), table_entry(0, GVA), PAGE_RW);
	expect(brings(load(GVA), page_mark(0)), "ptw_both: mapped again, it needs no invtlb");
	s2_select(gid_of(1));
	s2_map(gpa(0), page(9), PAGE_RW);
	expect(brings(load(GVA), page_mark(9)), "ptw_both: another GID's walk goes through its own stage 2");
	s2_select(gid_of(0));
	expect(brings(load(GVA), page_mark(0)), "ptw_both: and does not disturb the first one's");
}

/*
 * A set of the STLB in which stage 1's and stage 2's entries of one access meet, with every way taken: stage
 * 2's may take the place of stage 1's.  What goes by address must still find all that came of that.
 */
static void one_set(void)
{
	unsigned right = 0;

	fresh();
	guest_walker_on();
	root_walker_on();
	gcsr_write(CSR_STLBPS, 14);
	s2_map(gpa(0), page(0), PAGE_RW);
	s2_map(gpa(4), page(4), PAGE_RW);
	for (uint64_t n = 0; n < 400; n++) {
		uint64_t gva = GVA + 0x400000 + S2_HUGE * n; /* in gpa(0)'s set */

		tables_map(gva, gpa(0) | PAGE_RW | PTE_P | PTE_W);
		s2_flush(gpa(0));
		right += brings(load(gva), page_mark(0));
		tables_map(gva, gpa(4) | PAGE_RW | PTE_P | PTE_W);
		invtlb(0xe, GID_OPERAND(0), gva);
		right += brings(load(gva), page_mark(4));
	}
	expect_equal(right, 800,
		     "ptw_both: invtlb of a GVA works also when its entry lost its place to stage 2's");
}

static void tests(void)
{
	absent_in_stage2();
	rights_in_stage2();
	identity_of_walks();
	absent_in_stage1();
	tables_through_stage2();
	tables_write_protected();
	both_walkers();
	one_set();
}

static void no_walker(void)
{
	lvz_setup();
	csr_change(CSR_PWCH, WALKER, WALKER);
	gcsr_change(CSR_PWCH, WALKER, WALKER);
	check_equal(csr_read(CSR_PWCH) >> 24, 0,
		    "ptw: without CPUCFG2.HPTW root's PWCH bit 24 cannot be set");
	check_equal(gcsr_read(CSR_PWCH) >> 24, 0, "ptw: nor the guest's");
}

void secondary_main(unsigned core)
{
	second_core();
}

void suite(void)
{
	if (has_page_walker())
		run_alone_then_together(
			tests, 20,
			"two_cores: all checks of the walkers hold on a core while the other runs them");
	else
		no_walker();
}
