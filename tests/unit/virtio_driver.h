/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The driver's side of PCI and virtio for tests and fuzzers: a bus with RAM and a PCI host, and just enough
 * of a driver to bring a device up and put buffers into its queues.  Everything goes through the bus.
 */
#ifndef BIXI_TESTS_VIRTIO_DRIVER_H
#define BIXI_TESTS_VIRTIO_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/bus.h"
#include "machine/bus/clock.h"
#include "machine/bus/trace.h"
#include "machine/pci/pci.h"
#include "machine/virtio/mmio.h"
#include "machine/virtio/virtio.h"

#define DRIVER_RAM	UINT64_C(0x400000)
#define DRIVER_MMIO	UINT64_C(0x16000000)
#define DRIVER_ECAM	UINT64_C(0x20000000)
#define DRIVER_DOORBELL UINT64_C(0x2ff00000)
#define DRIVER_MEM	UINT64_C(0x40000000)
#define DRIVER_IO	UINT64_C(0x18004000)
#define DRIVER_MSIX	(DRIVER_MEM + 0x10000) /* where driver_map() puts the BARs */
#define DRIVER_REGS	(DRIVER_MEM + 0x20000)

/* Where queue n's parts are in RAM. */
#define DRIVER_DESC(n)	(UINT64_C(0x10000) * ((n) + 1))
#define DRIVER_AVAIL(n) (DRIVER_DESC(n) + 0x2000)
#define DRIVER_USED(n)	(DRIVER_DESC(n) + 0x4000)
#define DRIVER_DATA	UINT64_C(0x100000)

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

/* Packed rings, 2.8.5. */
#define DESC_AVAILABLE 0x0080
#define DESC_USED      0x8000

#define RING_PACKED (UINT64_C(1) << 34)
#define EVENT_IDX   (UINT64_C(1) << 29)
#define INDIRECT    (UINT64_C(1) << 28)
#define VERSION_1   (UINT64_C(1) << 32)

/* Registers of the common structure. */
enum {
	R_DEVICE_FEATURE_SELECT = 0x00,
	R_DEVICE_FEATURE = 0x04,
	R_DRIVER_FEATURE_SELECT = 0x08,
	R_DRIVER_FEATURE = 0x0c,
	R_CONFIG_VECTOR = 0x10,
	R_NUM_QUEUES = 0x12,
	R_STATUS = 0x14,
	R_QUEUE_SELECT = 0x16,
	R_QUEUE_SIZE = 0x18,
	R_QUEUE_VECTOR = 0x1a,
	R_QUEUE_ENABLE = 0x1c,
	R_QUEUE_DESC = 0x20,
	R_QUEUE_DRIVER = 0x28,
	R_QUEUE_DEVICE = 0x30,
	R_ISR = 0x1000,
	R_DEVICE = 0x2000,
	R_NOTIFY = 0x3000,
};

/* Registers of the memory-mapped transport. */
enum {
	M_DEVICE_FEATURES = 0x010,
	M_DEVICE_FEATURES_SEL = 0x014,
	M_DRIVER_FEATURES = 0x020,
	M_DRIVER_FEATURES_SEL = 0x024,
	M_QUEUE_SEL = 0x030,
	M_QUEUE_SIZE_MAX = 0x034,
	M_QUEUE_SIZE = 0x038,
	M_QUEUE_READY = 0x044,
	M_QUEUE_NOTIFY = 0x050,
	M_INTERRUPT_STATUS = 0x060,
	M_INTERRUPT_ACK = 0x064,
	M_STATUS = 0x070,
	M_QUEUE_DESC = 0x080,
	M_QUEUE_DRIVER = 0x090,
	M_QUEUE_DEVICE = 0x0a0,
	M_SHM_LEN = 0x0b0,
	M_SHM_BASE = 0x0b8,
	M_CONFIG_GENERATION = 0x0fc,
	M_CONFIG = 0x100,
};

struct driver {
	struct trace trace;
	struct clock clock;
	struct bus bus;
	struct pci_host host;
	struct virtio_mmio mmio;
	_Atomic int line[4]; /* INTA-INTD as the host drives them */
	_Atomic int mmio_line[VIRTIO_MMIO_SLOTS];
	_Atomic unsigned messages; /* writes to the doorbell */
	_Atomic uint32_t last_message;
	uint16_t queue_size;
	uint16_t available[4]; /* next index of each queue */
};

static inline void driver_set_line(void *sink, unsigned pin, bool level)
{
	struct driver *driver = sink;

	driver->line[pin] = level;
}

static inline void driver_set_mmio_line(void *sink, unsigned pin, bool level)
{
	struct driver *driver = sink;

	driver->mmio_line[pin] = level;
}

static inline bool driver_doorbell_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0;
	return true;
}

static inline bool driver_doorbell_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct driver *driver = dev;

	driver->last_message = (uint32_t)value;
	driver->messages++;
	return true;
}

static const struct mmio_ops driver_doorbell_ops = { driver_doorbell_read, driver_doorbell_write };

static inline void driver_init(struct driver *driver, bool deterministic)
{
	static const struct pci_layout layout = {
		.ecam_base = DRIVER_ECAM,
		.bus_count = 128,
		.mem_base = DRIVER_MEM,
		.mem_size = 0x40000000,
		.io_base = DRIVER_IO,
		.io_size = 0xc000,
		.io_first = 0x4000,
	};
	const struct mmio_region doorbell = { .name = "doorbell",
					      .base = DRIVER_DOORBELL,
					      .size = 8,
					      .ops = &driver_doorbell_ops,
					      .dev = driver };
	struct irq_line lines[4], mmio_lines[VIRTIO_MMIO_SLOTS];

	memset(driver, 0, sizeof(*driver));
	for (unsigned i = 0; i < 4; i++)
		lines[i] = (struct irq_line){ driver_set_line, driver, i };
	for (unsigned i = 0; i < VIRTIO_MMIO_SLOTS; i++)
		mmio_lines[i] = (struct irq_line){ driver_set_mmio_line, driver, i };
	clock_init(&driver->clock, deterministic, 1);
	if (bus_init(&driver->bus, DRIVER_RAM, &driver->trace) || bus_add_region(&driver->bus, &doorbell) ||
	    pci_host_init(&driver->host, &driver->bus, &layout, lines) ||
	    virtio_mmio_init(&driver->mmio, &driver->bus, DRIVER_MMIO, mmio_lines))
		abort();
	driver->queue_size = 256;
}

static inline void driver_destroy(struct driver *driver)
{
	pci_host_destroy(&driver->host);
	bus_destroy(&driver->bus);
	clock_destroy(&driver->clock);
}

/* Where a test's device goes on PCI. */
static inline struct virtio_place driver_place(struct driver *driver, int devfn)
{
	return (struct virtio_place){ .pci = &driver->host, .devfn = devfn, .clock = &driver->clock };
}

/* And off PCI: in the next free slot. */
static inline struct virtio_place driver_mmio_place(struct driver *driver)
{
	return (struct virtio_place){ .mmio = &driver->mmio, .clock = &driver->clock };
}

static inline uint64_t driver_read(struct driver *driver, uint64_t pa, unsigned size)
{
	uint64_t value;

	if (!bus_mmio_read(&driver->bus, pa, size, &value))
		abort();
	return value;
}

static inline void driver_write(struct driver *driver, uint64_t pa, unsigned size, uint64_t value)
{
	if (!bus_mmio_write(&driver->bus, pa, size, value))
		abort();
}

static inline uint64_t driver_config(unsigned devfn, unsigned offset)
{
	return DRIVER_ECAM + (devfn << 12) + offset;
}

static inline uint64_t driver_reg(struct driver *driver, unsigned reg, unsigned size)
{
	return driver_read(driver, DRIVER_REGS + reg, size);
}

static inline void driver_set_reg(struct driver *driver, unsigned reg, unsigned size, uint64_t value)
{
	driver_write(driver, DRIVER_REGS + reg, size, value);
}

static inline void *driver_ram(struct driver *driver, uint64_t pa)
{
	void *host = bus_ram(&driver->bus, pa, 1);

	if (!host)
		abort();
	return host;
}

/* Maps the virtio function's BARs; memory and bus mastering on. */
static inline void driver_map(struct driver *driver, unsigned devfn)
{
	driver_write(driver, driver_config(devfn, PCI_BAR0 + 4), 4, DRIVER_MSIX);
	driver_write(driver, driver_config(devfn, PCI_BAR0 + 16), 4, DRIVER_REGS);
	driver_write(driver, driver_config(devfn, PCI_BAR0 + 20), 4, 0);
	driver_write(driver, driver_config(devfn, PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* The offset of capability @id in configuration space, 0 if there is none. */
static inline unsigned driver_find_capability(struct driver *driver, unsigned devfn, uint8_t id)
{
	unsigned at = (unsigned)driver_read(driver, driver_config(devfn, PCI_CAPABILITY_LIST), 1);

	for (unsigned i = 0; at && i < 48; i++) {
		if (driver_read(driver, driver_config(devfn, at), 1) == id)
			return at;
		at = (unsigned)driver_read(driver, driver_config(devfn, at + 1), 1);
	}
	return 0;
}

/* Turns MSI-X on with vector n = doorbell, data 0x40 + n. */
static inline void driver_use_msix(struct driver *driver, unsigned devfn, unsigned vectors)
{
	unsigned cap = driver_find_capability(driver, devfn, 0x11);

	for (unsigned i = 0; i < vectors; i++) {
		driver_write(driver, DRIVER_MSIX + 16 * i, 4, DRIVER_DOORBELL);
		driver_write(driver, DRIVER_MSIX + 16 * i + 4, 4, 0);
		driver_write(driver, DRIVER_MSIX + 16 * i + 8, 4, 0x40 + i);
		driver_write(driver, DRIVER_MSIX + 16 * i + 12, 4, 0);
	}
	driver_write(driver, driver_config(devfn, cap + 2), 2, 0x8000);
}

static inline uint64_t driver_device_features(struct driver *driver)
{
	uint64_t features;

	driver_set_reg(driver, R_DEVICE_FEATURE_SELECT, 4, 0);
	features = driver_reg(driver, R_DEVICE_FEATURE, 4);
	driver_set_reg(driver, R_DEVICE_FEATURE_SELECT, 4, 1);
	return features | driver_reg(driver, R_DEVICE_FEATURE, 4) << 32;
}

/* Reset, negotiation; the status after FEATURES_OK was asked for. */
static inline unsigned driver_negotiate(struct driver *driver, uint64_t features)
{
	driver_set_reg(driver, R_STATUS, 1, 0);
	driver_set_reg(driver, R_STATUS, 1, 1);
	driver_set_reg(driver, R_STATUS, 1, 3);
	for (unsigned i = 0; i < 2; i++) {
		driver_set_reg(driver, R_DRIVER_FEATURE_SELECT, 4, i);
		driver_set_reg(driver, R_DRIVER_FEATURE, 4, (uint32_t)(features >> (32 * i)));
	}
	driver_set_reg(driver, R_STATUS, 1, 0xb);
	return (unsigned)driver_reg(driver, R_STATUS, 1);
}

static inline void driver_enable_queue(struct driver *driver, unsigned queue)
{
	memset(driver_ram(driver, DRIVER_DESC(queue)), 0, 0x8000);
	driver_set_reg(driver, R_QUEUE_SELECT, 2, queue);
	driver_set_reg(driver, R_QUEUE_SIZE, 2, driver->queue_size);
	driver_set_reg(driver, R_QUEUE_VECTOR, 2, queue + 1);
	driver_set_reg(driver, R_QUEUE_DESC, 4, DRIVER_DESC(queue));
	driver_set_reg(driver, R_QUEUE_DESC + 4, 4, 0);
	driver_set_reg(driver, R_QUEUE_DRIVER, 4, DRIVER_AVAIL(queue));
	driver_set_reg(driver, R_QUEUE_DEVICE, 4, DRIVER_USED(queue));
	driver_set_reg(driver, R_QUEUE_ENABLE, 2, 1);
	driver->available[queue] = 0;
}

/* The whole way to DRIVER_OK. */
static inline void driver_start(struct driver *driver, uint64_t features)
{
	unsigned queues;

	driver_negotiate(driver, features);
	driver_set_reg(driver, R_CONFIG_VECTOR, 2, 0);
	queues = (unsigned)driver_reg(driver, R_NUM_QUEUES, 2);
	for (unsigned i = 0; i < queues; i++)
		driver_enable_queue(driver, i);
	driver_set_reg(driver, R_STATUS, 1, 0xf);
}

static inline void driver_descriptor(struct driver *driver, uint64_t table, unsigned index, uint64_t address,
				     uint32_t length, uint16_t flags, uint16_t next)
{
	uint8_t *d = (uint8_t *)driver_ram(driver, table) + index * 16;

	memcpy(d, &address, 8);
	memcpy(d + 8, &length, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

/* Makes chain @head available. */
static inline void driver_offer(struct driver *driver, unsigned queue, uint16_t head)
{
	uint16_t *ring = driver_ram(driver, DRIVER_AVAIL(queue));

	__atomic_store_n(&ring[2 + driver->available[queue] % driver->queue_size], head, __ATOMIC_RELAXED);
	__atomic_store_n(&ring[1], ++driver->available[queue], __ATOMIC_SEQ_CST);
}

static inline void driver_notify(struct driver *driver, unsigned queue)
{
	driver_set_reg(driver, R_NOTIFY + 4 * queue, 2, queue);
}

static inline uint16_t driver_used_index(struct driver *driver, unsigned queue)
{
	return __atomic_load_n((uint16_t *)driver_ram(driver, DRIVER_USED(queue) + 2), __ATOMIC_ACQUIRE);
}

/*
 * A packed ring's position runs over the ring twice, first with wrap counter 1 and then with 0.  Writes the
 * descriptor at @position, available.
 */
static inline void driver_packed_put(struct driver *driver, unsigned queue, unsigned position,
				     uint64_t address, uint32_t length, uint16_t id, uint16_t flags)
{
	const unsigned size = driver->queue_size;
	uint8_t *d = (uint8_t *)driver_ram(driver, DRIVER_DESC(queue)) + position % size * 16;

	memcpy(d, &address, 8);
	memcpy(d + 8, &length, 4);
	memcpy(d + 12, &id, 2);
	flags |= position % (2 * size) < size ? DESC_AVAILABLE : DESC_USED;
	__atomic_store_n((uint16_t *)(void *)(d + 14), flags, __ATOMIC_SEQ_CST);
}

/* Whether the device has written a used descriptor at @position. */
static inline bool driver_packed_used(struct driver *driver, unsigned queue, unsigned position, uint16_t *id,
				      uint32_t *written)
{
	const unsigned size = driver->queue_size;
	const uint8_t *d = (uint8_t *)driver_ram(driver, DRIVER_DESC(queue)) + position % size * 16;
	const bool wrap = position % (2 * size) < size;
	uint16_t flags = __atomic_load_n((const uint16_t *)(const void *)(d + 14), __ATOMIC_SEQ_CST);

	if (!!(flags & DESC_AVAILABLE) != wrap || !!(flags & DESC_USED) != wrap)
		return false;
	memcpy(written, d + 8, 4);
	memcpy(id, d + 12, 2);
	return true;
}

/* The memory-mapped transport. */

static inline uint32_t driver_mmio_reg(struct driver *driver, unsigned slot, unsigned reg)
{
	return (uint32_t)driver_read(driver, DRIVER_MMIO + slot * VIRTIO_MMIO_SLOT_SIZE + reg, 4);
}

static inline void driver_mmio_set(struct driver *driver, unsigned slot, unsigned reg, uint32_t value)
{
	driver_write(driver, DRIVER_MMIO + slot * VIRTIO_MMIO_SLOT_SIZE + reg, 4, value);
}

static inline void driver_mmio_enable(struct driver *driver, unsigned slot, unsigned queue)
{
	memset(driver_ram(driver, DRIVER_DESC(queue)), 0, 0x8000);
	driver_mmio_set(driver, slot, M_QUEUE_SEL, queue);
	driver_mmio_set(driver, slot, M_QUEUE_SIZE, driver->queue_size);
	driver_mmio_set(driver, slot, M_QUEUE_DESC, (uint32_t)DRIVER_DESC(queue));
	driver_mmio_set(driver, slot, M_QUEUE_DRIVER, (uint32_t)DRIVER_AVAIL(queue));
	driver_mmio_set(driver, slot, M_QUEUE_DEVICE, (uint32_t)DRIVER_USED(queue));
	driver_mmio_set(driver, slot, M_QUEUE_READY, 1);
	driver->available[queue] = 0;
}

/* The whole way to DRIVER_OK, with queues 0 to @queues - 1. */
static inline void driver_mmio_start(struct driver *driver, unsigned slot, uint64_t features, unsigned queues)
{
	driver_mmio_set(driver, slot, M_STATUS, 0);
	driver_mmio_set(driver, slot, M_STATUS, 3);
	for (unsigned i = 0; i < 2; i++) {
		driver_mmio_set(driver, slot, M_DRIVER_FEATURES_SEL, i);
		driver_mmio_set(driver, slot, M_DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
	}
	driver_mmio_set(driver, slot, M_STATUS, 0xb);
	for (unsigned i = 0; i < queues; i++)
		driver_mmio_enable(driver, slot, i);
	driver_mmio_set(driver, slot, M_STATUS, 0xf);
}

/* Deterministic mode: lets time pass until nothing more is going to happen. */
static inline void driver_run(struct driver *driver)
{
	uint64_t deadline;

	while ((deadline = clock_next_deadline(&driver->clock)) != UINT64_MAX) {
		if (deadline > driver->clock.virtual_now)
			driver->clock.virtual_now = deadline;
		clock_run_timers(&driver->clock);
	}
}

#endif
