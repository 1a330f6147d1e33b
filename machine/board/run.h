/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What boards need of the run control beside machine.h. */
#ifndef BIXI_BOARD_RUN_H
#define BIXI_BOARD_RUN_H

#include "machine/board/machine.h"

/* A core's thread and what it does.  Real mode only. */
struct vcpu {
	struct machine *machine;
	struct cpu *cpu;
	pthread_t thread;
	uint64_t budget; /* instructions it executes at a time */
	bool started;
};

#endif
