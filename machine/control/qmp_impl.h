/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Inside of QMP: what qmp.c (connection, events) and qmp_commands.c (the commands) share. */
#ifndef BIXI_CONTROL_QMP_IMPL_H
#define BIXI_CONTROL_QMP_IMPL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "machine/control/command.h"
#include "machine/control/control.h"

#define QMP_ERROR_SIZE 256

/* What a message is answered with beside a return value. */
struct qmp_error {
	const char *error_class; /* NULL: no error */
	char text[QMP_ERROR_SIZE];
};

/* Fills @error with class GenericError; returns NULL for the caller to pass on. */
json_t *qmp_refuse(struct qmp_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What commands work on. */
struct qmp_session {
	struct command_context context;
	bool negotiated; /* capabilities: commands are taken and events sent */
	bool quit;	 /* asked for; done once the answer is on its way */
};

/* Executes @message.  Returns what to return (a new reference), or NULL with @error filled. */
json_t *qmp_dispatch(struct qmp_session *session, json_t *message, struct qmp_error *error);

/* {"qemu": {...}, "package": ...}, of the greeting and of query-version. */
json_t *qmp_version(void);

#endif
