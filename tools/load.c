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
	struct driver_image image[IMAGES_MAX];
	struct blob file[IMAGES_MAX];
	unsigned count;
};

/* The image named at argv[i], with its address if that follows; the number of words it took, or 0: *status
 * says why. */
static int read_image(struct images *images, int argc, char **argv, int i, int *status)
{
	struct driver_image *image = &images->image[images->count];
	struct blob *file = &images->file[images->count];
	bool has_address = i + 1 < argc && strcmp(argv[i + 1], "-a") == 0;
	struct error error;

	*image = (struct driver_image){ .target_address = DEFAULT_ADDRESS };
	if (has_address && (i + 2 >= argc || !parse_number(argv[i + 2], &image->target_address))) {
		*status = usage_error("%s: give an address behind -a", argv[0]);
		return 0;
	}
	if (blob_read_file(file, argv[i], IMAGE_MAX, &error)) {
		*status = fail(&error);
		return 0;
	}
	if (!file->size) {
		error_set(&error, "%s is empty", argv[i]);
		*status = fail(&error);
		return 0;
	}
	image->source_address = (uintptr_t)file->data;
	image->size = file->size;
	images->count++;
	return has_address ? 3 : 1;
}

static int read_images(struct images *images, int argc, char **argv, int first)
{
	int status = STATUS_OK, words;

	for (int i = first; i < argc; i += words) {
		if (images->count == IMAGES_MAX)
			return usage_error("%s: %u images are the most at a time", argv[0], IMAGES_MAX);
		if (argv[i][0] == '-' && argv[i][1])
			return usage_error("%s: %s stands where an image is expected", argv[0], argv[i]);
		words = read_image(images, argc, argv, i, &status);
		if (!words)
			return status;
	}
	return STATUS_OK;
}

int load_cell(int fd, const char *cell, const struct driver_image *images, unsigned count)
{
	struct driver_cell_load head = { .cell = driver_cell(cell), .num_images = count };
	struct blob request = { 0 };
	struct error error;
	char what[128];
	int status = STATUS_OK;

	blob_append(&request, &head, sizeof(head));
	blob_append(&request, images, count * sizeof(images[0]));
	snprintf(what, sizeof(what), "cell %.60s cannot be loaded", cell);
	if (driver_call(fd, DRIVER_CELL_LOAD, request.data, what, &error) < 0)
		status = fail(&error);
	blob_free(&request);
	return status;
}

int load_images(int fd, const char *cell, int argc, char **argv, int first)
{
	struct images images = { 0 };
	int status = read_images(&images, argc, argv, first);

	if (status == STATUS_OK)
		status = load_cell(fd, cell, images.image, images.count);
	for (unsigned i = 0; i < IMAGES_MAX; i++)
		blob_free(&images.file[i]);
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
