/* SPDX-License-Identifier: MulanPSL-2.0 */
/* TCP packets for tests, and their checksums computed byte by byte, in another way than the program's. */
#ifndef BIXI_TESTS_NET_PACKET_H
#define BIXI_TESTS_NET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PACKET_TCP4 34 /* where TCP begins */
#define PACKET_TCP6 54

static inline void packet_put(uint8_t *at, unsigned bytes, uint32_t value)
{
	while (bytes--) {
		at[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

static inline uint32_t packet_get(const uint8_t *at, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | *at++;
	return value;
}

/* RFC 1071 as it is written there: 16-bit words, end-around carry at each. */
static inline uint16_t packet_sum(const uint8_t *data, size_t size, uint32_t sum)
{
	for (size_t i = 0; i < size; i++) {
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static inline uint16_t packet_pseudo(const uint8_t *frame, size_t size, bool v6)
{
	const size_t tcp = v6 ? PACKET_TCP6 : PACKET_TCP4;

	return packet_sum(frame + (v6 ? 22 : 26), v6 ? 32 : 8, (uint32_t)(6 + size - tcp));
}

/* Fills in lengths and complete checksums. */
static inline void packet_seal(uint8_t *frame, size_t size, bool v6)
{
	const size_t tcp = v6 ? PACKET_TCP6 : PACKET_TCP4;

	if (v6) {
		packet_put(frame + 18, 2, (uint32_t)(size - PACKET_TCP6));
	} else {
		packet_put(frame + 16, 2, (uint32_t)(size - 14));
		packet_put(frame + 24, 2, 0);
		packet_put(frame + 24, 2, (uint16_t)~packet_sum(frame + 14, 20, 0));
	}
	packet_put(frame + tcp + 16, 2, 0);
	packet_put(frame + tcp + 16, 2,
		   (uint16_t)~packet_sum(frame + tcp, size - tcp, packet_pseudo(frame, size, v6)));
}

/* Whether all checksums are right. */
static inline bool packet_is_good(const uint8_t *frame, size_t size, bool v6)
{
	const size_t tcp = v6 ? PACKET_TCP6 : PACKET_TCP4;

	if (!v6 && packet_sum(frame + 14, 20, 0) != 0xffff)
		return false;
	return packet_sum(frame + tcp, size - tcp, packet_pseudo(frame, size, v6)) == 0xffff;
}

/* A TCP packet with 12 bytes of options and @payload bytes that depend on where they are in the stream.
 * Returns its size. */
static inline size_t packet_make(uint8_t *frame, bool v6, uint32_t sequence, uint8_t flags, size_t payload)
{
	const size_t tcp = v6 ? PACKET_TCP6 : PACKET_TCP4, data = tcp + 32;

	memset(frame, 0, data);
	memcpy(frame, "\x52\x54\x00\x12\x34\x56\x52\x55\x0a\x00\x02\x02", 12);
	packet_put(frame + 12, 2, v6 ? 0x86dd : 0x0800);
	if (v6) {
		packet_put(frame + 14, 4, 0x60012345);
		frame[20] = 6;
		frame[21] = 64;
		packet_put(frame + 22, 4, 0xfec00000);
		packet_put(frame + 38, 4, 0xfec00000);
		frame[37] = 2;
		frame[53] = 15;
	} else {
		frame[14] = 0x45;
		packet_put(frame + 18, 2, 0x1234);
		frame[22] = 64;
		frame[23] = 6;
		packet_put(frame + 26, 4, 0x0a000202);
		packet_put(frame + 30, 4, 0x0a00020f);
	}
	packet_put(frame + tcp, 2, 40000);
	packet_put(frame + tcp + 2, 2, 7001);
	packet_put(frame + tcp + 4, 4, sequence);
	packet_put(frame + tcp + 8, 4, 0x01020304);
	frame[tcp + 12] = 0x80;
	frame[tcp + 13] = flags;
	packet_put(frame + tcp + 14, 2, 0x7210);
	memcpy(frame + tcp + 20, "\x01\x01\x08\x0a\x00\x00\x00\x07\x00\x00\x00\x05", 12);
	for (size_t i = 0; i < payload; i++)
		frame[data + i] = (uint8_t)((sequence + i) * 31 ^ (sequence + i) >> 8);
	packet_seal(frame, data + payload, v6);
	return data + payload;
}

#endif
