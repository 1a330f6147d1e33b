/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What exits and interrupts cost, in instructions, for a machine in deterministic mode, whose counter's tick
 * is ten of them.  The same program runs on the bare machine ("bare"), where it then loads the hypervisor and
 * becomes its root cell ("root"), as another cell ("cell"), and as a guest of Linux' KVM ("kvm").  Prints
 * lines
 * "= PLACE NAME INSTRUCTIONS".
 *
 * What else happens on the machine (Linux' ticks) would be measured, too, hence the least of several batches.
 */
#include "tests/guest/hv/linux.h"

#define KVM_SIGNATURE 0x4d564b
#define BATCHES	      30
#define TIMES	      100 /* in a batch: a tick more in all is a tenth of an instruction each */
#define CYCLES	      20  /* enabling and disabling */
#define LEAF	      0x2000000
#define PAGE	      0x4000
#define PAGES	      64	/* in a batch */
#define FRESH	      0x1c00000 /* memory that nobody has touched: of a cell, of KVM's guest */
#define FRESH_END     0x2400000
#define A_WHILE	      20000000 /* ticks, until Linux beside the cell has nothing to do */
#define SPAN	      400      /* ticks, of a timer */
#define IS_TI	      (1 << 11)
#define VECTOR	      0 /* of EXTIOI, the first of the cell's */
#define UART_VECTOR   5
#define PIN	      (1u << PIN_UART0)

extern const char quick_entry[];

static const char *place;

static void report(const char *name, uint64_t tenths)
{
	print("= %s %s %ld.%ld\n", place, name, tenths / 10, tenths % 10);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Ticks of the quickest batch. */
#define BATCH(statement)                                                                                     \
	({                                                                                                   \
		uint64_t best_ = ~0ull;                                                                      \
		for (unsigned batch_ = 0; batch_ < BATCHES; batch_++) {                                      \
			uint64_t start_ = rdtime();                                                          \
			for (unsigned i_ = 0; i_ < TIMES; i_++) {                                            \
				statement;                                                                   \
				__asm__ volatile("");                                                        \
			}                                                                                    \
			best_ = least(best_, rdtime() - start_);                                             \
		}                                                                                            \
		best_;                                                                                       \
	})
/* The instruction @text of t0 and t1, less what it takes to set those.  Handlers use such registers. */
#define SET_AND_DO(t0_value, t1_value, text)                                                                 \
	({                                                                                                   \
		register uint64_t t0_ __asm__("t0") = t0_value, t1_ __asm__("t1") = t1_value;                \
		__asm__ volatile(text : "+r"(t0_), "+r"(t1_)::"s0");                                         \
	})
#define MEASURE_ONE(name, t0_value, t1_value, text)                                                          \
	report(name, BATCH(SET_AND_DO(t0_value, t1_value, text)) - BATCH(SET_AND_DO(t0_value, t1_value, "")))

/* @text, an hvcl, with a0 to a2; result: in a0. */
#define CALL(number, text)                                                                                   \
	({                                                                                                   \
		register uint64_t a0_ __asm__("a0") = number, a1_ __asm__("a1") = 0, a2_ __asm__("a2") = 0;  \
		__asm__ volatile(text : "+r"(a0_) : "r"(a1_), "r"(a2_) : "memory");                          \
	})
#define MEASURE_CALL(number, text) report("hypercall", BATCH(CALL(number, text)) - BATCH(CALL(number, "")))
#define KVM_NO_SERVICE		   12345

/* Instructions that are not the guest's. */
static void exits(void)
{
	if (place[0] == 'k')
		MEASURE_CALL(KVM_NO_SERVICE, ".word 0x002b8100");
	else if (place[0] != 'b')
		MEASURE_CALL(HC_NOP, ".word 0x002bca48");
	MEASURE_ONE("iocsr-read-ipi-status", IPI_STATUS, 0, "iocsrrd.w %1, %0");
	MEASURE_ONE("iocsr-write-ipi-clear", IPI_CLEAR, 0, "iocsrwr.w %1, %0");
	MEASURE_ONE("iocsr-write-ipi-send", IPI_SEND, 0, "iocsrwr.w %1, %0");
	iocsr_write32(IPI_CLEAR, ~0u);
	MEASURE_ONE("iocsr-read-vectors", EXTIOI_CORE_ISR, 0, "iocsrrd.d %1, %0");
	MEASURE_ONE("iocsr-write-vectors", EXTIOI_CORE_ISR, 0, "iocsrwr.d %1, %0");
	MEASURE_ONE("iocsr-read-vectors-s0", EXTIOI_CORE_ISR, 0, "iocsrrd.d $s0, %0");
	MEASURE_ONE("cpucfg", 1, 0, "cpucfg %1, %0");
}

/* Ticks until the handler was entered, of the best batch's @TIMES.  @cause is tried at all phases of the
 * counter. */
static uint64_t interrupts(uint64_t line, void (*cause)(void), void (*clear)(void), bool idle)
{
	uint64_t best = ~0ull, entry = csr_swap(CSR_EENTRY, ADDRESS(quick_entry));

	csr_write(CSR_ECFG, line);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < TIMES; i++) {
			uint64_t start;

			for (volatile unsigned phase = 0; phase < i % 10; phase++)
				;
			csr_write(CSR_SAVE0 + 1, 0);
			csr_change(CSR_CRMD, 4, 4);
			start = rdtime();
			cause();
			while (!csr_read(CSR_SAVE0 + 1))
				if (idle)
					__asm__ volatile("idle 0");
			sum += csr_read(CSR_SAVE0 + 1) - start;
			clear();
		}
		best = least(best, sum);
	}
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_EENTRY, entry);
	return best;
}

static void timer_cause(void)
{
	csr_write(CSR_TCFG, SPAN | 3); /* again and again: one may come before idle */
}

static void timer_clear(void)
{
	csr_write(CSR_TCFG, 0);
	csr_write(CSR_TICLR, 1);
}

static void ipi_cause(void)
{
	ipi_send(0, 1);
}

static void ipi_take(void)
{
	iocsr_write32(IPI_CLEAR, ~0u);
}

static void vector_cause(void)
{
	iocsr_write32(EXTIOI_SEND, VECTOR);
}

static void vector_clear(void)
{
	extioi_ack(VECTOR);
}

static void uart_cause(void)
{
	store8(UART0 + UART_IER, 2);
}

static void uart_clear(void)
{
	store8(UART0 + UART_IER, 0);
	store32(PIC_CLEAR, PIN);
	extioi_ack(UART_VECTOR);
}

static void uart_setup(void)
{
	store32(PIC_EDGE, load32(PIC_EDGE) & ~PIN);
	store8(PIC_VECTOR + PIN_UART0, UART_VECTOR);
	store32(PIC_HTMSI_EN, load32(PIC_HTMSI_EN) | PIN);
	store32(PIC_MASK, ~PIN);
}

/* Why this CPU was left so far, the question included. */
static long exit_count(void)
{
	return hvcl(HC_CPU_GET_INFO, 0, HC_CPU_STAT_BASE + HV_STAT_TOTAL);
}

static void all_interrupts(void)
{
	bool kvm = place[0] == 'k', cell = place[0] == 'c' || place[0] == 'r';
	long before = cell ? exit_count() : 0;
	uint64_t ticks = interrupts(IS_TI, timer_cause, timer_clear, false);

	if (cell) /* 0 if no interrupt costs one: what is left is the second question */
		report("exits-per-1000-timer-interrupts",
		       (uint64_t)(exit_count() - before - 1) * 10000 / (BATCHES * TIMES));
	report("timer-to-handler", ticks - SPAN * TIMES);
	report("timer-to-handler-from-idle",
	       interrupts(IS_TI, timer_cause, timer_clear, true) - SPAN * TIMES);
	iocsr_write32(IPI_ENABLE, ~0u);
	report("ipi-to-handler", interrupts(ESTAT_IPI, ipi_cause, ipi_take, false));
	if (kvm)
		return;
	iocsr_write32(EXTIOI_ENABLE, ~0u);
	iocsr_write32(EXTIOI_ROUTE, 0x01010101);
	report("extioi-to-handler", interrupts(HWI(1), vector_cause, vector_clear, false));
	if (place[0] == 'c')
		return;
	uart_setup();
	report("uart-to-handler", interrupts(HWI(1), uart_cause, uart_clear, false));
	store32(PIC_MASK, ~0u);
}

/* Ticks to write to each @stride once. */
static uint64_t touch(uint64_t from, uint64_t to, uint64_t stride)
{
	uint64_t start = rdtime();

	for (; from < to; from += stride)
		store64(CACHED(from), 1);
	return rdtime() - start;
}

/* The second time nothing is missing. */
static void first_touches(void)
{
	uint64_t best = ~0ull, first;

	for (uint64_t at = FRESH; at < FRESH_END; at += PAGES * PAGE) {
		first = touch(at, at + PAGES * PAGE, PAGE);
		best = least(best, first - touch(at, at + PAGES * PAGE, PAGE));
	}
	report("first-touch-16k", best * 100 / PAGES);
}

static void enter_and_leave(void)
{
	const uint64_t from = HV_BASE + LEAF, leaves = (LOW_RAM - from) / LEAF;
	uint64_t enable = ~0ull, disable = ~0ull, first = 0, again = 0, start;

	for (unsigned i = 0; i < CYCLES; i++) {
		hv_load();
		start = rdtime();
		if (hv_enter(0)) {
			print("the hypervisor cannot be entered\n");
			return;
		}
		enable = least(enable, rdtime() - start);
		first += touch(from, LOW_RAM, LEAF);
		again += touch(from, LOW_RAM, LEAF);
		start = rdtime();
		hvcl(HC_DISABLE, 0, 0);
		disable = least(disable, rdtime() - start);
		for (volatile unsigned phase = 0; phase < i % 10; phase++)
			;
	}
	place = "root";
	report("enable", enable * 100);
	report("disable", disable * 100);
	report("first-touch-32m", (first - again) * 100 / (CYCLES * leaves));
}

static void measure(const char *where)
{
	place = where;
	exits();
	all_interrupts();
}

static void stay(void)
{
	print("= end\n");
	for (;;)
		__asm__ volatile("idle 0");
}

void suite(void)
{
	uint32_t signature = cpucfg(HYPERCALL_CPUCFG);

	if (signature == HYPERCALL_CPUCFG_SIGNATURE) {
		place = "cell";
		wait_ticks(A_WHILE);
		first_touches();
		measure("cell");
		stay();
	}
	if (signature == KVM_SIGNATURE) {
		place = "kvm";
		first_touches();
		measure("kvm");
		return;
	}
	cores_init();
	extioi_setup(1);
	measure("bare");
	enter_and_leave();
	hv_load();
	if (hv_enter(0))
		return;
	measure("root");
}
