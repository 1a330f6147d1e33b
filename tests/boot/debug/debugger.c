/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What debuggers and profilers have of the processor: a counter of instructions, single steps of a child,
 * which Linux makes by a watchpoint for fetches, and watchpoints for loads and stores.  0 if all of that
 * works.
 *
 *   debugger [across FILE]   across: a child that is watched comes to the place when FILE is there
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPS  1000000
#define LOADS  0x100 /* of a watchpoint's control word */
#define STORES 0x200
#define PLV3   0x10

static volatile uint64_t watched, neighbour;
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

/* The loop takes minutes if each instruction has an exit to the hypervisor. */
static void child(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (volatile int i = 0; i < 5 * LOOPS; i++)
		;
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

static void ends(pid_t pid)
{
	int status = 0;

	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "the child ends otherwise", status);
}

static void stepped(void)
{
	pid_t pid = fork();

	if (!pid)
		child();
	stopped(pid, SIGSTOP);
	steps(pid);
	ends(pid);
}

/*
 * Only the first watchpoint's registers, and only here: Linux watches nothing any more once a register of
 * another one was written as unused.
 */
static void watch(pid_t pid, unsigned control)
{
	struct {
		uint64_t info, address, mask;
		uint32_t control, padding;
	} state = { .address = (uintptr_t)&watched, .control = control };
	struct iovec vector = { &state, sizeof(state) };

	check(ptrace(PTRACE_SETREGSET, pid, NT_LOONGARCH_HW_WATCH, &vector) == 0, "no watchpoint is set",
	      control);
}

static void watched_child(void)
{
	uint64_t seen = 0;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		raise(SIGSTOP);
		seen += neighbour;
		neighbour = seen;
		seen += watched;
		raise(SIGSTOP);
		watched = seen + 1;
	}
	_exit(7);
}

/* Goes on to the next stop, which is a hit with the watched address if @hit, and SIGSTOP behind it. */
static void next(pid_t pid, unsigned control, bool hit, const char *what)
{
	siginfo_t info = { 0 };

	watch(pid, control);
	ptrace(PTRACE_CONT, pid, 0, 0);
	if (hit) {
		check(stopped(pid, SIGTRAP) && !ptrace(PTRACE_GETSIGINFO, pid, 0, &info) &&
			      info.si_code == TRAP_HWBKPT && info.si_addr == &watched,
		      what, info.si_code);
		watch(pid, 0);
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	check(stopped(pid, SIGSTOP), "the child does not stop where it should", control);
}

static void watches(void)
{
	pid_t pid = fork();

	if (!pid)
		watched_child();
	stopped(pid, SIGSTOP);
	next(pid, PLV3 | LOADS, true, "a watched load does not stop");
	next(pid, PLV3 | STORES, true, "a watched store does not stop");
	next(pid, PLV3 | STORES, false, NULL);
	watch(pid, PLV3 | LOADS);
	ends(pid);
}

static int across(const char *file)
{
	volatile bool *go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		while (!*go)
			;
		watched = 1;
		_exit(7);
	}
	stopped(pid, SIGSTOP);
	watch(pid, PLV3 | STORES);
	ptrace(PTRACE_CONT, pid, 0, 0);
	while (access(file, F_OK))
		usleep(10000);
	*go = true;
	check(stopped(pid, SIGTRAP), "the watchpoint has no hit", 0);
	watch(pid, 0);
	ends(pid);
	return failures != 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	if (argc > 2)
		return across(argv[2]);
	counter();
	stepped();
	watches();
	return failures != 0;
}
