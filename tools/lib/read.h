/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Reading a configuration from a file, whichever form it has. */
#ifndef BIXI_CELL_READ_H
#define BIXI_CELL_READ_H

#include "tools/lib/convert.h"

struct config_file {
	const char *name;
	struct blob text;   /* the YAML, for lines; empty: the file was a binary */
	struct blob binary; /* revision 14 */
	enum convert_form form;
	size_t trailing;
	bool arch_guessed;
};

/* @architecture: of old binaries, -1: guess.  The error has the file's name and line. */
int config_read(struct config_file *file, const char *name, int architecture, struct error *error);
void config_file_free(struct config_file *file);
/* Puts file and line (of error->path, where the file is YAML) in front of the sentence. */
void config_locate(const struct config_file *file, struct error *error);

#endif
