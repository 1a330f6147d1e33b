/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The counts that --stats prints at exit. */
#include "machine/control/stats.h"

#include <inttypes.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct stats_row {
	const char *name;
	size_t offset;
} stats_table[] = {
	{ "instructions", offsetof(struct cpu_stats, instructions) },
	{ "exceptions", offsetof(struct cpu_stats, exceptions) },
	{ "interrupts", offsetof(struct cpu_stats, interrupts) },
	{ "TLB refills", offsetof(struct cpu_stats, tlb_refills) },
	{ "page-table walks", offsetof(struct cpu_stats, ptw_walks) },
	{ "soft-TLB fills", offsetof(struct cpu_stats, softtlb_fills) },
};

static uint64_t stats_value(const struct cpu *cpu, const struct stats_row *row)
{
	return *(const uint64_t *)((const char *)&cpu->stats + row->offset);
}

/* Guest RAM touched is what the memfd holds; the rest of the process is everything beside it. */
static void print_memory(const struct machine *machine, FILE *file)
{
	struct rusage usage;
	struct stat ram;

	if (getrusage(RUSAGE_SELF, &usage) || fstat(machine->bus.ram_fd, &ram))
		return;
	fprintf(file, "bixi: memory: %" PRIu64 " MiB at most, %" PRIu64 " MiB of it guest RAM touched\n",
		(uint64_t)usage.ru_maxrss >> 10, (uint64_t)ram.st_blocks * 512 >> 20);
}

void stats_print(struct machine *machine, FILE *file)
{
	double seconds = (double)machine->run_ns / 1e9;
	bool rates = !machine->config.deterministic && seconds > 0;

	for (size_t i = 0; i < sizeof(stats_table) / sizeof(stats_table[0]); i++) {
		const struct stats_row *row = &stats_table[i];
		uint64_t sum = 0;

		for (unsigned id = 0; id < machine->group.count; id++)
			sum += stats_value(machine->group.cpu[id], row);
		fprintf(file, "bixi: %-16s %15" PRIu64, row->name, sum);
		if (rates)
			fprintf(file, "  %13.0f /s", (double)sum / seconds);
		for (unsigned id = 0; machine->group.count > 1 && id < machine->group.count; id++)
			fprintf(file, "%s%" PRIu64, id ? " + " : "  = ",
				stats_value(machine->group.cpu[id], row));
		fputc('\n', file);
	}
	machine_print_stats(machine, file);
	if (rates) {
		print_memory(machine, file);
		fprintf(file, "bixi: ran %.3f s\n", seconds);
	}
}
