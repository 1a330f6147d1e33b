/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Saved state as a stream of named pieces (state.h).  All numbers are little-endian.  A section: 'S', length
 * of the name (1 byte), name, version (4 bytes), size of its pieces (8 bytes), pieces.  A piece: 'P', length
 * of the name (1 byte), name, size (8 bytes), data.
 *
 * Readers take nothing for granted: every length is compared with what is left of the section.
 */
#include "machine/bus/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_SECTION	'S'
#define MARK_PIECE	'P'
#define NAME_MAX_LENGTH 255
#define REASON_SIZE	256

struct state {
	bool loading, bad;
	struct clock *clock;
	uint8_t *data; /* writing: owned, grows */
	size_t size;   /* of what is written, or of what can be read */
	size_t room;   /* writing: bytes at data */
	size_t at;     /* reading: next byte */
	size_t end;    /* reading: of the current section */
	const char *section;
	char reason[REASON_SIZE];
};

static struct state *state_new(bool loading, struct clock *clock)
{
	struct state *state = calloc(1, sizeof(*state));

	if (state) {
		state->loading = loading;
		state->clock = clock;
	}
	return state;
}

struct state *state_writer(struct clock *clock)
{
	return state_new(false, clock);
}

struct state *state_reader(const void *data, size_t size, struct clock *clock)
{
	static uint8_t nothing;
	struct state *state = state_new(true, clock);

	if (state) {
		state->data = size ? (uint8_t *)data : &nothing; /* only read */
		state->size = size;
	}
	return state;
}

void state_free(struct state *state)
{
	if (state && !state->loading)
		free(state->data);
	free(state);
}

const void *state_data(const struct state *state, size_t *size)
{
	*size = state->size;
	return state->data;
}

bool state_loading(const struct state *state)
{
	return state->loading;
}

bool state_good(const struct state *state)
{
	return !state->bad;
}

const char *state_reason(const struct state *state)
{
	return state->bad ? state->reason : NULL;
}

void state_refuse(struct state *state, const char *format, ...)
{
	va_list args;
	int length = 0;

	if (state->bad)
		return;
	state->bad = true;
	if (state->section && *state->section)
		length = snprintf(state->reason, sizeof(state->reason), "%s: ", state->section);
	if (length < 0 || (size_t)length >= sizeof(state->reason))
		length = 0;
	va_start(args, format);
	vsnprintf(state->reason + length, sizeof(state->reason) - (size_t)length, format, args);
	va_end(args);
}

/* Writing. */

static void put(struct state *state, const void *data, size_t size)
{
	if (state->bad || !size)
		return;
	if (size > state->room - state->size) {
		size_t room = state->room + size + state->room / 2 + 4096;
		uint8_t *grown = realloc(state->data, room);

		if (!grown) {
			state_refuse(state, "out of memory");
			return;
		}
		state->data = grown;
		state->room = room;
	}
	memcpy(state->data + state->size, data, size);
	state->size += size;
}

static void put_header(struct state *state, uint8_t mark, const char *name)
{
	const uint8_t header[2] = { mark, (uint8_t)strnlen(name, NAME_MAX_LENGTH) };

	put(state, header, sizeof(header));
	put(state, name, header[1]);
}

static void put_piece(struct state *state, const char *name, const void *data, size_t size)
{
	const uint64_t size64 = size;

	put_header(state, MARK_PIECE, name);
	put(state, &size64, sizeof(size64));
	put(state, data, size);
}

/* Reading. */

/* @size bytes of the current section, or NULL after a refusal. */
static const uint8_t *get(struct state *state, size_t size)
{
	const uint8_t *data = state->data + state->at;

	if (state->bad)
		return NULL;
	if (size > state->end - state->at) {
		state_refuse(state, "it ends too early");
		return NULL;
	}
	state->at += size;
	return data;
}

/* The header of @name or a refusal.  What is there instead gets named as far as it can be printed. */
static bool get_header(struct state *state, uint8_t mark, const char *name)
{
	const uint8_t *header = get(state, 2), *found = header ? get(state, header[1]) : NULL;
	size_t length = strnlen(name, NAME_MAX_LENGTH);
	char printable[40];
	size_t n = 0;

	if (!found)
		return false;
	if (header[0] == mark && header[1] == length && memcmp(found, name, length) == 0)
		return true;
	for (; n < header[1] && n + 1 < sizeof(printable); n++)
		printable[n] = found[n] >= ' ' && found[n] < 127 ? (char)found[n] : '?';
	printable[n] = 0;
	state_refuse(state, "it holds \"%s\" where this machine has \"%s\"", printable, name);
	return false;
}

/* The next piece, which must be @name; its size in *@size. */
static const uint8_t *get_piece(struct state *state, const char *name, size_t *size, size_t max)
{
	const uint8_t *bytes;
	uint64_t size64;

	if (!get_header(state, MARK_PIECE, name))
		return NULL;
	bytes = get(state, sizeof(size64));
	if (!bytes)
		return NULL;
	memcpy(&size64, bytes, sizeof(size64));
	if (size64 > max) {
		state_refuse(state, "\"%s\" is too long", name);
		return NULL;
	}
	*size = (size_t)size64;
	return get(state, *size);
}

void state_bytes(struct state *state, const char *name, void *data, size_t size)
{
	const uint8_t *bytes;
	size_t found;

	if (!state->loading) {
		put_piece(state, name, data, size);
		return;
	}
	bytes = get_piece(state, name, &found, SIZE_MAX);
	if (!bytes)
		return;
	if (found != size)
		state_refuse(state, "\"%s\" has %zu bytes, not %zu", name, found, size);
	else if (size)
		memcpy(data, bytes, size);
}

void state_bool(struct state *state, const char *name, bool *value)
{
	uint8_t byte = *value;

	state_bytes(state, name, &byte, 1);
	if (!state->loading || state->bad)
		return;
	if (byte > 1)
		state_refuse(state, "\"%s\" is neither true nor false", name);
	else
		*value = byte;
}

void state_blob(struct state *state, const char *name, uint8_t **data, size_t *size, size_t max)
{
	const uint8_t *bytes;
	uint8_t *copy = NULL;
	size_t found;

	if (!state->loading) {
		put_piece(state, name, *data, *size);
		return;
	}
	bytes = get_piece(state, name, &found, max);
	if (!bytes)
		return;
	if (found) {
		copy = malloc(found);
		if (!copy) {
			state_refuse(state, "out of memory");
			return;
		}
		memcpy(copy, bytes, found);
	}
	free(*data);
	*data = copy;
	*size = found;
}

void state_timer(struct state *state, const char *name, struct clock_timer *timer)
{
	uint64_t when[2] = { timer->deadline, timer->order };

	state_bytes(state, name, when, sizeof(when));
	if (!state->loading || state->bad)
		return;
	if (!clock_timer_restore(state->clock, timer, when[0], when[1]))
		state_refuse(state, "\"%s\" is a timer armed in the future", name);
}

void state_section(struct state *state, const char *name, uint32_t version,
		   void (*fn)(void *opaque, struct state *state), void *opaque)
{
	size_t start = state->size, outer_end = state->end;
	uint64_t size64 = 0;
	const uint8_t *bytes;
	uint32_t found;

	if (state->bad)
		return;
	if (!state->loading) {
		state->section = name;
		put_header(state, MARK_SECTION, name);
		put(state, &version, sizeof(version));
		put(state, &size64, sizeof(size64));
		start = state->size;
		fn(opaque, state);
		size64 = state->size - start;
		if (!state->bad)
			memcpy(state->data + start - sizeof(size64), &size64, sizeof(size64));
		state->section = NULL;
		return;
	}
	outer_end = state->end = state->size;
	if (!get_header(state, MARK_SECTION, name))
		return;
	bytes = get(state, sizeof(version) + sizeof(size64));
	if (!bytes)
		return;
	state->section = name;
	memcpy(&found, bytes, sizeof(found));
	memcpy(&size64, bytes + sizeof(found), sizeof(size64));
	if (found != version)
		state_refuse(state, "its state has version %u, this bixi reads version %u", found, version);
	else if (size64 > outer_end - state->at)
		state_refuse(state, "it ends too early");
	if (state->bad)
		return;
	state->end = state->at + (size_t)size64;
	fn(opaque, state);
	if (!state->bad && state->at != state->end)
		state_refuse(state, "it holds more than this machine has");
	state->section = NULL;
}

bool state_at_end(const struct state *state)
{
	return state->loading && state->at == state->size;
}
