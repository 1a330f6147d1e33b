/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Debugging a machine's cores (debug.h), on both sides: what the debugger's thread sets while no core runs,
 * and what a core's thread does with it.
 */
#include "machine/board/debug.h"

#include <errno.h>
#include <stdlib.h>

#include "machine/cpu/exception.h"
#include "machine/interp/interp.h"

/* The debugger's side. */

/* Cores look at their actions anew.  The machine's lock is held. */
static void actions_changed(struct machine *machine)
{
	atomic_store(&machine->attention, true);
	pthread_cond_broadcast(&machine->changed);
	event_loop_wake(&machine->loop);
}

/* Every core has the points as they are now.  The machine is paused. */
static void points_changed(struct machine *machine)
{
	const struct debug_points *points = &machine->debugger->points;

	for (unsigned id = 0; id < machine->group.count; id++) {
		struct cpu *cpu = machine->group.cpu[id];

		cpu->debug.points = points->count ? points : NULL;
		softtlb_flush_all(cpu);
		softtlb_select(cpu);
	}
}

void machine_debug_attach(struct machine *machine, struct machine_debugger *debugger)
{
	machine_pause(machine);
	pthread_mutex_lock(&machine->lock);
	for (unsigned id = 0; id < machine->group.count; id++)
		machine->group.cpu[id]->debug = (struct cpu_debug){ .action = DEBUG_RUN };
	debugger->points = (struct debug_points){ 0 };
	machine->debugger = debugger;
	machine->debug_stopping = false;
	pthread_mutex_unlock(&machine->lock);
	machine_resume(machine);
}

void machine_debug_detach(struct machine *machine)
{
	struct machine_debugger *debugger = machine->debugger;

	machine_pause(machine);
	debugger->points.count = 0;
	points_changed(machine);
	free(debugger->points.point);
	debugger->points = (struct debug_points){ 0 };
	machine_debug_release(machine);
	pthread_mutex_lock(&machine->lock);
	machine->debugger = NULL;
	pthread_mutex_unlock(&machine->lock);
	machine_resume(machine);
}

static struct debug_point *point_find(struct debug_points *points, const struct debug_point *wanted)
{
	for (unsigned i = 0; i < points->count; i++) {
		struct debug_point *point = &points->point[i];

		if (point->kind == wanted->kind && point->address == wanted->address &&
		    point->size == wanted->size)
			return point;
	}
	return NULL;
}

static bool point_is_possible(const struct debug_point *point)
{
	if (point->kind == DEBUG_BREAK || point->kind == DEBUG_HARDWARE_BREAK)
		return !(point->address & 3);
	return point->size && point->size - 1 <= UINT64_MAX - point->address;
}

int machine_debug_add(struct machine *machine, const struct debug_point *point)
{
	struct debug_points *points = &machine->debugger->points;
	int err = 0;

	if (!point_is_possible(point))
		return -EINVAL;
	machine_pause(machine);
	if (!points->point)
		points->point = calloc(MACHINE_DEBUG_POINTS_MAX, sizeof(*points->point));
	if (!points->point || (points->count == MACHINE_DEBUG_POINTS_MAX && !point_find(points, point))) {
		err = -ENOSPC;
	} else if (!point_find(points, point)) {
		points->point[points->count++] = *point;
		points_changed(machine);
	}
	machine_resume(machine);
	return err;
}

int machine_debug_remove(struct machine *machine, const struct debug_point *point)
{
	struct debug_points *points = &machine->debugger->points;
	struct debug_point *found;

	machine_pause(machine);
	found = point_find(points, point);
	if (found) {
		*found = points->point[--points->count];
		points_changed(machine);
	}
	machine_resume(machine);
	return found ? 0 : -ENOENT;
}

struct debug_stop machine_debug_take_stop(struct machine *machine, unsigned id)
{
	struct debug_stop *stop = &machine->group.cpu[id]->debug.stop, taken;

	pthread_mutex_lock(&machine->lock);
	taken = *stop;
	stop->reason = DEBUG_NONE;
	pthread_mutex_unlock(&machine->lock);
	return taken;
}

void machine_debug_resume(struct machine *machine, const enum debug_action action[])
{
	pthread_mutex_lock(&machine->lock);
	for (unsigned id = 0; id < machine->group.count; id++)
		machine->group.cpu[id]->debug.action = action[id];
	machine->debug_stopping = false;
	actions_changed(machine);
	pthread_mutex_unlock(&machine->lock);
	machine_cont(machine);
}

void machine_debug_release(struct machine *machine)
{
	machine_pause(machine);
	pthread_mutex_lock(&machine->lock);
	for (unsigned id = 0; id < machine->group.count; id++) {
		struct cpu_debug *debug = &machine->group.cpu[id]->debug;

		debug->action = DEBUG_RUN;
		debug->stop.reason = DEBUG_NONE;
	}
	machine->debug_stopping = false;
	actions_changed(machine);
	pthread_mutex_unlock(&machine->lock);
	machine_resume(machine);
}

/* The core's side. */

/* @cpu stands still from now on, and all others soon. */
static void core_stop(struct machine *machine, struct cpu *cpu, const struct debug_stop *stop)
{
	pthread_mutex_lock(&machine->lock);
	cpu->debug.stop = *stop;
	cpu->debug.action = DEBUG_HOLD;
	machine->debug_stopping = true;
	actions_changed(machine);
	pthread_mutex_unlock(&machine->lock);
	machine->debugger->stopped(machine->debugger->opaque);
}

/* How the engine would have gone on after the instruction that ended with @result. */
static enum debug_resume resume_after(const struct cpu *cpu, int result)
{
	if (result == INSN_STATE || result == INSN_STATE_JUMP)
		return DEBUG_RESUME_FRESH;
	return result == INSN_NEXT && cpu->pc % BUS_PAGE_SIZE ? DEBUG_RESUME_HERE : DEBUG_RESUME_LOOP;
}

/* Executes the instruction at pc, breakpoint or not.  False: it was not, as it accesses a watchpoint. */
static bool core_execute(struct cpu *cpu, bool passing, uint64_t *left)
{
	struct cpu_debug *debug = &cpu->debug;
	bool counter_overflows = cpu_pmu_budget(cpu) <= 1;

	debug->met.reason = DEBUG_NONE;
	debug->hit = false;
	debug->stepping = true;
	debug->passing = passing;
	debug->resume = DEBUG_RESUME_HERE;
	interp_run(cpu, 1);
	debug->stepping = debug->passing = false;
	if (debug->hit) {
		atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_DEBUG);
		debug->resume = DEBUG_RESUME_HERE;
		debug->reported = true;
		return false;
	}
	debug->resume = counter_overflows ? DEBUG_RESUME_FRESH : resume_after(cpu, debug->last);
	debug->reported = false;
	--*left;
	return true;
}

/*
 * Executes the instruction of which the debugger knows that it accesses a watchpoint.  A store is reported
 * again, now that it has been made: GDB before version 16 does not step over it and looks at the variable
 * only then.  True: the core stops.
 */
static bool core_pass(struct cpu *cpu, uint64_t *left)
{
	core_execute(cpu, true, left);
	if (cpu->debug.met.kind != DEBUG_WATCH_WRITE || cpu->debug.last == INSN_RAISED)
		cpu->debug.met.reason = DEBUG_NONE;
	return cpu->debug.met.reason;
}

/*
 * One step: an instruction, or up to the entry of the interrupt it takes before it.  False: not yet, the core
 * sleeps or has to leave its budget.
 */
static bool core_step(struct cpu *cpu, bool mask_interrupts, uint64_t *left)
{
	struct cpu_debug *debug = &cpu->debug;

	debug->met.reason = DEBUG_NONE;
	if (debug->resume != DEBUG_RESUME_HERE) {
		if (atomic_load(&cpu->attention) & ATTENTION_PAUSE)
			return false;
		if (atomic_load(&cpu->halted) && !cpu_interrupt_pending(cpu))
			return false;
		atomic_store(&cpu->halted, false);
		if (!mask_interrupts && cpu_take_interrupt(cpu)) {
			debug->resume = DEBUG_RESUME_LOOP;
			return true;
		}
	}
	if (debug->reported)
		core_pass(cpu, left);
	else
		core_execute(cpu, false, left);
	return true;
}

/* Runs freely.  True: a point was met. */
static bool core_go_on(struct cpu *cpu, uint64_t *left)
{
	struct cpu_debug *debug = &cpu->debug;

	debug->met.reason = DEBUG_NONE;
	if (debug->reported && core_pass(cpu, left))
		return true;
	if (!*left)
		return false;
	debug->hit = debug->at_breakpoint = false;
	interp_run(cpu, *left);
	*left = debug->left;
	if (!debug->hit)
		return debug->at_breakpoint;
	/* The instruction was not executed; the engine counted an exception. */
	atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_DEBUG);
	++*left;
	debug->resume = DEBUG_RESUME_HERE;
	debug->reported = true;
	return true;
}

bool debug_run(struct machine *machine, struct cpu *cpu, uint64_t budget, uint64_t *left)
{
	struct debug_stop stop = { .reason = DEBUG_STEPPED };
	bool stops;

	*left = budget;
	if (cpu->debug.action == DEBUG_STEP)
		stops = core_step(cpu, machine->debugger->mask_interrupts, left);
	else
		stops = core_go_on(cpu, left);
	if (cpu->debug.met.reason)
		stop = cpu->debug.met;
	if (!stops)
		*left = 0;
	if (!*left)
		cpu->debug.resume = DEBUG_RESUME_FRESH;
	if (stops)
		core_stop(machine, cpu, &stop);
	return stops;
}
