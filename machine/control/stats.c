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

/* Shown if they are not zero, as most machines run no guest. */
#define EXIT_ROW(ecode, reason)                                                                              \
	{                                                                                                    \
		"exits: " reason, offsetof(struct cpu_stats, vm_exits[ecode])                                \
	}
static const struct stats_row guest_table[] = {
	{ "guest entries", offsetof(struct cpu_stats, vm_entries) },
	EXIT_ROW(0x00, "INT"),
	EXIT_ROW(0x01, "PIL"),
	EXIT_ROW(0x02, "PIS"),
	EXIT_ROW(0x03, "PIF"),
	EXIT_ROW(0x04, "PME"),
	EXIT_ROW(0x05, "PNR"),
	EXIT_ROW(0x06, "PNX"),
	EXIT_ROW(0x07, "PPI"),
	EXIT_ROW(0x08, "ADE"),
	EXIT_ROW(0x0f, "FPD"),
	EXIT_ROW(0x10, "SXD"),
	EXIT_ROW(0x11, "ASXD"),
	EXIT_ROW(0x13, "WPE"),
	EXIT_ROW(0x14, "BTD"),
	EXIT_ROW(0x16, "GSPR"),
	EXIT_ROW(0x17, "HVC"),
	EXIT_ROW(0x18, "GCM"),
	EXIT_ROW(0x3f, "refill"),
	{ "stage-2 misses", offsetof(struct cpu_stats, stage2_misses) },
};
#undef EXIT_ROW

static uint64_t stats_value(const struct cpu *cpu, const struct stats_row *row)
{
	return *(const uint64_t *)((const char *)&cpu->stats + row->offset);
}

static uint64_t stats_sum(const struct machine *machine, const struct stats_row *row)
{
	uint64_t sum = 0;

	for (unsigned id = 0; id < machine->group.count; id++)
		sum += stats_value(machine->group.cpu[id], row);
	return sum;
}

/* The sum of the cores, its rate over @seconds (0: none), and each core's share. */
static void print_row(const struct machine *machine, FILE *file, const struct stats_row *row, double seconds)
{
	uint64_t sum = stats_sum(machine, row);

	fprintf(file, "bixi: %-16s %15" PRIu64, row->name, sum);
	if (seconds > 0)
		fprintf(file, "  %13.0f /s", (double)sum / seconds);
	for (unsigned id = 0; machine->group.count > 1 && id < machine->group.count; id++)
		fprintf(file, "%s%" PRIu64, id ? " + " : "  = ", stats_value(machine->group.cpu[id], row));
	fputc('\n', file);
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

	for (size_t i = 0; i < sizeof(stats_table) / sizeof(stats_table[0]); i++)
		print_row(machine, file, &stats_table[i], rates ? seconds : 0);
	for (size_t i = 0; i < sizeof(guest_table) / sizeof(guest_table[0]); i++)
		if (stats_sum(machine, &guest_table[i]))
			print_row(machine, file, &guest_table[i], rates ? seconds : 0);
	machine_print_stats(machine, file);
	if (rates) {
		print_memory(machine, file);
		fprintf(file, "bixi: ran %.3f s\n", seconds);
	}
}
