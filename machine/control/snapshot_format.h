/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What saving and loading of snapshots have in common: the file's format, docs/snapshots.md. */
#ifndef BIXI_CONTROL_SNAPSHOT_FORMAT_H
#define BIXI_CONTROL_SNAPSHOT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "machine/board/machine.h"

#define SNAPSHOT_MAGIC                                                                                       \
	{                                                                                                    \
		'B', 'i', 'x', 'i', 's', 'n', 'a', 'p'                                                       \
	}
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_RUN_MAX 4096	    /* pages of a run */
#define SNAPSHOT_RAM_END UINT64_MAX /* first page of the run that says there are no more */

/* Before the zstd frame; little-endian, as all numbers. */
struct snapshot_header {
	uint8_t magic[8];
	uint64_t version;
};

/* Pages of RAM and behind them the ROM, as they lie in the memfd. */
static inline uint64_t snapshot_pages(const struct bus *bus)
{
	return (bus->ram_size + bus->rom.size) / BUS_PAGE_SIZE;
}

/*
 * Which machine it is: into @state, or from it, refused with the difference named.  Two machines of the
 * same description have the same parts.
 */
void snapshot_describe(struct machine *machine, struct state *state);

/* Returns @err, with the reason in @error. */
int snapshot_refuse(int err, char *error, size_t error_size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
