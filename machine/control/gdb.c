/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The GDB stub's socket: clients come and go, bytes to and from the session (gdb_impl.h). */
#include "machine/control/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "machine/control/gdb_impl.h"

#define OUT_MUCH 0x10000 /* bytes that wait for the client: its next packets wait, too */

struct gdb {
	struct control *control;
	struct gdb_session session;
	struct event_fd listener, client; /* fd -1: not open */
	uint8_t in[4096];
	size_t in_at, in_size;
	struct event_work look;
	struct machine_listener events;
	_Atomic bool ended;
};

static void watch(struct gdb *gdb, struct event_fd *source, uint32_t events)
{
	if (source->events == events)
		return;
	if (source->events)
		event_loop_remove_fd(&gdb->control->loop, source);
	source->events = events;
	if (events)
		event_loop_add_fd(&gdb->control->loop, source);
}

static void client_close(struct gdb *gdb)
{
	if (gdb->client.fd < 0)
		return;
	watch(gdb, &gdb->client, 0);
	close(gdb->client.fd);
	gdb->client.fd = -1;
	gdb_session_detach(&gdb->session);
	/* The next client may come. */
	watch(gdb, &gdb->listener, EPOLLIN);
}

/* Writes what the socket takes.  False: the client is gone. */
static bool client_write(struct gdb *gdb)
{
	struct gdb_bytes *out = &gdb->session.out;
	size_t done = 0;

	if (out->failed)
		return false;
	while (done < out->size) {
		ssize_t n = send(gdb->client.fd, out->data + done, out->size - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		done += (size_t)n;
	}
	if (done)
		memmove(out->data, out->data + done, out->size - done);
	out->size -= done;
	return true;
}

/* Handles what has been read, as long as the client takes the answers. */
static void client_handle(struct gdb *gdb)
{
	while (gdb->in_at < gdb->in_size && gdb->session.out.size < OUT_MUCH)
		gdb_session_byte(&gdb->session, gdb->in[gdb->in_at++]);
}

/* After anything that may have made output or room for it. */
static void client_update(struct gdb *gdb)
{
	if (gdb->client.fd < 0)
		return;
	do {
		client_handle(gdb);
		if (!client_write(gdb)) {
			client_close(gdb);
			return;
		}
	} while (gdb->in_at < gdb->in_size && gdb->session.out.size < OUT_MUCH);
	watch(gdb, &gdb->client, gdb->session.out.size ? EPOLLOUT : EPOLLIN);
}

static void client_ready(void *opaque, uint32_t events)
{
	struct gdb *gdb = opaque;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && gdb->in_at == gdb->in_size) {
		ssize_t n = recv(gdb->client.fd, gdb->in, sizeof(gdb->in), 0);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			client_close(gdb);
			return;
		}
		gdb->in_at = 0;
		gdb->in_size = n > 0 ? (size_t)n : 0;
	}
	client_update(gdb);
}

/* A client may be quicker than machine_run(), whose reset it is not to see. */
static bool machine_has_begun(struct machine *machine)
{
	bool begun;

	pthread_mutex_lock(&machine->lock);
	begun = machine->running || machine->result.end != MACHINE_RUNNING;
	pthread_mutex_unlock(&machine->lock);
	return begun;
}

static void wait_for_machine(struct gdb *gdb)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (!machine_has_begun(gdb->control->machine) && !atomic_load(&gdb->control->loop.stopping))
		nanosleep(&pause, NULL);
}

static void client_comes(void *opaque, uint32_t events)
{
	struct gdb *gdb = opaque;
	int fd = accept4(gdb->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;

	if (fd < 0)
		return;
	wait_for_machine(gdb);
	if (atomic_load(&gdb->ended)) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* Another one waits in the queue until this one goes. */
	watch(gdb, &gdb->listener, 0);
	gdb->client.fd = fd;
	gdb->in_at = gdb->in_size = 0;
	gdb_session_attach(&gdb->session);
	watch(gdb, &gdb->client, EPOLLIN);
}

/* On the control thread, after a core stopped or something happened to the machine. */
static void look(void *opaque)
{
	struct gdb *gdb = opaque;

	gdb_session_look(&gdb->session, atomic_load(&gdb->ended), &gdb->control->machine->result);
	client_update(gdb);
}

static void core_stopped(void *opaque)
{
	struct gdb *gdb = opaque;

	event_loop_post(&gdb->control->loop, &gdb->look);
}

static void machine_happening(void *opaque, enum machine_event event)
{
	struct gdb *gdb = opaque;

	if (event == MACHINE_EVENT_SHUTDOWN)
		atomic_store(&gdb->ended, true);
	event_loop_post(&gdb->control->loop, &gdb->look);
}

/* The listening socket, its port in *@port; or a negative errno. */
static int listen_on(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(*port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&address, &size)) {
		err = -errno;
		close(fd);
		return err;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

int gdb_open(struct gdb **out, struct control *control, uint16_t port, char *error, size_t error_size)
{
	struct gdb *gdb = calloc(1, sizeof(*gdb));
	int fd = gdb ? listen_on(&port) : -ENOMEM;

	if (fd < 0) {
		snprintf(error, error_size, "GDB cannot be given port %u: %s", port, strerror(-fd));
		free(gdb);
		return fd;
	}
	gdb->control = control;
	gdb_session_init(&gdb->session, control->machine, control);
	gdb->session.debugger.stopped = core_stopped;
	gdb->session.debugger.opaque = gdb;
	gdb->client = (struct event_fd){ .fd = -1, .fn = client_ready, .opaque = gdb };
	gdb->listener = (struct event_fd){ .fd = fd, .fn = client_comes, .opaque = gdb };
	event_work_init(&gdb->look, look, gdb);
	gdb->events = (struct machine_listener){ .fn = machine_happening, .opaque = gdb };
	machine_listen(control->machine, &gdb->events);
	watch(gdb, &gdb->listener, EPOLLIN);
	fprintf(stderr, "bixi: GDB: connect with `target remote :%u`\n", port);
	*out = gdb;
	return 0;
}

void gdb_close(struct gdb *gdb)
{
	if (!gdb)
		return;
	if (gdb->client.fd >= 0)
		close(gdb->client.fd);
	close(gdb->listener.fd);
	if (gdb->session.attached)
		machine_debug_detach(gdb->session.machine);
	gdb_bytes_free(&gdb->session.reply);
	gdb_bytes_free(&gdb->session.out);
	gdb_bytes_free(&gdb->session.last);
	free(gdb);
}
