/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Root, while cells mean harm: a process on each CPU whose memory stays what it was, whose timer comes, which
 * goes from CPU to CPU; until the file /tmp/stop is there.  Prints "witness: N rounds", or what went wrong.
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS (2 << 20)

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void wrong(const char *what, uint64_t n)
{
	printf("witness: %s: %lu\n", what, (unsigned long)n);
	exit(1);
}

static uint64_t round_of(volatile uint64_t *memory, uint64_t seed, long cpu)
{
	uint64_t begin = now(), late;
	cpu_set_t set;

	for (uint64_t i = 0; i < WORDS; i += 61)
		if (memory[i] != (seed ^ i * 0x9e3779b97f4a7c15))
			wrong("a word of memory has changed", i);
	usleep(10000);
	late = now() - begin;
	if (late < 10000000)
		wrong("the timer is early", late);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set); /* fails for one that a cell has: no matter */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
	return late;
}

static void witness(uint64_t seed)
{
	uint64_t *memory = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t rounds = 0, latest = 0, late;

	if (memory == MAP_FAILED)
		wrong("no memory", WORDS);
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
	for (uint64_t i = 0; i < WORDS; i++)
		memory[i] = seed ^ i * 0x9e3779b97f4a7c15;
	for (; access("/tmp/stop", F_OK); rounds++) {
		late = round_of(memory, seed, (long)(rounds + seed) % sysconf(_SC_NPROCESSORS_CONF));
		latest = late > latest ? late : latest;
	}
	printf("witness: %lu rounds, the longest of %lu ms\n", (unsigned long)rounds,
	       (unsigned long)(latest / 1000000));
	exit(rounds == 0);
}

int main(void)
{
	int status, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t i = 1; i <= 3; i++)
		if (!fork())
			witness(i << 32 | i);
	while (wait(&status) > 0)
		bad |= status;
	return bad != 0;
}
