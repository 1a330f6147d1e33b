/* SPDX-License-Identifier: MulanPSL-2.0 */
/* virtio-net against a back end of the test's own (virtio 1.2, 5.1), and the real back ends by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "machine/host/net_impl.h"
#include "tests/unit/net_packet.h"
#include "tests/unit/virtio_driver.h"

#define DEVFN  PCI_DEVFN(1, 0)
#define HEADER 12
#define RX     0
#define TX     1
#define CTRL   2

#define F_CSUM	     (UINT64_C(1) << 0)
#define F_GUEST_CSUM (UINT64_C(1) << 1)
#define F_OFFLOADS   (UINT64_C(1) << 2)
#define F_MAC	     (UINT64_C(1) << 5)
#define F_GUEST_TSO4 (UINT64_C(1) << 7)
#define F_HOST_TSO4  (UINT64_C(1) << 11)
#define F_MRG	     (UINT64_C(1) << 15)
#define F_STATUS     (UINT64_C(1) << 16)
#define F_CTRL	     (UINT64_C(1) << 17)
#define F_CTRL_RX    (UINT64_C(1) << 18)
#define USUAL	     (VERSION_1 | F_MAC | F_STATUS | F_CTRL | F_CTRL_RX | F_MRG)

static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

/* A back end that remembers what it was sent. */
struct fake {
	struct net net;
	bool full;
	unsigned sent, ends, unblocked;
	struct net_offload offload;
	size_t size;
	uint8_t frame[NET_FRAME_MAX];
};

static void fake_close(struct net *net)
{
}

static bool fake_can_send(struct net *net)
{
	return !((struct fake *)net)->full;
}

static void fake_send(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size)
{
	struct fake *fake = (struct fake *)net;

	fake->sent++;
	fake->offload = *offload;
	fake->size = size;
	memcpy(fake->frame, frame, size);
}

static void fake_end(struct net *net)
{
	((struct fake *)net)->ends++;
}

static void fake_unblock(struct net *net)
{
	((struct fake *)net)->unblocked++;
}

static const struct net_ops fake_ops = { .close = fake_close,
					 .can_send = fake_can_send,
					 .send = fake_send,
					 .send_end = fake_end,
					 .unblock = fake_unblock };

struct fixture {
	struct driver driver;
	struct event_loop loop;
	struct fake *fake;
	struct virtio_device *device;
	uint8_t frame[NET_FRAME_MAX];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_place place;

	driver_init(&f->driver, true);
	assert_int_equal(event_loop_init(&f->loop, NULL), 0);
	f->fake = net_alloc(sizeof(*f->fake), &fake_ops, &f->loop, &f->driver.clock);
	f->fake->net.link = true;
	place = driver_place(&f->driver, DEVFN);
	assert_int_equal(virtio_net_create(&f->device, &place, &f->fake->net, mac, &f->loop), 0);
	driver_map(&f->driver, DEVFN);
	driver_use_msix(&f->driver, DEVFN, 4);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_device_destroy(f->device);
	net_close(&f->fake->net);
	event_loop_destroy(&f->loop);
	driver_destroy(&f->driver);
	free(f);
	return 0;
}

static uint8_t *data_at(struct fixture *f, unsigned offset)
{
	return driver_ram(&f->driver, DRIVER_DATA + offset);
}

/* Offers @count receive buffers of @size bytes each. */
static void offer_buffers(struct fixture *f, unsigned first, unsigned count, uint32_t size)
{
	for (unsigned i = first; i < first + count; i++) {
		driver_descriptor(&f->driver, DRIVER_DESC(RX), i,
				  DRIVER_DATA + 0x100000 + i * UINT64_C(0x2000), size, DESC_WRITE, 0);
		driver_offer(&f->driver, RX, (uint16_t)i);
	}
	driver_notify(&f->driver, RX);
	driver_run(&f->driver);
}

static uint8_t *buffer_at(struct fixture *f, unsigned index)
{
	return driver_ram(&f->driver, DRIVER_DATA + 0x100000 + index * UINT64_C(0x2000));
}

static uint32_t used_length(struct fixture *f, unsigned queue, unsigned index)
{
	return *(uint32_t *)driver_ram(&f->driver, DRIVER_USED(queue) + 4 + index * 8 + 4);
}

static unsigned status(struct fixture *f)
{
	return (unsigned)driver_reg(&f->driver, R_STATUS, 1);
}

/* Sends @size bytes at DRIVER_DATA, header and all. */
static void transmit(struct fixture *f, uint32_t size)
{
	driver_descriptor(&f->driver, DRIVER_DESC(TX), 0, DRIVER_DATA, size, 0, 0);
	driver_offer(&f->driver, TX, 0);
	driver_notify(&f->driver, TX);
	driver_run(&f->driver);
}

static uint8_t command(struct fixture *f, uint8_t class, uint8_t code, const void *data, uint32_t size)
{
	uint8_t *to = data_at(f, 0x8000);

	to[0] = class;
	to[1] = code;
	memcpy(to + 2, data, size);
	data_at(f, 0x7000)[0] = 0xee;
	driver_descriptor(&f->driver, DRIVER_DESC(CTRL), 0, DRIVER_DATA + 0x8000, 2 + size, DESC_NEXT, 1);
	driver_descriptor(&f->driver, DRIVER_DESC(CTRL), 1, DRIVER_DATA + 0x7000, 1, DESC_WRITE, 0);
	driver_offer(&f->driver, CTRL, 0);
	driver_notify(&f->driver, CTRL);
	driver_run(&f->driver);
	return data_at(f, 0x7000)[0];
}

static void test_the_card_says_what_it_is(void **state)
{
	struct fixture *f = *state;
	uint64_t features = driver_device_features(&f->driver);

	assert_int_equal(features & (USUAL | F_CSUM | F_GUEST_CSUM | F_HOST_TSO4 | F_GUEST_TSO4 | F_OFFLOADS),
			 USUAL | F_CSUM | F_GUEST_CSUM | F_HOST_TSO4 | F_GUEST_TSO4 | F_OFFLOADS);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(driver_reg(&f->driver, R_DEVICE + i, 1), mac[i]);
	assert_int_equal(driver_reg(&f->driver, R_DEVICE + 6, 2), 1);
	assert_int_equal(driver_reg(&f->driver, R_NUM_QUEUES, 2), 3);
	assert_int_equal(driver_read(&f->driver, driver_config(DEVFN, 0), 4), 0x10411af4);
	assert_int_equal(driver_read(&f->driver, driver_config(DEVFN, 8), 4) >> 8, 0x020000);
}

static void test_a_frame_goes_out_with_what_is_left_to_do(void **state)
{
	struct fixture *f = *state;
	const struct net_offload offload = { .flags = NET_FLAG_NEEDS_CHECKSUM,
					     .gso_type = NET_GSO_TCP4,
					     .header_size = 66,
					     .gso_size = 1448,
					     .checksum_start = 34,
					     .checksum_offset = 16 };
	size_t size = packet_make(f->frame, false, 1, 0x10, 60000);

	driver_start(&f->driver, USUAL | F_CSUM | F_HOST_TSO4);
	memcpy(data_at(f, 0), &offload, sizeof(offload));
	memset(data_at(f, 10), 0, 2);
	memcpy(data_at(f, HEADER), f->frame, size);
	transmit(f, (uint32_t)(HEADER + size));
	assert_int_equal(f->fake->sent, 1);
	assert_int_equal(f->fake->ends, 1);
	assert_int_equal(f->fake->size, size);
	assert_memory_equal(&f->fake->offload, &offload, sizeof(offload));
	assert_memory_equal(f->fake->frame, f->frame, size);
	assert_int_equal(driver_used_index(&f->driver, TX), 1);
	assert_int_equal(used_length(f, TX, 0), 0);
}

static void test_many_frames_are_sent_with_one_interrupt(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, USUAL);
	for (unsigned i = 0; i < 60; i++) {
		driver_descriptor(&f->driver, DRIVER_DESC(TX), i, DRIVER_DATA, HEADER + 60, 0, 0);
		driver_offer(&f->driver, TX, (uint16_t)i);
	}
	f->driver.messages = 0;
	driver_notify(&f->driver, TX);
	driver_run(&f->driver);
	assert_int_equal(f->fake->sent, 60);
	assert_int_equal(driver_used_index(&f->driver, TX), 60);
	assert_int_equal(f->driver.messages, 1);
}

static void test_a_header_cut_short_stops_the_device(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, USUAL);
	transmit(f, HEADER - 1);
	assert_int_equal(f->fake->sent, 0);
	assert_int_equal(status(f) & 0x40, 0x40);
}

static void test_frames_too_short_and_too_long_are_dropped(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, USUAL);
	transmit(f, HEADER);
	transmit(f, HEADER + 13);
	transmit(f, HEADER + NET_FRAME_MAX + 1);
	assert_int_equal(f->fake->sent, 0);
	assert_int_equal(driver_used_index(&f->driver, TX), 3);
	transmit(f, HEADER + NET_FRAME_MAX);
	assert_int_equal(f->fake->sent, 1);
	assert_int_equal(status(f), 0xf);
}

static void test_a_full_back_end_leaves_frames_in_the_queue(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, USUAL);
	f->fake->full = true;
	transmit(f, HEADER + 60);
	assert_int_equal(driver_used_index(&f->driver, TX), 0);
	f->fake->full = false;
	f->fake->net.client.can_send(f->fake->net.client.opaque);
	driver_run(&f->driver);
	assert_int_equal(driver_used_index(&f->driver, TX), 1);
	assert_int_equal(f->fake->sent, 1);
}

static void test_a_frame_comes_in_with_its_header(void **state)
{
	struct fixture *f = *state;
	size_t size = packet_make(f->frame, false, 1, 0x10, 100);

	driver_start(&f->driver, USUAL | F_GUEST_CSUM);
	offer_buffers(f, 0, 2, 0x1000);
	net_deliver(&f->fake->net, f->frame, size);
	assert_int_equal(driver_used_index(&f->driver, RX), 0);
	net_deliver_end(&f->fake->net);
	assert_int_equal(driver_used_index(&f->driver, RX), 1);
	assert_int_equal(used_length(f, RX, 0), HEADER + size);
	assert_int_equal(buffer_at(f, 0)[0], NET_FLAG_CHECKSUM_GOOD);
	assert_int_equal(packet_get(buffer_at(f, 0) + 10, 2), 0x0100); /* one buffer, little-endian */
	assert_memory_equal(buffer_at(f, 0) + HEADER, f->frame, size);
	assert_true(f->driver.messages > 0);
}

static void test_segments_come_in_as_one_packet_over_several_buffers(void **state)
{
	struct fixture *f = *state;
	const size_t payload = 20 * 1448, header = 66;
	size_t size;

	driver_start(&f->driver, USUAL | F_GUEST_CSUM | F_GUEST_TSO4);
	offer_buffers(f, 0, 30, 1526);
	for (unsigned i = 0; i < 20; i++) {
		size = packet_make(f->frame, false, i * 1448, 0x10, 1448);
		net_deliver(&f->fake->net, f->frame, size);
	}
	net_deliver_end(&f->fake->net);
	size = packet_make(f->frame, false, 0, 0x10, payload);
	assert_int_equal(driver_used_index(&f->driver, RX), (HEADER + size + 1525) / 1526);
	assert_int_equal(buffer_at(f, 0)[10] | buffer_at(f, 0)[11] << 8, driver_used_index(&f->driver, RX));
	assert_int_equal(buffer_at(f, 0)[0], NET_FLAG_NEEDS_CHECKSUM);
	assert_int_equal(buffer_at(f, 0)[1], NET_GSO_TCP4);
	assert_int_equal(buffer_at(f, 0)[4] | buffer_at(f, 0)[5] << 8, 1448);
	for (size_t done = header; done < size; done++) {
		const size_t at = HEADER + done;

		assert_int_equal(buffer_at(f, (unsigned)(at / 1526))[at % 1526], f->frame[done]);
	}
}

static void test_without_room_a_frame_waits_and_nothing_is_seen_of_it(void **state)
{
	struct fixture *f = *state;
	const struct net_offload nothing = { 0 };

	memset(f->frame, 0x5a, 5000);
	driver_start(&f->driver, USUAL);
	offer_buffers(f, 0, 3, 1024);
	net_deliver_offload(&f->fake->net, &nothing, f->frame, 5000);
	assert_true(f->fake->net.blocked);
	assert_int_equal(driver_used_index(&f->driver, RX), 0);
	assert_int_equal(f->fake->unblocked, 0);
	offer_buffers(f, 3, 1, 1024);
	assert_int_equal(driver_used_index(&f->driver, RX), 0);
	offer_buffers(f, 4, 1, 1024);
	assert_int_equal(driver_used_index(&f->driver, RX), 5);
	assert_int_equal(used_length(f, RX, 4), HEADER + 5000 - 4 * 1024);
	assert_int_equal(f->fake->unblocked, 1);
	assert_int_equal(status(f), 0xf);
}

static void test_what_waits_is_bounded(void **state)
{
	struct fixture *f = *state;
	const struct net_offload nothing = { 0 };

	driver_start(&f->driver, USUAL);
	driver_run(&f->driver);
	for (unsigned i = 0; i < 1000; i++)
		net_deliver_offload(&f->fake->net, &nothing, f->frame, 10000);
	assert_true(f->fake->net.queued && f->fake->net.queued <= 1u << 20);
}

static void test_a_reset_forgets_what_waits(void **state)
{
	struct fixture *f = *state;
	const struct net_offload nothing = { 0 };

	driver_start(&f->driver, USUAL);
	driver_run(&f->driver);
	net_deliver_offload(&f->fake->net, &nothing, f->frame, 100);
	assert_true(f->fake->net.blocked);
	driver_start(&f->driver, USUAL);
	offer_buffers(f, 0, 4, 2048);
	assert_int_equal(driver_used_index(&f->driver, RX), 0);
	assert_false(f->fake->net.blocked);
	net_deliver_offload(&f->fake->net, &nothing, f->frame, 100);
	assert_int_equal(driver_used_index(&f->driver, RX), 1);
}

static void test_without_a_driver_frames_are_lost(void **state)
{
	struct fixture *f = *state;
	const struct net_offload nothing = { 0 };

	net_deliver_offload(&f->fake->net, &nothing, f->frame, 100);
	assert_false(f->fake->net.blocked);
}

static void test_what_the_driver_does_not_understand_is_not_given_to_it(void **state)
{
	struct fixture *f = *state;
	const struct net_offload offload = { .flags = NET_FLAG_NEEDS_CHECKSUM,
					     .gso_type = NET_GSO_TCP4,
					     .gso_size = 1000 };

	driver_start(&f->driver, USUAL | F_GUEST_CSUM);
	offer_buffers(f, 0, 4, 0x1000);
	net_deliver_offload(&f->fake->net, &offload, f->frame, 3000);
	assert_int_equal(driver_used_index(&f->driver, RX), 0);
}

static void test_one_buffer_too_small_without_mergeable_buffers_loses_the_frame(void **state)
{
	struct fixture *f = *state;
	const struct net_offload nothing = { 0 };

	driver_start(&f->driver, USUAL & ~F_MRG);
	offer_buffers(f, 0, 1, HEADER + 100);
	net_deliver_offload(&f->fake->net, &nothing, f->frame, 101);
	assert_int_equal(driver_used_index(&f->driver, RX), 0);
	net_deliver_offload(&f->fake->net, &nothing, f->frame, 100);
	assert_int_equal(driver_used_index(&f->driver, RX), 1);
	assert_int_equal(status(f), 0xf);
}

static void test_the_link_is_seen_in_the_configuration(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, USUAL);
	f->driver.messages = 0;
	net_set_link(&f->fake->net, false);
	assert_int_equal(driver_reg(&f->driver, R_DEVICE + 6, 2), 0);
	assert_int_equal(f->driver.messages, 1);
	assert_int_equal(f->driver.last_message, 0x40); /* the configuration's vector */
	net_set_link(&f->fake->net, false);
	assert_int_equal(f->driver.messages, 1);
	transmit(f, HEADER + 60);
	assert_int_equal(f->fake->sent, 0);
	assert_int_equal(driver_used_index(&f->driver, TX), 1);
	net_set_link(&f->fake->net, true);
	assert_int_equal(driver_reg(&f->driver, R_DEVICE + 6, 2), 1);
	assert_int_equal(f->driver.messages, 3);
}

/* Whether a frame to this address arrives. */
static bool arrives(struct fixture *f, const char *to)
{
	const unsigned before = driver_used_index(&f->driver, RX);
	const struct net_offload nothing = { 0 };

	memcpy(f->frame, to, 6);
	net_deliver_offload(&f->fake->net, &nothing, f->frame, 60);
	return driver_used_index(&f->driver, RX) != before;
}

static void test_the_filter_does_what_it_is_told(void **state)
{
	static const char own[] = "\x52\x54\x00\x12\x34\x56", other[] = "\x52\x54\x00\x12\x34\x57";
	static const char group[] = "\x33\x33\x00\x00\x00\x01", all[] = "\xff\xff\xff\xff\xff\xff";
	struct fixture *f = *state;
	uint8_t macs[4 + 6 + 4 + 6] = { 1 };

	driver_start(&f->driver, USUAL);
	offer_buffers(f, 0, 64, 0x1000);
	assert_true(arrives(f, own) && arrives(f, other) && arrives(f, group) && arrives(f, all));
	assert_int_equal(command(f, 0, 0, "\0", 1), 0); /* not promiscuous */
	assert_true(arrives(f, own) && !arrives(f, other) && !arrives(f, group) && arrives(f, all));
	assert_int_equal(command(f, 0, 1, "\1", 1), 0); /* all multicast */
	assert_true(arrives(f, group) && !arrives(f, other));
	assert_int_equal(command(f, 0, 1, "\0", 1), 0);
	memcpy(macs + 4, other, 6);
	macs[10] = 1;
	memcpy(macs + 14, group, 6);
	assert_int_equal(command(f, 1, 0, macs, sizeof(macs)), 0); /* the table */
	assert_true(arrives(f, own) && arrives(f, other) && arrives(f, group));
	assert_int_equal(command(f, 0, 5, "\1", 1), 0); /* no broadcast */
	assert_false(arrives(f, all));
	assert_int_equal(command(f, 1, 1, "\x02\0\0\0\0\1", 6), 0); /* another address */
	assert_true(arrives(f, "\x02\0\0\0\0\1") && !arrives(f, own));
	assert_int_equal(command(f, 1, 0, macs, sizeof(macs) - 1), 1); /* shorter than it says */
	assert_int_equal(command(f, 0, 6, "\1", 1), 1);
	assert_int_equal(command(f, 9, 0, "\1", 1), 1);
	assert_true(arrives(f, other));
}

static void test_a_table_of_too_many_addresses_means_all(void **state)
{
	struct fixture *f = *state;
	uint8_t macs[4 + 65 * 6 + 4] = { 65 };

	driver_start(&f->driver, USUAL);
	offer_buffers(f, 0, 8, 0x1000);
	assert_int_equal(command(f, 0, 0, "\0", 1), 0);
	assert_int_equal(command(f, 1, 0, macs, sizeof(macs)), 0);
	assert_true(arrives(f, "\x02\1\1\1\1\1") && !arrives(f, "\x33\x33\0\0\0\1"));
}

static void test_offloads_are_switched_within_what_was_negotiated(void **state)
{
	struct fixture *f = *state;
	uint64_t offloads = F_GUEST_CSUM | F_GUEST_TSO4;

	driver_start(&f->driver, USUAL | F_OFFLOADS | F_GUEST_CSUM | F_GUEST_TSO4);
	driver_run(&f->driver);
	assert_int_equal(f->fake->net.accepts, NET_ACCEPTS_CHECKSUM | NET_ACCEPTS_TCP4);
	offloads = 0;
	assert_int_equal(command(f, 5, 0, &offloads, 8), 0);
	assert_int_equal(f->fake->net.accepts, 0);
	offloads = UINT64_C(1) << 8; /* TSO6 was not negotiated */
	assert_int_equal(command(f, 5, 0, &offloads, 8), 1);
	offloads = F_GUEST_CSUM;
	assert_int_equal(command(f, 5, 0, &offloads, 8), 0);
	assert_int_equal(f->fake->net.accepts, NET_ACCEPTS_CHECKSUM);
	driver_start(&f->driver, USUAL);
	driver_run(&f->driver);
	assert_int_equal(f->fake->net.accepts, 0);
}

/* The real back ends, without a card. */

struct end {
	struct net *net;
	unsigned got, links;
	bool up, refuse;
	size_t size, bytes;
	uint8_t frame[NET_FRAME_MAX];
};

static bool end_receive(void *opaque, const struct net_offload *offload, const void *frame, size_t size)
{
	struct end *end = opaque;

	if (end->refuse)
		return false;
	end->got++;
	end->size = size;
	end->bytes += size;
	memcpy(end->frame, frame, size);
	return true;
}

static void end_link(void *opaque, bool up)
{
	struct end *end = opaque;

	end->links++;
	end->up = up;
}

static void end_can_send(void *opaque)
{
}

struct cable {
	struct event_loop loop;
	struct clock clock;
	char path[64], spec[80];
	struct end a, b;
};

static void end_open(struct cable *c, struct end *end, const char *spec)
{
	const struct net_client client = { end_receive, end_link, end_can_send, end };
	char error[256] = "";

	memset(end, 0, sizeof(*end));
	assert_int_equal(net_open(&end->net, spec, &c->loop, &c->clock, error, sizeof(error)), 0);
	net_attach(end->net, &client);
	end->up = net_link_is_up(end->net);
}

/* Lets host and timers have their turn for a while. */
static void turn(struct cable *c, unsigned ms)
{
	const uint64_t end = clock_now(&c->clock) + ms * UINT64_C(1000000);

	do {
		clock_run_timers(&c->clock);
		event_loop_poll(&c->loop, 1);
	} while (clock_now(&c->clock) < end);
}

static int setup_cable(void **state)
{
	struct cable *c = calloc(1, sizeof(*c));

	clock_init(&c->clock, false, 1);
	assert_int_equal(event_loop_init(&c->loop, &c->clock), 0);
	snprintf(c->path, sizeof(c->path), "/tmp/bixi-test-net-%d", (int)getpid());
	snprintf(c->spec, sizeof(c->spec), "socket=%s", c->path);
	*state = c;
	return 0;
}

static int teardown_cable(void **state)
{
	struct cable *c = *state;

	net_close(c->a.net);
	net_close(c->b.net);
	unlink(c->path);
	event_loop_destroy(&c->loop);
	clock_destroy(&c->clock);
	free(c);
	return 0;
}

static void test_a_cable_carries_frames_both_ways(void **state)
{
	const struct net_offload nothing = { 0 };
	const struct net_offload offload = { .flags = NET_FLAG_NEEDS_CHECKSUM,
					     .gso_type = NET_GSO_TCP4,
					     .gso_size = 1448,
					     .checksum_start = 34,
					     .checksum_offset = 16 };
	static uint8_t frame[NET_FRAME_MAX];
	struct cable *c = *state;
	size_t size;

	end_open(c, &c->a, c->spec);
	assert_false(c->a.up);
	end_open(c, &c->b, c->spec);
	turn(c, 50);
	assert_true(c->a.up && c->b.up);
	size = packet_make(frame, false, 1, 0x10, 65000);
	net_send(c->a.net, &offload, frame, size);
	net_send_end(c->a.net);
	turn(c, 50);
	assert_int_equal(c->b.got, (65000 + 1447) / 1448);
	assert_true(packet_is_good(c->b.frame, c->b.size, false));
	size = packet_make(frame, false, 1, 0x10, 65000);
	net_set_accepts(c->a.net, NET_ACCEPTS_CHECKSUM | NET_ACCEPTS_TCP4);
	net_send(c->b.net, &offload, frame, size);
	net_send_end(c->b.net);
	turn(c, 50);
	assert_int_equal(c->a.got, 1); /* cut for the wire, and put together again */
	assert_int_equal(c->a.size, size);
	net_send(c->b.net, &nothing, frame, 60);
	net_send_end(c->b.net);
	turn(c, 50);
	assert_int_equal(c->a.got, 2);
}

static void test_either_end_of_a_cable_may_vanish(void **state)
{
	struct cable *c = *state;

	end_open(c, &c->a, c->spec);
	end_open(c, &c->b, c->spec);
	turn(c, 50);
	net_close(c->b.net); /* the one that connected */
	turn(c, 50);
	assert_false(c->a.up);
	end_open(c, &c->b, c->spec);
	turn(c, 50);
	assert_true(c->a.up && c->b.up);
	net_close(c->a.net); /* the one that listened */
	turn(c, 600);
	assert_false(c->b.up);
	end_open(c, &c->a, c->spec);
	turn(c, 600);
	assert_true(c->a.up && c->b.up);
}

static void test_a_peer_that_does_not_read_holds_nobody_up(void **state)
{
	const struct net_offload nothing = { 0 };
	static uint8_t frame[9000];
	struct cable *c = *state;
	unsigned sent = 0;

	end_open(c, &c->a, c->spec);
	end_open(c, &c->b, c->spec);
	turn(c, 50);
	c->b.refuse = true;
	while (net_can_send(c->a.net) && sent < 10000) {
		net_send(c->a.net, &nothing, frame, sizeof(frame));
		net_send_end(c->a.net);
		turn(c, 0);
		sent++;
	}
	assert_true(sent > 100 && sent < 10000);
	turn(c, 1200);
	assert_true(net_can_send(c->a.net)); /* what it sends now is lost */
	c->b.refuse = false;
	net_resume(c->b.net);
	turn(c, 100);
	assert_true(c->b.got > 100 && c->b.bytes == c->b.got * sizeof(frame));
	assert_true(net_can_send(c->a.net));
}

static void test_a_peer_that_talks_nonsense_is_hung_up_on(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct cable *c = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	end_open(c, &c->a, c->spec);
	strcpy(address.sun_path, c->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turn(c, 20);
	assert_true(c->a.up);
	/* A frame in QEMU's form, in pieces. */
	assert_int_equal(write(fd, "\0\0", 2), 2);
	turn(c, 20);
	assert_int_equal(write(fd,
			       "\0\x0f"
			       "123456abcdef\x08\0x",
			       17),
			 17);
	turn(c, 20);
	assert_int_equal(c->a.got, 1);
	assert_int_equal(c->a.size, 15);
	/* And nonsense. */
	assert_int_equal(write(fd, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	turn(c, 20);
	assert_false(c->a.up);
	assert_true(read(fd, &byte, 1) <= 0);
	close(fd);
}

static void test_the_user_network_answers(void **state)
{
	static const char request[] =
		"\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56\x08\x06\x00\x01\x08\x00"
		"\x06\x04\x00\x01\x52\x54\x00\x12\x34\x56\x0a\x00\x02\x0f\0\0\0\0\0\0"
		"\x0a\x00\x02\x02";
	const struct net_offload nothing = { 0 };
	struct cable *c = *state;
	uint8_t frame[sizeof(request) - 1];

	end_open(c, &c->a, "user");
	assert_true(c->a.up);
	turn(c, 5);
	memcpy(frame, request, sizeof(frame));
	net_send(c->a.net, &nothing, frame, sizeof(frame));
	net_send_end(c->a.net);
	turn(c, 5);
	assert_true(c->a.got >= 1);
	assert_memory_equal(c->a.frame + 12, "\x08\x06", 2);
	assert_memory_equal(c->a.frame + 28, "\x0a\x00\x02\x02", 4); /* 10.0.2.2 is at ... */
	assert_int_equal(c->a.frame[21], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CARD(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CABLE(name) cmocka_unit_test_setup_teardown(name, setup_cable, teardown_cable)
		CARD(test_the_card_says_what_it_is),
		CARD(test_a_frame_goes_out_with_what_is_left_to_do),
		CARD(test_many_frames_are_sent_with_one_interrupt),
		CARD(test_a_header_cut_short_stops_the_device),
		CARD(test_frames_too_short_and_too_long_are_dropped),
		CARD(test_a_full_back_end_leaves_frames_in_the_queue),
		CARD(test_a_frame_comes_in_with_its_header),
		CARD(test_segments_come_in_as_one_packet_over_several_buffers),
		CARD(test_without_room_a_frame_waits_and_nothing_is_seen_of_it),
		CARD(test_what_waits_is_bounded),
		CARD(test_a_reset_forgets_what_waits),
		CARD(test_without_a_driver_frames_are_lost),
		CARD(test_what_the_driver_does_not_understand_is_not_given_to_it),
		CARD(test_one_buffer_too_small_without_mergeable_buffers_loses_the_frame),
		CARD(test_the_link_is_seen_in_the_configuration),
		CARD(test_the_filter_does_what_it_is_told),
		CARD(test_a_table_of_too_many_addresses_means_all),
		CARD(test_offloads_are_switched_within_what_was_negotiated),
		CABLE(test_a_cable_carries_frames_both_ways),
		CABLE(test_either_end_of_a_cable_may_vanish),
		CABLE(test_a_peer_that_does_not_read_holds_nobody_up),
		CABLE(test_a_peer_that_talks_nonsense_is_hung_up_on),
		CABLE(test_the_user_network_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
