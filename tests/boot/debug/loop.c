/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What perf and gdb look at: loops of two instructions, stores to one variable, loads of another.
 *   loop COUNT [FILE]   with FILE: COUNT at a time until FILE is there; prints how many in all
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

volatile unsigned long stored, loaded = 5;

__attribute__((noinline)) void busy(unsigned long count)
{
	__asm__ volatile("1: addi.d %0, %0, -1\n\tbnez %0, 1b" : "+r"(count));
}

__attribute__((noinline)) void store(unsigned long value)
{
	stored = value;
}

__attribute__((noinline)) unsigned long load(void)
{
	return loaded;
}

__attribute__((noinline)) void last(void)
{
	__asm__ volatile("nop\n\tnop");
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000, done = 0;

	store(1);
	do {
		busy(count);
		done += count;
	} while (argc > 2 && access(argv[2], F_OK));
	store(2);
	load();
	store(3);
	last();
	printf("loops %lu\n", done);
	return 0;
}
