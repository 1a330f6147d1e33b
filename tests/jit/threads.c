/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Cores on host threads of their own: LL/SC and AM* on words they share, a lock, one core that writes code
 * which the others execute, and two that come out of the same jumps at the same time.  What they leave in
 * memory has to add up.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "isa/random.h"
#include "machine/interp/interp.h"
#include "tests/jit/code.h"
#include "tests/jit/test.h"

#define CODE	    UINT64_C(0x100000)
#define TARGET	    UINT64_C(0x110000) /* code that changes: a function that adds to A0 */
#define ENTRY	    UINT64_C(0x120000)
#define SHARED	    UINT64_C(0x200000)
#define ROUNDS	    4000
#define GENERATIONS 200
#define CHAIN	    UINT64_C(0x400000) /* pages of short blocks, one jump to the next */
#define CHAINS	    48
#define CHAIN_JUMPS 500
#define SECONDS	    60 /* until cores that do not finish are given up */

/* Offsets at SHARED, of doublewords. */
enum {
	COUNTER_LLSC = 0x000,
	COUNTER_AMADD = 0x008, /* in the same line */
	COUNTER_WORD = 0x010,
	LOCK = 0x040,
	LOCKED = 0x048,
	COUNTER_CAS = 0x080,
	GENERATION = 0x100,
	ACKNOWLEDGED = 0x140,
	SUM = 0x180, /* of what the changing function returned */
	DONE = 0x1c0,
	OWN = 0x1000, /* a page a core, stored to all the while */
};

enum { ZERO = 0, RA = 1, A0 = 4, A1, A2, A3, T0 = 12, T1, T2, T3, T4, S0 = 23, S1, S2 };

struct worker {
	struct rig *rig;
	unsigned id;
	pthread_t thread;
	const _Atomic bool *stop;
};

static void *work(void *opaque)
{
	struct worker *worker = opaque;
	struct cpu *cpu = worker->rig->cpu[worker->id];
	uint64_t state = worker->id;

	while (!atomic_load(worker->stop) && !atomic_load(&cpu->halted)) {
		interp_run(cpu, isa_random_u64(&state) % 3000 + 1);
		atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_PAUSE);
	}
	return NULL;
}

static void branch_back(struct code_buffer *c, unsigned target)
{
	code_link(c, c->count - 1, target);
}

/* T0 += 1 in memory by LL/SC, with the instruction's own retry. */
static void add_llsc(struct code_buffer *c, bool word, unsigned offset)
{
	unsigned top = c->count;

	if (word)
		PUT(c, ll_w, T0, S0, offset);
	else
		PUT(c, ll_d, T0, S0, offset);
	PUT(c, addi_d, T0, T0, 1);
	if (word)
		PUT(c, sc_w, T0, S0, offset);
	else
		PUT(c, sc_d, T0, S0, offset);
	PUT(c, beqz, T0, 0);
	branch_back(c, top);
}

/* The same by comparing and swapping. */
static void add_cas(struct code_buffer *c)
{
	unsigned top;

	PUT(c, addi_d, T1, S0, COUNTER_CAS);
	top = c->count;
	PUT(c, ld_d, T0, T1, 0);
	PUT(c, or, T2, T0, ZERO);
	PUT(c, addi_d, T3, T0, 1);
	PUT(c, amcas_db_d, T0, T3, T1);
	PUT(c, bne, T0, T2, 0);
	branch_back(c, top);
}

/* A plain increment under a spin lock. */
static void add_locked(struct code_buffer *c)
{
	unsigned top = c->count;

	PUT(c, ll_w, T0, S0, LOCK);
	PUT(c, bnez, T0, 0);
	branch_back(c, top);
	PUT(c, addi_d, T0, ZERO, 1);
	PUT(c, sc_w, T0, S0, LOCK);
	PUT(c, beqz, T0, 0);
	branch_back(c, top);
	PUT(c, dbar, 0);
	PUT(c, ld_d, T1, S0, LOCKED);
	PUT(c, addi_d, T1, T1, 1);
	PUT(c, st_d, T1, S0, LOCKED);
	PUT(c, dbar, 0);
	PUT(c, st_w, ZERO, S0, LOCK);
}

/* All counters, ROUNDS times. */
static void count(struct code_buffer *c)
{
	unsigned top;

	code_constant(c, S1, ROUNDS);
	top = c->count;
	add_llsc(c, false, COUNTER_LLSC);
	PUT(c, addi_d, T1, S0, COUNTER_AMADD);
	PUT(c, addi_d, T2, ZERO, 1);
	PUT(c, amadd_d, T3, T2, T1);
	add_llsc(c, true, COUNTER_WORD);
	add_cas(c);
	add_locked(c);
	PUT(c, st_d, S1, S2, 0);
	PUT(c, addi_d, S1, S1, -1);
	PUT(c, bnez, S1, 0);
	branch_back(c, top);
}

/* Core 0: the function's word for each generation, told to the others, which then say that they had it. */
static void write_code(struct code_buffer *c, unsigned cores)
{
	unsigned top, wait;

	code_constant(c, A1, TARGET);
	code_constant(c, A2, WORD(addi_d, A0, A0, 0));
	PUT(c, addi_d, S1, ZERO, 1);
	top = c->count;
	PUT(c, or, A3, A2, ZERO);
	PUT(c, bstrins_d, A3, S1, 21, 10);
	PUT(c, st_w, A3, A1, 0);
	PUT(c, dbar, 0);
	PUT(c, st_d, S1, S0, GENERATION);
	wait = c->count;
	PUT(c, ld_d, T0, S0, ACKNOWLEDGED);
	PUT(c, addi_d, T0, T0, -(int64_t)(cores - 1));
	PUT(c, bnez, T0, 0);
	branch_back(c, wait);
	PUT(c, st_d, ZERO, S0, ACKNOWLEDGED);
	PUT(c, addi_d, S1, S1, 1);
	PUT(c, addi_d, T0, S1, -GENERATIONS - 1);
	PUT(c, bnez, T0, 0);
	branch_back(c, top);
}

/* The others: wait for a generation, fetch anew, call, add up. */
static void call_code(struct code_buffer *c)
{
	unsigned top, wait;

	code_constant(c, A1, TARGET);
	PUT(c, addi_d, S1, ZERO, 1);
	top = wait = c->count;
	PUT(c, ld_d, T0, S0, GENERATION);
	PUT(c, bne, T0, S1, 0);
	branch_back(c, wait);
	PUT(c, ibar, 0);
	PUT(c, or, A0, ZERO, ZERO);
	PUT(c, jirl, RA, A1, 0);
	PUT(c, addi_d, T1, S0, SUM);
	PUT(c, amadd_db_d, T2, A0, T1);
	PUT(c, addi_d, S1, S1, 1);
	PUT(c, addi_d, T0, ZERO, 1);
	PUT(c, addi_d, T1, S0, ACKNOWLEDGED);
	PUT(c, amadd_db_d, T2, T0, T1);
	PUT(c, addi_d, T0, S1, -GENERATIONS - 1);
	PUT(c, bnez, T0, 0);
	branch_back(c, top);
}

static void finish(struct code_buffer *c)
{
	PUT(c, addi_d, T0, ZERO, 1);
	PUT(c, addi_d, T1, S0, DONE);
	PUT(c, amadd_db_d, T2, T0, T1);
	PUT(c, idle, 0);
	PUT(c, b, -4);
}

static void load_code(struct rig *rig, unsigned cores)
{
	uint32_t words[512], target[] = { WORD(addi_d, A0, A0, 0), WORD(jirl, 0, RA, 0) };
	const uint32_t end[] = { WORD(idle, 0), WORD(b, -4) };
	struct code_buffer c = { words, 0, sizeof(words) / 4 };
	unsigned writer, join;

	code_constant(&c, S0, SHARED);
	PUT(&c, csrrd, T0, CSR_CPUID);
	PUT(&c, slli_d, S2, T0, 12);
	PUT(&c, add_d, S2, S2, S0);
	PUT(&c, addu16i_d, S2, S2, OWN >> 16 ? OWN >> 16 : 1);
	count(&c);
	PUT(&c, csrrd, T0, CSR_CPUID);
	writer = c.count;
	PUT(&c, beqz, T0, 0);
	call_code(&c);
	join = c.count;
	PUT(&c, b, 0);
	code_link(&c, writer, c.count);
	write_code(&c, cores);
	code_link(&c, join, c.count);
	finish(&c);
	rig_write(rig, CODE, words, c.count * 4);
	rig_write(rig, TARGET, target, sizeof(target));
	rig_write(rig, ENTRY, end, sizeof(end));
}

/* All cores wait here for each other; S1: how many have come here so far. */
static void meet(struct code_buffer *c, unsigned cores)
{
	unsigned top;

	PUT(c, addi_d, S1, S1, cores);
	PUT(c, addi_d, T0, ZERO, 1);
	PUT(c, addi_d, T1, S0, GENERATION);
	PUT(c, amadd_db_d, T2, T0, T1);
	top = c->count;
	PUT(c, ld_d, T2, T1, 0);
	PUT(c, blt, T2, S1, 0);
	branch_back(c, top);
}

/*
 * The cores go through one chain after the other, all at once and again after core 0 has written there: all
 * jumps are linked by whoever comes first, and what was linked is found when the page is written.
 */
static void load_chains(struct rig *rig, unsigned cores)
{
	uint32_t words[256], chain[2 * CHAIN_JUMPS + 1];
	struct code_buffer c = { words, 0, sizeof(words) / 4 }, jumps = { chain, 0, sizeof(chain) / 4 };
	unsigned top, others;

	code_constant(&c, S0, SHARED);
	code_constant(&c, A1, CHAIN);
	PUT(&c, or, S1, ZERO, ZERO);
	PUT(&c, or, A0, ZERO, ZERO);
	PUT(&c, addi_d, S2, ZERO, CHAINS);
	top = c.count;
	meet(&c, cores);
	PUT(&c, jirl, RA, A1, 0);
	meet(&c, cores);
	PUT(&c, csrrd, T0, CSR_CPUID);
	others = c.count;
	PUT(&c, bnez, T0, 0);
	PUT(&c, ld_w, T0, A1, 0);
	PUT(&c, st_w, T0, A1, 0);
	code_link(&c, others, c.count);
	meet(&c, cores);
	PUT(&c, jirl, RA, A1, 0);
	PUT(&c, addu16i_d, A1, A1, 1);
	PUT(&c, addi_d, S2, S2, -1);
	PUT(&c, bnez, S2, 0);
	branch_back(&c, top);
	PUT(&c, addi_d, T1, S0, SUM);
	PUT(&c, amadd_db_d, T2, A0, T1);
	finish(&c);
	rig_write(rig, CODE, words, c.count * 4);
	while (jumps.count < 2 * CHAIN_JUMPS) {
		PUT(&jumps, addi_d, A0, A0, 1);
		PUT(&jumps, b, 4);
	}
	PUT(&jumps, jirl, 0, RA, 0);
	for (unsigned i = 0; i < CHAINS; i++)
		rig_write(rig, CHAIN + ((uint64_t)i << 16), chain, sizeof(chain));
}

static bool expect(const struct rig *rig, const char *what, unsigned offset, uint64_t expected)
{
	uint64_t got = 0;

	memcpy(&got, rig_ram(rig, SHARED + offset), 8);
	if (got == expected)
		return true;
	printf("FAIL threads: %s: %" PRIu64 " expected, %" PRIu64 " there\n", what, expected, got);
	return false;
}

static bool adds_up(const struct rig *rig, unsigned cores)
{
	const uint64_t total = (uint64_t)ROUNDS * cores;
	bool good = true;

	good &= expect(rig, "cores that finished", DONE, cores);
	good &= expect(rig, "LL.D and SC.D", COUNTER_LLSC, total);
	good &= expect(rig, "LL.W and SC.W", COUNTER_WORD, total);
	good &= expect(rig, "AMADD.D", COUNTER_AMADD, total);
	good &= expect(rig, "AMCAS_DB.D", COUNTER_CAS, total);
	good &= expect(rig, "a lock", LOCKED, total);
	good &= expect(rig, "code that changes", SUM,
		       (uint64_t)GENERATIONS * (GENERATIONS + 1) / 2 * (cores - 1));
	return good;
}

void threads_start(struct rig *rig, uint64_t pc)
{
	const unsigned cores = rig->options.cores;
	struct worker worker[RIG_CORES];
	_Atomic bool stop = false;
	const time_t end = time(NULL) + SECONDS;
	bool halted;

	for (unsigned id = 0; id < cores; id++) {
		rig->cpu[id]->pc = pc;
		worker[id] = (struct worker){ .rig = rig, .id = id, .stop = &stop };
		pthread_create(&worker[id].thread, NULL, work, &worker[id]);
	}
	do {
		const struct timespec pause = { .tv_nsec = 1000000 };

		nanosleep(&pause, NULL);
		halted = true;
		for (unsigned id = 0; id < cores; id++)
			halted &= atomic_load(&rig->cpu[id]->halted);
	} while (!halted && time(NULL) < end);
	atomic_store(&stop, true);
	for (unsigned id = 0; id < cores; id++)
		pthread_join(worker[id].thread, NULL);
}

static bool chains_run(const struct variant *variant)
{
	const struct rig_options options = {
		.cores = 2, .translated = !variant->reference, .features = variant->features, .threads = true
	};
	static struct rig rig;
	bool good;

	if (rig_create(&rig, &options))
		return false;
	load_chains(&rig, options.cores);
	for (unsigned id = 0; id < options.cores; id++)
		rig.cpu[id]->root.eentry = ENTRY;
	threads_start(&rig, CODE);
	good = expect(&rig, "cores that finished", DONE, options.cores) &
	       expect(&rig, "jumps of chains", SUM, UINT64_C(2) * CHAINS * CHAIN_JUMPS * options.cores);
	rig_destroy(&rig);
	return good;
}

static bool counters_run(uint64_t seed, const struct variant *variant)
{
	const struct rig_options options = {
		.cores = 2 + seed % (RIG_CORES - 1),
		.translated = !variant->reference,
		.features = variant->features,
		.weak_llsc = variant->weak_llsc,
		.small_cache = variant->small_cache,
		.threads = true,
	};
	static struct rig rig;
	bool good;

	if (rig_create(&rig, &options))
		return false;
	load_code(&rig, options.cores);
	for (unsigned id = 0; id < options.cores; id++)
		rig.cpu[id]->root.eentry = ENTRY;
	threads_start(&rig, CODE);
	good = adds_up(&rig, options.cores);
	rig_destroy(&rig);
	return good;
}

bool threads_run(uint64_t seed, const struct variant *variant)
{
	return counters_run(seed, variant) && chains_run(variant);
}
