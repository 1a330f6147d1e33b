/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the options need of the host while the machine runs, for the sandbox (host/sandbox.h). */
#ifndef BIXI_CONTROL_CONFINE_H
#define BIXI_CONTROL_CONFINE_H

#include "machine/control/options.h"

/*
 * Confines the process to what @options need.  All files, sockets and devices are open.  Where the host
 * cannot do that, one sentence says so and the process goes on.
 */
void confine(const struct run_options *options);

#endif
