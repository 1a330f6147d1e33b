/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Root's watchpoints on a guest: the mode that CFG3[6:5] selects and the GID of CFG4[23:16].  What the fields
 * mean is inferred from their places; that a guest never meets a watchpoint that is not for it is not.
 */
#include "lvz.h"

#define WPE_FETCH  EXC_WPE
#define PWE	   8 /* of PRMD: CRMD.WE after ertn */
#define WE	   0x200
#define PLV0	   2
#define PLV3	   16
#define LOADS	   0x100
#define STORES	   0x200
#define GMOD(n)	   ((uint64_t)(n) << 5)
#define GID(n)	   ((uint64_t)(n) << 16)
#define ROOT_ONLY  GMOD(0)
#define GUEST_ONLY GMOD(1)
#define BOTH	   GMOD(2)

GUEST(do_nothing, "nop\n\t.globl watched_nop\nwatched_nop: nop\n\tnop");
GUEST(do_load, ".globl watched_load\nwatched_load: ld.d $a0, $a0, 0");
GUEST(do_store, ".globl watched_store\nwatched_store: st.d $a1, $a0, 0");
extern const char watched_nop[], watched_load[], watched_store[];
SNIPPET(root_load,
	"li.w $t0, 0x200\n\tcsrxchg $t0, $t0, 0\n\tld.d $a0, $a0, 0\n\tli.w $t0, 0x200\n\tcsrxchg $zero, "
	"$t0, 0");

static void watch_fetch(uint64_t address, uint64_t control, uint64_t gid)
{
	csr_write(CSR_FWP0CFG1, address);
	csr_write(CSR_FWP0CFG1 + 1, 0);
	csr_write(CSR_FWP0CFG1 + 2, control);
	csr_write(CSR_FWP0CFG1 + 3, gid);
	csr_write(CSR_FWPS, 0xffff);
}

static void watch_memory(uint64_t address, uint64_t control, uint64_t gid)
{
	csr_write(CSR_MWP0CFG1, address);
	csr_write(CSR_MWP0CFG1 + 1, 0);
	csr_write(CSR_MWP0CFG1 + 2, control);
	csr_write(CSR_MWP0CFG1 + 3, gid);
	csr_write(CSR_MWPS, 0xffff);
}

/* One entry at @code with watchpoints on; the exit's code. */
static unsigned watched(const char *code, uint64_t a0, uint64_t a1)
{
	guest_reset();
	guest.prmd = 4 | PWE;
	guest.pc = PHYSICAL(code);
	guest.gpr[4] = a0;
	guest.gpr[5] = a1;
	return guest_enter();
}

static void fetches(void)
{
	watch_fetch(PHYSICAL(watched_nop), PLV0 | GUEST_ONLY, GID(1));
	check_equal(watched(do_nothing, 0, 0), WPE_FETCH, "watch_fetch: a guest's fetch exits (inferred)");
	check_equal(vm_exit.era, PHYSICAL(watched_nop), "watch_fetch: at the instruction");
	check_equal(csr_read(CSR_FWPS) & 1, 1, "watch_fetch: FWPS has the watchpoint's bit");
	check_equal(vm_exit.prmd & PWE, PWE, "watch_fetch: root's CRMD.WE is kept in PRMD.PWE");
	check_equal(guest_trap.count, 0, "watch_fetch: the guest itself knows nothing of it");
	watch_fetch(PHYSICAL(watched_nop), PLV0 | ROOT_ONLY, GID(1));
	watched(do_nothing, 0, 0);
	check(exited_by_hvcl(0), "watch_fetch: a watchpoint of root's own is not for guests");
	watch_fetch(PHYSICAL(watched_nop), PLV0 | GUEST_ONLY, GID(2));
	watched(do_nothing, 0, 0);
	check(exited_by_hvcl(0), "watch_fetch: nor one for another GID (inferred)");
	s2_select(2);
	check_equal(watched(do_nothing, 0, 0), WPE_FETCH, "watch_fetch: that guest meets it (inferred)");
	s2_select(1);
	watch_fetch(PHYSICAL(watched_nop), PLV3 | GUEST_ONLY, GID(1));
	watched(do_nothing, 0, 0);
	check(exited_by_hvcl(0), "watch_fetch: the guest's privilege level counts");
	watch_fetch(PHYSICAL(watched_nop), PLV0 | GUEST_ONLY, GID(1));
	guest_reset();
	gcsr_write(CSR_CRMD, CRMD_DA | WE);
	guest_run(do_nothing, 0, 0);
	check(guest_ended(), "watch_fetch: WE of the guest's own CRMD does not switch root's watchpoints on");
	watch_fetch(0, 0, 0);
}

static bool root_hits(uint64_t address)
{
	trap_clear();
	call(ADDRESS(root_load), address, 0);
	csr_change(CSR_CRMD, 0, WE);
	return trap.count == 1 && trap.code == EXC_WPEM;
}

static void accesses(void)
{
	const uint64_t at = scratch(0) + 0x100;

	store64(CACHED(at), 0x55);
	watch_memory(at, PLV0 | LOADS | STORES | GUEST_ONLY, GID(1));
	check_equal(watched(do_load, at, 0), EXC_WPEM, "watch_memory: a guest's load exits (inferred)");
	check_equal(vm_exit.era, PHYSICAL(watched_load), "watch_memory: at the load");
	check_equal(csr_read(CSR_MWPS) & 1, 1, "watch_memory: MWPS has the watchpoint's bit");
	check_equal(watched(do_store, at, 0x66), EXC_WPEM, "watch_memory: a guest's store exits (inferred)");
	check_equal(vm_exit.era, PHYSICAL(watched_store), "watch_memory: at the store");
	check_equal(load64(CACHED(at)), 0x55, "watch_memory: and nothing is stored");
	watched(do_load, at + 8, 0);
	check(exited_by_hvcl(0), "watch_memory: neighbours do not hit");
	watch_memory(CACHED(at), PLV0 | LOADS | GUEST_ONLY, GID(1));
	check(!root_hits(CACHED(at)), "watch_memory: root does not meet one for guests (inferred)");
	watch_memory(CACHED(at), PLV0 | LOADS | BOTH, GID(1));
	check(root_hits(CACHED(at)), "watch_memory: but one for both (inferred)");
	watch_memory(at, PLV0 | LOADS | BOTH, GID(1));
	check_equal(watched(do_load, at, 0), EXC_WPEM, "watch_memory: as the guest does (inferred)");
	watch_memory(at, PLV0 | LOADS, GID(1));
	watched(do_load, at, 0);
	check(exited_by_hvcl(0), "watch_memory: a watchpoint of root's own is not for guests");
	check_equal(guest_trap.count, 0, "watch_memory: the guest itself knows nothing of it");
	watch_memory(0, 0, 0);
}

static void tests(void)
{
	lvz_setup();
	fetches();
	accesses();
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
