/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inside of network back ends: what net.c (frames to the guest) and the kinds of back end share. */
#ifndef BIXI_HOST_NET_IMPL_H
#define BIXI_HOST_NET_IMPL_H

#include "machine/host/net.h"
#include "machine/host/net_offload.h"

/* Where the sentence for the user goes. */
struct net_error {
	char *text;
	size_t size;
};

/* A kind of back end. */
struct net_ops {
	void (*close)(struct net *net); /* all but struct net itself, which is freed with what contains it */
	bool (*can_send)(struct net *net); /* NULL: always */
	void (*send)(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size);
	void (*send_end)(struct net *net);    /* NULL: nothing to do */
	void (*unblock)(struct net *net);     /* NULL, or: blocked has become false */
	void (*set_accepts)(struct net *net); /* NULL, or: accepts has changed */
};

/* A frame that waits for room in the guest. */
struct net_frame {
	struct net_frame *next;
	struct net_offload offload;
	size_t size;
	uint8_t data[];
};

/* Begins every back end. */
struct net {
	const struct net_ops *ops;
	struct event_loop *loop;
	struct clock *clock;
	struct net_client client; /* receive NULL: none yet */
	unsigned accepts;
	bool link;
	bool blocked; /* the guest has no room: take nothing more from the host */
	struct net_frame *first, **last;
	size_t queued; /* bytes in the list */
	struct net_merge merge;
};

/* Every kind's open function; @argument is what follows the kind's name and '=' or ','. */
int net_user_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		  const struct net_error *error);
int net_tap_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		 const struct net_error *error);
int net_socket_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		    const struct net_error *error);
int net_none_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		  const struct net_error *error);

/* Allocates @size bytes that begin with a struct net, or NULL. */
void *net_alloc(size_t size, const struct net_ops *ops, struct event_loop *loop, struct clock *clock);

/* Writes the sentence; returns @err for the caller to pass on. */
int net_fail(const struct net_error *to, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A frame for the guest as it would be on a wire; TCP segments that follow each other are put together. */
void net_deliver(struct net *net, const uint8_t *frame, size_t size);
/* The same for a frame that has something left to do: goes on as it is. */
void net_deliver_offload(struct net *net, const struct net_offload *offload, const uint8_t *frame,
			 size_t size);
/* No more frames come at once: what was put together goes on. */
void net_deliver_end(struct net *net);

void net_set_link(struct net *net, bool up);

#endif
