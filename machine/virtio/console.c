/* SPDX-License-Identifier: MulanPSL-2.0 */
/* virtio-console: one port, a character device behind it.  Virtio 1.2, 5.3.  No multiport. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/virtio/device.h"

#define TYPE_CONSOLE   3
#define CLASS_CONSOLE  0x078000 /* communication controller, other */
#define QUEUE_RECEIVE  0
#define QUEUE_TRANSMIT 1
#define BATCH_BYTES    65536u /* moved in one go, each way */
#define BATCH_CHAINS   64u
#define INPUT_SIZE     4096u

#define F_EMERG_WRITE (UINT64_C(1) << 2)
#define CONFIG_EMERG  8 /* offset of emerg_wr, 5.3.4 */
#define CONFIG_SIZE   12

struct console {
	struct virtio_device device;
	struct chardev *chardev;
	struct event_loop *loop;

	/* Protected by device.lock: */
	uint8_t input[INPUT_SIZE]; /* ring: typed, and not asked for by the guest yet */
	unsigned input_head, input_used;
	bool sending; /* out, out_count: what is left of chain */
	struct iovec *out;
	unsigned out_count;
	uint64_t sent; /* of the chain, or (not sending) of the next one, which a snapshot broke off */
	struct virtio_chain chain;   /* being sent */
	struct virtio_chain receive; /* being filled */
};

/* Moves what was typed into one buffer of the guest.  Lock held. */
static bool receive_chain(struct console *console)
{
	struct virtio_chain *chain = &console->receive;
	struct iovec *in;
	unsigned in_count;
	uint32_t written = 0;

	if (!console->input_used || !virtio_take(&console->device, QUEUE_RECEIVE, chain))
		return false;
	in = chain->iov + chain->out_count;
	in_count = chain->in_count;
	while (console->input_used && in_count) {
		unsigned run = INPUT_SIZE - console->input_head;
		size_t n = virtio_iov_write(console->device.bus, &in, &in_count,
					    console->input + console->input_head,
					    run < console->input_used ? run : console->input_used);

		console->input_head = (console->input_head + (unsigned)n) % INPUT_SIZE;
		console->input_used -= (unsigned)n;
		written += (uint32_t)n;
	}
	virtio_give_back(&console->device, QUEUE_RECEIVE, chain->head, written);
	return true;
}

/*
 * Sends a piece of what the guest wrote; false when it must wait for the reader.  In deterministic mode the
 * guest must not see how fast the host reads.
 */
static bool send_piece(struct console *console, unsigned *budget)
{
	struct iovec *piece = console->out;
	size_t size = piece->iov_len < *budget ? piece->iov_len : *budget;
	size_t sent = size;

	if (console->device.clock->deterministic)
		chardev_write_all(console->chardev, piece->iov_base, size);
	else
		sent = chardev_write(console->chardev, piece->iov_base, size);
	*budget -= (unsigned)sent;
	piece->iov_base = (uint8_t *)piece->iov_base + sent;
	piece->iov_len -= sent;
	console->sent += sent;
	if (!piece->iov_len) {
		console->out++;
		console->out_count--;
	}
	return sent == size;
}

/* The next buffer to send; of one that was begun before a snapshot, the rest. */
static bool begin_chain(struct console *console)
{
	uint64_t skip = console->sent;

	if (!virtio_take(&console->device, QUEUE_TRANSMIT, &console->chain))
		return false;
	console->out = console->chain.iov;
	console->out_count = console->chain.out_count;
	while (skip && console->out_count) {
		struct iovec *piece = console->out;
		const uint64_t n = piece->iov_len < skip ? piece->iov_len : skip;

		skip -= n;
		piece->iov_base = (uint8_t *)piece->iov_base + n;
		piece->iov_len -= n;
		if (!piece->iov_len) {
			console->out++;
			console->out_count--;
		}
	}
	console->sending = true;
	return true;
}

/* Goes on with the chain that is being sent, or the next; false: nothing to do, or wait.  Lock held. */
static bool send_chain(struct console *console, unsigned *budget)
{
	if (!console->sending) {
		if (!begin_chain(console))
			return false;
	} else if (!virtio_queue_is_live(&console->device, QUEUE_TRANSMIT)) {
		return false;
	}
	while (console->out_count && *budget)
		if (!send_piece(console, budget))
			return false;
	if (!console->out_count) {
		console->sending = false;
		console->sent = 0;
		virtio_give_back(&console->device, QUEUE_TRANSMIT, console->chain.head, 0);
	}
	return true;
}

static void process(struct virtio_device *device)
{
	struct console *console = (struct console *)device;
	unsigned budget = BATCH_BYTES, chains = BATCH_CHAINS;
	bool received = false, more = true;

	pthread_mutex_lock(&device->lock);
	for (unsigned i = 0; i < BATCH_CHAINS && receive_chain(console); i++)
		received = true;
	while (more && budget && chains) {
		more = send_chain(console, &budget);
		chains--;
	}
	pthread_mutex_unlock(&device->lock);
	if (received)
		chardev_input_ready(console->chardev);
	if (received || more)
		virtio_kick(device);
}

/* The character device's side: on the loop's thread. */

static size_t can_receive(void *opaque)
{
	struct console *console = opaque;
	size_t room;

	pthread_mutex_lock(&console->device.lock);
	room = INPUT_SIZE - console->input_used;
	pthread_mutex_unlock(&console->device.lock);
	return room;
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
	struct console *console = opaque;

	pthread_mutex_lock(&console->device.lock);
	for (size_t i = 0; i < size && console->input_used < INPUT_SIZE; i++)
		console->input[(console->input_head + console->input_used++) % INPUT_SIZE] = data[i];
	pthread_mutex_unlock(&console->device.lock);
	process(&console->device);
}

static void can_write(void *opaque)
{
	process(opaque);
}

/* The device's side. */

static void post(struct virtio_device *device)
{
	event_loop_post(((struct console *)device)->loop, &device->work);
}

static void reset(struct virtio_device *device)
{
	struct console *console = (struct console *)device;

	console->sending = false;
	console->sent = 0;
}

static void drain(struct virtio_device *device)
{
}

/* A chain whose reader makes it wait is taken anew by the machine that goes on. */
static void console_state(struct virtio_device *device, struct state *state)
{
	struct console *console = (struct console *)device;

	if (!state_loading(state) && console->sending)
		virtio_queue_unpop(&device->queue[QUEUE_TRANSMIT], &console->chain);
	console->sending = false;
	STATE_MEMBER(state, console, sent);
	STATE_MEMBER(state, console, input);
	STATE_MEMBER(state, console, input_head);
	STATE_MEMBER(state, console, input_used);
	if (console->input_head >= INPUT_SIZE || console->input_used > INPUT_SIZE) {
		console->input_head = console->input_used = 0;
		state_refuse(state, "its input is where it cannot be");
	}
}

/* Emergency write: a character without queues, for a kernel that has come no further. */
static void config_write(struct virtio_device *device, uint64_t offset, unsigned size, uint64_t value)
{
	const uint8_t byte = (uint8_t)value;

	if (offset == CONFIG_EMERG)
		chardev_write_all(((struct console *)device)->chardev, &byte, 1);
}

static void destroy(struct virtio_device *device)
{
	virtio_device_release(device);
	free(device);
}

static const struct virtio_ops console_ops = {
	.name = "virtio-console",
	.type = TYPE_CONSOLE,
	.class_code = CLASS_CONSOLE,
	.queues = 2,
	.process = process,
	.post = post,
	.reset = reset,
	.drain = drain,
	.config_write = config_write,
	.state = console_state,
	.destroy = destroy,
};

int virtio_console_create(struct virtio_device **device, const struct virtio_place *place,
			  struct chardev *chardev, struct event_loop *loop)
{
	struct chardev_client client = { .can_receive = can_receive,
					 .receive = receive,
					 .can_write = can_write };
	struct console *console = calloc(1, sizeof(*console));
	int err;

	if (!console)
		return -ENOMEM;
	console->chardev = chardev;
	console->loop = loop;
	err = virtio_device_init(&console->device, &console_ops, place, F_EMERG_WRITE, CONFIG_SIZE);
	if (err) {
		free(console);
		return err;
	}
	client.opaque = console;
	chardev_attach(chardev, &client);
	*device = &console->device;
	return 0;
}
