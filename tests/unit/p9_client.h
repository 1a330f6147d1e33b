/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The client's side of 9P2000.L for tests and fuzzers: a folder, a server on it, messages put together by
 * hand from the protocol's description, and answers taken apart.
 */
#ifndef BIXI_TESTS_P9_CLIENT_H
#define BIXI_TESTS_P9_CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/host/p9.h"

/* Requests; the answer's type is one more. */
enum {
	TSTATFS = 8,
	TLOPEN = 12,
	TLCREATE = 14,
	TSYMLINK = 16,
	TMKNOD = 18,
	TRENAME = 20,
	TREADLINK = 22,
	TGETATTR = 24,
	TSETATTR = 26,
	TXATTRWALK = 30,
	TXATTRCREATE = 32,
	TREADDIR = 40,
	TFSYNC = 50,
	TLOCK = 52,
	TGETLOCK = 54,
	TLINK = 70,
	TMKDIR = 72,
	TRENAMEAT = 74,
	TUNLINKAT = 76,
	TVERSION = 100,
	TAUTH = 102,
	TATTACH = 104,
	TFLUSH = 108,
	TWALK = 110,
	TREAD = 116,
	TWRITE = 118,
	TCLUNK = 120,
	TREMOVE = 122,
};

#define RLERROR	    7
#define CLIENT_NONE UINT32_MAX
#define CLIENT_DATA (1u << 20)
#define ROOT	    0u /* the fid that client_attach() makes */

struct client {
	char folder[64]; /* shared */
	struct p9_server *server;
	struct p9_request request;
	struct iovec iov;
	uint8_t data[CLIENT_DATA]; /* of Tread and Twrite */
	size_t at;		   /* in the answer, behind what client_get() took */
};

static inline void client_put(struct client *c, uint64_t value, unsigned bytes)
{
	memcpy(c->request.message + c->request.message_size, &value, bytes);
	c->request.message_size += bytes;
}

/* Sends what is in request.message, of type @type.  0 or the error in the answer; -1: no answer. */
static inline int client_send(struct client *c, uint8_t type, size_t data_size)
{
	struct p9_request *r = &c->request;
	const uint32_t size = (uint32_t)(r->message_size + (type == TWRITE ? data_size : 0));
	uint32_t error, length;

	memcpy(r->message, &size, 4);
	r->message[4] = type;
	memcpy(r->message + 5, &(uint16_t){ 0x1234 }, 2);
	c->iov = (struct iovec){ c->data, data_size };
	r->data = &c->iov;
	r->data_count = 1;
	r->data_size = data_size;
	r->reply_room = P9_REPLY_MAX;
	p9_server_run(c->server, r);
	c->at = P9_HEADER;
	if (!r->reply_size)
		return -1;
	memcpy(&length, r->reply, 4);
	if (length != r->reply_size + r->data_read || r->reply[5] != 0x34 || r->reply[6] != 0x12)
		abort();
	if (r->reply[4] == type + 1)
		return 0;
	if (r->reply[4] != RLERROR || r->reply_size != P9_HEADER + 4)
		abort();
	memcpy(&error, r->reply + P9_HEADER, 4);
	return (int)error;
}

/* One message.  Letters of @format: 1, 2, 4, 8 a number of so many bytes; s a string. */
static inline int client_call(struct client *c, uint8_t type, const char *format, ...)
{
	va_list args;

	c->request.message_size = P9_HEADER;
	va_start(args, format);
	for (; *format; format++) {
		if (*format == 's') {
			const char *text = va_arg(args, const char *);

			client_put(c, strlen(text), 2);
			memcpy(c->request.message + c->request.message_size, text, strlen(text));
			c->request.message_size += strlen(text);
		} else if (*format == '8') {
			client_put(c, va_arg(args, uint64_t), 8);
		} else {
			client_put(c, va_arg(args, uint32_t), (unsigned)(*format - '0'));
		}
	}
	va_end(args);
	return client_send(c, type, 0);
}

static inline void client_skip(struct client *c, unsigned bytes)
{
	if (c->at + bytes > c->request.reply_size)
		abort();
	c->at += bytes;
}

/* A number of at most 8 bytes. */
static inline uint64_t client_get(struct client *c, unsigned bytes)
{
	uint64_t value = 0;

	if (bytes > sizeof(value) || c->at + bytes > c->request.reply_size)
		abort();
	memcpy(&value, c->request.reply + c->at, bytes);
	c->at += bytes;
	return value;
}

/* Of the file behind a qid in the answer. */
static inline uint64_t client_get_qid(struct client *c, uint8_t *type)
{
	const uint8_t t = (uint8_t)client_get(c, 1);

	client_get(c, 4);
	if (type)
		*type = t;
	return client_get(c, 8);
}

/* Bytes read into c->data, or a negative error. */
static inline long client_read(struct client *c, uint32_t fid, uint64_t offset, uint32_t count)
{
	int error;

	c->request.message_size = P9_HEADER;
	client_put(c, fid, 4);
	client_put(c, offset, 8);
	client_put(c, count, 4);
	error = client_send(c, TREAD, CLIENT_DATA);
	return error ? -error : (long)client_get(c, 4);
}

static inline long client_write(struct client *c, uint32_t fid, uint64_t offset, const void *data,
				uint32_t count)
{
	int error;

	memcpy(c->data, data, count);
	c->request.message_size = P9_HEADER;
	client_put(c, fid, 4);
	client_put(c, offset, 8);
	client_put(c, count, 4);
	error = client_send(c, TWRITE, count);
	return error ? -error : (long)client_get(c, 4);
}

/* A new fid for @path (names with '/' between them) seen from @from; a walk that ends early is ENOENT. */
static inline int client_walk(struct client *c, uint32_t from, uint32_t to, const char *path)
{
	unsigned names = 0;
	int error;

	c->request.message_size = P9_HEADER;
	client_put(c, from, 4);
	client_put(c, to, 4);
	client_put(c, 0, 2);
	while (*path) {
		const size_t n = strcspn(path, "/");

		client_put(c, n, 2);
		memcpy(c->request.message + c->request.message_size, path, n);
		c->request.message_size += n;
		path += n + (path[n] == '/');
		names++;
	}
	memcpy(c->request.message + P9_HEADER + 8, &names, 2);
	error = client_send(c, TWALK, 0);
	if (!error && client_get(c, 2) != names)
		error = ENOENT;
	return error;
}

static inline int client_version(struct client *c, uint32_t msize)
{
	return client_call(c, TVERSION, "4s", msize, "9P2000.L");
}

static inline int client_attach(struct client *c)
{
	int error = client_version(c, 1u << 20);

	return error ? error : client_call(c, TATTACH, "44ss4", ROOT, CLIENT_NONE, "root", "", 0u);
}

/* Shares c->folder. */
static inline void client_open(struct client *c, bool read_only)
{
	char error[256];

	if (p9_server_open(&c->server, c->folder, "share 'test'", read_only, error, sizeof(error)) ||
	    client_attach(c)) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
}

#endif
