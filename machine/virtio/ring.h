/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inside of virtqueues: what a kind of ring (split.c, packed.c) does for queue.c. */
#ifndef BIXI_VIRTIO_RING_H
#define BIXI_VIRTIO_RING_H

#include "machine/virtio/queue.h"

/* Flags of descriptors, 2.7.5 and 2.8.5. */
#define DESCRIPTOR_NEXT	    0x1
#define DESCRIPTOR_WRITE    0x2
#define DESCRIPTOR_INDIRECT 0x4

/* As the functions of queue.h. */
struct virtio_ring {
	int (*resolve)(struct virtio_queue *queue); /* host addresses of the areas; 0 or -EPROTO */
	bool (*positions_are_good)(const struct virtio_queue *queue); /* loaded ones, nothing held */
	unsigned (*held)(const struct virtio_queue *queue);
	int (*pop)(struct virtio_queue *queue, struct virtio_chain *chain);
	void (*unpop)(struct virtio_queue *queue, uint16_t head);
	bool (*rest)(struct virtio_queue *queue);
	void (*push)(struct virtio_queue *queue, const struct virtio_used *used, unsigned count);
	bool (*must_notify)(struct virtio_queue *queue);
};

extern const struct virtio_ring virtio_ring_split, virtio_ring_packed;

/* Adds one descriptor's memory to the chain, which has room.  0 or -EPROTO. */
int virtio_chain_add(struct virtio_queue *queue, struct virtio_chain *chain, uint64_t address,
		     uint32_t length, bool write);

static inline uint16_t load16(const uint8_t *at, int order)
{
	return __atomic_load_n((const uint16_t *)(const void *)at, order);
}

static inline void store16(uint8_t *at, uint16_t value, int order)
{
	__atomic_store_n((uint16_t *)(void *)at, value, order);
}

#endif
