/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The stable counter and the constant timer of a core, Vol.1 7.6.
 *
 * Nothing counts down: a running timer is the tick of its expiry.  All of it belongs to the core's
 * thread; the clock's timer only wakes the core, which then finds that the tick has passed.  Looking at
 * interrupts reads no clock unless that has happened, as it is done after every other privileged
 * instruction.  TVAL is exact, and ESTAT to who has looked at the time (RDTIME, TVAL): else it shows an
 * expiry when the clock does.
 */
#include "machine/cpu/internal.h"

#define NS_PER_TICK   10 /* 100 MHz, CPUCFG.4 */
#define TCFG_EN	      UINT64_C(1)
#define TCFG_PERIODIC UINT64_C(2)

uint64_t cpu_stable_counter(const struct cpu *cpu)
{
	return clock_now(cpu->clock) / NS_PER_TICK;
}

/* The guest's counter is root's with two more offsets: root sets GCNTC by what its own RDTIME reads. */
uint64_t cpu_rdtime(struct cpu *cpu, bool *expired)
{
	uint64_t now = cpu_stable_counter(cpu), counter = now + cpu->root.cntc;

	*expired = false;
	for (unsigned mode = 0; mode < CPU_MODES; mode++)
		if (cpu->timer[mode].running && now >= cpu->timer[mode].expiry) {
			atomic_store_explicit(&cpu->timer[mode].fired, true, memory_order_relaxed);
			*expired = true;
		}
	return cpu->guest_mode ? counter + cpu->root.gcntc + cpu->guest.cntc : counter;
}

/* The two lowest bits of the initial value are zero whatever TCFG says there. */
static uint64_t timer_initial(const struct csr_file *file)
{
	return file->tcfg & CSR_TIMER & ~UINT64_C(3);
}

static void timer_arm(struct cpu *cpu, struct cpu_timer *timer)
{
	uint64_t deadline;

	if (__builtin_mul_overflow(timer->expiry, NS_PER_TICK, &deadline))
		deadline = UINT64_MAX;
	clock_timer_set(cpu->clock, &timer->clock, deadline);
}

static void timer_start(struct cpu *cpu, struct cpu_timer *timer, uint64_t ticks)
{
	timer->running = true;
	timer->expiry = cpu_stable_counter(cpu) + ticks;
	timer_arm(cpu, timer);
}

static void timer_wake(void *opaque)
{
	struct cpu_timer *timer = opaque;

	atomic_store(&timer->fired, true);
	cpu_notify(timer->cpu, ATTENTION_INTERRUPT);
}

void timer_init(struct cpu *cpu)
{
	for (unsigned mode = 0; mode < CPU_MODES; mode++) {
		cpu->timer[mode].cpu = cpu;
		clock_timer_init(&cpu->timer[mode].clock, timer_wake, &cpu->timer[mode]);
	}
}

void timer_reset(struct cpu *cpu)
{
	for (unsigned mode = 0; mode < CPU_MODES; mode++) {
		struct cpu_timer *timer = &cpu->timer[mode];

		timer->running = false;
		timer->stopped = 0;
		clock_timer_cancel(cpu->clock, &timer->clock);
		atomic_store(&timer->fired, false);
	}
}

void timer_destroy(struct cpu *cpu)
{
	for (unsigned mode = 0; mode < CPU_MODES; mode++)
		clock_timer_cancel(cpu->clock, &cpu->timer[mode].clock);
}

void timer_configure(struct cpu *cpu, enum cpu_mode mode)
{
	if (cpu_csr(cpu, mode)->tcfg & TCFG_EN)
		timer_start(cpu, &cpu->timer[mode], timer_initial(cpu_csr(cpu, mode)));
}

void timer_set_value(struct cpu *cpu, enum cpu_mode mode, uint64_t ticks)
{
	if (cpu_csr(cpu, mode)->tcfg & TCFG_EN)
		timer_start(cpu, &cpu->timer[mode], ticks);
	else
		cpu->timer[mode].stopped = ticks;
}

static void poll_at(struct cpu *cpu, enum cpu_mode mode, uint64_t now)
{
	struct cpu_timer *timer = &cpu->timer[mode];
	struct csr_file *file = cpu_csr(cpu, mode);
	uint64_t period = timer_initial(file);

	if (now < timer->expiry)
		return;
	file->estat |= ESTAT_TI;
	if (!(file->tcfg & TCFG_PERIODIC)) {
		timer->running = false;
		return;
	}
	/* A period of 0 would expire at every tick. */
	period = period ? period : 1;
	timer->expiry += ((now - timer->expiry) / period + 1) * period;
	timer_arm(cpu, timer);
}

void timer_poll(struct cpu *cpu, enum cpu_mode mode)
{
	atomic_store_explicit(&cpu->timer[mode].fired, false, memory_order_relaxed);
	if (cpu->timer[mode].running)
		poll_at(cpu, mode, cpu_stable_counter(cpu));
}

void timer_look(struct cpu *cpu, enum cpu_mode mode)
{
	if (cpu->clock->deterministic || atomic_load_explicit(&cpu->timer[mode].fired, memory_order_relaxed))
		timer_poll(cpu, mode);
}

bool timer_due(const struct cpu *cpu, enum cpu_mode mode)
{
	const struct cpu_timer *timer = &cpu->timer[mode];

	return timer->running && cpu_stable_counter(cpu) >= timer->expiry;
}

bool timer_signalled(const struct cpu *cpu, enum cpu_mode mode)
{
	return atomic_load_explicit(&cpu->timer[mode].fired, memory_order_relaxed) && timer_due(cpu, mode);
}

/*
 * TVAL.  A one-shot timer that has expired reads all ones, which is how Linux's KVM recognizes it on the
 * chip; a disabled timer stands where it was.
 */
static uint64_t value_at(const struct cpu *cpu, enum cpu_mode mode, uint64_t now)
{
	const struct csr_file *file = mode == CPU_GUEST ? &cpu->guest : &cpu->root;
	const struct cpu_timer *timer = &cpu->timer[mode];

	if (!(file->tcfg & TCFG_EN))
		return timer->stopped;
	if (timer->running && now < timer->expiry)
		return (timer->expiry - now) & CSR_TIMER;
	if (file->tcfg & TCFG_PERIODIC) {
		uint64_t period = timer_initial(file) ? timer_initial(file) : 1;

		return period - (now - timer->expiry) % period;
	}
	return CSR_TIMER;
}

uint64_t timer_value(const struct cpu *cpu, enum cpu_mode mode)
{
	return value_at(cpu, mode, cpu_stable_counter(cpu));
}

/* At one time, or an expiry could fall between the value, which says that it was, and the interrupt. */
void timer_stop(struct cpu *cpu, enum cpu_mode mode)
{
	struct cpu_timer *timer = &cpu->timer[mode];
	uint64_t now = cpu_stable_counter(cpu);

	atomic_store_explicit(&timer->fired, false, memory_order_relaxed);
	if (timer->running)
		poll_at(cpu, mode, now);
	timer->stopped = value_at(cpu, mode, now);
	timer->running = false;
	clock_timer_cancel(cpu->clock, &timer->clock);
}
