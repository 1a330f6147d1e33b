/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell fault CELL [--json] */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/command.h"

static const char *const reasons[] = {
	[HV_FAULT_NONE] = "none",
	[HV_FAULT_MEMORY] = "access to memory that is not the cell's",
	[HV_FAULT_INSTRUCTION] = "instruction that it may not execute",
	[HV_FAULT_HYPERCALL] = "hypercall that it may not make",
	[HV_FAULT_IOCSR] = "IOCSR access that it may not make",
	[HV_FAULT_HANG] = "no heartbeat",
	[HV_FAULT_MACHINE] = "machine error",
};
static const char *const reason_names[] = { "none",  "memory", "instruction", "hypercall",
					    "iocsr", "hang",   "machine" };
static const char *const exit_names[] = { HV_STAT_NAMES };
static const char *const register_names[32] = {
	"zero", "ra", "tp", "sp", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3",
	"t4",	"t5", "t6", "t7", "t8", "u0", "fp", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8",
};

static const char *name_of(const char *const *names, size_t count, uint32_t n)
{
	return n < count ? names[n] : "unknown";
}

#define NAME(table, n) name_of(table, sizeof(table) / sizeof((table)[0]), n)

static json_t *hex(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static void print_json(const struct hv_fault *fault)
{
	json_t *object = json_pack("{s:s, s:s, s:i, s:I, s:I}", "reason", NAME(reason_names, fault->reason),
				   "sentence", NAME(reasons, fault->reason), "cpu", (int)fault->cpu, "count",
				   (json_int_t)fault->count, "time", (json_int_t)fault->time);
	json_t *registers = json_object(), *exits = json_array();

	json_object_set_new(object, "pc", hex(fault->pc));
	json_object_set_new(object, "gpa", hex(fault->gpa));
	json_object_set_new(object, "gva", hex(fault->gva));
	json_object_set_new(object, "instruction", hex(fault->insn));
	json_object_set_new(object, "estat", hex(fault->estat));
	json_object_set_new(object, "crmd", hex(fault->crmd));
	for (unsigned i = 0; i < 32; i++)
		json_object_set_new(registers, register_names[i], hex(fault->gpr[i]));
	json_object_set_new(object, "registers", registers);
	for (unsigned i = 0; i < HV_FAULT_EXITS; i++) {
		if (fault->exits[i].time)
			json_array_append_new(exits, json_pack("{s:I, s:s, s:o, s:o}", "time",
							       (json_int_t)fault->exits[i].time, "reason",
							       NAME(exit_names, fault->exits[i].stat), "pc",
							       hex(fault->exits[i].pc), "instruction",
							       hex(fault->exits[i].insn)));
	}
	json_object_set_new(object, "exits", exits);
	json_dumpf(object, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(object);
}

static void print_text(const struct hv_fault *fault)
{
	printf("%s, on CPU %u (fault %" PRIu64 " of this cell, at %" PRIu64 ")\n",
	       NAME(reasons, fault->reason), fault->cpu, fault->count, fault->time);
	printf("pc    %016" PRIx64 "  insn  %08" PRIx64 "\n", fault->pc, fault->insn);
	printf("gpa   %016" PRIx64 "  gva   %016" PRIx64 "\n", fault->gpa, fault->gva);
	printf("estat %016" PRIx64 "  crmd  %016" PRIx64 "\n", fault->estat, fault->crmd);
	for (unsigned i = 0; i < 32; i++)
		printf("%-4s  %016" PRIx64 "%s", register_names[i], fault->gpr[i], i % 4 == 3 ? "\n" : "  ");
	printf("last exits:\n");
	for (unsigned i = 0; i < HV_FAULT_EXITS; i++) {
		if (fault->exits[i].time)
			printf("  %" PRIu64 "  %-10s pc %016" PRIx64 "  insn %08x\n", fault->exits[i].time,
			       NAME(exit_names, fault->exits[i].stat), fault->exits[i].pc,
			       fault->exits[i].insn);
	}
}

int fault_main(int argc, char **argv)
{
	struct driver_fault request = { 0 };
	struct error error;
	bool json = false;
	char what[128];
	int fd, status = take_options(argc, argv, "", &json, NULL, NULL);

	if (status)
		return status;
	if (optind + 1 != argc)
		return usage_error("fault: give one cell, by its number or name");
	fd = driver_open(&error);
	if (fd < 0)
		return fail(&error);
	request.cell = driver_cell(argv[optind]);
	snprintf(what, sizeof(what), "the fault record of cell %.60s cannot be read", argv[optind]);
	if (driver_call(fd, DRIVER_CELL_FAULT, &request, what, &error) >= 0)
		(json ? print_json : print_text)(&request.fault);
	else if (errno != ENODATA)
		status = fail(&error);
	else if (json)
		printf("null\n");
	else
		printf("cell %s had no fault\n", argv[optind]);
	close(fd);
	return status;
}
