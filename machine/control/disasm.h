/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The sub-command "bixi disasm".
 */
#ifndef BIXI_CONTROL_DISASM_H
#define BIXI_CONTROL_DISASM_H

/* Runs "bixi disasm" with argv[0] = "disasm"; returns the exit code: 0, or 2 after a sentence on stderr. */
int disasm_main(int argc, char **argv);

#endif
