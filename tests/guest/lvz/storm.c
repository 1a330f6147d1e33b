/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Many entries: a million hypercalls of four guests on each of two cores, whose pages move meanwhile, and
 * guest numbers used until they wrap around.
 */
#include "lvz.h"

#define GUESTS	   4
#define PWCH_HPTW  0x1000000
#define MOVE_EVERY 1024
#define PAGE	   0x40000000ull /* + 2 * S2_PAGE * core: where each guest has its memory */
#define WORDS	   64
#define FACTOR	   0x5851f42d4c957f2dull
#define ADDEND	   0x14057b7ef767814full

static struct {
	volatile uint32_t ready, phase, trips,
		done;		    /* done: the phase that the second core is through with */
	volatile uint64_t bad[2];   /* exits that were none of the expected hvcl, by core */
	volatile uint64_t turns[2]; /* what the guests counted in a register */
} shared;

/*
 * One step of a guest: a0 its memory, a1 FACTOR, a2 ADDEND.  The first word is a generator's state, whose
 * upper bits choose one of WORDS others to mix it into.  s0 counts.
 */
GUEST(do_step, "ld.d $t0, $a0, 0\n\tmul.d $t0, $t0, $a1\n\tadd.d $t0, $t0, $a2\n\tst.d $t0, $a0, 0\n\t"
	       "srli.d $t1, $t0, 58\n\tslli.d $t1, $t1, 3\n\tadd.d $t1, $t1, $a0\n\tld.d $t2, $t1, 0x400\n\t"
	       "xor $t2, $t2, $t0\n\tst.d $t2, $t1, 0x400\n\taddi.d $s0, $s0, 1\n\thvcl 2");
GUEST(do_exchange, "ld.d $t0, $a0, 0\n\tst.d $a1, $a0, 8\n\tmove $a0, $t0");

/* The memory of guest @n of @core has two places. */
static uint64_t place(unsigned core, unsigned n, unsigned which)
{
	return scratch(core * GUESTS + n) + which * S2_PAGE;
}

static uint64_t memory_of(unsigned core)
{
	return PAGE + 2 * S2_PAGE * core;
}

/* Moves guest @n's page; its table has been made before, so that this changes an entry and nothing else. */
static void page_move(unsigned core, unsigned n, unsigned from)
{
	uint64_t old = CACHED(place(core, n, from)), new = CACHED(place(core, n, !from));

	for (unsigned at = 0; at < 0x600; at += 8) {
		store64(new + at, load64(old + at));
		store64(old + at, ~0ull);
	}
	s2_map(memory_of(core), place(core, n, !from), PAGE_RW);
}

/*
 * This core's share.  A moved page is told to the TLB by invtlb 0x16, or as KVM does it, by a new GID for the
 * same table; all used up, one invtlb 0x12 and they begin anew.
 */
static void storm(unsigned core, unsigned trips)
{
	unsigned version[GUESTS] = { 0 }, where[GUESTS] = { 0 };

	guest.gpr[4] = memory_of(core);
	guest.gpr[5] = FACTOR;
	guest.gpr[6] = ADDEND;
	guest.gpr[23] = 0;
	for (unsigned trip = 0; trip < trips; trip++) {
		unsigned n = trip % GUESTS;

		s2_select(version[n] * 8 + n + 1);
		if (trip % MOVE_EVERY == MOVE_EVERY / 2 + n) {
			page_move(core, n, where[n]);
			where[n] = !where[n];
			if (trip / MOVE_EVERY % 2) {
				s2_flush(memory_of(core));
			} else {
				version[n] = (version[n] + 1) % 31;
				if (version[n] == 0)
					invtlb(0x12, 0, 0);
				s2_select(version[n] * 8 + n + 1);
			}
		}
		guest.pc = PHYSICAL(do_step);
		guest_enter();
		shared.bad[core] += !exited_by_hvcl(2);
	}
	shared.turns[core] = guest.gpr[23];
	for (unsigned n = 0; n < GUESTS; n++)
		if (where[n]) {
			s2_select(n + 1);
			page_move(core, n, 1);
		}
}

/* What the memory of guest @n must be after @steps. */
static bool memory_right(unsigned core, unsigned n, unsigned steps)
{
	uint64_t words[WORDS] = { 0 }, state = core * GUESTS + n;

	for (unsigned step = 0; step < steps; step++) {
		state = state * FACTOR + ADDEND;
		words[state >> 58] ^= state;
	}
	for (unsigned i = 0; i < WORDS; i++)
		if (load64(CACHED(place(core, n, 0) + 0x400 + 8 * i)) != words[i])
			return false;
	return load64(CACHED(place(core, n, 0))) == state;
}

static void prepare(unsigned cores)
{
	for (unsigned n = 0; n < GUESTS; n++) {
		s2_select(n + 1);
		for (unsigned core = 0; core < cores; core++) {
			memset((void *)CACHED(place(core, n, 0)), 0, 0x600);
			store64(CACHED(place(core, n, 0)), core * GUESTS + n);
			s2_map(memory_of(core), place(core, n, 0), PAGE_RW);
		}
	}
}

/* Once with the refill handler, once with root's page walker. */
enum { BY_HANDLER = 1, BY_WALKER, PHASES };

static void part(unsigned core, unsigned phase)
{
	lvz_setup();
	if (phase == BY_WALKER)
		csr_change(CSR_PWCH, PWCH_HPTW, PWCH_HPTW);
	storm(core, shared.trips);
	csr_change(CSR_PWCH, 0, PWCH_HPTW);
}

void secondary_main(unsigned core)
{
	shared.ready = 1;
	for (unsigned phase = BY_HANDLER; phase < PHASES; phase++) {
		while (shared.phase != phase)
			;
		part(core, phase);
		__asm__ volatile("dbar 0" ::: "memory");
		shared.done = phase;
	}
	for (;;)
		__asm__ volatile("idle 0");
}

static bool second_core(void)
{
	uint64_t start = rdtime();

	/* A core that has yet to reach the ROM's loop clears its mailbox there: ask again. */
	while (!shared.ready && rdtime() - start < 500000000) {
		core_start(1);
		for (uint64_t asked = rdtime(); !shared.ready && rdtime() - asked < 1000000;)
			;
	}
	return shared.ready;
}

static const struct {
	unsigned trips;
	const char *exits, *turns, *memory;
} storms[PHASES] = {
	[BY_HANDLER] = { 1000000, "exit_storm: each of a million exits is the guest's hvcl",
			 "exit_storm: a register counts them all",
			 "exit_storm: the memory of every guest is right" },
	[BY_WALKER] = { 400000, "exit_storm: so it is with root's page walker",
			"exit_storm: the register counts them all there",
			"exit_storm: and the memory of every guest is right there" },
};

static void exit_storm(unsigned cores, unsigned phase)
{
	unsigned trips = storms[phase].trips / cores, good = 0;
	uint64_t start = rdtime();

	prepare(cores);
	shared.trips = trips;
	shared.bad[1] = 0;
	shared.turns[1] = 0;
	__asm__ volatile("dbar 0" ::: "memory");
	shared.phase = phase;
	shared.bad[0] = 0;
	part(0, phase);
	while (cores == 2 && shared.done != phase)
		;
	__asm__ volatile("dbar 0" ::: "memory");
	print("# %u round trips on %u cores in %lu ms\n", storms[phase].trips, cores,
	      (rdtime() - start) / 100000);
	check_equal(shared.bad[0] + shared.bad[1], 0, storms[phase].exits);
	check_equal(shared.turns[0] + shared.turns[1], storms[phase].trips, storms[phase].turns);
	for (unsigned core = 0; core < cores; core++)
		for (unsigned n = 0; n < GUESTS; n++)
			good += memory_right(core, n, trips / GUESTS);
	check_equal(good, GUESTS * cores, storms[phase].memory);
}

static void storm_all(void)
{
	unsigned cores = cores_given > 1 ? 2 : 1;

	if (cores == 2) {
		check(second_core(), "exit_storm: a second core takes part");
		if (!shared.ready)
			return;
	}
	exit_storm(cores, BY_HANDLER);
	if (has_page_walker())
		exit_storm(cores, BY_WALKER);
	else
		skip(storms[BY_WALKER].exits, "CPUCFG has no HPTW");
}

static void wrap(void)
{
	unsigned reads = 0, writes = 0;

	for (unsigned n = 0; n < 32; n++)
		store64(CACHED(scratch(n)), 1000 + n);
	for (unsigned turn = 0; turn < 2 * 255; turn++) {
		unsigned gid = turn % 255 + 1, n = turn * 7 % 32;

		if (gid == 1)
			invtlb(0x12, 0, 0);
		s2_select(gid);
		s2_map(PAGE, scratch(n), PAGE_RW);
		store64(CACHED(scratch(n)) + 8, 0);
		reads += guest_run(do_exchange, PAGE, turn + 1) == 1000 + n;
		writes += load64(CACHED(scratch(n)) + 8) == turn + 1;
	}
	check_equal(reads, 2 * 255, "vpid_wrap: every GID, used twice, reads the page that is mapped then");
	check_equal(writes, 2 * 255, "vpid_wrap: and writes to it");
}

void suite(void)
{
	lvz_setup();
	wrap();
	lvz_setup();
	storm_all();
}
