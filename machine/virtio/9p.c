/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * virtio-9p: a folder of the host.  Virtio 1.2, 5.10 (feature and configuration; the messages are 9P2000.L,
 * host/p9.h).  Requests are taken off the queue and carried out on a thread a folder; what is read and
 * written moves between the host's file and guest memory without a copy.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/state.h"
#include "machine/host/p9.h"
#include "machine/virtio/device.h"

#define TYPE_9P	      9
#define CLASS_STORAGE 0x018000 /* mass storage, other */
#define QUEUE	      0

#define F_MOUNT_TAG (UINT64_C(1) << 0)

struct share {
	struct virtio_device device;
	struct p9_server *server;
	struct event_loop worker; /* real mode */
	bool has_worker;
	struct virtio_chain chain; /* the request being carried out */
	struct p9_request request;
	struct iovec front[P9_READ_HEADER]; /* where a read's answer goes that stands before the data */
};

/* Takes the first @size bytes off a list of pieces, as pieces in @front; returns how many of these. */
static unsigned split_front(struct iovec **iov, unsigned *count, size_t size, struct iovec *front)
{
	unsigned pieces = 0;

	while (size && *count) {
		struct iovec *piece = *iov;
		const size_t n = piece->iov_len < size ? piece->iov_len : size;

		front[pieces++] = (struct iovec){ piece->iov_base, n };
		piece->iov_base = (uint8_t *)piece->iov_base + n;
		piece->iov_len -= n;
		size -= n;
		if (!piece->iov_len) {
			(*iov)++;
			(*count)--;
		}
	}
	return pieces;
}

/* Carries the request in share->chain out.  Returns the length of the answer. */
static uint32_t run_request(struct share *share)
{
	struct p9_request *request = &share->request;
	struct virtio_chain *chain = &share->chain;
	struct iovec *out = chain->iov, *in = chain->iov + chain->out_count, *front = in;
	unsigned out_count = chain->out_count, in_count = chain->in_count, front_count = in_count;
	size_t want = P9_MESSAGE_MAX - P9_HEADER;

	request->message_size = virtio_iov_read(&out, &out_count, request->message, P9_HEADER);
	request->reply_room = chain->in_size;
	request->data_count = 0;
	request->data_size = 0;
	if (request->message_size == P9_HEADER && request->message[4] == P9_TWRITE)
		want = P9_WRITE_HEADER - P9_HEADER;
	request->message_size += virtio_iov_read(&out, &out_count, request->message + P9_HEADER, want);
	if (request->message[4] == P9_TWRITE) {
		request->data = out;
		request->data_count = out_count;
		request->data_size = chain->out_size - request->message_size;
	} else if (request->message[4] == P9_TREAD && chain->in_size > P9_READ_HEADER) {
		front_count = split_front(&in, &in_count, P9_READ_HEADER, share->front);
		front = share->front;
		request->reply_room = P9_READ_HEADER;
		request->data = in;
		request->data_count = in_count;
		request->data_size = chain->in_size - P9_READ_HEADER;
	}
	p9_server_run(share->server, request);
	virtio_iov_written(share->device.bus, request->data, request->data_count, request->data_read);
	virtio_iov_write(share->device.bus, &front, &front_count, request->reply, request->reply_size);
	return (uint32_t)(request->reply_size + request->data_read);
}

/* The thread is the folder's own: it goes on until nothing waits. */
static void process(struct virtio_device *device)
{
	struct share *share = (struct share *)device;

	pthread_mutex_lock(&device->lock);
	while (virtio_take(device, QUEUE, &share->chain)) {
		uint32_t written;

		device->in_flight++;
		pthread_mutex_unlock(&device->lock);
		written = run_request(share);
		pthread_mutex_lock(&device->lock);
		if (!device->resetting)
			virtio_give_back(device, QUEUE, share->chain.head, written);
		virtio_landed(device);
	}
	pthread_mutex_unlock(&device->lock);
}

static void post(struct virtio_device *device)
{
	event_loop_post(&((struct share *)device)->worker, &device->work);
}

/* Nothing is in flight, so that nobody else uses the server. */
static void reset(struct virtio_device *device)
{
	p9_server_reset(((struct share *)device)->server);
}

/* The client's fids; the folder itself is the user's to keep as it was. */
static void share_state(struct virtio_device *device, struct state *state)
{
	struct share *share = (struct share *)device;
	uint8_t *fids = NULL;
	size_t size = 0;

	if (!state_loading(state) && p9_server_save(share->server, &fids, &size))
		state_refuse(state, "there is no memory for the shared folder's state");
	state_blob(state, "fids", &fids, &size, P9_STATE_MAX);
	if (state_loading(state) && state_good(state) && p9_server_load(share->server, fids, size))
		state_refuse(state, "what it says of a shared folder's files makes no sense");
	free(fids);
}

struct drain {
	struct event_work work;
	sem_t reached;
};

static void drain_reached(void *opaque)
{
	sem_post(&((struct drain *)opaque)->reached);
}

static void drain(struct virtio_device *device)
{
	struct share *share = (struct share *)device;
	struct drain drain;

	if (!share->has_worker)
		return;
	sem_init(&drain.reached, 0, 0);
	event_work_init(&drain.work, drain_reached, &drain);
	event_loop_post(&share->worker, &drain.work);
	while (sem_wait(&drain.reached))
		continue;
	sem_destroy(&drain.reached);
}

static void share_free(struct share *share)
{
	if (share->has_worker) {
		event_loop_stop(&share->worker);
		event_loop_join(&share->worker);
		event_loop_destroy(&share->worker);
	}
	free(share);
}

static void destroy(struct virtio_device *device)
{
	virtio_device_release(device);
	share_free((struct share *)device);
}

static const struct virtio_ops share_ops = {
	.name = "virtio-9p",
	.type = TYPE_9P,
	.class_code = CLASS_STORAGE,
	.queues = 1,
	.process = process,
	.post = post,
	.reset = reset,
	.drain = drain,
	.state = share_state,
	.destroy = destroy,
};

static int start_worker(struct share *share)
{
	int err = event_loop_init(&share->worker, NULL);

	if (err)
		return err;
	err = event_loop_start(&share->worker, "bixi-9p");
	if (err)
		event_loop_destroy(&share->worker);
	share->has_worker = !err;
	return err;
}

int virtio_9p_create(struct virtio_device **device, const struct virtio_place *place,
		     struct p9_server *server, const char *tag)
{
	const uint16_t length = (uint16_t)strlen(tag);
	struct share *share = calloc(1, sizeof(*share));
	int err = 0;

	if (!share)
		return -ENOMEM;
	share->server = server;
	if (!place->clock->deterministic)
		err = start_worker(share);
	if (!err)
		err = virtio_device_init(&share->device, &share_ops, place, F_MOUNT_TAG, 2u + length);
	if (err) {
		share_free(share);
		return err;
	}
	memcpy(share->device.config, &length, 2);
	memcpy(share->device.config + 2, tag, length);
	*device = &share->device;
	return 0;
}
