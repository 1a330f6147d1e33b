/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What a run serves on the control thread: the monitors, QMP and GDB. */
#ifndef BIXI_CONTROL_SERVERS_H
#define BIXI_CONTROL_SERVERS_H

#include "machine/control/control.h"
#include "machine/control/options.h"

struct chardev;
struct gdb;
struct monitor;
struct qmp;

struct servers {
	struct control control;
	struct monitor *monitor;			 /* --monitor */
	struct monitor *behind[OPTIONS_MAX_SERIALS + 1]; /* Ctrl-a c of each serial port and the console */
	struct qmp *qmp;
	struct gdb *gdb;
};

/*
 * Starts the control thread and what the options of @parts ask for; @console is the virtio console's
 * character device or NULL.  Before the machine starts.  Negative errno and a sentence in @error on failure;
 * servers_close() is due in any case.
 */
int servers_open(struct servers *servers, struct machine *machine, const struct control_parts *parts,
		 struct chardev *console, char *error, size_t error_size);

/* Once the machine has ended and before its character devices are closed.  A second time does nothing. */
void servers_close(struct servers *servers);

#endif
