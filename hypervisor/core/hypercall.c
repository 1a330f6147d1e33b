/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Hypercalls: who may make which, and those that are no more than a few lines. */
#include "hv.h"

#define HEARTBEAT_MAX 3600000 /* ms */

static long disable(struct cpu *cpu, uint64_t arg1, uint64_t arg2)
{
	return setup_leave(cpu);
}

/* Ids are 32 bits; what is more is nobody's. */
static struct cell *find(uint64_t id)
{
	return id <= UINT32_MAX ? cell_find((uint32_t)id) : NULL;
}

static long create(struct cpu *cpu, uint64_t gpa, uint64_t arg2)
{
	return cell_create(cpu, gpa);
}

static long start(struct cpu *cpu, uint64_t id, uint64_t arg2)
{
	return id <= UINT32_MAX ? cell_start(cpu, (uint32_t)id) : -ENOENT;
}

static long set_loadable(struct cpu *cpu, uint64_t id, uint64_t arg2)
{
	return id <= UINT32_MAX ? cell_set_loadable(cpu, (uint32_t)id) : -ENOENT;
}

static long destroy(struct cpu *cpu, uint64_t id, uint64_t arg2)
{
	return id <= UINT32_MAX ? cell_destroy(cpu, (uint32_t)id) : -ENOENT;
}

static long shut_down(struct cpu *cpu, uint64_t id, uint64_t arg2)
{
	return id <= UINT32_MAX ? cell_shutdown(cpu, (uint32_t)id) : -ENOENT;
}

static long get_info(struct cpu *cpu, uint64_t what, uint64_t arg2)
{
	switch (what) {
	case HC_INFO_MEM_POOL_SIZE:
		return (long)pool_size();
	case HC_INFO_MEM_POOL_USED:
		return (long)pool_used();
	case HC_INFO_REMAP_POOL_SIZE:
	case HC_INFO_REMAP_POOL_USED:
		return 0;
	case HC_INFO_CELLS:
		return __atomic_load_n(&cells, __ATOMIC_RELAXED);
	default:
		return -EINVAL;
	}
}

static long get_state(struct cpu *cpu, uint64_t id, uint64_t arg2)
{
	const struct cell *cell = find(id);

	return cell ? (long)cell_comm_state(cell) : -ENOENT;
}

/* Root names any CPU by its number; a cell its own, numbered from 0. */
static struct cpu *find_cpu(const struct cpu *cpu, uint64_t number)
{
	int id;

	if (number >= CPUS_MAX)
		return NULL;
	if (cpu->cell == &root_cell)
		return cpu_of((unsigned)number);
	id = cell_cpu(cpu->cell, (unsigned)number);
	return id < 0 ? NULL : cpu_of((unsigned)id);
}

static struct hv_stats stats_of(const struct cpu *cpu)
{
	struct hv_stats stats = { 0 };

	for (unsigned i = HV_STAT_TOTAL + 1; i < HV_STATS; i++) {
		stats.count[HV_STAT_TOTAL] += stats.count[i] = cpu->stats.count[i];
		stats.ticks[HV_STAT_TOTAL] += stats.ticks[i] = cpu->stats.ticks[i];
	}
	for (unsigned zeros = 0; zeros <= 64; zeros++) {
		unsigned bucket = zeros < 64 ? 63 - zeros : 0;

		stats.latency[bucket < HV_LATENCY_BUCKETS ? bucket : HV_LATENCY_BUCKETS - 1] +=
			cpu->stats.latency[zeros];
	}
	return stats;
}

static long cpu_get_info(struct cpu *cpu, uint64_t number, uint64_t what)
{
	const struct cpu *other = find_cpu(cpu, number);

	if (!other)
		return cpu->cell == &root_cell ? -EINVAL : -EPERM;
	if (what == HC_CPU_STATE)
		return other->failed ? 2 : 0;
	if (what - HC_CPU_STAT_BASE < HV_STATS)
		return (long)(stats_of(other).count[what - HC_CPU_STAT_BASE] & INT64_MAX);
	return -EINVAL;
}

static long cpu_stats(struct cpu *cpu, uint64_t number, uint64_t gpa)
{
	const struct cpu *other = find_cpu(cpu, number);
	struct hv_stats stats;

	if (!other)
		return cpu->cell == &root_cell ? -EINVAL : -EPERM;
	stats = stats_of(other);
	return guest_write(cpu, gpa, &stats, sizeof(stats));
}

static long console_putc(struct cpu *cpu, uint64_t character, uint64_t arg2)
{
	if (!(cpu->cell->config->flags & CONFIG_CELL_CONSOLE_PERMITTED))
		return -EPERM;
	console_put(&cpu->cell->output, (char)character);
	return 0;
}

static long console_read(struct cpu *cpu, uint64_t id, uint64_t gpa)
{
	struct cell *cell = find(id);
	uint32_t head[2] = { 0, 0 }, lost;
	char piece[128];
	unsigned n;

	_Static_assert(offsetof(struct hv_console, lost) == 4 && offsetof(struct hv_console, text) == 8,
		       "ABI");
	if (!cell)
		return -ENOENT;
	if (guest_may_write(cpu, gpa, sizeof(struct hv_console)))
		return -EFAULT;
	while (head[0] < HV_CONSOLE_BYTES) {
		n = HV_CONSOLE_BYTES - head[0];
		n = console_get(&cell->output, piece, n < sizeof(piece) ? n : sizeof(piece), &lost);
		head[1] += lost;
		if (!n)
			break;
		guest_write(cpu, gpa + offsetof(struct hv_console, text) + head[0], piece, n);
		head[0] += n;
	}
	return guest_write(cpu, gpa, head, sizeof(head));
}

static long console_write(struct cpu *cpu, uint64_t id, uint64_t character)
{
	struct cell *cell = find(id);

	if (!cell)
		return -ENOENT;
	if (!console_put_if_room(&cell->input, (char)character))
		return -EBUSY;
	uart_received(cell);
	return 0;
}

static long last_refusal(struct cpu *cpu, uint64_t gpa, uint64_t arg2)
{
	return guest_write(cpu, gpa, &last_error, sizeof(last_error));
}

static long fault_record(struct cpu *cpu, uint64_t id, uint64_t gpa)
{
	struct cell *cell = find(id);
	struct hv_fault fault;

	if (!cell)
		return -ENOENT;
	lock_take(&cell->fault_lock);
	fault = cell->fault;
	lock_release(&cell->fault_lock);
	return fault.reason == HV_FAULT_NONE ? -ENOENT : guest_write(cpu, gpa, &fault, sizeof(fault));
}

static long heartbeat(struct cpu *cpu, uint64_t ms, uint64_t arg2)
{
	if (ms > HEARTBEAT_MAX)
		return -EINVAL;
	heartbeat_set(cpu, ms * arch_time_frequency() / 1000);
	return 0;
}

static long nop(struct cpu *cpu, uint64_t arg1, uint64_t arg2)
{
	return 0;
}

static long refuse(struct cpu *cpu, uint64_t arg1, uint64_t arg2)
{
	return -EPERM;
}

/* MANAGES: changes cells or leaves the hypervisor. */
enum { ROOT = 1, CELL = 2, ANY = ROOT | CELL, MANAGES = 4 };

static const struct {
	hypercall_fn *fn;
	unsigned flags; /* who may make it */
} calls[HYPERCALLS] = {
	[HC_DISABLE] = { disable, ROOT | MANAGES },
	[HC_CELL_CREATE] = { create, ROOT | MANAGES },
	[HC_CELL_START] = { start, ROOT | MANAGES },
	[HC_CELL_SET_LOADABLE] = { set_loadable, ROOT | MANAGES },
	[HC_CELL_DESTROY] = { destroy, ROOT | MANAGES },
	[HC_GET_INFO] = { get_info, ANY },
	[HC_CELL_GET_STATE] = { get_state, ROOT },
	[HC_CPU_GET_INFO] = { cpu_get_info, ANY },
	[HC_CONSOLE_PUTC] = { console_putc, ANY },
	[HC_LAST_ERROR] = { last_refusal, ROOT },
	[HC_CELL_FAULT] = { fault_record, ROOT },
	[HC_CPU_STATS] = { cpu_stats, ANY },
	[HC_CONSOLE_READ] = { console_read, ROOT },
	[HC_CONSOLE_WRITE] = { console_write, ROOT },
	[HC_HEARTBEAT] = { heartbeat, CELL },
	[HC_CELL_SHUTDOWN] = { shut_down, ROOT | MANAGES },
	[HC_NOP] = { nop, ANY },
};

hypercall_fn *calls_of_root[HYPERCALLS], *calls_of_cells[HYPERCALLS];

void hypercalls_init(void)
{
	for (unsigned number = 0; number < HYPERCALLS; number++) {
		unsigned flags = calls[number].flags;

		if (!flags || flags & MANAGES)
			continue;
		calls_of_root[number] = flags & ROOT ? calls[number].fn : refuse;
		calls_of_cells[number] = flags & CELL ? calls[number].fn : refuse;
	}
}

long hypercall(struct cpu *cpu, uint64_t number, uint64_t arg1, uint64_t arg2)
{
	unsigned caller = cpu->cell == &root_cell ? ROOT : CELL;

	if (number >= HYPERCALLS || !calls[number].fn)
		return -ENOSYS;
	if (!(calls[number].flags & caller))
		return -EPERM;
	return calls[number].fn(cpu, arg1, arg2);
}
