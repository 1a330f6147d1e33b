/* SPDX-License-Identifier: MulanPSL-2.0 */
/* LVZ tests 24 to 35: ways into guest mode and out of it, and what each of them leaves in either CSR file. */
#include "lvz.h"

#define VS(n)	 ((uint64_t)(n) << 16)
#define SWI0	 1
#define UNMAPPED 0x123456780000ull

GUEST(do_hvcl, "hvcl 0x123");
GUEST(do_nothing, "");
GUEST(do_mark, "ori $a0, $zero, 0x11");
GUEST(read_modes, "csrrd $a0, 0x0; csrrd $a1, 0x1");

static void enter_exit_hvc(void)
{
	guest_reset();
	guest.pc = PHYSICAL(do_hvcl);
	csr_write(CSR_BADV, 0x1234567);
	check_equal(guest_enter(), EXC_HVC, "enter_exit_hvc: hvcl is an exit with code 0x17");
	check_equal(vm_exit.estat >> 16, EXC_HVC, "enter_exit_hvc: ESTAT has the code, EsubCode is 0");
	check_equal(vm_exit.badi & 0xffffffff, 0x002b8123, "enter_exit_hvc: BADI is the instruction");
	check_equal(vm_exit.era, PHYSICAL(do_hvcl), "enter_exit_hvc: ERA is the hvcl's address");
	check_equal(vm_exit.gstat & GSTAT_PVM, GSTAT_PVM, "enter_exit_hvc: PVM is 1");
	check_equal(vm_exit.gstat & 1, 0, "enter_exit_hvc: VM reads 0 in root");
	check_equal(vm_exit.gstat & GSTAT_GID, 1 << 16, "enter_exit_hvc: GID is unchanged");
	check_equal(vm_exit.prmd, 4, "enter_exit_hvc: PRMD has root's PLV0 and IE");
	check_equal(vm_exit.crmd & 0x1f, 0x10, "enter_exit_hvc: root goes on in PLV0, IE 0, mapped");
	check_equal(vm_exit.badv, 0x1234567, "enter_exit_hvc: BADV is unchanged (inferred)");
	guest.prmd = 0;
	guest_enter();
	check_equal(vm_exit.prmd, 0, "enter_exit_hvc: with PIE 0 at the entry PRMD has IE 0 at the exit");
}

/* ertn to behind it: 42 if root is there. */
SNIPPET(root_ertn, "la.pcrel $t0, 1f; csrwr $t0, 0x6; csrwr $zero, 0x1; move $a0, $zero; ertn; b 2f\n"
		   "1: ori $a0, $zero, 42\n2:");

/* hvisor's way: PVM and TGID are written once. */
static void pvm(void)
{
	guest_reset();
	guest.keep_pvm = 1;
	csr_change(CSR_GTLBC, 1 << 16, GTLBC_TGID);
	csr_change(CSR_GSTAT, GSTAT_PVM, GSTAT_PVM);
	vm_exit.count = 0;
	guest.pc = PHYSICAL(do_hvcl);
	guest_enter();
	check(exited_by_hvcl(0x123), "pvm_kept: the first entry reaches the guest");
	check_equal(csr_read(CSR_GSTAT) & GSTAT_PVM, GSTAT_PVM, "pvm_kept: PVM is 1 after it");
	guest.pc = PHYSICAL(do_nothing);
	guest_enter();
	check(exited_by_hvcl(0) && vm_exit.count == 2,
	      "pvm_kept: the second ertn enters without a write of PVM");

	trap_clear();
	csr_change(CSR_GSTAT, 0, GSTAT_PVM);
	check_equal(call(ADDRESS(root_ertn), 0, 0), 42,
		    "reenter_needs_pvm: with PVM cleared ertn stays in root");
	check(trap.count == 0 && vm_exit.count == 2, "reenter_needs_pvm: and there is no exit or exception");
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
}

/* As at the end of a refill handler, which is entered by PGM whatever PVM is. */
static void ertn_by_pgm(void)
{
	guest_reset();
	guest.keep_pvm = 1;
	csr_change(CSR_GSTAT, 0, GSTAT_PVM);
	csr_change(CSR_GTLBC, 1 << 16, GTLBC_TGID);
	csr_write(CSR_TLBRPRMD, TLBRPRMD_PGM | 4);
	csr_write(CSR_TLBRERA, PHYSICAL(do_hvcl) | 1);
	guest.pc = PHYSICAL(do_nothing);
	guest_enter();
	check(exited_by_hvcl(0x123), "ertn_by_pgm: with IsTLBR and PGM ertn goes to the guest at TLBRERA");
	check_equal(vm_exit.tlbrera & 1, 0, "ertn_by_pgm: IsTLBR is 0 then");
	check_equal(vm_exit.prmd, 4, "ertn_by_pgm: root's PLV and IE are TLBRPRMD's");
	check_equal(gcsr_read(CSR_CRMD), CRMD_DA, "ertn_by_pgm: the guest's CRMD stays direct");
	csr_change(CSR_GSTAT, 0, GSTAT_PVM);
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
	csr_write(CSR_TLBRPRMD, 0);
}

SNIPPET(do_break, "break 5");
SNIPPET(do_load, "ld.d $a0, $a0, 0");

static void root_exceptions(void)
{
	csr_change(CSR_GSTAT, GSTAT_PVM, GSTAT_PVM);
	trap_clear();
	call(ADDRESS(do_break), 0, 0);
	check(trapped(EXC_BRK), "root_exc_clears_pvm: a break in root is root's");
	check_equal(csr_read(CSR_GSTAT) & GSTAT_PVM, 0, "root_exc_clears_pvm: PVM is 0 after it (inferred)");

	csr_change(CSR_GSTAT, GSTAT_PVM, GSTAT_PVM);
	trap_clear();
	call(ADDRESS(do_load), UNMAPPED, 0);
	check(trapped(EXC_TLBR), "root_refill_keeps_pvm: a refill in root returns to root (inferred)");
	check_equal(trap.frame.tlbrprmd & TLBRPRMD_PGM, 0, "root_refill_keeps_pvm: PGM is 0 in it");
	check_equal(csr_read(CSR_GSTAT) & GSTAT_PVM, GSTAT_PVM,
		    "root_refill_keeps_pvm: PVM is as it was (inferred)");
	csr_change(CSR_GSTAT, 0, GSTAT_PVM);
}

static void ertn_root_regs_only(void)
{
	guest_reset();
	gcsr_write(CSR_PRMD, 3);
	guest_run(read_modes, 0, 0);
	check(guest_ended(), "ertn_root_regs_only: the guest runs in direct mode at PLV0");
	check_equal(guest.gpr[4], CRMD_DA, "ertn_root_regs_only: the guest's CRMD is not root's PRMD");
	check_equal(guest.gpr[5], 3, "ertn_root_regs_only: nor is its PRMD");
	check_equal(gcsr_read(CSR_CRMD), CRMD_DA, "ertn_root_regs_only: CRMD is unchanged after the exit");
	check_equal(gcsr_read(CSR_PRMD), 3, "ertn_root_regs_only: PRMD is unchanged after the exit");
}

/* Goes on at the label by an ertn of its own, at PLV3. */
GUEST(do_ertn, "la.pcrel $t0, 1f; csrwr $t0, 0x6; ori $t0, $zero, 3; csrwr $t0, 0x1; ertn; hvcl 1\n"
	       "1: ori $a0, $zero, 42");

static void guest_own_ertn(void)
{
	guest_reset();
	vm_exit.count = 0;
	check_equal(guest_run(do_ertn, 0, 0), 42, "guest_ertn: it goes to the guest's ERA");
	check(guest_ended() && vm_exit.count == 1, "guest_ertn: without an exit");
	check_equal(gcsr_read(CSR_CRMD), CRMD_DA | 3, "guest_ertn: the guest's CRMD is from its PRMD");
	check_equal(vm_exit.prmd, 4, "guest_ertn: root's PLV and IE are as they were");
	check_equal(vm_exit.crmd & 0x1f, 0x10, "guest_ertn: so is root's mode");
}

GUEST(load_guest, "ld.d $a0, $a0, 0; ori $a0, $zero, 42");

static void guest_refill_ertn(void)
{
	guest_reset();
	guest_windows();
	guest_run_at(CACHED(PHYSICAL(load_guest)), UNMAPPED, 0); /* all pages are in the TLB then */
	guest_trap_clear();
	vm_refill.count = 0;
	vm_exit.count = 0;
	csr_write(CSR_TLBRERA, 0x5554);
	guest_run_at(CACHED(PHYSICAL(load_guest)), UNMAPPED, 0);
	check(guest_trapped(EXC_TLBR) && guest_ended() && vm_exit.count == 1,
	      "guest_refill_ertn: a miss of the guest's is its own refill");
	check_equal(vm_refill.count, 0, "guest_refill_ertn: root has none");
	check_equal(guest_trap.crmd & 0x1f, CRMD_DA,
		    "guest_refill_ertn: its handler is in direct mode at PLV0");
	check_equal(guest_trap.tlbrbadv, UNMAPPED, "guest_refill_ertn: its TLBRBADV is the virtual address");
	check_equal(gcsr_read(CSR_TLBRERA) & 1, 0, "guest_refill_ertn: its ertn clears its IsTLBR");
	check_equal(gcsr_read(CSR_CRMD) & 0x1f, 0x10, "guest_refill_ertn: its CRMD is DA 0, PG 1 then");
	check_equal(csr_read(CSR_TLBRERA), 0x5554, "guest_refill_ertn: root's TLBRERA is unchanged");
	csr_write(CSR_TLBRERA, 0);
}

static void exit_vectors(void)
{
	guest_reset();
	csr_write(CSR_ECFG, VS(0));
	guest_run(do_nothing, 0, 0);
	check_equal(vm_exit.entry, 0, "exit_vs0: the vector is EENTRY");
	csr_write(CSR_ECFG, VS(5));
	guest_run(do_nothing, 0, 0);
	check_equal(vm_exit.entry, EXC_HVC << 7, "exit_vsN: the vector is EENTRY + 0x17 * 2^7");
	csr_write(CSR_ECFG, VS(1));
	guest_run(do_nothing, 0, 0);
	check_equal(vm_exit.entry, EXC_HVC << 3, "exit_vsN: the vector is EENTRY + 0x17 * 2^3");
	csr_write(CSR_ECFG, 0);
	gcsr_write(CSR_ECFG, VS(5));
	guest_run(do_nothing, 0, 0);
	check_equal(vm_exit.entry, 0, "exit_vs0: the guest's VS does not count");
}

static void exit_keeps_guest_csrs(void)
{
	uint64_t before[GUEST_FILE_SIZE];
	unsigned changed = 0;

	guest_reset();
	for (unsigned n = 0; n < GUEST_FILE_SIZE; n++)
		switch (guest_file[n]) {
		case CSR_CRMD: /* what these would do to the guest is not the subject */
		case CSR_MISC:
		case CSR_RVACFG:
		case CSR_TLBRERA:
		case CSR_TCFG:
			break;
		default:
			gcsr_write_any(guest_file[n], 0x123456789abcdef0 * (n + 1));
		}
	for (unsigned n = 0; n < GUEST_FILE_SIZE; n++)
		before[n] = gcsr_read_any(guest_file[n]);
	guest_run(do_nothing, 0, 0);
	check(guest_ended(), "exit_keeps_guest_csrs: the guest runs with whatever its file holds");
	for (unsigned n = 0; n < GUEST_FILE_SIZE; n++)
		if (gcsr_read_any(guest_file[n]) != before[n]) {
			print("# CSR %x is %lx, was %lx\n", guest_file[n], gcsr_read_any(guest_file[n]),
			      before[n]);
			changed++;
		}
	check_equal(changed, 0, "exit_keeps_guest_csrs: entry and exit by hvcl change none");
}

GUEST(change_gprs,
      ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, "
      "24, 25, 26, 27, 28, 29, 30, 31\n\taddi.d $r\\n, $r\\n, 0x100\n\t.endr");

static void gprs_shared(void)
{
	unsigned wrong = 0;

	guest_reset();
	for (unsigned n = 1; n < 32; n++)
		guest.gpr[n] = 0xabcd00000000 + n;
	guest.pc = PHYSICAL(change_gprs);
	guest_enter();
	for (unsigned n = 1; n < 32; n++)
		wrong += guest.gpr[n] != 0xabcd00000100 + n;
	check(guest_ended() && wrong == 0,
	      "gprs_shared: each GPR goes into the guest and comes out with its value");
}

static void ertn_pending_irq(void)
{
	guest_reset();
	csr_write(CSR_ECFG, SWI0);
	csr_write(CSR_ESTAT, SWI0);
	guest.pc = PHYSICAL(do_mark);
	check_equal(guest_enter(), EXC_INT, "ertn_pending_irq: root's pending interrupt is an exit at once");
	check_equal(vm_exit.era, PHYSICAL(do_mark),
		    "ertn_pending_irq: ERA is where the guest begins (inferred)");
	check_equal(guest.gpr[4], 0,
		    "ertn_pending_irq: no instruction of the guest's is executed (inferred)");
	check_equal(vm_exit.estat & 0x7fff1fff, SWI0, "ertn_pending_irq: ESTAT shows it pending, code 0");
	guest.prmd = 0;
	check_equal(guest_enter(), EXC_HVC, "ertn_pending_irq: with root's IE 0 the guest runs");
	check_equal(guest.gpr[4], 0x11, "ertn_pending_irq: to its end");
	csr_write(CSR_ESTAT, 0);
	csr_write(CSR_ECFG, 0);
}

static void crmd_da_after_refill(void)
{
	guest_reset();
	invtlb(0x12, 0, 0);
	vm_refill.count = 0;
	guest_run(do_nothing, 0, 0);
	check(guest_ended() && vm_refill.count,
	      "crmd_da_after_refill: a guest in direct mode has a stage-2 refill");
	check_equal(vm_refill.gstat & GSTAT_PVM, GSTAT_PVM,
		    "pvm_kept: the ertn into the guest has left PVM 1, its refill shows (inferred)");
	check_equal(vm_refill.crmd & 0x1f, CRMD_DA, "crmd_da_after_refill: its handler is in direct mode");
	check_equal(vm_exit.crmd & 0x18, 0x10, "crmd_da_after_refill: root is mapped at the next exit");
	check_equal(gcsr_read(CSR_CRMD), CRMD_DA, "crmd_da_after_refill: the guest's CRMD is still direct");
}

static void tests(void)
{
	lvz_setup();
	enter_exit_hvc();
	pvm();
	ertn_by_pgm();
	root_exceptions();
	ertn_root_regs_only();
	guest_own_ertn();
	guest_refill_ertn();
	exit_vectors();
	exit_keeps_guest_csrs();
	gprs_shared();
	ertn_pending_irq();
	crmd_da_after_refill();
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
