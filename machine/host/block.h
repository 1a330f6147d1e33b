/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Disks: a raw image, a host block device or an NBD server.  Requests run off the processors' threads; in
 * deterministic mode they run at once and complete at a fixed virtual time later.  A disk's requests are not
 * ordered among each other; a flush makes last what was completed before it was submitted.
 */
#ifndef BIXI_HOST_BLOCK_H
#define BIXI_HOST_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "machine/bus/clock.h"
#include "machine/host/eventloop.h"

#define BLOCK_SECTOR 512

struct block;

struct block_options {
	bool read_only;
	bool snapshot; /* writes go to an anonymous overlay that vanishes at the end */
};

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES };

/* A request belongs to the caller and stays put from block_submit() until done() is called. */
struct block_request {
	enum block_op op;
	uint64_t offset, size; /* bytes, multiples of BLOCK_SECTOR inside block_size() */
	struct iovec *iov;     /* read, write: size bytes in all; used up by the request */
	unsigned iov_count;
	bool may_unmap;				     /* write zeroes: may leave a hole */
	bool through;				     /* write, write zeroes: lasting when done */
	void (*done)(struct block_request *request); /* no lock held; see block_submit() */
	int result;				     /* 0 or a negative errno, in done() */

	struct block *block;
	struct clock_timer timer;   /* deterministic mode */
	struct block_request *next; /* in the list it waits in */
};

/*
 * @name: a path, or nbd://HOST[:PORT][/EXPORT], or nbd+unix:///[EXPORT]?socket=PATH.  @clock: deterministic
 * or not decides how requests run.  On failure returns a negative errno and a sentence for the user in
 * @error.
 */
int block_open(struct block **block, const char *name, const struct block_options *options,
	       struct clock *clock, char *error, size_t error_size);

/* Finishes what was submitted, flushes, closes, frees. */
void block_close(struct block *block);

uint64_t block_size(const struct block *block); /* bytes, whole sectors */
bool block_read_only(const struct block *block);

/* Whether @name means an NBD server. */
bool block_is_nbd(const char *name);

/*
 * Starts a request.  done() is called on one of the disk's threads; in deterministic mode from a clock timer.
 * Any thread; locks may be held.  What is submitted on the disk's worker thread waits for block_run().
 */
void block_submit(struct block *block, struct block_request *request);

/* On the worker thread, no lock held: starts what was submitted there. */
void block_run(struct block *block);

/*
 * Runs work on the disk's worker thread (real mode): what prepares requests can do so where they run.
 * Deterministic mode: not to be used.
 */
void block_post(struct block *block, struct event_work *work);

/*
 * Waits until everything submitted or posted so far, and what that led to, is done.  Deterministic mode:
 * completes it now.  Not on the disk's own threads.
 */
void block_drain(struct block *block);

#endif
