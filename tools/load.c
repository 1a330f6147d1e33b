/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell load CELL IMAGE [-a ADDRESS] [IMAGE [-a ADDRESS]]... */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/lib/number.h"

#define DEFAULT_ADDRESS 0x200000 /* where Linux and the cells of cells/ are linked */
#define IMAGE_MAX	(size_t)(1u << 31)
#define IMAGES_MAX	16

struct images {
	struct driver_cell_load head;
	struct driver_image image[IMAGES_MAX];
};

/* Reads the files; STATUS_OK, or what fail() says. */
static int read_images(struct images *images, struct blob *blobs, int argc, char **argv, int first)
{
	struct error error;

	for (int i = first; i < argc; i++) {
		struct driver_image *image = &images->image[images->head.num_images];

		if (images->head.num_images == IMAGES_MAX)
			return usage_error("load: %u images are the most at a time", IMAGES_MAX);
		if (argv[i][0] == '-' && argv[i][1])
			return usage_error("load: %s stands where an image is expected", argv[i]);
		image->target_address = DEFAULT_ADDRESS;
		if (i + 1 < argc && strcmp(argv[i + 1], "-a") == 0) {
			if (i + 2 >= argc || !parse_number(argv[i + 2], &image->target_address))
				return usage_error("load: give an address behind -a");
		}
		if (blob_read_file(&blobs[images->head.num_images], argv[i], IMAGE_MAX, &error))
			return fail(&error);
		image->source_address = (uintptr_t)blobs[images->head.num_images].data;
		image->size = blobs[images->head.num_images].size;
		images->head.num_images++;
		if (i + 1 < argc && strcmp(argv[i + 1], "-a") == 0)
			i += 2;
	}
	return STATUS_OK;
}

int load_images(int fd, const char *cell, int argc, char **argv, int first)
{
	struct images images = { .head.cell = driver_cell(cell) };
	struct blob blobs[IMAGES_MAX] = { 0 };
	struct error error;
	char what[128];
	int status = read_images(&images, blobs, argc, argv, first);

	if (status == STATUS_OK && images.head.num_images) {
		snprintf(what, sizeof(what), "cell %.60s cannot be loaded", cell);
		if (driver_call(fd, DRIVER_CELL_LOAD, &images, what, &error) < 0)
			status = fail(&error);
	}
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		blob_free(&blobs[i]);
	return status;
}

int load_main(int argc, char **argv)
{
	struct error error;
	int fd, status;

	if (argc < 3)
		return usage_error("load: give a cell, and files to load");
	fd = driver_open(&error);
	if (fd < 0)
		return fail(&error);
	status = load_images(fd, argv[1], argc, argv, 2);
	close(fd);
	return status;
}
