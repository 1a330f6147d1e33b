/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "tools/lib/blob.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void *blob_extend(struct blob *blob, size_t size)
{
	uint8_t *data = realloc(blob->data, blob->size + size + 1);
	void *added;

	if (!data) {
		fprintf(stderr, "bixi-cell: there is no memory for %zu bytes\n", blob->size + size);
		exit(1);
	}
	added = data + blob->size;
	memset(added, 0, size + 1);
	blob->data = data;
	blob->size += size;
	return added;
}

void blob_append(struct blob *blob, const void *data, size_t size)
{
	void *added = blob_extend(blob, size);

	if (size)
		memcpy(added, data, size);
}

void blob_free(struct blob *blob)
{
	free(blob->data);
	*blob = (struct blob){ 0 };
}

static int read_stream(struct blob *blob, FILE *file, const char *name, size_t max, struct error *error)
{
	char buffer[16384];
	size_t n;

	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0) {
		if (n > max - blob->size)
			return error_set(error, "%s has more than %zu bytes, which is too many", name, max);
		blob_append(blob, buffer, n);
	}
	if (ferror(file))
		return error_set(error, "%s cannot be read: %s", name, strerror(errno));
	return 0;
}

int blob_read_file(struct blob *blob, const char *name, size_t max, struct error *error)
{
	bool is_stdin = strcmp(name, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(name, "rb");
	int status;

	*blob = (struct blob){ 0 };
	if (!file)
		return error_set(error, "%s cannot be opened: %s", name, strerror(errno));
	blob_extend(blob, 0);
	status = read_stream(blob, file, name, max, error);
	if (!is_stdin)
		fclose(file);
	if (status)
		blob_free(blob);
	return status;
}

static int cannot_write(const char *name, struct error *error)
{
	return error_set(error, "%s cannot be written: %s", name, strerror(errno));
}

static bool write_to(const struct blob *blob, FILE *file)
{
	bool good = fwrite(blob->data, 1, blob->size, file) == blob->size;

	return (fclose(file) == 0) & good;
}

/* Files are replaced as a whole or not at all. */
static int replace_file(const struct blob *blob, const char *name, struct error *error)
{
	char temporary[4096];
	FILE *file;

	if (snprintf(temporary, sizeof(temporary), "%s.new%d", name, (int)getpid()) >= (int)sizeof(temporary))
		return error_set(error, "%s is too long a name", name);
	file = fopen(temporary, "wb");
	if (!file)
		return cannot_write(name, error);
	if (write_to(blob, file) && rename(temporary, name) == 0)
		return 0;
	cannot_write(name, error);
	unlink(temporary);
	return -1;
}

int blob_write_file(const struct blob *blob, const char *name, struct error *error)
{
	struct stat status;
	FILE *file;

	if (strcmp(name, "-") == 0) {
		if (fwrite(blob->data, 1, blob->size, stdout) == blob->size && fflush(stdout) == 0)
			return 0;
		return cannot_write("standard output", error);
	}
	if (lstat(name, &status) != 0 || S_ISREG(status.st_mode))
		return replace_file(blob, name, error);
	/* A device, a pipe or a link must stay what it is. */
	file = fopen(name, "wb");
	return file && write_to(blob, file) ? 0 : cannot_write(name, error);
}
