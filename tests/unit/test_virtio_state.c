/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Saved state of virtio devices and PCI functions: machine/virtio/state.c, machine/pci/state.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/bus/state.h"
#include "machine/virtio/device.h"
#include "tests/unit/virtio_driver.h"

#define DEVFN	PCI_DEVFN(1, 0)
#define SECTORS 64
#define REQUEST DRIVER_DATA /* header, then status, then data */
#define STATUS	(REQUEST + 0x100)
#define DATA	(REQUEST + 0x1000)

struct machine { /* a disk on PCI, a console and random numbers on MMIO */
	struct driver driver;
	struct event_loop loop;
	struct block *block;
	struct chardev *chardev;
	struct virtio_device *device[3];
	char output[64]; /* what the console has written */
};

struct fixture {
	struct machine saved, restored;
};

static void machine_init(struct machine *m, unsigned sectors)
{
	const struct block_options options = { .read_only = false };
	struct virtio_place place;
	char path[80], error[256];
	int fd = memfd_create("disk", 0);

	driver_init(&m->driver, true);
	assert_int_equal(event_loop_init(&m->loop, NULL), 0);
	assert_int_equal(ftruncate(fd, sectors * BLOCK_SECTOR), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(block_open(&m->block, path, &options, &m->driver.clock, error, sizeof(error)), 0);
	close(fd);
	strcpy(m->output, "/tmp/bixi-test-state-XXXXXX");
	close(mkstemp(m->output));
	snprintf(path, sizeof(path), "file:%s", m->output);
	assert_int_equal(chardev_open(&m->chardev, path, &m->loop, NULL, error, sizeof(error)), 0);
	place = driver_place(&m->driver, DEVFN);
	place.packed = true;
	assert_int_equal(virtio_blk_create(&m->device[0], &place, m->block, "serial"), 0);
	place = driver_mmio_place(&m->driver);
	assert_int_equal(virtio_console_create(&m->device[1], &place, m->chardev, &m->loop), 0);
	assert_int_equal(virtio_rng_create(&m->device[2], &place, &m->loop), 0);
}

static void machine_destroy(struct machine *m)
{
	for (unsigned i = 0; i < 3; i++)
		virtio_device_destroy(m->device[i]);
	block_close(m->block);
	chardev_close(m->chardev);
	unlink(m->output);
	event_loop_destroy(&m->loop);
	driver_destroy(&m->driver);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	machine_init(&f->saved, SECTORS);
	machine_init(&f->restored, SECTORS);
	*state = f;
	return 0;
}

static int setup_other_disk(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	machine_init(&f->saved, SECTORS);
	machine_init(&f->restored, SECTORS + 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	machine_destroy(&f->saved);
	machine_destroy(&f->restored);
	free(f);
	return 0;
}

static void pass(struct machine *m, struct state *s)
{
	state_section(s, "pci", 1, pci_host_state, &m->driver.host);
	for (unsigned i = 0; i < 3; i++)
		state_section(s, virtio_device_name(m->device[i]), 1, virtio_device_state, m->device[i]);
}

/* A snapshot of @m, malloc()ed. */
static uint8_t *save(struct machine *m, size_t *size)
{
	struct state *s = state_writer(&m->driver.clock);
	const void *data;
	uint8_t *copy;

	for (unsigned i = 0; i < 3; i++)
		virtio_device_drain(m->device[i]);
	pass(m, s);
	assert_true(state_good(s));
	data = state_data(s, size);
	copy = malloc(*size);
	memcpy(copy, data, *size);
	state_free(s);
	return copy;
}

/* Whether @m takes the snapshot; a refusal has a reason. */
static bool load(struct machine *m, const uint8_t *data, size_t size)
{
	struct state *s = state_reader(data, size, &m->driver.clock);
	bool good;

	m->driver.clock.order =
		UINT64_MAX / 2; /* as the clock's own state has it: beyond that of any timer */
	pass(m, s);
	good = state_good(s);
	assert_true(good || strlen(state_reason(s)));
	state_free(s);
	return good;
}

static void copy_ram(struct fixture *f)
{
	memcpy(f->restored.driver.bus.ram, f->saved.driver.bus.ram, DRIVER_RAM);
	memcpy(f->restored.driver.available, f->saved.driver.available, sizeof(f->saved.driver.available));
	f->restored.driver.queue_size = f->saved.driver.queue_size;
}

/* From one machine to the other, RAM and all. */
static void move(struct fixture *f)
{
	size_t size;
	uint8_t *data = save(&f->saved, &size);

	copy_ram(f);
	assert_true(load(&f->restored, data, size));
	free(data);
}

static void start_disk(struct machine *m, uint64_t features)
{
	driver_map(&m->driver, DEVFN);
	driver_use_msix(&m->driver, DEVFN, 2);
	driver_start(&m->driver, VERSION_1 | features);
	assert_int_equal(driver_reg(&m->driver, R_STATUS, 1), 0xf);
}

/* A read of sector 1 into DATA, on a split ring. */
static void offer_read(struct machine *m)
{
	const uint64_t sector = 1;
	uint8_t *header = driver_ram(&m->driver, REQUEST);

	memset(header, 0, 16);
	memcpy(header + 8, &sector, 8);
	*(uint8_t *)driver_ram(&m->driver, STATUS) = 0xff;
	driver_descriptor(&m->driver, DRIVER_DESC(0), 0, REQUEST, 16, DESC_NEXT, 1);
	driver_descriptor(&m->driver, DRIVER_DESC(0), 1, DATA, 512, DESC_NEXT | DESC_WRITE, 2);
	driver_descriptor(&m->driver, DRIVER_DESC(0), 2, STATUS, 1, DESC_WRITE, 0);
	driver_offer(&m->driver, 0, 0);
}

static uint8_t status(struct machine *m)
{
	return *(uint8_t *)driver_ram(&m->driver, STATUS);
}

static void test_a_restored_disk_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct machine *m = &f->restored;

	start_disk(&f->saved, EVENT_IDX);
	for (unsigned i = 0; i < 3; i++) {
		offer_read(&f->saved);
		driver_notify(&f->saved.driver, 0);
		driver_run(&f->saved.driver);
		assert_int_equal(status(&f->saved), 0);
	}
	move(f);
	assert_int_equal(driver_reg(&m->driver, R_STATUS, 1), 0xf); /* the BARs are where they were */
	offer_read(m);
	driver_notify(&m->driver, 0);
	driver_run(&m->driver);
	assert_int_equal(status(m), 0);
	assert_int_equal(driver_used_index(&m->driver, 0), 4);
	*(uint16_t *)driver_ram(&m->driver, DRIVER_AVAIL(0) + 4 + 2 * m->driver.queue_size) = 4;
	offer_read(m);
	driver_notify(&m->driver, 0);
	driver_run(&m->driver);
	assert_int_equal(m->driver.last_message, 0x41); /* and so are the messages */
}

static void test_a_kick_that_was_under_way_arrives(void **state)
{
	struct fixture *f = *state;
	struct machine *m = &f->restored;

	start_disk(&f->saved, 0);
	offer_read(&f->saved);
	driver_notify(&f->saved.driver, 0);
	move(f);
	assert_int_equal(status(m), 0xff);
	assert_true(clock_next_deadline(&m->driver.clock) == clock_next_deadline(&f->saved.driver.clock));
	driver_run(&m->driver);
	assert_int_equal(status(m), 0);
}

static void test_a_packed_ring_is_restored_in_its_second_round(void **state)
{
	struct fixture *f = *state;
	struct machine *m = &f->saved;
	uint32_t written;
	uint16_t id;

	m->driver.queue_size = 4;
	start_disk(m, RING_PACKED);
	memset(driver_ram(&m->driver, REQUEST), 0, 16);
	for (unsigned i = 0; i < 7; i++) {
		if (i == 3) {
			move(f);
			m = &f->restored;
		}
		driver_packed_put(&m->driver, 0, 3 * i, REQUEST, 16, 1, DESC_NEXT);
		driver_packed_put(&m->driver, 0, 3 * i + 1, DATA, 512, 1, DESC_NEXT | DESC_WRITE);
		driver_packed_put(&m->driver, 0, 3 * i + 2, STATUS, 1, 1, DESC_WRITE);
		driver_notify(&m->driver, 0);
		driver_run(&m->driver);
		assert_true(driver_packed_used(&m->driver, 0, 3 * i, &id, &written));
		assert_int_equal(written, 513);
	}
}

static void test_random_numbers_go_on(void **state)
{
	struct fixture *f = *state;
	uint64_t number[2];

	for (unsigned i = 0; i < 2; i++) {
		struct machine *m = i ? &f->restored : &f->saved;

		if (i == 1) {
			size_t size;
			uint8_t *data = save(&f->saved, &size);

			assert_true(load(m, data, size));
			free(data);
		}
		for (unsigned k = 0; k <= 1 - i; k++) { /* saved after the first, which gives a second too */
			driver_mmio_start(&m->driver, 1, VERSION_1, 1);
			driver_descriptor(&m->driver, DRIVER_DESC(0), 0, DATA, 8, DESC_WRITE, 0);
			driver_offer(&m->driver, 0, 0);
			driver_mmio_set(&m->driver, 1, M_QUEUE_NOTIFY, 0);
			driver_run(&m->driver);
		}
		memcpy(&number[i], driver_ram(&m->driver, DATA), 8);
	}
	assert_true(number[0] != number[1]); /* not from its beginning */
	assert_true(number[1] != UINT64_C(0x910a2dec89025cc1));
}

/* More than a console sends in one go; the restored one sends the rest. */
static void test_a_console_in_the_middle_of_a_buffer_sends_the_rest(void **state)
{
	struct fixture *f = *state;
	struct machine *m = &f->restored;
	const unsigned total = 100000, first = 65536;
	uint8_t *data = driver_ram(&f->saved.driver, DATA), rest[100000];
	FILE *file;

	for (unsigned i = 0; i < total; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	driver_mmio_start(&f->saved.driver, 0, VERSION_1, 2);
	driver_descriptor(&f->saved.driver, DRIVER_DESC(1), 0, DATA, 50000, DESC_NEXT, 1);
	driver_descriptor(&f->saved.driver, DRIVER_DESC(1), 1, DATA + 50000, total - 50000, 0, 0);
	driver_offer(&f->saved.driver, 1, 0);
	driver_mmio_set(&f->saved.driver, 0, M_QUEUE_NOTIFY, 1);
	f->saved.driver.clock.virtual_now = clock_next_deadline(&f->saved.driver.clock);
	clock_run_timers(&f->saved.driver.clock);
	move(f);
	driver_run(&m->driver);
	assert_int_equal(driver_used_index(&m->driver, 1), 1);
	file = fopen(m->output, "r");
	assert_int_equal(fread(rest, 1, sizeof(rest), file), total - first);
	fclose(file);
	assert_memory_equal(rest, data + first, total - first);
}

static void test_interrupt_lines_keep_their_count(void **state)
{
	struct fixture *f = *state;
	struct machine *m = &f->restored;

	driver_map(&f->saved.driver, DEVFN); /* no MSI-X */
	driver_start(&f->saved.driver, VERSION_1);
	offer_read(&f->saved);
	driver_notify(&f->saved.driver, 0);
	driver_run(&f->saved.driver);
	assert_int_equal(f->saved.driver.line[1], 1);
	move(f);
	assert_int_equal(m->driver.line[1], 0); /* its receiver's state has it */
	assert_int_equal(m->driver.host.intx_count[1], 1);
	assert_int_equal(driver_reg(&m->driver, R_ISR, 1), 1);
	assert_int_equal(m->driver.host.intx_count[1], 0);
}

static void test_another_machines_snapshot_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t size;
	uint8_t *data = save(&f->saved, &size);

	assert_false(load(&f->restored, data, size)); /* its disk is larger */
	free(data);
}

/* Every byte of a snapshot, changed: refused or harmless, and what was refused does not run. */
static void test_no_byte_of_a_snapshot_is_trusted(void **state)
{
	struct fixture *f = *state;
	struct machine *m = &f->restored;
	unsigned refused = 0;
	size_t size;
	uint8_t *data;

	start_disk(&f->saved, RING_PACKED | EVENT_IDX);
	driver_mmio_start(&f->saved.driver, 0, VERSION_1, 2);
	driver_mmio_start(&f->saved.driver, 1, VERSION_1, 1);
	data = save(&f->saved, &size);
	copy_ram(f);
	for (size_t i = 0; i < size; i++) {
		const uint8_t was = data[i];

		data[i] ^= (uint8_t)(1u << (i * 5 % 8)) | (i % 3 ? 0 : 0x80);
		if (!load(m, data, size))
			refused++;
		data[i] = was;
		for (unsigned k = 0; k < 2; k++) {
			virtio_kick(m->device[k]);
			driver_mmio_set(&m->driver, k, M_QUEUE_NOTIFY, 0);
		}
		driver_run(&m->driver);
	}
	assert_true(refused > size / 4);
	assert_true(load(m, data, size));
	free(data);
}

static void test_queues_outside_ram_are_refused(void **state)
{
	static const char *const areas[] = { "descriptor_area", "driver_area", "device_area" };
	struct fixture *f = *state;
	const uint64_t beyond = DRIVER_RAM;
	size_t size;
	uint8_t *data;

	start_disk(&f->saved, 0);
	data = save(&f->saved, &size);
	copy_ram(f);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t *name = memmem(data, size, areas[i], strlen(areas[i]));
		uint8_t *area = name + strlen(areas[i]) + 8; /* after the piece's size */
		uint64_t was;

		memcpy(&was, area, 8);
		assert_true(was >= DRIVER_DESC(0) && was < DRIVER_DESC(1));
		memcpy(area, &beyond, 8);
		assert_false(load(&f->restored, data, size));
		memcpy(area, &was, 8);
	}
	assert_true(load(&f->restored, data, size));
	free(data);
}

int main(void)
{
#define T(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_restored_disk_goes_on_where_it_was, setup),
		T(test_a_kick_that_was_under_way_arrives, setup),
		T(test_a_packed_ring_is_restored_in_its_second_round, setup),
		T(test_random_numbers_go_on, setup),
		T(test_a_console_in_the_middle_of_a_buffer_sends_the_rest, setup),
		T(test_interrupt_lines_keep_their_count, setup),
		T(test_another_machines_snapshot_is_refused, setup_other_disk),
		T(test_no_byte_of_a_snapshot_is_trusted, setup),
		T(test_queues_outside_ram_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
