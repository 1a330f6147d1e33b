/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * "user": a network of the guest's own behind this process's sockets, by libslirp.  The guest is 10.0.2.15,
 * its gateway and the host 10.0.2.2, the name server 10.0.2.3, as with QEMU.  Slirp's descriptors sit in an
 * epoll set of their own, which the event loop watches; its clock is the machine's.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "machine/host/net_impl.h"

#define NS_PER_MS UINT64_C(1000000)
#define BATCH	  32
#define PORT_MAX  65535

/* What the event loop knows of a descriptor of slirp's; its index is the descriptor. */
struct watch {
	uint32_t events;    /* registered with epoll */
	uint32_t ready;	    /* what the last epoll_wait() said */
	bool added;	    /* events are registered, be they 0 */
	unsigned wanted_at; /* the round in which slirp last asked for it */
};

struct net_user {
	struct net net;
	Slirp *slirp;
	struct event_fd poll; /* the epoll set */
	bool polling;	      /* poll is watched by the loop */
	struct event_work refresh;
	struct clock_timer timer;
	struct watch *watch;
	unsigned watches;
	unsigned round;
};

struct user_timer {
	struct clock_timer timer;
	SlirpTimerCb fn;
	void *fn_opaque;
};

/* What slirp calls. */

static ssize_t send_packet(const void *frame, size_t size, void *opaque)
{
	struct net_user *user = opaque;

	net_deliver(&user->net, frame, size);
	return (ssize_t)size;
}

static void guest_error(const char *message, void *opaque)
{
}

static int64_t clock_get_ns(void *opaque)
{
	return (int64_t)clock_now(((struct net_user *)opaque)->net.clock);
}

static void timer_run(void *opaque)
{
	struct user_timer *timer = opaque;

	timer->fn(timer->fn_opaque);
}

static void *timer_new(SlirpTimerCb fn, void *fn_opaque, void *opaque)
{
	struct user_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		abort(); /* slirp has no way to be told, as with its own memory */
	timer->fn = fn;
	timer->fn_opaque = fn_opaque;
	clock_timer_init(&timer->timer, timer_run, timer);
	return timer;
}

static void timer_free(void *timer, void *opaque)
{
	clock_timer_cancel(((struct net_user *)opaque)->net.clock, &((struct user_timer *)timer)->timer);
	free(timer);
}

static void timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
	clock_timer_set(((struct net_user *)opaque)->net.clock, &((struct user_timer *)timer)->timer,
			(uint64_t)expire_ms * NS_PER_MS);
}

static void register_poll_fd(int fd, void *opaque)
{
}

/* Slirp is about to close it; its number may come again at once. */
static void unregister_poll_fd(int fd, void *opaque)
{
	struct net_user *user = opaque;

	if (fd < 0 || (unsigned)fd >= user->watches || !user->watch[fd].added)
		return;
	epoll_ctl(user->poll.fd, EPOLL_CTL_DEL, fd, NULL);
	user->watch[fd] = (struct watch){ 0 };
}

static void notify(void *opaque)
{
	struct net_user *user = opaque;

	event_loop_post(user->net.loop, &user->refresh);
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = register_poll_fd,
	.unregister_poll_fd = unregister_poll_fd,
	.notify = notify,
};

/* Descriptors. */

static struct watch *watch_of(struct net_user *user, int fd)
{
	if ((unsigned)fd >= user->watches) {
		const unsigned count = ((unsigned)fd + 64) & ~63u;
		struct watch *watch = realloc(user->watch, count * sizeof(*watch));

		if (!watch)
			return NULL;
		memset(watch + user->watches, 0, (count - user->watches) * sizeof(*watch));
		user->watch = watch;
		user->watches = count;
	}
	return &user->watch[fd];
}

/* Slirp asks for @fd; answers the index it gives to get_events(), -1 for never. */
static int add_poll(int fd, int events, void *opaque)
{
	struct net_user *user = opaque;
	struct watch *watch = fd < 0 ? NULL : watch_of(user, fd);
	struct epoll_event event = { .data.fd = fd };

	if (!watch)
		return -1;
	event.events = (events & SLIRP_POLL_IN ? EPOLLIN : 0u) | (events & SLIRP_POLL_OUT ? EPOLLOUT : 0u) |
		       (events & SLIRP_POLL_PRI ? EPOLLPRI : 0u);
	watch->wanted_at = user->round;
	if (watch->added && watch->events == event.events)
		return fd;
	if (epoll_ctl(user->poll.fd, watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
		return -1;
	watch->added = true;
	watch->events = event.events;
	return fd;
}

static int get_events(int index, void *opaque)
{
	const struct net_user *user = opaque;
	uint32_t ready;

	if (index < 0 || (unsigned)index >= user->watches)
		return 0;
	ready = user->watch[index].ready;
	return (ready & EPOLLIN ? SLIRP_POLL_IN : 0) | (ready & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (ready & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (ready & EPOLLERR ? SLIRP_POLL_ERR : 0) |
	       (ready & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

/* Nothing is read from the host while the guest has no room. */
static void set_polling(struct net_user *user, bool on)
{
	if (user->polling == on)
		return;
	user->polling = on;
	if (on)
		event_loop_add_fd(user->net.loop, &user->poll);
	else
		event_loop_remove_fd(user->net.loop, &user->poll);
}

/* The timer is moved only forward: one that fires too early just looks again. */
static void set_timer(struct net_user *user, uint32_t timeout_ms)
{
	const uint64_t deadline = clock_now(user->net.clock) + timeout_ms * NS_PER_MS;

	if (timeout_ms != UINT32_MAX && deadline < user->timer.deadline)
		clock_timer_set(user->net.clock, &user->timer, deadline);
}

/* Has slirp say which descriptors it waits for, and for how long. */
static void refresh(void *opaque)
{
	struct net_user *user = opaque;
	uint32_t timeout = UINT32_MAX;

	user->round++;
	slirp_pollfds_fill(user->slirp, &timeout, add_poll, user);
	for (unsigned fd = 0; fd < user->watches; fd++) {
		struct watch *watch = &user->watch[fd];

		if (!watch->added || watch->wanted_at == user->round)
			continue;
		epoll_ctl(user->poll.fd, EPOLL_CTL_DEL, (int)fd, NULL);
		*watch = (struct watch){ 0 };
	}
	set_timer(user, timeout);
	set_polling(user, !user->net.blocked);
}

/* Slirp works on what is ready. */
static void work(struct net_user *user)
{
	slirp_pollfds_poll(user->slirp, 0, get_events, user);
	net_deliver_end(&user->net);
	refresh(user);
}

static void poll_ready(void *opaque, uint32_t events)
{
	struct net_user *user = opaque;
	struct epoll_event ready[BATCH];
	int count = epoll_wait(user->poll.fd, ready, BATCH, 0);

	for (int i = 0; i < count; i++)
		user->watch[ready[i].data.fd].ready = ready[i].events;
	work(user);
	for (int i = 0; i < count; i++)
		user->watch[ready[i].data.fd].ready = 0;
}

static void timer_due(void *opaque)
{
	work(opaque);
}

/* What net.c calls. */

static void user_send(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size)
{
	struct net_user *user = (struct net_user *)net;

	/* Slirp takes a long TCP packet whole. */
	if (net_finish_checksum(offload, frame, size))
		slirp_input(user->slirp, frame, (int)size);
}

static void user_send_end(struct net *net)
{
	struct net_user *user = (struct net_user *)net;

	net_deliver_end(net);
	event_loop_post(net->loop, &user->refresh);
}

static void user_unblock(struct net *net)
{
	struct net_user *user = (struct net_user *)net;

	event_loop_post(net->loop, &user->refresh);
}

static void user_close(struct net *net)
{
	struct net_user *user = (struct net_user *)net;

	clock_timer_cancel(net->clock, &user->timer);
	if (user->slirp)
		slirp_cleanup(user->slirp);
	if (user->poll.fd >= 0) {
		set_polling(user, false);
		close(user->poll.fd);
	}
	free(user->watch);
}

static const struct net_ops user_ops = {
	.close = user_close,
	.send = user_send,
	.send_end = user_send_end,
	.unblock = user_unblock,
};

/* Opening. */

static bool parse_port(const char *text, int *port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !value || value > PORT_MAX)
		return false;
	*port = (int)value;
	return true;
}

/* "ADDRESS:PORT", either side of the '-'; an empty address leaves *address. */
static bool parse_endpoint(char *text, struct in_addr *address, int *port)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return false;
	*colon = 0;
	return (!*text || inet_pton(AF_INET, text, address) == 1) && parse_port(colon + 1, port);
}

static int add_forward(struct net_user *user, const char *rule, const struct net_error *error)
{
	struct in_addr host = { htonl(INADDR_LOOPBACK) }, guest = { 0 };
	int host_port, guest_port;
	bool udp = strncmp(rule, "udp:", 4) == 0;
	char text[80], *dash;

	snprintf(text, sizeof(text), "%s", rule + 4);
	dash = strchr(text, '-');
	if (dash)
		*dash = 0;
	if ((!udp && strncmp(rule, "tcp:", 4) != 0) || strlen(rule + 4) >= sizeof(text) || !dash ||
	    !parse_endpoint(text, &host, &host_port) || !parse_endpoint(dash + 1, &guest, &guest_port))
		return net_fail(error, -EINVAL,
				"'hostfwd=%s' is not a rule; write hostfwd=tcp:HOST:PORT-:PORT with IPv4 "
				"addresses and ports from 1 to 65535, or udp for tcp",
				rule);
	errno = 0;
	if (slirp_add_hostfwd(user->slirp, udp, host, host_port, guest, guest_port) == 0)
		return 0;
	return net_fail(error, errno ? -errno : -EINVAL, "hostfwd=%s: cannot listen on %s port %d: %s", rule,
			udp ? "UDP" : "TCP", host_port, errno ? strerror(errno) : "slirp refuses it");
}

static int add_options(struct net_user *user, const char *options, const struct net_error *error)
{
	char *copy = strdup(options), *state = NULL;
	int err = copy ? 0 : net_fail(error, -ENOMEM, "out of memory for the network");

	for (char *item = copy ? strtok_r(copy, ",", &state) : NULL; item && !err;
	     item = strtok_r(NULL, ",", &state)) {
		if (strncmp(item, "hostfwd=", 8) == 0)
			err = add_forward(user, item + 8, error);
		else
			err = net_fail(error, -EINVAL,
				       "'%s' is not an option of the user network; it has "
				       "hostfwd=tcp:HOST:PORT-:PORT",
				       item);
	}
	free(copy);
	return err;
}

static void say_nothing(const char *domain, int level, const char *message, void *opaque)
{
}

/*
 * Slirp reports some packets it does not like by GLib's log, to standard error: a guest could fill a disk
 * with that.  GLib is there because slirp is; its headers need not be.
 */
static void silence_slirp(void)
{
	unsigned (*set_handler)(const char *domain, int levels,
				void (*fn)(const char *domain, int level, const char *message, void *opaque),
				void *opaque);

	*(void **)&set_handler = dlsym(RTLD_DEFAULT, "g_log_set_handler");
	if (set_handler)
		set_handler("Slirp", -1 & ~3, say_nothing, NULL);
}

static Slirp *start_slirp(struct net_user *user)
{
	SlirpConfig config = { .version = 1, .in_enabled = true, .in6_enabled = true, .vprefix_len = 64 };

	inet_pton(AF_INET, "10.0.2.0", &config.vnetwork);
	inet_pton(AF_INET, "255.255.255.0", &config.vnetmask);
	inet_pton(AF_INET, "10.0.2.2", &config.vhost);
	inet_pton(AF_INET, "10.0.2.15", &config.vdhcp_start);
	inet_pton(AF_INET, "10.0.2.3", &config.vnameserver);
	inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &config.vhost6);
	inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
	return slirp_new(&config, &callbacks, user);
}

int net_user_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		  const struct net_error *error)
{
	struct net_user *user = net_alloc(sizeof(*user), &user_ops, loop, clock);
	int err;

	if (!user)
		return net_fail(error, -ENOMEM, "out of memory for the network");
	silence_slirp();
	signal(SIGPIPE, SIG_IGN); /* slirp writes to sockets whose peer may be gone */
	event_work_init(&user->refresh, refresh, user);
	clock_timer_init(&user->timer, timer_due, user);
	user->poll = (struct event_fd){ epoll_create1(EPOLL_CLOEXEC), EPOLLIN, poll_ready, user };
	user->slirp = user->poll.fd < 0 ? NULL : start_slirp(user);
	if (!user->slirp)
		err = net_fail(error, -ENOMEM, "cannot start the user network: %s", strerror(errno));
	else
		err = add_options(user, argument, error);
	if (err) {
		net_close(&user->net);
		return err;
	}
	user->net.link = true;
	event_loop_post(loop, &user->refresh);
	*net = &user->net;
	return 0;
}
