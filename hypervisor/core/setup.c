/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The two ends of the hypervisor's life.  Enable: all CPUs of Linux enter; the first looks at the
 * configuration and makes the root cell, each prepares itself, and when the last has done so all go on as
 * guests. Until then nothing has changed that Linux could notice, so that for any error all go back with it.
 * Disable: all of root's CPUs ask for it, and leave when the last has asked.
 */
#include "hv.h"

#define GATHER_SECONDS 5 /* within which all CPUs have come */

struct config_system *system_config;
struct cell root_cell;
uint64_t cpus_present;

/* CPUs come to the same place, and learn together whether all have come and nothing went wrong. */
enum gathering { GATHERING, ALL_THERE, GIVEN_UP };

static struct {
	struct lock lock; /* protects the rest */
	enum gathering state;
	bool begun;
	int error; /* of GIVEN_UP */
	uint64_t cpus, until;
} entering, leaving;

static uint64_t area_of(unsigned id)
{
	return image_header.phys_start + image_header.core_size + id * image_header.percpu_size;
}

struct cpu *cpu_of(unsigned id)
{
	return id < CPUS_MAX && cpus_present >> id & 1 ? phys_to_virt(area_of(id)) : NULL;
}

static int make_root_cell(void)
{
	const struct config_memory *ours = &system_config->hypervisor_memory;
	int error;

	root_cell.config = &system_config->root_cell;
	root_cell.state = CELL_RUNNING;
	root_cell.calls = calls_of_root;
	root_cell.restart_at = UINT64_MAX;
	error = paging_create(&root_cell.stage2);
	if (!error)
		error = memory_map(&root_cell);
	if (!error)
		error = paging_unmap(&root_cell.stage2, ours->phys_start, ours->size);
	return error;
}

/* By the first CPU. */
static int setup_system(void)
{
	uint64_t config = area_of(image_header.max_cpus), end, pool;
	const struct config_memory *ours;
	int error;

	system_config = phys_to_virt(config);
	ours = &system_config->hypervisor_memory;
	end = ours->phys_start + ours->size;
	if (ours->phys_start != image_header.phys_start || ours->size > PAGING_LIMIT ||
	    end < config + sizeof(*system_config))
		return config_refuse(&last_error, EINVAL, system_config, &system_config->root_cell, ours, -1,
				     "the hypervisor's memory is at 0x%lx, and not as described",
				     image_header.phys_start);
	error = config_check_system(system_config, end - config, &last_error);
	if (error)
		return error;
	pool = (config + config_system_size(system_config) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	pool_init(phys_to_virt(pool), pool < end ? (end - pool) / PAGE_SIZE : 0);
	hypercalls_init();
	error = arch_init(system_config);
	if (!error)
		error = make_root_cell();
	if (error == -ENOMEM)
		config_refuse(&last_error, ENOMEM, system_config, &system_config->root_cell, ours, -1,
			      "the hypervisor's memory of 0x%lx bytes leaves only %lu pages for tables",
			      ours->size, pool_size());
	return error;
}

static int setup_one(struct cpu *cpu)
{
	const struct config_cell *root = &system_config->root_cell;

	if (cpu->id >= CPUS_MAX || !(config_cpus(root) >> cpu->id & 1))
		return config_refuse(&last_error, EINVAL, system_config, root, config_cpu_set(root),
				     (int)cpu->id, "CPU %u is online, but none of root's", cpu->id);
	cpu->cell = &root_cell;
	cpu->number = cpu->id;
	cpus_present |= UINT64_C(1) << cpu->id;
	return arch_cpu_init(cpu);
}

/* By the last CPU, with all others there. */
static int setup_finish(void)
{
	root_cell.cpus = cpus_present;
	root_cell.first_cpu = (unsigned)__builtin_ctzll(cpus_present);
	root_cell.started = arch_time();
	return arch_cell_create(&root_cell);
}

static void give_up(int error)
{
	entering.error = error;
	__atomic_store_n(&entering.state, GIVEN_UP, __ATOMIC_RELEASE);
}

/* One after the other.  All errors but the first are followed up by nobody. */
static void enter(struct cpu *cpu)
{
	int error = 0;

	lock_take(&entering.lock);
	if (!entering.begun) {
		entering.begun = true;
		entering.until = arch_time() + GATHER_SECONDS * arch_time_frequency();
		error = setup_system();
	}
	if (entering.state == GATHERING && !error)
		error = setup_one(cpu);
	entering.cpus |= UINT64_C(1) << cpu->id % CPUS_MAX;
	if (entering.state == GATHERING && !error &&
	    (unsigned)__builtin_popcountll(entering.cpus) == image_header.online_cpus) {
		error = setup_finish();
		if (!error)
			__atomic_store_n(&entering.state, ALL_THERE, __ATOMIC_RELEASE);
	}
	if (error)
		give_up(error);
	lock_release(&entering.lock);
}

void setup_cpu(struct cpu *cpu)
{
	uint64_t area = virt_to_phys(cpu);

	/* The architecture has put what is Linux's into its part already. */
	memset((uint8_t *)cpu + sizeof(cpu->arch), 0, sizeof(*cpu) - sizeof(cpu->arch));
	cpu->id = (unsigned)((area - area_of(0)) / image_header.percpu_size);
	enter(cpu);
	while (__atomic_load_n(&entering.state, __ATOMIC_ACQUIRE) == GATHERING) {
		cpu_relax();
		if (arch_time() < entering.until)
			continue;
		lock_take(&entering.lock);
		if (entering.state == GATHERING)
			give_up(-ETIMEDOUT);
		lock_release(&entering.lock);
	}
	if (entering.state == GIVEN_UP)
		arch_cpu_restore(cpu, entering.error);
	arch_cpu_activate(cpu);
}

/* Whether this CPU is one that waits; with the lock held. */
static int leave_begin(struct cpu *cpu)
{
	if (leaving.begun)
		return leaving.state == GATHERING ? 0 : -EBUSY;
	if (!management_begin(cpu)) /* who has it now would wait for CPUs that wait here */
		return -EBUSY;
	if (root_cell.next) {
		management_end();
		return -EBUSY;
	}
	leaving.begun = true;
	leaving.state = GATHERING;
	leaving.cpus = 0;
	leaving.until = arch_time() + GATHER_SECONDS * arch_time_frequency();
	return 0;
}

/* The last of those that have waited in vain clears up. */
static void leave_end(struct cpu *cpu)
{
	leaving.cpus &= ~(UINT64_C(1) << cpu->id);
	if (leaving.cpus)
		return;
	leaving.begun = false;
	management_end();
}

long setup_leave(struct cpu *cpu)
{
	int error;

	lock_take(&leaving.lock);
	error = leave_begin(cpu);
	if (!error) {
		leaving.cpus |= UINT64_C(1) << cpu->id;
		if (leaving.cpus == root_cell.cpus)
			__atomic_store_n(&leaving.state, ALL_THERE, __ATOMIC_RELEASE);
	}
	lock_release(&leaving.lock);
	if (error)
		return error;

	while (__atomic_load_n(&leaving.state, __ATOMIC_ACQUIRE) == GATHERING) {
		cpu_relax();
		if (arch_time() < leaving.until)
			continue;
		lock_take(&leaving.lock);
		if (leaving.state == GATHERING)
			__atomic_store_n(&leaving.state, GIVEN_UP, __ATOMIC_RELEASE);
		lock_release(&leaving.lock);
	}
	if (leaving.state == ALL_THERE)
		arch_cpu_release(cpu);
	lock_take(&leaving.lock);
	leave_end(cpu);
	lock_release(&leaving.lock);
	return -ETIMEDOUT;
}
