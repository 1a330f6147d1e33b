/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Character devices: machine/host/chardev.c, chardev_open.c, terminal.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "machine/host/chardev.h"
#include "machine/host/eventloop.h"

#define BIG (3u << 20)

struct fixture {
	struct event_loop loop;
	struct chardev *cd;
	char error[256], directory[64], path[96];
	uint8_t received[256];
	size_t received_count, room;
	unsigned exits, can_writes, here, gone;
	struct chardev_client client;
	uint8_t to_monitor[64];
	size_t to_monitor_count;
	unsigned monitor_here, monitor_gone;
};

static size_t can_receive(void *opaque)
{
	struct fixture *f = opaque;

	return f->room;
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
	struct fixture *f = opaque;

	assert_true(size <= f->room);
	memcpy(f->received + f->received_count, data, size);
	f->received_count += size;
	f->room -= size;
}

static void can_write(void *opaque)
{
	((struct fixture *)opaque)->can_writes++;
}

static void key_exit(void *opaque)
{
	((struct fixture *)opaque)->exits++;
}

static void connected(void *opaque, bool here)
{
	struct fixture *f = opaque;

	*(here ? &f->here : &f->gone) += 1;
}

static size_t monitor_can_receive(void *opaque)
{
	struct fixture *f = opaque;

	return sizeof(f->to_monitor) - f->to_monitor_count;
}

static void monitor_receive(void *opaque, const uint8_t *data, size_t size)
{
	struct fixture *f = opaque;

	assert_true(size <= monitor_can_receive(f));
	memcpy(f->to_monitor + f->to_monitor_count, data, size);
	f->to_monitor_count += size;
}

static void monitor_connected(void *opaque, bool here)
{
	struct fixture *f = opaque;

	*(here ? &f->monitor_here : &f->monitor_gone) += 1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(event_loop_init(&f->loop, NULL), 0);
	strcpy(f->directory, "/tmp/bixi-test-chardev-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/x", f->directory);
	f->room = sizeof(f->received);
	f->client = (struct chardev_client){ .can_receive = can_receive,
					     .receive = receive,
					     .can_write = can_write,
					     .connected = connected,
					     .opaque = f };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	chardev_close(f->cd);
	event_loop_destroy(&f->loop);
	unlink(f->path);
	rmdir(f->directory);
	free(f);
	return 0;
}

static void open_it(struct fixture *f, const char *spec, const struct chardev_keys *keys)
{
	int err = chardev_open(&f->cd, spec, &f->loop, keys, f->error, sizeof(f->error));

	if (err)
		print_error("%s\n", f->error);
	assert_int_equal(err, 0);
	chardev_attach(f->cd, &f->client);
	event_loop_poll(&f->loop, 0);
}

/* Turns the loop until @want bytes came in, or nothing happens for a second. */
static void pump(struct fixture *f, size_t want)
{
	for (unsigned i = 0; f->received_count < want && i < 1000; i++)
		event_loop_poll(&f->loop, 1);
}

static void test_what_is_no_device_is_explained_in_a_sentence(void **state)
{
	static const struct {
		const char *spec, *sentence;
	} bad[] = {
		{ "",
		  "'' is not a character device; use stdio, file:PATH, pty, unix:PATH, tcp:PORT or null" },
		{ "stdi", "'stdi' is not a character device; use stdio, file:PATH, pty, unix:PATH, tcp:PORT "
			  "or null" },
		{ "file", "'file' needs a path after a colon" },
		{ "file:", "'file' needs a path after a colon" },
		{ "null:x", "'null' takes nothing after it (got 'null:x')" },
		{ "tcp:", "'tcp' needs a port after a colon" },
		{ "tcp:http", "'http' is not a TCP port (0 to 65535)" },
		{ "tcp:65536", "'65536' is not a TCP port (0 to 65535)" },
		{ "tcp:-1", "'-1' is not a TCP port (0 to 65535)" },
		{ "file:/nonexistent/x", "cannot write to '/nonexistent/x': No such file or directory" },
		{ "unix:/nonexistent/x", "cannot listen on '/nonexistent/x': No such file or directory" },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(chardev_open(&f->cd, bad[i].spec, &f->loop, NULL, f->error, sizeof(f->error)) <
			    0);
		assert_string_equal(f->error, bad[i].sentence);
	}
}

static void test_a_file_gets_all_output(void **state)
{
	struct fixture *f = *state;
	char spec[128], text[16] = "";
	int fd;

	snprintf(spec, sizeof(spec), "file:%s", f->path);
	open_it(f, spec, NULL);
	assert_int_equal(chardev_write(f->cd, "hello ", 6), 6);
	chardev_write_all(f->cd, "world", 5);
	fd = open(f->path, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 11);
	assert_string_equal(text, "hello world");
	close(fd);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void open_unix(struct fixture *f)
{
	char spec[128];

	snprintf(spec, sizeof(spec), "unix:%s", f->path);
	open_it(f, spec, NULL);
}

static void test_a_socket_serves_one_client_after_the_other(void **state)
{
	struct fixture *f = *state;
	char text[16];
	int fd;

	open_unix(f);
	chardev_write_all(f->cd, "nobody listens", 14);
	for (unsigned round = 1; round <= 3; round++) {
		fd = connect_unix(f->path);
		event_loop_poll(&f->loop, 1000);
		chardev_write_all(f->cd, "out", 3);
		assert_int_equal(read(fd, text, sizeof(text)), 3);
		assert_memory_equal(text, "out", 3);
		assert_int_equal(write(fd, "in", 2), 2);
		pump(f, 2 * round);
		assert_int_equal(f->received_count, 2 * round);
		close(fd);
		for (unsigned i = 0; i < 3; i++)
			event_loop_poll(&f->loop, 10);
	}
}

static void test_a_stale_socket_file_is_replaced_and_removed_at_the_end(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	struct chardev *second;
	char spec[128];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	open_unix(f);
	snprintf(spec, sizeof(spec), "unix:%s", f->path);
	assert_int_equal(chardev_open(&second, spec, &f->loop, NULL, f->error, sizeof(f->error)),
			 -EADDRINUSE);
	chardev_close(f->cd);
	f->cd = NULL;
	assert_int_equal(access(f->path, F_OK), -1);
}

static void test_tcp_listens_on_loopback(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct fixture *f = *state;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	open_it(f, "tcp:0", NULL);
	assert_memory_equal(chardev_where(f->cd), "127.0.0.1:", 10);
	address.sin_port = htons((uint16_t)atoi(chardev_where(f->cd) + 10));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	pump(f, 3);
	assert_memory_equal(f->received, "abc", 3);
	close(fd);
}

static void test_a_pty_carries_both_ways(void **state)
{
	struct fixture *f = *state;
	char text[16];
	int fd;

	open_it(f, "pty", NULL);
	chardev_write_all(f->cd, "a\n\x01", 3);
	fd = open(chardev_where(f->cd), O_RDWR | O_NOCTTY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_memory_equal(text, "a\n\x01", 3);
	assert_int_equal(write(fd, "\x03xy", 3), 3);
	pump(f, 3);
	assert_memory_equal(f->received, "\x03xy", 3);
	close(fd);
}

static void test_nobody_at_the_pty_costs_the_oldest_output_and_little_time(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = malloc(BIG);

	memset(data, 'x', BIG);
	open_it(f, "pty", NULL);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(chardev_write(f->cd, data, BIG), BIG);
	free(data);
}

static void test_input_waits_until_the_device_has_room(void **state)
{
	struct fixture *f = *state;
	int fd;

	open_unix(f);
	f->room = 2;
	fd = connect_unix(f->path);
	assert_int_equal(write(fd, "abcdef", 6), 6);
	pump(f, 2);
	for (unsigned i = 0; i < 5; i++)
		event_loop_poll(&f->loop, 1);
	assert_int_equal(f->received_count, 2);
	f->room = 3;
	chardev_input_ready(f->cd);
	pump(f, 5);
	assert_int_equal(f->received_count, 5);
	close(fd); /* the rest is still delivered */
	f->room = 10;
	chardev_input_ready(f->cd);
	pump(f, 6);
	assert_memory_equal(f->received, "abcdef", 6);
}

static void *read_slowly(void *opaque)
{
	int fd = *(int *)opaque;
	uint8_t data[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (data[i] != (uint8_t)((total + (size_t)i) * 7 >> 3))
				return (void *)1;
		total += (size_t)n;
		usleep(500);
	}
	return (void *)(total == BIG ? 0 : total + 2);
}

static void test_a_slow_reader_loses_nothing_not_even_at_the_end(void **state)
{
	struct fixture *f = *state;
	uint8_t *data = malloc(BIG);
	pthread_t reader;
	size_t sent = 0;
	void *result;
	int fd;

	for (size_t i = 0; i < BIG; i++)
		data[i] = (uint8_t)(i * 7 >> 3);
	open_unix(f);
	fd = connect_unix(f->path);
	event_loop_poll(&f->loop, 1000);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &fd), 0);
	for (;;) {
		unsigned told = f->can_writes;

		sent += chardev_write(f->cd, data + sent, BIG - sent);
		if (sent == BIG)
			break;
		for (unsigned i = 0; f->can_writes == told && i < 1000; i++)
			event_loop_poll(&f->loop, 10);
		assert_int_equal(f->can_writes, told + 1);
	}
	assert_true(f->can_writes > 0);
	chardev_close(f->cd); /* a megabyte is still in the buffer */
	f->cd = NULL;
	pthread_join(reader, &result);
	assert_int_equal((uintptr_t)result, 0);
	close(fd);
	free(data);
}

static void test_null_takes_everything(void **state)
{
	struct fixture *f = *state;

	open_it(f, "null", NULL);
	assert_int_equal(chardev_write(f->cd, f->error, 100), 100);
	chardev_write_all(f->cd, f->error, 100);
}

/* Runs @fn in a child whose standard input and output are @in and @out; returns its wait status. */
static int in_child(struct fixture *f, int in, int out, void (*fn)(struct fixture *f))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		dup2(in, 0);
		dup2(out, 1);
		fn(f);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	return status;
}

static const struct chardev_keys *keys(struct fixture *f)
{
	static struct chardev_keys keys;

	keys = (struct chardev_keys){ key_exit, f };
	return &keys;
}

static void type_escapes(struct fixture *f)
{
	open_it(f, "stdio", keys(f));
	pump(f, 5);
	chardev_write_all(f->cd, f->received, f->received_count);
	chardev_close(f->cd);
	_exit(f->received_count == 5 && f->exits == 1 && f->here == 1 && !f->gone ? 7 : 8);
}

static void test_escape_keys_on_standard_input(void **state)
{
	static const char typed[] = "a\x01xb\x01\x63\x01zc\x01\x01\x01hd";
	struct fixture *f = *state;
	char text[512] = "";
	int in[2], out[2], status;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(write(in[1], typed, sizeof(typed) - 1), sizeof(typed) - 1);
	close(in[1]);
	status = in_child(f, in[0], out[1], type_escapes);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "Ctrl-a x"));
	assert_non_null(strstr(text, "abc\x01"
				     "d"));
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void type_to_two(struct fixture *f)
{
	const struct chardev_client monitor = { .can_receive = monitor_can_receive,
						.receive = monitor_receive,
						.connected = monitor_connected,
						.opaque = f };

	f->room = 2;
	assert_int_equal(chardev_open(&f->cd, "stdio", &f->loop, keys(f), f->error, sizeof(f->error)), 0);
	chardev_attach(f->cd, &f->client);
	chardev_attach_monitor(f->cd, &monitor);
	for (unsigned i = 0; i < 20; i++)
		event_loop_poll(&f->loop, 1);
	if (f->received_count != 2 || f->to_monitor_count != 8 ||
	    memcmp(f->to_monitor,
		   "info\x01"
		   "uvw",
		   8))
		_exit(8);
	f->room = 100;
	chardev_input_ready(f->cd);
	pump(f, 7);
	_exit(f->received_count == 7 && !memcmp(f->received, "abcdefg", 7) && f->monitor_here == 2 &&
			      f->monitor_gone == 1
		      ? 7
		      : 8);
}

/* What is typed for a guest that takes no more must not keep the keys behind it from the monitor. */
static void test_ctrl_a_c_takes_the_keys_to_the_monitor_and_back(void **state)
{
	static const char typed[] = "abcde\x01"
				    "cinfo\x01\x01u\x01"
				    "cfg\x01"
				    "cvw";
	struct fixture *f = *state;
	int in[2], out[2];

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	assert_int_equal(write(in[1], typed, sizeof(typed) - 1), sizeof(typed) - 1);
	close(in[1]);
	assert_int_equal(WEXITSTATUS(in_child(f, in[0], out[1], type_to_two)), 7);
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void read_file(struct fixture *f)
{
	f->room = 3;
	open_it(f, "stdio", keys(f));
	pump(f, 3);
	f->room = 100;
	chardev_input_ready(f->cd);
	pump(f, 11);
	for (unsigned i = 0; i < 10; i++)
		event_loop_poll(&f->loop, 1); /* the end of the file is quiet */
	_exit(f->received_count == 11 && !memcmp(f->received, "from a file", 11) ? 7 : 8);
}

static void test_standard_input_from_a_file(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_RDWR | O_CREAT, 0600), null = open("/dev/null", O_WRONLY);

	assert_int_equal(write(fd, "from a file", 11), 11);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(WEXITSTATUS(in_child(f, fd, null, read_file)), 7);
	close(fd);
	close(null);
}

static void be_raw_and_die(struct fixture *f)
{
	struct termios mode;

	open_it(f, "stdio", keys(f));
	tcgetattr(0, &mode);
	if (mode.c_lflag & (ICANON | ECHO | ISIG))
		_exit(8);
	raise(SIGTERM);
}

static void be_raw_and_exit(struct fixture *f)
{
	open_it(f, "stdio", keys(f));
	exit(7);
}

static void be_raw_and_crash(struct fixture *f)
{
	signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would report it */
	open_it(f, "stdio", keys(f));
	raise(SIGSEGV);
}

static void test_the_terminal_is_given_back_however_the_process_ends(void **state)
{
	static const struct {
		void (*fn)(struct fixture *f);
		int signal;
	} ends[] = { { be_raw_and_die, SIGTERM }, { be_raw_and_exit, 0 }, { be_raw_and_crash, SIGSEGV } };
	struct fixture *f = *state;
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, status;
	struct termios before, after;

	grantpt(master);
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &before), 0);
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		status = in_child(f, slave, slave, ends[i].fn);
		if (ends[i].signal)
			assert_int_equal(WTERMSIG(status), ends[i].signal);
		else
			assert_int_equal(WEXITSTATUS(status), 7);
		assert_int_equal(tcgetattr(slave, &after), 0);
		assert_int_equal(after.c_lflag, before.c_lflag);
		assert_int_equal(after.c_iflag, before.c_iflag);
	}
	close(slave);
	close(master);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_what_is_no_device_is_explained_in_a_sentence),
		T(test_a_file_gets_all_output),
		T(test_a_socket_serves_one_client_after_the_other),
		T(test_a_stale_socket_file_is_replaced_and_removed_at_the_end),
		T(test_tcp_listens_on_loopback),
		T(test_a_pty_carries_both_ways),
		T(test_nobody_at_the_pty_costs_the_oldest_output_and_little_time),
		T(test_input_waits_until_the_device_has_room),
		T(test_a_slow_reader_loses_nothing_not_even_at_the_end),
		T(test_null_takes_everything),
		T(test_escape_keys_on_standard_input),
		T(test_ctrl_a_c_takes_the_keys_to_the_monitor_and_back),
		T(test_standard_input_from_a_file),
		T(test_the_terminal_is_given_back_however_the_process_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
