/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Fuzzes the GDB stub with a machine of two cores that stands.  Each line of the input is the body of a
 * packet, framed here; one that begins with a zero byte is fed as it is, framing and all.  The monitor's
 * commands are not among them: they write files.
 */
#include <stdlib.h>
#include <string.h>

#include "machine/control/gdb_impl.h"

#define RUN_LINES 64 /* of one input, that much of it is looked at */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_emit(struct trace *trace, const struct trace_record *record)
{
}

static void no_stop(void *opaque)
{
}

static struct machine *build(void)
{
	static struct trace trace = { .emit = no_emit };
	const struct machine_config config = { .cpus = 2, .ram_size = 1 << 20, .trace = &trace };
	struct machine *machine;
	char error[256];

	if (machine_create(&machine, &config, error, sizeof(error)) || machine_reset(machine))
		abort();
	return machine;
}

static void feed(struct gdb_session *session, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		gdb_session_byte(session, ((const uint8_t *)data)[i]);
}

static void feed_line(struct gdb_session *session, const uint8_t *line, size_t size)
{
	struct gdb_bytes body = { .data = (char *)line, .size = size, .capacity = size }, framed = { 0 };

	if (memmem(line, size, "Rcmd", 4))
		return;
	if (size && !*line) {
		feed(session, line + 1, size - 1);
		return;
	}
	gdb_frame(&framed, &body);
	feed(session, framed.data, framed.size);
	gdb_bytes_free(&framed);
}

/* What is sent are whole packets. */
static void check_output(struct gdb_session *session)
{
	static struct gdb_reader reader;

	memset(&reader, 0, sizeof(reader));
	for (size_t i = 0; i < session->out.size; i++)
		if (gdb_reader_byte(&reader, (uint8_t)session->out.data[i]) == GDB_BAD)
			abort();
	if (reader.state)
		abort();
	session->out.size = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine *machine;
	static struct gdb_session session;

	if (!machine) {
		machine = build();
		gdb_session_init(&session, machine, NULL);
		session.debugger.stopped = no_stop;
	}
	gdb_session_attach(&session);
	for (unsigned lines = 0; size && lines < RUN_LINES; lines++) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;

		feed_line(&session, data, length);
		gdb_session_look(&session, false, NULL);
		check_output(&session);
		data += length;
		size -= length;
		if (size) {
			data++;
			size--;
		}
	}
	gdb_session_detach(&session);
	machine_stop(machine);
	if (machine_reset(machine))
		abort();
	return 0;
}
