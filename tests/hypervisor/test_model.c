/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Random management of cells against a model of a few lines: what each hypercall answers, what state each
 * cell is in, whose memory and CPUs are whose; while guests use their memory and look for others' secrets.
 */
#include "test.h"

#define CELLS  5
#define ROUNDS 1500

enum state { NONE, STOPPED, LOADABLE, RUNNING, FAILED };

static struct {
	enum state state;
	uint64_t cpus;
	bool restarts;
} model[CELLS + 1];
static uint64_t roots;
static unsigned caller;

/* Each cell writes its own secret, and may never see another's. */
static bool work(struct cpu *cpu)
{
	uint64_t base = cpu->cell == &root_cell ? MOCK_GIVE : 0;
	uint64_t phys, flags, gpa = base + mock_random(0x50) * PAGE_SIZE;

	if (cpu->cell == &root_cell)
		gpa += mock_random(CELLS) * 0x100000;
	if (!mock_access(cpu->id, gpa, true) || !paging_find(&cpu->cell->stage2, gpa, &phys, &flags))
		return true;
	if (cpu->cell != &root_cell) {
		uint64_t *word = mock_memory_at(phys);

		if (*word && *word != 0x5ec0000 + cpu->cell->id)
			fail_msg("cell %u finds 0x%llx", cpu->cell->id, (unsigned long long)*word);
		*word = 0x5ec0000 + cpu->cell->id;
	} else if (!(flags & CONFIG_MEM_IO)) {
		uint64_t *word = mock_memory_at(phys), of = *word - 0x5ec0000;

		/* Only what a cell has left in its loadable memory is root's to see. */
		if (of >= 1 && of <= CELLS && (model[of].state == NONE || (phys & 0xfffff) < 0x40000))
			fail_msg("root finds a secret of cell %u", (unsigned)of);
	}
	return true;
}

static long expect_create(unsigned id, uint64_t cpus)
{
	if (model[id].state != NONE)
		return -EEXIST;
	if (!cpus)
		return -EINVAL;
	for (unsigned cpu = 0; cpu < MOCK_CPUS; cpu++) {
		if (!(cpus >> cpu & 1))
			continue;
		if (!cpu)
			return -EINVAL;
		if (cpu == caller || !(roots >> cpu & 1))
			return -EBUSY;
	}
	roots &= ~cpus;
	model[id].state = STOPPED;
	model[id].cpus = cpus;
	return 0;
}

static long expect(unsigned call, unsigned id)
{
	enum state *state = &model[id].state;

	if (*state == NONE)
		return -ENOENT;
	switch (call) {
	case HC_CELL_START:
		*state = RUNNING;
		return 0;
	case HC_CELL_SET_LOADABLE:
		*state = LOADABLE;
		return 0;
	case HC_CELL_SHUTDOWN:
		if (*state != LOADABLE)
			*state = STOPPED;
		return 0;
	default:
		roots |= model[id].cpus;
		*state = NONE;
		return 0;
	}
}

static void create(unsigned id)
{
	uint64_t cpus =
		mock_random(4) ? mock_random(1 << MOCK_CPUS) & roots & ~1u : mock_random(1 << MOCK_CPUS);
	struct description d = mock_cell(id, cpus & mock_random(1 << MOCK_CPUS));

	if (mock_random(2))
		d.cell.flags |= CONFIG_CELL_FAULT_RESTART;
	if (model[id].state == NONE)
		model[id].restarts = d.cell.flags & CONFIG_CELL_FAULT_RESTART;
	assert_int_equal(mock_create(caller, &d), expect_create(id, d.cpus));
}

static void fault(unsigned id)
{
	unsigned cpu;

	if (model[id].state != RUNNING)
		return;
	do
		cpu = (unsigned)mock_random(MOCK_CPUS);
	while (!(model[id].cpus >> cpu & 1));
	mock_fault(cpu, HV_FAULT_MEMORY);
	mock_guest(cpu, work);
	model[id].state = FAILED;
}

static void wait_for_restarts(void)
{
	for (unsigned i = 0; i < 14; i++) {
		mock.time += MOCK_FREQUENCY;
		mock_idle(1);
	}
	mock_idle(20);
	for (unsigned id = 1; id <= CELLS; id++)
		if (model[id].state == FAILED && model[id].restarts)
			model[id].state = RUNNING;
}

static void compare(void)
{
	static const long says[] = { -ENOENT, COMM_SHUT_DOWN, COMM_SHUT_DOWN, COMM_RUNNING, COMM_FAILED };
	long cells = 1;

	for (unsigned id = 1; id <= CELLS; id++) {
		const struct cell *cell = cell_find(id);
		long answer = mock_hypercall(caller, HC_CELL_GET_STATE, id, 0);

		/* Restarts come when they come. */
		if (model[id].state == FAILED && model[id].restarts && answer == COMM_RUNNING)
			model[id].state = RUNNING;
		assert_int_equal(answer, says[model[id].state]);
		cells += model[id].state != NONE;
		if (cell)
			assert_int_equal(cell->cpus, model[id].cpus);
	}
	assert_int_equal(mock_hypercall(caller, HC_GET_INFO, HC_INFO_CELLS, 0), cells);
	assert_int_equal(root_cell.cpus, roots);
	mock_check();
}

static void random_management_agrees_with_the_model(void **state)
{
	static const unsigned calls[] = { HC_CELL_START, HC_CELL_SET_LOADABLE, HC_CELL_SHUTDOWN,
					  HC_CELL_DESTROY };
	uint64_t used, map;

	mock_power_on(test_seed());
	assert_int_equal(mock_enable(), 0);
	used = pool_used();
	map = mock_root_map();
	roots = root_cell.cpus;
	memset(mock_memory_at(MOCK_GIVE), 0, 0x800000);
	for (unsigned cpu = 0; cpu < MOCK_CPUS; cpu++)
		mock_guest(cpu, work);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned id = 1 + (unsigned)mock_random(CELLS), what = (unsigned)mock_random(20);

		do
			caller = (unsigned)mock_random(MOCK_CPUS);
		while (!(roots >> caller & 1));
		if (what < 4) {
			create(id);
		} else if (what < 13) {
			unsigned call = calls[what < 10 ? 0 : what < 11 ? 1 : what < 12 ? 2 : 3];

			assert_int_equal(mock_hypercall(caller, call, id, 0), expect(call, id));
		} else if (what < 19) {
			fault(id);
		} else {
			wait_for_restarts();
		}
		compare();
		mock_idle(5);
	}
	for (unsigned id = 1; id <= CELLS; id++)
		if (model[id].state != NONE)
			assert_int_equal(mock_hypercall(0, HC_CELL_DESTROY, id, 0), 0);
	mock_check();
	assert_int_equal(pool_used(), used);
	assert_int_equal(mock_root_map(), map);
	assert_int_equal(root_cell.cpus, (1 << MOCK_CPUS) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_management_agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
