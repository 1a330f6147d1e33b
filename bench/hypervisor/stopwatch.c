/* SPDX-License-Identifier: MulanPSL-2.0 */
/* stopwatch NAME COMMAND...: prints "= linux NAME NANOSECONDS", instructions of a deterministic machine. */
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
	long long start = now();
	int status = 1;

	if (argc < 3)
		return 2;
	if (!fork()) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	wait(&status);
	printf("= linux %s %lld\n", argv[1], now() - start);
	return status != 0;
}
