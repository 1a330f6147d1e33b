/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Disks from NBD servers: machine/host/block_nbd.c and nbd_address.c, with QEMU's qemu-nbd as the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/host/block.h"
#include "machine/host/nbd_address.h"

#define SIZE	 (1 << 20)
#define REQUESTS 64
#define PIECE	 4096

struct fixture {
	char directory[64], file[96], socket[96], uri[160], error[512];
	struct clock clock;
	struct block *block;
	pid_t server;
	sem_t done;
	struct block_request request[REQUESTS];
	struct iovec iov[REQUESTS][3];
	uint8_t data[REQUESTS][PIECE];
};

/* Whether the server's socket is there and more than that: /proc/net/unix says it listens (flag 0x10000). */
static bool listens(const struct fixture *f)
{
	FILE *file = fopen("/proc/net/unix", "r");
	bool found = false;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		found |= strstr(line, f->socket) && strstr(line, " 00010000 ");
	if (file)
		fclose(file);
	return found;
}

static void start_server(struct fixture *f)
{
	unlink(f->socket);
	f->server = fork();
	if (!f->server) {
		execlp("qemu-nbd", "qemu-nbd", "--socket", f->socket, "--format", "raw", "--persistent",
		       "--discard", "unmap", f->file, NULL);
		_exit(127);
	}
	for (unsigned i = 0; i < 500 && !listens(f); i++)
		usleep(20000);
	assert_true(listens(f));
}

static void kill_server(struct fixture *f)
{
	if (!f->server)
		return;
	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	f->server = 0;
}

static int setup_clock(void **state, bool deterministic)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint8_t sector[BLOCK_SECTOR];
	int fd;

	clock_init(&f->clock, deterministic, 1);
	sem_init(&f->done, 0, 0);
	strcpy(f->directory, "/tmp/bixi-test-nbd-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->file, sizeof(f->file), "%s/disk", f->directory);
	snprintf(f->socket, sizeof(f->socket), "%s/socket", f->directory);
	snprintf(f->uri, sizeof(f->uri), "nbd+unix:///?socket=%s", f->socket);
	fd = open(f->file, O_WRONLY | O_CREAT, 0600);
	for (unsigned i = 0; i < SIZE / BLOCK_SECTOR; i++) {
		memset(sector, (int)i, sizeof(sector));
		assert_int_equal(write(fd, sector, sizeof(sector)), sizeof(sector));
	}
	close(fd);
	start_server(f);
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
	kill_server(f);
	unlink(f->socket);
	unlink(f->file);
	rmdir(f->directory);
	clock_destroy(&f->clock);
	sem_destroy(&f->done);
	free(f);
	return 0;
}

static void open_disk(struct fixture *f, bool read_only, bool snapshot)
{
	const struct block_options options = { .read_only = read_only, .snapshot = snapshot };

	assert_int_equal(block_open(&f->block, f->uri, &options, &f->clock, f->error, sizeof(f->error)), 0);
}

static sem_t *all_done;

static void done(struct block_request *request)
{
	sem_post(all_done);
}

static void submit(struct fixture *f, unsigned i)
{
	all_done = &f->done;
	f->request[i].done = done;
	block_submit(f->block, &f->request[i]);
}

static void wait_for(struct fixture *f, unsigned count)
{
	if (f->clock.deterministic)
		block_drain(f->block);
	while (count--)
		sem_wait(&f->done);
}

/* Request @i with f->data[i] in three pieces. */
static void prepare(struct fixture *f, unsigned i, enum block_op op, uint64_t offset)
{
	f->iov[i][0] = (struct iovec){ f->data[i], 100 };
	f->iov[i][1] = (struct iovec){ f->data[i] + 100, 412 };
	f->iov[i][2] = (struct iovec){ f->data[i] + 512, PIECE - 512 };
	f->request[i] = (struct block_request){
		.op = op, .offset = offset, .size = PIECE, .iov = f->iov[i], .iov_count = 3
	};
}

static int do_one(struct fixture *f, enum block_op op, uint64_t offset)
{
	prepare(f, 0, op, offset);
	if (op == BLOCK_FLUSH)
		f->request[0].size = 0;
	submit(f, 0);
	wait_for(f, 1);
	return f->request[0].result;
}

/* Byte @offset of the file, seen from outside. */
static int file_byte(struct fixture *f, off_t offset)
{
	uint8_t byte = 0;
	int fd = open(f->file, O_RDONLY);
	ssize_t n = pread(fd, &byte, 1, offset);

	close(fd);
	return n == 1 ? byte : -1;
}

static void test_many_requests_at_a_time_reach_the_server(void **state)
{
	struct fixture *f = *state;

	open_disk(f, false, false);
	assert_int_equal(block_size(f->block), SIZE);
	for (unsigned i = 0; i < REQUESTS; i++) {
		prepare(f, i, i % 2 ? BLOCK_WRITE : BLOCK_READ, i * PIECE);
		if (i % 2)
			memset(f->data[i], 0x80 | (int)i, PIECE);
		f->request[i].through = i % 4 == 3;
		submit(f, i);
	}
	wait_for(f, REQUESTS);
	for (unsigned i = 0; i < REQUESTS; i++) {
		assert_int_equal(f->request[i].result, 0);
		if (i % 2) {
			assert_int_equal(file_byte(f, i * PIECE + PIECE - 1), 0x80 | i);
			continue;
		}
		for (unsigned at = 0; at < PIECE; at += BLOCK_SECTOR / 2)
			assert_int_equal(f->data[i][at], (i * PIECE + at) / BLOCK_SECTOR & 0xff);
	}
	assert_int_equal(do_one(f, BLOCK_FLUSH, 0), 0);
}

static void test_zeroes_and_discards_empty_their_range_only(void **state)
{
	struct fixture *f = *state;

	open_disk(f, false, false);
	f->request[0] = (struct block_request){ .op = BLOCK_WRITE_ZEROES, .offset = 512, .size = 1024 };
	f->request[1] = (struct block_request){ .op = BLOCK_DISCARD, .offset = 65536, .size = 65536 };
	submit(f, 0);
	submit(f, 1);
	wait_for(f, 2);
	assert_int_equal(f->request[0].result, 0);
	assert_int_equal(f->request[1].result, 0);
	assert_int_equal(file_byte(f, 512), 0);
	assert_int_equal(file_byte(f, 1535), 0);
	assert_int_equal(file_byte(f, 1536), 3);
	assert_int_equal(file_byte(f, 65536 + 700), 0);
	assert_int_equal(file_byte(f, 131072 + 512), 1);
}

static void test_a_snapshot_keeps_writes_from_the_server(void **state)
{
	struct fixture *f = *state;

	open_disk(f, false, true);
	memset(f->data[0], 0xee, PIECE);
	assert_int_equal(do_one(f, BLOCK_WRITE, 512), 0);
	memset(f->data[0], 0, PIECE);
	assert_int_equal(do_one(f, BLOCK_READ, 512), 0);
	assert_int_equal(f->data[0][PIECE - 1], 0xee);
	assert_int_equal(do_one(f, BLOCK_READ, 16384), 0);
	assert_int_equal(f->data[0][0], 32);
	assert_int_equal(file_byte(f, 512), 1);
}

static void test_a_server_that_dies_fails_what_is_in_flight(void **state)
{
	struct fixture *f = *state;
	unsigned failed = 0;

	open_disk(f, false, false);
	assert_int_equal(do_one(f, BLOCK_READ, 0), 0);
	kill(f->server, SIGSTOP);
	waitpid(f->server, NULL, WUNTRACED);
	for (unsigned i = 0; i < REQUESTS; i++) {
		prepare(f, i, i % 2 ? BLOCK_WRITE : BLOCK_READ, i * PIECE);
		submit(f, i);
	}
	kill_server(f);
	wait_for(f, REQUESTS);
	for (unsigned i = 0; i < REQUESTS; i++)
		failed += f->request[i].result == -ENOTCONN;
	assert_int_equal(failed, REQUESTS);
	assert_int_equal(do_one(f, BLOCK_READ, 0), -ENOTCONN);
}

/* Asks until the disk has found its server again. */
static void wait_for_server(struct fixture *f)
{
	int result = -ENOTCONN;

	for (unsigned i = 0; i < 100 && result; i++) {
		usleep(100000);
		result = do_one(f, BLOCK_READ, 0);
	}
	assert_int_equal(result, 0);
}

static void test_a_disk_finds_its_server_again(void **state)
{
	struct fixture *f = *state;

	open_disk(f, false, false);
	memset(f->data[0], 0x55, PIECE);
	assert_int_equal(do_one(f, BLOCK_WRITE, 0), 0);
	assert_int_equal(do_one(f, BLOCK_FLUSH, 0), 0);
	kill_server(f);
	assert_int_equal(do_one(f, BLOCK_READ, 0), -ENOTCONN);
	start_server(f);
	wait_for_server(f);
	assert_int_equal(do_one(f, BLOCK_FLUSH, 0), 0);
}

static void test_no_flush_succeeds_after_writes_may_be_lost(void **state)
{
	struct fixture *f = *state;

	open_disk(f, false, false);
	assert_int_equal(do_one(f, BLOCK_WRITE, 0), 0);
	kill_server(f);
	start_server(f);
	(void)do_one(f, BLOCK_READ, 0);
	wait_for_server(f);
	assert_int_equal(do_one(f, BLOCK_FLUSH, 0), -EIO);
	assert_int_equal(do_one(f, BLOCK_FLUSH, 0), -EIO);
}

static void test_addresses_are_understood(void **state)
{
	static const char *const bad[] = { "nbd://",
					   "nbd://:1/",
					   "nbd://[::1",
					   "nbd://[::1]x/",
					   "nbd://127.0.0.1:1/%",
					   "nbd://127.0.0.1/%zz",
					   "nbd://127.0.0.1/?a",
					   "nbd+unix:///x",
					   "nbd+unix:///x?socket=",
					   "nbd+unix://host/x",
					   "nbd+unix:///?tls=1",
					   "nbd://127.0.0.1/%00" };
	struct nbd_address address;
	char error[512];

	assert_int_equal(nbd_address_parse(&address, "nbd://127.0.0.1:1234/a%20b", error, sizeof(error)), 0);
	assert_string_equal(address.export_name, "a b");
	assert_int_equal(((struct sockaddr_in *)&address.address[0])->sin_port, htons(1234));
	nbd_address_free(&address);
	assert_int_equal(nbd_address_parse(&address, "nbd://[::1]", error, sizeof(error)), 0);
	assert_string_equal(address.export_name, "");
	assert_int_equal(((struct sockaddr_in6 *)&address.address[0])->sin6_port, htons(10809));
	nbd_address_free(&address);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = 0;
		assert_true(nbd_address_parse(&address, bad[i], error, sizeof(error)) < 0);
		assert_true(strlen(error) > 10);
		nbd_address_free(&address);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define D(name) cmocka_unit_test_setup_teardown(name, setup_deterministic, teardown)
	const struct CMUnitTest tests[] = {
		T(test_many_requests_at_a_time_reach_the_server),
		D(test_many_requests_at_a_time_reach_the_server),
		T(test_zeroes_and_discards_empty_their_range_only),
		D(test_zeroes_and_discards_empty_their_range_only),
		T(test_a_snapshot_keeps_writes_from_the_server),
		D(test_a_snapshot_keeps_writes_from_the_server),
		T(test_a_server_that_dies_fails_what_is_in_flight),
		T(test_a_disk_finds_its_server_again),
		T(test_no_flush_succeeds_after_writes_may_be_lost),
		D(test_no_flush_succeeds_after_writes_may_be_lost),
		cmocka_unit_test(test_addresses_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
