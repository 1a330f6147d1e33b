/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell create CELL|FILE */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/command.h"

int create_cell(int fd, const char *name)
{
	struct driver_cell_create request = { 0 };
	struct blob binary;
	struct error error;
	char what[160];
	int status = prepare_config(fd, name, false, &binary);

	if (status == STATUS_OK) {
		request.config_address = (uintptr_t)binary.data;
		request.config_size = (uint32_t)binary.size;
		snprintf(what, sizeof(what), "cell %.31s cannot be created", config_cell_of(&binary)->name);
		if (driver_call(fd, DRIVER_CELL_CREATE, &request, what, &error) < 0)
			status = fail(&error);
		blob_free(&binary);
	}
	if (status != STATUS_OK)
		release_unused(fd);
	return status;
}

int create_main(int argc, char **argv)
{
	struct error error;
	char *name;
	int fd, status;

	if (argc != 2 || argv[1][0] == '-')
		return usage_error("create: give one configuration, a file or the name of one in /etc/bixi");
	fd = driver_open_alone(&error);
	if (fd < 0)
		return fail(&error);
	name = find_config(argv[1], &error);
	status = name ? create_cell(fd, name) : fail(&error);
	free(name);
	close(fd);
	return status;
}
