/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Accesses that the hypervisor does for a guest: which region of its cell they are in, and sub-page memory.
 */
#include "hv.h"

int mmio_register(struct cell *cell, uint64_t gpa, uint64_t size, mmio_fn *fn, void *opaque)
{
	for (unsigned i = 0; i < cell->mmio_regions; i++)
		if (config_overlap(gpa, size, cell->mmio[i].gpa, cell->mmio[i].size))
			return -EEXIST;
	if (cell->mmio_regions == MMIO_REGIONS)
		return -ENOSPC;
	cell->mmio[cell->mmio_regions++] = (struct mmio_region){ gpa, size, fn, opaque };
	return 0;
}

void mmio_unregister(struct cell *cell, uint64_t gpa)
{
	for (unsigned i = 0; i < cell->mmio_regions; i++)
		if (cell->mmio[i].gpa == gpa) {
			cell->mmio[i] = cell->mmio[--cell->mmio_regions];
			return;
		}
}

enum mmio_result mmio_access(struct cpu *cpu, struct mmio_access *access)
{
	struct cell *cell = cpu->cell;

	for (unsigned i = 0; i < cell->mmio_regions; i++) {
		const struct mmio_region *region = &cell->mmio[i];

		if (access->gpa - region->gpa >= region->size)
			continue;
		if (access->size > region->size - (access->gpa - region->gpa))
			return MMIO_FORBIDDEN;
		return region->fn(cpu, region->opaque, access);
	}
	return MMIO_UNKNOWN;
}

/* Whether a cell has what root accesses; root's CPUs are where the list of cells does not change. */
static bool taken_from_root(uint64_t phys, unsigned size)
{
	for (const struct cell *cell = root_cell.next; cell; cell = cell->next) {
		const struct config_memory *memory = config_memory(cell->config);

		for (unsigned i = 0; i < cell->config->num_memory_regions; i++)
			if (config_is_private(&memory[i]) &&
			    config_overlap(phys, size, memory[i].phys_start, memory[i].size))
				return true;
	}
	return false;
}

enum mmio_result mmio_subpage(struct cpu *cpu, void *opaque, struct mmio_access *access)
{
	const struct config_memory *memory = opaque;
	uint64_t phys = memory->phys_start + (access->gpa - memory->virt_start);

	if (!(memory->flags & (access->write ? CONFIG_MEM_WRITE : CONFIG_MEM_READ)) ||
	    !(memory->flags & CONFIG_MEM_IO_8 * access->size))
		return MMIO_FORBIDDEN;
	if (phys % access->size && !(memory->flags & CONFIG_MEM_IO_UNALIGNED))
		return MMIO_FORBIDDEN;
	if (cpu->cell == &root_cell && taken_from_root(phys, access->size))
		return MMIO_FORBIDDEN;
	if (access->write)
		arch_mmio_write(phys, access->size, access->value);
	else
		access->value = arch_mmio_read(phys, access->size);
	return MMIO_DONE;
}
