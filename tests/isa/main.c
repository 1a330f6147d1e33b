/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The differential test: every user-level instruction with random inputs, by QEMU and by our interpreter.
 * Each row of the tables is either executed here or listed in exempt.def with the reason and the
 * bare-metal test that does it instead.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/isa/test.h"

struct exemption {
	const char *reason, *manual, *test;
};

/* By enum isa_op; reason NULL: to be executed. */
static const struct exemption exemptions[ISA_OP_COUNT] = {
#define EXEMPT(name, reason, manual, test) [ISA_##name] = { reason, manual, test },
#include "tests/isa/exempt.def"
#undef EXEMPT
};

struct options {
	const char *qemu, *runner, *guest_tests, *row;
	uint64_t seed;
	unsigned count, reports;
};

struct totals {
	unsigned passed, failed; /* rows */
	unsigned executed, exempt;
	uint64_t cases;
};

static struct qemu qemu;

/* Does the processor that both sides play have the row, for programs in PLV3? */
static bool row_executes(enum isa_op op)
{
	return !(isa_info[op].flags & (ISA_PRIVILEGED | ISA_BRANCH)) &&
	       isa_info[op].extension != ISA_EXT_LBT && isa_info[op].extension != ISA_EXT_LVZ &&
	       op != ISA_break;
}

/* Runs @count cases of a row.  Returns how many differ. */
static unsigned run_row(enum isa_op op, const struct options *options, struct totals *totals)
{
	/* Each row has its own sequence, so that a row alone sees the same cases. */
	uint64_t state = options->seed * UINT64_C(0x100000001b3) + op;
	unsigned different = 0, completed = 0;

	for (unsigned done = 0; done < options->count;) {
		unsigned count = inputs_make(qemu.batch, op, options->count - done, &state);

		if (!qemu_run(&qemu)) {
			printf("FAIL %s: QEMU died\n", isa_info[op].mnemonic);
			if (!totals->cases) {
				printf("it has not executed one case: does \"%s %s\" work?\n0 passed, 1 "
				       "failed\n",
				       options->qemu, options->runner);
				exit(1);
			}
			qemu_stop(&qemu);
			if (qemu_start(&qemu, options->qemu, options->runner))
				exit(1);
			return different + 1;
		}
		for (unsigned i = 0; i < count; i++) {
			struct case_state ours;

			interpreter_run(&qemu.batch->cases[i], &ours);
			if (!compare_case(&qemu.batch->cases[i], &ours, different < options->reports))
				different++;
			completed += ours.signal == 0;
		}
		done += count;
		totals->cases += count;
	}
	if (row_executes(op) && completed == 0 && options->count >= 100) {
		printf("FAIL %s: all %u cases raised an exception\n", isa_info[op].mnemonic, options->count);
		different++;
	}
	return different;
}

/* The bare-metal test that covers an exempted row has to be there, and privileged rows need one. */
static bool exemption_holds(enum isa_op op, const struct options *options)
{
	const struct exemption *exemption = &exemptions[op];
	char path[512];

	if (!exemption->reason) {
		if (!(isa_info[op].flags & ISA_PRIVILEGED) || isa_info[op].extension == ISA_EXT_LVZ)
			return true;
		printf("FAIL %s: it is privileged and exempt.def does not name its test\n",
		       isa_info[op].mnemonic);
		return false;
	}
	snprintf(path, sizeof(path), "%s/%s", options->guest_tests, exemption->test);
	if (access(path, R_OK) == 0)
		return true;
	printf("FAIL %s: exempt.def names the test %s, which does not exist\n", isa_info[op].mnemonic, path);
	return false;
}

static void visit_row(enum isa_op op, const struct options *options, struct totals *totals)
{
	const char *mnemonic = isa_info[op].mnemonic;
	bool good = exemption_holds(op, options);

	if (options->row && strcmp(options->row, mnemonic) != 0)
		return;
	totals->exempt += exemptions[op].reason != NULL;
	if (!exemptions[op].reason || isa_info[op].flags & ISA_PRIVILEGED) {
		unsigned different = run_row(op, options, totals);

		totals->executed++;
		if (different) {
			printf("FAIL %s: %u of %u cases differ (--row %s --seed %" PRIu64 " --count %u)\n",
			       mnemonic, different, options->count, mnemonic, options->seed, options->count);
			good = false;
		}
	} else if (options->row) {
		printf("%s is exempt: %s (%s)\n", mnemonic, exemptions[op].reason, exemptions[op].manual);
	}
	totals->passed += good;
	totals->failed += !good;
}

static const char usage[] =
	"usage: isa-test --qemu COMMAND --runner FILE --guest-tests DIR [--row MNEMONIC]\n"
	"                [--seed N] [--count CASES_PER_ROW] [--reports N]\n";

static bool options_parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "qemu", required_argument, NULL, 'q' },	 { "runner", required_argument, NULL, 'r' },
		{ "guest-tests", required_argument, NULL, 'g' }, { "row", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },	 { "count", required_argument, NULL, 'c' },
		{ "reports", required_argument, NULL, 'p' },	 { 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'q':
			options->qemu = optarg;
			break;
		case 'r':
			options->runner = optarg;
			break;
		case 'g':
			options->guest_tests = optarg;
			break;
		case 'o':
			options->row = optarg;
			break;
		case 's':
			options->seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			options->count = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			options->reports = strtoul(optarg, NULL, 0);
			break;
		default:
			return false;
		}
	}
	return optind == argc && options->qemu && options->runner && options->guest_tests && options->count;
}

int main(int argc, char **argv)
{
	struct options options = { .seed = time(NULL), .count = 1000, .reports = 2 };
	struct totals totals = { 0 };
	int error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!options_parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	isa_init();
	error = interpreter_init();
	if (!error)
		error = qemu_start(&qemu, options.qemu, options.runner);
	if (error) {
		fprintf(stderr, "isa-test: cannot start: %s\n", strerror(-error));
		return 1;
	}
	printf("seed %" PRIu64 "\n", options.seed);
	for (enum isa_op op = 1; op < ISA_OP_COUNT; op++)
		visit_row(op, &options, &totals);
	qemu_stop(&qemu);
	if (totals.passed + totals.failed == 0) {
		fprintf(stderr, "isa-test: there is no instruction %s\n",
			options.row ? options.row : "at all");
		return 2;
	}
	printf("%u rows executed, %u left to bare-metal tests, %" PRIu64 " cases\n", totals.executed,
	       totals.exempt, totals.cases);
	printf("%u passed, %u failed\n", totals.passed, totals.failed);
	return totals.failed != 0;
}
