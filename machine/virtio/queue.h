/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Split virtqueues, the device's side.  Virtio 1.2, 2.7.  Everything in guest memory is read once and
 * checked; what breaks the rules is -EPROTO and the device then asks for a reset.
 */
#ifndef BIXI_VIRTIO_QUEUE_H
#define BIXI_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "machine/bus/bus.h"

#define VIRTIO_QUEUE_MAX 256 /* descriptors of a queue */
#define VIRTIO_CHAIN_MAX 256 /* descriptors of a chain, indirect ones included */

/* A buffer the driver made available, as host memory: first what the device reads, then what it writes. */
struct virtio_chain {
	uint16_t head;		      /* its name in the used ring */
	unsigned out_count, in_count; /* elements of iov to read, to write */
	uint64_t out_size, in_size;   /* bytes */
	struct iovec iov[VIRTIO_CHAIN_MAX];
};

struct virtio_queue {
	/* What the driver set: */
	uint16_t size;	 /* descriptors, power of two */
	uint16_t vector; /* MSI-X */
	bool enabled;
	uint64_t descriptor_area, driver_area, device_area; /* guest-physical */

	/* Since it was enabled: */
	struct bus *bus;
	const uint8_t *descriptors; /* host addresses of the areas */
	uint8_t *available, *used;
	bool event_index;	 /* VIRTIO_F_EVENT_IDX was negotiated */
	uint16_t next_available; /* the entry to look at next */
	uint16_t next_used;
	uint16_t told_used; /* next_used when the driver was last told */
	bool told;	    /* told_used means something */
};

/* Resolves the areas.  Returns 0 or -EPROTO (outside RAM, misaligned). */
int virtio_queue_enable(struct virtio_queue *queue, struct bus *bus, bool event_index);

/* Back to the reset state. */
void virtio_queue_reset(struct virtio_queue *queue);

/* Takes the next buffer: 1, or 0 if there is none, or -EPROTO. */
int virtio_queue_pop(struct virtio_queue *queue, struct virtio_chain *chain);

/*
 * The device has seen the queue empty and goes to rest: asks for a kick.  Returns whether the driver has
 * added buffers meanwhile, so that the device must look again.
 */
bool virtio_queue_rest(struct virtio_queue *queue);

/* Gives buffer @head back with @written bytes in it. */
void virtio_queue_push(struct virtio_queue *queue, uint16_t head, uint32_t written);

/* Whether the driver wants an interrupt for what was pushed since this was last asked. */
bool virtio_queue_must_notify(struct virtio_queue *queue);

/* Copies out of (into) the front of a list of pieces and moves it on; returns how much there was. */
size_t virtio_iov_read(struct iovec **iov, unsigned *count, void *data, size_t size);
size_t virtio_iov_write(struct iovec **iov, unsigned *count, const void *data, size_t size);

#endif
