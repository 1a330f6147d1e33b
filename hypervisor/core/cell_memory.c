/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The memory of a cell, in its own stage 2 and in root's, and its clearing: RAM that is a cell's alone is
 * cleared when the cell gets it, before it is started again (but its loadable regions, which keep what the
 * cell has left in them; those that it cannot write are therefore as they were loaded), and when root gets it
 * back.
 */
#include "hv.h"

bool cell_has_virtual_uart(const struct cell *cell)
{
	return cell->config->console.type == CONFIG_CONSOLE_8250 &&
	       !config_has_memory(cell->config, cell->config->console.address);
}

static int map_region(struct cell *cell, const struct config_memory *memory)
{
	uint64_t phys = memory->phys_start;

	if (config_is_subpage(memory))
		return mmio_register(cell, memory->virt_start, memory->size, mmio_subpage, (void *)memory);
	if (memory->flags & CONFIG_MEM_COMM_REGION) {
		cell->comm = pool_alloc(1);
		if (!cell->comm)
			return -ENOMEM;
		phys = virt_to_phys(cell->comm);
	}
	return paging_map(&cell->stage2, memory->virt_start, phys, memory->size, memory->flags);
}

int memory_map(struct cell *cell)
{
	const struct config_memory *memory = config_memory(cell->config);
	const struct config_console *console = &cell->config->console;
	int error = 0;

	for (unsigned i = 0; i < cell->config->num_memory_regions && !error; i++)
		error = map_region(cell, &memory[i]);
	if (!error && cell_has_virtual_uart(cell))
		error = mmio_register(cell, console->address, config_uart_size(console), uart_access, cell);
	if (!error && cell != &root_cell && config_has_power(cell->config))
		error = mmio_register(cell, config_power_address(console), CONFIG_POWER_SIZE, power_access,
				      cell);
	return error;
}

/* Root has this memory again, as its configuration describes it. */
static void map_root(uint64_t phys, uint64_t size)
{
	const struct config_memory *memory = config_memory(root_cell.config);

	for (unsigned i = 0; i < root_cell.config->num_memory_regions; i++) {
		uint64_t begin = memory[i].phys_start, end = begin + memory[i].size;

		if (memory[i].flags & CONFIG_MEM_COMM_REGION || config_is_subpage(&memory[i]))
			continue;
		if (begin < phys)
			begin = phys;
		if (end > phys + size)
			end = phys + size;
		if (begin < end && paging_map(&root_cell.stage2, begin, begin, end - begin, memory[i].flags))
			hv_printf("hypervisor: no page to give 0x%lx back to root\n", begin);
	}
}

/* Regions that root has not while the cell has them, and is to lose or get now. */
static bool is_moved(const struct config_memory *memory, uint64_t flags)
{
	return config_is_private(memory) && !config_is_subpage(memory) && (memory->flags & flags) == flags;
}

int memory_take(const struct cell *cell, uint64_t flags)
{
	const struct config_memory *memory = config_memory(cell->config);

	for (unsigned i = 0; i < cell->config->num_memory_regions; i++) {
		if (!is_moved(&memory[i], flags) ||
		    !paging_unmap(&root_cell.stage2, memory[i].phys_start, memory[i].size))
			continue;
		while (i--)
			if (is_moved(&memory[i], flags))
				map_root(memory[i].phys_start, memory[i].size);
		return -ENOMEM;
	}
	return 0;
}

void memory_give(const struct cell *cell, uint64_t flags)
{
	const struct config_memory *memory = config_memory(cell->config);

	for (unsigned i = 0; i < cell->config->num_memory_regions; i++)
		if (is_moved(&memory[i], flags))
			map_root(memory[i].phys_start, memory[i].size);
}

void memory_clear(const struct cell *cell, uint64_t but)
{
	const struct config_memory *memory = config_memory(cell->config);

	for (unsigned i = 0; i < cell->config->num_memory_regions; i++) {
		void *begin;

		if (!is_moved(&memory[i], 0) || memory[i].flags & (CONFIG_MEM_IO | but))
			continue;
		begin = phys_to_virt(memory[i].phys_start);
		memset(begin, 0, memory[i].size);
		arch_sync_memory(begin, memory[i].size);
	}
}

void memory_sync(const struct cell *cell)
{
	const struct config_memory *memory = config_memory(cell->config);

	for (unsigned i = 0; i < cell->config->num_memory_regions; i++)
		if (memory[i].flags & CONFIG_MEM_LOADABLE)
			arch_sync_memory(phys_to_virt(memory[i].phys_start), memory[i].size);
}
