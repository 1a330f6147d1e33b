/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell list [--json] */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command.h"

static void print_json(const struct cell_info *cells, unsigned count)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:s, s:s}", "id", (int)cells[i].id,
						      "name", cells[i].name, "state", cells[i].state, "cpus",
						      cells[i].cpus, "failed_cpus", cells[i].failed_cpus));
	json_dumpf(list, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(list);
}

int list_main(int argc, char **argv)
{
	struct cell_info *cells;
	struct error error;
	unsigned count;
	bool json = false;
	int status = take_options(argc, argv, "", &json, NULL, NULL);

	if (status)
		return status;
	if (optind != argc)
		return usage_error("list: %s is too much", argv[optind]);
	if (driver_cells(&cells, &count, &error))
		return fail(&error);
	if (json) {
		print_json(cells, count);
	} else {
		printf("%-4s%-24s%-18s%-16s%s\n", "ID", "NAME", "STATE", "CPUS", "FAILED CPUS");
		for (unsigned i = 0; i < count; i++)
			printf("%-4u%-24s%-18s%-16s%s\n", cells[i].id, cells[i].name, cells[i].state,
			       cells[i].cpus, cells[i].failed_cpus);
	}
	free(cells);
	return STATUS_OK;
}
