/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell disable */
#include <unistd.h>

#include "tools/command.h"

int disable_main(int argc, char **argv)
{
	struct driver_release unused = { DRIVER_RELEASE_UNUSED };
	struct error error;
	int fd, status = STATUS_OK;

	if (argc != 1)
		return usage_error("disable: there is nothing to give it");
	fd = driver_open_alone(&error);
	if (fd < 0)
		return fail(&error);
	if (driver_call(fd, DRIVER_DISABLE, NULL, "the hypervisor cannot be disabled", &error) < 0 ||
	    driver_call(fd, DRIVER_RELEASE, &unused, "memory cannot be given back", &error) < 0)
		status = fail(&error);
	close(fd);
	return status;
}
