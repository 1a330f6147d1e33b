/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Where an NBD server is: nbd://HOST[:PORT][/EXPORT] and nbd+unix:///[EXPORT]?socket=PATH, as in the URI
 * specification of the NBD project.
 */
#ifndef BIXI_HOST_NBD_ADDRESS_H
#define BIXI_HOST_NBD_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define NBD_ADDRESSES_MAX 4 /* of a host name */

struct nbd_address {
	char *export_name; /* "" for the default one; owned */
	struct sockaddr_storage address[NBD_ADDRESSES_MAX];
	socklen_t length[NBD_ADDRESSES_MAX];
	unsigned count;
};

/* Resolves @uri.  On failure returns a negative errno and a sentence in @error. */
int nbd_address_parse(struct nbd_address *address, const char *uri, char *error, size_t error_size);
void nbd_address_free(struct nbd_address *address);

/* A connected, non-blocking socket, or a negative errno; waits up to @timeout_ms for each address. */
int nbd_address_connect(const struct nbd_address *address, int timeout_ms);

#endif
