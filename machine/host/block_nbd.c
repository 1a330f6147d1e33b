/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Block back end: an NBD server, by libnbd.  In real mode commands are in flight at the same time and their
 * answers come in on the disk's worker thread.  A server that is gone, or does not answer for a while, gives
 * errors to what was in flight; later requests try to connect again.  What the server had not flushed when
 * the connection broke may be lost with it, so that no flush succeeds after that.
 */
#include <errno.h>
#include <fcntl.h>
#include <libnbd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "machine/host/block_backend.h"
#include "machine/host/nbd_address.h"

#define CONNECT_MS  5000		 /* for a connection and the negotiation */
#define ANSWER_MS   30000		 /* without any progress: the server is given up */
#define RETRY_MS    1000		 /* between two attempts to connect again */
#define PAYLOAD_MAX (UINT32_C(1) << 25)	 /* of one command, as servers take it */
#define BOUNCE_MAX  (UINT64_C(64) << 20) /* copied data in flight */
#define MS_PER_S    1000
#define NS_PER_MS   1000000

/* A request on its way: one command or several. */
struct nbd_op {
	struct block_nbd *nbd;
	struct block_request *request;
	unsigned commands; /* in flight, plus one while they are being sent */
	int error;	   /* the first of them */
	bool then_flush;   /* the server has no FUA: a flush follows */
	bool ended;
	uint8_t *bounce;      /* the data in one piece, if the request has it in several */
	uint64_t bounce_size; /* counted in bounced */
	uint64_t writes;      /* flush: writes_done when it was sent */
	struct nbd_op *next;  /* in the list it is in */
};

struct block_nbd {
	struct block_backend backend;
	struct nbd_address address;
	struct nbd_handle *handle; /* NULL: not connected */
	uint64_t payload_max;
	bool can_flush, can_fua, can_trim, can_zero;
	uint64_t next_attempt; /* ms */
	bool told_connected;

	struct event_loop *loop; /* NULL: run() waits for answers itself */
	struct event_fd source;	 /* the connection; events 0: not on the loop */
	struct event_fd timer;	 /* looks every ANSWER_MS whether there is progress */
	bool timer_armed;
	uint64_t answers, answers_seen; /* commands answered: now, and when the timer last looked */

	struct nbd_op *active, *ended; /* with commands in flight; without */
	struct request_queue {
		struct block_request *first, **last;
	} waiting; /* for room in BOUNCE_MAX */
	uint64_t bounced;
	uint64_t writes_done, writes_flushed;
	int lost; /* negative errno: a flush cannot succeed any more */
};

static struct block_nbd *nbd_of(struct block_backend *backend)
{
	return (struct block_nbd *)backend;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * MS_PER_S + (uint64_t)now.tv_nsec / NS_PER_MS;
}

/* The connection. */

/* Takes the connection off the loop. */
static void unwatch(struct block_nbd *nbd)
{
	if (!nbd->loop || nbd->source.fd < 0)
		return;
	if (nbd->source.events)
		event_loop_remove_fd(nbd->loop, &nbd->source);
	nbd->source.events = 0;
	close(nbd->source.fd);
	nbd->source.fd = -1;
}

/* Tells the loop what the connection waits for. */
static void update_events(struct block_nbd *nbd)
{
	unsigned direction = nbd->handle ? nbd_aio_get_direction(nbd->handle) : 0;
	uint32_t events = (direction & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0u) |
			  (direction & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0u);

	if (!nbd->loop || events == nbd->source.events)
		return;
	/* Our own descriptor: libnbd closes its one before we could take it off the loop. */
	if (nbd->source.fd < 0)
		nbd->source.fd = fcntl(nbd_aio_get_fd(nbd->handle), F_DUPFD_CLOEXEC, 0);
	if (nbd->source.fd < 0)
		return; /* no answer will come, and the timer ends that */
	if (nbd->source.events)
		event_loop_remove_fd(nbd->loop, &nbd->source);
	nbd->source.events = events;
	if (events)
		event_loop_add_fd(nbd->loop, &nbd->source);
}

/* Moves an operation from the list of active ones to that of ended ones. */
static void end_op(struct nbd_op *op)
{
	struct nbd_op **link = &op->nbd->active;

	while (*link != op)
		link = &(*link)->next;
	*link = op->next;
	op->next = op->nbd->ended;
	op->nbd->ended = op;
}

/* The connection is of no more use: what is in flight fails. */
static void disconnect(struct block_nbd *nbd, int err)
{
	if (!nbd->handle)
		return;
	unwatch(nbd);
	nbd_close(nbd->handle); /* no completion is called from here on */
	nbd->handle = NULL;
	nbd->next_attempt = now_ms() + RETRY_MS;
	if (nbd->writes_done != nbd->writes_flushed)
		nbd->lost = -EIO;
	while (nbd->active) {
		nbd->active->error = err;
		nbd->active->then_flush = false;
		end_op(nbd->active);
	}
}

static bool is_broken(struct block_nbd *nbd)
{
	return nbd_aio_is_dead(nbd->handle) || nbd_aio_is_closed(nbd->handle);
}

/* Waits for the connection until @deadline (ms) and lets libnbd go on.  False: nothing happened. */
static bool step(struct nbd_handle *handle, uint64_t deadline)
{
	unsigned direction = nbd_aio_get_direction(handle);
	struct pollfd fd = { .fd = nbd_aio_get_fd(handle) };
	uint64_t now = now_ms();
	int ready;

	fd.events = (short)((direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
			    (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0));
	ready = now < deadline ? poll(&fd, 1, (int)(deadline - now)) : 0;
	if (ready < 0 && errno == EINTR)
		return true;
	if (ready <= 0)
		return false;
	if (direction & LIBNBD_AIO_DIRECTION_READ && fd.revents & (POLLIN | POLLHUP | POLLERR))
		nbd_aio_notify_read(handle);
	else
		nbd_aio_notify_write(handle);
	return true;
}

/* Speaks NBD on @socket, which is used up. */
static int negotiate(struct block_nbd *nbd, int socket, uint64_t deadline, char *error, size_t error_size)
{
	struct nbd_handle *handle = nbd_create();
	bool good = handle && !nbd_set_export_name(handle, nbd->address.export_name) &&
		    !nbd_set_pread_initialize(handle, false);

	if (!good)
		close(socket);
	if (!good || nbd_aio_connect_socket(handle, socket)) {
		block_fail(error, error_size, -EIO, "cannot use disk '%s': %s", nbd->backend.name,
			   nbd_get_error());
		nbd_close(handle);
		return -EIO;
	}
	while (nbd_aio_is_connecting(handle) && step(handle, deadline))
		continue;
	if (!nbd_aio_is_ready(handle)) {
		const bool slow = nbd_aio_is_connecting(handle);
		const char *why = nbd_get_error();

		block_fail(error, error_size, -EIO, "cannot use disk '%s': %s", nbd->backend.name,
			   slow || !why ? "the server does not speak NBD, or too slowly" : why);
		nbd_close(handle);
		return slow ? -ETIMEDOUT : -EIO;
	}
	nbd->handle = handle;
	return 0;
}

/* Whether the disk can be used as it is wanted (again). */
static int check_export(struct block_nbd *nbd, char *error, size_t error_size)
{
	const char *name = nbd->backend.name;
	const int64_t size = nbd_get_size(nbd->handle);
	const int64_t minimum = nbd_get_block_size(nbd->handle, LIBNBD_SIZE_MINIMUM);
	const int64_t maximum = nbd_get_block_size(nbd->handle, LIBNBD_SIZE_MAXIMUM);

	if (size < 0)
		return block_fail(error, error_size, -EIO, "cannot use disk '%s': its size is unknown", name);
	if (minimum > BLOCK_SECTOR)
		return block_fail(
			error, error_size, -EINVAL,
			"cannot use disk '%s': its server takes nothing below %lld bytes, a disk has "
			"sectors of %d",
			name, (long long)minimum, BLOCK_SECTOR);
	if (!nbd->backend.read_only && nbd_is_read_only(nbd->handle))
		return block_fail(error, error_size, -EROFS,
				  "cannot open disk '%s': the server gives it for reading only (add ,ro or "
				  ",snapshot)",
				  name);
	if (nbd->backend.size && (uint64_t)size / BLOCK_SECTOR * BLOCK_SECTOR != nbd->backend.size)
		return block_fail(error, error_size, -EIO, "disk '%s' came back with another size", name);
	nbd->backend.size = (uint64_t)size / BLOCK_SECTOR * BLOCK_SECTOR;
	nbd->payload_max = maximum > BLOCK_SECTOR && maximum < PAYLOAD_MAX
				   ? (uint64_t)maximum / BLOCK_SECTOR * BLOCK_SECTOR
				   : PAYLOAD_MAX;
	nbd->can_flush = nbd_can_flush(nbd->handle) > 0;
	nbd->can_fua = nbd_can_fua(nbd->handle) > 0;
	nbd->can_trim = nbd_can_trim(nbd->handle) > 0;
	nbd->can_zero = nbd_can_zero(nbd->handle) > 0;
	return 0;
}

static int open_connection(struct block_nbd *nbd, char *error, size_t error_size)
{
	const uint64_t deadline = now_ms() + CONNECT_MS;
	int socket = nbd_address_connect(&nbd->address, CONNECT_MS);
	int err;

	if (socket < 0)
		return block_fail(error, error_size, socket, "cannot connect to disk '%s': %s",
				  nbd->backend.name, strerror(-socket));
	err = negotiate(nbd, socket, deadline, error, error_size);
	if (err)
		return err;
	err = check_export(nbd, error, error_size);
	if (err)
		disconnect(nbd, err);
	return err;
}

/* Connects again, but not all the time. */
static int need_connection(struct block_nbd *nbd)
{
	char error[512];
	int err;

	if (nbd->handle)
		return 0;
	if (now_ms() < nbd->next_attempt)
		return -ENOTCONN;
	err = open_connection(nbd, error, sizeof(error));
	nbd->next_attempt = now_ms() + RETRY_MS;
	if (err)
		return -ENOTCONN;
	if (!nbd->told_connected)
		fprintf(stderr, "bixi: disk '%s': connected to its server again\n", nbd->backend.name);
	nbd->told_connected = true;
	return 0;
}

/* Commands. */

static void drop_command(struct nbd_op *op, int err)
{
	if (err && !op->error)
		op->error = err;
	if (!--op->commands)
		end_op(op);
}

/* libnbd has an answer.  No function of libnbd may be called from here. */
static int command_done(void *opaque, int *error)
{
	struct nbd_op *op = opaque;

	op->nbd->answers++;
	drop_command(op, -*error);
	return 1; /* nobody asks libnbd for it any more */
}

/* What a sending function returned. */
static void sent(struct nbd_op *op, int64_t cookie)
{
	int err = nbd_get_errno();

	if (cookie < 0)
		drop_command(op, err ? -err : -EIO);
}

static void send_data(struct nbd_op *op)
{
	struct block_nbd *nbd = op->nbd;
	const struct block_request *request = op->request;
	uint8_t *data = op->bounce ? op->bounce : request->iov[0].iov_base;
	const uint32_t flags = request->through && nbd->can_fua ? LIBNBD_CMD_FLAG_FUA : 0;
	nbd_completion_callback done = { .callback = command_done, .user_data = op };

	for (uint64_t at = 0; at < request->size && !op->error;) {
		const uint64_t left = request->size - at;
		const uint64_t n = left < nbd->payload_max ? left : nbd->payload_max;

		op->commands++;
		sent(op,
		     request->op == BLOCK_READ
			     ? nbd_aio_pread(nbd->handle, data + at, n, request->offset + at, done, 0)
			     : nbd_aio_pwrite(nbd->handle, data + at, n, request->offset + at, done, flags));
		at += n;
	}
}

static void send_flush(struct nbd_op *op)
{
	nbd_completion_callback done = { .callback = command_done, .user_data = op };

	op->writes = op->nbd->writes_done;
	if (!op->nbd->can_flush)
		return;
	op->commands++;
	sent(op, nbd_aio_flush(op->nbd->handle, done, 0));
}

/* Sends the commands of an operation, whose connection stands. */
static void send_op(struct nbd_op *op)
{
	struct block_nbd *nbd = op->nbd;
	const struct block_request *request = op->request;
	const uint32_t fua = request->through && nbd->can_fua ? LIBNBD_CMD_FLAG_FUA : 0;
	nbd_completion_callback done = { .callback = command_done, .user_data = op };

	op->next = nbd->active;
	nbd->active = op;
	op->commands = 1;
	op->then_flush = request->through && !nbd->can_fua;
	if (request->op == BLOCK_FLUSH) {
		send_flush(op);
	} else if (request->op == BLOCK_DISCARD) {
		if (nbd->can_trim) {
			op->commands++;
			sent(op, nbd_aio_trim(nbd->handle, request->size, request->offset, done, 0));
		}
	} else if (request->op == BLOCK_WRITE_ZEROES && nbd->can_zero) {
		op->commands++;
		sent(op, nbd_aio_zero(nbd->handle, request->size, request->offset, done,
				      fua | (request->may_unmap ? 0 : LIBNBD_CMD_FLAG_NO_HOLE)));
	} else {
		send_data(op);
	}
	drop_command(op, 0);
}

/* Data in several pieces goes through a buffer, as do zeroes for a server that cannot write them itself. */
static bool needs_bounce(const struct block_nbd *nbd, const struct block_request *request)
{
	return ((request->op == BLOCK_READ || request->op == BLOCK_WRITE) && request->iov_count != 1) ||
	       (request->op == BLOCK_WRITE_ZEROES && !nbd->can_zero);
}

static int fill_bounce(struct nbd_op *op)
{
	const struct block_request *request = op->request;
	uint8_t *to;

	if (!needs_bounce(op->nbd, request))
		return 0;
	op->bounce = request->op == BLOCK_WRITE_ZEROES ? calloc(1, request->size) : malloc(request->size);
	if (!op->bounce)
		return -ENOMEM;
	op->bounce_size = request->size;
	op->nbd->bounced += op->bounce_size;
	to = op->bounce;
	for (unsigned i = 0; request->op == BLOCK_WRITE && i < request->iov_count; i++) {
		memcpy(to, request->iov[i].iov_base, request->iov[i].iov_len);
		to += request->iov[i].iov_len;
	}
	return 0;
}

/* Begins a request; NULL with *result if it ended at once. */
static struct nbd_op *begin(struct block_nbd *nbd, struct block_request *request, int *result)
{
	struct nbd_op *op;

	*result = request->op == BLOCK_FLUSH || request->through ? nbd->lost : 0;
	if (!*result)
		*result = need_connection(nbd);
	/* It may have been lost just now. */
	if (!*result && (request->op == BLOCK_FLUSH || request->through))
		*result = nbd->lost;
	if (*result)
		return NULL;
	op = calloc(1, sizeof(*op));
	*result = -ENOMEM;
	if (!op)
		return NULL;
	op->nbd = nbd;
	op->request = request;
	if (fill_bounce(op)) {
		free(op);
		return NULL;
	}
	send_op(op);
	return op;
}

/* Takes what an ended operation brought; returns how its request ends.  Frees the operation. */
static int take_result(struct nbd_op *op)
{
	struct block_nbd *nbd = op->nbd;
	const struct block_request *request = op->request;
	const uint8_t *from = op->bounce;
	const int result = op->error;

	for (unsigned i = 0; !result && from && request->op == BLOCK_READ && i < request->iov_count; i++) {
		memcpy(request->iov[i].iov_base, from, request->iov[i].iov_len);
		from += request->iov[i].iov_len;
	}
	if (request->op == BLOCK_FLUSH && !result && op->writes > nbd->writes_flushed)
		nbd->writes_flushed = op->writes;
	/* Its failure may be the one report of earlier writes' loss. */
	if (result && !nbd->lost &&
	    (request->op == BLOCK_FLUSH || (request->through && nbd->writes_done != nbd->writes_flushed)))
		nbd->lost = result;
	if ((request->op == BLOCK_WRITE || request->op == BLOCK_WRITE_ZEROES) && !request->through)
		nbd->writes_done++;
	nbd->bounced -= op->bounce_size;
	free(op->bounce);
	free(op);
	return result;
}

/* The next ended operation, one whose flush is still to come excepted; NULL if there is none. */
static struct nbd_op *next_ended(struct block_nbd *nbd)
{
	struct nbd_op *op;

	while ((op = nbd->ended)) {
		nbd->ended = op->next;
		if (!op->then_flush || op->error)
			return op;
		op->then_flush = false;
		op->next = nbd->active;
		nbd->active = op;
		op->commands = 1;
		send_flush(op);
		drop_command(op, 0);
	}
	return NULL;
}

/* Waiting for an answer: deterministic mode, disks with a snapshot, and before and after all threads. */

static int nbd_run(struct block_backend *backend, struct block_request *request)
{
	struct block_nbd *nbd = nbd_of(backend);
	struct nbd_op *op, *mine;
	int result;

	mine = begin(nbd, request, &result);
	if (!mine)
		return result;
	while (!(op = next_ended(nbd))) {
		if (!step(nbd->handle, now_ms() + ANSWER_MS))
			disconnect(nbd, -ETIMEDOUT);
		else if (is_broken(nbd))
			disconnect(nbd, -ENOTCONN);
	}
	result = take_result(op); /* there is only one */
	if (nbd->handle && is_broken(nbd))
		disconnect(nbd, -ENOTCONN);
	return result;
}

/* Answers by the loop. */

static void start_request(struct block_nbd *nbd, struct block_request *request);

/* After anything that may have ended operations, moved the connection or made room. */
static void settle(struct block_nbd *nbd)
{
	struct nbd_op *op;

	if (nbd->handle && is_broken(nbd))
		disconnect(nbd, -ENOTCONN);
	while ((op = next_ended(nbd))) {
		struct block_request *request = op->request;

		block_finish(request, take_result(op));
		if (nbd->handle && is_broken(nbd))
			disconnect(nbd, -ENOTCONN);
	}
	update_events(nbd);
}

static void arm_timer(struct block_nbd *nbd)
{
	const struct itimerspec spec = { .it_value.tv_sec = ANSWER_MS / MS_PER_S };

	if (nbd->timer_armed)
		return;
	nbd->timer_armed = true;
	nbd->answers_seen = nbd->answers;
	timerfd_settime(nbd->timer.fd, 0, &spec, NULL);
}

/* Whether @request may go now: at least one goes, however large. */
static bool has_room(const struct block_nbd *nbd, const struct block_request *request)
{
	return !nbd->bounced || !needs_bounce(nbd, request) || nbd->bounced + request->size <= BOUNCE_MAX;
}

static void start_request(struct block_nbd *nbd, struct block_request *request)
{
	int result;

	if (begin(nbd, request, &result))
		arm_timer(nbd);
	else
		block_finish(request, result);
}

static void start_waiting(struct block_nbd *nbd)
{
	struct block_request *request;

	while ((request = nbd->waiting.first) && has_room(nbd, request)) {
		nbd->waiting.first = request->next;
		if (!nbd->waiting.first)
			nbd->waiting.last = &nbd->waiting.first;
		start_request(nbd, request);
		settle(nbd);
	}
}

static void nbd_start(struct block_backend *backend, struct block_request *request)
{
	struct block_nbd *nbd = nbd_of(backend);

	request->next = NULL;
	*nbd->waiting.last = request;
	nbd->waiting.last = &request->next;
	start_waiting(nbd);
}

static void connection_ready(void *opaque, uint32_t events)
{
	struct block_nbd *nbd = opaque;
	unsigned direction = nbd_aio_get_direction(nbd->handle);

	if (direction & LIBNBD_AIO_DIRECTION_READ && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		nbd_aio_notify_read(nbd->handle);
	else if (direction & LIBNBD_AIO_DIRECTION_WRITE)
		nbd_aio_notify_write(nbd->handle);
	settle(nbd);
	start_waiting(nbd);
}

static void timer_ready(void *opaque, uint32_t events)
{
	struct block_nbd *nbd = opaque;
	uint64_t expirations;

	if (read(nbd->timer.fd, &expirations, sizeof(expirations)) < 0)
		return;
	nbd->timer_armed = false;
	if (nbd->active && nbd->answers == nbd->answers_seen)
		disconnect(nbd, -ETIMEDOUT);
	settle(nbd);
	start_waiting(nbd);
	if (nbd->active)
		arm_timer(nbd);
}

static int nbd_attach(struct block_backend *backend, struct event_loop *loop)
{
	struct block_nbd *nbd = nbd_of(backend);
	int err;

	nbd->source = (struct event_fd){ .fd = -1, .fn = connection_ready, .opaque = nbd };
	nbd->timer = (struct event_fd){ .events = EPOLLIN, .fn = timer_ready, .opaque = nbd };
	nbd->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (nbd->timer.fd < 0)
		return -errno;
	err = event_loop_add_fd(loop, &nbd->timer);
	if (err) {
		close(nbd->timer.fd);
		return err;
	}
	nbd->loop = loop;
	update_events(nbd);
	return 0;
}

static void nbd_detach(struct block_backend *backend)
{
	struct block_nbd *nbd = nbd_of(backend);

	if (!nbd->loop)
		return;
	unwatch(nbd);
	event_loop_remove_fd(nbd->loop, &nbd->timer);
	close(nbd->timer.fd);
	nbd->loop = NULL;
}

static const char *nbd_explain(struct block_backend *backend, int err)
{
	switch (err) {
	case -ENOTCONN:
		return "the NBD server is gone";
	case -ETIMEDOUT:
		return "the NBD server does not answer";
	case -EIO:
		return "the NBD server failed, or lost what was written before";
	default:
		return NULL;
	}
}

static void nbd_close_backend(struct block_backend *backend)
{
	struct block_nbd *nbd = nbd_of(backend);

	if (nbd->handle) {
		nbd_aio_disconnect(nbd->handle, 0); /* so that the server need not wonder */
		nbd_close(nbd->handle);
	}
	nbd_address_free(&nbd->address);
	free(nbd);
}

static const struct block_backend_ops nbd_ops = {
	.run = nbd_run,
	.start = nbd_start,
	.attach = nbd_attach,
	.detach = nbd_detach,
	.explain = nbd_explain,
	.close = nbd_close_backend,
};

int block_nbd_open(struct block_backend **backend, const char *name, bool write, char *error,
		   size_t error_size)
{
	struct block_nbd *nbd = calloc(1, sizeof(*nbd));
	int err;

	if (!nbd)
		return block_fail(error, error_size, -ENOMEM, "out of memory for disk '%s'", name);
	nbd->backend = (struct block_backend){ .ops = &nbd_ops, .name = name, .read_only = !write };
	nbd->waiting.last = &nbd->waiting.first;
	err = nbd_address_parse(&nbd->address, name, error, error_size);
	if (!err)
		err = open_connection(nbd, error, error_size);
	if (err)
		nbd_close_backend(&nbd->backend);
	else
		*backend = &nbd->backend;
	return err;
}
