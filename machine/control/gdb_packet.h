/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Packets of GDB's remote protocol ("Overview" and "Packet Acknowledgment" of its manual): bytes of a stream
 * into packets, answers into bytes.  Knows no machine.
 */
#ifndef BIXI_CONTROL_GDB_PACKET_H
#define BIXI_CONTROL_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_PACKET_MAX 0x4000 /* bytes of a packet from the client, framing included: PacketSize */

/* Bytes that grow as needed.  failed: memory ran out, and what was appended since is lost. */
struct gdb_bytes {
	char *data;
	size_t size, capacity;
	bool failed;
};

void gdb_bytes_append(struct gdb_bytes *bytes, const void *data, size_t size);
void gdb_bytes_text(struct gdb_bytes *bytes, const char *text);
void gdb_bytes_printf(struct gdb_bytes *bytes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gdb_bytes_hex(struct gdb_bytes *bytes, const void *data, size_t size);
void gdb_bytes_free(struct gdb_bytes *bytes);

/* What came out of a byte. */
enum gdb_event {
	GDB_NOTHING,
	GDB_PACKET,    /* reader->packet is whole and was acknowledged as the mode wants it */
	GDB_BAD,       /* it was damaged: ask for it again */
	GDB_TOO_LONG,  /* it was whole, but longer than GDB_PACKET_MAX, and is dropped */
	GDB_INTERRUPT, /* Ctrl-C */
	GDB_AGAIN,     /* the client did not understand the last answer */
};

struct gdb_reader {
	enum { READ_IDLE, READ_BODY, READ_ESCAPED, READ_SUM, READ_SUM_LAST } state;
	uint8_t sum, given;
	bool too_long;
	size_t size;
	char packet[GDB_PACKET_MAX + 1]; /* unescaped, a zero after it */
};

enum gdb_event gdb_reader_byte(struct gdb_reader *reader, uint8_t byte);

/* Appends @body as a packet to @out: $, escaped, # and checksum. */
void gdb_frame(struct gdb_bytes *out, const struct gdb_bytes *body);

/* Parsing: each takes what it wants off *text, or leaves it and answers false. */
bool gdb_take_hex(const char **text, uint64_t *value);
bool gdb_take_char(const char **text, char c);
bool gdb_take_word(const char **text, const char *word);

/* Exactly 2 * @size hexadecimal digits; false leaves @data undefined. */
bool gdb_take_bytes(const char **text, void *data, size_t size);

#endif
