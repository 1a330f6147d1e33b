/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell linux CELL|FILE KERNEL [-i INITRD] [-c COMMANDLINE] */
#include "tools/lib/linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"

#define MHZ 1000000

static void take_option(int letter, const char *argument, void *opaque)
{
	struct linux_request *request = opaque;

	if (letter == 'i')
		request->initrd = argument;
	else
		request->cmdline = argument;
}

/* As root's Linux says it. */
static uint64_t cpu_clock(void)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[160];
	double mhz = 0;

	while (file && !mhz && fgets(line, sizeof(line), file))
		sscanf(line, "CPU MHz : %lf", &mhz);
	if (file)
		fclose(file);
	return (uint64_t)(mhz * MHZ);
}

/* 1: there is such a cell; 0: there is none; -1: *error says why that is not known. */
static int cell_exists(const char *name, struct error *error)
{
	struct cell_info *cells;
	unsigned count;
	int found = 0;

	if (driver_cells(&cells, &count, error))
		return -1;
	for (unsigned i = 0; i < count; i++)
		found |= strcmp(cells[i].name, name) == 0;
	free(cells);
	return found;
}

/* A cell that is there already is loaded anew. */
static int boot(int fd, const char *config, const char *cell, const struct linux_images *images)
{
	struct driver_cell_id id = driver_cell(cell);
	struct error error;
	char what[128];
	int status = STATUS_OK, exists = cell_exists(cell, &error);

	if (exists < 0)
		return fail(&error);
	if (!exists)
		status = create_cell(fd, config);
	if (status == STATUS_OK)
		status = load_cell(fd, cell, images->image, images->count);
	snprintf(what, sizeof(what), "cell %.60s cannot be started", cell);
	if (status == STATUS_OK && driver_call(fd, DRIVER_CELL_START, &id, what, &error) < 0)
		status = fail(&error);
	return status;
}

static int prepare_and_boot(int fd, const char *config, struct linux_request *request)
{
	struct linux_images images;
	struct config_file file;
	struct error error;
	int status;

	if (config_read(&file, config, -1, &error))
		return fail(&error);
	request->cell = config_cell_of(&file.binary);
	if (config_is_system(&file.binary)) {
		error_set(&error, "%s is the configuration of a system, not of a cell", config);
		status = fail(&error);
	} else {
		status = linux_prepare(&images, request, &error)
				 ? fail(&error)
				 : boot(fd, config, request->cell->name, &images);
		linux_images_free(&images);
	}
	config_file_free(&file);
	return status;
}

int linux_main(int argc, char **argv)
{
	struct linux_request request = { .cpu_clock = cpu_clock() };
	struct error error;
	char *config;
	int fd, status = take_options(argc, argv, "i:c:", NULL, take_option, &request);

	if (status)
		return status;
	if (argc - optind != 2)
		return usage_error("linux: give a cell's configuration and a kernel");
	request.kernel = argv[optind + 1];
	fd = driver_open_alone(&error);
	if (fd < 0)
		return fail(&error);
	config = find_config(argv[optind], &error);
	status = config ? prepare_and_boot(fd, config, &request) : fail(&error);
	free(config);
	close(fd);
	return status;
}
