/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A description's regions of memory: each for itself, against each other, and against what others have.  The
 * hypervisor's own memory may lie in a region of root's, as its place is found at run time: setup takes it
 * out of root's map.
 */
#include "hv.h"

struct check {
	const struct config_system *system;
	const struct config_cell *cell;
	struct hv_error *error;
	bool is_root;
};

#define refuse(check, number, field, index, ...)                                                             \
	config_refuse((check)->error, number, (check)->system, (check)->cell, field, index, __VA_ARGS__)

#define RIGHTS (CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE)
#define WIDTHS (CONFIG_MEM_IO_WIDTHS | CONFIG_MEM_IO_UNALIGNED)
#define ROOT_FLAGS                                                                                           \
	(RIGHTS | CONFIG_MEM_DMA | CONFIG_MEM_IO | CONFIG_MEM_COMM_REGION | WIDTHS | CONFIG_MEM_NO_HUGEPAGES)
#define CELL_FLAGS (ROOT_FLAGS | CONFIG_MEM_LOADABLE | CONFIG_MEM_ROOTSHARED)

static int check_flags(const struct check *check, const struct config_memory *memory, unsigned i)
{
	uint64_t unknown = memory->flags & ~(uint64_t)(check->is_root ? ROOT_FLAGS : CELL_FLAGS);

	if (unknown)
		return refuse(check, EINVAL, &memory->flags, (int)i,
			      "memory region %u has unknown flags 0x%lx", i, unknown);
	if (!(memory->flags & RIGHTS))
		return refuse(check, EINVAL, &memory->flags, (int)i,
			      "memory region %u may not be read, written nor executed", i);
	if (memory->flags & CONFIG_MEM_IO && memory->flags & CONFIG_MEM_LOADABLE)
		return refuse(check, EINVAL, &memory->flags, (int)i,
			      "memory region %u is of devices, and cannot be loadable", i);
	return 0;
}

static int check_bounds(const struct check *check, const struct config_memory *memory, unsigned i)
{
	if (!memory->size)
		return refuse(check, EINVAL, &memory->size, (int)i, "memory region %u is empty", i);
	if (memory->virt_start >= PAGING_LIMIT || memory->size > PAGING_LIMIT - memory->virt_start)
		return refuse(check, ERANGE, &memory->virt_start, (int)i,
			      "memory region %u reaches beyond the highest address, 0x%lx", i,
			      PAGING_LIMIT - 1);
	if (memory->flags & CONFIG_MEM_COMM_REGION)
		return 0;
	if (memory->phys_start >= PAGING_LIMIT || memory->size > PAGING_LIMIT - memory->phys_start)
		return refuse(check, ERANGE, &memory->phys_start, (int)i,
			      "memory region %u reaches beyond the highest physical address, 0x%lx", i,
			      PAGING_LIMIT - 1);
	return 0;
}

static int check_comm_region(const struct check *check, const struct config_memory *memory, unsigned i)
{
	const struct config_memory *all = config_memory(check->cell);

	if (memory->flags & ~(uint64_t)(RIGHTS | CONFIG_MEM_COMM_REGION))
		return refuse(check, EINVAL, &memory->flags, (int)i,
			      "memory region %u is the comm region, and can be nothing else", i);
	if (memory->size != PAGE_SIZE || memory->virt_start % PAGE_SIZE)
		return refuse(check, EINVAL, &memory->size, (int)i,
			      "memory region %u, the comm region, is not one page of 0x%lx bytes", i,
			      PAGE_SIZE);
	for (unsigned other = 0; other < i; other++)
		if (all[other].flags & CONFIG_MEM_COMM_REGION)
			return refuse(check, EINVAL, &memory->flags, (int)i,
				      "memory region %u is a second comm region, after %u", i, other);
	return 0;
}

static int check_alignment(const struct check *check, const struct config_memory *memory, unsigned i)
{
	if (!config_is_subpage(memory)) {
		if (memory->phys_start % PAGE_SIZE)
			return refuse(check, EINVAL, &memory->phys_start, (int)i,
				      "memory region %u: 0x%lx is no multiple of the page size, 0x%lx", i,
				      memory->phys_start, PAGE_SIZE);
		if (memory->flags & WIDTHS)
			return refuse(check, EINVAL, &memory->flags, (int)i,
				      "memory region %u is of whole pages: widths cannot be enforced there",
				      i);
		return 0;
	}
	if (!(memory->flags & CONFIG_MEM_IO) || !(memory->flags & CONFIG_MEM_IO_WIDTHS))
		return refuse(check, EINVAL, &memory->flags, (int)i,
			      "memory region %u is not of whole pages: it needs IO and the widths allowed",
			      i);
	if (memory->flags & (CONFIG_MEM_EXECUTE | CONFIG_MEM_DMA | CONFIG_MEM_NO_HUGEPAGES))
		return refuse(check, EINVAL, &memory->flags, (int)i,
			      "memory region %u is not of whole pages: no EXECUTE, DMA, NO_HUGEPAGES there",
			      i);
	if ((memory->phys_start ^ memory->virt_start) & 7)
		return refuse(check, EINVAL, &memory->phys_start, (int)i,
			      "memory region %u: registers would be aligned differently for the cell", i);
	return 0;
}

/* There is no IOMMU: what a device is told is a physical address. */
static int check_identity(const struct check *check, const struct config_memory *memory, unsigned i)
{
	if (memory->phys_start == memory->virt_start)
		return 0;
	if (check->is_root)
		return refuse(check, EINVAL, &memory->virt_start, (int)i,
			      "memory region %u: root has its memory where it is, virt_start = phys_start",
			      i);
	if (memory->flags & CONFIG_MEM_DMA)
		return refuse(check, EINVAL, &memory->virt_start, (int)i,
			      "memory region %u: there is no IOMMU, so DMA needs virt_start = phys_start", i);
	return 0;
}

/* Against the regions before it. */
static int check_own_overlap(const struct check *check, const struct config_memory *memory, unsigned i)
{
	const struct config_memory *all = config_memory(check->cell);
	bool comm = memory->flags & CONFIG_MEM_COMM_REGION;

	for (unsigned other = 0; other < i; other++) {
		if (config_overlap(memory->virt_start, memory->size, all[other].virt_start, all[other].size))
			return refuse(check, EINVAL, &memory->virt_start, (int)i,
				      "memory region %u overlaps with region %u", i, other);
		if (!comm && !(all[other].flags & CONFIG_MEM_COMM_REGION) &&
		    config_overlap(memory->phys_start, memory->size, all[other].phys_start, all[other].size))
			return refuse(check, EINVAL, &memory->phys_start, (int)i,
				      "memory region %u is the same memory as region %u", i, other);
	}
	return 0;
}

static int check_hypervisor(const struct check *check, const struct config_memory *memory, unsigned i)
{
	const struct config_memory *ours = &check->system->hypervisor_memory;

	if (!config_overlap(memory->phys_start, memory->size, ours->phys_start, ours->size))
		return 0;
	refuse(check, EBUSY, &memory->phys_start, (int)i,
	       "memory region %u overlaps with the hypervisor's, 0x%lx", i, ours->phys_start);
	return config_rival(check->error, EBUSY, "hypervisor", -1);
}

/* The region of root's that has the byte at @phys; NULL: none. */
static const struct config_memory *root_region(const struct config_cell *root, uint64_t phys)
{
	const struct config_memory *memory = config_memory(root);

	for (unsigned i = 0; i < root->num_memory_regions; i++)
		if (!(memory[i].flags & CONFIG_MEM_COMM_REGION) &&
		    phys - memory[i].phys_start < memory[i].size)
			return &memory[i];
	return NULL;
}

/* All of it is root's, and of the same kind; for part of a page root must have part of it, too. */
static int check_root_has(const struct check *check, const struct config_memory *memory, unsigned i)
{
	const struct config_cell *root = &check->system->root_cell;
	uint64_t at = memory->phys_start, end = at + memory->size;

	while (at < end) {
		const struct config_memory *region = root_region(root, at);

		if (!region)
			return refuse(check, EINVAL, &memory->phys_start, (int)i,
				      "memory region %u: 0x%lx is not root's to give", i, at);
		if ((region->flags ^ memory->flags) & CONFIG_MEM_IO)
			return refuse(check, EINVAL, &memory->flags, (int)i,
				      "memory region %u: 0x%lx is %s in root's configuration", i, at,
				      region->flags & CONFIG_MEM_IO ? "of devices (IO)" : "RAM (no IO)");
		if (config_is_private(memory) && config_is_subpage(memory) && !config_is_subpage(region))
			return refuse(check, EINVAL, &memory->phys_start, (int)i,
				      "memory region %u is part of a page root maps; give root parts, or "
				      "ROOTSHARED",
				      i);
		at = region->phys_start + region->size;
	}
	return 0;
}

/* Others' memory is shared only if both say that it is shared with root. */
static int check_others(const struct check *check, const struct config_memory *memory, unsigned i)
{
	for (const struct cell *other = root_cell.next; other; other = other->next) {
		const struct config_memory *theirs = config_memory(other->config);

		for (unsigned k = 0; k < other->config->num_memory_regions; k++) {
			if (theirs[k].flags & CONFIG_MEM_COMM_REGION ||
			    memory->flags & theirs[k].flags & CONFIG_MEM_ROOTSHARED ||
			    !config_overlap(memory->phys_start, memory->size, theirs[k].phys_start,
					    theirs[k].size))
				continue;
			refuse(check, EBUSY, &memory->phys_start, (int)i,
			       "memory region %u overlaps with region %u of another cell, 0x%lx", i, k,
			       theirs[k].phys_start);
			return config_rival(check->error, EBUSY, other->config->name, (int)k);
		}
	}
	return 0;
}

typedef int region_fn(const struct check *check, const struct config_memory *memory, unsigned i);

static int check_region(const struct check *check, const struct config_memory *memory, unsigned i)
{
	region_fn *const all[] = { check_flags, check_bounds };
	region_fn *const comm[] = { check_comm_region, check_own_overlap };
	region_fn *const others[] = { check_alignment,	check_identity, check_own_overlap,
				      check_hypervisor, check_root_has, check_others };
	bool is_comm = memory->flags & CONFIG_MEM_COMM_REGION;
	unsigned count = is_comm ? 2 : check->is_root ? 3 : 6;
	int error;

	for (unsigned k = 0; k < 2; k++)
		if ((error = all[k](check, memory, i)))
			return error;
	for (unsigned k = 0; k < count; k++)
		if ((error = (is_comm ? comm : others)[k](check, memory, i)))
			return error;
	/* Root's map leaves the hypervisor's pages out, but what is no page is in no map. */
	return check->is_root && config_is_subpage(memory) ? check_hypervisor(check, memory, i) : 0;
}

int config_check_memory(const struct config_system *system, const struct config_cell *cell,
			struct hv_error *error)
{
	struct check check = { system, cell, error, cell == &system->root_cell };

	for (unsigned i = 0; i < cell->num_memory_regions; i++) {
		int result = check_region(&check, &config_memory(cell)[i], i);

		if (result)
			return result;
	}
	return 0;
}
