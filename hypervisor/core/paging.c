/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Stage-2 tables of any number of levels, whose entries only the architecture understands: level 0 maps
 * pages, entries of the levels up to S2_LEAF_MAX may map larger pieces, the top has level S2_LEVELS - 1.
 */
#include "hv.h"

#define ENTRIES (1u << S2_BITS)
#define TOP	(S2_LEVELS - 1)

/* Bytes that an entry of @level stands for. */
static uint64_t span(unsigned level)
{
	return PAGE_SIZE << S2_BITS * level;
}

static uint64_t *table_new(unsigned level)
{
	uint64_t *table = pool_alloc(1);

	for (unsigned i = 0; table && i < ENTRIES; i++)
		table[i] = arch_pte_empty(level);
	return table;
}

static uint64_t *table_of(uint64_t pte, unsigned level)
{
	return phys_to_virt(arch_pte_phys(pte, level));
}

static bool is_table(uint64_t pte, unsigned level)
{
	return level && !arch_pte_is_empty(pte, level) && !arch_pte_is_leaf(pte, level);
}

int paging_create(struct paging *paging)
{
	paging->root = table_new(TOP);
	return paging->root ? 0 : -ENOMEM;
}

/* Frees the table @pte points to, an entry of @level, and all below it. */
static void table_free(uint64_t pte, unsigned level)
{
	uint64_t *table[S2_LEVELS];
	unsigned next[S2_LEVELS], at = level - 1;

	table[at] = table_of(pte, level);
	next[at] = 0;
	while (at < level) {
		if (!at || next[at] == ENTRIES) {
			pool_free(table[at++], 1);
			continue;
		}
		pte = table[at][next[at]++];
		if (is_table(pte, at)) {
			table[at - 1] = table_of(pte, at);
			next[--at] = 0;
		}
	}
}

void paging_destroy(struct paging *paging)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (is_table(paging->root[i], TOP))
			table_free(paging->root[i], TOP);
	pool_free(paging->root, 1);
	paging->root = NULL;
}

/* The entry of @gpa at *level, or the one above it where the walk ends; *level becomes that one's. */
static uint64_t *walk(const struct paging *paging, uint64_t gpa, unsigned *level)
{
	uint64_t *table = paging->root, *entry;
	unsigned at = TOP;

	for (;; at--) {
		entry = &table[gpa / span(at) % ENTRIES];
		if (at == *level || !is_table(*entry, at))
			break;
		table = table_of(*entry, at);
	}
	*level = at;
	return entry;
}

/* What a leaf or nothing at all maps is from now on mapped by a table of the level below. */
static int split(uint64_t *entry, unsigned level)
{
	uint64_t *table = table_new(level - 1);

	if (!table)
		return -ENOMEM;
	if (arch_pte_is_leaf(*entry, level)) {
		uint64_t phys = arch_pte_phys(*entry, level), flags = arch_pte_flags(*entry, level);

		for (unsigned i = 0; i < ENTRIES; i++)
			table[i] = arch_pte_leaf(phys + i * span(level - 1), flags, level - 1);
	}
	*entry = arch_pte_table(virt_to_phys(table));
	return 0;
}

/* The other way round, if the table that maps @gpa below @level maps one contiguous piece. */
static void join(struct paging *paging, uint64_t gpa, unsigned level)
{
	unsigned at = level, below = level - 1;
	uint64_t *entry = walk(paging, gpa, &at), *table, phys, flags;

	if (at != level || !is_table(*entry, level))
		return;
	table = table_of(*entry, level);
	if (!arch_pte_is_leaf(table[0], below))
		return;
	phys = arch_pte_phys(table[0], below);
	flags = arch_pte_flags(table[0], below);
	if (phys % span(level))
		return;
	for (unsigned i = 1; i < ENTRIES; i++)
		if (table[i] != arch_pte_leaf(phys + i * span(below), flags, below))
			return;
	pool_free(table, 1);
	*entry = arch_pte_leaf(phys, flags, level);
}

static int map_one(struct paging *paging, uint64_t gpa, uint64_t phys, uint64_t flags, unsigned level)
{
	unsigned at = level;
	uint64_t *entry = walk(paging, gpa, &at);

	while (at > level) {
		if (split(entry, at))
			return -ENOMEM;
		at = level;
		entry = walk(paging, gpa, &at);
	}
	if (is_table(*entry, level))
		table_free(*entry, level);
	*entry = arch_pte_leaf(phys, flags, level);
	return 0;
}

int paging_map(struct paging *paging, uint64_t gpa, uint64_t phys, uint64_t size, uint64_t flags)
{
	unsigned max = flags & CONFIG_MEM_NO_HUGEPAGES ? 0 : S2_LEAF_MAX;
	uint64_t begin = gpa, end = gpa + size;

	while (gpa < end) {
		unsigned level = max;

		while (level && ((gpa | phys) % span(level) || end - gpa < span(level)))
			level--;
		if (map_one(paging, gpa, phys, flags, level))
			return -ENOMEM;
		gpa += span(level);
		phys += span(level);
	}
	/* In between the leaves are as large as can be. */
	for (unsigned level = 1; size && level <= max; level++) {
		join(paging, begin, level);
		join(paging, end - 1, level);
	}
	return 0;
}

/* No leaf reaches across @gpa. */
static int cut(struct paging *paging, uint64_t gpa)
{
	for (;;) {
		unsigned level = 0;
		uint64_t *entry = walk(paging, gpa, &level);

		if (!(gpa % span(level)) || !arch_pte_is_leaf(*entry, level))
			return 0;
		if (split(entry, level))
			return -ENOMEM;
	}
}

static void join_all(struct paging *paging, uint64_t gpa)
{
	for (unsigned level = 1; level <= S2_LEAF_MAX; level++)
		join(paging, gpa, level);
}

int paging_unmap(struct paging *paging, uint64_t gpa, uint64_t size)
{
	uint64_t end = gpa + size;

	if (cut(paging, gpa) || (end < PAGING_LIMIT && cut(paging, end))) {
		join_all(paging, gpa);
		join_all(paging, end - 1);
		return -ENOMEM;
	}
	while (gpa < end) {
		unsigned level = 0;
		uint64_t *entry = walk(paging, gpa, &level);

		*entry = arch_pte_empty(level);
		gpa += span(level) - gpa % span(level);
	}
	return 0;
}

bool paging_find(const struct paging *paging, uint64_t gpa, uint64_t *phys, uint64_t *flags)
{
	unsigned level = 0;
	uint64_t *entry;

	if (gpa >= PAGING_LIMIT)
		return false;
	entry = walk(paging, gpa, &level);
	if (arch_pte_is_empty(*entry, level))
		return false;
	*phys = arch_pte_phys(*entry, level) + gpa % span(level);
	*flags = arch_pte_flags(*entry, level);
	return true;
}
