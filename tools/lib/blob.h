/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Bytes in memory that grow, and files of them. */
#ifndef BIXI_CELL_BLOB_H
#define BIXI_CELL_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "tools/lib/error.h"

struct blob {
	uint8_t *data; /* with a NUL behind it, which size does not count; NULL: empty */
	size_t size;
};

/* Where @size zero bytes were added; ends the program if there is no memory. */
void *blob_extend(struct blob *blob, size_t size);
void blob_append(struct blob *blob, const void *data, size_t size);
void blob_free(struct blob *blob);

#define BLOB_FILE_MAX (16u << 20) /* configurations are far smaller */

/* "-": standard input.  Files of more than @max bytes are refused. */
int blob_read_file(struct blob *blob, const char *name, size_t max, struct error *error);
/* "-": standard output.  A file is there whole, or not at all. */
int blob_write_file(const struct blob *blob, const char *name, struct error *error);

#endif
