/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Split virtqueues, virtio 1.2, 2.7.  The driver runs on other host threads: the two indices are loaded with
 * acquire and stored with release, and a full fence stands between publishing an index and looking whether
 * the other side sleeps (2.7.10, 2.7.13).  Guest memory is little-endian, as is the host.
 */
#include <errno.h>

#include "machine/bus/copy.h"
#include "machine/virtio/ring.h"

/* struct virtq_desc, 16 bytes (2.7.5). */
struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

/* The rings: flags (2), index (2), entries, event index (2). */
#define RING_FLAGS	0
#define RING_INDEX	2
#define RING_ENTRIES	4
#define AVAILABLE_ENTRY 2u
#define USED_ENTRY	8u  /* id (4), length (4) */
#define NO_INTERRUPT	0x1 /* available ring's flags */

static int split_resolve(struct virtio_queue *queue)
{
	const uint64_t size = queue->size;
	const uint64_t event = queue->event_index ? 2 : 0;

	if (size & (size - 1) || queue->descriptor_area % 16 || queue->driver_area % 2 ||
	    queue->device_area % 4)
		return -EPROTO;
	queue->descriptors = bus_ram(queue->bus, queue->descriptor_area, size * sizeof(struct descriptor));
	queue->driver =
		bus_ram(queue->bus, queue->driver_area, RING_ENTRIES + size * AVAILABLE_ENTRY + event);
	queue->device = bus_ram(queue->bus, queue->device_area, RING_ENTRIES + size * USED_ENTRY + event);
	return queue->descriptors && queue->driver && queue->device ? 0 : -EPROTO;
}

static unsigned split_held(const struct virtio_queue *queue)
{
	return (uint16_t)(queue->next_available - queue->next_used);
}

/* Any index can be: they run freely. */
static bool split_positions_are_good(const struct virtio_queue *queue)
{
	return split_held(queue) == 0;
}

/* Enters the table of an indirect descriptor, which ends a chain in the queue's own table. */
static const uint8_t *indirect_table(struct virtio_queue *queue, const struct descriptor *d,
				     unsigned *entries)
{
	if (d->flags & DESCRIPTOR_NEXT || !d->length || d->length % sizeof(*d))
		return NULL;
	*entries = d->length / sizeof(*d);
	return bus_ram(queue->bus, d->address, d->length);
}

static int walk_chain(struct virtio_queue *queue, struct virtio_chain *chain)
{
	const uint8_t *table = queue->descriptors;
	unsigned entries = queue->size;
	unsigned index = chain->head;
	bool indirect = false;
	struct descriptor d;

	/* The bound also ends loops. */
	for (unsigned seen = 0; seen < VIRTIO_CHAIN_MAX;) {
		int err;

		if (index >= entries)
			return -EPROTO;
		copy_in(&d, table + index * sizeof(d), sizeof(d)); /* once: the guest may change it */
		if (d.flags & DESCRIPTOR_INDIRECT) {
			if (indirect)
				return -EPROTO;
			table = indirect_table(queue, &d, &entries);
			if (!table)
				return -EPROTO;
			indirect = true;
			index = 0;
			continue;
		}
		seen++;
		err = virtio_chain_add(queue, chain, d.address, d.length, d.flags & DESCRIPTOR_WRITE);
		if (err)
			return err;
		if (!(d.flags & DESCRIPTOR_NEXT))
			return 0;
		index = d.next;
	}
	return -EPROTO;
}

static int split_pop(struct virtio_queue *queue, struct virtio_chain *chain)
{
	/* Acquire: descriptors and entries were written before the index. */
	uint16_t available = load16(queue->driver + RING_INDEX, __ATOMIC_ACQUIRE);
	unsigned slot = queue->next_available & (queue->size - 1u);
	int err;

	if (available == queue->next_available)
		return 0;
	if ((uint16_t)(available - queue->next_available) > queue->size)
		return -EPROTO;
	chain->head = load16(queue->driver + RING_ENTRIES + slot * AVAILABLE_ENTRY, __ATOMIC_RELAXED);
	err = walk_chain(queue, chain);
	if (err)
		return err;
	queue->next_available++;
	return 1;
}

static void split_unpop(struct virtio_queue *queue, uint16_t head)
{
	queue->next_available--;
}

static bool split_rest(struct virtio_queue *queue)
{
	uint8_t *event = queue->device + RING_ENTRIES + queue->size * USED_ENTRY;

	if (queue->event_index) {
		store16(event, queue->next_available, __ATOMIC_RELAXED);
		bus_written(queue->bus, event, 2);
	}
	/* The driver publishes its index, then reads the event index: one of us sees the other's. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load16(queue->driver + RING_INDEX, __ATOMIC_ACQUIRE) != queue->next_available;
}

static void split_push(struct virtio_queue *queue, const struct virtio_used *used, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const unsigned slot = queue->next_used++ & (queue->size - 1u);
		uint8_t *entry = queue->device + RING_ENTRIES + slot * USED_ENTRY;

		__atomic_store_n((uint32_t *)(void *)entry, used[i].head, __ATOMIC_RELAXED);
		__atomic_store_n((uint32_t *)(void *)(entry + 4), used[i].written, __ATOMIC_RELAXED);
	}
	/* Release: the entries and the data before the index. */
	store16(queue->device + RING_INDEX, queue->next_used, __ATOMIC_RELEASE);
	bus_written(queue->bus, queue->device, RING_ENTRIES + queue->size * USED_ENTRY);
}

static bool split_must_notify(struct virtio_queue *queue)
{
	uint16_t old = queue->told_used, now = queue->next_used, event;
	bool told = queue->told;

	if (told && old == now)
		return false;
	queue->told_used = now;
	queue->told = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* see split_rest() */
	if (!queue->event_index)
		return !(load16(queue->driver + RING_FLAGS, __ATOMIC_RELAXED) & NO_INTERRUPT);
	event = load16(queue->driver + RING_ENTRIES + queue->size * AVAILABLE_ENTRY, __ATOMIC_RELAXED);
	/* Did the index pass the one the driver waits for?  2.7.7.2 */
	return !told || (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

const struct virtio_ring virtio_ring_split = {
	.resolve = split_resolve,
	.positions_are_good = split_positions_are_good,
	.held = split_held,
	.pop = split_pop,
	.unpop = split_unpop,
	.rest = split_rest,
	.push = split_push,
	.must_notify = split_must_notify,
};
