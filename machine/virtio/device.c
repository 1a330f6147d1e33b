/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What all virtio devices share (device.h): status, features, reset, kicks, interrupts.  Virtio 1.2, 2 and 3.
 */
#include "machine/virtio/device.h"

#include <string.h>

#include "machine/bus/trace.h"
#include "machine/virtio/mmio.h"

#define KICK_LATENCY_NS 1000 /* from a kick to the device's work, in virtual time */

/* What a driver can set; NEEDS_RESET is the device's. */
#define DRIVER_STATUS                                                                                        \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK |                        \
	 VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED)

static void work_run(void *opaque)
{
	struct virtio_device *device = opaque;

	device->ops->process(device);
}

static void timer_run(void *opaque)
{
	struct virtio_device *device = opaque;

	device->timer_armed = false;
	if (device->clock->deterministic)
		device->ops->process(device);
	else
		virtio_kick(device);
}

void virtio_kick(struct virtio_device *device)
{
	if (!device->clock->deterministic) {
		device->ops->post(device);
	} else if (!device->timer_armed) {
		device->timer_armed = true;
		clock_timer_set(device->clock, &device->timer, clock_now(device->clock) + KICK_LATENCY_NS);
	}
}

void virtio_break(struct virtio_device *device)
{
	if (device->status & VIRTIO_STATUS_NEEDS_RESET)
		return;
	if (trace_on(device->bus->trace, TRACE_DEVICE))
		trace_emit(device->bus->trace, TRACE_DEVICE, -1, "virtio.needs_reset", device->ops->type, 0,
			   0);
	device->status |= VIRTIO_STATUS_NEEDS_RESET;
	if (device->status & VIRTIO_STATUS_DRIVER_OK)
		device->transport->config_interrupt(device);
}

void virtio_config_changed(struct virtio_device *device)
{
	device->generation++;
	if (device->status & VIRTIO_STATUS_DRIVER_OK)
		device->transport->config_interrupt(device);
}

bool virtio_queue_is_live(struct virtio_device *device, unsigned index)
{
	return device->status & VIRTIO_STATUS_DRIVER_OK && !(device->status & VIRTIO_STATUS_NEEDS_RESET) &&
	       !device->resetting && device->queue[index].enabled && device->transport->may_dma(device);
}

bool virtio_take(struct virtio_device *device, unsigned index, struct virtio_chain *chain)
{
	struct virtio_queue *queue = &device->queue[index];
	int got;

	if (!virtio_queue_is_live(device, index))
		return false;
	got = virtio_queue_pop(queue, chain);
	if (!got && virtio_queue_rest(queue)) {
		got = virtio_queue_pop(queue, chain);
		if (!got)
			virtio_kick(
				device); /* the index moves to and fro: look again, but not here for ever */
	}
	if (got < 0)
		virtio_break(device);
	return got > 0;
}

void virtio_give_back(struct virtio_device *device, unsigned index, uint16_t head, uint32_t written)
{
	struct virtio_queue *queue = &device->queue[index];

	virtio_queue_push(queue, head, written);
	if (virtio_queue_must_notify(queue))
		device->transport->queue_interrupt(device, queue);
}

void virtio_give_back_many(struct virtio_device *device, unsigned index, const struct virtio_used *used,
			   unsigned count)
{
	struct virtio_queue *queue = &device->queue[index];

	if (!count)
		return;
	virtio_queue_push_many(queue, used, count);
	if (virtio_queue_must_notify(queue))
		device->transport->queue_interrupt(device, queue);
}

static void finish_reset(struct virtio_device *device)
{
	device->resetting = false;
	device->status = 0;
	device->isr = 0;
	device->driver_features = 0;
	device->feature_select = device->driver_feature_select = 0;
	device->queue_select = 0;
	device->config_vector = VIRTIO_NO_VECTOR;
	for (unsigned i = 0; i < device->ops->queues; i++)
		virtio_queue_reset(&device->queue[i]);
	device->ops->reset(device);
	device->transport->lower_interrupt(device);
}

void virtio_landed(struct virtio_device *device)
{
	device->in_flight--;
	if (device->resetting && !device->in_flight)
		finish_reset(device);
}

/* The driver polls the status until it reads 0 (4.1.4.3.1), so a reset need not hold a processor up. */
static void start_reset(struct virtio_device *device)
{
	device->resetting = true;
	if (!device->in_flight)
		finish_reset(device);
}

bool virtio_features_are_good(const struct virtio_device *device)
{
	return device->driver_features & VIRTIO_F_VERSION_1 && !(device->driver_features & ~device->features);
}

void virtio_set_status(struct virtio_device *device, uint8_t status)
{
	bool running = false;

	pthread_mutex_lock(&device->lock);
	if (!status) {
		start_reset(device);
	} else {
		if (device->resetting) { /* a driver that did not wait: it waits here */
			pthread_mutex_unlock(&device->lock);
			device->ops->drain(device);
			pthread_mutex_lock(&device->lock);
		}
		status &= DRIVER_STATUS;
		if (!(device->status & VIRTIO_STATUS_FEATURES_OK) && !virtio_features_are_good(device))
			status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
		if (!(status & VIRTIO_STATUS_FEATURES_OK))
			status &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
		running = status & VIRTIO_STATUS_DRIVER_OK;
		device->status = status | (device->status & VIRTIO_STATUS_NEEDS_RESET);
	}
	pthread_mutex_unlock(&device->lock);
	if (running)
		virtio_kick(device);
}

void virtio_set_queue_enable(struct virtio_device *device, struct virtio_queue *queue)
{
	if (!(device->status & VIRTIO_STATUS_FEATURES_OK) ||
	    virtio_queue_enable(queue, device->bus, device->driver_features))
		virtio_break(device);
}

uint32_t virtio_feature_half(uint64_t features, uint32_t select)
{
	return select < 2 ? (uint32_t)(features >> (32 * select)) : 0;
}

void virtio_write_driver_features(struct virtio_device *device, uint32_t value)
{
	const unsigned shift = 32 * (device->driver_feature_select & 1);

	if (device->driver_feature_select > 1 || device->status & VIRTIO_STATUS_FEATURES_OK)
		return;
	device->driver_features &= ~(UINT64_C(0xffffffff) << shift);
	device->driver_features |= (uint64_t)value << shift;
}

struct virtio_queue *virtio_selected_queue(struct virtio_device *device)
{
	return device->queue_select < device->ops->queues ? &device->queue[device->queue_select] : NULL;
}

void virtio_set_queue_size(struct virtio_device *device, struct virtio_queue *queue, uint64_t size)
{
	const bool any = device->driver_features & VIRTIO_F_RING_PACKED; /* else a power of two */

	if (size && size <= VIRTIO_QUEUE_MAX && (any || !(size & (size - 1))))
		queue->size = (uint16_t)size;
}

void virtio_trace_register(struct virtio_device *device, const char *name, uint64_t offset, uint64_t value,
			   unsigned size, bool write)
{
	if (trace_on(device->bus->trace, TRACE_DEVICE))
		trace_emit(device->bus->trace, TRACE_DEVICE, -1, name, offset, value,
			   size | (unsigned)write << 8);
}

uint64_t virtio_config_read(struct virtio_device *device, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	pthread_mutex_lock(&device->lock);
	for (unsigned i = 0; i < size && offset + i < device->config_size; i++)
		value |= (uint64_t)device->config[offset + i] << (8 * i);
	pthread_mutex_unlock(&device->lock);
	virtio_trace_register(device, "virtio.config", offset, value, size, false);
	return value;
}

void virtio_config_write(struct virtio_device *device, unsigned offset, unsigned size, uint64_t value)
{
	virtio_trace_register(device, "virtio.config", offset, value, size, true);
	if (device->ops->config_write)
		device->ops->config_write(device, offset, size, value);
}

int virtio_device_init(struct virtio_device *device, const struct virtio_ops *ops,
		       const struct virtio_place *place, uint64_t features, unsigned config_size)
{
	int err;

	device->ops = ops;
	device->bus = place->mmio ? place->mmio->bus : place->pci->bus;
	device->clock = place->clock;
	device->features = features | VIRTIO_F_COMMON;
	if (place->packed)
		device->features |= VIRTIO_F_RING_PACKED;
	device->config_size = config_size;
	device->config_vector = VIRTIO_NO_VECTOR;
	for (unsigned i = 0; i < ops->queues; i++)
		virtio_queue_reset(&device->queue[i]);
	pthread_mutex_init(&device->lock, NULL);
	event_work_init(&device->work, work_run, device);
	clock_timer_init(&device->timer, timer_run, device);
	err = place->mmio ? virtio_mmio_attach(device, place->mmio)
			  : virtio_pci_attach(device, place->pci, place->devfn);
	if (err)
		pthread_mutex_destroy(&device->lock);
	return err;
}

void virtio_device_release(struct virtio_device *device)
{
	clock_timer_cancel(device->clock, &device->timer);
	device->transport->release(device);
	pthread_mutex_destroy(&device->lock);
}

void virtio_device_reset(struct virtio_device *device)
{
	pthread_mutex_lock(&device->lock);
	start_reset(device);
	pthread_mutex_unlock(&device->lock);
	device->ops->drain(device);
	clock_timer_cancel(device->clock, &device->timer);
	device->timer_armed = false;
}

void virtio_device_destroy(struct virtio_device *device)
{
	if (!device)
		return;
	virtio_device_reset(device);
	device->ops->destroy(device);
}
