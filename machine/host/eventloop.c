/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The event loop (eventloop.h): epoll for descriptors, an eventfd to interrupt the wait, a timerfd for the
 * machine's timers (epoll's own time-out knows only milliseconds).
 */
#include "machine/host/eventloop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "machine/bus/clock.h"

#define NS_PER_S UINT64_C(1000000000)

static void wake_from_clock(void *opaque)
{
	event_loop_wake(opaque);
}

/* data.ptr tells the loop's own descriptors apart from event_fds: they point into the loop. */
static int watch_own_fd(struct event_loop *loop, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = fd };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, *fd, &event) ? -errno : 0;
}

int event_loop_init(struct event_loop *loop, struct clock *clock)
{
	int err;

	*loop = (struct event_loop){ .clock = clock, .timer_set = UINT64_MAX };
	loop->last = &loop->first;
	pthread_mutex_init(&loop->lock, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->wake_fd < 0 || loop->timer_fd < 0)
		err = -errno;
	else
		err = watch_own_fd(loop, &loop->wake_fd);
	if (!err)
		err = watch_own_fd(loop, &loop->timer_fd);
	if (err) {
		event_loop_destroy(loop);
		return err;
	}
	if (clock) {
		clock->rearm_opaque = loop;
		clock->rearm = wake_from_clock;
	}
	return 0;
}

void event_loop_destroy(struct event_loop *loop)
{
	if (loop->clock && loop->clock->rearm_opaque == loop)
		loop->clock->rearm = NULL;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	pthread_mutex_destroy(&loop->lock);
}

void event_loop_wake(struct event_loop *loop)
{
	const uint64_t one = 1;

	/* acq_rel: what the caller did before is seen by the loop once it has cleared the flag. */
	if (atomic_exchange_explicit(&loop->woken, true, memory_order_acq_rel))
		return;
	if (write(loop->wake_fd, &one, sizeof(one)) < 0)
		return; /* cannot fail: the counter is 0 or 1 */
}

void event_loop_stop(struct event_loop *loop)
{
	atomic_store(&loop->stopping, true);
	event_loop_wake(loop);
}

void event_work_init(struct event_work *work, void (*fn)(void *opaque), void *opaque)
{
	*work = (struct event_work){ .fn = fn, .opaque = opaque };
}

void event_loop_post(struct event_loop *loop, struct event_work *work)
{
	bool posted = false;

	pthread_mutex_lock(&loop->lock);
	if (!work->queued) {
		work->queued = true;
		work->next = NULL;
		*loop->last = work;
		loop->last = &work->next;
		posted = true;
	}
	pthread_mutex_unlock(&loop->lock);
	if (posted)
		event_loop_wake(loop);
}

/* Takes the list as it is now, so work that posts itself again does not starve the descriptors. */
static void run_posted(struct event_loop *loop)
{
	struct event_work *work, *next;

	pthread_mutex_lock(&loop->lock);
	work = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	pthread_mutex_unlock(&loop->lock);
	for (; work; work = next) {
		pthread_mutex_lock(&loop->lock);
		next = work->next;
		work->queued = false; /* from here on it can be posted again */
		pthread_mutex_unlock(&loop->lock);
		work->fn(work->opaque);
	}
}

static bool has_posted(struct event_loop *loop)
{
	bool posted;

	pthread_mutex_lock(&loop->lock);
	posted = loop->first;
	pthread_mutex_unlock(&loop->lock);
	return posted;
}

/* Waits up to @timeout_ms and calls what is ready. */
static void wait_and_dispatch(struct event_loop *loop, int timeout_ms)
{
	struct epoll_event ready[EVENT_LOOP_BATCH];
	int count = epoll_wait(loop->epoll_fd, ready, EVENT_LOOP_BATCH, timeout_ms);
	uint64_t ignored;

	loop->batch_count = count > 0 ? (unsigned)count : 0;
	for (unsigned i = 0; i < loop->batch_count; i++)
		loop->batch[i] = ready[i].data.ptr;
	for (unsigned i = 0; i < loop->batch_count; i++) {
		struct event_fd *source = loop->batch[i];

		if (!source)
			continue; /* removed by an earlier callback of this batch */
		if (ready[i].data.ptr == &loop->wake_fd || ready[i].data.ptr == &loop->timer_fd) {
			if (read(*(int *)ready[i].data.ptr, &ignored, sizeof(ignored)) < 0)
				continue; /* a spurious wake-up */
			if (ready[i].data.ptr == &loop->wake_fd)
				atomic_exchange_explicit(&loop->woken, false, memory_order_acq_rel);
			else
				loop->timer_set = UINT64_MAX; /* it is one-shot */
			continue;
		}
		source->fn(source->opaque, ready[i].events);
	}
	loop->batch_count = 0;
}

/* Arms timer_fd for @deadline (ns of the clock; UINT64_MAX: off). */
static void set_timer(struct event_loop *loop, uint64_t deadline)
{
	struct itimerspec spec = { 0 };

	if (deadline == loop->timer_set)
		return;
	loop->timer_set = deadline;
	if (deadline != UINT64_MAX) {
		uint64_t now = clock_now(loop->clock);
		uint64_t delay = deadline > now ? deadline - now : 1;

		spec.it_value.tv_sec = (time_t)(delay / NS_PER_S);
		spec.it_value.tv_nsec = (long)(delay % NS_PER_S);
	}
	timerfd_settime(loop->timer_fd, 0, &spec, NULL);
}

void event_loop_run(struct event_loop *loop)
{
	while (!atomic_load(&loop->stopping)) {
		if (loop->clock && !loop->clock->deterministic)
			set_timer(loop, clock_run_timers(loop->clock));
		wait_and_dispatch(loop, has_posted(loop) ? 0 : -1);
		run_posted(loop);
	}
	run_posted(loop);
	atomic_store(&loop->stopping, false);
}

void event_loop_poll(struct event_loop *loop, int timeout_ms)
{
	wait_and_dispatch(loop, has_posted(loop) ? 0 : timeout_ms);
	run_posted(loop);
}

static void *loop_thread(void *opaque)
{
	struct event_loop *loop = opaque;

	/* Here, as another thread's name goes by a file, which the sandbox may not let us open. */
	pthread_setname_np(pthread_self(), loop->thread_name);
	event_loop_run(loop);
	return NULL;
}

int event_loop_start(struct event_loop *loop, const char *thread_name)
{
	int err;

	loop->thread_name = thread_name;
	err = pthread_create(&loop->thread, NULL, loop_thread, loop);
	if (err)
		return -err;
	loop->has_thread = true;
	return 0;
}

void event_loop_join(struct event_loop *loop)
{
	if (!loop->has_thread)
		return;
	pthread_join(loop->thread, NULL);
	loop->has_thread = false;
}

int event_loop_add_fd(struct event_loop *loop, struct event_fd *source)
{
	struct epoll_event event = { .events = source->events, .data.ptr = source };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) ? -errno : 0;
}

void event_loop_remove_fd(struct event_loop *loop, struct event_fd *source)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	for (unsigned i = 0; i < loop->batch_count; i++)
		if (loop->batch[i] == source)
			loop->batch[i] = NULL;
}
