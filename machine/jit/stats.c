/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What --jit-stats prints: how much was translated into what, why translated code was left, and what for. */
#include <inttypes.h>
#include <stdlib.h>

#include "machine/jit/jit_impl.h"

#define CALLED_SHOWN 20 /* of the rows that are left to the reference engine */

static const char *const exit_name[] = {
	[JIT_EXIT_LINK] = "no code yet at a jump's target",
	[JIT_EXIT_BUDGET] = "budget used up",
	[JIT_EXIT_RESUME] = "budget used up in a straight run",
	[JIT_EXIT_GUARD] = "another page than translated",
	[JIT_EXIT_INDIRECT] = "indirect jump to the unknown",
	[JIT_EXIT_INTERPRET] = "left to the reference engine",
	[JIT_EXIT_RESULT] = "exception or change of state",
	[JIT_EXIT_REWRITTEN] = "code of the same page written",
};

void jit_get_stats(const struct cpu_group *group, struct jit_stats *stats)
{
	struct jit *jit = group->translator.jit;

	pthread_mutex_lock(&jit->lock);
	*stats = jit->stats;
	pthread_mutex_unlock(&jit->lock);
}

/* The sum of all cores. */
static void counts_sum(const struct jit *jit, struct jit_counts *sum)
{
	for (unsigned id = 0; id < CPU_MAX; id++) {
		const struct jit_counts *core = &jit->counts[id];

		for (unsigned i = 0; i < JIT_EXITS; i++)
			sum->exits[i] += core->exits[i];
		sum->loads += core->loads;
		sum->stores += core->stores;
		for (unsigned op = 0; op < ISA_OP_COUNT; op++)
			sum->called[op] += core->called[op];
	}
}

static void row(FILE *file, const char *name, uint64_t count)
{
	fprintf(file, "bixi: %-34s %15" PRIu64 "\n", name, count);
}

static void ratio(FILE *file, const char *name, uint64_t count, uint64_t guest_insns)
{
	fprintf(file, "bixi: %s: %.2f\n", name, guest_insns ? (double)count / (double)guest_insns : 0);
}

static void print_translated(const struct jit_stats *stats, FILE *file, double seconds)
{
	const double spent = (double)stats->translate_ns / 1e9;

	row(file, "blocks translated", stats->blocks);
	row(file, "guest instructions translated", stats->guest_insns);
	row(file, "of them calls of the other engine", stats->interpreted);
	ratio(file, "host bytes per guest instruction", stats->host_bytes, stats->guest_insns);
	ratio(file, "host instructions per guest instruction (static)", stats->host_insns,
	      stats->guest_insns);
	ratio(file, "the same with what is out of line", stats->host_insns + stats->slow_insns,
	      stats->guest_insns);
	if (seconds > 0)
		fprintf(file, "bixi: translating took %.3f s, %.2f %% of the run\n", spent,
			100 * spent / seconds);
	row(file, "blocks made for nothing", stats->discarded);
	row(file, "jumps linked", stats->links);
	row(file, "regions of the code cache evicted", stats->evictions);
	row(file, "code cache emptied", stats->flushes);
	fprintf(file, "bixi: making room took %.3f s\n", (double)stats->stopped_ns / 1e9);
	row(file, "pages of code written", stats->pages_written);
}

/* The most frequent rows, which are taken out of @called. */
static void print_called(uint64_t *called, FILE *file)
{
	for (unsigned n = 0; n < CALLED_SHOWN; n++) {
		unsigned most = 0;

		for (unsigned op = 0; op < ISA_OP_COUNT; op++)
			if (called[op] > called[most])
				most = op;
		if (!called[most])
			return;
		fprintf(file, "bixi:   %-32s %15" PRIu64 "\n",
			most == ISA_INVALID ? "(not an instruction)" : isa_info[most].mnemonic, called[most]);
		called[most] = 0;
	}
}

void jit_print_stats(const struct cpu_group *group, FILE *file, double seconds)
{
	const struct jit *jit = group->translator.jit;
	struct jit_counts *sum = calloc(1, sizeof(*sum));
	struct jit_stats stats;
	uint64_t called = 0;

	if (!sum)
		return;
	jit_get_stats(group, &stats);
	counts_sum(jit, sum);
	print_translated(&stats, file, seconds);
	for (unsigned i = 0; i < JIT_EXITS; i++)
		row(file, exit_name[i], sum->exits[i]);
	row(file, "loads by function", sum->loads);
	row(file, "stores by function", sum->stores);
	for (unsigned op = 0; op < ISA_OP_COUNT; op++)
		called += sum->called[op];
	row(file, "instructions by the other engine", called);
	print_called(sum->called, file);
	free(sum);
}
