/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Integer programs in small: a checksum, a hash, sorting, a tree, division. */
#include <stdlib.h>
#include <string.h>

#include "micro.h"

static void crc32(unsigned times)
{
	static uint32_t table[256];
	static uint8_t data[65536];
	uint32_t crc = ~0u;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t value = i;

		for (unsigned bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
		table[i] = value;
	}
	keep(data);
	for (unsigned round = 0; round < times * 500; round++)
		for (size_t i = 0; i < sizeof(data); i++)
			crc = table[(uint8_t)(crc ^ data[i])] ^ crc >> 8;
	keep(&crc);
}

/* SipHash's rounds: adds, rotations, exclusive ors. */
static uint64_t rotate_left(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void hash(unsigned times)
{
	uint64_t a = 1, b = 2, c = 3, d = 4;

	for (unsigned i = 0; i < times * 45000000; i++) {
		a += b, b = rotate_left(b, 13) ^ a, a = rotate_left(a, 32);
		c += d, d = rotate_left(d, 16) ^ c;
		a += d, d = rotate_left(d, 21) ^ a;
		c += b, b = rotate_left(b, 17) ^ c, c = rotate_left(c, 32);
	}
	keep(&a), keep(&b), keep(&c), keep(&d);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void sort(unsigned times)
{
	static uint64_t numbers[100000];
	uint64_t random = RANDOM_SEED;

	for (unsigned round = 0; round < times * 3; round++) {
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			numbers[i] = next_random(&random);
		qsort(numbers, sizeof(numbers) / sizeof(numbers[0]), sizeof(numbers[0]), compare);
		keep(numbers);
	}
}

/* A search tree of random keys, several MiB: each step misses a cache. */
struct node {
	uint64_t key;
	struct node *side[2];
};

static void tree(unsigned times)
{
	enum { NODES = 150000 };
	static struct node nodes[NODES];
	uint64_t random = RANDOM_SEED;

	for (unsigned round = 0; round < times * 4; round++) {
		struct node *root = NULL;

		memset(nodes, 0, sizeof(nodes));
		for (unsigned i = 0; i < NODES; i++) {
			struct node **at = &root;

			nodes[i].key = next_random(&random);
			while (*at)
				at = &(*at)->side[nodes[i].key > (*at)->key];
			*at = &nodes[i];
		}
		keep(root);
	}
}

static void divide(unsigned times)
{
	uint64_t random = RANDOM_SEED, sum = 0;

	for (unsigned i = 0; i < times * 25000000; i++) {
		const uint64_t by = next_random(&random) >> 40 | 1;

		sum += random / by + (uint32_t)random % (uint32_t)by;
	}
	keep(&sum);
}

const struct kernel integer_kernels[] = {
	{ "integer", "crc32", crc32 }, { "integer", "hash", hash },	{ "integer", "qsort", sort },
	{ "integer", "tree", tree },   { "integer", "divide", divide }, { 0 },
};
