/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Editing a line on a raw character stream as readline does: cursor keys, Home, End, Delete, Ctrl-A B D E F
 * H K L N P R U W Y, history, completion.  What is typed may be UTF-8; the terminal is any that knows the
 * ANSI sequences.  It knows no width: a line longer than the terminal's is shown wrapped by the terminal.
 */
#ifndef BIXI_CONTROL_LINEEDIT_H
#define BIXI_CONTROL_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEEDIT_MAX	 1023 /* bytes of a line */
#define LINEEDIT_HISTORY 64   /* lines */

struct lineedit_owner {
	/* Shows @size bytes of @text. */
	void (*show)(void *opaque, const char *text, size_t size);
	/* A line was entered. */
	void (*entered)(void *opaque, const char *line);
	/* The @index-th word that the last one of @line can become, NULL after the last; may be NULL. */
	const char *(*complete)(void *opaque, const char *line, unsigned index);
	void *opaque;
};

struct lineedit {
	struct lineedit_owner owner;
	const char *prompt;
	char line[LINEEDIT_MAX + 1];
	size_t length, cursor; /* bytes */
	char *history[LINEEDIT_HISTORY];
	unsigned history_count, history_at; /* at == count: the new line */
	char kept[LINEEDIT_MAX + 1];	    /* the new line, while history is shown */
	char yank[LINEEDIT_MAX + 1];	    /* what Ctrl-K, U or W took away last */

	/* Keys of several bytes. */
	enum { LINEEDIT_PLAIN, LINEEDIT_ESCAPE, LINEEDIT_CSI, LINEEDIT_SS3 } state;
	unsigned parameter;
	uint8_t partial[4]; /* of a UTF-8 character */
	unsigned partial_size;
	bool after_cr; /* a line feed now belongs to the carriage return before */

	bool searching; /* Ctrl-R */
	char sought[64];
};

/* @prompt is kept, not copied. */
void lineedit_init(struct lineedit *edit, const struct lineedit_owner *owner, const char *prompt);
void lineedit_free(struct lineedit *edit);

/* Empties the line (history stays) and shows prompt and line. */
void lineedit_begin(struct lineedit *edit);

/* What was typed. */
void lineedit_input(struct lineedit *edit, const uint8_t *data, size_t size);

#endif
