/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Snapshots: a whole machine in a file (docs/snapshots.md).  What is in it beside RAM is what the parts of
 * the machine say of themselves (bus/state.h).
 */
#ifndef BIXI_CONTROL_SNAPSHOT_H
#define BIXI_CONTROL_SNAPSHOT_H

#include <stddef.h>

#include "machine/board/machine.h"

/*
 * Writes @machine, stopped or running, to the file @path; it stands still meanwhile and goes on as it was.
 * The file appears, or takes the place of another, only when all of it is on the disk.  Not on a thread of
 * the machine.  Returns 0, or a negative errno with the reason in @error: "No space left on device".
 */
int snapshot_save(struct machine *machine, const char *path, char *error, size_t error_size);

/*
 * Puts @machine, made with the same options and not run yet, into the state of the file: machine_run() then
 * goes on where it was saved.  On failure as above, and the machine is good for nothing but to be destroyed.
 */
int snapshot_load(struct machine *machine, const char *path, char *error, size_t error_size);

#endif
