/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The GDB stub: GDB's remote protocol on a TCP port of this host, one client at a time.  A client that comes
 * finds the machine stopped; when it detaches or vanishes the machine goes on.
 */
#ifndef BIXI_CONTROL_GDB_H
#define BIXI_CONTROL_GDB_H

#include <stddef.h>
#include <stdint.h>

#include "machine/control/control.h"

#define GDB_PORT 1234 /* where people look for it */

struct gdb;

/*
 * Listens on 127.0.0.1:@port (0: one that is free) and tells the user.  The control thread runs, the machine
 * does not yet.  On failure returns a negative errno and a sentence in @error.
 */
int gdb_open(struct gdb **gdb, struct control *control, uint16_t port, char *error, size_t error_size);

/* After control_end().  @gdb may be NULL. */
void gdb_close(struct gdb *gdb);

#endif
