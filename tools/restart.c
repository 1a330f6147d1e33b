/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell restart CELL [IMAGE [-a ADDRESS]]... */
#include <stdio.h>
#include <unistd.h>

#include "tools/command.h"

int restart_main(int argc, char **argv)
{
	struct driver_cell_id id;
	struct error error;
	char what[128];
	int fd, status = STATUS_OK;

	if (argc < 2 || argv[1][0] == '-')
		return usage_error("restart: give a cell, by its number or name");
	fd = driver_open(&error);
	if (fd < 0)
		return fail(&error);
	id = driver_cell(argv[1]);
	snprintf(what, sizeof(what), "cell %.60s cannot be restarted", argv[1]);
	/* Loading stops it, too, but only once the images are there. */
	if (argc > 2)
		status = load_images(fd, argv[1], argc, argv, 2);
	else if (driver_call(fd, DRIVER_CELL_SHUTDOWN, &id, what, &error) < 0)
		status = fail(&error);
	if (status == STATUS_OK && driver_call(fd, DRIVER_CELL_START, &id, what, &error) < 0)
		status = fail(&error);
	close(fd);
	return status;
}
