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
	bool follow, attach;
	const char *cell; /* NULL: the hypervisor's */
	struct termios saved;
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

	if (driver_call(console->fd, DRIVER_CONSOLE_READ, &request, "its console cannot be read", error) < 0)
		return -1;
	if (output->lost)
		printf("\n[%u bytes were lost]\n", output->lost);
	if (output->length > sizeof(output->text))
		return error_set(error, "the driver says that there are %u bytes", output->length);
	fwrite(output->text, 1, output->length, stdout);
	fflush(stdout);
	return (int)output->length;
}

/* Types what there is on standard input; 1: the person leaves, -1: an error. */
static int take_input(const struct console *console, struct error *error)
{
	struct driver_console_write request = { .cell = driver_cell(console->cell) };
	ssize_t length = read(STDIN_FILENO, request.text, sizeof(request.text));
	const char *leave;

	if (length <= 0)
		return 1;
	leave = memchr(request.text, LEAVE, (size_t)length);
	request.length = (uint32_t)(leave ? leave - request.text : length);
	if (request.length &&
	    driver_call(console->fd, DRIVER_CONSOLE_WRITE, &request, "its console takes no input", error) < 0)
		return -1;
	return leave != NULL;
}

static int cell_console(struct console *console, struct error *error)
{
	struct pollfd input = { .fd = console->attach ? STDIN_FILENO : -1, .events = POLLIN };

	for (;;) {
		int shown = show_output(console, error), left;

		if (shown < 0)
			return -1;
		if (!shown && !console->follow)
			return 0;
		if (poll(&input, 1, shown ? 0 : POLL_MS) <= 0)
			continue;
		left = take_input(console, error);
		if (left)
			return left < 0 ? -1 : 0;
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
	bool terminal = tcgetattr(STDIN_FILENO, &console->saved) == 0;
	struct termios raw = console->saved;
	int status;

	if (terminal) {
		fprintf(stderr, "[cell %s; Ctrl-] leaves]\n", console->cell);
		cfmakeraw(&raw);
		raw.c_oflag |= OPOST;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	status = cell_console(console, error);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &console->saved);
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
