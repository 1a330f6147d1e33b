/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The sandbox: machine/host/sandbox.c.  Every test enters it in a child process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/host/sandbox.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) ||     \
	__has_feature(thread_sanitizer)
#define HAS_SANITIZER 1 /* there the sandbox does nothing */
#else
#define HAS_SANITIZER 0
#endif

static char path[] = "/tmp/bixi-test-sandbox-XXXXXX";

/* Runs @fn in a child inside the sandbox; returns its exit status (a small number), 255 for a signal. */
static int run(unsigned features, int (*fn)(void), char *said, size_t size)
{
	int status, ends[2];
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		char error[128];

		dup2(ends[1], STDERR_FILENO);
		if (sandbox_enter(features, error, sizeof(error))) {
			fprintf(stderr, "%s\n", error);
			_exit(254);
		}
		_exit(fn());
	}
	close(ends[1]);
	n = read(ends[0], said, size - 1);
	said[n > 0 ? n : 0] = 0;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* What a call gave: 0 or errno. */
static int outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int execute(void)
{
	char *args[] = { (char *)"/bin/true", NULL };

	return outcome(execv(args[0], args));
}

static int trace(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int open_to_write(void)
{
	return outcome(open(path, O_WRONLY));
}

static int open_to_read(void)
{
	return outcome(open(path, O_RDONLY));
}

static int create(void)
{
	return outcome(open("/tmp/bixi-test-sandbox-new", O_RDONLY | O_CREAT, 0600));
}

static int truncate_file(void)
{
	return outcome(open(path, O_RDONLY | O_TRUNC));
}

static int make_socket(void)
{
	return outcome(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int make_memory_code(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? 1 : outcome(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int make_process(void)
{
	return outcome(fork());
}

static int signal_parent(void)
{
	return outcome(kill(getppid(), 0));
}

static int spare_ioctl(void)
{
	return outcome(syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI: types into the terminal */, "x"));
}

static int mount_something(void)
{
	return outcome(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
}

static int use_names(void)
{
	return outcome(rename(path, path)) ? errno : outcome(open(path, O_RDWR | O_CREAT, 0600));
}

static void test_what_running_does_not_need_is_refused(void **state)
{
	static int (*const calls[])(void) = { execute,		trace,	       open_to_write, open_to_read,
					      create,		truncate_file, make_socket,   make_code,
					      make_memory_code, make_process,  signal_parent, spare_ioctl,
					      mount_something };
	char said[256];

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		assert_int_equal(run(0, calls[i], said, sizeof(said)), EPERM);
		assert_non_null(strstr(said, "bixi: the sandbox refused system call "));
	}
	assert_int_equal(access("/tmp/bixi-test-sandbox-new", F_OK), -1);
}

static void test_features_allow_what_they_need_and_no_more(void **state)
{
	char said[256];

	assert_int_equal(run(SANDBOX_READ_FILES, open_to_read, said, sizeof(said)), 0);
	assert_int_equal(run(SANDBOX_READ_FILES, open_to_write, said, sizeof(said)), EPERM);
	assert_int_equal(run(SANDBOX_READ_FILES, create, said, sizeof(said)), EPERM);
	assert_int_equal(run(SANDBOX_READ_FILES, truncate_file, said, sizeof(said)), EPERM);
	assert_int_equal(run(SANDBOX_WRITE_FILES, use_names, said, sizeof(said)), 0);
	assert_int_equal(run(SANDBOX_WRITE_FILES, make_socket, said, sizeof(said)), EPERM);
	assert_int_equal(run(SANDBOX_CONNECT, make_socket, said, sizeof(said)), 0);
	assert_int_equal(run(SANDBOX_CONNECT, open_to_read, said, sizeof(said)), EPERM);
	assert_int_equal(run(~0u, execute, said, sizeof(said)), EPERM);
	assert_int_equal(run(~0u, trace, said, sizeof(said)), EPERM);
	assert_int_equal(run(~0u, make_process, said, sizeof(said)), EPERM);
}

static int refused_twice(void)
{
	return make_socket() == EPERM && make_socket() == EPERM ? 0 : 1;
}

static void test_a_refusal_is_told_once(void **state)
{
	char said[512], *first;

	assert_int_equal(run(0, refused_twice, said, sizeof(said)), 0);
	first = strstr(said, "refused");
	assert_non_null(first);
	assert_null(strstr(first + 1, "refused"));
}

static void *work(void *opaque)
{
	char *memory = malloc(1 << 20);

	memset(memory, 1, 1 << 20);
	free(memory);
	pthread_setname_np(pthread_self(), "worker");
	return opaque;
}

static int use_threads(void)
{
	pthread_t thread;
	void *result = NULL;

	if (pthread_create(&thread, NULL, work, path) || pthread_join(thread, &result))
		return 1;
	return result == path ? 0 : 2;
}

static void test_threads_and_memory_work(void **state)
{
	char said[256];

	assert_int_equal(run(0, use_threads, said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

static int ends[2], results[2];

/* The capabilities of the thread that calls; all ones if that cannot be found out. */
static uint64_t effective_capabilities(void)
{
	FILE *file = fopen("/proc/thread-self/status", "r");
	uint64_t value = UINT64_MAX;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "CapEff:", 7) == 0)
			value = strtoull(line + 7, NULL, 16);
	if (file)
		fclose(file);
	return value;
}

/* A thread from before sandbox_enter() tries something when told. */
static void *wait_and_try(void *opaque)
{
	char byte;

	if (read(ends[0], &byte, 1) != 1)
		return NULL;
	results[0] = make_socket() == EPERM;
	results[1] = !(effective_capabilities() & ~(UINT64_C(1) << CAP_DAC_READ_SEARCH));
	return NULL;
}

static void test_threads_that_exist_are_confined_too(void **state)
{
	int status;
	pid_t child = fork();

	if (!child) {
		pthread_t thread;
		char error[128];

		if (pipe(ends) || pthread_create(&thread, NULL, wait_and_try, NULL) ||
		    sandbox_enter(SANDBOX_READ_FILES, error, sizeof(error)) || write(ends[1], "x", 1) != 1 ||
		    pthread_join(thread, NULL))
			_exit(100);
		_exit(!results[0] ? 101 : !results[1] ? 102 : 0);
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_entering_gives_up_privileges(void **state)
{
	int status;
	pid_t child = fork();

	if (!child) {
		char error[128], line[256];
		bool good = false;
		FILE *file;

		if (sandbox_enter(SANDBOX_READ_FILES, error, sizeof(error)))
			_exit(100);
		file = fopen("/proc/self/status", "r");
		while (file && fgets(line, sizeof(line), file))
			good |= strcmp(line, "NoNewPrivs:\t1\n") == 0;
		_exit(good && !(effective_capabilities() & ~(UINT64_C(1) << CAP_DAC_READ_SEARCH)) ? 0 : 101);
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_running_does_not_need_is_refused),
		cmocka_unit_test(test_features_allow_what_they_need_and_no_more),
		cmocka_unit_test(test_a_refusal_is_told_once),
		cmocka_unit_test(test_threads_and_memory_work),
		cmocka_unit_test(test_threads_that_exist_are_confined_too),
		cmocka_unit_test(test_entering_gives_up_privileges),
	};
	int fd = mkstemp(path), failed = 0;

	close(fd);
	if (HAS_SANITIZER)
		puts("the sandbox is not in builds with a sanitizer");
	else
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
