/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * virtio-rng: the host's random numbers; a deterministic machine's come from its seed.  Virtio 1.2, 5.4.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "machine/virtio/device.h"

#define TYPE_ENTROPY 4
#define CLASS_OTHER  0x00ff00
#define QUEUE	     0
#define BATCH	     16	  /* buffers filled in one go */
#define BUFFER_MAX   4096 /* bytes put into one: a guest that wants more asks again */
#define PIECE	     256u /* what getrandom() gives in one piece */

struct rng {
	struct virtio_device device;
	struct event_loop *loop;
	uint64_t stream; /* deterministic mode: state of the generator */
};

/* splitmix64: every state has its number, and the next state is a constant further. */
static uint64_t next_number(struct rng *rng)
{
	uint64_t z = rng->stream += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool fill(struct rng *rng, uint8_t data[PIECE])
{
	if (!rng->device.clock->deterministic)
		return getrandom(data, PIECE, 0) == PIECE;
	for (unsigned i = 0; i < PIECE; i += 8)
		pci_put_le(data + i, 8, next_number(rng));
	return true;
}

/* Fills one buffer of the guest; false: there is none.  Lock held. */
static bool fill_chain(struct rng *rng)
{
	struct virtio_chain chain;
	struct iovec *in;
	uint8_t data[PIECE];
	uint32_t written = 0;

	if (!virtio_take(&rng->device, QUEUE, &chain))
		return false;
	in = chain.iov + chain.out_count;
	while (chain.in_count && written < BUFFER_MAX) {
		if (!fill(rng, data)) {
			virtio_break(&rng->device);
			return false;
		}
		written +=
			(uint32_t)virtio_iov_write(rng->device.bus, &in, &chain.in_count, data, sizeof(data));
	}
	virtio_give_back(&rng->device, QUEUE, chain.head, written);
	return true;
}

static void process(struct virtio_device *device)
{
	struct rng *rng = (struct rng *)device;
	unsigned filled = 0;

	pthread_mutex_lock(&device->lock);
	while (filled < BATCH && fill_chain(rng))
		filled++;
	pthread_mutex_unlock(&device->lock);
	if (filled == BATCH)
		virtio_kick(device);
}

static void post(struct virtio_device *device)
{
	event_loop_post(((struct rng *)device)->loop, &device->work);
}

static void reset(struct virtio_device *device)
{
}

static void drain(struct virtio_device *device)
{
}

static void rng_state(struct virtio_device *device, struct state *state)
{
	STATE_MEMBER(state, (struct rng *)device, stream);
}

static void destroy(struct virtio_device *device)
{
	virtio_device_release(device);
	free(device);
}

static const struct virtio_ops rng_ops = {
	.name = "virtio-rng",
	.type = TYPE_ENTROPY,
	.class_code = CLASS_OTHER,
	.queues = 1,
	.process = process,
	.post = post,
	.reset = reset,
	.drain = drain,
	.state = rng_state,
	.destroy = destroy,
};

int virtio_rng_create(struct virtio_device **device, const struct virtio_place *place,
		      struct event_loop *loop)
{
	struct rng *rng = calloc(1, sizeof(*rng));
	int err;

	if (!rng)
		return -ENOMEM;
	rng->loop = loop;
	rng->stream = place->clock->seed;
	err = virtio_device_init(&rng->device, &rng_ops, place, 0, 0);
	if (err) {
		free(rng);
		return err;
	}
	*device = &rng->device;
	return 0;
}
