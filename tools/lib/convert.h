/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Reading configurations of all revisions: what comes out is of revision 14, its sizes are right. */
#ifndef BIXI_CELL_CONVERT_H
#define BIXI_CELL_CONVERT_H

#include <stdbool.h>

#include "hypervisor/include/config.h"
#include "tools/lib/blob.h"

/* Revisions 13 of before and after two bytes of padding are told apart by the file's length. */
enum convert_form {
	FORM_NONE,
	FORM_10,
	FORM_11,
	FORM_12,
	FORM_13A,
	FORM_13B,
	FORM_14,
	FORM_RVM, /* sysHyper's, as revision 10 */
};

struct converted {
	struct blob binary; /* revision 14 */
	enum convert_form form;
	size_t trailing; /* bytes of the file behind the configuration */
	bool arch_guessed;
};

/* "revision 13 (13a)" and such. */
const char *convert_form_name(enum convert_form form);

/*
 * Revisions below 14 do not say which architecture they are for: it is @architecture, or if that is negative
 * guessed by what is in there.
 */
int config_convert(const struct blob *file, int architecture, struct converted *to, struct error *error);

static inline bool config_is_system(const struct blob *binary)
{
	return binary->size >= sizeof(struct config_system) && binary->data[2] == 'S';
}

/* The cell's description, of the root cell in a system's configuration; of revision 14. */
static inline struct config_cell *config_cell_of(const struct blob *binary)
{
	return config_is_system(binary) ? &((struct config_system *)(void *)binary->data)->root_cell
					: (struct config_cell *)(void *)binary->data;
}

#endif
