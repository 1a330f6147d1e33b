/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The monitor (monitor.h).  What is typed may come in on the machine's event loop, where the terminal of its
 * serial port is served; it is handed to the control thread, which edits the line and executes it.
 */
#include "machine/control/monitor.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "machine/control/command.h"
#include "machine/control/lineedit.h"

#define INPUT_MAX 4096 /* bytes that wait for the control thread */

struct monitor {
	struct control *control;
	struct chardev *chardev;
	bool shared; /* the chardev is a serial port's */
	bool stdio;  /* standard output: the terminal makes lines of line feeds */
	struct event_work work;

	/* Only on the control thread: */
	struct command_context context;
	struct lineedit edit;
	bool greeted;

	pthread_mutex_t lock; /* protects: what follows */
	uint8_t input[INPUT_MAX];
	size_t input_size;
	bool arrived, left; /* somebody came, somebody went, since the control thread looked */
};

/* Whoever is at the other end of a socket or pty wants a carriage return before each line feed. */
static void show(void *opaque, const char *text, size_t size)
{
	struct monitor *monitor = opaque;

	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t part = end ? (size_t)(end - text) : size;
		bool has_cr = end && part && text[part - 1] == '\r';

		chardev_write_all(monitor->chardev, text, part - has_cr);
		if (end)
			chardev_write_all(monitor->chardev, &"\r\n"[monitor->stdio],
					  monitor -> stdio ? 1 : 2);
		part += end != NULL;
		text += part;
		size -= part;
	}
}

static void entered(void *opaque, const char *line)
{
	struct monitor *monitor = opaque;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	command_execute(&monitor->context, line, out);
	if (fclose(out) == 0)
		show(monitor, text, size);
	free(text);
}

static const char *complete(void *opaque, const char *line, unsigned index)
{
	struct monitor *monitor = opaque;

	return command_complete(&monitor->context, line, index);
}

static void begin(struct monitor *monitor)
{
	static const char greeting[] = "Bixi " BIXI_VERSION " monitor - type 'help' for more information\r\n";

	if (monitor->shared)
		show(monitor, "\r\n", 2);
	if (!monitor->greeted || !monitor->shared)
		show(monitor, greeting, sizeof(greeting) - 1);
	monitor->greeted = true;
	lineedit_begin(&monitor->edit);
}

/* On the control thread: what came in since the last time. */
static void monitor_work(void *opaque)
{
	struct monitor *monitor = opaque;
	uint8_t input[INPUT_MAX];
	bool arrived, left;
	size_t size;

	pthread_mutex_lock(&monitor->lock);
	size = monitor->input_size;
	memcpy(input, monitor->input, size);
	monitor->input_size = 0;
	arrived = monitor->arrived;
	left = monitor->left;
	monitor->arrived = monitor->left = false;
	pthread_mutex_unlock(&monitor->lock);
	if (size)
		chardev_input_ready(monitor->chardev);
	if (arrived)
		begin(monitor);
	lineedit_input(&monitor->edit, input, size);
	if (left && monitor->shared)
		show(monitor, "\r\n", 2);
}

static size_t can_receive(void *opaque)
{
	struct monitor *monitor = opaque;
	size_t room;

	pthread_mutex_lock(&monitor->lock);
	room = INPUT_MAX - monitor->input_size;
	pthread_mutex_unlock(&monitor->lock);
	return room;
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
	struct monitor *monitor = opaque;

	pthread_mutex_lock(&monitor->lock);
	memcpy(monitor->input + monitor->input_size, data, size);
	monitor->input_size += size;
	pthread_mutex_unlock(&monitor->lock);
	event_loop_post(&monitor->control->loop, &monitor->work);
}

static void connected(void *opaque, bool here)
{
	struct monitor *monitor = opaque;

	pthread_mutex_lock(&monitor->lock);
	if (here && !monitor->shared)
		monitor->input_size = 0; /* of the one before */
	*(here ? &monitor->arrived : &monitor->left) = true;
	pthread_mutex_unlock(&monitor->lock);
	event_loop_post(&monitor->control->loop, &monitor->work);
}

static struct monitor *monitor_create(struct control *control)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	const struct lineedit_owner owner = {
		.show = show, .entered = entered, .complete = complete, .opaque = monitor
	};

	if (!monitor)
		return NULL;
	monitor->control = control;
	monitor->context = (struct command_context){ .machine = control->machine, .control = control };
	pthread_mutex_init(&monitor->lock, NULL);
	event_work_init(&monitor->work, monitor_work, monitor);
	lineedit_init(&monitor->edit, &owner, "(bixi) ");
	return monitor;
}

static struct chardev_client client_of(struct monitor *monitor)
{
	return (struct chardev_client){
		.can_receive = can_receive, .receive = receive, .connected = connected, .opaque = monitor
	};
}

int monitor_open(struct monitor **result, struct control *control, const char *spec, char *error,
		 size_t error_size)
{
	struct monitor *monitor = monitor_create(control);
	struct chardev_client client = client_of(monitor);
	int err;

	if (!monitor) {
		snprintf(error, error_size, "--monitor %s: out of memory", spec);
		return -ENOMEM;
	}
	err = chardev_open(&monitor->chardev, spec, &control->loop, NULL, error, error_size);
	if (err) {
		monitor_close(monitor);
		return err;
	}
	monitor->stdio = strcmp(spec, "stdio") == 0;
	*result = monitor;
	chardev_attach(monitor->chardev, &client);
	return 0;
}

int monitor_share(struct monitor **result, struct control *control, struct chardev *chardev)
{
	struct monitor *monitor = monitor_create(control);
	struct chardev_client client = client_of(monitor);

	if (!monitor)
		return -ENOMEM;
	monitor->chardev = chardev;
	monitor->shared = monitor->stdio = true;
	*result = monitor;
	chardev_attach_monitor(chardev, &client);
	return 0;
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	if (!monitor->shared)
		chardev_close(monitor->chardev);
	lineedit_free(&monitor->edit);
	pthread_mutex_destroy(&monitor->lock);
	free(monitor);
}
