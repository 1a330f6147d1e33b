/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell shutdown CELL */
#include "tools/command.h"

int shutdown_main(int argc, char **argv)
{
	return one_cell_command(argc, argv, DRIVER_CELL_SHUTDOWN, "shut down");
}
