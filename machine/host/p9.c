/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * 9P2000.L messages: taking them apart by a table, sessions, and the answers.  What the operations do is in
 * p9_file.c, p9_name.c and p9_xattr.c.  As requests are carried out one after another, a Tflush always comes
 * after the answer to what it would flush.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "machine/host/p9_impl.h"

#define VERSION "9P2000.L"
#define RLERROR 7

#define QID_DIRECTORY 0x80
#define QID_SYMLINK   0x02

#define LOCK_SUCCESS  0
#define LOCK_UNLOCKED 2 /* the type in Rgetlock: nobody is in the way */

static p9_handler run_version, run_auth, run_attach, run_flush, run_lock, run_getlock;

/*
 * The messages.  Arguments: 1, 2, 4 and 8 are numbers of so many bytes, f is a fid the client has, F one
 * that may also be lost, s a text, n a text that must be one name in a directory.
 */
#define CHANGES 1 /* refused when the folder is shared read-only */

static const struct message {
	const char *name, *arguments;
	p9_handler *run;
	unsigned flags;
} messages[] = {
	[8] = { "look at the file system", "f", p9_statfs, 0 },
	[12] = { "open", "f4", p9_lopen, 0 },
	[14] = { "create a file", "fn444", p9_lcreate, CHANGES },
	[16] = { "make a symbolic link", "fns4", p9_symlink, CHANGES },
	[18] = { "make a node", "fn4444", p9_mknod, CHANGES },
	[20] = { "rename", "ffn", p9_rename, CHANGES },
	[22] = { "read a symbolic link", "f", p9_readlink, 0 },
	[24] = { "look at a file", "f8", p9_getattr, 0 },
	[26] = { "change attributes", "f444488888", p9_setattr, CHANGES },
	[30] = { "read an attribute", "f4s", p9_xattrwalk, 0 },
	[32] = { "write an attribute", "fs84", p9_xattrcreate, CHANGES },
	[40] = { "read a directory", "f84", p9_readdir, 0 },
	[50] = { "sync", "f", p9_fsync, 0 },
	[52] = { "lock", "f14884s", run_lock, 0 },
	[54] = { "look at locks", "f1884s", run_getlock, 0 },
	[70] = { "make a link", "ffn", p9_link, CHANGES },
	[72] = { "make a directory", "fn44", p9_mkdir, CHANGES },
	[74] = { "rename", "fnfn", p9_renameat, CHANGES },
	[76] = { "remove", "fn4", p9_unlinkat, CHANGES },
	[100] = { "agree on a version", "4s", run_version, 0 },
	[102] = { "authenticate", "", run_auth, 0 },
	[104] = { "attach", "44ss4", run_attach, 0 },
	[108] = { "flush", "2", run_flush, 0 },
	[110] = { "walk", "f42", p9_walk, 0 },
	[P9_TREAD] = { "read", "f84", p9_read, 0 },
	[P9_TWRITE] = { "write", "f84", p9_write, 0 },
	[120] = { "close", "F", p9_clunk, 0 },
	[122] = { "remove", "F", p9_remove, 0 },
};

#define TVERSION 100

/* Taking messages apart, putting answers together. */

static uint64_t little_endian(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	memcpy(&value, bytes, count);
	return value;
}

bool p9_get(struct p9_call *call, unsigned bytes, uint64_t *value)
{
	if (call->rest_size < bytes)
		return false;
	*value = little_endian(call->rest, bytes);
	call->rest += bytes;
	call->rest_size -= bytes;
	return true;
}

/* A text has its length before it; it is moved over that to make room for the 0 at its end. */
bool p9_get_text(struct p9_call *call, const char **text)
{
	uint64_t length;
	uint8_t *start;

	if (!p9_get(call, 2, &length) || call->rest_size < length || memchr(call->rest, 0, length))
		return false;
	start = (uint8_t *)call->rest - 1;
	memmove(start, call->rest, length);
	start[length] = 0;
	*text = (const char *)start;
	call->rest += length;
	call->rest_size -= length;
	return true;
}

bool p9_name_is_good(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

void p9_put(struct p9_call *call, uint64_t value, unsigned bytes)
{
	memcpy(call->end, &value, bytes);
	call->end += bytes;
}

void p9_put_text(struct p9_call *call, const char *text, size_t length)
{
	p9_put(call, length, 2);
	memcpy(call->end, text, length);
	call->end += length;
}

void p9_put_qid(struct p9_call *call, struct p9_qid qid)
{
	p9_put(call, qid.type, 1);
	p9_put(call, qid.version, 4);
	p9_put(call, qid.path, 8);
}

/* A good mix of two numbers (the finalizer of splitmix64). */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/*
 * A file's identity.  On the folder's own file system it is the inode's number; numbers of others that are
 * mounted inside of it are mixed with the device's and told apart by the top bit, so that it does not depend
 * on what was looked at first.  A version of 0 would tell Linux that the file cannot be cached.
 */
struct p9_qid p9_qid(const struct p9_server *server, const struct stat *st)
{
	const uint64_t foreign = UINT64_C(1) << 63;
	uint64_t version =
		mix(mix((uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec), (uint64_t)st->st_size);
	struct p9_qid qid = { .version = (uint32_t)version | 1, .path = st->st_ino };

	if (S_ISDIR(st->st_mode))
		qid.type = QID_DIRECTORY;
	else if (S_ISLNK(st->st_mode))
		qid.type = QID_SYMLINK;
	if (st->st_dev != server->dev || st->st_ino & foreign)
		qid.path = mix(st->st_dev, st->st_ino) | foreign;
	return qid;
}

/* Sessions. */

static int run_version(struct p9_server *server, struct p9_call *call)
{
	const uint64_t msize = call->argument[0].number;
	const bool known = strcmp(call->argument[1].text, VERSION) == 0;
	const char *version = known ? VERSION : "unknown";

	if (msize < P9_MSIZE_MIN)
		return -EMSGSIZE;
	p9_server_reset(server);
	if (known)
		server->msize = msize < P9_MSIZE_MAX ? (uint32_t)msize : P9_MSIZE_MAX;
	p9_put(call, known ? server->msize : msize, 4);
	p9_put_text(call, version, strlen(version));
	return 0;
}

/* There is nothing to prove: who can use the device may use the folder. */
static int run_auth(struct p9_server *server, struct p9_call *call)
{
	return -EOPNOTSUPP;
}

static int run_attach(struct p9_server *server, struct p9_call *call)
{
	struct p9_node *root = server->root;
	struct stat st;
	int error = 0;

	if (call->argument[1].number != P9_NO_FID)
		return -EINVAL;
	if (fstat(root->fd, &st))
		return -errno;
	root->refs++;
	if (!p9_fid_add(server, (uint32_t)call->argument[0].number, root, (uint32_t)call->argument[4].number,
			&error))
		return error;
	p9_put_qid(call, p9_qid(server, &st));
	return 0;
}

static int run_flush(struct p9_server *server, struct p9_call *call)
{
	return 0;
}

/* Locks are kept by the client, for all its programs; the host's programs do not see them. */
static int run_lock(struct p9_server *server, struct p9_call *call)
{
	p9_put(call, LOCK_SUCCESS, 1);
	return 0;
}

static int run_getlock(struct p9_server *server, struct p9_call *call)
{
	const char *client = call->argument[5].text;

	p9_put(call, LOCK_UNLOCKED, 1);
	p9_put(call, call->argument[2].number, 8);
	p9_put(call, call->argument[3].number, 8);
	p9_put(call, call->argument[4].number, 4);
	p9_put_text(call, client, strlen(client));
	return 0;
}

/* One request. */

static int take_argument(struct p9_server *server, struct p9_call *call, char kind,
			 union p9_argument *argument)
{
	uint64_t number;

	if (kind == 's' || kind == 'n') {
		if (!p9_get_text(call, &argument->text))
			return -EINVAL;
		if (kind == 's')
			return 0;
		if (strlen(argument->text) > P9_NAME_MAX)
			return -ENAMETOOLONG;
		return p9_name_is_good(argument->text) ? 0 : -EINVAL;
	}
	if (!p9_get(call, kind == 'f' || kind == 'F' ? 4 : (unsigned)(kind - '0'), &number))
		return -EINVAL;
	if (kind != 'f' && kind != 'F') {
		argument->number = number;
		return 0;
	}
	argument->fid = p9_fid_find(server, (uint32_t)number);
	if (!argument->fid)
		return -EBADF;
	return argument->fid->kind == P9_FID_LOST && kind == 'f' ? -ESTALE : 0;
}

static int run_message(struct p9_server *server, struct p9_call *call, uint8_t type)
{
	const struct message *message = &messages[type];
	const char *kind = message->arguments;

	if (!server->msize && type != TVERSION)
		return -EPROTO;
	for (unsigned i = 0; kind[i]; i++) {
		int error = take_argument(server, call, kind[i], &call->argument[i]);

		if (error)
			return error;
	}
	if (server->read_only && message->flags & CHANGES)
		return -EROFS;
	return message->run(server, call);
}

/* Once a folder: the client tries again, and every failure after the first says the same. */
static void complain(struct p9_server *server, uint8_t type, int error)
{
	if (server->complained || (error != -ENOSPC && error != -EDQUOT && error != -EIO))
		return;
	server->complained = true;
	fprintf(stderr, "bixi: %s: cannot %s: %s; the guest gets the error\n", server->name,
		messages[type].name, strerror(-error));
}

/* The bounds of the message by its own word; false if they do not fit what came. */
static bool measure(struct p9_request *request, uint8_t type)
{
	const uint64_t size = little_endian(request->message, 4);

	if (type != P9_TWRITE) {
		if (size < P9_HEADER || size > request->message_size)
			return false;
		request->message_size = (size_t)size;
		return true;
	}
	if (size < P9_WRITE_HEADER || request->message_size < P9_WRITE_HEADER ||
	    size - P9_WRITE_HEADER > request->data_size)
		return false;
	request->message_size = P9_WRITE_HEADER;
	request->data_size = (size_t)size - P9_WRITE_HEADER;
	return true;
}

static void answer(struct p9_request *request, struct p9_call *call, uint8_t type, uint16_t tag)
{
	request->reply_size = (size_t)(call->end - request->reply);
	call->end = request->reply;
	p9_put(call, request->reply_size + request->data_read, 4);
	p9_put(call, type, 1);
	p9_put(call, tag, 2);
}

static void answer_error(struct p9_request *request, struct p9_call *call, int error, uint16_t tag)
{
	request->data_read = 0;
	call->end = request->reply + P9_HEADER;
	p9_put(call, (uint64_t)-error, 4);
	answer(request, call, RLERROR, tag);
}

void p9_server_run(struct p9_server *server, struct p9_request *request)
{
	struct p9_call call = { .request = request, .end = request->reply + P9_HEADER };
	uint8_t type;
	uint16_t tag;
	int error;

	request->reply_size = request->data_read = 0;
	if (request->message_size < P9_HEADER || request->reply_room < P9_HEADER + 4)
		return;
	if (server->msize && request->reply_room > server->msize)
		request->reply_room = server->msize;
	if (request->reply_room > P9_REPLY_MAX)
		request->reply_room = P9_REPLY_MAX;
	type = request->message[4];
	tag = (uint16_t)little_endian(request->message + 5, 2);
	if (type >= sizeof(messages) / sizeof(messages[0]) || !messages[type].run) {
		error = -EOPNOTSUPP;
	} else if (!measure(request, type)) {
		error = -EBADMSG;
	} else {
		call.rest = request->message + P9_HEADER;
		call.rest_size = request->message_size - P9_HEADER;
		error = run_message(server, &call, type);
		complain(server, type, error);
		p9_trim(server);
	}
	if (!error && (size_t)(call.end - request->reply) > request->reply_room)
		error = -EMSGSIZE;
	if (error)
		answer_error(request, &call, error, tag);
	else
		answer(request, &call, type + 1, tag);
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

static unsigned open_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / 2 > P9_OPEN_MAX)
		return P9_OPEN_MAX;
	return (unsigned)(limit.rlim_cur / 2);
}

static int open_root(struct p9_server *server, const char *path)
{
	struct p9_node *root = calloc(1, sizeof(*root) + 1);
	struct stat st;

	server->root = root;
	if (!root)
		return -ENOMEM;
	root->refs = 1;
	root->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0 || fstat(root->fd, &st))
		return -errno;
	root->dev = server->dev = st.st_dev;
	root->ino = st.st_ino;
	return 0;
}

int p9_server_open(struct p9_server **result, const char *path, const char *name, bool read_only, char *error,
		   size_t error_size)
{
	struct p9_server *server = calloc(1, sizeof(*server));
	int err;

	if (!server)
		return fail(error, error_size, -ENOMEM, "%s: out of memory", name);
	server->proc_fd = -1;
	server->read_only = read_only;
	server->privileged = geteuid() == 0;
	server->umask = umask(0);
	umask(server->umask);
	server->open_max = open_limit();
	server->name = strdup(name);
	err = server->name && !p9_table_init(&server->fids) && !p9_table_init(&server->nodes) ? 0 : -ENOMEM;
	if (err)
		fail(error, error_size, err, "%s: out of memory", name);
	if (!err) {
		err = open_root(server, path);
		if (err)
			fail(error, error_size, err, "%s: cannot share folder '%s': %s", name, path,
			     strerror(-err));
	}
	if (!err) {
		server->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (server->proc_fd < 0)
			err = fail(error, error_size, -errno,
				   "%s: sharing a folder needs /proc, which cannot be opened: %s", name,
				   strerror(errno));
	}
	if (err) {
		p9_server_close(server);
		return err;
	}
	*result = server;
	return 0;
}

void p9_server_close(struct p9_server *server)
{
	if (!server)
		return;
	p9_server_reset(server);
	if (server->root && server->root->fd >= 0)
		close(server->root->fd);
	free(server->root);
	if (server->proc_fd >= 0)
		close(server->proc_fd);
	p9_table_destroy(&server->fids);
	p9_table_destroy(&server->nodes);
	free(server->name);
	free(server);
}

void p9_server_reset(struct p9_server *server)
{
	for (size_t i = 0; i < server->fids.size; i++)
		while (server->fids.bucket[i])
			p9_fid_remove(server, (struct p9_fid *)server->fids.bucket[i]);
	server->msize = 0;
}
