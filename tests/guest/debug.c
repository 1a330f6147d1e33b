/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Debug mode: Vol.1 7.9; its entry, which the manual leaves open, is EENTRY + 0x480. */
#include "guest.h"

#define DEBUG_ENTRY 0x480

/* A vector page of its own: at 0x480 code that notes DBG and does one thing more. */
__asm__(".pushsection .text.debug, \"ax\"\n\t.balign 4096\n\t.globl debug_vectors\ndebug_vectors:\n\t"
	".space 0x480\n\t"
	"csrwr $t0, 0x502\n\t"
	"csrrd $t0, 0x500\n\t"
	"csrwr $t0, 0x31\n\t" /* the latest DBG */
	"csrrd $t0, 0x32\n\t"
	"addi.d $t0, $t0, 1\n\t"
	"csrwr $t0, 0x32\n\t" /* entries */
	"csrrd $t0, 0x32\n\t"
	"addi.d $t0, $t0, -1\n\t"
	"bnez $t0, 1f\n\t"
	"csrrd $t0, 0x33\n\t"
	"jirl $zero, $t0, 0\n" /* what to do in debug mode, the first time */
	".globl debug_leave\ndebug_leave:\n"
	"1:\tcsrrd $t0, 0x501\n\t"
	"addi.d $t0, $t0, 4\n\t"
	"csrwr $t0, 0x501\n\t"
	"csrrd $t0, 0x502\n\t"
	"ertn\n\t"
	".globl debug_syscall\ndebug_syscall: syscall 0\n\t"
	".globl debug_interrupt\ndebug_interrupt: li.w $t0, 4\n\tcsrxchg $t0, $t0, 0\n\tnop\n\tnop\n\tli.w "
	"$t0, 4\n\tcsrxchg $zero, $t0, 0\n\t"
	"csrrd $t0, 0x501\n\tcsrwr $t0, 0x30\n\tb debug_leave\n\t"
	".globl debug_reserve\ndebug_reserve: li.w $t0, 0x103\n\tcsrwr $t0, 0x312\n\tb debug_leave\n\t"
	".popsection");
extern const char debug_vectors[], debug_leave[], debug_syscall[], debug_interrupt[], debug_reserve[];

SNIPPET(do_dbcl, ".globl the_dbcl\nthe_dbcl: dbcl 3");
extern const char the_dbcl[];

static void enter(const char *action)
{
	csr_write(0x31, 0);
	csr_write(0x32, 0);
	csr_write(0x33, ADDRESS(action));
	csr_write(CSR_EENTRY, ADDRESS(debug_vectors));
	call(ADDRESS(do_dbcl), 0, 0);
	csr_write(CSR_EENTRY, ADDRESS(vectors));
}

void suite(void)
{
	uint64_t era = 0x123456789abcd000, prmd = 6;

	if (on_qemu) {
		skip("debug mode", "QEMU does not come back from it");
		return;
	}
	trap_clear();
	csr_write(CSR_ERA, era);
	csr_write(CSR_PRMD, prmd);
	csr_write(CSR_DSAVE, 0);
	enter(debug_leave);
	check_equal(csr_read(0x32), 1, "dbcl goes to the debug entry");
	check_equal(csr_read(0x31) & 1, 1, "DBG.DST is 1 in debug mode");
	check_equal(csr_read(0x31) >> 8 & 0xf, 2, "DBG.DCL tells that it was a debug call");
	check_equal(csr_read(0x31) >> 1 & 0x7f, 1, "DBG.DRev is 1");
	check_equal(csr_read(CSR_DERA), ADDRESS(the_dbcl) + 4, "DERA was the address of dbcl");
	check_equal(csr_read(CSR_DBG) & 1, 0, "ERTN leaves debug mode");
	check(csr_read(CSR_ERA) == era && csr_read(CSR_PRMD) == prmd, "debug mode leaves ERA and PRMD alone");
	enter(debug_syscall);
	check_equal(csr_read(0x32), 2, "an exception in debug mode starts the debug handler anew");
	check_equal(csr_read(0x31) >> 16 & 0x3f, EXC_SYS, "DBG.Ecode tells which");
	check(csr_read(CSR_ERA) == era, "and ERA is not touched by it");
	csr_write(CSR_PRMD, 0);
	csr_write(CSR_ECFG, 1);
	csr_write(CSR_ESTAT, 1);
	enter(debug_interrupt);
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_ESTAT, 0);
	check_equal(csr_read(0x32), 1, "no interrupt is taken in debug mode");
	enter(debug_reserve);
	check_equal(csr_read(CSR_MWP0CFG1 + 2), 0x103, "debug mode can set a watchpoint's DMOnly");
	csr_write(CSR_MWP0CFG1, 0x1000);
	csr_write(CSR_MWP0CFG1 + 2, 0);
	check(csr_read(CSR_MWP0CFG1 + 2) == 0x103 && csr_read(CSR_MWP0CFG1) == 0,
	      "outside debug mode such a watchpoint cannot be changed");
}
