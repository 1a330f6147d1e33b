/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The machine that test cases run on (rig.h). */
#include "tests/jit/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/cpu/exception.h"
#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"
#include "machine/jit/jit_impl.h"

#define CODE_CACHE ((size_t)16 << 20) /* bytes */
#define MULTIPLIER UINT64_C(0x100000001b3)

struct rig_totals rig_totals;

static void see(struct rig *rig, uint64_t what, uint64_t value)
{
	rig->seen = (rig->seen ^ what ^ clock_now(&rig->clock) << 20) * MULTIPLIER;
	rig->seen = (rig->seen ^ value) * MULTIPLIER;
}

static bool device_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct rig *rig = dev;

	if (offset >= RIG_DEVICE_HOLE)
		return false;
	see(rig, offset << 4 | size, 0);
	*value = rig->device[offset / 8 % 8] >> offset % 8 * 8;
	if (size < 8)
		*value &= (UINT64_C(1) << 8 * size) - 1;
	return true;
}

static bool device_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct rig *rig = dev;

	if (offset >= RIG_DEVICE_HOLE)
		return false;
	see(rig, offset << 4 | size | 1, value);
	if (offset == RIG_DEVICE_LINE)
		cpu_set_line(rig->cpu[(value >> 4 & 3) % rig->options.cores], 2 + (value >> 1 & 3),
			     value & 1);
	else
		rig->device[offset / 8 % 8] = value << 8 | size;
	return true;
}

static const struct mmio_ops device_ops = { device_read, device_write };

static uint64_t iocsr_read(void *opaque, unsigned core, uint32_t offset, unsigned size)
{
	see(opaque, (uint64_t)offset << 8 | size, core);
	return ((struct rig *)opaque)->seen;
}

static void iocsr_write(void *opaque, unsigned core, uint32_t offset, unsigned size, uint64_t value)
{
	struct rig *rig = opaque;

	see(rig, (uint64_t)offset << 8 | size | 0x80, value);
	if (offset == RIG_IPI_SEND)
		cpu_set_line(rig->cpu[(value & 3) % rig->options.cores], 12, true);
	else if (offset == RIG_IPI_CLEAR)
		cpu_set_line(rig->cpu[core], 12, false);
}

/* A timer became the earliest: if it is due inside the slice, the slice ends now. */
static void rearm(void *opaque)
{
	struct rig *rig = opaque;

	if (rig->current && clock_next_deadline(&rig->clock) < rig->slice_end)
		atomic_fetch_or(&rig->current->attention, ATTENTION_PAUSE);
}

static int create_core(struct rig *rig, unsigned id)
{
	const size_t size = (sizeof(struct cpu) + 63) / 64 * 64;
	struct cpu *cpu = aligned_alloc(64, size);
	int error;

	if (!cpu)
		return -1;
	error = cpu_init(cpu, id, cpu_model_find("max"), &rig->group, &rig->bus, &rig->clock, &rig->trace, 1);
	if (error) {
		free(cpu);
		return error;
	}
	rig->cpu[id] = cpu;
	cpu->iocsr = (struct iocsr_ops){ iocsr_read, iocsr_write, rig };
	return interp_init(cpu, rig->options.cores);
}

static void differs(void *opaque)
{
	((struct rig *)opaque)->differed = true;
}

static int create_translator(struct rig *rig)
{
	const struct jit_options options = {
		.features = rig->options.features,
		.cache_bytes = rig->options.small_cache ? JIT_CACHE_MIN : CODE_CACHE,
		.strict_llsc = !rig->options.weak_llsc,
		.check = rig->options.check,
		.differs = differs,
		.opaque = rig,
	};
	char error[256] = "";
	int result = jit_create(&rig->group, &options, error, sizeof(error));

	if (result)
		printf("the translator: %s\n", error);
	return result;
}

int rig_create(struct rig *rig, const struct rig_options *options)
{
	const struct mmio_region device = {
		.name = "device", .base = RIG_DEVICE, .size = RIG_DEVICE_SIZE, .ops = &device_ops, .dev = rig
	};
	int error;

	memset(rig, 0, sizeof(*rig));
	rig->options = *options;
	clock_init(&rig->clock, !options->threads, 1);
	error = bus_init(&rig->bus, RIG_LOW + RIG_HIGH_SIZE, &rig->trace);
	if (!error)
		error = bus_add_region(&rig->bus, &device);
	if (!error)
		error = reserve_init(&rig->group);
	for (unsigned id = 0; !error && id < options->cores; id++)
		error = create_core(rig, id);
	rig->group.parallel = options->threads;
	if (!error && options->translated)
		error = create_translator(rig);
	if (error)
		printf("a machine cannot be made: %s\n", strerror(-error));
	if (!options->threads) {
		rig->clock.rearm = rearm;
		rig->clock.rearm_opaque = rig;
	}
	return error;
}

void rig_destroy(struct rig *rig)
{
	if (rig->options.translated) {
		struct jit_stats stats;

		jit_get_stats(&rig->group, &stats);
		rig_totals.translated += stats.guest_insns;
		rig_totals.interpreted += stats.interpreted;
		rig_totals.evictions += stats.evictions;
		jit_destroy(&rig->group);
	}
	for (unsigned id = 0; id < rig->options.cores; id++) {
		interp_destroy(rig->cpu[id]);
		cpu_destroy(rig->cpu[id]);
		free(rig->cpu[id]);
	}
	reserve_destroy(&rig->group);
	clock_destroy(&rig->clock);
	bus_destroy(&rig->bus);
}

/* A core that idles with nothing to come is woken by a line, so that a program never stands still. */
static void wake(struct rig *rig, struct cpu *cpu)
{
	uint64_t deadline = clock_next_deadline(&rig->clock);

	if (deadline == UINT64_MAX)
		cpu_set_line(cpu, 4, true);
	else if (deadline > rig->clock.virtual_now)
		rig->clock.virtual_now = deadline;
	clock_run_timers(&rig->clock);
	if (!cpu_interrupt_pending(cpu))
		atomic_store(&cpu->halted, false);
}

void rig_run(struct rig *rig, unsigned id, uint64_t budget)
{
	struct cpu *cpu = rig->cpu[id];
	uint64_t deadline = clock_run_timers(&rig->clock), now = rig->clock.virtual_now;

	if (atomic_load(&cpu->halted)) {
		wake(rig, cpu);
		deadline = clock_run_timers(&rig->clock);
		now = rig->clock.virtual_now;
	}
	if (deadline > now && deadline - now < budget)
		budget = deadline - now;
	rig->slice_end = now + budget;
	rig->current = cpu;
	interp_run(cpu, budget);
	rig->current = NULL;
	atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_PAUSE);
	/* Nothing retired, only exceptions: time goes on all the same. */
	if (rig->clock.virtual_now == now && !atomic_load(&cpu->halted))
		rig->clock.virtual_now += budget;
}

void rig_evict(struct rig *rig)
{
	struct jit *jit = rig->group.translator.jit;

	pthread_mutex_lock(&jit->lock);
	lane_next_region(jit, lane_of(jit, rig->cpu[0]));
	pthread_mutex_unlock(&jit->lock);
}

void rig_write(struct rig *rig, uint64_t pa, const void *data, size_t size)
{
	if (!bus_dma_write(&rig->bus, pa, data, size))
		abort();
}
