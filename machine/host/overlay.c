/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A disk's overlay (overlay.h). */
#include "machine/host/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file without a name on a real file system if there is one, so that it does not fill memory. */
static int open_anonymous(void)
{
	const char *directory = getenv("TMPDIR");
	const char *const directories[] = { directory ? directory : "/var/tmp", "/var/tmp", "/tmp" };
	char path[4096];
	int fd;

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		fd = open(directories[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (snprintf(path, sizeof(path), "%s/bixi-XXXXXX", directories[i]) >= (int)sizeof(path))
			continue;
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0) {
			unlink(path);
			return fd;
		}
	}
	fd = memfd_create("bixi-overlay", MFD_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

int overlay_open(struct overlay *overlay, uint64_t size)
{
	uint64_t clusters = size / OVERLAY_CLUSTER + 1;
	void *map;

	*overlay = (struct overlay){ .fd = -1, .map_size = clusters / 8 + 1 };
	map = mmap(NULL, overlay->map_size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	overlay->written = map;
	overlay->fd = open_anonymous();
	if (overlay->fd < 0) {
		int err = overlay->fd;

		overlay_close(overlay);
		return err;
	}
	return 0;
}

void overlay_close(struct overlay *overlay)
{
	if (overlay->fd >= 0)
		close(overlay->fd);
	if (overlay->written)
		munmap(overlay->written, overlay->map_size);
	overlay->fd = -1;
	overlay->written = NULL;
}

static bool is_written(const struct overlay *overlay, uint64_t cluster)
{
	return overlay->written[cluster / 8] >> (cluster % 8) & 1;
}

/* Bytes from @offset on that are all in the overlay, or all not. */
static size_t same_run(const struct overlay *overlay, uint64_t offset, size_t size)
{
	uint64_t cluster = offset / OVERLAY_CLUSTER;
	const bool first = is_written(overlay, cluster);
	uint64_t run = OVERLAY_CLUSTER - offset % OVERLAY_CLUSTER;

	while (run < size && is_written(overlay, ++cluster) == first)
		run += OVERLAY_CLUSTER;
	return run < size ? (size_t)run : size;
}

static int read_own(const struct overlay *overlay, uint64_t offset, void *data, size_t size)
{
	for (uint8_t *to = data; size;) {
		ssize_t n = pread(overlay->fd, to, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		to += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_own(const struct overlay *overlay, uint64_t offset, const void *data, size_t size)
{
	for (const uint8_t *from = data; size;) {
		ssize_t n = pwrite(overlay->fd, from, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		from += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int overlay_read(struct overlay *overlay, uint64_t offset, void *data, size_t size,
		 overlay_base_read *base_read, void *base)
{
	for (uint8_t *to = data; size;) {
		size_t run = same_run(overlay, offset, size);
		int err = is_written(overlay, offset / OVERLAY_CLUSTER) ? read_own(overlay, offset, to, run)
									: base_read(base, offset, to, run);

		if (err)
			return err;
		to += run;
		offset += run;
		size -= run;
	}
	return 0;
}

/* Fills the cluster that holds @offset from below, before a part of it is written. */
static int copy_up(struct overlay *overlay, uint64_t offset, overlay_base_read *base_read, void *base)
{
	uint64_t cluster = offset / OVERLAY_CLUSTER;
	uint8_t data[OVERLAY_CLUSTER];
	int err;

	if (is_written(overlay, cluster))
		return 0;
	err = base_read(base, cluster * OVERLAY_CLUSTER, data, sizeof(data));
	return err ? err : write_own(overlay, cluster * OVERLAY_CLUSTER, data, sizeof(data));
}

int overlay_write(struct overlay *overlay, uint64_t offset, const void *data, size_t size,
		  overlay_base_read *base_read, void *base)
{
	uint64_t end = offset + size;
	int err = 0;

	if (!size)
		return 0;
	if (offset % OVERLAY_CLUSTER)
		err = copy_up(overlay, offset, base_read, base);
	if (!err && end % OVERLAY_CLUSTER)
		err = copy_up(overlay, end, base_read, base);
	if (!err)
		err = write_own(overlay, offset, data, size);
	if (err)
		return err;
	for (uint64_t cluster = offset / OVERLAY_CLUSTER; cluster <= (end - 1) / OVERLAY_CLUSTER; cluster++)
		overlay->written[cluster / 8] |= (uint8_t)(1u << (cluster % 8));
	return 0;
}
