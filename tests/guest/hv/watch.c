/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Watchpoints of root's: the same on the bare machine, under the hypervisor, where the processor hits them
 * whether the guest's CRMD.WE is set or not, and on the bare machine again.
 */
#include "linux.h"

#define WE	   0x200
#define PWE	   8 /* of PRMD */
#define PLV0	   2
#define PLV3	   16
#define LOADS	   0x100
#define FAULTY	   UINT64_C(0x123)
#define EVERYWHERE UINT64_MAX
#define LOOPS	   10000

SNIPPET(load, "ld.d $a0, $a0, 0");
SNIPPET(load_watched, "li.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\tld.d $a0, $a0, 0\n\tli.w $t0, "
		      "0x200\n\tcsrxchg $zero, $t0, 0");
SNIPPET(loop, "1: addi.d $a0, $a0, -1\n\tbnez $a0, 1b");

static unsigned refused;

static void set(unsigned n, uint64_t address, uint64_t control)
{
	if (n) {
		csr_write(CSR_FWP0CFG1, address);
		csr_write(CSR_FWP0CFG1 + 1, EVERYWHERE);
		csr_write(CSR_FWP0CFG1 + 2, control);
		csr_write(CSR_FWP0CFG1 + 3, 0);
	} else {
		csr_write(CSR_MWP0CFG1, address);
		csr_write(CSR_MWP0CFG1 + 1, 0);
		csr_write(CSR_MWP0CFG1 + 2, control);
		csr_write(CSR_MWP0CFG1 + 3, 0);
	}
}

static bool program_hits(uint64_t prmd, const char *code, uint64_t argument, unsigned exception)
{
	trap_clear();
	user_run(prmd, USER(code), argument, 0);
	csr_change(CSR_CRMD, 0, WE);
	return trap.count == 1 && trap.code == exception;
}

static bool kernel_hits(const char *code, uint64_t at)
{
	trap_clear();
	call(ADDRESS(code), at, 0);
	csr_change(CSR_CRMD, 0, WE);
	return trap.count == 1 && trap.code == EXC_WPEM;
}

static void kernel(void)
{
	uint64_t at = CACHED(PHYSICAL(scratch_start)) + 0x100;

	set(0, at, PLV0 | LOADS);
	check(!kernel_hits(load, at) && !kernel_hits(load, at), "a kernel without WE meets no watchpoint");
	check_equal(csr_read(CSR_MWPS), 0, "and its status says so");
	check(kernel_hits(load_watched, at), "with WE it does");
	check(!kernel_hits(load, at) && kernel_hits(load_watched, at), "each time");
	check(!kernel_hits(load, at) && csr_read(CSR_MWPS) == 1, "and the status keeps that");
	csr_write(CSR_MWPS, 1);
	check_equal(csr_read(CSR_MWPS), 0, "until a 1 is written");
	set(0, 0, 0);
}

static void program(void)
{
	uint64_t at = USER(scratch_start) + 0x200;

	set(0, at, PLV3 | LOADS);
	check(!program_hits(3, load, at, EXC_WPEM), "a program without WE meets no watchpoint");
	check_equal(csr_read(CSR_MWPS), 0, "as the status says");
	csr_write(CSR_BADV, FAULTY);
	check(program_hits(3 | PWE, load, at, EXC_WPEM), "with WE it does, after a look at the registers");
	check_equal(csr_read(CSR_BADV), FAULTY, "which leaves BADV alone");
	check_equal(csr_read(CSR_MWP0CFG1 + 2), PLV3 | LOADS, "the configuration is as it was written");
	csr_write(CSR_MWPS, 1);
	set(0, 0, 0);
}

/* As Linux leaves it behind single steps. */
static void everywhere(bool hypervisor)
{
	uint64_t exits = 0;

	set(1, 0, PLV3);
	if (hypervisor)
		exits = (uint64_t)hvcl(HC_CPU_GET_INFO, 0, HC_CPU_STAT_BASE + HV_STAT_OTHER);
	trap_clear();
	user_run(3, USER(loop), LOOPS, 0);
	check(trap.count == 0, "a program without WE meets no watchpoint of all addresses");
	if (hypervisor) {
		exits = (uint64_t)hvcl(HC_CPU_GET_INFO, 0, HC_CPU_STAT_BASE + HV_STAT_OTHER) - exits;
		check(exits < 10, "and leaves the guest a few times at most");
	}
	check_equal(csr_read(CSR_FWPS), 0, "as the status says");
	check_equal(csr_read(CSR_FWP0CFG1 + 2), PLV3, "the configuration is as it was written");
	set(1, 0, 0);
}

static void watchpoints(bool hypervisor)
{
	kernel();
	program();
	everywhere(hypervisor);
}

static void enter(unsigned core)
{
	if (hv_enter(core))
		__atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
}

static void leave(unsigned core)
{
	if (hvcl(HC_DISABLE, 0, 0))
		__atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
}

void suite(void)
{
	uint64_t at = CACHED(PHYSICAL(scratch_start)) + 0x100;

	cores_init();
	hv_load();
	watchpoints(false);
	set(0, at, PLV0 | LOADS);
	on_all(enter);
	check_equal(refused, 0, "the hypervisor takes all cores over");
	check(kernel_hits(load_watched, at), "a watchpoint that was set before hits");
	csr_write(CSR_MWPS, 1);
	watchpoints(true);
	set(0, at, PLV0 | LOADS);
	set(1, 0, PLV3);
	user_run(3, USER(loop), 1, 0);
	on_all(leave);
	check_equal(refused, 0, "and gives them back");
	check(kernel_hits(load_watched, at), "a watchpoint that was set in the guest hits");
	check_equal(csr_read(CSR_MWP0CFG1 + 2) | csr_read(CSR_MWP0CFG1 + 3), PLV0 | LOADS,
		    "the fields for guests are 0");
	check_equal(csr_read(CSR_FWP0CFG1 + 2), PLV3, "and what was off is on");
	csr_write(CSR_MWPS, 1);
	set(1, 0, 0);
	watchpoints(false);
}
