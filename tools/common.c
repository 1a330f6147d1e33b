/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the sub-commands share. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/lib/check.h"

int fail(const struct error *error)
{
	fprintf(stderr, "bixi-cell: %s\n", error->text);
	return STATUS_FAILED;
}

int usage_error(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "bixi-cell: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	return STATUS_USAGE;
}

int take_options(int argc, char **argv, const char *letters, bool *json,
		 void (*take)(int letter, const char *argument, void *opaque), void *opaque)
{
	const struct option with_json[] = { { "json", no_argument, NULL, 'J' }, { 0 } };
	int letter;

	opterr = 0;
	optind = 1;
	while ((letter = getopt_long(argc, argv, letters, json ? with_json : with_json + 1, NULL)) != -1) {
		if (letter == '?')
			return usage_error("%s: %s is no option of this command, or lacks its argument",
					   argv[0], argv[optind - 1]);
		if (letter == 'J')
			*json = true;
		else
			take(letter, optarg, opaque);
	}
	return STATUS_OK;
}

int one_cell_command(int argc, char **argv, unsigned long request, const char *cannot)
{
	struct driver_cell_id id;
	struct error error;
	char what[128];
	int fd, status;

	if (argc != 2 || argv[1][0] == '-')
		return usage_error("%s: give one cell, by its number or name", argv[0]);
	fd = driver_open(&error);
	if (fd < 0)
		return fail(&error);
	id = driver_cell(argv[1]);
	snprintf(what, sizeof(what), "cell %.60s cannot be %s", argv[1], cannot);
	status = driver_call(fd, request, &id, what, &error) < 0 ? fail(&error) : STATUS_OK;
	close(fd);
	return status;
}

void release_unused(int fd)
{
	struct driver_release unused = { DRIVER_RELEASE_UNUSED };
	struct error error;

	driver_call(fd, DRIVER_RELEASE, &unused, "", &error);
}

static bool is_file(const char *name)
{
	struct stat status;

	return stat(name, &status) == 0 && !S_ISDIR(status.st_mode);
}

char *find_config(const char *word, struct error *error)
{
	static const char *const patterns[] = { "%s", "/etc/bixi/%s.yaml", "/etc/bixi/%s.cell",
						BIXI_CELLS_DIR "/%s.yaml" };
	bool is_path = strchr(word, '/') || strcmp(word, "-") == 0;
	char *name;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (asprintf(&name, patterns[i], word) < 0)
			abort();
		if (is_path || is_file(name))
			return name; /* a path that is not there is missed by its name */
		free(name);
	}
	error_set(error,
		  "there is neither a file %s here nor a configuration of that name in /etc/bixi or %s", word,
		  BIXI_CELLS_DIR);
	return NULL;
}

void report_finding(void *opaque, int severity, const struct error *finding)
{
	struct error located = *finding;

	config_locate(opaque, &located);
	fprintf(stderr, "bixi-cell: %s%s\n", severity == CHECK_WARNING ? "warning: " : "", located.text);
}

int prepare_config(int fd, const char *name, bool is_system, struct blob *binary)
{
	struct check check = { .report = report_finding };
	struct reserver reserver = driver_reserver(&fd);
	struct config_file file;
	struct error error;
	int status = STATUS_OK;

	if (config_read(&file, name, -1, &error))
		return fail(&error);
	check.opaque = &file;
	if (config_is_system(&file.binary) != is_system) {
		error_set(&error, "%s is the configuration of a %s, not of a %s", name,
			  is_system ? "cell" : "system", is_system ? "system" : "cell");
		status = fail(&error);
	} else {
		check_config(&check, &file.binary);
		if (check.errors)
			status = STATUS_FAILED;
		else if (config_fill(&file.binary, &reserver, &error))
			status = fail(&error);
	}
	if (status == STATUS_OK) {
		*binary = file.binary;
		file.binary = (struct blob){ 0 };
	}
	config_file_free(&file);
	return status;
}
