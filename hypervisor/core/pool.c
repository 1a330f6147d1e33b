/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The pages that are left of the hypervisor's memory: a bitmap, first fit.  They become tables of stage 2,
 * cells and their descriptions; used at setup and under management_lock only.
 */
#include "hv.h"

#define POOL_MAX 16384 /* pages; what is beyond is not used */

static uint8_t *pool;
static uint64_t pages, used;
static uint64_t taken[POOL_MAX / 64];

void pool_init(void *begin, uint64_t count)
{
	pool = begin;
	pages = count < POOL_MAX ? count : POOL_MAX;
	used = 0;
	memset(taken, 0, sizeof(taken));
}

static bool is_taken(uint64_t page)
{
	return taken[page / 64] >> page % 64 & 1;
}

static void set_taken(uint64_t page, unsigned count, bool value)
{
	for (; count; count--, page++) {
		if (value)
			taken[page / 64] |= UINT64_C(1) << page % 64;
		else
			taken[page / 64] &= ~(UINT64_C(1) << page % 64);
	}
}

void *pool_alloc(unsigned count)
{
	unsigned run = 0;

	for (uint64_t page = 0; page < pages; page++) {
		run = is_taken(page) ? 0 : run + 1;
		if (run == count) {
			uint8_t *memory = pool + (page + 1 - count) * PAGE_SIZE;

			set_taken(page + 1 - count, count, true);
			used += count;
			memset(memory, 0, count * PAGE_SIZE);
			return memory;
		}
	}
	return NULL;
}

void pool_free(void *memory, unsigned count)
{
	set_taken((uint64_t)((uint8_t *)memory - pool) / PAGE_SIZE, count, false);
	used -= count;
}

uint64_t pool_size(void)
{
	return pages;
}

uint64_t pool_used(void)
{
	return used;
}
