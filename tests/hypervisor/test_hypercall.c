/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Hypercalls: who may make them, and what they answer; hypervisor/core/hypercall.c, guest.c. */
#include "test.h"

/* Root on CPUs 0, 3, 4, 5; cell 1 runs on CPUs 1 and 2, with a page of root's shared at 0x200000. */
static int with_cell(void **state)
{
	struct description d = mock_cell(1, 6);

	mock_power_on(1);
	if (mock_enable())
		return -1;
	d.memory[3] =
		(struct config_memory){ MOCK_RAM + 0x100000, 0x200000, 0x10000, CONFIG_MEM_ROOTSHARED | 3 };
	d.memory[4] =
		(struct config_memory){ MOCK_RAM + 0x120000, 0x210000, 0x1000, CONFIG_MEM_ROOTSHARED | 1 };
	d.memory[5] = (struct config_memory){ MOCK_DEVICES, 0x300000, 0x1000,
					      CONFIG_MEM_ROOTSHARED | CONFIG_MEM_IO | 3 };
	d.cell.num_memory_regions = 6;
	return mock_create(0, &d) || mock_hypercall(0, HC_CELL_START, 1, 0);
}

#define ROOT 0
#define CELL 1

static void unknown_numbers_are_refused(void **state)
{
	static const uint64_t numbers[] = { 9, 63, 72, 1000, UINT64_C(1) << 32, UINT64_MAX };

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		assert_int_equal(mock_hypercall(ROOT, numbers[i], 0, 0), -ENOSYS);
		assert_int_equal(mock_hypercall(CELL, numbers[i], 0, 0), -ENOSYS);
	}
}

static void management_is_roots_alone(void **state)
{
	static const unsigned numbers[] = { HC_DISABLE,		  HC_CELL_CREATE,  HC_CELL_START,
					    HC_CELL_SET_LOADABLE, HC_CELL_DESTROY, HC_CELL_GET_STATE,
					    HC_LAST_ERROR,	  HC_CELL_FAULT,   HC_CONSOLE_READ,
					    HC_CONSOLE_WRITE,	  HC_CELL_SHUTDOWN };

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		for (uint64_t id = 0; id < 3; id++)
			assert_int_equal(mock_hypercall(CELL, numbers[i], id, id), -EPERM);
	assert_int_equal(mock_hypercall(ROOT, HC_HEARTBEAT, 100, 0), -EPERM);
	assert_int_equal(mock_hypercall(ROOT, HC_CELL_GET_STATE, 1, 0), COMM_RUNNING);
	mock_check();
}

static void information_is_everybodys(void **state)
{
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(mock_hypercall(cpu, HC_GET_INFO, HC_INFO_MEM_POOL_SIZE, 0), pool_size());
		assert_int_equal(mock_hypercall(cpu, HC_GET_INFO, HC_INFO_MEM_POOL_USED, 0), pool_used());
		assert_int_equal(mock_hypercall(cpu, HC_GET_INFO, HC_INFO_REMAP_POOL_SIZE, 0), 0);
		assert_int_equal(mock_hypercall(cpu, HC_GET_INFO, HC_INFO_CELLS, 0), 2);
		assert_int_equal(mock_hypercall(cpu, HC_GET_INFO, 5, 0), -EINVAL);
		assert_int_equal(mock_hypercall(cpu, HC_NOP, 0, 0), 0);
	}
}

static void cpus_are_roots_to_ask_about_or_the_cells_own(void **state)
{
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_GET_INFO, 2, HC_CPU_STATE), 0);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_GET_INFO, MOCK_CPUS, HC_CPU_STATE), -EINVAL);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_GET_INFO, UINT64_C(1) << 40, HC_CPU_STATE), -EINVAL);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_GET_INFO, 0, 1), -EINVAL);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_GET_INFO, 0, HC_CPU_STAT_BASE + HV_STATS), -EINVAL);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_GET_INFO, 0, HC_CPU_STAT_BASE - 1), -EINVAL);
	/* The cell's are 0 and 1, wherever they are. */
	assert_int_equal(mock_hypercall(CELL, HC_CPU_GET_INFO, 0, HC_CPU_STATE), 0);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_GET_INFO, 1, HC_CPU_STATE), 0);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_GET_INFO, 2, HC_CPU_STATE), -EPERM);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_GET_INFO, UINT64_MAX, HC_CPU_STATE), -EPERM);
}

static void exits_are_counted(void **state)
{
	struct hv_stats stats;
	uint64_t exits = 0;

	for (unsigned i = 0; i < 10; i++)
		mock_hypercall(CELL, HC_NOP, 0, 0);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_GET_INFO, 0, HC_CPU_STAT_BASE + HV_STAT_HYPERCALL), 10);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_GET_INFO, 0, HC_CPU_STAT_BASE + HV_STAT_TOTAL), 11);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_STATS, 1, MOCK_BUFFER), 0);
	memcpy(&stats, mock_memory_at(MOCK_BUFFER), sizeof(stats));
	assert_int_equal(stats.count[HV_STAT_HYPERCALL], 12);
	assert_int_equal(stats.count[HV_STAT_TOTAL], 12);
	for (unsigned i = 0; i < HV_LATENCY_BUCKETS; i++)
		exits += stats.latency[i];
	assert_int_equal(exits, 12);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_STATS, 1, 0x1000), 0);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_STATS, 2, 0x1000), -EPERM);
	/* The next owner of the CPU does not learn of it. */
	assert_int_equal(mock_hypercall(ROOT, HC_CELL_DESTROY, 1, 0), 0);
	assert_in_range(mock_hypercall(ROOT, HC_CPU_GET_INFO, 1, HC_CPU_STAT_BASE), 0, 1);
}

static void latencies_are_powers_of_two(void **state)
{
	struct cpu *cpu = mock_cpu(1);
	struct hv_stats stats;

	mock.time = UINT64_C(1) << 40;
	memset(&cpu->stats, 0, sizeof(cpu->stats));
	stat_count(cpu, HV_STAT_MMIO, mock.time, 0, 0);
	stat_count(cpu, HV_STAT_MMIO, mock.time - 1, 0, 0);
	stat_count(cpu, HV_STAT_MMIO, mock.time - 5, 0, 0);
	stat_count(cpu, HV_STAT_MMIO, mock.time - (1 << 22), 0, 0);
	stat_count(cpu, HV_STAT_MMIO, 0, 0, 0);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_STATS, 1, MOCK_BUFFER), 0);
	memcpy(&stats, mock_memory_at(MOCK_BUFFER), sizeof(stats));
	assert_int_equal(stats.latency[0], 2);
	assert_int_equal(stats.latency[2], 1);
	assert_int_equal(stats.latency[22], 1);
	assert_int_equal(stats.latency[HV_LATENCY_BUCKETS - 1], 1);
	assert_int_equal(stats.count[HV_STAT_MMIO], 5);
	assert_int_equal(stats.ticks[HV_STAT_MMIO], 6 + (1 << 22) + (UINT64_C(1) << 40));
}

/* The table by which an architecture is quick says the same as hypercall(). */
static void calls_that_are_quick_are_the_same(void **state)
{
	struct cpu *cpus[] = { mock_cpu(ROOT), mock_cpu(CELL) };

	assert_ptr_equal(cpus[0]->cell->calls, calls_of_root);
	assert_ptr_equal(cpus[1]->cell->calls, calls_of_cells);
	for (unsigned number = 0; number < HYPERCALLS; number++)
		for (unsigned i = 0; i < 2; i++) {
			hypercall_fn *fn = cpus[i]->cell->calls[number];

			assert_true(!fn || number > HC_CELL_DESTROY);
			if (fn && number != HC_CONSOLE_READ)
				assert_int_equal(fn(cpus[i], UINT64_MAX, UINT64_MAX),
						 hypercall(cpus[i], number, UINT64_MAX, UINT64_MAX));
		}
	assert_non_null(calls_of_root[HC_NOP]);
	assert_int_equal(calls_of_cells[HC_LAST_ERROR](cpus[1], 0, 0), -EPERM);
	assert_null(calls_of_root[HC_CELL_SHUTDOWN]);
}

/* Pointers into what the caller has not, may not write, or is a device, or wraps around. */
static void pointers_are_looked_up_in_the_callers_memory(void **state)
{
	static const uint64_t roots[] = { MOCK_HV,
					  MOCK_HV - 8,
					  MOCK_GIVE,
					  MOCK_DEVICES,
					  MOCK_RAM - 8,
					  MOCK_PARTS,
					  UINT64_MAX - 7,
					  0,
					  MOCK_RAM + MOCK_RAM_SIZE - 8 };
	static const uint64_t cells[] = { MOCK_RAM, 0x40000 - 8, 0x60000,	0x210000,
					  0x20fff8, 0x300000,	 UINT64_MAX - 7 };

	for (unsigned i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		assert_int_equal(mock_hypercall(ROOT, HC_CPU_STATS, 0, roots[i]), -EFAULT);
		assert_int_equal(mock_hypercall(ROOT, HC_LAST_ERROR, roots[i], 0), -EFAULT);
		assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_READ, 1, roots[i]), -EFAULT);
	}
	for (unsigned i = 0; i < sizeof(cells) / sizeof(*cells); i++)
		assert_int_equal(mock_hypercall(CELL, HC_CPU_STATS, 0, cells[i]), -EFAULT);
	/* Across pages, and in shared memory. */
	assert_int_equal(mock_hypercall(CELL, HC_CPU_STATS, 0, 0x3ff00 - 0x100), 0);
	assert_int_equal(mock_hypercall(CELL, HC_CPU_STATS, 0, 0x200ff8), 0);
	assert_int_equal(mock_hypercall(ROOT, HC_CPU_STATS, 0, MOCK_RAM + 0xff8), 0);
}

static void a_cells_console_goes_both_ways(void **state)
{
	struct hv_console *console = mock_memory_at(MOCK_BUFFER + 0xffc); /* across a page */
	const char *text = "hello from cell";

	for (const char *c = text; *c; c++)
		assert_int_equal(mock_hypercall(CELL, HC_CONSOLE_PUTC, (uint64_t)*c, 0), 0);
	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_READ, 1, MOCK_BUFFER + 0xffc), 0);
	assert_int_equal(console->length, strlen(text));
	assert_int_equal(console->lost, 0);
	assert_memory_equal(console->text, text, strlen(text));
	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_READ, 1, MOCK_BUFFER + 0xffc), 0);
	assert_int_equal(console->length, 0);
	for (unsigned i = 0; i < CONSOLE_BYTES + 100; i++)
		console_put(&cell_find(1)->output, 'x');
	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_READ, 1, MOCK_BUFFER + 0xffc), 0);
	assert_int_equal(console->length, HV_CONSOLE_BYTES);
	assert_int_equal(console->lost, 100);
	for (unsigned left = CONSOLE_BYTES - HV_CONSOLE_BYTES; left; left -= console->length) {
		assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_READ, 1, MOCK_BUFFER + 0xffc), 0);
		assert_in_range(console->length, 1, left);
	}
	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_READ, 2, MOCK_BUFFER), -ENOENT);

	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_WRITE, 2, 'q'), -ENOENT);
	for (unsigned i = 0; i < CONSOLE_BYTES; i++)
		assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_WRITE, 1, 'q'), 0);
	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_WRITE, 1, 'q'), -EBUSY);
	assert_true(console_has_text(&cell_find(1)->input));
}

static void printing_must_be_permitted(void **state)
{
	struct description d = mock_cell(2, 8);

	d.cell.flags = CONFIG_CELL_PASSIVE_COMMREG;
	assert_int_equal(mock_create(0, &d), 0);
	assert_int_equal(mock_hypercall(0, HC_CELL_START, 2, 0), 0);
	assert_int_equal(mock_hypercall(3, HC_CONSOLE_PUTC, 'x', 0), -EPERM);
	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_PUTC, 'x', 0), 0);
}

static void the_hypervisors_console_is_cell_0s(void **state)
{
	struct hv_console *console = mock_memory_at(MOCK_BUFFER);

	hv_printf("cell %u: %s\n", 7u, "text");
	assert_int_equal(mock_hypercall(ROOT, HC_CONSOLE_READ, 0, MOCK_BUFFER), 0);
	assert_memory_equal(console->text, "cell 7: text\n", 13);
}

static void there_is_no_fault_before_the_first(void **state)
{
	assert_int_equal(mock_hypercall(ROOT, HC_CELL_FAULT, 1, MOCK_BUFFER), -ENOENT);
	assert_int_equal(mock_hypercall(ROOT, HC_CELL_FAULT, 9, MOCK_BUFFER), -ENOENT);
	mock_fault(1, HV_FAULT_IOCSR);
	assert_int_equal(mock_hypercall(ROOT, HC_CELL_FAULT, 1, MOCK_HV), -EFAULT);
	assert_int_equal(mock_hypercall(ROOT, HC_CELL_FAULT, 1, MOCK_BUFFER), 0);
}

static void heartbeats_have_a_limit(void **state)
{
	assert_int_equal(mock_hypercall(CELL, HC_HEARTBEAT, 3600001, 0), -EINVAL);
	assert_int_equal(mock_hypercall(CELL, HC_HEARTBEAT, UINT64_MAX, 0), -EINVAL);
	assert_int_equal(mock_hypercall(CELL, HC_HEARTBEAT, 3600000, 0), 0);
	assert_int_equal(mock_hypercall(CELL, HC_HEARTBEAT, 0, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, with_cell)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_numbers_are_refused),
		TEST(management_is_roots_alone),
		TEST(information_is_everybodys),
		TEST(cpus_are_roots_to_ask_about_or_the_cells_own),
		TEST(exits_are_counted),
		TEST(latencies_are_powers_of_two),
		TEST(calls_that_are_quick_are_the_same),
		TEST(pointers_are_looked_up_in_the_callers_memory),
		TEST(a_cells_console_goes_both_ways),
		TEST(printing_must_be_permitted),
		TEST(the_hypervisors_console_is_cell_0s),
		TEST(there_is_no_fault_before_the_first),
		TEST(heartbeats_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
