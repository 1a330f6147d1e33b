/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Making virtio devices; what boards and control/ call.  Virtio 1.2, modern interface only.
 */
#ifndef BIXI_VIRTIO_VIRTIO_H
#define BIXI_VIRTIO_VIRTIO_H

#include "machine/bus/clock.h"
#include "machine/host/block.h"
#include "machine/host/chardev.h"
#include "machine/host/eventloop.h"
#include "machine/host/net.h"
#include "machine/pci/pci.h"

struct state;
struct virtio_device;
struct virtio_mmio;

/* Where a virtio device sits: a PCI function, or the next free slot of the memory-mapped transport. */
struct virtio_place {
	struct pci_host *pci;	  /* PCI: the host and */
	int devfn;		  /* PCI_DEVFN_AUTO or a place */
	struct virtio_mmio *mmio; /* NULL, or: MMIO, in place of PCI */
	struct clock *clock;
	bool packed; /* offers packed rings besides split ones */
};

/*
 * A disk (virtio-blk).  @block stays the caller's and must outlive the device.  @serial: up to 20
 * characters, may be NULL.  Returns 0 or a negative errno; -ENOSPC: no place is left.
 */
int virtio_blk_create(struct virtio_device **device, const struct virtio_place *place, struct block *block,
		      const char *serial);

/* A console with one port (hvc0).  @chardev stays the caller's and must outlive the device. */
int virtio_console_create(struct virtio_device **device, const struct virtio_place *place,
			  struct chardev *chardev, struct event_loop *loop);

/* A network card.  @net stays the caller's and must outlive the device. */
int virtio_net_create(struct virtio_device **device, const struct virtio_place *place, struct net *net,
		      const uint8_t mac[6], struct event_loop *loop);

/* A folder of the host (virtio-9p) that the guest mounts by @tag.  @server as the chardev above. */
#define VIRTIO_9P_TAG_MAX 32 /* bytes */
struct p9_server;
int virtio_9p_create(struct virtio_device **device, const struct virtio_place *place,
		     struct p9_server *server, const char *tag);

/* A source of random numbers. */
int virtio_rng_create(struct virtio_device **device, const struct virtio_place *place,
		      struct event_loop *loop);

/* The device's type and place, for messages and snapshots: "virtio-blk.pci.1". */
const char *virtio_device_name(const struct virtio_device *device);

/* For machine_add_state() and machine_add_drain(), with the device. */
void virtio_device_state(void *device, struct state *state);
void virtio_device_drain(void *device);

/* As power-on.  No core runs; waits for what the device has in flight. */
void virtio_device_reset(struct virtio_device *device);

/* After the machine, the event loop and (for disks) the block's worker have come to rest. */
void virtio_device_destroy(struct virtio_device *device);

#endif
