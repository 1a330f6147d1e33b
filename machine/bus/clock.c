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
	*clock = (struct clock){ .deterministic = deterministic, .seed = seed };
	pthread_mutex_init(&clock->lock, NULL);
	if (deterministic) {
		clock->epoch = CLOCK_DETERMINISTIC_EPOCH;
	} else {
		clock->start = host_ns(CLOCK_MONOTONIC);
		clock->epoch = (int64_t)(host_ns(CLOCK_REALTIME) / NS_PER_SECOND);
	}
}

void clock_destroy(struct clock *clock)
{
	pthread_mutex_destroy(&clock->lock);
}

uint64_t clock_now(const struct clock *clock)
{
	if (clock->deterministic)
		return clock->virtual_now;
	return host_ns(CLOCK_MONOTONIC) - clock->start;
}

int64_t clock_wall(const struct clock *clock, uint32_t *ns)
{
	uint64_t now = clock_now(clock);

	if (ns)
		*ns = (uint32_t)(now % NS_PER_SECOND);
	return clock->epoch + (int64_t)(now / NS_PER_SECOND);
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

void clock_timer_set(struct clock *clock, struct clock_timer *timer, uint64_t deadline)
{
	struct clock_timer **link = &clock->armed;
	bool earliest;

	if (deadline == UINT64_MAX)
		deadline--;
	pthread_mutex_lock(&clock->lock);
	timer_remove(clock, timer);
	timer->deadline = deadline;
	timer->order = clock->order++;
	/* Behind those of the same deadline, which were armed before. */
	while (*link && (*link)->deadline <= deadline)
		link = &(*link)->next;
	timer->next = *link;
	*link = timer;
	earliest = clock->armed == timer;
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

	/* What is armed from now on waits for the next call, so that a timer that keeps arming itself in
	 * the past does not hold us here. */
	pthread_mutex_lock(&clock->lock);
	order = clock->order;
	pthread_mutex_unlock(&clock->lock);
	while ((timer = timer_take_due(clock, now, order)))
		timer->fn(timer->opaque);
	return clock_next_deadline(clock);
}
