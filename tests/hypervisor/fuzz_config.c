/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Descriptions of cells and systems: as the bytes say, or right ones of which the bytes change some.  What
 * the check takes is created and started, and must leave nobody with what is another's.
 */
#include <stdlib.h>

#include "mock.h"
#include "tests/fuzz/input.h"

#define SIZE_MAX_TRIED 2048

/* Values that are near to what is checked. */
static uint64_t value(struct input *input)
{
	static const uint64_t near[] = { 0,
					 1,
					 PAGE_SIZE,
					 MOCK_HV,
					 MOCK_GIVE,
					 MOCK_DEVICES,
					 MOCK_PARTS,
					 PAGING_LIMIT,
					 UINT64_MAX,
					 MOCK_RAM,
					 0x40000,
					 UINT64_C(1) << 32,
					 MOCK_RAM + MOCK_RAM_SIZE,
					 0x3f,
					 0x80,
					 0x100000 };
	uint8_t choice = (uint8_t)input_take(input, 1);

	if (choice & 0x80)
		return input_take(input, 8);
	return near[choice & 15] + (int8_t)(input_take(input, 1)) * (choice & 0x40 ? PAGE_SIZE : 1);
}

static uint64_t change(struct input *input, uint8_t *bytes, uint64_t size)
{
	unsigned count = (unsigned)input_take(input, 1) % 8;

	while (count--) {
		uint64_t at = input_take(input, 2) % size, with = value(input),
			 width = 1u << input_take(input, 1) % 4;

		if (at + width <= size)
			memcpy(bytes + at, &with, width);
	}
	return size;
}

static struct description described(struct input *input, unsigned id)
{
	struct description d = mock_cell(id, 1u << (id + 1));
	uint8_t choice = (uint8_t)input_take(input, 1);

	d.memory[3] = (struct config_memory){ MOCK_PARTS + id * 0x100, 0x600000, 0x80,
					      CONFIG_MEM_IO | CONFIG_MEM_IO_32 | 3 };
	d.memory[4] = (struct config_memory){ MOCK_DEVICES + id * PAGE_SIZE, 0x700000, PAGE_SIZE,
					      CONFIG_MEM_IO | 3 };
	d.memory[5] =
		(struct config_memory){ MOCK_RAM + 0x100000, 0x800000, PAGE_SIZE, CONFIG_MEM_ROOTSHARED | 3 };
	d.cell.num_memory_regions = 3 + choice % 4;
	d.cell.num_irqchips = choice >> 2 & 1;
	d.irqchips[0] = (struct config_irqchip){ 0x1000, 2, 0, { 1u << id } };
	if (choice & 8)
		d.cell.console = (struct config_console){ .address = 0x900000, .type = 2, .flags = 1 };
	return d;
}

/* In a block of its own, so that reading beyond is seen. */
static void check_alone(const void *bytes, uint64_t size, bool system)
{
	struct hv_error error;
	uint8_t *copy = malloc(size ? size : 1);
	int result;

	memcpy(copy, bytes, size);
	if (system)
		result = config_check_system((void *)copy, size, &error);
	else
		result = config_check_cell(system_config, (void *)copy, size, &error);
	if (result && (error.error != result || !error.sentence[0] || !memchr(error.sentence, 0, 160)))
		abort();
	free(copy);
}

static void create(const void *bytes, uint64_t size, uint64_t used, uint64_t map)
{
	uint32_t id;

	memcpy(mock_memory_at(MOCK_BUFFER), bytes, size);
	if (mock_hypercall(5, HC_CELL_CREATE, MOCK_BUFFER, 0)) {
		if (pool_used() != used || mock_root_map() != map)
			abort();
		return;
	}
	mock_check();
	memcpy(&id, (const uint8_t *)bytes + offsetof(struct config_cell, id), 4);
	if (mock_hypercall(5, HC_CELL_START, id, 0))
		abort();
	mock_idle(2);
	mock_check();
	if (mock_hypercall(0, HC_CELL_DESTROY, id, 0) || pool_used() != used || mock_root_map() != map)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_size)
{
	struct input input = { data, data_size };
	uint8_t bytes[SIZE_MAX_TRIED] = { 0 }, mode = (uint8_t)input_take(&input, 1);
	uint64_t size, used, map;
	struct description d;

	mock_power_on(1);
	if (mode % 4 == 1) { /* a system */
		size = mock_pack_system(bytes);
		check_alone(bytes, change(&input, bytes, size), true);
		return 0;
	}
	if (mock_enable())
		abort();
	if (mode % 4 == 0) { /* only what the bytes say */
		check_alone(input.data, input.size, mode & 4);
		return 0;
	}
	d = described(&input, 2);
	mock_pack(&d, mock_memory_at(MOCK_BUFFER));
	if (mock_hypercall(5, HC_CELL_CREATE, MOCK_BUFFER, 0))
		abort();
	used = pool_used();
	map = mock_root_map();
	d = described(&input, 1);
	size = change(&input, bytes, mock_pack(&d, bytes));
	check_alone(bytes, size, false);
	/* Too short a wait for cells that do not answer would be another test. */
	bytes[offsetof(struct config_cell, flags)] |= CONFIG_CELL_PASSIVE_COMMREG;
	create(bytes, size, used, map);
	return 0;
}
