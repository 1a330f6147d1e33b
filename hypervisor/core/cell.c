/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Cells come and go.  Everything that can fail is done before anything of root's changes, or is undone in
 * reverse order; root's CPUs stand still only while its memory and interrupts change hands.
 */
#include "hv.h"

#define CONFIG_MAX  UINT64_C(0x10000) /* bytes of a description */
#define CELL_PAGES  ((unsigned)((sizeof(struct cell) + PAGE_SIZE - 1) / PAGE_SIZE))
#define BIT(number) (UINT64_C(1) << (number))

unsigned cells = 1;

struct cell *cell_find(uint32_t id)
{
	struct cell *cell = &root_cell;

	while (cell && cell->id != id)
		cell = cell->next;
	return cell;
}

/* A copy of the description that no guest can change any more.  Its counts are believed by nobody yet. */
static int config_copy(struct cpu *cpu, uint64_t gpa, struct cell *cell, uint64_t *size)
{
	struct config_cell head;

	if (guest_read(cpu, gpa, &head, sizeof(head)))
		return -EFAULT;
	*size = config_cell_size(&head);
	if (*size > CONFIG_MAX)
		return -E2BIG;
	cell->config_pages = (unsigned)((*size + PAGE_SIZE - 1) / PAGE_SIZE);
	cell->config = pool_alloc(cell->config_pages);
	if (!cell->config)
		return -ENOMEM;
	if (guest_read(cpu, gpa, cell->config, *size)) {
		pool_free(cell->config, cell->config_pages);
		return -EFAULT;
	}
	return 0;
}

/* All of a cell that is nobody else's business. */
static int cell_prepare(struct cell *cell)
{
	int error;

	cell->id = cell->config->id;
	cell->calls = calls_of_cells;
	cell->state = CELL_SHUT_DOWN;
	cell->cpus = config_cpus(cell->config);
	cell->first_cpu = (unsigned)__builtin_ctzll(cell->cpus);
	cell->restart_at = UINT64_MAX;
	error = paging_create(&cell->stage2);
	if (error)
		return error;
	error = memory_map(cell);
	if (error) {
		if (cell->comm)
			pool_free(cell->comm, 1);
		paging_destroy(&cell->stage2);
	}
	return error;
}

static void cell_unprepare(struct cell *cell)
{
	if (cell->comm)
		pool_free(cell->comm, 1);
	paging_destroy(&cell->stage2);
}

static void hand_over_cpus(const struct cell *cell, struct cell *to, bool park)
{
	uint64_t cpus = cell->cpus;
	unsigned id, number = 0;

	FOR_EACH_CPU(id, cpus)
		cpu_hand_over(id, to, to == &root_cell ? id : number++, park);
}

static void wait_for_hand_over(uint64_t cpus)
{
	unsigned id;

	FOR_EACH_CPU(id, cpus)
		cpu_wait_for_hand_over(id);
}

/* The new cell gets what is root's; root's other CPUs are suspended.  What fails has changed nothing. */
static int cell_commit(struct cell *cell)
{
	struct cell *last = &root_cell;
	int error = memory_take(cell, 0);

	if (error)
		return error;
	error = arch_cell_create(cell);
	if (error) {
		memory_give(cell, 0);
		return error;
	}
	while (last->next)
		last = last->next;
	last->next = cell;
	__atomic_store_n(&cells, cells + 1, __ATOMIC_RELAXED);
	root_cell.cpus &= ~cell->cpus;
	hand_over_cpus(cell, cell, true);
	return 0;
}

static int cell_add(struct cpu *cpu, struct cell *cell)
{
	uint64_t others = root_cell.cpus & ~BIT(cpu->id);
	int error = cell_prepare(cell);

	if (error)
		return error;
	cpus_suspend(others);
	error = cell_commit(cell);
	arch_flush_stage2(cpu);
	cpus_resume(others, true);
	if (error) {
		cell_unprepare(cell);
		return error;
	}
	wait_for_hand_over(cell->cpus);
	memory_clear(cell, 0);
	return 0;
}

static int cell_create_checked(struct cpu *cpu, uint64_t gpa)
{
	struct cell *cell;
	uint64_t size;
	int error;

	if (!cell_reconfiguration_allowed(NULL))
		return -EPERM;
	cell = pool_alloc(CELL_PAGES);
	if (!cell)
		return -ENOMEM;
	error = config_copy(cpu, gpa, cell, &size);
	if (error)
		goto free_cell;
	error = config_check_cell(system_config, cell->config, size, &last_error);
	if (error)
		goto free_config;
	error = cell_add(cpu, cell);
	if (error)
		goto free_config;
	cell_reconfiguration_completed();
	return 0;

free_config:
	pool_free(cell->config, cell->config_pages);
free_cell:
	pool_free(cell, CELL_PAGES);
	return error;
}

/* Also for what is nobody's field: people see the sentence. */
static void explain(int error)
{
	static const struct {
		int error;
		char sentence[72];
	} reasons[] = {
		{ -EPERM, "a running cell is locked and forbids reconfiguration" },
		{ -E2BIG, "the description is longer than 64 KiB" },
		{ -EFAULT, "the description is not in memory of root's" },
		{ -ENOMEM, "the hypervisor's memory has no pages left for this cell" },
		{ -ENOSPC, "the cell has too many regions that are emulated" },
	};

	last_error.error = error;
	for (unsigned i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (!last_error.sentence[0] && reasons[i].error == error) {
			last_error.index = last_error.rival_index = -1;
			memcpy(last_error.sentence, reasons[i].sentence, sizeof(reasons[i].sentence));
		}
}

int cell_create(struct cpu *cpu, uint64_t config_gpa)
{
	int error;

	if (!management_begin(cpu))
		return -EBUSY;
	memset(&last_error, 0, sizeof(last_error));
	error = cell_create_checked(cpu, config_gpa);
	explain(error);
	management_end();
	return error;
}

/* Nothing in here can fail. */
static void cell_remove(struct cpu *cpu, struct cell *cell)
{
	uint64_t others = root_cell.cpus & ~BIT(cpu->id);
	struct cell *before = &root_cell;

	while (before->next != cell)
		before = before->next;
	memory_clear(cell, 0);
	cpus_suspend(others);
	before->next = cell->next;
	__atomic_store_n(&cells, cells - 1, __ATOMIC_RELAXED);
	memory_give(cell, 0);
	arch_cell_destroy(cell);
	root_cell.cpus |= cell->cpus & ~cpus_dead;
	hand_over_cpus(cell, &root_cell, false);
	arch_flush_stage2(cpu);
	cpus_resume(others, true);
	cpus_resume(cell->cpus, false);
	/* They look at the cell and its tables until they have left. */
	wait_for_hand_over(cell->cpus);

	cell_unprepare(cell);
	pool_free(cell->config, cell->config_pages);
	pool_free(cell, CELL_PAGES);
}

int cell_destroy(struct cpu *cpu, uint32_t id)
{
	struct cell *cell;
	int error = management_begin_on(cpu, id, &cell);

	if (error)
		return error;
	if (cell_reconfiguration_allowed(cell) && cell_shutdown_allowed(cell)) {
		cell_stop(cell);
		cell_remove(cpu, cell);
		cell_reconfiguration_completed();
	} else {
		error = -EPERM;
	}
	management_end();
	return error;
}
