/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Four cores at one counter: a million increments a core by each means there is, and not one is lost.
 * Secondary cores wait in the boot ROM for an entry address in their mailbox and an IPI.
 */
#include "guest.h"

#define CORES		 4
#define TURNS		 1000000
#define IOCSR_IPI_SEND	 0x1040
#define IOCSR_MAIL_SEND	 0x1048
#define IOCSR_IPI_ENABLE 0x1004

void secondary_start(void);

static struct {
	volatile uint64_t value __attribute__((aligned(64)));
	volatile uint64_t other; /* in the same line */
	volatile uint32_t lock __attribute__((aligned(64)));
	volatile uint32_t phase __attribute__((aligned(64))); /* which means is being tested */
	volatile uint32_t ready __attribute__((aligned(64))), done;
	volatile bool started[CORES];
	volatile uint64_t private[CORES] __attribute__((aligned(64)));
} shared;

static unsigned turns(void)
{
	return on_qemu ? TURNS / 10 : TURNS;
}

static void add(volatile uint32_t *word, uint32_t n)
{
	__asm__ volatile("amadd_db.w $zero, %1, %0" ::"r"(word), "r"(n) : "memory");
}

static void by_ll_w(unsigned core)
{
	for (unsigned i = turns(); i; i--)
		__asm__ volatile(
			"1: ll.w $t0, %0, 0; addi.w $t0, $t0, 1; sc.w $t0, %0, 0; beqz $t0, 1b" ::"r"(
				&shared.value)
			: "$t0", "memory");
}

static void by_ll_d(unsigned core)
{
	for (unsigned i = turns(); i; i--)
		__asm__ volatile(
			"1: ll.d $t0, %0, 0; addi.d $t0, $t0, 1; sc.d $t0, %0, 0; beqz $t0, 1b" ::"r"(
				&shared.value)
			: "$t0", "memory");
}

static void by_amadd_w(unsigned core)
{
	for (unsigned i = turns(); i; i--)
		__asm__ volatile("amadd.w $zero, %1, %0" ::"r"(&shared.value), "r"(1) : "memory");
}

static void by_amadd_d(unsigned core)
{
	for (unsigned i = turns(); i; i--)
		__asm__ volatile("amadd_db.d $zero, %1, %0" ::"r"(&shared.value), "r"(1ul) : "memory");
}

static void by_amswap_lock(unsigned core)
{
	for (unsigned i = turns(); i; i--) {
		uint32_t taken;

		do
			__asm__ volatile("amswap_db.w %0, %2, %1"
					 : "=&r"(taken)
					 : "r"(&shared.lock), "r"(1)
					 : "memory");
		while (taken);
		shared.value++;
		__asm__ volatile("dbar 0" ::: "memory");
		shared.lock = 0;
	}
}

/* A lock of LL/SC, given up with a plain store to the word that others have reserved. */
static void by_ll_lock(unsigned core)
{
	for (unsigned i = turns(); i; i--) {
		__asm__ volatile(
			"1: ll.w $t0, %0, 0; bnez $t0, 1b; ori $t0, $zero, 1; sc.w $t0, %0, 0; beqz $t0, 1b;"
			"dbar 0" ::"r"(&shared.lock)
			: "$t0", "memory");
		shared.value++;
		__asm__ volatile("dbar 0" ::: "memory");
		shared.lock = 0;
	}
}

static void by_amcas(unsigned core)
{
	for (unsigned i = turns(); i; i--) {
		uint64_t old = shared.value, seen;

		do {
			seen = old;
			/* amcas.d old, new, address */
			__asm__ volatile("move $t0, %0; addi.d $t1, %0, 1; move $t2, %1; .word 0x3859b5cc; "
					 "move %0, $t0"
					 : "+r"(old)
					 : "r"(&shared.value)
					 : "$t0", "$t1", "$t2", "memory");
		} while (old != seen);
	}
}

/* LL/SC on one word while the neighbour in the line is stored to: no SC may write back an old neighbour. */
static void by_neighbours(unsigned core)
{
	for (unsigned i = turns(); i; i--) {
		__asm__ volatile(
			"1: ll.d $t0, %0, 0; addi.d $t0, $t0, 1; sc.d $t0, %0, 0; beqz $t0, 1b" ::"r"(
				&shared.value)
			: "$t0", "memory");
		shared.private[core]++;
	}
}

static const struct {
	void (*run)(unsigned core);
	const char *sentence;
	bool needs_amcas;
} means[] = {
	{ by_ll_w, "four cores' increments by ll.w and sc.w are all counted", false },
	{ by_ll_d, "four cores' increments by ll.d and sc.d are all counted", false },
	{ by_amadd_w, "four cores' increments by amadd.w are all counted", false },
	{ by_amadd_d, "four cores' increments by amadd_db.d are all counted", false },
	{ by_amswap_lock, "four cores' increments under a lock of amswap_db.w are all counted", false },
	{ by_ll_lock, "four cores' increments under a lock of ll.w and sc.w are all counted", false },
	{ by_amcas, "four cores' increments by amcas.d are all counted", true },
	{ by_neighbours, "increments by ll.d and sc.d do not disturb stores beside them", false },
};

#define MEANS (sizeof(means) / sizeof(means[0]))

static void part(unsigned core, unsigned phase)
{
	while (shared.phase != phase)
		;
	means[phase - 1].run(core);
	add(&shared.done, 1);
}

void secondary_main(unsigned core)
{
	shared.started[core] = true;
	add(&shared.ready, 1);
	for (unsigned phase = 1; phase <= MEANS; phase++)
		if (!means[phase - 1].needs_amcas || cpucfg(2) >> 28 & 1)
			part(core, phase);
	for (;;)
		__asm__ volatile("idle 0");
}

static void start_core(unsigned core, uint64_t entry)
{
	for (unsigned half = 2; half--;)
		__builtin_loongarch_iocsrwr_d(
			(entry >> (32 * half)) << 32 | 1u << 31 | core << 16 | half << 2, IOCSR_MAIL_SEND);
	__builtin_loongarch_iocsrwr_w(1u << 31 | core << 16, IOCSR_IPI_SEND);
}

void suite(void)
{
	uint64_t limit = rdtime() + 500000000; /* 5 s */

	/* A core that has yet to reach the ROM's loop clears its mailbox there: ask again. */
	while (shared.ready < CORES - 1 && rdtime() < limit) {
		for (unsigned core = 1; core < CORES; core++)
			if (!shared.started[core])
				start_core(core, PHYSICAL(secondary_start));
		wait_ticks(1000000);
	}
	check_equal(shared.ready, CORES - 1, "a mailbox and an IPI start each secondary core");
	if (shared.ready < CORES - 1)
		return;
	for (unsigned phase = 1; phase <= MEANS; phase++) {
		if (means[phase - 1].needs_amcas && !(cpucfg(2) >> 28 & 1)) {
			skip(means[phase - 1].sentence, "CPUCFG has no LAMCAS");
			continue;
		}
		shared.value = 0;
		shared.lock = 0;
		shared.done = 0;
		__asm__ volatile("dbar 0" ::: "memory");
		shared.phase = phase;
		part(0, phase);
		while (shared.done != CORES)
			;
		__asm__ volatile("dbar 0" ::: "memory");
		check_equal(shared.value, (uint64_t)CORES * turns(), means[phase - 1].sentence);
	}
	for (unsigned core = 0; core < CORES; core++)
		if (shared.private[core] != turns())
			check_equal(shared.private[core], turns(),
				    "a core's own count beside the contended words is right");
}
