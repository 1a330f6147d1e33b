/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell: the hypervisor's tool.  Finds the sub-command and hands over. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

static const struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *arguments, *help;
} command_table[] = {
	{ "enable", enable_main, "[CONFIG]", "put the hypervisor under this Linux" },
	{ "disable", disable_main, "", "end all cells, and put Linux back on the bare machine" },
	{ "create", create_main, "CELL|FILE", "make a cell of its configuration" },
	{ "load", load_main, "CELL IMAGE [-a ADDRESS]...", "copy files into the cell's memory" },
	{ "start", start_main, "CELL", "let the cell's CPUs run" },
	{ "shutdown", shutdown_main, "CELL", "stop the cell's CPUs" },
	{ "restart", restart_main, "CELL [IMAGE [-a ADDRESS]]...",
	  "stop it, load it if images are given, start it" },
	{ "destroy", destroy_main, "CELL", "give CPUs and memory back to Linux" },
	{ "list", list_main, "[--json]", "the cells there are" },
	{ "stats", stats_main, "[CELL] [-i SECONDS] [--json]",
	  "why guests were left, how often, for how long" },
	{ "console", console_main, "[CELL] [-f|-a]",
	  "what a cell prints; -f follows, -a attaches the keyboard" },
	{ "fault", fault_main, "CELL [--json]", "the record of the cell's last fault" },
	{ "linux", linux_main, "CELL|FILE KERNEL [-i INITRD] [-c COMMANDLINE]",
	  "start a Linux in a cell, which is made if need be" },
	{ "config", config_main, "compile|check|create|dump ...",
	  "work on configurations, here or elsewhere" },
};

static int help(void)
{
	printf("Bixi's cells: a LoongArch64 computer divided under a running Linux.\n\n");
	for (size_t i = 0; i < sizeof(command_table) / sizeof(command_table[0]); i++)
		printf("  bixi-cell %s %s\n        %s\n", command_table[i].name, command_table[i].arguments,
		       command_table[i].help);
	printf("\nCELL is a cell's number or name.  The manual is bixi-cell(1).\n");
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		return help();
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
		printf("bixi-cell %s\n", BIXI_VERSION);
		return STATUS_OK;
	}
	if (!*name)
		return usage_error("give a command; bixi-cell help lists them");
	for (size_t i = 0; i < sizeof(command_table) / sizeof(command_table[0]); i++) {
		if (strcmp(name, command_table[i].name) == 0)
			return command_table[i].main(argc - 1, argv + 1);
	}
	return usage_error("%s is not a command; bixi-cell help lists them", name);
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);
	struct error error;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	error_set(&error, "standard output cannot be written: %s", strerror(errno));
	return status == STATUS_OK ? fail(&error) : status;
}
