/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Split virtqueues, virtio 1.2, 2.7: machine/virtio/queue.c, well-behaved drivers and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "machine/virtio/queue.h"
#include "tests/unit/virtio_driver.h"

#define SIZE 8

struct fixture {
	struct driver driver;
	struct virtio_queue queue;
	struct virtio_chain chain;
};

static void enable(struct fixture *f, unsigned size, bool event_index)
{
	virtio_queue_reset(&f->queue);
	f->driver.queue_size = f->queue.size = (uint16_t)size;
	f->driver.available[0] = 0;
	f->queue.descriptor_area = DRIVER_DESC(0);
	f->queue.driver_area = DRIVER_AVAIL(0);
	f->queue.device_area = DRIVER_USED(0);
	memset(driver_ram(&f->driver, DRIVER_DESC(0)), 0, 0x8000);
	assert_int_equal(virtio_queue_enable(&f->queue, &f->driver.bus, event_index ? EVENT_IDX : 0), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	driver_init(&f->driver, true);
	enable(f, SIZE, false);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	driver_destroy(&f->driver);
	free(f);
	return 0;
}

static void describe(struct fixture *f, unsigned index, uint64_t address, uint32_t length, uint16_t flags,
		     uint16_t next)
{
	driver_descriptor(&f->driver, DRIVER_DESC(0), index, address, length, flags, next);
}

/* Offers chain 0 and says what the device makes of it. */
static int pop(struct fixture *f)
{
	driver_offer(&f->driver, 0, 0);
	return virtio_queue_pop(&f->queue, &f->chain);
}

static void test_an_empty_queue_gives_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(virtio_queue_pop(&f->queue, &f->chain), 0);
	assert_false(virtio_queue_rest(&f->queue));
}

static void test_a_chain_becomes_host_memory_reads_before_writes(void **state)
{
	struct fixture *f = *state;

	describe(f, 0, DRIVER_DATA, 16, DESC_NEXT, 5);
	describe(f, 5, DRIVER_DATA + 0x100, 0, DESC_NEXT, 3); /* empty pieces are left out */
	describe(f, 3, DRIVER_DATA + 0x1000, 512, DESC_NEXT | DESC_WRITE, 1);
	describe(f, 1, DRIVER_DATA + 0x2000, 1, DESC_WRITE, 99);
	assert_int_equal(pop(f), 1);
	assert_int_equal(f->chain.head, 0);
	assert_int_equal(f->chain.out_count, 1);
	assert_int_equal(f->chain.in_count, 2);
	assert_int_equal(f->chain.out_size, 16);
	assert_int_equal(f->chain.in_size, 513);
	assert_ptr_equal(f->chain.iov[0].iov_base, driver_ram(&f->driver, DRIVER_DATA));
	assert_ptr_equal(f->chain.iov[2].iov_base, driver_ram(&f->driver, DRIVER_DATA + 0x2000));
	assert_int_equal(virtio_queue_pop(&f->queue, &f->chain), 0);
}

static void test_an_indirect_table_is_followed(void **state)
{
	struct fixture *f = *state;

	describe(f, 0, DRIVER_DATA, 3 * 16, DESC_INDIRECT, 0);
	driver_descriptor(&f->driver, DRIVER_DATA, 0, DRIVER_DATA + 0x1000, 16, DESC_NEXT, 2);
	driver_descriptor(&f->driver, DRIVER_DATA, 2, DRIVER_DATA + 0x2000, 16, DESC_WRITE, 0);
	assert_int_equal(pop(f), 1);
	assert_int_equal(f->chain.out_count, 1);
	assert_int_equal(f->chain.in_count, 1);
	/* After ordinary descriptors, and at an odd address. */
	describe(f, 0, DRIVER_DATA + 0x3000, 8, DESC_NEXT, 1);
	describe(f, 1, DRIVER_DATA + 1, 16, DESC_INDIRECT, 0);
	driver_descriptor(&f->driver, DRIVER_DATA + 1, 0, DRIVER_DATA + 0x2000, 16, DESC_WRITE, 0);
	assert_int_equal(pop(f), 1);
	assert_int_equal(f->chain.out_size, 8);
	assert_int_equal(f->chain.in_size, 16);
}

static void test_a_loop_of_descriptors_is_refused(void **state)
{
	struct fixture *f = *state;

	describe(f, 0, DRIVER_DATA, 16, DESC_NEXT, 0);
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	describe(f, 0, DRIVER_DATA, 16, DESC_NEXT | DESC_WRITE, 1);
	describe(f, 1, DRIVER_DATA, 0, DESC_NEXT | DESC_WRITE, 0);
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	describe(f, 0, DRIVER_DATA, 32, DESC_INDIRECT, 0);
	driver_descriptor(&f->driver, DRIVER_DATA, 0, DRIVER_DATA, 1, DESC_NEXT, 1);
	driver_descriptor(&f->driver, DRIVER_DATA, 1, DRIVER_DATA, 1, DESC_NEXT, 0);
	assert_int_equal(pop(f), -EPROTO);
}

static void test_memory_that_is_not_ram_is_refused(void **state)
{
	static const struct {
		uint64_t address;
		uint32_t length;
	} bad[] = {
		{ DRIVER_RAM, 1 },
		{ DRIVER_RAM - 1, 2 },
		{ DRIVER_MEM, 4 },
		{ 0, UINT32_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX - 15, 16 },
		{ DRIVER_DATA, (uint32_t)DRIVER_RAM },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enable(f, SIZE, false);
		describe(f, 0, bad[i].address, bad[i].length, 0, 0);
		assert_int_equal(pop(f), -EPROTO);
		enable(f, SIZE, false);
		describe(f, 0, bad[i].address, bad[i].length & ~15u ? bad[i].length & ~15u : 16,
			 DESC_INDIRECT, 0);
		assert_int_equal(pop(f), -EPROTO);
	}
}

static void test_malformed_chains_are_refused(void **state)
{
	struct fixture *f = *state;

	describe(f, 0, DRIVER_DATA, 1, DESC_WRITE | DESC_NEXT, 1); /* reads after writes */
	describe(f, 1, DRIVER_DATA, 1, 0, 0);
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	describe(f, 0, DRIVER_DATA, 1, DESC_NEXT, SIZE); /* outside the table */
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	describe(f, 0, DRIVER_DATA, 32, DESC_INDIRECT | DESC_NEXT, 1);
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	describe(f, 0, DRIVER_DATA, 17, DESC_INDIRECT, 0);
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	describe(f, 0, DRIVER_DATA, 0, DESC_INDIRECT, 0);
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	describe(f, 0, DRIVER_DATA, 16, DESC_INDIRECT, 0); /* a table in a table */
	driver_descriptor(&f->driver, DRIVER_DATA, 0, DRIVER_DATA, 16, DESC_INDIRECT, 0);
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, false);
	driver_descriptor(&f->driver, DRIVER_DATA, 0, DRIVER_DATA, 16, DESC_NEXT, 1); /* past its end */
	describe(f, 0, DRIVER_DATA, 16, DESC_INDIRECT, 0);
	assert_int_equal(pop(f), -EPROTO);
}

static void test_a_bad_head_or_index_is_refused(void **state)
{
	struct fixture *f = *state;
	uint16_t *ring = driver_ram(&f->driver, DRIVER_AVAIL(0));

	driver_offer(&f->driver, 0, SIZE);
	assert_int_equal(virtio_queue_pop(&f->queue, &f->chain), -EPROTO);
	enable(f, SIZE, false);
	ring[1] = SIZE + 1; /* more than there are descriptors */
	assert_int_equal(virtio_queue_pop(&f->queue, &f->chain), -EPROTO);
	ring[1] = UINT16_MAX;
	assert_int_equal(virtio_queue_pop(&f->queue, &f->chain), -EPROTO);
}

static void test_areas_outside_ram_or_misaligned_are_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t descriptors, driver, device;
	} bad[] = {
		{ DRIVER_DESC(0) + 8, DRIVER_AVAIL(0), DRIVER_USED(0) },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0) + 1, DRIVER_USED(0) },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0), DRIVER_USED(0) + 2 },
		{ DRIVER_RAM - 16, DRIVER_AVAIL(0), DRIVER_USED(0) },
		{ DRIVER_DESC(0), DRIVER_RAM - 4, DRIVER_USED(0) },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0), UINT64_MAX - 3 },
		{ DRIVER_MEM, DRIVER_AVAIL(0), DRIVER_USED(0) },
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		virtio_queue_reset(&f->queue);
		f->queue.descriptor_area = bad[i].descriptors;
		f->queue.driver_area = bad[i].driver;
		f->queue.device_area = bad[i].device;
		assert_int_equal(virtio_queue_enable(&f->queue, &f->driver.bus, EVENT_IDX), -EPROTO);
		assert_false(f->queue.enabled);
	}
}

static void test_used_entries_and_indices_wrap(void **state)
{
	struct fixture *f = *state;
	uint32_t *entry;

	describe(f, 0, DRIVER_DATA, 1, DESC_WRITE, 0);
	for (unsigned i = 0; i < 70000; i++) {
		assert_int_equal(pop(f), 1);
		virtio_queue_push(&f->queue, f->chain.head, i);
		assert_int_equal(driver_used_index(&f->driver, 0), (uint16_t)(i + 1));
		entry = driver_ram(&f->driver, DRIVER_USED(0) + 4 + 8 * (i % SIZE));
		assert_int_equal(entry[0], 0);
		assert_int_equal(entry[1], i);
	}
}

static void test_the_drivers_flag_silences_interrupts(void **state)
{
	struct fixture *f = *state;
	uint16_t *ring = driver_ram(&f->driver, DRIVER_AVAIL(0));

	virtio_queue_push(&f->queue, 0, 0);
	assert_true(virtio_queue_must_notify(&f->queue));
	assert_false(virtio_queue_must_notify(&f->queue)); /* nothing new */
	ring[0] = 1;
	virtio_queue_push(&f->queue, 0, 0);
	assert_false(virtio_queue_must_notify(&f->queue));
}

static void test_with_event_index_only_the_awaited_buffer_interrupts(void **state)
{
	struct fixture *f = *state;
	uint16_t *used_event, *available_event;

	enable(f, SIZE, true);
	used_event = driver_ram(&f->driver, DRIVER_AVAIL(0) + 4 + 2 * SIZE);
	available_event = driver_ram(&f->driver, DRIVER_USED(0) + 4 + 8 * SIZE);
	describe(f, 0, DRIVER_DATA, 1, DESC_WRITE, 0);
	*used_event = 2; /* tell me of the third */
	virtio_queue_push(&f->queue, 0, 0);
	virtio_queue_must_notify(&f->queue); /* the first time it always may */
	virtio_queue_push(&f->queue, 0, 0);
	assert_false(virtio_queue_must_notify(&f->queue));
	virtio_queue_push(&f->queue, 0, 0);
	assert_true(virtio_queue_must_notify(&f->queue));
	virtio_queue_push(&f->queue, 0, 0);
	assert_false(virtio_queue_must_notify(&f->queue));
	*used_event = 5; /* passed within a batch */
	for (unsigned i = 0; i < 4; i++)
		virtio_queue_push(&f->queue, 0, 0);
	assert_true(virtio_queue_must_notify(&f->queue));

	assert_int_equal(pop(f), 1);
	assert_int_equal(*available_event, 0);
	assert_false(virtio_queue_rest(&f->queue));
	assert_int_equal(*available_event, 1); /* kick me for the next */
	driver_offer(&f->driver, 0, 0);
	assert_true(virtio_queue_rest(&f->queue)); /* it came while we went to sleep */
}

static void test_pieces_are_copied_across_their_borders(void **state)
{
	struct fixture *f = *state;
	char *a = driver_ram(&f->driver, DRIVER_DATA), *b = a + 16, out[8] = "";
	struct iovec iov[2] = { { a, 3 }, { b, 4 } }, *at = iov;
	unsigned count = 2;

	memcpy(a, "abc", 3);
	memcpy(b, "defg", 4);
	assert_int_equal(virtio_iov_read(&at, &count, out, 5), 5);
	assert_memory_equal(out, "abcde", 5);
	assert_int_equal(virtio_iov_write(&f->driver.bus, &at, &count, "XYZ", 3), 2);
	assert_memory_equal(b, "deXY", 4);
	assert_int_equal(count, 0);
	assert_int_equal(virtio_iov_read(&at, &count, out, 1), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_an_empty_queue_gives_nothing),
		T(test_a_chain_becomes_host_memory_reads_before_writes),
		T(test_an_indirect_table_is_followed),
		T(test_a_loop_of_descriptors_is_refused),
		T(test_memory_that_is_not_ram_is_refused),
		T(test_malformed_chains_are_refused),
		T(test_a_bad_head_or_index_is_refused),
		T(test_areas_outside_ram_or_misaligned_are_refused),
		T(test_used_entries_and_indices_wrap),
		T(test_the_drivers_flag_silences_interrupts),
		T(test_with_event_index_only_the_awaited_buffer_interrupts),
		T(test_pieces_are_copied_across_their_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
