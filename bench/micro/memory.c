/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Loads and stores that hit, that miss the TLB, and the C library's ways to move and search bytes. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "micro.h"

enum { WORDS = 2048 }; /* 16 KiB are in every processor's first-level cache */
static volatile uint64_t words[WORDS];

static void load(unsigned times)
{
	uint64_t sum = 0;

	for (unsigned round = 0; round < times * 60000; round++) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < WORDS; i++)
			sum += words[i];
	}
	keep(&sum);
}

static void store(unsigned times)
{
	for (unsigned round = 0; round < times * 100000; round++) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < WORDS; i++)
			words[i] = round;
	}
}

/* Bytes and halfwords at odd addresses, read and written back changed. */
static void load_store_small(unsigned times)
{
	volatile uint8_t *bytes = (volatile uint8_t *)words;

	for (unsigned round = 0; round < times * 30000; round++) {
#pragma GCC unroll 4
		for (unsigned i = 1; i < WORDS; i++)
			bytes[i] = (uint8_t)(bytes[i - 1] + bytes[i + WORDS] + round);
	}
}

static void unaligned(unsigned times)
{
	const char *bytes = (const char *)words;
	uint64_t sum = 0, value;

	for (unsigned round = 0; round < times * 25000; round++) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < WORDS - 1; i++) {
			memcpy(&value, &bytes[8 * i + 3], sizeof(value));
			sum += value;
			keep(&value);
		}
	}
	keep(&sum);
}

/*
 * A ring of pointers through 4096 pages of 16 KiB in random order, one pointer a page, at places in the page
 * that spread over the cache: more pages than a TLB has entries, and no more lines than a cache has.
 */
enum { PAGES = 4096, PAGE = 16384 };

static char *make_ring(void)
{
	char *pages =
		mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t random = RANDOM_SEED;
	static unsigned order[PAGES];

	if (pages == MAP_FAILED)
		abort();
	madvise(pages, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < PAGES; i++)
		order[i] = i;
	for (unsigned i = PAGES - 1; i; i--) {
		const unsigned other = next_random(&random) % i; /* Sattolo's: one ring through all */
		const unsigned kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (unsigned i = 0; i < PAGES; i++) {
		const unsigned next = order[i];

		*(char **)&pages[(size_t)i * PAGE + i * 64 % PAGE] =
			&pages[(size_t)next * PAGE + next * 64 % PAGE];
	}
	return pages;
}

static void tlb_miss(unsigned times)
{
	char *pages = make_ring(), *at = pages;

	for (unsigned i = 0; i < times * 1000000; i++)
		at = *(char **)at;
	keep(at);
	munmap(pages, (size_t)PAGES * PAGE);
}

static void copy(unsigned times)
{
	static char from[16384], to[16384];

	for (unsigned round = 0; round < times * 40000; round++) {
		memcpy(to, from, sizeof(to) - round % 64);
		keep(to);
	}
}

static void length(unsigned times)
{
	static char text[4096];
	size_t sum = 0;

	memset(text, 'x', sizeof(text) - 1);
	for (unsigned round = 0; round < times * 150000; round++) {
		sum += strlen(text + round % 64);
		keep(text);
	}
	keep(&sum);
}

const struct kernel memory_kernels[] = {
	{ "memory", "load", load },
	{ "memory", "store", store },
	{ "memory", "bytes", load_store_small },
	{ "memory", "unaligned", unaligned },
	{ "memory", "tlb-miss", tlb_miss },
	{ "vector", "memcpy", copy },
	{ "vector", "strlen", length },
	{ 0 },
};
