/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Virtio over MMIO (mmio.h).  Virtio 1.2, 4.2; no shared memory regions, no reset of single queues. */
#include "machine/virtio/mmio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/virtio/device.h"

#define MAGIC_WORD   0x74726976u /* "virt" */
#define VERSION_WORD 2u
#define VENDOR_WORD  0x49584942u /* "BIXI" */
#define CONFIG	     0x100u	 /* the device-specific configuration begins */

/* The registers, 4.2.2: name, offset. */
#define REGISTERS(X)                                                                                         \
	X(MAGIC, 0x000)                                                                                      \
	X(VERSION, 0x004)                                                                                    \
	X(DEVICE_ID, 0x008)                                                                                  \
	X(VENDOR_ID, 0x00c)                                                                                  \
	X(DEVICE_FEATURES, 0x010)                                                                            \
	X(DEVICE_FEATURES_SEL, 0x014)                                                                        \
	X(DRIVER_FEATURES, 0x020)                                                                            \
	X(DRIVER_FEATURES_SEL, 0x024)                                                                        \
	X(QUEUE_SEL, 0x030)                                                                                  \
	X(QUEUE_SIZE_MAX, 0x034)                                                                             \
	X(QUEUE_SIZE, 0x038)                                                                                 \
	X(QUEUE_READY, 0x044)                                                                                \
	X(QUEUE_NOTIFY, 0x050)                                                                               \
	X(INTERRUPT_STATUS, 0x060)                                                                           \
	X(INTERRUPT_ACK, 0x064)                                                                              \
	X(STATUS, 0x070)                                                                                     \
	X(QUEUE_DESC_LOW, 0x080)                                                                             \
	X(QUEUE_DESC_HIGH, 0x084)                                                                            \
	X(QUEUE_DRIVER_LOW, 0x090)                                                                           \
	X(QUEUE_DRIVER_HIGH, 0x094)                                                                          \
	X(QUEUE_DEVICE_LOW, 0x0a0)                                                                           \
	X(QUEUE_DEVICE_HIGH, 0x0a4)                                                                          \
	X(SHM_SEL, 0x0ac)                                                                                    \
	X(SHM_LEN_LOW, 0x0b0)                                                                                \
	X(SHM_LEN_HIGH, 0x0b4)                                                                               \
	X(SHM_BASE_LOW, 0x0b8)                                                                               \
	X(SHM_BASE_HIGH, 0x0bc)                                                                              \
	X(CONFIG_GENERATION, 0x0fc)

enum {
#define X(name, offset) name = (offset),
	REGISTERS(X)
#undef X
};

static const char *register_name(unsigned offset)
{
	switch (offset) {
#define X(name, offset)                                                                                      \
	case offset:                                                                                         \
		return "virtio-mmio." #name;
		REGISTERS(X)
#undef X
	default:
		return "virtio-mmio.?";
	}
}

/* Lock held. */
static uint32_t register_value(struct virtio_device *device, unsigned offset)
{
	struct virtio_queue *queue = virtio_selected_queue(device);

	switch (offset) {
	case MAGIC:
		return MAGIC_WORD;
	case VERSION:
		return VERSION_WORD;
	case DEVICE_ID:
		return device->ops->type;
	case VENDOR_ID:
		return VENDOR_WORD;
	case DEVICE_FEATURES:
		return virtio_feature_half(device->features, device->feature_select);
	case QUEUE_SIZE_MAX:
		return queue ? VIRTIO_QUEUE_MAX : 0;
	case QUEUE_READY:
		return queue && queue->enabled;
	case INTERRUPT_STATUS:
		return device->isr;
	case STATUS:
		return device->status;
	case SHM_LEN_LOW: /* there is no region of any number (4.2.2) */
	case SHM_LEN_HIGH:
	case SHM_BASE_LOW:
	case SHM_BASE_HIGH:
		return UINT32_MAX;
	case CONFIG_GENERATION:
		return device->generation;
	default:
		return 0; /* write-only, or none */
	}
}

static void set_low(uint64_t *field, uint32_t value)
{
	*field = (*field & ~UINT64_C(0xffffffff)) | value;
}

static void set_high(uint64_t *field, uint32_t value)
{
	*field = (*field & 0xffffffff) | (uint64_t)value << 32;
}

/* Lock held; the queue is not enabled. */
static void write_queue_register(struct virtio_device *device, struct virtio_queue *queue, unsigned offset,
				 uint32_t value)
{
	switch (offset) {
	case QUEUE_SIZE:
		virtio_set_queue_size(device, queue, value);
		break;
	case QUEUE_READY:
		if (value == 1)
			virtio_set_queue_enable(device, queue);
		break;
	case QUEUE_DESC_LOW:
		set_low(&queue->descriptor_area, value);
		break;
	case QUEUE_DESC_HIGH:
		set_high(&queue->descriptor_area, value);
		break;
	case QUEUE_DRIVER_LOW:
		set_low(&queue->driver_area, value);
		break;
	case QUEUE_DRIVER_HIGH:
		set_high(&queue->driver_area, value);
		break;
	case QUEUE_DEVICE_LOW:
		set_low(&queue->device_area, value);
		break;
	case QUEUE_DEVICE_HIGH:
		set_high(&queue->device_area, value);
		break;
	default:
		break; /* read-only */
	}
}

static void acknowledge(struct virtio_device *device, uint32_t causes)
{
	const struct virtio_mmio_slot *slot = device->transport_data;

	device->isr &= (uint8_t)~causes;
	irq_set(&slot->irq, device->isr);
}

/* Lock held. */
static void write_register(struct virtio_device *device, unsigned offset, uint32_t value)
{
	struct virtio_queue *queue = virtio_selected_queue(device);

	switch (offset) {
	case DEVICE_FEATURES_SEL:
		device->feature_select = value;
		break;
	case DRIVER_FEATURES:
		virtio_write_driver_features(device, value);
		break;
	case DRIVER_FEATURES_SEL:
		device->driver_feature_select = value;
		break;
	case QUEUE_SEL:
		device->queue_select = value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
		break;
	case INTERRUPT_ACK:
		acknowledge(device, value);
		break;
	default:
		if (queue && !queue->enabled)
			write_queue_register(device, queue, offset, value);
		break;
	}
}

/*
 * What ends something must have ended when the write has: the driver then takes its memory back without
 * polling, as it would on PCI.
 */
static void write_status(struct virtio_device *device, uint8_t status)
{
	virtio_set_status(device, status);
	if (!status)
		device->ops->drain(device);
}

static void stop_queue(struct virtio_device *device)
{
	struct virtio_queue *queue;
	bool stops = false;

	pthread_mutex_lock(&device->lock);
	queue = virtio_selected_queue(device);
	if (queue && queue->enabled) {
		queue->enabled = false;
		stops = true;
	}
	pthread_mutex_unlock(&device->lock);
	if (!stops)
		return;
	device->ops->drain(device);
	pthread_mutex_lock(&device->lock);
	device->ops->reset(device);
	pthread_mutex_unlock(&device->lock);
}

static void register_write(struct virtio_device *device, unsigned offset, uint32_t value)
{
	virtio_trace_register(device, register_name(offset), offset, value, 4, true);
	if (offset == STATUS) {
		write_status(device, (uint8_t)value);
		return;
	}
	if (offset == QUEUE_READY && !value) {
		stop_queue(device);
		return;
	}
	pthread_mutex_lock(&device->lock);
	write_register(device, offset, value);
	pthread_mutex_unlock(&device->lock);
	if (offset == QUEUE_NOTIFY && value < device->ops->queues)
		virtio_kick(device);
}

static uint32_t register_read(struct virtio_device *device, unsigned offset)
{
	uint32_t value;

	pthread_mutex_lock(&device->lock);
	value = register_value(device, offset);
	pthread_mutex_unlock(&device->lock);
	virtio_trace_register(device, register_name(offset), offset, value, 4, false);
	return value;
}

static bool window_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	const struct virtio_mmio *mmio = dev;
	struct virtio_device *device = mmio->slot[offset / VIRTIO_MMIO_SLOT_SIZE].device;
	const unsigned at = offset % VIRTIO_MMIO_SLOT_SIZE;

	if (!device)
		return false;
	if (at >= CONFIG)
		*value = virtio_config_read(device, at - CONFIG, size);
	else /* 32 bits and aligned, or it means nothing (4.2.2.2) */
		*value = size == 4 && at % 4 == 0 ? register_read(device, at) : 0;
	return true;
}

static bool window_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	const struct virtio_mmio *mmio = dev;
	struct virtio_device *device = mmio->slot[offset / VIRTIO_MMIO_SLOT_SIZE].device;
	const unsigned at = offset % VIRTIO_MMIO_SLOT_SIZE;

	if (!device)
		return false;
	if (at >= CONFIG)
		virtio_config_write(device, at - CONFIG, size, value);
	else if (size == 4 && at % 4 == 0)
		register_write(device, at, (uint32_t)value);
	return true;
}

static const struct mmio_ops window_ops = { window_read, window_write };

static void raise_interrupt(struct virtio_device *device, uint8_t cause)
{
	const struct virtio_mmio_slot *slot = device->transport_data;

	device->isr |= cause;
	irq_set(&slot->irq, true);
}

static void queue_interrupt(struct virtio_device *device, const struct virtio_queue *queue)
{
	raise_interrupt(device, VIRTIO_ISR_QUEUE);
}

static void config_interrupt(struct virtio_device *device)
{
	raise_interrupt(device, VIRTIO_ISR_CONFIG);
}

static void lower_interrupt(struct virtio_device *device)
{
	const struct virtio_mmio_slot *slot = device->transport_data;

	irq_set(&slot->irq, false);
}

static bool may_dma(struct virtio_device *device)
{
	return true;
}

static void release(struct virtio_device *device)
{
	struct virtio_mmio_slot *slot = device->transport_data;

	lower_interrupt(device);
	slot->device = NULL;
}

static const struct virtio_transport mmio_transport = {
	.queue_interrupt = queue_interrupt,
	.config_interrupt = config_interrupt,
	.lower_interrupt = lower_interrupt,
	.may_dma = may_dma,
	.release = release,
};

int virtio_mmio_attach(struct virtio_device *device, struct virtio_mmio *mmio)
{
	const unsigned slot = virtio_mmio_used(mmio);

	if (slot == VIRTIO_MMIO_SLOTS)
		return -ENOSPC;
	snprintf(device->name, sizeof(device->name), "%s.mmio.%u", device->ops->name, slot);
	device->transport = &mmio_transport;
	device->transport_data = &mmio->slot[slot];
	mmio->slot[slot].device = device;
	return 0;
}

int virtio_mmio_init(struct virtio_mmio *mmio, struct bus *bus, uint64_t base,
		     const struct irq_line irq[VIRTIO_MMIO_SLOTS])
{
	const struct mmio_region region = {
		.name = "virtio-mmio", .base = base, .size = VIRTIO_MMIO_SIZE, .ops = &window_ops, .dev = mmio
	};

	memset(mmio, 0, sizeof(*mmio));
	mmio->bus = bus;
	for (unsigned i = 0; i < VIRTIO_MMIO_SLOTS; i++)
		mmio->slot[i].irq = irq[i];
	return bus_add_region(bus, &region);
}

unsigned virtio_mmio_used(const struct virtio_mmio *mmio)
{
	unsigned used = 0;

	while (used < VIRTIO_MMIO_SLOTS && mmio->slot[used].device)
		used++;
	return used;
}
