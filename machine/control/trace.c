/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Writing trace events.  Text has one line an event; JSON is the Trace Event Format that Perfetto and
 * chrome://tracing show, one track a core and one for the devices.
 */
#include "machine/control/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* How an event's name and arguments are called. */
static const struct event_row {
	const char *name;
	const char *argument[3];
} event_table[TRACE_EVENT_COUNT] = {
	[TRACE_EXCEPTION] = { "exception", { "pc", "badv", "insn" } },
	[TRACE_INTERRUPT] = { "interrupt", { "pc", "number", NULL } },
	[TRACE_TLB] = { "tlb", { "va", "entry", "info" } },
	[TRACE_DEVICE] = { "device", { "offset", "value", NULL } },
	[TRACE_CSR] = { "csr", { "number", "old", "new" } },
};

unsigned trace_events_by_name(const char *name, size_t length)
{
	if (length == 3 && memcmp(name, "all", 3) == 0)
		return (1u << TRACE_EVENT_COUNT) - 1;
	for (unsigned i = 0; i < TRACE_EVENT_COUNT; i++) {
		if (strlen(event_table[i].name) == length && memcmp(name, event_table[i].name, length) == 0)
			return 1u << i;
	}
	return 0;
}

/* TRACE_DEVICE packs the access into its last argument: size | write << 8. */
static const char *device_direction(const struct trace_record *record)
{
	return record->arg[2] >> 8 ? "write" : "read";
}

static void write_text(struct trace_writer *writer, const struct trace_record *record)
{
	const struct event_row *row = &event_table[record->event];
	uint64_t now = clock_now(writer->clock);

	fprintf(writer->file, "%6" PRIu64 ".%09" PRIu64 " ", now / 1000000000, now % 1000000000);
	if (record->cpu >= 0)
		fprintf(writer->file, "cpu%d ", record->cpu);
	fprintf(writer->file, "%s %s", row->name, record->name);
	for (unsigned i = 0; i < 3 && row->argument[i]; i++)
		fprintf(writer->file, " %s=%#" PRIx64, row->argument[i], record->arg[i]);
	if (record->event == TRACE_DEVICE)
		fprintf(writer->file, " %s%" PRIu64, device_direction(record), record->arg[2] & 0xff);
	fputc('\n', writer->file);
}

static void write_json(struct trace_writer *writer, const struct trace_record *record)
{
	const struct event_row *row = &event_table[record->event];
	uint64_t now = clock_now(writer->clock);

	/* Names are our own constants: none holds a character that JSON would escape. */
	fprintf(writer->file,
		"%s\n{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"i\",\"s\":\"t\",\"ts\":%" PRIu64 ".%03" PRIu64
		",\"pid\":1,\"tid\":%d,\"args\":{",
		writer->count ? "," : "", record->name, row->name, now / 1000, now % 1000, record->cpu + 1);
	for (unsigned i = 0; i < 3 && row->argument[i]; i++)
		fprintf(writer->file, "%s\"%s\":\"%#" PRIx64 "\"", i ? "," : "", row->argument[i],
			record->arg[i]);
	if (record->event == TRACE_DEVICE)
		fprintf(writer->file, ",\"access\":\"%s\",\"size\":%" PRIu64, device_direction(record),
			record->arg[2] & 0xff);
	fputs("}}", writer->file);
}

static void writer_emit(struct trace *trace, const struct trace_record *record)
{
	struct trace_writer *writer = (struct trace_writer *)trace;

	pthread_mutex_lock(&writer->lock);
	if (writer->json)
		write_json(writer, record);
	else
		write_text(writer, record);
	writer->count++;
	pthread_mutex_unlock(&writer->lock);
}

int trace_writer_open(struct trace_writer *writer, unsigned events, const char *path)
{
	size_t length = path ? strlen(path) : 0;

	*writer = (struct trace_writer){ .trace.emit = writer_emit, .file = stderr };
	pthread_mutex_init(&writer->lock, NULL);
	if (!events || !path)
		return 0;
	writer->json = length >= 5 && strcmp(path + length - 5, ".json") == 0;
	writer->file = fopen(path, "we");
	if (!writer->file)
		return -errno;
	if (writer->json)
		fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", writer->file);
	return 0;
}

void trace_writer_start(struct trace_writer *writer, unsigned events, const struct clock *clock)
{
	writer->clock = clock;
	atomic_store(&writer->trace.enabled, events);
}

int trace_writer_close(struct trace_writer *writer)
{
	int error = 0;

	atomic_store(&writer->trace.enabled, 0);
	if (writer->json)
		fputs("\n]}\n", writer->file);
	if (ferror(writer->file))
		error = -EIO;
	if (writer->file != stderr && fclose(writer->file) && !error)
		error = -errno;
	pthread_mutex_destroy(&writer->lock);
	return error;
}
