/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Queries and settings (q, Q): what the stub can do, cores as threads, the target description, the monitor's
 * commands, and the settings that people know from QEMU by their names there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/control/gdb_impl.h"

#define COMMAND_MAX 1024 /* bytes of a monitor command */

/* qSupported:FEATURE;... */
static void query_supported(struct gdb_session *session, const char *args, size_t size)
{
	session->names_breakpoints = strstr(args, "swbreak+") && strstr(args, "hwbreak+");
	gdb_bytes_printf(
		&session->reply,
		"PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;vContSupported+;"
		"swbreak+;hwbreak+;binary-upload+",
		GDB_PACKET_MAX);
}

static void query_attached(struct gdb_session *session, const char *args, size_t size)
{
	gdb_bytes_text(&session->reply, "1");
}

static void query_thread(struct gdb_session *session, const char *args, size_t size)
{
	gdb_bytes_printf(&session->reply, "QC%x", session->core + 1);
}

static void query_threads(struct gdb_session *session, const char *args, size_t size)
{
	for (unsigned id = 0; id < session->machine->group.count; id++)
		gdb_bytes_printf(&session->reply, "%c%x", id ? ',' : 'm', id + 1);
}

static void query_threads_rest(struct gdb_session *session, const char *args, size_t size)
{
	gdb_bytes_text(&session->reply, "l");
}

/* "core 0 [idle]", as the user sees a thread. */
static void thread_text(const struct gdb_session *session, unsigned id, char *text, size_t size)
{
	const struct cpu *cpu = session->machine->group.cpu[id];

	if (cpu->guest_mode)
		snprintf(text, size, "core %u [guest %u]", id, GSTAT_GID(cpu->root.gstat));
	else
		snprintf(text, size, "core %u [%s]", id, atomic_load(&cpu->halted) ? "idle" : "runs");
}

/* qThreadExtraInfo,THREAD */
static void query_thread_text(struct gdb_session *session, const char *args, size_t size)
{
	char text[32];
	int core;

	if (!gdb_take_char(&args, ',') || !gdb_take_thread(session, &args, &core) || core < 0 || *args) {
		gdb_error(session, EINVAL);
		return;
	}
	thread_text(session, (unsigned)core, text, sizeof(text));
	gdb_bytes_hex(&session->reply, text, strlen(text));
}

static void threads_xml(const struct gdb_session *session, struct gdb_bytes *xml)
{
	gdb_bytes_text(xml, "<?xml version=\"1.0\"?>\n<threads>\n");
	for (unsigned id = 0; id < session->machine->group.count; id++) {
		char text[32];

		thread_text(session, id, text, sizeof(text));
		gdb_bytes_printf(xml, "<thread id=\"%x\" core=\"%u\" name=\"core %u\">%s</thread>\n", id + 1,
				 id, id, text);
	}
	gdb_bytes_text(xml, "</threads>\n");
}

/* OFFSET,LENGTH of @object. */
static void reply_part(struct gdb_session *session, const char *args, const struct gdb_bytes *object)
{
	uint64_t offset, length;

	if (!gdb_take_hex(&args, &offset) || !gdb_take_char(&args, ',') || !gdb_take_hex(&args, &length) ||
	    *args || offset > object->size) {
		gdb_error(session, EINVAL);
		return;
	}
	if (length > GDB_PACKET_MAX / 2)
		length = GDB_PACKET_MAX / 2;
	if (length >= object->size - offset) {
		length = object->size - offset;
		gdb_bytes_text(&session->reply, "l");
	} else {
		gdb_bytes_text(&session->reply, "m");
	}
	gdb_bytes_append(&session->reply, object->data + offset, length);
}

/* qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH */
static void query_transfer(struct gdb_session *session, const char *args, size_t size)
{
	struct gdb_bytes object = { 0 };

	if (gdb_take_word(&args, ":features:read:target.xml:"))
		gdb_target_xml(gdb_cpu(session), &object);
	else if (gdb_take_word(&args, ":threads:read::"))
		threads_xml(session, &object);
	else if (gdb_take_word(&args, ":features:read:"))
		return gdb_error(session, ENOENT);
	else
		return;
	reply_part(session, args, &object);
	gdb_bytes_free(&object);
}

/* What a command printed, in packets "O" with hexadecimal text. */
static void send_output(struct gdb_session *session, const char *text, size_t size)
{
	const size_t most = GDB_PACKET_MAX / 2 - 16;

	while (size) {
		size_t part = size < most ? size : most;

		session->reply.size = 0;
		gdb_bytes_text(&session->reply, "O");
		gdb_bytes_hex(&session->reply, text, part);
		gdb_send(session);
		text += part;
		size -= part;
	}
}

/* qRcmd,HEX: a line for the monitor. */
static void query_command(struct gdb_session *session, const char *args, size_t size)
{
	char line[COMMAND_MAX], *text = NULL;
	size_t length, text_size = 0;
	FILE *out;

	if (!gdb_take_char(&args, ','))
		return gdb_error(session, EINVAL);
	length = strlen(args) / 2;
	if (length >= sizeof(line) || !gdb_take_bytes(&args, line, length) || *args)
		return gdb_error(session, EINVAL);
	line[length] = 0;
	out = open_memstream(&text, &text_size);
	if (!out)
		return gdb_error(session, ENOMEM);
	session->command.cpu = session->core;
	command_execute(&session->command, line, out);
	fclose(out);
	send_output(session, text, text_size);
	free(text);
	gdb_ok(session);
}

static void query_physical(struct gdb_session *session, const char *args, size_t size)
{
	gdb_bytes_printf(&session->reply, "%d", session->physical);
}

static void set_physical(struct gdb_session *session, const char *args, size_t size)
{
	if (strcmp(args, ":0") != 0 && strcmp(args, ":1") != 0)
		return gdb_error(session, EINVAL);
	session->physical = args[1] == '1';
	gdb_ok(session);
}

/* How "s" steps: always one instruction, with or without interrupts before it. */
#define STEP_ENABLE    1
#define STEP_NO_IRQ    2
#define STEP_NO_TIMERS 4 /* QEMU's third bit; here time stands still whenever the machine does */

static void query_step_bits(struct gdb_session *session, const char *args, size_t size)
{
	gdb_bytes_printf(&session->reply, "ENABLE=%x,NOIRQ=%x,NOTIMER=%x", STEP_ENABLE, STEP_NO_IRQ,
			 STEP_NO_TIMERS);
}

static void query_step(struct gdb_session *session, const char *args, size_t size)
{
	gdb_bytes_printf(&session->reply, "0x%x",
			 session->debugger.mask_interrupts ? STEP_ENABLE | STEP_NO_IRQ | STEP_NO_TIMERS
							   : STEP_ENABLE);
}

static void set_step(struct gdb_session *session, const char *args, size_t size)
{
	uint64_t bits;

	if (!gdb_take_char(&args, '='))
		return gdb_error(session, EINVAL);
	gdb_take_word(&args, "0x");
	if (!gdb_take_hex(&args, &bits) || *args || !(bits & STEP_ENABLE) || bits > 7)
		return gdb_error(session, EINVAL);
	session->debugger.mask_interrupts = bits & STEP_NO_IRQ;
	gdb_ok(session);
}

static void set_no_ack(struct gdb_session *session, const char *args, size_t size)
{
	session->no_ack = true;
	gdb_ok(session);
}

struct query_row {
	const char *name;
	gdb_handler *handler;
};

/* The row whose name ends where a separator, or the packet, follows. */
static void dispatch(struct gdb_session *session, const struct query_row *rows, size_t count,
		     const char *args, size_t size)
{
	size_t length = strcspn(args, ":;,=?");

	for (size_t i = 0; i < count; i++)
		if (strlen(rows[i].name) == length && strncmp(rows[i].name, args, length) == 0) {
			rows[i].handler(session, args + length, size - length);
			return;
		}
}

void gdb_query(struct gdb_session *session, const char *args, size_t size)
{
	static const struct query_row rows[] = {
		{ "Supported", query_supported },
		{ "Attached", query_attached },
		{ "C", query_thread },
		{ "fThreadInfo", query_threads },
		{ "sThreadInfo", query_threads_rest },
		{ "ThreadExtraInfo", query_thread_text },
		{ "Xfer", query_transfer },
		{ "Rcmd", query_command },
		{ "qemu.PhyMemMode", query_physical },
		{ "qemu.sstepbits", query_step_bits },
		{ "qemu.sstep", query_step },
	};

	dispatch(session, rows, sizeof(rows) / sizeof(rows[0]), args, size);
}

void gdb_set(struct gdb_session *session, const char *args, size_t size)
{
	static const struct query_row rows[] = {
		{ "StartNoAckMode", set_no_ack },
		{ "qemu.PhyMemMode", set_physical },
		{ "qemu.sstep", set_step },
	};

	dispatch(session, rows, sizeof(rows) / sizeof(rows[0]), args, size);
}
