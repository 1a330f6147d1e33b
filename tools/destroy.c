/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell destroy CELL */
#include <unistd.h>

#include "tools/command.h"

int destroy_main(int argc, char **argv)
{
	struct driver_release unused = { DRIVER_RELEASE_UNUSED };
	int status = one_cell_command(argc, argv, DRIVER_CELL_DESTROY, "destroyed"), fd;
	struct error error;

	if (status)
		return status;
	/* What was reserved for it is nobody's now. */
	fd = driver_open_alone(&error);
	if (fd < 0 || driver_call(fd, DRIVER_RELEASE, &unused, "memory cannot be given back", &error) < 0)
		status = fail(&error);
	if (fd >= 0)
		close(fd);
	return status;
}
