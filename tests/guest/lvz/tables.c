/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The runtime's stage-2 tables, lvz.h: three levels of 2048 entries, PT 14..24, Dir1 25..35, Dir3 36..46.
 * Empty directory entries lead to a table of empty ones, so that a walk ends at two entries without V.
 */
#include "lvz.h"

#define ENTRIES	  2048
#define SELECTORS 8
#define POOL	  64
#define HUGE	  0x40
#define IDENTITY  0x1000000ull
#define PRESENT	  0x80

static volatile uint64_t pool[POOL][ENTRIES] __attribute__((aligned(0x4000)));
static volatile uint64_t empty_page[ENTRIES] __attribute__((aligned(0x4000)));
static volatile uint64_t empty_directory[ENTRIES] __attribute__((aligned(0x4000)));
static volatile uint64_t *roots[SELECTORS];
static unsigned pool_used;

static volatile uint64_t *table_new(uint64_t entry)
{
	volatile uint64_t *table = pool[pool_used++ % POOL];

	if (pool_used > POOL)
		check(false, "the stage-2 tables of the tests suffice");
	for (unsigned n = 0; n < ENTRIES; n++)
		table[n] = entry;
	return table;
}

static volatile uint64_t *selected(void)
{
	return (volatile uint64_t *)CACHED(csr_read(CSR_PGDL) & 0xffffffffc000);
}

/* The Dir1 entry of @gpa, its table made if it is missing. */
static volatile uint64_t *directory_entry(uint64_t gpa)
{
	volatile uint64_t *entry = selected() + (gpa >> 36 & (ENTRIES - 1));

	if (*entry == PHYSICAL(empty_directory))
		*entry = PHYSICAL(table_new(PHYSICAL(empty_page)));
	return (volatile uint64_t *)CACHED(*entry) + (gpa >> 25 & (ENTRIES - 1));
}

volatile uint64_t *s2_entry(uint64_t gpa)
{
	volatile uint64_t *entry = directory_entry(gpa);

	if (*entry == PHYSICAL(empty_page) || *entry & HUGE)
		*entry = PHYSICAL(table_new(0));
	return (volatile uint64_t *)CACHED(*entry) + (gpa >> 14 & (ENTRIES - 1));
}

void s2_map(uint64_t gpa, uint64_t hpa, uint64_t flags)
{
	*s2_entry(gpa) = (hpa & ~(S2_PAGE - 1)) | flags | PRESENT;
}

void s2_unmap(uint64_t gpa)
{
	*s2_entry(gpa) = 0;
}

void s2_map_huge(uint64_t gpa, uint64_t hpa, uint64_t flags)
{
	*directory_entry(gpa) = (hpa & ~(S2_HUGE - 1)) | flags | HUGE | PRESENT;
}

void s2_flush(uint64_t gpa)
{
	invtlb(0x16, csr_read(CSR_GSTAT) & GSTAT_GID, gpa & ~(2 * S2_PAGE - 1));
}

void s2_identity(void)
{
	volatile uint64_t *root = selected();

	for (unsigned n = 0; n < ENTRIES; n++)
		root[n] = PHYSICAL(empty_directory);
	for (uint64_t gpa = IDENTITY; gpa < 2 * IDENTITY; gpa += S2_PAGE)
		s2_map(gpa, gpa, PAGE_RW);
}

void s2_select(unsigned gid)
{
	unsigned n = gid % SELECTORS;
	bool fresh = !roots[n];

	if (!empty_directory[0])
		for (unsigned i = 0; i < ENTRIES; i++)
			empty_directory[i] = PHYSICAL(empty_page);
	if (fresh)
		roots[n] = table_new(0);
	csr_write(CSR_PGDL, PHYSICAL(roots[n]));
	csr_write(CSR_PGDH, PHYSICAL(roots[n]));
	csr_change(CSR_GSTAT, (uint64_t)gid << 16, GSTAT_GID);
	if (fresh)
		s2_identity();
}
