/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Any bytes as a kernel image: parsed, checked against RAM, and loaded if they pass. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/bus.h"
#include "machine/firmware/image.h"

#define RAM (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t ram[RAM];
	const struct bus bus = { .ram = ram, .ram_size = RAM, .range_count = 1, .range = { { 0, RAM, 0 } } };
	char error[IMAGE_ERROR_SIZE];
	struct kernel_image image;
	uint8_t *copy = malloc(size + 1);
	uint64_t low, end;

	memcpy(copy, data, size);
	if (image_parse(&image, "input", copy, size, RAM, error))
		return 0;
	if (!image_check_ram(&image, "input", &bus, error)) {
		image_copy(&image, &bus);
		image_extent(&image, &low, &end);
		if (low >= end || end > RAM)
			abort();
	}
	image_destroy(&image);
	return 0;
}
