/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A file server for one folder of the host: 9P2000.L, the dialect of Linux (intro(5) of Plan 9 and diod's
 * protocol description).  Messages in, messages out; it knows no guest and no transport.  What a client
 * sends is not trusted: nothing outside of the folder can be reached, the server itself never follows a
 * symbolic link, and never opens a device, FIFO or socket.
 */
#ifndef BIXI_HOST_P9_H
#define BIXI_HOST_P9_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define P9_MSIZE_MAX   (8u << 20)   /* largest message a client may settle on */
#define P9_MESSAGE_MAX 8192u	    /* bytes of a request, without the data of a Twrite */
#define P9_REPLY_MAX   (128u << 10) /* bytes of an answer, without the data of a Rread */

/* What a transport must know to leave a write's and a read's data where they lie. */
enum { P9_TREAD = 116, P9_TWRITE = 118 };
#define P9_HEADER	7u  /* size (4), type (1), tag (2) */
#define P9_WRITE_HEADER 23u /* of Twrite, before the data */
#define P9_READ_HEADER	11u /* of Rread, before the data; an error's answer has this size, too */

/* One request and its answer.  The server changes message and uses up data. */
struct p9_request {
	uint8_t message[P9_MESSAGE_MAX];
	size_t message_size; /* of a Twrite at most P9_WRITE_HEADER */
	struct iovec *data;  /* Twrite: what to write; Tread: where to put what is read */
	unsigned data_count; /* elements of data, at most IOV_MAX */
	size_t data_size;    /* bytes of data */
	size_t reply_room;   /* bytes the client has room for, without a Rread's data */

	uint8_t reply[P9_REPLY_MAX];
	size_t reply_size; /* 0: the request was too short, or the room too small, for any answer */
	size_t data_read;  /* Rread: bytes of data that follow reply */
};

struct p9_server;

/* What a client has done that must survive a snapshot, as bytes. */
#define P9_STATE_MAX (256u << 20)

/*
 * Shares folder @path.  @name is what sentences call it.  On failure returns a negative errno, and a
 * sentence in @error.  A server is used by one thread at a time.
 */
int p9_server_open(struct p9_server **server, const char *path, const char *name, bool read_only, char *error,
		   size_t error_size);
void p9_server_close(struct p9_server *server);

/* Carries one request out and answers it. */
void p9_server_run(struct p9_server *server, struct p9_request *request);

/* The client is gone: closes all it had open. */
void p9_server_reset(struct p9_server *server);

/*
 * The client's fids as malloc()ed bytes, and back: files are opened again by name, and one that is no more
 * gives ESTALE to who uses it.  0, -ENOMEM, or -EINVAL: these are not such bytes.
 */
int p9_server_save(const struct p9_server *server, uint8_t **data, size_t *size);
int p9_server_load(struct p9_server *server, const uint8_t *data, size_t size);

#endif
