/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Which frames a virtio-net card takes (net_filter.h). */
#include "machine/virtio/net_filter.h"

#include <string.h>

enum { CLASS_RECEIVE = 0, CLASS_MAC = 1 };
enum { MAC_TABLE_SET = 0, MAC_ADDRESS_SET = 1 };

static const uint8_t broadcast[NET_MAC_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void net_filter_reset(struct net_filter *filter, const uint8_t mac[NET_MAC_SIZE])
{
	*filter = (struct net_filter){ .mode = NET_FILTER_PROMISCUOUS };
	memcpy(filter->mac, mac, NET_MAC_SIZE);
}

static bool is_listed(const struct net_macs *macs, const uint8_t *mac)
{
	if (macs->count > NET_FILTER_MACS)
		return true;
	for (unsigned i = 0; i < macs->count; i++)
		if (memcmp(macs->mac[i], mac, NET_MAC_SIZE) == 0)
			return true;
	return false;
}

bool net_filter_is_good(const struct net_filter *filter)
{
	return filter->mode < 1 << NET_FILTER_MODES && filter->unicast.count <= NET_FILTER_MACS + 1 &&
	       filter->multicast.count <= NET_FILTER_MACS + 1;
}

bool net_filter_takes(const struct net_filter *filter, const uint8_t *frame)
{
	const uint8_t mode = filter->mode;

	if (mode & NET_FILTER_PROMISCUOUS)
		return true;
	if (memcmp(frame, broadcast, NET_MAC_SIZE) == 0)
		return !(mode & NET_FILTER_NO_BROADCAST);
	if (frame[0] & 1)
		return !(mode & NET_FILTER_NO_MULTICAST) &&
		       (mode & NET_FILTER_ALL_MULTICAST || is_listed(&filter->multicast, frame));
	if (mode & NET_FILTER_NO_UNICAST)
		return false;
	return mode & NET_FILTER_ALL_UNICAST || memcmp(filter->mac, frame, NET_MAC_SIZE) == 0 ||
	       is_listed(&filter->unicast, frame);
}

/* A list: their number (4), the addresses.  Returns the bytes it takes, 0 if it is broken. */
static size_t read_macs(struct net_macs *macs, const uint8_t *data, size_t size)
{
	uint32_t count;

	if (size < sizeof(count))
		return 0;
	memcpy(&count, data, sizeof(count));
	if (count > (size - sizeof(count)) / NET_MAC_SIZE)
		return 0;
	*macs = (struct net_macs){ .count = count };
	if (count > NET_FILTER_MACS)
		macs->count = NET_FILTER_MACS + 1;
	else
		memcpy(macs->mac, data + sizeof(count), count * NET_MAC_SIZE);
	return sizeof(count) + (size_t)count * NET_MAC_SIZE;
}

static bool set_macs(struct net_filter *filter, const uint8_t *data, size_t size)
{
	struct net_macs unicast, multicast;
	size_t used = read_macs(&unicast, data, size);

	if (!used || !read_macs(&multicast, data + used, size - used))
		return false;
	filter->unicast = unicast;
	filter->multicast = multicast;
	return true;
}

bool net_filter_command(struct net_filter *filter, uint8_t class, uint8_t command, const uint8_t *data,
			size_t size)
{
	if (class == CLASS_RECEIVE && command < NET_FILTER_MODES && size == 1) {
		filter->mode &= (uint8_t) ~(1u << command);
		filter->mode |= (uint8_t)((data[0] ? 1u : 0u) << command);
		return true;
	}
	if (class == CLASS_MAC && command == MAC_TABLE_SET)
		return set_macs(filter, data, size);
	if (class == CLASS_MAC && command == MAC_ADDRESS_SET && size == NET_MAC_SIZE) {
		memcpy(filter->mac, data, NET_MAC_SIZE);
		return true;
	}
	return false;
}
