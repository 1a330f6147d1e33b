/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Virtio devices over PCI, virtio 1.2, 2-5: machine/virtio but for the rings (test_virtio_queue.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "machine/host/block.h"
#include "tests/unit/virtio_driver.h"

#define DEVFN	 PCI_DEVFN(1, 0)
#define SECTORS	 64
#define REQUEST	 DRIVER_DATA /* header, then status, then data */
#define STATUS	 (REQUEST + 0x100)
#define DATA	 (REQUEST + 0x1000)
#define FEATURES (VERSION_1 | INDIRECT | EVENT_IDX | UINT64_C(0x6200))

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };

struct fixture {
	struct driver driver;
	struct event_loop loop;
	struct block *block;
	struct chardev *chardev;
	struct virtio_device *device;
	char path[64];
	bool deterministic;
};

static struct fixture *new_fixture(bool deterministic)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->deterministic = deterministic;
	driver_init(&f->driver, deterministic);
	assert_int_equal(event_loop_init(&f->loop, deterministic ? NULL : &f->driver.clock), 0);
	return f;
}

static void add_disk(struct fixture *f, bool read_only)
{
	const struct block_options options = { .read_only = read_only };
	struct virtio_place place = driver_place(&f->driver, DEVFN);
	uint8_t sector[BLOCK_SECTOR];
	char error[256];
	int fd;

	strcpy(f->path, "/tmp/bixi-test-virtio-XXXXXX");
	fd = mkstemp(f->path);
	for (unsigned i = 0; i < SECTORS; i++) {
		memset(sector, (int)i, sizeof(sector));
		assert_int_equal(write(fd, sector, sizeof(sector)), sizeof(sector));
	}
	close(fd);
	assert_int_equal(block_open(&f->block, f->path, &options, &f->driver.clock, error, sizeof(error)), 0);
	place.packed = true;
	assert_int_equal(virtio_blk_create(&f->device, &place, f->block, "serial-0123456789"), 0);
	driver_map(&f->driver, DEVFN);
	driver_use_msix(&f->driver, DEVFN, 2);
}

static int setup_disk(void **state)
{
	struct fixture *f = new_fixture(true);

	add_disk(f, false);
	*state = f;
	return 0;
}

static int setup_read_only_disk(void **state)
{
	struct fixture *f = new_fixture(true);

	add_disk(f, true);
	*state = f;
	return 0;
}

static int setup_threaded_disk(void **state)
{
	struct fixture *f = new_fixture(false);

	add_disk(f, false);
	*state = f;
	return 0;
}

static int setup_console(void **state)
{
	struct fixture *f = new_fixture(true);
	const struct virtio_place place = driver_place(&f->driver, DEVFN);
	char spec[80], error[256];

	snprintf(f->path, sizeof(f->path), "/tmp/bixi-test-virtio-%d", (int)getpid());
	snprintf(spec, sizeof(spec), "unix:%s", f->path);
	assert_int_equal(chardev_open(&f->chardev, spec, &f->loop, NULL, error, sizeof(error)), 0);
	assert_int_equal(virtio_console_create(&f->device, &place, f->chardev, &f->loop), 0);
	event_loop_poll(&f->loop, 0);
	driver_map(&f->driver, DEVFN);
	driver_use_msix(&f->driver, DEVFN, 3);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_device_destroy(f->device);
	block_close(f->block);
	chardev_close(f->chardev);
	event_loop_destroy(&f->loop);
	driver_destroy(&f->driver);
	unlink(f->path);
	free(f);
	return 0;
}

/* Waits until queue 0 has given @count buffers back. */
static void wait_used(struct fixture *f, uint16_t count)
{
	for (unsigned i = 0; driver_used_index(&f->driver, 0) != count && i < 10000; i++) {
		if (f->deterministic)
			driver_run(&f->driver);
		else
			usleep(1000);
	}
	assert_int_equal(driver_used_index(&f->driver, 0), count);
}

/* Builds a request in descriptors 0-2; @size bytes at DATA go the way @type says. */
static void build(struct fixture *f, uint32_t type, uint64_t sector, uint32_t size)
{
	const uint32_t head[2] = { type, 0 };
	const uint16_t direction = type == T_IN || type == T_GET_ID ? DESC_WRITE : 0;
	uint8_t *header = driver_ram(&f->driver, REQUEST);

	memcpy(header, head, 8);
	memcpy(header + 8, &sector, 8);
	*(uint8_t *)driver_ram(&f->driver, STATUS) = 0xff;
	driver_descriptor(&f->driver, DRIVER_DESC(0), 0, REQUEST, 16, DESC_NEXT, size ? 1 : 2);
	driver_descriptor(&f->driver, DRIVER_DESC(0), 1, DATA, size, DESC_NEXT | direction, 2);
	driver_descriptor(&f->driver, DRIVER_DESC(0), 2, STATUS, 1, DESC_WRITE, 0);
}

/* Sends a request and returns its status byte; @written: what the used ring says. */
static int request(struct fixture *f, uint32_t type, uint64_t sector, uint32_t size, uint32_t *written)
{
	uint16_t used = driver_used_index(&f->driver, 0);
	uint32_t *entry;

	build(f, type, sector, size);
	driver_offer(&f->driver, 0, 0);
	driver_notify(&f->driver, 0);
	wait_used(f, (uint16_t)(used + 1));
	entry = driver_ram(&f->driver, DRIVER_USED(0) + 4 + 8 * (used % f->driver.queue_size));
	if (written)
		*written = entry[1];
	return *(uint8_t *)driver_ram(&f->driver, STATUS);
}

static void test_a_disk_is_a_modern_block_device(void **state)
{
	struct fixture *f = *state;
	struct driver *d = &f->driver;

	assert_int_equal(driver_read(d, driver_config(DEVFN, 0), 4), 0x10421af4);
	assert_int_equal(driver_read(d, driver_config(DEVFN, PCI_REVISION), 4), 0x01000001);
	assert_int_equal(driver_reg(d, R_NUM_QUEUES, 2), 1);
	assert_int_equal(driver_device_features(d) & (VERSION_1 | EVENT_IDX | INDIRECT),
			 VERSION_1 | EVENT_IDX | INDIRECT);
	assert_int_equal(driver_reg(d, R_DEVICE, 4), SECTORS);
	assert_int_equal(driver_reg(d, R_DEVICE + 20, 4), 512);
	assert_int_equal(driver_reg(d, R_DEVICE + 60, 4), 0);
	assert_true(driver_reg(d, R_DEVICE, 8) == SECTORS);
}

static void test_features_need_version_1_and_must_have_been_offered(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_negotiate(&f->driver, EVENT_IDX), 3);
	assert_int_equal(driver_negotiate(&f->driver, VERSION_1 | UINT64_C(1) << 27), 3);
	assert_int_equal(driver_negotiate(&f->driver, VERSION_1 | EVENT_IDX), 0xb);
	driver_set_reg(&f->driver, R_DRIVER_FEATURE_SELECT, 4, 0);
	driver_set_reg(&f->driver, R_DRIVER_FEATURE, 4, 0); /* too late */
	assert_int_equal(driver_reg(&f->driver, R_DRIVER_FEATURE, 4), (uint32_t)EVENT_IDX);
	driver_set_reg(&f->driver, R_STATUS, 1, 0);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0);
	driver_set_reg(&f->driver, R_STATUS, 1, 7); /* DRIVER_OK without FEATURES_OK */
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 3);
}

static void test_registers_of_queues_that_do_not_exist(void **state)
{
	struct fixture *f = *state;
	struct driver *d = &f->driver;

	driver_set_reg(d, R_QUEUE_SELECT, 2, 1);
	assert_int_equal(driver_reg(d, R_QUEUE_SIZE, 2), 0);
	driver_set_reg(d, R_QUEUE_SIZE, 2, 8);
	driver_set_reg(d, R_QUEUE_ENABLE, 2, 1);
	driver_set_reg(d, R_QUEUE_SELECT, 2, 0);
	assert_int_equal(driver_reg(d, R_QUEUE_SIZE, 2), 256);
	driver_set_reg(d, R_QUEUE_SIZE, 2, 3); /* no power of two */
	driver_set_reg(d, R_QUEUE_SIZE, 2, 512);
	assert_int_equal(driver_reg(d, R_QUEUE_SIZE, 2), 256);
	driver_set_reg(d, R_QUEUE_VECTOR, 2, 2);
	assert_int_equal(driver_reg(d, R_QUEUE_VECTOR, 2), 0xffff);
	driver_set_reg(d, R_QUEUE_DESC, 8, UINT64_C(0x1234567890));
	assert_int_equal(driver_reg(d, R_QUEUE_DESC + 4, 4), 0x12);
	driver_set_reg(d, R_QUEUE_DESC, 4, 0);
	assert_true(driver_reg(d, R_QUEUE_DESC, 8) == UINT64_C(0x1200000000));
	driver_set_reg(d, R_QUEUE_SIZE, 4, 0x00010040); /* two registers at once */
	assert_int_equal(driver_reg(d, R_QUEUE_SIZE, 4), 0x00010040);
}

static void test_reads_and_writes_with_an_interrupt_each(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = driver_ram(&f->driver, DATA);
	uint32_t written;

	driver_start(&f->driver, VERSION_1);
	assert_int_equal(request(f, T_IN, 5, 1024, &written), 0);
	assert_int_equal(written, 1025);
	assert_int_equal(data[0], 5);
	assert_int_equal(data[1023], 6);
	for (unsigned i = 0; !f->driver.messages && i < 1000; i++)
		usleep(1000); /* the used index comes before the message */
	assert_int_equal(f->driver.messages, 1);
	assert_int_equal(f->driver.last_message, 0x41);
	memset(data, 0xee, 512);
	assert_int_equal(request(f, T_OUT, 7, 512, &written), 0);
	assert_int_equal(written, 1);
	assert_int_equal(request(f, T_FLUSH, 0, 0, NULL), 0);
	memset(data, 0, 512);
	assert_int_equal(request(f, T_IN, 7, 512, NULL), 0);
	assert_int_equal(data[511], 0xee);
}

/* Pages whose writes the processors want to know of, and those that they were told of. */
static _Atomic unsigned told[DRIVER_RAM >> BUS_PAGE_BITS];

static void page_told(void *bus, size_t page)
{
	atomic_fetch_and(&((struct bus *)bus)->ram_page_flags[page], ~RAM_PAGE_CODE & UINT8_MAX);
	told[page]++;
}

static void guard_all(struct fixture *f)
{
	struct bus *bus = &f->driver.bus;

	bus->code_written = page_told;
	bus->code_opaque = bus;
	memset((void *)told, 0, sizeof(told));
	for (size_t page = 0; page < DRIVER_RAM >> BUS_PAGE_BITS; page++)
		atomic_store(&bus->ram_page_flags[page], RAM_PAGE_CODE);
}

static unsigned times_told(uint64_t pa)
{
	return told[pa >> BUS_PAGE_BITS];
}

static void test_what_a_disk_writes_is_told(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, VERSION_1);
	guard_all(f);
	assert_int_equal(request(f, T_IN, 5, 2 * BUS_PAGE_SIZE, NULL), 0);
	assert_int_equal(times_told(DATA), 1);
	assert_int_equal(times_told(DATA + BUS_PAGE_SIZE), 1);
	assert_int_equal(times_told(DATA + 2 * BUS_PAGE_SIZE), 0);
	assert_int_equal(times_told(STATUS), 1);
	for (unsigned i = 0; !times_told(DRIVER_USED(0)) && i < 1000; i++)
		usleep(1000); /* the ring is written before */
	assert_int_equal(times_told(DRIVER_USED(0)), 1);
	assert_int_equal(times_told(DRIVER_DESC(0)), 0);
	assert_int_equal(times_told(DRIVER_AVAIL(0)), 0);
	guard_all(f);
	assert_int_equal(request(f, T_OUT, 5, 2 * BUS_PAGE_SIZE, NULL), 0);
	assert_int_equal(times_told(DATA), 0);
	assert_int_equal(times_told(STATUS), 1);
	assert_int_equal(request(f, T_GET_ID, 0, 20, NULL), 0);
	assert_int_equal(times_told(DATA), 1);
}

static void test_the_other_requests(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors, flags;
	} range = { 8, 2, 0 }, beyond = { SECTORS, 1, 0 }, flags = { 8, 2, 2 }, huge = { 0, UINT32_MAX, 0 };
	struct fixture *f = *state;
	uint8_t *data = driver_ram(&f->driver, DATA);
	uint32_t written;

	driver_start(&f->driver, FEATURES & driver_device_features(&f->driver));
	assert_int_equal(request(f, T_GET_ID, 0, 20, &written), 0);
	assert_int_equal(written, 21);
	assert_string_equal((char *)data, "serial-0123456789");
	assert_int_equal(request(f, T_GET_ID, 0, 4, &written), 0);
	assert_int_equal(written, 5);
	memcpy(data, &range, 16);
	assert_int_equal(request(f, T_WRITE_ZEROES, 0, 16, NULL), 0);
	assert_int_equal(request(f, T_IN, 9, 512, NULL), 0);
	assert_int_equal(data[0], 0);
	memcpy(data, &range, 16);
	assert_int_equal(request(f, T_DISCARD, 0, 16, NULL), 0);
	memcpy(data, &beyond, 16);
	assert_int_equal(request(f, T_DISCARD, 0, 16, NULL), 1);
	memcpy(data, &huge, 16);
	assert_int_equal(request(f, T_WRITE_ZEROES, 0, 16, NULL), 1);
	memcpy(data, &flags, 16);
	assert_int_equal(request(f, T_DISCARD, 0, 16, NULL), 2);
	assert_int_equal(request(f, T_DISCARD, 0, 32, NULL), 2); /* more segments than we take */
	assert_int_equal(request(f, T_DISCARD, 0, 8, NULL), 2);
	assert_int_equal(request(f, 77, 0, 512, NULL), 2);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0xf);
}

static void test_requests_beyond_the_disk_get_io_errors(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, VERSION_1);
	assert_int_equal(request(f, T_IN, SECTORS, 512, NULL), 1);
	assert_int_equal(request(f, T_IN, SECTORS - 1, 1024, NULL), 1);
	assert_int_equal(request(f, T_OUT, UINT64_MAX, 512, NULL), 1);
	assert_int_equal(request(f, T_IN, UINT64_MAX / 512 + 1, 512, NULL), 1);
	assert_int_equal(request(f, T_IN, 0, 511, NULL), 1);
	assert_int_equal(request(f, T_IN, SECTORS, 0, NULL), 0);
	assert_int_equal(request(f, T_DISCARD, 0, 16, NULL), 2); /* not negotiated */
}

static void test_a_read_only_disk_says_so_and_refuses_writes(void **state)
{
	struct fixture *f = *state;

	assert_true(driver_device_features(&f->driver) & 1 << 5);
	driver_start(&f->driver, VERSION_1 | 1 << 5);
	assert_int_equal(request(f, T_OUT, 0, 512, NULL), 1);
	assert_int_equal(request(f, T_IN, 3, 512, NULL), 0);
	assert_int_equal(request(f, T_FLUSH, 0, 0, NULL), 0);
}

/* What each does to a started device must end in NEEDS_RESET and a configuration interrupt. */
static void hostile_loop(struct fixture *f)
{
	driver_descriptor(&f->driver, DRIVER_DESC(0), 2, STATUS, 1, DESC_WRITE | DESC_NEXT, 0);
}

static void hostile_address(struct fixture *f)
{
	driver_descriptor(&f->driver, DRIVER_DESC(0), 1, DRIVER_RAM - 1, 512, DESC_WRITE | DESC_NEXT, 2);
}

static void hostile_length(struct fixture *f)
{
	driver_descriptor(&f->driver, DRIVER_DESC(0), 1, DATA, UINT32_MAX, DESC_WRITE | DESC_NEXT, 2);
}

static void hostile_header(struct fixture *f)
{
	driver_descriptor(&f->driver, DRIVER_DESC(0), 0, REQUEST, 15, DESC_NEXT, 2);
}

static void hostile_status(struct fixture *f)
{
	driver_descriptor(&f->driver, DRIVER_DESC(0), 1, DATA, 512, 0, 0);
}

static void hostile_index(struct fixture *f)
{
	uint16_t *ring = driver_ram(&f->driver, DRIVER_AVAIL(0));

	ring[1] = 0x8000;
	f->driver.available[0] = 0x8000;
}

static void test_a_hostile_driver_stops_only_its_device(void **state)
{
	static void (*const tricks[])(struct fixture * f) = {
		hostile_loop, hostile_address, hostile_length, hostile_header, hostile_status, hostile_index
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		unsigned messages;

		driver_start(&f->driver, VERSION_1);
		messages = f->driver.messages;
		build(f, T_IN, 0, 512);
		tricks[i](f);
		driver_offer(&f->driver, 0, 0);
		driver_notify(&f->driver, 0);
		driver_run(&f->driver);
		assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0x4f);
		assert_int_equal(f->driver.messages, messages + 1);
		assert_int_equal(f->driver.last_message, 0x40);
		driver_notify(&f->driver, 0); /* nothing more happens */
		driver_run(&f->driver);
		assert_int_equal(driver_used_index(&f->driver, 0), 0);
		driver_start(&f->driver, VERSION_1);
		assert_int_equal(request(f, T_IN, 3, 512, NULL), 0);
	}
}

static void test_enabling_a_queue_outside_ram_needs_a_reset(void **state)
{
	struct fixture *f = *state;

	driver_negotiate(&f->driver, VERSION_1);
	driver_set_reg(&f->driver, R_QUEUE_DESC, 4, 0xfffffff0);
	driver_set_reg(&f->driver, R_QUEUE_ENABLE, 2, 1);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0x4b);
	assert_int_equal(driver_reg(&f->driver, R_QUEUE_ENABLE, 2), 0);
}

static void test_intx_is_raised_and_lowered_by_reading_isr(void **state)
{
	struct fixture *f = *state;

	driver_write(&f->driver, driver_config(DEVFN, driver_find_capability(&f->driver, DEVFN, 0x11) + 2), 2,
		     0);
	driver_start(&f->driver, VERSION_1);
	assert_int_equal(f->driver.line[1], 0);
	assert_int_equal(request(f, T_IN, 0, 512, NULL), 0);
	assert_int_equal(f->driver.line[1], 1); /* INTA of device 1 */
	assert_int_equal(driver_reg(&f->driver, R_ISR, 1), 1);
	assert_int_equal(f->driver.line[1], 0);
	assert_int_equal(driver_reg(&f->driver, R_ISR, 1), 0);
	assert_int_equal(f->driver.messages, 0);
	assert_int_equal(request(f, T_IN, 0, 512, NULL), 0);
	driver_set_reg(&f->driver, R_STATUS, 1, 0);
	assert_int_equal(f->driver.line[1], 0); /* a reset takes it down too */
}

static void test_a_reset_waits_for_what_is_in_flight(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, VERSION_1);
	build(f, T_IN, 0, 512);
	driver_offer(&f->driver, 0, 0);
	driver_notify(&f->driver, 0);
	f->driver.clock.virtual_now = clock_next_deadline(&f->driver.clock);
	clock_run_timers(&f->driver.clock); /* the device takes it, the file is still at work */
	driver_set_reg(&f->driver, R_STATUS, 1, 0);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0xf);
	driver_run(&f->driver);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0);
	assert_int_equal(driver_used_index(&f->driver, 0), 0);

	driver_start(&f->driver, VERSION_1); /* and a driver that does not wait */
	build(f, T_IN, 0, 512);
	driver_offer(&f->driver, 0, 0);
	driver_notify(&f->driver, 0);
	f->driver.clock.virtual_now = clock_next_deadline(&f->driver.clock);
	clock_run_timers(&f->driver.clock);
	driver_set_reg(&f->driver, R_STATUS, 1, 0);
	driver_set_reg(&f->driver, R_STATUS, 1, 1);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 1);
}

static void test_completion_comes_at_a_fixed_virtual_time(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, VERSION_1);
	driver_run(&f->driver);
	f->driver.clock.virtual_now = 1000000;
	assert_int_equal(request(f, T_IN, 0, 512, NULL), 0);
	assert_int_equal(f->driver.clock.virtual_now, 1000000 + 1000 + 100000);
}

static void test_without_bus_mastering_the_queue_rests(void **state)
{
	struct fixture *f = *state;

	driver_start(&f->driver, VERSION_1);
	build(f, T_IN, 0, 512);
	driver_write(&f->driver, driver_config(DEVFN, PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
	driver_offer(&f->driver, 0, 0);
	driver_notify(&f->driver, 0);
	driver_run(&f->driver);
	assert_int_equal(driver_used_index(&f->driver, 0), 0);
	driver_write(&f->driver, driver_config(DEVFN, PCI_COMMAND), 2,
		     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wait_used(f, 1);
}

static void test_registers_through_configuration_space(void **state)
{
	struct fixture *f = *state;
	unsigned cap = driver_find_capability(&f->driver, DEVFN, 0x09);

	while (driver_read(&f->driver, driver_config(DEVFN, cap + 3), 1) != 5)
		cap = (unsigned)driver_read(&f->driver, driver_config(DEVFN, cap + 1), 1);
	driver_write(&f->driver, driver_config(DEVFN, cap + 4), 1, 4);
	driver_write(&f->driver, driver_config(DEVFN, cap + 8), 4, R_DEVICE);
	driver_write(&f->driver, driver_config(DEVFN, cap + 12), 4, 4);
	assert_int_equal(driver_read(&f->driver, driver_config(DEVFN, cap + 16), 4), SECTORS);
	driver_write(&f->driver, driver_config(DEVFN, cap + 8), 4, R_STATUS);
	driver_write(&f->driver, driver_config(DEVFN, cap + 12), 4, 1);
	driver_write(&f->driver, driver_config(DEVFN, cap + 16), 1, 1);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 1);
	driver_write(&f->driver, driver_config(DEVFN, cap + 8), 4, 0xfffffffe); /* nonsense is ignored */
	driver_write(&f->driver, driver_config(DEVFN, cap + 12), 4, 4);
	driver_read(&f->driver, driver_config(DEVFN, cap + 16), 4);
}

/* Many requests in flight, through indirect tables, while the worker completes them. */
static void test_a_full_queue_of_requests_completes(void **state)
{
	struct fixture *f = *state;
	uint16_t total = 0;

	driver_start(&f->driver, FEATURES & driver_device_features(&f->driver));
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 256; i++) {
			const uint64_t table = UINT64_C(0x200000) + i * 0x400;
			const uint64_t sector = i % SECTORS;
			uint8_t *header = driver_ram(&f->driver, table + 0x100);

			memset(header, 0, 16);
			memcpy(header + 8, &sector, 8);
			driver_descriptor(&f->driver, table, 0, table + 0x100, 16, DESC_NEXT, 1);
			driver_descriptor(&f->driver, table, 1, table + 0x200, 512, DESC_NEXT | DESC_WRITE,
					  2);
			driver_descriptor(&f->driver, table, 2, table + 0x110, 1, DESC_WRITE, 0);
			driver_descriptor(&f->driver, DRIVER_DESC(0), i, table, 48, DESC_INDIRECT, 0);
			driver_offer(&f->driver, 0, (uint16_t)i);
			if (i % 50 == 0)
				driver_notify(&f->driver, 0);
		}
		driver_notify(&f->driver, 0);
		total += 256;
		wait_used(f, total);
		for (unsigned i = 0; i < 256; i++) {
			const uint64_t table = UINT64_C(0x200000) + i * 0x400;

			assert_int_equal(*(uint8_t *)driver_ram(&f->driver, table + 0x110), 0);
			assert_int_equal(*(uint8_t *)driver_ram(&f->driver, table + 0x3ff), i % SECTORS);
		}
	}
}

/* The same with a packed ring, its buffers offered and given back round after round. */
static void test_a_full_packed_ring_of_requests_completes(void **state)
{
	struct fixture *f = *state;
	unsigned put = 0, used = 0;

	driver_start(&f->driver, (FEATURES | RING_PACKED) & driver_device_features(&f->driver));
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0xf);
	for (unsigned i = 0; i < 256; i++) {
		const uint64_t table = UINT64_C(0x200000) + i * 0x400, sector = i % SECTORS;
		const uint64_t address[3] = { table + 0x100, table + 0x200, table + 0x110 };
		const uint32_t length[3] = { 16, 512, 1 };
		uint8_t *header = driver_ram(&f->driver, table + 0x100);

		memset(header, 0, 16);
		memcpy(header + 8, &sector, 8);
		for (unsigned k = 0; k < 3; k++) {
			const uint16_t flags = k ? DESC_WRITE : 0;
			uint8_t *d = (uint8_t *)driver_ram(&f->driver, table) + 16 * k;

			memcpy(d, &address[k], 8);
			memcpy(d + 8, &length[k], 4);
			memcpy(d + 14, &flags, 2);
		}
	}
	while (used < 1500) {
		uint32_t written;
		uint16_t id;

		for (; put < 1500 && put < used + 256; put++) {
			driver_packed_put(&f->driver, 0, put, UINT64_C(0x200000) + put % 256 * 0x400, 48,
					  (uint16_t)(put % 256), DESC_INDIRECT);
			if (put % 50 == 0)
				driver_notify(&f->driver, 0);
		}
		driver_notify(&f->driver, 0);
		for (unsigned i = 0; !driver_packed_used(&f->driver, 0, used, &id, &written); i++) {
			assert_true(i < 20000);
			if (f->deterministic)
				driver_run(&f->driver);
			else
				usleep(1000);
		}
		assert_int_equal(id, used % 256); /* one worker: in order */
		assert_int_equal(written, 513);
		assert_int_equal(*(uint8_t *)driver_ram(&f->driver, UINT64_C(0x2003ff) + id * 0x400),
				 id % SECTORS);
		used++;
	}
}

static int connect_console(struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	event_loop_poll(&f->loop, 1000);
	return fd;
}

static void test_a_console_sends_what_the_guest_writes(void **state)
{
	struct fixture *f = *state;
	char text[32] = "";
	int fd = connect_console(f);

	assert_int_equal(driver_read(&f->driver, driver_config(DEVFN, 0), 4), 0x10431af4);
	driver_start(&f->driver, VERSION_1);
	memcpy(driver_ram(&f->driver, DATA), "hello, world", 12);
	driver_descriptor(&f->driver, DRIVER_DESC(1), 0, DATA, 7, DESC_NEXT, 1);
	driver_descriptor(&f->driver, DRIVER_DESC(1), 1, DATA + 7, 5, 0, 0);
	driver_offer(&f->driver, 1, 0);
	driver_notify(&f->driver, 1);
	driver_run(&f->driver);
	assert_int_equal(read(fd, text, sizeof(text)), 12);
	assert_string_equal(text, "hello, world");
	assert_int_equal(driver_used_index(&f->driver, 1), 1);
	assert_int_equal(f->driver.last_message, 0x42);
	driver_set_reg(&f->driver, R_DEVICE + 8, 4, '!'); /* without a queue */
	assert_int_equal(read(fd, text, sizeof(text)), 1);
	assert_int_equal(text[0], '!');
	close(fd);
}

static void test_a_console_delivers_what_is_typed(void **state)
{
	struct fixture *f = *state;
	uint32_t *entry = driver_ram(&f->driver, DRIVER_USED(0) + 4);
	char *data = driver_ram(&f->driver, DATA);
	int fd = connect_console(f);

	driver_start(&f->driver, VERSION_1);
	assert_int_equal(write(fd, "typed early", 11), 11); /* before the guest has buffers */
	for (unsigned i = 0; i < 3; i++)
		event_loop_poll(&f->loop, 10);
	for (uint16_t i = 0; i < 2; i++) {
		driver_descriptor(&f->driver, DRIVER_DESC(0), i, DATA + i * 8, 8, DESC_WRITE, 0);
		driver_offer(&f->driver, 0, i);
	}
	guard_all(f);
	driver_notify(&f->driver, 0);
	driver_run(&f->driver);
	assert_int_equal(driver_used_index(&f->driver, 0), 2);
	assert_int_equal(times_told(DATA), 1);
	assert_int_equal(times_told(DRIVER_USED(0)), 1);
	assert_int_equal(entry[1], 8);
	assert_int_equal(entry[3], 3);
	assert_memory_equal(data, "typed early", 11);
	assert_int_equal(f->driver.last_message, 0x41);
	close(fd);
}

int main(void)
{
#define T(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_disk_is_a_modern_block_device, setup_disk),
		T(test_features_need_version_1_and_must_have_been_offered, setup_disk),
		T(test_registers_of_queues_that_do_not_exist, setup_disk),
		T(test_reads_and_writes_with_an_interrupt_each, setup_disk),
		T(test_reads_and_writes_with_an_interrupt_each, setup_threaded_disk),
		T(test_what_a_disk_writes_is_told, setup_disk),
		T(test_what_a_disk_writes_is_told, setup_threaded_disk),
		T(test_the_other_requests, setup_disk),
		T(test_the_other_requests, setup_threaded_disk),
		T(test_requests_beyond_the_disk_get_io_errors, setup_disk),
		T(test_a_read_only_disk_says_so_and_refuses_writes, setup_read_only_disk),
		T(test_a_hostile_driver_stops_only_its_device, setup_disk),
		T(test_enabling_a_queue_outside_ram_needs_a_reset, setup_disk),
		T(test_intx_is_raised_and_lowered_by_reading_isr, setup_disk),
		T(test_a_reset_waits_for_what_is_in_flight, setup_disk),
		T(test_completion_comes_at_a_fixed_virtual_time, setup_disk),
		T(test_without_bus_mastering_the_queue_rests, setup_disk),
		T(test_registers_through_configuration_space, setup_disk),
		T(test_a_full_queue_of_requests_completes, setup_disk),
		T(test_a_full_queue_of_requests_completes, setup_threaded_disk),
		T(test_a_full_packed_ring_of_requests_completes, setup_disk),
		T(test_a_full_packed_ring_of_requests_completes, setup_threaded_disk),
		T(test_a_console_sends_what_the_guest_writes, setup_console),
		T(test_a_console_delivers_what_is_typed, setup_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
