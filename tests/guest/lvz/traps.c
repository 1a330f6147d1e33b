/* SPDX-License-Identifier: MulanPSL-2.0 */
/* LVZ tests 36 to 55: what a guest's privileged instructions do: an exit, an exception of its own, or
 * neither. */
#include "lvz.h"

#define PLV3	  3
#define UNTOUCHED 0x7777777777777777

/* Instruction words; rd is a0, rj is a1, rk is a2. */
#define CPUCFG	       0x00006ca4u
#define IOCSR(n)       (0x064800a4u | (n) << 10)
#define IDLE	       0x06488000u
#define CACOP(op)      (0x060000a0u | (op))
#define CSRRD(n)       (0x04000004u | (n) << 10)
#define CSRWR(n)       (0x04000024u | (n) << 10)
#define CSRXCHG(n)     (0x040000a4u | (n) << 10)
#define TLBCLR	       0x06482000u
#define TLBFLUSH       0x06482400u
#define TLBSRCH	       0x06482800u
#define TLBRD	       0x06482c00u
#define TLBWR	       0x06483000u
#define TLBFILL	       0x06483400u
#define INVTLB(op)     (0x06498000u | 6 << 10 | 5 << 5 | (op))
#define INVTLB_ALL(op) (0x06498000u | (op)) /* of zeros */
#define DBCL	       0x002a8000u
#define SYSCALL	       0x002b0000u
#define BREAK	       0x002a0000u
#define UNDEFINED      0xffffffffu
#define LL_W	       0x200000a4u
#define HVCL(code)     (0x002b8000u | (code))
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

/* Sets the guest up at a privilege level, a0 and a1 recognisable. */
static void guest_at(unsigned plv)
{
	gcsr_change(CSR_CRMD, plv, 3);
	guest.gpr[4] = UNTOUCHED;
	guest.gpr[5] = PHYSICAL(scratch(1));
	guest.gpr[6] = 0;
	guest_trap_clear();
	vm_exit.count = 0;
}

/* The instruction is a GSPR exit that tells which one it was, and nothing has happened. */
static bool is_gspr(uint32_t word)
{
	unsigned code = guest_execute(word);

	if (code == EXC_GSPR && vm_exit.estat >> 22 == 0 && (vm_exit.badi & 0xffffffff) == word &&
	    vm_exit.era == guest.pc && vm_exit.count == 1 && guest_trap.count == 0 &&
	    guest.gpr[4] == UNTOUCHED)
		return true;
	print("# %x: exit %x at %lx, badi %lx; %lu guest exceptions, the last %lx; a0 %lx\n", word, code,
	      vm_exit.era, vm_exit.badi, guest_trap.count, guest_trap.code, guest.gpr[4]);
	return false;
}

/* The instruction is one exception of the guest's own, and no exit. */
static bool is_local(uint32_t word, unsigned code)
{
	guest_execute(word);
	return guest_trapped(code) && guest_ended() && vm_exit.count == 1 &&
	       (guest_trap.badi & 0xffffffff) == word;
}

/* The instruction is executed. */
static bool is_executed(uint32_t word)
{
	unsigned code = guest_execute(word);

	if (exited_by_hvcl(0) && vm_exit.count == 1 && guest_trap.count == 0)
		return true;
	print("# %x: exit %x at %lx, badi %lx; %lu guest exceptions, the last %lx\n", word, code, vm_exit.era,
	      vm_exit.badi, guest_trap.count, guest_trap.code);
	return false;
}

static void cpucfg_gspr(void)
{
	guest_reset();
	guest_at(0);
	check(is_gspr(CPUCFG), "cpucfg_gspr: cpucfg at PLV0 is an exit");
	guest_at(PLV3);
	check(is_gspr(CPUCFG), "cpucfg_gspr: cpucfg at PLV3 is an exit");
	check_equal(gcsr_read(CSR_CRMD), CRMD_DA | PLV3, "cpucfg_gspr: the guest stays at its PLV");
}

static void iocsr(void)
{
	bool exits = true, refused = true;

	guest_reset();
	for (unsigned op = 0; op < 8; op++) {
		guest_at(0);
		exits &= is_gspr(IOCSR(op));
		guest_at(PLV3);
		refused &= is_local(IOCSR(op), EXC_IPE) && guest.gpr[4] == UNTOUCHED;
	}
	check(exits, "iocsr_gspr: each of the eight iocsr instructions is an exit at PLV0");
	check(refused, "iocsr_plv3: each is the guest's privilege error at PLV3, no exit (inferred)");
}

static void idle(void)
{
	guest_reset();
	guest_at(0);
	check(is_gspr(IDLE), "idle_gspr: idle at PLV0 is an exit");
	guest_at(PLV3);
	check(is_local(IDLE, EXC_IPE), "idle_gspr: idle at PLV3 is the guest's privilege error");
}

/* The four types, each on the first-level caches: is it executed, or an exit? */
static bool cacop_traps(unsigned type, bool traps)
{
	bool good = true;

	for (unsigned cache = 0; cache < 2; cache++) {
		guest_at(0);
		good &= traps ? is_gspr(CACOP(type << 3 | cache)) : is_executed(CACOP(type << 3 | cache));
	}
	return good;
}

static void cacop(void)
{
	bool refused = true;

	guest_reset();
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(0));
	check(cacop_traps(0, true) && cacop_traps(1, true) && cacop_traps(2, true) && cacop_traps(3, true),
	      "cacop_gci0: every cacop is an exit with GCI 0");
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(1));
	check(cacop_traps(0, true) && cacop_traps(1, true) && cacop_traps(3, true),
	      "cacop_gci1: initializing, index and implementation's cacop are exits with GCI 1 (inferred)");
	check(cacop_traps(2, false), "cacop_gci1: a hit cacop is executed with GCI 1 (inferred)");
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(2));
	check(cacop_traps(0, true), "cacop_gci2: an initializing cacop is an exit with GCI 2");
	check(cacop_traps(3, true), "cacop_gci2: an implementation's cacop is an exit with GCI 2 (inferred)");
	check(cacop_traps(1, false) && cacop_traps(2, false), "cacop_gci2: index and hit cacop are executed");
	for (unsigned type = 0; type < 4; type++) {
		guest_at(PLV3);
		refused &= is_local(CACOP(type << 3), EXC_IPE);
	}
	check(refused, "cacop_plv3: cacop at PLV3 is the guest's privilege error (inferred)");
}

/* In each of its three ways the access is an exit. */
static bool csr_exits(unsigned n)
{
	bool good = true;

	guest_at(0);
	good &= is_gspr(CSRRD(n));
	guest_at(0);
	good &= is_gspr(CSRWR(n));
	guest_at(0);
	good &= is_gspr(CSRXCHG(n));
	return good;
}

static void csr_gspr(void)
{
	static const uint16_t lvz[] = { CSR_GTLBC, CSR_TRGP, CSR_GSTAT, CSR_GCFG, CSR_GINTC, CSR_GCNTC };
	static const uint16_t root_only[] = {
		0x80,  0x81,  0x90,  0x91,  0x92,  0x93,  0x94,	 0x95,	0x98,  0x200, 0x201, 0x206, 0x207,
		0x300, 0x301, 0x310, 0x313, 0x328, 0x380, 0x381, 0x390, 0x393, 0x3c8, 0x500, 0x501, 0x502,
	};
	uint64_t gstat = csr_read(CSR_GSTAT), dsave = csr_read(CSR_DSAVE);
	bool good = true;

	guest_reset();
	for (unsigned n = 0; n < COUNT(root_only); n++)
		good &= csr_exits(root_only[n]);
	check(good, "csr_sw_gspr: csrrd, csrwr and csrxchg of what only root has are exits");
	good = true;
	for (unsigned n = 0; n < COUNT(lvz); n++)
		good &= csr_exits(lvz[n]);
	check(good, "csr_lvz_gspr: so are those of root's LVZ registers");
	check(csr_read(CSR_GSTAT) == gstat && csr_read(CSR_DSAVE) == dsave,
	      "csr_lvz_gspr: and root's registers keep their values");
	guest_at(PLV3);
	check(is_local(CSRRD(0x0), EXC_IPE) && guest.gpr[4] == UNTOUCHED,
	      "csr_plv3: csrrd of CRMD at PLV3 is the guest's privilege error");
	guest_at(PLV3);
	check(is_local(CSRWR(0x80), EXC_IPE),
	      "csr_plv3: so is csrwr of what would be an exit at PLV0 (inferred)");
}

static void csr_unimpl(void)
{
	guest_reset();
	guest_at(0);
	check(is_executed(CSRRD(0x7ff)) && guest.gpr[4] == 0,
	      "csr_unimpl: without TORU a CSR that there is not reads 0 (inferred)");
	guest_at(0);
	check(is_executed(CSRWR(0x7ff)) && guest.gpr[4] == 0,
	      "csr_unimpl: without TORU it can be written to no effect (inferred)");
	csr_change(CSR_GCFG, GCFG_TORU, GCFG_TORU);
	check(csr_exits(0x7ff), "csr_unimpl: with TORU each access is an exit (inferred)");
	guest_at(0);
	check(is_executed(CSRRD(CSR_SAVE(1))),
	      "csr_unimpl: with TORU the guest's own CSRs are no exit (inferred)");
	csr_change(CSR_GCFG, 0, GCFG_TORU);
}

static void ro_write_guest(void)
{
	static const uint16_t constant[] = { CSR_PRCFG1, CSR_PRCFG2, CSR_PRCFG3, CSR_CPUID,
					     CSR_BADI,	 CSR_TVAL,   CSR_PGD };
	bool good = true, same = true;

	guest_reset();
	gcsr_write(CSR_BADI, 0x1234567);
	gcsr_write(CSR_TVAL, 0x1234567);
	for (unsigned n = 0; n < COUNT(constant); n++) {
		uint64_t before = gcsr_read_any(constant[n]);

		guest_at(0);
		good &= is_executed(CSRWR(constant[n])) && guest.gpr[4] == before;
		if (gcsr_read_any(constant[n]) == before)
			continue;
		print("# CSR %x is %lx, was %lx\n", constant[n], gcsr_read_any(constant[n]), before);
		same = false;
	}
	check(good,
	      "ro_write_guest: the guest's writes to read-only CSRs raise nothing and return the value");
	check(same, "ro_write_guest: and change nothing");
	gcsr_write(CSR_ESTAT, 0x1c00);
	guest_at(0);
	guest.gpr[4] = 3;
	check(is_executed(CSRWR(CSR_ESTAT)), "ro_write_guest: the guest can write its ESTAT");
	check_equal(gcsr_read(CSR_ESTAT), 0x1c03, "ro_write_guest: but of it only the software interrupts");
	gcsr_write(CSR_ESTAT, 0);
	gcsr_write(CSR_ASID, 0);
	guest_at(0);
	is_executed(CSRWR(CSR_ASID));
	check_equal(gcsr_read(CSR_ASID), 0xa0377, "ro_write_guest: ASIDBITS is 10 for the guest");
}

/* What the guest may write to each register and still run; registers that are not here get 0x7777... */
static uint64_t harmless(unsigned n)
{
	switch (n) {
	case CSR_CRMD:
		return CRMD_DA;
	case CSR_ESTAT:
	case CSR_TCFG:
	case CSR_MISC:
	case CSR_RVACFG:
	case CSR_TLBRERA:
		return 0;
	case CSR_STLBPS:
		return 14;
	case CSR_TLBIDX:
		return 0x0e000123;
	}
	return UNTOUCHED;
}

/* Something else that can be there before. */
static uint64_t previous(unsigned n)
{
	switch (n) {
	case CSR_CRMD:
		return CRMD_DA;
	case CSR_ESTAT:
		return 2;
	case CSR_STLBPS:
		return 12;
	}
	return harmless(n) ^ 0x1001;
}

static void hw_csr_no_exit(void)
{
	bool reads = true, writes = true;

	guest_reset();
	for (unsigned n = 0; n < GUEST_FILE_SIZE; n++) {
		uint64_t value;

		guest_at(0);
		reads &= is_executed(CSRRD(guest_file[n])) && guest.gpr[4] == gcsr_read_any(guest_file[n]);
		gcsr_write_any(guest_file[n], harmless(guest_file[n]));
		value = gcsr_read_any(guest_file[n]);
		if (guest_file[n] == CSR_BADI || guest_file[n] == CSR_CPUID || guest_file[n] == CSR_TVAL)
			continue; /* the guest cannot write them */
		gcsr_write_any(guest_file[n], previous(guest_file[n]));
		guest_at(0);
		guest.gpr[4] = harmless(guest_file[n]);
		if (is_executed(CSRWR(guest_file[n])) && gcsr_read_any(guest_file[n]) == value)
			continue;
		print("# CSR %x is %lx, not %lx\n", guest_file[n], gcsr_read_any(guest_file[n]), value);
		writes = false;
	}
	check(reads, "hw_csr_no_exit: the guest reads each of its own CSRs without an exit");
	check(writes, "hw_csr_no_exit: what it writes is in the guest's file");
	guest_reset();
}

static void toti(void)
{
	static const uint32_t words[] = { TLBCLR,  TLBFLUSH,	  TLBSRCH,	 TLBRD,	   TLBWR,
					  TLBFILL, INVTLB_ALL(0), INVTLB_ALL(1), INVTLB(6) };
	bool exits = true, executed = true, refused = true;

	guest_reset();
	csr_change(CSR_GTLBC, GTLBC_TOTI, GTLBC_TOTI);
	for (unsigned n = 0; n < COUNT(words); n++) {
		guest_at(0);
		exits &= is_gspr(words[n]);
		guest_at(PLV3);
		refused &= is_local(words[n], EXC_IPE);
	}
	csr_change(CSR_GTLBC, 0, GTLBC_TOTI);
	for (unsigned n = 0; n < COUNT(words); n++) {
		guest_at(0);
		gcsr_write(CSR_TLBIDX, 14 << 24);
		gcsr_write(CSR_TLBEHI, 0x7000000000);
		executed &= is_executed(words[n]);
	}
	check(exits, "toti: with TOTI the guest's TLB instructions are exits");
	check(refused, "toti: at PLV3 they are its privilege errors all the same (inferred)");
	check(executed, "toti: without TOTI they are executed");
}

static void tit(void)
{
	static const uint16_t timer[] = { CSR_TID, CSR_TCFG, CSR_TVAL, CSR_CNTC, CSR_TICLR };
	bool exits = true, executed = true;

	guest_reset();
	csr_change(CSR_GCFG, GCFG_TIT, GCFG_TIT);
	for (unsigned n = 0; n < COUNT(timer); n++)
		exits &= csr_exits(timer[n]);
	guest_at(0);
	check(is_executed(CSRRD(CSR_CRMD)), "tit: with TIT other CSRs are no exit");
	csr_change(CSR_GCFG, 0, GCFG_TIT);
	for (unsigned n = 0; n < COUNT(timer); n++) {
		guest_at(0);
		executed &= is_executed(CSRRD(timer[n]));
	}
	check(exits, "tit: with TIT the guest's accesses to timer CSRs are exits");
	check(executed, "tit: without TIT they are not");
}

static void gperf(void)
{
	guest_reset();
	csr_change(CSR_GCFG, GCFG_GPERF(0), GCFG_GPERF(7));
	check(csr_exits(CSR_PMCFG0) && csr_exits(CSR_PMCNT0), "gperf: with GPERF 0 counter 0 is an exit");
	csr_change(CSR_GCFG, GCFG_GPERF(1), GCFG_GPERF(7));
	gcsr_write(CSR_PMCNT0, 0);
	guest_at(0);
	check(is_executed(CSRWR(CSR_PMCNT0)) && guest.gpr[4] == 0,
	      "gperf: with GPERF 1 counter 0 is the guest's");
	check_equal(gcsr_read(CSR_PMCNT0), UNTOUCHED, "gperf: its value is in the guest's file");
	guest_at(0);
	check(is_executed(CSRRD(CSR_PMCFG0)), "gperf: so is its configuration");
	check(csr_exits(CSR_PMCFG0 + 2) && csr_exits(CSR_PMCNT0 + 2), "gperf: counter 1 is still an exit");
	csr_change(CSR_GCFG, GCFG_GPERF(4), GCFG_GPERF(7));
	guest_at(0);
	check(is_executed(CSRRD(CSR_PMCNT0 + 6)), "gperf: with GPERF 4 counter 3 is the guest's");
	gcsr_write(CSR_PMCNT0, 0);
	csr_change(CSR_GCFG, 0, GCFG_GPERF(7));
}

static void local_exceptions(void)
{
	guest_reset();
	guest_at(0);
	check(is_gspr(DBCL), "dbcl: dbcl at PLV0 is an exit");
	guest_at(PLV3);
	check(is_local(DBCL, EXC_IPE), "dbcl: dbcl at PLV3 is the guest's privilege error (inferred)");

	for (unsigned plv = 0; plv <= PLV3; plv += PLV3) {
		guest_at(plv);
		check(is_local(SYSCALL, EXC_SYS), "syscall_break_local: syscall is the guest's, no exit");
		check_equal(guest_trap.prmd & 7, plv, "syscall_break_local: its PRMD has the PLV");
		check_equal(guest_trap.era, guest.pc - 4,
			    "syscall_break_local: its ERA is the instruction's address");
		guest_at(plv);
		check(is_local(BREAK, EXC_BRK), "syscall_break_local: break is the guest's, no exit");
		guest_at(plv);
		check(is_local(UNDEFINED, EXC_INE),
		      "syscall_break_local: an undefined word is the guest's, no exit");
		guest_at(plv);
		guest.gpr[5]++;
		check(is_local(LL_W, EXC_ALE),
		      "syscall_break_local: a misaligned ll.w is the guest's, no exit");
		check_equal(guest_trap.badv, PHYSICAL(scratch(1)) + 1,
			    "syscall_break_local: its BADV is the address");
	}
	gcsr_write(CSR_ECFG, 3 << 16);
	guest_at(0);
	check(is_local(BREAK, EXC_BRK), "syscall_break_local: a break with the guest's VS 3");
	check_equal(guest_trap.entry, EXC_BRK << 5, "syscall_break_local: takes the guest's vector for it");
	check_equal(vm_exit.estat >> 16 & 0x7fff, EXC_HVC, "syscall_break_local: root's ESTAT is the hvcl's");
}

SNIPPET(root_hvcl, "hvcl 0x55");

static void hvcl_elsewhere(void)
{
	trap_clear();
	call(ADDRESS(root_hvcl), 0, 0);
	check(trapped(EXC_INE), "hvcl_root: hvcl is undefined in root");
	trap_clear();
	trap_resume = ADDRESS(user_return);
	user_run(3, USER(root_hvcl), 0, 0);
	check(trapped(EXC_INE), "hvcl_root: at root's PLV3 too");
	guest_reset();
	for (unsigned plv = 1; plv <= PLV3; plv++) {
		guest_at(plv);
		check(guest_execute(HVCL(0x101)) == EXC_HVC && exited_by_hvcl(0x101) && guest_trap.count == 0,
		      "hvcl_plv3: hvcl is an exit at each of the guest's PLVs (inferred)");
	}
}

static void guest_invtlb_lvz(void)
{
	bool undefined = true;

	guest_reset();
	guest_at(0);
	is_local(INVTLB(7), EXC_INE); /* what it needs is in the TLB then */
	vm_refill.count = 0;
	for (unsigned op = 7; op < 0x20; op++) {
		guest_at(0);
		guest.gpr[5] = 1 << 16;
		undefined &= is_local(INVTLB(op), EXC_INE);
	}
	check(undefined, "guest_invtlb_lvz: invtlb 7 to 0x1f are undefined for the guest (inferred)");
	check_equal(vm_refill.count, 0, "guest_invtlb_lvz: and the stage-2 entries are all there (inferred)");
}

static void tests(void)
{
	lvz_setup();
	cpucfg_gspr();
	iocsr();
	idle();
	cacop();
	csr_gspr();
	csr_unimpl();
	ro_write_guest();
	hw_csr_no_exit();
	toti();
	tit();
	gperf();
	local_exceptions();
	hvcl_elsewhere();
	guest_invtlb_lvz();
}

void secondary_main(unsigned core)
{
	lvz_second(tests);
}

void suite(void)
{
	tests();
	lvz_both();
}
