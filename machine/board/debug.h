/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A debugger's hold on the machine's cores: break- and watchpoints, single steps, which cores go on.  When a
 * core stops it stands still and says so; the debugger then stops the whole machine with machine_stop() and
 * lets it go on with machine_debug_resume().
 *
 * One debugger at a time.  All functions are called on its thread, not on a core's.
 */
#ifndef BIXI_BOARD_DEBUG_H
#define BIXI_BOARD_DEBUG_H

#include "machine/board/machine.h"

#define MACHINE_DEBUG_POINTS_MAX 1024

/* Who debugs.  Kept by its owner. */
struct machine_debugger {
	void (*stopped)(void *opaque); /* a core has stopped; on its thread, no lock held */
	void *opaque;
	bool mask_interrupts; /* single steps take no interrupts; set while the machine is stopped */
	struct debug_points points;
};

/* The machine is @debugger's from here on, and goes on without it: points gone, all cores free. */
void machine_debug_attach(struct machine *machine, struct machine_debugger *debugger);
void machine_debug_detach(struct machine *machine);

/*
 * Sets or removes a point.  0, -EINVAL: no such place, -ENOSPC: too many, -ENOENT: there is none to remove.
 * Setting one that is there does nothing.  The machine may run.
 */
int machine_debug_add(struct machine *machine, const struct debug_point *point);
int machine_debug_remove(struct machine *machine, const struct debug_point *point);

/*
 * Why core @id stopped (reason DEBUG_NONE: it did not), and forgets it.  The machine is stopped.
 */
struct debug_stop machine_debug_take_stop(struct machine *machine, unsigned id);

/* Gives every core its action and lets the stopped machine go on. */
void machine_debug_resume(struct machine *machine, const enum debug_action action[]);

/* The same with all cores free, for a machine that somebody else lets go on; it need not be stopped. */
void machine_debug_release(struct machine *machine);

/* For run.c: */

/*
 * Runs @cpu as interp_run() does, but as the debugger wants it.  True: the core stopped and is to stand
 * still, *left of the budget remains.
 */
bool debug_run(struct machine *machine, struct cpu *cpu, uint64_t budget, uint64_t *left);

/* Whether @cpu is to stand still though the machine is not paused.  The machine's lock is held. */
static inline bool debug_holds(const struct machine *machine, const struct cpu *cpu)
{
	return machine->debugger && cpu->debug.action == DEBUG_HOLD;
}

#endif
