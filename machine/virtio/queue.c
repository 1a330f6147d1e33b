/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Split virtqueues (queue.h).  The driver runs on other host threads: the two indices are loaded with acquire
 * and stored with release, and a full fence stands between publishing an index and looking whether the
 * other side sleeps (2.7.10, 2.7.13).  Guest memory is little-endian, as is the host.
 */
#include "machine/virtio/queue.h"

#include <errno.h>

#include "machine/bus/copy.h"

/* struct virtq_desc, 16 bytes (2.7.5). */
struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

#define DESCRIPTOR_NEXT	    0x1
#define DESCRIPTOR_WRITE    0x2
#define DESCRIPTOR_INDIRECT 0x4

/* The rings: flags (2), index (2), entries, event index (2). */
#define RING_FLAGS	0
#define RING_INDEX	2
#define RING_ENTRIES	4
#define AVAILABLE_ENTRY 2u
#define USED_ENTRY	8u  /* id (4), length (4) */
#define NO_INTERRUPT	0x1 /* available ring's flags */

static uint16_t load16(const uint8_t *at, int order)
{
	return __atomic_load_n((const uint16_t *)(const void *)at, order);
}

static void store16(uint8_t *at, uint16_t value, int order)
{
	__atomic_store_n((uint16_t *)(void *)at, value, order);
}

int virtio_queue_enable(struct virtio_queue *queue, struct bus *bus, bool event_index)
{
	const uint64_t size = queue->size;
	const uint64_t event = event_index ? 2 : 0;

	if (!size || queue->descriptor_area % 16 || queue->driver_area % 2 || queue->device_area % 4)
		return -EPROTO;
	queue->descriptors = bus_ram(bus, queue->descriptor_area, size * sizeof(struct descriptor));
	queue->available = bus_ram(bus, queue->driver_area, RING_ENTRIES + size * AVAILABLE_ENTRY + event);
	queue->used = bus_ram(bus, queue->device_area, RING_ENTRIES + size * USED_ENTRY + event);
	if (!queue->descriptors || !queue->available || !queue->used)
		return -EPROTO;
	queue->bus = bus;
	queue->event_index = event_index;
	queue->next_available = queue->next_used = queue->told_used = 0;
	queue->told = false;
	queue->enabled = true;
	return 0;
}

void virtio_queue_reset(struct virtio_queue *queue)
{
	*queue = (struct virtio_queue){ .size = VIRTIO_QUEUE_MAX, .vector = UINT16_MAX };
}

/* Adds one descriptor's memory to the chain. */
static int chain_add(struct virtio_queue *queue, struct virtio_chain *chain, const struct descriptor *d)
{
	const bool write = d->flags & DESCRIPTOR_WRITE;
	void *memory;

	if (!write && chain->in_count)
		return -EPROTO; /* what the device reads comes first (2.7.4.2) */
	if (!d->length)
		return 0;
	memory = bus_ram(queue->bus, d->address, d->length);
	if (!memory)
		return -EPROTO;
	chain->iov[chain->out_count + chain->in_count] = (struct iovec){ memory, d->length };
	if (write) {
		chain->in_count++;
		chain->in_size += d->length;
	} else {
		chain->out_count++;
		chain->out_size += d->length;
	}
	return 0;
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
		err = chain_add(queue, chain, &d);
		if (err)
			return err;
		if (!(d.flags & DESCRIPTOR_NEXT))
			return 0;
		index = d.next;
	}
	return -EPROTO;
}

int virtio_queue_pop(struct virtio_queue *queue, struct virtio_chain *chain)
{
	/* Acquire: descriptors and entries were written before the index. */
	uint16_t available = load16(queue->available + RING_INDEX, __ATOMIC_ACQUIRE);
	unsigned slot = queue->next_available & (queue->size - 1u);
	int err;

	if (available == queue->next_available)
		return 0;
	if ((uint16_t)(available - queue->next_available) > queue->size)
		return -EPROTO;
	chain->head = load16(queue->available + RING_ENTRIES + slot * AVAILABLE_ENTRY, __ATOMIC_RELAXED);
	chain->out_count = chain->in_count = 0;
	chain->out_size = chain->in_size = 0;
	err = walk_chain(queue, chain);
	if (err)
		return err;
	queue->next_available++;
	return 1;
}

bool virtio_queue_rest(struct virtio_queue *queue)
{
	if (queue->event_index)
		store16(queue->used + RING_ENTRIES + queue->size * USED_ENTRY, queue->next_available,
			__ATOMIC_RELAXED);
	/* The driver publishes its index, then reads the event index: one of us sees the other's. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load16(queue->available + RING_INDEX, __ATOMIC_ACQUIRE) != queue->next_available;
}

void virtio_queue_push(struct virtio_queue *queue, uint16_t head, uint32_t written)
{
	uint8_t *entry = queue->used + RING_ENTRIES + (queue->next_used & (queue->size - 1u)) * USED_ENTRY;

	__atomic_store_n((uint32_t *)(void *)entry, head, __ATOMIC_RELAXED);
	__atomic_store_n((uint32_t *)(void *)(entry + 4), written, __ATOMIC_RELAXED);
	/* Release: the entry and the data before the index. */
	store16(queue->used + RING_INDEX, ++queue->next_used, __ATOMIC_RELEASE);
}

bool virtio_queue_must_notify(struct virtio_queue *queue)
{
	uint16_t old = queue->told_used, now = queue->next_used, event;
	bool told = queue->told;

	if (told && old == now)
		return false;
	queue->told_used = now;
	queue->told = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* see virtio_queue_rest() */
	if (!queue->event_index)
		return !(load16(queue->available + RING_FLAGS, __ATOMIC_RELAXED) & NO_INTERRUPT);
	event = load16(queue->available + RING_ENTRIES + queue->size * AVAILABLE_ENTRY, __ATOMIC_RELAXED);
	/* Did the index pass the one the driver waits for?  2.7.7.2 */
	return !told || (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

static size_t iov_copy(struct iovec **iov, unsigned *count, uint8_t *to, const uint8_t *from, size_t size)
{
	size_t done = 0;

	while (done < size && *count) {
		struct iovec *piece = *iov;
		size_t n = piece->iov_len < size - done ? piece->iov_len : size - done;

		if (to)
			copy_in(to + done, piece->iov_base, n);
		else
			copy_out(piece->iov_base, from + done, n);
		done += n;
		piece->iov_base = (uint8_t *)piece->iov_base + n;
		piece->iov_len -= n;
		if (!piece->iov_len) {
			(*iov)++;
			(*count)--;
		}
	}
	return done;
}

size_t virtio_iov_read(struct iovec **iov, unsigned *count, void *data, size_t size)
{
	return iov_copy(iov, count, data, NULL, size);
}

size_t virtio_iov_write(struct iovec **iov, unsigned *count, const void *data, size_t size)
{
	return iov_copy(iov, count, NULL, data, size);
}
