/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "tools/lib/driver.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

int driver_open(struct error *error)
{
	int fd = open(DRIVER_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return error_set(error, "there is no %s: load the driver first (insmod bixi.ko)",
				 DRIVER_DEVICE);
	return error_set(error, "%s cannot be opened: %s", DRIVER_DEVICE, strerror(errno));
}

int driver_open_alone(struct error *error)
{
	int fd = driver_open(error);

	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}

int driver_refusal(int fd, const char *what, struct error *error)
{
	struct hv_error last = { 0 };
	int number = errno;

	/* The driver's sentence is of its last refusal: only if it is this one. */
	if (ioctl(fd, DRIVER_LAST_ERROR, &last) == 0 && last.error == -number && last.sentence[0])
		error_set(error, "%s: %.*s", what, (int)sizeof(last.sentence), last.sentence);
	else
		error_set(error, "%s: %s", what, strerror(number));
	errno = number;
	return -1;
}

int driver_call(int fd, unsigned long request, void *argument, const char *what, struct error *error)
{
	int status;

	do {
		status = ioctl(fd, request, argument);
	} while (status < 0 && errno == EINTR);
	return status < 0 ? driver_refusal(fd, what, error) : status;
}

struct driver_cell_id driver_cell(const char *cell)
{
	struct driver_cell_id id = { .id = -1 };

	if (*cell && strspn(cell, "0123456789") == strlen(cell) && strlen(cell) < 10)
		id.id = (int32_t)strtol(cell, NULL, 10);
	else if (strlen(cell) < sizeof(id.name))
		strcpy(id.name, cell);
	return id;
}

static int reserve(void *opaque, uint64_t size, struct driver_chunk *chunks, unsigned *count,
		   struct error *error)
{
	struct driver_reserve request = { .size = size,
					  .chunks_address = (uintptr_t)chunks,
					  .num_chunks = *count };
	char what[64];

	snprintf(what, sizeof(what), "%llu KiB of memory cannot be reserved", (unsigned long long)size >> 10);
	if (driver_call(*(int *)opaque, DRIVER_RESERVE, &request, what, error) < 0)
		return -1;
	*count = request.num_chunks;
	return 0;
}

struct reserver driver_reserver(int *fd)
{
	return (struct reserver){ reserve, fd };
}

void driver_attribute(char *text, size_t size, const char *format, ...)
{
	char path[256];
	va_list arguments;
	FILE *file;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	*text = 0;
	file = fopen(path, "r");
	if (!file)
		return;
	if (!fgets(text, (int)size, file))
		*text = 0;
	text[strcspn(text, "\n")] = 0;
	fclose(file);
}

static void read_cell(struct cell_info *cell, const char *directory)
{
	const char *base = DRIVER_SYSFS "/cells";

	cell->id = (unsigned)strtoul(directory, NULL, 10);
	driver_attribute(cell->name, sizeof(cell->name), "%s/%s/name", base, directory);
	driver_attribute(cell->state, sizeof(cell->state), "%s/%s/state", base, directory);
	driver_attribute(cell->cpus, sizeof(cell->cpus), "%s/%s/cpus_assigned_list", base, directory);
	driver_attribute(cell->failed_cpus, sizeof(cell->failed_cpus), "%s/%s/cpus_failed_list", base,
			 directory);
}

static int by_id(const void *a, const void *b)
{
	const struct cell_info *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

int driver_cells(struct cell_info **cells, unsigned *count, struct error *error)
{
	struct blob list = { 0 };
	struct dirent *entry;
	DIR *directory;
	char enabled[8];

	driver_attribute(enabled, sizeof(enabled), DRIVER_SYSFS "/enabled");
	if (!*enabled)
		return error_set(error, "there is no driver: load it first (insmod bixi.ko)");
	if (strcmp(enabled, "0") == 0)
		return error_set(error, "the hypervisor is not enabled: do that first (bixi-cell enable)");
	directory = opendir(DRIVER_SYSFS "/cells");
	if (!directory)
		return error_set(error, "%s cannot be read: %s", DRIVER_SYSFS "/cells", strerror(errno));
	while ((entry = readdir(directory))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			read_cell(blob_extend(&list, sizeof(**cells)), entry->d_name);
	}
	closedir(directory);
	*cells = (struct cell_info *)(void *)list.data;
	*count = (unsigned)(list.size / sizeof(**cells));
	if (*count)
		qsort(*cells, *count, sizeof(**cells), by_id);
	return 0;
}

const struct cell_info *driver_find_cell(const struct cell_info *cells, unsigned count, const char *cell)
{
	struct driver_cell_id id = driver_cell(cell);

	for (unsigned i = 0; i < count; i++) {
		if (id.id >= 0 ? cells[i].id == (unsigned)id.id : strcmp(cells[i].name, id.name) == 0)
			return &cells[i];
	}
	return NULL;
}
