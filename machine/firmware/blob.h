/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A growing byte buffer that tables are written into, little-endian.  Running out of memory is
 * remembered, so that a builder checks once, at its end.
 */
#ifndef BIXI_FIRMWARE_BLOB_H
#define BIXI_FIRMWARE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
	uint8_t *data;
	size_t size, capacity;
	bool failed; /* an allocation failed: the content is not complete */
};

void blob_destroy(struct blob *blob);

/* Appends @size bytes (zeros if @data is NULL); returns their offset. */
size_t blob_put(struct blob *blob, const void *data, size_t size);

size_t blob_put8(struct blob *blob, uint8_t value);
size_t blob_put16(struct blob *blob, uint16_t value);
size_t blob_put32(struct blob *blob, uint32_t value);
size_t blob_put64(struct blob *blob, uint64_t value);

/* Appends zeros until the size is a multiple of @alignment, a power of two; returns the size. */
size_t blob_align(struct blob *blob, size_t alignment);

/* Overwrites bytes that are there already. */
void blob_set8(struct blob *blob, size_t offset, uint8_t value);
void blob_set32(struct blob *blob, size_t offset, uint32_t value);
void blob_set64(struct blob *blob, size_t offset, uint64_t value);

/* What has to be stored for the @size bytes at @offset to add up to 0: ACPI's and SMBIOS's checksum. */
uint8_t blob_checksum(const struct blob *blob, size_t offset, size_t size);

#endif
