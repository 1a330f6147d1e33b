/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What CPUs want of each other.  A wish is written into the other's struct cpu and the other kicked; it finds
 * it before it enters its guest again, in cpu_attend().  Only a CPU itself changes the cell that it is in.
 */
#include "hv.h"

uint64_t cpus_dead;

static bool is_dead(unsigned id)
{
	return __atomic_load_n(&cpus_dead, __ATOMIC_ACQUIRE) >> id & 1;
}

bool cell_owns_cpu(const struct cell *cell, unsigned id)
{
	return id < CPUS_MAX && cell->cpus >> id & 1;
}

int cell_cpu(const struct cell *cell, unsigned number)
{
	uint64_t cpus = cell->cpus;
	unsigned id;

	if (cell == &root_cell) /* keeps Linux's numbers, whichever are away */
		return cell_owns_cpu(cell, number) ? (int)number : -1;
	FOR_EACH_CPU(id, cpus)
		if (!number--)
			return (int)id;
	return -1;
}

void cpus_suspend(uint64_t cpus)
{
	uint64_t left = cpus;
	unsigned id;

	FOR_EACH_CPU(id, left) {
		struct cpu *cpu = cpu_of(id);

		lock_take(&cpu->lock);
		cpu->suspend = true;
		__atomic_store_n(&cpu->wanted, true, __ATOMIC_RELEASE);
		lock_release(&cpu->lock);
		arch_cpu_kick(id);
	}
	left = cpus;
	FOR_EACH_CPU(id, left)
		while (!__atomic_load_n(&cpu_of(id)->suspended, __ATOMIC_ACQUIRE) && !is_dead(id))
			cpu_relax();
}

void cpus_resume(uint64_t cpus, bool flush)
{
	unsigned id;

	FOR_EACH_CPU(id, cpus) {
		struct cpu *cpu = cpu_of(id);

		lock_take(&cpu->lock);
		cpu->flush |= flush;
		__atomic_store_n(&cpu->suspend, false, __ATOMIC_RELEASE);
		lock_release(&cpu->lock);
	}
}

void cpu_hand_over(unsigned id, struct cell *cell, unsigned number, bool park)
{
	struct cpu *cpu = cpu_of(id);

	lock_take(&cpu->lock);
	cpu->next = cell;
	cpu->next_number = number;
	cpu->park = park;
	cpu->reset = cpu->hung = cpu->failed = false;
	lock_release(&cpu->lock);
}

void cpu_wait_for_hand_over(unsigned id)
{
	while (__atomic_load_n(&cpu_of(id)->next, __ATOMIC_ACQUIRE) && !is_dead(id))
		cpu_relax();
}

void cpu_start(unsigned id, uint64_t entry)
{
	struct cpu *cpu = cpu_of(id);

	lock_take(&cpu->lock);
	cpu->reset_entry = entry;
	cpu->reset = true;
	cpu->park = cpu->hung = cpu->failed = false;
	__atomic_store_n(&cpu->wanted, true, __ATOMIC_RELEASE);
	lock_release(&cpu->lock);
}

void cpu_park(unsigned id)
{
	struct cpu *cpu = cpu_of(id);

	lock_take(&cpu->lock);
	cpu->park = true;
	cpu->reset = false;
	__atomic_store_n(&cpu->wanted, true, __ATOMIC_RELEASE);
	lock_release(&cpu->lock);
}

void cpu_hang(unsigned id)
{
	struct cpu *cpu = cpu_of(id);

	lock_take(&cpu->lock);
	cpu->hung = true;
	__atomic_store_n(&cpu->wanted, true, __ATOMIC_RELEASE);
	lock_release(&cpu->lock);
	arch_cpu_kick(id);
}

/* The lock is held when this is called and when it returns. */
static void stay_suspended(struct cpu *cpu)
{
	__atomic_store_n(&cpu->suspended, true, __ATOMIC_RELEASE);
	lock_release(&cpu->lock);
	while (__atomic_load_n(&cpu->suspend, __ATOMIC_ACQUIRE))
		cpu_relax();
	lock_take(&cpu->lock);
	if (!cpu->suspend)
		__atomic_store_n(&cpu->suspended, false, __ATOMIC_RELEASE);
}

/*
 * Nothing of the cell that this CPU leaves stays behind, in the CPU nor in what is known of it.  Nor of
 * root's stage 2, which may change before the CPU comes back.
 */
static void change_cell(struct cpu *cpu)
{
	if (cpu->cell == &root_cell)
		arch_cpu_save_root(cpu);
	else
		arch_cpu_scrub(cpu);
	arch_flush_stage2(cpu);
	cpu->cell = cpu->next;
	cpu->number = cpu->next_number;
	cpu->flush = false;
	memset(&cpu->stats, 0, sizeof(cpu->stats));
	memset(cpu->exits, 0, sizeof(cpu->exits));
	if (cpu->cell == &root_cell)
		arch_cpu_load_root(cpu);
	__atomic_store_n(&cpu->next, NULL, __ATOMIC_RELEASE);
}

static void record_hang(struct cpu *cpu)
{
	struct hv_fault fault = { 0 };

	if (!cell_is_running(cpu->cell))
		return;
	arch_cpu_describe(cpu, &fault);
	cell_fault(cpu, HV_FAULT_HANG, &fault);
}

/* When a parked CPU has something to do unasked. */
static uint64_t restart_time(const struct cpu *cpu)
{
	const struct cell *cell = cpu->cell;

	if (cell == &root_cell || cpu->id != cell->first_cpu ||
	    __atomic_load_n(&cell->state, __ATOMIC_ACQUIRE) != CELL_FAILED)
		return UINT64_MAX;
	return cell->restart_at;
}

static void stay_parked(struct cpu *cpu)
{
	uint64_t until = restart_time(cpu);

	lock_release(&cpu->lock);
	if (arch_time() >= until)
		cell_restart(cpu);
	else
		arch_cpu_wait(cpu, until);
	lock_take(&cpu->lock);
}

void cpu_attend(struct cpu *cpu)
{
	lock_take(&cpu->lock);
	for (;;) {
		if (cpu->suspend) {
			stay_suspended(cpu);
			continue;
		}
		if (cpu->next)
			change_cell(cpu);
		if (cpu->flush) {
			cpu->flush = false;
			arch_flush_stage2(cpu);
		}
		if (cpu->hung) {
			cpu->hung = false;
			lock_release(&cpu->lock);
			record_hang(cpu);
			lock_take(&cpu->lock);
			continue;
		}
		if (cpu->reset) {
			cpu->reset = false;
			arch_cpu_reset(cpu, cpu->reset_entry);
		}
		if (!cpu->park)
			break;
		stay_parked(cpu);
	}
	cpu->wanted = false;
	lock_release(&cpu->lock);
}

void cpu_die(struct cpu *cpu)
{
	hv_printf("hypervisor: CPU %u has failed and is lost\n", cpu->id);
	cpu->failed = true;
	__atomic_fetch_or(&cpus_dead, UINT64_C(1) << cpu->id, __ATOMIC_RELEASE);
	for (;;)
		arch_cpu_wait(cpu, UINT64_MAX);
}
