/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The QEMU Machine Protocol: a program controls the machine by JSON (QEMU's docs/interop/qmp-spec).  One
 * client at a time; no out-of-band execution.
 */
#ifndef BIXI_CONTROL_QMP_H
#define BIXI_CONTROL_QMP_H

#include <stddef.h>

#include "machine/control/control.h"

struct qmp;

/* Serves @spec (chardev.h).  Before the machine starts.  Negative errno and a sentence in @error on failure.
 */
int qmp_open(struct qmp **qmp, struct control *control, const char *spec, char *error, size_t error_size);

/* After control_end().  NULL does nothing. */
void qmp_close(struct qmp *qmp);

#endif
