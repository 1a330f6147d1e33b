/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * micro [-n TIMES] [-l] [WORD,...]: runs the kernels whose kind or name is among the words, all without any,
 * each TIMES (1) times, between lines "@@ KIND/NAME begin" and "@@ KIND/NAME end"; whoever reads them
 * stamps the times.  -l prints their kinds and names instead.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "micro.h"

static const struct kernel *const files[] = { memory_kernels, control_kernels, integer_kernels, fp_kernels,
					      lsx_kernels,    lasx_kernels,    system_kernels };

static bool listed(const char *words, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = words; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

static void run(const struct kernel *kernel, unsigned times)
{
	printf("@@ %s/%s begin\n", kernel->kind, kernel->name);
	fflush(stdout);
	kernel->run(times);
	printf("@@ %s/%s end\n", kernel->kind, kernel->name);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *words = "all";
	bool list = false;
	unsigned times = 1;
	int option;

	while ((option = getopt(argc, argv, "n:l")) != -1) {
		if (option == 'n')
			times = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			list = true;
		else
			return 2;
	}
	if (optind < argc)
		words = argv[optind];
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		for (const struct kernel *kernel = files[i]; kernel->name; kernel++) {
			if (list)
				printf("%s\n%s\n", kernel->kind, kernel->name);
			else if (listed(words, "all") || listed(words, "micro") ||
				 listed(words, kernel->kind) || listed(words, kernel->name))
				run(kernel, times);
		}
	}
	return 0;
}
