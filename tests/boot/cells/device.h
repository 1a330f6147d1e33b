/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What a cell that does what it is told (device.c) and root (share.c) share: memory of both. */
#ifndef TESTS_BOOT_CELLS_DEVICE_H
#define TESTS_BOOT_CELLS_DEVICE_H

#include <stdint.h>

#define SHARE_ADDRESS 0x20000000 /* guest-physical */
#define SHARE_SIZE    0x10000
#define SHARE_READY   0x6564617265ull

enum { ORDER_NONE, ORDER_READ, ORDER_WRITE, ORDER_LISTEN, ORDER_SUM, ORDER_FILL };

struct share {
	uint64_t ready;		  /* the cell: SHARE_READY when it takes orders */
	uint64_t order;		  /* root: what to do; the cell: ORDER_NONE when it is done */
	uint64_t address, width;  /* of ORDER_READ and ORDER_WRITE: physical as the cell sees it */
	uint64_t value;		  /* what to write, or to fill with; what was read, or the sum */
	uint64_t interrupts[256]; /* by vector, in the cell's numbers */
	uint64_t received;	  /* characters, the first of which are in text */
	char text[64];
	uint8_t data[]; /* up to SHARE_SIZE: of ORDER_SUM and ORDER_FILL */
};

#define SHARE_DATA (SHARE_SIZE - sizeof(struct share))

/* Byte @i of what is filled with @seed. */
static inline uint8_t share_byte(uint64_t seed, uint64_t i)
{
	return (uint8_t)((seed + i) * 0x9e3779b97f4a7c15ull >> 56);
}

static inline uint64_t share_sum(const volatile uint8_t *data, uint64_t size)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < size; i++)
		sum = sum * 31 + data[i];
	return sum;
}

#endif
