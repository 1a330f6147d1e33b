/* SPDX-License-Identifier: MulanPSL-2.0 */
/* "bixi run". */
#ifndef BIXI_CONTROL_RUN_H
#define BIXI_CONTROL_RUN_H

/* Runs the sub-command; argv[0] is its name.  Returns the exit status. */
int run_main(int argc, char **argv);

#endif
