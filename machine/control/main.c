/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The bixi command: finds the sub-command and hands over. */
#include <stdio.h>
#include <string.h>

#include "machine/control/disasm.h"
#include "machine/control/options.h"
#include "machine/control/run.h"

static int help_main(int argc, char **argv);
static int version_main(int argc, char **argv);

static const struct command {
	const char *name;
	int (*main)(int argc, char **argv); /* argv[0] is the name */
	const char *help;
} command_table[] = {
	{ "run", run_main, "run a machine; bixi run -h lists its options" },
	{ "disasm", disasm_main, "disassemble a LoongArch64 ELF or raw file" },
	{ "help", help_main, "this text" },
	{ "version", version_main, "the version" },
};

#define COMMAND_COUNT (sizeof(command_table) / sizeof(command_table[0]))

static int help_main(int argc, char **argv)
{
	printf("Bixi, a LoongArch64 machine (Loongson 3A5000 + 7A1000).\nusage: bixi COMMAND "
	       "[ARGUMENT]...\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-9s %s\n", command_table[i].name, command_table[i].help);
	return EXIT_STATUS_OK;
}

static int version_main(int argc, char **argv)
{
	printf("bixi %s\n", BIXI_VERSION);
	return EXIT_STATUS_OK;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!*name)
		return usage_error("give a command: run, disasm, help or version");
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, command_table[i].name) == 0)
			return command_table[i].main(argc - 1, argv + 1);
	}
	return usage_error("%s is not a command; bixi help lists them", name);
}
