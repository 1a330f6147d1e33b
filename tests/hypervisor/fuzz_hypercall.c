/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Hypercalls with any arguments from any CPU, several at a time, with faults, passing time, and descriptions
 * in memory that the bytes change: nobody may wait for ever or get what is another's.
 */
#include <stdlib.h>

#include "mock.h"
#include "tests/fuzz/input.h"

static uint64_t argument(struct input *input)
{
	static const uint64_t some[] = { 0,
					 1,
					 2,
					 3,
					 4,
					 5,
					 MOCK_BUFFER,
					 MOCK_BUFFER + 0x1000,
					 MOCK_HV,
					 MOCK_GIVE,
					 MOCK_DEVICES,
					 UINT64_MAX,
					 0x80000,
					 0x3ff00,
					 0x100000,
					 1000 };
	uint8_t choice = (uint8_t)input_take(input, 1);

	if (choice & 0x80)
		return input_take(input, 8);
	return some[choice & 15] + (choice & 0x40 ? input_take(input, 2) : 0);
}

static bool is_running(unsigned id)
{
	const struct cpu *cpu = mock_cpu(id);

	return !mock_is_bare(id) && !mock_is_busy(id) && !cpu->park && cpu->cell->state == CELL_RUNNING;
}

/* One for all of root's CPUs, or none: waiting for those that do not come takes long. */
static void disable(void)
{
	for (unsigned id = 0; id < MOCK_CPUS; id++)
		if (is_running(id) && mock_cpu(id)->cell == &root_cell)
			mock_begin(id, HC_DISABLE, 0, 0);
	if (!mock_run(100000))
		abort();
}

static void call(struct input *input, uint8_t head)
{
	static const uint8_t numbers[] = { 1, 2, 3, 4, 5, 6, 7, 8, 64, 65, 66, 67, 68, 69, 70, 71 };
	uint64_t number = numbers[input_take(input, 1) & 15], arg1 = argument(input), arg2 = argument(input);
	unsigned id = head >> 3 & 7;

	if (head & 0x40)
		number = 9 + input_take(input, 8) % (UINT64_MAX - 9);
	if (id >= MOCK_CPUS || !is_running(id) || number == HC_DISABLE)
		return;
	mock_begin(id, number, arg1, arg2);
	if (head & 0x80)
		return; /* others may begin, too */
	mock_run(20000);
}

static void describe(struct input *input)
{
	unsigned id = 1 + (unsigned)input_take(input, 1) % 4, changes = (unsigned)input_take(input, 1) % 3;
	uint64_t at = MOCK_BUFFER + (input_take(input, 1) & 1) * 0x1000, size;
	struct description d = mock_cell(id, input_take(input, 1) & 0x3e);

	d.cell.flags |= (uint32_t)input_take(input, 1) << 16 & 0x30000;
	if (input_take(input, 1) & 1)
		d.cell.flags &= ~(uint32_t)CONFIG_CELL_PASSIVE_COMMREG;
	d.cell.msg_reply_timeout = 20;
	size = mock_pack(&d, mock_memory_at(at));
	while (changes--)
		*(uint8_t *)mock_memory_at(at + input_take(input, 2) % size) = (uint8_t)input_take(input, 1);
	memcpy((uint8_t *)mock_memory_at(at) + offsetof(struct config_cell, msg_reply_timeout),
	       &(uint64_t){ 20 }, 8); /* not hours of waiting */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	mock_power_on(1);
	if (mock_enable())
		abort();
	for (unsigned steps = 0; input.size && steps < 100; steps++) {
		uint8_t head = (uint8_t)input_take(&input, 1);
		unsigned id = head >> 3 & 7;

		switch (head & 7) {
		case 0:
			describe(&input);
			break;
		case 1:
			if (!mock_run(20000))
				abort();
			if (id < MOCK_CPUS && is_running(id) && mock_cpu(id)->cell != &root_cell)
				mock_fault(id, head >> 6);
			break;
		case 2:
			mock.time += input_take(&input, 2);
			mock_idle(3);
			break;
		case 3:
			if (head == 0xfb) {
				mock_run(20000);
				disable();
				if (mock_is_bare(0))
					return 0;
			}
			break;
		default:
			mock_run(id & 1 ? 1 : 20000);
			call(&input, head);
		}
	}
	if (!mock_run(50000))
		abort(); /* somebody waits for ever */
	mock_check();
	return 0;
}
