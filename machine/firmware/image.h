/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Kernel image files: EFI zboot (gzip, zstd, xz), PE Image, ELF64.  Reading one checks everything and
 * touches no guest memory; image_copy() then cannot fail.
 */
#ifndef BIXI_FIRMWARE_IMAGE_H
#define BIXI_FIRMWARE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAX_SEGMENTS 32
#define IMAGE_ERROR_SIZE   512 /* a buffer this large holds any sentence of this directory */

/* Reads as a physical address: what is left of an address in a direct-mapped window. */
#define IMAGE_PHYSICAL_MASK 0xffffffffffffull

struct image_segment {
	uint64_t address;	  /* guest-physical */
	uint64_t size;		  /* bytes in memory; those after file_size are zeros */
	size_t offset, file_size; /* where in data */
};

struct kernel_image {
	const char *format; /* for messages: "EFI zboot (zstd)" */
	uint8_t *data;	    /* the file, unpacked if need be */
	size_t size;
	uint64_t entry; /* guest-physical */
	struct image_segment segment[IMAGE_MAX_SEGMENTS];
	unsigned segment_count; /* at least 1; in the order of the file, so a later one wins */
};

struct bus;

/*
 * Reads the kernel in file @path for a machine with @ram_size bytes of RAM, which bounds what is
 * unpacked.  0, or a negative errno with a sentence in @error (IMAGE_ERROR_SIZE bytes); on success the
 * caller owes image_destroy().
 */
int image_load(struct kernel_image *image, const char *path, uint64_t ram_size, char *error);

/* The same for a file in memory; takes @data (from malloc) over in every case.  @name is for messages. */
int image_parse(struct kernel_image *image, const char *name, uint8_t *data, size_t size, uint64_t ram_size,
		char *error);

void image_destroy(struct kernel_image *image);

/* Whether all segments lie in RAM; if not, -EFBIG and a sentence about the file @name. */
int image_check_ram(const struct kernel_image *image, const char *name, const struct bus *bus, char *error);

/* Writes the segments into RAM; image_check_ram() has passed. */
void image_copy(const struct kernel_image *image, const struct bus *bus);

/* The lowest address and the end of the segments. */
void image_extent(const struct kernel_image *image, uint64_t *low, uint64_t *end);

/*
 * Opens the regular file @path of at most @limit bytes for reading; @what ("kernel") is for messages.
 * Returns the file descriptor and its size, or a negative errno and a sentence.
 */
int file_open(const char *path, const char *what, uint64_t limit, uint64_t *size, char *error);

/* Reads exactly @size bytes. */
int file_fill(int fd, const char *path, const char *what, void *buffer, size_t size, char *error);

/* Writes a sentence into @error and returns @code. */
int error_sentence(char *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
