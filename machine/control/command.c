/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The monitor's commands (command.h): the table, taking a line apart, help, completion, and the commands that
 * control the machine.  Names are those of QEMU's monitor where it has the command.
 */
#include "machine/control/command.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "machine/control/command_impl.h"
#include "machine/control/control.h"
#include "machine/control/snapshot.h"
#include "machine/control/trace.h"

static void run_help(struct command_call *call);

static void run_stop(struct command_call *call)
{
	machine_stop(call->machine);
}

static void run_cont(struct command_call *call)
{
	machine_cont(call->machine);
}

static void run_system_reset(struct command_call *call)
{
	command_system_reset(call->context);
}

static void run_system_powerdown(struct command_call *call)
{
	if (!command_system_powerdown(call->context))
		fprintf(call->out, "this machine has no power button\n");
}

static void run_quit(struct command_call *call)
{
	command_quit(call->context);
}

static void run_save(struct command_call *call)
{
	char error[256];

	if (snapshot_save(call->machine, call->argv[0], error, sizeof(error)))
		fprintf(call->out, "save %s: %s\n", call->argv[0], error);
}

static void run_cpu(struct command_call *call)
{
	char *end;
	unsigned long id = strtoul(call->argv[0], &end, 10);

	if (!isdigit((unsigned char)call->argv[0][0]) || *end || id >= call->machine->group.count)
		fprintf(call->out, "cpu %s: the cores are 0 to %u\n", call->argv[0],
			call->machine->group.count - 1);
	else
		call->context->cpu = (unsigned)id;
}

/* The events named by the comma-separated @list, 0 if one of them is none. */
static unsigned parse_events(const char *list)
{
	unsigned events = 0;

	while (*list) {
		size_t length = strcspn(list, ",");
		unsigned bits = trace_events_by_name(list, length);

		if (!bits)
			return 0;
		events |= bits;
		list += length;
		list += *list == ',';
	}
	return events;
}

static void run_trace(struct command_call *call)
{
	unsigned events = parse_events(call->argv[0]);

	if (!events)
		fprintf(call->out,
			"trace-event %s: the events are exception, interrupt, tlb, device, csr, vmexit and "
			"all\n",
			call->argv[0]);
	else if (strcmp(call->argv[1], "on") == 0)
		atomic_fetch_or(&call->machine->trace->enabled, events);
	else if (strcmp(call->argv[1], "off") == 0)
		atomic_fetch_and(&call->machine->trace->enabled, ~events);
	else
		fprintf(call->out, "trace-event %s %s: say on or off\n", call->argv[0], call->argv[1]);
}

static const char *trace_word(struct command_context *context, unsigned argument, unsigned index)
{
	static const char *const states[] = { "on", "off" };

	if (argument == 0 && index < TRACE_EVENT_COUNT)
		return trace_event_name(index);
	if (argument == 0)
		return index == TRACE_EVENT_COUNT ? "all" : NULL;
	return argument == 1 && index < 2 ? states[index] : NULL;
}

static const char *help_word(struct command_context *context, unsigned argument, unsigned index);

static const struct command command_table[] = {
	{ "help", "?", "[COMMAND]", 0, 2, "this list, or what one command does", .fn = run_help,
	  .word = help_word },
	{ "info", NULL, "SUBJECT", 0, 4,
	  "what the machine is and how it stands; help info lists the subjects", .fn = command_info,
	  .word = command_info_word },
	{ "x", NULL, "[/FMT] ADDRESS", 1, 4,
	  "memory at a virtual address; FMT: count, format x d u o c i, size b h w g", .fn = command_x,
	  .standing = true },
	{ "xp", NULL, "[/FMT] ADDRESS", 1, 4, "memory at a physical address", .fn = command_xp,
	  .standing = true },
	{ "gva2gpa", NULL, "ADDRESS", 1, 3, "the physical address behind a virtual one",
	  .fn = command_gva2gpa, .standing = true },
	{ "cpu", NULL, "CORE", 1, 1, "the core that info registers, info tlb and x mean", .fn = run_cpu },
	{ "stop", "s", "", 0, 0, "stops the machine and its time", .fn = run_stop },
	{ "cont", "c", "", 0, 0, "lets the machine go on", .fn = run_cont },
	{ "system_reset", NULL, "", 0, 0, "resets the machine", .fn = run_system_reset },
	{ "system_powerdown", NULL, "", 0, 0, "presses the power button", .fn = run_system_powerdown },
	{ "save", NULL, "FILE", 1, 1, "saves the machine in FILE, for --load", .fn = run_save },
	{ "trace-event", "trace", "EVENTS on|off", 2, 2, "writes events or not; where --trace says",
	  .fn = run_trace, .word = trace_word },
	{ "quit", "q", "", 0, 0, "ends bixi at once", .fn = run_quit },
};

#define COMMAND_COUNT (sizeof(command_table) / sizeof(command_table[0]))

const struct command *command_find(const struct command *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0 || (table[i].alias && strcmp(table[i].alias, name) == 0))
			return &table[i];
	return NULL;
}

void command_call(const struct command *row, struct command_call *call)
{
	if (call->argc < row->min_args || call->argc > row->max_args) {
		fprintf(call->out, "%s takes %s%s\n", row->name,
			*row->arguments ? "the arguments " : "no argument", row->arguments);
		return;
	}
	if (row->standing)
		machine_pause(call->machine);
	row->fn(call);
	if (row->standing)
		machine_resume(call->machine);
}

void command_help(const struct command *row, const char *prefix, FILE *out)
{
	char usage[80];

	snprintf(usage, sizeof(usage), "%s%s%s%s%s%s", prefix, row->name, row->alias ? "|" : "",
		 row->alias ? row->alias : "", *row->arguments ? " " : "", row->arguments);
	fprintf(out, "%-36s %s\n", usage, row->help);
}

static void run_help(struct command_call *call)
{
	const struct command *row;

	if (!call->argc) {
		for (size_t i = 0; i < COMMAND_COUNT; i++)
			command_help(&command_table[i], "", call->out);
		return;
	}
	row = command_find(command_table, COMMAND_COUNT, call->argv[0]);
	if (!row) {
		fprintf(call->out, "%s is not a command; help lists them\n", call->argv[0]);
	} else if (row->fn == command_info) {
		call->argc = 0;
		command_info(call);
	} else {
		command_help(row, "", call->out);
	}
}

static const char *help_word(struct command_context *context, unsigned argument, unsigned index)
{
	return argument == 0 && index < COMMAND_COUNT ? command_table[index].name : NULL;
}

/*
 * Cuts @line into words at blanks, in place; a word may stand in double quotes.  "x/8i" is two words.
 * Returns how many, COMMAND_MAX_WORDS + 1 if there are more.
 */
static unsigned split(char *line, char **word)
{
	unsigned count = 0;

	for (;;) {
		char end = ' ';

		line += strspn(line, " \t\r\n");
		if (!*line)
			return count;
		if (count == COMMAND_MAX_WORDS)
			return count + 1;
		if (*line == '"') {
			end = '"';
			line++;
		}
		word[count++] = line;
		while (*line && (end == '"' ? *line != '"' : !strchr(" \t\r\n", *line)))
			line++;
		if (*line)
			*line++ = 0;
	}
}

/* "x/8i" -> "x" "/8i": the format is an argument of its own. */
static unsigned split_format(char **word, unsigned count, char *format, size_t size)
{
	char *slash = count ? strchr(word[0], '/') : NULL;

	if (!slash || slash == word[0] || count > COMMAND_MAX_WORDS - 1)
		return count;
	snprintf(format, size, "%s", slash);
	*slash = 0;
	memmove(&word[2], &word[1], (count - 1) * sizeof(*word));
	word[1] = format;
	return count + 1;
}

static struct cpu *context_cpu(struct command_context *context)
{
	if (context->cpu >= context->machine->group.count)
		context->cpu = 0;
	return context->machine->group.cpu[context->cpu];
}

void command_execute(struct command_context *context, const char *line, FILE *out)
{
	char copy[COMMAND_LINE_MAX], format[32], *word[COMMAND_MAX_WORDS + 1];
	const struct command *row;
	unsigned count;

	if (strlen(line) >= sizeof(copy)) {
		fprintf(out, "the line is longer than %zu bytes\n", sizeof(copy) - 1);
		return;
	}
	strcpy(copy, line);
	count = split(copy, word);
	if (!count)
		return;
	if (count > COMMAND_MAX_WORDS) {
		fprintf(out, "the line has more than %d words\n", COMMAND_MAX_WORDS);
		return;
	}
	count = split_format(word, count, format, sizeof(format));
	row = command_find(command_table, COMMAND_COUNT, word[0]);
	if (!row) {
		fprintf(out, "%s is not a command; help lists them\n", word[0]);
		return;
	}
	command_call(row, &(struct command_call){ .context = context,
						  .machine = context->machine,
						  .cpu = context_cpu(context),
						  .out = out,
						  .argc = count - 1,
						  .argv = word + 1 });
}

/* The row whose words complete argument *@argument; "info" hands on to its own rows. */
static const struct command *completing_row(char **word, unsigned *argument)
{
	const struct command *row = command_find(command_table, COMMAND_COUNT, word[0]);

	if (row && row->fn == command_info && *argument > 0) {
		row = command_info_find(word[1]);
		*argument -= 1;
	}
	return row;
}

const char *command_complete(struct command_context *context, const char *line, unsigned index)
{
	char copy[COMMAND_LINE_MAX], *word[COMMAND_MAX_WORDS + 1];
	const struct command *row = NULL;
	unsigned count, argument = 0;
	const char *last = "", *found;
	size_t length = strlen(line);

	if (length >= sizeof(copy))
		return NULL;
	strcpy(copy, line);
	count = split(copy, word);
	if (count > COMMAND_MAX_WORDS)
		return NULL;
	/* A blank at the end: an empty word is begun. */
	if (count && !strchr(" \t", line[length - 1]))
		last = word[--count];
	if (count) {
		argument = count - 1;
		row = completing_row(word, &argument);
		if (!row || !row->word)
			return NULL;
	}
	for (unsigned i = 0;; i++) {
		found = row ? row->word(context, argument, i) : help_word(context, 0, i);
		if (!found)
			return NULL;
		if (strncmp(found, last, strlen(last)) == 0 && index-- == 0)
			return found;
	}
}

void command_system_reset(struct command_context *context)
{
	if (context->control)
		atomic_store(&context->control->reset_asked, true);
	machine_request(context->machine, MACHINE_REQUEST_RESET, 0);
}

bool command_system_powerdown(struct command_context *context)
{
	struct machine *machine = context->machine;

	if (!machine->press_power_button)
		return false;
	/* Between two instructions: a deterministic machine's state has one thread. */
	machine_pause(machine);
	machine->press_power_button(machine);
	machine_resume(machine);
	return true;
}

void command_quit(struct command_context *context)
{
	if (context->control)
		atomic_store(&context->control->quit_asked, true);
	machine_request(context->machine, MACHINE_REQUEST_EXIT, 0);
}
