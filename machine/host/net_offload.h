/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Work that network cards take off a guest: Internet checksums (RFC 1071), cutting a long TCP packet into
 * segments, and putting segments of one connection together again.
 */
#ifndef BIXI_HOST_NET_OFFLOAD_H
#define BIXI_HOST_NET_OFFLOAD_H

#include "machine/host/net.h"

/* The ones' complement sum of @size bytes as big-endian 16-bit words, added to @start; not inverted. */
uint16_t net_sum(const void *data, size_t size, uint16_t start);

/*
 * Completes the checksum that @offload leaves open.  False: the frame makes no sense (the checksum would
 * lie outside of it, a kind of segmentation nobody offered).
 */
bool net_finish_checksum(const struct net_offload *offload, uint8_t *frame, size_t size);

/*
 * Cuts a frame into such as fit a wire and hands each to @emit, checksums complete.  False: the frame makes
 * no sense and nothing was emitted.
 */
bool net_segment(const struct net_offload *offload, uint8_t *frame, size_t size,
		 void (*emit)(void *opaque, const uint8_t *frame, size_t size), void *opaque);

/* TCP segments of one connection that follow each other, being put together. */
struct net_merge {
	size_t size;	   /* bytes in frame; 0: nothing is held */
	size_t payload_at; /* where the TCP payload begins */
	size_t ip_at, tcp_at;
	uint16_t gso_size;  /* payload of the first segment, and of all but the last */
	uint32_t next;	    /* sequence number that would follow */
	bool v6, mergeable; /* more can be added */
	unsigned segments;
	uint8_t frame[NET_FRAME_MAX];
};

/*
 * Looks at a frame from the wire.  True: it was taken into @merge (and nothing that was there before has to
 * go first).  False: what is held goes first (net_merge_finish()), then ask once more with an empty @merge;
 * if that is false too the frame goes as it is.  @accepts: NET_ACCEPTS_*.
 */
bool net_merge_add(struct net_merge *merge, unsigned accepts, const uint8_t *frame, size_t size);

/* The frame that merge->frame holds is complete and what is left to do to it is in @offload; merge->size is
 * its size until the caller sets it to 0. */
void net_merge_finish(struct net_merge *merge, struct net_offload *offload);

#endif
