/* SPDX-License-Identifier: MulanPSL-2.0 */
/* 9P2000.L: walking, and making, renaming and removing the entries of directories. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "machine/host/p9_impl.h"

#define WALK_MAX	 16
#define UNLINK_DIRECTORY 0x200 /* of Tunlinkat: AT_REMOVEDIR */

/* One step: to the parent, never above the shared folder, or into a directory; it moves *@node on. */
static int step(struct p9_server *server, struct p9_node **node, const char *name, struct stat *st)
{
	struct p9_node *next;
	int at, error = 0;

	if (strlen(name) > P9_NAME_MAX)
		return -ENAMETOOLONG;
	if (strcmp(name, "..") == 0) {
		next = (*node)->parent ? (*node)->parent : *node;
		error = p9_place(server, next, &at, &name);
		if (error)
			return error;
		next->refs++;
	} else {
		if (!p9_name_is_good(name))
			return -EINVAL;
		at = p9_directory(server, *node);
		if (at < 0)
			return at;
		next = p9_child(server, *node, name, &error);
		if (!next)
			return error;
	}
	if (fstatat(at, name, st, AT_SYMLINK_NOFOLLOW)) {
		error = -errno;
		p9_node_put(server, next);
		return error;
	}
	p9_seen(server, next, st);
	p9_node_put(server, *node);
	*node = next;
	return 0;
}

/* Gives the node reached to the new fid, or to the old one when the client names it twice. */
static int settle(struct p9_server *server, struct p9_fid *fid, uint32_t number, struct p9_node *node)
{
	int error = 0;

	if (fid->link.key != number) {
		p9_fid_add(server, number, node, fid->uid, &error);
	} else if (fid->kind == P9_FID_NAME) {
		p9_fid_move(server, fid, node);
	} else {
		p9_node_put(server, node);
		error = -EINVAL;
	}
	return error;
}

int p9_walk(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	const uint64_t count = call->argument[2].number;
	uint8_t *answer = call->end;
	struct p9_node *node = fid->node;
	uint16_t done = 0;
	int error = 0;

	if (count > WALK_MAX || fid->xattr)
		return -EINVAL;
	node->refs++;
	call->end += 2;
	while (done < count) {
		const char *name;
		struct stat st;

		error = p9_get_text(call, &name) ? step(server, &node, name, &st) : -EINVAL;
		if (error)
			break;
		p9_put_qid(call, p9_qid(server, &st));
		done++;
	}
	memcpy(answer, &done, 2);
	if (done == count)
		return settle(server, fid, (uint32_t)call->argument[1].number, node);
	p9_node_put(server, node);
	return done ? 0 : error; /* part of the way: the answer says how far, and there is no new fid */
}

int p9_clunk(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	const int error = fid->kind == P9_FID_XATTR_CREATE ? p9_xattr_finish(server, fid) : 0;

	p9_fid_remove(server, fid);
	return error;
}

/* Removing. */

static int remove_entry(struct p9_server *server, struct p9_node *parent, const char *name, int flags)
{
	const int at = p9_directory(server, parent);

	if (at < 0)
		return at;
	if (unlinkat(at, name, flags))
		return -errno;
	p9_name_removed(server, parent, name);
	return 0;
}

int p9_unlinkat(struct p9_server *server, struct p9_call *call)
{
	const uint64_t flags = call->argument[2].number;

	if (flags & ~(uint64_t)UNLINK_DIRECTORY)
		return -EINVAL;
	return remove_entry(server, call->argument[0].fid->node, call->argument[1].text,
			    flags ? AT_REMOVEDIR : 0);
}

static int remove_node(struct p9_server *server, struct p9_fid *fid)
{
	struct p9_node *node = fid->node;
	const char *name;
	struct stat st;
	int at, error;

	if (fid->kind == P9_FID_LOST)
		return -ESTALE;
	if (server->read_only)
		return -EROFS;
	if (!node->parent)
		return -EBUSY;
	error = p9_place(server, node, &at, &name);
	if (!error && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW))
		error = -errno;
	if (error)
		return error;
	return remove_entry(server, node->parent, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
}

/* The fid goes, whether the file does or not. */
int p9_remove(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	const int error = remove_node(server, fid);

	p9_fid_remove(server, fid);
	return error;
}

/* Making. */

/* Owner, mode and qid of the entry that was just made. */
static int answer_entry(struct p9_server *server, struct p9_call *call, int at, const char *name,
			uint32_t gid, mode_t mode)
{
	const int path = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int error;

	if (path < 0)
		return -errno;
	p9_own(server, path, call->argument[0].fid->uid, gid, mode);
	error = fstat(path, &st) ? -errno : 0;
	close(path);
	if (!error)
		p9_put_qid(call, p9_qid(server, &st));
	return error;
}

int p9_mkdir(struct p9_server *server, struct p9_call *call)
{
	const union p9_argument *argument = call->argument;
	const mode_t mode = (mode_t)argument[2].number & 07777;
	const int at = p9_directory(server, argument[0].fid->node);

	if (at < 0)
		return at;
	if (mkdirat(at, argument[1].text, mode))
		return -errno;
	return answer_entry(server, call, at, argument[1].text, (uint32_t)argument[3].number, mode);
}

/* A device node on the host would be a way to the host's devices; 0:0 is none (overlayfs' whiteout). */
int p9_mknod(struct p9_server *server, struct p9_call *call)
{
	const union p9_argument *argument = call->argument;
	const mode_t mode = (mode_t)argument[2].number & (S_IFMT | 07777);
	const dev_t dev = makedev((unsigned)argument[3].number, (unsigned)argument[4].number);
	int at;

	if (S_ISBLK(mode) || (S_ISCHR(mode) && dev))
		return -EPERM;
	if (!S_ISCHR(mode) && !S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	at = p9_directory(server, argument[0].fid->node);
	if (at < 0)
		return at;
	if (mknodat(at, argument[1].text, mode, 0))
		return -errno;
	return answer_entry(server, call, at, argument[1].text, (uint32_t)argument[5].number, mode & 07777);
}

int p9_symlink(struct p9_server *server, struct p9_call *call)
{
	const union p9_argument *argument = call->argument;
	const int at = p9_directory(server, argument[0].fid->node);

	if (at < 0)
		return at;
	if (symlinkat(argument[2].text, at, argument[1].text))
		return -errno;
	return answer_entry(server, call, at, argument[1].text, (uint32_t)argument[3].number, 0);
}

int p9_link(struct p9_server *server, struct p9_call *call)
{
	struct p9_node *directory = call->argument[0].fid->node;
	const char *name;
	int from, to, error = p9_place(server, call->argument[1].fid->node, &from, &name);

	if (error)
		return error;
	to = p9_directory(server, directory);
	if (to < 0)
		return to;
	return linkat(from, name, to, call->argument[2].text, 0) ? -errno : 0;
}

int p9_readlink(struct p9_server *server, struct p9_call *call)
{
	char target[PATH_MAX];
	const char *name;
	ssize_t length;
	int at, error = p9_place(server, call->argument[0].fid->node, &at, &name);

	if (error)
		return error;
	length = readlinkat(at, name, target, sizeof(target));
	if (length < 0)
		return -errno;
	p9_put_text(call, target, (size_t)length);
	return 0;
}

/* Renaming. */

static int rename_entry(struct p9_server *server, struct p9_node *from, const char *old_name,
			struct p9_node *to, const char *new_name)
{
	const int from_fd = p9_directory(server, from);
	const int to_fd = p9_directory(server, to);

	if (from_fd < 0 || to_fd < 0)
		return from_fd < 0 ? from_fd : to_fd;
	if (renameat(from_fd, old_name, to_fd, new_name))
		return -errno;
	p9_name_moved(server, from, old_name, to, new_name);
	return 0;
}

int p9_renameat(struct p9_server *server, struct p9_call *call)
{
	const union p9_argument *argument = call->argument;

	return rename_entry(server, argument[0].fid->node, argument[1].text, argument[2].fid->node,
			    argument[3].text);
}

int p9_rename(struct p9_server *server, struct p9_call *call)
{
	struct p9_node *node = call->argument[0].fid->node;

	if (!node->parent)
		return -EBUSY;
	if (node->gone)
		return -ENOENT;
	return rename_entry(server, node->parent, node->name, call->argument[1].fid->node,
			    call->argument[2].text);
}
