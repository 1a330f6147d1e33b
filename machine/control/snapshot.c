/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Snapshot files (docs/snapshots.md has the format): saving.  A header that any bixi understands, then one
 * zstd frame with a checksum that holds the description, the parts' state and RAM without its empty pages.
 * What reads them is snapshot_load.c.
 */
#include "machine/control/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "machine/board/state.h"
#include "machine/control/snapshot_format.h"

#define LEVEL	    1 /* of zstd: more takes longer than it saves */
#define MAX_WORKERS 4

struct writer {
	int fd;
	ZSTD_CStream *zstd;
	uint8_t *out; /* ZSTD_CStreamOutSize() bytes */
	int err;      /* of the first write that failed, negative errno */
	const char *path;
	uint64_t done, total; /* pages, for the progress */
	struct timespec told;
	bool tells;
};

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* A person waits after a second or so. */
static void tell_progress(struct writer *writer)
{
	if (!isatty(STDERR_FILENO) || seconds_since(&writer->told) < 1)
		return;
	clock_gettime(CLOCK_MONOTONIC, &writer->told);
	writer->tells = true;
	fprintf(stderr, "\rbixi: saving to %s: %3.0f%%", writer->path,
		writer->total ? 100.0 * (double)writer->done / (double)writer->total : 100.0);
}

static void write_all(struct writer *writer, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	while (size && !writer->err) {
		ssize_t n = write(writer->fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			writer->err = n ? -errno : -EIO;
			return;
		}
		bytes += n;
		size -= (size_t)n;
	}
}

/* Compresses @size bytes at @data; @end: the frame ends with them. */
static void put(struct writer *writer, const void *data, size_t size, ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { data, size, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { writer->out, ZSTD_CStreamOutSize(), 0 };

		left = ZSTD_compressStream2(writer->zstd, &out, &in, end);
		if (ZSTD_isError(left)) {
			writer->err = writer->err ? writer->err : -ENOMEM;
			return;
		}
		write_all(writer, writer->out, out.pos);
	} while (!writer->err && (in.pos < in.size || (end == ZSTD_e_end && left)));
}

static void put_u64(struct writer *writer, uint64_t value)
{
	put(writer, &value, sizeof(value), ZSTD_e_continue);
}

static bool page_is_empty(const uint8_t *page)
{
	uint64_t first;

	memcpy(&first, page, sizeof(first));
	return !first && memcmp(page, page + sizeof(first), BUS_PAGE_SIZE - sizeof(first)) == 0;
}

/* Pages [first, end) as runs of those that are not empty. */
static void put_pages(struct writer *writer, const struct bus *bus, uint64_t first, uint64_t end)
{
	while (first < end && !writer->err) {
		const uint8_t *data = bus->ram + first * BUS_PAGE_SIZE;
		uint64_t count = 0;

		while (first + count < end && count < SNAPSHOT_RUN_MAX &&
		       !page_is_empty(data + count * BUS_PAGE_SIZE))
			count++;
		if (count) {
			put_u64(writer, first);
			put_u64(writer, count);
			put(writer, data, count * BUS_PAGE_SIZE, ZSTD_e_continue);
		}
		first += count ? count : 1;
		writer->done = first;
		if (count == SNAPSHOT_RUN_MAX || first % SNAPSHOT_RUN_MAX == 0)
			tell_progress(writer);
	}
}

/* RAM and ROM.  What was never touched is a hole in the memfd, and is not even looked at. */
static void put_ram(struct writer *writer, const struct bus *bus)
{
	const off_t size = (off_t)(snapshot_pages(bus) * BUS_PAGE_SIZE);
	off_t at = 0;

	writer->total = snapshot_pages(bus);
	while (at < size && !writer->err) {
		off_t data = lseek(bus->ram_fd, at, SEEK_DATA), hole;

		if (data < 0 || data >= size)
			break; /* nothing but holes */
		hole = lseek(bus->ram_fd, data, SEEK_HOLE);
		hole = hole < 0 || hole > size ? size : hole;
		put_pages(writer, bus, (uint64_t)data / BUS_PAGE_SIZE,
			  ((uint64_t)hole + BUS_PAGE_SIZE - 1) / BUS_PAGE_SIZE);
		at = hole;
	}
	put_u64(writer, SNAPSHOT_RAM_END);
	put_u64(writer, 0);
}

/* One state stream with its length before it.  0, or a negative errno with the reason in @error. */
static int put_state(struct writer *writer, struct state *state, char *error, size_t error_size)
{
	const void *data;
	size_t size;

	if (!state)
		return snapshot_refuse(-ENOMEM, error, error_size, "out of memory");
	if (!state_good(state)) {
		snapshot_refuse(-EINVAL, error, error_size, "%s", state_reason(state));
		state_free(state);
		return -EINVAL;
	}
	data = state_data(state, &size);
	put_u64(writer, size);
	put(writer, data, size, ZSTD_e_continue);
	state_free(state);
	return 0;
}

static int put_machine(struct writer *writer, struct machine *machine, char *error, size_t error_size)
{
	const struct snapshot_header header = { SNAPSHOT_MAGIC, SNAPSHOT_VERSION };
	struct state *description = state_writer(&machine->clock), *parts = state_writer(&machine->clock);
	int err;

	if (description)
		snapshot_describe(machine, description);
	if (parts)
		machine_state(machine, parts);
	write_all(writer, &header, sizeof(header));
	err = put_state(writer, description, error, error_size);
	if (err) {
		state_free(parts);
		return err;
	}
	err = put_state(writer, parts, error, error_size);
	if (err)
		return err;
	put_ram(writer, &machine->bus);
	put(writer, NULL, 0, ZSTD_e_end);
	if (!writer->err && fsync(writer->fd) < 0)
		writer->err = -errno;
	if (writer->err)
		snapshot_refuse(writer->err, error, error_size, "%s", strerror(-writer->err));
	return writer->err;
}

static int writer_open(struct writer *writer)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	writer->zstd = ZSTD_createCStream();
	writer->out = malloc(ZSTD_CStreamOutSize());
	if (!writer->zstd || !writer->out)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
	/* Only a wish: a zstd without threads does without. */
	if (cores > 1)
		ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_nbWorkers,
				       (int)(cores < MAX_WORKERS ? cores : MAX_WORKERS));
	return 0;
}

static void writer_close(struct writer *writer)
{
	ZSTD_freeCStream(writer->zstd);
	free(writer->out);
	if (writer->tells)
		fprintf(stderr, "\r\033[K");
}

/* The new name lasts only when the directory is on the disk, too. */
static void sync_directory(const char *path)
{
	char directory[4096];
	char *slash;
	int fd;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = 0;
	else
		strcpy(directory, ".");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* A file beside @path, for its owner only: it holds all that the guest knows. */
static int temporary_open(const char *path, char *temporary, size_t size, char *error, size_t error_size)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return snapshot_refuse(-EINVAL, error, error_size, "that is not a regular file");
	if ((size_t)snprintf(temporary, size, "%s.XXXXXX", path) >= size)
		return snapshot_refuse(-ENAMETOOLONG, error, error_size, "%s", strerror(ENAMETOOLONG));
	fd = mkostemp(temporary, O_CLOEXEC);
	return fd < 0 ? snapshot_refuse(-errno, error, error_size, "%s", strerror(errno)) : fd;
}

int snapshot_save(struct machine *machine, const char *path, char *error, size_t error_size)
{
	struct writer writer = { .path = path };
	char temporary[4096];
	int err;

	clock_gettime(CLOCK_MONOTONIC, &writer.told);
	writer.fd = temporary_open(path, temporary, sizeof(temporary), error, error_size);
	if (writer.fd < 0)
		return writer.fd;
	err = writer_open(&writer);
	if (err)
		snapshot_refuse(err, error, error_size, "out of memory");
	if (!err) {
		machine_quiesce(machine);
		err = put_machine(&writer, machine, error, error_size);
		machine_release(machine);
	}
	writer_close(&writer);
	close(writer.fd);
	if (!err && rename(temporary, path) < 0)
		err = snapshot_refuse(-errno, error, error_size, "%s", strerror(errno));
	if (err)
		unlink(temporary);
	else
		sync_directory(path);
	return err;
}
