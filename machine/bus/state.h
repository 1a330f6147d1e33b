/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Saved state.  What a machine is made of has one function that names every piece of its state; the same
 * function writes a snapshot and reads one, so that the two cannot differ:
 *
 *	static void timer_state(void *opaque, struct state *state)
 *	{
 *		struct timer *timer = opaque;
 *
 *		STATE_MEMBER(state, timer, count);
 *		state_timer(state, "expiry", &timer->expiry);
 *		if (state_loading(state) && timer->count > TIMER_MAX)
 *			state_refuse(state, "the timer counts beyond its end");
 *	}
 *
 * No core runs and nothing is in flight meanwhile.  No host pointer is ever state.  What a snapshot file
 * says is not trusted: whoever reads a piece that is an index, a length or an address checks it.
 */
#ifndef BIXI_BUS_STATE_H
#define BIXI_BUS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/bus/clock.h"

struct state;

/* Whether pieces are read from a snapshot (else written to one). */
bool state_loading(const struct state *state);

/*
 * One piece: @size bytes at @data.  Pieces are told apart by name and size; a snapshot whose pieces come
 * with other names, sizes or in another order is refused.  After a refusal reading leaves @data alone.
 */
void state_bytes(struct state *state, const char *name, void *data, size_t size);

/* A piece that is true or false: what a snapshot says cannot make a bool anything else. */
void state_bool(struct state *state, const char *name, bool *value);

/* A piece of variable size, at most @max bytes: *@data is malloc()ed, reading frees what was there. */
void state_blob(struct state *state, const char *name, uint8_t **data, size_t *size, size_t max);

/* A timer of the state's clock: its deadline; reading arms or cancels it. */
void state_timer(struct state *state, const char *name, struct clock_timer *timer);

/* The snapshot does not fit, with the reason as a sentence's end; the first one counts. */
void state_refuse(struct state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether nothing has been refused and no write failed. */
bool state_good(const struct state *state);

/* The reason of the refusal, NULL as long as there is none. */
const char *state_reason(const struct state *state);

/*
 * For those who keep the stream: one that grows as pieces are written to it, or one that reads @data, which
 * stays the caller's.  @clock is for state_timer().  NULL: out of memory.
 */
struct state *state_writer(struct clock *clock);
struct state *state_reader(const void *data, size_t size, struct clock *clock);
void state_free(struct state *state);
const void *state_data(const struct state *state, size_t *size);

/*
 * Calls @fn for the pieces of one part of the machine.  Sections are not nested; a snapshot with another
 * section in this place, of another @version, or with pieces left over is refused.
 */
void state_section(struct state *state, const char *name, uint32_t version,
		   void (*fn)(void *opaque, struct state *state), void *opaque);

/* Whether a reader has read all. */
bool state_at_end(const struct state *state);

#define STATE_MEMBER(state, object, member)                                                                  \
	state_bytes(state, #member, (void *)&(object)->member, sizeof((object)->member))
#define STATE_BOOL(state, object, member) state_bool(state, #member, &(object)->member)

#endif
