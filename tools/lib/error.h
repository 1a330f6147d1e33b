/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What went wrong, as a sentence without full stop, and which field of a configuration it is about. Functions
 * of this library return 0, or -1 with *error filled in; whoever talks to a person adds file and line.
 */
#ifndef BIXI_CELL_ERROR_H
#define BIXI_CELL_ERROR_H

struct error {
	char path[96]; /* "cell.memory[2].size"; "": none */
	char text[320];
};

int error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* @path may have one %u, which becomes @index. */
int error_at(struct error *error, const char *path, unsigned index, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
