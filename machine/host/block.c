/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Disks (block.h): threads, completion, snapshots, and what the user is told; back ends do the rest.
 *
 * A disk's worker thread takes requests in and does those that need no waiting; helpers do what has to wait
 * for the host.  A disk with a snapshot, whose overlay is not thread-safe, has only the worker.
 */
#include "machine/host/block.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/host/block_backend.h"
#include "machine/host/overlay.h"

#define DETERMINISTIC_LATENCY_NS 100000 /* a request's, in virtual time */
#define ZERO_CHUNK		 65536
#define HELPERS			 4
#define CAUSES			 8  /* errors that the user is told of, each once */
#define DRAIN_PASSES		 64 /* more than a full queue leads to */

struct request_list {
	struct block_request *first, **last;
};

struct block {
	char *name;
	struct block_backend *backend;
	bool read_only, has_overlay;
	struct clock *clock;
	struct overlay overlay;
	struct request_list waiting; /* deterministic mode: for their timers, oldest first */

	/* Real mode: */
	struct event_loop worker;
	struct event_work run_work;
	pthread_t helper[HELPERS];
	unsigned helper_count;

	pthread_mutex_t lock; /* protects: the rest */
	pthread_cond_t idle;  /* in_flight became 0 */
	pthread_cond_t work;  /* slow has requests, or quit */
	struct request_list submitted, slow;
	unsigned in_flight; /* submitted and not done */
	unsigned posts;	    /* block_post() calls, for block_drain() */
	bool quit;
	int told[CAUSES];
	unsigned told_count;
};

static const char *const op_names[] = {
	[BLOCK_READ] = "read",
	[BLOCK_WRITE] = "write",
	[BLOCK_FLUSH] = "flush",
	[BLOCK_DISCARD] = "discard",
	[BLOCK_WRITE_ZEROES] = "write zeroes",
};

/* Lists of requests, oldest first. */

static void list_init(struct request_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void list_add(struct request_list *list, struct block_request *request)
{
	request->next = NULL;
	*list->last = request;
	list->last = &request->next;
}

static struct block_request *list_take(struct request_list *list)
{
	struct block_request *request = list->first;

	if (request) {
		list->first = request->next;
		if (!list->first)
			list->last = &list->first;
	}
	return request;
}

/* Snapshots. */

/* What lies under the overlay; beyond the disk (a last, partial cluster) zeros. */
static int read_under_overlay(void *base, uint64_t offset, void *data, size_t size)
{
	struct block_backend *backend = base;
	struct iovec iov = { data, size };
	struct block_request request = { .op = BLOCK_READ, .offset = offset, .iov = &iov, .iov_count = 1 };

	if (offset >= backend->size) {
		memset(data, 0, size);
		return 0;
	}
	if (size > backend->size - offset) {
		memset((uint8_t *)data + (backend->size - offset), 0, size - (backend->size - offset));
		iov.iov_len = backend->size - offset;
	}
	request.size = iov.iov_len;
	return backend->ops->run(backend, &request);
}

static int zero_overlay(struct block *block, uint64_t offset, uint64_t size)
{
	static const uint8_t zeroes[ZERO_CHUNK];
	int err = 0;

	while (size && !err) {
		size_t n = size < ZERO_CHUNK ? (size_t)size : ZERO_CHUNK;

		err = overlay_write(&block->overlay, offset, zeroes, n, read_under_overlay, block->backend);
		offset += n;
		size -= n;
	}
	return err;
}

static int run_on_overlay(struct block *block, const struct block_request *request)
{
	uint64_t offset = request->offset;
	int err = 0;

	if (request->op == BLOCK_WRITE_ZEROES)
		return zero_overlay(block, offset, request->size);
	if (request->op != BLOCK_READ && request->op != BLOCK_WRITE)
		return 0;
	for (unsigned i = 0; i < request->iov_count && !err; i++) {
		const struct iovec *iov = &request->iov[i];

		err = request->op == BLOCK_READ
			      ? overlay_read(&block->overlay, offset, iov->iov_base, iov->iov_len,
					     read_under_overlay, block->backend)
			      : overlay_write(&block->overlay, offset, iov->iov_base, iov->iov_len,
					      read_under_overlay, block->backend);
		offset += iov->iov_len;
	}
	return err;
}

/* Requests. */

/* 1: there is something to do; else how the request ends at once. */
static int check_request(const struct block *block, const struct block_request *request)
{
	const uint64_t size = block->backend->size;

	if (request->op == BLOCK_FLUSH)
		return block->read_only ? 0 : 1;
	if (request->offset > size || request->size > size - request->offset)
		return -EINVAL;
	if (!request->size)
		return 0;
	return block->read_only && request->op != BLOCK_READ ? -EROFS : 1;
}

static int run_request(struct block *block, struct block_request *request)
{
	int result = check_request(block, request);

	if (result <= 0)
		return result;
	return block->has_overlay ? run_on_overlay(block, request)
				  : block->backend->ops->run(block->backend, request);
}

/* The guest retries, and every failure after the first of its kind says the same. */
static bool is_news(struct block *block, int err)
{
	bool news = block->told_count < CAUSES;

	pthread_mutex_lock(&block->lock);
	for (unsigned i = 0; i < block->told_count; i++)
		news &= block->told[i] != err;
	if (news)
		block->told[block->told_count++] = err;
	pthread_mutex_unlock(&block->lock);
	return news;
}

static void complain(struct block *block, const struct block_request *request)
{
	const char *why = NULL;

	if (request->result == -EINVAL || request->result == -EROFS)
		return; /* those are the guest's own mistakes */
	if (!is_news(block, request->result))
		return;
	if (block->backend->ops->explain)
		why = block->backend->ops->explain(block->backend, request->result);
	fprintf(stderr, "bixi: disk '%s': cannot %s at byte %llu: %s; the guest gets an I/O error\n",
		block->name, op_names[request->op], (unsigned long long)request->offset,
		why ? why : strerror(-request->result));
}

void block_finish(struct block_request *request, int result)
{
	struct block *block = request->block;

	request->result = result;
	if (result)
		complain(block, request);
	request->done(request);
	pthread_mutex_lock(&block->lock);
	if (!--block->in_flight)
		pthread_cond_broadcast(&block->idle);
	pthread_mutex_unlock(&block->lock);
}

/* Real mode, on the worker. */
static void start_request(struct block *block, struct block_request *request)
{
	struct block_backend *backend = block->backend;
	int result = check_request(block, request);

	if (result > 0 && !block->has_overlay && backend->ops->start) {
		backend->ops->start(backend, request);
		return;
	}
	if (result > 0)
		result = block->helper_count ? backend->ops->attempt(backend, request)
					     : run_request(block, request);
	if (result == -EAGAIN && block->helper_count) {
		pthread_mutex_lock(&block->lock);
		list_add(&block->slow, request);
		pthread_cond_signal(&block->work);
		pthread_mutex_unlock(&block->lock);
		return;
	}
	block_finish(request, result);
}

static void *help(void *opaque)
{
	struct block *block = opaque;

	pthread_mutex_lock(&block->lock);
	for (;;) {
		struct block_request *request = list_take(&block->slow);

		if (!request) {
			if (block->quit)
				break;
			pthread_cond_wait(&block->work, &block->lock);
			continue;
		}
		pthread_mutex_unlock(&block->lock);
		block_finish(request, block->backend->ops->run(block->backend, request));
		pthread_mutex_lock(&block->lock);
	}
	pthread_mutex_unlock(&block->lock);
	return NULL;
}

/* Deterministic mode: the time of @opaque, a request, has come. */
static void finish_waiting(void *opaque)
{
	struct block_request *request = opaque;
	struct block_request **link = &request->block->waiting.first;

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	if (!*link)
		request->block->waiting.last = link;
	request->done(request);
}

static void submit_deterministic(struct block *block, struct block_request *request)
{
	request->result = run_request(block, request);
	if (request->result)
		complain(block, request);
	list_add(&block->waiting, request);
	clock_timer_init(&request->timer, finish_waiting, request);
	clock_timer_set(block->clock, &request->timer, clock_now(block->clock) + DETERMINISTIC_LATENCY_NS);
}

void block_submit(struct block *block, struct block_request *request)
{
	request->block = block;
	if (block->clock->deterministic) {
		submit_deterministic(block, request);
		return;
	}
	pthread_mutex_lock(&block->lock);
	list_add(&block->submitted, request);
	block->in_flight++;
	pthread_mutex_unlock(&block->lock);
	if (!pthread_equal(pthread_self(), block->worker.thread))
		event_loop_post(&block->worker, &block->run_work);
}

void block_run(struct block *block)
{
	struct request_list list;
	struct block_request *request;

	if (block->clock->deterministic)
		return;
	pthread_mutex_lock(&block->lock);
	list.first = block->submitted.first;
	list_init(&block->submitted);
	pthread_mutex_unlock(&block->lock);
	while ((request = list.first)) {
		list.first = request->next;
		start_request(block, request);
	}
}

static void run_submitted(void *opaque)
{
	block_run(opaque);
}

void block_post(struct block *block, struct event_work *work)
{
	pthread_mutex_lock(&block->lock);
	block->posts++;
	pthread_mutex_unlock(&block->lock);
	event_loop_post(&block->worker, work);
}

struct drain {
	struct block *block;
	struct event_work work;
	bool reached; /* protected by the block's lock */
};

static void drain_reached(void *opaque)
{
	struct drain *drain = opaque;

	/* What was posted before may have left requests. */
	block_run(drain->block);
	pthread_mutex_lock(&drain->block->lock);
	drain->reached = true;
	pthread_cond_broadcast(&drain->block->idle);
	pthread_mutex_unlock(&drain->block->lock);
}

void block_drain(struct block *block)
{
	unsigned posts, passes = 0;

	if (block->clock->deterministic) {
		while (block->waiting.first) {
			clock_timer_cancel(block->clock, &block->waiting.first->timer);
			finish_waiting(block->waiting.first);
		}
		return;
	}
	pthread_mutex_lock(&block->lock);
	do {
		struct drain drain = { .block = block };

		posts = block->posts;
		pthread_mutex_unlock(&block->lock);
		event_work_init(&drain.work, drain_reached, &drain);
		event_loop_post(&block->worker, &drain.work);
		pthread_mutex_lock(&block->lock);
		while (!drain.reached || block->in_flight)
			pthread_cond_wait(&block->idle, &block->lock);
	} while (posts != block->posts && ++passes < DRAIN_PASSES);
	pthread_mutex_unlock(&block->lock);
}

uint64_t block_size(const struct block *block)
{
	return block->backend->size;
}

bool block_read_only(const struct block *block)
{
	return block->read_only;
}

/* Opening and closing. */

int block_fail(char *error, size_t size, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return err;
}

bool block_is_nbd(const char *name)
{
	return strncmp(name, "nbd://", 6) == 0 || strncmp(name, "nbd+unix://", 11) == 0;
}

static int open_backend(struct block *block, const struct block_options *options, char *error,
			size_t error_size)
{
	const bool write = !options->read_only && !options->snapshot;
	int err = (block_is_nbd(block->name) ? block_nbd_open : block_file_open)(&block->backend, block->name,
										 write, error, error_size);

	if (err || !options->snapshot)
		return err;
	err = overlay_open(&block->overlay, block->backend->size);
	if (err)
		return block_fail(error, error_size, err, "cannot make a snapshot of disk '%s': %s",
				  block->name, strerror(-err));
	block->has_overlay = true;
	return 0;
}

static void stop_threads(struct block *block)
{
	pthread_mutex_lock(&block->lock);
	block->quit = true;
	pthread_cond_broadcast(&block->work);
	pthread_mutex_unlock(&block->lock);
	for (unsigned i = 0; i < block->helper_count; i++)
		pthread_join(block->helper[i], NULL);
	if (block->worker.has_thread) {
		event_loop_stop(&block->worker);
		event_loop_join(&block->worker);
	}
	if (block->backend->ops->detach)
		block->backend->ops->detach(block->backend);
	event_loop_destroy(&block->worker);
}

/* All threads are made here, none later. */
static int start_threads(struct block *block)
{
	const struct block_backend_ops *ops = block->backend->ops;
	int err = event_loop_init(&block->worker, NULL);

	if (err)
		return err;
	if (ops->attach && !block->has_overlay)
		err = ops->attach(block->backend, &block->worker);
	if (!err)
		err = event_loop_start(&block->worker, "bixi-disk");
	while (!err && ops->attempt && !block->has_overlay && block->helper_count < HELPERS) {
		err = -pthread_create(&block->helper[block->helper_count], NULL, help, block);
		if (!err)
			pthread_setname_np(block->helper[block->helper_count++], "bixi-disk+");
	}
	if (err)
		stop_threads(block);
	return err;
}

static void release(struct block *block)
{
	if (block->has_overlay)
		overlay_close(&block->overlay);
	if (block->backend)
		block->backend->ops->close(block->backend);
	pthread_mutex_destroy(&block->lock);
	pthread_cond_destroy(&block->idle);
	pthread_cond_destroy(&block->work);
	free(block->name);
	free(block);
}

int block_open(struct block **result, const char *name, const struct block_options *options,
	       struct clock *clock, char *error, size_t error_size)
{
	struct block *block = calloc(1, sizeof(*block));
	int err;

	if (!block)
		return block_fail(error, error_size, -ENOMEM, "out of memory for disk '%s'", name);
	block->clock = clock;
	block->read_only = options->read_only;
	list_init(&block->waiting);
	list_init(&block->submitted);
	list_init(&block->slow);
	event_work_init(&block->run_work, run_submitted, block);
	pthread_mutex_init(&block->lock, NULL);
	pthread_cond_init(&block->idle, NULL);
	pthread_cond_init(&block->work, NULL);
	block->name = strdup(name);
	err = block->name ? open_backend(block, options, error, error_size)
			  : block_fail(error, error_size, -ENOMEM, "out of memory for disk '%s'", name);
	if (!err && !clock->deterministic) {
		err = start_threads(block);
		if (err)
			block_fail(error, error_size, err, "cannot start a thread for disk '%s': %s", name,
				   strerror(-err));
	}
	if (err)
		release(block);
	else
		*result = block;
	return err;
}

void block_close(struct block *block)
{
	struct block_request flush = { .op = BLOCK_FLUSH };

	if (!block)
		return;
	block_drain(block);
	if (!block->clock->deterministic)
		stop_threads(block);
	flush.result = run_request(block, &flush);
	if (flush.result)
		complain(block, &flush);
	release(block);
}
