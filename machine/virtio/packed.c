/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Packed virtqueues, virtio 1.2, 2.8: one ring of descriptors that both sides write.  A descriptor's flags
 * say whose it is and are loaded with acquire and stored with release; a full fence stands between changing
 * them and looking whether the other side sleeps (2.8.21, 2.8.22).
 */
#include <errno.h>

#include "machine/bus/copy.h"
#include "machine/virtio/ring.h"

/* struct pvirtq_desc, 16 bytes (2.8.13). */
struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t id;
	uint16_t flags;
};

#define OFFSET_LENGTH 8
#define OFFSET_ID     12
#define OFFSET_FLAGS  14

/* Besides those of a split ring's. */
#define DESCRIPTOR_AVAILABLE 0x0080
#define DESCRIPTOR_USED	     0x8000

/* Event suppression (2.8.14): a position (15 bits) and its wrap counter, then flags, written as one word. */
#define EVENT_SIZE  4
#define EVENT_WRAP  0x8000u
#define EVENT_FLAGS 16
enum { EVENTS_ON = 0, EVENTS_OFF = 1, EVENT_AT_POSITION = 2 };

static int packed_resolve(struct virtio_queue *queue)
{
	const uint64_t size = queue->size;

	if (queue->descriptor_area % 16 || queue->driver_area % EVENT_SIZE || queue->device_area % EVENT_SIZE)
		return -EPROTO;
	queue->descriptors = bus_ram(queue->bus, queue->descriptor_area, size * sizeof(struct descriptor));
	queue->driver = bus_ram(queue->bus, queue->driver_area, EVENT_SIZE);
	queue->device = bus_ram(queue->bus, queue->device_area, EVENT_SIZE);
	return queue->descriptors && queue->driver && queue->device ? 0 : -EPROTO;
}

/* Positions run over the ring twice, first with wrap counter 1 and then with 0 (queue.h). */

static unsigned advance(const struct virtio_queue *queue, unsigned position, unsigned by)
{
	return (position + by) % (2u * queue->size);
}

static unsigned distance(const struct virtio_queue *queue, unsigned from, unsigned to)
{
	return advance(queue, to, 2u * queue->size - from);
}

static unsigned slot_of(const struct virtio_queue *queue, unsigned position)
{
	return position % queue->size;
}

static bool wrap_of(const struct virtio_queue *queue, unsigned position)
{
	return position < queue->size;
}

static unsigned packed_held(const struct virtio_queue *queue)
{
	return distance(queue, queue->next_used, queue->next_available);
}

static bool packed_positions_are_good(const struct virtio_queue *queue)
{
	return queue->next_available < 2u * queue->size && queue->told_used < 2u * queue->size &&
	       queue->next_used == queue->next_available;
}

static bool is_available(const struct virtio_queue *queue, unsigned position)
{
	const uint8_t *at = queue->descriptors + slot_of(queue, position) * sizeof(struct descriptor);
	/* Acquire: the rest of the buffer's descriptors were written before. */
	const uint16_t flags = load16(at + OFFSET_FLAGS, __ATOMIC_ACQUIRE);
	const bool wrap = wrap_of(queue, position);

	return !!(flags & DESCRIPTOR_AVAILABLE) == wrap && !!(flags & DESCRIPTOR_USED) != wrap;
}

/* The elements of a table, all of them (2.8.7). */
static int walk_table(struct virtio_queue *queue, struct virtio_chain *chain, const struct descriptor *of)
{
	const unsigned entries = of->length / sizeof(*of);
	const uint8_t *table = bus_ram(queue->bus, of->address, of->length);
	struct descriptor d;

	if (!table || !entries || entries > VIRTIO_CHAIN_MAX || of->length % sizeof(d))
		return -EPROTO;
	for (unsigned i = 0; i < entries; i++) {
		int err;

		copy_in(&d, table + i * sizeof(d), sizeof(d)); /* once: the guest may change it */
		if (d.flags & DESCRIPTOR_INDIRECT)
			return -EPROTO;
		err = virtio_chain_add(queue, chain, d.address, d.length, d.flags & DESCRIPTOR_WRITE);
		if (err)
			return err;
	}
	return 0;
}

/* The buffer that begins at next_available: how many descriptors it has in the ring, or -EPROTO. */
static int walk_ring(struct virtio_queue *queue, struct virtio_chain *chain)
{
	const unsigned room = queue->size - packed_held(queue);
	struct descriptor d;

	for (unsigned count = 0; count < room;) {
		const unsigned slot = slot_of(queue, queue->next_available + count);
		int err;

		copy_in(&d, queue->descriptors + slot * sizeof(d), sizeof(d)); /* once, as above */
		if (d.flags & DESCRIPTOR_INDIRECT)
			err = count || d.flags & DESCRIPTOR_NEXT ? -EPROTO : walk_table(queue, chain, &d);
		else
			err = virtio_chain_add(queue, chain, d.address, d.length, d.flags & DESCRIPTOR_WRITE);
		if (err)
			return err;
		count++;
		if (!(d.flags & DESCRIPTOR_NEXT)) {
			chain->head = d.id; /* the last one has it */
			return (int)count;
		}
	}
	return -EPROTO;
}

static int packed_pop(struct virtio_queue *queue, struct virtio_chain *chain)
{
	int count;

	if (!is_available(queue, queue->next_available))
		return 0;
	count = walk_ring(queue, chain);
	if (count < 0)
		return count;
	/* A name the driver cannot have, or has in use: what it means by it later nobody knows. */
	if (chain->head >= queue->size || queue->count[chain->head])
		return -EPROTO;
	queue->count[chain->head] = (uint16_t)count;
	queue->next_available = (uint16_t)advance(queue, queue->next_available, (unsigned)count);
	return 1;
}

static void packed_unpop(struct virtio_queue *queue, uint16_t head)
{
	const unsigned back = 2u * queue->size - queue->count[head];

	queue->next_available = (uint16_t)advance(queue, queue->next_available, back);
	queue->count[head] = 0;
}

static bool packed_rest(struct virtio_queue *queue)
{
	const unsigned position = queue->next_available;
	uint32_t event = EVENTS_ON << EVENT_FLAGS;

	if (queue->event_index)
		event = slot_of(queue, position) | (wrap_of(queue, position) ? EVENT_WRAP : 0) |
			(uint32_t)EVENT_AT_POSITION << EVENT_FLAGS;
	__atomic_store_n((uint32_t *)(void *)queue->device, event, __ATOMIC_RELAXED);
	bus_written(queue->bus, queue->device, EVENT_SIZE);
	/* The driver makes a descriptor available, then reads the event: one of us sees the other's. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return is_available(queue, position);
}

/* The driver looks at the first descriptor first: its flags, written last, make all of them visible. */
static void packed_push(struct virtio_queue *queue, const struct virtio_used *used, unsigned count)
{
	uint8_t *first = queue->descriptors + slot_of(queue, queue->next_used) * sizeof(struct descriptor);
	uint16_t first_flags = 0;

	for (unsigned i = 0; i < count; i++) {
		const unsigned slot = slot_of(queue, queue->next_used);
		uint8_t *at = queue->descriptors + slot * sizeof(struct descriptor);
		uint16_t flags =
			wrap_of(queue, queue->next_used) ? DESCRIPTOR_AVAILABLE | DESCRIPTOR_USED : 0;

		if (used[i].written)
			flags |= DESCRIPTOR_WRITE; /* the length means something */
		__atomic_store_n((uint32_t *)(void *)(at + OFFSET_LENGTH), used[i].written, __ATOMIC_RELAXED);
		store16(at + OFFSET_ID, used[i].head, __ATOMIC_RELAXED);
		/* Release: the rest and the data before the flags. */
		if (i)
			store16(at + OFFSET_FLAGS, flags, __ATOMIC_RELEASE);
		else
			first_flags = flags;
		queue->next_used = (uint16_t)advance(queue, queue->next_used, queue->count[used[i].head]);
		queue->count[used[i].head] = 0;
	}
	store16(first + OFFSET_FLAGS, first_flags, __ATOMIC_RELEASE);
	bus_written(queue->bus, queue->descriptors, queue->size * sizeof(struct descriptor));
}

/* Whether the used position passed the one the driver waits for on its way from @old.  2.8.10 */
static bool passed(const struct virtio_queue *queue, uint32_t event, unsigned old)
{
	const unsigned slot = event & (EVENT_WRAP - 1);
	unsigned to_event;

	if (slot >= queue->size)
		return true; /* nonsense: an interrupt too many does no harm */
	to_event = distance(queue, old, slot + (event & EVENT_WRAP ? 0 : queue->size));
	return to_event < distance(queue, old, queue->next_used);
}

static bool packed_must_notify(struct virtio_queue *queue)
{
	const uint16_t old = queue->told_used;
	const bool told = queue->told;
	uint32_t event;

	if (told && old == queue->next_used)
		return false;
	queue->told_used = queue->next_used;
	queue->told = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* see packed_rest() */
	event = __atomic_load_n((const uint32_t *)(const void *)queue->driver, __ATOMIC_RELAXED);
	switch (event >> EVENT_FLAGS & 3) {
	case EVENTS_OFF:
		return false;
	case EVENT_AT_POSITION:
		return !queue->event_index || !told || passed(queue, event, old);
	default:
		return true;
	}
}

const struct virtio_ring virtio_ring_packed = {
	.resolve = packed_resolve,
	.positions_are_good = packed_positions_are_good,
	.held = packed_held,
	.pop = packed_pop,
	.unpop = packed_unpop,
	.rest = packed_rest,
	.push = packed_push,
	.must_notify = packed_must_notify,
};
