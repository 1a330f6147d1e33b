/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Network back ends: what a guest's network card is plugged into.  "user" (libslirp), "tap=NAME",
 * "socket=PATH" (a cable to another machine) and "none".  Everything here runs on one thread, that of the
 * event loop, or the only one in deterministic mode.
 */
#ifndef BIXI_HOST_NET_H
#define BIXI_HOST_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/bus/clock.h"
#include "machine/host/eventloop.h"

#define NET_FRAME_MAX (14 + 4 + 65535) /* Ethernet header, VLAN tag, the longest IPv4 packet */
#define NET_FRAME_MIN 14

/*
 * What is left to do to a frame before it can be on a wire.  The layout is that of virtio's header (1.2,
 * 5.1.6) and of the host's tun driver.
 */
struct net_offload {
	uint8_t flags;
	uint8_t gso_type;	  /* not NONE: many segments in one frame */
	uint16_t header_size;	  /* Ethernet to TCP, a hint */
	uint16_t gso_size;	  /* payload bytes of a segment */
	uint16_t checksum_start;  /* NEEDS_CHECKSUM: the sum covers the frame from here */
	uint16_t checksum_offset; /* and goes here, counted from checksum_start; there is a partial sum */
};

enum { NET_FLAG_NEEDS_CHECKSUM = 1, NET_FLAG_CHECKSUM_GOOD = 2 };
enum { NET_GSO_NONE = 0, NET_GSO_TCP4 = 1, NET_GSO_TCP6 = 4 };

/* What a guest's card understands of struct net_offload. */
enum { NET_ACCEPTS_CHECKSUM = 1, NET_ACCEPTS_TCP4 = 2, NET_ACCEPTS_TCP6 = 4 };

struct net;

/* The guest's card.  receive: false if there is no room now; the frame is kept and offered again after
 * net_resume(). */
struct net_client {
	bool (*receive)(void *opaque, const struct net_offload *offload, const void *frame, size_t size);
	void (*link_changed)(void *opaque, bool up);
	void (*can_send)(void *opaque); /* after net_can_send() was false: try again */
	void *opaque;
};

/*
 * Opens what @spec names: "user[,hostfwd=tcp|udp:[HOST]:PORT-[GUEST]:PORT]...", "tap=NAME", "socket=PATH",
 * "none".  On failure returns a negative errno and a sentence for the user in @error.
 */
int net_open(struct net **net, const char *spec, struct event_loop *loop, struct clock *clock, char *error,
	     size_t error_size);

/* Ends all connections, frees.  The loop must not run any more. */
void net_close(struct net *net);

/* Plugs the guest's card in; copied.  Once, before the machine starts. */
void net_attach(struct net *net, const struct net_client *client);

/* What receive() understands from now on: NET_ACCEPTS_* ORed. */
void net_set_accepts(struct net *net, unsigned accepts);

/* Whether there is somebody at the other end. */
bool net_link_is_up(const struct net *net);

/* False: net_send() would drop the frame; can_send() tells when that ends. */
bool net_can_send(struct net *net);

/* Sends a frame from the guest: @frame is changed.  What makes no sense is dropped. */
void net_send(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size);

/* After some net_send(): nothing follows at once. */
void net_send_end(struct net *net);

/* The guest has room for frames again. */
void net_resume(struct net *net);

#endif
