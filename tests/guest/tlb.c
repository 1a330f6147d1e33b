/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The TLB and its instructions: Vol.1 4.2.4, 5.4. */
#include "guest.h"

#define VA	0xffff800000000000 /* in no window */
#define USER_VA 0x0000000040000000
#define MTLB	2048

SNIPPET(do_load, "ld.d $a0, $a0, 0");
SNIPPET(do_store, "st.d $a1, $a0, 0");

static void expect_load(uint64_t va, unsigned code, const char *sentence)
{
	trap_clear();
	call(ADDRESS(do_load), va, 0);
	check(trapped(code), sentence);
}

static void expect_store(uint64_t va, unsigned code, const char *sentence)
{
	trap_clear();
	call(ADDRESS(do_store), va, 0);
	check(trapped(code), sentence);
}

static void expect_fetch(uint64_t va, unsigned code, const char *sentence)
{
	trap_clear();
	trap_resume = ADDRESS(call_return);
	call(va, 0, 0);
	check(trapped(code), sentence);
}

static uint64_t pfn(unsigned n)
{
	return scratch(n);
}

static void fill_scratch(void)
{
	for (unsigned n = 0; n < 16; n++)
		for (unsigned page = 0; page < 4; page++)
			store64(CACHED(scratch(n)) + 0x4000 * page, 0x100 * n + page);
}

static void refill(void)
{
	csr_write(CSR_TLBREHI, 0xc);
	expect_load(VA + 0x5678, EXC_TLBR, "an address without a TLB entry raises TLBR");
	check_equal(trap.frame.tlbrbadv, VA + 0x5678, "TLBRBADV is the address");
	qemu_differs();
	check_equal(trap.frame.tlbrehi, VA + 0x400c, "TLBREHI has the page pair and keeps PS");
	check_equal(trap.frame.tlbrera, ADDRESS(do_load) | 1,
		    "TLBRERA is the instruction's address with IsTLBR");
	check_equal(trap.frame.crmd & 0x1f, 8, "TLBR goes to direct mode, PLV0, IE clear");
	check_equal(csr_read(CSR_CRMD) & 0x1f, 0x10, "ERTN from TLBR goes back to mapped mode");
	check_equal(csr_read(CSR_TLBRERA) & 1, 0, "ERTN from TLBR clears IsTLBR");
	expect_fetch(VA + 0x5678, EXC_TLBR, "a fetch without a TLB entry raises TLBR");
	check_equal(trap.frame.tlbrera, VA + 0x5679, "TLBRERA of a fetch is its address");
	trap_clear();
	csr_change(CSR_CRMD, 4, 4);
	call(ADDRESS(do_load), VA, 0);
	csr_change(CSR_CRMD, 0, 4);
	check_equal(trap.frame.tlbrprmd, 4, "TLBRPRMD has the PLV and IE of before");
}

static void permissions(void)
{
	tlb_set(MTLB, VA, 14, pfn(0) | ELO_CC, pfn(0) | 0x4000 | PAGE_RW);
	expect_load(VA + 8, EXC_PIL, "a load from a page with V = 0 raises PIL");
	check_equal(trap.frame.badv, VA + 8, "BADV of PIL is the address");
	check_equal(csr_read(CSR_TLBEHI), VA, "TLBEHI of PIL has the page pair");
	expect_store(VA, EXC_PIS, "a store to a page with V = 0 raises PIS");
	expect_fetch(VA, EXC_PIF, "a fetch from a page with V = 0 raises PIF");
	check_equal(load64(VA + 0x4000), 1, "the odd page of a pair is translated by TLBELO1");
	tlb_set(MTLB, VA, 14, pfn(1) | ELO_V | ELO_CC | ELO_NX, pfn(1) | 0x4000 | PAGE_RW | ELO_NR);
	check_equal(load64(VA), 0x100, "a page with D = 0 can be read");
	expect_store(VA, EXC_PME, "a store to a page with D = 0 raises PME");
	expect_fetch(VA, EXC_PNX, "a fetch from a page with NX raises PNX");
	expect_load(VA + 0x4000, EXC_PNR, "a load from a page with NR raises PNR");
	trap_clear();
	store64(VA + 0x4008, 0x55);
	check(trap.count == 0 && load64(CACHED(pfn(1)) + 0x4008) == 0x55, "a page with NR can be written");
	csr_change(CSR_MISC, 1 << 16, 1 << 16);
	trap_clear();
	store64(VA + 8, 0x66);
	qemu_differs();
	check(trap.count == 0 && load64(CACHED(pfn(1)) + 8) == 0x66,
	      "MISC.DWPL0 lets PLV0 write a page with D = 0");
	csr_change(CSR_MISC, 0, 1 << 16);
	expect_store(VA, EXC_PME, "without MISC.DWPL0 the page is protected again");
	tlb_flush();
}

static void privilege(void)
{
	uint64_t run = USER(do_load);

	tlb_set(MTLB, USER_VA, 14, pfn(2) | PAGE_RW, pfn(2) | 0x4000 | PAGE_RW | ELO_PLV(3));
	trap_clear();
	user_run(3, run, USER_VA, 0);
	check(trapped(EXC_PPI), "PLV3 may not use a page of PLV0");
	check_equal(trap.frame.badv, USER_VA, "BADV of PPI is the address");
	trap_clear();
	check(user_run(3, run, USER_VA + 0x4000, 0) == 0x201 && trap.count == 0,
	      "PLV3 may use a page of PLV3");
	check(load64(USER_VA + 0x4000) == 0x201 && trap.count == 0, "PLV0 may use a page of PLV3");
	tlb_set(MTLB, USER_VA, 14, pfn(2) | PAGE_RW | ELO_RPLV,
		pfn(2) | 0x4000 | PAGE_RW | ELO_PLV(3) | ELO_RPLV);
	expect_load(USER_VA + 0x4000, EXC_PPI, "with RPLV a page of PLV3 is not for PLV0");
	trap_clear();
	check(load64(USER_VA) == 0x200 && trap.count == 0, "with RPLV a page of PLV0 is for PLV0");
	trap_clear();
	check(user_run(3, run, USER_VA + 0x4000, 0) == 0x201 && trap.count == 0,
	      "with RPLV a page of PLV3 is for PLV3");
	/* Two rules broken at once: the order is V, NX, PLV, NR, D. */
	tlb_set(MTLB, USER_VA, 14, pfn(2) | ELO_V | ELO_NR | ELO_NX, pfn(2) | ELO_V);
	trap_clear();
	user_run(3, run, USER_VA, 0);
	qemu_differs();
	check(trapped(EXC_PPI), "PPI comes before PNR");
	trap_clear();
	user_run(3, USER(do_store), USER_VA + 0x4000, 0);
	check(trapped(EXC_PPI), "PPI comes before PME");
	trap_clear();
	trap_resume = ADDRESS(user_return);
	user_run(3, USER_VA, 0, 0);
	check(trapped(EXC_PNX), "PNX comes before PPI");
	tlb_set(MTLB, USER_VA, 14, pfn(2) | ELO_NR | ELO_NX, pfn(2) | ELO_V);
	trap_clear();
	user_run(3, run, USER_VA, 0);
	check(trapped(EXC_PIL), "PIL comes before all others");
	tlb_flush();
}

static void sizes(void)
{
	csr_write(CSR_STLBPS, 12);
	tlb_set(MTLB + 1, VA, 12, pfn(3) | PAGE_RW, pfn(3) | 0x4000 | PAGE_RW);
	check(load64(VA) == 0x300 && load64(VA + 0x1000) == 0x301, "a 4 KiB pair maps two pages of 4 KiB");
	expect_load(VA + 0x2000, EXC_TLBR, "what lies behind a 4 KiB pair is not mapped by it");
	tlb_set(MTLB + 2, VA + 0x400000, 21, pfn(0) & ~0x1fffffull, (pfn(0) & ~0x1fffffull) | PAGE_RW);
	check_equal(load64(VA + 0x600000 + (pfn(0) & 0x1fffff)), 0,
		    "a 2 MiB page translates 21 bits of offset");
	tlb_set(MTLB + 3, VA + 0x40000000, 24, ((pfn(4) & ~0xffffffull) | PAGE_RW), PAGE_RW);
	check_equal(load64(VA + 0x40000000 + (pfn(4) & 0xffffff) + 0x4000), 0x401,
		    "a 16 MiB page translates 24 bits");
	/* PPN bits below the page size do not count. */
	tlb_set(MTLB + 4, VA + 0x80000000, 16, pfn(5) | 0x3000 | PAGE_RW, pfn(6) | PAGE_RW);
	check_equal(load64(VA + 0x80000000 + 0x8000), 0x502, "PPN bits below the page size are ignored");
	check_equal(load64(VA + 0x80010000), 0x600, "the odd page begins at bit PS");
	csr_write(CSR_STLBPS, 14);
	check_equal(csr_read(CSR_STLBPS), 14, "STLBPS takes a page size");
	csr_write(CSR_STLBPS, 5);
	check_equal(csr_read(CSR_STLBPS), 14, "STLBPS does not take a size that PRCFG2 has not");
	tlb_flush();
}

static void instructions(void)
{
	uint64_t idx;

	tlb_set(MTLB + 7, VA, 14, pfn(7) | PAGE_RW, pfn(7) | 0x4000 | PAGE_RW | ELO_NX);
	csr_write(CSR_TLBEHI, VA);
	csr_write(CSR_TLBIDX, 0);
	__asm__ volatile("tlbsrch");
	check_equal(csr_read(CSR_TLBIDX) & 0x80000fff, MTLB + 7, "tlbsrch finds an entry's index");
	csr_write(CSR_TLBEHI, VA + 0x8000);
	__asm__ volatile("tlbsrch");
	idx = csr_read(CSR_TLBIDX);
	check(idx >> 31 & 1, "tlbsrch sets NE when it finds nothing");
	qemu_differs();
	check_equal(idx >> 32, 0xffffffff, "a 32-bit CSR reads sign-extended");
	csr_write(CSR_ASID, 5);
	csr_write(CSR_TLBIDX, MTLB + 7);
	__asm__ volatile("tlbrd");
	qemu_differs();
	check_equal(csr_read(CSR_TLBEHI), VA, "tlbrd brings VPPN");
	check_equal(csr_read(CSR_TLBELO0), pfn(7) | PAGE_RW, "tlbrd brings the even page");
	check_equal(csr_read(CSR_TLBELO1), pfn(7) | 0x4000 | PAGE_RW | ELO_NX, "tlbrd brings the odd page");
	check_equal(csr_read(CSR_TLBIDX), (MTLB + 7) | 14 << 24, "tlbrd brings PS and clears NE");
	qemu_differs();
	check_equal(csr_read(CSR_ASID) & 0x3ff, 0, "tlbrd brings the entry's ASID");
	csr_write(CSR_ASID, 5);
	csr_write(CSR_TLBIDX, (MTLB + 8) | 14 << 24);
	__asm__ volatile("tlbrd");
	check_equal(csr_read(CSR_TLBIDX) & 0xbf000fff, 0x80000000 | (MTLB + 8),
		    "tlbrd of an empty place sets NE, PS 0");
	check(!csr_read(CSR_TLBEHI) && !csr_read(CSR_TLBELO0) && !csr_read(CSR_TLBELO1),
	      "tlbrd of an empty place clears EHI, ELO");
	qemu_differs();
	check_equal(csr_read(CSR_ASID) & 0x3ff, 5, "tlbrd of an empty place leaves ASID");
	csr_write(CSR_ASID, 0);
	csr_write(CSR_TLBIDX, (MTLB + 7) | 1u << 31);
	__asm__ volatile("tlbwr");
	expect_load(VA, EXC_TLBR, "tlbwr with NE removes the entry");
	csr_write(CSR_TLBEHI, VA);
	csr_write(CSR_TLBELO0, pfn(8) | PAGE_RW);
	csr_write(CSR_TLBELO1, pfn(8) | 0x4000 | PAGE_RW);
	csr_write(CSR_TLBIDX, 14 << 24);
	__asm__ volatile("tlbfill");
	check_equal(load64(VA + 0x4000), 0x801, "tlbfill makes an entry");
	__asm__ volatile("tlbsrch");
	idx = csr_read(CSR_TLBIDX) & 0xfff;
	check(idx < MTLB && (idx & 0xff) == (VA >> 15 & 0xff),
	      "tlbfill of STLBPS's size fills the STLB set of the address");
	csr_write(CSR_TLBEHI, VA + 0x1000000);
	csr_write(CSR_TLBIDX, 16 << 24);
	__asm__ volatile("tlbfill; tlbsrch");
	check((csr_read(CSR_TLBIDX) & 0xfff) >= MTLB, "tlbfill of another size fills the MTLB");
	tlb_flush();
}

/* One page, read through entries with and without G under two ASIDs. */
static void address_spaces(void)
{
	csr_write(CSR_ASID, 1);
	tlb_set(MTLB, VA, 14, pfn(1) | PAGE_RW, pfn(1) | PAGE_RW);
	tlb_set(MTLB + 1, VA + 0x8000, 14, pfn(2) | PAGE_RW | ELO_G, pfn(2) | PAGE_RW | ELO_G);
	tlb_set(MTLB + 2, VA + 0x10000, 14, pfn(3) | PAGE_RW | ELO_G, pfn(3) | PAGE_RW);
	check(load64(VA) == 0x100 && load64(VA + 0x8000) == 0x200 && load64(VA + 0x10000) == 0x300,
	      "an ASID sees its entries");
	csr_write(CSR_ASID, 2);
	expect_load(VA, EXC_TLBR, "another ASID does not see them");
	check_equal(load64(VA + 0x8000), 0x200, "every ASID sees an entry with G in both halves");
	qemu_differs();
	expect_load(VA + 0x10000, EXC_TLBR, "G in one half does not make an entry global");
	tlb_set(MTLB + 3, VA, 14, pfn(4) | PAGE_RW, pfn(4) | PAGE_RW);
	check_equal(load64(VA), 0x400, "two ASIDs map one address differently");
	csr_write(CSR_ASID, 1);
	check_equal(load64(VA), 0x100, "going back to an ASID brings its mapping back");
	csr_write(CSR_TLBIDX, MTLB + 1);
	__asm__ volatile("tlbrd");
	check(csr_read(CSR_TLBELO0) & csr_read(CSR_TLBELO1) & ELO_G,
	      "tlbrd of a global entry shows G in both halves");
	csr_write(CSR_ASID, 0);
	tlb_flush();
}

#define INVTLB(op, rj, rk)                                                                                   \
	__asm__ volatile("invtlb " #op ", %0, %1" ::"r"((uint64_t)(rj)), "r"((uint64_t)(rk)) : "memory")

/* Four entries: ASID 1 local, ASID 2 local, and global ones made under each; touched, so that they are
 * cached wherever translations are. */
static void invtlb_setup(void)
{
	tlb_flush();
	for (unsigned asid = 1; asid <= 2; asid++) {
		csr_write(CSR_ASID, asid);
		tlb_set(MTLB + asid, VA, 14, pfn(asid) | PAGE_RW, pfn(asid) | PAGE_RW);
		tlb_set(MTLB + 4 + asid, VA + 0x10000 * asid, 14, pfn(4 + asid) | PAGE_RW | ELO_G,
			pfn(4 + asid) | PAGE_RW | ELO_G);
		load64(VA);
		load64(VA + 0x10000 * asid);
	}
	csr_write(CSR_ASID, 1);
	load64(VA + 0x20000);
	csr_write(CSR_ASID, 2);
	load64(VA + 0x10000);
}

static bool mapped(unsigned asid, uint64_t va)
{
	csr_write(CSR_ASID, asid);
	trap_clear();
	call(ADDRESS(do_load), va, 0);
	return !trap.count;
}

/* Bit 0 ASID 1's, bit 1 ASID 2's, bits 2 and 3 the global ones seen by either. */
static unsigned left(void)
{
	unsigned bits = mapped(1, VA) | mapped(2, VA) << 1;

	for (unsigned g = 0; g < 2; g++) {
		bool one = mapped(1, VA + 0x10000 + 0x10000 * g), two = mapped(2, VA + 0x10000 + 0x10000 * g);

		bits |= (one && two) << (2 + g);
		if (one != two)
			bits |= 0x100;
	}
	csr_write(CSR_ASID, 0);
	return bits;
}

static void invalidation(void)
{
	invtlb_setup();
	check_equal(left(), 0xf, "four entries are there");
	invtlb_setup();
	INVTLB(0, 0, 0);
	check_equal(left(), 0, "invtlb 0 removes all");
	invtlb_setup();
	INVTLB(1, 0, 0);
	check_equal(left(), 0, "invtlb 1 removes all");
	invtlb_setup();
	INVTLB(2, 0, 0);
	check_equal(left(), 3, "invtlb 2 removes global entries");
	invtlb_setup();
	INVTLB(3, 0, 0);
	check_equal(left(), 0xc, "invtlb 3 removes local entries");
	invtlb_setup();
	INVTLB(4, 1, 0);
	check_equal(left(), 0xe, "invtlb 4 removes an ASID's local entries");
	invtlb_setup();
	INVTLB(5, 1, VA + 0x1000);
	check_equal(left(), 0xe, "invtlb 5 removes an ASID's entry of an address");
	invtlb_setup();
	INVTLB(5, 1, VA + 0x10000);
	check_equal(left(), 0xf, "invtlb 5 leaves global entries");
	invtlb_setup();
	INVTLB(5, 3, VA);
	check_equal(left(), 0xf, "invtlb 5 leaves other ASIDs' entries");
	invtlb_setup();
	INVTLB(6, 1, VA + 0x10000);
	check_equal(left(), 0xb, "invtlb 6 removes a global entry of an address");
	invtlb_setup();
	INVTLB(6, 3, VA + 0x20000);
	check_equal(left(), 0x7, "invtlb 6 removes a global entry whatever the ASID");
	invtlb_setup();
	INVTLB(6, 2, VA + 0x7fff);
	check_equal(left(), 0xd, "invtlb 6 removes an ASID's entry by any address in the pair");
	tlb_set(MTLB, VA, 24, PAGE_RW, PAGE_RW);
	load64(VA + 0x123400);
	load64(VA + 0x1723400);
	INVTLB(5, 0, VA + 0x10);
	check(!mapped(0, VA + 0x123400) && !mapped(0, VA + 0x1723400),
	      "invtlb of one address removes all of a huge pair");
	tlb_flush();
}

static void clear_and_flush(void)
{
	tlb_set(MTLB, VA, 16, pfn(1) | PAGE_RW, pfn(1) | PAGE_RW);
	tlb_set(MTLB + 1, VA + 0x20000, 16, pfn(1) | PAGE_RW | ELO_G, pfn(1) | PAGE_RW | ELO_G);
	tlb_set(0, VA + 0x800000, 14, pfn(2) | PAGE_RW, pfn(2) | PAGE_RW);
	check(mapped(0, VA) && mapped(0, VA + 0x20000) && mapped(0, VA + 0x800000),
	      "entries in the MTLB and in STLB set 0");
	csr_write(CSR_TLBIDX, MTLB + 5);
	__asm__ volatile("tlbclr");
	check(!mapped(0, VA) && mapped(0, VA + 0x20000) && mapped(0, VA + 0x800000),
	      "tlbclr in the MTLB removes local entries of the ASID");
	csr_write(CSR_TLBIDX, MTLB + 5);
	__asm__ volatile("tlbflush");
	check(!mapped(0, VA + 0x20000) && mapped(0, VA + 0x800000), "tlbflush in the MTLB removes all of it");
	csr_write(CSR_TLBIDX, 1);
	__asm__ volatile("tlbflush");
	check(mapped(0, VA + 0x800000), "tlbflush of STLB set 1 leaves set 0");
	csr_write(CSR_TLBIDX, 0x100);
	__asm__ volatile("tlbclr");
	check(!mapped(0, VA + 0x800000), "tlbclr of STLB set 0 by any way removes its local entries");
	tlb_flush();
}

/* A pair whose halves point to different places: accesses across the boundary. */
static void crossing(void)
{
	uint64_t edge = VA + 0x4000;

	store64(CACHED(pfn(1)) + 0x3ff8, 0x1122334455667788);
	store64(CACHED(pfn(2)), 0x99aabbccddeeff00);
	tlb_set(MTLB, VA, 14, pfn(1) | PAGE_RW, pfn(2) | PAGE_RW);
	check_equal(load64(edge - 3), 0xccddeeff00112233, "a load across pages joins bytes of both");
	store64(edge - 2, 0x0102030405060708);
	check(load64(CACHED(pfn(1)) + 0x3ff8) == 0x0708334455667788 &&
		      load64(CACHED(pfn(2))) == 0x99aa010203040506,
	      "a store across pages writes bytes of both");
	tlb_set(MTLB, VA, 14, pfn(1) | PAGE_RW, pfn(2) | ELO_V | ELO_CC);
	expect_store(edge - 2, EXC_PME, "a store across pages obeys the second page's D");
	check_equal(trap.frame.badv, edge, "BADV is then the second page's address");
	check_equal(load64(CACHED(pfn(1)) + 0x3ff8), 0x0708334455667788,
		    "and nothing of the first page is written");
	tlb_set(MTLB, VA, 14, pfn(1) | ELO_CC, pfn(2) | PAGE_RW);
	expect_load(edge - 5, EXC_PIL, "a load across pages obeys the first page's V");
	check_equal(trap.frame.badv, edge - 5, "BADV is then the load's address");
	tlb_flush();
}

/* More pairs than the whole TLB holds, through a refill by hand. */
static volatile unsigned refills;

static bool refill_one(struct trap_frame *frame)
{
	uint64_t page = frame->tlbrbadv >> 15 & 7;

	refills++;
	csr_write(CSR_TLBREHI, (frame->tlbrbadv & ~0x1fffull) | 14);
	csr_write(CSR_TLBRELO0, pfn((unsigned)page) | PAGE_RW);
	csr_write(CSR_TLBRELO1, pfn((unsigned)page) | 0x4000 | PAGE_RW);
	__asm__ volatile("tlbfill");
	return true;
}

static void capacity(void)
{
	bool right = true;

	refill_hook = refill_one;
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint64_t n = 0; n < 5000; n++)
			right &= load64(VA + n * 0x8000 + 0x4000) == 0x100 * (n & 7) + 1;
	refill_hook = 0;
	check(right, "10,000 accesses to 5,000 page pairs all read the right page");
	check(refills >= 5000 + 5000 - 2112 && refills <= 10000,
	      "a TLB of 2112 entries cannot hold 5,000 pairs");
	tlb_flush();
}

/* The other core of a race is the page table: a V = 0 pair replaced by a valid one at the same address. */
static void replacement(void)
{
	csr_write(CSR_TLBEHI, VA);
	csr_write(CSR_TLBELO0, 0);
	csr_write(CSR_TLBELO1, 0);
	csr_write(CSR_TLBIDX, 14 << 24);
	__asm__ volatile("tlbfill");
	expect_load(VA, EXC_PIL, "an entry with two invalid halves raises PIL, not TLBR");
	__asm__ volatile("tlbsrch");
	check(!(csr_read(CSR_TLBIDX) >> 31 & 1), "tlbsrch finds it by the TLBEHI that the exception left");
	csr_write(CSR_TLBELO0, pfn(3) | PAGE_RW);
	csr_write(CSR_TLBELO1, pfn(3) | PAGE_RW);
	csr_change(CSR_TLBIDX, 14 << 24, 0x3f000000);
	__asm__ volatile("tlbwr");
	check_equal(load64(VA), 0x300, "tlbwr over it makes the page valid");
	csr_write(CSR_TLBELO0, pfn(4) | PAGE_RW);
	__asm__ volatile("tlbwr");
	check_equal(load64(VA), 0x400, "tlbwr over a page that was used takes effect at once");
	tlb_flush();
}

void suite(void)
{
	csr_change(CSR_PWCH, 0, 1 << 24);
	csr_write(CSR_STLBPS, 14);
	csr_write(CSR_ASID, 0);
	fill_scratch();
	refill();
	permissions();
	privilege();
	sizes();
	instructions();
	address_spaces();
	invalidation();
	clear_and_flush();
	crossing();
	replacement();
	fill_scratch();
	capacity();
}
