/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Decompression into a buffer that grows up to a limit. */
#ifndef BIXI_FIRMWARE_UNPACK_H
#define BIXI_FIRMWARE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

struct unpack_method;

/*
 * The method that a zboot header calls @name ("gzip", "zstd", "xz"; terminated or @size bytes long),
 * NULL if there is none.
 */
const struct unpack_method *unpack_method_find(const char *name, size_t size);

/*
 * Unpacks one stream; bytes after its end are ignored.  0 with a malloc'ed buffer, or -EINVAL (corrupt),
 * -ENODATA (truncated), -EFBIG (more than @limit bytes), -ENOMEM.
 */
int unpack(const struct unpack_method *method, const uint8_t *in, size_t in_size, size_t limit, uint8_t **out,
	   size_t *out_size);

#endif
