/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The guests' kernel: small tests of what a kernel lives on, each of which reports a sentence and whether it
 * holds. Both guests run this same image, on two processors each, with addresses, ASIDs and register numbers
 * alike: whatever leaks from one into the other is somebody else's value in the place of one's own.
 */
#include "guest.h"
#include "machine.h"

#define UNCACHED(gpa) (0x8000000000000000 | (gpa))
#define TICK	      100000 /* 1 ms */
#define TCFG_EN	      1
#define TCFG_PERIODIC 2
#define TEST_GPA      0x300000 /* memory to be tested, TEST_SIZE for each processor */
#define TEST_SIZE     0x30000
#define NOWHERE_GPA   0x0f000008
#define MAPPED	      0x40000000 /* a virtual address of everybody's own */
#define ROUNDS	      20
#define TABLE_ENTRIES 2048
#define iocsr_write   __builtin_loongarch_iocsrwr_w

void boot_main(uint64_t number);
void second_main(void);
void kernel_trap(void);
void second_start(void);
void vectors_fill(uint64_t seed);
unsigned vectors_differ(uint64_t seed);

static uint64_t guest; /* 1, 2 */
static volatile bool second_alive, second_may_stop, second_stops;
static volatile uint32_t shared;

static struct percpu {
	volatile unsigned ticks, ipis, uart_interrupts, exceptions, code, increments;
	volatile uint64_t badv;
} percpus[VCPUS];

static const char *volatile uart_text;
static volatile uint64_t page_table[VCPUS][TABLE_ENTRIES] __attribute__((aligned(0x4000)));
static volatile uint64_t pages[VCPUS][2 * 0x4000 / 8] __attribute__((aligned(0x8000)));

static unsigned cpu_number(void)
{
	return csr_read(CSR_CPUID);
}

static struct percpu *percpu(void)
{
	return &percpus[cpu_number()];
}

/* A number that no other processor of any guest has. */
static uint64_t identity(void)
{
	return guest << 40 | (uint64_t)cpu_number() << 32;
}

#define hypercall(number, first, second)                                                                     \
	({                                                                                                   \
		register uint64_t a0_ __asm__("$a0") = (first);                                              \
		register uint64_t a1_ __asm__("$a1") = (second);                                             \
		__asm__ volatile("hvcl %1" : "+r"(a0_) : "i"(number), "r"(a1_) : "memory");                  \
		a0_;                                                                                         \
	})

static void report(bool holds, const char *sentence)
{
	hypercall(HVCL_REPORT, PHYSICAL(sentence), holds);
}

static void console_print(const char *text)
{
	while (*text)
		hypercall(HVCL_PUT_CHAR, (uint8_t)*text++, 0);
}

static uint8_t uart_in(unsigned reg)
{
	return *(volatile uint8_t *)UNCACHED(UART_GPA + reg);
}

static void uart_out(unsigned reg, uint8_t value)
{
	*(volatile uint8_t *)UNCACHED(UART_GPA + reg) = value;
}

/* The transmitter is empty: the next character, or no more interrupts. */
static void uart_interrupt(void)
{
	if (uart_in(UART_IIR) != 2)
		return;
	percpu()->uart_interrupts++;
	if (*uart_text)
		uart_out(UART_THR, *uart_text++);
	else
		uart_out(UART_IER, 0);
}

/* Processor 1 answers each IPI with one. */
static void ipi_interrupt(void)
{
	iocsr_write(~0u, IOCSR_IPI_CLEAR);
	percpu()->ipis++;
	if (cpu_number())
		iocsr_write(1u << 31 | 0 << 16 | 1, IOCSR_IPI_SEND);
}

/* Called from kernel_start.S. */
void kernel_trap(void)
{
	uint64_t estat = csr_read(CSR_ESTAT), pending = estat & csr_read(CSR_ECFG);
	struct percpu *cpu = percpu();

	if (estat >> 16 & 0x3f) {
		cpu->exceptions++;
		cpu->code = (estat >> 16 & 0x3f) | (estat >> 22 & 0x1ff) << 8;
		cpu->badv = csr_read(CSR_BADV);
		csr_write(CSR_ERA, csr_read(CSR_ERA) + 4);
		return;
	}
	if (pending & IS_TI) {
		csr_write(CSR_TICLR, 1);
		cpu->ticks++;
	}
	if (pending & IS_IPI)
		ipi_interrupt();
	if (pending & IS_UART)
		uart_interrupt();
}

static void interrupts_on(void)
{
	csr_change(CSR_CRMD, 4, 4);
}

static void interrupts_off(void)
{
	csr_change(CSR_CRMD, 0, 4);
}

/* Sleeps until the next interrupt.  One that comes just before is slept over, until the next tick. */
static void doze(void)
{
	__asm__ volatile("idle 0" ::: "memory");
}

/* Works, as far as the hypervisor can see, for that many more ticks. */
static bool wait_for_ticks(unsigned count, bool asleep, bool (*holds)(void))
{
	unsigned end = percpu()->ticks + count;
	bool held = true;

	while (percpu()->ticks < end) {
		if (asleep)
			doze();
		if (holds && !holds())
			held = false;
	}
	return held;
}

/* The processor is the one below but for LVZ, and says whose guest it is; root's registers are not there. */
static void test_discovery(void)
{
	uint64_t gstat = ~0ull;

	report(cpucfg(SIGNATURE_WORD) == SIGNATURE, "cpucfg names the hypervisor");
	report((cpucfg(2) >> 10 & 0xf) == 0 && (cpucfg(2) & 1) == 1, "cpucfg 2 has FP but not LVZ");
	report(__builtin_loongarch_iocsrrd_w(IOCSR_FEATURES) >> 11 & 1, "IOCSR features name a guest");
	__asm__ volatile("csrrd %0, 0x50" : "+r"(gstat)); /* GSTAT */
	report(gstat == 0, "GSTAT reads 0");
	report(hypercall(0x7fff, 0, 0) == ~0ull, "an unknown hypercall returns -1");
}

static void test_clock(void)
{
	uint64_t now = rdtime();

	report(now >= CLOCK_START(guest) && now < CLOCK_START(guest) + 100 * CLOCK_HZ,
	       "the clock begins where the hypervisor has set it");
}

/* A slice of the core is shorter than this wait, so the timer has been saved and restored. */
static void test_countdown(void)
{
	uint64_t start, passed;

	csr_write(CSR_TCFG, 100 * CLOCK_HZ | TCFG_EN);
	start = rdtime();
	wait_ticks(10 * TICK);
	passed = rdtime() - start;
	report(csr_read(CSR_TVAL) < 100 * CLOCK_HZ - passed / 2,
	       "a timer counts on while others have the core");
}

/* Idles until a one-shot timer of @ticks has expired.  True: an SC behind an IDLE failed. */
static bool idle_through(uint64_t ticks)
{
	uint32_t word = 0;
	bool lost = false;

	csr_write(CSR_TCFG, ticks | TCFG_EN);
	while (!(csr_read(CSR_ESTAT) & IS_TI)) {
		uint32_t stored = 1;

		__asm__ volatile("ll.w $zero, %1, 0; idle 0; sc.w %0, %1, 0"
				 : "+r"(stored)
				 : "r"(&word)
				 : "memory");
		lost |= !stored;
	}
	csr_write(CSR_TICLR, 1);
	return lost;
}

/* A one-shot timer ends idle with interrupts off, then stays silent.  Whoever sleeps has lost its LLbit. */
static void test_one_shot(void)
{
	bool lost = false;

	csr_write(CSR_ECFG, IS_TI);
	/* On a busy host the timer may expire before IDLE, which then does not sleep. */
	for (uint64_t ticks = TICK; !lost && ticks <= 64 * TICK; ticks *= 2)
		lost = idle_through(ticks);
	report(lost, "an SC does not succeed for the LL before a world switch");
	report(csr_read(CSR_TVAL) > TICK, "a one-shot timer ends idle with interrupts off");
	wait_ticks(5 * TICK); /* others have the core meanwhile */
	report(!(csr_read(CSR_ESTAT) & IS_TI), "an acknowledged one-shot timer does not come back");
}

/* From here on there are ticks. */
static void test_ticks(void)
{
	uint64_t start = rdtime();

	csr_write(CSR_TCFG, TICK | TCFG_EN | TCFG_PERIODIC);
	interrupts_on();
	wait_for_ticks(10, true, 0);
	report(rdtime() - start >= 10 * TICK, "ten ticks take ten milliseconds or more");
}

static volatile uint64_t *test_memory(void)
{
	return (volatile uint64_t *)CACHED(TEST_GPA + TEST_SIZE * cpu_number());
}

/* The first touch of each page is a stage-2 fault. */
static void test_memory_fill(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < TEST_SIZE / 8; i++)
		sum |= test_memory()[i];
	report(sum == 0, "memory is zero at first");
	for (unsigned i = 0; i < TEST_SIZE / 8; i++)
		test_memory()[i] = identity() + i;
}

static void test_memory_again(void)
{
	unsigned different = 0;

	for (unsigned i = 0; i < TEST_SIZE / 8; i++)
		different += test_memory()[i] != identity() + i;
	report(different == 0, "memory still holds what was written");
}

/* Neither memory nor a device: the hypervisor makes an exception of its stage-2 fault. */
static void test_nowhere(void)
{
	*(volatile uint64_t *)CACHED(NOWHERE_GPA) = 1;
	report(percpu()->exceptions == 1 && percpu()->code == EXC_ADEM && percpu()->badv == NOWHERE_GPA,
	       "a store to nowhere raises ADEM");
}

static bool mapping_holds(void)
{
	volatile uint64_t *mapped = (volatile uint64_t *)MAPPED;

	return mapped[0] == identity() + 1 && mapped[0x4000 / 8] == identity() + 2;
}

/* Page tables of the guest's own, above those of the hypervisor: stage 1.  Two pages, in swapped order. */
static void test_mapping(void)
{
	unsigned cpu = cpu_number();
	volatile uint64_t *page = pages[cpu];

	page_table[cpu][0] = PHYSICAL(page + 0x4000 / 8) | PAGE_RW;
	page_table[cpu][1] = PHYSICAL(page) | PAGE_RW;
	csr_write(CSR_PGDL, PHYSICAL(page_table[cpu]));
	csr_write(CSR_PWCL, 14 | 11 << 5);
	csr_write(CSR_STLBPS, 14);
	csr_write(CSR_TLBREHI, 14);
	csr_write(CSR_ASID, 1);
	page[0x4000 / 8] = identity() + 1;
	page[0] = identity() + 2;
	report(mapping_holds(), "a mapped address leads to its page");
	report(wait_for_ticks(5, false, mapping_holds), "a mapping stays one's own over world switches");
}

static void test_vectors(void)
{
	uint64_t seed = identity() * 3 + guest + cpu_number();

	csr_write(CSR_EUEN, 7);
	vectors_fill(seed);
	wait_for_ticks(5, false, 0);
	report(vectors_differ(seed) == 0, "FP and vector registers stay one's own while working");
	wait_for_ticks(5, true, 0);
	report(vectors_differ(seed) == 0, "FP and vector registers stay one's own while asleep");
}

/* Both processors at one word.  An SC after another vCPU has had the core must fail. */
static void increment_shared(void)
{
	unsigned end = percpu()->ticks + 6;

	for (; percpu()->ticks < end; percpu()->increments++)
		__asm__ volatile(
			"1: ll.w $t0, %0, 0; addi.w $t0, $t0, 1; sc.w $t0, %0, 0; beqz $t0, 1b" ::"r"(&shared)
			: "$t0", "memory");
}

/* A line by interrupts: each character is an exit, an interrupt, and an exit that asks why. */
static void test_uart(void)
{
	const char *text = guest == 1 ? "one by one\n" : "two by two\n";

	uart_text = text;
	csr_change(CSR_ECFG, IS_UART, IS_UART);
	uart_out(UART_IER, IER_THRE);
	while (uart_in(UART_IER))
		doze();
	report(!*uart_text && percpu()->uart_interrupts == (unsigned)(uart_text - text) + 1,
	       "the UART interrupts once a character and once when done");
}

/* An IPI wakes the other processor, a mailbox tells it where to go. */
static void second_boot(void)
{
	uint64_t entry = ADDRESS(second_start);

	for (unsigned half = 2; half--;)
		__builtin_loongarch_iocsrwr_d((entry >> (32 * half)) << 32 | 1u << 31 | 1 << 16 | half << 2,
					      IOCSR_MAIL_SEND);
	iocsr_write(1u << 31 | 1 << 16 | 0, IOCSR_IPI_SEND);
	while (!second_alive) /* busily: on one core it is pre-emption that lets processor 1 run */
		;
	report(second_alive, "a mailbox and an IPI start processor 1");
}

static void test_ipis(void)
{
	unsigned answers = 0;

	iocsr_write(~0u, IOCSR_IPI_EN);
	csr_change(CSR_ECFG, IS_IPI, IS_IPI);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		iocsr_write(1u << 31 | 1 << 16 | 1, IOCSR_IPI_SEND);
		while (percpu()->ipis < round)
			doze();
		answers += percpus[1].ipis == round;
	}
	report(answers == ROUNDS, "each IPI is answered by one");
}

/* What both processors do. */
static void test_processor(void)
{
	test_clock();
	test_countdown();
	test_one_shot();
	test_ticks();
	test_memory_fill();
	test_mapping();
	test_vectors();
	increment_shared();
	test_memory_again();
	report(percpu()->exceptions == !cpu_number(), "no exception comes that was not asked for");
}

static void __attribute__((noreturn)) power_off(void)
{
	interrupts_off();
	for (;;)
		hypercall(HVCL_OFF, 0, 0);
}

/* Processor 1, with the stack that its start-up gave it. */
void second_main(void)
{
	second_alive = true;
	test_processor();
	csr_change(CSR_ECFG, IS_IPI, IS_IPI);
	while (!second_may_stop)
		doze();
	second_stops = true;
	power_off();
}

/* Processor 0. */
void boot_main(uint64_t number)
{
	guest = number;
	console_print(guest == 1 ? "I am guest one\n" : "I am guest two\n");
	test_discovery();
	test_nowhere();
	second_boot();
	test_processor();
	test_uart();
	test_ipis();
	second_may_stop = true;
	while (!second_stops)
		doze();
	report(shared == percpus[0].increments + percpus[1].increments,
	       "increments by LL and SC of both processors are all counted");
	console_print("good night\n");
	power_off();
}
