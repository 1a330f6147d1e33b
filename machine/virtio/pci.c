/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Virtio over PCI, the modern interface only: a memory BAR with common registers, interrupt status, device
 * registers and notifications, and the capabilities that say so.  Virtio 1.2, 4.1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/pci/pci.h"
#include "machine/virtio/device.h"

/* BARs, and the parts of the second; QEMU's places, which some guests have been tested with only. */
#define MSIX_BAR	  1
#define REGISTER_BAR	  4
#define REGISTER_BAR_SIZE 0x4000
#define PART_SIZE	  0x1000u
#define COMMON_OFFSET	  0x0000
#define ISR_OFFSET	  0x1000
#define DEVICE_OFFSET	  0x2000
#define NOTIFY_OFFSET	  0x3000
#define NOTIFY_MULTIPLIER 4

/* struct virtio_pci_cap, 4.1.4. */
#define CAP_VENDOR	 0x09
#define CAP_LENGTH	 2
#define CAP_TYPE	 3
#define CAP_BAR		 4
#define CAP_OFFSET	 8
#define CAP_PART_LENGTH	 12
#define CAP_EXTRA	 16 /* notify multiplier, or the PCI_CFG data window */
#define CAP_SIZE	 16
#define CAP_TYPE_COMMON	 1
#define CAP_TYPE_NOTIFY	 2
#define CAP_TYPE_ISR	 3
#define CAP_TYPE_DEVICE	 4
#define CAP_TYPE_PCI_CFG 5

/* The common configuration structure, 4.1.4.3: name, offset, bytes. */
#define COMMON_REGISTERS(X)                                                                                  \
	X(DEVICE_FEATURE_SELECT, 0x00, 4)                                                                    \
	X(DEVICE_FEATURE, 0x04, 4)                                                                           \
	X(DRIVER_FEATURE_SELECT, 0x08, 4)                                                                    \
	X(DRIVER_FEATURE, 0x0c, 4)                                                                           \
	X(CONFIG_MSIX_VECTOR, 0x10, 2)                                                                       \
	X(NUM_QUEUES, 0x12, 2)                                                                               \
	X(DEVICE_STATUS, 0x14, 1)                                                                            \
	X(CONFIG_GENERATION, 0x15, 1)                                                                        \
	X(QUEUE_SELECT, 0x16, 2)                                                                             \
	X(QUEUE_SIZE, 0x18, 2)                                                                               \
	X(QUEUE_MSIX_VECTOR, 0x1a, 2)                                                                        \
	X(QUEUE_ENABLE, 0x1c, 2)                                                                             \
	X(QUEUE_NOTIFY_OFF, 0x1e, 2)                                                                         \
	X(QUEUE_DESC, 0x20, 8)                                                                               \
	X(QUEUE_DRIVER, 0x28, 8)                                                                             \
	X(QUEUE_DEVICE, 0x30, 8)

enum common_register {
#define X(name, offset, size) name,
	COMMON_REGISTERS(X)
#undef X
};

static const struct {
	const char *name;
	uint8_t offset, size;
} common_registers[] = {
#define X(name, offset, size) { "virtio." #name, offset, size },
	COMMON_REGISTERS(X)
#undef X
};

#define COMMON_COUNT (sizeof(common_registers) / sizeof(common_registers[0]))

/* What PCI adds to a device: device->transport_data. */
struct virtio_pci {
	struct pci_function function;
	unsigned cfg_capability; /* offset of the PCI_CFG capability */
};

static struct pci_function *function_of(struct virtio_device *device)
{
	return &((struct virtio_pci *)device->transport_data)->function;
}

static uint64_t queue_register(const struct virtio_device *device, const struct virtio_queue *queue,
			       enum common_register reg)
{
	if (!queue)
		return reg == QUEUE_MSIX_VECTOR ? VIRTIO_NO_VECTOR : 0;
	switch (reg) {
	case QUEUE_SIZE:
		return queue->size;
	case QUEUE_MSIX_VECTOR:
		return queue->vector;
	case QUEUE_ENABLE:
		return queue->enabled;
	case QUEUE_NOTIFY_OFF:
		return device->queue_select;
	case QUEUE_DESC:
		return queue->descriptor_area;
	case QUEUE_DRIVER:
		return queue->driver_area;
	default:
		return queue->device_area;
	}
}

/* Lock held. */
static uint64_t register_value(struct virtio_device *device, enum common_register reg)
{
	switch (reg) {
	case DEVICE_FEATURE_SELECT:
		return device->feature_select;
	case DEVICE_FEATURE:
		return virtio_feature_half(device->features, device->feature_select);
	case DRIVER_FEATURE_SELECT:
		return device->driver_feature_select;
	case DRIVER_FEATURE:
		return virtio_feature_half(device->driver_features, device->driver_feature_select);
	case CONFIG_MSIX_VECTOR:
		return device->config_vector;
	case NUM_QUEUES:
		return device->ops->queues;
	case DEVICE_STATUS:
		return device->status;
	case CONFIG_GENERATION:
		return device->generation;
	case QUEUE_SELECT:
		return device->queue_select;
	default:
		return queue_register(device, virtio_selected_queue(device), reg);
	}
}

/* A vector the function does not have cannot be set (4.1.5.1.2). */
static uint16_t valid_vector(const struct virtio_device *device, uint64_t vector)
{
	return vector <= device->ops->queues ? (uint16_t)vector : VIRTIO_NO_VECTOR;
}

/* Lock held; the queue is not enabled yet, but for its vector. */
static void write_queue_register(struct virtio_device *device, struct virtio_queue *queue,
				 enum common_register reg, uint64_t value)
{
	if (reg == QUEUE_MSIX_VECTOR) {
		queue->vector = valid_vector(device, value);
		return;
	}
	if (queue->enabled)
		return;
	switch (reg) {
	case QUEUE_SIZE:
		virtio_set_queue_size(device, queue, value);
		break;
	case QUEUE_ENABLE:
		if (value == 1)
			virtio_set_queue_enable(device, queue);
		break;
	case QUEUE_DESC:
		queue->descriptor_area = value;
		break;
	case QUEUE_DRIVER:
		queue->driver_area = value;
		break;
	case QUEUE_DEVICE:
		queue->device_area = value;
		break;
	default:
		break; /* read-only */
	}
}

/* Lock held. */
static void write_register(struct virtio_device *device, enum common_register reg, uint64_t value)
{
	struct virtio_queue *queue = virtio_selected_queue(device);

	switch (reg) {
	case DEVICE_FEATURE_SELECT:
		device->feature_select = (uint32_t)value;
		break;
	case DRIVER_FEATURE_SELECT:
		device->driver_feature_select = (uint32_t)value;
		break;
	case DRIVER_FEATURE:
		virtio_write_driver_features(device, (uint32_t)value);
		break;
	case CONFIG_MSIX_VECTOR:
		device->config_vector = valid_vector(device, value);
		break;
	case QUEUE_SELECT:
		device->queue_select = (uint16_t)value;
		break;
	default:
		if (reg > QUEUE_SELECT && queue)
			write_queue_register(device, queue, reg, value);
		break;
	}
}

static uint64_t common_read(struct virtio_device *device, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	pthread_mutex_lock(&device->lock);
	for (unsigned i = 0; i < COMMON_COUNT; i++) {
		const unsigned start = common_registers[i].offset;
		uint64_t field;

		if (!pci_overlap(offset, size, start, common_registers[i].size))
			continue;
		field = register_value(device, (enum common_register)i);
		value |= start >= offset ? field << (8 * (start - offset)) : field >> (8 * (offset - start));
		virtio_trace_register(device, common_registers[i].name, start, field,
				      common_registers[i].size, false);
	}
	pthread_mutex_unlock(&device->lock);
	return value & pci_ones(size);
}

/* The part of an access to [offset, offset + size) that falls on register @i, over its old value. */
static uint64_t merged_value(struct virtio_device *device, unsigned i, unsigned offset, unsigned size,
			     uint64_t value)
{
	const unsigned start = common_registers[i].offset;
	uint64_t mask = pci_ones(size);

	if (start >= offset) {
		value >>= 8 * (start - offset);
		mask >>= 8 * (start - offset);
	} else {
		value <<= 8 * (offset - start);
		mask <<= 8 * (offset - start);
	}
	mask &= pci_ones(common_registers[i].size);
	return (register_value(device, (enum common_register)i) & ~mask) | (value & mask);
}

static void common_write(struct virtio_device *device, unsigned offset, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < COMMON_COUNT; i++) {
		uint64_t field;

		if (!pci_overlap(offset, size, common_registers[i].offset, common_registers[i].size))
			continue;
		pthread_mutex_lock(&device->lock);
		field = merged_value(device, i, offset, size, value);
		virtio_trace_register(device, common_registers[i].name, common_registers[i].offset, field,
				      common_registers[i].size, true);
		if (i != DEVICE_STATUS)
			write_register(device, (enum common_register)i, field);
		pthread_mutex_unlock(&device->lock);
		if (i == DEVICE_STATUS)
			virtio_set_status(device, (uint8_t)field);
	}
}

/* Reading acknowledges (4.1.4.5). */
static uint64_t isr_read(struct virtio_device *device)
{
	uint64_t value;

	pthread_mutex_lock(&device->lock);
	value = device->isr;
	device->isr = 0;
	pci_set_intx(function_of(device), false);
	pthread_mutex_unlock(&device->lock);
	virtio_trace_register(device, "virtio.isr", ISR_OFFSET, value, 1, false);
	return value;
}

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned size)
{
	struct virtio_device *device = opaque;
	unsigned in_part = offset % PART_SIZE;

	switch (offset - in_part) {
	case COMMON_OFFSET:
		return common_read(device, in_part, size);
	case ISR_OFFSET:
		return in_part ? 0 : isr_read(device);
	case DEVICE_OFFSET:
		return virtio_config_read(device, in_part, size);
	default:
		return 0;
	}
}

static void bar_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_device *device = opaque;
	unsigned in_part = offset % PART_SIZE;

	switch (offset - in_part) {
	case COMMON_OFFSET:
		common_write(device, in_part, size, value);
		break;
	case DEVICE_OFFSET:
		virtio_config_write(device, in_part, size, value);
		break;
	case NOTIFY_OFFSET:
		virtio_trace_register(device, "virtio.notify", in_part, value, size, true);
		if (in_part < device->ops->queues * NOTIFY_MULTIPLIER)
			virtio_kick(device);
		break;
	default:
		break;
	}
}

static const struct pci_bar_ops bar_ops = { bar_read, bar_write };

/* The PCI_CFG capability: the registers through configuration space (4.1.4.9), for firmware without BARs.
 * Returns whether the driver set it up for a valid access, and which. */
static bool cfg_access(struct virtio_device *device, uint64_t *offset, unsigned *size)
{
	struct virtio_pci *pci = device->transport_data;
	struct pci_function *fn = &pci->function;
	const unsigned cap = pci->cfg_capability;

	*offset = pci_config_get(fn, cap + CAP_OFFSET, 4);
	*size = (unsigned)pci_config_get(fn, cap + CAP_PART_LENGTH, 4);
	return pci_config_get(fn, cap + CAP_BAR, 1) == REGISTER_BAR &&
	       (*size == 1 || *size == 2 || *size == 4) && !(*offset % *size) && *offset < REGISTER_BAR_SIZE;
}

static void before_config_read(struct pci_function *fn, unsigned offset, unsigned size)
{
	struct virtio_device *device = fn->device;
	const unsigned data = ((struct virtio_pci *)device->transport_data)->cfg_capability + CAP_EXTRA;
	uint64_t at;
	unsigned width;

	if (pci_overlap(offset, size, data, 4) && cfg_access(device, &at, &width))
		pci_config_set(fn, data, width, bar_read(device, at, width));
}

static void after_config_write(struct pci_function *fn, unsigned offset, unsigned size)
{
	struct virtio_device *device = fn->device;
	const unsigned data = ((struct virtio_pci *)device->transport_data)->cfg_capability + CAP_EXTRA;
	uint64_t at;
	unsigned width;

	if (pci_overlap(offset, size, data, 4) && cfg_access(device, &at, &width))
		bar_write(device, at, width, pci_config_get(fn, data, width));
	if (pci_overlap(offset, size, PCI_COMMAND, 2) && pci_bus_master(fn))
		virtio_kick(device); /* queues rest while the device may not reach memory */
}

static unsigned add_capability(struct pci_function *fn, uint8_t type, uint32_t offset, uint32_t length,
			       unsigned extra)
{
	unsigned cap = pci_add_capability(fn, CAP_VENDOR, CAP_SIZE + extra);

	fn->config[cap + CAP_LENGTH] = (uint8_t)(CAP_SIZE + extra);
	fn->config[cap + CAP_TYPE] = type;
	fn->config[cap + CAP_BAR] = type == CAP_TYPE_PCI_CFG ? 0 : REGISTER_BAR;
	pci_put_le(fn->config + cap + CAP_OFFSET, 4, offset);
	pci_put_le(fn->config + cap + CAP_PART_LENGTH, 4, length);
	return cap;
}

/* @vector, or without MSI-X the pin with @cause in the interrupt status. */
static void raise_interrupt(struct virtio_device *device, uint8_t cause, uint16_t vector)
{
	struct pci_function *fn = function_of(device);

	if (pci_msix_enabled(fn)) {
		if (vector != VIRTIO_NO_VECTOR)
			pci_msix_notify(fn, vector);
		return;
	}
	device->isr |= cause;
	pci_set_intx(fn, true);
}

static void queue_interrupt(struct virtio_device *device, const struct virtio_queue *queue)
{
	raise_interrupt(device, VIRTIO_ISR_QUEUE, queue->vector);
}

static void config_interrupt(struct virtio_device *device)
{
	raise_interrupt(device, VIRTIO_ISR_CONFIG, device->config_vector);
}

static void lower_interrupt(struct virtio_device *device)
{
	pci_set_intx(function_of(device), false);
}

static bool may_dma(struct virtio_device *device)
{
	return pci_bus_master(function_of(device));
}

static void release(struct virtio_device *device)
{
	pci_remove_function(function_of(device));
	free(device->transport_data);
}

static const struct virtio_transport pci_transport = {
	.queue_interrupt = queue_interrupt,
	.config_interrupt = config_interrupt,
	.lower_interrupt = lower_interrupt,
	.may_dma = may_dma,
	.release = release,
};

static void add_capabilities(struct virtio_pci *pci)
{
	struct pci_function *fn = &pci->function;
	unsigned cap;

	add_capability(fn, CAP_TYPE_COMMON, COMMON_OFFSET, PART_SIZE, 0);
	add_capability(fn, CAP_TYPE_ISR, ISR_OFFSET, PART_SIZE, 0);
	add_capability(fn, CAP_TYPE_DEVICE, DEVICE_OFFSET, PART_SIZE, 0);
	cap = add_capability(fn, CAP_TYPE_NOTIFY, NOTIFY_OFFSET, PART_SIZE, 4);
	pci_put_le(fn->config + cap + CAP_EXTRA, 4, NOTIFY_MULTIPLIER);
	cap = add_capability(fn, CAP_TYPE_PCI_CFG, 0, 0, 4);
	pci->cfg_capability = cap;
	fn->writable[cap + CAP_BAR] = 0xff;
	memset(fn->writable + cap + CAP_OFFSET, 0xff, 12); /* offset, length, data */
}

int virtio_pci_attach(struct virtio_device *device, struct pci_host *host, int devfn)
{
	const struct virtio_ops *ops = device->ops;
	const struct pci_identity identity = {
		.vendor = 0x1af4,
		.device = (uint16_t)(0x1040 + ops->type),
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class_code = ops->class_code,
		.revision = 1, /* modern (4.1.2.1) */
		.interrupt_pin = 1,
	};
	struct virtio_pci *pci = calloc(1, sizeof(*pci));
	struct pci_function *fn;
	int err;

	if (!pci)
		return -ENOMEM;
	fn = &pci->function;
	err = pci_add_function(host, fn, ops->name, devfn, &identity);
	if (err) {
		free(pci);
		return err;
	}
	add_capabilities(pci);
	pci_add_bar(fn, REGISTER_BAR, PCI_BAR_MEM64_PREFETCH, REGISTER_BAR_SIZE, &bar_ops, device);
	err = pci_add_msix(fn, MSIX_BAR, ops->queues + 1); /* one for changes of the configuration */
	if (err) {
		pci_remove_function(fn);
		free(pci);
		return err;
	}
	snprintf(device->name, sizeof(device->name), "%s.pci.%x", ops->name, fn->devfn >> 3);
	device->transport = &pci_transport;
	device->transport_data = pci;
	fn->device = device;
	fn->before_read = before_config_read;
	fn->after_write = after_config_write;
	return 0;
}
