/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A disk's overlay: what the guest wrote to a disk opened with "snapshot", in an anonymous sparse file, by
 * clusters.  Not thread-safe: one disk, one worker.
 */
#ifndef BIXI_HOST_OVERLAY_H
#define BIXI_HOST_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

#define OVERLAY_CLUSTER 4096 /* bytes */

struct overlay {
	int fd;
	uint8_t *written; /* a bit a cluster */
	size_t map_size;  /* bytes */
};

/* Reads [offset, offset + size) of what lies under the overlay; 0 or a negative errno. */
typedef int overlay_base_read(void *base, uint64_t offset, void *data, size_t size);

/* For a disk of @size bytes.  Returns 0 or a negative errno. */
int overlay_open(struct overlay *overlay, uint64_t size);
void overlay_close(struct overlay *overlay);

int overlay_read(struct overlay *overlay, uint64_t offset, void *data, size_t size,
		 overlay_base_read *base_read, void *base);
int overlay_write(struct overlay *overlay, uint64_t offset, const void *data, size_t size,
		  overlay_base_read *base_read, void *base);

#endif
