/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Kernel images and this machine's RAM; what is in image.c knows nothing of it, and is bixi-cell's, too. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "machine/bus/bus.h"
#include "machine/firmware/image.h"

int image_check_ram(const struct kernel_image *image, const char *name, const struct bus *bus, char *error)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *segment = &image->segment[i];

		if (!bus_ram(bus, segment->address, segment->size))
			return error_sentence(error, -EFBIG,
					      "kernel %s wants %" PRIu64 " KiB of memory at %#" PRIx64
					      ", where the machine has no RAM: give it more with -m",
					      name, (segment->size + 1023) >> 10, segment->address);
	}
	if (!bus_ram(bus, image->entry, 4) || image->entry & 3)
		return error_sentence(error, -EINVAL,
				      "kernel %s is damaged: its entry point %#" PRIx64
				      " is not the address of an instruction in RAM",
				      name, image->entry);
	return 0;
}

void image_copy(const struct kernel_image *image, const struct bus *bus)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct image_segment *segment = &image->segment[i];
		uint8_t *ram = bus_ram(bus, segment->address, segment->size);

		memcpy(ram, image->data + segment->offset, segment->file_size);
		memset(ram + segment->file_size, 0, segment->size - segment->file_size);
	}
}
