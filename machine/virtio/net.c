/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * virtio-net: an Ethernet card with one pair of queues and a control queue.  Virtio 1.2, 5.1.  Frames move on
 * the event loop's thread, some at a time; none is in flight between two of its turns, so a reset waits for
 * nothing.  Checksums and the cutting of long TCP packets are left to the back end (host/net.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/state.h"
#include "machine/virtio/device.h"
#include "machine/virtio/net_filter.h"

#define TYPE_NET       1
#define CLASS_ETHERNET 0x020000
#define QUEUE_RECEIVE  0
#define QUEUE_TRANSMIT 1
#define QUEUE_CONTROL  2

/* Feature bits, 5.1.3. */
#define F_CSUM		      (UINT64_C(1) << 0)
#define F_GUEST_CSUM	      (UINT64_C(1) << 1)
#define F_CTRL_GUEST_OFFLOADS (UINT64_C(1) << 2)
#define F_MAC		      (UINT64_C(1) << 5)
#define F_GUEST_TSO4	      (UINT64_C(1) << 7)
#define F_GUEST_TSO6	      (UINT64_C(1) << 8)
#define F_HOST_TSO4	      (UINT64_C(1) << 11)
#define F_HOST_TSO6	      (UINT64_C(1) << 12)
#define F_MRG_RXBUF	      (UINT64_C(1) << 15)
#define F_STATUS	      (UINT64_C(1) << 16)
#define F_CTRL_VQ	      (UINT64_C(1) << 17)
#define F_CTRL_RX	      (UINT64_C(1) << 18)
#define F_CTRL_RX_EXTRA	      (UINT64_C(1) << 20)
#define F_CTRL_MAC_ADDR	      (UINT64_C(1) << 23)
#define GUEST_OFFLOADS	      (F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6)
#define FEATURES                                                                                             \
	(F_CSUM | F_CTRL_GUEST_OFFLOADS | F_MAC | F_HOST_TSO4 | F_HOST_TSO6 | F_MRG_RXBUF | F_STATUS |       \
	 F_CTRL_VQ | F_CTRL_RX | F_CTRL_RX_EXTRA | F_CTRL_MAC_ADDR | GUEST_OFFLOADS)

/* The device-specific configuration, 5.1.4: address, status. */
#define CONFIG_STATUS  6
#define CONFIG_SIZE    8
#define STATUS_LINK_UP 1

/* Control commands, 5.1.6.5; those of classes 0 and 1 are net_filter.c's. */
enum { CLASS_GUEST_OFFLOADS = 5 };
enum { GUEST_OFFLOADS_SET = 0 };
enum { CONTROL_OK = 0, CONTROL_ERROR = 1 };

#define CONTROL_MAX 2048 /* bytes of a command; longer ones are an error */

/* One turn sends so much at the most before others have theirs. */
#define STAGE_SIZE   (192u << 10)
#define STAGE_FRAMES 64u
#define ROUNDS	     4
#define CONTROLS     16

/* Before every frame, 5.1.6. */
struct net_header {
	struct net_offload offload;
	uint16_t buffers; /* to the guest: how many the frame is in */
};

struct card {
	struct virtio_device device;
	struct net *net;
	struct event_loop *loop;

	/* Protected by device.lock: */
	struct net_filter filter;
	uint64_t guest_offloads; /* those of GUEST_OFFLOADS that are on */
	bool forget;		 /* there was a reset: frames that still wait were for whoever ran before */

	/* Only on the I/O side: */
	struct virtio_chain chain;
	struct virtio_used used[VIRTIO_QUEUE_MAX];
	/* Frames taken from the guest and not sent yet; each begins where the one before ends. */
	unsigned staged;
	struct net_offload stage_offload[STAGE_FRAMES];
	size_t stage_end[STAGE_FRAMES];
	uint8_t stage[STAGE_SIZE];
};

/* To the guest. */

static unsigned accepted(const struct card *card)
{
	const uint64_t on = card->device.driver_features & card->guest_offloads;

	return (on & F_GUEST_CSUM ? NET_ACCEPTS_CHECKSUM : 0u) | (on & F_GUEST_TSO4 ? NET_ACCEPTS_TCP4 : 0u) |
	       (on & F_GUEST_TSO6 ? NET_ACCEPTS_TCP6 : 0u);
}

/* Whether the driver that runs now understands this: the back end may not know yet that it changed. */
static bool is_understood(const struct card *card, const struct net_offload *offload)
{
	const unsigned accepts = accepted(card);

	if (offload->flags && !(accepts & NET_ACCEPTS_CHECKSUM))
		return false;
	switch (offload->gso_type) {
	case NET_GSO_NONE:
		return true;
	case NET_GSO_TCP4:
		return accepts & NET_ACCEPTS_TCP4;
	case NET_GSO_TCP6:
		return accepts & NET_ACCEPTS_TCP6;
	default:
		return false;
	}
}

/* Gives back, untouched as far as the driver can tell, what was taken for a frame that does not fit. */
static void untake(struct card *card, unsigned count)
{
	while (count) {
		card->chain.head = card->used[--count].head;
		virtio_queue_unpop(&card->device.queue[QUEUE_RECEIVE], &card->chain);
	}
}

/* Where the frame's header is; the buffer's pieces are used up while it is filled. */
struct header_place {
	struct iovec iov[sizeof(struct net_header)];
	unsigned count;
};

static void remember_header(struct header_place *place, const struct iovec *iov, unsigned count)
{
	place->count = count < sizeof(struct net_header) ? count : sizeof(struct net_header);
	memcpy(place->iov, iov, place->count * sizeof(*iov));
}

static void write_header(struct bus *bus, struct header_place *place, const struct net_offload *offload,
			 unsigned buffers)
{
	const struct net_header header = { *offload, (uint16_t)buffers };
	struct iovec *iov = place->iov;

	virtio_iov_write(bus, &iov, &place->count, &header, sizeof(header));
}

enum put { PUT_DONE, PUT_NO_ROOM, PUT_IMPOSSIBLE };

/* Fills as many buffers as it takes, if the driver allows more than one.  Lock held. */
static enum put put_frame(struct card *card, const struct net_offload *offload, const uint8_t *frame,
			  size_t size)
{
	const bool many = card->device.driver_features & F_MRG_RXBUF;
	struct bus *bus = card->device.bus;
	struct virtio_chain *chain = &card->chain;
	struct header_place header;
	unsigned count = 0;

	for (size_t done = 0; done < size;) {
		const size_t skip = count ? 0 : sizeof(struct net_header);
		struct iovec *in = chain->iov;
		unsigned in_count;
		size_t written;

		if (count == VIRTIO_QUEUE_MAX || !virtio_take(&card->device, QUEUE_RECEIVE, chain)) {
			untake(card, count);
			return count < VIRTIO_QUEUE_MAX ? PUT_NO_ROOM : PUT_IMPOSSIBLE;
		}
		card->used[count++].head = chain->head;
		if (chain->in_size <= skip || (!many && chain->in_size < skip + size)) {
			untake(card, count);
			return PUT_IMPOSSIBLE;
		}
		in += chain->out_count;
		in_count = chain->in_count;
		if (skip) {
			remember_header(&header, in, in_count);
			virtio_iov_write(bus, &in, &in_count, &(struct net_header){ 0 }, skip);
		}
		written = virtio_iov_write(bus, &in, &in_count, frame + done, size - done);
		card->used[count - 1].written = (uint32_t)(skip + written);
		done += written;
	}
	write_header(bus, &header, offload, count);
	virtio_give_back_many(&card->device, QUEUE_RECEIVE, card->used, count);
	return PUT_DONE;
}

/* A frame from the back end: false if it has to wait for buffers.  Without a driver it is lost. */
static bool receive(void *opaque, const struct net_offload *offload, const void *frame, size_t size)
{
	struct card *card = opaque;
	enum put put = PUT_IMPOSSIBLE;

	pthread_mutex_lock(&card->device.lock);
	if (!card->forget && virtio_queue_is_live(&card->device, QUEUE_RECEIVE) &&
	    is_understood(card, offload) && net_filter_takes(&card->filter, frame))
		put = put_frame(card, offload, frame, size);
	if (put == PUT_NO_ROOM && !virtio_queue_is_live(&card->device, QUEUE_RECEIVE))
		put = PUT_IMPOSSIBLE; /* the driver broke the rules meanwhile */
	pthread_mutex_unlock(&card->device.lock);
	return put != PUT_NO_ROOM;
}

/* From the guest. */

/* Copies the frame of card->chain, read once, to the end of the stage.  False: it is no frame. */
static bool stage_frame(struct card *card)
{
	struct virtio_chain *chain = &card->chain;
	const size_t from = card->staged ? card->stage_end[card->staged - 1] : 0;
	struct iovec *out = chain->iov;
	unsigned out_count = chain->out_count;
	struct net_header header;

	if (chain->out_size < sizeof(header) || chain->out_size > sizeof(header) + NET_FRAME_MAX)
		return false;
	virtio_iov_read(&out, &out_count, &header, sizeof(header));
	card->stage_offload[card->staged] = header.offload;
	card->stage_end[card->staged] =
		from + virtio_iov_read(&out, &out_count, card->stage + from, STAGE_SIZE - from);
	card->staged++;
	return true;
}

static bool stage_has_room(const struct card *card)
{
	return !card->staged || (card->staged < STAGE_FRAMES &&
				 STAGE_SIZE - card->stage_end[card->staged - 1] >= NET_FRAME_MAX);
}

/* Takes frames from the driver, which gets its buffers back at once.  Whether there may be more. */
static bool fill_stage(struct card *card)
{
	unsigned count = 0;
	bool more = true;

	card->staged = 0;
	pthread_mutex_lock(&card->device.lock);
	while (more && count < STAGE_FRAMES && stage_has_room(card)) {
		more = virtio_take(&card->device, QUEUE_TRANSMIT, &card->chain);
		if (!more)
			break;
		card->used[count++] = (struct virtio_used){ .head = card->chain.head };
		if (!stage_frame(card) && card->chain.out_size < sizeof(struct net_header))
			virtio_break(&card->device);
	}
	virtio_give_back_many(&card->device, QUEUE_TRANSMIT, card->used, count);
	pthread_mutex_unlock(&card->device.lock);
	return more;
}

/* Sends a turn's worth.  Whether there may be more. */
static bool transmit(struct card *card)
{
	bool more = true;

	for (unsigned round = 0; more && round < ROUNDS; round++) {
		size_t from = 0;

		if (!net_can_send(card->net))
			return false; /* can_send() will be called */
		more = fill_stage(card);
		for (unsigned i = 0; i < card->staged; i++) {
			net_send(card->net, &card->stage_offload[i], card->stage + from,
				 card->stage_end[i] - from);
			from = card->stage_end[i];
		}
		if (card->staged)
			net_send_end(card->net);
	}
	return more;
}

/* Control. */

static bool set_guest_offloads(struct card *card, uint8_t command, const uint8_t *data, size_t size)
{
	uint64_t offloads;

	if (command != GUEST_OFFLOADS_SET || size != sizeof(offloads))
		return false;
	memcpy(&offloads, data, sizeof(offloads));
	if (offloads & ~(GUEST_OFFLOADS & card->device.driver_features))
		return false;
	card->guest_offloads = offloads;
	return true;
}

/* One command: class, command, what belongs to it; the answer is a byte.  Lock held. */
static void control_one(struct card *card)
{
	struct virtio_chain *chain = &card->chain;
	struct iovec *out = chain->iov, *in = chain->iov + chain->out_count;
	unsigned out_count = chain->out_count, in_count = chain->in_count;
	uint8_t command[CONTROL_MAX], answer = CONTROL_ERROR;
	size_t size = virtio_iov_read(&out, &out_count, command, sizeof(command));
	bool done = false;

	if (size >= 2 && chain->out_size <= sizeof(command)) {
		if (command[0] == CLASS_GUEST_OFFLOADS)
			done = set_guest_offloads(card, command[1], command + 2, size - 2);
		else
			done = net_filter_command(&card->filter, command[0], command[1], command + 2,
						  size - 2);
	}
	if (done)
		answer = CONTROL_OK;
	virtio_give_back(
		&card->device, QUEUE_CONTROL, chain->head,
		(uint32_t)virtio_iov_write(card->device.bus, &in, &in_count, &answer, sizeof(answer)));
}

/* Whether there may be more. */
static bool control(struct card *card)
{
	bool more = true;

	pthread_mutex_lock(&card->device.lock);
	for (unsigned i = 0; more && i < CONTROLS; i++) {
		more = virtio_take(&card->device, QUEUE_CONTROL, &card->chain);
		if (more)
			control_one(card);
	}
	pthread_mutex_unlock(&card->device.lock);
	return more;
}

/* The device's side. */

static void link_changed(void *opaque, bool up)
{
	struct virtio_device *device = opaque;
	const uint8_t status = up ? STATUS_LINK_UP : 0;

	pthread_mutex_lock(&device->lock);
	if (device->config[CONFIG_STATUS] != status) {
		device->config[CONFIG_STATUS] = status;
		virtio_config_changed(device);
	}
	pthread_mutex_unlock(&device->lock);
}

static void process(struct virtio_device *device)
{
	struct card *card = (struct card *)device;
	unsigned accepts;
	bool forget, more;

	link_changed(card, net_link_is_up(card->net)); /* a restored card may have another cable */
	more = control(card);
	pthread_mutex_lock(&device->lock);
	accepts = device->status & VIRTIO_STATUS_DRIVER_OK ? accepted(card) : 0;
	forget = card->forget;
	pthread_mutex_unlock(&device->lock);
	net_set_accepts(card->net, accepts);
	net_resume(card->net); /* with card->forget what waits is thrown away */
	if (forget) {
		pthread_mutex_lock(&device->lock);
		card->forget = false;
		pthread_mutex_unlock(&device->lock);
	}
	more |= transmit(card);
	if (more)
		virtio_kick(device);
}

static void can_send(void *opaque)
{
	virtio_kick(opaque);
}

static void post(struct virtio_device *device)
{
	event_loop_post(((struct card *)device)->loop, &device->work);
}

static void reset(struct virtio_device *device)
{
	struct card *card = (struct card *)device;

	net_filter_reset(&card->filter, device->config);
	card->guest_offloads = GUEST_OFFLOADS;
	card->forget = true;
}

static void drain(struct virtio_device *device)
{
}

/* Frames that wait in the back end are not saved: to the guest they are lost on the way. */
static void state(struct virtio_device *device, struct state *state)
{
	struct card *card = (struct card *)device;
	bool up = device->config[CONFIG_STATUS];

	state_bool(state, "link", &up);
	device->config[CONFIG_STATUS] = up ? STATUS_LINK_UP : 0;
	STATE_MEMBER(state, &card->filter, mac);
	STATE_MEMBER(state, &card->filter, mode);
	STATE_MEMBER(state, &card->filter, unicast);
	STATE_MEMBER(state, &card->filter, multicast);
	STATE_MEMBER(state, card, guest_offloads);
	if (state_loading(state) &&
	    (!net_filter_is_good(&card->filter) || card->guest_offloads & ~GUEST_OFFLOADS))
		state_refuse(state, "a network card's filter makes no sense");
	if (state_loading(state))
		card->forget = false; /* what comes from now on is for the driver that was restored */
}

static void destroy(struct virtio_device *device)
{
	virtio_device_release(device);
	free(device);
}

static const struct virtio_ops net_ops = {
	.name = "virtio-net",
	.type = TYPE_NET,
	.class_code = CLASS_ETHERNET,
	.queues = 3,
	.process = process,
	.post = post,
	.reset = reset,
	.drain = drain,
	.state = state,
	.destroy = destroy,
};

int virtio_net_create(struct virtio_device **device, const struct virtio_place *place, struct net *net,
		      const uint8_t mac[6], struct event_loop *loop)
{
	struct card *card = calloc(1, sizeof(*card));
	const struct net_client client = { receive, link_changed, can_send, card };
	int err;

	if (!card)
		return -ENOMEM;
	card->net = net;
	card->loop = loop;
	err = virtio_device_init(&card->device, &net_ops, place, FEATURES, CONFIG_SIZE);
	if (err) {
		free(card);
		return err;
	}
	memcpy(card->device.config, mac, NET_MAC_SIZE);
	card->device.config[CONFIG_STATUS] = net_link_is_up(net) ? STATUS_LINK_UP : 0;
	reset(&card->device);
	net_attach(net, &client);
	*device = &card->device;
	return 0;
}
