/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Packets of GDB's remote protocol (gdb_packet.h). */
#include "machine/control/gdb_packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool bytes_reserve(struct gdb_bytes *bytes, size_t more)
{
	size_t capacity = bytes->capacity ? bytes->capacity : 1024;
	char *data;

	if (bytes->failed)
		return false;
	while (capacity - bytes->size < more)
		capacity *= 2;
	if (capacity == bytes->capacity)
		return true;
	data = realloc(bytes->data, capacity);
	if (!data) {
		bytes->failed = true;
		return false;
	}
	bytes->data = data;
	bytes->capacity = capacity;
	return true;
}

void gdb_bytes_append(struct gdb_bytes *bytes, const void *data, size_t size)
{
	if (!size || !bytes_reserve(bytes, size))
		return;
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

void gdb_bytes_text(struct gdb_bytes *bytes, const char *text)
{
	gdb_bytes_append(bytes, text, strlen(text));
}

void gdb_bytes_printf(struct gdb_bytes *bytes, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	gdb_bytes_text(bytes, text);
}

void gdb_bytes_hex(struct gdb_bytes *bytes, const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = data;
	char *to;

	if (!bytes_reserve(bytes, 2 * size))
		return;
	to = bytes->data + bytes->size;
	for (size_t i = 0; i < size; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	bytes->size += 2 * size;
}

void gdb_bytes_free(struct gdb_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct gdb_bytes){ 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void reader_begin(struct gdb_reader *reader)
{
	reader->state = READ_BODY;
	reader->sum = 0;
	reader->size = 0;
	reader->too_long = false;
}

static void reader_put(struct gdb_reader *reader, uint8_t byte)
{
	if (reader->size == GDB_PACKET_MAX)
		reader->too_long = true;
	else
		reader->packet[reader->size++] = (char)byte;
}

static enum gdb_event reader_idle(struct gdb_reader *reader, uint8_t byte)
{
	switch (byte) {
	case '$':
		reader_begin(reader);
		return GDB_NOTHING;
	case 0x03:
		return GDB_INTERRUPT;
	case '-':
		return GDB_AGAIN;
	default:
		return GDB_NOTHING; /* an acknowledgement, or noise between packets */
	}
}

static enum gdb_event reader_end(struct gdb_reader *reader, int digit)
{
	reader->state = READ_IDLE;
	reader->packet[reader->size] = 0;
	if (digit < 0 || (reader->given << 4 | digit) != reader->sum)
		return GDB_BAD;
	return reader->too_long ? GDB_TOO_LONG : GDB_PACKET;
}

enum gdb_event gdb_reader_byte(struct gdb_reader *reader, uint8_t byte)
{
	int digit;

	switch (reader->state) {
	case READ_IDLE:
		return reader_idle(reader, byte);
	case READ_BODY:
		if (byte == '$') { /* the rest of the one before was lost */
			reader_begin(reader);
		} else if (byte == '#') {
			reader->state = READ_SUM;
		} else {
			reader->sum += byte;
			if (byte == '}')
				reader->state = READ_ESCAPED;
			else
				reader_put(reader, byte);
		}
		return GDB_NOTHING;
	case READ_ESCAPED:
		reader->sum += byte;
		reader->state = READ_BODY;
		reader_put(reader, byte ^ 0x20);
		return GDB_NOTHING;
	case READ_SUM:
		digit = hex_digit((char)byte);
		reader->state = READ_SUM_LAST;
		if (digit < 0)
			return reader_end(reader, digit);
		reader->given = (uint8_t)digit;
		return GDB_NOTHING;
	default:
		return reader_end(reader, hex_digit((char)byte));
	}
}

void gdb_frame(struct gdb_bytes *out, const struct gdb_bytes *body)
{
	size_t begin = 0;
	uint8_t sum = 0;

	gdb_bytes_text(out, "$");
	for (size_t i = 0; i < body->size; i++) {
		char c = body->data[i];

		if (!strchr("$#}*", c) || !c) {
			sum += (uint8_t)c;
			continue;
		}
		gdb_bytes_append(out, body->data + begin, i - begin);
		gdb_bytes_append(out, (const char[]){ '}', (char)(c ^ 0x20) }, 2);
		sum += (uint8_t)('}' + (c ^ 0x20));
		begin = i + 1;
	}
	gdb_bytes_append(out, body->data + begin, body->size - begin);
	gdb_bytes_printf(out, "#%02x", sum);
}

bool gdb_take_hex(const char **text, uint64_t *value)
{
	const char *end = *text;
	uint64_t number = 0;

	while (hex_digit(*end) >= 0) {
		if (number >> 60)
			return false;
		number = number << 4 | (unsigned)hex_digit(*end++);
	}
	if (end == *text)
		return false;
	*text = end;
	*value = number;
	return true;
}

bool gdb_take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

bool gdb_take_word(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

bool gdb_take_bytes(const char **text, void *data, size_t size)
{
	uint8_t *to = data;

	for (size_t i = 0; i < size; i++) {
		int high = hex_digit((*text)[0]), low = high < 0 ? -1 : hex_digit((*text)[1]);

		if (low < 0)
			return false;
		*to++ = (uint8_t)(high << 4 | low);
		*text += 2;
	}
	return true;
}
