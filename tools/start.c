/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell start CELL */
#include "tools/command.h"

int start_main(int argc, char **argv)
{
	return one_cell_command(argc, argv, DRIVER_CELL_START, "started");
}
