/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Starting and ending what a run serves on the control thread (servers.h). */
#include "machine/control/servers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/control/gdb.h"
#include "machine/control/monitor.h"
#include "machine/control/qmp.h"
#include "machine/control/serial.h"

static bool is_stdio(const char *spec)
{
	return spec && strcmp(spec, "stdio") == 0;
}

/* The monitor behind Ctrl-a c of whatever has the terminal. */
static int share_terminal(struct servers *servers, struct chardev *console)
{
	const struct control_parts *parts = &servers->control.parts;
	const struct run_options *options = parts->options;
	int err = 0;

	for (unsigned i = 0; i < options->serial_count && !err; i++)
		if (is_stdio(options->serial[i]))
			err = monitor_share(&servers->behind[i], &servers->control, parts->serial[i].chardev);
	if (!err && console && is_stdio(options->console))
		err = monitor_share(&servers->behind[OPTIONS_MAX_SERIALS], &servers->control, console);
	return err;
}

/* Who has the terminal already, or NULL. */
static const char *terminal_owner(const struct run_options *options)
{
	for (unsigned i = 0; i < options->serial_count; i++)
		if (is_stdio(options->serial[i]))
			return "--serial";
	return is_stdio(options->console) ? "--console" : NULL;
}

static int check_terminal(const struct run_options *options, char *error, size_t error_size)
{
	const char *owner = terminal_owner(options);

	if (owner && is_stdio(options->monitor)) {
		snprintf(error, error_size,
			 "--monitor stdio: %s has the terminal; Ctrl-a c goes to its monitor, or give %s "
			 "another back end",
			 owner, owner);
		return -EBUSY;
	}
	if (is_stdio(options->qmp) && (owner || is_stdio(options->monitor))) {
		snprintf(error, error_size, "--qmp stdio: %s has the terminal; give unix:PATH or tcp:PORT",
			 owner ? owner : "--monitor");
		return -EBUSY;
	}
	return 0;
}

int servers_open(struct servers *servers, struct machine *machine, const struct control_parts *parts,
		 struct chardev *console, char *error, size_t error_size)
{
	const struct run_options *options = parts->options;
	int err = check_terminal(options, error, error_size);

	if (err)
		return err;
	servers->control.parts = *parts;
	err = control_start(&servers->control, machine);
	if (!err)
		err = share_terminal(servers, console);
	if (err) {
		snprintf(error, error_size, "the monitor does not start: %s", strerror(-err));
		return err;
	}
	if (options->monitor)
		err = monitor_open(&servers->monitor, &servers->control, options->monitor, error, error_size);
	if (!err && options->qmp)
		err = qmp_open(&servers->qmp, &servers->control, options->qmp, error, error_size);
	if (!err && options->gdb)
		err = gdb_open(&servers->gdb, &servers->control, options->gdb_port, error, error_size);
	if (!err && options->gdb_wait)
		machine_stop(machine);
	return err;
}

void servers_close(struct servers *servers)
{
	control_end(&servers->control);
	monitor_close(servers->monitor);
	servers->monitor = NULL;
	for (size_t i = 0; i < sizeof(servers->behind) / sizeof(servers->behind[0]); i++) {
		monitor_close(servers->behind[i]);
		servers->behind[i] = NULL;
	}
	qmp_close(servers->qmp);
	servers->qmp = NULL;
	gdb_close(servers->gdb);
	servers->gdb = NULL;
	control_destroy(&servers->control);
}
