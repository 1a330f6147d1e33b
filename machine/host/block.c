/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Block back end (block.h): raw images and host block devices. */
#include "machine/host/block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/host/overlay.h"

#define DETERMINISTIC_LATENCY_NS 100000 /* a request's, in virtual time */
#define ZERO_CHUNK		 65536

struct block {
	char *path; /* for sentences */
	int fd;
	bool read_only;
	bool has_overlay;
	uint64_t file_size; /* bytes, as at open */
	uint64_t size;	    /* rounded up to sectors */
	struct clock *clock;
	struct event_loop worker;		       /* real mode */
	struct overlay overlay;			       /* has_overlay */
	bool complained;			       /* the sentence was printed; worker only */
	struct block_request *waiting, **waiting_last; /* deterministic mode, oldest first */
};

static const char *const op_names[] = {
	[BLOCK_READ] = "read",
	[BLOCK_WRITE] = "write",
	[BLOCK_FLUSH] = "flush",
	[BLOCK_DISCARD] = "discard",
	[BLOCK_WRITE_ZEROES] = "write zeroes",
};

/* The raw file. */

/* Past the end of a file that is no whole number of sectors there are zeros; elsewhere an end is an error:
 * somebody cut the file while we use it. */
static int end_of_file(const struct block *block, uint64_t offset, struct iovec *iov, unsigned count)
{
	if (offset < block->file_size)
		return -EIO;
	for (unsigned i = 0; i < count; i++)
		memset(iov[i].iov_base, 0, iov[i].iov_len);
	return 0;
}

/* Reads or writes all of @iov, which is used up. */
static int transfer(const struct block *block, bool write, uint64_t offset, struct iovec *iov, unsigned count)
{
	while (count) {
		ssize_t n;

		if (!iov->iov_len) {
			iov++;
			count--;
			continue;
		}
		n = write ? pwritev(block->fd, iov, (int)count, (off_t)offset)
			  : preadv(block->fd, iov, (int)count, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return write ? -EIO : end_of_file(block, offset, iov, count);
		offset += (uint64_t)n;
		for (; count && (size_t)n >= iov->iov_len; iov++, count--)
			n -= (ssize_t)iov->iov_len;
		if (count) {
			iov->iov_base = (uint8_t *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* What lies under the overlay; beyond the disk (a last, partial cluster) zeros. */
static int read_under_overlay(void *base, uint64_t offset, void *data, size_t size)
{
	struct block *block = base;
	struct iovec iov = { data, size };

	if (offset >= block->size) {
		memset(data, 0, size);
		return 0;
	}
	if (size > block->size - offset) {
		memset((uint8_t *)data + (block->size - offset), 0, size - (block->size - offset));
		iov.iov_len = block->size - offset;
	}
	return transfer(block, false, offset, &iov, 1);
}

static int write_data(struct block *block, uint64_t offset, struct iovec *iov, unsigned count)
{
	if (!block->has_overlay)
		return transfer(block, true, offset, iov, count);
	for (unsigned i = 0; i < count; i++) {
		int err = overlay_write(&block->overlay, offset, iov[i].iov_base, iov[i].iov_len,
					read_under_overlay, block);

		if (err)
			return err;
		offset += iov[i].iov_len;
	}
	return 0;
}

static int read_data(struct block *block, uint64_t offset, struct iovec *iov, unsigned count)
{
	if (!block->has_overlay)
		return transfer(block, false, offset, iov, count);
	for (unsigned i = 0; i < count; i++) {
		int err = overlay_read(&block->overlay, offset, iov[i].iov_base, iov[i].iov_len,
				       read_under_overlay, block);

		if (err)
			return err;
		offset += iov[i].iov_len;
	}
	return 0;
}

static int write_zeroes(struct block *block, uint64_t offset, uint64_t size, bool may_unmap)
{
	static const uint8_t zeroes[ZERO_CHUNK];
	const int mode = may_unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;

	if (!block->has_overlay &&
	    !fallocate(block->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size))
		return 0;
	while (size) {
		size_t n = size < ZERO_CHUNK ? (size_t)size : ZERO_CHUNK;
		struct iovec iov = { (void *)zeroes, n };
		int err = write_data(block, offset, &iov, 1);

		if (err)
			return err;
		offset += n;
		size -= n;
	}
	return 0;
}

/* Advisory: a file system that cannot make holes loses nothing. */
static int discard(struct block *block, uint64_t offset, uint64_t size)
{
	if (block->has_overlay ||
	    !fallocate(block->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) ||
	    errno == EOPNOTSUPP || errno == ENODEV)
		return 0;
	return -errno;
}

static int flush(struct block *block)
{
	if (block->read_only || block->has_overlay)
		return 0;
	return fdatasync(block->fd) ? -errno : 0;
}

/* Requests. */

static int run_request(struct block *block, struct block_request *request)
{
	if (request->op == BLOCK_FLUSH)
		return flush(block);
	if (request->offset > block->size || request->size > block->size - request->offset)
		return -EINVAL;
	if (!request->size)
		return 0;
	if (request->op == BLOCK_READ)
		return read_data(block, request->offset, request->iov, request->iov_count);
	if (block->read_only)
		return -EROFS;
	switch (request->op) {
	case BLOCK_WRITE:
		return write_data(block, request->offset, request->iov, request->iov_count);
	case BLOCK_DISCARD:
		return discard(block, request->offset, request->size);
	default:
		return write_zeroes(block, request->offset, request->size, request->may_unmap);
	}
}

/* Once a disk: the guest retries, and every failure after the first says the same. */
static void complain(struct block *block, const struct block_request *request)
{
	if (block->complained || request->result == -EINVAL || request->result == -EROFS)
		return; /* those are the guest's own mistakes */
	block->complained = true;
	fprintf(stderr, "bixi: disk '%s': cannot %s at byte %llu: %s; the guest gets an I/O error\n",
		block->path, op_names[request->op], (unsigned long long)request->offset,
		request->result == -EIO ? "the file is shorter than it was, or unreadable"
					: strerror(-request->result));
}

static void run_and_finish(void *opaque)
{
	struct block_request *request = opaque;

	request->result = run_request(request->block, request);
	if (request->result)
		complain(request->block, request);
	request->done(request);
}

static void finish_waiting(void *opaque)
{
	struct block_request *request = opaque;
	struct block *block = request->block;
	struct block_request **link = &block->waiting;

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	if (!*link)
		block->waiting_last = link;
	request->done(request);
}

void block_submit(struct block *block, struct block_request *request)
{
	request->block = block;
	if (!block->clock->deterministic) {
		event_work_init(&request->work, run_and_finish, request);
		event_loop_post(&block->worker, &request->work);
		return;
	}
	request->result = run_request(block, request);
	if (request->result)
		complain(block, request);
	request->next = NULL;
	*block->waiting_last = request;
	block->waiting_last = &request->next;
	clock_timer_init(&request->timer, finish_waiting, request);
	clock_timer_set(block->clock, &request->timer, clock_now(block->clock) + DETERMINISTIC_LATENCY_NS);
}

void block_post(struct block *block, struct event_work *work)
{
	event_loop_post(&block->worker, work);
}

struct drain {
	struct event_work work;
	sem_t reached;
};

static void drain_reached(void *opaque)
{
	struct drain *drain = opaque;

	sem_post(&drain->reached);
}

void block_drain(struct block *block)
{
	struct drain drain;

	if (block->clock->deterministic) {
		while (block->waiting) {
			clock_timer_cancel(block->clock, &block->waiting->timer);
			finish_waiting(block->waiting);
		}
		return;
	}
	sem_init(&drain.reached, 0, 0);
	event_work_init(&drain.work, drain_reached, &drain);
	event_loop_post(&block->worker, &drain.work);
	while (sem_wait(&drain.reached))
		continue;
	sem_destroy(&drain.reached);
}

uint64_t block_size(const struct block *block)
{
	return block->size;
}

bool block_read_only(const struct block *block)
{
	return block->read_only;
}

/* Opening and closing. */

static int __attribute__((format(printf, 4, 5)))
fail(char *error, size_t size, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return err;
}

/* Two writers would destroy the image.  File systems without locks are trusted. */
static int lock_file(const struct block *block, bool write)
{
	struct flock lock = { .l_type = write ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(block->fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES))
		return -EBUSY;
	return 0;
}

static int find_size(struct block *block)
{
	struct stat st;

	if (fstat(block->fd, &st))
		return -errno;
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(block->fd, BLKGETSIZE64, &block->file_size))
			return -errno;
	} else if (S_ISREG(st.st_mode)) {
		block->file_size = (uint64_t)st.st_size;
	} else {
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
	}
	block->size = (block->file_size + BLOCK_SECTOR - 1) / BLOCK_SECTOR * BLOCK_SECTOR;
	return 0;
}

static int open_file(struct block *block, const struct block_options *options, char *error, size_t error_size)
{
	const bool write = !options->read_only && !options->snapshot;
	const char *path = block->path;
	int err;

	/* O_NONBLOCK: a FIFO must not hang us before we can refuse it. */
	block->fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	if (block->fd < 0)
		return fail(error, error_size, -errno, "cannot open disk '%s': %s%s", path, strerror(errno),
			    write && (errno == EACCES || errno == EROFS)
				    ? " (add ,ro or ,snapshot to read only)"
				    : "");
	err = find_size(block);
	if (err == -ENOTBLK)
		return fail(error, error_size, err, "disk '%s' is neither a file nor a block device", path);
	if (err)
		return fail(error, error_size, err, "cannot use disk '%s': %s", path, strerror(-err));
	err = lock_file(block, write);
	if (err)
		return fail(error, error_size, err, "disk '%s' is in use by another process", path);
	if (options->snapshot) {
		err = overlay_open(&block->overlay, block->size);
		if (err)
			return fail(error, error_size, err, "cannot make a snapshot of disk '%s': %s", path,
				    strerror(-err));
		block->has_overlay = true;
	}
	return 0;
}

int block_open(struct block **result, const char *path, const struct block_options *options,
	       struct clock *clock, char *error, size_t error_size)
{
	struct block *block = calloc(1, sizeof(*block));
	int err;

	if (!block)
		return fail(error, error_size, -ENOMEM, "out of memory for disk '%s'", path);
	block->fd = -1;
	block->clock = clock;
	block->read_only = options->read_only;
	block->waiting_last = &block->waiting;
	block->path = strdup(path);
	err = block->path ? open_file(block, options, error, error_size)
			  : fail(error, error_size, -ENOMEM, "out of memory for disk '%s'", path);
	if (!err && !clock->deterministic) {
		err = event_loop_init(&block->worker, NULL);
		if (!err) {
			err = event_loop_start(&block->worker, "bixi-disk");
			if (err)
				event_loop_destroy(&block->worker);
		}
		if (err)
			fail(error, error_size, err, "cannot start a thread for disk '%s': %s", path,
			     strerror(-err));
	}
	if (err) {
		if (block->has_overlay)
			overlay_close(&block->overlay);
		if (block->fd >= 0)
			close(block->fd);
		free(block->path);
		free(block);
		return err;
	}
	if (block->size != block->file_size)
		fprintf(stderr,
			"bixi: disk '%s': its size is no multiple of %d bytes; the last sector ends in "
			"zeros\n",
			path, BLOCK_SECTOR);
	*result = block;
	return 0;
}

void block_close(struct block *block)
{
	if (!block)
		return;
	block_drain(block);
	if (!block->clock->deterministic) {
		event_loop_stop(&block->worker);
		event_loop_join(&block->worker);
		event_loop_destroy(&block->worker);
	}
	flush(block);
	if (block->has_overlay)
		overlay_close(&block->overlay);
	close(block->fd);
	free(block->path);
	free(block);
}
