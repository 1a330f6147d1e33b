/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * QMP over a socket: machine/control/qmp*.c.  Names, members and errors are those that QEMU 11.1's schema and
 * QEMU itself answer; tests/boot/monitor.sh compares them with QEMU's live.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "isa/isa.h"
#include "machine/control/options.h"
#include "machine/control/qmp.h"
#include "machine/control/qmp_parse.h"

struct fixture {
	struct machine *machine;
	struct control control;
	struct run_options options;
	struct qmp *qmp;
	char directory[64], path[96];
	int fd;
	char buffer[1 << 20];
	size_t size;
};

static void connect_client(struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	f->size = 0;
	assert_int_equal(connect(f->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static int setup(void **state)
{
	const struct machine_config config = { .cpus = 2, .ram_size = 1 << 20 };
	struct fixture *f = calloc(1, sizeof(*f));
	char error[256], spec[128];

	assert_non_null(f);
	isa_init();
	strcpy(f->directory, "/tmp/bixi-test-qmp-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/q", f->directory);
	snprintf(spec, sizeof(spec), "unix:%s", f->path);
	assert_int_equal(machine_create(&f->machine, &config, error, sizeof(error)), 0);
	assert_int_equal(machine_reset(f->machine), 0);
	f->options.serial[0] = "null";
	f->options.serial_count = 1;
	f->control.parts.options = &f->options;
	assert_int_equal(control_start(&f->control, f->machine), 0);
	assert_int_equal(qmp_open(&f->qmp, &f->control, spec, error, sizeof(error)), 0);
	connect_client(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	control_end(&f->control);
	qmp_close(f->qmp);
	control_destroy(&f->control);
	machine_destroy(f->machine);
	rmdir(f->directory);
	free(f);
	return 0;
}

static void say_bytes(struct fixture *f, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(f->fd, text, size);

		assert_true(n > 0);
		text += n;
		size -= (size_t)n;
	}
}

static void say(struct fixture *f, const char *text)
{
	say_bytes(f, text, strlen(text));
}

/* Whether a byte comes within @ms; reads what there is. */
static bool hear(struct fixture *f, int ms)
{
	struct pollfd poll_fd = { .fd = f->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&poll_fd, 1, ms) <= 0)
		return false;
	n = read(f->fd, f->buffer + f->size, sizeof(f->buffer) - 1 - f->size);
	if (n <= 0)
		return false;
	f->size += (size_t)n;
	f->buffer[f->size] = 0;
	return true;
}

/* The next line as JSON; the caller's to release. */
static json_t *next(struct fixture *f)
{
	char *end;
	json_t *message;

	while (!(end = memchr(f->buffer, '\n', f->size)))
		assert_true(hear(f, 20000));
	assert_true(end > f->buffer && end[-1] == '\r');
	message = json_loadb(f->buffer, (size_t)(end + 1 - f->buffer), 0, NULL);
	assert_non_null(message);
	f->size -= (size_t)(end + 1 - f->buffer);
	memmove(f->buffer, end + 1, f->size + 1);
	return message;
}

/* The next line is @want, members in any order. */
static void expect(struct fixture *f, const char *want)
{
	json_t *message = next(f), *wanted = json_loads(want, 0, NULL);

	assert_non_null(wanted);
	if (!json_equal(message, wanted)) {
		char *text = json_dumps(message, 0);

		print_error("got  %s\nwant %s\n", text, want);
		free(text);
		fail();
	}
	json_decref(message);
	json_decref(wanted);
}

static void expect_event(struct fixture *f, const char *name, const char *data)
{
	json_t *message = next(f), *wanted = data ? json_loads(data, 0, NULL) : NULL;
	json_t *timestamp = json_object_get(message, "timestamp");

	assert_non_null(json_object_get(message, "event"));
	assert_string_equal(json_string_value(json_object_get(message, "event")), name);
	assert_true(json_integer_value(json_object_get(timestamp, "seconds")) > 1700000000);
	assert_true(json_integer_value(json_object_get(timestamp, "microseconds")) < 1000000);
	if (data)
		assert_true(json_equal(json_object_get(message, "data"), wanted));
	else
		assert_null(json_object_get(message, "data"));
	json_decref(message);
	json_decref(wanted);
}

static void greet(struct fixture *f)
{
	json_t *greeting = next(f), *qemu = NULL, *capabilities = NULL;
	const char *package;

	assert_int_equal(json_unpack(greeting, "{s{s{soss}so}}", "QMP", "version", "qemu", &qemu, "package",
				     &package, "capabilities", &capabilities),
			 0);
	assert_true(json_is_integer(json_object_get(qemu, "major")));
	assert_true(json_is_integer(json_object_get(qemu, "minor")));
	assert_true(json_is_integer(json_object_get(qemu, "micro")));
	assert_string_equal(package, "Bixi " BIXI_VERSION);
	assert_int_equal(json_array_size(capabilities), 0);
	json_decref(greeting);
}

static void negotiate(struct fixture *f)
{
	greet(f);
	say(f, "{\"execute\": \"qmp_capabilities\"}\r\n");
	expect(f, "{\"return\": {}}");
}

static void test_commands_wait_for_the_capabilities(void **state)
{
	struct fixture *f = *state;

	greet(f);
	say(f, "{\"execute\": \"query-status\", \"id\": 1}");
	expect(f, "{\"id\": 1, \"error\": {\"class\": \"CommandNotFound\", \"desc\": "
		  "\"Expecting capabilities negotiation with 'qmp_capabilities'\"}}");
	say(f, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}");
	expect(f, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"Capability oob not available\"}}");
	say(f, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": []}}");
	expect(f, "{\"return\": {}}");
	say(f, "{\"execute\": \"qmp_capabilities\"}");
	expect(f, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": "
		  "\"Capabilities negotiation is already complete, command ignored\"}}");
}

static void test_each_mistake_is_answered_as_qemu_answers_it(void **state)
{
	static const struct {
		const char *say, *error_class, *desc;
	} rows[] = {
		{ "{\"execute\":\"nonsense\"}", "CommandNotFound",
		  "The command nonsense has not been found" },
		{ "{\"execute\":\"query-status\",\"arguments\":{\"x\":1}}", "GenericError",
		  "Parameter 'x' is unexpected" },
		{ "{\"execute\":\"human-monitor-command\"}", "GenericError",
		  "Parameter 'command-line' is missing" },
		{ "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":5}}",
		  "GenericError", "Invalid parameter type for 'command-line', expected: string" },
		{ "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"info status\","
		  "\"cpu-index\":77}}",
		  "GenericError", "Parameter 'cpu-index' expects a CPU number" },
		{ "{\"execute\":5}", "GenericError", "QMP input member 'execute' must be a string" },
		{ "{}", "GenericError", "QMP input lacks member 'execute'" },
		{ "{\"execute\":\"query-status\",\"foo\":5}", "GenericError",
		  "QMP input member 'foo' is unexpected" },
		{ "{\"execute\":\"query-status\",\"arguments\":5}", "GenericError",
		  "QMP input member 'arguments' must be an object" },
		{ "[1]", "GenericError", "QMP input must be a JSON object" },
		{ "17 ", "GenericError", "QMP input must be a JSON object" },
		{ "\"a string\" ", "GenericError", "QMP input must be a JSON object" },
	};
	struct fixture *f = *state;

	negotiate(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[256];

		say(f, rows[i].say);
		snprintf(want, sizeof(want), "{\"error\": {\"class\": \"%s\", \"desc\": \"%s\"}}",
			 rows[i].error_class, rows[i].desc);
		expect(f, want);
	}
}

static void test_garbage_is_reported_and_the_next_message_is_heard(void **state)
{
	static const char *const garbage[] = {
		"foo ",
		"}",
		"]",
		"{foo}",
		"{\"execute\": }",
		"{\"a\":1,\"a\":2}",
		"{\"execute\n",
		"{\"\x80\": 1}",
		"{[}]}",
		"\xff\xfe\xfd ",
		"{\"a\": \"\\u0000\"}",
	};
	struct fixture *f = *state;

	negotiate(f);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		bool answered = false;

		say(f, garbage[i]);
		say(f, "\n{\"execute\": \"query-name\", \"id\": \"next\"}");
		while (!answered) {
			json_t *message = next(f);
			const char *desc =
				json_string_value(json_object_get(json_object_get(message, "error"), "desc"));

			answered = json_object_get(message, "return");
			if (!answered)
				assert_int_equal(strncmp(desc, "JSON parse error, ", 18), 0);
			json_decref(message);
		}
	}
}

static void test_messages_need_nothing_between_them_and_may_come_in_pieces(void **state)
{
	static const char two[] =
		"{\"execute\":\"query-name\",\"id\":\"}{\\\"\"}{\n\"execute\" :\n\t\"query-kvm\"}";
	struct fixture *f = *state;

	negotiate(f);
	for (const char *c = two; *c; c++)
		say_bytes(f, c, 1);
	expect(f, "{\"return\": {}, \"id\": \"}{\\\"\"}");
	expect(f, "{\"return\": {\"enabled\": false, \"present\": false}}");
}

static void test_what_is_too_long_or_too_deep_is_refused_once(void **state)
{
	struct fixture *f = *state;
	char *big = malloc(2 * QMP_MESSAGE_MAX);

	negotiate(f);
	memset(big, 'a', 2 * QMP_MESSAGE_MAX);
	memcpy(big, "{\"", 2);
	say_bytes(f, big, 2 * QMP_MESSAGE_MAX);
	say(f, "\"}\n{\"execute\": \"query-name\"}");
	expect(f, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
		  "\"JSON parse error, the message is too long\"}}");
	expect(f, "{\"return\": {}}");
	memset(big, '[', QMP_NESTING_MAX + 1);
	say_bytes(f, big, QMP_NESTING_MAX + 1);
	say(f, "]]]]\n{\"execute\": \"query-name\"}");
	expect(f, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
		  "\"JSON parse error, nesting is too deep\"}}");
	expect(f, "{\"return\": {}}");
	free(big);
}

static void test_queries_have_the_members_of_the_schema(void **state)
{
	struct fixture *f = *state;
	json_t *message, *commands;
	const char *name;

	negotiate(f);
	say(f, "{\"execute\": \"query-status\"}");
	expect(f, "{\"return\": {\"status\": \"running\", \"running\": true}}");
	say(f, "{\"execute\": \"query-cpus-fast\"}");
	expect(f, "{\"return\": [{\"cpu-index\": 0, \"thread-id\": 0, \"qom-path\": "
		  "\"/machine/unattached/device[0]\", \"target\": \"loongarch64\", \"props\": "
		  "{\"socket-id\": 0, "
		  "\"core-id\": 0, \"thread-id\": 0}}, {\"cpu-index\": 1, \"thread-id\": 0, \"qom-path\": "
		  "\"/machine/unattached/device[1]\", \"target\": \"loongarch64\", \"props\": "
		  "{\"socket-id\": 0, "
		  "\"core-id\": 1, \"thread-id\": 0}}]}");
	say(f, "{\"execute\": \"query-uuid\"}");
	expect(f, "{\"return\": {\"UUID\": \"00000000-0000-0000-0000-000000000000\"}}");
	say(f, "{\"execute\": \"query-target\"}");
	expect(f, "{\"return\": {\"arch\": \"loongarch64\"}}");
	say(f, "{\"execute\": \"query-chardev\"}");
	expect(f,
	       "{\"return\": [{\"label\": \"serial0\", \"filename\": \"null\", \"frontend-open\": true}]}");
	say(f, "{\"execute\": \"query-block\"}");
	expect(f, "{\"return\": []}");
	/* What query-commands names is there. */
	say(f, "{\"execute\": \"query-commands\"}");
	message = next(f);
	commands = json_object_get(message, "return");
	assert_true(json_array_size(commands) > 10);
	for (size_t i = 0; i < json_array_size(commands); i++) {
		json_t *answer;
		char text[128];

		name = json_string_value(json_object_get(json_array_get(commands, i), "name"));
		if (strncmp(name, "query-", 6))
			continue;
		snprintf(text, sizeof(text), "{\"execute\": \"%s\"}", name);
		say(f, text);
		answer = next(f);
		assert_non_null(json_object_get(answer, "return"));
		json_decref(answer);
	}
	json_decref(message);
}

static void test_stop_and_cont_are_events_before_their_answers(void **state)
{
	struct fixture *f = *state;

	negotiate(f);
	say(f, "{\"execute\": \"stop\"}{\"execute\": \"stop\"}{\"execute\": \"query-status\"}");
	expect_event(f, "STOP", NULL);
	expect(f, "{\"return\": {}}");
	expect(f, "{\"return\": {}}");
	expect(f, "{\"return\": {\"status\": \"paused\", \"running\": false}}");
	say(f, "{\"execute\": \"cont\"}");
	expect_event(f, "RESUME", NULL);
	expect(f, "{\"return\": {}}");
	/* Who else stops the machine is heard of, too. */
	machine_stop(f->machine);
	expect_event(f, "STOP", NULL);
	machine_cont(f->machine);
	expect_event(f, "RESUME", NULL);
}

static void test_power_button_reset_and_quit(void **state)
{
	struct fixture *f = *state;

	negotiate(f);
	say(f, "{\"execute\": \"system_powerdown\"}");
	expect_event(f, "POWERDOWN", NULL);
	expect(f, "{\"return\": {}}");
	say(f, "{\"execute\": \"system_reset\"}");
	expect(f, "{\"return\": {}}");
	machine_tell(f->machine, MACHINE_EVENT_RESET);
	expect_event(f, "RESET", "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}");
	machine_tell(f->machine, MACHINE_EVENT_RESET);
	expect_event(f, "RESET", "{\"guest\": true, \"reason\": \"guest-reset\"}");
	say(f, "{\"execute\": \"quit\"}");
	expect(f, "{\"return\": {}}");
	while (f->machine->result.end == MACHINE_RUNNING)
		usleep(1000);
	assert_int_equal(f->machine->result.end, MACHINE_EXIT);
	machine_tell(f->machine, MACHINE_EVENT_SHUTDOWN);
	expect_event(f, "SHUTDOWN", "{\"guest\": false, \"reason\": \"host-qmp-quit\"}");
}

static void test_the_guests_end_is_the_guests(void **state)
{
	struct fixture *f = *state;

	negotiate(f);
	f->machine->result.end = MACHINE_POWEROFF;
	machine_tell(f->machine, MACHINE_EVENT_SHUTDOWN);
	expect_event(f, "SHUTDOWN", "{\"guest\": true, \"reason\": \"guest-shutdown\"}");
	f->machine->result.end = MACHINE_RUNNING;
}

static void test_human_monitor_commands_answer_in_qemus_lines(void **state)
{
	struct fixture *f = *state;

	negotiate(f);
	say(f,
	    "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"info status\"}}");
	expect(f, "{\"return\": \"VM status: running\\r\\n\"}");
	say(f, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"\\u9f8d\"}}");
	expect(f, "{\"return\": \"\\u9f8d is not a command; help lists them\\r\\n\"}");
	say(f,
	    "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"gva2gpa $cpuid\", "
	    "\"cpu-index\": 1}}");
	expect(f, "{\"return\": \"gpa: 0x1\\r\\n\"}");
	say(f, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"gva2gpa "
	       "$cpuid\"}}");
	expect(f, "{\"return\": \"gpa: 0x0\\r\\n\"}");
	say(f, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"cpu 1\"}}");
	expect(f, "{\"return\": \"\"}");
	say(f, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"gva2gpa "
	       "$cpuid\"}}");
	expect(f, "{\"return\": \"gpa: 0x1\\r\\n\"}");
}

static void test_each_client_begins_anew(void **state)
{
	struct fixture *f = *state;

	negotiate(f);
	say(f, "{\"execute\": \"query-na");
	for (unsigned i = 0; i < 3; i++) {
		close(f->fd);
		connect_client(f);
		greet(f);
		/* No events before the negotiation. */
		machine_stop(f->machine);
		machine_cont(f->machine);
		say(f, "{\"execute\": \"query-status\"}");
		expect(f, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": "
			  "\"Expecting capabilities negotiation with 'qmp_capabilities'\"}}");
	}
}

/* A client that asks and never reads is held back, then hears everything in order. */
static void test_a_client_that_does_not_read_is_held_back(void **state)
{
	enum { QUESTIONS = 3000 };
	struct fixture *f = *state;
	char text[160];
	unsigned asked = 0;

	negotiate(f);
	for (; asked < QUESTIONS; asked++) {
		struct pollfd poll_fd = { .fd = f->fd, .events = POLLOUT };

		snprintf(text, sizeof(text),
			 "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
			 "\"info registers csr\"}, \"id\": %4u}",
			 asked);
		if (poll(&poll_fd, 1, 500) <= 0)
			break; /* it stopped reading from us */
		say(f, text);
	}
	assert_true(asked < QUESTIONS);
	for (unsigned i = 0; i < asked; i++) {
		json_t *message = next(f);

		assert_int_equal(json_integer_value(json_object_get(message, "id")), i);
		json_decref(message);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_commands_wait_for_the_capabilities),
		T(test_each_mistake_is_answered_as_qemu_answers_it),
		T(test_garbage_is_reported_and_the_next_message_is_heard),
		T(test_messages_need_nothing_between_them_and_may_come_in_pieces),
		T(test_what_is_too_long_or_too_deep_is_refused_once),
		T(test_queries_have_the_members_of_the_schema),
		T(test_stop_and_cont_are_events_before_their_answers),
		T(test_power_button_reset_and_quit),
		T(test_the_guests_end_is_the_guests),
		T(test_human_monitor_commands_answer_in_qemus_lines),
		T(test_each_client_begins_anew),
		T(test_a_client_that_does_not_read_is_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
