/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Birth, reset and inputs of a core. */
#include <errno.h>
#include <string.h>

#include "machine/cpu/code.h"
#include "machine/cpu/internal.h"

int cpu_init(struct cpu *cpu, unsigned id, const struct cpu_model *model, struct cpu_group *group,
	     struct bus *bus, struct clock *clock, struct trace *trace, uint64_t seed)
{
	if (id >= CPU_MAX)
		return -EINVAL;
	memset(cpu, 0, sizeof(*cpu));
	cpu->id = id;
	cpu->model = model;
	cpu->group = group;
	cpu->bus = bus;
	cpu->clock = clock;
	cpu->trace = trace;
	cpu->reset_pc = 0x1c000000;
	cpu->random = seed ^ (UINT64_C(0x9e3779b97f4a7c15) * (id + 1));
	pthread_mutex_init(&cpu->wake_lock, NULL);
	pthread_cond_init(&cpu->wake, NULL);
	timer_init(cpu);
	bus->code_written = code_device_wrote;
	bus->code_opaque = cpu;
	group->cpu[id] = cpu;
	if (group->count <= id)
		group->count = id + 1;
	cpu_reset(cpu);
	return 0;
}

void cpu_destroy(struct cpu *cpu)
{
	timer_destroy(cpu);
	pthread_cond_destroy(&cpu->wake);
	pthread_mutex_destroy(&cpu->wake_lock);
}

/*
 * What Vol.1 6.4 leaves undefined becomes 0, so that two runs of one machine are alike.  Interrupt
 * inputs are the devices' and stay.
 */
void cpu_reset(struct cpu *cpu)
{
	memset(cpu->gpr, 0, sizeof(cpu->gpr));
	memset(cpu->vr, 0, sizeof(cpu->vr));
	memset(cpu->fcc, 0, sizeof(cpu->fcc));
	cpu->fcsr = 0;
	cpu->pc = cpu->reset_pc;
	cpu->guest_mode = false;
	cpu->csr = &cpu->root;
	csr_reset(cpu, &cpu->root);
	csr_reset(cpu, &cpu->guest);
	memset(cpu->ll, 0, sizeof(cpu->ll));
	for (unsigned i = 0; i < 4; i++)
		atomic_store(&cpu->message_pending[i], 0);
	timer_reset(cpu);
	cpu->insn_count = 0;
	pmu_configure(cpu);
	watch_update(cpu);
	tlb_reset(cpu);
	softtlb_want_pages(cpu, SOFTTLB_BITS_MIN, false);
	softtlb_take_pages(cpu);
	softtlb_flush_all(cpu);
	softtlb_select(cpu);
	cpu->debug.resume = DEBUG_RESUME_FRESH;
	cpu->debug.reported = false;
	atomic_store(&cpu->halted, false);
}

/* Next value of the core's own generator (xorshift64*). */
uint64_t cpu_random(struct cpu *cpu)
{
	uint64_t x = cpu->random ? cpu->random : 1;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	cpu->random = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

void cpu_notify(struct cpu *cpu, uint32_t attention)
{
	/* Release: what the notifier wrote (lines, messages) is seen by the core that sees the bit. */
	atomic_fetch_or_explicit(&cpu->attention, attention, memory_order_release);
	/* The lock closes the gap between a core's last look at attention and its falling asleep. */
	pthread_mutex_lock(&cpu->wake_lock);
	pthread_cond_broadcast(&cpu->wake);
	pthread_mutex_unlock(&cpu->wake_lock);
}

void cpu_set_line(void *opaque, unsigned bit, bool level)
{
	struct cpu *cpu = opaque;
	uint32_t mask = UINT32_C(1) << bit, old;

	if (level)
		old = atomic_fetch_or(&cpu->lines, mask);
	else
		old = atomic_fetch_and(&cpu->lines, ~mask);
	if (level && !(old & mask))
		cpu_notify(cpu, ATTENTION_INTERRUPT);
}

void cpu_message_interrupt(struct cpu *cpu, unsigned vector)
{
	atomic_fetch_or(&cpu->message_pending[vector / 64 & 3], UINT64_C(1) << (vector & 63));
	cpu_notify(cpu, ATTENTION_INTERRUPT);
}
