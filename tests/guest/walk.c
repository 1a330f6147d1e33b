/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Page walking: lddir, ldpte and an operating system's refill handler (Vol.1 4.2.5), and the walker. */
#include "guest.h"

#define VA	   0x0000123456780000ull
#define PTE_P	   0x80
#define PTE_W	   0x100
#define PTE_HUGE   0x40
#define PTE_HUGE_G 0x1000

SNIPPET(do_load, "ld.d $a0, $a0, 0");
SNIPPET(do_store, "st.d $a1, $a0, 0");

/* 16 KiB pages, three levels of 2048 entries, as Linux has them: PT 14..24, Dir1 25..35, Dir3 36..46. */
#define PWCL (14 | 11 << 5 | 25 << 10 | 11 << 15)
#define PWCH (36 | 11 << 6)

static uint64_t table(unsigned level) /* 0: page table, 1: Dir1, 2: Dir3 */
{
	return scratch(16 + level);
}

static uint64_t entry_address(unsigned level)
{
	return CACHED(table(level)) + 8 * (VA >> (14 + 11 * level) & 0x7ff);
}

static void set_entry(unsigned level, uint64_t value)
{
	store64(entry_address(level), value);
}

static void set_buddy(uint64_t value)
{
	store64(entry_address(0) ^ 8, value);
}

static void tables_setup(void)
{
	memset((void *)CACHED(table(0)), 0, 0x30000);
	set_entry(2, CACHED(table(1))); /* Linux keeps direct-map addresses in its directories */
	set_entry(1, CACHED(table(0)));
	csr_write(CSR_PGDL, CACHED(table(2)));
	csr_write(CSR_PGDH, CACHED(table(2)) + 0x4000);
	csr_write(CSR_PWCL, PWCL);
	csr_write(CSR_PWCH, PWCH);
	csr_write(CSR_STLBPS, 14);
	for (unsigned n = 0; n < 8; n++)
		store64(CACHED(scratch(n)), 0x1000 + n);
	tlb_flush();
}

#define LDDIR(base, level)                                                                                   \
	({                                                                                                   \
		uint64_t out_;                                                                               \
		__asm__ volatile("lddir %0, %1, " #level : "=r"(out_) : "r"((uint64_t)(base)));              \
		out_;                                                                                        \
	})
#define LDPTE(base, seq) __asm__ volatile("ldpte %0, " #seq ::"r"((uint64_t)(base)))

static void by_instruction(void)
{
	uint64_t dir;

	set_entry(0, scratch(1) | PAGE_RW | PTE_P | PTE_W | ELO_NX | ELO_PLV(3) | 0xe00);
	set_buddy(scratch(2) | PAGE_RW | ELO_G);
	csr_write(CSR_BADV, VA + 0x123);
	csr_write(CSR_TLBRBADV, VA + 0x123); /* where QEMU looks in any case */
	check_equal(csr_read(CSR_PGD), CACHED(table(2)), "PGD is PGDL for a bad address in the lower half");
	dir = LDDIR(csr_read(CSR_PGD), 3);
	qemu_differs();
	check_equal(dir, CACHED(table(1)), "lddir 3 reads the top directory, its base masked to PALEN");
	dir = LDDIR(dir, 1);
	qemu_differs();
	check_equal(dir, CACHED(table(0)), "lddir 1 reads the lowest directory");
	csr_write(CSR_TLBREHI, 0);
	LDPTE(dir, 0);
	LDPTE(dir, 1);
	qemu_differs();
	check_equal(csr_read(VA >> 14 & 1 ? CSR_TLBRELO1 : CSR_TLBRELO0),
		    scratch(1) | PAGE_RW | ELO_NX | ELO_PLV(3),
		    "ldpte leaves what TLBRELO holds of an entry");
	check_equal(csr_read(CSR_TLBRELO1), scratch(2) | PAGE_RW | ELO_G, "ldpte 1 reads the odd entry");
	check_equal(csr_read(CSR_TLBREHI) & 0x3f, 14, "ldpte puts the page size into TLBREHI");
	dir = (scratch(0) & ~0x1ffffffull) | PAGE_RW | PTE_HUGE | PTE_HUGE_G | PTE_P;
	check_equal(LDDIR(dir, 1), dir | 1 << 13, "lddir hands a huge page's entry through with its level");
	LDPTE(dir, 0);
	LDPTE(dir, 1);
	check_equal(csr_read(CSR_TLBREHI) & 0x3f, 24, "ldpte of a huge page sets half its size");
	qemu_differs();
	check_equal(csr_read(CSR_TLBRELO0), (scratch(0) & ~0x1ffffffull) | PAGE_RW | ELO_G,
		    "its G comes from bit 12, the huge bit goes");
	qemu_differs();
	check_equal(csr_read(CSR_TLBRELO1), (scratch(0) & ~0x1ffffffull) | 0x1000000 | PAGE_RW | ELO_G,
		    "the odd half is half the size further");
	csr_write(CSR_BADV, 0xffff800000000000);
	csr_write(CSR_TLBRBADV, 0);
	check_equal(csr_read(CSR_PGD), CACHED(table(2)) + 0x4000,
		    "PGD is PGDH for a bad address in the upper half");
}

static void by_handler(void)
{
	csr_write(CSR_TLBRENTRY, PHYSICAL(walk_entry));
	set_entry(0, scratch(3) | PAGE_RW);
	set_buddy(scratch(4) | PAGE_RW);
	tlb_flush();
	trap_clear();
	check(load64(VA) == 0x1003 && trap.count == 0, "the refill handler's nine instructions map a page");
	check(load64(VA + 0x4000) == 0x1004 && trap.count == 0, "and its buddy");
	set_entry(0, 0);
	tlb_flush();
	trap_clear();
	call(ADDRESS(do_load), VA, 0);
	check(trapped(EXC_PIL), "an empty page-table entry becomes PIL after the refill");
	set_entry(1, (scratch(0) & ~0x1ffffffull) | PAGE_RW | PTE_HUGE);
	tlb_flush();
	trap_clear();
	check_equal(load64((VA & ~0x1ffffffull) + (scratch(5) & 0x1ffffff)), 0x1005,
		    "the handler maps a huge page of 32 MiB");
	check_equal(load64((VA & ~0x1ffffffull) + (scratch(5) & 0x1ffffff)), 0x1005, "and it stays");
	set_entry(1, CACHED(table(0)));
	csr_write(CSR_TLBRENTRY, ADDRESS(walk_entry));
	set_entry(0, scratch(6) | PAGE_RW);
	tlb_flush();
	trap_clear();
	check_equal(load64(VA), 0x1006, "a direct-map address in TLBRENTRY is masked to PALEN");
	csr_write(CSR_TLBRENTRY, PHYSICAL(refill_entry));
	tlb_flush();
}

static uint64_t entry0(void)
{
	return load64(entry_address(0));
}

static void fault(const char *snippet, uint64_t va, unsigned code, const char *sentence)
{
	trap_clear();
	call(ADDRESS(snippet), va, 0x77);
	check(trapped(code), sentence);
}

static void by_walker(void)
{
	csr_change(CSR_PWCH, 1 << 24, 1 << 24);
	tlb_flush();
	set_entry(0, 0);
	set_buddy(0);
	fault(do_load, VA, EXC_PIL, "with the walker an absent page raises PIL, not TLBR");
	check_equal(trap.frame.badv, VA, "BADV of the walker's PIL is the address");
	fault(do_store, VA, EXC_PIS, "with the walker a store to an absent page raises PIS");
	set_entry(0, scratch(1) | ELO_V | ELO_CC);
	fault(do_load, VA, EXC_PIL, "an entry with V but without P is absent");
	set_entry(0, scratch(1) | PTE_P | PTE_W | ELO_CC);
	trap_clear();
	check(load64(VA) == 0x1001 && trap.count == 0,
	      "a present page is mapped by the walker, without an old entry being flushed");
	check_equal(entry0(), scratch(1) | PTE_P | PTE_W | ELO_CC | ELO_V,
		    "the walker sets V in memory at the first access");
	trap_clear();
	store64(VA + 8, 0x99);
	check(load64(CACHED(scratch(1)) + 8) == 0x99 && trap.count == 0,
	      "a store to a writable page succeeds");
	qemu_differs();
	check_equal(entry0(), scratch(1) | PTE_P | PTE_W | PAGE_RW,
		    "the walker sets D in memory at the first store");
	set_entry(0, scratch(2) | PTE_P | ELO_CC | ELO_V);
	tlb_flush();
	load64(VA);
	fault(do_store, VA, EXC_PME, "a store to a page without W raises PME");
	check_equal(entry0(), scratch(2) | PTE_P | ELO_CC | ELO_V, "and changes nothing in memory");
	set_entry(0, scratch(2) | PTE_P | PTE_W | ELO_CC | ELO_V);
	trap_clear();
	store64(VA, 0x1002);
	check(trap.count == 0, "when memory gets W, the store succeeds without a flush");
	set_entry(0, scratch(2) | PTE_P | PTE_W | ELO_CC | ELO_NR);
	tlb_flush();
	fault(do_load, VA, EXC_PNR, "the walker obeys NR");
	check_equal(entry0() & 3, 0, "a refused access does not set V");
	set_buddy(scratch(3) | PTE_P | ELO_CC);
	set_entry(0, scratch(4) | PTE_P | PTE_W | ELO_CC | ELO_PLV(3));
	tlb_flush();
	trap_clear();
	check(user_run(3, USER(do_load), VA, 0) == 0x1004 && trap.count == 0,
	      "the walker maps a page of PLV3 for PLV3");
	user_run(3, USER(do_load), VA + 0x4000, 0);
	check(trapped(EXC_PPI), "and raises PPI for PLV3 in a page of PLV0");
	trap_clear();
	check(load64(VA + 0x4000) == 0x1003 && trap.count == 0,
	      "a buddy that came along without V is walked for again");
	set_entry(1, (scratch(0) & ~0x1ffffffull) | PTE_P | PTE_W | ELO_CC | PTE_HUGE | PTE_HUGE_G);
	tlb_flush();
	trap_clear();
	check_equal(load64((VA & ~0x1ffffffull) + (scratch(5) & 0x1ffffff)), 0x1005,
		    "the walker maps huge pages");
	check_equal(load64(entry_address(1)) & 3, ELO_V, "and sets V in a huge page's entry");
	csr_write(CSR_ASID, 9);
	csr_write(CSR_TLBEHI, (VA & ~0x1ffffffull));
	__asm__ volatile("tlbsrch; tlbrd");
	check(csr_read(CSR_TLBELO0) & ELO_G, "a huge page's G reaches the TLB");
	check_equal(csr_read(CSR_TLBIDX) >> 24 & 0x3f, 24, "a huge page fills the TLB as two halves");
	csr_write(CSR_ASID, 0);
	csr_change(CSR_PWCH, 0, 1 << 24);
	set_entry(1, CACHED(table(0)));
	tlb_flush();
	fault(do_load, VA, EXC_TLBR, "with PWCH bit 24 clear a miss raises TLBR again");
}

void suite(void)
{
	tables_setup();
	by_instruction();
	by_handler();
	if (has_page_walker()) {
		by_walker();
	} else {
		csr_change(CSR_PWCH, 1 << 24, 1 << 24);
		check_equal(csr_read(CSR_PWCH) >> 24, 0, "without CPUCFG2.HPTW PWCH bit 24 cannot be set");
	}
}
