/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Which frames a virtio-net card takes: address and receive modes as the driver sets them.  Virtio 1.2,
 * 5.1.6.5.1 and 5.1.6.5.2. */
#ifndef BIXI_VIRTIO_NET_FILTER_H
#define BIXI_VIRTIO_NET_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_MAC_SIZE	6
#define NET_FILTER_MACS 64 /* of a kind; a driver that wants more gets all of that kind */

/* A bit for each command of class 0, in their order. */
enum {
	NET_FILTER_PROMISCUOUS = 1 << 0,
	NET_FILTER_ALL_MULTICAST = 1 << 1,
	NET_FILTER_ALL_UNICAST = 1 << 2,
	NET_FILTER_NO_MULTICAST = 1 << 3,
	NET_FILTER_NO_UNICAST = 1 << 4,
	NET_FILTER_NO_BROADCAST = 1 << 5,
};
#define NET_FILTER_MODES 6

struct net_macs {
	uint32_t count; /* above NET_FILTER_MACS: the driver named more than there is room for, take all */
	uint8_t mac[NET_FILTER_MACS][NET_MAC_SIZE];
};

struct net_filter {
	uint8_t mac[NET_MAC_SIZE];	    /* the card's */
	uint8_t mode;			    /* NET_FILTER_* ORed */
	struct net_macs unicast, multicast; /* further ones */
};

/* As after a reset: a card that nobody has told anything takes everything. */
void net_filter_reset(struct net_filter *filter, const uint8_t mac[NET_MAC_SIZE]);

/* Whether a filter that was loaded is one that can be. */
bool net_filter_is_good(const struct net_filter *filter);

/* Whether a frame, of at least an address, is for this card. */
bool net_filter_takes(const struct net_filter *filter, const uint8_t *frame);

/* A control command of class 0 (receive mode) or 1 (addresses).  False: there is no such, or it is broken. */
bool net_filter_command(struct net_filter *filter, uint8_t class, uint8_t command, const uint8_t *data,
			size_t size);

#endif
