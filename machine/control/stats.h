/* SPDX-License-Identifier: MulanPSL-2.0 */
/* "bixi run --stats". */
#ifndef BIXI_CONTROL_STATS_H
#define BIXI_CONTROL_STATS_H

#include <stdio.h>

#include "machine/board/machine.h"

/*
 * Prints what the machine did, after machine_run(): counts, rates by host time, and the host's memory.
 * Of a deterministic machine only what is the same in every run.
 */
void stats_print(struct machine *machine, FILE *file);

#endif
