/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Fuzzes what a client of monitor and QMP sends.  The first byte says what the rest is: a QMP conversation
 * after or before its negotiation (whose "quit" and "stop" are done, on a machine that does not run), lines
 * of the monitor, or keys for its line editor.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isa/isa.h"
#include "machine/control/lineedit.h"
#include "machine/control/options.h"
#include "machine/control/qmp_impl.h"
#include "machine/control/qmp_parse.h"
#include "tests/fuzz/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 16 /* commands of an input: some print much */

static struct control control;
static struct run_options options = { .serial = { "null" }, .serial_count = 1 };
static unsigned lines;

/* Files are not the subject: what would save the machine is left out. */
static bool saves(const char *line)
{
	return line && strstr(line, "save");
}

/* Every answer is JSON that can be written. */
static void message_came(void *opaque, json_t *message, const char *what)
{
	struct qmp_session *session = opaque;
	struct qmp_error error = { 0 };
	json_t *result = NULL, *reply;
	char *text;

	if (lines++ >= LINES_MAX ||
	    saves(json_string_value(json_object_get(json_object_get(message, "arguments"), "command-line"))))
		return;
	if (message)
		result = qmp_dispatch(session, message, &error);
	else
		qmp_refuse(&error, "%s", what);
	reply = result ? json_pack("{so}", "return", result)
		       : json_pack("{s{ssss}}", "error", "class", error.error_class, "desc", error.text);
	text = json_dumps(reply, JSON_ENSURE_ASCII);
	if (!text)
		abort();
	free(text);
	json_decref(reply);
}

static void converse(const struct command_context *context, bool negotiated, const uint8_t *data, size_t size)
{
	struct qmp_session session = { .context = *context, .negotiated = negotiated };
	struct qmp_parser parser;

	if (qmp_parser_init(&parser, message_came, &session))
		abort();
	qmp_parser_feed(&parser, data, size);
	qmp_parser_free(&parser);
}

static void execute(void *opaque, const char *line)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	if (lines++ < LINES_MAX && !saves(line))
		command_execute(opaque, line, out);
	fclose(out);
	free(text);
}

static void show(void *opaque, const char *text, size_t size)
{
	static volatile char last;

	for (size_t i = 0; i < size; i++)
		last = text[i];
	(void)last;
}

static const char *complete(void *opaque, const char *line, unsigned index)
{
	return command_complete(opaque, line, index);
}

static void edit(struct command_context *context, const uint8_t *data, size_t size)
{
	const struct lineedit_owner owner = {
		.show = show, .entered = execute, .complete = complete, .opaque = context
	};
	struct lineedit *editor = malloc(sizeof(*editor));

	if (!editor)
		abort();
	lineedit_init(editor, &owner, "> ");
	lineedit_begin(editor);
	lineedit_input(editor, data, size);
	if (editor->cursor > editor->length || strlen(editor->line) != editor->length)
		abort();
	lineedit_free(editor);
	free(editor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine *machine;
	struct command_context context;

	if (!machine) {
		isa_init();
		machine = fixture_create("max");
		fixture_reset(machine);
		control.machine = machine;
		control.parts.options = &options;
	}
	if (!size)
		return 0;
	context = (struct command_context){ .machine = machine, .control = &control };
	lines = 0;
	if (data[0] % 3 < 2)
		converse(&context, data[0] % 3, data + 1, size - 1);
	else
		edit(&context, data + 1, size - 1);
	if (machine_is_stopped(machine))
		machine_cont(machine);
	machine->result.end = MACHINE_RUNNING;
	machine->reset_wanted = false;
	fixture_trace(machine, false);
	return 0;
}
