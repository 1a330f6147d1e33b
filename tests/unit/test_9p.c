/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The 9P2000.L server: machine/host/p9*.c.  What its messages do, against a folder looked at by the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "tests/unit/p9_client.h"

static int setup(void **state)
{
	struct client *c = calloc(1, sizeof(*c));

	strcpy(c->folder, "/tmp/bixi-test-9p-XXXXXX");
	assert_non_null(mkdtemp(c->folder));
	client_open(c, false);
	*state = c;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	return remove(path);
}

static int teardown(void **state)
{
	struct client *c = *state;

	p9_server_close(c->server);
	nftw(c->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(c);
	return 0;
}

static const char *path_of(struct client *c, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", c->folder, name);
	return path;
}

static void make_file(struct client *c, const char *name, const char *content)
{
	FILE *file = fopen(path_of(c, name), "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void check_file(struct client *c, const char *name, const char *content)
{
	char found[256] = "";
	FILE *file = fopen(path_of(c, name), "r");

	assert_non_null(file);
	found[fread(found, 1, sizeof(found) - 1, file)] = 0;
	fclose(file);
	assert_string_equal(found, content);
}

/* What Tgetattr says of @fid. */
static int get_attributes(struct client *c, uint32_t fid, struct stat *st)
{
	int error = client_call(c, TGETATTR, "48", fid, UINT64_C(0x7ff));

	memset(st, 0, sizeof(*st));
	if (error)
		return error;
	client_get(c, 8);
	st->st_ino = client_get_qid(c, NULL);
	st->st_mode = (mode_t)client_get(c, 4);
	st->st_uid = (uid_t)client_get(c, 4);
	st->st_gid = (gid_t)client_get(c, 4);
	st->st_nlink = client_get(c, 8);
	client_get(c, 8);
	st->st_size = (off_t)client_get(c, 8);
	client_skip(c, 32);
	st->st_mtim.tv_sec = (time_t)client_get(c, 8);
	return 0;
}

static int set_attributes(struct client *c, uint32_t fid, uint32_t valid, uint32_t mode, uint64_t size,
			  uint64_t mtime)
{
	return client_call(c, TSETATTR,
			   "444448"
			   "8888",
			   fid, valid, mode, 0u, 0u, size, UINT64_C(0), UINT64_C(0), mtime, UINT64_C(5));
}

static int create(struct client *c, uint32_t directory, uint32_t fid, const char *name)
{
	int error = client_walk(c, directory, fid, "");

	return error ? error : client_call(c, TLCREATE, "4s444", fid, name, 2u, 0644u, 0u);
}

static void sessions_begin_with_a_version(void **state)
{
	struct client *c = *state;

	p9_server_reset(c->server);
	assert_int_equal(client_call(c, TATTACH, "44ss4", 0u, CLIENT_NONE, "", "", 0u), EPROTO);
	assert_int_equal(client_version(c, 100), EMSGSIZE);
	assert_int_equal(client_call(c, TVERSION, "4s", 65536u, "9P2000.u"), 0);
	client_get(c, 4);
	assert_int_equal(client_get(c, 2), strlen("unknown"));
	assert_int_equal(client_call(c, TATTACH, "44ss4", 0u, CLIENT_NONE, "", "", 0u), EPROTO);
	assert_int_equal(client_version(c, UINT32_MAX), 0);
	assert_int_equal(client_get(c, 4), P9_MSIZE_MAX);
	assert_int_equal(client_version(c, 512000), 0);
	assert_int_equal(client_get(c, 4), 512000);
	assert_int_equal(client_call(c, TAUTH, "4ss4", 5u, "", "", 0u), EOPNOTSUPP);
	assert_int_equal(client_call(c, TATTACH, "44ss4", 0u, CLIENT_NONE, "", "", 0u), 0);
	/* A new version forgets all fids. */
	assert_int_equal(client_version(c, 512000), 0);
	assert_int_equal(client_call(c, TCLUNK, "4", 0u), EBADF);
	assert_int_equal(client_call(c, TFLUSH, "2", 7u), 0);
}

static void files_are_made_written_and_read(void **state)
{
	struct client *c = *state;
	struct stat st;

	assert_int_equal(create(c, ROOT, 1, "file"), 0);
	assert_int_equal(client_write(c, 1, 0, "hello world", 11), 11);
	assert_int_equal(client_write(c, 1, 6, "there", 5), 5);
	check_file(c, "file", "hello there");
	assert_int_equal(client_read(c, 1, 6, 100), 5);
	assert_memory_equal(c->data, "there", 5);
	assert_int_equal(client_read(c, 1, 6, 2), 2);
	assert_int_equal(client_read(c, 1, 11, 100), 0);
	assert_int_equal(client_read(c, 1, UINT64_MAX, 100), -EINVAL);
	assert_int_equal(client_call(c, TFSYNC, "44", 1u, 0u), 0);
	assert_int_equal(client_call(c, TFSYNC, "4", 1u), 0);
	assert_int_equal(get_attributes(c, 1, &st), 0);
	assert_int_equal(st.st_size, 11);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(client_call(c, TCLUNK, "4", 1u), 0);
	assert_int_equal(client_read(c, 1, 0, 1), -EBADF);
	/* Made anew: only if the client does not mind. */
	assert_int_equal(client_walk(c, ROOT, 2, ""), 0);
	assert_int_equal(client_call(c, TLCREATE, "4s444", 2u, "file", 0200u | 2, 0644u, 0u), EEXIST);
	assert_int_equal(client_call(c, TLCREATE, "4s444", 2u, "file", 01000u | 1, 0644u, 0u), 0);
	check_file(c, "file", "");
	assert_int_equal(client_read(c, 2, 0, 1), -EBADF);
}

static void data_moves_in_pieces(void **state)
{
	struct client *c = *state;
	struct iovec pieces[3] = { { c->data, 3 }, { c->data + 100, 4 }, { c->data + 200, 100 } };

	make_file(c, "file", "0123456789");
	assert_int_equal(client_walk(c, ROOT, 1, "file"), 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 0u), 0);
	client_read(c, 1, 0, 0); /* puts the message together */
	memcpy(c->request.message + P9_HEADER + 12, &(uint32_t){ 9 }, 4);
	c->request.data = pieces;
	c->request.data_count = 3;
	c->request.data_size = 107;
	c->request.reply_room = P9_READ_HEADER;
	c->request.message_size = 23;
	p9_server_run(c->server, &c->request);
	assert_int_equal(c->request.data_read, 9);
	assert_int_equal(c->request.reply_size, P9_READ_HEADER);
	assert_memory_equal(c->data, "012", 3);
	assert_memory_equal(c->data + 100, "3456", 4);
	assert_memory_equal(c->data + 200, "78\0", 3);
}

static void walks_go_step_by_step(void **state)
{
	struct client *c = *state;
	uint8_t type;

	mkdir(path_of(c, "a"), 0755);
	mkdir(path_of(c, "a/b"), 0755);
	make_file(c, "a/b/file", "x");
	assert_int_equal(client_walk(c, ROOT, 1, "a/b/file"), 0);
	client_get_qid(c, &type);
	assert_int_equal(type, 0x80);
	client_get_qid(c, &type);
	client_get_qid(c, &type);
	assert_int_equal(type, 0);
	/* Part of the way: so many qids, no new fid. */
	assert_int_equal(client_call(c, TWALK,
				     "4"
				     "4"
				     "2"
				     "sss",
				     ROOT, 2u, 3u, "a", "none", "file"),
			 0);
	assert_int_equal(client_get(c, 2), 1);
	assert_int_equal(client_call(c, TCLUNK, "4", 2u), EBADF);
	assert_int_equal(client_walk(c, ROOT, 2, "none"), ENOENT);
	/* A fid may move itself, and must not be taken twice. */
	assert_int_equal(client_walk(c, ROOT, 2, ""), 0);
	assert_int_equal(client_walk(c, 2, 2, "a"), 0);
	assert_int_equal(client_walk(c, ROOT, 2, ""), EBADF);
	assert_int_equal(client_walk(c, 2, 3, "b/file"), 0);
	assert_int_equal(client_walk(c, 3, 4, "below"), ENOTDIR);
	assert_int_equal(client_walk(c, ROOT, CLIENT_NONE, "a"), EINVAL);
	assert_int_equal(client_call(c, TWALK, "442", ROOT, 9u, 17u), EINVAL);
}

static void nothing_is_above_the_folder(void **state)
{
	struct client *c = *state;
	uint64_t root, found;

	assert_int_equal(client_walk(c, ROOT, 1, ".."), 0);
	found = client_get_qid(c, NULL);
	assert_int_equal(client_walk(c, ROOT, 2, "../../.."), 0);
	assert_int_equal(client_call(c, TGETATTR, "48", ROOT, UINT64_C(0x7ff)), 0);
	client_get(c, 8);
	root = client_get_qid(c, NULL);
	assert_int_equal(found, root);
	/* The list of the folder, too, calls what is above it by its own number. */
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 0u), 0);
	assert_int_equal(client_call(c, TREADDIR, "484", 1u, UINT64_C(0), 4096u), 0);
	client_get(c, 4);
	while (c->at < c->request.reply_size) {
		const uint64_t ino = client_get_qid(c, NULL);
		size_t length;

		client_skip(c, 9);
		length = client_get(c, 2);
		c->at += length;
		assert_int_equal(ino, root);
	}
}

static void names_are_one_name(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "/etc/passwd", "../x" };
	struct client *c = *state;
	char long_name[400];

	make_file(c, "file", "x");
	assert_int_equal(client_walk(c, ROOT, 1, "file"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(client_call(c, TLCREATE, "4s444", ROOT, bad[i], 2u, 0644u, 0u), EINVAL);
		assert_int_equal(client_call(c, TMKDIR, "4s44", ROOT, bad[i], 0755u, 0u), EINVAL);
		assert_int_equal(client_call(c, TSYMLINK, "4ss4", ROOT, bad[i], "x", 0u), EINVAL);
		assert_int_equal(client_call(c, TMKNOD, "4s4444", ROOT, bad[i], 0100644u, 0u, 0u, 0u),
				 EINVAL);
		assert_int_equal(client_call(c, TLINK, "44s", ROOT, 1u, bad[i]), EINVAL);
		assert_int_equal(client_call(c, TRENAME, "44s", 1u, ROOT, bad[i]), EINVAL);
		assert_int_equal(client_call(c, TRENAMEAT, "4s4s", ROOT, "file", ROOT, bad[i]), EINVAL);
		assert_int_equal(client_call(c, TRENAMEAT, "4s4s", ROOT, bad[i], ROOT, "x"), EINVAL);
		assert_int_equal(client_call(c, TUNLINKAT, "4s4", ROOT, bad[i], 0u), EINVAL);
		if (strcmp(bad[i], "..") != 0)
			assert_int_equal(client_call(c, TWALK, "442s", ROOT, 2u, 1u, bad[i]), EINVAL);
	}
	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = 0;
	assert_int_equal(client_call(c, TMKDIR, "4s44", ROOT, long_name, 0755u, 0u), ENAMETOOLONG);
	long_name[255] = 0;
	assert_int_equal(client_call(c, TMKDIR, "4s44", ROOT, long_name, 0755u, 0u), 0);
	/* A 0 in a name would hide what follows. */
	c->request.message_size = P9_HEADER;
	client_put(c, ROOT, 4);
	client_put(c, 3, 2);
	client_put(c, 'a' | 0 << 8 | 'b' << 16, 3);
	client_put(c, 0755, 4);
	client_put(c, 0, 4);
	assert_int_equal(client_send(c, TMKDIR, 0), EINVAL);
}

static void symbolic_links_are_not_followed(void **state)
{
	struct client *c = *state;
	struct stat st;
	char target[16] = "";

	assert_int_equal(client_call(c, TSYMLINK, "4ss4", ROOT, "out", "/", 0u), 0);
	assert_int_equal(readlink(path_of(c, "out"), target, sizeof(target)), 1);
	assert_int_equal(client_call(c, TSYMLINK, "4ss4", ROOT, "tmp", "/tmp", 0u), 0);
	assert_int_equal(client_walk(c, ROOT, 1, "out"), 0);
	assert_int_equal(client_walk(c, 1, 2, "etc"), ENOTDIR);
	assert_int_equal(client_walk(c, ROOT, 2, "out/etc/passwd"), ENOENT);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 0u), ELOOP);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 0200000u), ELOOP);
	assert_int_equal(client_call(c, TMKDIR, "4s44", 1u, "x", 0755u, 0u), ENOTDIR);
	assert_int_equal(client_call(c, TLCREATE, "4s444", 1u, "x", 2u, 0644u, 0u), ENOTDIR);
	assert_int_equal(client_call(c, TUNLINKAT, "4s4", 1u, "x", 0u), ENOTDIR);
	assert_int_equal(client_call(c, TRENAMEAT, "4s4s", ROOT, "tmp", 1u, "x"), ENOTDIR);
	assert_int_equal(client_call(c, TXATTRWALK, "44s", 1u, 5u, "user.none") != 0, 1);
	/* What can be seen and changed is the link. */
	assert_int_equal(get_attributes(c, 1, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(set_attributes(c, 1, 0x1, 0777, 0, 0), EOPNOTSUPP);
	assert_int_equal(set_attributes(c, 1, 0x8, 0, 0, 0), EINVAL);
	assert_int_equal(set_attributes(c, 1, 0x120, 0, 0, 1000), 0);
	lstat(path_of(c, "out"), &st);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	assert_int_equal(client_call(c, TREADLINK, "4", 1u), 0);
	assert_int_equal(client_get(c, 2), 1);
	assert_int_equal(client_get(c, 1), '/');
	assert_int_equal(client_call(c, TREADLINK, "4", ROOT), EINVAL);
	/* An open through a link that is already there, by a create that does not mind. */
	assert_int_equal(client_call(c, TSYMLINK, "4ss4", ROOT, "passwd", "/etc/passwd", 0u), 0);
	assert_int_equal(client_walk(c, ROOT, 3, ""), 0);
	assert_int_equal(client_call(c, TLCREATE, "4s444", 3u, "passwd", 0u, 0644u, 0u), ELOOP);
}

static void special_files_are_not_opened(void **state)
{
	struct client *c = *state;

	assert_int_equal(client_call(c, TMKNOD, "4s4444", ROOT, "fifo", S_IFIFO | 0644u, 0u, 0u, 0u), 0);
	assert_int_equal(client_call(c, TMKNOD, "4s4444", ROOT, "socket", S_IFSOCK | 0644u, 0u, 0u, 0u), 0);
	assert_int_equal(client_call(c, TMKNOD, "4s4444", ROOT, "null", S_IFCHR | 0644u, 1u, 3u, 0u), EPERM);
	assert_int_equal(client_call(c, TMKNOD, "4s4444", ROOT, "disk", S_IFBLK | 0644u, 8u, 0u, 0u), EPERM);
	assert_int_equal(client_call(c, TMKNOD, "4s4444", ROOT, "dir", S_IFDIR | 0644u, 0u, 0u, 0u), EINVAL);
	assert_int_equal(client_walk(c, ROOT, 1, "fifo"), 0);
	assert_int_equal(client_walk(c, ROOT, 2, "socket"), 0);
	for (uint32_t flags = 0; flags < 3; flags++) {
		assert_int_equal(client_call(c, TLOPEN, "44", 1u, flags), ENXIO);
		assert_int_equal(client_call(c, TLOPEN, "44", 2u, flags), ENXIO);
	}
	assert_int_equal(set_attributes(c, 1, 0x8, 0, 0, 0), EINVAL);
	if (!mknod(path_of(c, "device"), S_IFCHR | 0666, 1 << 8 | 3)) { /* needs root */
		assert_int_equal(client_walk(c, ROOT, 3, "device"), 0);
		assert_int_equal(client_call(c, TLOPEN, "44", 3u, 2u), ENXIO);
	}
}

/* All names of directory @fid by lists of @count bytes; each name marks seen[number]. */
static unsigned list(struct client *c, uint32_t fid, uint32_t count, uint8_t *seen, unsigned files)
{
	uint64_t offset = 0;
	unsigned names = 0;

	for (;;) {
		assert_int_equal(client_call(c, TREADDIR, "484", fid, offset, count), 0);
		assert_true(client_get(c, 4) <= count);
		if (c->at == c->request.reply_size)
			return names;
		while (c->at < c->request.reply_size) {
			char name[256] = "";
			size_t length;

			client_get_qid(c, NULL);
			offset = client_get(c, 8);
			client_get(c, 1);
			length = client_get(c, 2);
			memcpy(name, c->request.reply + c->at, length);
			c->at += length;
			if (name[0] == 'f') {
				const unsigned n = (unsigned)atoi(name + 1);

				assert_true(n < files);
				seen[n]++;
			}
			names++;
		}
	}
}

static void ten_thousand_files_are_listed_exactly(void **state)
{
	enum { FILES = 10000 };
	static const uint32_t counts[] = { 512, 4096, 100000, UINT32_MAX };
	struct client *c = *state;
	static uint8_t seen[FILES];
	char name[16];

	assert_int_equal(client_call(c, TMKDIR, "4s44", ROOT, "many", 0755u, 0u), 0);
	assert_int_equal(client_walk(c, ROOT, 1, "many"), 0);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%05u", i);
		assert_int_equal(create(c, 1, 2, name), 0);
		assert_int_equal(client_call(c, TCLUNK, "4", 2u), 0);
	}
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 0u), 0);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		memset(seen, 0, sizeof(seen));
		assert_int_equal(list(c, 1, counts[i], seen, FILES), FILES + 2);
		for (unsigned n = 0; n < FILES; n++)
			assert_int_equal(seen[n], 1);
	}
	/* With removals in between, as "rm -r" does it: all are met. */
	for (;;) {
		unsigned removed = 0;
		uint8_t reply[4096];
		size_t size, at = P9_HEADER + 4;

		assert_int_equal(client_call(c, TREADDIR, "484", 1u, UINT64_C(0), 4000u), 0);
		size = c->request.reply_size;
		memcpy(reply, c->request.reply, size);
		while (at < size) {
			const size_t length = reply[at + 22] | reply[at + 23] << 8;

			memcpy(name, reply + at + 24, length);
			name[length] = 0;
			if (name[0] == 'f') {
				assert_int_equal(client_call(c, TUNLINKAT, "4s4", 1u, name, 0u), 0);
				removed++;
			}
			at += 24 + length;
		}
		if (!removed)
			break;
	}
	assert_int_equal(client_call(c, TUNLINKAT, "4s4", ROOT, "many", 0u), EISDIR);
	assert_int_equal(client_call(c, TUNLINKAT, "4s4", ROOT, "many", 0x200u), 0);
}

static void a_list_goes_on_where_it_stood(void **state)
{
	enum { FILES = 300 };
	struct client *c = *state;
	static uint8_t seen[2 * FILES];
	uint64_t offset = 0;
	char name[16];
	bool changed = false;

	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%05u", i);
		make_file(c, name, "");
	}
	memset(seen, 0, sizeof(seen));
	assert_int_equal(client_walk(c, ROOT, 1, ""), 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 0u), 0);
	for (;;) {
		assert_int_equal(client_call(c, TREADDIR, "484", 1u, offset, 1000u), 0);
		client_get(c, 4);
		if (c->at == c->request.reply_size)
			break;
		while (c->at < c->request.reply_size) {
			size_t length;

			client_get_qid(c, NULL);
			offset = client_get(c, 8);
			client_get(c, 1);
			length = client_get(c, 2);
			if (c->request.reply[c->at] == 'f')
				seen[atoi((char *)c->request.reply + c->at + 1)]++;
			c->at += length;
		}
		if (changed)
			continue;
		/* The host adds and removes; all that was there before and after is met once. */
		changed = true;
		for (unsigned i = 0; i < FILES; i += 2) {
			snprintf(name, sizeof(name), "f%05u", i);
			unlink(path_of(c, name));
			snprintf(name, sizeof(name), "f%05u", FILES + i);
			make_file(c, name, "");
		}
	}
	for (unsigned i = 1; i < FILES; i += 2)
		assert_int_equal(seen[i], 1);
	for (unsigned i = 0; i < 2 * FILES; i++)
		assert_true(seen[i] <= 1);
}

static void fids_follow_renames(void **state)
{
	struct client *c = *state;

	mkdir(path_of(c, "d"), 0755);
	mkdir(path_of(c, "e"), 0755);
	make_file(c, "d/file", "content");
	make_file(c, "e/victim", "old");
	assert_int_equal(client_walk(c, ROOT, 1, "d"), 0);
	assert_int_equal(client_walk(c, ROOT, 2, "d/file"), 0);
	assert_int_equal(client_walk(c, ROOT, 3, "e"), 0);
	assert_int_equal(client_walk(c, ROOT, 4, "e/victim"), 0);
	/* The directory moves, and what was walked to before is still reached. */
	assert_int_equal(client_call(c, TRENAMEAT, "4s4s", ROOT, "d", 3u, "moved"), 0);
	assert_int_equal(client_walk(c, 2, 5, ""), 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 5u, 0u), 0);
	assert_int_equal(client_read(c, 5, 0, 100), 7);
	/* The file takes another's place. */
	assert_int_equal(client_call(c, TRENAME, "44s", 2u, 3u, "victim"), 0);
	check_file(c, "e/victim", "content");
	assert_int_equal(client_call(c, TGETATTR, "48", 4u, UINT64_C(0x7ff)), ENOENT);
	assert_int_equal(client_call(c, TREMOVE, "4", 2u), 0);
	assert_int_equal(access(path_of(c, "e/victim"), F_OK), -1);
	assert_int_equal(client_call(c, TCLUNK, "4", 2u), EBADF);
	assert_int_equal(client_call(c, TRENAME, "44s", ROOT, 3u, "root"), EBUSY);
	assert_int_equal(client_call(c, TRENAMEAT, "4s4s", ROOT, "e", 3u, "below-itself"), EINVAL);
	assert_int_equal(client_call(c, TREMOVE, "4", 1u), 0);
	assert_int_equal(access(path_of(c, "e/moved"), F_OK), -1);
	/* To its own name. */
	make_file(c, "same", "x");
	assert_int_equal(client_walk(c, ROOT, 7, "same"), 0);
	assert_int_equal(client_call(c, TRENAME, "44s", 7u, ROOT, "same"), 0);
	assert_int_equal(client_call(c, TGETATTR, "48", 7u, UINT64_C(0x7ff)), 0);
}

static void open_files_outlive_their_names(void **state)
{
	struct client *c = *state;
	struct stat st;

	assert_int_equal(create(c, ROOT, 1, "file"), 0);
	assert_int_equal(client_write(c, 1, 0, "data", 4), 4);
	assert_int_equal(client_walk(c, ROOT, 2, "file"), 0);
	assert_int_equal(client_call(c, TUNLINKAT, "4s4", ROOT, "file", 0u), 0);
	assert_int_equal(client_read(c, 1, 0, 10), 4);
	assert_int_equal(set_attributes(c, 1, 0x8, 0, 2, 0), 0);
	/* A fid of the same file that is not open is answered by the one that is. */
	assert_int_equal(get_attributes(c, 2, &st), 0);
	assert_int_equal(st.st_size, 2);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 2u, 0u), ENOENT);
	assert_int_equal(client_call(c, TCLUNK, "4", 1u), 0);
	assert_int_equal(get_attributes(c, 2, &st), ENOENT);
	/* A new file of that name is another. */
	make_file(c, "file", "new");
	assert_int_equal(get_attributes(c, 2, &st), ENOENT);
	assert_int_equal(client_walk(c, ROOT, 3, "file"), 0);
	assert_int_equal(get_attributes(c, 3, &st), 0);
	assert_int_equal(st.st_size, 3);
}

static void the_host_changes_things_underneath(void **state)
{
	struct client *c = *state;
	struct stat st;

	mkdir(path_of(c, "d"), 0755);
	make_file(c, "d/old", "old");
	assert_int_equal(client_walk(c, ROOT, 1, "d"), 0);
	assert_int_equal(client_walk(c, ROOT, 2, "d/old"), 0);
	assert_int_equal(client_walk(c, ROOT, 3, "d/old"), 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 3u, 2u), 0);
	unlink(path_of(c, "d/old"));
	rmdir(path_of(c, "d"));
	assert_int_equal(client_read(c, 3, 0, 10), 3);
	assert_int_equal(client_call(c, TLOPEN, "44", 2u, 0u), ENOENT);
	assert_int_equal(client_call(c, TMKDIR, "4s44", 1u, "x", 0755u, 0u), ENOENT);
	/* Another directory of the name: the next walk finds it. */
	mkdir(path_of(c, "d"), 0755);
	make_file(c, "d/new", "new!");
	assert_int_equal(client_walk(c, ROOT, 4, "d/new"), 0);
	assert_int_equal(get_attributes(c, 4, &st), 0);
	assert_int_equal(st.st_size, 4);
	/* A link in a directory's place leads nowhere. */
	unlink(path_of(c, "d/new"));
	rmdir(path_of(c, "d"));
	assert_int_equal(symlink("/etc", path_of(c, "d")), 0);
	assert_int_equal(client_walk(c, ROOT, 5, "d/passwd"), ENOENT);
	assert_int_equal(client_walk(c, ROOT, 5, "d"), 0);
	assert_int_equal(client_walk(c, 5, 6, "passwd"), ENOTDIR);
	/* A file is cut short while it is read. */
	make_file(c, "cut", "0123456789");
	assert_int_equal(client_walk(c, ROOT, 7, "cut"), 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 7u, 0u), 0);
	assert_int_equal(truncate(path_of(c, "cut"), 3), 0);
	assert_int_equal(client_read(c, 7, 0, 10), 3);
	assert_int_equal(client_read(c, 7, 5, 10), 0);
}

struct race {
	const char *folder;
	_Atomic bool end;
};

/* Swaps a directory and a link to the outside as fast as it can. */
static void *swap(void *opaque)
{
	struct race *race = opaque;
	char directory[128], link[128];

	snprintf(directory, sizeof(directory), "%s/inside/d", race->folder);
	snprintf(link, sizeof(link), "%s/inside/l", race->folder);
	while (!race->end)
		renameat2(AT_FDCWD, directory, AT_FDCWD, link, RENAME_EXCHANGE);
	return NULL;
}

static void a_race_with_links_does_not_get_out(void **state)
{
	struct client *c = *state;
	struct race race = { c->folder, false };
	char outside[128];
	unsigned made = 0, refused = 0;
	pthread_t thread;

	/* The shared folder is "inside"; the link leads to its neighbour. */
	mkdir(path_of(c, "inside"), 0755);
	mkdir(path_of(c, "inside/d"), 0755);
	mkdir(path_of(c, "outside"), 0755);
	snprintf(outside, sizeof(outside), "%s/outside", c->folder);
	assert_int_equal(symlink(outside, path_of(c, "inside/l")), 0);
	p9_server_close(c->server);
	strcat(c->folder, "/inside");
	client_open(c, false);
	*strrchr(c->folder, '/') = 0;
	pthread_create(&thread, NULL, swap, &race);
	for (unsigned i = 0; i < 20000; i++) {
		char name[16];
		int error;

		snprintf(name, sizeof(name), "x%u", i);
		if (client_walk(c, ROOT, 1, "d"))
			continue;
		error = client_call(c, TLCREATE, "4s444", 1u, name, 2u, 0644u, 0u);
		assert_true(!error || error == ENOTDIR || error == ENOENT);
		made += !error;
		refused += error != 0;
		client_call(c, TCLUNK, "4", 1u);
	}
	race.end = true;
	pthread_join(thread, NULL);
	assert_true(made > 0);
	assert_true(refused > 0);
	assert_int_equal(rmdir(outside), 0); /* nothing got there */
}

static void read_only_folders_stay_as_they_are(void **state)
{
	struct client *c = *state;

	make_file(c, "file", "x");
	mkdir(path_of(c, "d"), 0755);
	p9_server_close(c->server);
	client_open(c, true);
	assert_int_equal(client_walk(c, ROOT, 1, "file"), 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 1u), EROFS);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 2u), EROFS);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 01000u), EROFS);
	assert_int_equal(client_call(c, TLCREATE, "4s444", ROOT, "n", 0u, 0644u, 0u), EROFS);
	assert_int_equal(client_call(c, TMKDIR, "4s44", ROOT, "n", 0755u, 0u), EROFS);
	assert_int_equal(client_call(c, TMKNOD, "4s4444", ROOT, "n", S_IFIFO | 0644u, 0u, 0u, 0u), EROFS);
	assert_int_equal(client_call(c, TSYMLINK, "4ss4", ROOT, "n", "x", 0u), EROFS);
	assert_int_equal(client_call(c, TLINK, "44s", ROOT, 1u, "n"), EROFS);
	assert_int_equal(client_call(c, TRENAME, "44s", 1u, ROOT, "n"), EROFS);
	assert_int_equal(client_call(c, TRENAMEAT, "4s4s", ROOT, "file", ROOT, "n"), EROFS);
	assert_int_equal(client_call(c, TUNLINKAT, "4s4", ROOT, "file", 0u), EROFS);
	assert_int_equal(set_attributes(c, 1, 0x1, 0600, 0, 0), EROFS);
	assert_int_equal(client_call(c, TXATTRCREATE, "4s84", 1u, "user.x", UINT64_C(1), 0u), EROFS);
	assert_int_equal(client_call(c, TLOPEN, "44", 1u, 0u), 0);
	assert_int_equal(client_read(c, 1, 0, 10), 1);
	assert_int_equal(client_write(c, 1, 0, "y", 1), -EBADF);
	assert_int_equal(client_call(c, TREMOVE, "4", 1u), EROFS);
	check_file(c, "file", "x");
}

static void attributes_are_set(void **state)
{
	struct client *c = *state;
	struct stat st;

	make_file(c, "file", "0123456789");
	assert_int_equal(client_walk(c, ROOT, 1, "file"), 0);
	assert_int_equal(set_attributes(c, 1, 0x1, 0100640, 0, 0), 0);
	assert_int_equal(set_attributes(c, 1, 0x8, 0, 4, 0), 0);
	assert_int_equal(set_attributes(c, 1, 0x120, 0, 0, 12345), 0);
	stat(path_of(c, "file"), &st);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(st.st_mtim.tv_sec, 12345);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	assert_int_equal(set_attributes(c, 1, 0x20, 0, 0, 0), 0); /* now */
	stat(path_of(c, "file"), &st);
	assert_true(st.st_mtim.tv_sec > 1000000000);
	assert_int_equal(set_attributes(c, 1, 0x8, 0, UINT64_MAX, 0), EFBIG);
	assert_int_equal(set_attributes(c, ROOT, 0x8, 0, 0, 0), EISDIR);
	assert_int_equal(set_attributes(c, 1, 0, 0, 0, 0), 0);
	/* The umask of this process is not the guest's affair. */
	umask(077);
	p9_server_close(c->server);
	client_open(c, false);
	assert_int_equal(client_call(c, TMKDIR, "4s44", ROOT, "d", 01777u, 0u), 0);
	assert_int_equal(client_walk(c, ROOT, 2, ""), 0);
	assert_int_equal(client_call(c, TLCREATE, "4s444", 2u, "new", 2u, 0666u, 0u), 0);
	umask(022);
	stat(path_of(c, "d"), &st);
	assert_int_equal(st.st_mode, S_IFDIR | 01777);
	stat(path_of(c, "new"), &st);
	assert_int_equal(st.st_mode, S_IFREG | 0666);
	assert_int_equal(client_call(c, TSTATFS, "4", ROOT), 0);
	assert_int_equal(client_get(c, 4), 0x01021997);
}

static void attributes_have_values(void **state)
{
	struct client *c = *state;

	make_file(c, "file", "x");
	if (setxattr(path_of(c, "file"), "user.probe", "x", 1, 0))
		skip();
	assert_int_equal(client_walk(c, ROOT, 1, "file"), 0);
	assert_int_equal(client_walk(c, ROOT, 2, "file"), 0);
	assert_int_equal(client_call(c, TXATTRCREATE, "4s84", 2u, "user.name", UINT64_C(6), 0u), 0);
	assert_int_equal(client_write(c, 2, 0, "val", 3), 3);
	assert_int_equal(client_write(c, 2, 1, "ue!", 3), -EINVAL);
	assert_int_equal(client_write(c, 2, 3, "ue!more", 7), 3);
	assert_int_equal(client_call(c, TCLUNK, "4", 2u), 0);
	assert_int_equal(client_call(c, TXATTRWALK, "44s", 1u, 3u, "user.name"), 0);
	assert_int_equal(client_get(c, 8), 6);
	assert_int_equal(client_read(c, 3, 2, 100), 4);
	assert_memory_equal(c->data, "lue!", 4);
	assert_int_equal(client_read(c, 3, 7, 100), 0);
	assert_int_equal(client_write(c, 3, 0, "x", 1), -EBADF);
	assert_int_equal(client_call(c, TXATTRWALK, "44s", 1u, 4u, ""), 0);
	assert_int_equal(client_get(c, 8), sizeof("user.probe") + sizeof("user.name"));
	assert_int_equal(client_call(c, TXATTRWALK, "44s", 1u, 5u, "user.none"), ENODATA);
	/* Less than was announced changes nothing. */
	assert_int_equal(client_walk(c, ROOT, 2, "file"), 0);
	assert_int_equal(client_call(c, TXATTRCREATE, "4s84", 2u, "user.name", UINT64_C(6), 0u), 0);
	assert_int_equal(client_call(c, TCLUNK, "4", 2u), EINVAL);
	assert_int_equal(getxattr(path_of(c, "file"), "user.name", NULL, 0), 6);
	/* Nothing in place of something removes it; nothing by itself is a value. */
	assert_int_equal(client_walk(c, ROOT, 2, "file"), 0);
	assert_int_equal(client_call(c, TXATTRCREATE, "4s84", 2u, "user.name", UINT64_C(0), 2u), 0);
	assert_int_equal(client_call(c, TCLUNK, "4", 2u), 0);
	assert_int_equal(getxattr(path_of(c, "file"), "user.name", NULL, 0), -1);
	assert_int_equal(client_walk(c, ROOT, 2, "file"), 0);
	assert_int_equal(client_call(c, TXATTRCREATE, "4s84", 2u, "user.empty", UINT64_C(0), 0u), 0);
	assert_int_equal(client_call(c, TCLUNK, "4", 2u), 0);
	assert_int_equal(getxattr(path_of(c, "file"), "user.empty", NULL, 0), 0);
	assert_int_equal(client_call(c, TXATTRCREATE, "4s84", 1u, "user.x", UINT64_C(65537), 0u), E2BIG);
	/* So many at a time, and no more. */
	for (uint32_t i = 0; i < 100; i++)
		assert_true(client_call(c, TXATTRWALK, "44s", 1u, 100 + i, "") == (i < 62 ? 0 : ENFILE));
}

static void what_a_client_can_hold_is_bounded(void **state)
{
	struct client *c = *state;
	struct rlimit limit, low;
	uint32_t fid = 1;
	int error = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	low = limit;
	low.rlim_cur = 200;
	setrlimit(RLIMIT_NOFILE, &low);
	p9_server_close(c->server);
	client_open(c, false);
	for (; !error && fid < 1000; fid++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", fid);
		error = create(c, ROOT, fid, name);
	}
	assert_int_equal(error, ENFILE);
	assert_int_equal(fid, 102);
	assert_int_equal(client_call(c, TCLUNK, "4", 1u), 0);
	assert_int_equal(create(c, ROOT, 1000, "again"), 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	/* Fids that are not open. */
	for (error = 0, fid = 2000; !error && fid < 300000; fid++)
		error = client_walk(c, ROOT, fid, "");
	assert_int_equal(error, ENFILE);
	assert_true(fid > 200000);
	p9_server_reset(c->server);
	assert_int_equal(client_attach(c), 0);
}

static void go_down(struct client *c, unsigned from, unsigned to)
{
	for (unsigned depth = from; depth < to; depth++) {
		assert_int_equal(client_call(c, TMKDIR, "4s44", 1u, "d", 0755u, 0u), 0);
		assert_int_equal(client_walk(c, 1, 1, "d"), 0);
	}
}

static void directories_may_be_deep(void **state)
{
	enum { DEPTH = 1200, DEEPER = 1500 };
	struct client *c = *state;
	struct stat st;
	uint8_t *data;
	size_t size;

	/* Step by step there is no end to it, although few descriptors are kept. */
	assert_int_equal(client_walk(c, ROOT, 1, ""), 0);
	go_down(c, 0, DEPTH);
	assert_int_equal(client_walk(c, 1, 2, ""), 0);
	for (unsigned depth = 0; depth < DEPTH; depth++)
		assert_int_equal(client_call(c, TWALK, "442s", 2u, 2u, 1u, ".."), 0);
	assert_int_equal(get_attributes(c, 1, &st), 0);
	go_down(c, DEPTH, DEEPER);
	assert_int_equal(get_attributes(c, 1, &st), 0);
	/* When all descriptors are gone, the way to it is too long. */
	assert_int_equal(p9_server_save(c->server, &data, &size), 0);
	assert_int_equal(p9_server_load(c->server, data, size), 0);
	assert_int_equal(get_attributes(c, 1, &st), ENAMETOOLONG);
	assert_int_equal(get_attributes(c, 2, &st), 0);
	free(data);
}

static void a_full_file_system_is_an_error(void **state)
{
	struct client *c = *state;
	struct rlimit limit, low;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	low = limit;
	low.rlim_cur = 8192;
	assert_int_equal(create(c, ROOT, 1, "file"), 0);
	setrlimit(RLIMIT_FSIZE, &low);
	assert_int_equal(client_write(c, 1, 8190, "12345", 5), 2);
	assert_int_equal(client_write(c, 1, 8192, "345", 3), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(client_write(c, 1, 8192, "345", 3), 3);
}

/* Every message of the table cut at every length, with wrong sizes, and without room for its answer. */
static void malformed_messages_get_an_error_or_nothing(void **state)
{
	struct client *c = *state;
	struct p9_request *r = &c->request;
	uint8_t whole[P9_MESSAGE_MAX];

	make_file(c, "file", "x");
	for (unsigned type = 0; type < 256; type++) {
		for (size_t size = 0; size < 100; size++) {
			for (uint32_t said = 0; said < 3; said++) {
				const uint32_t sizes[] = { (uint32_t)size, 0, UINT32_MAX };

				memset(whole, 0, 100);
				memcpy(whole, &sizes[said], 4);
				whole[4] = (uint8_t)type;
				memcpy(r->message, whole, size);
				r->message_size = type == TWRITE && size > 23 ? 23 : size;
				r->data_count = 0;
				r->data_size = 0;
				r->reply_room = size % 20;
				p9_server_run(c->server, r);
				assert_true(r->reply_size <= r->reply_room);
				if (size < P9_HEADER)
					assert_int_equal(r->reply_size, 0);
				else if (r->reply_size)
					assert_true(r->reply[4] == RLERROR || r->reply[4] == type + 1);
			}
			client_attach(c);
		}
	}
	/* A string that is longer than its message. */
	c->request.message_size = P9_HEADER;
	client_put(c, ROOT, 4);
	client_put(c, 0xffff, 2);
	client_put(c, 0x78787878, 4);
	assert_int_equal(client_send(c, TMKDIR, 0), EINVAL);
	/* A write that announces more than it brings. */
	assert_int_equal(create(c, ROOT, 1, "new"), 0);
	c->request.message_size = P9_HEADER;
	client_put(c, 1, 4);
	client_put(c, 0, 8);
	client_put(c, 100, 4);
	assert_int_equal(client_send(c, TWRITE, 99), EBADMSG);
}

static void locks_are_the_clients(void **state)
{
	struct client *c = *state;

	assert_int_equal(create(c, ROOT, 1, "file"), 0);
	assert_int_equal(client_call(c, TLOCK, "414884s", 1u, 1u, 0u, UINT64_C(0), UINT64_C(0), 77u, "me"),
			 0);
	assert_int_equal(client_get(c, 1), 0);
	assert_int_equal(client_call(c, TGETLOCK, "41884s", 1u, 1u, UINT64_C(3), UINT64_C(4), 77u, "me"), 0);
	assert_int_equal(client_get(c, 1), 2);
	assert_int_equal(client_get(c, 8), 3);
	assert_int_equal(client_get(c, 8), 4);
	assert_int_equal(client_get(c, 4), 77);
	assert_int_equal(client_get(c, 2), 2);
}

static void hard_links_are_one_file(void **state)
{
	struct client *c = *state;
	struct stat st, linked;

	make_file(c, "file", "x");
	assert_int_equal(client_walk(c, ROOT, 1, "file"), 0);
	assert_int_equal(client_call(c, TLINK, "44s", ROOT, 1u, "link"), 0);
	assert_int_equal(client_walk(c, ROOT, 2, "link"), 0);
	assert_int_equal(get_attributes(c, 1, &st), 0);
	assert_int_equal(get_attributes(c, 2, &linked), 0);
	assert_int_equal(st.st_ino, linked.st_ino);
	assert_int_equal(linked.st_nlink, 2);
}

static void fids_survive_a_snapshot(void **state)
{
	struct client *c = *state;
	struct stat st;
	uint8_t *data;
	size_t size;
	char error[256];

	mkdir(path_of(c, "d"), 0755);
	make_file(c, "d/file", "content");
	assert_int_equal(client_walk(c, ROOT, 1, "d"), 0);
	assert_int_equal(client_walk(c, ROOT, 2, "d/file"), 0);
	assert_int_equal(client_walk(c, ROOT, 3, "d/file"), 0);
	assert_int_equal(client_call(c, TLOPEN, "44", 3u, 01002u), 0); /* truncates, once */
	assert_int_equal(client_write(c, 3, 0, "kept", 4), 4);
	assert_int_equal(create(c, 1, 4, "lost"), 0);
	assert_int_equal(create(c, 1, 5, "gone"), 0);
	assert_int_equal(client_call(c, TUNLINKAT, "4s4", 1u, "gone", 0u), 0);
	assert_int_equal(p9_server_save(c->server, &data, &size), 0);
	p9_server_close(c->server);
	unlink(path_of(c, "d/lost"));
	assert_int_equal(p9_server_open(&c->server, c->folder, "share", false, error, sizeof(error)), 0);
	assert_int_equal(p9_server_load(c->server, data, size), 0);
	assert_int_equal(client_read(c, 3, 0, 100), 4);
	assert_int_equal(client_write(c, 3, 4, "!", 1), 1);
	check_file(c, "d/file", "kept!");
	assert_int_equal(get_attributes(c, 2, &st), 0);
	assert_int_equal(st.st_size, 5);
	/* What is no more is an error on its fid, and only there. */
	assert_int_equal(client_read(c, 4, 0, 1), -ESTALE);
	assert_int_equal(client_write(c, 5, 0, "x", 1), -ESTALE);
	assert_int_equal(client_call(c, TCLUNK, "4", 4u), 0);
	assert_int_equal(client_call(c, TREMOVE, "4", 5u), ESTALE);
	assert_int_equal(client_call(c, TCLUNK, "4", 5u), EBADF);
	/* Bytes that are no such thing. */
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(p9_server_load(c->server, data, cut), -EINVAL);
	for (size_t at = 0; at < size; at++) {
		data[at] ^= 0x55;
		p9_server_load(c->server, data, size);
		data[at] ^= 0x55;
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sessions_begin_with_a_version, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_made_written_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(data_moves_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(walks_go_step_by_step, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_above_the_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_one_name, setup, teardown),
		cmocka_unit_test_setup_teardown(symbolic_links_are_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(special_files_are_not_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(ten_thousand_files_are_listed_exactly, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_goes_on_where_it_stood, setup, teardown),
		cmocka_unit_test_setup_teardown(fids_follow_renames, setup, teardown),
		cmocka_unit_test_setup_teardown(open_files_outlive_their_names, setup, teardown),
		cmocka_unit_test_setup_teardown(the_host_changes_things_underneath, setup, teardown),
		cmocka_unit_test_setup_teardown(a_race_with_links_does_not_get_out, setup, teardown),
		cmocka_unit_test_setup_teardown(read_only_folders_stay_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_are_set, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_have_values, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_client_can_hold_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(directories_may_be_deep, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_file_system_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(malformed_messages_get_an_error_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(locks_are_the_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(hard_links_are_one_file, setup, teardown),
		cmocka_unit_test_setup_teardown(fids_survive_a_snapshot, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
