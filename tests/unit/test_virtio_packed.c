/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Packed virtqueues, virtio 1.2, 2.8: machine/virtio/packed.c.  Besides single properties, a driver of each
 * kind of ring offers the same random chains, and the device must see the same ones (BIXI_SEED repeats a
 * run).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "machine/virtio/queue.h"
#include "tests/unit/virtio_driver.h"

#define SIZE 5 /* no power of two */

enum { EVENTS_ON = 0, EVENTS_OFF = 1, EVENT_AT_POSITION = 2 };

struct fixture {
	struct driver driver;
	struct virtio_queue queue, split; /* queue 0, and for comparison queue 1 */
	struct virtio_chain chain, other;
	unsigned next; /* the driver's position */
};

static void enable(struct fixture *f, unsigned size, uint64_t features)
{
	virtio_queue_reset(&f->queue);
	f->driver.queue_size = f->queue.size = (uint16_t)size;
	f->queue.descriptor_area = DRIVER_DESC(0);
	f->queue.driver_area = DRIVER_AVAIL(0);
	f->queue.device_area = DRIVER_USED(0);
	memset(driver_ram(&f->driver, DRIVER_DESC(0)), 0, 0x8000);
	f->next = 0;
	assert_int_equal(virtio_queue_enable(&f->queue, &f->driver.bus, RING_PACKED | features), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	driver_init(&f->driver, true);
	enable(f, SIZE, 0);
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

/* The next descriptor of the driver's. */
static void put(struct fixture *f, uint64_t address, uint32_t length, uint16_t id, uint16_t flags)
{
	driver_packed_put(&f->driver, 0, f->next++, address, length, id, flags);
}

static int pop(struct fixture *f)
{
	return virtio_queue_pop(&f->queue, &f->chain);
}

static uint32_t *driver_events(struct fixture *f)
{
	return driver_ram(&f->driver, DRIVER_AVAIL(0));
}

static uint32_t device_events(struct fixture *f)
{
	return *(uint32_t *)driver_ram(&f->driver, DRIVER_USED(0));
}

static void test_an_empty_ring_gives_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pop(f), 0);
	assert_false(virtio_queue_rest(&f->queue));
	assert_int_equal(virtio_queue_held(&f->queue), 0);
}

static void test_a_chain_becomes_host_memory_reads_before_writes(void **state)
{
	struct fixture *f = *state;

	put(f, DRIVER_DATA, 16, 9, DESC_NEXT);
	put(f, DRIVER_DATA + 0x100, 0, 9, DESC_NEXT); /* empty pieces are left out */
	put(f, DRIVER_DATA + 0x1000, 512, 9, DESC_NEXT | DESC_WRITE);
	put(f, DRIVER_DATA + 0x2000, 1, 3, DESC_WRITE); /* the last one's id counts */
	assert_int_equal(pop(f), 1);
	assert_int_equal(f->chain.head, 3);
	assert_int_equal(f->chain.out_count, 1);
	assert_int_equal(f->chain.in_count, 2);
	assert_int_equal(f->chain.out_size, 16);
	assert_int_equal(f->chain.in_size, 513);
	assert_ptr_equal(f->chain.iov[2].iov_base, driver_ram(&f->driver, DRIVER_DATA + 0x2000));
	assert_int_equal(virtio_queue_held(&f->queue), 4);
	assert_int_equal(pop(f), 0);
}

static void test_used_descriptors_follow_the_ring_round_and_round(void **state)
{
	struct fixture *f = *state;
	unsigned used = 0;
	uint32_t written;
	uint16_t id;

	for (unsigned i = 0; i < 1000; i++) {
		const unsigned pieces = 1 + i % SIZE;

		for (unsigned k = 0; k < pieces; k++)
			put(f, DRIVER_DATA, 8, (uint16_t)(i % SIZE),
			    DESC_WRITE | (k + 1 < pieces ? DESC_NEXT : 0));
		assert_int_equal(pop(f), 1);
		assert_int_equal(f->chain.in_size, 8 * pieces);
		assert_false(driver_packed_used(&f->driver, 0, used, &id, &written));
		virtio_queue_push(&f->queue, f->chain.head, i);
		assert_true(driver_packed_used(&f->driver, 0, used, &id, &written));
		assert_int_equal(id, i % SIZE);
		assert_int_equal(written, i);
		used += pieces;
		assert_int_equal(virtio_queue_held(&f->queue), 0);
	}
}

static void test_a_used_descriptor_says_whether_it_was_written(void **state)
{
	struct fixture *f = *state;
	uint16_t *flags = driver_ram(&f->driver, DRIVER_DESC(0) + 14);

	put(f, DRIVER_DATA, 8, 0, DESC_WRITE);
	put(f, DRIVER_DATA, 8, 1, 0);
	assert_int_equal(pop(f), 1);
	assert_int_equal(pop(f), 1);
	virtio_queue_push(&f->queue, 1, 0); /* in any order */
	assert_int_equal(flags[0], DESC_AVAILABLE | DESC_USED);
	virtio_queue_push(&f->queue, 0, 8);
	assert_int_equal(flags[8], DESC_AVAILABLE | DESC_USED | DESC_WRITE);
}

static void test_an_indirect_table_is_one_descriptor_of_the_ring(void **state)
{
	struct fixture *f = *state;

	driver_descriptor(&f->driver, DRIVER_DATA, 0, DRIVER_DATA + 0x1000, 16, 0, 0);
	driver_descriptor(&f->driver, DRIVER_DATA, 1, DRIVER_DATA + 0x2000, 32, 0, 0);
	driver_packed_put(&f->driver, 1, 0, DRIVER_DATA + 0x3000, 64, 0, DESC_WRITE);
	memcpy(driver_ram(&f->driver, DRIVER_DATA + 32), driver_ram(&f->driver, DRIVER_DESC(1)), 16);
	memset(driver_ram(&f->driver, DRIVER_DATA + 12), 0, 4); /* ids and flags */
	memset(driver_ram(&f->driver, DRIVER_DATA + 28), 0, 4);
	put(f, DRIVER_DATA, 48, 2, DESC_INDIRECT);
	assert_int_equal(pop(f), 1);
	assert_int_equal(f->chain.head, 2);
	assert_int_equal(f->chain.out_size, 48);
	assert_int_equal(f->chain.in_size, 64);
	assert_int_equal(virtio_queue_held(&f->queue), 1);
}

static void test_a_buffer_that_was_taken_back_comes_again(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 20; i++) {
		put(f, DRIVER_DATA, 8, (uint16_t)(i % 2), DESC_NEXT | DESC_WRITE);
		put(f, DRIVER_DATA, 8, (uint16_t)(i % 2), DESC_WRITE);
		assert_int_equal(pop(f), 1);
		virtio_queue_unpop(&f->queue, &f->chain);
		assert_int_equal(virtio_queue_held(&f->queue), 0);
		assert_int_equal(pop(f), 1);
		assert_int_equal(f->chain.head, i % 2);
		virtio_queue_push(&f->queue, f->chain.head, 1);
	}
}

static void expect_refused(struct fixture *f)
{
	assert_int_equal(pop(f), -EPROTO);
	enable(f, SIZE, 0);
}

static void test_malformed_buffers_are_refused(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < SIZE; i++) /* it never ends */
		put(f, DRIVER_DATA, 8, 0, DESC_NEXT);
	expect_refused(f);
	put(f, DRIVER_DATA, 8, 0, DESC_NEXT | DESC_WRITE); /* reads after writes */
	put(f, DRIVER_DATA, 8, 0, 0);
	expect_refused(f);
	put(f, DRIVER_DATA, 8, SIZE, 0); /* a name there cannot be */
	expect_refused(f);
	put(f, DRIVER_DATA, 8, UINT16_MAX, 0);
	expect_refused(f);
	put(f, DRIVER_DATA, 8, 1, 0);
	put(f, DRIVER_DATA, 8, 1, 0); /* a name that is in use */
	assert_int_equal(pop(f), 1);
	expect_refused(f);
	put(f, DRIVER_DATA, 32, 0, DESC_INDIRECT | DESC_NEXT);
	put(f, DRIVER_DATA, 32, 0, 0);
	expect_refused(f);
	put(f, DRIVER_DATA, 8, 0, DESC_NEXT);
	put(f, DRIVER_DATA, 32, 0, DESC_INDIRECT); /* not alone */
	expect_refused(f);
	put(f, DRIVER_DATA, 0, 0, DESC_INDIRECT);
	expect_refused(f);
	put(f, DRIVER_DATA, 17, 0, DESC_INDIRECT);
	expect_refused(f);
	put(f, DRIVER_DATA, 16 * (VIRTIO_CHAIN_MAX + 1), 0, DESC_INDIRECT);
	expect_refused(f);
	put(f, DRIVER_DATA + 0x100, 16, 0, DESC_INDIRECT); /* a table in a table */
	driver_packed_put(&f->driver, 1, 0, DRIVER_DATA, 16, 0, DESC_INDIRECT);
	memcpy(driver_ram(&f->driver, DRIVER_DATA + 0x100), driver_ram(&f->driver, DRIVER_DESC(1)), 16);
	expect_refused(f);
}

static void test_memory_that_is_not_ram_is_refused(void **state)
{
	static const struct {
		uint64_t address;
		uint32_t length;
	} bad[] = { { DRIVER_RAM, 1 },	      { DRIVER_RAM - 16, 32 }, { DRIVER_MEM, 16 },
		    { 0, UINT32_MAX & ~15u }, { UINT64_MAX, 1 },       { UINT64_MAX - 15, 16 } };
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(f, bad[i].address, bad[i].length, 0, 0);
		expect_refused(f);
		put(f, bad[i].address, bad[i].length < 16 ? 16 : bad[i].length, 0, DESC_INDIRECT);
		expect_refused(f);
	}
}

/* The driver writes flags over descriptors that are not its own. */
static void test_lies_about_wrap_counters_lead_nowhere(void **state)
{
	struct fixture *f = *state;
	uint16_t *flags = driver_ram(&f->driver, DRIVER_DESC(0) + 14);

	*flags = DESC_USED; /* available in the other round */
	assert_int_equal(pop(f), 0);
	*flags = DESC_AVAILABLE | DESC_USED;
	assert_int_equal(pop(f), 0);
	for (unsigned i = 0; i < SIZE; i++)
		put(f, DRIVER_DATA, 8, (uint16_t)i, 0);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(pop(f), 1);
	put(f, DRIVER_DATA, 8, 0, 0); /* more than the ring has, as if the first were back */
	expect_refused(f);
}

static void test_areas_outside_ram_or_misaligned_are_refused(void **state)
{
	static const struct {
		uint64_t descriptors, driver, device;
		uint16_t size;
	} bad[] = {
		{ DRIVER_DESC(0) + 8, DRIVER_AVAIL(0), DRIVER_USED(0), 8 },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0) + 2, DRIVER_USED(0), 8 },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0), DRIVER_USED(0) + 1, 8 },
		{ DRIVER_RAM - 16, DRIVER_AVAIL(0), DRIVER_USED(0), 8 },
		{ DRIVER_DESC(0), DRIVER_RAM, DRIVER_USED(0), 8 },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0), UINT64_MAX - 3, 8 },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0), DRIVER_USED(0), 0 },
		{ DRIVER_DESC(0), DRIVER_AVAIL(0), DRIVER_USED(0), VIRTIO_QUEUE_MAX + 1 },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		virtio_queue_reset(&f->queue);
		f->queue.size = bad[i].size;
		f->queue.descriptor_area = bad[i].descriptors;
		f->queue.driver_area = bad[i].driver;
		f->queue.device_area = bad[i].device;
		assert_int_equal(virtio_queue_enable(&f->queue, &f->driver.bus, RING_PACKED), -EPROTO);
		assert_false(f->queue.enabled);
	}
}

static void test_resting_asks_for_a_kick(void **state)
{
	struct fixture *f = *state;

	assert_false(virtio_queue_rest(&f->queue));
	assert_int_equal(device_events(f), EVENTS_ON << 16);
	put(f, DRIVER_DATA, 8, 0, 0);
	assert_true(virtio_queue_rest(&f->queue)); /* it came meanwhile */

	enable(f, SIZE, EVENT_IDX);
	for (unsigned i = 0; i < 2 * SIZE; i++) {
		const uint32_t wrap = i < SIZE ? 0x8000 : 0;

		assert_false(virtio_queue_rest(&f->queue));
		assert_int_equal(device_events(f), i % SIZE | wrap | EVENT_AT_POSITION << 16);
		put(f, DRIVER_DATA, 8, 0, 0);
		assert_int_equal(pop(f), 1);
		virtio_queue_push(&f->queue, 0, 0);
	}
}

static void test_the_driver_silences_interrupts(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		put(f, DRIVER_DATA, 8, 0, 0);
		assert_int_equal(pop(f), 1);
		virtio_queue_push(&f->queue, 0, 0);
		*driver_events(f) = (i == 1 ? EVENTS_OFF : EVENTS_ON) << 16;
		assert_int_equal(virtio_queue_must_notify(&f->queue), i != 1);
		assert_false(virtio_queue_must_notify(&f->queue)); /* nothing new */
	}
}

/* From everywhere, to everywhere, over every descriptor the driver may wait for. */
static void test_with_event_index_only_the_awaited_descriptor_interrupts(void **state)
{
	struct fixture *f = *state;

	for (unsigned start = 0; start < 2 * SIZE; start++) {
		for (unsigned count = 1; count <= SIZE; count++) {
			for (unsigned event = 0; event < 2 * SIZE; event++) {
				const unsigned distance = (event + 2 * SIZE - start) % (2 * SIZE);

				enable(f, SIZE, EVENT_IDX);
				f->queue.next_available = f->queue.next_used = (uint16_t)start;
				f->queue.told_used = (uint16_t)start;
				f->queue.told = true;
				f->next = start;
				for (unsigned i = 0; i < count; i++) {
					put(f, DRIVER_DATA, 8, (uint16_t)i, 0);
					assert_int_equal(pop(f), 1);
					virtio_queue_push(&f->queue, f->chain.head, 0);
				}
				*driver_events(f) =
					event % SIZE | (event < SIZE ? 0x8000u : 0) | EVENT_AT_POSITION << 16;
				assert_int_equal(virtio_queue_must_notify(&f->queue), distance < count);
			}
		}
	}
	*driver_events(f) = 0x7fff | EVENT_AT_POSITION << 16; /* nowhere: rather too often */
	put(f, DRIVER_DATA, 8, 0, 0);
	assert_int_equal(pop(f), 1);
	virtio_queue_push(&f->queue, 0, 0);
	assert_true(virtio_queue_must_notify(&f->queue));
}

static void test_positions_survive_saving_and_bad_ones_do_not(void **state)
{
	struct fixture *f = *state;

	put(f, DRIVER_DATA, 8, 0, 0);
	assert_int_equal(pop(f), 1);
	virtio_queue_push(&f->queue, 0, 0);
	assert_int_equal(virtio_queue_restore(&f->queue, &f->driver.bus, RING_PACKED), 0);
	put(f, DRIVER_DATA, 8, 4, 0);
	assert_int_equal(pop(f), 1);
	assert_int_equal(f->chain.head, 4);
	f->queue.next_available = f->queue.next_used = 2 * SIZE;
	assert_int_equal(virtio_queue_restore(&f->queue, &f->driver.bus, RING_PACKED), -EPROTO);
	f->queue.next_available = 3;
	f->queue.next_used = 1;
	assert_int_equal(virtio_queue_restore(&f->queue, &f->driver.bus, RING_PACKED), -EPROTO);
}

/* Random chains over both kinds of ring. */

#define BOTH	  16u /* the rings' size */
#define MAX_PIECE 6u
#define BUFFERS	  4u /* in flight, so that chains always fit */

struct pair { /* a chain as the driver offered it on both rings */
	uint16_t split_head, packed_id;
	unsigned packed_slots;
	bool held;
};

static uint64_t random_state;

static unsigned random_below(unsigned limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(random_state >> 33) % limit;
}

/* One descriptor: as both rings have them, at a place that tells the chains apart. */
struct piece {
	uint64_t address;
	uint32_t length;
	bool write;
};

static unsigned make_pieces(struct piece *pieces, unsigned buffer)
{
	const unsigned count = 1 + random_below(MAX_PIECE - 1), writes = random_below(count + 1);

	for (unsigned i = 0; i < count; i++)
		pieces[i] = (struct piece){
			.address = DRIVER_DATA + 0x80000 + buffer * 0x10000 + random_below(0x8000),
			.length = random_below(0x1000),
			.write = i >= count - writes,
		};
	return count;
}

static void offer_split(struct fixture *f, const struct piece *pieces, unsigned count, unsigned buffer,
			bool indirect)
{
	const uint64_t table = indirect ? DRIVER_DATA + buffer * 0x100 : DRIVER_DESC(1);
	const unsigned first = indirect ? 0 : buffer * BOTH / BUFFERS;
	const unsigned per_buffer = BOTH / BUFFERS;

	if (!indirect && count > per_buffer)
		abort();
	for (unsigned i = 0; i < count; i++)
		driver_descriptor(
			&f->driver, table, first + i, pieces[i].address, pieces[i].length,
			(uint16_t)((pieces[i].write ? DESC_WRITE : 0) | (i + 1 < count ? DESC_NEXT : 0)),
			(uint16_t)(first + i + 1));
	if (indirect)
		driver_descriptor(&f->driver, DRIVER_DESC(1), buffer * per_buffer, table, count * 16,
				  DESC_INDIRECT, 0);
	driver_offer(&f->driver, 1, (uint16_t)(buffer * per_buffer));
}

static unsigned offer_packed(struct fixture *f, const struct piece *pieces, unsigned count, unsigned buffer,
			     bool indirect)
{
	const uint64_t table = DRIVER_DATA + 0x1000 + buffer * 0x100;
	const uint16_t id = (uint16_t)(BOTH - 1 - buffer);

	for (unsigned i = 0; i < count; i++) {
		const uint16_t write = pieces[i].write ? DESC_WRITE : 0;
		uint8_t *d = (uint8_t *)driver_ram(&f->driver, table) + 16 * i;

		if (!indirect) {
			put(f, pieces[i].address, pieces[i].length, id,
			    (uint16_t)(write | (i + 1 < count ? DESC_NEXT : 0)));
			continue;
		}
		memcpy(d, &pieces[i].address, 8);
		memcpy(d + 8, &pieces[i].length, 4);
		memcpy(d + 14, &write, 2);
	}
	if (indirect)
		put(f, table, count * 16, id, DESC_INDIRECT);
	return indirect ? 1 : count;
}

static void compare_chains(const struct virtio_chain *a, const struct virtio_chain *b)
{
	assert_int_equal(a->out_count, b->out_count);
	assert_int_equal(a->in_count, b->in_count);
	assert_int_equal(a->out_size, b->out_size);
	assert_int_equal(a->in_size, b->in_size);
	assert_memory_equal(a->iov, b->iov, (a->out_count + a->in_count) * sizeof(a->iov[0]));
}

static void test_random_chains_come_out_of_both_kinds_of_ring_alike(void **state)
{
	struct fixture *f = *state;
	const char *given = getenv("BIXI_SEED");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	struct pair pair[BUFFERS] = { 0 };
	unsigned offered[BUFFERS], waiting = 0, packed_used = 0;
	uint16_t split_used = 0;

	print_message("BIXI_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed;
	enable(f, BOTH, EVENT_IDX);
	virtio_queue_reset(&f->split);
	f->split.size = BOTH;
	f->split.descriptor_area = DRIVER_DESC(1);
	f->split.driver_area = DRIVER_AVAIL(1);
	f->split.device_area = DRIVER_USED(1);
	memset(driver_ram(&f->driver, DRIVER_DESC(1)), 0, 0x8000);
	assert_int_equal(virtio_queue_enable(&f->split, &f->driver.bus, EVENT_IDX), 0);

	for (unsigned round = 0; round < 20000; round++) {
		const unsigned buffer = random_below(BUFFERS);
		struct pair *p = &pair[buffer];
		struct piece pieces[MAX_PIECE];
		uint32_t written[2], *entry;
		uint16_t id;

		if (!p->packed_slots) { /* the driver's: it offers it */
			const bool indirect = random_below(2);
			unsigned count = make_pieces(pieces, buffer);

			if (!indirect && count > BOTH / BUFFERS)
				count = BOTH / BUFFERS;
			offer_split(f, pieces, count, buffer, indirect);
			p->packed_slots = offer_packed(f, pieces, count, buffer, indirect);
			offered[waiting++] = buffer;
		} else if (!p->held) { /* the device takes the one that came first */
			assert_int_equal(virtio_queue_pop(&f->split, &f->other), 1);
			assert_int_equal(pop(f), 1);
			compare_chains(&f->chain, &f->other);
			p = &pair[offered[0]];
			p->split_head = f->other.head;
			p->packed_id = f->chain.head;
			p->held = true;
			assert_int_equal(p->split_head, offered[0] * BOTH / BUFFERS);
			assert_int_equal(p->packed_id, BOTH - 1 - offered[0]);
			memmove(offered, offered + 1, --waiting * sizeof(offered[0]));
		} else { /* and gives any back */
			written[0] = random_below(1000);
			virtio_queue_push(&f->split, p->split_head, written[0]);
			virtio_queue_push(&f->queue, p->packed_id, written[0]);
			assert_int_equal(driver_used_index(&f->driver, 1), ++split_used);
			entry = driver_ram(&f->driver, DRIVER_USED(1) + 4 + 8 * ((split_used - 1u) % BOTH));
			assert_int_equal(entry[0], p->split_head);
			assert_int_equal(entry[1], written[0]);
			assert_true(driver_packed_used(&f->driver, 0, packed_used, &id, &written[1]));
			assert_int_equal(id, p->packed_id);
			assert_int_equal(written[1], written[0]);
			packed_used += p->packed_slots;
			*p = (struct pair){ 0 };
		}
		if (!waiting) {
			assert_false(virtio_queue_rest(&f->split));
			assert_false(virtio_queue_rest(&f->queue));
		}
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_an_empty_ring_gives_nothing),
		T(test_a_chain_becomes_host_memory_reads_before_writes),
		T(test_used_descriptors_follow_the_ring_round_and_round),
		T(test_a_used_descriptor_says_whether_it_was_written),
		T(test_an_indirect_table_is_one_descriptor_of_the_ring),
		T(test_a_buffer_that_was_taken_back_comes_again),
		T(test_malformed_buffers_are_refused),
		T(test_memory_that_is_not_ram_is_refused),
		T(test_lies_about_wrap_counters_lead_nowhere),
		T(test_areas_outside_ram_or_misaligned_are_refused),
		T(test_resting_asks_for_a_kick),
		T(test_the_driver_silences_interrupts),
		T(test_with_event_index_only_the_awaited_descriptor_interrupts),
		T(test_positions_survive_saving_and_bad_ones_do_not),
		T(test_random_chains_come_out_of_both_kinds_of_ring_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
