/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Cutting QMP's input into messages: a JSON value each, with nothing but blanks required between them, as
 * QEMU reads them.  What is no JSON is reported once and skipped.
 */
#ifndef BIXI_CONTROL_QMP_PARSE_H
#define BIXI_CONTROL_QMP_PARSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QMP_MESSAGE_MAX (256u << 10) /* bytes of one message */
#define QMP_NESTING_MAX 1024

struct qmp_parser {
	/* A message, or NULL with what is wrong as a sentence. */
	void (*message)(void *opaque, json_t *message, const char *error);
	void *opaque;
	char *text; /* QMP_MESSAGE_MAX bytes */
	size_t size;
	int braces, brackets; /* open */
	bool in_string, escaped, bare, skipping;
};

/* Returns 0 or -ENOMEM. */
int qmp_parser_init(struct qmp_parser *parser,
		    void (*message)(void *opaque, json_t *message, const char *error), void *opaque);
void qmp_parser_free(struct qmp_parser *parser);

/* Forgets what came of a message. */
void qmp_parser_reset(struct qmp_parser *parser);

void qmp_parser_feed(struct qmp_parser *parser, const uint8_t *data, size_t size);

/* Makes @text valid UTF-8 in place: bytes that are not become '?'. */
void qmp_clean_text(char *text);

#endif
