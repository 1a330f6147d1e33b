/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Virtqueues (queue.h): what split and packed rings share. */
#include <errno.h>
#include <string.h>

#include "machine/bus/copy.h"
#include "machine/virtio/ring.h"

static int resolve(struct virtio_queue *queue, struct bus *bus, uint64_t features)
{
	queue->bus = bus;
	queue->ring = features & VIRTIO_F_RING_PACKED ? &virtio_ring_packed : &virtio_ring_split;
	queue->event_index = features & VIRTIO_F_EVENT_IDX;
	return queue->size && queue->size <= VIRTIO_QUEUE_MAX ? queue->ring->resolve(queue) : -EPROTO;
}

int virtio_queue_enable(struct virtio_queue *queue, struct bus *bus, uint64_t features)
{
	int err = resolve(queue, bus, features);

	if (err)
		return err;
	queue->next_available = queue->next_used = queue->told_used = 0;
	queue->told = false;
	memset(queue->count, 0, sizeof(queue->count));
	queue->enabled = true;
	return 0;
}

int virtio_queue_restore(struct virtio_queue *queue, struct bus *bus, uint64_t features)
{
	int err = resolve(queue, bus, features);

	if (err)
		return err;
	memset(queue->count, 0, sizeof(queue->count));
	return queue->ring->positions_are_good(queue) ? 0 : -EPROTO;
}

void virtio_queue_reset(struct virtio_queue *queue)
{
	*queue = (struct virtio_queue){ .size = VIRTIO_QUEUE_MAX, .vector = UINT16_MAX };
}

int virtio_queue_pop(struct virtio_queue *queue, struct virtio_chain *chain)
{
	chain->out_count = chain->in_count = 0;
	chain->out_size = chain->in_size = 0;
	return queue->ring->pop(queue, chain);
}

void virtio_queue_unpop(struct virtio_queue *queue, const struct virtio_chain *chain)
{
	queue->ring->unpop(queue, chain->head);
}

unsigned virtio_queue_held(const struct virtio_queue *queue)
{
	return queue->ring->held(queue);
}

bool virtio_queue_rest(struct virtio_queue *queue)
{
	return queue->ring->rest(queue);
}

void virtio_queue_push(struct virtio_queue *queue, uint16_t head, uint32_t written)
{
	const struct virtio_used used = { head, written };

	queue->ring->push(queue, &used, 1);
}

void virtio_queue_push_many(struct virtio_queue *queue, const struct virtio_used *used, unsigned count)
{
	queue->ring->push(queue, used, count);
}

bool virtio_queue_must_notify(struct virtio_queue *queue)
{
	return queue->ring->must_notify(queue);
}

int virtio_chain_add(struct virtio_queue *queue, struct virtio_chain *chain, uint64_t address,
		     uint32_t length, bool write)
{
	void *memory;

	if (!write && chain->in_count)
		return -EPROTO; /* what the device reads comes first (2.7.4.2, 2.8.17) */
	if (!length)
		return 0;
	memory = bus_ram(queue->bus, address, length);
	if (!memory)
		return -EPROTO;
	chain->iov[chain->out_count + chain->in_count] = (struct iovec){ memory, length };
	if (write) {
		chain->in_count++;
		chain->in_size += length;
	} else {
		chain->out_count++;
		chain->out_size += length;
	}
	return 0;
}

/* @bus: of what is written to the pieces. */
static size_t iov_copy(struct bus *bus, struct iovec **iov, unsigned *count, uint8_t *to, const uint8_t *from,
		       size_t size)
{
	size_t done = 0;

	while (done < size && *count) {
		struct iovec *piece = *iov;
		size_t n = piece->iov_len < size - done ? piece->iov_len : size - done;

		if (to) {
			copy_in(to + done, piece->iov_base, n);
		} else {
			copy_out(piece->iov_base, from + done, n);
			bus_written(bus, piece->iov_base, n);
		}
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
	return iov_copy(NULL, iov, count, data, NULL, size);
}

size_t virtio_iov_write(struct bus *bus, struct iovec **iov, unsigned *count, const void *data, size_t size)
{
	return iov_copy(bus, iov, count, NULL, data, size);
}

void virtio_iov_written(struct bus *bus, const struct iovec *iov, unsigned count, size_t size)
{
	for (; size && count; iov++, count--) {
		const size_t n = iov->iov_len < size ? iov->iov_len : size;

		bus_written(bus, iov->iov_base, n);
		size -= n;
	}
}
