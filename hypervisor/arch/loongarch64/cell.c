/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What makes a cell on this architecture: its guest ID, which is its number plus 1, and its interrupts. */
#include "comm.h"
#include "loongarch.h"

int arch_config_check(const struct config_system *system, const struct config_cell *cell,
		      struct hv_error *error)
{
	const struct config_irqchip *chip = config_irqchips(cell);
	bool is_root = cell == &system->root_cell;
	int refused = is_root ? guard_find_platform(system, error) : 0;

	if (!refused)
		refused = platform_check_memory(platform, system, cell, error);
	if (refused)
		return refused;
	for (unsigned i = 0; i < cell->num_irqchips; i++, chip++)
		if (chip->id < CONFIG_IRQCHIP_LIOINTC || chip->id > CONFIG_IRQCHIP_MSI ||
		    chip->pin_base % CONFIG_PINS || chip->pin_base >= platform->vectors)
			return config_refuse(
				error, EINVAL, system, cell, chip, (int)i,
				"irqchip %u is of kind %u and begins at pin %u: there is no such one", i,
				chip->id, chip->pin_base);
	if (is_root)
		return 0;
	refused = extioi_check(system, cell, error);
	return refused ? refused : pch_pic_check(system, cell, error);
}

/* Root keeps Linux's numbers, whichever CPUs are away. */
static void number_cpus(struct cell *cell)
{
	uint64_t cpus = cell == &root_cell ? ~UINT64_C(0) : cell->cpus;
	unsigned number = 0, id;

	memset(cell->arch.cpu_id, NO_CPU, sizeof(cell->arch.cpu_id));
	FOR_EACH_CPU(id, cpus)
		cell->arch.cpu_id[number++] = (uint8_t)id;
}

int arch_cell_create(struct cell *cell)
{
	int error;

	number_cpus(cell);
	if (cell == &root_cell) {
		uint64_t pic = system_config->platform_info.loongarch.pch_pic_base;

		extioi_init_root(cell);
		pch_pic_init_root(cell, pic, pic == platform->pic ? platform->pic_too : platform->pic);
		return guard_root(cell);
	}
	error = guard_cell(cell);
	if (!error)
		error = pch_pic_take(cell);
	if (!error)
		extioi_take(cell);
	return error;
}

void arch_cell_destroy(struct cell *cell)
{
	pch_pic_give_back(cell);
	extioi_give_back(cell);
}

void arch_cell_reset(struct cell *cell)
{
	pch_pic_reset(cell);
	extioi_reset(cell);
	ipi_reset(cell);
}

void arch_comm_fill(const struct cell *cell, void *comm_region)
{
	struct comm_region *comm = comm_region;

	comm->counter_frequency = arch_time_frequency();
}

/* One of the cell's own that no device raises. */
void arch_cell_interrupt(const struct cell *cell)
{
	unsigned vector = cell->config->vpci_irq_base;

	if (vector && extioi_owns(cell, vector))
		hw_iocsr_write(EXTIOI_SEND, 4, cell->arch.physical[vector]);
}
