/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Block back end: raw images and host block devices, through the host's page cache.  Once the host has failed
 * to store something, or the file was cut or removed, no flush succeeds any more: the host reports such a
 * loss once, and a second fsync() would say that all is well.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/host/block_backend.h"

#define ZERO_CHUNK 65536

struct block_file {
	struct block_backend backend;
	int fd;
	bool is_device;
	bool had_name;	      /* it was in a directory when it was opened */
	uint64_t file_size;   /* bytes, as at open */
	_Atomic int lost;     /* negative errno: writes were lost, no flush can succeed */
	_Atomic bool removed; /* for explain() */
};

static struct block_file *file_of(struct block_backend *backend)
{
	return (struct block_file *)backend;
}

static int lose(struct block_file *file, int err)
{
	atomic_store(&file->lost, err);
	return err;
}

/* Whether the file can still keep what is written to it. */
static int check_file(struct block_file *file, bool flush)
{
	struct stat st;
	int lost = atomic_load(&file->lost);

	if (lost)
		return lost;
	if (file->is_device)
		return 0;
	if (fstat(file->fd, &st))
		return -errno;
	/* Writing would make it long again, with zeros where data was. */
	if ((uint64_t)st.st_size < file->file_size)
		return lose(file, -EIO);
	if (flush && file->had_name && !st.st_nlink) {
		atomic_store(&file->removed, true);
		return lose(file, -EIO);
	}
	return 0;
}

/* Past the end of a file that is no whole number of sectors there are zeros; elsewhere an end is an error:
 * somebody cut the file while we use it. */
static int end_of_file(struct block_file *file, struct block_request *request)
{
	if (request->offset < file->file_size)
		return lose(file, -EIO);
	for (unsigned i = 0; i < request->iov_count; i++)
		memset(request->iov[i].iov_base, 0, request->iov[i].iov_len);
	return 0;
}

/* Moves the request past @n bytes that are done. */
static void advance(struct block_request *request, size_t n)
{
	request->offset += n;
	request->size -= n;
	for (; request->iov_count && n >= request->iov->iov_len; request->iov++, request->iov_count--)
		n -= request->iov->iov_len;
	if (request->iov_count) {
		request->iov->iov_base = (uint8_t *)request->iov->iov_base + n;
		request->iov->iov_len -= n;
	}
}

/* @flags: of preadv2(2), for a read. */
static int transfer(struct block_file *file, struct block_request *request, int flags)
{
	const bool write = request->op == BLOCK_WRITE;

	while (request->size) {
		const off_t offset = (off_t)request->offset;
		const int count = (int)request->iov_count;
		ssize_t n = write ? pwritev(file->fd, request->iov, count, offset)
				  : preadv2(file->fd, request->iov, count, offset, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return write ? -EIO : end_of_file(file, request);
		advance(request, (size_t)n);
	}
	return 0;
}

static int flush(struct block_file *file)
{
	int err = file->backend.read_only ? 0 : check_file(file, true);

	if (!err && !file->backend.read_only && fdatasync(file->fd))
		err = lose(file, -errno);
	return err;
}

static int write_data(struct block_file *file, struct block_request *request)
{
	int err = check_file(file, false);

	if (!err)
		err = transfer(file, request, 0);
	return err || !request->through ? err : flush(file);
}

static int write_zeroes(struct block_file *file, const struct block_request *request)
{
	static const uint8_t zeroes[ZERO_CHUNK];
	const int mode = request->may_unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
	int err = check_file(file, false);

	if (err)
		return err;
	if (fallocate(file->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)request->offset, (off_t)request->size)) {
		for (uint64_t done = 0; done < request->size && !err;) {
			const uint64_t left = request->size - done;
			struct iovec iov = { (void *)zeroes, left < ZERO_CHUNK ? left : ZERO_CHUNK };
			struct block_request part = { .op = BLOCK_WRITE,
						      .offset = request->offset + done,
						      .size = iov.iov_len,
						      .iov = &iov,
						      .iov_count = 1 };

			done += iov.iov_len;
			err = transfer(file, &part, 0);
		}
	}
	return err || !request->through ? err : flush(file);
}

/* Advisory: a file system that cannot make holes loses nothing. */
static int discard(struct block_file *file, const struct block_request *request)
{
	int err = check_file(file, false);

	if (err)
		return err;
	if (!fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)request->offset,
		       (off_t)request->size) ||
	    errno == EOPNOTSUPP || errno == ENODEV)
		return 0;
	return -errno;
}

static int file_run(struct block_backend *backend, struct block_request *request)
{
	struct block_file *file = file_of(backend);

	switch (request->op) {
	case BLOCK_READ:
		return transfer(file, request, 0);
	case BLOCK_WRITE:
		return write_data(file, request);
	case BLOCK_FLUSH:
		return flush(file);
	case BLOCK_DISCARD:
		return discard(file, request);
	default:
		return write_zeroes(file, request);
	}
}

/* What the page cache holds is read at once, and writes go there; all else may wait for the medium. */
static int file_attempt(struct block_backend *backend, struct block_request *request)
{
	int err;

	if (request->op == BLOCK_WRITE && !request->through)
		return write_data(file_of(backend), request);
	if (request->op != BLOCK_READ)
		return -EAGAIN;
	err = transfer(file_of(backend), request, RWF_NOWAIT);
	return err == -EOPNOTSUPP ? -EAGAIN : err;
}

static const char *file_explain(struct block_backend *backend, int err)
{
	if (err != -EIO)
		return NULL;
	return atomic_load(&file_of(backend)->removed) ? "the file was removed"
						       : "the file is shorter than it was, or unreadable";
}

static void file_close(struct block_backend *backend)
{
	struct block_file *file = file_of(backend);

	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

static const struct block_backend_ops file_ops = {
	.run = file_run,
	.attempt = file_attempt,
	.explain = file_explain,
	.close = file_close,
};

/* Two writers would destroy the image.  File systems without locks are trusted. */
static int lock_file(const struct block_file *file, bool write)
{
	struct flock lock = { .l_type = write ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(file->fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES))
		return -EBUSY;
	return 0;
}

static int find_size(struct block_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st))
		return -errno;
	file->is_device = S_ISBLK(st.st_mode);
	file->had_name = st.st_nlink;
	if (file->is_device) {
		if (ioctl(file->fd, BLKGETSIZE64, &file->file_size))
			return -errno;
	} else if (S_ISREG(st.st_mode)) {
		file->file_size = (uint64_t)st.st_size;
	} else {
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
	}
	file->backend.size = (file->file_size + BLOCK_SECTOR - 1) / BLOCK_SECTOR * BLOCK_SECTOR;
	return 0;
}

static int open_file(struct block_file *file, bool write, char *error, size_t error_size)
{
	const char *path = file->backend.name;
	int err;

	/* O_NONBLOCK: a FIFO must not hang us before we can refuse it. */
	file->fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return block_fail(
			error, error_size, -errno, "cannot open disk '%s': %s%s", path, strerror(errno),
			write && (errno == EACCES || errno == EROFS) ? " (add ,ro or ,snapshot to read only)"
								     : "");
	err = find_size(file);
	if (err == -ENOTBLK)
		return block_fail(error, error_size, err, "disk '%s' is neither a file nor a block device",
				  path);
	if (err)
		return block_fail(error, error_size, err, "cannot use disk '%s': %s", path, strerror(-err));
	err = lock_file(file, write);
	if (err)
		return block_fail(error, error_size, err, "disk '%s' is in use by another process", path);
	return 0;
}

int block_file_open(struct block_backend **backend, const char *name, bool write, char *error,
		    size_t error_size)
{
	struct block_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return block_fail(error, error_size, -ENOMEM, "out of memory for disk '%s'", name);
	file->fd = -1;
	file->backend = (struct block_backend){ .ops = &file_ops, .name = name, .read_only = !write };
	err = open_file(file, write, error, error_size);
	if (err) {
		file_close(&file->backend);
		return err;
	}
	if (file->backend.size != file->file_size)
		fprintf(stderr,
			"bixi: disk '%s': its size is no multiple of %d bytes; the last sector ends in "
			"zeros\n",
			name, BLOCK_SECTOR);
	*backend = &file->backend;
	return 0;
}
