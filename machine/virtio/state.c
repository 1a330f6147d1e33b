/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Saved state of virtio devices (bus/state.h).  The device is drained: it works on no buffer.  What leads
 * into guest memory is resolved anew; whatever a snapshot says that a driver could not have done is refused.
 */
#include <string.h>

#include "machine/virtio/device.h"

static bool vector_is_good(const struct virtio_device *device, uint16_t vector)
{
	return vector == VIRTIO_NO_VECTOR || vector <= device->ops->queues;
}

/* Lock held. */
static void queue_state(struct virtio_device *device, struct virtio_queue *queue, struct state *state)
{
	bool enabled = queue->enabled;

	queue->enabled = false; /* until all of it is known to be good */
	STATE_MEMBER(state, queue, size);
	STATE_MEMBER(state, queue, vector);
	STATE_MEMBER(state, queue, descriptor_area);
	STATE_MEMBER(state, queue, driver_area);
	STATE_MEMBER(state, queue, device_area);
	state_bool(state, "enabled", &enabled);
	STATE_MEMBER(state, queue, next_available);
	STATE_MEMBER(state, queue, next_used);
	STATE_MEMBER(state, queue, told_used);
	STATE_BOOL(state, queue, told);
	if (state_loading(state) && state_good(state)) {
		if (!queue->size || queue->size > VIRTIO_QUEUE_MAX || !vector_is_good(device, queue->vector))
			state_refuse(state, "a queue has a size or a vector that cannot be");
		else if (enabled && (!(device->status & VIRTIO_STATUS_FEATURES_OK) ||
				     virtio_queue_restore(queue, device->bus, device->driver_features)))
			state_refuse(state, "a queue is not in memory, or is where it cannot be");
	}
	queue->enabled = enabled && state_good(state);
}

/* The configuration comes from what is behind the device: it must be the same. */
static void config_state(struct virtio_device *device, struct state *state)
{
	uint8_t config[VIRTIO_CONFIG_MAX];

	memcpy(config, device->config, sizeof(config));
	state_bytes(state, "config", config, device->config_size);
	if (state_loading(state) && memcmp(config, device->config, device->config_size))
		state_refuse(state, "it was connected to something of another size or name");
}

static void check_registers(struct virtio_device *device, struct state *state)
{
	const uint8_t known = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK |
			      VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED;
	const bool negotiated = device->status & VIRTIO_STATUS_FEATURES_OK;

	if (device->status & ~known || device->isr & ~(VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG) ||
	    (device->status & VIRTIO_STATUS_DRIVER_OK && !negotiated) ||
	    !vector_is_good(device, device->config_vector))
		state_refuse(state, "its registers are as they cannot be");
	else if (negotiated && !virtio_features_are_good(device))
		state_refuse(state, "its driver uses features that this device does not have");
}

/* What is still held was broken off, or a device's drain has not done its work. */
static void check_drained(struct virtio_device *device, struct state *state)
{
	bool busy = device->in_flight || device->resetting;

	for (unsigned i = 0; i < device->ops->queues; i++)
		if (virtio_queue_is_live(device, i) && virtio_queue_held(&device->queue[i]))
			busy = true;
	if (busy)
		state_refuse(state, "it is still at work");
}

/* Buffers may wait that the saved machine was about to look at. */
static void resume(struct virtio_device *device)
{
	if (device->clock->deterministic)
		device->timer_armed = clock_timer_armed(device->clock, &device->timer);
	else if (device->status & VIRTIO_STATUS_DRIVER_OK)
		clock_timer_set(device->clock, &device->timer, 0);
}

void virtio_device_state(void *opaque, struct state *state)
{
	struct virtio_device *device = opaque;

	pthread_mutex_lock(&device->lock);
	if (device->ops->state)
		device->ops->state(device, state);
	if (!state_loading(state))
		check_drained(device, state);
	config_state(device, state);
	STATE_MEMBER(state, device, driver_features);
	STATE_MEMBER(state, device, feature_select);
	STATE_MEMBER(state, device, driver_feature_select);
	STATE_MEMBER(state, device, status);
	STATE_MEMBER(state, device, generation);
	STATE_MEMBER(state, device, isr);
	STATE_MEMBER(state, device, queue_select);
	STATE_MEMBER(state, device, config_vector);
	if (state_loading(state))
		check_registers(device, state);
	for (unsigned i = 0; i < device->ops->queues; i++)
		queue_state(device, &device->queue[i], state);
	state_timer(state, "timer", &device->timer);
	if (state_loading(state) && state_good(state))
		resume(device);
	pthread_mutex_unlock(&device->lock);
}

void virtio_device_drain(void *opaque)
{
	struct virtio_device *device = opaque;

	device->ops->drain(device);
}

const char *virtio_device_name(const struct virtio_device *device)
{
	return device->name;
}
