/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inside of character devices: what chardev.c (data) and chardev_open.c (back ends) share. */
#ifndef BIXI_HOST_CHARDEV_IMPL_H
#define BIXI_HOST_CHARDEV_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "machine/host/chardev.h"
#include "machine/host/eventloop.h"

#define CHARDEV_BUFFER (1u << 20) /* bytes of output that wait for a slow reader */
#define CHARDEV_INPUT  512	  /* bytes that are read at a time */

/* How out_fd is written without waiting. */
enum chardev_out {
	CHARDEV_OUT_NONE,     /* nobody there: output is dropped */
	CHARDEV_OUT_NONBLOCK, /* an open file description of our own with O_NONBLOCK */
	CHARDEV_OUT_SOCKET,   /* MSG_DONTWAIT */
	CHARDEV_OUT_FILE,     /* a regular file never waits for a reader */
	CHARDEV_OUT_SHARED,   /* a description shared with other processes: poll, then little at a time */
};

struct chardev {
	struct event_loop *loop;
	struct chardev_client client;
	char *where;
	char *unlink_path; /* remove at close (listening socket) */

	int in_fd, out_fd, listen_fd; /* -1: none */
	int slave_fd;		      /* pty: keeps the line up while nobody has it open */
	bool patient;		      /* stdio, file: wait for the reader at close, however long */
	bool lossy; /* pty: who does not look loses the oldest output; nobody can tell whether somebody looks
		     */
	bool raw_terminal;

	/* Only on the loop's thread: */
	struct event_fd input, listener;
	bool input_watched, listener_watched;
	bool input_always;	      /* the descriptor cannot be polled: always readable */
	struct event_work input_work; /* look again whether input can go on */
	uint8_t typed[CHARDEV_INPUT]; /* has_keys: what the guest has not taken yet */
	size_t typed_size;
	bool escape; /* Ctrl-a was typed */
	bool has_keys;
	bool announced; /* client.connected() was called */
	struct chardev_client monitor;
	bool has_monitor, monitor_has_input;
	struct chardev_keys keys;

	_Atomic bool input_paused; /* can_receive() was 0 */

	pthread_mutex_t lock; /* protects: what follows, out_fd; no callback is called with it held */
	enum chardev_out out;
	struct event_fd output;
	bool output_watched;
	uint8_t *buffer; /* ring of CHARDEV_BUFFER bytes */
	size_t head, used;
	bool stalled;	   /* the reader did not move for a whole wait */
	bool client_waits; /* chardev_write() was short */
	bool write_failed; /* the sentence was printed */
	uint64_t dropped;  /* bytes */
};

#endif
