/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Going on and stopping, all cores together ("all-stop" of GDB's manual): c, s, vCont, Ctrl-C, break- and
 * watchpoints, and the answers that say why the machine stopped.
 */
#include <errno.h>
#include <string.h>

#include "machine/control/gdb_impl.h"

/* Cores that stopped at the same time as the one that is reported are reported afterwards. */
void gdb_collect_stops(struct gdb_session *session)
{
	for (unsigned id = 0; id < session->machine->group.count; id++) {
		struct debug_stop stop = machine_debug_take_stop(session->machine, id);

		if (stop.reason)
			session->pending[id] = stop;
	}
}

static bool is_watchpoint(const struct debug_stop *stop)
{
	return stop->reason == DEBUG_AT_POINT && stop->kind >= DEBUG_WATCH_WRITE;
}

static void reply_register(struct gdb_session *session, unsigned n)
{
	uint8_t data[GDB_REGISTER_MAX];
	unsigned size = gdb_register_read(gdb_cpu(session), n, data);

	gdb_bytes_printf(&session->reply, "%02x:", n);
	gdb_bytes_hex(&session->reply, data, size);
	gdb_bytes_text(&session->reply, ";");
}

/* T: the stop of the core that is current from now on. */
static void reply_stop(struct gdb_session *session, unsigned signal, const struct debug_stop *stop)
{
	static const char *const name[] = {
		[DEBUG_BREAK] = "swbreak",	 [DEBUG_HARDWARE_BREAK] = "hwbreak",
		[DEBUG_WATCH_WRITE] = "watch",	 [DEBUG_WATCH_READ] = "rwatch",
		[DEBUG_WATCH_ACCESS] = "awatch",
	};

	session->reply.size = 0;
	gdb_bytes_printf(&session->reply, "T%02x", signal);
	if (is_watchpoint(stop))
		gdb_bytes_printf(&session->reply, "%s:%llx;", name[stop->kind],
				 (unsigned long long)stop->address);
	else if (stop->reason == DEBUG_AT_POINT && session->names_breakpoints)
		gdb_bytes_printf(&session->reply, "%s:;", name[stop->kind]);
	gdb_bytes_printf(&session->reply, "thread:%x;core:%x;", session->core + 1, session->core);
	reply_register(session, GDB_REGISTER_PC);
	reply_register(session, GDB_REGISTER_SP);
	reply_register(session, GDB_REGISTER_FP);
}

static void select_core(struct gdb_session *session, unsigned id)
{
	session->core = session->step_core = session->command.cpu = id;
}

/*
 * Puts the first stop into the reply, or that the client interrupted.  A breakpoint of another core is met
 * again when that goes on; a step that is over then is of no interest; accesses are kept.
 */
static void take_stop(struct gdb_session *session, unsigned signal)
{
	struct debug_stop stop = { .reason = DEBUG_NONE };

	for (unsigned id = 0; id < session->machine->group.count; id++) {
		struct debug_stop *pending = &session->pending[id];

		if (pending->reason && !stop.reason) {
			stop = *pending;
			pending->reason = DEBUG_NONE;
			select_core(session, id);
			signal = GDB_SIGTRAP;
		} else if (!is_watchpoint(pending)) {
			pending->reason = DEBUG_NONE;
		}
	}
	reply_stop(session, signal, &stop);
}

void gdb_report_stop(struct gdb_session *session)
{
	session->running = false;
	gdb_collect_stops(session);
	take_stop(session, GDB_SIGINT);
	gdb_send(session);
}

void gdb_session_look(struct gdb_session *session, bool ended, const struct machine_result *result)
{
	struct machine *machine = session->machine;
	bool stopping;

	if (!session->attached)
		return;
	if (ended) {
		session->running = false;
		session->reply.size = 0;
		gdb_bytes_printf(&session->reply, "W%02x",
				 result->end == MACHINE_EXIT ? result->code & 0xff : 0);
		gdb_send(session);
		return;
	}
	pthread_mutex_lock(&machine->lock);
	stopping = machine->debug_stopping;
	pthread_mutex_unlock(&machine->lock);
	if (stopping)
		machine_stop(machine);
	if (!machine_is_stopped(machine)) {
		/* Somebody else let it go on, of whom the client does not know. */
		if (!session->running)
			machine_debug_release(machine);
	} else if (session->running) {
		gdb_report_stop(session);
	}
}

/* Ctrl-C */
void gdb_interrupt(struct gdb_session *session)
{
	if (!session->running)
		return;
	machine_stop(session->machine);
	gdb_report_stop(session);
}

/* ? */
void gdb_why(struct gdb_session *session, const char *args, size_t size)
{
	reply_stop(session, GDB_SIGTRAP, &(struct debug_stop){ .reason = DEBUG_NONE });
}

void gdb_resume(struct gdb_session *session, const enum debug_action action[])
{
	unsigned count = session->machine->group.count, held = 0;
	bool tells = false;

	gdb_collect_stops(session);
	for (unsigned id = 0; id < count; id++) {
		if (action[id] == DEBUG_HOLD)
			held++;
		else if (is_watchpoint(&session->pending[id]))
			tells = true;
		else
			session->pending[id].reason = DEBUG_NONE;
	}
	if (tells || held == count) {
		take_stop(session, GDB_SIGTRAP);
		return;
	}
	session->silent = session->running = true;
	machine_debug_resume(session->machine, action);
}

/* c, s and the like: all cores go on, of which one may step. */
static void resume_all(struct gdb_session *session, const char *args, bool steps)
{
	enum debug_action action[CPU_MAX];
	uint64_t address;

	if (*args) {
		uint8_t pc[8];

		if (!gdb_take_hex(&args, &address) || *args) {
			gdb_error(session, EINVAL);
			return;
		}
		memcpy(pc, &address, 8);
		gdb_register_write(session->machine->group.cpu[session->step_core], GDB_REGISTER_PC, pc);
	}
	for (unsigned id = 0; id < session->machine->group.count; id++)
		action[id] = steps && id == session->step_core ? DEBUG_STEP : DEBUG_RUN;
	gdb_resume(session, action);
}

/* Signals are nothing to a machine. */
static bool skip_signal(const char **args)
{
	uint64_t signal;

	if (!gdb_take_hex(args, &signal))
		return false;
	gdb_take_char(args, ';');
	return true;
}

void gdb_continue(struct gdb_session *session, const char *args, size_t size)
{
	resume_all(session, args, false);
}

void gdb_step(struct gdb_session *session, const char *args, size_t size)
{
	resume_all(session, args, true);
}

void gdb_continue_signal(struct gdb_session *session, const char *args, size_t size)
{
	if (skip_signal(&args))
		resume_all(session, args, false);
	else
		gdb_error(session, EINVAL);
}

void gdb_step_signal(struct gdb_session *session, const char *args, size_t size)
{
	if (skip_signal(&args))
		resume_all(session, args, true);
	else
		gdb_error(session, EINVAL);
}

void gdb_vcont_actions(struct gdb_session *session, const char *args, size_t size)
{
	gdb_bytes_text(&session->reply, "vCont;c;C;s;S;t");
}

/* One action of vCont, ACTION[:THREAD]; false: it is none. */
static bool take_action(const struct gdb_session *session, const char **args, enum debug_action *action,
			int *core)
{
	uint64_t signal;

	switch (*(*args)++) {
	case 'C':
		if (!gdb_take_hex(args, &signal))
			return false;
		*action = DEBUG_RUN;
		break;
	case 'c':
		*action = DEBUG_RUN;
		break;
	case 'S':
		if (!gdb_take_hex(args, &signal))
			return false;
		*action = DEBUG_STEP;
		break;
	case 's':
		*action = DEBUG_STEP;
		break;
	case 't':
		*action = DEBUG_HOLD;
		break;
	default:
		return false;
	}
	*core = GDB_ALL_CORES;
	return !gdb_take_char(args, ':') || gdb_take_thread(session, args, core);
}

/* vCont: of the actions the leftmost that names a core, or all, is that core's; without one it stands still.
 */
void gdb_vcont(struct gdb_session *session, const char *args, size_t size)
{
	enum debug_action action[CPU_MAX];
	bool given[CPU_MAX] = { false };

	for (unsigned id = 0; id < CPU_MAX; id++)
		action[id] = DEBUG_HOLD;
	do {
		enum debug_action what;
		int core;

		if (!*args || !take_action(session, &args, &what, &core)) {
			gdb_error(session, EINVAL);
			return;
		}
		if (core == GDB_ANY_CORE)
			core = (int)session->core;
		for (int id = 0; id < (int)session->machine->group.count; id++) {
			if (given[id] || (core != GDB_ALL_CORES && core != id))
				continue;
			given[id] = true;
			action[id] = what;
		}
	} while (gdb_take_char(&args, ';'));
	if (*args)
		gdb_error(session, EINVAL);
	else
		gdb_resume(session, action);
}
