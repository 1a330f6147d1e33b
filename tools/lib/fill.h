/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Memory whose address is "auto" is reserved from Linux, and its address filled in: a region of a cell
 * becomes as many as there are chunks, the hypervisor's memory is one chunk that the root cell's regions
 * lose.
 */
#ifndef BIXI_CELL_FILL_H
#define BIXI_CELL_FILL_H

#include <stdbool.h>

#include "hypervisor/include/driver.h"
#include "tools/lib/blob.h"

struct reserver {
	/* @count: in, of @chunks; out: of those reserved.  0, or -1 and *error. */
	int (*reserve)(void *opaque, uint64_t size, struct driver_chunk *chunks, unsigned *count,
		       struct error *error);
	void *opaque;
};

bool config_has_auto(const struct blob *binary);
/* Of a binary of revision 14 that check_config() has passed. */
int config_fill(struct blob *binary, const struct reserver *reserver, struct error *error);

#endif
