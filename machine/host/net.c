/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Network back ends (net.h): the kinds a user can name, and the way of frames to the guest, which waits when
 * the guest has no room.
 */
#include "machine/host/net.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/host/net_impl.h"

/* Bytes that wait for the guest; what comes beyond is dropped, as by a card whose buffer is full.  A back end
 * stops when the first frame has to wait, so that little comes after it. */
#define QUEUE_MAX (1u << 20)

int net_fail(const struct net_error *to, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(to->text, to->size, format, args);
	va_end(args);
	return err;
}

void *net_alloc(size_t size, const struct net_ops *ops, struct event_loop *loop, struct clock *clock)
{
	struct net *net = calloc(1, size);

	if (!net)
		return NULL;
	net->ops = ops;
	net->loop = loop;
	net->clock = clock;
	net->last = &net->first;
	return net;
}

static const struct kind {
	const char *name;
	char separator; /* before the argument: '=' if it must be there, ',' if it may */
	const char *argument;
	int (*open)(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		    const struct net_error *error);
} kinds[] = {
	{ "user", ',', "hostfwd=tcp:HOST:PORT-:PORT", net_user_open },
	{ "tap", '=', "the name of a tap device", net_tap_open },
	{ "socket", '=', "a path", net_socket_open },
	{ "none", 0, NULL, net_none_open },
};

int net_open(struct net **net, const char *spec, struct event_loop *loop, struct clock *clock, char *error,
	     size_t error_size)
{
	const struct net_error to = { error, error_size };
	const size_t length = strcspn(spec, "=,");
	const char *argument = spec[length] ? spec + length + 1 : "";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];

		if (strlen(kind->name) != length || strncmp(kind->name, spec, length) != 0)
			continue;
		if (kind->separator == '=' && (spec[length] != '=' || !*argument))
			return net_fail(&to, -EINVAL, "'%s' needs %s after '='", kind->name, kind->argument);
		if (spec[length] && spec[length] != kind->separator)
			return net_fail(&to, -EINVAL, "'%s' takes nothing like '%s'", kind->name,
					spec + length);
		return kind->open(net, argument, loop, clock, &to);
	}
	return net_fail(&to, -EINVAL, "'%.*s' is not a network; use user, tap=NAME, socket=PATH or none",
			(int)length, spec);
}

void net_close(struct net *net)
{
	struct net_frame *next;

	if (!net)
		return;
	net->ops->close(net);
	for (struct net_frame *frame = net->first; frame; frame = next) {
		next = frame->next;
		free(frame);
	}
	free(net);
}

void net_attach(struct net *net, const struct net_client *client)
{
	net->client = *client;
}

void net_set_accepts(struct net *net, unsigned accepts)
{
	if (net->accepts == accepts)
		return;
	net->accepts = accepts;
	if (net->ops->set_accepts)
		net->ops->set_accepts(net);
}

bool net_link_is_up(const struct net *net)
{
	return net->link;
}

void net_set_link(struct net *net, bool up)
{
	if (net->link == up)
		return;
	net->link = up;
	if (net->client.link_changed)
		net->client.link_changed(net->client.opaque, up);
}

bool net_can_send(struct net *net)
{
	return !net->ops->can_send || net->ops->can_send(net);
}

void net_send(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size)
{
	if (net->link && size >= NET_FRAME_MIN && size <= NET_FRAME_MAX)
		net->ops->send(net, offload, frame, size);
}

void net_send_end(struct net *net)
{
	if (net->ops->send_end)
		net->ops->send_end(net);
}

/* Keeps a frame until the guest has room. */
static void keep(struct net *net, const struct net_offload *offload, const uint8_t *data, size_t size)
{
	struct net_frame *frame;

	net->blocked = true;
	if (net->queued + size > QUEUE_MAX)
		return;
	frame = malloc(sizeof(*frame) + size);
	if (!frame)
		return;
	frame->next = NULL;
	frame->offload = *offload;
	frame->size = size;
	memcpy(frame->data, data, size);
	*net->last = frame;
	net->last = &frame->next;
	net->queued += size;
}

void net_deliver_offload(struct net *net, const struct net_offload *offload, const uint8_t *frame,
			 size_t size)
{
	if (!net->client.receive)
		return;
	if (net->first || !net->client.receive(net->client.opaque, offload, frame, size))
		keep(net, offload, frame, size);
}

void net_deliver_end(struct net *net)
{
	struct net_offload offload;

	if (!net->merge.size)
		return;
	net_merge_finish(&net->merge, &offload);
	net_deliver_offload(net, &offload, net->merge.frame, net->merge.size);
	net->merge.size = 0;
}

void net_deliver(struct net *net, const uint8_t *frame, size_t size)
{
	const struct net_offload nothing = { 0 };

	if (size < NET_FRAME_MIN || size > NET_FRAME_MAX ||
	    net_merge_add(&net->merge, net->accepts, frame, size))
		return;
	net_deliver_end(net);
	if (!net_merge_add(&net->merge, net->accepts, frame, size))
		net_deliver_offload(net, &nothing, frame, size);
}

void net_resume(struct net *net)
{
	while (net->first) {
		struct net_frame *frame = net->first;

		if (!net->client.receive(net->client.opaque, &frame->offload, frame->data, frame->size))
			return;
		net->first = frame->next;
		if (!net->first)
			net->last = &net->first;
		net->queued -= frame->size;
		free(frame);
	}
	if (!net->blocked)
		return;
	net->blocked = false;
	if (net->ops->unblock)
		net->ops->unblock(net);
}

/* "none": a card without a cable. */

static void none_close(struct net *net)
{
}

static void none_send(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size)
{
}

int net_none_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		  const struct net_error *error)
{
	static const struct net_ops ops = { .close = none_close, .send = none_send };

	*net = net_alloc(sizeof(struct net), &ops, loop, clock);
	return *net ? 0 : net_fail(error, -ENOMEM, "out of memory for the network");
}
