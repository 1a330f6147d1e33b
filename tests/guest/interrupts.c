/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Interrupts: Vol.1 6.2, message interrupts 6.3, idle 4.2.6. */
#include "guest.h"

#define AVEC		 0x800000002fe00000 /* | vector << 4 | core << 12 */
#define IOCSR_SEND	 0x1040
#define IOCSR_IPI_STATUS 0x1000
#define IOCSR_IPI_ENABLE 0x1004
#define IOCSR_IPI_CLEAR	 0x100c

SNIPPET(do_misc,
	"li.w $t0, 4\n\tcsrxchg $t0, $t0, 0\n\t.globl after_enable\nafter_enable: nop\n\tnop\n\tnop");
extern const char after_enable[];
SNIPPET(do_idle, "idle 0\n\t.globl after_idle\nafter_idle: nop");
extern const char after_idle[];

static unsigned order[8], taken;

/* Notes which interrupt's entry was taken (VS = 1: 8 bytes apart) and takes its cause away. */
static void note(struct trap_frame *frame)
{
	unsigned number = (unsigned)(frame->entry - ADDRESS(vectors)) / 8 - 64;

	if (taken < 8)
		order[taken++] = number;
	if (number < 2)
		csr_change(CSR_ESTAT, 0, 1ull << number);
	else if (number == 11)
		csr_write(CSR_TICLR, 1);
	else if (number == 12)
		__builtin_loongarch_iocsrwr_w(~0u, IOCSR_IPI_CLEAR);
	else if (number == 10)
		csr_write(CSR_PMCNT0, 0);
	else if (number == 14)
		csr_read(CSR_MSGIR);
	else
		csr_write(CSR_PRMD, frame->prmd & ~4ull);
}

static void enable(void)
{
	csr_change(CSR_CRMD, 4, 4);
	__asm__ volatile("nop; nop; nop; nop");
	csr_change(CSR_CRMD, 0, 4);
}

static void raise_ipi(void)
{
	__builtin_loongarch_iocsrwr_w(~0u, IOCSR_IPI_ENABLE);
	__builtin_loongarch_iocsrwr_w(5 | 0u << 16 | 1u << 31, IOCSR_SEND);
	for (unsigned i = 0; i < 1000 && !(csr_read(CSR_ESTAT) >> 12 & 1); i++)
		;
}

static void software(void)
{
	trap_clear();
	csr_write(CSR_ECFG, 1 << 16);
	csr_write(CSR_ESTAT, 1);
	enable();
	check(trap.count == 0, "an interrupt that ECFG does not enable is not taken");
	csr_write(CSR_ECFG, 1 << 16 | 1);
	check(trap.count == 0, "an interrupt is not taken while CRMD.IE is 0");
	call(ADDRESS(do_misc), 0, 0);
	csr_change(CSR_CRMD, 0, 4);
	check(trapped(EXC_INT), "setting CRMD.IE takes a pending software interrupt");
	check_equal(trap.frame.era, ADDRESS(after_enable), "behind the instruction that set IE");
	check_equal(trap.frame.estat & 0x7fff1fff, 1, "ESTAT has the pending bit and Ecode 0");
	check_equal(trap.frame.prmd, 4, "PRMD.PIE is 1");
	csr_write(CSR_ESTAT, 0);
	trap_clear();
	csr_change(CSR_CRMD, 4, 4);
	csr_write(CSR_ESTAT, 2);
	check(trap.count == 0, "SWI1 is not taken with only SWI0 enabled");
	csr_change(CSR_ECFG, 2, 2);
	csr_change(CSR_CRMD, 0, 4);
	qemu_differs();
	check(trapped(EXC_INT), "enabling it in ECFG takes it");
	csr_write(CSR_ESTAT, 0);
	/* ERTN restores IE: the interrupt is taken at the address it returns to. */
	trap_clear();
	csr_write(CSR_ECFG, 1 << 16 | 1);
	csr_write(CSR_ESTAT, 1);
	__asm__ volatile("li.w $t0, 4; csrwr $t0, 1; la.pcrel $t0, 1f; csrwr $t0, 6; ertn; 1: nop" ::: "$t0");
	csr_change(CSR_CRMD, 0, 4);
	check(trapped(EXC_INT), "ERTN that restores IE takes a pending interrupt");
	csr_write(CSR_ESTAT, 0);
}

static void priority(void)
{
	bool message = has_message_interrupts() && !on_qemu;

	taken = 0;
	trap_clear();
	interrupt_hook = note;
	csr_write(CSR_ECFG, 1 << 16 | 0x5fff);
	csr_write(CSR_ESTAT, 3);
	csr_write(CSR_TCFG, 4 | 1);
	raise_ipi();
	csr_write(CSR_PMCFG0, 1 << 20);
	csr_write(CSR_PMCNT0, 1ull << 63);
	if (message)
		*(volatile uint32_t *)(AVEC | 40 << 4) = 0;
	while (!(csr_read(CSR_ESTAT) >> 11 & 1))
		;
	enable();
	csr_write(CSR_PMCFG0, 0);
	interrupt_hook = 0;
	if (message) {
		check_equal(order[0], 14, "the message interrupt comes before all lines");
		for (unsigned i = 0; i < 7; i++)
			order[i] = order[i + 1];
		taken--;
	}
	check_equal(order[0], 12, "the inter-processor interrupt is the highest line");
	check_equal(order[1], 11, "the timer interrupt comes next");
	if (!on_qemu)
		check_equal(order[2], 10, "the performance-counter interrupt comes third");
	check(taken == 5 - on_qemu && order[3 - on_qemu] == 1 && order[4 - on_qemu] == 0,
	      "SWI1 comes before SWI0, and that is all");
	check_equal(csr_read(CSR_ESTAT) & 0x5fff, 0, "no interrupt is left pending");
}

static void inter_processor(void)
{
	raise_ipi();
	check_equal(csr_read(CSR_ESTAT) >> 12 & 1, 1, "an IPI to oneself shows in ESTAT bit 12");
	check_equal(__builtin_loongarch_iocsrrd_w(IOCSR_IPI_STATUS), 1 << 5, "IPI status has its vector");
	__builtin_loongarch_iocsrwr_w(1 << 5, IOCSR_IPI_CLEAR);
	qemu_differs();
	check_equal(csr_read(CSR_ESTAT) >> 12 & 1, 0, "clearing the vector clears ESTAT bit 12 at once");
}

static void idling(void)
{
	uint64_t before;

	csr_write(CSR_ECFG, 1 << 11);
	trap_clear();
	before = rdtime();
	csr_write(CSR_TCFG, 20000 | 1);
	call(ADDRESS(do_idle), 0, 0);
	check(rdtime() - before >= 20000, "idle sleeps until the timer interrupt");
	check(trap.count == 0, "and with IE clear goes on without taking it");
	csr_write(CSR_TICLR, 1);
	csr_write(CSR_TCFG, 20000 | 1);
	trap_clear();
	csr_change(CSR_CRMD, 4, 4);
	call(ADDRESS(do_idle), 0, 0);
	csr_change(CSR_CRMD, 0, 4);
	check(trapped(EXC_INT), "with IE set idle's wake-up is taken as an interrupt");
	check_equal(trap.frame.era, ADDRESS(after_idle), "ERA is the instruction after idle");
	csr_write(CSR_TICLR, 1);
	csr_write(CSR_ESTAT, 1);
	csr_write(CSR_ECFG, 1);
	call(ADDRESS(do_idle), 0, 0);
	check(true, "idle with an interrupt already pending does not sleep");
	csr_write(CSR_ESTAT, 0);
	csr_write(CSR_ECFG, 0);
}

static void send(unsigned vector)
{
	*(volatile uint32_t *)(AVEC | vector << 4) = 0;
	for (unsigned i = 0; i < 1000 && !(csr_read(CSR_MSGIS0) | csr_read(CSR_MSGIS0 + 1) |
					   csr_read(CSR_MSGIS0 + 2) | csr_read(CSR_MSGIS0 + 3));
	     i++)
		;
}

static void messages(void)
{
	csr_write(CSR_MSGIE, 0);
	check_equal(csr_read(CSR_MSGIR), 0xffffffff80000000, "MSGIR reads bit 31 with nothing pending");
	send(70);
	check_equal(csr_read(CSR_MSGIS0 + 1), 1 << 6, "a message sets its bit of MSGIS");
	check_equal(csr_read(CSR_ESTAT) >> 14 & 1, 1, "a pending message sets ESTAT bit 14");
	send(200);
	send(17);
	qemu_differs();
	check_equal(csr_read(CSR_MSGIR), 200, "MSGIR gives the highest vector first");
	check_equal(csr_read(CSR_MSGIS0 + 3), 0, "reading MSGIR clears its bit");
	qemu_differs();
	check_equal(csr_read(CSR_MSGIR), 70, "then the next");
	csr_write(CSR_MSGIE, 18);
	qemu_differs();
	check_equal(csr_read(CSR_ESTAT) >> 14 & 1, 0, "a message below MSGIE.PT is not signalled");
	qemu_differs();
	check_equal(csr_read(CSR_MSGIR), 0xffffffff80000000, "nor given by MSGIR");
	csr_write(CSR_MSGIE, 17);
	qemu_differs();
	check_equal(csr_read(CSR_ESTAT) >> 14 & 1, 1, "a message at MSGIE.PT is");
	csr_write(CSR_ECFG, 1 << 16 | 1 << 14);
	trap_clear();
	csr_change(CSR_CRMD, 4, 4);
	__asm__ volatile("nop; nop");
	csr_change(CSR_CRMD, 0, 4);
	check(trapped(EXC_INT), "a message interrupt is taken");
	check_equal(trap.frame.entry - ADDRESS(vectors), 8 * 78, "at entry number 78");
	check_equal(csr_read(CSR_MSGIR), 17, "MSGIR gives its vector");
	check_equal(csr_read(CSR_ESTAT) >> 14 & 1, 0, "and ESTAT bit 14 is clear");
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_MSGIE, 0);
}

void suite(void)
{
	software();
	inter_processor();
	priority();
	idling();
	if (!has_message_interrupts())
		skip("message interrupts", "CPUCFG has no MSG_INT");
	else if (on_qemu)
		skip("message interrupts", "the doorbell needs IOCSR setup there");
	else
		messages();
}
