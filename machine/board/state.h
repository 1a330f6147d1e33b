/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A machine at rest, and the state of all its parts: for snapshots. */
#ifndef BIXI_BOARD_STATE_H
#define BIXI_BOARD_STATE_H

#include "machine/board/machine.h"

/*
 * Brings the machine to rest: it is stopped and cannot be reset, nothing is in flight, the event loop stands.
 * machine_release() lets it go on, unless it was stopped before.  Not on a thread of the machine; calls do
 * not nest.
 */
void machine_quiesce(struct machine *machine);
void machine_release(struct machine *machine);

/* A part whose state is a section of its own; fn NULL: there are no more. */
struct machine_part {
	char name[64];
	uint32_t version;
	void (*fn)(void *opaque, struct state *state);
	void *opaque;
};

/* The @index-th part: the machine's own, devices, what machine_add_state() added, cores. */
struct machine_part machine_part(struct machine *machine, unsigned index);

/* All parts but RAM, to @state or from it.  At rest; loading: before machine_run(). */
void machine_state(struct machine *machine, struct state *state);

#endif
