/* SPDX-License-Identifier: MulanPSL-2.0 */
/* From the options to what the sandbox allows (confine.h). */
#include "machine/control/confine.h"

#include <stdio.h>
#include <string.h>

#include "machine/host/block.h"
#include "machine/host/sandbox.h"

/* A back end of --serial, --console, --monitor or --qmp; may be NULL. */
static unsigned backend_features(const char *backend)
{
	/* At the terminal Ctrl-a c has a monitor, which can save the machine. */
	if (backend && strncmp(backend, "stdio", 5) == 0)
		return SANDBOX_WRITE_FILES;
	return backend && strncmp(backend, "unix:", 5) == 0 ? SANDBOX_REMOVE : 0;
}

static unsigned network_features(const char *spec)
{
	if (strncmp(spec, "user", 4) == 0)
		return SANDBOX_CONNECT | SANDBOX_SERVE | SANDBOX_READ_FILES;
	/* Of two machines one takes over when the other ends. */
	return strncmp(spec, "socket=", 7) == 0
		       ? SANDBOX_CONNECT | SANDBOX_SERVE | SANDBOX_REMOVE | SANDBOX_READ_FILES
		       : 0;
}

static unsigned needed_features(const struct run_options *options)
{
	/* A reboot starts from the files again. */
	unsigned features = options->no_reboot ? 0 : SANDBOX_READ_FILES;

	if (options->monitor || options->qmp || options->gdb)
		features |= SANDBOX_WRITE_FILES;
	features |= backend_features(options->monitor) | backend_features(options->qmp) |
		    backend_features(options->console);
	for (unsigned i = 0; i < options->serial_count; i++)
		features |= backend_features(options->serial[i]);
	for (unsigned i = 0; i < options->disk_count; i++)
		features |= block_is_nbd(options->disk[i].file) ? SANDBOX_CONNECT : 0;
	for (unsigned i = 0; i < options->net_count; i++)
		features |= network_features(options->net[i].spec);
	return features | (options->share_count ? SANDBOX_SHARE : 0);
}

void confine(const struct run_options *options)
{
	char error[128];

	if (sandbox_enter(needed_features(options), error, sizeof(error)))
		fprintf(stderr, "bixi: the process is not confined: %s\n", error);
}
