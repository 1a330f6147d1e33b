/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Accesses of any width at any address, by root and by a cell: only registers that are the one's own are
 * reached, with the widths that the description allows.
 */
#include <stdlib.h>

#include "mock.h"
#include "tests/fuzz/input.h"

#define VIRT UINT64_C(0x600000)

static void make_cell(struct input *input)
{
	struct description d = mock_cell(1, 2);
	uint64_t size = 1 + input_take(input, 1), begin = input_take(input, 1);
	uint32_t widths = (uint32_t)(input_take(input, 1) & 15) * CONFIG_MEM_IO_8;

	d.memory[3] = (struct config_memory){ MOCK_PARTS + begin, VIRT + begin, size,
					      CONFIG_MEM_IO | widths | (input_take(input, 1) & 3) };
	if (input_take(input, 1) & 1)
		d.memory[3].flags |= CONFIG_MEM_IO_UNALIGNED;
	d.memory[4] =
		(struct config_memory){ MOCK_PARTS + 0x400, VIRT + 0x400, 0x100,
					CONFIG_MEM_ROOTSHARED | CONFIG_MEM_IO | CONFIG_MEM_IO_WIDTHS | 3 };
	d.cell.num_memory_regions = 5;
	d.cell.console = (struct config_console){ .address = 0x500000,
						  .type = 2,
						  .flags = (uint16_t)(1 | (input_take(input, 1) & 2)) };
	if (mock_create(0, &d))
		return;
	if (mock_hypercall(0, HC_CELL_START, 1, 0))
		abort();
	mock_idle(2);
}

/* The region of @config that allows this; NULL: none. */
static const struct config_memory *allowed(const struct config_cell *config, const struct mmio_access *access)
{
	const struct config_memory *memory = config_memory(config);

	for (unsigned i = 0; i < config->num_memory_regions; i++)
		if (config_is_subpage(&memory[i]) && access->gpa >= memory[i].virt_start &&
		    access->gpa + access->size <= memory[i].virt_start + memory[i].size &&
		    memory[i].flags & (access->write ? CONFIG_MEM_WRITE : CONFIG_MEM_READ) &&
		    memory[i].flags & CONFIG_MEM_IO_8 * access->size)
			return &memory[i];
	return NULL;
}

static void check_device(const struct cpu *cpu, const struct mmio_access *access)
{
	const struct config_memory *memory = allowed(cpu->cell->config, access);
	const struct cell *cell = cell_find(1);
	uint64_t phys = mock.device.phys;

	if (!memory || phys - memory->phys_start != access->gpa - memory->virt_start ||
	    mock.device.size != access->size || mock.device.write != access->write)
		abort();
	if (phys % access->size && !(memory->flags & CONFIG_MEM_IO_UNALIGNED))
		abort();
	if (cpu->cell == &root_cell && cell) {
		memory = &config_memory(cell->config)[3];
		if (config_overlap(phys, access->size, memory->phys_start, memory->size))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t bases[] = { VIRT,	      VIRT + 0x400,	  0x500000,
					  MOCK_PARTS, MOCK_PARTS + 0x400, UINT64_MAX - 64,
					  0,	      MOCK_PARTS + 0x7c0 };
	struct input input = { data, size };

	mock_power_on(1);
	if (mock_enable())
		abort();
	make_cell(&input);
	while (input.size) {
		uint8_t head = (uint8_t)input_take(&input, 1);
		struct mmio_access access = { .gpa = bases[head & 7] +
						     input_take(&input, 1) * (head & 8 ? 4 : 1),
					      .size = 1u << (head >> 4 & 3),
					      .write = head & 0x40 };
		struct cpu *cpu = mock_cpu(head >> 7);

		if (access.write)
			access.value = input_take(&input, 1) * 0x0101010101010101;
		mock.device.phys = 0;
		mock.device_value = UINT64_MAX;
		if (mmio_access(cpu, &access) == MMIO_DONE) {
			if (mock.device.phys)
				check_device(cpu, &access);
			if (!access.write && access.size < 8 && access.value >> 8 * access.size)
				abort();
		} else if (mock.device.phys) {
			abort();
		}
		if (head == 0x37 && cell_find(1))
			console_put_if_room(&cell_find(1)->input, (char)head);
	}
	return 0;
}
