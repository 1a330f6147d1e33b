/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Interrupts of root and of the guest: exits, injection through GINTC and the guest's ESTAT, pass-through,
 * order, vectors, message interrupts.  The timers are timer.c's.
 */
#include "lvz.h"

#define SHOT	   4000000 /* 40 ms: longer than the host may keep us waiting between two instructions */
#define TI	   (1u << 11)
#define IPI	   (1u << 12)
#define MESSAGE	   (1u << 14)
#define HWI(n)	   (4u << (n))
#define ALL_HWI	   0x3fcu
#define PENDING	   0x7fff1fffu /* ESTAT but for message interrupts: what is pending, Ecode, EsubCode */
#define CRMD_IE	   4
#define SIZE_EIGHT (1u << 16) /* ECFG.VS = 1: entries 8 bytes apart */
#define PIP(n)	   (0x100u << (n))

/* The chip's interrupt controller; its vector 5 is raised by software. */
#define CHIP_MISC	 0x420
#define EXTIOI_SEND	 0x1140
#define EXTIOI_NODE_TYPE 0x14a0
#define EXTIOI_IPMAP	 0x14c0
#define EXTIOI_ENABLE	 0x1600
#define EXTIOI_CORE_ISR	 0x1800
#define EXTIOI_ROUTE	 0x1c00
#define VECTOR		 5

/* A device of the bridge's, for the guest to drive itself: the console's UART at the PCH-PIC's pin 2. */
#define PIC	     0x8000000010000000
#define PIC_MASK     (PIC + 0x20)
#define PIC_HTMSI_EN (PIC + 0x40)
#define PIC_VECTOR   (PIC + 0x200)
#define PIN	     4u
#define UART_PAGE    0x1fe00000ull
#define UART_IER     0x1e1

GUEST(do_nothing, "nop\n\tnop");
GUEST(do_spin, "1: addi.d $a0, $a0, 1\n\tb 1b");
GUEST(do_read_estat, "csrrd $a0, 0x5");
GUEST(do_estat, "csrwr $a0, 0x5\n\t.globl behind_estat\nbehind_estat: nop\n\tcsrrd $a0, 0x5");
extern const char behind_estat[];
GUEST(do_clear_estat, "csrwr $zero, 0x5\n\tcsrxchg $zero, $a0, 0x5\n\tcsrrd $a0, 0x5");

/* @fn in the guest, with the records begun anew. */
static uint64_t run(const char *fn, uint64_t a0)
{
	guest_trap_clear();
	vm_exit.count = 0;
	return guest_run(fn, a0, 0);
}

/* A few instructions in the guest with the interrupts @lines enabled there, and IE. */
static void guest_open(uint64_t lines)
{
	gcsr_write(CSR_ECFG, lines);
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	run(do_nothing, 0);
	gcsr_write(CSR_CRMD, CRMD_DA);
}

/* The guest came to its end, and nothing else brought it out. */
static bool no_other_exit(void)
{
	return vm_exit.count == 1 && exited_by_hvcl(0);
}

static void root_exits(void)
{
	uint64_t turns;

	guest_reset();
	guest.pc = PHYSICAL(do_spin);
	guest.gpr[23] = 0x123456789abcdef0;
	csr_write(CSR_ECFG, TI);
	csr_write(CSR_TCFG, SHOT | 1);
	check_equal(guest_enter(), EXC_INT,
		    "root_irq_exit: root's timer ends a guest that spins with IE = 0");
	check_equal(vm_exit.estat & PENDING, TI, "root_irq_exit: root's ESTAT has TI and Ecode 0");
	check_equal(csr_read(CSR_ESTAT) & PENDING, TI, "root_irq_exit: TI stays pending");
	check(vm_exit.era - PHYSICAL(do_spin) <= 4, "root_irq_exit: ERA is the guest's pc");
	check_equal(vm_exit.gstat & GSTAT_PVM, GSTAT_PVM, "root_irq_exit: GSTAT.PVM is 1");
	check_equal(vm_exit.prmd, 4, "root_irq_exit: PRMD is what root's CRMD was");
	check_equal(guest.gpr[23], 0x123456789abcdef0, "root_irq_exit: the guest's registers are intact");
	check_equal(gcsr_read(CSR_CRMD), CRMD_DA, "root_irq_exit: so is its CRMD");
	check_equal(gcsr_read(CSR_ESTAT), 0, "root_irq_exit: its ESTAT shows nothing");
	check_equal(guest_trap.count, 0, "root_irq_exit: it took no interrupt");
	check_equal(guest_enter(), EXC_INT,
		    "root_irq_exit: not acknowledged, it ends the next entry as well");
	turns = guest.gpr[4];
	csr_write(CSR_TICLR, 1);
	csr_write(CSR_TCFG, SHOT | 1);
	check_equal(guest_enter(), EXC_INT, "root_irq_exit: acknowledged, the guest runs until the next one");
	check(guest.gpr[4] > turns, "root_irq_exit: it goes on where it was");
	csr_write(CSR_TICLR, 1);
	csr_write(CSR_TCFG, 0);

	guest_reset();
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_ESTAT, 3);
	run(do_nothing, 0);
	check(no_other_exit(), "root_irq_masked: what root's ECFG does not enable ends nothing");
	csr_write(CSR_ECFG, 3);
	guest.prmd = 0;
	run(do_nothing, 0);
	check(no_other_exit(), "root_irq_masked: nor does what it enables while root's CRMD.IE is 0");
	check_equal(vm_exit.prmd, 0, "root_irq_masked: PRMD.PIE shows that IE was 0");
	csr_write(CSR_ESTAT, 0);
	csr_write(CSR_ECFG, 0);
}

static void injection(void)
{
	unsigned good = 0;

	guest_reset();
	csr_write(CSR_GINTC, 1);
	check_equal(gcsr_read(CSR_ESTAT), HWI(0), "vip_to_guest: VIP bit 0 is the guest's ESTAT bit 2");
	check_equal(csr_read(CSR_ESTAT) & ALL_HWI, 0, "vip_to_guest: root's ESTAT has nothing of it");
	check_equal(run(do_read_estat, 0), HWI(0), "vip_to_guest: the guest reads it");
	guest_open(HWI(0));
	check(guest_trapped(EXC_INT), "vip_to_guest: the guest takes the interrupt");
	check_equal(guest_trap.era, PHYSICAL(do_nothing), "vip_to_guest: before its first instruction");
	check_equal(guest_trap.estat, HWI(0), "vip_to_guest: it sees bit 2 and Ecode 0");
	check_equal(guest_trap.prmd, CRMD_IE, "vip_to_guest: PRMD.PIE is 1");
	check(no_other_exit(), "vip_to_guest: there is no exit");
	check_equal(gcsr_read(CSR_ESTAT), HWI(0), "vip_to_guest: a level, it stays");
	for (unsigned n = 0; n < 8; n++) {
		csr_write(CSR_GINTC, 1u << n);
		guest_open(HWI(n));
		good += guest_trapped(EXC_INT) && guest_trap.estat == HWI(n);
	}
	check_equal(good, 8, "vip_to_guest: the eight bits are the eight lines");
	guest_open(ALL_HWI & ~HWI(7));
	check_equal(guest_trap.count, 0, "vip_to_guest: a line that the guest's ECFG masks is not taken");

	csr_write(CSR_GINTC, 0xff);
	run(do_nothing, 0);
	csr_write(CSR_GINTC, 0);
	check_equal(gcsr_read(CSR_ESTAT), 0, "vip_clear: clearing VIP clears the guest's ESTAT at once");
	check_equal(run(do_read_estat, 0), 0, "vip_clear: the guest reads 0 as well");
	guest_open(ALL_HWI);
	check_equal(guest_trap.count, 0, "vip_clear: it takes no interrupt");

	gcsr_write(CSR_ESTAT, ALL_HWI);
	check_equal(gcsr_read(CSR_ESTAT), 0, "vip_not_latched: gcsrwr cannot set bits 9:2 of ESTAT");
	gcsr_change(CSR_ESTAT, ALL_HWI, ALL_HWI);
	check_equal(gcsr_read(CSR_ESTAT), 0, "vip_not_latched: nor can gcsrxchg");
	check_equal(run(do_estat, ~0ull) & 0x1fff, 3, "vip_not_latched: the guest can set 1:0 alone");
	gcsr_write(CSR_ESTAT, 0);
	csr_write(CSR_GINTC, 1);
	gcsr_write(CSR_ESTAT, 0);
	check_equal(gcsr_read(CSR_ESTAT), HWI(0), "vip_not_latched: gcsrwr cannot clear them");
}

static void save_restore(void)
{
	uint64_t saved;

	guest_reset();
	csr_write(CSR_GINTC, 1);
	saved = gcsr_read(CSR_ESTAT);
	csr_write(CSR_GINTC, 0);
	gcsr_write(CSR_ESTAT, saved);
	check_equal(gcsr_read(CSR_ESTAT), 0,
		    "estat_save_restore: a line that fell while ESTAT was saved does not come back");
	guest_open(ALL_HWI);
	check_equal(guest_trap.count, 0, "estat_save_restore: nor does an interrupt");

	gcsr_change(CSR_ESTAT, TI, TI);
	check_equal(gcsr_read(CSR_ESTAT), TI, "ti_clear_by_estat: gcsrxchg sets TI");
	gcsr_write(CSR_ESTAT, 0);
	check_equal(gcsr_read(CSR_ESTAT), 0, "ti_clear_by_estat: gcsrwr clears it");
	gcsr_write(CSR_TCFG, 400 | 1);
	for (uint64_t start = rdtime(); !(gcsr_read(CSR_ESTAT) & TI) && rdtime() - start < 100 * SHOT;)
		;
	check_equal(gcsr_read(CSR_ESTAT), TI, "ti_clear_by_estat: the guest's timer sets it");
	gcsr_write(CSR_ESTAT, 0);
	wait_ticks(10000);
	check_equal(gcsr_read(CSR_ESTAT), 0, "ti_clear_by_estat: gcsrwr clears that, too, for good");
	gcsr_write(CSR_TCFG, 400 | 1);
	wait_ticks(10000);
	gcsr_write(CSR_ESTAT, 0);
	check_equal(gcsr_read(CSR_ESTAT), 0, "ti_clear_by_estat: even if nobody has looked at ESTAT since");
	gcsr_write(CSR_TCFG, 400 | 1);
	wait_ticks(10000);
	gcsr_change(CSR_ESTAT, 1, 1);
	check_equal(gcsr_read(CSR_ESTAT), TI | 1, "ti_clear_by_estat: gcsrxchg of another bit leaves TI");
	gcsr_write(CSR_ESTAT, 0);
	guest_open(TI);
	check_equal(guest_trap.count, 0, "ti_clear_by_estat: the guest takes no interrupt");

	csr_write(CSR_GINTC, 1);
	csr_write(CSR_GINTC, csr_read(CSR_GINTC) | 2);
	check_equal(csr_read(CSR_GINTC), 3, "gintc_rmw: VIP reads as it was written");
	check_equal(gcsr_read(CSR_ESTAT), HWI(0) | HWI(1), "gintc_rmw: a bit ORed in leaves the other");
	csr_write(CSR_GINTC, csr_read(CSR_GINTC) & ~1ull);
	check_equal(gcsr_read(CSR_ESTAT), HWI(1), "gintc_rmw: so does one taken out");
}

static void latches(void)
{
	guest_reset();
	gcsr_change(CSR_ESTAT, IPI, IPI);
	guest_open(IPI);
	check(guest_trapped(EXC_INT), "ipi_bit12: bit 12, set by gcsrxchg, interrupts the guest");
	check_equal(guest_trap.estat, IPI, "ipi_bit12: it sees bit 12");
	check(no_other_exit(), "ipi_bit12: without an exit");
	check_equal(csr_read(CSR_ESTAT) & IPI, 0, "ipi_bit12: root's bit 12 stays 0");
	check_equal(run(do_clear_estat, ~0ull), IPI, "ipi_bit12: the guest cannot clear it");
	gcsr_change(CSR_ESTAT, 0, IPI);
	check_equal(gcsr_read(CSR_ESTAT), 0, "ipi_bit12: gcsrxchg clears it");
	guest_open(IPI);
	check_equal(guest_trap.count, 0, "ipi_bit12: and the guest takes no more");
	gcsr_write(CSR_ESTAT, IPI);
	check_equal(gcsr_read(CSR_ESTAT), IPI, "ipi_bit12: gcsrwr sets it as well");
	check_equal(run(do_estat, 0), IPI, "ipi_bit12: a guest's csrwr leaves it");
	gcsr_write(CSR_ESTAT, 0);

	gcsr_write(CSR_ECFG, 3);
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	run(do_estat, 1);
	check(guest_trapped(EXC_INT), "swi_guest: a software interrupt that the guest raises is its own");
	check_equal(guest_trap.era, PHYSICAL(behind_estat), "swi_guest: taken behind the csrwr");
	check_equal(guest_trap.estat, 1, "swi_guest: ESTAT has bit 0");
	check(no_other_exit(), "swi_guest: there is no exit");
	check_equal(csr_read(CSR_ESTAT) & 3, 0, "swi_guest: root's ESTAT is not touched");
	gcsr_write(CSR_ESTAT, 0);
	gcsr_change(CSR_ESTAT, 2, 2);
	guest_open(3);
	check(guest_trapped(EXC_INT) && guest_trap.estat == 2, "swi_guest: gcsrxchg raises SWI1");
	gcsr_write(CSR_ESTAT, 0);
}

/* The vector of the chip's controller to input HWI @n of this core. */
static void line_route(unsigned n)
{
	__builtin_loongarch_iocsrwr_d(__builtin_loongarch_iocsrrd_d(CHIP_MISC) | 1ull << 48, CHIP_MISC);
	__builtin_loongarch_iocsrwr_w(2u << 16 | 1, EXTIOI_NODE_TYPE);
	__builtin_loongarch_iocsrwr_w(0x01010101u << n, EXTIOI_IPMAP);
	__builtin_loongarch_iocsrwr_w(0x01010101u << csr_read(CSR_CPUID), EXTIOI_ROUTE + VECTOR / 4 * 4);
	__builtin_loongarch_iocsrwr_w(1u << VECTOR, EXTIOI_ENABLE);
}

static void line_raise(unsigned n)
{
	line_route(n);
	__builtin_loongarch_iocsrwr_w(VECTOR, EXTIOI_SEND);
	for (unsigned i = 0; i < 1000 && !(csr_read(CSR_ESTAT) & HWI(n)); i++)
		;
}

static void line_lower(unsigned n)
{
	__builtin_loongarch_iocsrwr_w(1u << VECTOR, EXTIOI_CORE_ISR);
	for (unsigned i = 0; i < 1000 && csr_read(CSR_ESTAT) & HWI(n); i++)
		;
}

/* Each a fact about the line while it is high; the sentences are pip()'s. */
enum { AT_ROOT, HIDDEN, SHOWN, READ, TAKEN, NO_EXIT, MASKED, BESIDE, LOWERED, ROOT_TOO, FACTS };

static void line_facts(unsigned n, bool *fact)
{
	guest_reset();
	line_raise(n);
	fact[AT_ROOT] = (csr_read(CSR_ESTAT) & ALL_HWI) == HWI(n);
	csr_write(CSR_GINTC, 0xff00 & ~PIP(n));
	fact[HIDDEN] = gcsr_read(CSR_ESTAT) == 0 && run(do_read_estat, 0) == 0;
	csr_write(CSR_GINTC, PIP(n));
	fact[SHOWN] = gcsr_read(CSR_ESTAT) == HWI(n);
	fact[READ] = run(do_read_estat, 0) == HWI(n);
	guest_open(ALL_HWI);
	fact[TAKEN] = guest_trapped(EXC_INT) && guest_trap.estat == HWI(n);
	fact[NO_EXIT] = no_other_exit();
	guest_open(ALL_HWI & ~HWI(n));
	fact[MASKED] = guest_trap.count == 0;
	fact[BESIDE] = (csr_read(CSR_ESTAT) & ALL_HWI) == HWI(n);
	csr_write(CSR_ECFG, HWI(n));
	gcsr_write(CSR_ECFG, HWI(n));
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	guest_trap_clear();
	guest.pc = PHYSICAL(do_nothing);
	fact[ROOT_TOO] = guest_enter() == EXC_INT && guest_trap.count == 0;
	csr_write(CSR_ECFG, 0);
	line_lower(n);
	fact[LOWERED] = gcsr_read(CSR_ESTAT) == 0 && run(do_read_estat, 0) == 0;
	csr_write(CSR_GINTC, 0);
}

static void pip(void)
{
	static const char *const sentences[FACTS] = {
		[AT_ROOT] = "pip: a physical line is in root's ESTAT",
		[HIDDEN] = "pip: the guest sees nothing of it while its PIP bit is 0",
		[SHOWN] = "pip: with it gcsrrd shows the line in the guest's ESTAT",
		[READ] = "pip: the guest reads it there",
		[TAKEN] = "pip: the guest takes the interrupt",
		[NO_EXIT] = "pip: without an exit when root's ECFG masks the line",
		[MASKED] = "pip: and not when its own ECFG does",
		[BESIDE] = "pip: the line is still in root's ESTAT (inferred)",
		[LOWERED] = "pip: when the line falls, the guest's bit falls",
		[ROOT_TOO] = "pip: a line that root enables as well is root's first (inferred)",
	};
	bool facts[4][FACTS];

	for (unsigned n = 0; n < 4; n++)
		line_facts(n, facts[n]);
	for (unsigned i = 0; i < FACTS; i++)
		check(facts[0][i] && facts[1][i] && facts[2][i] && facts[3][i], sentences[i]);
}

/* a0: the UART's interrupt enables.  It asks for one at once, as nothing is being sent; a1 turns to wait. */
GUEST(do_uart,
      "ori $t0, $zero, 2\n\tst.b $t0, $a0, 0\n"
      "1:\tcsrrd $t0, 0x0\n\tandi $t0, $t0, 4\n\tbeqz $t0, 2f\n\taddi.d $a1, $a1, -1\n\tbnez $a1, 1b\n"
      "2:\tst.b $zero, $a0, 0\n\tmove $a0, $a1");

/* The line rises while the guest runs, and by its own doing. */
static void device_passed_through(void)
{
	uint64_t mask = *(volatile uint32_t *)PIC_MASK, left;

	guest_reset();
	line_route(1);
	*(volatile uint8_t *)(PIC_VECTOR + 2) = VECTOR;
	*(volatile uint32_t *)PIC_HTMSI_EN |= PIN;
	*(volatile uint32_t *)PIC_MASK = mask & ~PIN;
	s2_map(UART_PAGE, UART_PAGE, ELO_V | ELO_D);
	csr_write(CSR_GINTC, PIP(1));
	gcsr_write(CSR_ECFG, HWI(1));
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	vm_exit.count = 0;
	left = guest_run(do_uart, UART_PAGE + UART_IER, 10000000);
	line_lower(1);
	*(volatile uint32_t *)PIC_MASK = mask;
	csr_write(CSR_GINTC, 0);
	s2_unmap(UART_PAGE);
	s2_flush(UART_PAGE);
	check(left > 0 && guest_trapped(EXC_INT) && guest_trap.estat == HWI(1),
	      "pip: a device that the guest drives itself interrupts it while it runs");
	check(no_other_exit(), "pip: without any exit");
}

static void priority(void)
{
	static const uint8_t order[] = { 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 };
	unsigned good = 0;

	guest_reset();
	csr_write(CSR_GINTC, 0xff);
	gcsr_change(CSR_ESTAT, 0x1c03, 0x1c03);
	check_equal(gcsr_read(CSR_ESTAT), 0x1fff, "priority: all thirteen lines are pending");
	for (unsigned i = 0; i < sizeof(order); i++) {
		unsigned line = order[i];

		guest_open(SIZE_EIGHT | 0x1fff);
		good += guest_trapped(EXC_INT) && guest_trap.entry == 8 * (64 + line);
		if (line >= 2 && line < 10)
			csr_write(CSR_GINTC, csr_read(CSR_GINTC) & ~(1ull << (line - 2)));
		else
			gcsr_change(CSR_ESTAT, 0, 1ull << line);
		if (i == 0)
			check_equal(guest_trap.entry, 8 * 76, "priority: the guest takes 12 first");
	}
	check_equal(good, 13, "priority: then the others downwards, each at its vector");
	guest_open(SIZE_EIGHT | 0x1fff);
	check_equal(guest_trap.count, 0, "priority: none is left");
	gcsr_write(CSR_ESTAT, 3);
	guest_open(1);
	check(guest_trapped(EXC_INT) && guest_trap.era == PHYSICAL(do_nothing),
	      "priority: a masked line of higher rank is no obstacle");
	gcsr_write(CSR_ESTAT, 0);
}

static void root_over_guest(void)
{
	guest_reset();
	csr_write(CSR_GINTC, 1);
	gcsr_write(CSR_ECFG, HWI(0));
	gcsr_write(CSR_CRMD, CRMD_DA | CRMD_IE);
	csr_write(CSR_ECFG, 1);
	csr_write(CSR_ESTAT, 1);
	guest.pc = PHYSICAL(do_nothing);
	check_equal(guest_enter(), EXC_INT, "root_over_guest: with one pending for each, root's comes first");
	check_equal(vm_exit.era, PHYSICAL(do_nothing), "root_over_guest: ERA is where the guest would start");
	check_equal(guest_trap.count, 0, "root_over_guest: the guest has taken none");
	check_equal(gcsr_read(CSR_CRMD), CRMD_DA | CRMD_IE, "root_over_guest: its CRMD is as it was");
	csr_write(CSR_ESTAT, 0);
	check_equal(guest_enter(), EXC_HVC, "root_over_guest: root's gone, the guest runs");
	check(guest_trapped(EXC_INT), "root_over_guest: and takes its own");
	check_equal(guest_trap.era, PHYSICAL(do_nothing), "root_over_guest: at the same place");
	csr_write(CSR_ECFG, 0);
}

static void vectors_of_guest(void)
{
	unsigned good = 0, exceptions = 0;
	uint64_t root_ecfg = 2u << 16;

	guest_reset();
	csr_write(CSR_ECFG, root_ecfg);
	csr_write(CSR_GINTC, 1);
	for (unsigned vs = 0; vs < 8; vs++) {
		uint64_t size = vs ? 4u << vs : 0;

		guest_open(vs << 16 | HWI(0));
		good += guest_trapped(EXC_INT) && guest_trap.entry == size * (64 + 2);
		if (vs == 1)
			check_equal(guest_trap.entry, 8 * 66,
				    "vectored_guest: with the guest's VS = 1 line 2 is at EENTRY + 66 * 8");
		gcsr_write(CSR_CRMD, CRMD_DA);
		guest_trap_clear();
		guest_execute(0x002b0000); /* syscall 0 */
		exceptions += guest_trapped(EXC_SYS) && guest_trap.entry == size * EXC_SYS;
	}
	check_equal(good, 8, "vectored_guest: for each VS of the guest's ECFG, whatever root's");
	check_equal(exceptions, 8, "vectored_guest: exceptions have their vectors, too");
	check_equal(gcsr_read(CSR_ESTAT) >> 16, EXC_SYS, "vectored_guest: Ecode is the guest's");
	csr_write(CSR_ECFG, 0);
}

static void registers_kept(void)
{
	guest_reset();
	s2_select(0x5a);
	csr_write(CSR_GINTC, 0xa5);
	csr_write(CSR_GCNTC, 0x123456789abcdef0);
	run(do_nothing, 0);
	trap_clear();
	csr_write(CSR_ECFG, 1);
	csr_write(CSR_ESTAT, 1);
	csr_change(CSR_CRMD, CRMD_IE, CRMD_IE);
	__asm__ volatile("nop; nop");
	csr_change(CSR_CRMD, 0, CRMD_IE);
	csr_write(CSR_ESTAT, 0);
	csr_write(CSR_ECFG, 0);
	check(trapped(EXC_INT),
	      "exit_keeps_root_lvz: root takes an interrupt of its own between two entries");
	trap_clear();
	root_execute(0x002a0000, 0, 0); /* break 0 */
	check(trapped(EXC_BRK), "exit_keeps_root_lvz: and an exception");
	check_equal(csr_read(CSR_GINTC), 0xa5, "exit_keeps_root_lvz: GINTC is kept");
	check_equal(csr_read(CSR_GSTAT) & GSTAT_GID, 0x5a0000, "exit_keeps_root_lvz: GSTAT.GID is");
	check_equal(csr_read(CSR_GCNTC), 0x123456789abcdef0, "exit_keeps_root_lvz: GCNTC is");
	check_equal(run(do_read_estat, 0), 0xa5 << 2, "exit_keeps_root_lvz: the guest runs on with them");
	csr_write(CSR_GCNTC, 0);
	lvz_setup();
}

GUEST(do_read_twice, "csrrd $a0, 0xa4\n\tcsrrd $a1, 0xa4\n\tcsrrd $a2, 0x5\n\tcsrrd $a3, 0xa0");
GUEST(do_read_one, "csrrd $a0, 0xa4\n\tcsrrd $a1, 0x5");

/* As KVM does it. */
static void message_inject(unsigned vector)
{
	unsigned isr = CSR_MSGIS0 + vector / 64;

	gcsr_write_any(isr, gcsr_read_any(isr) | 1ull << vector % 64);
	gcsr_change(CSR_ESTAT, MESSAGE, MESSAGE);
}

static void messages(void)
{
	message_inject(5);
	check_equal(gcsr_read(CSR_ESTAT), MESSAGE, "msgint: gcsrxchg sets bit 14 of the guest's ESTAT");
	check_equal(csr_read(CSR_ESTAT) & MESSAGE, 0, "msgint: not of root's");
	guest_open(SIZE_EIGHT | MESSAGE);
	check(guest_trapped(EXC_INT), "msgint: the guest takes the interrupt");
	check_equal(guest_trap.entry, 8 * (64 + 14), "msgint: as number 14");
	check(no_other_exit(), "msgint: without an exit");
	run(do_read_twice, 0);
	check(no_other_exit(), "msgint: the guest reads its registers without an exit");
	check_equal(guest.gpr[4], 5, "msgint: the guest reads the vector from IRR (inferred)");
	check_equal(guest.gpr[5] & 0xffffffff, 0x80000000, "msgint: then bit 31, as none is left (inferred)");
	check_equal(guest.gpr[6] & MESSAGE, 0, "msgint: bit 14 of ESTAT has fallen (inferred)");
	check_equal(guest.gpr[7], 0, "msgint: ISR0 is 0 again");
	check_equal(gcsr_read(CSR_ESTAT), 0, "msgint: gcsrrd agrees");

	message_inject(5);
	message_inject(200);
	check_equal(csr_read(CSR_MSGIS0) | csr_read(CSR_MSGIS0 + 3), 0,
		    "msgint: root's ISRs have nothing of it");
	check_equal(run(do_read_one, 0), 200, "msgint: of two vectors the higher one comes first");
	check_equal(guest.gpr[5] & MESSAGE, MESSAGE, "msgint: bit 14 stays for the other (inferred)");
	message_inject(250);
	check_equal(run(do_read_one, 0), 250, "msgint: one that root adds takes part at once");
	gcsr_write(CSR_MSGIE, 6);
	check_equal(run(do_read_one, 0) & 0xffffffff, 0x80000000,
		    "msgint: a vector below the IPR threshold is not given");
	gcsr_write(CSR_MSGIE, 5);
	check_equal(run(do_read_one, 0), 5, "msgint: one at it is");
	gcsr_write(CSR_MSGIE, 0);
	gcsr_change(CSR_ESTAT, MESSAGE, MESSAGE);
	check_equal(run(do_read_one, 0) & 0xffffffff, 0x80000000,
		    "msgint: bit 14 without a vector gives none");
	check_equal(guest.gpr[5] & MESSAGE, 0, "msgint: and falls when the guest has read that (inferred)");
	csr_write(CSR_GINTC, 0xff);
	message_inject(0);
	guest_open(SIZE_EIGHT | 0x5fff);
	check_equal(guest_trap.entry, 8 * (64 + 14), "msgint: a message comes before all lines");
	run(do_read_one, 0);
	check_equal(gcsr_read(CSR_ESTAT) & MESSAGE, 0, "msgint: vector 0 is acknowledged like the others");
}

static void message_interrupts(void)
{
	guest_reset();
	if (has_message_interrupts()) {
		messages();
		guest_reset();
		return;
	}
	gcsr_write(CSR_MSGIS0, 1 << 5);
	check_equal(gcsr_read(CSR_MSGIS0), 0, "msgint: without MSG_INT there is no ISR0");
	run(do_read_twice, 1);
	check(no_other_exit(), "msgint: nor IRR in the guest, and no exit for it");
	check_equal(guest.gpr[4] | guest.gpr[7], 0, "msgint: both read 0");
}

static void tests(void)
{
	lvz_setup();
	root_exits();
	injection();
	save_restore();
	latches();
	pip();
	device_passed_through();
	priority();
	root_over_guest();
	vectors_of_guest();
	registers_kept();
	message_interrupts();
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
