/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inside of the monitor's commands: what the files of their tables share. */
#ifndef BIXI_CONTROL_COMMAND_IMPL_H
#define BIXI_CONTROL_COMMAND_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/board/machine.h"
#include "machine/control/command.h"

#define COMMAND_MAX_WORDS 16
#define COMMAND_LINE_MAX  1024 /* bytes of a line, the terminating zero included */

/* One command as it was typed. */
struct command_call {
	struct command_context *context;
	struct machine *machine;
	struct cpu *cpu; /* the core that context->cpu names */
	FILE *out;
	unsigned argc; /* the command's own name is not counted */
	char **argv;
};

/* A row of the command table or of the table of "info". */
struct command {
	const char *name;
	const char *alias;	     /* NULL: none */
	const char *arguments;	     /* as help shows them, "" if there are none */
	unsigned min_args, max_args; /* beside the name */
	const char *help;
	void (*fn)(struct command_call *call);
	bool standing; /* runs while no core executes */
	/* The @index-th word that argument @argument can be, NULL after the last; may be NULL. */
	const char *(*word)(struct command_context *context, unsigned argument, unsigned index);
};

/* The row of @table called @name, NULL if there is none. */
const struct command *command_find(const struct command *table, size_t count, const char *name);

/* Calls @row's function with call's arguments, having checked their number. */
void command_call(const struct command *row, struct command_call *call);

/* One line of help: name, arguments, what it does. */
void command_help(const struct command *row, const char *prefix, FILE *out);

/* "info" and its table, command_info.c. */
void command_info(struct command_call *call);
const char *command_info_word(struct command_context *context, unsigned argument, unsigned index);

/* Argument words of an "info" row; used for completion of "info ROW ...". */
const struct command *command_info_find(const char *name);

/* command_registers.c */
void command_info_registers(struct command_call *call);
void command_info_tlb(struct command_call *call);
const char *command_registers_word(struct command_context *context, unsigned argument, unsigned index);

/* "guest 3" for a core that is in guest mode, else "": into @text, which is returned. */
const char *command_guest_text(const struct cpu *cpu, char *text, size_t size);

/*
 * The value of register @name ("pc", "r4", "a0", root's CSRs, the guest's with the prefix "gcsr_"); the core
 * stands still.  False if there is none of that name.
 */
bool command_register_get(struct cpu *cpu, const char *name, uint64_t *value);

/* command_irq.c */
void command_info_irq(struct command_call *call);

/* command_memory.c: "x", "xp", "gva2gpa". */
void command_x(struct command_call *call);
void command_xp(struct command_call *call);
void command_gva2gpa(struct command_call *call);

#endif
