/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The controlling terminal in raw mode, given back as it was however the process ends: exit(), signals that
 * end it, and crashes.  The terminal belongs to the process, so this is the one place with global state.
 */
#ifndef BIXI_HOST_TERMINAL_H
#define BIXI_HOST_TERMINAL_H

/*
 * Puts terminal @fd into raw mode (keys such as Ctrl-C go to the guest, output processing stays on).
 * Returns 0, -EBUSY when already taken, -ENOTTY, or -EAGAIN when the process is in the background.
 */
int terminal_take(int fd);

/* Gives it back; does nothing when it was not taken. */
void terminal_restore(void);

#endif
