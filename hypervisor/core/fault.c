/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What becomes of a cell whose guest does what it may not, or gives no sign of life.  The fault is recorded,
 * all CPUs of the cell stop, and the cell is restarted if its description says so: by its own first CPU, each
 * time later than the last.  Of root only the CPU stops: what the other CPUs make of that is Linux's
 * business.
 */
#include "hv.h"

#define RESTART_FIRST	 10 /* of a second, to the first restart; doubled for each that follows */
#define RESTART_DOUBLED	 7  /* times at most */
#define RESTART_FORGIVEN 60 /* seconds without a fault, and it begins anew */

static void record(struct cpu *cpu, enum hv_fault_reason reason, const struct hv_fault *fault)
{
	struct hv_fault *to = &cpu->cell->fault;
	uint64_t count = to->count;

	*to = *fault;
	to->reason = reason;
	to->cpu = cpu->number;
	to->count = count + 1;
	to->time = arch_time();
	for (unsigned i = 0; i < HV_FAULT_EXITS; i++) {
		unsigned from = (cpu->exit_next / sizeof(*cpu->exits) + i) % HV_FAULT_EXITS;

		to->exits[i].time = cpu->exits[from].time;
		to->exits[i].pc = cpu->exits[from].pc;
		to->exits[i].stat = cpu->exits[from].stat;
		to->exits[i].insn = cpu->exits[from].insn;
	}
}

static void plan_restart(struct cell *cell)
{
	uint64_t now = arch_time(), frequency = arch_time_frequency();

	cell->restart_at = UINT64_MAX;
	if (!(cell->config->flags & CONFIG_CELL_FAULT_RESTART))
		return;
	if (now - cell->started > RESTART_FORGIVEN * frequency)
		cell->restarts = 0;
	cell->restart_at = now + ((frequency / RESTART_FIRST)
				  << (cell->restarts < RESTART_DOUBLED ? cell->restarts : RESTART_DOUBLED));
	cell->restarts++;
}

/* Whether this is the fault that ends the cell's run: others of its CPUs may be at one, too. */
static bool fail(struct cell *cell)
{
	if (!cell_is_running(cell))
		return false;
	if (cell == &root_cell) {
		uint64_t cpus = cell->cpus;
		unsigned id;

		FOR_EACH_CPU(id, cpus)
			if (!cpu_of(id)->failed)
				return false;
	} else {
		plan_restart(cell);
	}
	if (cell->comm)
		cell->comm->cell_state = COMM_FAILED;
	__atomic_store_n(&cell->state, CELL_FAILED, __ATOMIC_RELEASE);
	return true;
}

static void stop_others(const struct cell *cell, unsigned self)
{
	uint64_t cpus = cell->cpus & ~(UINT64_C(1) << self);
	unsigned id;

	FOR_EACH_CPU(id, cpus) {
		cpu_park(id);
		arch_cpu_kick(id);
	}
}

void cell_fault(struct cpu *cpu, enum hv_fault_reason reason, const struct hv_fault *fault)
{
	struct cell *cell = cpu->cell;
	bool failed;

	hv_printf("%s: fault %u on CPU %u: pc 0x%lx, gpa 0x%lx, instruction 0x%lx\n", cell->config->name,
		  (unsigned)reason, cpu->number, fault->pc, fault->gpa, fault->insn);
	cpu_park(cpu->id);
	lock_take(&cell->fault_lock);
	cpu->failed = true;
	record(cpu, reason, fault);
	failed = fail(cell);
	lock_release(&cell->fault_lock);
	if (!failed || cell == &root_cell)
		return;
	stop_others(cell, cpu->id);
	if (cell->config->flags & CONFIG_CELL_FAULT_NOTIFY)
		arch_cell_interrupt(&root_cell);
}

/* Its own wish, so nothing is asked nor recorded; root may start it again. */
static void cell_end(struct cpu *cpu)
{
	struct cell *cell = cpu->cell;

	cpu_park(cpu->id);
	lock_take(&cell->fault_lock);
	if (cell_is_running(cell))
		__atomic_store_n(&cell->state, CELL_SHUT_DOWN, __ATOMIC_RELEASE);
	lock_release(&cell->fault_lock);
	stop_others(cell, cpu->id);
}

/* The register by which a cell ends: reads 0. */
enum mmio_result power_access(struct cpu *cpu, void *opaque, struct mmio_access *access)
{
	if (access->write && access->value == CONFIG_POWER_OFF)
		cell_end(cpu);
	access->value = 0;
	return MMIO_DONE;
}

void heartbeat_set(struct cpu *cpu, uint64_t limit)
{
	struct cell *cell = cpu->cell;
	uint64_t now = arch_time();

	__atomic_store_n(&cell->heartbeat, now, __ATOMIC_RELAXED);
	__atomic_store_n(&cell->heartbeat_limit, limit, __ATOMIC_RELEASE);
	arch_cpu_alarm(cpu, limit ? now + limit : UINT64_MAX);
}

uint64_t heartbeat_look(const struct cpu *cpu)
{
	struct cell *cell = cpu->cell;
	uint64_t limit = __atomic_load_n(&cell->heartbeat_limit, __ATOMIC_ACQUIRE);
	uint64_t last = __atomic_load_n(&cell->heartbeat, __ATOMIC_RELAXED), now = arch_time();

	if (!limit || !cell_is_running(cell))
		return UINT64_MAX;
	if (now < last || now - last < limit) /* another of the cell's CPUs has called since */
		return last + limit;
	__atomic_store_n(&cell->heartbeat_limit, 0, __ATOMIC_RELAXED);
	cpu_hang(cell->first_cpu);
	return UINT64_MAX;
}
