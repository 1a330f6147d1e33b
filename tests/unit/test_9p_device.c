/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The virtio-9p device: machine/virtio/9p.c.  What is in the messages is test_9p.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "machine/host/p9.h"
#include "tests/unit/virtio_driver.h"

#define DEVFN	PCI_DEVFN(1, 0)
#define REQUEST (DRIVER_DATA)
#define ANSWER	(DRIVER_DATA + 0x4000)

struct fixture {
	struct driver driver;
	char folder[64], file[96];
	struct p9_server *server;
	struct virtio_device *device;
};

static void make_file(struct fixture *f)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fputs("0123456789abcdef", file);
	fclose(file);
}

static int setup_mode(void **state, bool deterministic)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct virtio_place place = { .pci = &f->driver.host,
					    .devfn = DEVFN,
					    .clock = &f->driver.clock };
	char error[256];

	strcpy(f->folder, "/tmp/bixi-test-9p-device-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->file, sizeof(f->file), "%s/file", f->folder);
	make_file(f);
	driver_init(&f->driver, deterministic);
	assert_int_equal(p9_server_open(&f->server, f->folder, "share", false, error, sizeof(error)), 0);
	assert_int_equal(virtio_9p_create(&f->device, &place, f->server, "my-tag"), 0);
	driver_map(&f->driver, DEVFN);
	driver_start(&f->driver, VERSION_1 | 1);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_mode(state, true);
}

static int setup_real(void **state)
{
	return setup_mode(state, false);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_device_destroy(f->device);
	p9_server_close(f->server);
	driver_destroy(&f->driver);
	unlink(f->file);
	rmdir(f->folder);
	free(f);
	return 0;
}

/* One request of @size bytes at REQUEST, cut into descriptors of @piece bytes; waits for the answer. */
static uint32_t transact(struct fixture *f, uint32_t size, uint32_t piece, uint32_t room)
{
	struct driver *d = &f->driver;
	const uint16_t used = driver_used_index(d, 0);
	const uint64_t total[2] = { size, room };
	unsigned index = 0;
	uint32_t written;

	for (unsigned way = 0; way < 2; way++)
		for (uint64_t at = 0; at < total[way]; at += piece, index++) {
			const uint32_t n = (uint32_t)(total[way] - at < piece ? total[way] - at : piece);
			const bool last = way == 1 && at + n == room;

			driver_descriptor(d, DRIVER_DESC(0), index, (way ? ANSWER : REQUEST) + at, n,
					  (way ? DESC_WRITE : 0) |
						  (last || (!room && at + n == size) ? 0 : DESC_NEXT),
					  (uint16_t)(index + 1));
		}
	driver_offer(d, 0, 0);
	driver_notify(d, 0);
	for (unsigned i = 0; i < 5000 && driver_used_index(d, 0) == used; i++) {
		if (d->clock.deterministic)
			driver_run(d);
		else
			usleep(1000);
	}
	assert_int_equal((uint16_t)(driver_used_index(d, 0) - used), 1);
	memcpy(&written, driver_ram(d, DRIVER_USED(0) + 4 + 8 * (used % 256u) + 4), 4);
	return written;
}

/* Puts a message there: its size, type, and @count further bytes. */
static uint32_t message(struct fixture *f, uint8_t type, const void *body, uint32_t count)
{
	uint8_t *at = driver_ram(&f->driver, REQUEST);
	const uint32_t size = 7 + count;

	memcpy(at, &size, 4);
	at[4] = type;
	at[5] = 1;
	at[6] = 0;
	memcpy(at + 7, body, count);
	memset(driver_ram(&f->driver, ANSWER), 0xee, 0x1000);
	return size;
}

static uint8_t answer_type(struct fixture *f)
{
	return *((uint8_t *)driver_ram(&f->driver, ANSWER) + 4);
}

/* Version, attach as fid 0, walk to "file" as fid 1, open it for reading and writing. */
static void open_file(struct fixture *f, uint32_t piece)
{
	static const uint8_t version[] = "\0\0\1\0\010\0"
					 "9P2000.L";
	static const uint8_t attach[] = "\0\0\0\0\377\377\377\377\0\0\0\0\0\0\0";
	static const uint8_t walk[] = "\0\0\0\0\1\0\0\0\1\0\4\0file";
	static const uint8_t open[] = "\1\0\0\0\2\0\0";

	assert_int_equal(transact(f, message(f, 100, version, 14), piece, 100), 21);
	assert_int_equal(answer_type(f), 101);
	assert_int_equal(transact(f, message(f, 104, attach, 16), piece, 100), 20);
	assert_int_equal(transact(f, message(f, 110, walk, 16), piece, 100), 22);
	assert_int_equal(transact(f, message(f, 12, open, 8), piece, 100), 24);
	assert_int_equal(answer_type(f), 13);
}

/* "\1\0\0\0", offset 0, count 10: of Tread; with data behind it of Twrite. */
static const uint8_t ten_bytes[] = "\1\0\0\0\0\0\0\0\0\0\0\0\12\0\0\0ZYXWVUTSRQ";

static void the_tag_is_in_the_configuration(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_reg(&f->driver, R_DEVICE, 2), 6);
	assert_int_equal(driver_reg(&f->driver, R_DEVICE + 2, 1), 'm');
	assert_int_equal(driver_reg(&f->driver, R_DEVICE + 7, 1), 'g');
	assert_int_equal(driver_device_features(&f->driver) & 1, 1);
	assert_int_equal(driver_read(&f->driver, driver_config(DEVFN, 2), 2), 0x1049);
}

static void check_transfers(struct fixture *f, uint32_t piece)
{
	uint8_t *answer = driver_ram(&f->driver, ANSWER);

	make_file(f);
	open_file(f, piece);
	assert_int_equal(transact(f, message(f, 116, ten_bytes, 16), piece, 21), 21);
	assert_int_equal(answer[0], 21);
	assert_int_equal(answer[4], 117);
	assert_int_equal(answer[7], 10);
	assert_memory_equal(answer + 11, "0123456789", 10);
	assert_int_equal(answer[21], 0xee);
	/* No more than there is room for. */
	assert_int_equal(transact(f, message(f, 116, ten_bytes, 16), piece, 15), 15);
	assert_memory_equal(answer + 11, "0123\xee", 5);
	assert_int_equal(transact(f, message(f, 118, ten_bytes, 26), piece, 50), 11);
	assert_int_equal(answer[7], 10);
	assert_int_equal(transact(f, message(f, 116, ten_bytes, 16), piece, 100), 21);
	assert_memory_equal(answer + 11, "ZYXWVUTSRQ\xee", 11);
}

static void data_goes_through_whole_and_scattered_buffers(void **state)
{
	struct fixture *f = *state;

	check_transfers(f, 4096);
	check_transfers(f, 3);
	check_transfers(f, 1);
}

static void a_thread_does_the_work(void **state)
{
	struct fixture *f = *state;

	check_transfers(f, 16);
}

static void buffers_without_room_come_back_empty(void **state)
{
	struct fixture *f = *state;

	open_file(f, 64);
	assert_int_equal(transact(f, message(f, 116, ten_bytes, 16), 64, 0), 0);
	assert_int_equal(transact(f, message(f, 116, ten_bytes, 16), 64, 10), 0);
	assert_int_equal(transact(f, 3, 64, 100), 0);
	/* An answer that does not fit is an error that does. */
	assert_int_equal(transact(f, message(f, 24, "\1\0\0\0\377\7\0\0\0\0\0", 12), 64, 100), 11);
	assert_int_equal(answer_type(f), 7);
	assert_int_equal(driver_reg(&f->driver, R_STATUS, 1), 0xf);
}

static void a_reset_forgets_the_session(void **state)
{
	struct fixture *f = *state;

	open_file(f, 64);
	driver_start(&f->driver, VERSION_1 | 1);
	assert_int_equal(transact(f, message(f, 116, ten_bytes, 16), 64, 100), 11);
	assert_int_equal(answer_type(f), 7);
	check_transfers(f, 64);
}

static void a_reset_while_requests_run_drains(void **state)
{
	struct fixture *f = *state;

	for (unsigned round = 0; round < 50; round++) {
		struct driver *d = &f->driver;

		open_file(f, 64);
		message(f, 116, ten_bytes, 16);
		for (uint16_t i = 0; i < 100; i++) {
			driver_descriptor(d, DRIVER_DESC(0), 2 * i, REQUEST, 23, DESC_NEXT, 2 * i + 1);
			driver_descriptor(d, DRIVER_DESC(0), 2 * i + 1, ANSWER, 100, DESC_WRITE, 0);
			driver_offer(d, 0, 2 * i);
		}
		driver_notify(d, 0);
		driver_start(d, VERSION_1 | 1);
	}
	check_transfers(f, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_tag_is_in_the_configuration, setup, teardown),
		cmocka_unit_test_setup_teardown(data_goes_through_whole_and_scattered_buffers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_thread_does_the_work, setup_real, teardown),
		cmocka_unit_test_setup_teardown(buffers_without_room_come_back_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reset_forgets_the_session, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reset_while_requests_run_drains, setup_real, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
