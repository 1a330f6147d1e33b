/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What exceptions save and where they go: Vol.1 6.1. */
#include "guest.h"

SNIPPET(do_syscall, "syscall 5");
SNIPPET(do_break, "break 7");
SNIPPET(do_undefined, ".word 0xffffffff");
SNIPPET(do_zero, ".word 0");
SNIPPET(do_lbt, ".word 0x00000800"); /* movgr2scr $scr0, $zero */
SNIPPET(do_hvcl, ".word 0x002b8000");
SNIPPET(do_gcsrrd, ".word 0x05000004");
SNIPPET(do_gcsrwr, ".word 0x05000024");
SNIPPET(do_gtlbfill, ".word 0x06483401");
SNIPPET(do_invtlb_7, "invtlb 7, $zero, $zero");
SNIPPET(do_invtlb_9, "invtlb 9, $zero, $zero");
SNIPPET(do_fp, "fmov.d $fa0, $fa1");
SNIPPET(do_fp_load, "fld.d $fa0, $a0, 0");
SNIPPET(do_lsx, "vadd.b $vr0, $vr1, $vr2");
SNIPPET(do_lasx, "xvadd.b $xr0, $xr1, $xr2");
SNIPPET(do_divide, "movgr2fr.d $fa0, $zero\n\tli.d $t0, 0x3ff0000000000000\n\tmovgr2fr.d $fa1, $t0\n\t"
		   "fdiv.d $fa0, $fa1, $fa0");
SNIPPET(do_ll_w, "ll.w $a0, $a0, 0");
SNIPPET(do_ll_d, "ll.d $a0, $a0, 0");
SNIPPET(do_sc_w, "sc.w $a1, $a0, 0");
SNIPPET(do_amadd, "amadd.d $t0, $a1, $a0");
SNIPPET(do_ldgt, "ldgt.d $a0, $a0, $a1");
SNIPPET(do_asrtle, "asrtle.d $a0, $a1");
SNIPPET(do_load, "ld.d $a0, $a0, 0");
SNIPPET(do_store, "st.d $a1, $a0, 0");

/* One exception of a snippet, with everything that the general entry saves. */
static void expect(const char *snippet, uint64_t a0, uint64_t a1, unsigned code, const char *sentence)
{
	trap_clear();
	call(ADDRESS(snippet), a0, a1);
	check(trapped(code), sentence);
}

static void saved_state(void)
{
	uint64_t crmd;

	trap_clear();
	csr_change(CSR_CRMD, 4, 4);
	call(ADDRESS(do_syscall), 0, 0);
	crmd = csr_read(CSR_CRMD);
	csr_change(CSR_CRMD, 0, 4);
	check(trapped(EXC_SYS), "syscall raises SYS");
	check_equal(trap.frame.era, ADDRESS(do_syscall), "ERA is the address of the instruction that raised");
	check_equal(trap.frame.badi, 0x002b0005, "BADI is the word of the instruction that raised");
	check_equal(trap.frame.prmd, 4, "PRMD has the privilege level and IE of before");
	check_equal(trap.frame.crmd & 0x21f, 0x10,
		    "an exception leaves PLV0, IE and WE clear, mapped mode as it was");
	check_equal(crmd & 7, 4, "ERTN brings PLV and IE back from PRMD");
	trap_clear();
	call(ADDRESS(do_break), 0, 0);
	check(trapped(EXC_BRK), "break raises BRK");
	check_equal(trap.frame.badi, 0x002a0007, "BADI has the code of a break");
	csr_write(CSR_BADV, 0x1234);
	trap_clear();
	call(ADDRESS(do_syscall), 0, 0);
	qemu_differs();
	check_equal(csr_read(CSR_BADV), 0x1234, "SYS leaves BADV alone");
}

static void undefined(void)
{
	expect(do_undefined, 0, 0, EXC_INE, "an undefined word raises INE");
	qemu_differs();
	check_equal(trap.frame.badi, 0xffffffffffffffff,
		    "BADI of an undefined word is the word, sign-extended");
	expect(do_zero, 0, 0, EXC_INE, "the word 0 raises INE");
	csr_write(CSR_EUEN, 0xf);
	expect(do_lbt, 0, 0, EXC_INE, "a binary-translation instruction raises INE as CPUCFG has no LBT");
	csr_write(CSR_EUEN, 0);
	expect(do_hvcl, 0, 0, EXC_INE, "hvcl raises INE outside a guest");
	expect(do_invtlb_7, 0, 0, EXC_INE, "invtlb with operation 7 raises INE");
	if (has_lvz())
		return;
	expect(do_gcsrrd, 0, 0, EXC_INE, "gcsrrd raises INE without LVZ");
	expect(do_gcsrwr, 0, 0, EXC_INE, "gcsrwr raises INE without LVZ");
	expect(do_gtlbfill, 0, 0, EXC_INE, "gtlbfill raises INE without LVZ");
	expect(do_invtlb_9, 0, 0, EXC_INE, "invtlb with operation 9 raises INE without LVZ");
}

static void units(void)
{
	csr_write(CSR_EUEN, 0);
	expect(do_fp, 0, 0, EXC_FPD, "a floating-point instruction raises FPD while EUEN.FPE is 0");
	expect(do_fp_load, 1, 0, EXC_FPD, "a floating-point load looks at EUEN before its address");
	expect(do_lsx, 0, 0, EXC_SXD, "an LSX instruction raises SXD while EUEN.SXE is 0");
	expect(do_lasx, 0, 0, EXC_ASXD, "a LASX instruction raises ASXD while EUEN.ASXE is 0");
	csr_write(CSR_EUEN, 1);
	trap_clear();
	call(ADDRESS(do_fp), 0, 0);
	check(trap.count == 0, "with EUEN.FPE set a floating-point instruction raises nothing");
	expect(do_lsx, 0, 0, EXC_SXD, "EUEN.FPE does not enable LSX");
	csr_write(CSR_EUEN, 7);
	trap_clear();
	call(ADDRESS(do_lasx), 0, 0);
	check(trap.count == 0, "with EUEN.ASXE set a LASX instruction raises nothing");
	__asm__ volatile("movgr2fcsr $fcsr0, %0" ::"r"(8)); /* enable Z */
	expect(do_divide, 0, 0, EXC_FPE, "a division by zero raises FPE when FCSR enables it");
	__asm__ volatile("movgr2fcsr $fcsr0, $zero");
	csr_write(CSR_EUEN, 0);
}

static void misaligned(uint64_t data)
{
	expect(do_ll_w, data + 2, 0, EXC_ALE, "a misaligned ll.w raises ALE");
	check_equal(trap.frame.badv, data + 2, "BADV of ALE is the address");
	expect(do_ll_d, data + 4, 0, EXC_ALE, "a misaligned ll.d raises ALE");
	expect(do_sc_w, data + 1, 0, EXC_ALE, "a misaligned sc.w raises ALE");
	expect(do_amadd, data + 4, 1, EXC_ALE, "a misaligned amadd.d raises ALE");
	expect(do_ll_d, 0x5000000000000004, 0, EXC_ALE, "ALE comes before ADEM");
}

static void alignment_and_bounds(void)
{
	uint64_t data = CACHED(scratch(0));

	store64(data, 0);
	if (on_qemu)
		skip("ALE", "QEMU dies of a misaligned ll or am");
	else
		misaligned(data);
	expect(do_ldgt, data, data + 8, EXC_BCE, "ldgt below its bound raises BCE");
	qemu_differs();
	check_equal(trap.frame.badv, data, "BADV of BCE is the address");
	expect(do_asrtle, 2, 1, EXC_BCE, "a failed asrtle raises BCE");
	expect(do_load, 0x5000000000000000, 0, EXC_ADEM,
	       "a load from no window and no legal address raises ADEM");
	check_equal(trap.frame.badv, 0x5000000000000000, "BADV of ADEM is the address");
	expect(do_store, 0x0001000000000000, 0, EXC_ADEM, "a store above the legal addresses raises ADEM");
	expect(do_load, 0xfffe800000000000, 0, EXC_ADEM, "a load below the upper legal half raises ADEM");
	expect(do_load, 0x0000800000000000, 0, EXC_ADEM, "bits above VALEN - 1 must equal it");
}

static void bad_fetches(void)
{
	uint64_t badi;

	trap_clear();
	call(ADDRESS(do_break), 0, 0);
	badi = csr_read(CSR_BADI);
	trap_clear();
	trap_resume = ADDRESS(call_return);
	call(0x5000000000000000, 0, 0);
	check(trapped(EXC_ADEF), "a jump to an illegal address raises ADEF there");
	check_equal(trap.frame.era, 0x5000000000000000, "ERA of ADEF is the illegal address");
	check_equal(trap.frame.badv, 0x5000000000000000, "BADV of ADEF is the illegal address");
	check_equal(trap.frame.badi, badi, "ADEF leaves BADI alone");
	trap_clear();
	trap_resume = ADDRESS(call_return);
	call(ADDRESS(do_break) + 2, 0, 0);
	qemu_differs();
	check(trapped(EXC_ADEF), "a jump to a misaligned address raises ADEF");
	qemu_differs();
	check_equal(trap.frame.badv, ADDRESS(do_break) + 2, "BADV of a misaligned fetch is the address");
}

/* SWI0 is interrupt 0, number 64 among the entries. */
static uint64_t entry_of_swi(void)
{
	trap_clear();
	csr_write(CSR_ECFG, (csr_read(CSR_ECFG) & 0x70000) | 1);
	csr_write(CSR_ESTAT, 1);
	csr_change(CSR_CRMD, 4, 4);
	__asm__ volatile("nop; nop");
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_ESTAT, 0);
	csr_change(CSR_ECFG, 0, 1);
	return trap.frame.entry;
}

static void entries(void)
{
	bool general = true, interrupt = true;

	for (uint64_t vs = 0; vs < 8; vs++) {
		uint64_t stride = vs ? 4ull << vs : 0;

		csr_write(CSR_ECFG, vs << 16);
		trap_clear();
		call(ADDRESS(do_syscall), 0, 0);
		if (trap.frame.entry != ADDRESS(vectors) + stride * EXC_SYS) {
			print("# VS %u: SYS at %lx\n", (unsigned)vs, trap.frame.entry);
			general = false;
		}
		if (entry_of_swi() != ADDRESS(vectors) + stride * 64 || trap.code != EXC_INT) {
			print("# VS %u: SWI0 at %lx\n", (unsigned)vs, trap.frame.entry);
			interrupt = false;
		}
	}
	csr_write(CSR_ECFG, 0);
	check(general,
	      "the entry is EENTRY plus 2^(VS+2) times Ecode, EENTRY itself for VS = 0, for every VS");
	check(interrupt, "an interrupt's entry number is 64 plus its own, for every VS");
	csr_write(CSR_EENTRY, ADDRESS(vectors) | 0xfff);
	qemu_differs();
	check_equal(csr_read(CSR_EENTRY), ADDRESS(vectors), "EENTRY[11:0] read 0");
	csr_write(CSR_EENTRY, ADDRESS(vectors));
}

static void from_user(void)
{
	trap_clear();
	user_run(3, USER(do_syscall), 0, 0);
	check(trapped(EXC_SYS), "syscall in PLV3 raises SYS");
	check_equal(trap.frame.prmd, 3, "PRMD.PPLV is 3 for an exception from PLV3");
	check_equal(trap.frame.era, USER(do_syscall), "ERA from PLV3 is the address there");
	trap_clear();
	user_run(3, USER(do_load), CACHED(scratch(0)), 0);
	check(trapped(EXC_ADEM), "a window that PLV3 may not use does not map for PLV3");
	if (on_qemu) {
		skip("PLV1", "QEMU knows PLV0 and PLV3");
		return;
	}
	trap_clear();
	trap_resume = ADDRESS(user_return);
	user_run(1, USER(do_syscall), 0, 0);
	check(trapped(EXC_ADEF), "a window without PLV1 does not map a fetch in PLV1");
	trap_clear();
	csr_change(CSR_DMW0, 2, 2);
	user_run(1, USER(do_syscall), 0, 0);
	check_equal(trap.frame.prmd, 1, "PRMD.PPLV is 1 for an exception from PLV1");
	csr_change(CSR_DMW0, 0, 2);
}

void suite(void)
{
	saved_state();
	undefined();
	units();
	alignment_and_bounds();
	bad_fetches();
	entries();
	from_user();
}
