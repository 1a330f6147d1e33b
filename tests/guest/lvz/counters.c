/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Performance counters handed to the guest (GCFG.GPERF), as KVM does it. */
#include "lvz.h"

#define INSTRUCTIONS 1 /* event */
#define PLV(n)	     (0x10000u << (n))
#define PMIEN	     (1u << 20)
#define PMI	     (1u << 10) /* of ESTAT and ECFG */
#define CRMD_IE	     4
#define GMOD(n)	     ((uint64_t)(n) << 21)
#define BIT_63	     (1ull << 63)
#define CSRRD_A0(n)  (0x04000004u | (n) << 10)
#define GPERF	     GCFG_GPERF(7)

/* 1000 turns of 2 instructions. */
GUEST(do_loop, "li.w $t0, 1000\n1: addi.d $t0, $t0, -1\n\tbnez $t0, 1b");
GUEST(do_read, "csrrd $a0, 0x200\n\tcsrrd $a1, 0x201\n\tcsrrd $a2, 0x206\n\tcsrrd $a3, 0x207");
GUEST(do_write, "csrwr $a0, 0x200\n\tcsrwr $a1, 0x201\n\tcsrrd $a2, 0x200\n\tcsrrd $a3, 0x201");
SNIPPET(root_loop, "li.w $t0, 1000\n1: addi.d $t0, $t0, -1\n\tbnez $t0, 1b");

static unsigned counters(void)
{
	return (cpucfg(6) >> 4 & 0xf) + 1;
}

static void give(unsigned n)
{
	csr_change(CSR_GCFG, GCFG_GPERF(n), GPERF);
}

/* The guest came to its end, and nothing else brought it out. */
static bool no_other_exit(void)
{
	return vm_exit.count == 1 && exited_by_hvcl(0);
}

static uint64_t counted(uint64_t plv)
{
	gcsr_write(CSR_CRMD, CRMD_DA | plv);
	gcsr_write(CSR_PMCNT0, 0);
	vm_exit.count = 0;
	guest_run(do_loop, 0, 0);
	return gcsr_read(CSR_PMCNT0);
}

static void touched(void)
{
	unsigned good = 0;

	guest_reset();
	for (unsigned n = 0; n < 2 * counters(); n++)
		good += guest_execute(CSRRD_A0(CSR_PMCFG0 + n)) == EXC_GSPR &&
			(vm_exit.badi & 0xffffffff) == CSRRD_A0(CSR_PMCFG0 + n);
	check_equal(good, 2 * counters(), "gperf: with GPERF = 0 touching a counter is an exit");
	guest.pc = PHYSICAL(do_read);
	check_equal(guest_enter(), EXC_GSPR, "gperf: so is the first access of a function");
	check_equal(vm_exit.era, PHYSICAL(do_read), "gperf: ERA is at the access");
	give(counters());
	check_equal(csr_read(CSR_GCFG) & GPERF, GCFG_GPERF(counters()), "gperf: GPERF holds what is written");
	gcsr_write(CSR_PMCFG0, PMIEN | 5);
	gcsr_write(CSR_PMCNT0, 0x123456789abcdef0);
	gcsr_write(CSR_PMCFG0 + 6, PLV(2) | 7);
	gcsr_write(CSR_PMCNT0 + 6, 42);
	check_equal(guest_enter(), EXC_HVC, "gperf: with the counters given, the same access goes on");
	check_equal(guest.gpr[4], PMIEN | 5, "gperf: the guest reads PMCFG0 as root wrote it");
	check_equal(guest.gpr[5], 0x123456789abcdef0, "gperf: and PMCNT0");
	check_equal(guest.gpr[6], PLV(2) | 7, "gperf: and PMCFG3");
	check_equal(guest.gpr[7], 42, "gperf: and PMCNT3");
	check_equal(gcsr_swap(CSR_PMCFG0, 0), PMIEN | 5, "gperf: gcsrwr returns the guest's PMCFG0");
	check_equal(gcsr_read(CSR_PMCFG0), 0, "gperf: and has cleared it");
	gcsr_write(CSR_PMCFG0 + 6, 0);
	vm_exit.count = 0;
	guest_run(do_write, PLV(1) | 9, 77);
	check(no_other_exit(), "gperf: the guest writes them without an exit");
	check(guest.gpr[6] == (PLV(1) | 9) && guest.gpr[7] == 77, "gperf: it reads back what it wrote");
	check(gcsr_read(CSR_PMCFG0) == (PLV(1) | 9) && gcsr_read(CSR_PMCNT0) == 77, "gperf: gcsrrd, too");
	check(csr_read(CSR_PMCFG0) == 0 && csr_read(CSR_PMCNT0) == 0, "gperf: root's registers are its own");
	gcsr_write(CSR_PMCFG0, 0);

	give(1);
	good = 0;
	for (unsigned n = 0; n < 2 * counters(); n++)
		good += guest_execute(CSRRD_A0(CSR_PMCFG0 + n)) == (n < 2 ? EXC_HVC : EXC_GSPR);
	check_equal(good, 2 * counters(), "gperf: with GPERF = 1 the guest has counter 0 alone");
	give(0);
}

static void counting(void)
{
	uint64_t a, b;

	guest_reset();
	give(counters());
	gcsr_write(CSR_PMCFG0, INSTRUCTIONS | PLV(0));
	a = counted(0);
	check(a >= 2001 && a <= 2010, "guest_pmu: the guest's instructions are counted");
	check(no_other_exit(), "guest_pmu: without an exit");
	b = counted(0);
	check_equal(b, a, "guest_pmu: the same number each time");
	b = gcsr_read(CSR_PMCNT0);
	call(ADDRESS(root_loop), 0, 0);
	check_equal(gcsr_read(CSR_PMCNT0), b, "guest_pmu: root's are not (inferred)");
	check_equal(counted(3), 0, "guest_pmu: a counter for PLV0 does not count PLV3");
	gcsr_write(CSR_PMCFG0, INSTRUCTIONS | PLV(3));
	a = counted(3);
	check(a >= 2001 && a <= 2010, "guest_pmu: one for PLV3 does");
	gcsr_write(CSR_PMCFG0 + 6, INSTRUCTIONS | PLV(0) | PLV(3));
	gcsr_write(CSR_PMCNT0 + 6, 0);
	counted(0);
	check(gcsr_read(CSR_PMCNT0 + 6) >= 2001, "guest_pmu: counter 3 counts beside it");
	gcsr_write(CSR_PMCFG0 + 6, 0);

	gcsr_write(CSR_PMCFG0, INSTRUCTIONS | PLV(0));
	give(0);
	check_equal(counted(0), 0, "guest_pmu: counters that are not given stand still (inferred)");
	gcsr_write(CSR_PMCFG0, 0);
}

/* What root's own counter says after 2001 instructions in the guest and some of root's. */
static uint64_t counted_by_root(uint64_t gmod)
{
	csr_write(CSR_PMCNT0, 0);
	csr_write(CSR_PMCFG0, INSTRUCTIONS | PLV(0) | GMOD(gmod));
	guest_run(do_loop, 0, 0);
	csr_write(CSR_PMCFG0, 0);
	return csr_read(CSR_PMCNT0);
}

static void counted_for_root(void)
{
	uint64_t root_alone, guest_alone;

	guest_reset();
	root_alone = counted_by_root(0);
	guest_alone = counted_by_root(1);
	check(root_alone > 0 && root_alone < 2000,
	      "root_pmu: root's counters leave the guest out (inferred)");
	check(guest_alone >= 2001 && guest_alone <= 2010,
	      "root_pmu: with GMOD = 1 they leave out root (inferred)");
	check(counted_by_root(2) > guest_alone + root_alone / 2,
	      "root_pmu: with GMOD = 2 neither (inferred)");
	csr_write(CSR_PMCNT0, 0);
}

static void overflow(void)
{
	guest_reset();
	give(counters());
	gcsr_write(CSR_PMCFG0, INSTRUCTIONS | PLV(0) | PMIEN);
	gcsr_write(CSR_PMCNT0, BIT_63 - 500);
	gcsr_write(CSR_ECFG, PMI);
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	csr_write(CSR_ECFG, PMI);
	vm_exit.count = 0;
	guest_run(do_loop, 0, 0);
	csr_write(CSR_ECFG, 0);
	check(guest_trapped(EXC_INT), "guest_pmu: an overflow interrupts the guest");
	check_equal(guest_trap.estat, PMI, "guest_pmu: as number 10");
	check(no_other_exit(), "guest_pmu: without an exit");
	check_equal(csr_read(CSR_ESTAT) & PMI, 0, "guest_pmu: root's bit 10 stays 0");
	check_equal(gcsr_read(CSR_ESTAT), PMI, "guest_pmu: gcsrrd shows the guest's");
	gcsr_write(CSR_PMCFG0, 0);
	guest_run(do_write, PMIEN, 0);
	check_equal(gcsr_read(CSR_ESTAT), 0, "guest_pmu: a guest that clears bit 63 of the counter ends it");
	guest_run(do_write, PMIEN, BIT_63);
	check_equal(gcsr_read(CSR_ESTAT), PMI, "guest_pmu: one that sets it raises it");
	gcsr_write(CSR_PMCFG0, 0);
	check_equal(gcsr_read(CSR_ESTAT), 0, "guest_pmu: root takes PMIEn away, and bit 10 falls");
	gcsr_write(CSR_PMCNT0, 0);
	give(0);
}

/* KVM's hand-over and taking back around each entry, root's own counter going on in between. */
static void handed_over(void)
{
	uint64_t root_config, root_count, guest_config = 0, guest_count = 0;

	guest_reset();
	gcsr_write(CSR_PMCNT0, 0);
	csr_write(CSR_PMCNT0, 0);
	csr_write(CSR_PMCFG0, INSTRUCTIONS | PLV(0));
	for (unsigned turn = 0; turn < 10; turn++) {
		root_config = csr_swap(CSR_PMCFG0, 0);
		root_count = csr_read(CSR_PMCNT0);
		csr_write(CSR_GCFG, csr_read(CSR_GCFG) | GCFG_GPERF(counters()));
		gcsr_write(CSR_PMCNT0, guest_count);
		gcsr_write(CSR_PMCFG0, guest_config ? guest_config : INSTRUCTIONS | PLV(0));
		guest_run(do_loop, 0, 0);
		guest_count = gcsr_read(CSR_PMCNT0);
		guest_config = gcsr_swap(CSR_PMCFG0, 0);
		csr_write(CSR_GCFG, csr_read(CSR_GCFG) & ~GPERF);
		csr_write(CSR_PMCNT0, root_count);
		csr_write(CSR_PMCFG0, root_config);
		call(ADDRESS(root_loop), 0, 0);
	}
	root_config = csr_swap(CSR_PMCFG0, 0);
	root_count = csr_read(CSR_PMCNT0);
	check_equal(root_config, INSTRUCTIONS | PLV(0), "pmu_switch: root's configuration comes back");
	check(root_count >= 20010 && root_count < 23000,
	      "pmu_switch: root's counter has root's instructions");
	check(guest_count >= 20010 && guest_count < 20200, "pmu_switch: the guest's has the guest's");
	check_equal(guest_config, INSTRUCTIONS | PLV(0),
		    "pmu_switch: its configuration is kept over ten exits");
	csr_write(CSR_PMCNT0, 0);
}

static void tests(void)
{
	lvz_setup();
	check_equal(csr_read(CSR_GCFG) >> 23 & 1, cpucfg(6) & 1, "pmp_equals_gpmp: GPMP is CPUCFG6.PMP");
	if (!(csr_read(CSR_GCFG) >> 23 & 1)) {
		skip("performance counters in the guest", "GCFG has no GPMP");
		return;
	}
	touched();
	counting();
	counted_for_root();
	overflow();
	handed_over();
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
