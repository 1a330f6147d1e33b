/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * 9P2000.L: opening files, their contents, their attributes, and the lists of directories.  Data moves
 * between the host's file and the request's own pieces of memory without a copy.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "machine/host/p9_impl.h"

/* Open flags of the protocol: those of Linux on most architectures, whatever the host's are. */
static const struct open_flag {
	uint32_t theirs;
	int ours;
} open_flags[] = {
	{ 0000200, O_EXCL },  { 0001000, O_TRUNC },	{ 0002000, O_APPEND },
	{ 0010000, O_DSYNC }, { 0200000, O_DIRECTORY }, { 04000000, O_SYNC & ~O_DSYNC },
};

#define ACCESS_MODE 03u

/* What Tsetattr changes. */
enum {
	SET_MODE = 0x001,
	SET_UID = 0x002,
	SET_GID = 0x004,
	SET_SIZE = 0x008,
	SET_ATIME = 0x010,
	SET_MTIME = 0x020,
	SET_CTIME = 0x040,
	SET_ATIME_TO = 0x080, /* to the time given, else to now */
	SET_MTIME_TO = 0x100,
};

#define GETATTR_BASIC  0x7ff	  /* what Rgetattr says is valid: all that stat() has */
#define FILE_SYSTEM    0x01021997 /* its type for statfs(): 9P */
#define DIRENT_SIZE(n) (24 + (n)) /* of an entry in Rreaddir with a name of n bytes */
#define TAKE_FROM_HOST 6 / 7	  /* of the bytes asked for: what is read there fits in any case */

static int host_flags(uint64_t theirs)
{
	int flags = 0;

	switch (theirs & ACCESS_MODE) {
	case 0:
		flags = O_RDONLY;
		break;
	case 1:
		flags = O_WRONLY;
		break;
	default:
		flags = O_RDWR;
	}
	for (size_t i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++)
		if (theirs & open_flags[i].theirs)
			flags |= open_flags[i].ours;
	return flags;
}

/* The fid is open: its qid, and no wish for a size of reads and writes but the message's. */
static int answer_open(struct p9_server *server, struct p9_call *call, struct p9_fid *fid)
{
	struct stat st;

	if (fstat(fid->fd, &st))
		return -errno;
	p9_put_qid(call, p9_qid(server, &st));
	p9_put(call, 0, 4);
	return 0;
}

int p9_lopen(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	const int flags = host_flags(call->argument[1].number) & ~O_EXCL;
	enum p9_fid_kind kind;
	int fd, error;

	if (fid->kind != P9_FID_NAME)
		return -EINVAL;
	if (server->read_only && ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC))
		return -EROFS;
	error = p9_open_node(server, fid->node, flags, &kind, &fd);
	if (error)
		return error;
	p9_fid_opened(server, fid, kind, fd, flags);
	return answer_open(server, call, fid);
}

/* Makes the file, or opens it if it is there already and the guest does not mind. */
static int create_file(struct p9_server *server, struct p9_call *call, struct p9_node *node, int flags,
		       int *fd)
{
	const mode_t mode = (mode_t)call->argument[3].number & 07777;
	const int at = p9_directory(server, node->parent);
	enum p9_fid_kind kind;
	int error;

	if (at < 0)
		return at;
	if (server->open_count >= server->open_max)
		return -ENFILE;
	*fd = openat(at, node->name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
	if (*fd >= 0) {
		p9_own(server, *fd, call->argument[0].fid->uid, (uint32_t)call->argument[4].number, mode);
		return 0;
	}
	if (errno != EEXIST || flags & O_EXCL)
		return -errno;
	error = p9_open_node(server, node, flags, &kind, fd);
	if (!error && kind != P9_FID_FILE) {
		close(*fd);
		error = -EISDIR;
	}
	return error;
}

int p9_lcreate(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	const int flags = host_flags(call->argument[2].number) & ~O_DIRECTORY;
	struct p9_node *node;
	int fd, error;

	if (fid->kind != P9_FID_NAME)
		return -EINVAL;
	node = p9_child(server, fid->node, call->argument[1].text, &error);
	if (!node)
		return error;
	error = create_file(server, call, node, flags, &fd);
	if (error) {
		p9_node_put(server, node);
		return error;
	}
	p9_fid_move(server, fid, node);
	p9_fid_opened(server, fid, P9_FID_FILE, fd, flags);
	return answer_open(server, call, fid);
}

/* Contents. */

/* Shortens the request's pieces to @size bytes; returns how many bytes there are. */
static size_t limit_data(struct p9_request *request, uint64_t size)
{
	size_t left = size < request->data_size ? (size_t)size : request->data_size, total = left;
	unsigned count = 0;

	while (left && count < request->data_count) {
		struct iovec *piece = &request->data[count++];

		if (piece->iov_len > left)
			piece->iov_len = left;
		left -= piece->iov_len;
	}
	request->data_count = count;
	return total - left;
}

int p9_read(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	struct p9_request *request = call->request;
	const uint64_t offset = call->argument[1].number;
	uint64_t count = call->argument[2].number;
	ssize_t n;

	if (count > server->msize - P9_READ_HEADER)
		count = server->msize - P9_READ_HEADER;
	count = limit_data(request, count);
	if (fid->kind == P9_FID_XATTR_READ) {
		n = p9_xattr_read(fid, request, offset, count);
	} else {
		if (fid->kind != P9_FID_FILE)
			return fid->kind == P9_FID_DIRECTORY ? -EISDIR : -EBADF;
		do
			n = preadv(fid->fd, request->data, (int)request->data_count, (off_t)offset);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
	}
	request->data_read = (size_t)n;
	p9_put(call, (uint64_t)n, 4);
	return 0;
}

int p9_write(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	struct p9_request *request = call->request;
	const uint64_t offset = call->argument[1].number;
	const uint64_t count = call->argument[2].number;
	ssize_t n;

	if (count > request->data_size)
		return -EBADMSG;
	limit_data(request, count);
	if (fid->kind == P9_FID_XATTR_CREATE) {
		n = p9_xattr_write(fid, request, offset);
		if (n < 0)
			return (int)n;
	} else {
		if (fid->kind != P9_FID_FILE)
			return -EBADF;
		do
			n = pwritev(fid->fd, request->data, (int)request->data_count, (off_t)offset);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
	}
	p9_put(call, (uint64_t)n, 4);
	return 0;
}

int p9_fsync(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	uint64_t data_only = 0;

	p9_get(call, 4, &data_only); /* old clients leave it out */
	if (fid->fd < 0)
		return -EBADF;
	if ((data_only ? fdatasync(fid->fd) : fsync(fid->fd)) == 0)
		return 0;
	/* File systems without anything to sync say so. */
	return errno == EINVAL ? 0 : -errno;
}

/* Lists. */

/* The host's struct linux_dirent64. */
struct host_entry {
	uint64_t ino;
	int64_t next; /* where the entry after it begins */
	uint16_t size;
	uint8_t type;
	char name[];
};

static void put_entry(struct p9_server *server, struct p9_call *call, struct p9_fid *fid, dev_t dev,
		      const struct host_entry *entry)
{
	struct stat st = { .st_dev = dev, .st_ino = entry->ino, .st_mode = DTTOIF(entry->type) };
	struct p9_qid qid;

	/* What lies above the shared folder is nobody's business. */
	if (!fid->node->parent && strcmp(entry->name, "..") == 0)
		st.st_ino = fid->node->ino;
	qid = p9_qid(server, &st);
	qid.version = 0; /* not known without looking at each */
	p9_put_qid(call, qid);
	p9_put(call, (uint64_t)entry->next, 8);
	p9_put(call, entry->type, 1);
	p9_put_text(call, entry->name, strlen(entry->name));
}

int p9_readdir(struct p9_server *server, struct p9_call *call)
{
	_Static_assert(offsetof(struct host_entry, name) == 19, "as the kernel has it");
	struct p9_fid *fid = call->argument[0].fid;
	const uint64_t offset = call->argument[1].number;
	uint64_t room = call->request->reply_room - P9_READ_HEADER;
	uint8_t *start;
	struct stat st;
	long n;

	if (fid->kind != P9_FID_DIRECTORY)
		return -EBADF;
	if (call->argument[2].number < room)
		room = call->argument[2].number;
	if (fstat(fid->fd, &st))
		return -errno;
	if (fid->position != offset || !offset) {
		if (lseek(fid->fd, (off_t)offset, SEEK_SET) < 0)
			return -errno;
		fid->position = offset;
	}
	n = syscall(SYS_getdents64, fid->fd, server->entries, (size_t)room * TAKE_FROM_HOST);
	if (n < 0)
		return -errno;
	start = call->end;
	call->end += 4;
	for (long at = 0; at < n;) {
		const struct host_entry *entry = (const struct host_entry *)(server->entries + at);

		if (DIRENT_SIZE(strlen(entry->name)) > room) {
			fid->position = UINT64_MAX; /* fd stands further on */
			break;
		}
		put_entry(server, call, fid, st.st_dev, entry);
		room -= DIRENT_SIZE(strlen(entry->name));
		fid->position = (uint64_t)entry->next;
		at += entry->size;
	}
	memcpy(start, &(uint32_t){ (uint32_t)(call->end - start - 4) }, 4);
	return 0;
}

/* Attributes. */

static void put_time(struct p9_call *call, const struct timespec *time)
{
	p9_put(call, (uint64_t)time->tv_sec, 8);
	p9_put(call, (uint64_t)time->tv_nsec, 8);
}

int p9_getattr(struct p9_server *server, struct p9_call *call)
{
	static const struct timespec unknown;
	struct stat st;
	int error = p9_fid_stat(server, call->argument[0].fid, &st);

	if (error)
		return error;
	p9_put(call, GETATTR_BASIC, 8);
	p9_put_qid(call, p9_qid(server, &st));
	p9_put(call, st.st_mode, 4);
	p9_put(call, st.st_uid, 4);
	p9_put(call, st.st_gid, 4);
	p9_put(call, st.st_nlink, 8);
	p9_put(call, st.st_rdev, 8);
	p9_put(call, (uint64_t)st.st_size, 8);
	p9_put(call, (uint64_t)st.st_blksize, 8);
	p9_put(call, (uint64_t)st.st_blocks, 8);
	put_time(call, &st.st_atim);
	put_time(call, &st.st_mtim);
	put_time(call, &st.st_ctim);
	put_time(call, &unknown); /* of birth */
	p9_put(call, 0, 8);	  /* generation */
	p9_put(call, 0, 8);	  /* version of the data */
	return 0;
}

/* What Tsetattr works on: the open file if there is one, else an O_PATH descriptor that the caller closes. */
struct target {
	int path; /* or fd: anything the *at() functions take with an empty name */
	bool close;
	mode_t mode;
};

static int find_target(struct p9_server *server, struct p9_fid *fid, struct target *target)
{
	struct stat st;

	target->path = fid->fd;
	target->close = false;
	if (fid->fd < 0) {
		target->path = p9_open_path(server, fid->node);
		target->close = target->path >= 0;
	}
	if (target->path == -ENOENT && fid->node->open)
		target->path = fid->node->open->fd;
	if (target->path < 0)
		return target->path;
	if (fstat(target->path, &st)) {
		int error = -errno;

		if (target->close)
			close(target->path);
		return error;
	}
	target->mode = st.st_mode;
	return 0;
}

static int set_size(struct p9_server *server, struct p9_fid *fid, const struct target *target, uint64_t size)
{
	int fd, error;

	if (!S_ISREG(target->mode))
		return S_ISDIR(target->mode) ? -EISDIR : -EINVAL;
	if (size > INT64_MAX)
		return -EFBIG;
	if (fid->kind == P9_FID_FILE && (fid->flags & O_ACCMODE) != O_RDONLY)
		return ftruncate(fid->fd, (off_t)size) ? -errno : 0;
	fd = p9_reopen(server, target->path, O_WRONLY);
	if (fd < 0)
		return fd;
	error = ftruncate(fd, (off_t)size) ? -errno : 0;
	close(fd);
	return error;
}

static int set_mode(struct p9_server *server, const struct target *target, mode_t mode)
{
	char number[16];

	if (S_ISLNK(target->mode))
		return -EOPNOTSUPP;
	snprintf(number, sizeof(number), "%d", target->path);
	return fchmodat(server->proc_fd, number, mode & 07777, 0) ? -errno : 0;
}

static struct timespec time_argument(const union p9_argument *argument, bool change, bool given)
{
	struct timespec time = { .tv_nsec = change ? UTIME_NOW : UTIME_OMIT };

	if (change && given)
		time = (struct timespec){ (time_t)argument[0].number, (long)argument[1].number };
	return time;
}

static int set_times(const struct target *target, const union p9_argument *argument, uint64_t valid)
{
	const struct timespec times[2] = {
		time_argument(argument, valid & SET_ATIME, valid & SET_ATIME_TO),
		time_argument(argument + 2, valid & SET_MTIME, valid & SET_MTIME_TO),
	};

	for (unsigned i = 0; i < 2; i++)
		if (times[i].tv_nsec < 0 || (times[i].tv_nsec > 999999999 && times[i].tv_nsec != UTIME_NOW &&
					     times[i].tv_nsec != UTIME_OMIT))
			return -EINVAL;
	return utimensat(target->path, "", times, AT_EMPTY_PATH) ? -errno : 0;
}

static int change_target(struct p9_server *server, struct p9_call *call, const struct target *target)
{
	const union p9_argument *argument = call->argument;
	const uint64_t valid = argument[1].number;
	int error = 0;

	/* A change of owner clears set-id bits: first that, then the mode. */
	if (valid & (SET_UID | SET_GID)) {
		const uid_t uid = valid & SET_UID ? (uid_t)argument[3].number : (uid_t)-1;
		const gid_t gid = valid & SET_GID ? (gid_t)argument[4].number : (gid_t)-1;

		error = fchownat(target->path, "", uid, gid, AT_EMPTY_PATH) ? -errno : 0;
	}
	if (!error && valid & SET_MODE)
		error = set_mode(server, target, (mode_t)argument[2].number);
	if (!error && valid & SET_SIZE)
		error = set_size(server, argument[0].fid, target, argument[5].number);
	if (!error && valid & (SET_ATIME | SET_MTIME))
		error = set_times(target, argument + 6, valid);
	return error;
}

int p9_setattr(struct p9_server *server, struct p9_call *call)
{
	struct target target;
	int error = find_target(server, call->argument[0].fid, &target);

	if (error)
		return error;
	error = change_target(server, call, &target);
	if (target.close)
		close(target.path);
	return error;
}

int p9_statfs(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	const char *name;
	struct statfs fs;
	int at = fid->fd, error = 0;
	uint64_t id;

	if (at < 0)
		error = p9_place(server, fid->node, &at, &name);
	if (!error && fstatfs(at, &fs))
		error = -errno;
	if (error)
		return error;
	memcpy(&id, &fs.f_fsid, sizeof(id));
	p9_put(call, FILE_SYSTEM, 4);
	p9_put(call, (uint64_t)fs.f_bsize, 4);
	p9_put(call, fs.f_blocks, 8);
	p9_put(call, fs.f_bfree, 8);
	p9_put(call, fs.f_bavail, 8);
	p9_put(call, fs.f_files, 8);
	p9_put(call, fs.f_ffree, 8);
	p9_put(call, id, 8);
	p9_put(call, P9_NAME_MAX, 4);
	return 0;
}
