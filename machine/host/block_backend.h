/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What block.c wants of a back end: block_file.c (raw files, host block devices), block_nbd.c (NBD servers).
 */
#ifndef BIXI_HOST_BLOCK_BACKEND_H
#define BIXI_HOST_BLOCK_BACKEND_H

#include "machine/host/block.h"

struct block_backend;

struct block_backend_ops {
	/* Does the request and waits for its end; its size is not 0 but for a flush.  0 or a negative errno.
	 */
	int (*run)(struct block_backend *backend, struct block_request *request);
	/*
	 * Optional: does the request if that needs no waiting for the host, else returns -EAGAIN and may
	 * have used up a part of it, which it has moved offset, size and iov past.  With this, run() is
	 * called on several threads at a time.
	 */
	int (*attempt)(struct block_backend *backend, struct block_request *request);
	/* Optional, in place of run() in real mode: starts the request on the worker, which ends in
	 * block_finish(). */
	void (*start)(struct block_backend *backend, struct block_request *request);
	/* Goes with start(): from now on start() is used and the back end's descriptors are on @loop. */
	int (*attach)(struct block_backend *backend, struct event_loop *loop);
	/* Goes with attach(): no thread runs @loop any more. */
	void (*detach)(struct block_backend *backend);
	/* What an error of this back end means to the user, NULL: what strerror() says. */
	const char *(*explain)(struct block_backend *backend, int err);
	void (*close)(struct block_backend *backend);
};

/* First member of every back end. */
struct block_backend {
	const struct block_backend_ops *ops;
	const char *name; /* as the user gave it */
	uint64_t size;	  /* bytes, whole sectors */
	bool read_only;	  /* opened for reading */
};

/* @write: for writing too.  Errors as of block_open(). */
int block_file_open(struct block_backend **backend, const char *name, bool write, char *error,
		    size_t error_size);
int block_nbd_open(struct block_backend **backend, const char *name, bool write, char *error,
		   size_t error_size);

/* The request of start() has ended.  On the worker thread. */
void block_finish(struct block_request *request, int result);

/* Writes a sentence to @error; returns @err. */
int block_fail(char *error, size_t size, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
