/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Virtio over MMIO, virtio 1.2, 4.2: machine/virtio/mmio.c; and the source of random numbers behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/virtio_driver.h"

#define SECTORS 64
#define REQUEST DRIVER_DATA /* header, then status, then data */
#define STATUS	(REQUEST + 0x100)
#define DATA	(REQUEST + 0x1000)
#define DISK	0 /* slots */
#define RNG	1

struct fixture {
	struct driver driver;
	struct event_loop loop;
	struct block *block;
	struct virtio_device *disk, *rng;
};

static int setup(void **state)
{
	const struct block_options options = { .read_only = false };
	struct fixture *f = calloc(1, sizeof(*f));
	struct virtio_place place;
	char path[64], error[256];
	int fd = memfd_create("disk", 0);

	driver_init(&f->driver, true);
	place = driver_mmio_place(&f->driver);
	assert_int_equal(event_loop_init(&f->loop, NULL), 0);
	assert_int_equal(ftruncate(fd, SECTORS * BLOCK_SECTOR), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(block_open(&f->block, path, &options, &f->driver.clock, error, sizeof(error)), 0);
	close(fd);
	assert_int_equal(virtio_mmio_used(&f->driver.mmio), 0);
	assert_int_equal(virtio_blk_create(&f->disk, &place, f->block, "serial"), 0);
	place.packed = true;
	assert_int_equal(virtio_rng_create(&f->rng, &place, &f->loop), 0);
	assert_int_equal(virtio_mmio_used(&f->driver.mmio), 2);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_device_destroy(f->disk);
	virtio_device_destroy(f->rng);
	assert_int_equal(virtio_mmio_used(&f->driver.mmio), 0);
	block_close(f->block);
	event_loop_destroy(&f->loop);
	driver_destroy(&f->driver);
	free(f);
	return 0;
}

static uint32_t reg(struct fixture *f, unsigned slot, unsigned offset)
{
	return driver_mmio_reg(&f->driver, slot, offset);
}

static void set_reg(struct fixture *f, unsigned slot, unsigned offset, uint32_t value)
{
	driver_mmio_set(&f->driver, slot, offset, value);
}

static void test_a_slot_says_what_is_in_it(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_int_equal(reg(f, DISK, 0), 0x74726976);
	assert_int_equal(reg(f, DISK, 4), 2);
	assert_int_equal(reg(f, DISK, 8), 2);
	assert_int_equal(reg(f, RNG, 8), 4);
	assert_int_equal(reg(f, DISK, M_CONFIG), SECTORS);
	assert_int_equal(driver_read(&f->driver, DRIVER_MMIO + M_CONFIG + 20, 2), 512);
	assert_int_equal(driver_read(&f->driver, DRIVER_MMIO + M_CONFIG + 21, 1), 2);
	assert_int_equal(reg(f, RNG, M_CONFIG), 0);
	/* Nothing is decoded where no device is. */
	assert_false(bus_mmio_read(&f->driver.bus, DRIVER_MMIO + 2 * VIRTIO_MMIO_SLOT_SIZE, 4, &value));
	assert_false(bus_mmio_write(&f->driver.bus, DRIVER_MMIO + 2 * VIRTIO_MMIO_SLOT_SIZE, 4, 0));
}

static void test_registers_are_words(void **state)
{
	struct fixture *f = *state;

	set_reg(f, DISK, M_STATUS, 3);
	assert_int_equal(driver_read(&f->driver, DRIVER_MMIO + M_STATUS, 1), 0);
	assert_int_equal(driver_read(&f->driver, DRIVER_MMIO + M_STATUS, 8), 0);
	assert_int_equal(driver_read(&f->driver, DRIVER_MMIO + 2, 4), 0);
	driver_write(&f->driver, DRIVER_MMIO + M_STATUS, 1, 0);
	driver_write(&f->driver, DRIVER_MMIO + M_STATUS, 2, 0);
	assert_int_equal(reg(f, DISK, M_STATUS), 3);
	assert_int_equal(reg(f, DISK, 0xff0 & ~0xfu), 0);
}

static void test_features_come_in_halves(void **state)
{
	struct fixture *f = *state;

	set_reg(f, DISK, M_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(reg(f, DISK, M_DEVICE_FEATURES), 1); /* VERSION_1, no packed rings */
	set_reg(f, RNG, M_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(reg(f, RNG, M_DEVICE_FEATURES), 5);
	set_reg(f, RNG, M_DEVICE_FEATURES_SEL, 2);
	assert_int_equal(reg(f, RNG, M_DEVICE_FEATURES), 0);
	driver_mmio_start(&f->driver, DISK, VERSION_1 | RING_PACKED, 1); /* not offered */
	assert_int_equal(reg(f, DISK, M_STATUS) & 0xc, 0);
	driver_mmio_start(&f->driver, DISK, VERSION_1, 1);
	assert_int_equal(reg(f, DISK, M_STATUS), 0xf);
}

static void test_queues_that_do_not_exist_have_no_size(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(reg(f, DISK, M_QUEUE_SIZE_MAX), 256);
	for (unsigned i = 0; i < 3; i++) {
		set_reg(f, DISK, M_QUEUE_SEL, i == 0 ? 1 : i == 1 ? 0x10000 : UINT32_MAX);
		assert_int_equal(reg(f, DISK, M_QUEUE_SIZE_MAX), 0);
		assert_int_equal(reg(f, DISK, M_QUEUE_READY), 0);
		set_reg(f, DISK, M_QUEUE_READY, 1);
		set_reg(f, DISK, M_QUEUE_NOTIFY, i);
	}
	assert_int_equal(reg(f, DISK, M_STATUS), 0);
}

static void test_there_is_no_shared_memory(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 8; i += 4) {
		assert_int_equal(reg(f, DISK, M_SHM_LEN + i), UINT32_MAX);
		assert_int_equal(reg(f, DISK, M_SHM_BASE + i), UINT32_MAX);
	}
}

static void build_read(struct fixture *f, uint64_t sector)
{
	uint8_t *header = driver_ram(&f->driver, REQUEST);

	memset(header, 0, 16);
	memcpy(header + 8, &sector, 8);
	*(uint8_t *)driver_ram(&f->driver, STATUS) = 0xff;
	driver_descriptor(&f->driver, DRIVER_DESC(0), 0, REQUEST, 16, DESC_NEXT, 1);
	driver_descriptor(&f->driver, DRIVER_DESC(0), 1, DATA, 512, DESC_NEXT | DESC_WRITE, 2);
	driver_descriptor(&f->driver, DRIVER_DESC(0), 2, STATUS, 1, DESC_WRITE, 0);
	driver_offer(&f->driver, 0, 0);
	set_reg(f, DISK, M_QUEUE_NOTIFY, 0);
}

static uint8_t status(struct fixture *f)
{
	return *(uint8_t *)driver_ram(&f->driver, STATUS);
}

static void test_a_request_ends_in_an_interrupt_to_be_acknowledged(void **state)
{
	struct fixture *f = *state;

	driver_mmio_start(&f->driver, DISK, VERSION_1, 1);
	assert_int_equal(reg(f, DISK, M_QUEUE_READY), 1);
	build_read(f, 1);
	driver_run(&f->driver);
	assert_int_equal(status(f), 0);
	assert_int_equal(f->driver.mmio_line[DISK], 1);
	assert_int_equal(f->driver.mmio_line[RNG], 0);
	assert_int_equal(reg(f, DISK, M_INTERRUPT_STATUS), 1);
	set_reg(f, DISK, M_INTERRUPT_ACK, 2);
	assert_int_equal(f->driver.mmio_line[DISK], 1);
	set_reg(f, DISK, M_INTERRUPT_ACK, 1);
	assert_int_equal(f->driver.mmio_line[DISK], 0);
	assert_int_equal(reg(f, DISK, M_INTERRUPT_STATUS), 0);
	build_read(f, 1);
	driver_run(&f->driver);
	assert_int_equal(f->driver.mmio_line[DISK], 1);
	set_reg(f, DISK, M_STATUS, 0);
	assert_int_equal(f->driver.mmio_line[DISK], 0); /* a reset takes it down too */
}

static void test_after_a_reset_nothing_is_written_any_more(void **state)
{
	struct fixture *f = *state;

	driver_mmio_start(&f->driver, DISK, VERSION_1, 1);
	build_read(f, 1);
	f->driver.clock.virtual_now = clock_next_deadline(&f->driver.clock);
	clock_run_timers(&f->driver.clock); /* taken, and at work */
	set_reg(f, DISK, M_STATUS, 0);
	assert_int_equal(reg(f, DISK, M_STATUS), 0); /* at once: drivers here do not poll */
	*(uint8_t *)driver_ram(&f->driver, STATUS) = 0x77;
	driver_run(&f->driver);
	assert_int_equal(status(f), 0x77);
	assert_int_equal(driver_used_index(&f->driver, 0), 0);
}

static void test_a_queue_that_is_made_not_ready_is_left_alone(void **state)
{
	struct fixture *f = *state;

	driver_mmio_start(&f->driver, DISK, VERSION_1, 1);
	build_read(f, 1);
	f->driver.clock.virtual_now = clock_next_deadline(&f->driver.clock);
	clock_run_timers(&f->driver.clock);
	set_reg(f, DISK, M_QUEUE_READY, 0);
	assert_int_equal(reg(f, DISK, M_QUEUE_READY), 0);
	assert_int_equal(status(f), 0); /* what was at work has ended before */
	build_read(f, 1);
	driver_run(&f->driver);
	assert_int_equal(status(f), 0xff);
	driver_mmio_enable(&f->driver, DISK, 0); /* and it can be used again */
	build_read(f, 1);
	driver_run(&f->driver);
	assert_int_equal(status(f), 0);
	assert_int_equal(driver_used_index(&f->driver, 0), 1);
}

static void test_a_hostile_driver_stops_only_its_device(void **state)
{
	struct fixture *f = *state;

	driver_mmio_start(&f->driver, DISK, VERSION_1, 1);
	driver_descriptor(&f->driver, DRIVER_DESC(0), 0, DRIVER_MMIO, 16, 0, 0);
	driver_offer(&f->driver, 0, 0);
	set_reg(f, DISK, M_QUEUE_NOTIFY, 0);
	driver_run(&f->driver);
	assert_int_equal(reg(f, DISK, M_STATUS), 0x4f);
	assert_int_equal(reg(f, DISK, M_INTERRUPT_STATUS), 2);
	assert_int_equal(f->driver.mmio_line[DISK], 1);
	set_reg(f, DISK, M_STATUS, 0);
	set_reg(f, DISK, M_STATUS, 3);
	set_reg(f, DISK, M_QUEUE_DESC + 4, 1); /* beyond RAM, and no features yet */
	set_reg(f, DISK, M_QUEUE_READY, 1);
	assert_int_equal(reg(f, DISK, M_STATUS), 0x43);
	driver_mmio_start(&f->driver, DISK, VERSION_1, 1);
	build_read(f, 2);
	driver_run(&f->driver);
	assert_int_equal(status(f), 0);
}

/* 64 KiB and more in one go, over a packed ring: each buffer gets a part, and others have their turn. */
static void test_random_numbers_fill_what_is_asked_for(void **state)
{
	struct fixture *f = *state;
	const uint8_t *data = driver_ram(&f->driver, DATA);
	unsigned seen[256] = { 0 }, different = 0;
	uint32_t written;
	uint16_t id;

	f->driver.queue_size = 100; /* a packed ring's need not be a power of two */
	driver_mmio_start(&f->driver, RNG, VERSION_1 | RING_PACKED | EVENT_IDX, 1);
	assert_int_equal(reg(f, RNG, M_STATUS), 0xf);
	driver_packed_put(&f->driver, 0, 0, DATA, 100, 7, DESC_WRITE);
	driver_packed_put(&f->driver, 0, 1, DATA + 0x1000, 0x10000, 8, DESC_WRITE);
	driver_packed_put(&f->driver, 0, 2, DATA, 100, 9, 0); /* nothing to write to */
	set_reg(f, RNG, M_QUEUE_NOTIFY, 0);
	driver_run(&f->driver);
	assert_true(driver_packed_used(&f->driver, 0, 0, &id, &written));
	assert_int_equal(id, 7);
	assert_int_equal(written, 100);
	assert_true(driver_packed_used(&f->driver, 0, 1, &id, &written));
	assert_int_equal(written, 4096);
	assert_true(driver_packed_used(&f->driver, 0, 2, &id, &written));
	assert_int_equal(written, 0);
	assert_int_equal(data[100], 0); /* not beyond the buffer */
	for (unsigned i = 0; i < 4096; i++)
		different += !seen[data[0x1000 + i]]++;
	assert_int_equal(different, 256);
	assert_int_equal(f->driver.mmio_line[RNG], 1);
	for (unsigned i = 3; i < 90; i++)
		driver_packed_put(&f->driver, 0, i, DATA, 1, (uint16_t)i, DESC_WRITE);
	set_reg(f, RNG, M_QUEUE_NOTIFY, 0);
	driver_run(&f->driver);
	assert_true(driver_packed_used(&f->driver, 0, 89, &id, &written));
	assert_int_equal(written, 1);
}

static void test_a_deterministic_machines_random_numbers_are_its_seeds(void **state)
{
	struct fixture *f = *state;
	uint64_t first[2];
	uint32_t written;
	uint16_t id;

	for (unsigned i = 0; i < 2; i++) {
		driver_mmio_start(&f->driver, RNG, VERSION_1 | RING_PACKED, 1);
		driver_packed_put(&f->driver, 0, 0, DATA, 8, 0, DESC_WRITE);
		set_reg(f, RNG, M_QUEUE_NOTIFY, 0);
		driver_run(&f->driver);
		assert_true(driver_packed_used(&f->driver, 0, 0, &id, &written));
		memcpy(&first[i], driver_ram(&f->driver, DATA), 8);
	}
	/* splitmix64 from 1, as its author's program prints it; then it has gone on. */
	assert_true(first[0] == UINT64_C(0x910a2dec89025cc1));
	assert_true(first[0] != first[1]);
}

static void test_more_devices_than_slots_are_refused(void **state)
{
	struct fixture *f = *state;
	const struct virtio_place place = driver_mmio_place(&f->driver);
	struct virtio_device *more[VIRTIO_MMIO_SLOTS], *last;
	unsigned count = 0;

	while (virtio_mmio_used(&f->driver.mmio) < VIRTIO_MMIO_SLOTS)
		assert_int_equal(virtio_rng_create(&more[count++], &place, &f->loop), 0);
	assert_int_equal(virtio_rng_create(&last, &place, &f->loop), -ENOSPC);
	assert_int_equal(reg(f, VIRTIO_MMIO_SLOTS - 1, 8), 4);
	while (count)
		virtio_device_destroy(more[--count]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_slot_says_what_is_in_it),
		T(test_registers_are_words),
		T(test_features_come_in_halves),
		T(test_queues_that_do_not_exist_have_no_size),
		T(test_there_is_no_shared_memory),
		T(test_a_request_ends_in_an_interrupt_to_be_acknowledged),
		T(test_after_a_reset_nothing_is_written_any_more),
		T(test_a_queue_that_is_made_not_ready_is_left_alone),
		T(test_a_hostile_driver_stops_only_its_device),
		T(test_random_numbers_fill_what_is_asked_for),
		T(test_a_deterministic_machines_random_numbers_are_its_seeds),
		T(test_more_devices_than_slots_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
