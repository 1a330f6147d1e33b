/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The 9P server's fids, and how what they stand for is opened: first as an O_PATH descriptor, which does
 * nothing to the file; only when that proves to be a plain file or a directory is it opened, and by way of
 * that descriptor, so that nobody can put something else in its place in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine/host/p9_impl.h"

struct p9_fid *p9_fid_find(const struct p9_server *server, uint32_t number)
{
	struct p9_link *link = p9_table_first(&server->fids, number);

	while (link && link->key != number)
		link = link->next;
	return (struct p9_fid *)link;
}

struct p9_fid *p9_fid_add(struct p9_server *server, uint32_t number, struct p9_node *node, uint32_t uid,
			  int *error)
{
	struct p9_fid *fid = NULL;

	*error = 0;
	if (number == P9_NO_FID)
		*error = -EINVAL;
	else if (p9_fid_find(server, number))
		*error = -EBADF;
	else if (server->fids.count >= P9_FIDS)
		*error = -ENFILE;
	else if (!(fid = calloc(1, sizeof(*fid))))
		*error = -ENOMEM;
	if (*error) {
		p9_node_put(server, node);
		return NULL;
	}
	fid->link.key = number;
	fid->node = node;
	fid->uid = uid;
	fid->fd = -1;
	p9_table_add(&server->fids, &fid->link);
	return fid;
}

void p9_fid_move(struct p9_server *server, struct p9_fid *fid, struct p9_node *node)
{
	p9_node_put(server, fid->node);
	fid->node = node;
}

void p9_fid_opened(struct p9_server *server, struct p9_fid *fid, enum p9_fid_kind kind, int fd, int flags)
{
	fid->kind = kind;
	fid->fd = fd;
	fid->flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC);
	fid->position = 0;
	fid->next = fid->node->open;
	fid->node->open = fid;
	server->open_count++;
}

void p9_fid_remove(struct p9_server *server, struct p9_fid *fid)
{
	if (fid->fd >= 0) {
		struct p9_fid **at = &fid->node->open;

		while (*at != fid)
			at = &(*at)->next;
		*at = fid->next;
		close(fid->fd);
		server->open_count--;
	}
	if (fid->xattr) {
		free(fid->xattr);
		server->xattr_count--;
	}
	p9_table_remove(&server->fids, &fid->link);
	p9_node_put(server, fid->node);
	free(fid);
}

int p9_fid_stat(struct p9_server *server, struct p9_fid *fid, struct stat *st)
{
	const char *name;
	int at, error;

	if (fid->fd >= 0)
		return fstat(fid->fd, st) ? -errno : 0;
	error = p9_place(server, fid->node, &at, &name);
	if (!error && fstatat(at, name, st, AT_SYMLINK_NOFOLLOW))
		error = -errno;
	if (error == -ENOENT && fid->node->open)
		return fstat(fid->node->open->fd, st) ? -errno : 0;
	return error;
}

int p9_reopen(struct p9_server *server, int path, int flags)
{
	char number[16];
	int fd;

	snprintf(number, sizeof(number), "%d", path);
	fd = openat(server->proc_fd, number, flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* Whether the thing behind an O_PATH descriptor may be opened with @flags. */
static int check_kind(int path, int flags, enum p9_fid_kind *kind)
{
	struct stat st;

	if (fstat(path, &st))
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (S_ISDIR(st.st_mode)) {
		*kind = P9_FID_DIRECTORY;
		return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC ? -EISDIR : 0;
	}
	*kind = P9_FID_FILE;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	return flags & O_DIRECTORY ? -ENOTDIR : 0;
}

int p9_open_node(struct p9_server *server, struct p9_node *node, int flags, enum p9_fid_kind *kind, int *fd)
{
	int path, error;

	if (server->open_count >= server->open_max)
		return -ENFILE;
	path = p9_open_path(server, node);
	if (path < 0)
		return path;
	error = check_kind(path, flags, kind);
	if (!error) {
		*fd = p9_reopen(server, path, flags);
		error = *fd < 0 ? *fd : 0;
	}
	close(path);
	return error;
}

/*
 * The umask of this process does not apply to what the guest makes, and on a share of root's a new file
 * belongs to the guest's user.  What the host does not allow is left as it is, as with security model
 * "none" of QEMU.
 */
void p9_own(struct p9_server *server, int path, uint32_t uid, uint32_t gid, mode_t mode)
{
	const mode_t special = S_ISUID | S_ISGID | S_ISVTX;
	char number[16];

	if (server->privileged)
		(void)!fchownat(path, "", uid, gid, AT_EMPTY_PATH);
	if (!(mode & (server->umask | special)))
		return;
	snprintf(number, sizeof(number), "%d", path);
	(void)!fchmodat(server->proc_fd, number, mode & 07777, 0);
}
