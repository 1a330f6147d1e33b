/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Checks of configurations without a hypervisor: a person is told everything at once, and before anything is
 * done. The hypervisor checks again what it is given, by its own rules.
 */
#ifndef BIXI_CELL_CHECK_H
#define BIXI_CELL_CHECK_H

#include <stdbool.h>

#include "tools/lib/blob.h"

enum { CHECK_ERROR, CHECK_WARNING };

struct check {
	/* Told of each finding; its path is of the configuration that was given last. */
	void (*report)(void *opaque, int severity, const struct error *finding);
	void *opaque;
	unsigned errors, warnings;
};

/* All take binaries of revision 14 from config_convert() or model_compile(). */
void check_config(struct check *check, const struct blob *binary);
void check_against_system(struct check *check, const struct blob *system, const struct blob *cell);
void check_two_cells(struct check *check, const struct blob *other, const struct blob *cell);

#endif
