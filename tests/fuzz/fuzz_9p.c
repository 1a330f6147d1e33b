/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Fuzzes the 9P server: messages as they come, on a folder of its own that is looked at afterwards: nothing
 * outside of it may have changed.  The input is a list of messages, each with its length (2 bytes) before it;
 * the size field is made right unless the length's top bit is set.  A Twrite's data is what follows its
 * head.  Type 255 saves the fids and loads them again, with its body laid over what was saved; type 254 lets
 * the host change the folder.
 */
#include <ftw.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>

#include "tests/fuzz/input.h"
#include "tests/unit/p9_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES 64
#define SECRET	 "nobody may change this"

static char base[64];
static struct client client;

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void make_file(const char *name, const char *content)
{
	const int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content))
		abort();
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	if (type == FTW_DNR || type == FTW_DP)
		chmod(path, 0700);
	(void)!remove(path);
	return 0;
}

/* The folder as each input finds it. */
static void fill_folder(void)
{
	nftw(path_of("in"), remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir(path_of("in"), 0755) || mkdir(path_of("in/d"), 0755) ||
	    symlink(path_of("secret"), path_of("in/out")) || symlink("..", path_of("in/up")) ||
	    mkfifo(path_of("in/p"), 0644))
		abort();
	make_file("in/f", "some content");
	make_file("in/d/g", "more");
}

static void build(void)
{
	const struct rlimit files = { 512, 512 }, length = { 1 << 20, 1 << 20 };

	strcpy(base, access("/dev/shm", W_OK) ? "/tmp/bixi-fuzz-9p-XXXXXX" : "/dev/shm/bixi-fuzz-9p-XXXXXX");
	if (!mkdtemp(base))
		abort();
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_FSIZE, &length);
	make_file("secret", SECRET);
	snprintf(client.folder, sizeof(client.folder), "%s/in", base);
}

static void remove_folder(void)
{
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void save_and_load(const uint8_t *body, size_t size)
{
	uint8_t *saved;
	size_t length;

	if (p9_server_save(client.server, &saved, &length))
		abort();
	/* The first bytes of the body say where the others go. */
	if (size > 2)
		for (size_t i = 2, at = body[0] | (size_t)body[1] << 8; i < size && at < length; i++, at++)
			saved[at] ^= body[i];
	p9_server_load(client.server, saved, length);
	free(saved);
}

static void host_changes(uint8_t how)
{
	switch (how & 3) {
	case 0:
		unlink(path_of("in/f"));
		break;
	case 1:
		unlink(path_of("in/d/g"));
		rmdir(path_of("in/d"));
		break;
	case 2:
		(void)!symlink(base, path_of("in/d"));
		break;
	default:
		(void)!truncate(path_of("in/f"), 1);
	}
}

static void send_message(const uint8_t *data, size_t size, bool as_it_is)
{
	struct p9_request *r = &client.request;
	struct iovec data_iov[2] = { { client.data, 5 }, { client.data + 64, 4096 } };
	const uint32_t length = (uint32_t)size;
	size_t head = size < P9_MESSAGE_MAX ? size : P9_MESSAGE_MAX;

	if (size > 4 && data[4] == TWRITE && head > P9_WRITE_HEADER)
		head = P9_WRITE_HEADER;
	memcpy(r->message, data, head);
	if (!as_it_is && head >= 4)
		memcpy(r->message, &length, 4);
	r->message_size = head;
	r->data = data_iov;
	r->data_count = 2;
	r->data_size = 5 + 4096;
	if (size > 4 && data[4] == TWRITE) {
		data_iov[1].iov_len = size - head;
		memcpy(client.data + 64, data + head, size - head);
		r->data = data_iov + 1;
		r->data_count = 1;
		r->data_size = size - head;
	}
	r->reply_room = size > 6 && data[6] & 0x80 ? data[5] : P9_REPLY_MAX;
	p9_server_run(client.server, r);
	if (r->reply_size > r->reply_room || r->data_read > r->data_size)
		abort();
}

/* What lies beside the folder is as it was. */
static void check_outside(void)
{
	char found[64] = "";
	const int fd = open(path_of("secret"), O_RDONLY);
	struct stat st;

	if (fd < 0 || read(fd, found, sizeof(found) - 1) < 0 || strcmp(found, SECRET) != 0 ||
	    fstat(fd, &st) || st.st_nlink != 1 || st.st_mode != (S_IFREG | 0644))
		abort();
	close(fd);
	if (stat(base, &st) || st.st_nlink != 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	static bool built;

	if (!built) {
		build();
		atexit(remove_folder);
	}
	built = true;
	fill_folder();
	client_open(&client, size && data[0] & 1);
	input_take(&input, 1);
	for (unsigned i = 0; i < MESSAGES && input.size; i++) {
		const uint64_t length = input_take(&input, 2);
		const size_t n = (length & 0x7fff) < input.size ? (length & 0x7fff) : input.size;
		const uint8_t *message = input.data;

		if (n > 4 && message[4] == 255)
			save_and_load(message + 5, n - 5);
		else if (n > 5 && message[4] == 254)
			host_changes(message[5]);
		else
			send_message(message, n, length & 0x8000);
		input.data += n;
		input.size -= n;
	}
	p9_server_close(client.server);
	check_outside();
	return 0;
}
