/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * bixi-cell console [CELL] [-f|-a]: what the cell has printed on its virtual console, or without a cell the
 * hypervisor; -f goes on until it is interrupted, -a types into the cell, too, until Ctrl-].
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/command.h"

#define LEAVE	0x1d /* Ctrl-] */
#define POLL_MS 20   /* a cell's output is polled: nothing tells of it */

struct console {
	int fd;
	bool follow, attach, terminal;
	const char *cell; /* NULL: the hypervisor's */
	struct termios saved;
	/* What is typed and the cell has not taken yet. */
	char typed[4096];
	size_t typed_length;
	bool ended, left; /* standard input; by Ctrl-] */
};

static void take(int letter, const char *argument, void *opaque)
{
	struct console *console = opaque;

	console->follow = true;
	if (letter == 'a')
		console->attach = true;
}

/* Prints what there is; the number of bytes, or -1. */
static int show_output(const struct console *console, struct error *error)
{
	struct driver_console_read request = { .cell = driver_cell(console->cell) };
	struct hv_console *output = &request.console;

	if (driver_call(console->fd, DRIVER_CONSOLE_READ, &request, "the cell's console cannot be read",
			error) < 0)
		return -1;
	if (output->lost)
		printf("\n[%u bytes were lost]\n", output->lost);
	if (output->length > sizeof(output->text))
		return error_set(error, "the driver says that there are %u bytes", output->length);
	fwrite(output->text, 1, output->length, stdout);
	fflush(stdout);
	return (int)output->length;
}

/* Reads standard input.  A person may always leave: what a cell does not take is lost when there is no room.
 */
static void take_input(struct console *console)
{
	char text[256];
	ssize_t length = read(STDIN_FILENO, text, sizeof(text));
	size_t room = sizeof(console->typed) - console->typed_length, size;
	const char *leave;

	if (length <= 0) {
		console->ended = true;
		return;
	}
	leave = memchr(text, LEAVE, (size_t)length);
	console->left = leave;
	size = (size_t)(leave ? leave - text : length);
	size = size < room ? size : room;
	memcpy(console->typed + console->typed_length, text, size);
	console->typed_length += size;
}

/* Types it into the cell, as much as that has room for. */
static int give_input(struct console *console, struct error *error)
{
	struct driver_console_write request = { .cell = driver_cell(console->cell) };
	size_t size = console->typed_length;

	if (!size)
		return 0;
	size = size < sizeof(request.text) ? size : sizeof(request.text);
	request.length = (uint32_t)size;
	memcpy(request.text, console->typed, size);
	if (driver_call(console->fd, DRIVER_CONSOLE_WRITE, &request, "the cell's console takes no input",
			error) < 0)
		return -1;
	if (request.length > size)
		return error_set(error, "the driver says that it took %u bytes of %zu", request.length, size);
	console->typed_length -= request.length;
	memmove(console->typed, console->typed + request.length, console->typed_length);
	return 0;
}

static bool wants_input(const struct console *console)
{
	size_t room = sizeof(console->typed) - console->typed_length;

	return console->attach && !console->ended && (console->terminal || room >= 256);
}

static int cell_console(struct console *console, struct error *error)
{
	for (;;) {
		struct pollfd input = { .fd = wants_input(console) ? STDIN_FILENO : -1, .events = POLLIN };
		int shown = show_output(console, error);

		if (shown < 0)
			return -1;
		if (!shown && !console->follow)
			return 0;
		if (poll(&input, 1, shown ? 0 : POLL_MS) > 0)
			take_input(console);
		if (give_input(console, error))
			return -1;
		if (console->left || (console->ended && !console->typed_length))
			return 0;
	}
}

static int hypervisor_console(const struct console *console, struct error *error)
{
	char text[1024];
	ssize_t length;

	if (!console->follow)
		fcntl(console->fd, F_SETFL, fcntl(console->fd, F_GETFL) | O_NONBLOCK);
	while ((length = read(console->fd, text, sizeof(text))) > 0) {
		fwrite(text, 1, (size_t)length, stdout);
		fflush(stdout);
	}
	if (length < 0 && errno != EAGAIN && errno != EINTR)
		return driver_refusal(console->fd, "the hypervisor's console cannot be read", error);
	return 0;
}

static int attached_console(struct console *console, struct error *error)
{
	struct termios raw;
	int status;

	console->terminal = tcgetattr(STDIN_FILENO, &console->saved) == 0;
	raw = console->saved;
	if (console->terminal) {
		fprintf(stderr, "[cell %s; Ctrl-] leaves]\n", console->cell);
		cfmakeraw(&raw);
		raw.c_oflag |= OPOST;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	status = cell_console(console, error);
	if (console->terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &console->saved);
		fprintf(stderr, "\n");
	}
	return status;
}

int console_main(int argc, char **argv)
{
	struct console console = { 0 };
	struct error error;
	int status = take_options(argc, argv, "fa", NULL, take, &console);

	if (status)
		return status;
	if (optind < argc - 1)
		return usage_error("console: %s is too much", argv[optind + 1]);
	console.cell = optind < argc ? argv[optind] : NULL;
	if (console.attach && !console.cell)
		return usage_error("console: the hypervisor takes no input; give a cell with -a");
	console.fd = driver_open(&error);
	if (console.fd < 0)
		return fail(&error);
	status = !console.cell	  ? hypervisor_console(&console, &error)
		 : console.attach ? attached_console(&console, &error)
				  : cell_console(&console, &error);
	close(console.fd);
	return status ? fail(&error) : STATUS_OK;
}
