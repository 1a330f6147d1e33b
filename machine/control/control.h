/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The control thread: monitor, QMP and GDB servers run on an event loop of their own, so that they can stop
 * the machine, wait for it and work on it while its devices' loop goes on.
 */
#ifndef BIXI_CONTROL_CONTROL_H
#define BIXI_CONTROL_CONTROL_H

#include "machine/board/machine.h"
#include "machine/host/eventloop.h"

struct disk;
struct run_options;
struct serial;

/* What the machine was put together from, for the monitor to show; any may be NULL. */
struct control_parts {
	const struct run_options *options;
	const struct serial *serial; /* one a serial port of the options */
	const struct disk *disk;     /* one a disk of the options */
};

struct control {
	struct machine *machine;
	struct event_loop loop; /* of the control thread */
	bool ended;		/* control_end() was called */
	struct control_parts parts;
	/* Set by who asks on the user's side, before it asks: QMP's events tell it from the guest. */
	_Atomic bool reset_asked, quit_asked;
	_Atomic bool key_asked; /* Ctrl-a x */
};

/* The thread starts; then servers are added.  Returns 0 or a negative errno. */
int control_start(struct control *control, struct machine *machine);

/* Where serial port @index of the parts goes, as QEMU writes it ("pty:/dev/pts/3"). */
void control_serial_where(const struct control *control, unsigned index, char *text, size_t size);

/* Ends the thread; then servers are closed.  Does nothing if it was not started. */
void control_end(struct control *control);

/* After control_end() and the servers' ends.  Does nothing if the thread was not started. */
void control_destroy(struct control *control);

#endif
