/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What a fuzzer reads its decisions from: the bytes of the input, and zeros behind them. */
#ifndef BIXI_FUZZ_INPUT_H
#define BIXI_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
	const uint8_t *data;
	size_t size;
};

/* The next @bytes (at most 8) as a little-endian number. */
static inline uint64_t input_take(struct input *input, size_t bytes)
{
	uint64_t value = 0;
	size_t n = bytes < input->size ? bytes : input->size;

	if (n)
		memcpy(&value, input->data, n);
	input->data += n;
	input->size -= n;
	return value;
}

#endif
