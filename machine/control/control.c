/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The control thread (control.h). */
#include "machine/control/control.h"

#include <stdio.h>
#include <string.h>

#include "machine/control/options.h"
#include "machine/control/serial.h"
#include "machine/host/chardev.h"

int control_start(struct control *control, struct machine *machine)
{
	int err;

	control->machine = machine;
	err = event_loop_init(&control->loop, NULL);
	if (err) {
		control->machine = NULL;
		return err;
	}
	err = event_loop_start(&control->loop, "bixi-control");
	if (err) {
		event_loop_destroy(&control->loop);
		control->machine = NULL;
	}
	return err;
}

void control_end(struct control *control)
{
	if (!control->machine || control->ended)
		return;
	control->ended = true;
	event_loop_stop(&control->loop);
	event_loop_join(&control->loop);
}

void control_destroy(struct control *control)
{
	if (!control->machine)
		return;
	event_loop_destroy(&control->loop);
	control->machine = NULL;
}

void control_serial_where(const struct control *control, unsigned index, char *text, size_t size)
{
	const char *spec = control->parts.options->serial[index];
	const struct serial *serial = control->parts.serial ? &control->parts.serial[index] : NULL;
	const char *where = serial && serial->chardev ? chardev_where(serial->chardev) : NULL;

	if (where && strcmp(spec, "pty") == 0)
		snprintf(text, size, "pty:%s", where);
	else
		snprintf(text, size, "%s", spec);
}
