/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Making virtio devices on the PCI bus; what boards call.  Virtio 1.2, modern interface only.
 */
#ifndef BIXI_VIRTIO_VIRTIO_H
#define BIXI_VIRTIO_VIRTIO_H

#include "machine/bus/clock.h"
#include "machine/host/block.h"
#include "machine/host/chardev.h"
#include "machine/host/eventloop.h"
#include "machine/pci/pci.h"

struct virtio_device;

/*
 * A disk (virtio-blk).  @block stays the caller's and must outlive the device.  @serial: up to 20
 * characters, may be NULL.  @devfn: PCI_DEVFN_AUTO or a place.  Returns 0 or a negative errno.
 */
int virtio_blk_create(struct virtio_device **device, struct pci_host *host, int devfn, struct block *block,
		      const char *serial, struct clock *clock);

/* A console with one port (hvc0).  @chardev stays the caller's and must outlive the device. */
int virtio_console_create(struct virtio_device **device, struct pci_host *host, int devfn,
			  struct chardev *chardev, struct event_loop *loop, struct clock *clock);

/* As power-on.  No core runs; waits for what the device has in flight. */
void virtio_device_reset(struct virtio_device *device);

/* After the machine, the event loop and (for disks) the block's worker have come to rest. */
void virtio_device_destroy(struct virtio_device *device);

#endif
