/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Watchpoints: Vol.1 7.8. */
#include "guest.h"

#define WE     0x200
#define PLV0   2
#define PLV3   16
#define LCL    0x80
#define LOADS  0x100
#define STORES 0x200
#define SIZE8  0x000
#define SIZE4  0x400
#define SIZE2  0x800
#define SIZE1  0xc00
#define SKIP   0x10000

/* With CRMD.WE set around the one access. */
SNIPPET(do_load, "li.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\tld.d $a2, $a0, 0\n\tli.w $t0, 0x200\n\tcsrxchg "
		 "$zero, $t0, 0");
SNIPPET(do_load_w, "li.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\tld.w $a2, $a0, 0\n\tli.w $t0, 0x200\n\tcsrxchg "
		   "$zero, $t0, 0");
SNIPPET(do_load_b, "li.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\tld.b $a2, $a0, 0\n\tli.w $t0, 0x200\n\tcsrxchg "
		   "$zero, $t0, 0");
SNIPPET(do_store, "li.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\tst.d $a1, $a0, 0\n\tli.w $t0, 0x200\n\tcsrxchg "
		  "$zero, $t0, 0");
SNIPPET(do_vector, "li.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\txvld $xr0, $a0, 0\n\tli.w $t0, "
		   "0x200\n\tcsrxchg $zero, $t0, 0");
SNIPPET(do_call, "move $t1, $ra\n\tli.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\tjirl $ra, $a0, 0\n\tli.w $t0, "
		 "0x200\n\tcsrxchg $zero, $t0, 0\n\tmove $ra, $t1");
SNIPPET(target, "nop\n\t.globl target_second\ntarget_second: nop");
SNIPPET(user_load, "ld.d $a0, $a0, 0");
extern const char target_second[];

static void watch(uint64_t address, uint64_t mask, uint64_t control, uint64_t asid)
{
	csr_write(CSR_MWP0CFG1, address);
	csr_write(CSR_MWP0CFG1 + 1, mask);
	csr_write(CSR_MWP0CFG1 + 2, control);
	csr_write(CSR_MWP0CFG1 + 3, asid);
	csr_write(CSR_MWPS, 0xffff);
}

static bool hits(const char *access, uint64_t address)
{
	trap_clear();
	call(ADDRESS(access), address, 0);
	csr_change(CSR_CRMD, 0, WE);
	return trap.count == 1 && trap.code == EXC_WPEM;
}

static void memory(void)
{
	uint64_t at = CACHED(scratch(0)) + 0x100;

	check(csr_read(CSR_MWPC) == 8 || csr_read(CSR_MWPC) == 4,
	      "MWPC says how many load/store watchpoints there are");
	load64(at);
	watch(at, 0, PLV0 | LOADS | SIZE8, 0);
	trap_clear();
	load64(at);
	check(trap.count == 0, "nothing hits while CRMD.WE is 0");
	check(hits(do_load, at), "a load of a watched double word raises WPEM");
	check_equal(trap.frame.crmd & WE, 0, "the exception clears CRMD.WE");
	check_equal(trap.frame.prmd & 8, 8, "and keeps it in PRMD.PWE");
	check_equal(trap.frame.badi >> 22 & 0x3ff, 0xa3, "BADI is the load");
	check_equal(csr_read(CSR_MWPS), 1, "MWPS has the watchpoint's bit");
	csr_write(CSR_MWPS, 0);
	check_equal(csr_read(CSR_MWPS), 1, "writing 0 leaves it");
	csr_write(CSR_MWPS, 1);
	check_equal(csr_read(CSR_MWPS), 0, "writing 1 clears it");
	check(!hits(do_store, at), "a store does not hit without StoreEn");
	check(!hits(do_load, at + 8) && !hits(do_load, at - 8), "neighbours do not hit");
	watch(at, 0, PLV0 | STORES | SIZE8, 0);
	check(hits(do_store, at) && !hits(do_load, at), "StoreEn is for stores");
	store64(at, 0x77);
	call(ADDRESS(do_store), at, 0);
	csr_change(CSR_CRMD, 0, WE);
	check_equal(load64(at), 0x77, "a store that hits does not store");
	watch(at + 5, 0, PLV0 | LOADS | SIZE1, 0);
	check(hits(do_load, at) && hits(do_load_b, at + 5) && !hits(do_load_b, at + 4) &&
		      !hits(do_load_w, at),
	      "Size 3 watches one byte in any access that touches it");
	watch(at + 4, 0, PLV0 | LOADS | SIZE4, 0);
	check(hits(do_load_w, at + 4) && hits(do_load_b, at + 7) && !hits(do_load_w, at),
	      "Size 1 watches a word");
	watch(at + 2, 0, PLV0 | LOADS | SIZE2, 0);
	check(hits(do_load_b, at + 3) && !hits(do_load_b, at + 4), "Size 2 watches a half word");
	watch(at + 8, 0, PLV0 | LOADS | SIZE1, 0);
	check(hits(do_load, at + 1), "a misaligned load hits in its second double word");
	watch(at, 0xff, PLV0 | LOADS | SIZE8, 0);
	check(hits(do_load, at + 0xf8) && !hits(do_load, at + 0x100),
	      "Mask takes address bits out of the comparison");
	csr_write(CSR_EUEN, 7);
	watch(at + 24, 0, PLV0 | LOADS | SIZE8, 0);
	check(hits(do_vector, at), "a vector load hits in any of its double words");
	csr_write(CSR_EUEN, 0);
	watch(at, 0, PLV3 | LOADS | SIZE8, 0);
	check(!hits(do_load, at), "a watchpoint for PLV3 does not hit in PLV0");
	watch(at, 0, PLV0 | LOADS | LCL, 7);
	check(!hits(do_load, at), "with LCL another ASID does not hit");
	csr_write(CSR_ASID, 7);
	check(hits(do_load, at), "with LCL the ASID given hits");
	csr_write(CSR_ASID, 0);
	watch(at, 0, PLV0 | LOADS, 0);
	csr_write(CSR_MWPS, SKIP);
	check(!hits(do_load, at), "MWPS.Skip lets one hit pass");
	check_equal(csr_read(CSR_MWPS), 0, "without recording it, and clears itself");
	check(hits(do_load, at), "the next one hits");
	watch(at, 0, PLV0 | LOADS | 1, 0);
	check_equal(csr_read(CSR_MWP0CFG1 + 2) & 1, 0, "DMOnly cannot be set outside debug mode");
	watch(0, 0, 0, 0);
}

static void user_mode(void)
{
	uint64_t at = USER(scratch_start) + 0x200;

	watch(at, 0, PLV3 | LOADS | SIZE8, 0);
	trap_clear();
	user_run(3 | 8, USER(user_load), at, 0); /* PRMD.PWE: the program runs with WE set */
	check(trapped(EXC_WPEM), "a watchpoint hits in PLV3 with WE coming from PRMD.PWE");
	watch(0, 0, 0, 0);
	csr_change(CSR_CRMD, 0, WE);
}

static void fetch(void)
{
	check_equal(csr_read(CSR_FWPC), 8, "FWPC says that there are 8 fetch watchpoints");
	trap_clear();
	call(ADDRESS(do_call), ADDRESS(target), 0);
	check(trap.count == 0, "without a fetch watchpoint nothing hits");
	csr_write(CSR_FWP0CFG1 + 8, ADDRESS(target_second));
	csr_write(CSR_FWP0CFG1 + 9, 0);
	csr_write(CSR_FWP0CFG1 + 10, PLV0);
	trap_clear();
	trap_resume = ADDRESS(target_second) + 4;
	call(ADDRESS(do_call), ADDRESS(target), 0);
	csr_change(CSR_CRMD, 0, WE);
	check(trapped(EXC_WPE), "a fetch from a watched address raises WPEF");
	check_equal(trap.frame.era, ADDRESS(target_second), "ERA is that address");
	check_equal(csr_read(CSR_FWPS), 2, "FWPS has the watchpoint's bit");
	csr_write(CSR_FWPS, SKIP | 2);
	trap_clear();
	call(ADDRESS(do_call), ADDRESS(target), 0);
	check(trap.count == 0 && csr_read(CSR_FWPS) == 0, "FWPS.Skip lets one hit pass");
	csr_write(CSR_FWP0CFG1 + 9, 0xffff);
	trap_clear();
	trap_resume = ADDRESS(target);
	call(ADDRESS(do_call), ADDRESS(target), 0);
	csr_change(CSR_CRMD, 0, WE);
	check(trap.count > 0 && trap.code == EXC_WPE, "Mask widens a fetch watchpoint");
	csr_write(CSR_FWP0CFG1 + 10, 0);
	trap_clear();
	call(ADDRESS(do_call), ADDRESS(target), 0);
	csr_change(CSR_CRMD, 0, WE);
	check(trap.count == 0, "a disabled one does not hit");
}

void suite(void)
{
	if (on_qemu) {
		skip("watchpoints", "QEMU has none");
		return;
	}
	memory();
	user_mode();
	fetch();
}
