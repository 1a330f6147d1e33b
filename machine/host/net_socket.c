/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * "socket=PATH": a cable to another machine by a Unix stream socket.  A frame is its length, four bytes, most
 * significant first, and its bytes: what QEMU's "-netdev stream" and passt speak.  Whoever comes first
 * listens, the other connects; when one vanishes the link is down until there is one again, and either may be
 * the one that listens then.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "machine/host/net_impl.h"

#define RETRY_NS    (UINT64_C(250) * 1000000)
#define PATIENCE_NS (UINT64_C(1000) * 1000000) /* how long the guest waits for a peer that does not read */
#define LENGTH_SIZE 4
#define OUTPUT_SIZE (1u << 20)	 /* bytes that wait for the peer */
#define OUTPUT_ROOM (256u << 10) /* of them free: what a card sends in one go has its place */
#define INPUT_SIZE  (256u << 10)

struct net_socket {
	struct net net;
	struct sockaddr_un address;
	struct event_fd listener, peer; /* fd -1: none */
	bool reading, writing;		/* what peer is watched for */
	struct clock_timer retry;  /* without a peer: look for one; with one: do not wait for it any longer */
	uint8_t input[INPUT_SIZE]; /* read and not delivered yet: [input_at, input_end) */
	size_t input_at, input_end;
	uint8_t output[OUTPUT_SIZE]; /* to be written: [output_at, output_end) */
	size_t output_at, output_end;
	bool client_waits; /* net_can_send() was false */
	bool stalled;	   /* the peer does not read: what has no room is lost, as on a wire */
};

static void join_later(struct net_socket *sock)
{
	clock_timer_set(sock->net.clock, &sock->retry, clock_now(sock->net.clock) + RETRY_NS);
}

/* Watches the peer for what is of use now. */
static void watch_peer(struct net_socket *sock)
{
	const bool reading = !sock->net.blocked, writing = sock->output_at < sock->output_end;

	if (sock->peer.fd < 0 || (reading == sock->reading && writing == sock->writing))
		return;
	if (sock->reading || sock->writing)
		event_loop_remove_fd(sock->net.loop, &sock->peer);
	sock->reading = reading;
	sock->writing = writing;
	sock->peer.events = (reading ? EPOLLIN : 0u) | (writing ? EPOLLOUT : 0u);
	if (sock->peer.events)
		event_loop_add_fd(sock->net.loop, &sock->peer);
}

static void set_peer(struct net_socket *sock, int fd)
{
	sock->peer.fd = fd;
	sock->stalled = false;
	sock->input_at = sock->input_end = sock->output_at = sock->output_end = 0;
	watch_peer(sock);
	net_set_link(&sock->net, true);
}

static void let_client_send(struct net_socket *sock)
{
	if (!sock->client_waits)
		return;
	sock->client_waits = false;
	clock_timer_cancel(sock->net.clock, &sock->retry);
	sock->net.client.can_send(sock->net.client.opaque);
}

/* The peer is gone: the link is down until there is another. */
static void lose_peer(struct net_socket *sock)
{
	if (sock->reading || sock->writing)
		event_loop_remove_fd(sock->net.loop, &sock->peer);
	close(sock->peer.fd);
	sock->peer.fd = -1;
	sock->reading = sock->writing = false;
	sock->net.merge.size = 0;
	net_set_link(&sock->net, false);
	let_client_send(sock);
	if (sock->listener.fd < 0)
		join_later(sock);
}

/* Frames. */

/* Delivers the whole frames of input.  False: the peer does not speak this language. */
static bool deliver_input(struct net_socket *sock)
{
	while (!sock->net.blocked && sock->input_end - sock->input_at >= LENGTH_SIZE) {
		const uint8_t *at = sock->input + sock->input_at;
		size_t size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];

		if (size > NET_FRAME_MAX)
			return false;
		if (sock->input_end - sock->input_at - LENGTH_SIZE < size)
			break;
		sock->input_at += LENGTH_SIZE + size;
		net_deliver(&sock->net, at + LENGTH_SIZE, size);
	}
	net_deliver_end(&sock->net);
	return true;
}

/* False: the peer is gone. */
static bool read_input(struct net_socket *sock)
{
	ssize_t size;

	if (!deliver_input(sock))
		return false;
	if (sock->net.blocked)
		return true;
	memmove(sock->input, sock->input + sock->input_at, sock->input_end - sock->input_at);
	sock->input_end -= sock->input_at;
	sock->input_at = 0;
	/* There is room: a whole frame is never left over, and a frame is shorter than the buffer. */
	size = recv(sock->peer.fd, sock->input + sock->input_end, INPUT_SIZE - sock->input_end, MSG_DONTWAIT);
	if (size < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!size)
		return false;
	sock->input_end += (size_t)size;
	return deliver_input(sock);
}

/* False: the peer is gone. */
static bool write_output(struct net_socket *sock)
{
	while (sock->output_at < sock->output_end) {
		ssize_t size = send(sock->peer.fd, sock->output + sock->output_at,
				    sock->output_end - sock->output_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN;
		sock->output_at += (size_t)size;
	}
	sock->output_at = sock->output_end = 0;
	return true;
}

static bool has_room(const struct net_socket *sock)
{
	return OUTPUT_SIZE - (sock->output_end - sock->output_at) >= OUTPUT_ROOM;
}

static void peer_ready(void *opaque, uint32_t events)
{
	struct net_socket *sock = opaque;

	if ((events & EPOLLOUT && !write_output(sock)) ||
	    (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !read_input(sock))) {
		lose_peer(sock);
		return;
	}
	watch_peer(sock);
	if (has_room(sock)) {
		sock->stalled = false;
		let_client_send(sock);
	}
}

static void put_frame(void *opaque, const uint8_t *frame, size_t size)
{
	struct net_socket *sock = opaque;
	uint8_t *to;

	if (OUTPUT_SIZE - sock->output_end < LENGTH_SIZE + size && sock->output_at) {
		memmove(sock->output, sock->output + sock->output_at, sock->output_end - sock->output_at);
		sock->output_end -= sock->output_at;
		sock->output_at = 0;
	}
	if (OUTPUT_SIZE - sock->output_end < LENGTH_SIZE + size)
		return; /* the peer is stalled, or it is a packet of thousands of tiny segments */
	to = sock->output + sock->output_end;
	to[0] = to[1] = 0;
	to[1] = (uint8_t)(size >> 16);
	to[2] = (uint8_t)(size >> 8);
	to[3] = (uint8_t)size;
	memcpy(to + LENGTH_SIZE, frame, size);
	sock->output_end += LENGTH_SIZE + size;
}

static bool socket_can_send(struct net *net)
{
	struct net_socket *sock = (struct net_socket *)net;

	if (sock->peer.fd < 0 || sock->stalled || has_room(sock))
		return true;
	if (!sock->client_waits)
		clock_timer_set(net->clock, &sock->retry, clock_now(net->clock) + PATIENCE_NS);
	sock->client_waits = true;
	return false;
}

static void socket_send(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size)
{
	net_segment(offload, frame, size, put_frame, net);
}

static void socket_send_end(struct net *net)
{
	struct net_socket *sock = (struct net_socket *)net;

	if (sock->peer.fd < 0 || sock->output_at == sock->output_end)
		return;
	if (write_output(sock))
		watch_peer(sock);
	else
		lose_peer(sock);
}

static void socket_unblock(struct net *net)
{
	struct net_socket *sock = (struct net_socket *)net;

	if (sock->peer.fd >= 0 && !deliver_input(sock))
		lose_peer(sock);
	watch_peer(sock);
}

/* Finding each other. */

static void listener_ready(void *opaque, uint32_t events)
{
	struct net_socket *sock = opaque;
	int fd = accept4(sock->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (sock->peer.fd < 0)
		set_peer(sock, fd);
	else
		close(fd); /* a cable has two ends */
}

/* Listens at the address, where nobody does.  0 or a negative errno. */
static int become_listener(struct net_socket *sock)
{
	const struct sockaddr *address = (const struct sockaddr *)&sock->address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, address, sizeof(sock->address)) || listen(fd, 1)) {
		err = -errno;
		close(fd);
		return err;
	}
	sock->listener.fd = fd;
	return event_loop_add_fd(sock->net.loop, &sock->listener);
}

/* Connects to who listens, or removes what a vanished listener left and listens.  0 or a negative errno. */
static int connect_or_listen(struct net_socket *sock)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&sock->address, sizeof(sock->address)) == 0) {
		set_peer(sock, fd);
		return 0;
	}
	err = -errno;
	close(fd);
	if (err == -ECONNREFUSED) {
		if (lstat(sock->address.sun_path, &st) || !S_ISSOCK(st.st_mode))
			return -ENOTSOCK;
		if (unlink(sock->address.sun_path))
			return -errno;
	} else if (err != -ENOENT) {
		return err;
	}
	return become_listener(sock);
}

/* A lock on the directory keeps two machines from both removing a stale socket and listening. */
static int join(struct net_socket *sock)
{
	char path[sizeof(sock->address.sun_path)];
	int directory, err;

	strcpy(path, sock->address.sun_path);
	directory = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	err = flock(directory, LOCK_EX | LOCK_NB) ? -EAGAIN : connect_or_listen(sock);
	close(directory);
	return err;
}

static void retry_due(void *opaque)
{
	struct net_socket *sock = opaque;

	if (sock->client_waits) {
		sock->stalled = true;
		let_client_send(sock);
	}
	if (sock->peer.fd < 0 && sock->listener.fd < 0 && join(sock))
		join_later(sock);
}

static void socket_close(struct net *net)
{
	struct net_socket *sock = (struct net_socket *)net;

	clock_timer_cancel(net->clock, &sock->retry);
	if (sock->listener.fd >= 0) {
		event_loop_remove_fd(net->loop, &sock->listener);
		unlink(sock->address.sun_path);
		close(sock->listener.fd);
	}
	if (sock->peer.fd < 0)
		return;
	write_output(sock);
	if (sock->reading || sock->writing)
		event_loop_remove_fd(net->loop, &sock->peer);
	close(sock->peer.fd);
}

static const struct net_ops socket_ops = {
	.close = socket_close,
	.can_send = socket_can_send,
	.send = socket_send,
	.send_end = socket_send_end,
	.unblock = socket_unblock,
};

int net_socket_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		    const struct net_error *error)
{
	struct net_socket *sock = net_alloc(sizeof(*sock), &socket_ops, loop, clock);
	int err;

	if (!sock)
		return net_fail(error, -ENOMEM, "out of memory for the network");
	sock->listener = (struct event_fd){ -1, EPOLLIN, listener_ready, sock };
	sock->peer = (struct event_fd){ -1, 0, peer_ready, sock };
	clock_timer_init(&sock->retry, retry_due, sock);
	sock->address.sun_family = AF_UNIX;
	if (strlen(argument) >= sizeof(sock->address.sun_path)) {
		net_close(&sock->net);
		return net_fail(error, -ENAMETOOLONG, "the path is longer than %zu characters",
				sizeof(sock->address.sun_path) - 1);
	}
	strcpy(sock->address.sun_path, argument);
	err = join(sock);
	if (err == -EAGAIN) { /* another machine is just doing the same */
		join_later(sock);
		err = 0;
	}
	if (err) {
		net_close(&sock->net);
		return net_fail(error, err, "%s",
				err == -ENOTSOCK ? "there is a file of that name that is not a socket"
						 : strerror(-err));
	}
	*net = &sock->net;
	return 0;
}
