/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Cutting QMP's input into messages (qmp_parse.h). */
#include "machine/control/qmp_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int qmp_parser_init(struct qmp_parser *parser,
		    void (*message)(void *opaque, json_t *message, const char *error), void *opaque)
{
	*parser = (struct qmp_parser){ .message = message, .opaque = opaque };
	parser->text = malloc(QMP_MESSAGE_MAX);
	return parser->text ? 0 : -ENOMEM;
}

void qmp_parser_free(struct qmp_parser *parser)
{
	free(parser->text);
}

void qmp_parser_reset(struct qmp_parser *parser)
{
	parser->size = 0;
	parser->braces = parser->brackets = 0;
	parser->in_string = parser->escaped = parser->bare = parser->skipping = false;
}

/* Bytes of the UTF-8 character at @text, 0 if there is none. */
static unsigned utf8_size(const uint8_t *text)
{
	unsigned size = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;

	if (*text >= 0xf5 || (*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] >= 0xa0) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] >= 0x90))
		return 0;
	for (unsigned i = 1; i < size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

void qmp_clean_text(char *text)
{
	while (*text) {
		unsigned size = utf8_size((const uint8_t *)text);

		if (!size)
			*text = '?';
		text += size ? size : 1;
	}
}

static void report(struct qmp_parser *parser, const char *what)
{
	char text[JSON_ERROR_TEXT_LENGTH + 32];

	snprintf(text, sizeof(text), "JSON parse error, %s", what);
	qmp_clean_text(text);
	parser->message(parser->opaque, NULL, text);
}

static void message_complete(struct qmp_parser *parser)
{
	json_error_t error;
	json_t *message =
		json_loadb(parser->text, parser->size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

	qmp_parser_reset(parser);
	if (message)
		parser->message(parser->opaque, message, NULL);
	else
		report(parser, error.text);
	json_decref(message);
}

/* What comes up to the end of the line is left out. */
static void skip(struct qmp_parser *parser, const char *why)
{
	qmp_parser_reset(parser);
	parser->skipping = true;
	report(parser, why);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void put(struct qmp_parser *parser, uint8_t c)
{
	if (parser->size == QMP_MESSAGE_MAX)
		skip(parser, "the message is too long");
	else
		parser->text[parser->size++] = (char)c;
}

static void string_byte(struct qmp_parser *parser, uint8_t c)
{
	if (c < ' ') {
		/* A quote is missing: the next message is not to be swallowed. */
		qmp_parser_reset(parser);
		report(parser, "control character in a string");
		return;
	}
	put(parser, c);
	if (parser->skipping)
		return;
	if (parser->escaped)
		parser->escaped = false;
	else if (c == '\\')
		parser->escaped = true;
	else if (c == '"')
		parser->in_string = false;
}

static void structure_byte(struct qmp_parser *parser, uint8_t c)
{
	parser->braces += (c == '{') - (c == '}');
	parser->brackets += (c == '[') - (c == ']');
	put(parser, c);
	if (parser->braces + parser->brackets > QMP_NESTING_MAX)
		skip(parser, "nesting is too deep");
	else if (!parser->skipping && (parser->braces < 0 || parser->brackets < 0))
		message_complete(parser);
}

static void feed_byte(struct qmp_parser *parser, uint8_t c)
{
	bool structural = strchr("{}[]", c) && c;

	if (parser->skipping) {
		parser->skipping = c != '\n';
		return;
	}
	if (parser->in_string) {
		string_byte(parser, c);
	} else {
		/* Text outside of all brackets ends where anything else begins. */
		if (parser->bare && (is_blank(c) || structural))
			message_complete(parser);
		if (!parser->size && is_blank(c))
			return;
		if (!parser->size)
			parser->bare = !structural;
		if (structural) {
			structure_byte(parser, c);
		} else {
			parser->in_string = c == '"';
			put(parser, c);
		}
	}
	if (parser->size && !parser->bare && !parser->in_string && !parser->braces && !parser->brackets)
		message_complete(parser);
}

void qmp_parser_feed(struct qmp_parser *parser, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		feed_byte(parser, data[i]);
}
