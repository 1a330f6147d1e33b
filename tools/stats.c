/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * bixi-cell stats [CELL] [-i SECONDS] [--json]: why guests were left and how long it took, by cell.  On a
 * terminal again each SECONDS (1), with what was new in them; else, and as JSON, once, since the beginning.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/lib/number.h"

static const char *const stat_names[] = { HV_STAT_NAMES };

struct options {
	bool json, interval_wrong;
	uint64_t interval;
};

static void take(int letter, const char *argument, void *opaque)
{
	struct options *options = opaque;

	options->interval_wrong = !parse_number(argument, &options->interval) || !options->interval ||
				  options->interval > UINT_MAX;
}

#define CPUS_SHOWN 64 /* as many as the hypervisor can have */

/* Makes of the counts since the beginning those since the last time, which is kept in *@before. */
static void leave_new(struct hv_stats *stats, struct hv_stats *before)
{
	struct hv_stats now = *stats;

	/* A CPU that another cell has now begins anew. */
	if (now.count[HV_STAT_TOTAL] < before->count[HV_STAT_TOTAL])
		memset(before, 0, sizeof(*before));
	for (unsigned i = 0; i < HV_STATS; i++) {
		stats->count[i] -= before->count[i];
		stats->ticks[i] -= before->ticks[i];
	}
	for (unsigned i = 0; i < HV_LATENCY_BUCKETS; i++)
		stats->latency[i] -= before->latency[i];
	*before = now;
}

static int add_cpu_stats(int fd, unsigned cpu, bool live, struct hv_stats *sum, struct error *error)
{
	static struct hv_stats before[CPUS_SHOWN];
	struct driver_stats request = { .cpu = cpu };

	if (driver_call(fd, DRIVER_CPU_STATS, &request, "a CPU's statistics cannot be read", error) < 0)
		return -1;
	if (live && cpu < CPUS_SHOWN)
		leave_new(&request.stats, &before[cpu]);
	for (unsigned i = 0; i < HV_STATS; i++) {
		sum->count[i] += request.stats.count[i];
		sum->ticks[i] += request.stats.ticks[i];
	}
	for (unsigned i = 0; i < HV_LATENCY_BUCKETS; i++)
		sum->latency[i] += request.stats.latency[i];
	return 0;
}

/* Of all CPUs of a cell together; what is new since the last time if @live. */
static int read_stats(int fd, const struct cell_info *cell, bool live, struct hv_stats *sum,
		      struct error *error)
{
	char cpus[sizeof(cell->cpus)], *rest, *word;

	memcpy(cpus, cell->cpus, sizeof(cpus));
	memset(sum, 0, sizeof(*sum));
	for (word = strtok_r(cpus, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		uint64_t first, last;

		if (!parse_range(word, 4096, &first, &last))
			return error_set(error, "the driver says that the CPUs of cell %s are \"%s\"",
					 cell->name, cell->cpus);
		for (uint64_t cpu = first; cpu <= last; cpu++) {
			if (add_cpu_stats(fd, (unsigned)cpu, live, sum, error))
				return -1;
		}
	}
	return 0;
}

static void print_histogram(const struct hv_stats *stats)
{
	uint64_t most = 1;

	for (unsigned i = 0; i < HV_LATENCY_BUCKETS; i++)
		most = stats->latency[i] > most ? stats->latency[i] : most;
	for (unsigned i = 0; i < HV_LATENCY_BUCKETS; i++) {
		if (stats->latency[i])
			printf("  %8u ticks  %12" PRIu64 "  %.*s\n", 1u << i, stats->latency[i],
			       (int)(stats->latency[i] * 40 / most),
			       "########################################");
	}
}

static void print_text(const struct cell_info *cell, const struct hv_stats *stats)
{
	printf("%s (CPUs %s)\n  %-12s  %12s  %14s\n", cell->name, cell->cpus, "left for", "times",
	       "ticks each");
	for (unsigned i = 0; i < HV_STATS; i++) {
		if (stats->count[i])
			printf("  %-12s  %12" PRIu64 "  %14" PRIu64 "\n", stat_names[i], stats->count[i],
			       stats->ticks[i] / stats->count[i]);
	}
	print_histogram(stats);
}

static json_t *json_of(const struct cell_info *cell, const struct hv_stats *stats)
{
	json_t *exits = json_object(), *latency = json_array();

	for (unsigned i = 0; i < HV_STATS; i++)
		json_object_set_new(exits, stat_names[i],
				    json_pack("{s:I, s:I}", "count", (json_int_t)stats->count[i], "ticks",
					      (json_int_t)stats->ticks[i]));
	for (unsigned i = 0; i < HV_LATENCY_BUCKETS; i++)
		json_array_append_new(latency, json_integer((json_int_t)stats->latency[i]));
	return json_pack("{s:i, s:s, s:s, s:o, s:o}", "id", (int)cell->id, "name", cell->name, "cpus",
			 cell->cpus, "exits", exits, "latency_log2_ticks", latency);
}

/* One round: all cells, or the one that is wanted. */
static int show(int fd, const char *wanted, const struct options *options, bool live, struct error *error)
{
	struct cell_info *cells;
	json_t *list = json_array();
	unsigned count, shown = 0;
	int status = driver_cells(&cells, &count, error);

	if (status) {
		json_decref(list);
		return status;
	}
	if (live)
		printf("\033[H\033[J");
	for (unsigned i = 0; i < count && !status; i++) {
		struct hv_stats stats;

		if (wanted && &cells[i] != driver_find_cell(cells, count, wanted))
			continue;
		shown++;
		status = read_stats(fd, &cells[i], live, &stats, error);
		if (!status && options->json)
			json_array_append_new(list, json_of(&cells[i], &stats));
		else if (!status)
			print_text(&cells[i], &stats);
	}
	if (!status && options->json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		printf("\n");
	}
	json_decref(list);
	free(cells);
	return status || shown || !wanted ? status : error_set(error, "there is no cell %s", wanted);
}

int stats_main(int argc, char **argv)
{
	struct options options = { .interval = 1 };
	bool live;
	struct error error;
	const char *wanted;
	int fd, status = take_options(argc, argv, "i:", &options.json, take, &options);

	if (status)
		return status;
	if (options.interval_wrong || optind < argc - 1)
		return usage_error("stats: give at most one cell, and a number of seconds with -i");
	wanted = optind < argc ? argv[optind] : NULL;
	live = !options.json && isatty(STDOUT_FILENO);
	fd = driver_open(&error);
	if (fd < 0)
		return fail(&error);
	do {
		status = show(fd, wanted, &options, live, &error);
		fflush(stdout);
		if (live && !status)
			sleep((unsigned)options.interval);
	} while (live && !status);
	close(fd);
	return status ? fail(&error) : STATUS_OK;
}
