/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Character devices: where a guest's serial port or console goes on the host (terminal, file, pty, socket).
 * Output is buffered and never blocks the caller for long; input comes as fast as the guest's device takes
 * it.
 */
#ifndef BIXI_HOST_CHARDEV_H
#define BIXI_HOST_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chardev;
struct event_loop;

/* What "stdio" does on Ctrl-a x.  NULL: the key does nothing.  Event-loop thread. */
struct chardev_keys {
	void (*exit)(void *opaque);
	void *opaque;
};

/* The guest's device.  Called on the event-loop thread with no chardev lock held. */
struct chardev_client {
	size_t (*can_receive)(void *opaque);				 /* bytes receive() would take now */
	void (*receive)(void *opaque, const uint8_t *data, size_t size); /* size <= can_receive() */
	void (*can_write)(void *opaque); /* NULL, or: after a short chardev_write(), there is room again */
	/* NULL, or: somebody is there, or is gone (of back ends without connections: there, once). */
	void (*connected)(void *opaque, bool here);
	void *opaque;
};

/*
 * Opens what @spec names: "stdio", "file:PATH", "pty", "unix:PATH", "tcp:PORT" (127.0.0.1), "null".
 * @keys NULL: stdio, too, has no escape keys.  On failure returns a negative errno and a sentence for the
 * user in @error.
 */
int chardev_open(struct chardev **chardev, const char *spec, struct event_loop *loop,
		 const struct chardev_keys *keys, char *error, size_t error_size);

/* Writes out what is buffered (waiting for a reader as long as that makes progress), closes, frees.  The
 * loop must not run any more, or the caller be on its thread. */
void chardev_close(struct chardev *chardev);

/* Connects the guest's device and starts input; copied.  Once, before the machine starts. */
void chardev_attach(struct chardev *chardev, const struct chardev_client *client);

/*
 * A second client that has the input of "stdio" after Ctrl-a c, until the next Ctrl-a c; output of both is
 * shown.  Its connected() is called with each change.  Copied; before the machine starts.
 */
void chardev_attach_monitor(struct chardev *chardev, const struct chardev_client *monitor);

/* Hangs up on who is connected (unix, tcp); what was not sent yet is lost.  Event-loop thread. */
void chardev_disconnect(struct chardev *chardev);

/*
 * Takes as much as the buffer has room for and returns how much that was; never waits.  If it was short
 * the client's can_write is called later.  Any thread; the caller may hold its device's lock.
 */
size_t chardev_write(struct chardev *chardev, const void *data, size_t size);

/*
 * Takes everything.  When the buffer is full it waits up to 100 ms for the reader; if nothing moves in
 * that time the oldest output is dropped, without waiting again until the reader moves.  Any thread.
 */
void chardev_write_all(struct chardev *chardev, const void *data, size_t size);

/* can_receive() grew from 0: continue input.  Any thread; the caller may hold its device's lock. */
void chardev_input_ready(struct chardev *chardev);

/* Where a person finds it ("/dev/pts/3", "127.0.0.1:4444", the path), or NULL. */
const char *chardev_where(const struct chardev *chardev);

#endif
