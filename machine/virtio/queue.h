/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Virtqueues, the device's side: split and packed rings behind the same functions.  Virtio 1.2, 2.7, 2.8.
 * Everything in guest memory is read once and checked; what breaks the rules is -EPROTO and the device then
 * asks for a reset.
 */
#ifndef BIXI_VIRTIO_QUEUE_H
#define BIXI_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "machine/bus/bus.h"

/* Feature bits that are about queues, clause 6. */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_RING_PACKED   (UINT64_C(1) << 34)

#define VIRTIO_QUEUE_MAX 256 /* descriptors of a queue */
#define VIRTIO_CHAIN_MAX 256 /* descriptors of a chain, indirect ones included */

/* A buffer the driver made available, as host memory: first what the device reads, then what it writes. */
struct virtio_chain {
	uint16_t head;		      /* its name, for virtio_queue_push() */
	unsigned out_count, in_count; /* elements of iov to read, to write */
	uint64_t out_size, in_size;   /* bytes */
	struct iovec iov[VIRTIO_CHAIN_MAX];
};

/* A buffer that goes back to the driver. */
struct virtio_used {
	uint16_t head;
	uint32_t written; /* bytes the device wrote */
};

struct virtio_ring; /* ring.h */

struct virtio_queue {
	/* What the driver set: */
	uint16_t size;	 /* descriptors; a split ring's is a power of two */
	uint16_t vector; /* MSI-X */
	bool enabled;
	uint64_t descriptor_area, driver_area, device_area; /* guest-physical */

	/* Since it was enabled: */
	struct bus *bus;
	const struct virtio_ring *ring;
	uint8_t *descriptors, *driver, *device; /* host addresses of the areas */
	bool event_index;			/* VIRTIO_F_EVENT_IDX was negotiated */
	/*
	 * Positions: free-running indices of a split ring; in a packed one 0 to 2 * size - 1, of which the
	 * second half stands for descriptors with wrap counter 0.
	 */
	uint16_t next_available; /* to look at next */
	uint16_t next_used;
	uint16_t told_used;		  /* next_used when the driver was last told */
	bool told;			  /* told_used means something */
	uint16_t count[VIRTIO_QUEUE_MAX]; /* packed: descriptors of buffer n, 0: the driver's */
};

/* Resolves the areas.  @features: what was negotiated.  Returns 0 or -EPROTO (outside RAM, misaligned). */
int virtio_queue_enable(struct virtio_queue *queue, struct bus *bus, uint64_t features);

/* After the positions of an enabled queue were loaded: resolves its areas anew.  0 or -EPROTO. */
int virtio_queue_restore(struct virtio_queue *queue, struct bus *bus, uint64_t features);

/* Back to the reset state. */
void virtio_queue_reset(struct virtio_queue *queue);

/* Takes the next buffer: 1, or 0 if there is none, or -EPROTO. */
int virtio_queue_pop(struct virtio_queue *queue, struct virtio_chain *chain);

/* Undoes the last virtio_queue_pop(): the buffer is the next one again. */
void virtio_queue_unpop(struct virtio_queue *queue, const struct virtio_chain *chain);

/* Buffers (packed: descriptors) that were taken and not given back. */
unsigned virtio_queue_held(const struct virtio_queue *queue);

/*
 * The device has seen the queue empty and goes to rest: asks for a kick.  Returns whether the driver has
 * added buffers meanwhile, so that the device must look again.
 */
bool virtio_queue_rest(struct virtio_queue *queue);

/* Gives buffer @head back with @written bytes in it. */
void virtio_queue_push(struct virtio_queue *queue, uint16_t head, uint32_t written);

/* Gives @count > 0 buffers back; the driver sees all of them at once or none. */
void virtio_queue_push_many(struct virtio_queue *queue, const struct virtio_used *used, unsigned count);

/* Whether the driver wants an interrupt for what was pushed since this was last asked. */
bool virtio_queue_must_notify(struct virtio_queue *queue);

/* Copies out of (into) the front of a list of pieces and moves it on; returns how much there was. */
size_t virtio_iov_read(struct iovec **iov, unsigned *count, void *data, size_t size);
size_t virtio_iov_write(struct bus *bus, struct iovec **iov, unsigned *count, const void *data, size_t size);

/* The first @size bytes of these pieces have been written by other means: bus_written(). */
void virtio_iov_written(struct bus *bus, const struct iovec *iov, unsigned count, size_t size);

#endif
