/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A Linux for a cell: what has to be in its memory before it is started.  As there is no firmware, the kernel
 * is entered as its EFI stub would enter it; all it needs to know of the cell is in a device tree.
 */
#ifndef BIXI_CELL_LINUX_H
#define BIXI_CELL_LINUX_H

#include <stdbool.h>

#include "hypervisor/include/config.h"
#include "hypervisor/include/driver.h"
#include "tools/lib/blob.h"

#define LINUX_IMAGES_MAX 40

struct linux_request {
	const struct config_cell *cell;
	const char *kernel;  /* files */
	const char *initrd;  /* NULL: none */
	const char *cmdline; /* NULL: the console only */
	uint64_t cpu_clock;  /* Hz, as Linux shows it; 0: unknown */
};

/* What DRIVER_CELL_LOAD takes; the images' sources are in the blobs. */
struct linux_images {
	struct driver_image image[LINUX_IMAGES_MAX];
	unsigned count;
	struct blob kernel, initrd, tree, ports, parameters, entry;
};

/* The caller owes linux_images_free() in any case. */
int linux_prepare(struct linux_images *images, const struct linux_request *request, struct error *error);
void linux_images_free(struct linux_images *images);

/* linux_tree.c */
struct linux_tree {
	const struct config_cell *cell;
	const char *cmdline;
	uint64_t initrd, initrd_size; /* size 0: none */
	uint64_t ports;		      /* LINUX_PORTS bytes of memory that stand for I/O ports */
	uint64_t cpu_clock;
};

#define LINUX_PORTS 0x4000

/* Into the empty @blob. */
int linux_tree_build(struct blob *blob, const struct linux_tree *tree, struct error *error);

/* The cell's memory number @index, regions that follow each other being one; false: there is none. */
bool linux_ram(const struct config_cell *cell, unsigned index, uint64_t *base, uint64_t *size);

#endif
