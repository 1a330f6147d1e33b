/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A debugging session: packets to their handlers and answers to the client, whatever carries the bytes.
 * While a packet is handled no core runs, whether the client has stopped the machine or not.
 */
#include <errno.h>
#include <string.h>

#include "machine/control/gdb_impl.h"

void gdb_session_init(struct gdb_session *session, struct machine *machine, struct control *control)
{
	*session = (struct gdb_session){
		.machine = machine,
		.command = { .machine = machine, .control = control },
	};
}

struct cpu *gdb_cpu(const struct gdb_session *session)
{
	return session->machine->group.cpu[session->core];
}

void gdb_session_attach(struct gdb_session *session)
{
	struct machine *machine = session->machine;

	session->reader.state = READ_IDLE;
	session->out.size = session->last.size = 0;
	session->no_ack = session->physical = session->names_breakpoints = session->running = false;
	session->core = session->step_core = session->command.cpu = 0;
	memset(session->pending, 0, sizeof(session->pending));
	/* Interrupts would lead away from the code that is stepped through; virtual time is exact. */
	session->debugger.mask_interrupts = !machine->config.deterministic;
	machine_debug_attach(machine, &session->debugger);
	session->attached = true;
	machine_stop(machine);
}

void gdb_session_detach(struct gdb_session *session)
{
	if (!session->attached)
		return;
	session->attached = session->running = false;
	machine_debug_detach(session->machine);
	machine_cont(session->machine);
}

void gdb_send(struct gdb_session *session)
{
	session->last.size = 0;
	gdb_frame(&session->last, &session->reply);
	session->reply.size = 0;
	gdb_bytes_append(&session->out, session->last.data, session->last.size);
}

void gdb_ok(struct gdb_session *session)
{
	session->reply.size = 0;
	gdb_bytes_text(&session->reply, "OK");
}

/* The protocol leaves the numbers open; GDB shows them. */
void gdb_error(struct gdb_session *session, int err)
{
	session->reply.size = 0;
	gdb_bytes_printf(&session->reply, "E%02x", err < 0 ? -err : err);
}

bool gdb_take_thread(const struct gdb_session *session, const char **text, int *core)
{
	uint64_t thread;

	if (gdb_take_word(text, "-1")) {
		*core = GDB_ALL_CORES;
		return true;
	}
	if (!gdb_take_hex(text, &thread) || thread > session->machine->group.count)
		return false;
	*core = thread ? (int)thread - 1 : GDB_ANY_CORE;
	return true;
}

/* H OP THREAD: the core of coming packets; c: of "s", g: of the others. */
static void select_thread(struct gdb_session *session, const char *args, size_t size)
{
	char op = *args;
	int core;

	if (op)
		args++;
	if ((op != 'c' && op != 'g') || !gdb_take_thread(session, &args, &core) || *args) {
		gdb_error(session, EINVAL);
		return;
	}
	if (core >= 0 && op == 'c')
		session->step_core = (unsigned)core;
	if (core >= 0 && op == 'g')
		session->core = session->command.cpu = (unsigned)core;
	gdb_ok(session);
}

/* T THREAD */
static void thread_alive(struct gdb_session *session, const char *args, size_t size)
{
	int core;

	if (gdb_take_thread(session, &args, &core) && core >= 0 && !*args)
		gdb_ok(session);
	else
		gdb_error(session, EINVAL);
}

static void detach(struct gdb_session *session, const char *args, size_t size)
{
	gdb_session_detach(session);
	gdb_ok(session);
}

static void kill_machine(struct gdb_session *session, const char *args, size_t size)
{
	command_quit(&session->command);
	session->silent = true;
}

static void kill_and_answer(struct gdb_session *session, const char *args, size_t size)
{
	command_quit(&session->command);
	gdb_ok(session);
}

struct packet_row {
	const char *name;
	gdb_handler *handler;
};

/* Packets whose name is one letter, and the families that tables below tell apart. */
static gdb_handler *const letters[128] = {
	['?'] = gdb_why,
	['c'] = gdb_continue,
	['C'] = gdb_continue_signal,
	['D'] = detach,
	['g'] = gdb_read_registers,
	['G'] = gdb_write_registers,
	['H'] = select_thread,
	['k'] = kill_machine,
	['m'] = gdb_read_memory,
	['M'] = gdb_write_memory,
	['p'] = gdb_read_register,
	['P'] = gdb_write_register,
	['q'] = gdb_query,
	['Q'] = gdb_set,
	['s'] = gdb_step,
	['S'] = gdb_step_signal,
	['T'] = thread_alive,
	['v'] = gdb_long,
	['x'] = gdb_read_binary,
	['X'] = gdb_write_binary,
	['z'] = gdb_remove,
	['Z'] = gdb_insert,
};

/* v...: names of several letters.  Any other, as vMustReplyEmpty, is unknown. */
void gdb_long(struct gdb_session *session, const char *args, size_t size)
{
	static const struct packet_row rows[] = {
		{ "Cont?", gdb_vcont_actions },
		{ "Cont;", gdb_vcont },
		{ "Kill;", kill_and_answer },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t length = strlen(rows[i].name);

		if (strncmp(args, rows[i].name, length) == 0) {
			rows[i].handler(session, args + length, size - length);
			return;
		}
	}
}

static void handle_packet(struct gdb_session *session)
{
	const char *packet = session->reader.packet;
	unsigned char letter = (unsigned char)packet[0];
	gdb_handler *handler = letter < 128 ? letters[letter] : NULL;

	session->silent = false;
	session->reply.size = 0;
	if (!session->attached) {
		gdb_error(session, ENOTCONN);
	} else if (handler) {
		machine_pause(session->machine);
		handler(session, packet + 1, session->reader.size - 1);
		machine_resume(session->machine);
	}
	if (!session->silent)
		gdb_send(session);
	session->reply.size = 0;
}

void gdb_session_byte(struct gdb_session *session, uint8_t byte)
{
	bool acknowledges = !session->no_ack;

	switch (gdb_reader_byte(&session->reader, byte)) {
	case GDB_PACKET:
		if (acknowledges)
			gdb_bytes_text(&session->out, "+");
		handle_packet(session);
		break;
	case GDB_TOO_LONG:
		if (acknowledges)
			gdb_bytes_text(&session->out, "+");
		gdb_error(session, EMSGSIZE);
		gdb_send(session);
		break;
	case GDB_BAD:
		if (acknowledges)
			gdb_bytes_text(&session->out, "-");
		break;
	case GDB_AGAIN:
		if (acknowledges)
			gdb_bytes_append(&session->out, session->last.data, session->last.size);
		break;
	case GDB_INTERRUPT:
		if (session->attached)
			gdb_interrupt(session);
		break;
	default:
		break;
	}
}
