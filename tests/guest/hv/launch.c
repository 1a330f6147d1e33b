/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Late launch: the program becomes a guest of the hypervisor where it stands, on all cores, notices nothing
 * but by asking, and gets the bare machine back, a hundred times.
 */
#include "linux.h"

#define TURNS	    100
#define MILLISECOND 100000
#define A_WHILE	    (20000 * (uint64_t)MILLISECOND) /* on a busy host; a jump would be longer */
#define VECTOR	    5
#define PIN	    (1u << PIN_UART0)
#define CHIP_NAME   0x20 /* IOCSR */
#define EPERM	    1
#define ENOSYS	    38

/* Everything but what counts, what the last exception says, and what a refill leaves. */
/* clang-format off */
#define REGISTERS \
	R(CSR_CRMD) R(CSR_PRMD) R(CSR_EUEN) R(CSR_MISC) R(CSR_ECFG) R(CSR_ERA) R(CSR_BADV) \
	R(CSR_EENTRY) R(CSR_TLBIDX) R(CSR_TLBEHI) R(CSR_TLBELO0) R(CSR_TLBELO1) R(CSR_ASID) \
	R(CSR_PGDL) R(CSR_PGDH) R(CSR_PWCL) R(CSR_PWCH) R(CSR_STLBPS) R(CSR_RVACFG) R(CSR_CPUID) \
	R(CSR_PRCFG1) R(CSR_PRCFG2) R(CSR_PRCFG3) R(CSR_SAVE0) R(CSR_SAVE0 + 1) R(CSR_SAVE0 + 2) \
	R(CSR_SAVE0 + 3) R(CSR_SAVE0 + 4) R(CSR_SAVE0 + 5) R(CSR_SAVE0 + 6) R(CSR_SAVE0 + 7) \
	R(CSR_TID) R(CSR_CNTC) R(CSR_LLBCTL) R(CSR_TLBRENTRY) R(CSR_TLBRBADV) R(CSR_TLBRSAVE) \
	R(CSR_TLBRELO0) R(CSR_TLBRELO1) R(CSR_TLBREHI) R(CSR_MERRENTRY) R(CSR_DMW0) R(CSR_DMW1) \
	R(CSR_DMW2) R(CSR_DMW3)
/* clang-format on */
#define R(n) +1
enum { REGISTER_COUNT = 0 REGISTERS };
#undef R

struct registers {
	uint64_t csr[REGISTER_COUNT];
};

static void registers_read(struct registers *registers)
{
	uint64_t *csr = registers->csr;

#define R(n) *csr++ = csr_read(n) & ~(uint64_t)(n == CSR_LLBCTL); /* not ROLLB: it comes and goes */
	REGISTERS
#undef R
}

/* Number of the first CSR that is different, ~0: none. */
static unsigned registers_differ(const struct registers *a, const struct registers *b)
{
	static const unsigned numbers[] = {
#define R(n) n,
		REGISTERS
#undef R
	};

	for (unsigned i = 0; i < REGISTER_COUNT; i++)
		if (a->csr[i] != b->csr[i]) {
			print("# CSR %x was %lx, is %lx\n", numbers[i], a->csr[i], b->csr[i]);
			return numbers[i];
		}
	return ~0u;
}

/* What each core finds out; kept until the end, as there are many turns. */
static struct {
	long result;
	struct registers before, after;
	uint64_t left, entered;
	volatile unsigned timer, ipi, uart;
	volatile uint64_t timer_at;
} core_state[MAX_CORES];

static unsigned bad_enters, bad_registers, bad_clocks, bad_units, bad_timers, bad_ipis, bad_uart, bad_calls,
	bad_cpucfg, bad_mmio, bad_idle, bad_messages, bad_gcsr, bad_leaves, bad_root_registers, bad_root_gcsr;

/* Writes numbers into registers that nobody uses. */
static void registers_fill(unsigned core)
{
	uint64_t pattern = 0x1111111111110000 * (core + 1);

	csr_write(CSR_SAVE0, pattern + 1);
	csr_write(CSR_SAVE0 + 1, pattern + 2);
	csr_write(CSR_SAVE0 + 2, pattern + 3);
	csr_write(CSR_SAVE0 + 3, pattern + 4);
	csr_write(CSR_PGDL, pattern);
	csr_write(CSR_PGDH, pattern + 0x4000);
	csr_write(CSR_PWCL, 0x5ad2ce);
	csr_write(CSR_PWCH, 0x2e4);
	csr_write(CSR_STLBPS, 14);
	csr_write(CSR_ASID, core + 0x33);
	csr_write(CSR_TLBELO0, 0x123451);
	csr_write(CSR_TLBELO1, 0x543211);
	csr_write(CSR_TLBRSAVE, pattern + 5);
	csr_write(CSR_TLBREHI, 0x120000e);
	csr_write(CSR_TLBEHI, 0x3456000);
	csr_write(CSR_ERA, pattern + 8);
	csr_write(CSR_BADV, pattern + 9);
	csr_write(CSR_PRMD, 7);
	csr_write(CSR_TID, core + 7);
	csr_write(CSR_CNTC, 0x1000000000);
	csr_write(CSR_MERRENTRY, PHYSICAL(vectors));
}

static void units_fill(uint64_t value)
{
	__asm__ volatile("xvreplgr2vr.d $xr0, %0; addi.d $t0, %0, 1; xvreplgr2vr.d $xr31, $t0;"
			 "addi.d $t0, %0, 2; xvreplgr2vr.d $xr7, $t0; movgr2fcsr $fcsr0, %1" ::"r"(value),
			 "r"(0x300)
			 : "$t0");
}

static bool units_hold(uint64_t value)
{
	uint64_t low, high, other, fcsr;

	__asm__ volatile("xvpickve2gr.d %0, $xr0, 0; xvpickve2gr.d %1, $xr31, 3; xvpickve2gr.d %2, $xr7, 2;"
			 "movfcsr2gr %3, $fcsr0"
			 : "=r"(low), "=r"(high), "=r"(other), "=r"(fcsr));
	return low == value && high == value + 1 && other == value + 2 && fcsr == 0x300;
}

static void enter(unsigned core)
{
	uint64_t value = rdtime();

	csr_write(CSR_EUEN, 7);
	registers_fill(core);
	units_fill(value);
	core_state[core].left = rdtime();
	registers_read(&core_state[core].before);
	core_state[core].result = hv_enter(core);
	registers_read(&core_state[core].after);
	core_state[core].entered = rdtime();
	if (!units_hold(value))
		bad_units++;
	csr_write(CSR_EUEN, 0);
}

static void leave(unsigned core)
{
	uint64_t value = rdtime();

	csr_write(CSR_EUEN, 7);
	units_fill(value);
	registers_read(&core_state[core].before);
	core_state[core].left = rdtime();
	core_state[core].result = hvcl(HC_DISABLE, 0, 0);
	registers_read(&core_state[core].after);
	core_state[core].entered = rdtime();
	if (!units_hold(value))
		bad_units++;
	csr_write(CSR_EUEN, 0);
}

static void handler(struct trap_frame *frame)
{
	unsigned core = (unsigned)csr_read(CSR_CPUID);
	uint64_t pending = frame->estat & csr_read(CSR_ECFG);

	if (pending & 1 << 11) {
		core_state[core].timer_at = rdtime();
		csr_write(CSR_TICLR, 1);
		core_state[core].timer++;
	}
	if (pending & ESTAT_IPI) {
		uint32_t status = iocsr_read32(IPI_STATUS);

		iocsr_write32(IPI_CLEAR, status);
		core_state[core].ipi += status >> 3 & 1;
	}
	if (pending & HWI(1)) {
		store32(PIC_MASK, load32(PIC_MASK) | PIN);
		extioi_ack(VECTOR);
		if ((load8(UART0 + UART_IIR) & 0xe) == 2)
			core_state[core].uart++;
		store8(UART0 + UART_IER, 0);
		store32(PIC_CLEAR, PIN);
		store32(PIC_MASK, load32(PIC_MASK) & ~PIN);
	}
}

static bool wait_for(volatile unsigned *count, unsigned wanted)
{
	uint64_t start = rdtime();

	while (*count != wanted)
		if (rdtime() - start > SURE_TO_COME / 4)
			return false;
	return true;
}

/* Each core: a timer that is running, an IPI to the next core, idle until a timer. */
static void interrupts(unsigned core)
{
	unsigned next = core + 1 < cores ? core + 1 : 0;
	uint64_t start;

	csr_write(CSR_ECFG, 1 << 11 | ESTAT_IPI);
	csr_change(CSR_CRMD, 4, 4);
	start = rdtime();
	csr_write(CSR_TCFG, (MILLISECOND / 10 & ~3) | 1);
	if (!wait_for(&core_state[core].timer, 1) || core_state[core].timer_at - start < MILLISECOND / 10)
		bad_timers++;
	ipi_send(next, 3);
	if (!wait_for(&core_state[core].ipi, 1))
		bad_ipis++;
	csr_change(CSR_CRMD, 0, 4);
	start = rdtime();
	csr_write(CSR_TCFG, (MILLISECOND / 10 & ~3) | 1);
	__asm__ volatile("idle 0"); /* wakes though it is not taken */
	if (!(csr_read(CSR_ESTAT) & 1 << 11) || rdtime() - start < MILLISECOND / 10)
		bad_idle++;
	csr_change(CSR_CRMD, 4, 4);
	if (!wait_for(&core_state[core].timer, 2))
		bad_idle++;
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_ECFG, 0);
}

/* Each core: a message interrupt, as PCI devices send them. */
static void messages(unsigned core)
{
	unsigned vector = 0x40 + core;

	if (!has_message_interrupts())
		return;
	store32(AVEC | core << 12 | vector << 4, 0);
	for (uint64_t start = rdtime(); !(csr_read(CSR_ESTAT) & ESTAT_MESSAGE);)
		if (rdtime() - start > SURE_TO_COME / 4)
			break;
	if ((uint32_t)csr_read(CSR_MSGIR) != vector || csr_read(CSR_ESTAT) & ESTAT_MESSAGE)
		bad_messages++;
}

/* Sent on one side, it is still there on the other. */
static void message_send(unsigned core)
{
	if (has_message_interrupts())
		store32(AVEC | core << 12 | 0x99 << 4, 0);
}

static void message_take(unsigned core)
{
	if (has_message_interrupts() && (uint32_t)csr_read(CSR_MSGIR) != 0x99)
		bad_messages++;
}

static void interrupts_clear(unsigned core)
{
	core_state[core].timer = core_state[core].ipi = 0;
}

static void uart_interrupt(void)
{
	core_state[0].uart = 0;
	store32(PIC_EDGE, load32(PIC_EDGE) & ~PIN);
	store8(PIC_VECTOR + PIN_UART0, VECTOR);
	store32(PIC_HTMSI_EN, load32(PIC_HTMSI_EN) | PIN);
	store32(PIC_MASK, ~PIN);
	csr_write(CSR_ECFG, HWI(1));
	csr_change(CSR_CRMD, 4, 4);
	store8(UART0 + UART_IER, 2);
	if (!wait_for(&core_state[0].uart, 1))
		bad_uart++;
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_ECFG, 0);
	store32(PIC_MASK, ~0u);
}

/* A timer that was started before fires after, once and not early. */
static uint64_t timer_started[MAX_CORES];

static void timer_begin(unsigned core)
{
	core_state[core].timer = 0;
	timer_started[core] = rdtime();
	csr_write(CSR_TCFG, MILLISECOND | 1);
}

static void timer_end(unsigned core)
{
	csr_write(CSR_ECFG, 1 << 11);
	csr_change(CSR_CRMD, 4, 4);
	if (!wait_for(&core_state[core].timer, 1) ||
	    core_state[core].timer_at - timer_started[core] < MILLISECOND)
		bad_timers++;
	wait_ticks(100);
	if (core_state[core].timer != 1)
		bad_timers++;
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_ECFG, 0);
}

SNIPPET(gcsr_word, ".word 0x05000004"); /* gcsrrd $a0, CRMD */
SNIPPET(our_hvcl, ".word 0x002bca48");
SNIPPET(kvm_hvcl, ".word 0x002b8100");

static void look_around(unsigned core)
{
	if (hvcl(HC_NOP, 0, 0) != 0 || hvcl(12345, 1, 2) != -ENOSYS)
		bad_calls++;
	if (cpucfg(HYPERCALL_CPUCFG) != HYPERCALL_CPUCFG_SIGNATURE || has_lvz() || !cpucfg(1))
		bad_cpucfg++;
}

static uint64_t chip_name;

static void look_around_once(void)
{
	trap_clear();
	call(ADDRESS(gcsr_word), 0, 0);
	if (trap.count != 1 || trap.code != EXC_INE)
		bad_gcsr++;
	trap_clear();
	call(ADDRESS(kvm_hvcl), 0, 0);
	if (trap.count != 1 || trap.code != EXC_INE)
		bad_gcsr++;
	if (user_run(3, USER(our_hvcl), HC_DISABLE, 0) != -(uint64_t)EPERM)
		bad_calls++;
	store8(UART0 + 7, 0x5a);
	if (load8(UART0 + 7) != 0x5a || iocsr_read64(CHIP_NAME) != chip_name)
		bad_mmio++;
}

static void compare(unsigned *bad_result, unsigned *bad_csrs)
{
	for (unsigned i = 0; i < cores; i++) {
		if (core_state[i].result)
			++*bad_result;
		if (registers_differ(&core_state[i].before, &core_state[i].after) != ~0u)
			++*bad_csrs;
		if (core_state[i].entered - core_state[i].left > A_WHILE)
			bad_clocks++;
	}
}

static void back_on_the_machine(unsigned core)
{
	if (csr_read(CSR_GCFG) & 0x300030 || csr_read(CSR_GTLBC) & 0xff1000 ||
	    csr_read(CSR_GSTAT) & 0xff0002 || !has_lvz())
		bad_root_gcsr++;
}

static void turn(void)
{
	hv_load();
	on_all(timer_begin);
	on_all(message_send);
	on_all(enter);
	compare(&bad_enters, &bad_registers);
	if (bad_enters)
		return;
	on_all(message_take);
	on_all(timer_end);
	on_all(messages);
	on_all(interrupts_clear);
	on_all(interrupts);
	uart_interrupt();
	on_all(look_around);
	look_around_once();
	on_all(timer_begin);
	on_all(message_send);
	on_all(leave);
	compare(&bad_leaves, &bad_root_registers);
	on_all(message_take);
	on_all(timer_end);
	on_all(messages);
	on_all(interrupts_clear);
	on_all(interrupts);
	uart_interrupt();
	on_all(back_on_the_machine);
	trap_clear();
	call(ADDRESS(gcsr_word), 0, 0);
	if (trap.count)
		bad_root_gcsr++;
}

static void costs(void)
{
	uint64_t start, empty;

	hv_load();
	on_all(enter);
	start = rdtime();
	for (unsigned i = 0; i < 10000; i++)
		__asm__ volatile("move $a0, %0; move $a1, $zero; move $a2, $zero" ::"r"(HC_NOP)
				 : "$a0", "$a1", "$a2");
	empty = rdtime() - start;
	start = rdtime();
	for (unsigned i = 0; i < 10000; i++)
		hvcl(HC_NOP, 0, 0);
	print("# (with --deterministic and one core 10 instructions are a tick)\n");
	print("# hypercall: %ld ticks for 1000\n", (rdtime() - start - empty) / 10);
	start = rdtime();
	for (unsigned i = 0; i < 10000; i++)
		iocsr_read32(IPI_STATUS);
	print("# IOCSR read (IPI status): %ld ticks for 1000\n", (rdtime() - start - empty) / 10);
	start = rdtime();
	for (unsigned i = 0; i < 10000; i++)
		iocsr_read64(EXTIOI_CORE_ISR);
	print("# IOCSR read (EXTIOI ISR): %ld ticks for 1000\n", (rdtime() - start - empty) / 10);
	start = rdtime();
	for (unsigned i = 0; i < 10000; i++)
		iocsr_write32(IPI_CLEAR, 0);
	print("# IOCSR write (IPI clear): %ld ticks for 1000\n", (rdtime() - start - empty) / 10);
	start = rdtime();
	for (unsigned i = 0; i < 10000; i++)
		ipi_send(0, 0);
	print("# IOCSR write (IPI_Send): %ld ticks for 1000\n", (rdtime() - start - empty) / 10);
	iocsr_write32(IPI_CLEAR, ~0u);
	on_all(leave);
}

void suite(void)
{
	csr_write(CSR_TICLR, 1);
	interrupt_hook = handler;
	cores_init();
	chip_name = iocsr_read64(CHIP_NAME);
	extioi_setup(1);
	iocsr_write64(CHIP_MISC, iocsr_read64(CHIP_MISC) | 1ull << 51);
	store32(PIC_MASK, ~0u);
	for (unsigned i = 0; i < TURNS && !bad_enters && !bad_leaves; i++)
		turn();
	check_equal(bad_enters, 0, "the hypervisor takes all cores over, a hundred times");
	check_equal(bad_registers, 0, "each core finds its CSRs as they were");
	check_equal(bad_clocks, 0, "the counter goes on");
	check_equal(bad_units, 0, "FP and vector registers are as they were, both ways");
	check_equal(bad_timers, 0, "a running timer interrupts once and not early, taken over or not");
	check_equal(bad_ipis, 0,
		    "IPIs from core to core come, by the emulated controllers and by hardware's");
	check_equal(bad_messages, 0, "message interrupts come, and are not lost on the way");
	check_equal(bad_idle, 0, "idle ends with a timer");
	check_equal(bad_uart, 0, "the UART's interrupt comes through PCH-PIC and EXTIOI");
	check_equal(bad_mmio, 0, "registers of devices and the chip's name can be read");
	check_equal(bad_calls, 0, "hypercalls are answered, unknown ones with ENOSYS");
	check_equal(bad_cpucfg, 0, "cpucfg says that this is a cell and that there is no LVZ");
	check_equal(bad_gcsr, 0, "instructions of LVZ are undefined ones");
	check_equal(bad_leaves, 0, "the hypervisor gives all cores back");
	check_equal(bad_root_registers, 0, "CSRs are as they were in the guest");
	check_equal(bad_root_gcsr, 0, "LVZ is the program's again, and off");
	if (!bad_enters && !bad_leaves)
		costs();
}
