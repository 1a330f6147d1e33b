/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A system's configuration from what the running Linux says of the computer. */
#ifndef BIXI_CELL_PROBE_H
#define BIXI_CELL_PROBE_H

#include "tools/lib/blob.h"

/* @root: a directory with proc/ and sys/ in it, "" for this system.  *text becomes YAML with comments. */
int probe_system(const char *root, struct blob *text, struct error *error);

#endif
