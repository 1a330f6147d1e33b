/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Disk images: machine/host/block.c and overlay.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/host/block.h"

#define SECTORS 64

struct fixture {
	char path[64];
	struct clock clock;
	struct block *block;
	char error[256];
	sem_t done;
	pthread_t done_on;
	unsigned done_count;
	struct block_request request;
	struct iovec iov[4];
};

static int setup_clock(void **state, bool deterministic)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint8_t sector[BLOCK_SECTOR];
	int fd;

	clock_init(&f->clock, deterministic, 1);
	sem_init(&f->done, 0, 0);
	strcpy(f->path, "/tmp/bixi-test-block-XXXXXX");
	fd = mkstemp(f->path);
	for (unsigned i = 0; i < SECTORS; i++) {
		memset(sector, (int)i, sizeof(sector));
		assert_int_equal(write(fd, sector, sizeof(sector)), sizeof(sector));
	}
	close(fd);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_clock(state, false);
}

static int setup_deterministic(void **state)
{
	return setup_clock(state, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	block_close(f->block);
	unlink(f->path);
	clock_destroy(&f->clock);
	sem_destroy(&f->done);
	free(f);
	return 0;
}

static void open_disk(struct fixture *f, bool read_only, bool snapshot)
{
	const struct block_options options = { .read_only = read_only, .snapshot = snapshot };

	assert_int_equal(block_open(&f->block, f->path, &options, &f->clock, f->error, sizeof(f->error)), 0);
}

static struct fixture *fixture_of(struct block_request *request)
{
	return (struct fixture *)((char *)request - offsetof(struct fixture, request));
}

static void done(struct block_request *request)
{
	struct fixture *f = fixture_of(request);

	f->done_on = pthread_self();
	f->done_count++;
	sem_post(&f->done);
}

static int finish(struct fixture *f)
{
	f->request.done = done;
	block_submit(f->block, &f->request);
	if (f->clock.deterministic) {
		f->clock.virtual_now = clock_next_deadline(&f->clock);
		clock_run_timers(&f->clock);
	}
	sem_wait(&f->done);
	return f->request.result;
}

static int transfer(struct fixture *f, enum block_op op, uint64_t offset, void *data, size_t size)
{
	f->iov[0] = (struct iovec){ data, size };
	f->request = (struct block_request){
		.op = op, .offset = offset, .size = size, .iov = f->iov, .iov_count = 1
	};
	return finish(f);
}

static int range(struct fixture *f, enum block_op op, uint64_t offset, uint64_t size)
{
	f->request = (struct block_request){ .op = op, .offset = offset, .size = size };
	return finish(f);
}

/* Byte @offset of the file, seen from outside. */
static int file_byte(struct fixture *f, off_t offset)
{
	uint8_t byte = 0;
	int fd = open(f->path, O_RDONLY);
	ssize_t n = pread(fd, &byte, 1, offset);

	close(fd);
	return n == 1 ? byte : -1;
}

static void test_reads_and_writes_reach_the_file(void **state)
{
	struct fixture *f = *state;
	uint8_t a[512], b[1024], c[512];

	open_disk(f, false, false);
	assert_int_equal(block_size(f->block), SECTORS * 512);
	f->iov[0] = (struct iovec){ a, 512 };
	f->iov[1] = (struct iovec){ b, 0 };
	f->iov[2] = (struct iovec){ b, 1024 };
	f->iov[3] = (struct iovec){ c, 512 };
	f->request = (struct block_request){
		.op = BLOCK_READ, .offset = 5 * 512, .size = 2048, .iov = f->iov, .iov_count = 4
	};
	assert_int_equal(finish(f), 0);
	assert_int_equal(a[0], 5);
	assert_int_equal(b[0], 6);
	assert_int_equal(b[1023], 7);
	assert_int_equal(c[511], 8);
	if (!f->clock.deterministic)
		assert_false(pthread_equal(f->done_on, pthread_self()));
	memset(a, 0xaa, sizeof(a));
	assert_int_equal(transfer(f, BLOCK_WRITE, 512, a, 512), 0);
	assert_int_equal(range(f, BLOCK_FLUSH, 0, 0), 0);
	assert_int_equal(file_byte(f, 1023), 0xaa);
	assert_int_equal(file_byte(f, 1024), 2);
}

static void test_requests_outside_the_disk_fail(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];

	open_disk(f, false, false);
	assert_int_equal(transfer(f, BLOCK_READ, SECTORS * 512, data, 512), -EINVAL);
	assert_int_equal(transfer(f, BLOCK_WRITE, UINT64_MAX - 511, data, 512), -EINVAL);
	assert_int_equal(range(f, BLOCK_WRITE_ZEROES, 512, UINT64_MAX - 511), -EINVAL);
}

static void test_a_read_only_disk_takes_no_writes(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];

	chmod(f->path, 0444);
	open_disk(f, true, false);
	assert_true(block_read_only(f->block));
	assert_int_equal(transfer(f, BLOCK_WRITE, 0, data, 512), -EROFS);
	assert_int_equal(range(f, BLOCK_DISCARD, 0, 512), -EROFS);
	assert_int_equal(range(f, BLOCK_WRITE_ZEROES, 0, 512), -EROFS);
	assert_int_equal(range(f, BLOCK_FLUSH, 0, 0), 0);
	assert_int_equal(transfer(f, BLOCK_READ, 0, data, 512), 0);
}

static void test_a_snapshot_keeps_writes_from_the_file(void **state)
{
	struct fixture *f = *state;
	uint8_t data[9 * 512], expect[SECTORS];

	open_disk(f, false, true);
	for (unsigned i = 0; i < SECTORS; i++)
		expect[i] = (uint8_t)i;
	srand(1);
	for (unsigned round = 0; round < 200; round++) {
		unsigned count = 1 + (unsigned)rand() % 9;
		unsigned first = (unsigned)rand() % (SECTORS - count + 1);

		if (round % 7 == 0) {
			assert_int_equal(range(f, BLOCK_WRITE_ZEROES, first * 512, count * 512), 0);
			memset(expect + first, 0, count);
		} else if (round % 2) {
			memset(data, (int)(100 + round % 100), count * 512);
			assert_int_equal(transfer(f, BLOCK_WRITE, first * 512, data, count * 512), 0);
			memset(expect + first, (int)(100 + round % 100), count);
		}
		assert_int_equal(transfer(f, BLOCK_READ, first * 512, data, count * 512), 0);
		for (unsigned i = 0; i < count; i++) {
			assert_int_equal(data[i * 512], expect[first + i]);
			assert_int_equal(data[i * 512 + 511], expect[first + i]);
		}
	}
	for (unsigned i = 0; i < SECTORS; i++)
		assert_int_equal(file_byte(f, i * 512), i);
}

static void test_zeroes_and_discards_empty_their_range_only(void **state)
{
	struct fixture *f = *state;

	open_disk(f, false, false);
	assert_int_equal(range(f, BLOCK_WRITE_ZEROES, 3 * 512, 2 * 512), 0);
	assert_int_equal(file_byte(f, 3 * 512 - 1), 2);
	assert_int_equal(file_byte(f, 3 * 512), 0);
	assert_int_equal(file_byte(f, 5 * 512 - 1), 0);
	assert_int_equal(file_byte(f, 5 * 512), 5);
	assert_int_equal(range(f, BLOCK_DISCARD, 16 * 512, 8 * 512), 0);
	assert_int_equal(file_byte(f, 15 * 512), 15);
	assert_int_equal(file_byte(f, 24 * 512), 24);
	assert_int_equal(block_size(f->block), SECTORS * 512);
}

static void test_a_last_partial_sector_is_filled_with_zeros(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];

	assert_int_equal(truncate(f->path, 3 * 512 + 10), 0);
	open_disk(f, false, false);
	assert_int_equal(block_size(f->block), 4 * 512);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(transfer(f, BLOCK_READ, 3 * 512, data, 512), 0);
	assert_int_equal(data[9], 3);
	assert_int_equal(data[10], 0);
	assert_int_equal(data[511], 0);
	memset(data, 0x77, sizeof(data));
	assert_int_equal(transfer(f, BLOCK_WRITE, 3 * 512, data, 512), 0);
	assert_int_equal(file_byte(f, 4 * 512 - 1), 0x77);
}

static void test_a_file_cut_while_in_use_gives_io_errors(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];

	open_disk(f, false, false);
	assert_int_equal(truncate(f->path, 512), 0);
	assert_int_equal(transfer(f, BLOCK_READ, 0, data, 512), 0);
	assert_int_equal(transfer(f, BLOCK_READ, 512, data, 512), -EIO);
	unlink(f->path);
	assert_int_equal(transfer(f, BLOCK_READ, 0, data, 512), 0); /* we still have it open */
}

static void test_a_file_that_cannot_grow_is_an_io_error(void **state)
{
	struct rlimit old, small;
	struct fixture *f = *state;
	uint8_t data[512] = { 1 };

	assert_int_equal(truncate(f->path, 3 * 512 + 10), 0);
	open_disk(f, false, false);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ .rlim_cur = 512, .rlim_max = old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(transfer(f, BLOCK_WRITE, 3 * 512, data, 512), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(transfer(f, BLOCK_WRITE, 3 * 512, data, 512), 0);
}

static void test_what_cannot_be_opened_is_explained_in_a_sentence(void **state)
{
	const struct block_options options = { 0 };
	struct fixture *f = *state;
	struct block *second;

	assert_int_equal(
		block_open(&f->block, "/nonexistent/disk", &options, &f->clock, f->error, sizeof(f->error)),
		-ENOENT);
	assert_string_equal(f->error, "cannot open disk '/nonexistent/disk': No such file or directory");
	assert_int_equal(block_open(&f->block, "/tmp", &options, &f->clock, f->error, sizeof(f->error)),
			 -EISDIR);
	assert_int_equal(block_open(&f->block, "/dev/zero", &options, &f->clock, f->error, sizeof(f->error)),
			 -ENOTBLK);
	assert_non_null(strstr(f->error, "neither a file nor a block device"));
	open_disk(f, false, false);
	assert_int_equal(block_open(&second, f->path, &options, &f->clock, f->error, sizeof(f->error)),
			 -EBUSY);
	assert_non_null(strstr(f->error, "in use by another process"));
}

static void test_an_empty_disk_has_no_sectors(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];

	assert_int_equal(truncate(f->path, 0), 0);
	open_disk(f, false, true);
	assert_int_equal(block_size(f->block), 0);
	assert_int_equal(transfer(f, BLOCK_READ, 0, data, 512), -EINVAL);
	assert_int_equal(range(f, BLOCK_READ, 0, 0), 0);
}

static void test_deterministic_requests_complete_at_a_fixed_virtual_time(void **state)
{
	struct fixture *f = *state;
	uint8_t data[512];

	open_disk(f, false, false);
	f->clock.virtual_now = 5000;
	f->iov[0] = (struct iovec){ data, 512 };
	f->request = (struct block_request){
		.op = BLOCK_READ, .size = 512, .iov = f->iov, .iov_count = 1, .done = done
	};
	block_submit(f->block, &f->request);
	assert_int_equal(f->done_count, 0);
	assert_int_equal(clock_next_deadline(&f->clock), 105000);
	f->clock.virtual_now = 104999;
	clock_run_timers(&f->clock);
	assert_int_equal(f->done_count, 0);
	f->clock.virtual_now = 105000;
	clock_run_timers(&f->clock);
	assert_int_equal(f->done_count, 1);
	f->iov[0] = (struct iovec){ data, 512 };
	block_submit(f->block, &f->request);
	block_drain(f->block);
	assert_int_equal(f->done_count, 2);
	assert_true(clock_next_deadline(&f->clock) == UINT64_MAX);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define D(name) cmocka_unit_test_setup_teardown(name, setup_deterministic, teardown)
	const struct CMUnitTest tests[] = {
		T(test_reads_and_writes_reach_the_file),
		D(test_reads_and_writes_reach_the_file),
		T(test_requests_outside_the_disk_fail),
		T(test_a_read_only_disk_takes_no_writes),
		T(test_a_snapshot_keeps_writes_from_the_file),
		D(test_a_snapshot_keeps_writes_from_the_file),
		T(test_zeroes_and_discards_empty_their_range_only),
		T(test_a_last_partial_sector_is_filled_with_zeros),
		T(test_a_file_cut_while_in_use_gives_io_errors),
		T(test_a_file_that_cannot_grow_is_an_io_error),
		T(test_what_cannot_be_opened_is_explained_in_a_sentence),
		T(test_an_empty_disk_has_no_sectors),
		D(test_deterministic_requests_complete_at_a_fixed_virtual_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
