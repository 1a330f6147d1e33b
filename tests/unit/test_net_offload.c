/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Checksums, cutting and joining of TCP packets: machine/host/net_offload.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "machine/host/net_offload.h"
#include "tests/unit/net_packet.h"

#define ALL (NET_ACCEPTS_CHECKSUM | NET_ACCEPTS_TCP4 | NET_ACCEPTS_TCP6)

enum { FIN = 0x01, SYN = 0x02, PSH = 0x08, ACK = 0x10, CWR = 0x80 };

static uint8_t frame[NET_FRAME_MAX], other[NET_FRAME_MAX];
static struct net_merge merge;

static void test_sums_are_those_of_a_plain_computation(void **state)
{
	uint8_t data[256];

	srand(1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rand();
	for (size_t at = 0; at < 16; at++)
		for (size_t size = 0; size + at <= sizeof(data); size++) {
			uint16_t start = (uint16_t)rand();

			assert_int_equal(net_sum(data + at, size, start), packet_sum(data + at, size, start));
		}
	memset(frame, 0xff, sizeof(frame));
	assert_int_equal(net_sum(frame, sizeof(frame), 0xffff), packet_sum(frame, sizeof(frame), 0xffff));
}

static void test_a_partial_checksum_is_completed(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const size_t tcp = v6 ? PACKET_TCP6 : PACKET_TCP4;
		size_t size = packet_make(frame, v6, 77, ACK, 1001);
		const struct net_offload offload = { .flags = NET_FLAG_NEEDS_CHECKSUM,
						     .checksum_start = (uint16_t)tcp,
						     .checksum_offset = 16 };

		packet_put(frame + tcp + 16, 2, packet_pseudo(frame, size, v6));
		assert_false(packet_is_good(frame, size, v6));
		assert_true(net_finish_checksum(&offload, frame, size));
		assert_true(packet_is_good(frame, size, v6));
	}
}

static void test_a_checksum_outside_of_the_frame_is_refused(void **state)
{
	struct net_offload offload = { .flags = NET_FLAG_NEEDS_CHECKSUM };

	memset(frame, 0, 100);
	for (unsigned at = 0; at < 200; at += 7)
		for (unsigned offset = 0; offset < 200; offset++) {
			offload.checksum_start = (uint16_t)at;
			offload.checksum_offset = (uint16_t)offset;
			assert_int_equal(net_finish_checksum(&offload, frame, 100), at + offset + 2 <= 100);
		}
	offload.checksum_start = offload.checksum_offset = UINT16_MAX;
	assert_false(net_finish_checksum(&offload, frame, 100));
}

static void test_unknown_kinds_of_segmentation_are_refused(void **state)
{
	struct net_offload offload = { .flags = NET_FLAG_NEEDS_CHECKSUM, .checksum_start = PACKET_TCP4 };

	for (unsigned type = 0; type < 256; type++) {
		const bool known = type == NET_GSO_NONE || type == NET_GSO_TCP4 || type == NET_GSO_TCP6;

		offload.gso_type = (uint8_t)type;
		assert_int_equal(net_finish_checksum(&offload, frame, 100), known);
	}
	offload = (struct net_offload){ .gso_type = NET_GSO_TCP4 };
	assert_false(net_finish_checksum(&offload, frame, 100)); /* the spec wants NEEDS_CHECKSUM with it */
}

/* What net_segment() emits. */
struct segments {
	const uint8_t *whole;
	size_t header, payload_size, gso_size, seen;
	unsigned count;
	bool v6;
};

static void check_segment(void *opaque, const uint8_t *segment, size_t size)
{
	struct segments *s = opaque;
	const size_t tcp = s->v6 ? PACKET_TCP6 : PACKET_TCP4;
	const size_t payload = size - s->header;
	const bool last = s->seen + payload == s->payload_size;
	const uint8_t flags = s->whole[tcp + 13];

	assert_true(packet_is_good(segment, size, s->v6));
	assert_true(last ? payload && payload <= s->gso_size : payload == s->gso_size);
	assert_memory_equal(segment + s->header, s->whole + s->header + s->seen, payload);
	assert_int_equal(packet_get(segment + tcp + 4, 4),
			 (uint32_t)(packet_get(s->whole + tcp + 4, 4) + s->seen));
	assert_int_equal(segment[tcp + 13], flags & ~(last ? 0 : FIN | PSH) & ~(s->count ? CWR : 0));
	if (!s->v6)
		assert_int_equal(packet_get(segment + 18, 2),
				 (uint16_t)(packet_get(s->whole + 18, 2) + s->count));
	assert_int_equal(packet_get(segment + (s->v6 ? 18 : 16), 2), size - (s->v6 ? 54 : 14));
	s->seen += payload;
	s->count++;
	/* And they can be put together again. */
	assert_true(net_merge_add(&merge, ALL, segment, size) || s->count > 1);
}

static struct net_offload long_packet(const uint8_t *data, bool v6, size_t gso_size)
{
	return (struct net_offload){ .flags = NET_FLAG_NEEDS_CHECKSUM,
				     .gso_type = v6 ? NET_GSO_TCP6 : NET_GSO_TCP4,
				     .gso_size = (uint16_t)gso_size,
				     .checksum_start = v6 ? PACKET_TCP6 : PACKET_TCP4,
				     .checksum_offset = 16 };
}

static void test_a_long_packet_is_cut_into_good_segments(void **state)
{
	static const struct {
		size_t payload, gso_size;
	} cases[] = { { 1, 1448 },     { 1448, 1448 }, { 1449, 1448 },
		      { 65000, 1448 }, { 4000, 1 },    { 65400, 65400 } };

	for (int v6 = 0; v6 < 2; v6++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			size_t size =
				packet_make(frame, v6, 0xfffffe00, ACK | PSH | FIN | CWR, cases[i].payload);
			const struct net_offload offload = long_packet(frame, v6, cases[i].gso_size);
			struct segments s = { .whole = frame,
					      .header = size - cases[i].payload,
					      .payload_size = cases[i].payload,
					      .gso_size = cases[i].gso_size,
					      .v6 = v6 };

			merge.size = 0;
			assert_true(net_segment(&offload, frame, size, check_segment, &s));
			assert_int_equal(s.seen, s.payload_size);
			assert_int_equal(s.count, (s.payload_size + s.gso_size - 1) / s.gso_size);
		}
}

static void never(void *opaque, const uint8_t *segment, size_t size)
{
	fail_msg("a segment of nonsense");
}

static void test_nonsense_is_not_cut(void **state)
{
	size_t size = packet_make(frame, false, 1, ACK, 5000);
	struct net_offload offload = long_packet(frame, false, 0);

	assert_false(net_segment(&offload, frame, size, never, NULL)); /* segments of nothing */
	offload.gso_size = 1000;
	assert_false(net_segment(&offload, frame, size - 1, never, NULL)); /* shorter than it says */
	offload.gso_type = NET_GSO_TCP6;
	assert_false(net_segment(&offload, frame, size, never, NULL)); /* IPv4 called IPv6 */
	offload.gso_type = NET_GSO_TCP4;
	frame[23] = 17;
	assert_false(net_segment(&offload, frame, size, never, NULL)); /* UDP */
	frame[23] = 6;
	frame[20] = 0x20;
	assert_false(net_segment(&offload, frame, size, never, NULL)); /* a fragment */
	frame[20] = 0;
	frame[14] = 0x44;
	assert_false(net_segment(&offload, frame, size, never, NULL)); /* a header too short */
	frame[14] = 0x45;
	frame[PACKET_TCP4 + 12] = 0x40;
	assert_false(net_segment(&offload, frame, size, never, NULL)); /* TCP's too */
	for (size_t cut = 0; cut < PACKET_TCP4 + 20; cut++)
		assert_false(net_segment(&offload, frame, cut, never, NULL));
}

static void test_segments_that_follow_each_other_become_one_packet(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const size_t tcp = v6 ? PACKET_TCP6 : PACKET_TCP4;
		struct net_offload offload;
		uint32_t sequence = 0xffffff00;
		size_t size;

		merge.size = 0;
		for (unsigned i = 0; i < 40; i++, sequence += 1448) {
			size = packet_make(frame, v6, sequence, ACK, 1448);
			assert_true(net_merge_add(&merge, ALL, frame, size));
		}
		size = packet_make(frame, v6, sequence, ACK | PSH, 100);
		assert_true(net_merge_add(&merge, ALL, frame, size));
		size = packet_make(frame, v6, sequence + 100, ACK, 100);
		assert_false(net_merge_add(&merge, ALL, frame, size)); /* after a PSH and a short one */
		net_merge_finish(&merge, &offload);

		size = packet_make(other, v6, 0xffffff00, ACK | PSH, 40 * 1448 + 100);
		assert_int_equal(merge.size, size);
		assert_int_equal(offload.flags, NET_FLAG_NEEDS_CHECKSUM);
		assert_int_equal(offload.gso_type, v6 ? NET_GSO_TCP6 : NET_GSO_TCP4);
		assert_int_equal(offload.gso_size, 1448);
		assert_int_equal(offload.header_size, tcp + 32);
		assert_int_equal(packet_get(merge.frame + tcp + 16, 2), packet_pseudo(other, size, v6));
		assert_true(net_finish_checksum(&offload, merge.frame, merge.size));
		assert_memory_equal(merge.frame, other, size);
	}
}

static void test_what_does_not_belong_together_stays_apart(void **state)
{
	static const struct {
		unsigned at, bytes; /* what differs in the second packet */
		uint32_t value;
	} cases[] = {
		{ 0, 1, 0x50 },		      /* to another card */
		{ 15, 1, 0x03 },	      /* congestion was met */
		{ 20, 2, 0x2000 },	      /* a fragment */
		{ 22, 1, 63 },		      /* time to live */
		{ 26, 4, 0x0a000203 },	      /* from another host */
		{ PACKET_TCP4, 2, 40001 },    /* port */
		{ PACKET_TCP4 + 4, 4, 1101 }, /* a byte is missing */
		{ PACKET_TCP4 + 4, 4, 1099 }, /* a byte comes again */
		{ PACKET_TCP4 + 8, 4, 9 },    /* acknowledges more */
		{ PACKET_TCP4 + 13, 1, ACK | FIN },
		{ PACKET_TCP4 + 13, 1, ACK | SYN },
		{ PACKET_TCP4 + 13, 1, ACK | 0x20 }, /* urgent */
		{ PACKET_TCP4 + 14, 2, 1 },	     /* window */
		{ PACKET_TCP4 + 28, 4, 6 },	     /* time stamp */
	};
	size_t size;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		merge.size = 0;
		size = packet_make(frame, false, 1000, ACK, 100);
		assert_true(net_merge_add(&merge, ALL, frame, size));
		size = packet_make(frame, false, 1100, ACK, 100);
		packet_put(frame + cases[i].at, cases[i].bytes, cases[i].value);
		packet_seal(frame, size, false);
		assert_false(net_merge_add(&merge, ALL, frame, size));
	}
	/* Longer than the first, empty, with a wrong checksum, or when the guest does not want it. */
	size = packet_make(frame, false, 1100, ACK, 101);
	assert_false(net_merge_add(&merge, ALL, frame, size));
	size = packet_make(frame, false, 1100, ACK, 0);
	assert_false(net_merge_add(&merge, ALL, frame, size));
	size = packet_make(frame, false, 1100, ACK, 100);
	frame[size - 1] ^= 1;
	assert_false(net_merge_add(&merge, ALL, frame, size));
	size = packet_make(frame, false, 1100, ACK, 100);
	frame[18] ^= 1; /* in the IP header */
	assert_false(net_merge_add(&merge, ALL, frame, size));
	merge.size = 0;
	size = packet_make(frame, false, 1000, ACK, 100);
	assert_false(net_merge_add(&merge, 0, frame, size));
	assert_true(net_merge_add(&merge, NET_ACCEPTS_CHECKSUM | NET_ACCEPTS_TCP6, frame, size));
	size = packet_make(frame, false, 1100, ACK, 100);
	assert_false(net_merge_add(&merge, NET_ACCEPTS_CHECKSUM | NET_ACCEPTS_TCP6, frame, size));
}

static void test_a_packet_never_grows_beyond_what_ip_can_say(void **state)
{
	uint32_t sequence = 0;
	unsigned count = 0;

	merge.size = 0;
	while (net_merge_add(&merge, ALL, frame, packet_make(frame, false, sequence, ACK, 1448))) {
		sequence += 1448;
		count++;
	}
	assert_int_equal(count, (65535 - 52) / 1448);
	assert_true(merge.size <= 14 + 65535);
}

static void test_one_packet_alone_is_passed_on_as_good(void **state)
{
	size_t size = packet_make(frame, false, 5, ACK | FIN, 10);
	struct net_offload offload;

	merge.size = 0;
	memset(frame + size, 0, 20); /* as a wire pads it */
	assert_true(net_merge_add(&merge, ALL, frame, size + 20));
	net_merge_finish(&merge, &offload);
	assert_int_equal(offload.flags, NET_FLAG_CHECKSUM_GOOD);
	assert_int_equal(offload.gso_type, NET_GSO_NONE);
	assert_int_equal(merge.size, size);
	assert_memory_equal(merge.frame, frame, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_are_those_of_a_plain_computation),
		cmocka_unit_test(test_a_partial_checksum_is_completed),
		cmocka_unit_test(test_a_checksum_outside_of_the_frame_is_refused),
		cmocka_unit_test(test_unknown_kinds_of_segmentation_are_refused),
		cmocka_unit_test(test_a_long_packet_is_cut_into_good_segments),
		cmocka_unit_test(test_nonsense_is_not_cut),
		cmocka_unit_test(test_segments_that_follow_each_other_become_one_packet),
		cmocka_unit_test(test_what_does_not_belong_together_stays_apart),
		cmocka_unit_test(test_a_packet_never_grows_beyond_what_ip_can_say),
		cmocka_unit_test(test_one_packet_alone_is_passed_on_as_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
