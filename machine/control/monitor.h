/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The monitor: a person types commands (command.h) at a prompt with line editing, on a character device of
 * its own or on the terminal of a serial port behind Ctrl-a c.
 */
#ifndef BIXI_CONTROL_MONITOR_H
#define BIXI_CONTROL_MONITOR_H

#include <stddef.h>

#include "machine/control/control.h"
#include "machine/host/chardev.h"

struct monitor;

/* On the character device @spec.  On failure returns a negative errno and a sentence in @error. */
int monitor_open(struct monitor **monitor, struct control *control, const char *spec, char *error,
		 size_t error_size);

/* Behind Ctrl-a c of @chardev, which stays the caller's.  Before the machine starts.  0 or -ENOMEM. */
int monitor_share(struct monitor **monitor, struct control *control, struct chardev *chardev);

/* After control_end().  NULL does nothing. */
void monitor_close(struct monitor *monitor);

#endif
