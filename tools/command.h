/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the sub-commands share.  Each is in a file of its name; argv[0] is the name. */
#ifndef BIXI_CELL_COMMAND_H
#define BIXI_CELL_COMMAND_H

#include <stdbool.h>

#include "tools/lib/driver.h"
#include "tools/lib/error.h"
#include "tools/lib/read.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

int enable_main(int argc, char **argv);
int disable_main(int argc, char **argv);
int create_main(int argc, char **argv);
int load_main(int argc, char **argv);
int start_main(int argc, char **argv);
int shutdown_main(int argc, char **argv);
int restart_main(int argc, char **argv);
int destroy_main(int argc, char **argv);
int list_main(int argc, char **argv);
int stats_main(int argc, char **argv);
int console_main(int argc, char **argv);
int fault_main(int argc, char **argv);
int linux_main(int argc, char **argv);
int config_main(int argc, char **argv);

/* Prints "bixi-cell: SENTENCE" and gives STATUS_FAILED, or STATUS_USAGE. */
int fail(const struct error *error);
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Takes options from argv, which may be anywhere: @letters as getopt()'s, and --json where @json is not NULL.
 * @take is called with each; the words that are left begin at argv[optind].  STATUS_OK or STATUS_USAGE.
 */
int take_options(int argc, char **argv, const char *letters, bool *json,
		 void (*take)(int letter, const char *argument, void *opaque), void *opaque);

/* "start CELL" and the like: one word, one request of the driver. */
int one_cell_command(int argc, char **argv, unsigned long request, const char *cannot);

/*
 * The configuration that a word names: a file, or without one the NAME.yaml or NAME.cell in one of the
 * directories of configurations.  The name is to be freed; NULL: there is none.
 */
char *find_config(const char *word, struct error *error);
/*
 * Reads a configuration, checks it, and reserves the memory that is "auto"; tells of what is wrong.  What was
 * reserved until then is for the caller to release.
 */
int prepare_config(int fd, const char *name, bool is_system, struct blob *binary);
void release_unused(int fd);
/* A check's report(): the finding's sentence to standard error, behind the name of the file in @opaque. */
void report_finding(void *opaque, int severity, const struct error *finding);

/* create.c: of the configuration in a file. */
int create_cell(int fd, const char *name);
/* load.c: into loadable memory. */
int load_cell(int fd, const char *cell, const struct driver_image *images, unsigned count);
/* load.c: files, each with or without "-a ADDRESS" behind it, from argv[first] on. */
int load_images(int fd, const char *cell, int argc, char **argv, int first);

#endif
