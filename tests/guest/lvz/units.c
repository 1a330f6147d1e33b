/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What a guest and its root share or do not share: FP and vector units, the LLbit, identification; and what
 * KVM does to the guest's registers before it runs anything.
 */
#include "lvz.h"

#define FADD_D	  0x01010000 /* fa0 += fa0 and the like */
#define VADD_B	  0x700a0000
#define XVADD_B	  0x740a0000
#define MOVGR2SCR 0x00000880
#define EXC_BTD	  0x14
#define CRMD_IE	  4
#define ROLLB	  1
#define WCLLB	  2
#define KLO	  4
#define FEATURES  0x8 /* IOCSR */

/* The guest came to its end, and nothing else brought it out. */
static bool no_other_exit(void)
{
	return vm_exit.count == 1 && exited_by_hvcl(0);
}

GUEST(do_double, "movgr2fr.d $fa0, $a0\n\tfadd.d $fa0, $fa0, $fa0\n\tmovfr2gr.d $a0, $fa0");
GUEST(do_all_units, "fadd.d $fa0, $fa0, $fa0\n\tvadd.b $vr0, $vr0, $vr0\n\txvadd.b $xr0, $xr0, $xr0");
GUEST(do_nothing, "nop\n\tnop");

/* One instruction of each unit: with the bit 0 in the guest's EUEN, in both, in root's. */
static const struct unit {
	uint32_t instruction;
	unsigned bit, code;
	const char *off_in_guest, *off_in_both, *off_in_root, *at_instruction, *then;
} units[] = {
	{ FADD_D, 1, EXC_FPD, "fpd_guest: an FP instruction with the guest's EUEN.FPE = 0 is the guest's FPD",
	  "fpd_guest: also with root's at 0",
	  "fpd_root: with the guest's at 1 and root's at 0 it is an exit with FPD's code",
	  "fpd_root: ERA and BADI are the instruction's",
	  "fpd_root: root sets its bit, and the guest executes it" },
	{ VADD_B, 2, EXC_SXD, "sxd_asxd_btd: an LSX instruction with the guest's SXE = 0 is the guest's SXD",
	  "sxd_asxd_btd: also with root's at 0", "sxd_asxd_btd: root's SXE = 0 makes it an exit",
	  "sxd_asxd_btd: at the LSX instruction", "sxd_asxd_btd: which runs once root sets SXE" },
	{ XVADD_B, 4, EXC_ASXD, "sxd_asxd_btd: an LASX instruction with the guest's ASXE = 0 is its ASXD",
	  "sxd_asxd_btd: also with root's at 0", "sxd_asxd_btd: root's ASXE = 0 makes it an exit",
	  "sxd_asxd_btd: at the LASX instruction", "sxd_asxd_btd: which runs once root sets ASXE" },
};

/* @instruction under these EUENs; the guest's exceptions and exits are recorded. */
static unsigned execute(uint32_t instruction, uint64_t guest_euen, uint64_t root_euen)
{
	unsigned code;

	gcsr_write(CSR_EUEN, guest_euen);
	csr_write(CSR_EUEN, root_euen);
	guest_trap_clear();
	vm_exit.count = 0;
	code = guest_execute(instruction);
	csr_write(CSR_EUEN, 0);
	return code;
}

static void unit_enable(const struct unit *unit)
{
	uint64_t at;

	execute(unit->instruction, 7 & ~unit->bit, 7);
	check(guest_trapped(unit->code) && no_other_exit(), unit->off_in_guest);
	execute(unit->instruction, 7 & ~unit->bit, 7 & ~unit->bit);
	check(guest_trapped(unit->code) && no_other_exit(), unit->off_in_both);
	check_equal(execute(unit->instruction, 7, 7 & ~unit->bit), unit->code, unit->off_in_root);
	at = guest_code(&unit->instruction, 1);
	check(vm_exit.era == at && (uint32_t)vm_exit.badi == unit->instruction, unit->at_instruction);
	csr_write(CSR_EUEN, 7);
	check(guest_enter() == EXC_HVC && guest_trap.count == 0 && vm_exit.era == at + 4, unit->then);
	csr_write(CSR_EUEN, 0);
}

static void unit_enables(void)
{
	guest_reset();
	for (unsigned n = 0; n < sizeof(units) / sizeof(units[0]); n++)
		unit_enable(&units[n]);
	execute(MOVGR2SCR, 0xf, 7);
	if (cpucfg(2) >> 18 & 7)
		check_equal(vm_exit.code, EXC_BTD,
			    "sxd_asxd_btd: an LBT instruction with root's BTE = 0 is an exit");
	else
		check(guest_trapped(EXC_INE) && no_other_exit(),
		      "sxd_asxd_btd: without LBT its instructions are the guest's INE");

	guest_reset();
	gcsr_write(CSR_EUEN, 7);
	trap_clear();
	root_execute(FADD_D, 0, 0);
	check(trapped(EXC_FPD), "fpd_root: the guest's EUEN enables nothing for root");
	guest.pc = PHYSICAL(do_double);
	guest.gpr[4] = 0x3ff0000000000000;
	check_equal(guest_enter(), EXC_FPD, "fpd_root: a guest's first FP instruction is an exit");
	check_equal(vm_exit.era, PHYSICAL(do_double), "fpd_root: before it has done anything");
	csr_write(CSR_EUEN, 1);
	check_equal(guest_enter(), EXC_HVC, "fpd_root: then the guest runs to its end");
	check_equal(guest.gpr[4], 0x4000000000000000, "fpd_root: with the right result");
	csr_write(CSR_EUEN, 0);

	guest.pc = PHYSICAL(do_all_units);
	check_equal(guest_enter(), EXC_FPD, "euen_full_after_fpd: FPD comes first");
	csr_write(CSR_EUEN, 7);
	vm_exit.count = 0;
	check(guest_enter() == EXC_HVC && no_other_exit() && guest_trap.count == 0,
	      "euen_full_after_fpd: with root's EUEN = 7 FP, LSX and LASX run without a further exit");
	csr_write(CSR_EUEN, 0);
}

/* a0: the word; the result is SC's. */
GUEST(do_llsc, "ll.d $t0, $a0, 0\n\thvcl 1\n\taddi.d $t0, $t0, 1\n\tsc.d $t0, $a0, 0\n\tmove $a0, $t0");
GUEST(do_llsc_ertn, "ll.d $t0, $a0, 0\n\tla.pcrel $t1, 1f\n\tcsrwr $t1, 0x6\n\tcsrwr $zero, 0x1\n\tertn\n"
		    "1:\taddi.d $t0, $t0, 1\n\tsc.d $t0, $a0, 0\n\tmove $a0, $t0\n\tcsrrd $a1, 0x60");
GUEST(do_llsc_refill_ertn, "ll.d $t0, $a0, 0\n\tla.pcrel $t1, 1f\n\tori $t1, $t1, 1\n\tcsrwr $t1, "
			   "0x8a\n\tcsrwr $zero, 0x8f\n\tertn\n"
			   "1:\taddi.d $t0, $t0, 1\n\tsc.d $t0, $a0, 0\n\tmove $a0, $t0");
/* a1: another page; the result is how many turns it took. */
GUEST(do_llsc_load, "1: addi.d $a2, $a2, 1\n\tll.d $t0, $a0, 0\n\tld.d $t1, $a1, 0\n\taddi.d $t0, $t0, 1\n\t"
		    "sc.d $t0, $a0, 0\n\tbeqz $t0, 1b\n\tmove $a0, $a2");

static uint64_t llbctl_before, llbctl_after, root_llbctl;

/* At the hvcl between LL and SC. */
static bool pass(unsigned code)
{
	llbctl_before = gcsr_read(CSR_LLBCTL);
	root_llbctl = csr_read(CSR_LLBCTL);
	guest.pc += 4;
	return exited_by_hvcl(1);
}

static bool pass_and_clear(unsigned code)
{
	gcsr_write(CSR_LLBCTL, WCLLB);
	guest.pc += 4;
	return exited_by_hvcl(1);
}

static bool pass_and_modify(unsigned code)
{
	llbctl_before = gcsr_read(CSR_LLBCTL);
	gcsr_write(CSR_LLBCTL, llbctl_before | WCLLB);
	llbctl_after = gcsr_read(CSR_LLBCTL);
	guest.pc += 4;
	return exited_by_hvcl(1);
}

/* A page fault in stage 2, mended as KVM does it. */
static bool map_page(unsigned code)
{
	if (code != EXC_PIL)
		return false;
	s2_map(vm_exit.badv, vm_exit.badv, PAGE_RW);
	s2_flush(vm_exit.badv);
	return true;
}

static void load_linked(void)
{
	uint64_t word = scratch(0), other = scratch(1);

	guest_reset();
	store64(CACHED(word), 40);
	exit_hook = pass;
	check_equal(guest_run(do_llsc, word, 0), 1, "llsc_exit: SC after an exit succeeds (inferred)");
	check_equal(load64(CACHED(word)), 41, "llsc_exit: and has stored (inferred)");
	check_equal(llbctl_before & ROLLB, ROLLB,
		    "llsc_exit: root reads the guest's LLbit in ROLLB (inferred)");
	check_equal(root_llbctl & ROLLB, 0, "llsc_exit: its own is another one");
	exit_hook = pass_and_clear;
	check_equal(guest_run(do_llsc, word, 0), 0, "llsc_wcllb: after root's WCLLB the guest's SC fails");
	check_equal(load64(CACHED(word)), 41, "llsc_wcllb: and stores nothing");
	exit_hook = pass_and_modify;
	gcsr_write(CSR_LLBCTL, KLO);
	check_equal(guest_run(do_llsc, word, 0), 0, "llbctl_gcsrwr: so it does when WCLLB is ORed in");
	check_equal(llbctl_after, KLO, "llbctl_gcsrwr: WCLLB reads 0 and KLO is as it was");
	check_equal(llbctl_before & ~(uint64_t)ROLLB, KLO, "llbctl_gcsrwr: an entry does not touch KLO");
	gcsr_write(CSR_LLBCTL, 0);
	exit_hook = 0;

	check_equal(guest_run(do_llsc_ertn, word, 0), 0, "llsc_guest_ertn: the guest's ertn makes SC fail");
	gcsr_write(CSR_LLBCTL, KLO);
	check_equal(guest_run(do_llsc_ertn, word, 0), 1, "llsc_guest_ertn: not with KLO");
	check_equal(guest.gpr[5] & KLO, 0, "llsc_guest_ertn: which it clears");
	guest_windows();
	check_equal(guest_run_at(CACHED(PHYSICAL(do_llsc_refill_ertn)), CACHED(word), 0), 1,
		    "llsc_guest_ertn: nor one that ends a refill");

	guest_reset();
	invtlb(0x12, 0, 0);
	store64(CACHED(word), 0);
	vm_refill.count = 0;
	check(guest_run(do_llsc_load, word, other) <= 10,
	      "llsc_refill: a loop with a refill in it ends soon");
	check(vm_refill.count && vm_refill.tlbrbadv == other, "llsc_refill: there was a refill between");
	check_equal(load64(CACHED(word)), 1, "llsc_refill: it has counted once");
	s2_unmap(other);
	s2_flush(other);
	exit_hook = map_page;
	vm_exit.count = 0;
	guest.gpr[6] = 0;
	check(guest_run(do_llsc_load, word, other) <= 10, "llsc_refill: so does one with a page fault");
	check(vm_exit.count == 2 && load64(CACHED(word)) == 2, "llsc_refill: which has been an exit");
	exit_hook = 0;
}

static void identification(void)
{
	check_equal(__builtin_loongarch_iocsrrd_w(FEATURES) >> 11 & 1, 0,
		    "iocsr_vm_root: IOCSR FEATURES bit 11 is 0: root runs under nobody");
	check_equal(cpucfg(3) & 0xfcfd, 0xfcfd,
		    "cpucfg3_superset: CPUCFG3 has all that an LA464 guest is given");
}

/* As KVM gives INE to a guest: the code not shifted to its place in ESTAT. */
static void kvm_inject(void)
{
	uint64_t pc = PHYSICAL(do_nothing), crmd = CRMD_DA | CRMD_IE;

	guest_reset();
	gcsr_write(CSR_ECFG, 1 << 16);
	gcsr_write(CSR_CRMD, crmd);
	gcsr_write(CSR_ESTAT, 5ull << 22 | EXC_SYS << 16);
	gcsr_write(CSR_BADI, 0xdeadbeef);
	gcsr_write(CSR_PRMD, crmd);
	gcsr_write(CSR_CRMD, crmd & ~7ull);
	gcsr_write(CSR_ERA, pc);
	gcsr_write(CSR_ESTAT, (gcsr_read(CSR_ESTAT) & ~0x3f0000ull) | EXC_INE);
	guest.pc = gcsr_read(CSR_EENTRY) + 8 * EXC_INE;
	check_equal(guest_enter(), EXC_HVC, "kvm_inject: the guest's handler runs and returns");
	check_equal(guest_trap.count, 1, "kvm_inject: once");
	check_equal(guest_trap.entry, 8 * EXC_INE, "kvm_inject: at the vector of the code");
	check_equal(guest_trap.era, pc, "kvm_inject: ERA is the place");
	check_equal(guest_trap.badi & 0xffffffff, 0xdeadbeef, "kvm_inject: BADI is what root has written");
	check_equal(guest_trap.prmd, crmd, "kvm_inject: PRMD holds the low bits of CRMD");
	check_equal(guest_trap.estat & 0x1fff, 1, "kvm_inject: SWI0 is pending, bits 2 and 3 are not");
	check_equal(guest_trap.estat >> 16, 5 << 6, "kvm_inject: Ecode is 0, EsubCode the old one");
}

static void kvm_init(void)
{
	csr_write(CSR_GSTAT, 0xff0002);
	csr_write(CSR_GINTC, 0xa5a5);
	csr_write(CSR_GTLBC, 0x5a3000);
	csr_write(CSR_GCFG, ~0ull);
	check_equal(csr_read(CSR_GCFG) & 0x74103, 0x74103, "kvm_init_seq: GCFG shows what it can");
	csr_write(CSR_GCFG, 0);
	csr_write(CSR_GSTAT, 0);
	csr_write(CSR_GINTC, 0);
	csr_write(CSR_GTLBC, csr_read(CSR_GTLBC) & ~(uint64_t)(GTLBC_USETGID | GTLBC_TOTI));
	check_equal(csr_read(CSR_GTLBC), 0x5a0000, "kvm_init_seq: GTLBC's other bits survive");
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(2));
	invtlb(0x12, 0, 0);
	csr_write(CSR_GTLBC, csr_read(CSR_GTLBC) | GTLBC_USETGID);
	check_equal(csr_read(CSR_GCFG), GCFG_CAPS | 0x200010,
		    "kvm_init_seq: GCFG is capabilities and choices");
	check_equal(csr_read(CSR_GSTAT), 0x80, "kvm_init_seq: GSTAT has its GIDBIT left");
	check_equal(csr_read(CSR_GINTC), 0, "kvm_init_seq: GINTC is 0");
	check_equal(csr_read(CSR_GTLBC) & GTLBC_USETGID, GTLBC_USETGID, "kvm_init_seq: USETGID is set");
}

/* KVM's order after the timer. */
static const uint16_t loaded[] = {
	CSR_CRMD,     CSR_PRMD,	    CSR_EUEN,	 CSR_MISC,	CSR_ECFG,     CSR_ERA,	   CSR_BADV,
	CSR_BADI,     CSR_EENTRY,   CSR_TLBIDX,	 CSR_TLBEHI,	CSR_TLBELO0,  CSR_TLBELO1, CSR_ASID,
	CSR_PGDL,     CSR_PGDH,	    CSR_PWCL,	 CSR_PWCH,	CSR_STLBPS,   CSR_RVACFG,  CSR_CPUID,
	CSR_SAVE(0),  CSR_SAVE(1),  CSR_SAVE(2), CSR_SAVE(3),	CSR_SAVE(4),  CSR_SAVE(5), CSR_SAVE(6),
	CSR_SAVE(7),  CSR_TID,	    CSR_CNTC,	 CSR_TLBRENTRY, CSR_TLBRBADV, CSR_TLBRERA, CSR_TLBRSAVE,
	CSR_TLBRELO0, CSR_TLBRELO1, CSR_TLBREHI, CSR_TLBRPRMD,	CSR_DMW0,     CSR_DMW1,	   CSR_DMW2,
	CSR_DMW3,     CSR_LLBCTL,
};

static void kvm_load_image(uint64_t value)
{
	gcsr_write(CSR_TCFG, 0);
	gcsr_write(CSR_ESTAT, value);
	gcsr_write(CSR_TCFG, value);
	gcsr_write(CSR_TVAL, value);
	csr_write(CSR_GCNTC, value);
	for (unsigned n = 0; n < sizeof(loaded) / sizeof(loaded[0]); n++)
		gcsr_write_any(loaded[n], value);
	csr_write(CSR_GINTC, value);
	csr_write(CSR_GSTAT, value & ~(uint64_t)GSTAT_PVM);
	gcsr_write(CSR_LLBCTL, gcsr_read(CSR_LLBCTL) | WCLLB);
}

/* The constants of the guest's file. */
static bool constants_intact(void)
{
	return gcsr_read(CSR_PRCFG1) == csr_read(CSR_PRCFG1) &&
	       gcsr_read(CSR_PRCFG2) == csr_read(CSR_PRCFG2) &&
	       gcsr_read(CSR_PRCFG3) == csr_read(CSR_PRCFG3) && csr_read(CSR_PRCFG1) != 0 &&
	       (gcsr_read(CSR_ASID) >> 16 & 0xff) == 10;
}

static void kvm_load(void)
{
	lvz_setup();
	trap_clear();
	kvm_load_image(0);
	check_equal(trap.count, 0, "kvm_load_seq: an image of zeros loads without an exception");
	check(constants_intact(), "kvm_load_seq: PRCFG1-3 and ASIDBITS of the guest stay");
	check_equal(gcsr_read(CSR_ESTAT), 0, "kvm_load_seq: nothing is pending for the guest");
	check_equal(csr_read(CSR_GSTAT), 0x80, "kvm_load_seq: GSTAT has its GIDBIT");
	trap_clear();
	kvm_load_image(~0ull);
	check_equal(trap.count, 0, "kvm_load_seq: so does one of ones");
	check(constants_intact(), "kvm_load_seq: nor does that change a constant");
	csr_write(CSR_GCNTC, 0);
	lvz_setup();
	vm_exit.count = 0;
	guest_run(do_nothing, 0, 0);
	check(no_other_exit(), "kvm_load_seq: and a guest runs after all that");
}

static void nested(void)
{
	static const uint16_t lvz_csrs[] = { CSR_GTLBC, CSR_TRGP, CSR_GSTAT, CSR_GCFG, CSR_GINTC, CSR_GCNTC };
	unsigned good = 0;
	uint64_t gstat = csr_read(CSR_GSTAT);

	guest_reset();
	guest.gpr[4] = 2;
	check_equal(guest_execute(0x00006c84), EXC_GSPR,
		    "nested_blocked: a guest that reads CPUCFG2 asks root");
	check_equal(vm_exit.badi & 0xffffffff, 0x00006c84, "nested_blocked: BADI is the cpucfg");
	for (unsigned n = 0; n < sizeof(lvz_csrs) / sizeof(lvz_csrs[0]); n++) {
		uint32_t csrwr = 0x04000024 | (uint32_t)lvz_csrs[n] << 10; /* $a0 */

		good += guest_execute(csrwr) == EXC_GSPR && (uint32_t)vm_exit.badi == csrwr &&
			guest.gpr[4] == 2;
	}
	check_equal(good, 6,
		    "nested_blocked: so does one that writes GSTAT or another of root's LVZ registers");
	check_equal(csr_read(CSR_GSTAT), gstat, "nested_blocked: which has not been written");
	check_equal(guest_trap.count, 0, "nested_blocked: the guest has had no exception");
}

static void tests(void)
{
	lvz_setup();
	unit_enables();
	load_linked();
	identification();
	kvm_inject();
	nested();
	kvm_init();
	kvm_load();
}

void suite(void)
{
	tests();
	lvz_both();
}

void secondary_main(unsigned core)
{
	lvz_second(tests);
}
