/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Two-stage translation without page walkers, LVZ tests 56-76: what misses and faults of either stage do and
 * where, and what selects an entry.  sizes.c has pages of all sizes over one another, walk.c the walkers.
 */
#include "access.h"

#define GVA	 0x0000000123400000ull /* in no window */
#define RESERVED 0xfeed0000beef0000ull /* in registers that must stay */

static bool vm_exit_is(unsigned code, uint64_t badv)
{
	return vm_exit.code == code && vm_exit.badv == badv;
}

/* 56 */
static void refill_exit(void)
{
	uint64_t pc = PHYSICAL(guest_load);

	fresh();
	s2_map(gpa(0), page(0), PAGE_RW);
	guest.refill_exits = 1;
	vm_refill.count = 0;
	expect_equal(load(gpa(0)), EXC_TLBR,
		     "s2_refill_da: a fetch that stage 2 has no entry for is a refill exit");
	expect_equal(vm_exit.tlbrbadv, pc, "s2_refill_da: TLBRBADV is the GPA");
	expect_equal(vm_exit.tlbrehi & ~0x1fffull, pc & ~0x1fffull,
		     "s2_refill_da: TLBREHI has the GPA's VPPN");
	expect_equal(vm_refill.tlbrera, pc | 1, "s2_refill_da: TLBRERA is the guest's PC with IsTLBR");
	expect_equal(vm_refill.tlbrprmd, 4 | TLBRPRMD_PGM, "s2_refill_da: TLBRPRMD has PLV0, PIE and PGM");
	expect_equal(vm_refill.crmd & 0x1f, CRMD_DA,
		     "s2_refill_da: root goes to direct mode, PLV0, IE clear");
	expect(vm_refill.count == 1 && vm_exit.count == 1, "s2_refill_da: EENTRY is not used");
	guest.refill_exits = 0;
	expect_equal(guest_enter(), RAN, "s2_refill_da: with an entry the fetch goes on");
	expect_equal(loaded(), page_mark(0),
		     "s2_refill_da: a load's refill brings the page that the table has");
	expect_equal(vm_refill.tlbrbadv, gpa(0), "s2_refill_da: TLBRBADV is a load's GPA");
	expect_equal(vm_exit.crmd & 0x18, 0x10,
		     "s2_refill_da: ertn out of a refill takes root to mapped mode");
	expect_equal(gcsr_read(CSR_CRMD), CRMD_DA, "s2_refill_da: and leaves the guest in direct mode");
	expect(gcsr_read(CSR_TLBRERA) == 0 && gcsr_read(CSR_TLBRBADV) == 0,
	       "s2_refill_da: the guest's refill registers are untouched");
}

/* 57; the second part enters by a refill's ertn, which needs PGM only. */
static void refill_and_gstat(void)
{
	uint64_t gstat = GID_OPERAND(0) | 8 << 4;

	fresh();
	s2_map(gpa(0), page(0), PAGE_RW);
	load(gpa(4));
	csr_write(CSR_BADV, RESERVED);
	load(gpa(0));
	expect_equal(vm_refill.gstat, gstat | GSTAT_PVM,
		     "s2_refill_not_gstat: a refill leaves GID and PVM as they are");
	expect_equal(vm_refill.estat >> 16 & 0x3f, EXC_PIL,
		     "s2_refill_not_gstat: a refill leaves ESTAT.Ecode");
	expect_equal(vm_exit.badv, RESERVED, "s2_refill_not_gstat: a refill leaves BADV");
	csr_change(CSR_GTLBC, GID_OPERAND(0), GTLBC_TGID);
	s2_flush(gpa(0));
	guest.keep_pvm = 1;
	csr_write(CSR_TLBRPRMD, 4 | TLBRPRMD_PGM);
	csr_write(CSR_TLBRERA, PHYSICAL(guest_load) | 1);
	vm_refill.count = 0;
	guest.gpr[4] = gpa(0);
	guest.pc = 0;
	expect_equal(guest_enter(), RAN, "s2_refill_not_gstat: a refill's ertn enters by TLBRPRMD.PGM");
	expect(vm_refill.count == 1 && vm_refill.gstat == gstat,
	       "s2_refill_not_gstat: a refill does not set PVM (inferred)");
	expect_equal(vm_exit.gstat, gstat | GSTAT_PVM,
		     "s2_refill_not_gstat: the general exit behind it does (inferred)");
	csr_change(CSR_GSTAT, 0, GSTAT_PVM);
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	guest.keep_pvm = 0;
}

GUEST(load_byte, "ld.b $a0, $a0, 0");
GUEST(store_byte, "st.b $a1, $a0, 0");
GUEST(load_linked, "ll.d $a0, $a0, 0");
GUEST(add_atomic, "amadd_db.d $a2, $a1, $a0");
GUEST(store_conditional, "ll.d $t0, $a0, 0; sc.d $a1, $a0, 0");

/* 58 */
static void invalid(void)
{
	uint64_t at = gpa(2) + 0x123;

	fresh();
	gcsr_write(CSR_BADV, RESERVED);
	access_by(load_byte, at, 0x77);
	expect(vm_exit_is(EXC_PIL, at), "s2_v0_load: V=0 is a PIL exit, BADV the GPA to the byte");
	expect_equal((uint32_t)vm_exit.badi, instruction_at(load_byte), "s2_v0_load: BADI is the load");
	expect_equal(vm_exit.era, PHYSICAL(load_byte), "s2_v0_load: ERA is its PC");
	expect_equal(csr_read(CSR_TLBEHI), gpa(2), "s2_v0_load: TLBEHI has the GPA's VPPN");
	expect(vm_exit.gstat & GSTAT_PVM, "s2_v0_load: PVM is set (inferred)");
	expect(guest.gpr[4] == at && gcsr_read(CSR_BADV) == RESERVED &&
		       !(gcsr_read(CSR_ESTAT) >> 16 & 0x3f) && guest_trap.count == 0,
	       "s2_v0_load: the guest's registers are untouched");
	access_by(store_byte, at, 0x77);
	expect(vm_exit_is(EXC_PIS, at), "s2_v0_store: V=0 is a PIS exit, BADV the GPA to the byte");
	expect_equal((uint32_t)vm_exit.badi, instruction_at(store_byte), "s2_v0_store: BADI is the store");
	fetch(gpa(3) + 0x40);
	expect(vm_exit_is(EXC_PIF, gpa(3) + 0x40), "s2_v0_fetch: V=0 is a PIF exit, BADV the GPA");
	expect_equal(vm_exit.era, gpa(3) + 0x40, "s2_v0_fetch: ERA is the PC");
	access_by(load_linked, gpa(2), 0);
	expect(vm_exit_is(EXC_PIL, gpa(2)), "s2_v0_load: ll takes a PIL exit");
	access_by(add_atomic, gpa(2), 1);
	expect(vm_exit_is(EXC_PIS, gpa(2)), "s2_v0_store: amadd takes a PIS exit");
	s2_map(gpa(2), page(2), PAGE_RW);
	s2_flush(gpa(2));
	access_by(store_byte, at, 0x77);
	expect(vm_exit.code == RAN && load64(CACHED(page(2)) + 0x120) >> 24 == 0x77,
	       "s2_v0_store: with the page mapped the store reaches it");
}

/* 59, 60 */
static void protection(void)
{
	fresh();
	s2_map(gpa(0), page(0), ELO_V | ELO_CC);
	s2_map(gpa(1), page(1), PAGE_RW | ELO_NR);
	s2_map(gpa(2), page(2), PAGE_RW | ELO_NX);
	*(volatile uint32_t *)CACHED(page(2)) = instruction_at(guest_return);
	expect(load(gpa(0)) == RAN && loaded() == page_mark(0),
	       "s2_pme: a load from a page with D=0 is fine");
	store(gpa(0) + 8, 1);
	expect(vm_exit_is(EXC_PME, gpa(0) + 8), "s2_pme: a store to it is a PME exit, BADV the GPA");
	access_by(store_conditional, gpa(0), 1);
	expect(vm_exit_is(EXC_PME, gpa(0)), "s2_pme: so is an sc");
	expect_equal(load64(CACHED(page(0))), page_mark(0), "s2_pme: nothing is stored");
	csr_change(CSR_MISC, 1 << 16, 1 << 16);
	expect_equal(store(gpa(0) + 8, 1), EXC_PME, "s2_pme: root's MISC.DWPL0 changes nothing (inferred)");
	csr_change(CSR_MISC, 0, 1 << 16);
	s2_map(gpa(0), page(0), PAGE_RW);
	s2_flush(gpa(0));
	expect(store(gpa(0) + 8, 0x99) == RAN && load64(CACHED(page(0)) + 8) == 0x99,
	       "s2_pme: with D=1 in the table and invtlb 0x16 the store succeeds");
	load(gpa(1) + 8);
	expect(vm_exit_is(EXC_PNR, gpa(1) + 8), "s2_nr_nx: a load from a page with NR is a PNR exit");
	expect(store(gpa(1) + 8, 0x98) == RAN && load64(CACHED(page(1)) + 8) == 0x98,
	       "s2_nr_nx: a store to it is fine");
	fetch(gpa(2));
	expect(vm_exit_is(EXC_PNX, gpa(2)), "s2_nr_nx: a fetch from a page with NX is a PNX exit");
	expect_equal(load(gpa(2) + S2_PAGE - 8), RAN, "s2_nr_nx: a load from it is fine");
}

/* 61 */
static void privilege(void)
{
	fresh();
	s2_map(gpa(0), page(0), PAGE_RW);
	s2_map(gpa(1), page(1), PAGE_RW | ELO_PLV(3));
	s2_map(gpa(2), page(2), PAGE_RW | ELO_PLV(3) | ELO_RPLV);
	*(volatile uint32_t *)(CACHED(page(0)) + 0x40) = instruction_at(guest_return);
	guest_windows();
	stage1_set(MTLB, GVA, 14, gpa(0) | PAGE_RW | ELO_PLV(3), gpa(1) | PAGE_RW | ELO_PLV(3));
	gcsr_write(CSR_CRMD, CRMD_PG | 3);
	expect(load(GVA) == RAN && loaded() == page_mark(0) && guest_trap.count == 0,
	       "s2_plv_ignored: guest PLV3 may load from a stage-2 page of PLV0");
	expect(store(GVA + 8, 3) == RAN && load64(CACHED(page(0)) + 8) == 3,
	       "s2_plv_ignored: guest PLV3 may store to it");
	expect(fetch(GVA + 0x40) == RAN && vm_exit.era == GVA + 0x40 && guest_trap.count == 0,
	       "s2_plv_ignored: guest PLV3 may execute it");
	expect(load(GVA + S2_PAGE) == RAN && loaded() == page_mark(1),
	       "s2_plv_ignored: a stage-2 page of PLV3 works as well");
	gcsr_write(CSR_CRMD, CRMD_DA);
	expect(load(gpa(1)) == RAN && loaded() == page_mark(1), "s2_plv_ignored: also for guest PLV0");
	load(gpa(2));
	expect(vm_exit_is(EXC_PPI, gpa(2)),
	       "s2_plv_ignored: with RPLV a page of PLV3 is a PPI exit (inferred)");
}

/* Every set of rights over every other one; an access that the first round cached must not widen another's.
 */
static unsigned expected(uint64_t flags, unsigned kind)
{
	if (kind == 0 && flags & ELO_NR)
		return EXC_PNR;
	if (kind == 1 && !(flags & ELO_D))
		return EXC_PME;
	return kind == 2 && flags & ELO_NX ? EXC_PNX : 0;
}

static uint64_t rights(unsigned set)
{
	return ELO_V | ELO_CC | (set & 1 ? ELO_D : 0) | (set & 2 ? ELO_NR : 0) | (set & 4 ? ELO_NX : 0);
}

static bool as_expected(unsigned kind, uint64_t flags1, uint64_t flags2)
{
	unsigned first = expected(flags1, kind), second = expected(flags2, kind);
	unsigned got = kind == 0 ? load(GVA) : kind == 1 ? store(GVA + 0x20, kind) : fetch(GVA + 0x40);

	if (first)
		return got == RAN && guest_trap.count == 1 && guest_trap.code == first;
	return got == (second ? second : RAN) && guest_trap.count == 0;
}

static void combined_rights(void)
{
	unsigned right = 0;

	fresh();
	guest_windows();
	*(volatile uint32_t *)(CACHED(page(0)) + 0x40) = instruction_at(guest_return);
	for (unsigned sets = 0; sets < 64; sets++) {
		uint64_t flags1 = rights(sets & 7), flags2 = rights(sets >> 3);

		s2_map(gpa(0), page(0), flags2);
		s2_flush(gpa(0));
		stage1_set(MTLB, GVA, 14, gpa(0) | flags1, 0);
		for (unsigned n = 0; n < 6; n++)
			right += as_expected((n + sets) % 3, flags1, flags2);
	}
	expect_equal(right, 64 * 6,
		     "s2_rights: of both stages' D, NR and NX each access obeys stage 1's, then stage 2's");
}

GUEST(where, "pcaddi $a0, 0");

/* 62, 63 */
static void windows(void)
{
	fresh();
	s2_map(gpa(1), page(1), PAGE_RW);
	guest_windows();
	load(CACHED(gpa(0)) + 0x128);
	expect(vm_exit_is(EXC_PIL, gpa(0) + 0x128), "s2_under_dmw: a fault behind a window reports the GPA");
	expect_equal(vm_exit.era, ADDRESS(guest_load), "s2_under_dmw: ERA is the guest's virtual PC");
	load(gpa(0) | 0x9abc000000000000);
	expect(vm_exit_is(EXC_PIL, gpa(0)), "s2_under_dmw: bits of the address above PALEN do not count");
	expect(load(gpa(1) | 0x9fff000000000000) == RAN && loaded() == page_mark(1),
	       "s2_under_dmw: nor in an access that succeeds");
	store(USER(gpa(0)), 1);
	expect(vm_exit_is(EXC_PIS, gpa(0)), "s2_under_dmw: another window leads to the same GPA");
	fetch(CACHED(gpa(0)));
	expect(vm_exit_is(EXC_PIF, gpa(0)) && vm_exit.era == CACHED(gpa(0)), "s2_under_dmw: so does a fetch");

	fresh();
	s2_unmap(0x200000);
	for (unsigned n = 0; n < 2; n++)
		((volatile uint32_t *)CACHED(page(3)))[n] = ((volatile uint32_t *)ADDRESS(where))[n];
	guest.pc = 0x9000000000200000;
	expect_equal(guest_enter(), EXC_PIF, "s2_under_da_highbits: a fetch in direct mode goes to stage 2");
	expect_equal(vm_exit.badv, 0x200000, "s2_under_da_highbits: BADV has the PALEN low bits of the PC");
	expect_equal(vm_exit.era, 0x9000000000200000, "s2_under_da_highbits: ERA has all of it");
	s2_map(0x200000, page(3), PAGE_RW);
	s2_flush(0x200000);
	expect(guest_enter() == RAN && guest.gpr[4] == 0x9000000000200000,
	       "s2_under_da_highbits: the PC keeps its high bits");
	expect(load(0x7abc000000200000 + S2_PAGE - 8) == RAN && loaded() == page_mark(3),
	       "s2_under_da_highbits: a load drops them");
	s2_unmap(0x200000);
	load(0xffff800000200128);
	expect(vm_exit_is(EXC_PIL, 0x800000200128) && vm_refill.tlbrbadv == 0x800000200128,
	       "s2_under_da_highbits: a GPA with bit 47 is reported zero-extended (inferred)");
}

/* 64 */
static void local_refill(void)
{
	fresh();
	guest_windows();
	csr_write(CSR_BADV, RESERVED);
	load(GVA + 0x1238);
	expect(vm_exit.code == RAN && vm_exit.count == 1 && guest_trapped(EXC_TLBR),
	       "s1_refill_local: a stage-1 miss goes to the guest's TLBRENTRY without an exit");
	expect_equal(guest_trap.tlbrbadv, GVA + 0x1238, "s1_refill_local: the guest's TLBRBADV is the GVA");
	expect_equal(guest_trap.tlbrehi & ~0x1fffull, GVA,
		     "s1_refill_local: the guest's TLBREHI has its VPPN");
	expect_equal(guest_trap.tlbrera, ADDRESS(guest_load) | 1,
		     "s1_refill_local: the guest's TLBRERA is the PC");
	expect_equal(guest_trap.tlbrprmd, 0,
		     "s1_refill_local: the guest's TLBRPRMD has its PLV and IE, no PGM");
	expect_equal(guest_trap.crmd & 0x1f, CRMD_DA, "s1_refill_local: the guest goes to direct mode");
	expect_equal(gcsr_read(CSR_CRMD) & 0x1f, 0x10, "s1_refill_local: its ertn goes back to mapped mode");
	expect(vm_exit.badv == RESERVED && !(vm_exit.tlbrera & 1) && csr_read(CSR_TLBRBADV) != GVA + 0x1238,
	       "s1_refill_local: root's registers know nothing of it");
	fetch(GVA);
	expect(vm_exit.code == RAN && guest_trapped(EXC_TLBR) && guest_trap.tlbrera == (GVA | 1),
	       "s1_refill_local: so does a fetch's miss");
}

static void local_fault(unsigned got, unsigned code, uint64_t gva, const char *sentence)
{
	expect(got == RAN && guest_trapped(code) && guest_trap.badv == gva && vm_exit.badv == RESERVED,
	       sentence);
}

/* 65, 67 */
static void local_faults(void)
{
	uint64_t ram = page(0);

	fresh();
	guest_windows();
	csr_write(CSR_BADV, RESERVED);
	stage1_set(MTLB, GVA, 14, ram, ram | ELO_V | ELO_CC | ELO_NX | ELO_NR);
	stage1_set(MTLB + 1, GVA + 0x8000, 14, ram | ELO_V | ELO_CC, ram | PAGE_RW);
	csr_write(CSR_TLBEHI, 0);
	local_fault(load(GVA + 9), EXC_PIL, GVA + 9,
		    "s1_faults_local: V=0, load: PIL in the guest, its BADV the GVA");
	expect(gcsr_read(CSR_TLBEHI) == GVA && csr_read(CSR_TLBEHI) == 0,
	       "s1_faults_local: its TLBEHI has the VPPN");
	expect_equal(guest_trap.era, ADDRESS(guest_load), "s1_faults_local: its ERA is the PC");
	expect_equal((uint32_t)guest_trap.badi, instruction_at(guest_load),
		     "s1_faults_local: its BADI is the load");
	local_fault(store(GVA, 0), EXC_PIS, GVA, "s1_faults_local: V=0, store: PIS");
	local_fault(fetch(GVA), EXC_PIF, GVA, "s1_faults_local: V=0, fetch: PIF");
	local_fault(load(GVA + S2_PAGE), EXC_PNR, GVA + S2_PAGE, "s1_faults_local: NR: PNR");
	local_fault(fetch(GVA + S2_PAGE), EXC_PNX, GVA + S2_PAGE, "s1_faults_local: NX: PNX");
	local_fault(store(GVA + 0x8000, 0), EXC_PME, GVA + 0x8000, "s1_faults_local: D=0: PME");
	gcsr_change(CSR_MISC, 1 << 16, 1 << 16);
	expect(store(GVA + 0x8010, 5) == RAN && guest_trap.count == 0 && load64(CACHED(ram) + 0x10) == 5,
	       "s1_faults_local: the guest's MISC.DWPL0 lets it store in spite of D=0");
	gcsr_change(CSR_MISC, 0, 1 << 16);
	gcsr_write(CSR_CRMD, CRMD_PG | 3);
	local_fault(load(GVA + 0xc000), EXC_PPI, GVA + 0xc000,
		    "s1_faults_local: PLV3 in a page of PLV0: PPI");
	gcsr_write(CSR_CRMD, CRMD_PG);
	local_fault(load(0x0000800000000000), EXC_ADEM, 0x0000800000000000,
		    "s1_noncanonical: a load from a GVA that is not sign-extended is the guest's ADEM");
	local_fault(fetch(0x0000800000000000), EXC_ADEF, 0x0000800000000000,
		    "s1_noncanonical: a fetch from there is the guest's ADEF");
	expect_equal(vm_exit.count, 2 + 10, "s1_faults_local: none of it is an exit");
}

/* 66 */
static void both_stages_fault(void)
{
	fresh();
	guest_windows();
	csr_write(CSR_BADV, RESERVED);
	expect(load(GVA) == RAN && guest_trapped(EXC_TLBR),
	       "s1_over_s2_priority: a stage-1 miss comes first");
	stage1_set(MTLB, GVA, 14, gpa(0), gpa(0) | ELO_V);
	local_fault(load(GVA), EXC_PIL, GVA, "s1_over_s2_priority: stage 1's V=0 comes before stage 2's");
	local_fault(store(GVA + S2_PAGE, 0), EXC_PME, GVA + S2_PAGE,
		    "s1_over_s2_priority: stage 1's D=0 comes before it");
	load(GVA + S2_PAGE + 0x18);
	expect(vm_exit_is(EXC_PIL, gpa(0) + 0x18) && guest_trap.count == 0,
	       "s1_over_s2_priority: when stage 1 permits, stage 2 exits, BADV the GPA");
	expect_equal(vm_exit.era, ADDRESS(guest_load), "s1_over_s2_priority: and ERA the guest's virtual PC");
}

/* 68 */
static void tables_behind_stage2(void)
{
	uint64_t pte = PHYSICAL(walk_entry) + 16, dir = PHYSICAL(walk_entry) + 8;
	uint64_t code[2];

	fresh();
	guest_windows();
	tables_setup();
	tables_map(GVA, page(0) | PAGE_RW);
	expect(load(GVA) == RAN && loaded() == page_mark(0),
	       "guest_lddir_s2: the guest's refill handler fills from its tables");
	invtlb(0x13, GID_OPERAND(0), 0);
	s2_flush(table_entry(2, GVA));
	guest.refill_exits = 1;
	expect_equal(load(GVA + 8), EXC_TLBR,
		     "guest_lddir_s2: lddir's table misses in stage 2: a refill exit");
	expect_equal(vm_exit.tlbrbadv, table_entry(2, GVA),
		     "guest_lddir_s2: TLBRBADV is the table entry's GPA");
	expect_equal(vm_exit.era, dir, "guest_lddir_s2: TLBRERA is lddir's PC");
	expect(gcsr_read(CSR_TLBRERA) == (ADDRESS(guest_load) | 1) && gcsr_read(CSR_TLBRBADV) == GVA + 8,
	       "guest_lddir_s2: the guest is still in its refill");
	expect_equal(gcsr_read(CSR_CRMD) & 0x18, CRMD_DA, "guest_lddir_s2: in direct mode");
	guest.refill_exits = 0;
	expect(guest_enter() == RAN && gcsr_read(CSR_TLBRERA) == ADDRESS(guest_load),
	       "guest_lddir_s2: lddir again succeeds, and the load");
	s2_unmap(table_entry(0, GVA));
	s2_flush(table_entry(0, GVA));
	invtlb(0x13, GID_OPERAND(0), 0);
	load(GVA);
	expect(vm_exit_is(EXC_PIL, table_entry(0, GVA) & ~8ull) && vm_exit.era == pte,
	       "guest_lddir_s2: ldpte's table with V=0 in stage 2: a PIL exit with the entry's GPA");
	expect_equal((uint32_t)vm_exit.badi, instruction_at(walk_entry + 16),
		     "guest_lddir_s2: BADI is ldpte");
	expect(gcsr_read(CSR_TLBRERA) & 1, "guest_lddir_s2: the guest is still in its refill");
	s2_map(table_entry(0, GVA), table_entry(0, GVA), PAGE_RW);
	s2_flush(table_entry(0, GVA));
	expect(guest_enter() == RAN && loaded() == page_mark(0),
	       "guest_lddir_s2: with the table mapped the load ends");
	invtlb(0x13, GID_OPERAND(0), 0);
	s2_map(table_entry(0, GVA), table_entry(0, GVA), PAGE_RW | ELO_NR);
	s2_flush(table_entry(0, GVA));
	code[0] = load(GVA);
	s2_map(table_entry(0, GVA), table_entry(0, GVA), ELO_V | ELO_CC | ELO_NX);
	s2_flush(table_entry(0, GVA));
	code[1] = guest_enter();
	expect(code[0] == EXC_PNR && code[1] == RAN,
	       "guest_lddir_s2: reading a table is a load: NR counts, D and NX do not");
	s2_map(table_entry(0, GVA), table_entry(0, GVA), PAGE_RW);
}

/* 69: the first entry fills what the second one needs, since a refill would end root's direct mode. */
static void root_in_direct_mode(void)
{
	fresh();
	s2_map(gpa(0), page(5), PAGE_RW);
	load(gpa(0));
	vm_refill.count = 0;
	csr_change(CSR_CRMD, CRMD_DA, 0x18);
	load(gpa(0));
	csr_change(CSR_CRMD, 0x10, 0x18);
	expect_equal(vm_exit.crmd & 0x18, CRMD_DA,
		     "s2_root_da: root stays in direct mode through a general exit");
	expect(vm_exit.code == RAN && loaded() == page_mark(5) && !vm_refill.count,
	       "s2_root_da: stage 2 translates the guest's accesses all the same (inferred)");
	csr_change(CSR_CRMD, CRMD_DA, 0x18);
	s2_flush(gpa(0));
	load(gpa(0));
	expect(vm_exit.code == RAN && loaded() == page_mark(5) && vm_refill.count == 1,
	       "s2_root_da: a miss is a refill exit all the same (inferred)");
	expect_equal(csr_read(CSR_CRMD) & 0x18, 0x10, "s2_root_da: whose ertn leaves root in mapped mode");
}

/* 70-72 */
static void guest_ids(void)
{
	unsigned right = 0;

	fresh();
	for (unsigned g = 0; g < 2; g++) {
		s2_select(gid_of(g));
		s2_map(gpa(0), page(g), PAGE_RW);
	}
	for (unsigned n = 0; n < 8; n++) {
		s2_select(gid_of(n & 1));
		right += load(gpa(0)) == RAN && loaded() == page_mark(n & 1);
	}
	expect_equal(right, 8, "gid_isolation: two GIDs see their own pages at one GPA, without invtlb");
	/* Two pairs each, the code's and the data's. */
	expect(vm_refill.count <= 4, "gid_isolation: entries of a GID that is away stay");
	s2_select(gid_of(0));
	*s2_entry(gpa(0)) = page(2) | PAGE_RW;
	s2_select(gid_of(0) + 8);
	expect(load(gpa(0)) == RAN && loaded() == page_mark(2),
	       "gid_change_flush: a new GID sees what the table has now");
	s2_select(gid_of(0));
	expect(load(gpa(0)) == RAN && (loaded() == page_mark(0) || loaded() == page_mark(2)),
	       "gid_return: the GID of before sees the old page or the new one");
	s2_flush(gpa(0));
	expect(load(gpa(0)) == RAN && loaded() == page_mark(2), "gid_return: after invtlb 0x16 the new one");
	/* The same through a window and through stage 1. */
	guest_windows();
	stage1_set(MTLB, GVA, 14, gpa(0) | PAGE_RW, gpa(0) | PAGE_RW);
	load(CACHED(gpa(0)));
	load(GVA);
	s2_select(gid_of(1));
	expect(load(CACHED(gpa(0))) == RAN && loaded() == page_mark(1),
	       "gid_isolation: the same through a window");
	expect(load(GVA) == RAN && guest_trapped(EXC_TLBR),
	       "gid_isolation: another GID's stage-1 entry is not found");
	stage1_set(MTLB + 1, GVA, 14, gpa(0) | PAGE_RW, gpa(0) | PAGE_RW);
	expect(load(GVA) == RAN && loaded() == page_mark(1), "gid_isolation: a GID's own stage-1 entry is");
	s2_select(gid_of(0));
	expect(load(GVA) == RAN && loaded() == page_mark(2),
	       "gid_isolation: and the other one is still there");
}

/* 73-75: root's own entries and the guest's stage-2 entries at the same address. */
static void root_entries(void)
{
	fresh();
	s2_map(gpa(0), page(0), PAGE_RW);
	csr_write(CSR_TLBEHI, gpa(0));
	csr_write(CSR_TLBELO0, page(1) | PAGE_RW);
	csr_write(CSR_TLBELO1, page(1) | PAGE_RW);
	csr_write(CSR_TLBIDX, 14 << 24);
	__asm__ volatile("tlbfill" ::: "memory");
	expect_equal(load64(gpa(0)), page_mark(1), "tgid_zero_root: root uses an entry filled with TGID 0");
	vm_refill.count = 0;
	expect(load(gpa(0)) == RAN && loaded() == page_mark(0) && vm_refill.tlbrbadv == gpa(0),
	       "tgid_zero_root: stage 2 does not");
	guest_windows();
	expect(load(gpa(0)) == RAN && guest_trapped(EXC_TLBR), "tgid_zero_root: nor does stage 1");
	gcsr_write(CSR_CRMD, CRMD_DA);
	csr_change(CSR_GTLBC, GID_OPERAND(0), GTLBC_TGID);
	expect_equal(load64(gpa(0)), page_mark(1),
		     "tgid_root_access: TGID does not redirect root's loads (inferred)");
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	csr_write(CSR_ASID, 2);
	s2_flush(gpa(0));
	load(gpa(0));
	vm_refill.count = 0;
	for (unsigned asid = 0; asid < 4; asid++) {
		csr_write(CSR_ASID, asid);
		load(gpa(0));
		expect(vm_exit.code == RAN && loaded() == page_mark(0) && vm_refill.count == 0,
		       "asid_change_s2: a stage-2 entry hits with every ASID of root (inferred)");
	}
	csr_write(CSR_ASID, 0);
	stage2_set(0, MTLB, gpa(2), 14, page(2) | PAGE_RW | ELO_G, page(3) | PAGE_RW | ELO_G);
	expect(load(gpa(2)) == RAN && loaded() == page_mark(2) && vm_refill.count == 0,
	       "asid_change_s2: one with G=1 hits as well");
	invtlb(0, 0, 0);
}

/* 76 */
static void guest_asids(void)
{
	fresh();
	guest_windows();
	for (unsigned asid = 1; asid <= 2; asid++) {
		gcsr_write(CSR_ASID, asid);
		stage1_set(MTLB + asid, GVA, 14, page(asid) | PAGE_RW, page(asid) | PAGE_RW);
		stage1_set(MTLB + 2 + asid, GVA + 0x10000 * asid, 14, page(4) | PAGE_RW | ELO_G,
			   page(5) | PAGE_RW | ELO_G);
	}
	for (unsigned n = 0; n < 4; n++) {
		gcsr_write(CSR_ASID, 1 + (n & 1));
		expect(load(GVA) == RAN && loaded() == page_mark(1 + (n & 1)),
		       "guest_asid: each ASID of the guest has its page at one GVA");
	}
	for (unsigned asid = 1; asid <= 3; asid++) {
		gcsr_write(CSR_ASID, asid);
		expect(load(GVA + 0x10000) == RAN && loaded() == page_mark(4) && load(GVA + 0x24000) == RAN &&
			       loaded() == page_mark(5),
		       "guest_asid: every ASID sees entries with G");
	}
	expect(load(GVA) == RAN && guest_trapped(EXC_TLBR), "guest_asid: an ASID without an entry misses");
	csr_write(CSR_ASID, 1);
	expect(load(GVA) == RAN && guest_trapped(EXC_TLBR), "guest_asid: root's ASID has no part in stage 1");
	csr_write(CSR_ASID, 0);
}

static void tests(void)
{
	refill_exit();
	refill_and_gstat();
	invalid();
	protection();
	privilege();
	combined_rights();
	windows();
	local_refill();
	local_faults();
	both_stages_fault();
	tables_behind_stage2();
	root_in_direct_mode();
	guest_ids();
	root_entries();
	guest_asids();
}

void secondary_main(unsigned core)
{
	second_core();
}

void suite(void)
{
	run_alone_then_together(tests, 20,
				"two_cores: all checks of stage 2 hold on a core while the other runs them");
}
