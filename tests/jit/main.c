/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The translator's test.  What there is to do is a list of units: rows of the instruction set, programs,
 * threads, each for some way of making the translator.  A process of its own works through the list; when
 * translated code takes it down, that unit has failed and another process goes on with the next.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine/jit/jit.h"
#include "machine/jit/x86.h"
#include "tests/jit/test.h"

#define UNITS_MAX     65536
#define SECONDS	      120 /* for a unit, until it counts as hung */
#define TRIAL_SECONDS 10  /* for one run of isolated() */

struct options {
	uint64_t seed, length;
	unsigned count, programs, threads;
	const char *row, *seeds;
	bool reference, weak, check, fenceless, guest, watched, small;
	int64_t features; /* negative: each level */
	uint64_t program;
};

enum unit_kind { UNIT_INSTR, UNIT_PROGRAM, UNIT_THREADS, UNIT_WALK, UNIT_LATENCY };

struct unit {
	enum unit_kind kind;
	enum isa_op op;
	uint64_t seed, length; /* length: cases or instructions */
	struct variant variant;
};

static struct unit units[UNITS_MAX];
static unsigned unit_count;
static struct progress *progress; /* shared with the working process */

unsigned isolated(unsigned (*run)(void *opaque), void *opaque)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(TRIAL_SECONDS);
		status = (int)run(opaque);
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 0;
	return WIFSIGNALED(status) ? 128 + (unsigned)WTERMSIG(status) : (unsigned)WEXITSTATUS(status);
}

static void add_unit(struct unit unit)
{
	if (unit_count < UNITS_MAX)
		units[unit_count++] = unit;
}

/* Each row twice: by what every host has, and by all that this one has. */
static void add_rows(const struct options *options)
{
	const uint32_t all = x86_host_features();

	for (enum isa_op op = 1; op < ISA_OP_COUNT; op++) {
		const bool atomic = isa_info[op].extension == ISA_EXT_ATOMIC;
		struct unit unit = {
			UNIT_INSTR, op, options->seed, options->count, { .reference = options->reference }
		};

		if (!instr_has(op) || (options->row && strcmp(options->row, isa_info[op].mnemonic) != 0))
			continue;
		if (options->features >= 0)
			unit.variant.features = (uint32_t)options->features;
		unit.variant.weak_llsc = options->weak;
		unit.variant.small_cache = options->small;
		add_unit(unit);
		unit.variant.features = all;
		unit.variant.small_cache = true;
		unit.seed++;
		if (all && options->features < 0)
			add_unit(unit);
		unit.variant.weak_llsc = true;
		if (atomic && !options->weak)
			add_unit(unit);
	}
}

static void add_others(const struct options *options)
{
	const uint32_t all = options->features < 0 ? x86_host_features() : (uint32_t)options->features;
	struct unit unit = { .variant = { .reference = options->reference } };

	for (unsigned i = 0; i < options->programs; i++) {
		unit.kind = UNIT_PROGRAM;
		unit.seed = options->program ? options->program + i : options->seed * 1000 + i;
		unit.length = options->length;
		unit.variant.features = i & 1 ? all : options->features < 0 ? 0 : all;
		unit.variant.weak_llsc = options->weak || i % 4 == 3;
		unit.variant.check = options->check || i % 8 == 5;
		unit.variant.fenceless = options->fenceless || i % 4 == 2;
		unit.variant.guest = options->guest || i % 3 == 1;
		unit.variant.watched = options->watched || i % 7 == 4;
		unit.variant.small_cache = options->small || i % 3 == 2;
		add_unit(unit);
	}
	for (unsigned i = 0; i < options->threads; i++) {
		unit.kind = UNIT_THREADS;
		unit.seed = i;
		unit.variant.weak_llsc = i & 1;
		unit.variant.small_cache = false;
		add_unit(unit);
		unit.kind = UNIT_WALK;
		unit.variant.small_cache = true;
		add_unit(unit);
	}
	if (options->threads && !options->reference)
		add_unit((struct unit){ .kind = UNIT_LATENCY, .variant.features = all });
}

/* Lines "instr MNEMONIC SEED COUNT" and "program SEED LENGTH" with a comment after each: bugs that were. */
static bool add_seeds(const struct options *options)
{
	FILE *file = fopen(options->seeds, "r");
	char line[256], name[64];

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		struct unit unit = { .variant = { .features = x86_host_features(),
						  .reference = options->reference } };

		if (sscanf(line, "program %" SCNu64 " %" SCNu64, &unit.seed, &unit.length) == 2) {
			unit.kind = UNIT_PROGRAM;
		} else if (sscanf(line, "instr %63s %" SCNu64 " %" SCNu64, name, &unit.seed, &unit.length) ==
			   3) {
			while (unit.op < ISA_OP_COUNT - 1 &&
			       (!unit.op || strcmp(name, isa_info[unit.op].mnemonic) != 0))
				unit.op++;
		} else {
			continue;
		}
		add_unit(unit);
		unit.variant.features = 0;
		add_unit(unit);
	}
	fclose(file);
	return true;
}

static void print_unit(const struct unit *unit)
{
	if (unit->kind == UNIT_INSTR)
		printf("    again: jit-test --row %s --seed %" PRIu64 " --count %" PRIu64,
		       isa_info[unit->op].mnemonic, unit->seed, unit->length);
	else if (unit->kind == UNIT_PROGRAM)
		printf("    again: jit-test --program %" PRIu64 " --length %" PRIu64, unit->seed,
		       unit->length);
	else
		printf("    %s %" PRIu64,
		       unit->kind == UNIT_THREADS ? "threads"
		       : unit->kind == UNIT_WALK  ? "walk"
						  : "latency",
		       unit->seed);
	printf(" --features 0x%x%s%s%s%s%s%s\n", unit->variant.features,
	       unit->variant.weak_llsc ? " --weak" : "", unit->variant.check ? " --check" : "",
	       unit->variant.fenceless ? " --fenceless" : "", unit->variant.guest ? " --guest" : "",
	       unit->variant.watched ? " --watched" : "", unit->variant.small_cache ? " --small" : "");
}

static bool run_unit(const struct unit *unit)
{
	alarm(SECONDS);
	switch (unit->kind) {
	case UNIT_INSTR:
		return instr_run(unit->op, unit->seed, (unsigned)unit->length, &unit->variant, progress) == 0;
	case UNIT_PROGRAM:
		return program_run(unit->seed, unit->length, &unit->variant, progress);
	case UNIT_LATENCY:
		return latency_run(&unit->variant);
	case UNIT_WALK:
		return walk_run(unit->seed, &unit->variant);
	default:
		return threads_run(unit->seed, &unit->variant);
	}
}

static void work(void)
{
	for (; progress->unit < unit_count; progress->unit++) {
		const struct unit *unit = &units[progress->unit];

		if (run_unit(unit)) {
			progress->passed++;
			continue;
		}
		progress->failed++;
		print_unit(unit);
		fflush(stdout);
	}
	instr_end();
	progress->totals.translated += rig_totals.translated;
	progress->totals.interpreted += rig_totals.interpreted;
	progress->totals.evictions += rig_totals.evictions;
}

/* The working process ended in the middle of a unit. */
static void show_death(int status)
{
	const struct unit *unit = &units[progress->unit];
	const char *how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it left";

	printf("FAIL %s: the process died (%s)\n",
	       unit->kind == UNIT_INSTR	    ? isa_info[unit->op].mnemonic
	       : unit->kind == UNIT_PROGRAM ? "program"
	       : unit->kind == UNIT_THREADS ? "threads"
	       : unit->kind == UNIT_WALK    ? "walk"
					    : "latency",
	       how);
	if (unit->kind == UNIT_INSTR && progress->in_case)
		instr_show(&progress->instr, &unit->variant);
	else if (unit->kind == UNIT_PROGRAM)
		program_show(unit->seed, unit->length, &unit->variant);
	print_unit(unit);
	progress->died = true;
	progress->failed++;
	progress->unit++;
}

static void run_units(void)
{
	while (progress->unit < unit_count) {
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			work();
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid) {
			perror("jit-test");
			exit(1);
		}
		if (status)
			show_death(status);
	}
}

static const char usage[] =
	"usage: jit-test [--seed N] [--count CASES_PER_ROW] [--programs N] [--length INSTRUCTIONS]\n"
	"                [--threads N] [--seeds FILE] [--row MNEMONIC] [--program SEED]\n"
	"                [--features MASK] [--weak] [--check] [--fenceless] [--guest] [--watched] [--small] "
	"[--reference]\n";

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

static bool options_parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "programs", required_argument, NULL, 'p' },
		{ "length", required_argument, NULL, 'l' },
		{ "threads", required_argument, NULL, 't' },
		{ "seeds", required_argument, NULL, 'f' },
		{ "row", required_argument, NULL, 'r' },
		{ "program", required_argument, NULL, 'P' },
		{ "features", required_argument, NULL, 'x' },
		{ "reference", no_argument, NULL, 'R' },
		{ "weak", no_argument, NULL, 'w' },
		{ "check", no_argument, NULL, 'k' },
		{ "fenceless", no_argument, NULL, 'n' },
		{ "guest", no_argument, NULL, 'g' },
		{ "watched", no_argument, NULL, 'W' },
		{ "small", no_argument, NULL, 'm' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 's':
			options->seed = number(optarg);
			break;
		case 'c':
			options->count = (unsigned)number(optarg);
			break;
		case 'p':
			options->programs = (unsigned)number(optarg);
			break;
		case 'l':
			options->length = number(optarg);
			break;
		case 't':
			options->threads = (unsigned)number(optarg);
			break;
		case 'f':
			options->seeds = optarg;
			break;
		case 'r':
			options->row = optarg;
			options->programs = options->threads = 0;
			break;
		case 'P':
			options->program = number(optarg);
			options->count = options->threads = 0;
			options->programs = 1;
			break;
		case 'x':
			options->features = (int64_t)number(optarg);
			break;
		case 'w':
			options->weak = true;
			break;
		case 'k':
			options->check = true;
			break;
		case 'n':
			options->fenceless = true;
			break;
		case 'g':
			options->guest = true;
			break;
		case 'W':
			options->watched = true;
			break;
		case 'm':
			options->small = true;
			break;
		case 'R':
			options->reference = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct options options = { .seed = (uint64_t)time(NULL),
				   .count = 200,
				   .programs = 150,
				   .threads = 4,
				   .length = 100000,
				   .features = -1 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!options_parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	isa_init();
	if (!options.reference && !jit_supported()) {
		printf("this host cannot execute translated code\n0 passed, 0 failed\n");
		return 0;
	}
	if (options.seeds && !add_seeds(&options)) {
		fprintf(stderr, "jit-test: %s: %s\n", options.seeds, strerror(errno));
		return 2;
	}
	if (options.count)
		add_rows(&options);
	add_others(&options);
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return 1;
	printf("seed %" PRIu64 "\n", options.seed);
	run_units();
	printf("%" PRIu64 " guest instructions translated, %" PRIu64
	       " of them left to the reference engine; %" PRIu64 " regions of code evicted\n",
	       progress->totals.translated, progress->totals.interpreted, progress->totals.evictions);
	if (!options.reference && !progress->died &&
	    progress->totals.translated == progress->totals.interpreted) {
		printf("FAIL nothing was translated\n");
		progress->failed++;
	}
	printf("%u passed, %u failed\n", progress->passed, progress->failed);
	return progress->failed || !progress->passed;
}
