/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inside of the GDB stub: what its files share.  All of it belongs to the control thread. */
#ifndef BIXI_CONTROL_GDB_IMPL_H
#define BIXI_CONTROL_GDB_IMPL_H

#include "machine/board/debug.h"
#include "machine/control/command.h"
#include "machine/control/gdb_packet.h"

/* Signal numbers of the protocol, which are its own. */
enum { GDB_SIGINT = 2, GDB_SIGTRAP = 5 };

/* A debugging session, whatever carries its bytes. */
struct gdb_session {
	struct machine *machine;
	struct command_context command;
	struct machine_debugger debugger;
	bool attached; /* debugger is the machine's */

	struct gdb_reader reader;
	struct gdb_bytes reply; /* body of the answer to the packet at hand */
	struct gdb_bytes out;	/* bytes for the client */
	struct gdb_bytes last;	/* the last packet, until the client has understood it */
	bool no_ack, silent;	/* silent: the packet at hand has no answer (yet) */

	unsigned core;		/* that registers and memory mean */
	unsigned step_core;	/* that "s" steps */
	bool physical;		/* memory addresses are physical */
	bool names_breakpoints; /* the client understands swbreak and hwbreak */

	bool running;			    /* the client waits to hear of a stop */
	struct debug_stop pending[CPU_MAX]; /* stops it has not heard of */
};

/* gdb_session.c */

void gdb_session_init(struct gdb_session *session, struct machine *machine, struct control *control);

/* The client comes: the machine is stopped.  It goes: the machine is as if it had never been there. */
void gdb_session_attach(struct gdb_session *session);
void gdb_session_detach(struct gdb_session *session);

/* Bytes from the client; answers are appended to session->out. */
void gdb_session_byte(struct gdb_session *session, uint8_t byte);

/* Looks how the machine stands, after core stops and events; @ended: it has ended with @result. */
void gdb_session_look(struct gdb_session *session, bool ended, const struct machine_result *result);

/* Sends session->reply. */
void gdb_send(struct gdb_session *session);

/* Cores are threads, numbered from 1.  The core of a thread-id, or one of these; false: it is none. */
enum { GDB_ALL_CORES = -1, GDB_ANY_CORE = -2 };
bool gdb_take_thread(const struct gdb_session *session, const char **text, int *core);

struct cpu *gdb_cpu(const struct gdb_session *session);

void gdb_ok(struct gdb_session *session);
void gdb_error(struct gdb_session *session, int err);

/* gdb_run.c: going on and stopping. */
void gdb_resume(struct gdb_session *session, const enum debug_action action[]);
void gdb_collect_stops(struct gdb_session *session);
void gdb_report_stop(struct gdb_session *session);
void gdb_interrupt(struct gdb_session *session);

/*
 * Handlers of packets: @args follows the packet's name, @size bytes with a zero after them.  What they put
 * into session->reply is sent unless they set silent; an empty reply says that the packet is unknown.
 */
typedef void gdb_handler(struct gdb_session *session, const char *args, size_t size);
gdb_handler gdb_why, gdb_continue, gdb_continue_signal, gdb_step, gdb_step_signal, gdb_vcont,
	gdb_vcont_actions;
gdb_handler gdb_insert, gdb_remove;
gdb_handler gdb_read_registers, gdb_write_registers, gdb_read_register, gdb_write_register;
gdb_handler gdb_read_memory, gdb_write_memory, gdb_read_binary, gdb_write_binary;
gdb_handler gdb_query, gdb_set, gdb_long;

/* gdb_registers.c: register @n's bytes, little-endian; 0: there is none, or it cannot be written. */
#define GDB_REGISTER_MAX 32 /* bytes */
unsigned gdb_register_read(struct cpu *cpu, unsigned n, uint8_t *data);
unsigned gdb_register_size(const struct cpu *cpu, unsigned n);
bool gdb_register_write(struct cpu *cpu, unsigned n, const uint8_t *data);

/* The target description: all registers as XML. */
void gdb_target_xml(const struct cpu *cpu, struct gdb_bytes *xml);

enum { GDB_REGISTER_SP = 3, GDB_REGISTER_FP = 22, GDB_REGISTER_PC = 33 };

#endif
