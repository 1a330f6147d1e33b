/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Regions of the code cache and the lanes that fill them (jit_impl.h).  A machine with one core has one lane,
 * which comes to all regions in turn; what is evicted is always what was translated longest ago.
 */
#include <assert.h>

#include "machine/jit/jit_impl.h"

#define BLOCK_LINKS (4 * JIT_BLOCK_INSNS) /* more than a block has */
#define BLOCK_SITES (8 * JIT_BLOCK_INSNS)

_Static_assert(2 * JIT_LANES <= JIT_REGIONS, "half of the regions are there to be evicted");

/* Region @i, empty, with @size bytes of memory at @memory.  No number is 0. */
static struct jit_region region_at(unsigned i, uint8_t *memory, size_t size)
{
	const struct jit_place first = {
		.at = memory,
		.block = i * REGION_BLOCKS + 1,
		.link = i * REGION_LINKS + 1,
		.site = i * REGION_SITES + 1,
	};

	return (struct jit_region){ .first = first, .next = first, .end = memory + size };
}

void regions_divide(struct jit *jit, uint8_t *start)
{
	const size_t size = (size_t)(jit->rw + jit->size - start) / JIT_REGIONS;

	for (unsigned i = 0; i < JIT_REGIONS; i++)
		jit->region[i] = region_at(i, start + i * size, size);
}

void lanes_create(struct jit *jit)
{
	for (unsigned i = 0; i < JIT_LANES; i++)
		pthread_mutex_init(&jit->lane[i].lock, NULL);
}

void lanes_destroy(struct jit *jit)
{
	for (unsigned i = 0; i < JIT_LANES; i++)
		pthread_mutex_destroy(&jit->lane[i].lock);
}

static void empty(struct jit_region *region)
{
	region->next = region->first;
	region->full = false;
	region->given = 0;
}

void regions_empty(struct jit *jit)
{
	for (unsigned i = 0; i < JIT_LANES; i++)
		jit->lane[i].region = NULL;
	for (unsigned i = 0; i < JIT_REGIONS; i++) {
		empty(&jit->region[i]);
		jit->region[i].taken = false;
	}
}

struct jit_lane *lane_of(struct jit *jit, const struct cpu *cpu)
{
	return &jit->lane[cpu->id % JIT_LANES];
}

bool region_has_room(const struct jit_region *region)
{
	if (!region || region->full)
		return false;
	return region->next.block < region->first.block + REGION_BLOCKS &&
	       region->next.link + BLOCK_LINKS <= region->first.link + REGION_LINKS &&
	       region->next.site + BLOCK_SITES <= region->first.site + REGION_SITES;
}

/* The region that was given longest ago of those that nobody has. */
static struct jit_region *oldest(struct jit *jit)
{
	struct jit_region *found = NULL;

	for (unsigned i = 0; i < JIT_REGIONS; i++) {
		struct jit_region *region = &jit->region[i];

		if (!region->taken && (!found || region->given < found->given))
			found = region;
	}
	assert(found);
	return found;
}

void lane_next_region(struct jit *jit, struct jit_lane *lane)
{
	struct jit_region *region = oldest(jit);

	if (region->given) {
		cache_forget(jit, &region->first, &region->next);
		jit->stats.evictions++;
		empty(region);
	}
	if (lane->region)
		lane->region->taken = false;
	region->taken = true;
	region->given = ++jit->given;
	lane->region = region;
}
