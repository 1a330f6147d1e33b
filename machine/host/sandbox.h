/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What the process may still ask of the host once the machine is put together: a seccomp filter that allows
 * what running needs, no new privileges, and no capabilities that nothing needs.
 *
 * A call that is not allowed fails with EPERM, and a sentence names it: nothing forbidden happens, a part of
 * libc that nobody thought of does not end the user's machine, and what is missing does not stay hidden.
 */
#ifndef BIXI_HOST_SANDBOX_H
#define BIXI_HOST_SANDBOX_H

#include <stddef.h>

/* What the options ask for beyond what any machine needs. */
enum sandbox_feature {
	SANDBOX_READ_FILES = 1 << 0,  /* opens files for reading: a reboot, the name servers' list */
	SANDBOX_WRITE_FILES = 1 << 1, /* opens, makes and renames files: snapshots */
	SANDBOX_SHARE = 1 << 2,	      /* whatever a guest does in a shared folder */
	SANDBOX_CONNECT = 1 << 3,     /* makes connections to other processes */
	SANDBOX_SERVE = 1 << 4,	      /* makes sockets that others connect to */
	SANDBOX_REMOVE = 1 << 5,      /* removes its sockets in the file system */
};

/*
 * For all threads, those to come too, for ever.  Returns 0, also in a build with a sanitizer, whose runtime
 * needs what is forbidden and where this does nothing; or a negative errno with a sentence in @error, and
 * then the process runs on as it was.
 */
int sandbox_enter(unsigned features, char *error, size_t error_size);

#endif
