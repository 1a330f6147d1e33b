/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "tools/lib/fill.h"

#include <string.h>

#include "tools/lib/convert.h"
#include "tools/lib/model.h"

#define CHUNKS_MAX 1024 /* of a region: 32 GiB of the largest chunks */

bool config_has_auto(const struct blob *binary)
{
	const struct config_cell *cell = config_cell_of(binary);

	if (config_is_system(binary) &&
	    ((const struct config_system *)(const void *)binary->data)->hypervisor_memory.phys_start ==
		    CONFIG_AUTO)
		return true;
	for (unsigned i = 0; i < cell->num_memory_regions; i++) {
		if (config_memory(cell)[i].phys_start == CONFIG_AUTO)
			return true;
	}
	return false;
}

/* Appends the region, in as many parts as it was reserved in. */
static int fill_region(const struct config_memory *region, const struct reserver *reserver,
		       struct blob *regions, struct error *error)
{
	struct driver_chunk chunks[CHUNKS_MAX];
	unsigned count = CHUNKS_MAX;
	uint64_t done = 0;

	if (region->phys_start != CONFIG_AUTO || !region->size) {
		blob_append(regions, region, sizeof(*region));
		return 0;
	}
	if (reserver->reserve(reserver->opaque, region->size, chunks, &count, error))
		return -1;
	for (unsigned i = 0; i < count && done < region->size; i++) {
		struct config_memory part = *region;

		part.phys_start = chunks[i].phys;
		part.virt_start =
			region->virt_start == CONFIG_AUTO ? chunks[i].phys : region->virt_start + done;
		part.size = chunks[i].size < region->size - done ? chunks[i].size : region->size - done;
		blob_append(regions, &part, sizeof(part));
		done += part.size;
	}
	if (done < region->size)
		return error_set(error, "the driver reserved %llu of %llu bytes", (unsigned long long)done,
				 (unsigned long long)region->size);
	return 0;
}

/* Puts @regions where the cell's are now. */
static void replace_regions(struct blob *binary, const struct blob *regions)
{
	struct blob to = { 0 };
	const struct config_cell *cell = config_cell_of(binary);
	size_t before = (size_t)((const uint8_t *)config_memory(cell) - binary->data);
	size_t after = before + cell->num_memory_regions * sizeof(struct config_memory);

	blob_append(&to, binary->data, before);
	blob_append(&to, regions->data, regions->size);
	blob_append(&to, binary->data + after, binary->size - after);
	blob_free(binary);
	*binary = to;
	config_cell_of(binary)->num_memory_regions = (uint32_t)(regions->size / sizeof(struct config_memory));
}

static int fill_hypervisor(struct blob *binary, const struct reserver *reserver, struct error *error)
{
	struct config_memory *memory = &((struct config_system *)(void *)binary->data)->hypervisor_memory;
	struct driver_chunk chunk;
	unsigned count = 1;

	if (memory->phys_start != CONFIG_AUTO)
		return 0;
	if (reserver->reserve(reserver->opaque, memory->size, &chunk, &count, error))
		return -1;
	if (chunk.size < memory->size)
		return error_set(error,
				 "the hypervisor's memory must be one piece, but the largest has %llu bytes",
				 (unsigned long long)chunk.size);
	memory->phys_start = chunk.phys;
	return 0;
}

int config_fill(struct blob *binary, const struct reserver *reserver, struct error *error)
{
	const struct config_cell *cell = config_cell_of(binary);
	struct blob regions = { 0 };
	int status = 0;

	for (unsigned i = 0; i < cell->num_memory_regions && !status; i++)
		status = fill_region(&config_memory(cell)[i], reserver, &regions, error);
	if (!status)
		replace_regions(binary, &regions);
	blob_free(&regions);
	if (!status && config_is_system(binary))
		status = fill_hypervisor(binary, reserver, error);
	return status;
}
