/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * 9P2000.L: extended attributes.  A fid stands for an attribute's value while it is read or written; what is
 * written takes effect when the client clunks the fid.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "machine/host/p9_impl.h"

/*
 * Where the functions for attributes find @node: they take neither a directory's descriptor nor one of
 * O_PATH, but the l...xattr() ones do not follow the last name.
 */
struct place {
	char path[sizeof("/proc/self/fd/2147483647/") + P9_NAME_MAX];
};

static int find_place(struct p9_server *server, struct p9_node *node, struct place *place)
{
	const char *name;
	int at, error = p9_place(server, node, &at, &name);

	if (!error)
		snprintf(place->path, sizeof(place->path), "/proc/self/fd/%d/%s", at, name);
	return error;
}

static struct p9_xattr *xattr_new(struct p9_server *server, const char *name, uint64_t size, int *error)
{
	struct p9_xattr *xattr;

	*error = -ENFILE;
	if (server->xattr_count >= P9_XATTRS)
		return NULL;
	*error = -ENOMEM;
	xattr = calloc(1, sizeof(*xattr) + size);
	if (!xattr)
		return NULL;
	xattr->size = size;
	memcpy(xattr->name, name, strlen(name));
	server->xattr_count++;
	return xattr;
}

/* Reads attribute @name, or the list of attributes if it is empty. */
static int xattr_load(struct p9_server *server, const struct place *place, const char *name,
		      struct p9_xattr **result)
{
	struct p9_xattr *xattr;
	ssize_t n = *name ? lgetxattr(place->path, name, NULL, 0) : llistxattr(place->path, NULL, 0);
	int error;

	if (n < 0)
		return -errno;
	xattr = xattr_new(server, name, (uint64_t)n, &error);
	if (!xattr)
		return error;
	if (n)
		n = *name ? lgetxattr(place->path, name, xattr->value, xattr->size)
			  : llistxattr(place->path, (char *)xattr->value, xattr->size);
	if (n < 0) {
		error = -errno;
		server->xattr_count--;
		free(xattr);
		return error;
	}
	xattr->size = (uint64_t)n;
	*result = xattr;
	return 0;
}

int p9_xattrwalk(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid, *new;
	const char *name = call->argument[2].text;
	struct p9_xattr *xattr = NULL;
	struct place place;
	int error;

	if (strlen(name) > P9_NAME_MAX)
		return -ERANGE;
	error = find_place(server, fid->node, &place);
	if (!error)
		error = xattr_load(server, &place, name, &xattr);
	if (error)
		return error;
	fid->node->refs++;
	new = p9_fid_add(server, (uint32_t)call->argument[1].number, fid->node, fid->uid, &error);
	if (!new) {
		server->xattr_count--;
		free(xattr);
		return error;
	}
	new->kind = P9_FID_XATTR_READ;
	new->xattr = xattr;
	p9_put(call, xattr->size, 8);
	return 0;
}

int p9_xattrcreate(struct p9_server *server, struct p9_call *call)
{
	struct p9_fid *fid = call->argument[0].fid;
	const char *name = call->argument[1].text;
	const uint64_t size = call->argument[2].number, flags = call->argument[3].number;
	int error;

	if (fid->kind != P9_FID_NAME || !*name || flags & ~(uint64_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (strlen(name) > P9_NAME_MAX)
		return -ERANGE;
	if (size > P9_XATTR_MAX)
		return -E2BIG;
	fid->xattr = xattr_new(server, name, size, &error);
	if (!fid->xattr)
		return error;
	fid->xattr->flags = (uint32_t)flags;
	fid->kind = P9_FID_XATTR_CREATE;
	return 0;
}

/* Copies between the value from @offset on and the request's pieces; returns how much. */
static size_t copy(struct p9_xattr *xattr, struct p9_request *request, uint64_t offset, uint64_t size,
		   bool out)
{
	uint8_t *at = xattr->value + offset;
	size_t done = 0;

	for (unsigned i = 0; i < request->data_count && done < size; i++) {
		const struct iovec *piece = &request->data[i];
		const size_t n = piece->iov_len < size - done ? piece->iov_len : (size_t)size - done;

		if (out)
			memcpy(piece->iov_base, at + done, n);
		else
			memcpy(at + done, piece->iov_base, n);
		done += n;
	}
	return done;
}

int p9_xattr_read(struct p9_fid *fid, struct p9_request *request, uint64_t offset, size_t size)
{
	struct p9_xattr *xattr = fid->xattr;

	if (offset >= xattr->size)
		return 0;
	return (int)copy(xattr, request, offset, size < xattr->size - offset ? size : xattr->size - offset,
			 true);
}

int p9_xattr_write(struct p9_fid *fid, struct p9_request *request, uint64_t offset)
{
	struct p9_xattr *xattr = fid->xattr;

	/* In order, so that no byte is left out. */
	if (offset != xattr->filled || request->data_size > P9_XATTR_MAX)
		return -EINVAL;
	xattr->filled += copy(xattr, request, offset, xattr->size - offset, false);
	return (int)(xattr->filled - offset);
}

/* Linux removes an attribute by replacing it with nothing. */
int p9_xattr_finish(struct p9_server *server, struct p9_fid *fid)
{
	struct p9_xattr *xattr = fid->xattr;
	struct place place;
	int error = find_place(server, fid->node, &place);

	if (error)
		return error;
	if (xattr->filled != xattr->size)
		return -EINVAL;
	if (!xattr->size && xattr->flags == XATTR_REPLACE)
		return lremovexattr(place.path, xattr->name) ? -errno : 0;
	return lsetxattr(place.path, xattr->name, xattr->value, xattr->size, (int)xattr->flags) ? -errno : 0;
}
