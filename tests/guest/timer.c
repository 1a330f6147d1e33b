/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The stable counter and the constant timer: Vol.1 7.6, rdtime 2.2.10.4. */
#include "guest.h"

/* 40 ms: longer than the host may keep us waiting between two instructions. */
#define SHOT 4000000

static bool pending(void)
{
	return csr_read(CSR_ESTAT) >> 11 & 1;
}

static void wait_pending(uint64_t ticks)
{
	uint64_t start = rdtime();

	while (!pending() && rdtime() - start < ticks)
		;
}

static void counter(void)
{
	uint64_t a, b, id, low, high;

	a = rdtime();
	b = rdtime();
	check(b >= a, "the counter does not run backwards");
	wait_ticks(1000);
	check(rdtime() - a >= 1000, "the counter runs");
	csr_write(CSR_TID, 0x1234);
	__asm__ volatile("rdtime.d $zero, %0" : "=r"(id));
	check_equal(id, 0x1234, "rdtime.d gives TID as second result");
	csr_write(CSR_TID, 0);
	__asm__ volatile("rdtimel.w %0, $zero; rdtimeh.w %1, $zero" : "=r"(low), "=r"(high));
	check(high == (uint64_t)(int64_t)(int32_t)(rdtime() >> 32) && (int64_t)low == (int32_t)low,
	      "rdtimel.w and rdtimeh.w give its halves");
	a = rdtime();
	csr_write(CSR_CNTC, 1ull << 40);
	b = rdtime();
	csr_write(CSR_CNTC, 0);
	qemu_differs();
	check_equal((b - a) >> 40, 1, "CNTC is added to what rdtime reads");
}

static void one_shot(void)
{
	uint64_t start, value;

	csr_write(CSR_TICLR, 1);
	start = rdtime();
	csr_write(CSR_TCFG, SHOT | 1);
	value = csr_read(CSR_TVAL);
	check(value <= SHOT && value > 0, "TVAL counts down from InitVal");
	wait_ticks(1000);
	check(csr_read(CSR_TVAL) <= value - 1000, "TVAL follows the counter");
	check(!pending(), "no interrupt before 0");
	wait_pending(100 * SHOT);
	check(pending() && rdtime() - start >= SHOT, "at 0 the timer sets ESTAT bit 11");
	csr_write(CSR_TICLR, 0);
	check(pending(), "TICLR ignores a 0");
	csr_write(CSR_TICLR, 1);
	check(!pending(), "writing TICLR bit 0 clears it");
	wait_ticks(150000);
	check(!pending(), "a one-shot timer expires once");
	csr_write(CSR_TCFG, SHOT | 1);
	csr_write(CSR_TCFG, SHOT);
	wait_ticks(SHOT + 1000);
	check(!pending(), "clearing EN stops the timer");
	csr_write(CSR_TCFG, 400 | 1);
	wait_pending(10000000);
	csr_write(CSR_TCFG, 0);
	check(pending(), "what has expired stays pending when the timer is disabled");
	csr_write(CSR_TICLR, 1);
	csr_write(CSR_TCFG, 7);
	csr_write(CSR_TCFG, 0);
	csr_write(CSR_TICLR, 1);
}

static volatile unsigned ticks;

static void tick(struct trap_frame *frame)
{
	ticks++;
	csr_write(CSR_TICLR, 1);
}

static void periodic(void)
{
	uint64_t start, value, limit;

	csr_write(CSR_TICLR, 1);
	csr_write(CSR_ECFG, 1 << 11);
	interrupt_hook = tick;
	start = rdtime();
	csr_write(CSR_TCFG, 100000 | 3);
	csr_change(CSR_CRMD, 4, 4);
	for (limit = start + 100000000; ticks < 5 && rdtime() < limit;)
		;
	csr_change(CSR_CRMD, 0, 4);
	value = csr_read(CSR_TVAL);
	csr_write(CSR_TCFG, 0);
	interrupt_hook = 0;
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_TICLR, 1);
	check(ticks >= 5, "a periodic timer interrupts again and again");
	check(rdtime() - start >= 500000, "each time after its period");
	check(value <= 100000, "TVAL starts again at the period");
}

/* Interrupts that are due faster than any could be handled, and off: the processor goes on. */
static void shortest(void)
{
	unsigned n = 0;

	csr_write(CSR_TCFG, 4 | 3);
	while (n < 10000)
		__asm__ volatile("addi.w %0, %0, 1" : "+r"(n));
	csr_write(CSR_TCFG, 0);
	check(pending(), "a timer of the shortest period expires");
	csr_write(CSR_TICLR, 1);
	check_equal(n, 10000, "instructions go on being executed meanwhile");
}

/* A timer that is stopped about when it expires: its value and its interrupt agree. */
static void stopped(void)
{
	unsigned over = 0, lost = 0;

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t ticks = 4 + i % 64 * 4, value;

		csr_write(CSR_TICLR, 1);
		csr_write(CSR_TCFG, ticks | 1);
		for (volatile unsigned n = i % 61; n; n--)
			;
		csr_write(CSR_TCFG, 0);
		value = csr_read(CSR_TVAL);
		over += value > ticks;
		lost += value > ticks && !pending();
	}
	csr_write(CSR_TICLR, 1);
	qemu_differs();
	check(over > 0 && lost == 0, "who stops a timer that has expired has its interrupt");
}

/* The instruction after the RDTIME that first reads past the expiry already finds the interrupt taken. */
static void punctual(void)
{
	unsigned shots = 0, late = 0;

	csr_write(CSR_ECFG, 1 << 11);
	interrupt_hook = tick;
	csr_change(CSR_CRMD, 4, 4);
	for (; shots < 50; shots++) {
		uint64_t end;

		ticks = 0;
		csr_write(CSR_TCFG, 20000 | 1);
		end = rdtime() + 20000; /* not before the timer's own end */
		while (rdtime() < end)
			;
		late += ticks == 0;
	}
	csr_change(CSR_CRMD, 0, 4);
	csr_write(CSR_TCFG, 0);
	interrupt_hook = 0;
	csr_write(CSR_ECFG, 0);
	csr_write(CSR_TICLR, 1);
	qemu_differs();
	check_equal(late, 0, "who reads the counter past the timer's end has had its interrupt");
}

static void sleeping(void)
{
	uint64_t start;
	unsigned slept = 0;

	csr_write(CSR_ECFG, 1 << 11);
	start = rdtime();
	for (; slept < 10; slept++) {
		csr_write(CSR_TCFG, 20000 | 1);
		while (!pending())
			__asm__ volatile("idle 0");
		csr_write(CSR_TICLR, 1);
	}
	csr_write(CSR_ECFG, 0);
	check(rdtime() - start >= 10 * 20000, "ten sleeps of 200 us take at least 2 ms");
}

void suite(void)
{
	counter();
	one_shot();
	periodic();
	shortest();
	stopped();
	punctual();
	sleeping();
}
