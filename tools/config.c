/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell config compile|check|create|dump: work on configurations, which needs no hypervisor. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/lib/check.h"
#include "tools/lib/model.h"
#include "tools/lib/probe.h"

struct options {
	const char *output, *architecture;
	bool json, dry_run;
};

static void take(int letter, const char *argument, void *opaque)
{
	struct options *options = opaque;

	if (letter == 'o')
		options->output = argument;
	else if (letter == 'A')
		options->architecture = argument;
	else
		options->dry_run = true;
}

static int architecture_number(const char *name, int *number)
{
	static const char *const names[] = { "x86", "arm", "arm64" };

	*number = -1;
	if (!name)
		return STATUS_OK;
	for (int i = 0; i < 3; i++) {
		if (strcmp(name, names[i]) == 0)
			*number = i;
	}
	return *number < 0
		       ? usage_error("%s is not the architecture of an old configuration (x86, arm, arm64)",
				     name)
		       : STATUS_OK;
}

static void warn_of_file(const struct config_file *file)
{
	if (file->trailing)
		fprintf(stderr, "bixi-cell: warning: %s: %zu bytes follow the configuration\n", file->name,
			file->trailing);
	if (file->arch_guessed)
		fprintf(stderr,
			"bixi-cell: warning: %s: files of %s do not name their architecture; guessed (say it "
			"by -A)\n",
			file->name, convert_form_name(file->form));
}

/* Reads and checks one file; findings are told. */
static int read_checked(const char *name, int architecture, struct config_file *file)
{
	struct check check = { .report = report_finding, .opaque = file };
	struct error error;

	if (config_read(file, name, architecture, &error))
		return fail(&error);
	warn_of_file(file);
	check_config(&check, &file->binary);
	if (!check.errors)
		return STATUS_OK;
	config_file_free(file);
	return STATUS_FAILED;
}

static int compile_main(int argc, char **argv, const struct options *options, int architecture)
{
	struct config_file file;
	struct error error;
	int status;

	if (argc != 1 || (!options->output && !options->dry_run))
		return usage_error(
			"config compile: give one YAML file, and where to write by -o, or --dry-run");
	if (read_checked(argv[0], architecture, &file))
		return STATUS_FAILED;
	status = options->dry_run || !blob_write_file(&file.binary, options->output, &error) ? STATUS_OK
											     : fail(&error);
	if (options->dry_run)
		printf("%s: %s %.31s, %zu bytes\n", argv[0],
		       config_is_system(&file.binary) ? "system" : "cell", config_cell_of(&file.binary)->name,
		       file.binary.size);
	config_file_free(&file);
	return status;
}

/* Findings of a whole check, as a person reads them or as JSON. */
struct report {
	const struct config_file *file;
	json_t *list; /* NULL: as text */
};

static void report(void *opaque, int severity, const struct error *finding)
{
	struct report *to = opaque;
	struct error located = *finding;

	if (!to->list) {
		report_finding((void *)(uintptr_t)to->file, severity, finding);
		return;
	}
	json_array_append_new(
		to->list, json_pack("{s:s, s:i, s:s, s:s, s:s}", "file", to->file->name, "line",
				    to->file->text.size ? (int)yaml_line(&to->file->text, finding->path) : 0,
				    "field", located.path, "severity",
				    severity == CHECK_ERROR ? "error" : "warning", "sentence", located.text));
}

/* One that cannot be read is a finding, too. */
static void report_unreadable(const struct report *to, const char *name, const struct error *error)
{
	const char *sentence = error->text;
	size_t length = strlen(name);
	unsigned line = 0;
	int behind = 0;

	if (strncmp(sentence, name, length) == 0 && sscanf(sentence + length, ":%u: %n", &line, &behind) == 1)
		sentence += length + (size_t)behind;
	json_array_append_new(to->list,
			      json_pack("{s:s, s:i, s:s, s:s, s:s}", "file", name, "line", (int)line, "field",
					"", "severity", "error", "sentence", sentence));
}

/* Each file by itself, with the system, and with the cells before it. */
static void check_files(struct check *check, struct report *to, const struct config_file *files, int count)
{
	const struct config_file *system = NULL;

	for (int i = 0; i < count; i++) {
		if (config_is_system(&files[i].binary))
			system = &files[i];
	}
	for (int i = 0; i < count; i++) {
		to->file = &files[i];
		check_config(check, &files[i].binary);
		if (config_is_system(&files[i].binary))
			continue;
		if (system)
			check_against_system(check, &system->binary, &files[i].binary);
		for (int j = 0; j < i; j++) {
			if (!config_is_system(&files[j].binary))
				check_two_cells(check, &files[j].binary, &files[i].binary);
		}
	}
}

#define FILES_MAX 64

static int check_main(int argc, char **argv, const struct options *options, int architecture)
{
	struct config_file files[FILES_MAX] = { 0 };
	struct report to = { .list = options->json ? json_array() : NULL };
	struct check check = { .report = report, .opaque = &to };
	struct error error;
	int count = 0, status = STATUS_OK;

	if (argc < 1 || argc > FILES_MAX)
		return usage_error("config check: give a system's configuration and those of its cells, or "
				   "some of them");
	for (; count < argc && status == STATUS_OK; count++) {
		if (!config_read(&files[count], argv[count], architecture, &error)) {
			warn_of_file(&files[count]);
			continue;
		}
		status = to.list ? STATUS_FAILED : fail(&error);
		if (to.list)
			report_unreadable(&to, argv[count], &error);
	}
	if (status == STATUS_OK) {
		check_files(&check, &to, files, count);
		status = check.errors ? STATUS_FAILED : STATUS_OK;
		if (!to.list)
			printf("%u errors, %u warnings\n", check.errors, check.warnings);
	}
	if (to.list) {
		json_dumpf(to.list, stdout, JSON_INDENT(2));
		printf("\n");
	}
	json_decref(to.list);
	while (count-- > 0)
		config_file_free(&files[count]);
	return status;
}

/* What they have is not seen. */
static void warn_of_cells(void)
{
	struct cell_info *cells;
	struct error error;
	unsigned count;

	if (driver_cells(&cells, &count, &error))
		return;
	if (count > 1)
		fprintf(stderr,
			"bixi-cell: warning: CPUs of cells are missing: do this before there are any\n");
	free(cells);
}

static int create_main_config(int argc, char **argv, const struct options *options, int architecture)
{
	struct blob text;
	struct error error;
	int status = STATUS_OK;

	(void)argv;
	(void)architecture;
	if (argc)
		return usage_error("config create: there is nothing to give it but -o FILE");
	if (probe_system("", &text, &error))
		return fail(&error);
	warn_of_cells();
	if (blob_write_file(&text, options->output ? options->output : "-", &error))
		status = fail(&error);
	blob_free(&text);
	return status;
}

static int dump_main(int argc, char **argv, const struct options *options, int architecture)
{
	struct config_file file;
	struct model *model;
	struct blob text;
	struct error error;
	int status = STATUS_OK;

	if (argc != 1)
		return usage_error("config dump: give one configuration");
	if (config_read(&file, argv[0], architecture, &error))
		return fail(&error);
	warn_of_file(&file);
	model = model_from_binary(&file.binary);
	model_emit(model, options->json, &text);
	if (blob_write_file(&text, options->output ? options->output : "-", &error))
		status = fail(&error);
	blob_free(&text);
	model_free(model);
	config_file_free(&file);
	return status;
}

static const char *option_name(int letter)
{
	return letter == 'J' ? "--json" : letter == 'n' ? "--dry-run" : letter == 'A' ? "-A" : "-o";
}

/* Options may be anywhere; @allowed has the letters of those that @name takes. */
static int take_config_options(int argc, char **argv, const char *name, const char *allowed,
			       struct options *options)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'J' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 },
	};
	int letter;

	opterr = 0;
	optind = 1;
	while ((letter = getopt_long(argc, argv, "o:A:", long_options, NULL)) != -1) {
		if (letter == '?')
			return usage_error("config %s: %s is no option, or lacks its argument", name,
					   argv[optind - 1]);
		if (!strchr(allowed, letter))
			return usage_error("config %s: %s is not for it", name, option_name(letter));
		if (letter == 'J')
			options->json = true;
		else
			take(letter, optarg, options);
	}
	return STATUS_OK;
}

int config_main(int argc, char **argv)
{
	static const struct {
		const char *name, *options;
		int (*main)(int argc, char **argv, const struct options *options, int architecture);
	} words[] = {
		{ "compile", "on", compile_main },
		{ "check", "AJ", check_main },
		{ "create", "o", create_main_config },
		{ "dump", "AoJ", dump_main },
	};
	struct options options = { 0 };
	const char *name = argc > 1 ? argv[1] : "";
	int architecture;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(name, words[i].name))
			continue;
		if (take_config_options(argc - 1, argv + 1, name, words[i].options, &options) ||
		    architecture_number(options.architecture, &architecture))
			return STATUS_USAGE;
		return words[i].main(argc - 1 - optind, argv + 1 + optind, &options, architecture);
	}
	return usage_error("config: give compile, check, create or dump");
}
