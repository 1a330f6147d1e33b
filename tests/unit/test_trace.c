/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What is written of trace events: control/trace.c, as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/control/trace.h"

/* A writer to a file of its own, whose clock stands at what a test says. */
struct fixture {
	char path[64];
	struct clock clock;
	struct trace_writer writer;
};

static struct fixture *make(const char *suffix, unsigned events)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	snprintf(f->path, sizeof(f->path), "/tmp/bixi-trace-XXXXXX%s", suffix);
	fd = mkstemps(f->path, (int)strlen(suffix));
	assert_true(fd >= 0);
	close(fd);
	clock_init(&f->clock, true, 1);
	assert_int_equal(trace_writer_open(&f->writer, events, f->path), 0);
	trace_writer_start(&f->writer, events, &f->clock);
	return f;
}

static void at(struct fixture *f, uint64_t ns, enum trace_event event, int cpu, const char *name, uint64_t a0,
	       uint64_t a1, uint64_t a2)
{
	f->clock.virtual_now = ns;
	trace_emit(&f->writer.trace, event, cpu, name, a0, a1, a2);
}

/* All that was written; @f is gone. */
static const char *finish(struct fixture *f)
{
	static char text[8192];
	FILE *file;
	size_t size;

	assert_int_equal(trace_writer_close(&f->writer), 0);
	file = fopen(f->path, "r");
	assert_non_null(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = 0;
	fclose(file);
	unlink(f->path);
	clock_destroy(&f->clock);
	free(f);
	return text;
}

static void entries_and_exits_are_lines_of_text(void **state)
{
	struct fixture *f = make("", 1u << TRACE_VMEXIT);

	at(f, 1000, TRACE_VMEXIT, 0, TRACE_VMENTER, 0x8000, 0, 3);
	at(f, 2000, TRACE_VMEXIT, 0, "TLBR", 0x8004, 0x10000, 3);
	at(f, 2500, TRACE_VMEXIT, 1, "GSPR", 0x8008, 0x6c85, 3);
	at(f, 3000, TRACE_VMEXIT, 2, "INT", 0x800c, 11, 255);
	assert_string_equal(finish(f), "     0.000001000 cpu0 vmexit enter pc=0x8000 gid=3\n"
				       "     0.000002000 cpu0 vmexit TLBR pc=0x8004 gpa=0x10000 gid=3\n"
				       "     0.000002500 cpu1 vmexit GSPR pc=0x8008 insn=0x6c85 gid=3\n"
				       "     0.000003000 cpu2 vmexit INT pc=0x800c number=0xb gid=255\n");
}

static void guest_and_root_time_are_slices_of_a_core_in_json(void **state)
{
	struct fixture *f = make(".json", 1u << TRACE_VMEXIT);

	at(f, 1000, TRACE_VMEXIT, 1, TRACE_VMENTER, 0x8000, 0, 3);
	at(f, 2500, TRACE_VMEXIT, 1, "PIL", 0x8004, 0x10000, 3);
	at(f, 4000, TRACE_VMEXIT, 1, TRACE_VMENTER, 0x8008, 0, 4);
	f->clock.virtual_now = 9001;
	assert_string_equal(
		finish(f),
		"{\"displayTimeUnit\":\"ns\",\"traceEvents\":["
		"\n{\"name\":\"guest(GID 3)\",\"cat\":\"vmexit\",\"ph\":\"X\",\"ts\":1.000,\"dur\":1.500,"
		"\"pid\":1,\"tid\":2,\"args\":{\"pc\":\"0x8004\",\"exit\":\"PIL\",\"gpa\":\"0x10000\"}},"
		"\n{\"name\":\"root(PIL)\",\"cat\":\"vmexit\",\"ph\":\"X\",\"ts\":2.500,\"dur\":1.500,"
		"\"pid\":1,\"tid\":2,\"args\":{\"entry\":\"0x8008\"}},"
		"\n{\"name\":\"guest(GID 4)\",\"cat\":\"vmexit\",\"ph\":\"X\",\"ts\":4.000,\"dur\":5.001,"
		"\"pid\":1,\"tid\":2,\"args\":{}}"
		"\n]}\n");
}

static void what_was_not_traced_is_no_slice(void **state)
{
	struct fixture *f = make(".json", 1u << TRACE_VMEXIT);
	const char *text;

	at(f, 1000, TRACE_VMEXIT, 0, "HVC", 0x8000, 0x2b8000, 1);
	at(f, 5000, TRACE_VMEXIT, 0, "HVC", 0x8000, 0x2b8000, 1);
	f->clock.virtual_now = 6000;
	text = finish(f);
	assert_null(strstr(text, "guest"));
	assert_non_null(strstr(text, "\"ts\":5.000,\"dur\":1.000"));
	assert_null(strstr(text, "\"ts\":1.000"));
}

static void slices_and_points_share_a_file(void **state)
{
	struct fixture *f = make(".json", 1u << TRACE_VMEXIT | 1u << TRACE_EXCEPTION);

	at(f, 1000, TRACE_VMEXIT, 0, TRACE_VMENTER, 0x8000, 0, 1);
	at(f, 1500, TRACE_EXCEPTION, 0, "SYS", 0x8000, 0, 0x2b0000);
	at(f, 2000, TRACE_VMEXIT, 0, "HVC", 0x8004, 0x2b8000, 1);
	at(f, 2500, TRACE_EXCEPTION, 0, "SYS", 0x9000, 0, 0x2b0000);
	assert_string_equal(
		finish(f),
		"{\"displayTimeUnit\":\"ns\",\"traceEvents\":["
		"\n{\"name\":\"SYS\",\"cat\":\"exception\",\"ph\":\"i\",\"s\":\"t\",\"ts\":1.500,\"pid\":1,"
		"\"tid\":1,"
		"\"args\":{\"pc\":\"0x8000\",\"badv\":\"0\",\"insn\":\"0x2b0000\"}},"
		"\n{\"name\":\"guest(GID 1)\",\"cat\":\"vmexit\",\"ph\":\"X\",\"ts\":1.000,\"dur\":1.000,"
		"\"pid\":1,\"tid\":1,\"args\":{\"pc\":\"0x8004\",\"exit\":\"HVC\",\"insn\":\"0x2b8000\"}},"
		"\n{\"name\":\"SYS\",\"cat\":\"exception\",\"ph\":\"i\",\"s\":\"t\",\"ts\":2.500,\"pid\":1,"
		"\"tid\":1,"
		"\"args\":{\"pc\":\"0x9000\",\"badv\":\"0\",\"insn\":\"0x2b0000\"}},"
		"\n{\"name\":\"root(HVC)\",\"cat\":\"vmexit\",\"ph\":\"X\",\"ts\":2.000,\"dur\":0.500,"
		"\"pid\":1,\"tid\":1,\"args\":{}}"
		"\n]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_and_exits_are_lines_of_text),
		cmocka_unit_test(guest_and_root_time_are_slices_of_a_core_in_json),
		cmocka_unit_test(what_was_not_traced_is_no_slice),
		cmocka_unit_test(slices_and_points_share_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
