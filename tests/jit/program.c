/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Runs random programs on both engines, in slices of random budgets, and compares all of the state after
 * each. When they differ it finds out after which instruction, and which of the program's words it takes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "isa/random.h"
#include "tests/jit/compare.h"
#include "tests/jit/program.h"
#include "tests/jit/test.h"

#define SLICES_PER_TLB	 16
#define SLICES_PER_WRITE 10
#define LISTED		 64 /* words of a program that are still shown */
#define TRACE		 24 /* instructions shown that led to a difference */
#define SHRINK_SECONDS	 20
#define BUDGET_SALT	 0xaa /* the budgets' sequence begins elsewhere than the program's */

/* How far a run goes. */
struct extent {
	uint64_t length; /* instructions of all cores */
	uint64_t slices; /* at most */
	uint64_t last;	 /* budget of the last of them; 0: as ever */
	bool memory;	 /* compared after each slice, too */
};

struct session {
	struct program *program;
	struct rig reference, translated;
	uint64_t slice;	 /* being run */
	uint64_t budget; /* of it */
	uint64_t state;	 /* of the budgets */
};

static struct program program;
static struct session session;

static bool session_start(struct session *s, struct program *p, const struct variant *variant)
{
	struct rig_options options = { .cores = p->cores };

	memset(s, 0, sizeof(*s));
	s->program = p;
	s->state = p->seed ^ BUDGET_SALT;
	if (rig_create(&s->reference, &options))
		return false;
	options.translated = !variant->reference;
	options.features = variant->features;
	options.weak_llsc = variant->weak_llsc;
	options.check = variant->check;
	options.small_cache = variant->small_cache;
	if (rig_create(&s->translated, &options))
		return false;
	kernel_start(p, &s->reference);
	kernel_start(p, &s->translated);
	return true;
}

static void session_end(struct session *s)
{
	rig_destroy(&s->reference);
	rig_destroy(&s->translated);
}

static uint64_t random_budget(struct session *s)
{
	static const uint16_t most[] = { 3, 70, 700, 4000 };

	return isa_random_u64(&s->state) % most[isa_random_u64(&s->state) % 4] + 1;
}

static bool same_memory(const struct session *s, bool report)
{
	return compare_memory(&s->reference, &s->translated, 0, REGION_END, report) &&
	       compare_memory(&s->reference, &s->translated, RIG_HIGH, RIG_HIGH_SIZE, report);
}

static bool same(struct session *s, bool everything, bool report)
{
	return !s->translated.differed && compare_cores(&s->reference, &s->translated, report) &&
	       (!everything || compare_tlbs(&s->reference, &s->translated, report));
}

/* Now and then a device writes to code. */
static void disturb(struct session *s)
{
	uint64_t random = isa_random_u64(&s->state);

	if (random % SLICES_PER_WRITE)
		return;
	program_disturb(s->program, &s->reference, random >> 8);
	program_disturb(s->program, &s->translated, random >> 8);
}

/* Runs as far as @extent says.  False: the engines differ after s->slice. */
static bool run(struct session *s, const struct extent *extent)
{
	uint64_t done = 0;

	for (s->slice = 0; done < extent->length && s->slice < extent->slices; s->slice++) {
		const unsigned core = s->slice % s->program->cores;

		s->budget = random_budget(s);
		if (extent->last && s->slice + 1 == extent->slices)
			s->budget = extent->last;
		done += s->budget;
		disturb(s);
		if (s->translated.options.translated && s->translated.options.small_cache)
			rig_evict(&s->translated);
		rig_run(&s->reference, core, s->budget);
		rig_run(&s->translated, core, s->budget);
		if (!same(s, s->slice % SLICES_PER_TLB == 0 || extent->memory, false))
			return false;
		if (extent->memory && !same_memory(s, false))
			return false;
	}
	return same(s, true, false) && same_memory(s, false);
}

/* For isolated(): a run of the program as it stands; 1 if it fails. */
struct attempt {
	const struct variant *variant;
	struct extent extent;
	bool report;
};

static unsigned attempt_run(void *opaque)
{
	struct attempt *attempt = opaque;
	bool good;

	if (!session_start(&session, &program, attempt->variant))
		return 1;
	good = run(&session, &attempt->extent);
	if (!good && attempt->report) {
		same(&session, true, true);
		same_memory(&session, true);
	}
	return !good;
}

static unsigned outcome(const struct variant *variant, struct extent extent)
{
	struct attempt attempt = { .variant = variant, .extent = extent };

	return isolated(attempt_run, &attempt);
}

/* The program of @seed. */
static void make(uint64_t seed, const struct variant *variant)
{
	program_make(&program, seed);
	program.guest = variant->guest;
	program.watched = variant->watched;
	for (unsigned i = 0; variant->fenceless && i < program.code.count; i++)
		if (isa_decode(program.words[i]) == ISA_ibar)
			program.words[i] = WORD_NOP;
}

/* Words that are left when a program that fails is made smaller: what is wrong without an IBAR may be so. */
static bool may_go(uint32_t word)
{
	const enum isa_op op = isa_decode(word);

	return op != ISA_ibar && word != WORD_NOP;
}

/* Makes words of the program NOPs while it still fails as it did at first, with @result. */
static void shrink(const struct variant *variant, uint64_t length, unsigned result)
{
	const struct extent extent = { .length = length, .slices = UINT64_MAX };
	const time_t end = time(NULL) + SHRINK_SECONDS;
	uint32_t saved[256];

	for (unsigned size = 256; size; size /= 2) {
		for (unsigned at = 0; at < program.code.count && time(NULL) < end; at += size) {
			unsigned count = program.code.count - at < size ? program.code.count - at : size;
			unsigned gone = 0;

			memcpy(saved, &program.words[at], count * 4);
			for (unsigned i = 0; i < count; i++) {
				if (!may_go(program.words[at + i]))
					continue;
				program.words[at + i] = WORD_NOP;
				gone++;
			}
			if (gone && outcome(variant, extent) != result)
				memcpy(&program.words[at], saved, count * 4);
		}
	}
}

/* Makes *@what, a part of *@extent with which the run fails, as small as that. */
static void narrow(const struct variant *variant, struct extent *extent, uint64_t *what)
{
	uint64_t low = 1, high = *what;

	while (low < high) {
		*what = low + (high - low) / 2;
		if (outcome(variant, *extent))
			high = *what;
		else
			low = *what + 1;
	}
	*what = high;
}

/* What the budget of the @slices-th slice is. */
static uint64_t budget_of(const struct program *p, uint64_t slices)
{
	uint64_t budget = 0;

	session.state = p->seed ^ BUDGET_SALT;
	while (slices--) {
		budget = random_budget(&session);
		isa_random_u64(&session.state); /* disturb()'s */
	}
	return budget;
}

static void print_step(uint64_t pc)
{
	uint64_t index = (pc - program_address(&program, 0)) / 4;

	if (index < program.code.count)
		code_print(&program.words[index], 1, pc);
	else
		printf("    %" PRIx64 ": in the kernel\n", pc);
}

/* What the reference engine executes last before @extent ends, an instruction at a time. */
static unsigned trace_run(void *opaque)
{
	struct attempt *attempt = opaque;
	struct extent extent = attempt->extent;
	uint64_t last = extent.last, at[TRACE], seen = 0;
	const struct variant reference = { .reference = true };
	struct cpu *cpu;

	if (!session_start(&session, &program, &reference))
		return 1;
	extent.slices--;
	extent.last = 0;
	run(&session, &extent);
	cpu = session.reference.cpu[extent.slices % program.cores];
	for (; last; last--) {
		uint64_t index = (cpu->pc - program_address(&program, 0)) / 4;

		if (index >= program.code.count || program.words[index] != WORD_NOP)
			at[seen++ % TRACE] = cpu->pc;
		rig_run(&session.reference, cpu->id, 1);
	}
	for (uint64_t i = seen < TRACE ? 0 : seen - TRACE; i < seen; i++)
		print_step(at[i % TRACE]);
	return 0;
}

static void print_program(const struct program *p)
{
	static const char *const spaces[] = { "direct", "window", "mapped" };
	unsigned words = 0;

	for (unsigned i = 0; i < p->code.count; i++)
		words += p->words[i] != WORD_NOP;
	printf("    %s%s, pages of %u KiB%s, %u core(s), PLV%u%s%s%s%s; %u of %u words matter\n",
	       p->guest ? "a guest, " : "", spaces[p->space], 1u << (p->page_bits - 10),
	       p->walker ? ", walked" : "", p->cores, p->plv, p->modifies_code ? ", modifies itself" : "",
	       p->counts ? ", counts" : "", p->checks_alignment ? ", checks alignment" : "",
	       p->watched ? ", watched" : "", words, p->code.count);
	for (unsigned i = 0; i < p->code.count && words <= LISTED; i++)
		if (p->words[i] != WORD_NOP)
			code_print(&p->words[i], 1, program_address(p, i));
}

void program_show(uint64_t seed, uint64_t length, const struct variant *variant)
{
	struct attempt attempt = { .variant = variant, .report = true };
	struct extent extent = { .length = length, .slices = UINT64_MAX };
	unsigned result;

	make(seed, variant);
	result = outcome(variant, extent);
	if (!result) {
		printf("    it does not fail again\n");
		return;
	}
	shrink(variant, length, result);
	print_program(&program);
	extent.memory = true;
	extent.slices = length;
	narrow(variant, &extent, &extent.slices);
	extent.last = budget_of(&program, extent.slices);
	narrow(variant, &extent, &extent.last);
	printf("    the engines differ after slice %" PRIu64 ", %" PRIu64
	       " instructions long, which ends with:\n",
	       extent.slices, extent.last);
	attempt.extent = extent;
	isolated(trace_run, &attempt);
	result = isolated(attempt_run, &attempt);
	if (result > 1)
		printf("    the process ends with status %u\n", result);
}

bool program_run(uint64_t seed, uint64_t length, const struct variant *variant, struct progress *progress)
{
	const struct extent extent = { .length = length, .slices = UINT64_MAX };
	bool good;

	make(seed, variant);
	if (!session_start(&session, &program, variant))
		return false;
	good = run(&session, &extent);
	if (!good)
		printf("FAIL program %" PRIu64 ": the engines differ after slice %" PRIu64 "\n", seed,
		       session.slice);
	session_end(&session);
	if (!good)
		program_show(seed, length, variant);
	return good;
}
