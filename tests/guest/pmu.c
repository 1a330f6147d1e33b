/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Performance counters: Vol.1 7.7. */
#include "guest.h"

#define EVENT_CYCLES	   0
#define EVENT_INSTRUCTIONS 1
#define PLV0		   (1 << 16)
#define PLV3		   (1 << 19)
#define PMIEN		   (1 << 20)

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

static volatile unsigned overflows;

static void overflow(struct trap_frame *frame)
{
	overflows++;
	if (frame->estat >> 10 & 1)
		csr_write(CSR_PMCNT0, 0x8000000000000000 - 500);
	else
		csr_write(CSR_PRMD, frame->prmd & ~4ull);
}

static void interrupts(void)
{
	csr_write(CSR_PMCNT0, 1ull << 63);
	check_equal(csr_read(CSR_ESTAT) >> 10 & 1, 0, "no interrupt without PMIEn");
	csr_write(CSR_PMCFG0, PMIEN);
	check_equal(csr_read(CSR_ESTAT) >> 10 & 1, 1, "bit 63 of a counter with PMIEn sets ESTAT bit 10");
	csr_write(CSR_PMCNT0, 0);
	check_equal(csr_read(CSR_ESTAT) >> 10 & 1, 0, "clearing bit 63 clears it");
	csr_write(CSR_PMCNT0, 0x8000000000000000 - 500);
	csr_write(CSR_ECFG, 1 << 10);
	interrupt_hook = overflow;
	csr_write(CSR_PMCFG0, EVENT_INSTRUCTIONS | PLV0 | PMIEN);
	csr_change(CSR_CRMD, 4, 4);
	call(ADDRESS(do_loop), 0, 0);
	call(ADDRESS(do_loop), 0, 0);
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_PMCFG0, 0);
	interrupt_hook = 0;
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_PMCNT0, 0);
	check(overflows >= 8 && overflows <= 12, "counting 4,000 instructions overflows every 500");
}

void suite(void)
{
	if (on_qemu) {
		skip("performance counters", "QEMU has none");
		return;
	}
	counting();
	interrupts();
}
