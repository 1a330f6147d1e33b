/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Cells run and stop: start, load, shutdown, restart, and the asking before.  A cell with a comm region that
 * is not passive has a say in its shutdown, and may forbid all reconfiguration while it is locked; what it
 * answers is believed in as a wish of its own and in no other way.
 */
#include "hv.h"

/*
 * After so many seconds a cell has given no answer, whatever time limit it has.  Root's CPU waits that long,
 * with interrupts off: a call asks twice at most, and after 10 s Linux takes a CPU for dead.
 */
#define REPLY_SECONDS 4

static struct lock management_lock;
static bool may_suspend_root; /* who holds it */

static bool management_try(void)
{
	return lock_try(&management_lock);
}

bool management_begin(struct cpu *cpu)
{
	while (!management_try()) {
		if (__atomic_load_n(&may_suspend_root, __ATOMIC_ACQUIRE))
			return false;
		cpu_relax();
	}
	__atomic_store_n(&may_suspend_root, cpu->cell == &root_cell, __ATOMIC_RELEASE);
	return true;
}

int management_begin_on(struct cpu *cpu, uint32_t id, struct cell **cell)
{
	if (!management_begin(cpu))
		return -EBUSY;
	*cell = cell_find(id);
	if (*cell && *cell != &root_cell)
		return 0;
	management_end();
	return *cell ? -EINVAL : -ENOENT;
}

void management_end(void)
{
	__atomic_store_n(&may_suspend_root, false, __ATOMIC_RELEASE);
	lock_release(&management_lock);
}

bool cell_is_running(const struct cell *cell)
{
	return __atomic_load_n(&cell->state, __ATOMIC_ACQUIRE) == CELL_RUNNING;
}

enum comm_state cell_comm_state(const struct cell *cell)
{
	uint32_t says;

	switch (__atomic_load_n(&cell->state, __ATOMIC_ACQUIRE)) {
	case CELL_RUNNING:
		if (!cell->comm)
			return COMM_RUNNING;
		says = ((volatile struct comm_region *)cell->comm)->cell_state;
		return says <= COMM_FAILED_REVISION ? (enum comm_state)says : COMM_RUNNING;
	case CELL_FAILED:
		return COMM_FAILED;
	default:
		return COMM_SHUT_DOWN;
	}
}

static bool has_a_say(const struct cell *cell)
{
	return cell->comm && !(cell->config->flags & CONFIG_CELL_PASSIVE_COMMREG);
}

static uint64_t reply_end(void)
{
	return arch_time() + REPLY_SECONDS * arch_time_frequency();
}

/* Whether the cell answers @reply before @end, or has nothing to say. */
static bool cell_ask(const struct cell *cell, enum comm_message message, enum comm_reply expected,
		     uint64_t end)
{
	volatile struct comm_region *comm = cell->comm;
	uint64_t loops = cell->config->msg_reply_timeout;

	if (!has_a_say(cell))
		return true;
	comm->reply_from_cell = COMM_REPLY_NONE;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	comm->msg_to_cell = message;
	for (;;) {
		enum comm_state state = cell_comm_state(cell);
		uint32_t reply = comm->reply_from_cell;

		if (state != COMM_RUNNING && state != COMM_RUNNING_LOCKED)
			return true;
		if (reply != COMM_REPLY_NONE)
			return reply == expected;
		if ((loops && !--loops) || arch_time() >= end)
			return true;
		cpu_relax();
	}
}

bool cell_reconfiguration_allowed(const struct cell *except)
{
	for (const struct cell *cell = root_cell.next; cell; cell = cell->next)
		if (cell != except && has_a_say(cell) && cell_comm_state(cell) == COMM_RUNNING_LOCKED)
			return false;
	return true;
}

/* All together have the time of one: root waits. */
void cell_reconfiguration_completed(void)
{
	uint64_t end = reply_end();

	for (const struct cell *cell = root_cell.next; cell; cell = cell->next)
		cell_ask(cell, COMM_MSG_RECONFIG_COMPLETED, COMM_REPLY_RECEIVED, end);
}

bool cell_shutdown_allowed(const struct cell *cell)
{
	return cell_ask(cell, COMM_MSG_SHUTDOWN_REQUEST, COMM_REPLY_APPROVED, reply_end());
}

void cell_stop(struct cell *cell)
{
	uint64_t cpus = cell->cpus;
	unsigned id;

	cpus_suspend(cpus);
	cell->restart_at = UINT64_MAX;
	if (cell->state == CELL_RUNNING)
		cell->state = CELL_SHUT_DOWN;
	FOR_EACH_CPU(id, cpus)
		cpu_park(id);
}

static void comm_fill(struct cell *cell)
{
	struct comm_region *comm = cell->comm;
	const struct config_cell *config = cell->config;

	memset(comm, 0, PAGE_SIZE);
	memcpy(comm->signature, COMM_SIGNATURE, sizeof(comm->signature));
	comm->revision = COMM_REVISION;
	comm->cell_state = COMM_RUNNING;
	if (config->flags & CONFIG_CELL_CONSOLE_PERMITTED)
		comm->flags |= COMM_FLAG_PUTC_PERMITTED;
	if (config->flags & CONFIG_CELL_CONSOLE_ACTIVE)
		comm->flags |= COMM_FLAG_PUTC_ACTIVE;
	comm->console = config->console;
	comm->pci_mmconfig_base = system_config->platform_info.pci_mmconfig_base;
	comm->counter_frequency = arch_time_frequency();
	comm->num_cpus = (uint32_t)__builtin_popcountll(cell->cpus);
	if (cell_has_virtual_uart(cell)) {
		comm->uart_base = config->console.address;
		comm->uart_vector = config->vpci_irq_base;
	}
	arch_comm_fill(cell, comm);
}

/* From the beginning; the cell's CPUs are suspended, or the calling one. */
static void cell_launch(struct cell *cell)
{
	uint64_t cpus = cell->cpus;
	unsigned id;

	if (cell->used)
		memory_clear(cell, CONFIG_MEM_LOADABLE);
	cell->used = true;
	memory_sync(cell);
	memset(&cell->uart, 0, sizeof(cell->uart));
	if (cell->comm)
		comm_fill(cell);
	arch_cell_reset(cell);
	cell->heartbeat_limit = 0;
	cell->started = arch_time();
	cell->restart_at = UINT64_MAX;
	__atomic_store_n(&cell->state, CELL_RUNNING, __ATOMIC_RELEASE);
	FOR_EACH_CPU(id, cpus)
		cpu_start(id, id == cell->first_cpu ? cell->config->cpu_reset_address : ~UINT64_C(0));
}

/* The cell's loadable memory is taken from root, or shown to it. */
static int loadable_move(struct cpu *cpu, const struct cell *cell, bool to_root)
{
	uint64_t others = root_cell.cpus & ~(UINT64_C(1) << cpu->id);
	int error = 0;

	cpus_suspend(others);
	if (to_root)
		memory_give(cell, CONFIG_MEM_LOADABLE);
	else
		error = memory_take(cell, CONFIG_MEM_LOADABLE);
	arch_flush_stage2(cpu);
	cpus_resume(others, true);
	return error;
}

/* What is done with a cell that stands: its CPUs are suspended, and go on afterwards, parked if not started.
 */
typedef int operation_fn(struct cpu *cpu, struct cell *cell);

static int cell_operate(struct cpu *cpu, uint32_t id, operation_fn *operation)
{
	struct cell *cell;
	int error = management_begin_on(cpu, id, &cell);

	if (error)
		return error;
	if (cell_shutdown_allowed(cell)) {
		cell_stop(cell);
		error = operation(cpu, cell);
		cpus_resume(cell->cpus, false);
	} else {
		error = -EPERM;
	}
	management_end();
	return error;
}

static int start(struct cpu *cpu, struct cell *cell)
{
	if (cell->state == CELL_LOADABLE) {
		int error = loadable_move(cpu, cell, false);

		if (error)
			return error;
	}
	cell->restarts = 0;
	cell_launch(cell);
	return 0;
}

static int set_loadable(struct cpu *cpu, struct cell *cell)
{
	if (cell->state != CELL_LOADABLE)
		loadable_move(cpu, cell, true);
	cell->state = CELL_LOADABLE;
	return 0;
}

static int shut_down(struct cpu *cpu, struct cell *cell)
{
	(void)cpu;
	if (cell->state == CELL_FAILED)
		cell->state = CELL_SHUT_DOWN;
	return 0;
}

int cell_start(struct cpu *cpu, uint32_t id)
{
	return cell_operate(cpu, id, start);
}

int cell_set_loadable(struct cpu *cpu, uint32_t id)
{
	return cell_operate(cpu, id, set_loadable);
}

int cell_shutdown(struct cpu *cpu, uint32_t id)
{
	return cell_operate(cpu, id, shut_down);
}

void cell_restart(struct cpu *cpu)
{
	struct cell *cell = cpu->cell;
	uint64_t others = cell->cpus & ~(UINT64_C(1) << cpu->id);

	if (!management_begin(cpu)) { /* root is at it, and may want this CPU to stand still */
		arch_cpu_wait(cpu, arch_time() + arch_time_frequency() / 1000);
		return;
	}
	if (cell->state == CELL_FAILED && arch_time() >= cell->restart_at) {
		cpus_suspend(others);
		cell_launch(cell);
		cpus_resume(others, false);
	}
	management_end();
}
