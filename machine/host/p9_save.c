/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The 9P server's fids in a snapshot: number, user, kind, flags and the path below the shared folder.  The
 * layout, little-endian: msize (4), count (4), then for each fid number (4), user (4), kind (1), flags (4),
 * length of the path (4) and the path, names with '/' between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/host/p9_impl.h"

#define FID_SIZE  17 /* without the path */
#define HEAD_SIZE 8
#define FLAGS	  (O_ACCMODE | O_APPEND | O_SYNC | O_DIRECTORY) /* that a file is opened with again */

struct bytes {
	uint8_t *data;
	size_t size, room;
};

/* Makes room for @size bytes; NULL: no memory. */
static uint8_t *extend(struct bytes *bytes, size_t size)
{
	if (bytes->room - bytes->size < size) {
		const size_t room = 2 * bytes->room + size + 4096;
		uint8_t *data = realloc(bytes->data, room);

		if (!data)
			return NULL;
		bytes->data = data;
		bytes->room = room;
	}
	bytes->size += size;
	return bytes->data + bytes->size - size;
}

static size_t path_length(const struct p9_node *node)
{
	size_t length = 0;

	for (; node->parent; node = node->parent)
		length += strlen(node->name) + (length ? 1 : 0);
	return length;
}

static bool path_is_gone(const struct p9_node *node)
{
	while (node && !node->gone)
		node = node->parent;
	return node;
}

/* From its end. */
static void put_path(const struct p9_node *node, uint8_t *start, size_t length)
{
	uint8_t *at = start + length;

	for (; node->parent; node = node->parent) {
		const size_t n = strlen(node->name);

		at -= n;
		memcpy(at, node->name, n);
		if (at > start)
			*--at = '/';
	}
}

/* What cannot be found again by name is lost, and so is an attribute half written. */
static int save_fid(const struct p9_fid *fid, struct bytes *bytes)
{
	const bool lost = fid->xattr || path_is_gone(fid->node);
	const uint32_t number = (uint32_t)fid->link.key, flags = (uint32_t)fid->flags & FLAGS;
	const uint32_t length = lost ? 0 : (uint32_t)path_length(fid->node);
	uint8_t *at = extend(bytes, FID_SIZE + (size_t)length);

	if (!at)
		return -ENOMEM;
	memcpy(at, &number, 4);
	memcpy(at + 4, &fid->uid, 4);
	at[8] = lost ? P9_FID_LOST : (uint8_t)fid->kind;
	memcpy(at + 9, &flags, 4);
	memcpy(at + 13, &length, 4);
	if (!lost)
		put_path(fid->node, at + FID_SIZE, length);
	return 0;
}

int p9_server_save(const struct p9_server *server, uint8_t **data, size_t *size)
{
	const uint32_t count = (uint32_t)server->fids.count;
	struct bytes bytes = { 0 };
	uint8_t *head = extend(&bytes, HEAD_SIZE);
	int error = head ? 0 : -ENOMEM;

	if (head) {
		memcpy(head, &server->msize, 4);
		memcpy(head + 4, &count, 4);
	}
	for (size_t i = 0; !error && i < server->fids.size; i++)
		for (struct p9_link *link = server->fids.bucket[i]; !error && link; link = link->next)
			error = save_fid((struct p9_fid *)link, &bytes);
	if (!error && bytes.size > P9_STATE_MAX)
		error = -ENOMEM;
	if (error) {
		free(bytes.data);
		return error;
	}
	*data = bytes.data;
	*size = bytes.size;
	return 0;
}

/* The node of a path, with a reference; NULL: -*error. */
static struct p9_node *find_node(struct p9_server *server, const uint8_t *path, size_t length, int *error)
{
	struct p9_node *node = server->root;

	node->refs++;
	while (length) {
		const uint8_t *slash = memchr(path, '/', length);
		const size_t n = slash ? (size_t)(slash - path) : length;
		struct p9_node *next = NULL;
		char name[P9_NAME_MAX + 1];

		*error = -EINVAL;
		if (n <= P9_NAME_MAX && !memchr(path, 0, n)) {
			memcpy(name, path, n);
			name[n] = 0;
			if (p9_name_is_good(name))
				next = p9_child(server, node, name, error);
		}
		p9_node_put(server, node);
		if (!next)
			return NULL;
		node = next;
		path += n + (slash ? 1 : 0);
		length -= n + (slash ? 1 : 0);
	}
	return node;
}

/* A file that is gone, or something else now, is the guest's loss, not the snapshot's fault. */
static void open_again(struct p9_server *server, struct p9_fid *fid, enum p9_fid_kind kind, int flags)
{
	enum p9_fid_kind found;
	int fd;

	if (kind == P9_FID_NAME)
		return;
	fid->kind = P9_FID_LOST;
	if (kind == P9_FID_LOST || (server->read_only && (flags & O_ACCMODE) != O_RDONLY) ||
	    p9_open_node(server, fid->node, flags, &found, &fd))
		return;
	if (found == kind)
		p9_fid_opened(server, fid, kind, fd, flags);
	else
		close(fd);
}

static int load_fid(struct p9_server *server, const uint8_t **data, size_t *size)
{
	const uint8_t *at = *data;
	uint32_t number, uid, flags, length;
	struct p9_node *node;
	struct p9_fid *fid;
	int error;

	if (*size < FID_SIZE)
		return -EINVAL;
	memcpy(&number, at, 4);
	memcpy(&uid, at + 4, 4);
	memcpy(&flags, at + 9, 4);
	memcpy(&length, at + 13, 4);
	*data += FID_SIZE;
	*size -= FID_SIZE;
	if (*size < length || (at[8] != P9_FID_NAME && at[8] != P9_FID_FILE && at[8] != P9_FID_DIRECTORY &&
			       at[8] != P9_FID_LOST))
		return -EINVAL;
	node = find_node(server, *data, length, &error);
	if (!node)
		return error;
	*data += length;
	*size -= length;
	fid = p9_fid_add(server, number, node, uid, &error);
	if (!fid)
		return error == -EBADF ? -EINVAL : error;
	open_again(server, fid, at[8], (int)flags & FLAGS);
	p9_trim(server);
	return 0;
}

int p9_server_load(struct p9_server *server, const uint8_t *data, size_t size)
{
	uint32_t count, msize;
	int error = 0;

	p9_server_reset(server);
	if (size < HEAD_SIZE)
		return -EINVAL;
	memcpy(&msize, data, 4);
	memcpy(&count, data + 4, 4);
	data += HEAD_SIZE;
	size -= HEAD_SIZE;
	while (count-- && !error)
		error = load_fid(server, &data, &size);
	/* A session whose messages could be smaller than their heads, or fids without a session, are made up.
	 */
	if (!error && (size || msize > P9_MSIZE_MAX || (msize && msize < P9_MSIZE_MIN) ||
		       (!msize && server->fids.count)))
		error = -EINVAL;
	if (error)
		p9_server_reset(server);
	else
		server->msize = msize;
	return error;
}
