/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Character devices (chardev.h): moving data.  Output goes through a ring buffer that is written out at once
 * if the reader is ready and from the event loop otherwise.  How each kind is opened: chardev_open.c.
 */
#include "machine/host/chardev.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine/host/chardev_impl.h"
#include "machine/host/terminal.h"

#define KEY_ESCAPE    0x01 /* Ctrl-a */
#define FULL_WAIT_MS  100  /* chardev_write_all(): how long a full buffer may hold the caller */
#define CLOSE_WAIT_MS 2000 /* chardev_close(): how long without progress */
#define SHARED_CHUNK  256  /* a terminal that polls writable has room for this much */
#define ESCAPE_HELP                                                                                          \
	"\r\nCtrl-a x  stop the machine and exit\r\n"                                                        \
	"Ctrl-a c  to the monitor, and back\r\n"                                                             \
	"Ctrl-a h  this help\r\n"                                                                            \
	"Ctrl-a Ctrl-a  send Ctrl-a to the guest\r\n"

/* Output. */

static bool is_ready_for_output(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	return poll(&poll_fd, 1, timeout_ms) > 0;
}

static ssize_t write_some(struct chardev *cd, const uint8_t *data, size_t size)
{
	switch (cd->out) {
	case CHARDEV_OUT_SOCKET:
		return send(cd->out_fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	case CHARDEV_OUT_SHARED:
		if (!is_ready_for_output(cd->out_fd, 0)) {
			errno = EAGAIN;
			return -1;
		}
		return write(cd->out_fd, data, size < SHARED_CHUNK ? size : SHARED_CHUNK);
	default:
		return write(cd->out_fd, data, size);
	}
}

/* The reader is gone or the file cannot grow.  Lock held. */
static void output_failed(struct chardev *cd, int error)
{
	if (cd->out == CHARDEV_OUT_FILE && !cd->write_failed) {
		cd->write_failed = true;
		fprintf(stderr, "bixi: cannot write to '%s': %s; console output is lost\n",
			cd->where ? cd->where : "standard output", strerror(error));
	}
	if (cd->out != CHARDEV_OUT_FILE && cd->out != CHARDEV_OUT_SOCKET)
		cd->out = CHARDEV_OUT_NONE;
	cd->used = 0;
}

/* Writes what the reader takes without waiting; true if it took something.  Lock held. */
static bool drain(struct chardev *cd)
{
	bool progress = false;

	while (cd->used) {
		size_t run = CHARDEV_BUFFER - cd->head;
		ssize_t n = write_some(cd, cd->buffer + cd->head, cd->used < run ? cd->used : run);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			output_failed(cd, n ? errno : EIO);
			return true;
		}
		cd->head = (cd->head + (size_t)n) % CHARDEV_BUFFER;
		cd->used -= (size_t)n;
		progress = true;
	}
	if (progress)
		cd->stalled = false;
	return progress;
}

static void unwatch_output(struct chardev *cd)
{
	if (cd->output_watched)
		event_loop_remove_fd(cd->loop, &cd->output);
	cd->output_watched = false;
}

/* Lock held.  Any thread may start watching, only the loop's stops it. */
static void watch_output(struct chardev *cd)
{
	if (cd->output_watched || !cd->used)
		return;
	cd->output.fd = cd->out_fd;
	cd->output.events = EPOLLOUT;
	cd->output_watched = event_loop_add_fd(cd->loop, &cd->output) == 0;
}

static void output_ready(void *opaque, uint32_t events)
{
	struct chardev *cd = opaque;
	bool tell;

	pthread_mutex_lock(&cd->lock);
	drain(cd);
	if (!cd->used)
		unwatch_output(cd);
	tell = cd->client_waits && cd->used < CHARDEV_BUFFER / 2;
	if (tell)
		cd->client_waits = false;
	pthread_mutex_unlock(&cd->lock);
	if (tell && cd->client.can_write)
		cd->client.can_write(cd->client.opaque);
}

/* Copies into the ring what fits; returns how much.  Lock held. */
static size_t buffer_put(struct chardev *cd, const uint8_t *data, size_t size)
{
	size_t room = CHARDEV_BUFFER - cd->used;
	size_t tail = (cd->head + cd->used) % CHARDEV_BUFFER;
	size_t run = CHARDEV_BUFFER - tail;

	if (size > room)
		size = room;
	if (run > size)
		run = size;
	memcpy(cd->buffer + tail, data, run);
	memcpy(cd->buffer, data + run, size - run);
	cd->used += size;
	return size;
}

size_t chardev_write(struct chardev *cd, const void *data, size_t size)
{
	size_t taken = size;

	if (cd->lossy) {
		chardev_write_all(cd, data, size);
		return size;
	}
	pthread_mutex_lock(&cd->lock);
	if (cd->out != CHARDEV_OUT_NONE) {
		taken = buffer_put(cd, data, size);
		drain(cd);
		if (taken < size)
			taken += buffer_put(cd, (const uint8_t *)data + taken, size - taken);
		cd->client_waits = taken < size;
		watch_output(cd);
	}
	pthread_mutex_unlock(&cd->lock);
	return taken;
}

/* The buffer is full: waits a while for the reader, then makes room by force.  Lock held. */
static void make_room(struct chardev *cd, size_t want)
{
	size_t drop;

	if (drain(cd))
		return;
	if (!cd->stalled && is_ready_for_output(cd->out_fd, FULL_WAIT_MS) && drain(cd))
		return;
	cd->stalled = true;
	drop = want < cd->used ? want : cd->used;
	cd->head = (cd->head + drop) % CHARDEV_BUFFER;
	cd->used -= drop;
	cd->dropped += drop;
}

void chardev_write_all(struct chardev *cd, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	pthread_mutex_lock(&cd->lock);
	while (size && cd->out != CHARDEV_OUT_NONE) {
		size_t n = buffer_put(cd, bytes, size);

		bytes += n;
		size -= n;
		if (size)
			make_room(cd, size);
	}
	if (cd->out != CHARDEV_OUT_NONE) {
		drain(cd);
		watch_output(cd);
	}
	pthread_mutex_unlock(&cd->lock);
}

/* Input.  All on the loop's thread. */

static void unwatch_input(struct chardev *cd)
{
	if (cd->input_watched)
		event_loop_remove_fd(cd->loop, &cd->input);
	cd->input_watched = false;
}

static void watch_input(struct chardev *cd)
{
	int err;

	if (cd->input_watched || cd->in_fd < 0)
		return;
	if (cd->input_always) {
		event_loop_post(cd->loop, &cd->input_work);
		return;
	}
	cd->input.fd = cd->in_fd;
	cd->input.events = EPOLLIN;
	err = event_loop_add_fd(cd->loop, &cd->input);
	if (err == -EPERM) {
		cd->input_always = true;
		event_loop_post(cd->loop, &cd->input_work);
	}
	cd->input_watched = err == 0;
}

/* What a client takes now; if that is nothing, chardev_input_ready() will say when it is more. */
static size_t client_room(struct chardev *cd, const struct chardev_client *client)
{
	size_t room = client->can_receive(client->opaque);

	if (!room) {
		atomic_store(&cd->input_paused, true);
		/* Room made before the store was not announced to us. */
		room = client->can_receive(client->opaque);
	}
	return room;
}

/* Hands to the guest what was typed for it, as far as it takes that. */
static void hand_on_typed(struct chardev *cd)
{
	size_t done = 0;

	while (done < cd->typed_size) {
		size_t room = client_room(cd, &cd->client);
		size_t size = cd->typed_size - done < room ? cd->typed_size - done : room;

		if (!size)
			break;
		cd->client.receive(cd->client.opaque, cd->typed + done, size);
		done += size;
	}
	cd->typed_size -= done;
	memmove(cd->typed, cd->typed + done, cd->typed_size);
}

static void switch_input(struct chardev *cd)
{
	if (!cd->has_monitor)
		return;
	cd->monitor_has_input = !cd->monitor_has_input;
	if (cd->monitor.connected)
		cd->monitor.connected(cd->monitor.opaque, cd->monitor_has_input);
}

/* One key after Ctrl-a that is not for the client. */
static void escape_key(struct chardev *cd, uint8_t key)
{
	switch (key) {
	case 'x':
		if (cd->keys.exit)
			cd->keys.exit(cd->keys.opaque);
		break;
	case 'c':
		switch_input(cd);
		break;
	case 'h':
	case '?':
		chardev_write_all(cd, ESCAPE_HELP, sizeof(ESCAPE_HELP) - 1);
		break;
	default:
		break;
	}
}

/* A key for whoever has the input; one too many for a guest that takes none is answered by a bell. */
static void client_key(struct chardev *cd, uint8_t key)
{
	if (cd->monitor_has_input) {
		if (cd->monitor.can_receive(cd->monitor.opaque))
			cd->monitor.receive(cd->monitor.opaque, &key, 1);
	} else if (cd->typed_size < CHARDEV_INPUT) {
		cd->typed[cd->typed_size++] = key;
	} else {
		chardev_write_all(cd, "\a", 1);
	}
}

/* Tells the escape keys from the others. */
static void take_keys(struct chardev *cd, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!cd->escape && data[i] == KEY_ESCAPE) {
			cd->escape = true;
			continue;
		}
		if (cd->escape && data[i] != KEY_ESCAPE)
			escape_key(cd, data[i]);
		else
			client_key(cd, data[i]);
		cd->escape = false;
	}
	hand_on_typed(cd);
}

static void tell_connected(struct chardev *cd, bool here)
{
	if (cd->client.connected)
		cd->client.connected(cd->client.opaque, here);
}

static void watch_listener(struct chardev *cd)
{
	if (cd->listener_watched)
		return;
	cd->listener.fd = cd->listen_fd;
	cd->listener.events = EPOLLIN;
	cd->listener_watched = event_loop_add_fd(cd->loop, &cd->listener) == 0;
}

/* The peer is gone: back to listening, or the end of input. */
static void disconnect(struct chardev *cd)
{
	bool tell;

	unwatch_input(cd);
	if (cd->listen_fd < 0) {
		cd->in_fd = -1; /* standard input: not ours to close */
		return;
	}
	pthread_mutex_lock(&cd->lock);
	unwatch_output(cd);
	close(cd->in_fd);
	close(cd->out_fd);
	cd->in_fd = cd->out_fd = -1;
	cd->out = CHARDEV_OUT_NONE;
	cd->used = 0;
	tell = cd->client_waits;
	cd->client_waits = false;
	pthread_mutex_unlock(&cd->lock);
	watch_listener(cd);
	tell_connected(cd, false);
	if (tell && cd->client.can_write)
		cd->client.can_write(cd->client.opaque);
}

void chardev_disconnect(struct chardev *cd)
{
	if (cd->listen_fd >= 0 && cd->in_fd >= 0)
		disconnect(cd);
}

/*
 * How many bytes may be read.  A terminal's keys are always looked at, however little the guest takes, as
 * an escape key may be among them.
 */
static size_t input_room(struct chardev *cd)
{
	size_t room;

	atomic_store(&cd->input_paused, false);
	if (!cd->has_keys)
		return client_room(cd, &cd->client);
	hand_on_typed(cd);
	if (cd->monitor_has_input)
		return client_room(cd, &cd->monitor);
	room = CHARDEV_INPUT - cd->typed_size;
	return !room && cd->raw_terminal ? 1 : room;
}

static void input_ready(void *opaque, uint32_t events)
{
	struct chardev *cd = opaque;
	size_t room = input_room(cd);
	uint8_t data[CHARDEV_INPUT];
	ssize_t n;

	if (!room) {
		unwatch_input(cd);
		return;
	}
	n = read(cd->in_fd, data, room < sizeof(data) ? room : sizeof(data));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		disconnect(cd);
		return;
	}
	if (cd->has_keys)
		take_keys(cd, data, (size_t)n);
	else
		cd->client.receive(cd->client.opaque, data, (size_t)n);
	watch_input(cd);
}

/* Starts, or after a pause goes on with, whatever brings input. */
static void input_continue(void *opaque)
{
	struct chardev *cd = opaque;

	if (!cd->announced && cd->listen_fd < 0) {
		cd->announced = true;
		tell_connected(cd, true);
	}
	hand_on_typed(cd);
	if (cd->in_fd >= 0 && cd->input_always)
		input_ready(cd, EPOLLIN);
	else if (cd->in_fd >= 0)
		watch_input(cd);
	else if (cd->listen_fd >= 0)
		watch_listener(cd);
}

void chardev_input_ready(struct chardev *cd)
{
	if (atomic_load(&cd->input_paused))
		event_loop_post(cd->loop, &cd->input_work);
}

static void start_connection(struct chardev *cd, int fd)
{
	int out = dup(fd); /* so that input and output are watched apart */

	if (out < 0) {
		close(fd);
		watch_listener(cd);
		return;
	}
	pthread_mutex_lock(&cd->lock);
	cd->in_fd = fd;
	cd->out_fd = out;
	cd->out = CHARDEV_OUT_SOCKET;
	cd->used = 0;
	cd->stalled = false;
	pthread_mutex_unlock(&cd->lock);
	tell_connected(cd, true);
	watch_input(cd);
}

static void connection_ready(void *opaque, uint32_t events)
{
	struct chardev *cd = opaque;
	int fd = accept4(cd->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	event_loop_remove_fd(cd->loop, &cd->listener); /* one client at a time */
	cd->listener_watched = false;
	start_connection(cd, fd);
}

void chardev_attach(struct chardev *cd, const struct chardev_client *client)
{
	cd->client = *client;
	cd->input.fn = input_ready;
	cd->input.opaque = cd;
	cd->output.fn = output_ready;
	cd->output.opaque = cd;
	cd->listener.fn = connection_ready;
	cd->listener.opaque = cd;
	event_work_init(&cd->input_work, input_continue, cd);
	event_loop_post(cd->loop, &cd->input_work);
}

void chardev_attach_monitor(struct chardev *cd, const struct chardev_client *monitor)
{
	cd->monitor = *monitor;
	cd->has_monitor = true;
}

const char *chardev_where(const struct chardev *cd)
{
	return cd->where;
}

/* Writes out the rest; gives up when the reader stands still, but for files and standard output. */
static void flush(struct chardev *cd)
{
	int wait = cd->patient ? -1 : cd->lossy ? FULL_WAIT_MS : CLOSE_WAIT_MS;

	while (cd->used && cd->out != CHARDEV_OUT_NONE)
		if (!drain(cd) && !is_ready_for_output(cd->out_fd, wait))
			break;
}

static void close_fd(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

void chardev_close(struct chardev *cd)
{
	if (!cd)
		return;
	pthread_mutex_lock(&cd->lock);
	unwatch_input(cd);
	unwatch_output(cd);
	if (cd->listener_watched)
		event_loop_remove_fd(cd->loop, &cd->listener);
	flush(cd);
	pthread_mutex_unlock(&cd->lock);
	if (cd->raw_terminal)
		terminal_restore();
	if (cd->dropped)
		fprintf(stderr, "bixi: %llu bytes of console output were dropped because nobody read '%s'\n",
			(unsigned long long)cd->dropped, cd->where ? cd->where : "standard output");
	close_fd(cd->in_fd);
	if (cd->out_fd != cd->in_fd)
		close_fd(cd->out_fd);
	close_fd(cd->listen_fd);
	close_fd(cd->slave_fd);
	if (cd->unlink_path)
		unlink(cd->unlink_path);
	pthread_mutex_destroy(&cd->lock);
	free(cd->unlink_path);
	free(cd->where);
	free(cd->buffer);
	free(cd);
}
