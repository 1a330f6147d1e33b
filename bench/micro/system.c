/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the kernel is asked for: calls, switches between processes, new processes, pages. */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "micro.h"

static void need(bool good)
{
	if (!good)
		abort();
}

static void call_kernel(unsigned times)
{
	for (unsigned i = 0; i < times * 500000; i++)
		syscall(SYS_getppid);
}

static void wait_for(pid_t child)
{
	int status;

	need(waitpid(child, &status, 0) == child && status == 0);
}

static void echo(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1)
		need(write(out, &byte, 1) == 1);
	_exit(0);
}

/* A byte goes to another process and back; both on one processor, so that each way is a switch. */
static void switch_process(unsigned times)
{
	cpu_set_t one, before;
	int there[2], back[2];
	char byte = 'x';
	pid_t child;

	need(sched_getaffinity(0, sizeof(before), &before) == 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	need(sched_setaffinity(0, sizeof(one), &one) == 0 && pipe(there) == 0 && pipe(back) == 0);
	child = fork();
	need(child >= 0);
	if (child == 0) {
		close(there[1]);
		echo(there[0], back[1]);
	}
	for (unsigned i = 0; i < times * 6000; i++)
		need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
	close(there[1]);
	wait_for(child);
	close(there[0]), close(back[0]), close(back[1]);
	need(sched_setaffinity(0, sizeof(before), &before) == 0);
}

static void fork_wait(unsigned times)
{
	for (unsigned i = 0; i < times * 200; i++) {
		const pid_t child = fork();

		if (child == 0)
			_exit(0);
		wait_for(child);
	}
}

/* The program itself, which has nothing to do when it lists no kernel. */
static void fork_exec(unsigned times)
{
	for (unsigned i = 0; i < times * 80; i++) {
		const pid_t child = fork();

		if (child == 0) {
			execl("/proc/self/exe", "micro", "nothing", NULL);
			_exit(1);
		}
		wait_for(child);
	}
}

static void page_fault(unsigned times)
{
	enum { SIZE = 16 << 20, STEP = 4096 };

	for (unsigned i = 0; i < times * 40; i++) {
		char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		need(memory != MAP_FAILED);
		madvise(memory, SIZE, MADV_NOHUGEPAGE);
		for (size_t at = 0; at < SIZE; at += STEP)
			memory[at] = 1;
		munmap(memory, SIZE);
	}
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	signals++;
}

static void send_signal(unsigned times)
{
	signal(SIGUSR1, count_signal);
	for (unsigned i = 0; i < times * 30000; i++)
		raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
}

const struct kernel system_kernels[] = {
	{ "system", "syscall", call_kernel },
	{ "system", "context-switch", switch_process },
	{ "system", "fork-wait", fork_wait },
	{ "system", "fork-exec", fork_exec },
	{ "system", "page-fault", page_fault },
	{ "system", "signal", send_signal },
	{ 0 },
};
