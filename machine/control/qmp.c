/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * QMP (qmp.h): the connection, answers in the order of the commands, events.  All on the control thread but
 * the machine's listener, which only notes what happened and when.
 */
#include "machine/control/qmp.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine/control/qmp_impl.h"
#include "machine/control/qmp_parse.h"
#include "machine/host/chardev.h"

#define EVENTS_MAX  64	       /* that wait for the control thread; more are dropped */
#define PENDING_MAX (8u << 20) /* bytes a client leaves unread before it is hung up on */
#define INPUT_MAX   4096       /* bytes taken at a time */

struct qmp_event {
	enum machine_event event;
	struct timespec when;
	bool guest;	    /* the guest did it */
	const char *reason; /* NULL: the event has none */
};

struct qmp {
	struct control *control;
	struct chardev *chardev;
	struct qmp_parser parser;
	struct qmp_session session;
	bool here; /* a client is connected */

	/* What the character device had no room for; commands wait meanwhile. */
	char *pending;
	size_t pending_size, pending_done;

	struct machine_listener listener;
	struct event_work event_work;
	pthread_mutex_t lock; /* protects: events */
	struct qmp_event event[EVENTS_MAX];
	unsigned event_count;
};

/* Output. */

static void pending_clear(struct qmp *qmp)
{
	free(qmp->pending);
	qmp->pending = NULL;
	qmp->pending_size = qmp->pending_done = 0;
}

/* A client that does not read while we say more and more is gone for us. */
static void pending_add(struct qmp *qmp, const char *text, size_t size)
{
	size_t left = qmp->pending_size - qmp->pending_done;
	char *grown = left + size <= PENDING_MAX ? malloc(left + size) : NULL;

	if (!grown) {
		chardev_disconnect(qmp->chardev);
		return;
	}
	if (left)
		memcpy(grown, qmp->pending + qmp->pending_done, left);
	memcpy(grown + left, text, size);
	pending_clear(qmp);
	qmp->pending = grown;
	qmp->pending_size = left + size;
}

static void send_text(struct qmp *qmp, const char *text, size_t size)
{
	size_t done = qmp->pending ? 0 : chardev_write(qmp->chardev, text, size);

	if (done < size)
		pending_add(qmp, text + done, size - done);
}

/* Takes the reference to @message; NULL (no memory) is not sent. */
static void send_json(struct qmp *qmp, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_ENSURE_ASCII) : NULL;

	json_decref(message);
	if (text && qmp->here) {
		send_text(qmp, text, strlen(text));
		if (qmp->here)
			send_text(qmp, "\r\n", 2);
	}
	free(text);
}

static void can_write(void *opaque)
{
	struct qmp *qmp = opaque;

	qmp->pending_done += chardev_write(qmp->chardev, qmp->pending + qmp->pending_done,
					   qmp->pending_size - qmp->pending_done);
	if (qmp->pending_done < qmp->pending_size)
		return;
	pending_clear(qmp);
	chardev_input_ready(qmp->chardev);
}

/* Events. */

static const char *const event_name[] = {
	[MACHINE_EVENT_STOP] = "STOP",	       [MACHINE_EVENT_RESUME] = "RESUME",
	[MACHINE_EVENT_RESET] = "RESET",       [MACHINE_EVENT_POWERDOWN] = "POWERDOWN",
	[MACHINE_EVENT_SHUTDOWN] = "SHUTDOWN",
};

/* Who made the machine end, and how the schema's ShutdownCause calls it. */
static void shutdown_cause(struct control *control, struct qmp_event *event)
{
	struct machine *machine = control->machine;
	enum machine_end end;

	pthread_mutex_lock(&machine->lock);
	end = machine->result.end;
	pthread_mutex_unlock(&machine->lock);
	event->guest = false;
	if (atomic_load(&control->quit_asked))
		event->reason = "host-qmp-quit";
	else if (atomic_load(&control->key_asked))
		event->reason = "host-ui";
	else if (end == MACHINE_ERROR)
		event->reason = "host-error";
	else if (end == MACHINE_REBOOT && atomic_load(&control->reset_asked))
		event->reason = "host-qmp-system-reset";
	else {
		event->guest = true;
		event->reason = end == MACHINE_REBOOT ? "guest-reset" : "guest-shutdown";
	}
}

/* machine_listener.fn: any thread. */
static void note_event(void *opaque, enum machine_event happened)
{
	struct qmp *qmp = opaque;
	struct qmp_event event = { .event = happened };

	clock_gettime(CLOCK_REALTIME, &event.when);
	if (happened == MACHINE_EVENT_RESET) {
		event.guest = !atomic_exchange(&qmp->control->reset_asked, false);
		event.reason = event.guest ? "guest-reset" : "host-qmp-system-reset";
	} else if (happened == MACHINE_EVENT_SHUTDOWN) {
		shutdown_cause(qmp->control, &event);
	}
	pthread_mutex_lock(&qmp->lock);
	if (qmp->event_count < EVENTS_MAX)
		qmp->event[qmp->event_count++] = event;
	pthread_mutex_unlock(&qmp->lock);
	event_loop_post(&qmp->control->loop, &qmp->event_work);
}

static void send_event(struct qmp *qmp, const struct qmp_event *event)
{
	json_t *message = json_pack("{s{sIsI}ss}", "timestamp", "seconds", (json_int_t)event->when.tv_sec,
				    "microseconds", (json_int_t)event->when.tv_nsec / 1000, "event",
				    event_name[event->event]);

	if (event->reason)
		json_object_set_new(message, "data",
				    json_pack("{sbss}", "guest", event->guest, "reason", event->reason));
	send_json(qmp, message);
}

static void send_events(void *opaque)
{
	struct qmp *qmp = opaque;
	struct qmp_event event[EVENTS_MAX];
	unsigned count;

	pthread_mutex_lock(&qmp->lock);
	count = qmp->event_count;
	memcpy(event, qmp->event, count * sizeof(event[0]));
	qmp->event_count = 0;
	pthread_mutex_unlock(&qmp->lock);
	for (unsigned i = 0; i < count; i++)
		if (qmp->session.negotiated)
			send_event(qmp, &event[i]);
}

/* Input. */

static void answer(struct qmp *qmp, json_t *message, json_t *result, const struct qmp_error *error)
{
	json_t *reply, *id = json_object_get(message, "id");

	if (result)
		reply = json_pack("{so}", "return", result);
	else
		reply = json_pack("{s{ssss}}", "error", "class", error->error_class, "desc", error->text);
	if (id)
		json_object_set(reply, "id", id);
	send_json(qmp, reply);
}

static void message_came(void *opaque, json_t *message, const char *what)
{
	struct qmp_error error = { 0 };
	struct qmp *qmp = opaque;
	json_t *result;

	if (!qmp->here)
		return;
	result = message ? qmp_dispatch(&qmp->session, message, &error) : qmp_refuse(&error, "%s", what);
	send_events(qmp); /* what the command caused comes before its answer */
	answer(qmp, message, result, &error);
	if (qmp->session.quit) {
		qmp->session.quit = false;
		command_quit(&qmp->session.context);
	}
}

static size_t can_receive(void *opaque)
{
	const struct qmp *qmp = opaque;

	return qmp->pending ? 0 : INPUT_MAX;
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
	struct qmp *qmp = opaque;

	qmp_parser_feed(&qmp->parser, data, size);
}

static void connected(void *opaque, bool here)
{
	struct qmp *qmp = opaque;

	qmp->here = here;
	qmp_parser_reset(&qmp->parser);
	pending_clear(qmp);
	qmp->session.negotiated = qmp->session.quit = false;
	qmp->session.context.cpu = 0;
	if (here)
		send_json(qmp, json_pack("{s{sos[]}}", "QMP", "version", qmp_version(), "capabilities"));
}

int qmp_open(struct qmp **result, struct control *control, const char *spec, char *error, size_t error_size)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));
	const struct chardev_client client = { .can_receive = can_receive,
					       .receive = receive,
					       .can_write = can_write,
					       .connected = connected,
					       .opaque = qmp };
	int err;

	if (!qmp || qmp_parser_init(&qmp->parser, message_came, qmp)) {
		free(qmp);
		snprintf(error, error_size, "--qmp %s: out of memory", spec);
		return -ENOMEM;
	}
	qmp->control = control;
	qmp->session.context = (struct command_context){ .machine = control->machine, .control = control };
	pthread_mutex_init(&qmp->lock, NULL);
	event_work_init(&qmp->event_work, send_events, qmp);
	err = chardev_open(&qmp->chardev, spec, &control->loop, NULL, error, error_size);
	if (err) {
		qmp_close(qmp);
		return err;
	}
	qmp->listener = (struct machine_listener){ .fn = note_event, .opaque = qmp };
	machine_listen(control->machine, &qmp->listener);
	*result = qmp;
	chardev_attach(qmp->chardev, &client);
	return 0;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	chardev_close(qmp->chardev);
	pending_clear(qmp);
	qmp_parser_free(&qmp->parser);
	pthread_mutex_destroy(&qmp->lock);
	free(qmp);
}
