/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Character devices (chardev.h): the back ends a user can name, and how each is opened.  One row a kind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "machine/host/chardev.h"
#include "machine/host/chardev_impl.h"
#include "machine/host/terminal.h"

struct sentence {
	char *text;
	size_t size;
};

/* Writes the sentence for the user; returns @err for the caller to pass on. */
static int __attribute__((format(printf, 3, 4)))
fail(const struct sentence *to, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(to->text, to->size, format, args);
	va_end(args);
	return err;
}

/*
 * Standard output belongs to other processes too, so it cannot be made non-blocking.  Terminals and pipes
 * can be opened a second time; what cannot is polled before each short write.
 */
static void open_standard_output(struct chardev *cd)
{
	struct stat st;
	int fd;

	cd->out_fd = STDOUT_FILENO;
	cd->out = CHARDEV_OUT_SHARED;
	if (fstat(STDOUT_FILENO, &st)) {
		cd->out = CHARDEV_OUT_NONE; /* closed */
	} else if (S_ISREG(st.st_mode)) {
		cd->out = CHARDEV_OUT_FILE;
	} else if (S_ISSOCK(st.st_mode)) {
		cd->out = CHARDEV_OUT_SOCKET;
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (fd >= 0) {
			cd->out_fd = fd;
			cd->out = CHARDEV_OUT_NONBLOCK;
		}
	}
}

static int open_stdio(struct chardev *cd, const char *argument, const struct sentence *error)
{
	int err = isatty(STDIN_FILENO) ? terminal_take(STDIN_FILENO) : 0;

	if (err == -EBUSY)
		return fail(error, err, "only one device can use the terminal (stdio)");
	cd->raw_terminal = !err && isatty(STDIN_FILENO);
	cd->patient = true;
	/* In the background (-EAGAIN) reading the terminal would stop the process: no input then. */
	cd->in_fd = err || fcntl(STDIN_FILENO, F_GETFD) < 0 ? -1 : STDIN_FILENO;
	open_standard_output(cd);
	return 0;
}

static int open_file(struct chardev *cd, const char *path, const struct sentence *error)
{
	struct stat st;

	cd->out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (cd->out_fd < 0)
		return fail(error, -errno, "cannot write to '%s': %s", path, strerror(errno));
	cd->out = !fstat(cd->out_fd, &st) && S_ISREG(st.st_mode) ? CHARDEV_OUT_FILE : CHARDEV_OUT_NONBLOCK;
	cd->patient = true;
	cd->where = strdup(path);
	return 0;
}

static int open_pty(struct chardev *cd, const char *argument, const struct sentence *error)
{
	struct termios mode;
	char name[64];

	cd->in_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (cd->in_fd < 0 || grantpt(cd->in_fd) || unlockpt(cd->in_fd) ||
	    ptsname_r(cd->in_fd, name, sizeof(name)))
		return fail(error, -errno, "cannot make a pseudo-terminal: %s", strerror(errno));
	cd->slave_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (cd->slave_fd < 0 || fcntl(cd->in_fd, F_SETFL, O_NONBLOCK) || tcgetattr(cd->slave_fd, &mode))
		return fail(error, -errno, "cannot open the pseudo-terminal '%s': %s", name, strerror(errno));
	cfmakeraw(&mode);
	tcsetattr(cd->slave_fd, TCSANOW, &mode);
	cd->out_fd = fcntl(cd->in_fd, F_DUPFD_CLOEXEC, 0);
	if (cd->out_fd < 0)
		return fail(error, -errno, "cannot open the pseudo-terminal '%s': %s", name, strerror(errno));
	cd->out = CHARDEV_OUT_NONBLOCK;
	cd->lossy = true;
	cd->where = strdup(name);
	return 0;
}

/* A socket file nobody listens on any more is left from an earlier run. */
static void remove_stale_socket(const struct sockaddr_un *address)
{
	struct stat st;
	int fd;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

static int open_unix(struct chardev *cd, const char *path, const struct sentence *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(error, -ENAMETOOLONG, "the socket path '%s' is longer than %zu characters", path,
			    sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	remove_stale_socket(&address);
	cd->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (cd->listen_fd < 0 || bind(cd->listen_fd, (struct sockaddr *)&address, sizeof(address)))
		return fail(error, -errno, "cannot listen on '%s': %s", path, strerror(errno));
	cd->unlink_path = strdup(path);
	if (listen(cd->listen_fd, 1))
		return fail(error, -errno, "cannot listen on '%s': %s", path, strerror(errno));
	cd->where = strdup(path);
	return 0;
}

static int open_tcp(struct chardev *cd, const char *port_text, const struct sentence *error)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	const int one = 1;
	char where[32];
	char *end;
	unsigned long port = strtoul(port_text, &end, 10);

	if (*end || end == port_text || *port_text == '-' || port > 65535)
		return fail(error, -EINVAL, "'%s' is not a TCP port (0 to 65535)", port_text);
	address.sin_port = htons((uint16_t)port);
	cd->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (cd->listen_fd < 0)
		return fail(error, -errno, "cannot make a TCP socket: %s", strerror(errno));
	setsockopt(cd->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(cd->listen_fd, (struct sockaddr *)&address, sizeof(address)) || listen(cd->listen_fd, 1) ||
	    getsockname(cd->listen_fd, (struct sockaddr *)&address, &length))
		return fail(error, -errno, "cannot listen on TCP port %lu of 127.0.0.1: %s", port,
			    strerror(errno));
	setsockopt(cd->listen_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* connections inherit it */
	snprintf(where, sizeof(where), "127.0.0.1:%u", ntohs(address.sin_port));
	cd->where = strdup(where);
	return 0;
}

static int open_null(struct chardev *cd, const char *argument, const struct sentence *error)
{
	return 0;
}

static const struct kind {
	const char *name;
	bool has_argument;
	const char *argument; /* for the error sentence */
	int (*open)(struct chardev *cd, const char *argument, const struct sentence *error);
} kinds[] = {
	{ "stdio", false, NULL, open_stdio }, { "file", true, "a path", open_file },
	{ "pty", false, NULL, open_pty },     { "unix", true, "a path", open_unix },
	{ "tcp", true, "a port", open_tcp },  { "null", false, NULL, open_null },
};

static int open_kind(struct chardev *cd, const char *spec, const struct sentence *error)
{
	const char *colon = strchr(spec, ':');
	size_t length = colon ? (size_t)(colon - spec) : strlen(spec);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];

		if (strlen(kind->name) != length || strncmp(kind->name, spec, length))
			continue;
		if (kind->has_argument && (!colon || !colon[1]))
			return fail(error, -EINVAL, "'%s' needs %s after a colon", kind->name,
				    kind->argument);
		if (!kind->has_argument && colon)
			return fail(error, -EINVAL, "'%s' takes nothing after it (got '%s')", kind->name,
				    spec);
		return kind->open(cd, colon ? colon + 1 : NULL, error);
	}
	return fail(error, -EINVAL,
		    "'%s' is not a character device; use stdio, file:PATH, pty, unix:PATH, tcp:PORT or null",
		    spec);
}

int chardev_open(struct chardev **chardev, const char *spec, struct event_loop *loop,
		 const struct chardev_keys *keys, char *error, size_t error_size)
{
	const struct sentence sentence = { error, error_size };
	struct chardev *cd = calloc(1, sizeof(*cd));
	int err;

	if (!cd)
		return fail(&sentence, -ENOMEM, "out of memory for '%s'", spec);
	cd->loop = loop;
	cd->in_fd = cd->out_fd = cd->listen_fd = cd->slave_fd = -1;
	pthread_mutex_init(&cd->lock, NULL);
	cd->buffer = malloc(CHARDEV_BUFFER);
	err = cd->buffer ? open_kind(cd, spec, &sentence)
			 : fail(&sentence, -ENOMEM, "out of memory for '%s'", spec);
	if (err) {
		chardev_close(cd);
		return err;
	}
	if (keys) {
		cd->has_keys = !strcmp(spec, "stdio");
		cd->keys = *keys;
	}
	*chardev = cd;
	return 0;
}
