/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Fuzzes virtio-net and the cable behind it from both ends: the guest sends frames with any header and takes
 * them with any buffers, the peer sends good packets and any bytes.  The input is a list of steps: what, then
 * what it needs (input.h).  What comes out of the cable must be whole frames.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "machine/host/net.h"
#include "tests/fuzz/input.h"
#include "tests/unit/net_packet.h"
#include "tests/unit/virtio_driver.h"

#define STEPS	   64
#define DEVFN	   PCI_DEVFN(1, 0)
#define HEADER	   12
#define RX_DATA	   (DRIVER_DATA + 0x100000)
#define TX_DATA	   DRIVER_DATA
#define QUEUE_SIZE 64

enum { RX, TX, CTRL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct machine {
	struct driver driver;
	struct event_loop loop;
	struct net *net;
	struct virtio_device *device;
	struct sockaddr_un address;
	int peer;
	uint8_t output[1 << 21]; /* what came out of the cable, from the last frame's beginning */
	size_t output_size;
	uint32_t sequence;
};

static void build(struct machine *m)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	struct virtio_place place;
	char spec[128], error[256];

	driver_init(&m->driver, true);
	m->driver.queue_size = QUEUE_SIZE;
	m->address.sun_family = AF_UNIX;
	snprintf(m->address.sun_path, sizeof(m->address.sun_path), "/tmp/bixi-fuzz-net-%d", (int)getpid());
	unlink(m->address.sun_path);
	snprintf(spec, sizeof(spec), "socket=%s", m->address.sun_path);
	place = driver_place(&m->driver, DEVFN);
	if (event_loop_init(&m->loop, NULL) ||
	    net_open(&m->net, spec, &m->loop, &m->driver.clock, error, sizeof(error)) ||
	    virtio_net_create(&m->device, &place, m->net, mac, &m->loop))
		abort();
	driver_map(&m->driver, DEVFN);
}

/* The machine's and the host's turn. */
static void turn(struct machine *m)
{
	driver_run(&m->driver);
	event_loop_poll(&m->loop, 0);
	event_loop_poll(&m->loop, 0);
	driver_run(&m->driver);
}

static void connect_peer(struct machine *m)
{
	if (m->peer >= 0)
		close(m->peer);
	m->output_size = 0;
	turn(m);
	m->peer = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(m->peer, (struct sockaddr *)&m->address, sizeof(m->address)))
		abort();
	turn(m);
}

/* Reads what the cable carries and sees to it that it is frames. */
static void take_output(struct machine *m)
{
	ssize_t got;
	size_t at = 0;

	while ((got = recv(m->peer, m->output + m->output_size, sizeof(m->output) - m->output_size, 0)) > 0) {
		m->output_size += (size_t)got;
		event_loop_poll(&m->loop, 0);
	}
	while (m->output_size - at >= 4) {
		const size_t size = packet_get(m->output + at, 4);

		if (size < NET_FRAME_MIN || size > NET_FRAME_MAX)
			abort();
		if (m->output_size - at - 4 < size)
			break;
		at += 4 + size;
	}
	memmove(m->output, m->output + at, m->output_size - at);
	m->output_size -= at;
	if (got == 0 || (got < 0 && errno != EAGAIN))
		connect_peer(m); /* it hung up on nonsense */
}

/* A packet that is good but for a byte, perhaps; or just bytes. */
static size_t make_frame(struct machine *m, struct input *input, uint8_t *frame)
{
	const unsigned how = (unsigned)input_take(input, 1);
	size_t size = input_take(input, 2);

	if (how & 1) {
		size %= 2048;
		for (size_t i = 0; i < size; i++)
			frame[i] = (uint8_t)input_take(input, 1);
		return size;
	}
	size %= how & 2 ? 65000 : 1449;
	if (how & 4)
		m->sequence = (uint32_t)input_take(input, 4);
	m->sequence += (uint32_t)size;
	size = packet_make(frame, how & 8, m->sequence - (uint32_t)size, how & 16 ? 0x18 : 0x10, size);
	if (how & 32)
		frame[input_take(input, 2) % size] = (uint8_t)input_take(input, 1);
	if (how & 64)
		packet_seal(frame, size, how & 8);
	return size;
}

static void guest_sends(struct machine *m, struct input *input)
{
	uint8_t *to = driver_ram(&m->driver, TX_DATA);
	const unsigned how = (unsigned)input_take(input, 1);
	size_t size;

	memset(to, 0, HEADER);
	if (how & 1) {
		const struct net_offload offload = {
			NET_FLAG_NEEDS_CHECKSUM,	  how & 2 ? NET_GSO_TCP6 : NET_GSO_TCP4, 66,
			(uint16_t)(input_take(input, 2)), how & 2 ? PACKET_TCP6 : PACKET_TCP4,	 16
		};

		memcpy(to, &offload, sizeof(offload));
	} else {
		for (unsigned i = 0; i < 10; i++)
			to[i] = (uint8_t)input_take(input, 1);
	}
	size = HEADER + make_frame(m, input, to + HEADER);
	if (how & 4)
		size = input_take(input, 4);
	driver_descriptor(&m->driver, DRIVER_DESC(TX), 0, TX_DATA, (uint32_t)size, 0, 0);
	driver_offer(&m->driver, TX, 0);
	driver_notify(&m->driver, TX);
}

static void peer_sends(struct machine *m, struct input *input)
{
	static uint8_t record[4 + NET_FRAME_MAX];
	const unsigned how = (unsigned)input_take(input, 1);
	size_t size = make_frame(m, input, record + 4);

	packet_put(record, 4, how & 1 ? (uint32_t)input_take(input, 4) : (uint32_t)size);
	if (send(m->peer, record, 4 + size, MSG_NOSIGNAL) < 0)
		return;
}

static void offer_buffers(struct machine *m, struct input *input)
{
	const unsigned count = (unsigned)input_take(input, 1) % QUEUE_SIZE;
	const uint32_t length = (uint32_t)input_take(input, 2);
	const uint16_t flags = (uint16_t)input_take(input, 1) ^ DESC_WRITE;

	for (unsigned i = 0; i < count; i++) {
		driver_descriptor(&m->driver, DRIVER_DESC(RX), i, RX_DATA + i * UINT64_C(0x1000), length,
				  flags & 7, (uint16_t)(i + 1));
		driver_offer(&m->driver, RX, (uint16_t)i);
	}
	driver_notify(&m->driver, RX);
}

static void control(struct machine *m, struct input *input)
{
	uint8_t *to = driver_ram(&m->driver, TX_DATA + 0x20000);
	const uint32_t size = (uint32_t)input_take(input, 2) % 3000;

	for (uint32_t i = 0; i < size; i++)
		to[i] = (uint8_t)input_take(input, 1);
	driver_descriptor(&m->driver, DRIVER_DESC(CTRL), 0, TX_DATA + 0x20000, size, DESC_NEXT, 1);
	driver_descriptor(&m->driver, DRIVER_DESC(CTRL), 1, TX_DATA + 0x30000, 1, DESC_WRITE, 0);
	driver_offer(&m->driver, CTRL, 0);
	driver_notify(&m->driver, CTRL);
}

static void step(struct machine *m, struct input *input)
{
	switch (input_take(input, 1) % 8) {
	case 0:
	case 1:
		guest_sends(m, input);
		break;
	case 2:
	case 3:
		peer_sends(m, input);
		break;
	case 4:
		offer_buffers(m, input);
		break;
	case 5:
		control(m, input);
		break;
	case 6:
		driver_start(&m->driver, VERSION_1 | (uint32_t)input_take(input, 4));
		break;
	default:
		if (input_take(input, 1) == 0)
			connect_peer(m);
		break;
	}
	turn(m);
	take_output(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine = { .peer = -1 };
	static bool built;
	struct input input = { data, size };

	if (!built)
		build(&machine);
	built = true;
	machine.sequence = 0;
	connect_peer(&machine);
	driver_start(&machine.driver, VERSION_1 | 0x3b9a3);
	for (unsigned i = 0; i < STEPS && input.size; i++)
		step(&machine, &input);
	driver_set_reg(&machine.driver, R_STATUS, 1, 0);
	turn(&machine);
	return 0;
}
