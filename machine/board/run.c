/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Run control (machine.h).  Real mode: every core has a thread, which parks when the machine is paused and
 * sleeps when the core idles; the thread that called machine_run() waits for requests and does resets.
 * Deterministic mode: one thread executes the cores in turn, a slice each, and runs timers between slices at
 * exactly their instruction counts.
 */
#include "machine/board/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "machine/board/debug.h"
#include "machine/cpu/exception.h"
#include "machine/interp/interp.h"

#define SLICE		1000		    /* instructions a core executes at a time, deterministic mode */
#define SLICES_PER_POLL 256		    /* between looks at the host's descriptors */
#define ENDLESS		(UINT64_C(1) << 48) /* instructions: until something wants attention */
/*
 * With more cores than the host has, a core that holds a lock for which the others spin must soon have its
 * turn: after so many instructions (some 100 us) each offers the host's processor to another.
 */
#define SHARED_SLICE 30000

static uint64_t host_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void end_set(struct machine *machine, enum machine_end end, int code)
{
	if (machine->result.end == MACHINE_RUNNING)
		machine->result = (struct machine_result){ end, code };
}

/* What a request asks for becomes visible.  The machine's lock is held. */
static void announce(struct machine *machine)
{
	atomic_store(&machine->attention, true);
	pthread_cond_broadcast(&machine->changed);
	event_loop_wake(&machine->loop);
}

void machine_request(struct machine *machine, enum machine_request request, int code)
{
	pthread_mutex_lock(&machine->lock);
	switch (request) {
	case MACHINE_REQUEST_POWEROFF:
		end_set(machine, MACHINE_POWEROFF, 0);
		break;
	case MACHINE_REQUEST_RESET:
		if (machine->config.no_reboot)
			end_set(machine, MACHINE_REBOOT, 0);
		else
			machine->reset_wanted = true;
		break;
	case MACHINE_REQUEST_EXIT:
		end_set(machine, MACHINE_EXIT, code);
		break;
	}
	announce(machine);
	pthread_mutex_unlock(&machine->lock);
}

static void notify_all(struct machine *machine, uint32_t attention)
{
	for (unsigned id = 0; id < machine->group.count; id++)
		cpu_notify(machine->group.cpu[id], attention);
}

/* One more who wants the cores to stand; returns when they do.  The lock is held, and given up meanwhile. */
static void pause_locked(struct machine *machine)
{
	if (machine->pause_count++ == 0) {
		announce(machine);
		if (machine->group.parallel)
			notify_all(machine, ATTENTION_PAUSE);
	}
	while (machine->running && !machine->quit && machine->parked < machine->group.count)
		pthread_cond_wait(&machine->changed, &machine->lock);
}

void machine_pause(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	pause_locked(machine);
	while (machine->resetting)
		pthread_cond_wait(&machine->changed, &machine->lock);
	pthread_mutex_unlock(&machine->lock);
}

void machine_resume(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	machine->pause_count--;
	announce(machine);
	pthread_mutex_unlock(&machine->lock);
}

static void set_stopped(struct machine *machine, bool stopped)
{
	pthread_mutex_lock(&machine->lock);
	machine->stopped = stopped;
	announce(machine); /* a reset may wait for it */
	pthread_mutex_unlock(&machine->lock);
}

void machine_stop(struct machine *machine)
{
	bool stops;

	pthread_mutex_lock(&machine->stop_lock);
	stops = !machine_is_stopped(machine);
	if (stops) {
		machine_pause(machine);
		clock_stop(&machine->clock);
		set_stopped(machine, true);
	}
	pthread_mutex_unlock(&machine->stop_lock);
	if (stops)
		machine_tell(machine, MACHINE_EVENT_STOP);
}

void machine_cont(struct machine *machine)
{
	bool goes_on;

	pthread_mutex_lock(&machine->stop_lock);
	goes_on = machine_is_stopped(machine);
	if (goes_on) {
		clock_cont(&machine->clock);
		set_stopped(machine, false);
		machine_resume(machine);
	}
	pthread_mutex_unlock(&machine->stop_lock);
	if (goes_on)
		machine_tell(machine, MACHINE_EVENT_RESUME);
}

bool machine_is_stopped(struct machine *machine)
{
	bool stopped;

	pthread_mutex_lock(&machine->lock);
	stopped = machine->stopped;
	pthread_mutex_unlock(&machine->lock);
	return stopped;
}

/* A core's thread stands still until the machine goes on.  False: it is to end. */
static bool vcpu_park(struct vcpu *vcpu)
{
	struct machine *machine = vcpu->machine;
	bool go_on;

	pthread_mutex_lock(&machine->lock);
	machine->parked++;
	pthread_cond_broadcast(&machine->changed);
	while ((machine->pause_count || debug_holds(machine, vcpu->cpu)) && !machine->quit)
		pthread_cond_wait(&machine->changed, &machine->lock);
	machine->parked--;
	atomic_fetch_and(&vcpu->cpu->attention, ~(uint32_t)ATTENTION_PAUSE);
	go_on = !machine->quit;
	pthread_mutex_unlock(&machine->lock);
	return go_on;
}

/*
 * Whether an idle core has to go on.  Lines are looked at after the bit that announces them is cleared, so
 * that one raised meanwhile sets it again.  A core that does not execute has nothing to synchronize.
 */
static bool idle_ends(struct cpu *cpu)
{
	uint32_t attention =
		atomic_fetch_and(&cpu->attention, ~(uint32_t)(ATTENTION_INTERRUPT | ATTENTION_SYNC));

	return attention & (ATTENTION_PAUSE | ATTENTION_RESET) || cpu_interrupt_pending(cpu);
}

static void vcpu_sleep(struct cpu *cpu)
{
	pthread_mutex_lock(&cpu->wake_lock);
	while (!idle_ends(cpu))
		pthread_cond_wait(&cpu->wake, &cpu->wake_lock);
	pthread_mutex_unlock(&cpu->wake_lock);
}

static void reset_if_asked(struct cpu *cpu)
{
	if (atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_RESET) & ATTENTION_RESET)
		cpu_reset(cpu);
}

static void *vcpu_thread(void *opaque)
{
	struct vcpu *vcpu = opaque;
	struct cpu *cpu = vcpu->cpu;
	uint64_t left;
	char name[32];

	snprintf(name, sizeof(name), "bixi-cpu%u", cpu->id);
	pthread_setname_np(pthread_self(), name);
	atomic_store(&vcpu->machine->thread_id[cpu->id], gettid());
	for (;;) {
		if (atomic_load(&cpu->attention) & ATTENTION_PAUSE && !vcpu_park(vcpu))
			return NULL;
		reset_if_asked(cpu);
		if (atomic_load(&cpu->halted))
			vcpu_sleep(cpu);
		if (!vcpu->machine->debugger)
			interp_run(cpu, vcpu->budget);
		else if (debug_run(vcpu->machine, cpu, vcpu->budget, &left) && !vcpu_park(vcpu))
			return NULL;
		if (vcpu->budget != ENDLESS)
			sched_yield();
	}
}

/* Instructions between two offers of the host's processor. */
static uint64_t vcpu_budget(const struct machine *machine)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return ENDLESS;
	return machine->group.count > (unsigned)CPU_COUNT(&allowed) ? SHARED_SLICE : ENDLESS;
}

static int vcpus_start(struct machine *machine)
{
	const uint64_t budget = vcpu_budget(machine);
	sigset_t all, before;
	int err = 0;

	/* Signals are for the thread that called machine_run(). */
	sigfillset(&all);
	sigdelset(&all, SIGSYS); /* what the sandbox refuses, where it is called */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&machine->lock);
	if (machine->pause_count)
		notify_all(machine, ATTENTION_PAUSE);
	pthread_mutex_unlock(&machine->lock);
	for (unsigned id = 0; id < machine->group.count && !err; id++) {
		struct vcpu *vcpu = &machine->vcpu[id];

		*vcpu = (struct vcpu){ .machine = machine, .cpu = machine->group.cpu[id], .budget = budget };
		err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		if (err)
			break;
		vcpu->started = true;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void vcpus_stop(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	machine->quit = true;
	pthread_cond_broadcast(&machine->changed);
	pthread_mutex_unlock(&machine->lock);
	notify_all(machine, ATTENTION_PAUSE);
	for (unsigned id = 0; id < machine->group.count; id++)
		if (machine->vcpu[id].started)
			pthread_join(machine->vcpu[id].thread, NULL);
	for (unsigned id = 0; id < machine->group.count; id++)
		atomic_fetch_and(&machine->group.cpu[id]->attention, ~(uint32_t)ATTENTION_PAUSE);
}

/*
 * Whether a reset is to be done now: a stopped machine is reset too, but not one that somebody looks at.
 * The lock is held.
 */
static bool reset_is_due(const struct machine *machine)
{
	return machine->reset_wanted && machine->pause_count == machine->stopped &&
	       machine->result.end == MACHINE_RUNNING;
}

/* Resets with all cores standing still.  The lock is held, and given up meanwhile. */
static void reset_locked(struct machine *machine)
{
	int err;

	machine->reset_wanted = false;
	machine->resetting = true;
	pthread_mutex_unlock(&machine->lock);
	err = machine_reset(machine);
	machine_tell(machine, MACHINE_EVENT_RESET);
	pthread_mutex_lock(&machine->lock);
	machine->resetting = false;
	pthread_cond_broadcast(&machine->changed);
	if (err)
		end_set(machine, MACHINE_ERROR, err);
}

static void reset_paused(struct machine *machine)
{
	/* Set first: who pauses from now on waits for the end of the reset. */
	machine->resetting = true;
	pause_locked(machine);
	reset_locked(machine);
	machine->pause_count--;
	announce(machine);
}

static void run_parallel(struct machine *machine)
{
	int err = -ENOMEM;

	machine->vcpu = calloc(machine->group.count, sizeof(*machine->vcpu));
	if (machine->vcpu)
		err = event_loop_start(&machine->loop, "bixi-events");
	if (err) {
		end_set(machine, MACHINE_ERROR, err);
		free(machine->vcpu);
		return;
	}
	err = vcpus_start(machine);
	pthread_mutex_lock(&machine->lock);
	if (err)
		end_set(machine, MACHINE_ERROR, err);
	while (machine->result.end == MACHINE_RUNNING) {
		if (reset_is_due(machine))
			reset_paused(machine);
		else
			pthread_cond_wait(&machine->changed, &machine->lock);
	}
	pthread_mutex_unlock(&machine->lock);
	vcpus_stop(machine);
	event_loop_stop(&machine->loop);
	event_loop_join(&machine->loop);
	free(machine->vcpu);
	machine->vcpu = NULL;
}

/* Deterministic mode: a timer became the earliest.  If it is due inside the slice, the slice ends now. */
static void slice_rearm(void *opaque)
{
	struct machine *machine = opaque;

	if (machine->current && clock_next_deadline(&machine->clock) < machine->slice_end)
		atomic_fetch_or(&machine->current->attention, ATTENTION_PAUSE);
}

/*
 * Ends, resets and pauses between slices.  The host is served all the while: its keys and sockets are not
 * to wait until the machine goes on.  False: the machine has ended.
 */
static bool attend(struct machine *machine)
{
	bool go_on;

	pthread_mutex_lock(&machine->lock);
	atomic_store(&machine->attention, false);
	machine->parked = machine->group.count;
	pthread_cond_broadcast(&machine->changed);
	while (machine->result.end == MACHINE_RUNNING &&
	       (machine->pause_count || machine->reset_wanted || machine->debug_stopping)) {
		if (reset_is_due(machine)) {
			reset_locked(machine);
			continue;
		}
		pthread_mutex_unlock(&machine->lock);
		event_loop_poll(&machine->loop, -1);
		pthread_mutex_lock(&machine->lock);
	}
	machine->parked = 0;
	go_on = machine->result.end == MACHINE_RUNNING;
	pthread_mutex_unlock(&machine->lock);
	return go_on;
}

/*
 * A slice of @budget instructions in which a debugger may stop the core.  It goes on where it stopped, before
 * any other core, so that a session changes nothing about the order in which cores execute.
 */
static void slice_debug(struct machine *machine, struct cpu *cpu, uint64_t budget)
{
	while (budget && debug_run(machine, cpu, budget, &budget)) {
		machine->current = NULL;
		if (!attend(machine)) {
			atomic_store(&machine->attention, true); /* the end is still to be seen */
			return;
		}
		if (debug_holds(machine, cpu))
			return;
		machine->current = cpu;
	}
}

static void slice_execute(struct machine *machine, struct cpu *cpu, uint64_t budget)
{
	machine->slice_end = clock_now(&machine->clock) + budget;
	machine->current = cpu;
	if (machine->debugger)
		slice_debug(machine, cpu, budget);
	else
		interp_run(cpu, budget);
	machine->current = NULL;
	atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_PAUSE);
}

/*
 * Whether the slice, which began at @now, ended before its first instruction because the core found its timer
 * expired and armed it anew (slice_rearm()): with a shortest period it would be so each time.
 */
static bool slice_was_rearmed(struct machine *machine, const struct cpu *cpu, uint64_t now)
{
	uint64_t deadline = clock_next_deadline(&machine->clock);

	return clock_now(&machine->clock) == now && !atomic_load(&cpu->halted) &&
	       !debug_holds(machine, cpu) && deadline > now && deadline < machine->slice_end;
}

/* One slice of @cpu, at most to the next deadline.  False: it idles. */
static bool slice_run(struct machine *machine, struct cpu *cpu, uint64_t deadline)
{
	uint64_t now = clock_now(&machine->clock);
	uint64_t budget = deadline - now < SLICE ? deadline - now : SLICE;

	reset_if_asked(cpu);
	if (atomic_load(&cpu->halted) && !idle_ends(cpu))
		return false;
	if (debug_holds(machine, cpu))
		return false;
	slice_execute(machine, cpu, budget);
	if (slice_was_rearmed(machine, cpu, now)) {
		budget = clock_next_deadline(&machine->clock) - now;
		slice_execute(machine, cpu, budget);
	}
	/* Nothing retired (exceptions only): time goes on all the same. */
	if (clock_now(&machine->clock) == now && !atomic_load(&cpu->halted))
		machine->clock.virtual_now += budget;
	return true;
}

/* All cores idle: time jumps to the next timer; without one only the host can end it. */
static void idle_until(struct machine *machine, uint64_t deadline)
{
	if (deadline == UINT64_MAX)
		event_loop_poll(&machine->loop, -1);
	else if (deadline > clock_now(&machine->clock))
		machine->clock.virtual_now = deadline;
}

static void run_deterministic(struct machine *machine)
{
	struct clock *clock = &machine->clock;
	void (*rearm)(void *opaque) = clock->rearm;
	void *rearm_opaque = clock->rearm_opaque;
	struct machine_turn *turn = &machine->turn;

	for (unsigned id = 0; id < machine->group.count; id++)
		atomic_store(&machine->thread_id[id], gettid());
	clock->rearm = slice_rearm;
	clock->rearm_opaque = machine;
	for (;; turn->slices++) {
		uint64_t deadline;

		if (atomic_load(&machine->attention) && !attend(machine))
			break;
		if (turn->slices % SLICES_PER_POLL == 0)
			event_loop_poll(&machine->loop, 0);
		deadline = clock_run_timers(clock);
		if (deadline <= clock_now(clock))
			continue; /* armed by one that ran just now */
		if (slice_run(machine, machine->group.cpu[turn->next], deadline)) {
			turn->idle = 0;
		} else if (++turn->idle >= machine->group.count) {
			idle_until(machine, deadline);
			turn->idle = 0;
		}
		turn->next = (turn->next + 1) % machine->group.count;
	}
	clock->rearm = rearm;
	clock->rearm_opaque = rearm_opaque;
}

static void set_running(struct machine *machine, bool running)
{
	pthread_mutex_lock(&machine->lock);
	machine->running = running;
	atomic_store(&machine->attention, true); /* perhaps it is to start paused */
	pthread_cond_broadcast(&machine->changed);
	pthread_mutex_unlock(&machine->lock);
}

/* The machine as it is switched on; one that comes from a snapshot is already what it is to be. */
static int start_state(struct machine *machine)
{
	int err = 0;

	pthread_mutex_lock(&machine->lock);
	machine->result = (struct machine_result){ MACHINE_RUNNING, 0 };
	machine->quit = false;
	machine->reset_wanted &= machine->restored;
	machine->parked = 0;
	machine->resetting = true;
	pthread_mutex_unlock(&machine->lock);
	if (!machine->restored) {
		machine->turn = (struct machine_turn){ 0 };
		err = machine_reset(machine);
	}
	pthread_mutex_lock(&machine->lock);
	machine->restored = machine->resetting = false;
	pthread_cond_broadcast(&machine->changed);
	pthread_mutex_unlock(&machine->lock);
	return err;
}

struct machine_result machine_run(struct machine *machine)
{
	int err;

	machine->start_ns = host_ns();
	err = start_state(machine);
	if (err)
		return machine->result = (struct machine_result){ MACHINE_ERROR, err };
	set_running(machine, true);
	if (machine->config.deterministic)
		run_deterministic(machine);
	else
		run_parallel(machine);
	set_running(machine, false);
	machine_tell(machine, MACHINE_EVENT_SHUTDOWN);
	machine->run_ns = host_ns() - machine->start_ns;
	return machine->result;
}
