/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Time and timers of the machine, clock.h.  Armed timers form a list sorted by deadline: a machine has
 * a few dozen, so a list is short enough.
 */
#include <time.h>

#include "machine/bus/clock.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static uint64_t host_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SECOND + (uint64_t)ts.tv_nsec;
}

void clock_init(struct clock *clock, bool deterministic, uint64_t seed)
{
	*clock = (struct clock){ .deterministic = deterministic, .seed = seed, .stopped = CLOCK_RUNS };
	pthread_mutex_init(&clock->lock, NULL);
	if (deterministic) {
		clock->epoch = (int64_t)(CLOCK_DETERMINISTIC_EPOCH * NS_PER_SECOND);
	} else {
		clock->start = host_ns(CLOCK_MONOTONIC);
		clock->epoch = (int64_t)host_ns(CLOCK_REALTIME);
	}
}

void clock_destroy(struct clock *clock)
{
	pthread_mutex_destroy(&clock->lock);
}

uint64_t clock_now(const struct clock *clock)
{
	uint64_t start, stopped, now;

	if (clock->deterministic)
		return clock->virtual_now;
	/* A thread that is held up here must not mix the time before a stop with that after it. */
	do {
		start = atomic_load(&clock->start);
		stopped = atomic_load(&clock->stopped);
		if (stopped != CLOCK_RUNS)
			return stopped;
		now = host_ns(CLOCK_MONOTONIC) - start;
	} while (atomic_load(&clock->stopped) != CLOCK_RUNS || atomic_load(&clock->start) != start);
	return now;
}

void clock_stop(struct clock *clock)
{
	if (!clock->deterministic)
		atomic_store(&clock->stopped, clock_now(clock));
}

void clock_cont(struct clock *clock)
{
	uint64_t now = atomic_load(&clock->stopped);

	if (clock->deterministic || now == CLOCK_RUNS)
		return;
	atomic_store(&clock->start, host_ns(CLOCK_MONOTONIC) - now);
	atomic_store(&clock->epoch, (int64_t)(host_ns(CLOCK_REALTIME) - now));
	atomic_store(&clock->stopped, CLOCK_RUNS);
	if (clock->rearm)
		clock->rearm(clock->rearm_opaque);
}

int64_t clock_wall(const struct clock *clock, uint32_t *ns)
{
	uint64_t wall = (uint64_t)atomic_load(&clock->epoch) + clock_now(clock);

	if (ns)
		*ns = (uint32_t)(wall % NS_PER_SECOND);
	return (int64_t)(wall / NS_PER_SECOND);
}

void clock_timer_init(struct clock_timer *timer, void (*fn)(void *opaque), void *opaque)
{
	*timer = (struct clock_timer){ .fn = fn, .opaque = opaque, .deadline = UINT64_MAX };
}

/* Takes an armed timer off the list.  Lock held. */
static void timer_remove(struct clock *clock, struct clock_timer *timer)
{
	struct clock_timer **link = &clock->armed;

	if (timer->deadline == UINT64_MAX)
		return;
	while (*link && *link != timer)
		link = &(*link)->next;
	if (*link)
		*link = timer->next;
	timer->next = NULL;
	timer->deadline = UINT64_MAX;
}

static bool fires_before(const struct clock_timer *a, const struct clock_timer *b)
{
	return a->deadline < b->deadline || (a->deadline == b->deadline && a->order < b->order);
}

/* Puts a timer that is not armed into the list; true if it is now the earliest.  Lock held. */
static bool timer_insert(struct clock *clock, struct clock_timer *timer, uint64_t deadline, uint64_t order)
{
	struct clock_timer **link = &clock->armed;

	timer->deadline = deadline;
	timer->order = order;
	while (*link && fires_before(*link, timer))
		link = &(*link)->next;
	timer->next = *link;
	*link = timer;
	return clock->armed == timer;
}

void clock_timer_set(struct clock *clock, struct clock_timer *timer, uint64_t deadline)
{
	bool earliest;

	if (deadline == UINT64_MAX)
		deadline--;
	pthread_mutex_lock(&clock->lock);
	timer_remove(clock, timer);
	earliest = timer_insert(clock, timer, deadline, clock->order++);
	pthread_mutex_unlock(&clock->lock);
	if (earliest && clock->rearm)
		clock->rearm(clock->rearm_opaque);
}

void clock_timer_cancel(struct clock *clock, struct clock_timer *timer)
{
	pthread_mutex_lock(&clock->lock);
	timer_remove(clock, timer);
	pthread_mutex_unlock(&clock->lock);
}

bool clock_timer_armed(struct clock *clock, const struct clock_timer *timer)
{
	bool armed;

	pthread_mutex_lock(&clock->lock);
	armed = timer->deadline != UINT64_MAX;
	pthread_mutex_unlock(&clock->lock);
	return armed;
}

struct clock_state clock_save(struct clock *clock)
{
	struct clock_state saved = { .now = clock_now(clock), .epoch = atomic_load(&clock->epoch) };

	pthread_mutex_lock(&clock->lock);
	saved.order = clock->order;
	pthread_mutex_unlock(&clock->lock);
	return saved;
}

bool clock_restore(struct clock *clock, const struct clock_state *saved)
{
	/* Some centuries: what is added to it does not overflow. */
	if (saved->now > UINT64_MAX / 4 || saved->order > UINT64_MAX / 4 || saved->epoch < 0 ||
	    saved->epoch > INT64_MAX / 4)
		return false;
	if (clock->deterministic)
		clock->virtual_now = saved->now;
	else
		atomic_store(&clock->stopped, saved->now);
	atomic_store(&clock->epoch, saved->epoch);
	pthread_mutex_lock(&clock->lock);
	clock->order = saved->order;
	pthread_mutex_unlock(&clock->lock);
	return true;
}

bool clock_timer_restore(struct clock *clock, struct clock_timer *timer, uint64_t deadline, uint64_t order)
{
	bool possible;

	pthread_mutex_lock(&clock->lock);
	timer_remove(clock, timer);
	possible = deadline == UINT64_MAX || order < clock->order;
	if (possible && deadline != UINT64_MAX)
		timer_insert(clock, timer, deadline, order);
	pthread_mutex_unlock(&clock->lock);
	return possible;
}

uint64_t clock_next_deadline(struct clock *clock)
{
	uint64_t deadline;

	pthread_mutex_lock(&clock->lock);
	deadline = clock->armed ? clock->armed->deadline : UINT64_MAX;
	pthread_mutex_unlock(&clock->lock);
	return deadline;
}

/* The earliest timer if it is due at @now and was armed before @order, taken off the list. */
static struct clock_timer *timer_take_due(struct clock *clock, uint64_t now, uint64_t order)
{
	struct clock_timer *timer;

	pthread_mutex_lock(&clock->lock);
	timer = clock->armed;
	if (timer && timer->deadline <= now && timer->order < order)
		timer_remove(clock, timer);
	else
		timer = NULL;
	pthread_mutex_unlock(&clock->lock);
	return timer;
}

uint64_t clock_run_timers(struct clock *clock)
{
	uint64_t now = clock_now(clock), order;
	struct clock_timer *timer;

	if (atomic_load(&clock->stopped) != CLOCK_RUNS)
		return UINT64_MAX;
	/* What is armed from now on waits for the next call, so that a timer that keeps arming itself in
	 * the past does not hold us here. */
	pthread_mutex_lock(&clock->lock);
	order = clock->order;
	pthread_mutex_unlock(&clock->lock);
	while ((timer = timer_take_due(clock, now, order)))
		timer->fn(timer->opaque);
	return clock_next_deadline(clock);
}
