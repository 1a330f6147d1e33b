/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What debuggers and profilers have of the processor: a counter of instructions, and single
 * steps of a child, which Linux makes by a watchpoint for fetches.  0 if all of that works.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPS 1000000

static volatile uint64_t watched;
static int failures;

static void check(bool right, const char *what, long value)
{
	if (!right) {
		printf("debug: %s: %ld\n", what, value);
		failures++;
	}
}

static void counter(void)
{
	struct perf_event_attr attributes = { .size = sizeof(attributes),
					      .type = PERF_TYPE_HARDWARE,
					      .config = PERF_COUNT_HW_INSTRUCTIONS,
					      .exclude_kernel = 1,
					      .exclude_hv = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
	uint64_t count = 0;

	for (volatile int i = 0; i < LOOPS; i++)
		;
	check(fd >= 0 && read(fd, &count, sizeof(count)) == sizeof(count) && count > 3 * LOOPS &&
		      count < 40 * LOOPS,
	      "instructions are not counted", (long)count);
	close(fd);
}

static void child(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (int i = 0; i < 3; i++)
		watched = watched + 1;
	_exit(7);
}

static bool stopped(pid_t pid, int signal)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == signal;
}

static uint64_t pc_of(pid_t pid)
{
	uint64_t registers[45] = { 0 };
	struct iovec vector = { registers, sizeof(registers) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector);
	return registers[33];
}

static void steps(pid_t pid)
{
	uint64_t before = pc_of(pid), after;
	int moved = 0;

	for (int i = 0; i < 20; i++) {
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
		if (!stopped(pid, SIGTRAP)) {
			check(false, "a single step is not stopped after", i);
			return;
		}
		after = pc_of(pid);
		moved += after != before;
		before = after;
	}
	check(moved == 20, "single steps that moved, of 20", moved);
}

static void traced(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		child();
	stopped(pid, SIGSTOP);
	steps(pid);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child ends otherwise", status);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(30);
	counter();
	traced();
	return failures != 0;
}
