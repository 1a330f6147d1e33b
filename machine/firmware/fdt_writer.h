/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Device trees, written from the first node to the last: this machine's, and those of the hypervisor's cells.
 */
#ifndef BIXI_FIRMWARE_FDT_WRITER_H
#define BIXI_FIRMWARE_FDT_WRITER_H

#include <inttypes.h>
#include <libfdt.h>
#include <stdint.h>
#include <stdio.h>

/* The first error sticks. */
struct writer {
	void *fdt;
	int error;
};

static inline void check(struct writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

static inline void node_begin(struct writer *w, const char *name, uint64_t unit)
{
	char full[64];

	snprintf(full, sizeof(full), "%s@%" PRIx64, name, unit);
	check(w, fdt_begin_node(w->fdt, full));
}

static inline void plain_node_begin(struct writer *w, const char *name)
{
	check(w, fdt_begin_node(w->fdt, name));
}

static inline void node_end(struct writer *w)
{
	check(w, fdt_end_node(w->fdt));
}

static inline void put_string(struct writer *w, const char *name, const char *value)
{
	check(w, fdt_property_string(w->fdt, name, value));
}

static inline void put_flag(struct writer *w, const char *name)
{
	check(w, fdt_property(w->fdt, name, NULL, 0));
}

static inline void put_cells(struct writer *w, const char *name, const uint32_t *cells, unsigned count)
{
	void *to = NULL;

	check(w, fdt_property_placeholder(w->fdt, name, (int)(4 * count), &to));
	for (unsigned i = 0; !w->error && i < count; i++)
		fdt32_st((uint8_t *)to + 4 * i, cells[i]);
}

#define PUT_CELLS(w, name, ...)                                                                              \
	put_cells(w, name, (const uint32_t[]){ __VA_ARGS__ },                                                \
		  sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define CELLS64(value) (uint32_t)((uint64_t)(value) >> 32), (uint32_t)(value)

static inline void put_reg(struct writer *w, uint64_t base, uint64_t size)
{
	PUT_CELLS(w, "reg", CELLS64(base), CELLS64(size));
}

#endif
