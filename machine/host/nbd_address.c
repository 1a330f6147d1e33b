/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Where an NBD server is (nbd_address.h).  Names are resolved once, so that connecting again needs no files.
 */
#include "machine/host/nbd_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "machine/host/block_backend.h"

#define TCP_PREFIX   "nbd://"
#define UNIX_PREFIX  "nbd+unix://"
#define DEFAULT_PORT "10809"

/* What stands between two marks of a URI. */
struct span {
	const char *begin, *end;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A copy without %XX; NULL: no memory, or a broken escape. */
static char *unescape(struct span text)
{
	char *copy = malloc((size_t)(text.end - text.begin) + 1), *to = copy;

	for (const char *from = text.begin; copy && from < text.end; from++) {
		int high, low;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		high = text.end - from > 2 ? hex_digit(from[1]) : -1;
		low = high >= 0 ? hex_digit(from[2]) : -1;
		if (low < 0 || !(high | low)) {
			free(copy);
			return NULL;
		}
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	if (copy)
		*to = 0;
	return copy;
}

static int parse_unix(struct nbd_address *address, const char *uri, struct span query, char *error,
		      size_t error_size)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&address->address[0];
	char *path = NULL;
	size_t length;

	if (strncmp(query.begin, "socket=", 7) == 0) {
		query.begin += 7;
		path = unescape(query);
	}
	length = path ? strlen(path) : 0;
	if (!length || length >= sizeof(un->sun_path)) {
		free(path);
		return block_fail(error, error_size, -EINVAL,
				  "disk '%s': give the server's socket as nbd+unix:///EXPORT?socket=PATH",
				  uri);
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length + 1);
	address->length[0] = sizeof(*un);
	address->count = 1;
	free(path);
	return 0;
}

static int resolve(struct nbd_address *address, const char *uri, const char *host, const char *port,
		   char *error, size_t error_size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	int err = getaddrinfo(host, port, &hints, &list);

	if (err)
		return block_fail(error, error_size, -EHOSTUNREACH, "disk '%s': no address of %s port %s: %s",
				  uri, host, port, gai_strerror(err));
	for (struct addrinfo *info = list; info && address->count < NBD_ADDRESSES_MAX; info = info->ai_next) {
		memcpy(&address->address[address->count], info->ai_addr, info->ai_addrlen);
		address->length[address->count++] = info->ai_addrlen;
	}
	freeaddrinfo(list);
	return 0;
}

/* HOST[:PORT] or [IPV6][:PORT]. */
static int parse_tcp(struct nbd_address *address, const char *uri, struct span authority, char *error,
		     size_t error_size)
{
	struct span host = authority;
	char *name = NULL, *port = NULL;
	const char *colon;
	int err = -EINVAL;

	if (*host.begin == '[') {
		host.begin++;
		host.end = memchr(host.begin, ']', (size_t)(authority.end - host.begin));
		colon = host.end ? host.end + 1 : NULL;
		if (colon && colon != authority.end && *colon != ':')
			host.end = NULL;
	} else {
		colon = memchr(host.begin, ':', (size_t)(host.end - host.begin));
		host.end = colon ? colon : authority.end;
	}
	if (host.end && host.end > host.begin) {
		name = strndup(host.begin, (size_t)(host.end - host.begin));
		port = colon && colon < authority.end
			       ? strndup(colon + 1, (size_t)(authority.end - colon - 1))
			       : strdup(DEFAULT_PORT);
	}
	if (name && port)
		err = resolve(address, uri, name, port, error, error_size);
	else
		block_fail(error, error_size, err, "disk '%s': give the server as nbd://HOST:PORT/EXPORT",
			   uri);
	free(name);
	free(port);
	return err;
}

int nbd_address_parse(struct nbd_address *address, const char *uri, char *error, size_t error_size)
{
	const bool is_unix = strncmp(uri, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
	const char *begin = uri + strlen(is_unix ? UNIX_PREFIX : TCP_PREFIX), *end = uri + strlen(uri);
	const char *question = strchr(begin, '?');
	struct span authority = { begin, begin + strcspn(begin, "/?") };
	struct span query = { question ? question + 1 : end, end };
	struct span path = { authority.end, question ? question : end };
	int err;

	*address = (struct nbd_address){ 0 };
	if (path.begin < path.end)
		path.begin++; /* the slash */
	address->export_name = unescape(path);
	if (!address->export_name)
		return block_fail(error, error_size, -EINVAL, "disk '%s': the export's name is not good",
				  uri);
	if (is_unix)
		err = authority.begin == authority.end
			      ? parse_unix(address, uri, query, error, error_size)
			      : block_fail(error, error_size, -EINVAL,
					   "disk '%s': nbd+unix:// has no host, the next is a third /", uri);
	else if (question)
		err = block_fail(error, error_size, -EINVAL, "disk '%s': nothing can follow ? here", uri);
	else
		err = parse_tcp(address, uri, authority, error, error_size);
	return err;
}

void nbd_address_free(struct nbd_address *address)
{
	free(address->export_name);
	*address = (struct nbd_address){ 0 };
}

/* Waits for a connection in progress. */
static int await_connection(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	socklen_t length = sizeof(int);
	int err = 0, ready;

	do
		ready = poll(&poll_fd, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return ready ? -errno : -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length) ? -errno : -err;
}

static int connect_one(const struct nbd_address *address, unsigned index, int timeout_ms)
{
	const struct sockaddr *to = (const struct sockaddr *)&address->address[index];
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, to, address->length[index]))
		err = errno == EINPROGRESS ? await_connection(fd, timeout_ms) : -errno;
	if (err) {
		close(fd);
		return err;
	}
	if (to->sa_family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	return fd;
}

int nbd_address_connect(const struct nbd_address *address, int timeout_ms)
{
	int fd = -EHOSTUNREACH;

	for (unsigned i = 0; i < address->count; i++) {
		fd = connect_one(address, i, timeout_ms);
		if (fd >= 0)
			break;
	}
	return fd;
}
