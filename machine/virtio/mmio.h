/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The memory-mapped transport: a window with a slot for each of a few devices, which nobody can enumerate,
 * so that firmware describes those in use.  Virtio 1.2, 4.2, version 2 only.
 */
#ifndef BIXI_VIRTIO_MMIO_H
#define BIXI_VIRTIO_MMIO_H

#include "machine/bus/bus.h"
#include "machine/bus/irq.h"

#define VIRTIO_MMIO_SLOTS     8
#define VIRTIO_MMIO_SLOT_SIZE 0x1000u /* a page, so that a hypervisor can give a guest one of them */
#define VIRTIO_MMIO_SIZE      (VIRTIO_MMIO_SLOTS * VIRTIO_MMIO_SLOT_SIZE)

struct virtio_device;

struct virtio_mmio {
	struct bus *bus;
	/* Slots are filled from the first on, before the machine runs; at empty ones nothing is decoded. */
	struct virtio_mmio_slot {
		struct virtio_device *device;
		struct irq_line irq; /* level */
	} slot[VIRTIO_MMIO_SLOTS];
};

/* Adds the window to @bus; @irq: the line of each slot.  As bus_add_region(). */
int virtio_mmio_init(struct virtio_mmio *mmio, struct bus *bus, uint64_t base,
		     const struct irq_line irq[VIRTIO_MMIO_SLOTS]);

/* How many slots are in use. */
unsigned virtio_mmio_used(const struct virtio_mmio *mmio);

#endif
