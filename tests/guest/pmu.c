/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Performance counters: Vol.1 7.7. */
#include "guest.h"

#define EVENT_CYCLES	   0
#define EVENT_INSTRUCTIONS 1
#define EVENT_BRANCHES	   2
#define EVENT_MISSES	   3
#define PLV0		   (1 << 16)
#define PLV3		   (1 << 19)
#define PMIEN		   (1 << 20)

SNIPPET(nothing, "nop");
/* 1000 turns of 2 instructions. */
SNIPPET(do_loop, "li.w $t0, 1000\n1: addi.d $t0, $t0, -1\n\tbnez $t0, 1b");

static uint64_t counted(void)
{
	csr_write(CSR_PMCNT0, 0);
	call(ADDRESS(do_loop), 0, 0);
	return csr_read(CSR_PMCNT0);
}

static void counting(void)
{
	uint64_t a, b;

	csr_write(CSR_PMCFG0, EVENT_INSTRUCTIONS);
	check_equal(counted(), 0, "a counter for no privilege level stands still");
	csr_write(CSR_PMCFG0, EVENT_INSTRUCTIONS | PLV0);
	a = counted();
	check(a >= 2001 && a <= 2040, "instructions are counted");
	b = counted();
	check_equal(b, a, "the same number each time");
	csr_write(CSR_PMCNT0, 100);
	__asm__ volatile("nop; nop; nop; csrrd $t0, 0x201; csrwr $t0, 0x30" ::: "$t0");
	check(csr_read(CSR_SAVE0) >= 103 && csr_read(CSR_SAVE0) <= 105, "to the instruction");
	csr_write(CSR_PMCFG0, EVENT_CYCLES | PLV0);
	check(counted() >= 2001, "cycles are counted");
	csr_write(CSR_PMCFG0, EVENT_INSTRUCTIONS | PLV3);
	check_equal(counted(), 0, "a counter for PLV3 does not count PLV0");
	csr_write(CSR_PMCNT0, 0);
	user_run(3, USER(do_loop), 0, 0);
	a = csr_read(CSR_PMCNT0);
	check(a >= 2001 && a <= 2005, "a counter for PLV3 counts the program and nothing else");
	csr_write(CSR_PMCFG0, 0);
	a = csr_read(CSR_PMCNT0);
	call(ADDRESS(do_loop), 0, 0);
	check_equal(csr_read(CSR_PMCNT0), a, "a stopped counter keeps its value");
	csr_write(0x206, EVENT_INSTRUCTIONS | PLV0);
	csr_write(0x207, 0);
	call(ADDRESS(do_loop), 0, 0);
	check(csr_read(0x207) >= 2001, "counter 3 counts, too");
	csr_write(0x206, 0);
}

/* 100 turns; in each the first branch is taken every other time, and so is predicted wrong as often. */
SNIPPET(do_branches,
	"li.w $t0, 100\n1: andi $t1, $t0, 1\n\tbnez $t1, 2f\n\tb 2f\n2: addi.d $t0, $t0, -1\n\tbnez $t0, 1b");

/* How many of @event are in do_branches, and not around it. */
static uint64_t branch_events(unsigned event)
{
	uint64_t around;

	csr_write(CSR_PMCFG0, event | PLV0);
	csr_write(CSR_PMCNT0, 0);
	call(ADDRESS(nothing), 0, 0);
	around = csr_read(CSR_PMCNT0);
	csr_write(CSR_PMCNT0, 0);
	call(ADDRESS(do_branches), 0, 0);
	csr_write(CSR_PMCFG0, 0);
	return csr_read(CSR_PMCNT0) - around;
}

static void branches(void)
{
	check_equal(branch_events(EVENT_BRANCHES), 250, "branches are counted, taken or not");
	check_equal(branch_events(EVENT_MISSES), 51,
		    "mispredicted are those forward and taken, back and not");
	csr_write(CSR_PMCFG0, EVENT_BRANCHES | PLV0);
	csr_write(CSR_PMCNT0, 100);
	__asm__ volatile("bnez $zero, 1f; bnez $zero, 1f; 1: csrrd $t0, 0x201; csrwr $t0, 0x30" ::: "$t0");
	check_equal(csr_read(CSR_SAVE0), 102, "to the branch");
	csr_write(CSR_PMCFG0, 0);
}

static volatile unsigned overflows;

static void overflow(struct trap_frame *frame)
{
	overflows++;
	if (frame->estat >> 10 & 1)
		csr_write(CSR_PMCNT0, 0x8000000000000000 - 500);
	else
		csr_write(CSR_PRMD, frame->prmd & ~4ull);
}

/* How often a counter of @event interrupts two loops of 2000 instructions if it does at each 500th event. */
static unsigned overflows_of(unsigned event)
{
	overflows = 0;
	csr_write(CSR_PMCNT0, 0x8000000000000000 - 500);
	csr_write(CSR_ECFG, 1 << 10);
	interrupt_hook = overflow;
	csr_write(CSR_PMCFG0, event | PLV0 | PMIEN);
	csr_change(CSR_CRMD, 4, 4);
	call(ADDRESS(do_loop), 0, 0);
	call(ADDRESS(do_loop), 0, 0);
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_PMCFG0, 0);
	interrupt_hook = 0;
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_PMCNT0, 0);
	return overflows;
}

static void interrupts(void)
{
	unsigned overflowed;

	csr_write(CSR_PMCNT0, 1ull << 63);
	check_equal(csr_read(CSR_ESTAT) >> 10 & 1, 0, "no interrupt without PMIEn");
	csr_write(CSR_PMCFG0, PMIEN);
	check_equal(csr_read(CSR_ESTAT) >> 10 & 1, 1, "bit 63 of a counter with PMIEn sets ESTAT bit 10");
	csr_write(CSR_PMCNT0, 0);
	check_equal(csr_read(CSR_ESTAT) >> 10 & 1, 0, "clearing bit 63 clears it");
	overflowed = overflows_of(EVENT_INSTRUCTIONS);
	check(overflowed >= 8 && overflowed <= 12, "counting 4,000 instructions overflows every 500");
	overflowed = overflows_of(EVENT_BRANCHES);
	check(overflowed >= 4 && overflowed <= 6, "and counting their 2,000 branches, too");
}

void suite(void)
{
	if (on_qemu) {
		skip("performance counters", "QEMU has none");
		return;
	}
	counting();
	branches();
	interrupts();
}
