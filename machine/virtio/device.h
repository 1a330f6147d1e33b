/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What all virtio devices share: status, features, queues, interrupts.  A device is a struct that begins
 * with struct virtio_device, and a struct virtio_ops; how the driver reaches it is a transport (pci.c,
 * mmio.c).
 */
#ifndef BIXI_VIRTIO_DEVICE_H
#define BIXI_VIRTIO_DEVICE_H

#include "machine/bus/state.h"
#include "machine/virtio/queue.h"
#include "machine/virtio/virtio.h"

#define VIRTIO_DEVICE_QUEUES 4	/* of any device here */
#define VIRTIO_CONFIG_MAX    64 /* bytes of device-specific configuration */
#define VIRTIO_NO_VECTOR     UINT16_MAX

/* Device status, 2.1. */
enum {
	VIRTIO_STATUS_ACKNOWLEDGE = 0x01,
	VIRTIO_STATUS_DRIVER = 0x02,
	VIRTIO_STATUS_DRIVER_OK = 0x04,
	VIRTIO_STATUS_FEATURES_OK = 0x08,
	VIRTIO_STATUS_NEEDS_RESET = 0x40,
	VIRTIO_STATUS_FAILED = 0x80,
};

/* Interrupt status, 4.1.4.5. */
enum { VIRTIO_ISR_QUEUE = 1, VIRTIO_ISR_CONFIG = 2 };

/* Feature bits any device may have, clause 6. */
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)
#define VIRTIO_F_COMMON	   (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1)

struct virtio_device;

struct virtio_ops {
	const char *name;    /* "virtio-blk" */
	uint16_t type;	     /* device id of clause 5; PCI device id is 0x1040 + type */
	uint32_t class_code; /* PCI */
	unsigned queues;
	/*
	 * The device's work: looks at all queues and at what came from the host, a bounded amount at a time
	 * (with more to do it kicks itself).  I/O side, lock not held.
	 */
	void (*process)(struct virtio_device *device);
	/* Hands device->work, which calls process(), to the I/O side.  Real mode. */
	void (*post)(struct virtio_device *device);
	/* Forgets what the driver left (lock held); waits for what is in flight (lock not held). */
	void (*reset)(struct virtio_device *device);
	void (*drain)(struct virtio_device *device);
	/* Optional: the driver writes a device-specific register.  Lock not held. */
	void (*config_write)(struct virtio_device *device, uint64_t offset, unsigned size, uint64_t value);
	/*
	 * Optional: saved state beyond what all devices have; drained, lock held.  What of the configuration
	 * can change after the device was made is its part: the whole is compared afterwards.
	 */
	void (*state)(struct virtio_device *device, struct state *state);
	void (*destroy)(struct virtio_device *device); /* frees */
};

/* How the driver reaches a device.  The device's lock is held, but for release. */
struct virtio_transport {
	void (*queue_interrupt)(struct virtio_device *device, const struct virtio_queue *queue);
	void (*config_interrupt)(struct virtio_device *device);
	void (*lower_interrupt)(struct virtio_device *device); /* nothing is pending any more */
	bool (*may_dma)(struct virtio_device *device);	       /* whether the device may reach memory now */
	void (*release)(struct virtio_device *device);
};

struct virtio_device {
	const struct virtio_ops *ops;
	char name[32]; /* with its place: "virtio-blk.pci.1" */
	const struct virtio_transport *transport;
	void *transport_data; /* the transport's own, freed by its release */
	struct bus *bus;
	struct clock *clock;
	struct event_work work; /* real mode */
	/* Deterministic mode: process() runs a fixed time after a kick.  Real mode: for a restored machine.
	 */
	struct clock_timer timer;
	bool timer_armed; /* deterministic mode */

	pthread_mutex_t lock; /* protects: the rest; order: device lock before PCI and interrupt locks */
	uint64_t features, driver_features;
	uint32_t feature_select, driver_feature_select;
	uint8_t status, generation, isr;
	uint16_t queue_select, config_vector;
	bool resetting;	    /* the driver asked for a reset; it ends when nothing is in flight */
	unsigned in_flight; /* buffers that something outside of the lock works on */
	struct virtio_queue queue[VIRTIO_DEVICE_QUEUES];
	uint8_t config[VIRTIO_CONFIG_MAX];
	unsigned config_size;
};

/*
 * Begins a device at @place, @features beside those any device has.  The caller then fills in the
 * configuration.  Later failures and the end: virtio_device_release().
 */
int virtio_device_init(struct virtio_device *device, const struct virtio_ops *ops,
		       const struct virtio_place *place, uint64_t features, unsigned config_size);
void virtio_device_release(struct virtio_device *device);

/* Buffers or input from the host may have come: sees to it that process() runs.  Any thread, lock or not. */
void virtio_kick(struct virtio_device *device);

/* Lock held, all of these: */

/* Whether the device may touch queue @index now. */
bool virtio_queue_is_live(struct virtio_device *device, unsigned index);
/* Pops with error handling: true if there is a chain.  At the end it has asked for a kick. */
bool virtio_take(struct virtio_device *device, unsigned index, struct virtio_chain *chain);
/* Pushes, and interrupts if the driver wants that. */
void virtio_give_back(struct virtio_device *device, unsigned index, uint16_t head, uint32_t written);
/* The same for several, which the driver sees at once, and with one interrupt. */
void virtio_give_back_many(struct virtio_device *device, unsigned index, const struct virtio_used *used,
			   unsigned count);
/* The driver broke the rules: the device stops until it is reset (2.1.2). */
void virtio_break(struct virtio_device *device);
/* device->config has been changed: the driver is told to read it again. */
void virtio_config_changed(struct virtio_device *device);
/* Something left flight; ends a reset that waited for it. */
void virtio_landed(struct virtio_device *device);

/* For transports: registers that all of them have.  Lock held but where it says otherwise. */

bool virtio_features_are_good(const struct virtio_device *device); /* the driver's */
/* 32 bits of a feature word. */
uint32_t virtio_feature_half(uint64_t features, uint32_t select);
void virtio_write_driver_features(struct virtio_device *device, uint32_t value);
/* The queue the driver selected, or NULL when there is none of that number. */
struct virtio_queue *virtio_selected_queue(struct virtio_device *device);
void virtio_set_queue_size(struct virtio_device *device, struct virtio_queue *queue, uint64_t size);
void virtio_set_queue_enable(struct virtio_device *device, struct virtio_queue *queue);
void virtio_set_status(struct virtio_device *device, uint8_t status); /* lock NOT held */
/* The device-specific configuration; bytes it does not have read as 0.  Lock NOT held. */
uint64_t virtio_config_read(struct virtio_device *device, unsigned offset, unsigned size);
void virtio_config_write(struct virtio_device *device, unsigned offset, unsigned size, uint64_t value);
/* An access to a register, for the trace. */
void virtio_trace_register(struct virtio_device *device, const char *name, uint64_t offset, uint64_t value,
			   unsigned size, bool write);

/* Give the device its transport; -ENOSPC: no place is left. */
int virtio_pci_attach(struct virtio_device *device, struct pci_host *host, int devfn); /* pci.c */
int virtio_mmio_attach(struct virtio_device *device, struct virtio_mmio *mmio);	       /* mmio.c */

#endif
