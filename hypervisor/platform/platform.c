/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Which board this is, and whether descriptions fit it. */
#include "platform.h"

#include "hv.h"

#define VENDOR	     UINT64_C(0x6e6f73676e6f6f4c) /* "Loongson" */
#define PRID_COMPANY 0x14			  /* bits 23:16 */
#define EXTIOI_IOCSR 0x1400

const struct platform *const platforms[PLATFORMS] = { &platform_virt, &platform_3a5000, &platform_3a6000 };

static bool is_it(const struct platform *platform, const struct platform_id *id)
{
	return platform->pins == id->pins &&
	       (!platform->series || platform->series == (id->prid >> 12 & 0xf)) &&
	       !memcmp(platform->chip, id->chip, strlen(platform->chip));
}

const struct platform *platform_find(const struct platform_id *id)
{
	if (id->vendor != VENDOR || (id->prid >> 16 & 0xff) != PRID_COMPANY)
		return NULL;
	for (unsigned i = 0; i < PLATFORMS; i++)
		if (is_it(platforms[i], id))
			return platforms[i];
	return NULL;
}

/* At the first place, as there may be nothing at the second, and an access an exception. */
uint64_t platform_pic(uint64_t address)
{
	for (unsigned i = 0; address && i < PLATFORMS; i++)
		if (address == platforms[i]->pic || address == platforms[i]->pic_too)
			return platforms[i]->pic;
	return 0;
}

static unsigned node_count(const struct config_system *system)
{
	unsigned nodes = system->platform_info.loongarch.node_count;

	return nodes ? nodes : 1;
}

int platform_check_system(const struct platform *platform, const struct config_system *system,
			  struct hv_error *error)
{
	const struct config_loongarch *board = &system->platform_info.loongarch;
	const struct config_cell *root = &system->root_cell;
	unsigned nodes = node_count(system);
	uint64_t cpus = config_cpus(root);
	unsigned last = cpus ? 63 - (unsigned)__builtin_clzll(cpus) : 0;

#define REFUSE(field, ...) config_refuse(error, EINVAL, system, root, field, -1, __VA_ARGS__)
	if (board->pch_pic_base != platform->pic && board->pch_pic_base != platform->pic_too)
		return REFUSE(&board->pch_pic_base, "pch-pic-base is 0x%lx, but that of a %s is 0x%lx",
			      board->pch_pic_base, platform->name, platform->pic);
	if (board->pch_msi_doorbell && board->pch_msi_doorbell != platform->doorbell)
		return REFUSE(&board->pch_msi_doorbell,
			      "pch-msi-doorbell is 0x%lx, but that of a %s is 0x%lx", board->pch_msi_doorbell,
			      platform->name, platform->doorbell);
	if (board->ipi_mode || board->extioi_version)
		return REFUSE(&board->ipi_mode, "ipi-mode %u, extioi-version %u: a %s has 0 and 0",
			      board->ipi_mode, board->extioi_version, platform->name);
	if (board->extioi_iocsr_base && board->extioi_iocsr_base != EXTIOI_IOCSR)
		return REFUSE(&board->extioi_iocsr_base,
			      "extioi-iocsr-base is 0x%lx, but that of a %s is 0x%x",
			      board->extioi_iocsr_base, platform->name, EXTIOI_IOCSR);
	if (nodes > platform->nodes)
		return REFUSE(&board->node_count, "node-count is %u, but of a %s %u can be used", nodes,
			      platform->name, platform->nodes);
	if (last >= nodes * platform->cpus)
		return REFUSE(config_cpu_set(root), "CPU %u: %u nodes of a %s have %u each", last, nodes,
			      platform->name, platform->cpus);
#undef REFUSE
	return 0;
}

static bool is_within(const struct config_memory *memory, const struct platform_range *range)
{
	return memory->phys_start >= range->base &&
	       memory->phys_start + memory->size <= range->base + range->size;
}

/* A sub-page region of a device that is among the chip's registers. */
static bool is_chip_device(const struct platform *platform, const struct config_memory *memory)
{
	for (unsigned i = 0; i < platform->range_count; i++)
		if (platform->ranges[i].guard == GUARD_CHIP_DEVICE && is_within(memory, &platform->ranges[i]))
			return true;
	return false;
}

bool platform_is_done_for_root(const struct platform_range *range)
{
	return range->guard == GUARD_CHIP || range->guard == GUARD_VECTOR_DOORBELL ||
	       range->guard == GUARD_CPU_DOORBELL;
}

/* @memory of root's and @range overlap. */
static int check_root(const struct platform_range *range, const struct config_system *system,
		      const struct config_memory *memory, unsigned index, struct hv_error *error)
{
	const struct config_cell *root = &system->root_cell;

	if (range->guard == GUARD_NOBODY)
		return config_refuse(error, EPERM, system, root, &memory->phys_start, (int)index,
				     "memory region %u: 0x%lx is %s: nobody's", index, range->base,
				     range->name);
	if (platform_is_done_for_root(range) &&
	    (memory->phys_start > range->base ||
	     memory->phys_start + memory->size < range->base + range->size))
		return config_refuse(
			error, EINVAL, system, root, &memory->phys_start, (int)index,
			"memory region %u: of 0x%lx, size 0x%lx, %s, root has all in one region, or nothing",
			index, range->base, range->size, range->name);
	return 0;
}

/* The same for another cell, for which a device among the chip's registers is the only exception. */
static int check_other(const struct platform *platform, const struct platform_range *range,
		       const struct config_system *system, const struct config_cell *cell, unsigned index,
		       struct hv_error *error)
{
	const struct config_memory *memory = &config_memory(cell)[index];

	if (range->guard == GUARD_CHIP && config_is_subpage(memory) && is_chip_device(platform, memory))
		return 0;
	return config_refuse(error, EPERM, system, cell, &memory->phys_start, (int)index,
			     "memory region %u: 0x%lx is %s: root's alone", index, range->base, range->name);
}

static int check_region(const struct platform *platform, const struct config_system *system,
			const struct config_cell *cell, unsigned index, struct hv_error *error)
{
	const struct config_memory *memory = &config_memory(cell)[index];
	uint64_t nodes = node_count(system), end = memory->phys_start + memory->size;
	int result = 0;

	if (platform->node_shift && end > nodes << platform->node_shift)
		return config_refuse(error, EINVAL, system, cell, &memory->phys_start, (int)index,
				     "memory region %u: 0x%lx is of a node that this %s has not", index,
				     memory->phys_start, platform->name);
	for (unsigned i = 0; i < platform->range_count && !result; i++) {
		const struct platform_range *range = &platform->ranges[i];

		if (range->guard == GUARD_CHIP_DEVICE ||
		    !config_overlap(memory->phys_start, memory->size, range->base, range->size))
			continue;
		result = cell == &system->root_cell
				 ? check_root(range, system, memory, index, error)
				 : check_other(platform, range, system, cell, index, error);
	}
	return result;
}

int platform_check_memory(const struct platform *platform, const struct config_system *system,
			  const struct config_cell *cell, struct hv_error *error)
{
	for (unsigned i = 0; i < cell->num_memory_regions; i++) {
		int result = config_memory(cell)[i].flags & CONFIG_MEM_COMM_REGION
				     ? 0
				     : check_region(platform, system, cell, i, error);

		if (result)
			return result;
	}
	return 0;
}

bool platform_allows_write(const struct platform *platform, uint32_t offset, unsigned size)
{
	for (unsigned i = 0; i < platform->refused_count; i++)
		if (config_overlap(offset, size, platform->refused[i].base, platform->refused[i].size))
			return false;
	return true;
}
