/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The byte buffer of the table builders. */
#include "machine/firmware/blob.h"

#include <stdlib.h>
#include <string.h>

void blob_destroy(struct blob *blob)
{
	free(blob->data);
	*blob = (struct blob){ 0 };
}

static bool blob_reserve(struct blob *blob, size_t size)
{
	size_t capacity = blob->capacity ? blob->capacity : 4096;
	uint8_t *data;

	if (blob->failed)
		return false;
	while (capacity - blob->size < size)
		capacity *= 2;
	if (capacity == blob->capacity)
		return true;
	data = realloc(blob->data, capacity);
	if (!data) {
		blob->failed = true;
		return false;
	}
	blob->data = data;
	blob->capacity = capacity;
	return true;
}

size_t blob_put(struct blob *blob, const void *data, size_t size)
{
	size_t offset = blob->size;

	if (size && blob_reserve(blob, size)) {
		if (data)
			memcpy(blob->data + offset, data, size);
		else
			memset(blob->data + offset, 0, size);
		blob->size += size;
	}
	return offset;
}

static void store(uint8_t *to, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static size_t put_integer(struct blob *blob, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	store(bytes, value, size);
	return blob_put(blob, bytes, size);
}

size_t blob_put8(struct blob *blob, uint8_t value)
{
	return put_integer(blob, value, 1);
}

size_t blob_put16(struct blob *blob, uint16_t value)
{
	return put_integer(blob, value, 2);
}

size_t blob_put32(struct blob *blob, uint32_t value)
{
	return put_integer(blob, value, 4);
}

size_t blob_put64(struct blob *blob, uint64_t value)
{
	return put_integer(blob, value, 8);
}

size_t blob_align(struct blob *blob, size_t alignment)
{
	blob_put(blob, NULL, -blob->size & (alignment - 1));
	return blob->size;
}

static void set_integer(struct blob *blob, size_t offset, uint64_t value, unsigned size)
{
	if (!blob->failed)
		store(blob->data + offset, value, size);
}

void blob_set8(struct blob *blob, size_t offset, uint8_t value)
{
	set_integer(blob, offset, value, 1);
}

void blob_set32(struct blob *blob, size_t offset, uint32_t value)
{
	set_integer(blob, offset, value, 4);
}

void blob_set64(struct blob *blob, size_t offset, uint64_t value)
{
	set_integer(blob, offset, value, 8);
}

uint8_t blob_checksum(const struct blob *blob, size_t offset, size_t size)
{
	uint8_t sum = 0;

	if (blob->failed)
		return 0;
	for (size_t i = 0; i < size; i++)
		sum += blob->data[offset + i];
	return (uint8_t)-sum;
}
