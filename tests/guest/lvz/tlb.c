/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * TLB maintenance with LVZ, tests 82-94.  Each trial of the first part makes the same twelve entries of all
 * kinds, does one operation, and looks which entries it removed.
 */
#include "access.h"

#define GVA	 0x0000000123400000ull /* in no window */
#define GLOBAL	 (GVA + 0x10000)
#define OTHER	 (GVA + 0x20000)
#define GPA0	 0x0000000040000000ull /* gpa(0) */
#define GPA2	 0x0000000040008000ull /* gpa(2) */
#define ROOT_VA	 GPA0
#define ROOT_G	 0x0000000050000000ull
#define HUGE_GPA 0x0000000080000000ull

/* Operation n is at 8 * n: invtlb n, rj = a0, rk = a1, and behind those the other ones. */
enum { TLBCLR = 32, TLBFLUSH, GTLBCLR, GTLBFLUSH };
__asm__(".pushsection .text.maintenance, \"ax\"\n\t.balign 16\n\t.globl maintenance\nmaintenance:\n"
	"\t.set operation, 0\n"
	"\t.rept 32\n"
	"\t.word 0x06498000 | 5 << 10 | 4 << 5 | operation\n"
	"\tjr $ra\n"
	"\t.set operation, operation + 1\n"
	"\t.endr\n"
	"\t.irp word, 0x06482000, 0x06482400, 0x06482001, 0x06482401\n"
	"\t.word \\word\n"
	"\tjr $ra\n"
	"\t.endr\n"
	"\t.popsection\n");
extern const char maintenance[];

static void root_does(unsigned operation, uint64_t rj, uint64_t rk)
{
	((void (*)(uint64_t, uint64_t))ADDRESS(maintenance + 8 * operation))(rj, rk);
	__asm__ volatile("" ::: "memory");
}

static unsigned guest_does(unsigned operation, uint64_t rj, uint64_t rk)
{
	guest.gpr[1] = guest_address(guest_return);
	return access_by(maintenance + 8 * operation, rj, rk);
}

/* A bit an entry: stage 2 of GIDs 0 and 1, stage 1 of both, root's. */
enum {
	A_S2 = 0x1,
	A_S2_MTLB = 0x2,
	B_S2 = 0x4,
	B_S2_MTLB = 0x8,
	A_ASID1 = 0x10,
	A_ASID2 = 0x20,
	A_GLOBAL = 0x40,
	A_OTHER = 0x80, /* ASID 1 */
	B_ASID1 = 0x100,
	B_GLOBAL = 0x200,
	ROOT = 0x400,
	ROOT_GLOBAL = 0x800,
	WRONG = 0x1000, /* an entry translated to something that it never was */
	A_LOCAL = A_ASID1 | A_ASID2 | A_OTHER,
	A_S1 = A_LOCAL | A_GLOBAL,
	B_S1 = B_ASID1 | B_GLOBAL,
	ALL_S1 = A_S1 | B_S1,
	ALL_S2 = A_S2 | A_S2_MTLB | B_S2 | B_S2_MTLB,
	ALL = ALL_S1 | ALL_S2 | ROOT | ROOT_GLOBAL,
};

/* The tables have page(8) and page(9) by now: what still leads to the old page comes from an entry. */
static unsigned stage2_left(unsigned g, uint64_t address, unsigned old, unsigned bit)
{
	s2_select(gid_of(g));
	gcsr_write(CSR_CRMD, CRMD_DA);
	if (load(address) != RAN)
		return WRONG;
	if (loaded() == page_mark(old))
		return bit;
	return loaded() == page_mark(old ? 9 : 8) ? 0 : WRONG;
}

static unsigned stage1_left(unsigned g, unsigned asid, uint64_t address, unsigned to, unsigned bit)
{
	s2_select(gid_of(g));
	gcsr_write(CSR_CRMD, CRMD_PG);
	gcsr_write(CSR_ASID, asid);
	if (load(address) != RAN)
		return WRONG;
	if (guest_trap.count)
		return guest_trap.code == EXC_TLBR ? 0 : WRONG;
	return loaded() == page_mark(to) ? bit : WRONG;
}

static bool root_finds(uint64_t address)
{
	csr_write(CSR_TLBEHI, address);
	__asm__ volatile("tlbsrch");
	return !(csr_read(CSR_TLBIDX) >> 31 & 1);
}

static unsigned root_left(uint64_t address, unsigned bit)
{
	if (!root_finds(address))
		return 0;
	return load64(address) == page_mark(12) ? bit : WRONG;
}

static unsigned left(void)
{
	unsigned bits = stage1_left(0, 1, GVA, 4, A_ASID1) | stage1_left(0, 2, GVA, 5, A_ASID2) |
			stage1_left(0, 3, GLOBAL, 6, A_GLOBAL) | stage1_left(0, 1, OTHER, 7, A_OTHER) |
			stage1_left(1, 1, GVA, 10, B_ASID1) | stage1_left(1, 3, GLOBAL, 11, B_GLOBAL);

	for (unsigned g = 0; g < 2; g++)
		bits |= stage2_left(g, GPA0, 0, g ? B_S2 : A_S2) |
			stage2_left(g, GPA2, 2, g ? B_S2_MTLB : A_S2_MTLB);
	return bits | root_left(ROOT_VA, ROOT) | root_left(ROOT_G, ROOT_GLOBAL);
}

static void stage1_page(unsigned index, unsigned asid, uint64_t gva, unsigned to, uint64_t flags)
{
	gcsr_write(CSR_ASID, asid);
	stage1_set(MTLB + index, gva, 14, page(to) | PAGE_RW | flags, page(to) | PAGE_RW | flags);
}

/* The twelve entries, each used once so that it is wherever translations are kept; returns what left() says.
 */
static unsigned entries_make(void)
{
	unsigned found;

	fresh();
	guest_windows();
	for (unsigned g = 0; g < 2; g++) {
		s2_select(gid_of(g));
		s2_map(GPA0, page(0), PAGE_RW);
		stage2_set(g, MTLB + 20 + g, GPA2, 14, page(2) | PAGE_RW, page(2) | PAGE_RW);
	}
	stage1_page(3, 1, GVA, 10, 0);
	stage1_page(4, 1, GLOBAL, 11, ELO_G);
	s2_select(gid_of(0));
	stage1_page(5, 1, GVA, 4, 0);
	stage1_page(6, 2, GVA, 5, 0);
	stage1_page(7, 1, GLOBAL, 6, ELO_G);
	stage1_page(8, 1, OTHER, 7, 0);
	stage2_set(ROOT_ENTRY, MTLB + 30, ROOT_VA, 14, page(12) | PAGE_RW, page(12) | PAGE_RW);
	stage2_set(ROOT_ENTRY, MTLB + 31, ROOT_G, 14, page(12) | PAGE_RW | ELO_G, page(12) | PAGE_RW | ELO_G);
	found = left();
	for (unsigned g = 0; g < 2; g++) {
		s2_select(gid_of(g));
		s2_map(GPA0, page(8), PAGE_RW);
		s2_map(GPA2, page(9), PAGE_RW);
	}
	csr_write(CSR_TLBIDX, MTLB);
	gcsr_write(CSR_TLBIDX, MTLB);
	gcsr_write(CSR_ASID, 1);
	gcsr_write(CSR_CRMD, CRMD_PG);
	return found;
}

/* By root with TGID 0 or GID 0, while GID 1 is selected, or by GID 0's guest. */
enum actor { BY_ROOT, BY_ROOT_FOR_A, BY_GUEST };
enum { NO_GID, A_GID, B_GID, THIRD_GID };

struct trial {
	uint8_t operation, actor;
	uint8_t gid, asid; /* the two halves of rj */
	uint64_t rk;
	unsigned gone;
	const char *sentence;
};

static const struct trial trials[] = {
	{ 0x12, BY_ROOT, NO_GID, 0, 0, ALL_S1 | ALL_S2,
	  "inv12_all: invtlb 0x12 removes all guests' entries, both stages, and none of root's" },
	{ 0x16, BY_ROOT, A_GID, 0, GPA0, A_S2, "inv16_one: invtlb 0x16 removes one GID's pair at one GPA" },
	{ 0x16, BY_ROOT, A_GID, 0, GPA0 + S2_PAGE, A_S2, "inv16_one: by the GPA of either page" },
	{ 0x16, BY_ROOT, B_GID, 0, GPA2, B_S2_MTLB, "inv16_one: in the MTLB as well" },
	{ 0x16, BY_ROOT, THIRD_GID, 0, GPA0, 0, "inv16_one: nothing of another GID" },
	{ 0x16, BY_ROOT, A_GID, 0, GVA, 0, "inv16_one: nothing of stage 1" },
	{ 0x16, BY_ROOT_FOR_A, B_GID, 0, GPA0, B_S2, "inv16_one: the GID is rj's, not TGID" },
	{ 0x13, BY_ROOT, A_GID, 0, 0, A_S1, "inv13_14_15: invtlb 0x13 removes a GID's stage 1" },
	{ 0x14, BY_ROOT, A_GID, 0, 0, A_S2 | A_S2_MTLB, "inv13_14_15: invtlb 0x14 removes a GID's stage 2" },
	{ 0x15, BY_ROOT, A_GID, 0, 0, A_S1 | A_S2 | A_S2_MTLB, "inv13_14_15: invtlb 0x15 removes both" },
	{ 0x15, BY_ROOT, B_GID, 0, 0, B_S1 | B_S2 | B_S2_MTLB, "inv13_14_15: also the selected GID's" },
	{ 0x15, BY_ROOT, THIRD_GID, 0, 0, 0, "inv13_14_15: nothing of other GIDs" },
	{ 0x10, BY_ROOT, A_GID, 0, 0, ALL_S1,
	  "inv10_11: invtlb 0x10 removes stage 1 of all GIDs, whatever rj" },
	{ 0x11, BY_ROOT, A_GID, 0, 0, ALL_S2, "inv10_11: invtlb 0x11 removes stage 2 of all GIDs" },
	{ 0x9, BY_ROOT, A_GID, 0, 0, A_S1, "inv9_e: invtlb 0x9 removes a GID's stage 1" },
	{ 0xa, BY_ROOT, A_GID, 0, 0, A_GLOBAL, "inv9_e: invtlb 0xA removes its global entries" },
	{ 0xb, BY_ROOT, A_GID, 0, 0, A_LOCAL, "inv9_e: invtlb 0xB removes its local ones" },
	{ 0xc, BY_ROOT, A_GID, 1, 0, A_ASID1 | A_OTHER, "inv9_e: invtlb 0xC removes an ASID's local ones" },
	{ 0xc, BY_ROOT, A_GID, 2, 0, A_ASID2, "inv9_e: invtlb 0xC of another ASID" },
	{ 0xd, BY_ROOT, A_GID, 1, GVA, A_ASID1,
	  "inv9_e: invtlb 0xD removes an ASID's local one of an address" },
	{ 0xd, BY_ROOT, A_GID, 1, GLOBAL, 0, "inv9_e: invtlb 0xD leaves global ones" },
	{ 0xd, BY_ROOT, B_GID, 1, GVA + S2_PAGE, B_ASID1, "inv9_e: invtlb 0xD by either page's address" },
	{ 0xe, BY_ROOT, A_GID, 2, GVA, A_ASID2, "inv9_e: invtlb 0xE removes an ASID's entry of an address" },
	{ 0xe, BY_ROOT, A_GID, 3, GLOBAL, A_GLOBAL,
	  "inv9_e: invtlb 0xE removes a global entry whatever the ASID (inferred)" },
	{ 0xe, BY_ROOT, A_GID, 3, GVA, 0, "inv9_e: invtlb 0xE leaves other ASIDs' entries" },
	{ 0x1, BY_ROOT, NO_GID, 0, 0, ROOT | ROOT_GLOBAL,
	  "inv1_root_scope: root's invtlb 1 is for root's (inferred)" },
	{ 0x2, BY_ROOT, NO_GID, 0, 0, ROOT_GLOBAL, "inv1_root_scope: so is its invtlb 2 (inferred)" },
	{ 0x3, BY_ROOT, NO_GID, 0, 0, ROOT, "inv1_root_scope: and 3 (inferred)" },
	{ 0x4, BY_ROOT, NO_GID, 0, 0, ROOT, "inv1_root_scope: and 4 (inferred)" },
	{ 0x5, BY_ROOT, NO_GID, 0, ROOT_VA, ROOT, "inv1_root_scope: and 5, at a GPA (inferred)" },
	{ 0x6, BY_ROOT, NO_GID, 1, GVA, 0, "inv1_root_scope: and 6, at a GVA (inferred)" },
	{ 0x6, BY_ROOT, NO_GID, 0, ROOT_VA, ROOT, "inv1_root_scope: and 6, at a GPA (inferred)" },
	{ 0x1, BY_ROOT_FOR_A, NO_GID, 0, 0, A_S2 | A_S2_MTLB,
	  "inv1_root_scope: with TGID it is for that GID's stage 2 (inferred)" },
	{ 0x0, BY_ROOT, NO_GID, 0, 0, ALL, "inv1_root_scope: root's invtlb 0 removes everything" },
	{ TLBCLR, BY_ROOT, 0, 0, 0, ROOT, "root_tlb: tlbclr in the MTLB removes root's local entries" },
	{ TLBFLUSH, BY_ROOT, 0, 0, 0, ROOT | ROOT_GLOBAL,
	  "root_tlb: tlbflush in the MTLB removes all of root's" },
	{ TLBCLR, BY_ROOT_FOR_A, 0, 0, 0, A_S2_MTLB,
	  "root_tlb: with TGID tlbclr removes stage 2's (inferred)" },
	{ TLBFLUSH, BY_ROOT_FOR_A, 0, 0, 0, A_S2_MTLB,
	  "root_tlb: with TGID tlbflush removes stage 2's (inferred)" },
	{ GTLBCLR, BY_ROOT_FOR_A, 0, 0, 0, A_ASID1 | A_OTHER,
	  "gtlbwr_rd: gtlbclr removes TGID's local entries of the guest's ASID (inferred)" },
	{ GTLBFLUSH, BY_ROOT_FOR_A, 0, 0, 0, A_S1,
	  "gtlbwr_rd: gtlbflush removes TGID's stage-1 entries (inferred)" },
	{ 0x0, BY_GUEST, NO_GID, 0, 0, A_S1,
	  "guest_inv0: the guest's invtlb 0 removes its stage 1, nothing else" },
	{ 0x1, BY_GUEST, NO_GID, 0, 0, A_S1, "guest_inv0: so does its invtlb 1" },
	{ 0x2, BY_GUEST, NO_GID, 0, 0, A_GLOBAL, "guest_inv0: 2 removes its global entries" },
	{ 0x3, BY_GUEST, NO_GID, 0, 0, A_LOCAL, "guest_inv0: 3 removes its local entries" },
	{ 0x4, BY_GUEST, B_GID, 1, 0, A_ASID1 | A_OTHER,
	  "guest_inv0: 4 removes an ASID's, a GID in rj does not count" },
	{ 0x5, BY_GUEST, NO_GID, 2, GVA, A_ASID2, "guest_inv0: 5 removes an ASID's entry of an address" },
	{ 0x5, BY_GUEST, NO_GID, 1, GLOBAL, 0, "guest_inv0: 5 leaves global entries" },
	{ 0x6, BY_GUEST, B_GID, 1, GVA, A_ASID1, "guest_inv6: 6 removes an ASID's entry of an address" },
	{ 0x6, BY_GUEST, NO_GID, 3, GLOBAL, A_GLOBAL,
	  "guest_inv6: 6 removes a global entry whatever the ASID" },
	{ 0x6, BY_GUEST, NO_GID, 0, ROOT_VA, 0, "guest_inv6: 6 removes nothing of root or stage 2" },
	{ TLBCLR, BY_GUEST, 0, 0, 0, A_ASID1 | A_OTHER,
	  "guest_tlb: the guest's tlbclr in the MTLB is for its ASID" },
	{ TLBFLUSH, BY_GUEST, 0, 0, 0, A_S1,
	  "guest_tlb: the guest's tlbflush in the MTLB is for its stage 1" },
};

/* 82, 83, 86-90 */
static void trial_run(const struct trial *t)
{
	uint64_t rj = (t->gid == NO_GID ? 0 : GID_OPERAND(t->gid - 1u)) | t->asid;
	bool done = entries_make() == ALL;

	if (t->actor == BY_GUEST) {
		s2_select(gid_of(0));
		done &= guest_does(t->operation, rj, t->rk) == RAN && guest_trap.count == 0;
	} else {
		if (t->actor == BY_ROOT_FOR_A)
			csr_change(CSR_GTLBC, GID_OPERAND(0), GTLBC_TGID);
		root_does(t->operation, rj, t->rk);
		csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	}
	expect_equal(done ? left() ^ ALL : ~0u, t->gone, t->sentence);
}

/* 84 */
static void huge(void)
{
	fresh();
	s2_map_huge(HUGE_GPA, 0, PAGE_RW);
	expect(load(HUGE_GPA + page(0)) == RAN && loaded() == page_mark(0),
	       "inv16_huge: a page of 32 MiB is mapped");
	s2_map_huge(HUGE_GPA, 0, 0);
	invtlb(0x16, GID_OPERAND(0), HUGE_GPA + 0x2000000);
	expect_equal(load(HUGE_GPA + page(0)), RAN, "inv16_huge: an address behind it leaves it");
	invtlb(0x16, GID_OPERAND(0), HUGE_GPA + 0x348000);
	expect_equal(load(HUGE_GPA + page(0)), EXC_PIL, "inv16_huge: any address inside removes all of it");
	s2_map_huge(HUGE_GPA, 0, PAGE_RW);
	invtlb(0x16, GID_OPERAND(0), HUGE_GPA + page(1));
	expect_equal(load(HUGE_GPA + page(0)), RAN, "inv16_huge: an invalid huge page goes as well");
}

GUEST(answer, "ori $a0, $zero, 1");

/* 85: loads, stores and code, direct, through a window and through stage 1. */
static void cached(void)
{
	static const uint64_t at[] = { GPA0, 0x8000000000000000 | GPA0, 0x9000000000000000 | GPA0, GVA };
	unsigned right = 0;

	fresh();
	guest_windows();
	for (unsigned n = 0; n < 2; n++) {
		volatile uint32_t *code = (volatile uint32_t *)(CACHED(page(n)) + 0x100);

		code[0] = instruction_at(answer) + (n << 10); /* its constant */
		code[1] = instruction_at(guest_return);
	}
	__asm__ volatile("ibar 0" ::: "memory");
	stage1_set(MTLB, GVA, 14, GPA0 | PAGE_RW, GPA0 | PAGE_RW);
	for (unsigned turn = 0; turn < 6; turn++) {
		unsigned to = turn & 1;

		s2_map(GPA0, page(to), PAGE_RW);
		s2_flush(GPA0);
		for (unsigned n = 0; n < 4; n++) {
			gcsr_write(CSR_CRMD, n ? CRMD_PG : CRMD_DA);
			right += load(at[n]) == RAN && loaded() == page_mark(to);
			right += store(at[n] + 8 * (n + 1), turn) == RAN &&
				 load64(CACHED(page(to)) + 8 * (n + 1)) == turn;
			right += fetch(at[n] + 0x100) == RAN && guest.gpr[4] == 1 + to;
			right += guest_trap.count == 0;
		}
	}
	expect_equal(right, 6 * 16,
		     "inv16_cached: after invtlb 0x16 loads, stores and fetches by any way use the new page");
	expect_equal(vm_exit.count, 1 + 6 * 12, "inv16_cached: stage-1 entries stay");
}

/* 91 */
static void guest_page_table(void)
{
	fresh();
	guest_windows();
	tables_setup();
	gcsr_write(CSR_ASID, 7);
	tables_map(GVA, page(0) | PAGE_RW);
	expect(load(GVA) == RAN && loaded() == page_mark(0),
	       "guest_inv6: the guest's handler fills an entry");
	tables_map(GVA, page(2) | PAGE_RW);
	guest_does(6, 7, GVA);
	expect(load(GVA) == RAN && loaded() == page_mark(2),
	       "guest_inv6: after its invtlb 6 the guest's new page is used");
	tables_map(GVA, 0);
	guest_does(6, 7, GVA);
	gcsr_write(CSR_TLBRENTRY, PHYSICAL(walk_entry));
	expect(load(GVA) == RAN && guest_trapped(EXC_PIL), "guest_inv6: an unmapped page is the guest's PIL");
	tables_map(GVA, page(3) | PAGE_RW);
	guest_does(6, 7, GVA);
	expect(load(GVA) == RAN && loaded() == page_mark(3), "guest_inv6: mapped again it is found");
}

GUEST(guest_tlbsrch, "tlbsrch");
GUEST(guest_tlbrd, "tlbrd");

/* Runs in the guest: bits 15:0 the entries that tlbrd shows, 31:16 those that are not at GVA and behind. */
static __attribute__((noinline)) uint64_t entries_seen(uint64_t count)
{
	uint64_t seen = 0;

	for (uint64_t index = 0; index < count; index++) {
		csr_write(CSR_TLBIDX, index);
		__asm__ volatile("tlbrd" ::: "memory");
		if (csr_read(CSR_TLBIDX) >> 31 & 1)
			continue;
		seen += csr_read(CSR_TLBEHI) - GVA < 0x30000 ? 1 : 0x10001;
	}
	return seen;
}

static bool guest_finds(uint64_t asid, uint64_t address)
{
	gcsr_write(CSR_ASID, asid);
	gcsr_write(CSR_TLBEHI, address);
	gcsr_write(CSR_CRMD, CRMD_DA);
	access_by(guest_tlbsrch, 0, 0);
	return !(gcsr_read(CSR_TLBIDX) >> 31 & 1);
}

/* 92 */
static void guest_reads(void)
{
	uint64_t index;

	expect_equal(entries_make(), ALL, "guest_tlbsrch_rd: twelve entries of all kinds are there");
	s2_select(gid_of(1));
	expect(guest_finds(1, GVA), "guest_tlbsrch_rd: tlbsrch finds an entry of the guest's");
	index = gcsr_read(CSR_TLBIDX) & 0xfff;
	access_by(guest_tlbrd, 0, 0);
	expect(gcsr_read(CSR_TLBEHI) == GVA && gcsr_read(CSR_TLBELO0) == (page(10) | PAGE_RW) &&
		       gcsr_read(CSR_TLBELO1) == (page(10) | PAGE_RW),
	       "guest_tlbsrch_rd: tlbrd shows what it says");
	expect(gcsr_read(CSR_TLBIDX) == (index | 14 << 24) && (gcsr_read(CSR_ASID) & 0x3ff) == 1,
	       "guest_tlbsrch_rd: its size and ASID");
	expect(!guest_finds(2, GVA), "guest_tlbsrch_rd: tlbsrch does not find another GID's entry");
	expect(!guest_finds(0, ROOT_VA) && !guest_finds(0, GPA2) && !guest_finds(0, ROOT_G),
	       "guest_tlbsrch_rd: nor one of root's or of stage 2");
	expect(guest_finds(9, GLOBAL), "guest_tlbsrch_rd: a global one it finds under every ASID");
	s2_select(gid_of(0));
	expect(guest_finds(1, GVA), "guest_tlbsrch_rd: each GID finds its own");
	gcsr_write(CSR_CRMD, CRMD_DA);
	expect_equal(guest_run(entries_seen, MTLB + 64, 0), 4,
		     "guest_tlbsrch_rd: tlbrd of all indexes shows GID 0's 4 entries");
	s2_select(gid_of(1));
	expect_equal(guest_run(entries_seen, MTLB + 64, 0), 2, "guest_tlbsrch_rd: and GID 1's 2");
	s2_select(gid_of(2));
	expect_equal(guest_run(entries_seen, MTLB + 64, 0), 0,
		     "guest_tlbsrch_rd: and none to a GID without any");
	gcsr_write(CSR_TLBIDX, index);
	gcsr_write(CSR_ASID, 5);
	access_by(guest_tlbrd, 0, 0);
	expect(gcsr_read(CSR_TLBIDX) >> 31 & 1 && !gcsr_read(CSR_TLBEHI) && !gcsr_read(CSR_TLBELO0) &&
		       !gcsr_read(CSR_TLBELO1) && (gcsr_read(CSR_ASID) & 0x3ff) == 5,
	       "guest_tlbsrch_rd: what tlbrd does not show is NE and zeros");
	csr_change(CSR_GTLBC, GID_OPERAND(1), GTLBC_TGID);
	expect(root_finds(GPA2) && !root_finds(GVA),
	       "root_tlb: root's tlbsrch with TGID finds stage 2's entries (inferred)");
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	expect(!root_finds(GPA2) && !root_finds(GVA) && root_finds(ROOT_G), "root_tlb: without TGID root's");
}

static void guest_entry(uint64_t gva, unsigned to, uint64_t index)
{
	gcsr_write(CSR_TLBEHI, gva);
	gcsr_write(CSR_TLBELO0, page(to) | PAGE_RW);
	gcsr_write(CSR_TLBELO1, page(to + 1) | PAGE_RW | ELO_NX);
	gcsr_write(CSR_TLBIDX, index | 14 << 24);
	gcsr_write(CSR_ASID, 3);
}

/* 93; GID 1 is selected while root works on GID 0's entries. */
static void root_on_stage1(void)
{
	fresh();
	guest_windows();
	gcsr_write(CSR_STLBPS, 14);
	s2_select(gid_of(1));
	csr_write(CSR_TLBEHI, ROOT_VA);
	csr_write(CSR_TLBIDX, 77);
	csr_change(CSR_GTLBC, GID_OPERAND(0), GTLBC_TGID);
	guest_entry(GVA, 0, MTLB + 40);
	gtlb_write();
	guest_entry(OTHER, 2, 0);
	gtlb_fill();
	gcsr_write(CSR_TLBEHI, GVA);
	gtlb_search();
	expect_equal(gcsr_read(CSR_TLBIDX) & 0x80000fff, MTLB + 40,
		     "gtlbwr_rd: gtlbsrch finds what gtlbwr wrote (inferred)");
	gcsr_write(CSR_TLBEHI, 0);
	gcsr_write(CSR_TLBELO0, 0);
	gcsr_write(CSR_ASID, 0);
	gtlb_read();
	expect(gcsr_read(CSR_TLBEHI) == GVA && gcsr_read(CSR_TLBELO0) == (page(0) | PAGE_RW) &&
		       gcsr_read(CSR_TLBELO1) == (page(1) | PAGE_RW | ELO_NX) &&
		       gcsr_read(CSR_TLBIDX) == (MTLB + 40 | 14 << 24) && (gcsr_read(CSR_ASID) & 0x3ff) == 3,
	       "gtlbwr_rd: gtlbrd reads it back into the guest's registers (inferred)");
	expect(csr_read(CSR_TLBEHI) == ROOT_VA && csr_read(CSR_TLBIDX) == 77 && !(csr_read(CSR_ASID) & 0x3ff),
	       "gtlbwr_rd: root's registers stay (inferred)");
	csr_change(CSR_GTLBC, GID_OPERAND(1), GTLBC_TGID);
	gcsr_write(CSR_TLBEHI, GVA);
	gtlb_search();
	expect(gcsr_read(CSR_TLBIDX) >> 31 & 1,
	       "gtlbwr_rd: with another TGID gtlbsrch does not find it (inferred)");
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	gcsr_write(CSR_ASID, 3);
	gcsr_write(CSR_CRMD, CRMD_PG);
	expect(load(GVA) == RAN && guest_trapped(EXC_TLBR),
	       "gtlbwr_rd: the guest of another GID misses it (inferred)");
	s2_select(gid_of(0));
	expect(load(GVA) == RAN && loaded() == page_mark(0) && guest_trap.count == 0,
	       "gtlbwr_rd: the guest hits what gtlbwr wrote, without a refill (inferred)");
	expect(fetch(GVA + S2_PAGE) == RAN && guest_trapped(EXC_PNX),
	       "gtlbwr_rd: with its rights (inferred)");
	expect(load(OTHER + S2_PAGE) == RAN && loaded() == page_mark(3) && guest_trap.count == 0,
	       "gtlbwr_rd: and what gtlbfill wrote (inferred)");
	gcsr_write(CSR_ASID, 4);
	expect(load(GVA) == RAN && guest_trapped(EXC_TLBR),
	       "gtlbwr_rd: under another ASID it misses (inferred)");
	expect(!root_finds(GVA), "gtlbwr_rd: root does not find it (inferred)");
}

/* An entry written over a live one ends what was reached through that. */
static void overwritten(void)
{
	entries_make();
	stage2_set(0, MTLB + 20, gpa(6), 14, page(6) | PAGE_RW, page(6) | PAGE_RW);
	expect_equal(left() ^ ALL, A_S2_MTLB, "root_tlb: tlbwr over a stage-2 entry removes that");
	s2_select(gid_of(0));
	expect(load(gpa(6)) == RAN && loaded() == page_mark(6), "root_tlb: and makes the new one");
	stage1_page(7, 1, OTHER + 0x10000, 9, 0);
	expect_equal(left() ^ ALL, A_S2_MTLB | A_GLOBAL,
		     "guest_tlb: the guest's tlbwr over its entry removes that");
	s2_select(gid_of(0));
	gcsr_write(CSR_TLBIDX, (MTLB + 5) | 1ull << 31);
	gcsr_write(CSR_CRMD, CRMD_DA);
	guest_run(guest_tlbwr, 0, 0);
	expect_equal(left() ^ ALL, A_S2_MTLB | A_GLOBAL | A_ASID1, "guest_tlb: with NE it only removes");
}

static const uint8_t reserved[] = { 7, 8, 0xf, 0x17, 0x18, 0x1f };

/* 94; root's exceptions are recorded in one place for all cores. */
static void reserved_operations(void)
{
	entries_make();
	s2_select(gid_of(0));
	for (unsigned n = 0; n < sizeof(reserved); n++) {
		if (!together()) {
			trap_clear();
			root_does(reserved[n], GID_OPERAND(0), GPA0);
			expect(trapped(EXC_INE), "inv_reserved: INE for a reserved operation in root");
		}
		expect(guest_does(reserved[n], 0, GVA) == RAN && guest_trapped(EXC_INE),
		       "inv_reserved: INE in the guest for one there");
	}
	expect_equal(left(), ALL, "inv_reserved: they remove nothing");
}

static void tests(void)
{
	for (unsigned n = 0; n < sizeof(trials) / sizeof(trials[0]); n++)
		trial_run(&trials[n]);
	huge();
	cached();
	guest_page_table();
	guest_reads();
	root_on_stage1();
	overwritten();
	reserved_operations();
}

void secondary_main(unsigned core)
{
	second_core();
}

void suite(void)
{
	run_alone_then_together(
		tests, 3,
		"two_cores: all checks of TLB maintenance hold on a core while the other runs them");
}
