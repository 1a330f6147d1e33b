/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Writing trace events.  Text has one line an event; JSON is the Trace Event Format that Perfetto and
 * chrome://tracing show, one track a core and one for the devices; entries into guest mode and exits from it
 * are no points there but the slices of the core's time between them.
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
	[TRACE_VMEXIT] = { "vmexit", { "pc", NULL, NULL } },
};

const char *trace_event_name(enum trace_event event)
{
	return event_table[event].name;
}

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

/* What the second argument of TRACE_VMEXIT is: by its name, as of bus/trace.h.  NULL: nothing. */
static const char *vmexit_argument(const char *name)
{
	static const char *const translation[] = { "PIL", "PIS", "PIF", "PME", "PNR", "PNX", "PPI", "TLBR" };

	if (strcmp(name, TRACE_VMENTER) == 0)
		return NULL;
	if (strcmp(name, "INT") == 0)
		return "number";
	for (unsigned i = 0; i < sizeof(translation) / sizeof(translation[0]); i++)
		if (strcmp(name, translation[i]) == 0)
			return "gpa";
	return "insn";
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
	if (record->event == TRACE_VMEXIT) {
		const char *argument = vmexit_argument(record->name);

		if (argument)
			fprintf(writer->file, " %s=%#" PRIx64, argument, record->arg[1]);
		fprintf(writer->file, " gid=%" PRIu64, record->arg[2]);
	}
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

/* The slice of core @cpu that ends @now, up to its arguments. */
static void write_slice(struct trace_writer *writer, int cpu, const struct trace_slice *slice, uint64_t now)
{
	uint64_t length = now - slice->since;

	fprintf(writer->file, "%s\n{\"name\":\"", writer->count++ ? "," : "");
	if (slice->guest)
		fprintf(writer->file, "guest(GID %" PRIu64 ")", slice->gid);
	else
		fprintf(writer->file, "root(%s)", slice->reason);
	fprintf(writer->file,
		"\",\"cat\":\"vmexit\",\"ph\":\"X\",\"ts\":%" PRIu64 ".%03" PRIu64 ",\"dur\":%" PRIu64
		".%03" PRIu64 ",\"pid\":1,\"tid\":%d,\"args\":{",
		slice->since / 1000, slice->since % 1000, length / 1000, length % 1000, cpu + 1);
}

/* An entry ends a slice of root's, an exit one of the guest's: that says why, and where the guest was. */
static void write_switch(struct trace_writer *writer, const struct trace_record *record)
{
	struct trace_slice *slice = &writer->slice[record->cpu];
	bool enter = strcmp(record->name, TRACE_VMENTER) == 0;
	const char *argument = vmexit_argument(record->name);
	uint64_t now = clock_now(writer->clock);

	/* Of what went on while the event was switched off nothing is known. */
	if (slice->known && slice->guest != enter) {
		write_slice(writer, record->cpu, slice, now);
		fprintf(writer->file, "\"%s\":\"%#" PRIx64 "\"", enter ? "entry" : "pc", record->arg[0]);
		if (!enter)
			fprintf(writer->file, ",\"exit\":\"%s\"", record->name);
		if (argument)
			fprintf(writer->file, ",\"%s\":\"%#" PRIx64 "\"", argument, record->arg[1]);
		fputs("}}", writer->file);
	}
	*slice = (struct trace_slice){ .since = now,
				       .known = true,
				       .guest = enter,
				       .gid = record->arg[2],
				       .reason = enter ? NULL : record->name };
}

/* What the cores are doing when the trace ends. */
static void write_open_slices(struct trace_writer *writer)
{
	for (int cpu = 0; cpu < CPU_MAX; cpu++) {
		if (!writer->slice[cpu].known)
			continue;
		write_slice(writer, cpu, &writer->slice[cpu], clock_now(writer->clock));
		fputs("}}", writer->file);
	}
}

static void writer_emit(struct trace *trace, const struct trace_record *record)
{
	struct trace_writer *writer = (struct trace_writer *)trace;

	pthread_mutex_lock(&writer->lock);
	if (writer->json && record->event == TRACE_VMEXIT) {
		write_switch(writer, record);
	} else if (writer->json) {
		write_json(writer, record);
		writer->count++;
	} else {
		write_text(writer, record);
		writer->count++;
	}
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
	if (writer->json) {
		write_open_slices(writer);
		fputs("\n]}\n", writer->file);
	}
	if (ferror(writer->file))
		error = -EIO;
	if (writer->file != stderr && fclose(writer->file) && !error)
		error = -errno;
	pthread_mutex_destroy(&writer->lock);
	return error;
}
