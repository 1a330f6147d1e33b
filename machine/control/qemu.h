/* SPDX-License-Identifier: MulanPSL-2.0 */
/* "bixi run -q QEMU": the same machine on QEMU. */
#ifndef BIXI_CONTROL_QEMU_H
#define BIXI_CONTROL_QEMU_H

#include "machine/control/options.h"

/*
 * Replaces this process by options->qemu with the options translated.  Returns only when that is
 * impossible, with the exit status; one sentence is then on standard error.
 */
int qemu_exec(const struct run_options *options);

#endif
