/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Checksums and segments (net_offload.h).  IPv4 and IPv6 without extension headers, TCP.  Frames come from a
 * guest or from a peer: nothing in them is believed before it was compared with the frame's size.
 */
#include "machine/host/net_offload.h"

#include <string.h>

#define ETHERNET_SIZE	14
#define ETHERTYPE_AT	12
#define TYPE_IPV4	0x0800
#define TYPE_IPV6	0x86dd
#define IPV4_SIZE	20 /* without options */
#define IPV6_SIZE	40
#define TCP_SIZE	20
#define PROTOCOL_TCP	6
#define IPV4_FRAGMENT	0x3fff /* more fragments, or an offset */
#define IP_LENGTH_MAX	65535
#define TCP_FLAGS_AT	13
#define TCP_CHECKSUM_AT 16

enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_CWR = 0x80 };

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The sum does not depend on the byte order but for swapping its bytes (RFC 1071, 2): words are added in the
 * host's order, four bytes at a time. */
uint16_t net_sum(const void *data, size_t size, uint16_t start)
{
	const uint8_t *at = data;
	uint64_t sum0 = 0, sum1 = 0;
	uint32_t word[4] = { 0 };
	uint16_t sum;

	for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
		memcpy(word, at, sizeof(word));
		sum0 += (uint64_t)word[0] + word[1];
		sum1 += (uint64_t)word[2] + word[3];
	}
	memset(word, 0, sizeof(word));
	memcpy(word, at, size);
	sum0 += (uint64_t)word[0] + word[1];
	sum1 += (uint64_t)word[2] + word[3];
	sum = fold((sum0 & UINT32_MAX) + (sum0 >> 32) + (sum1 & UINT32_MAX) + (sum1 >> 32));
	return fold((uint64_t)__builtin_bswap16(sum) + start);
}

/* Where a TCP packet's parts are. */
struct tcp_frame {
	bool v6;
	size_t ip_at, tcp_at, payload_at;
	size_t size; /* to the end of the IP packet: frames of less than 60 bytes are padded */
};

static bool parse_ipv4(const uint8_t *frame, size_t size, struct tcp_frame *tcp)
{
	const uint8_t *ip = frame + ETHERNET_SIZE;
	size_t header, length;

	if (size < ETHERNET_SIZE + IPV4_SIZE || ip[0] >> 4 != 4 || ip[9] != PROTOCOL_TCP ||
	    get16(ip + 6) & IPV4_FRAGMENT)
		return false;
	header = (ip[0] & 15) * 4u;
	length = get16(ip + 2);
	tcp->v6 = false;
	tcp->tcp_at = ETHERNET_SIZE + header;
	tcp->size = ETHERNET_SIZE + length;
	return header >= IPV4_SIZE && length >= header;
}

static bool parse_ipv6(const uint8_t *frame, size_t size, struct tcp_frame *tcp)
{
	const uint8_t *ip = frame + ETHERNET_SIZE;

	if (size < ETHERNET_SIZE + IPV6_SIZE || ip[0] >> 4 != 6 || ip[6] != PROTOCOL_TCP)
		return false;
	tcp->v6 = true;
	tcp->tcp_at = ETHERNET_SIZE + IPV6_SIZE;
	tcp->size = ETHERNET_SIZE + IPV6_SIZE + get16(ip + 4);
	return true;
}

/* Whether the frame is a whole TCP packet, and where what is. */
static bool parse_tcp(const uint8_t *frame, size_t size, struct tcp_frame *tcp)
{
	bool is_ip;

	if (size < ETHERNET_SIZE)
		return false;
	switch (get16(frame + ETHERTYPE_AT)) {
	case TYPE_IPV4:
		is_ip = parse_ipv4(frame, size, tcp);
		break;
	case TYPE_IPV6:
		is_ip = parse_ipv6(frame, size, tcp);
		break;
	default:
		return false;
	}
	if (!is_ip || tcp->size > size || tcp->size < tcp->tcp_at + TCP_SIZE)
		return false;
	tcp->ip_at = ETHERNET_SIZE;
	tcp->payload_at = tcp->tcp_at + (frame[tcp->tcp_at + 12] >> 4) * 4u;
	return tcp->payload_at >= tcp->tcp_at + TCP_SIZE && tcp->payload_at <= tcp->size;
}

/* Sum of the pseudo header for @length bytes of TCP (RFC 9293, 3.1; RFC 8200, 8.1). */
static uint16_t pseudo_sum(const uint8_t *ip, bool v6, size_t length)
{
	const uint16_t sum = v6 ? net_sum(ip + 8, 32, PROTOCOL_TCP) : net_sum(ip + 12, 8, PROTOCOL_TCP);

	return fold((uint64_t)sum + length);
}

/* Sets the IP header's length, and IPv4's checksum. */
static void set_ip_length(uint8_t *frame, const struct tcp_frame *tcp, size_t size)
{
	uint8_t *ip = frame + tcp->ip_at;

	if (tcp->v6) {
		put16(ip + 4, (uint16_t)(size - tcp->ip_at - IPV6_SIZE));
		return;
	}
	put16(ip + 2, (uint16_t)(size - tcp->ip_at));
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~net_sum(ip, tcp->tcp_at - tcp->ip_at, 0));
}

bool net_finish_checksum(const struct net_offload *offload, uint8_t *frame, size_t size)
{
	const size_t start = offload->checksum_start;
	const size_t at = start + offload->checksum_offset;
	uint16_t sum;

	if (offload->gso_type != NET_GSO_NONE && offload->gso_type != NET_GSO_TCP4 &&
	    offload->gso_type != NET_GSO_TCP6)
		return false;
	if (!(offload->flags & NET_FLAG_NEEDS_CHECKSUM))
		return offload->gso_type == NET_GSO_NONE;
	if (start > size || at + 2 > size)
		return false;
	sum = (uint16_t)~net_sum(frame + start, size - start, 0);
	/* In UDP 0 means no checksum (RFC 768); in TCP the two zeros are the same. */
	put16(frame + at, sum ? sum : UINT16_MAX);
	return true;
}

/* One segment: headers as those of the whole, with the fields that differ, and a piece of the payload. */
static size_t make_segment(uint8_t *segment, const uint8_t *frame, const struct tcp_frame *whole, size_t from,
			   size_t length, unsigned index)
{
	const size_t size = whole->payload_at + length;
	uint8_t *tcp = segment + whole->tcp_at;
	uint16_t sum;

	memcpy(segment, frame, whole->payload_at);
	memcpy(segment + whole->payload_at, frame + from, length);
	if (!whole->v6)
		put16(segment + whole->ip_at + 4, (uint16_t)(get16(frame + whole->ip_at + 4) + index));
	set_ip_length(segment, whole, size);
	put32(tcp + 4, get32(frame + whole->tcp_at + 4) + (uint32_t)(from - whole->payload_at));
	if (from + length < whole->size)
		tcp[TCP_FLAGS_AT] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (index)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
	put16(tcp + TCP_CHECKSUM_AT, 0);
	sum = pseudo_sum(segment + whole->ip_at, whole->v6, size - whole->tcp_at);
	put16(tcp + TCP_CHECKSUM_AT, (uint16_t)~net_sum(tcp, size - whole->tcp_at, sum));
	return size;
}

bool net_segment(const struct net_offload *offload, uint8_t *frame, size_t size,
		 void (*emit)(void *opaque, const uint8_t *frame, size_t size), void *opaque)
{
	uint8_t segment[NET_FRAME_MAX];
	struct tcp_frame whole;
	unsigned index = 0;

	if (offload->gso_type == NET_GSO_NONE) {
		if (!net_finish_checksum(offload, frame, size))
			return false;
		emit(opaque, frame, size);
		return true;
	}
	if (!offload->gso_size || !parse_tcp(frame, size, &whole) ||
	    offload->gso_type != (whole.v6 ? NET_GSO_TCP6 : NET_GSO_TCP4))
		return false;
	for (size_t from = whole.payload_at; from < whole.size; from += offload->gso_size) {
		size_t left = whole.size - from;
		size_t length = left < offload->gso_size ? left : offload->gso_size;

		emit(opaque, segment, make_segment(segment, frame, &whole, from, length, index++));
	}
	return true;
}

/* Whether the packet's checksums are right. */
static bool checksums_are_good(const uint8_t *frame, const struct tcp_frame *tcp)
{
	const uint8_t *ip = frame + tcp->ip_at;
	const size_t length = tcp->size - tcp->tcp_at;

	if (!tcp->v6 && net_sum(ip, tcp->tcp_at - tcp->ip_at, 0) != UINT16_MAX)
		return false;
	return net_sum(frame + tcp->tcp_at, length, pseudo_sum(ip, tcp->v6, length)) == UINT16_MAX;
}

/* Whether two headers differ only in what differs between segments: lengths, identification, checksums,
 * sequence number and PSH. */
static bool headers_match(const struct net_merge *merge, const uint8_t *frame, const struct tcp_frame *tcp)
{
	const uint8_t *a = merge->frame + merge->tcp_at, *b = frame + tcp->tcp_at;
	const uint8_t *ip_a = merge->frame + merge->ip_at, *ip_b = frame + tcp->ip_at;
	const size_t options = tcp->tcp_at + TCP_SIZE;

	if (merge->v6 != tcp->v6 || merge->tcp_at != tcp->tcp_at || merge->payload_at != tcp->payload_at ||
	    memcmp(merge->frame, frame, tcp->ip_at) != 0)
		return false;
	if (tcp->v6 ? memcmp(ip_a, ip_b, 4) || memcmp(ip_a + 6, ip_b + 6, 34)
		    : memcmp(ip_a, ip_b, 2) || memcmp(ip_a + 6, ip_b + 6, 4) ||
			      memcmp(ip_a + 12, ip_b + 12, tcp->tcp_at - tcp->ip_at - 12))
		return false;
	return memcmp(a, b, 4) == 0 && memcmp(a + 8, b + 8, 5) == 0 &&
	       !((a[TCP_FLAGS_AT] ^ b[TCP_FLAGS_AT]) & ~TCP_PSH) && memcmp(a + 14, b + 14, 2) == 0 &&
	       memcmp(merge->frame + options, frame + options, tcp->payload_at - options) == 0;
}

/* Holds the frame as the first of what may become many. */
static bool merge_begin(struct net_merge *merge, unsigned accepts, const uint8_t *frame,
			const struct tcp_frame *tcp)
{
	const size_t payload = tcp->size - tcp->payload_at;
	const uint8_t flags = frame[tcp->tcp_at + TCP_FLAGS_AT];

	memcpy(merge->frame, frame, tcp->size);
	merge->size = tcp->size;
	merge->ip_at = tcp->ip_at;
	merge->tcp_at = tcp->tcp_at;
	merge->payload_at = tcp->payload_at;
	merge->v6 = tcp->v6;
	merge->gso_size = (uint16_t)payload;
	merge->next = get32(frame + tcp->tcp_at + 4) + (uint32_t)payload;
	merge->segments = 1;
	merge->mergeable =
		payload && flags == TCP_ACK && accepts & (tcp->v6 ? NET_ACCEPTS_TCP6 : NET_ACCEPTS_TCP4);
	return true;
}

bool net_merge_add(struct net_merge *merge, unsigned accepts, const uint8_t *frame, size_t size)
{
	struct tcp_frame tcp;
	size_t payload;

	if (!(accepts & NET_ACCEPTS_CHECKSUM) || !parse_tcp(frame, size, &tcp) ||
	    !checksums_are_good(frame, &tcp))
		return false;
	if (!merge->size)
		return merge_begin(merge, accepts, frame, &tcp);
	payload = tcp.size - tcp.payload_at;
	if (!merge->mergeable || !payload || payload > merge->gso_size ||
	    merge->size + payload > merge->ip_at + IP_LENGTH_MAX || !headers_match(merge, frame, &tcp) ||
	    get32(frame + tcp.tcp_at + 4) != merge->next)
		return false;
	memcpy(merge->frame + merge->size, frame + tcp.payload_at, payload);
	merge->size += payload;
	merge->next += (uint32_t)payload;
	merge->segments++;
	merge->frame[merge->tcp_at + TCP_FLAGS_AT] |= frame[tcp.tcp_at + TCP_FLAGS_AT];
	merge->mergeable = payload == merge->gso_size && !(frame[tcp.tcp_at + TCP_FLAGS_AT] & TCP_PSH);
	return true;
}

void net_merge_finish(struct net_merge *merge, struct net_offload *offload)
{
	const struct tcp_frame tcp = { merge->v6, merge->ip_at, merge->tcp_at, merge->payload_at,
				       merge->size };

	*offload = (struct net_offload){ .flags = NET_FLAG_CHECKSUM_GOOD };
	if (merge->segments < 2)
		return;
	set_ip_length(merge->frame, &tcp, merge->size);
	put16(merge->frame + merge->tcp_at + TCP_CHECKSUM_AT,
	      pseudo_sum(merge->frame + merge->ip_at, merge->v6, merge->size - merge->tcp_at));
	offload->flags = NET_FLAG_NEEDS_CHECKSUM;
	offload->gso_type = merge->v6 ? NET_GSO_TCP6 : NET_GSO_TCP4;
	offload->header_size = (uint16_t)merge->payload_at;
	offload->gso_size = merge->gso_size;
	offload->checksum_start = (uint16_t)merge->tcp_at;
	offload->checksum_offset = TCP_CHECKSUM_AT;
}
