/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The one source of time.  Real mode: the host's monotonic clock, timers fire on the event-loop
 * thread.  Deterministic mode: virtual time = a base plus instructions retired (1 instruction = 1 ns),
 * timers fire on the only thread, between instructions.  No device asks the host for the time.
 *
 * A machine that its user stops has its clock stopped: clock_now() stands and no timer fires.
 */
#ifndef BIXI_BUS_CLOCK_H
#define BIXI_BUS_CLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock_timer {
	void (*fn)(void *opaque);
	void *opaque;
	uint64_t deadline;	  /* ns of clock_now(); UINT64_MAX: not armed */
	uint64_t order;		  /* ties fire in the order they were armed */
	struct clock_timer *next; /* armed timers, earliest first */
};

#define CLOCK_RUNS UINT64_MAX

struct clock {
	bool deterministic;
	_Atomic uint64_t start;	  /* host ns at clock_now() == 0 (real mode) */
	_Atomic uint64_t stopped; /* clock_now() while the clock stands, or CLOCK_RUNS (real mode) */
	uint64_t virtual_now;	  /* ns, deterministic mode; only the one thread touches it */
	_Atomic int64_t epoch;	  /* ns since 1970 UTC at clock_now() == 0, for the RTC */
	uint64_t seed;		  /* of all randomness of the machine (deterministic mode) */
	pthread_mutex_t lock;	  /* protects: armed, order, earliest */
	struct clock_timer *armed;
	uint64_t order;
	void (*rearm)(void *opaque); /* the earliest deadline moved forward: wake the event loop */
	void *rearm_opaque;
};

/* The date a deterministic machine starts at: 2026-01-01 00:00:00 UTC. */
#define CLOCK_DETERMINISTIC_EPOCH 1767225600

void clock_init(struct clock *clock, bool deterministic, uint64_t seed);
void clock_destroy(struct clock *clock);

/* ns since the machine started, without the time it was stopped. */
uint64_t clock_now(const struct clock *clock);

/*
 * The clock stands (calls do not nest), and goes on.  The date catches up with the host's then.
 * Deterministic mode: nothing to do, as time goes on only with instructions.
 */
void clock_stop(struct clock *clock);
void clock_cont(struct clock *clock);

/* Seconds (and the ns part) since 1970 UTC. */
int64_t clock_wall(const struct clock *clock, uint32_t *ns);

void clock_timer_init(struct clock_timer *timer, void (*fn)(void *opaque), void *opaque);

/* Arms (or moves) the timer: fn runs once, without locks held, soon after @deadline. */
void clock_timer_set(struct clock *clock, struct clock_timer *timer, uint64_t deadline);
void clock_timer_cancel(struct clock *clock, struct clock_timer *timer);
bool clock_timer_armed(struct clock *clock, const struct clock_timer *timer);

/*
 * Saved state.  Time and date, at which a stopped clock is to go on; false if they cannot be.  And a timer,
 * armed (or, deadline UINT64_MAX, not) with its place among those of the same deadline; false if @order is
 * one that no timer has had yet.
 */
struct clock_state {
	uint64_t now, order;
	int64_t epoch;
};
struct clock_state clock_save(struct clock *clock);
bool clock_restore(struct clock *clock, const struct clock_state *saved);
bool clock_timer_restore(struct clock *clock, struct clock_timer *timer, uint64_t deadline, uint64_t order);

/* Runs what is due; returns the next deadline, UINT64_MAX if none. */
uint64_t clock_run_timers(struct clock *clock);
uint64_t clock_next_deadline(struct clock *clock);

#endif
