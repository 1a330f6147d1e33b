/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The terminal in raw mode (terminal.h).  termios(3) calls used in handlers are async-signal-safe. */
#include "machine/host/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* Signals that end a process unless somebody handles them, and that can hit while the terminal is raw. */
static const int fatal_signals[] = { SIGHUP, SIGINT,  SIGQUIT, SIGILL,	SIGABRT, SIGBUS,
				     SIGFPE, SIGSEGV, SIGPIPE, SIGTERM, SIGXCPU, SIGXFSZ };
#define FATAL_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static struct {
	_Atomic int fd; /* the terminal, -1: not taken */
	struct termios saved, raw;
	struct sigaction old[FATAL_SIGNALS], old_continue;
} terminal = { .fd = -1 };

static void give_back(void)
{
	int fd = atomic_load(&terminal.fd);

	if (fd >= 0)
		tcsetattr(fd, TCSANOW, &terminal.saved);
}

/* Gives the terminal back, then lets whoever was responsible before handle the signal. */
static void on_fatal(int number)
{
	int saved_errno = errno;

	give_back();
	for (size_t i = 0; i < FATAL_SIGNALS; i++)
		if (fatal_signals[i] == number)
			sigaction(number, &terminal.old[i], NULL);
	errno = saved_errno;
	raise(number); /* blocked until this handler returns */
}

/* The shell changed the terminal's mode while we were stopped. */
static void on_continue(int number)
{
	int saved_errno = errno;
	int fd = atomic_load(&terminal.fd);

	if (fd >= 0 && tcgetpgrp(fd) == getpgrp())
		tcsetattr(fd, TCSANOW, &terminal.raw);
	errno = saved_errno;
}

static void make_raw(struct termios *mode)
{
	mode->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	mode->c_oflag |= OPOST;
	mode->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	mode->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	mode->c_cflag |= CS8;
	mode->c_cc[VMIN] = 1;
	mode->c_cc[VTIME] = 0;
}

int terminal_take(int fd)
{
	static atomic_bool at_exit;
	struct sigaction action = { .sa_handler = on_fatal };
	pid_t foreground;

	if (atomic_load(&terminal.fd) >= 0)
		return -EBUSY;
	if (tcgetattr(fd, &terminal.saved))
		return -ENOTTY;
	foreground = tcgetpgrp(fd); /* -1: not our controlling terminal, then nothing can stop us */
	if (foreground != -1 && foreground != getpgrp())
		return -EAGAIN; /* changing the mode would stop us */
	terminal.raw = terminal.saved;
	make_raw(&terminal.raw);
	atomic_store(&terminal.fd, fd);
	if (!atomic_exchange(&at_exit, true))
		atexit(terminal_restore);
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		sigaction(fatal_signals[i], NULL, &terminal.old[i]);
		if (terminal.old[i].sa_handler != SIG_IGN)
			sigaction(fatal_signals[i], &action, NULL);
	}
	action.sa_handler = on_continue;
	action.sa_flags = SA_RESTART;
	sigaction(SIGCONT, &action, &terminal.old_continue);
	tcsetattr(fd, TCSANOW, &terminal.raw);
	return 0;
}

void terminal_restore(void)
{
	struct sigaction now;

	if (atomic_load(&terminal.fd) < 0)
		return;
	give_back();
	atomic_store(&terminal.fd, -1);
	for (size_t i = 0; i < FATAL_SIGNALS; i++) {
		sigaction(fatal_signals[i], NULL, &now);
		if (now.sa_handler == on_fatal)
			sigaction(fatal_signals[i], &terminal.old[i], NULL);
	}
	sigaction(SIGCONT, &terminal.old_continue, NULL);
}
