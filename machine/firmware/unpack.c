/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * gzip, zstd and xz, as EFI zboot kernels use them.  The sizes that such a file states are not
 * trusted: the output grows as data arrives, and ends at the limit.
 */
#include "machine/firmware/unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define OUTPUT_FIRST	    (8u << 20) /* bytes; a kernel is larger, so that it doubles two or three times */
#define XZ_MEMORY_LIMIT	    (256u << 20) /* of the decoder; xz -9 needs 65 MiB */
#define ZSTD_WINDOW_LOG_MAX 27		 /* 128 MiB, zstd's own default */

struct output {
	uint8_t *data;
	size_t size, capacity, limit;
};

/* Makes room for at least one more byte. */
static int output_grow(struct output *output)
{
	size_t capacity = output->capacity ? output->capacity * 2 : OUTPUT_FIRST;
	uint8_t *data;

	if (output->size < output->capacity)
		return 0;
	if (output->capacity >= output->limit)
		return -EFBIG;
	if (capacity > output->limit)
		capacity = output->limit;
	data = realloc(output->data, capacity);
	if (!data)
		return -ENOMEM;
	output->data = data;
	output->capacity = capacity;
	return 0;
}

static unsigned bounded(size_t size)
{
	return size > (1u << 30) ? 1u << 30 : (unsigned)size;
}

static int gzip_run(z_stream *stream, const uint8_t *in, size_t in_size, struct output *output)
{
	int error, status = Z_OK;
	size_t used = 0;

	while (status != Z_STREAM_END) {
		unsigned room, given = bounded(in_size - used);

		error = output_grow(output);
		if (error)
			return error;
		room = bounded(output->capacity - output->size);
		stream->next_in = (Bytef *)(in + used);
		stream->avail_in = given;
		stream->next_out = output->data + output->size;
		stream->avail_out = room;
		status = inflate(stream, Z_NO_FLUSH);
		used += given - stream->avail_in;
		output->size += room - stream->avail_out;
		if (status == Z_BUF_ERROR || (status == Z_OK && used == in_size && stream->avail_out))
			return -ENODATA;
		if (status == Z_MEM_ERROR)
			return -ENOMEM;
		if (status != Z_OK && status != Z_STREAM_END)
			return -EINVAL;
	}
	return 0;
}

static int gzip_unpack(const uint8_t *in, size_t in_size, struct output *output)
{
	z_stream stream = { 0 };
	int error;

	if (inflateInit2(&stream, 15 + 16) != Z_OK) /* the largest window, a gzip header */
		return -ENOMEM;
	error = gzip_run(&stream, in, in_size, output);
	inflateEnd(&stream);
	return error;
}

static int zstd_unpack(const uint8_t *in, size_t in_size, struct output *output)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer input = { in, in_size, 0 };
	size_t left = 1;
	int error = context ? 0 : -ENOMEM;

	if (!error && ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
		error = -EINVAL;
	while (!error && left) { /* 0: a frame is complete and flushed */
		ZSTD_outBuffer room;

		error = output_grow(output);
		if (error)
			break;
		room = (ZSTD_outBuffer){ output->data, output->capacity, output->size };
		left = ZSTD_decompressStream(context, &room, &input);
		output->size = room.pos;
		if (ZSTD_isError(left))
			error = -EINVAL;
		else if (left && input.pos == input.size && room.pos < room.size)
			error = -ENODATA;
	}
	ZSTD_freeDCtx(context);
	return error;
}

static int xz_unpack(const uint8_t *in, size_t in_size, struct output *output)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret status = lzma_stream_decoder(&stream, XZ_MEMORY_LIMIT, 0);
	int error = status == LZMA_OK ? 0 : -ENOMEM;

	stream.next_in = in;
	stream.avail_in = in_size;
	while (!error && status != LZMA_STREAM_END) {
		error = output_grow(output);
		if (error)
			break;
		stream.next_out = output->data + output->size;
		stream.avail_out = output->capacity - output->size;
		status = lzma_code(&stream, LZMA_RUN);
		output->size = output->capacity - stream.avail_out;
		if (status == LZMA_BUF_ERROR || (status == LZMA_OK && !stream.avail_in && stream.avail_out))
			error = -ENODATA;
		else if (status == LZMA_MEM_ERROR)
			error = -ENOMEM;
		else if (status != LZMA_OK && status != LZMA_STREAM_END)
			error = -EINVAL;
	}
	lzma_end(&stream);
	return error;
}

struct unpack_method {
	const char *name; /* as in a zboot header */
	int (*unpack)(const uint8_t *in, size_t in_size, struct output *output);
};

static const struct unpack_method methods[] = {
	{ "gzip", gzip_unpack },
	{ "zstd", zstd_unpack },
	{ "xz", xz_unpack },
	{ "xzkern", xz_unpack }, /* how Linux's build calls xz with a filter for the architecture */
};

const struct unpack_method *unpack_method_find(const char *name, size_t size)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strnlen(name, size) == strlen(methods[i].name) &&
		    !memcmp(name, methods[i].name, strlen(methods[i].name)))
			return &methods[i];
	}
	return NULL;
}

int unpack(const struct unpack_method *method, const uint8_t *in, size_t in_size, size_t limit, uint8_t **out,
	   size_t *out_size)
{
	struct output output = { .limit = limit };
	int error = method->unpack(in, in_size, &output);

	if (error) {
		free(output.data);
		return error;
	}
	*out = output.data;
	*out_size = output.size;
	return 0;
}
