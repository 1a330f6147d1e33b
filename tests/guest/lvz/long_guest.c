/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Not a suite: guests for tests/boot/snapshot.sh, which saves the machine while they run, and they nearly
 * always do.  Each has its timer, an injected line, an LL that mostly waits for its SC, and a CPUID that is
 * not its core's; what it computes depends on the time of everything.
 */
#include "lvz.h"

#define PERIOD	    0x1000 /* of the guests' timers: 41 us */
#define ROOT_PERIOD 0x4000 /* of root's */
#define TURNS	    300000
#define FACTOR	    0x5851f42d4c957f2dull
#define RUNS	    3 /* EN, periodic */
#define CRMD_IE	    4
#define TI	    (1u << 11)
#define INJECTED    2	/* HWI2 */
#define WAIT	    200 /* turns of a loop between LL and SC */

static volatile uint64_t counted, result[2];
static volatile uint32_t second_started, second_done;

/* Runs in the guest. */
static uint64_t work(uint64_t turns, uint64_t x)
{
	uint64_t done, old;

	csr_write(CSR_ECFG, TI | 4u << INJECTED);
	csr_write(CSR_TCFG, PERIOD | RUNS);
	while (turns--) {
		x = (x ^ rdtime()) * FACTOR + csr_read(CSR_TVAL) + csr_read(CSR_CPUID);
		do
			__asm__ volatile(
				"ll.d %1, %2, 0\n\tli.w $t0, %3\n1: addi.d $t0, $t0, -1\n\tbnez $t0, 1b\n\t"
				"addi.d %0, %1, 1\n\tsc.d %0, %2, 0"
				: "=&r"(done), "=&r"(old)
				: "r"(PHYSICAL(&counted)), "i"(WAIT)
				: "$t0", "memory");
		while (!done);
		x += old;
		/* One interrupt: the handler leaves IE clear. */
		csr_change(CSR_CRMD, CRMD_IE, CRMD_IE);
		x += guest_trap.estat;
		csr_write(CSR_TICLR, 1);
	}
	csr_write(CSR_TCFG, 0);
	return x + guest_trap.count;
}

static bool go_on(unsigned code)
{
	csr_write(CSR_TICLR, 1);
	return code == EXC_INT;
}

static void run_guest(unsigned core)
{
	lvz_setup();
	gcsr_write(CSR_CPUID, !core);
	csr_write(CSR_GINTC, 1u << INJECTED);
	csr_write(CSR_ECFG, TI);
	csr_write(CSR_TCFG, ROOT_PERIOD | RUNS);
	exit_hook = go_on;
	result[core] = guest_run(work, TURNS, core);
	csr_write(CSR_TCFG, 0);
}

void secondary_main(unsigned core)
{
	second_started = 1;
	run_guest(core);
	second_done = 1;
	for (;;)
		__asm__ volatile("idle 0");
}

void suite(void)
{
	while (!second_started) {
		core_start(1);
		wait_ticks(1000000);
	}
	print("@@ begin\n");
	run_guest(0);
	while (!second_done)
		;
	check_equal(counted, 2 * TURNS, "no turn of either guest is lost");
	print("@@ results %lx %lx\n", result[0], result[1]);
}
