/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The state of a whole machine (machine.h): the order of its parts, and how it comes to rest, so that what
 * the parts say of themselves is all there is.
 */
#include "machine/board/state.h"

#include <stdio.h>

#include "machine/board/run.h"

/* Of every section but the cores'; theirs is 2 since they have two modes, each with a timer and an LL bit. */
#define STATE_VERSION	  1
#define STATE_VERSION_CPU 2

/* The event loop's thread (deterministic mode: the machine's) stands in here. */
static void hold_loop(void *opaque)
{
	struct machine *machine = opaque;

	pthread_mutex_lock(&machine->lock);
	machine->loop_held = machine->hold_loop;
	pthread_cond_broadcast(&machine->changed);
	while (machine->hold_loop)
		pthread_cond_wait(&machine->changed, &machine->lock);
	machine->loop_held = false;
	pthread_mutex_unlock(&machine->lock);
}

void machine_quiesce(struct machine *machine)
{
	machine->was_stopped = machine_is_stopped(machine);
	machine_stop(machine);
	machine_pause(machine); /* no reset in between */
	for (unsigned i = 0; i < machine->drain_count; i++)
		machine->drain_entry[i].fn(machine->drain_entry[i].opaque);
	pthread_mutex_lock(&machine->lock);
	if (machine->running) {
		machine->hold_loop = true;
		event_work_init(&machine->hold_work, hold_loop, machine);
		event_loop_post(&machine->loop, &machine->hold_work);
	}
	while (machine->running && !machine->loop_held)
		pthread_cond_wait(&machine->changed, &machine->lock);
	pthread_mutex_unlock(&machine->lock);
}

void machine_release(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	machine->hold_loop = false;
	pthread_cond_broadcast(&machine->changed);
	pthread_mutex_unlock(&machine->lock);
	machine_resume(machine);
	if (!machine->was_stopped)
		machine_cont(machine);
}

static void clock_part(void *opaque, struct state *state)
{
	struct machine *machine = opaque;
	struct clock_state saved = clock_save(&machine->clock);

	STATE_MEMBER(state, &saved, now);
	STATE_MEMBER(state, &saved, order);
	STATE_MEMBER(state, &saved, epoch);
	if (state_loading(state) && state_good(state) && !clock_restore(&machine->clock, &saved))
		state_refuse(state, "a time that cannot be");
}

/* What the run control knows. */
static void run_part(void *opaque, struct state *state)
{
	struct machine *machine = opaque;

	STATE_MEMBER(state, &machine->turn, slices);
	STATE_MEMBER(state, &machine->turn, next);
	STATE_MEMBER(state, &machine->turn, idle);
	STATE_BOOL(state, machine, reset_wanted);
	if (state_loading(state) &&
	    (machine->turn.next >= machine->group.count || machine->turn.idle > machine->group.count))
		state_refuse(state, "the turn of a core that there is not");
	if (!state_loading(state) && machine->result.end != MACHINE_RUNNING)
		state_refuse(state, "the machine has ended");
}

/* What every reset puts into the ROM. */
static void rom_part(void *opaque, struct state *state)
{
	struct machine *machine = opaque;

	state_blob(state, "image", &machine->boot_rom, &machine->boot_rom_size, machine->bus.rom.size);
}

struct machine_part machine_part(struct machine *machine, unsigned index)
{
	static const struct {
		const char *name;
		void (*fn)(void *opaque, struct state *state);
	} own[] = { { "clock", clock_part }, { "run", run_part }, { "rom", rom_part } };
	const unsigned owns = sizeof(own) / sizeof(own[0]);
	struct machine_part part = { .version = STATE_VERSION, .opaque = machine };

	if (index < owns) {
		part.fn = own[index].fn;
		snprintf(part.name, sizeof(part.name), "%s", own[index].name);
		return part;
	}
	index -= owns;
	if (index < machine->device_count) {
		part.fn = device_state;
		part.opaque = machine->device[index];
		snprintf(part.name, sizeof(part.name), "%s", machine->device[index]->name);
		return part;
	}
	index -= machine->device_count;
	if (index < machine->state_count) {
		part.fn = machine->state_entry[index].fn;
		part.opaque = machine->state_entry[index].opaque;
		snprintf(part.name, sizeof(part.name), "%s", machine->state_entry[index].name);
		return part;
	}
	index -= machine->state_count;
	if (index < machine->group.count) {
		part.fn = cpu_state;
		part.version = STATE_VERSION_CPU;
		part.opaque = machine->group.cpu[index];
		snprintf(part.name, sizeof(part.name), "cpu%u", index);
	}
	return part;
}

void machine_state(struct machine *machine, struct state *state)
{
	for (unsigned i = 0; state_good(state); i++) {
		struct machine_part part = machine_part(machine, i);

		if (!part.fn)
			break;
		state_section(state, part.name, part.version, part.fn, part.opaque);
	}
	if (state_loading(state) && state_good(state) && !state_at_end(state))
		state_refuse(state, "it has parts that this machine has not");
}
