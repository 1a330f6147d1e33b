/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * QMP's commands: the table, the checks of a message, and what each command does.  Names, members and error
 * classes are those of QEMU's schema (qapi/).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/control/disks.h"
#include "machine/control/options.h"
#include "machine/control/qmp_impl.h"
#include "machine/control/qmp_parse.h"
#include "machine/host/block.h"

#define CLASS_GENERIC	"GenericError"
#define CLASS_NOT_FOUND "CommandNotFound"

#define MAX_ARGUMENTS 2

struct qmp_call {
	struct qmp_session *session;
	struct machine *machine;
	json_t *arguments; /* NULL: none */
	struct qmp_error *error;
};

struct qmp_command {
	const char *name;
	json_t *(*fn)(struct qmp_call *call);
	struct {
		const char *name;
		json_type type;
		bool optional;
	} argument[MAX_ARGUMENTS];
};

static json_t *refuse(struct qmp_error *error, const char *error_class, const char *format, va_list args)
{
	error->error_class = error_class;
	vsnprintf(error->text, sizeof(error->text), format, args);
	qmp_clean_text(error->text);
	return NULL;
}

json_t *qmp_refuse(struct qmp_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse(error, CLASS_GENERIC, format, args);
	va_end(args);
	return NULL;
}

__attribute__((format(printf, 2, 3))) static json_t *refuse_not_found(struct qmp_error *error,
								      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse(error, CLASS_NOT_FOUND, format, args);
	va_end(args);
	return NULL;
}

json_t *qmp_version(void)
{
	int major = 0, minor = 0, micro = 0;

	sscanf(BIXI_VERSION, "%d.%d.%d", &major, &minor, &micro);
	return json_pack("{s{sisisi}ss}", "qemu", "major", major, "minor", minor, "micro", micro, "package",
			 "Bixi " BIXI_VERSION);
}

static json_t *run_capabilities(struct qmp_call *call)
{
	json_t *enable = json_object_get(call->arguments, "enable"), *name;
	size_t i;

	json_array_foreach(enable, i,
			   name) return qmp_refuse(call->error, "Capability %s not available",
						   json_is_string(name) ? json_string_value(name) : "?");
	call->session->negotiated = true;
	return json_object();
}

static json_t *run_status(struct qmp_call *call)
{
	bool stopped = machine_is_stopped(call->machine);

	return json_pack("{sssb}", "status", stopped ? "paused" : "running", "running", !stopped);
}

static json_t *run_stop(struct qmp_call *call)
{
	machine_stop(call->machine);
	return json_object();
}

static json_t *run_cont(struct qmp_call *call)
{
	machine_cont(call->machine);
	return json_object();
}

static json_t *run_powerdown(struct qmp_call *call)
{
	if (!command_system_powerdown(&call->session->context))
		return qmp_refuse(call->error, "this machine has no power button");
	return json_object();
}

static json_t *run_reset(struct qmp_call *call)
{
	command_system_reset(&call->session->context);
	return json_object();
}

static json_t *run_quit(struct qmp_call *call)
{
	call->session->quit = true;
	return json_object();
}

static json_t *run_cpus(struct qmp_call *call)
{
	json_t *cpus = json_array();

	for (unsigned id = 0; id < call->machine->group.count; id++) {
		char path[48];

		snprintf(path, sizeof(path), "/machine/unattached/device[%u]", id);
		json_array_append_new(cpus,
				      json_pack("{sisis{sisisi}ssss}", "cpu-index", (int)id, "thread-id",
						atomic_load(&call->machine->thread_id[id]), "props",
						"socket-id", 0, "core-id", (int)id, "thread-id", 0,
						"qom-path", path, "target", "loongarch64"));
	}
	return cpus;
}

static json_t *run_human(struct qmp_call *call)
{
	struct command_context context = call->session->context;
	json_t *cpu = json_object_get(call->arguments, "cpu-index"), *answer;
	char *text = NULL, *lines, *to;
	size_t size = 0;
	FILE *out;

	if (cpu && (json_integer_value(cpu) < 0 ||
		    json_integer_value(cpu) >= (json_int_t)call->machine->group.count))
		return qmp_refuse(call->error, "Parameter 'cpu-index' expects a CPU number");
	if (cpu)
		context.cpu = (unsigned)json_integer_value(cpu);
	out = open_memstream(&text, &size);
	if (!out)
		return qmp_refuse(call->error, "out of memory");
	command_execute(&context, json_string_value(json_object_get(call->arguments, "command-line")), out);
	if (fclose(out) || !(lines = malloc(2 * size + 1))) {
		free(text);
		return qmp_refuse(call->error, "out of memory");
	}
	/* As QEMU's monitor ends its lines. */
	to = lines;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			*to++ = '\r';
		*to++ = text[i];
	}
	*to = 0;
	qmp_clean_text(lines);
	answer = json_string(lines);
	free(lines);
	free(text);
	if (!cpu)
		call->session->context.cpu = context.cpu; /* "cpu N" lasts */
	return answer;
}

static json_t *run_version(struct qmp_call *call)
{
	return qmp_version();
}

static json_t *run_name(struct qmp_call *call)
{
	return json_object();
}

static json_t *run_kvm(struct qmp_call *call)
{
	return json_pack("{sbsb}", "enabled", 0, "present", 0);
}

static json_t *run_uuid(struct qmp_call *call)
{
	return json_pack("{ss}", "UUID", "00000000-0000-0000-0000-000000000000");
}

static json_t *run_target(struct qmp_call *call)
{
	return json_pack("{ss}", "arch", "loongarch64");
}

static const struct run_options *options_of(struct qmp_call *call)
{
	return call->session->context.control->parts.options;
}

static json_t *chardev_entry(const char *label, const char *filename)
{
	char name[1024];

	snprintf(name, sizeof(name), "%s", filename);
	qmp_clean_text(name);
	return json_pack("{sssssb}", "label", label, "filename", name, "frontend-open", 1);
}

static json_t *run_chardev(struct qmp_call *call)
{
	const struct run_options *options = options_of(call);
	json_t *list = json_array();

	for (unsigned i = 0; options && i < options->serial_count; i++) {
		char label[24], where[1024];

		snprintf(label, sizeof(label), "serial%u", i);
		control_serial_where(call->session->context.control, i, where, sizeof(where));
		json_array_append_new(list, chardev_entry(label, where));
	}
	if (options && options->console)
		json_array_append_new(list, chardev_entry("console", options->console));
	return list;
}

/* A disk as the schema's BlockInfo. */
static json_t *disk_entry(const struct control *control, unsigned index)
{
	const struct disk_option *disk = &control->parts.options->disk[index];
	const struct block *block = control->parts.disk ? control->parts.disk[index].block : NULL;
	json_int_t size = block ? (json_int_t)block_size(block) : 0;
	char device[24], file[1024];

	snprintf(device, sizeof(device), "disk%u", index);
	snprintf(file, sizeof(file), "%s", disk->file);
	qmp_clean_text(file);
	return json_pack("{sssssbsbsss{sssssbsbsssisisisisisisisis{sssssIsb}s{sbsbsb}}}", "device", device,
			 "type", "unknown", "removable", 0, "locked", 0, "io-status", "ok", "inserted",
			 "file", file, "drv", "raw", "ro", disk->read_only, "encrypted", 0, "detect_zeroes",
			 "off", "backing_file_depth", (int)disk->snapshot, "bps", 0, "bps_rd", 0, "bps_wr", 0,
			 "iops", 0, "iops_rd", 0, "iops_wr", 0, "write_threshold", 0, "image", "filename",
			 file, "format", "raw", "virtual-size", size, "dirty-flag", 0, "cache", "writeback",
			 1, "direct", 0, "no-flush", 0);
}

static json_t *run_block(struct qmp_call *call)
{
	const struct run_options *options = options_of(call);
	json_t *list = json_array();

	for (unsigned i = 0; options && i < options->disk_count; i++)
		json_array_append_new(list, disk_entry(call->session->context.control, i));
	return list;
}

static json_t *run_commands(struct qmp_call *call);

static const struct qmp_command command_table[] = {
	{ "qmp_capabilities", run_capabilities, { { "enable", JSON_ARRAY, true } } },
	{ .name = "cont", .fn = run_cont },
	{ "human-monitor-command",
	  run_human,
	  { { "command-line", JSON_STRING, false }, { "cpu-index", JSON_INTEGER, true } } },
	{ .name = "query-block", .fn = run_block },
	{ .name = "query-chardev", .fn = run_chardev },
	{ .name = "query-commands", .fn = run_commands },
	{ .name = "query-cpus-fast", .fn = run_cpus },
	{ .name = "query-kvm", .fn = run_kvm },
	{ .name = "query-name", .fn = run_name },
	{ .name = "query-status", .fn = run_status },
	{ .name = "query-target", .fn = run_target },
	{ .name = "query-uuid", .fn = run_uuid },
	{ .name = "query-version", .fn = run_version },
	{ .name = "quit", .fn = run_quit },
	{ .name = "stop", .fn = run_stop },
	{ .name = "system_powerdown", .fn = run_powerdown },
	{ .name = "system_reset", .fn = run_reset },
};

#define COMMAND_COUNT (sizeof(command_table) / sizeof(command_table[0]))

static json_t *run_commands(struct qmp_call *call)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		json_array_append_new(list, json_pack("{ss}", "name", command_table[i].name));
	return list;
}

static const char *type_name(json_type type)
{
	return type == JSON_STRING ? "string" : type == JSON_INTEGER ? "integer" : "array";
}

/* False with @error filled: an argument is missing, unexpected or of the wrong type. */
static bool arguments_fit(const struct qmp_command *command, json_t *arguments, struct qmp_error *error)
{
	const char *name;
	json_t *value;

	json_object_foreach(arguments, name, value)
	{
		unsigned i = 0;

		while (i < MAX_ARGUMENTS && command->argument[i].name &&
		       strcmp(command->argument[i].name, name))
			i++;
		if (i == MAX_ARGUMENTS || !command->argument[i].name)
			return qmp_refuse(error, "Parameter '%s' is unexpected", name);
		if (json_typeof(value) != command->argument[i].type)
			return qmp_refuse(error, "Invalid parameter type for '%s', expected: %s", name,
					  type_name(command->argument[i].type));
	}
	for (unsigned i = 0; i < MAX_ARGUMENTS && command->argument[i].name; i++)
		if (!command->argument[i].optional && !json_object_get(arguments, command->argument[i].name))
			return qmp_refuse(error, "Parameter '%s' is missing", command->argument[i].name);
	return true;
}

/* The form of a message, whatever its command.  False with @error filled. */
static bool message_fits(json_t *message, struct qmp_error *error)
{
	const char *name;
	json_t *value;

	if (!json_is_object(message))
		return qmp_refuse(error, "QMP input must be a JSON object");
	json_object_foreach(message, name, value)
	{
		if (strcmp(name, "execute") == 0) {
			if (!json_is_string(value))
				return qmp_refuse(error, "QMP input member 'execute' must be a string");
		} else if (strcmp(name, "arguments") == 0) {
			if (!json_is_object(value))
				return qmp_refuse(error, "QMP input member 'arguments' must be an object");
		} else if (strcmp(name, "id")) {
			return qmp_refuse(error, "QMP input member '%s' is unexpected", name);
		}
	}
	if (!json_object_get(message, "execute"))
		return qmp_refuse(error, "QMP input lacks member 'execute'");
	return true;
}

json_t *qmp_dispatch(struct qmp_session *session, json_t *message, struct qmp_error *error)
{
	struct qmp_call call = { .session = session, .machine = session->context.machine, .error = error };
	const struct qmp_command *command = NULL;
	const char *name;
	json_t *answer;

	if (!message_fits(message, error))
		return NULL;
	name = json_string_value(json_object_get(message, "execute"));
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(command_table[i].name, name) == 0)
			command = &command_table[i];
	if (!session->negotiated && (!command || command->fn != run_capabilities))
		return refuse_not_found(error, "Expecting capabilities negotiation with 'qmp_capabilities'");
	if (!command)
		return refuse_not_found(error, "The command %s has not been found", name);
	if (session->negotiated && command->fn == run_capabilities)
		return refuse_not_found(error,
					"Capabilities negotiation is already complete, command ignored");
	call.arguments = json_object_get(message, "arguments");
	if (!arguments_fit(command, call.arguments, error))
		return NULL;
	answer = command->fn(&call);
	return answer || error->error_class ? answer : qmp_refuse(error, "out of memory");
}
