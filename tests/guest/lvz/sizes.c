/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Two-stage translation, LVZ tests 77-81: pages of all sizes over one another, memory types, two pages at
 * once. */
#include "access.h"

#define GVA	   0x0000000124000000ull /* 32 MiB-aligned, in no window */
#define HUGE_GPA   0x0000000080000000ull
#define MULTI_GPA  0x0000000100000000ull
#define HUGE_PAGES (S2_HUGE / S2_PAGE)

/* Every 4 KiB of page(0) to page(15) holds its own physical address. */
static void address_marks(void)
{
	for (unsigned n = 0; n < 16 * 4; n++)
		store64(CACHED(page(0)) + 0x1000 * n, page(0) + 0x1000 * n);
}

static bool loads(uint64_t gva, uint64_t want)
{
	return load(gva) == RAN && guest_trap.count == 0 && loaded() == want;
}

/* 32 pages of 4 KiB in an order of their own over 8 pages of 16 KiB in theirs. */
static unsigned small_over_base(unsigned index)
{
	unsigned right = 0;

	invtlb(0x13, GID_OPERAND(0), 0);
	for (unsigned n = 0; n < 32; n += 2) {
		uint64_t even = gpa(0) + 0x1000 * (n * 5 % 32), odd = gpa(0) + 0x1000 * ((n + 1) * 5 % 32);

		stage1_set(index == FILL ? FILL : index + n, GVA + 0x1000 * n, 12, even | PAGE_RW,
			   odd | PAGE_RW);
	}
	for (unsigned n = 0; n < 32; n++) {
		unsigned to = n * 5 % 32;

		right += loads(GVA + 0x1000 * n, page(to / 4 * 3 % 8) + 0x1000 * (to % 4));
	}
	return right;
}

/* 77 */
static void mixed_sizes(void)
{
	unsigned right = 0;

	fresh();
	guest_windows();
	address_marks();
	for (unsigned n = 0; n < 8; n++)
		s2_map(gpa(n), page(n * 3 % 8), PAGE_RW);
	gcsr_write(CSR_STLBPS, 14);
	expect_equal(small_over_base(MTLB), 32, "page_size_mix: pages of 4 KiB over 16 KiB, in the MTLB");
	gcsr_write(CSR_STLBPS, 12);
	expect_equal(small_over_base(FILL), 32,
		     "page_size_mix: in the STLB, whose size is the guest's STLBPS");
	expect_equal(csr_read(CSR_STLBPS), 14, "page_size_mix: root's STLBPS is another");
	for (unsigned n = 0; n < HUGE_PAGES; n++)
		s2_map(gpa(n), page(n * 7 % 16), PAGE_RW);
	invtlb(0x15, GID_OPERAND(0), 0);
	stage1_set(MTLB + 63, GVA, 24, gpa(0) | PAGE_RW, (gpa(0) + 0x1000000) | PAGE_RW);
	for (unsigned n = 0; n < HUGE_PAGES; n++)
		right += loads(GVA + S2_PAGE * n + 0x1000 * (n % 4), page(n * 7 % 16) + 0x1000 * (n % 4));
	expect_equal(right, HUGE_PAGES,
		     "page_size_mix: a stage-1 page pair of 32 MiB over 2048 pages of 16 KiB");
	right = 0;
	for (unsigned n = 0; n < 64; n++)
		right += loads(GVA + 0x1000 * n, page(n / 4 * 7 % 16) + 0x1000 * (n % 4));
	expect_equal(right, 64, "page_size_mix: at every 4 KiB of it");
	s2_map(gpa(1), page(0), PAGE_RW);
	s2_flush(gpa(1));
	expect(loads(GVA + S2_PAGE, page(0)) && loads(GVA + 2 * S2_PAGE, page(14)),
	       "page_size_mix: invtlb 0x16 of one page under it takes effect on that page");
	for (unsigned n = 0; n < HUGE_PAGES; n++)
		s2_unmap(gpa(n));
}

static void root_search(unsigned n, uint64_t address)
{
	csr_change(CSR_GTLBC, GID_OPERAND(n), GTLBC_TGID);
	csr_write(CSR_TLBEHI, address);
	__asm__ volatile("tlbsrch; tlbrd");
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	csr_write(CSR_ASID, 0);
}

/* 78: all of physical memory's first 32 MiB once more. */
static void huge_page(void)
{
	unsigned right = 0;

	fresh();
	address_marks();
	s2_map_huge(HUGE_GPA, 0, PAGE_RW);
	load(PHYSICAL(guest_load));
	vm_refill.count = 0;
	for (unsigned n = 0; n < 16; n++)
		right += loads(HUGE_GPA + page(n), page(n));
	for (uint64_t offset = 0x100000; offset < 0x1000000; offset += 0x123450)
		right += loads(HUGE_GPA + (offset & ~7ull), load64(CACHED(offset & ~7ull)));
	expect_equal(right, 16 + 14, "s2_huge: a huge page maps all of its 32 MiB");
	expect_equal(vm_refill.count, 1, "s2_huge: by one refill");
	expect_equal(csr_read(CSR_TLBREHI) & 0x3f, 24, "s2_huge: as two halves, PS 24");
	root_search(0, HUGE_GPA + 0x1800000);
	expect_equal(csr_read(CSR_TLBIDX) >> 24 & 0xbf, 24, "s2_huge: which is what the entry has");
	fetch(HUGE_GPA + PHYSICAL(guest_return));
	expect(vm_exit.code == RAN && vm_exit.era == HUGE_GPA + PHYSICAL(guest_return),
	       "s2_huge: code in it runs");
	expect(store(HUGE_GPA + page(1) + 8, 0x1234) == RAN && load64(CACHED(page(1)) + 8) == 0x1234,
	       "s2_huge: a store reaches the page");
	guest_windows();
	for (unsigned n = 0; n < 32; n += 2)
		stage1_set(MTLB + n, GVA + 0x1000 * n, 12, (HUGE_GPA + page(0) + 0x1000 * (31 - n)) | PAGE_RW,
			   (HUGE_GPA + page(0) + 0x1000 * (30 - n)) | PAGE_RW);
	right = 0;
	for (unsigned n = 0; n < 32; n++)
		right += loads(GVA + 0x1000 * n, page(0) + 0x1000 * (31 - n));
	expect_equal(right, 32, "page_size_mix: pages of 4 KiB over a huge page");
}

static bool hits_or_retries(uint64_t address, uint64_t want)
{
	if (load(address) == EXC_PIL && vm_exit.badv == address) {
		s2_flush(address);
		load(address);
	}
	return vm_exit.code == RAN && loaded() == want;
}

/* 79: what is left on another core when KVM replaces 2048 pages by a huge one. */
static void multiple_hits(void)
{
	uint64_t at;

	fresh();
	address_marks();
	at = MULTI_GPA + page(0);
	s2_map_huge(MULTI_GPA, 0, PAGE_RW);
	for (unsigned order = 0; order < 2; order++) {
		stage2_set(0, MTLB + 1 + 2 * order, at, 14, 0, 0);
		stage2_set(0, MTLB + 2, MULTI_GPA, 24, PAGE_RW, 0x1000000 | PAGE_RW);
		expect(hits_or_retries(at, page(0)), "s2_multihit: an invalid pair and a valid huge page "
						     "over it: the page, or PIL until 0x16 (inferred)");
		expect(hits_or_retries(at + S2_PAGE, page(1)) && hits_or_retries(at + 0x8000, page(2)),
		       "s2_multihit: the pair's other half and the next pair are right");
		s2_flush(at);
		root_search(0, at);
		expect(csr_read(CSR_TLBIDX) >> 31 & 1, "s2_multihit: invtlb 0x16 removes both");
	}
}

/* 80 */
static void memory_types(void)
{
	unsigned right = 0;

	fresh();
	guest_windows();
	for (unsigned combination = 0; combination < 27; combination++) {
		unsigned control = combination % 3, mat1 = combination / 3 % 3, mat2 = combination / 9;

		csr_write(CSR_GCFG, GCFG_MATC(control) | GCFG_GCI(2));
		gcsr_write(CSR_DMW0, 0x8000000000000009 | mat1 << 4);
		s2_map(gpa(0), page(0), ELO_V | ELO_D | mat2 << 4);
		s2_flush(gpa(0));
		store64(CACHED(page(0)), combination);
		right += load(gpa(0) | 0x8000000000000000) == RAN && loaded() == combination &&
			 store(gpa(0) | 0x8000000000000008, ~combination) == RAN &&
			 load64(CACHED(page(0)) + 8) == (uint32_t)~combination;
	}
	expect_equal(right, 27,
		     "mat_combination: all of MATC 0-2 with memory types 0-2 in both stages give the data");
	right = 0;
	gcsr_write(CSR_CRMD, CRMD_DA);
	for (unsigned mat = 0; mat < 3; mat++) {
		csr_write(CSR_GCFG, GCFG_GCI(2));
		gcsr_write(CSR_CRMD, CRMD_DA | mat << 5 | mat << 7);
		right += load(gpa(0)) == RAN && loaded() == 26;
	}
	expect_equal(right, 3, "mat_combination: so do all types of direct mode");
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(2));
}

#define EDGE_LOW  0x1122334455667788ull /* the last doubleword of the lower page */
#define EDGE_HIGH 0x99aabbccddeeff00ull /* the first one of the upper page */

static void edge_set(uint64_t lower, uint64_t upper)
{
	store64(CACHED(lower) + S2_PAGE - 8, EDGE_LOW);
	store64(CACHED(upper), EDGE_HIGH);
}

/* 81 */
static void crossing(void)
{
	uint64_t edge = gpa(1), pair_edge = gpa(2);

	fresh();
	edge_set(page(4), page(9));
	s2_map(gpa(0), page(4), PAGE_RW);
	load(edge - 3);
	expect(vm_exit.code == EXC_PIL && vm_exit.badv == edge,
	       "unaligned_cross: a load into an unmapped page reports that page's first GPA (inferred)");
	store(edge - 3, 0);
	expect(vm_exit.code == EXC_PIS && vm_exit.badv == edge &&
		       load64(CACHED(page(4)) + S2_PAGE - 8) == EDGE_LOW,
	       "unaligned_cross: a store as well, and nothing of it is done (inferred)");
	s2_map(gpa(1), page(9), PAGE_RW);
	s2_flush(gpa(0));
	expect(load(edge - 3) == RAN && loaded() == 0xccddeeff00112233,
	       "unaligned_cross: with both mapped the load joins bytes of both pages");
	expect(store(edge - 2, 0x0102030405060708) == RAN &&
		       load64(CACHED(page(4)) + S2_PAGE - 8) == 0x0708334455667788 &&
		       load64(CACHED(page(9))) == 0x99aa010203040506,
	       "unaligned_cross: and the store writes both");
	s2_unmap(gpa(0));
	s2_flush(gpa(0));
	load(edge - 5);
	expect(vm_exit.code == EXC_PIL && vm_exit.badv == edge - 5,
	       "unaligned_cross: a fault of the lower page reports the load's own GPA");
	guest.refill_exits = 1;
	load(pair_edge - 4);
	expect(vm_exit.code == EXC_TLBR && vm_exit.tlbrbadv == pair_edge,
	       "unaligned_cross: a miss of the upper page's pair has its first GPA in TLBRBADV (inferred)");
	guest.refill_exits = 0;
	/* Neighbours in stage 1 that are far apart in stage 2. */
	guest_windows();
	edge_set(page(5), page(10));
	s2_map(gpa(8), page(5), PAGE_RW);
	stage1_set(MTLB, GVA, 14, gpa(8) | PAGE_RW, gpa(3) | PAGE_RW);
	load(GVA + S2_PAGE - 1);
	expect(vm_exit.code == EXC_PIL && vm_exit.badv == gpa(3),
	       "unaligned_cross: behind stage 1 it is the upper page's own GPA (inferred)");
	s2_map(gpa(3), page(10), PAGE_RW);
	s2_flush(gpa(3));
	expect(load(GVA + S2_PAGE - 3) == RAN && loaded() == 0xccddeeff00112233,
	       "unaligned_cross: and the load joins bytes of pages far apart");
	stage1_set(MTLB, GVA, 14, gpa(6) | PAGE_RW, 0);
	load(GVA + S2_PAGE - 1);
	expect(vm_exit.code == EXC_PIL && vm_exit.badv == gpa(6) + S2_PAGE - 1,
	       "unaligned_cross: the lower page's stage 2 comes before the upper page's stage 1 (inferred)");
}

#define MANY_GPA 0x0000000200000000ull
#define MANY	 3000 /* pairs; the TLB has 2112 entries */

static unsigned many_loads(unsigned shift)
{
	unsigned right = 0;

	for (uint64_t n = 0; n < MANY; n++)
		right += loads(MANY_GPA + 2 * S2_PAGE * n, page((n + shift) % 13));
	return right;
}

/* Translations through entries that gave way to others. */
static void capacity(void)
{
	fresh();
	address_marks();
	for (uint64_t n = 0; n < MANY; n++)
		s2_map(MANY_GPA + 2 * S2_PAGE * n, page(n % 13), PAGE_RW);
	vm_refill.count = 0;
	expect_equal(many_loads(0) + many_loads(0), 2 * MANY,
		     "s2_capacity: two rounds over 3000 page pairs read the right pages");
	expect(vm_refill.count >= 2 * MANY - 2112 && vm_refill.count <= 2 * MANY + 100,
	       "s2_capacity: a TLB of 2112 entries cannot hold them");
	for (uint64_t n = 0; n < MANY; n++)
		s2_map(MANY_GPA + 2 * S2_PAGE * n, page((n + 1) % 13), PAGE_RW);
	invtlb(0x14, GID_OPERAND(0), 0);
	expect_equal(many_loads(1), MANY, "s2_capacity: after invtlb 0x14 all are the tables' new ones");
}

static void tests(void)
{
	mixed_sizes();
	huge_page();
	multiple_hits();
	memory_types();
	crossing();
	capacity();
}

void secondary_main(unsigned core)
{
	second_core();
}

void suite(void)
{
	run_alone_then_together(
		tests, 3, "two_cores: all checks of page sizes hold on a core while the other runs them");
}
