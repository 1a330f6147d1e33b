/* SPDX-License-Identifier: MulanPSL-2.0 */
/* --serial: a UART of the machine joined to a character device of the host. */
#ifndef BIXI_CONTROL_SERIAL_H
#define BIXI_CONTROL_SERIAL_H

#include <stddef.h>

#include "machine/board/machine.h"
#include "machine/host/chardev.h"

struct serial {
	struct uart *uart;
	struct chardev *chardev; /* NULL: not open */
};

/*
 * Opens back end @spec and joins it to UART @index.  Says where it is when it got a name of its own (a
 * pty).  On failure returns a negative errno and a sentence in @error.
 */
int serial_open(struct serial *serial, const char *spec, struct machine *machine, unsigned index,
		const struct chardev_keys *keys, char *error, size_t error_size);

/* Writes out what the guest sent, and closes.  The machine does not run any more. */
void serial_close(struct serial *serial);

#endif
