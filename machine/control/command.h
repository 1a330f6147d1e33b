/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The monitor's commands, as typed at the monitor, sent by QMP's human-monitor-command or by GDB's "monitor".
 */
#ifndef BIXI_CONTROL_COMMAND_H
#define BIXI_CONTROL_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

struct control;
struct machine;

/* What commands work on. */
struct command_context {
	struct machine *machine;
	unsigned cpu;		 /* core that "info registers" and memory commands mean */
	struct control *control; /* NULL: what only it knows is not shown */
};

/*
 * Executes one line; what it answers goes to @out, mistakes as one sentence.  On the control thread,
 * the machine running or not.
 */
void command_execute(struct command_context *context, const char *line, FILE *out);

/*
 * Completions of the word that @line ends in: the @index-th possible full word, NULL after the last.
 * The string stays valid until the next call.
 */
const char *command_complete(struct command_context *context, const char *line, unsigned index);

/* What commands and QMP do alike.  False: the machine has no power button. */
void command_system_reset(struct command_context *context);
bool command_system_powerdown(struct command_context *context);
void command_quit(struct command_context *context);

#endif
