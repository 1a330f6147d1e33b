/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Stage-2 tables and the pool they come from: hypervisor/core/paging.c, pool.c; against an array of pages. */
#include "test.h"

#define PAGES	   8192 /* 32 MiB: eight of the largest leaves */
#define WINDOW	   UINT64_C(0x3f000000)
#define POOL_PAGES 600

static struct {
	uint64_t phys;
	uint64_t flags; /* 0: not mapped */
} model[PAGES];
static struct paging paging;

static int setup(void **state)
{
	mock_power_on(test_seed());
	pool_init(mock_memory_at(MOCK_RAM), POOL_PAGES);
	memset(model, 0, sizeof(model));
	return paging_create(&paging);
}

static int teardown(void **state)
{
	paging_destroy(&paging);
	assert_int_equal(pool_used(), 0);
	return 0;
}

static void compare(void)
{
	uint64_t phys, flags;

	for (unsigned i = 0; i < PAGES; i++) {
		bool found = paging_find(&paging, WINDOW + i * PAGE_SIZE + 123, &phys, &flags);

		assert_int_equal(found, model[i].flags != 0);
		if (found) {
			assert_int_equal(phys, model[i].phys + 123);
			assert_int_equal(flags, model[i].flags);
		}
	}
}

static int map(unsigned page, unsigned count, uint64_t phys, uint64_t flags)
{
	int error = paging_map(&paging, WINDOW + page * PAGE_SIZE, phys, count * PAGE_SIZE, flags);

	for (unsigned i = 0; i < count && !error; i++) {
		model[page + i].phys = phys + i * PAGE_SIZE;
		model[page + i].flags = flags & 0x17;
	}
	return error;
}

static int unmap(unsigned page, unsigned count)
{
	int error = paging_unmap(&paging, WINDOW + page * PAGE_SIZE, count * PAGE_SIZE);

	if (!error)
		memset(&model[page], 0, count * sizeof(*model));
	return error;
}

static void random_maps_and_unmaps_agree_with_the_model(void **state)
{
	static const uint64_t kinds[] = { 3, 7, 0x13, 1, 7 | CONFIG_MEM_NO_HUGEPAGES };

	for (unsigned round = 0; round < 1500; round++) {
		unsigned page = (unsigned)mock_random(PAGES), size = 1u << mock_random(13), count;

		if (mock_random(2))
			page &= ~31u; /* where large leaves begin */
		count = size < PAGES - page ? size : PAGES - page;
		if (mock_random(3)) {
			uint64_t phys =
				mock_random(2) ? WINDOW + page * PAGE_SIZE : mock_random(1 << 18) * PAGE_SIZE;

			assert_int_equal(map(page, count, phys, kinds[mock_random(5)]), 0);
		} else {
			assert_int_equal(unmap(page, count), 0);
		}
		if (round % 10 == 0)
			compare();
	}
	compare();
}

static void large_leaves_are_used_where_they_fit(void **state)
{
	assert_int_equal(map(0, PAGES, WINDOW, 7), 0);
	compare();
	/* The top, and one table for the leaves of 4 MiB at either end. */
	assert_in_range(pool_used(), 2, 4);
}

static void no_hugepages_means_pages(void **state)
{
	assert_int_equal(map(0, 1024, WINDOW, 7 | CONFIG_MEM_NO_HUGEPAGES), 0);
	compare();
	assert_true(pool_used() > 1024 / 32);
}

static void what_was_split_is_joined_again(void **state)
{
	uint64_t used;

	assert_int_equal(map(0, PAGES, WINDOW, 7), 0);
	used = pool_used();
	for (unsigned i = 0; i < 200; i++) {
		unsigned page = (unsigned)mock_random(PAGES - 64), count = 1 + (unsigned)mock_random(64);

		assert_int_equal(unmap(page, count), 0);
		compare();
		assert_int_equal(map(page, count, WINDOW + page * PAGE_SIZE, 7), 0);
		assert_int_equal(pool_used(), used);
	}
	compare();
}

/* The pool is empty but for @n pages. */
static unsigned leave_pages(unsigned n, void **taken)
{
	unsigned count = 0;

	while (pool_size() - pool_used() > n)
		taken[count++] = pool_alloc(1);
	return count;
}

static void mapping_again_needs_no_page(void **state)
{
	void *taken[POOL_PAGES];
	struct {
		unsigned page, count;
	} hole[20];
	unsigned count;

	assert_int_equal(map(0, PAGES, WINDOW, 7), 0);
	for (unsigned i = 0; i < 20; i++) { /* next to each other, too */
		hole[i].page = i * 400;
		hole[i].count = i % 3 ? 400 : 1 + (unsigned)mock_random(399);
		assert_int_equal(unmap(hole[i].page, hole[i].count), 0);
	}
	count = leave_pages(0, taken);
	for (unsigned i = 0; i < 20; i++) {
		unsigned k = (i * 7 + 3) % 20;

		assert_int_equal(map(hole[k].page, hole[k].count, WINDOW + hole[k].page * PAGE_SIZE, 7), 0);
	}
	compare();
	while (count)
		pool_free(taken[--count], 1);
}

static void unmapping_without_pages_changes_nothing(void **state)
{
	void *taken[POOL_PAGES];
	uint64_t used;
	unsigned failures = 0;

	assert_int_equal(map(0, PAGES, WINDOW, 7), 0);
	used = pool_used();
	for (unsigned left = 0; left < 4; left++) {
		unsigned count = leave_pages(left, taken);

		if (unmap(5, 3000)) {
			failures++;
			compare();
			assert_int_equal(pool_used(), pool_size() - left);
		} else {
			assert_int_equal(map(5, 3000, WINDOW + 5 * PAGE_SIZE, 7), 0);
		}
		while (count)
			pool_free(taken[--count], 1);
		assert_int_equal(pool_used(), used);
	}
	assert_true(failures > 1);
}

static void mapping_without_pages_says_so(void **state)
{
	void *taken[POOL_PAGES];
	unsigned count = leave_pages(1, taken);

	assert_int_equal(paging_map(&paging, WINDOW + PAGE_SIZE, 0x1000, PAGE_SIZE, 7), -ENOMEM);
	while (count)
		pool_free(taken[--count], 1);
}

static void nothing_is_beyond_the_limit(void **state)
{
	uint64_t phys, flags;

	assert_false(paging_find(&paging, PAGING_LIMIT, &phys, &flags));
	assert_false(paging_find(&paging, UINT64_MAX, &phys, &flags));
	assert_int_equal(paging_map(&paging, PAGING_LIMIT - PAGE_SIZE, 0, PAGE_SIZE, 7), 0);
	assert_true(paging_find(&paging, PAGING_LIMIT - 1, &phys, &flags));
	assert_int_equal(paging_unmap(&paging, PAGING_LIMIT - PAGE_SIZE, PAGE_SIZE), 0);
}

static void the_pool_gives_each_page_once(void **state)
{
	static uint8_t *piece[300];
	static unsigned pages[300];
	uint64_t used = pool_used();

	for (unsigned round = 0; round < 3000; round++) {
		unsigned i = (unsigned)mock_random(300);

		if (piece[i]) {
			for (unsigned k = 0; k < pages[i]; k++)
				assert_int_equal(piece[i][k * PAGE_SIZE], i % 251);
			pool_free(piece[i], pages[i]);
			used -= pages[i];
			piece[i] = NULL;
		} else {
			pages[i] = 1 + (unsigned)mock_random(5);
			piece[i] = pool_alloc(pages[i]);
			if (!piece[i])
				continue;
			used += pages[i];
			for (unsigned k = 0; k < pages[i]; k++) {
				assert_int_equal(piece[i][k * PAGE_SIZE], 0);
				assert_int_equal(piece[i][(k + 1) * PAGE_SIZE - 1], 0);
				piece[i][k * PAGE_SIZE] = (uint8_t)(i % 251);
			}
		}
		assert_int_equal(pool_used(), used);
	}
	for (unsigned i = 0; i < 300; i++)
		if (piece[i])
			pool_free(piece[i], pages[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_maps_and_unmaps_agree_with_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(large_leaves_are_used_where_they_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(no_hugepages_means_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_split_is_joined_again, setup, teardown),
		cmocka_unit_test_setup_teardown(mapping_again_needs_no_page, setup, teardown),
		cmocka_unit_test_setup_teardown(unmapping_without_pages_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(mapping_without_pages_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_beyond_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(the_pool_gives_each_page_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
