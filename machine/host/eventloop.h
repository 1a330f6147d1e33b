/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The event loop: one thread that waits for host file descriptors, for work other threads hand it, and for
 * the machine's timers.  In deterministic mode nobody calls event_loop_run(): the one thread calls
 * event_loop_poll() between instructions and runs the timers itself.
 */
#ifndef BIXI_HOST_EVENTLOOP_H
#define BIXI_HOST_EVENTLOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock;
struct event_loop;

/*
 * A piece of work for the loop's thread, kept inside its owner.  Posting work that still waits does
 * nothing, so a burst of posts runs it once; posting from inside fn runs it again.
 */
struct event_work {
	void (*fn)(void *opaque);
	void *opaque;
	struct event_work *next; /* protected by the loop's lock, as is queued */
	bool queued;
};

/* A watched descriptor, kept inside its owner, who also closes it. */
struct event_fd {
	int fd;
	uint32_t events;			   /* EPOLLIN, EPOLLOUT; 0: registered but quiet */
	void (*fn)(void *opaque, uint32_t events); /* on the loop's thread, no lock held */
	void *opaque;
};

#define EVENT_LOOP_BATCH 16

struct event_loop {
	int epoll_fd, wake_fd, timer_fd;
	struct clock *clock; /* NULL: a loop without timers */
	pthread_t thread;
	bool has_thread; /* event_loop_start() made the thread */
	const char *thread_name;
	_Atomic bool stopping;
	_Atomic bool woken;			  /* wake_fd was written and not read yet */
	uint64_t timer_set;			  /* deadline timer_fd is armed for; only the loop's thread */
	struct event_fd *batch[EVENT_LOOP_BATCH]; /* being dispatched; only the loop's thread */
	unsigned batch_count;
	pthread_mutex_t lock; /* protects: work lists */
	struct event_work *first, **last;
};

/* @clock: whose timers to run (its rearm hook is taken), or NULL.  Returns 0 or a negative errno. */
int event_loop_init(struct event_loop *loop, struct clock *clock);
void event_loop_destroy(struct event_loop *loop);

/* Runs the loop on the calling thread until event_loop_stop(). */
void event_loop_run(struct event_loop *loop);

/* Runs the loop on a thread of its own; event_loop_join() waits for its end after event_loop_stop(). */
int event_loop_start(struct event_loop *loop, const char *thread_name);
void event_loop_join(struct event_loop *loop);

/* Any thread, and signal handlers.  Work posted before still runs. */
void event_loop_stop(struct event_loop *loop);

/*
 * One pass for a caller that is its own loop (deterministic mode): waits at most @timeout_ms (-1: for
 * ever) for a descriptor or for posted work, handles what there is.  Timers are not run.
 */
void event_loop_poll(struct event_loop *loop, int timeout_ms);

/* Makes the loop's thread (or event_loop_poll()) return from its wait.  Any thread, signal handlers. */
void event_loop_wake(struct event_loop *loop);

void event_work_init(struct event_work *work, void (*fn)(void *opaque), void *opaque);

/* Hands work to the loop.  Any thread; locks may be held. */
void event_loop_post(struct event_loop *loop, struct event_work *work);

/*
 * Watches source->fd for source->events (level-triggered).  Returns 0 or a negative errno; -EPERM means
 * the descriptor never blocks (a regular file, /dev/null).  Adding: any thread.  Removing:
 * on the loop's thread or while no loop runs; afterwards fn is not called any more.
 */
int event_loop_add_fd(struct event_loop *loop, struct event_fd *source);
void event_loop_remove_fd(struct event_loop *loop, struct event_fd *source);

#endif
