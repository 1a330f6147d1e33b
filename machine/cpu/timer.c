/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The stable counter and the constant timer of a core, Vol.1 7.6.
 *
 * Nothing counts down: a running timer is the tick of its expiry.  All of it belongs to the core's
 * thread; the clock's timer only wakes the core, which then finds that the tick has passed.  Looking at
 * interrupts reads no clock unless that has happened, as it is done after every other privileged
 * instruction; what software reads (ESTAT, TVAL) is exact.
 */
#include "machine/cpu/internal.h"

#define NS_PER_TICK   10 /* 100 MHz, CPUCFG.4 */
#define TCFG_EN	      UINT64_C(1)
#define TCFG_PERIODIC UINT64_C(2)

uint64_t cpu_stable_counter(const struct cpu *cpu)
{
	return clock_now(cpu->clock) / NS_PER_TICK;
}

uint64_t cpu_rdtime(const struct cpu *cpu)
{
	return cpu_stable_counter(cpu) + cpu->csr->cntc;
}

/* The two lowest bits of the initial value are zero whatever TCFG says there. */
static uint64_t timer_initial(const struct cpu *cpu)
{
	return cpu->root.tcfg & CSR_TIMER & ~UINT64_C(3);
}

static void timer_arm(struct cpu *cpu)
{
	uint64_t deadline;

	if (__builtin_mul_overflow(cpu->timer_expiry, NS_PER_TICK, &deadline))
		deadline = UINT64_MAX;
	clock_timer_set(cpu->clock, &cpu->timer, deadline);
}

static void timer_wake(void *opaque)
{
	struct cpu *cpu = opaque;

	atomic_store(&cpu->timer_fired, true);
	cpu_notify(cpu, ATTENTION_INTERRUPT);
}

void timer_init(struct cpu *cpu)
{
	clock_timer_init(&cpu->timer, timer_wake, cpu);
}

void timer_reset(struct cpu *cpu)
{
	cpu->timer_pending = false;
	cpu->timer_running = false;
	clock_timer_cancel(cpu->clock, &cpu->timer);
	atomic_store(&cpu->timer_fired, false);
}

void timer_configure(struct cpu *cpu)
{
	cpu->timer_running = cpu->root.tcfg & TCFG_EN;
	if (cpu->timer_running) {
		cpu->timer_expiry = cpu_stable_counter(cpu) + timer_initial(cpu);
		timer_arm(cpu);
	} else {
		clock_timer_cancel(cpu->clock, &cpu->timer);
	}
}

void timer_poll(struct cpu *cpu)
{
	uint64_t now, period = timer_initial(cpu);

	atomic_store_explicit(&cpu->timer_fired, false, memory_order_relaxed);
	if (!cpu->timer_running)
		return;
	now = cpu_stable_counter(cpu);
	if (now < cpu->timer_expiry)
		return;
	cpu->timer_pending = true;
	if (!(cpu->root.tcfg & TCFG_PERIODIC)) {
		cpu->timer_running = false;
		return;
	}
	/* A period of 0 would expire at every tick. */
	period = period ? period : 1;
	cpu->timer_expiry += ((now - cpu->timer_expiry) / period + 1) * period;
	timer_arm(cpu);
}

bool timer_due(const struct cpu *cpu)
{
	return cpu->timer_pending || (cpu->timer_running && cpu_stable_counter(cpu) >= cpu->timer_expiry);
}

bool timer_signalled(const struct cpu *cpu)
{
	return cpu->timer_pending ||
	       (atomic_load_explicit(&cpu->timer_fired, memory_order_relaxed) && timer_due(cpu));
}

/*
 * TVAL.  A one-shot timer that has expired reads all ones, which is how Linux's KVM recognizes it on the
 * chip; a disabled timer stands at 0.
 */
uint64_t timer_value(const struct cpu *cpu)
{
	uint64_t now = cpu_stable_counter(cpu);

	if (!(cpu->root.tcfg & TCFG_EN))
		return 0;
	if (cpu->timer_running && now < cpu->timer_expiry)
		return (cpu->timer_expiry - now) & CSR_TIMER;
	if (cpu->root.tcfg & TCFG_PERIODIC) {
		uint64_t period = timer_initial(cpu) ? timer_initial(cpu) : 1;

		return period - (now - cpu->timer_expiry) % period;
	}
	return CSR_TIMER;
}
