/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The GDB stub: its packets, and sessions with machines that stand or run; machine/control/gdb_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "machine/control/gdb_impl.h"

/* A few instructions, in direct mode at the boot ROM.  t0-t2 are r12-r14. */
enum { ZERO, T0 = 12, T1, T2 };
#define ADDI_D(rd, rj, imm) (0x02c00000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define LD_D(rd, rj, imm)   (0x28c00000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define ST_D(rd, rj, imm)   (0x29c00000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define B(insns)	    (0x50000000u | ((unsigned)(insns)&0xffff) << 10 | ((unsigned)(insns) >> 16 & 0x3ff))
#define SYSCALL		    0x002b0000u
#define ROM		    "1c0000"

static const uint32_t program[] = {
	ADDI_D(T0, ZERO, 0x400), /* 00 */
	ADDI_D(T1, T1, 1),	 /* 04 */
	ST_D(T1, T0, 8),	 /* 08 */
	LD_D(T2, T0, 8),	 /* 0c */
	ADDI_D(T2, T2, 2),	 /* 10 */
	B(-4),			 /* 14: to 04 */
	SYSCALL,		 /* 18 */
};

static void no_emit(struct trace *trace, const struct trace_record *record)
{
}

struct fixture {
	struct trace trace;
	struct machine *machine;
	struct gdb_session session;
	pthread_t thread;
	sem_t stopped;
	char answer[0x10000]; /* the last, NUL-terminated */
};

static void core_stopped(void *opaque)
{
	struct fixture *f = opaque;

	sem_post(&f->stopped);
}

static void setup(struct fixture *f, unsigned cpus, bool deterministic)
{
	const struct machine_config config = {
		.cpus = cpus, .ram_size = 1 << 20, .deterministic = deterministic, .trace = &f->trace
	};
	char error[256];

	memset(f, 0, sizeof(*f));
	f->trace.emit = no_emit;
	assert_int_equal(machine_create(&f->machine, &config, error, sizeof(error)), 0);
	assert_int_equal(machine_set_boot_rom(f->machine, program, sizeof(program)), 0);
	sem_init(&f->stopped, 0, 0);
	gdb_session_init(&f->session, f->machine, NULL);
	f->session.debugger.stopped = core_stopped;
	f->session.debugger.opaque = f;
}

static void teardown(struct fixture *f)
{
	gdb_session_detach(&f->session);
	gdb_bytes_free(&f->session.reply);
	gdb_bytes_free(&f->session.out);
	gdb_bytes_free(&f->session.last);
	sem_destroy(&f->stopped);
	machine_destroy(f->machine);
}

static void *runs(void *opaque)
{
	struct fixture *f = opaque;

	machine_run(f->machine);
	return NULL;
}

static void start(struct fixture *f)
{
	machine_stop(f->machine);
	assert_int_equal(pthread_create(&f->thread, NULL, runs, f), 0);
	for (;;) {
		bool running;

		pthread_mutex_lock(&f->machine->lock);
		running = f->machine->running;
		pthread_mutex_unlock(&f->machine->lock);
		if (running)
			break;
	}
	gdb_session_attach(&f->session);
}

static void end(struct fixture *f)
{
	machine_request(f->machine, MACHINE_REQUEST_EXIT, 0);
	pthread_join(f->thread, NULL);
	teardown(f);
}

static void feed(struct gdb_session *session, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		gdb_session_byte(session, ((const uint8_t *)data)[i]);
}

/* Takes the one packet of what was sent, without its framing; acknowledgements before it are skipped. */
static const char *take(struct fixture *f)
{
	struct gdb_bytes *out = &f->session.out;
	struct gdb_reader reader = { 0 };
	enum gdb_event event = GDB_NOTHING;
	size_t i = 0;

	f->answer[0] = 0;
	for (; i < out->size && event != GDB_PACKET; i++)
		event = gdb_reader_byte(&reader, (uint8_t)out->data[i]);
	assert_int_not_equal(event, GDB_BAD);
	if (event == GDB_PACKET)
		memcpy(f->answer, reader.packet, reader.size + 1);
	out->size = 0;
	return f->answer;
}

static const char *ask_bytes(struct fixture *f, const void *body, size_t size)
{
	struct gdb_bytes bytes = { .data = (char *)body, .size = size, .capacity = size }, framed = { 0 };

	gdb_frame(&framed, &bytes);
	f->session.out.size = 0;
	feed(&f->session, framed.data, framed.size);
	gdb_bytes_free(&framed);
	return take(f);
}

static const char *ask(struct fixture *f, const char *body)
{
	return ask_bytes(f, body, strlen(body));
}

/* The stop that the client waits for. */
static const char *await(struct fixture *f)
{
	/* A core that stopped beside another one was told of already. */
	do {
		sem_wait(&f->stopped);
		gdb_session_look(&f->session, false, NULL);
	} while (!f->session.out.size);
	return take(f);
}

/* pc of the current core, as the stop reply names it: register 0x21. */
static uint64_t pc_of(const char *stop)
{
	const char *text = strstr(stop, ";21:");
	uint8_t bytes[8];
	uint64_t pc;

	assert_non_null(text);
	text += 4;
	assert_true(gdb_take_bytes(&text, bytes, 8));
	memcpy(&pc, bytes, 8);
	return pc;
}

static void packets_are_framed_and_acknowledged(void **state)
{
	struct fixture f;

	setup(&f, 1, false);
	gdb_session_attach(&f.session);
	feed(&f.session, "noise$?#3f", 10);
	assert_memory_equal(f.session.out.data, "+$T05", 5);
	f.session.out.size = 0;
	feed(&f.session, "$?#3e$?#zz", 10);
	assert_int_equal(f.session.out.size, 2);
	assert_memory_equal(f.session.out.data, "--", 2);
	f.session.out.size = 0;
	feed(&f.session, "$qC$vMustReplyEmpty#3a", 22);
	assert_int_equal(f.session.out.size, 5);
	assert_memory_equal(f.session.out.data, "+$#00", 5);
	f.session.out.size = 0;
	feed(&f.session, "-", 1);
	assert_memory_equal(f.session.out.data, "$#00", 4);
	assert_string_equal(ask(&f, "QStartNoAckMode"), "OK");
	feed(&f.session, "$?#3e", 5);
	assert_int_equal(f.session.out.size, 0);
	teardown(&f);
}

static void binary_data_is_escaped_both_ways(void **state)
{
	static const uint8_t special[] = { '#', '$', '}', '*', 0, 0x03, 0xff, '+' };
	struct fixture f;
	char packet[64];
	int size;

	setup(&f, 1, false);
	gdb_session_attach(&f.session);
	size = snprintf(packet, sizeof(packet), "X1000,%zx:", sizeof(special));
	memcpy(packet + size, special, sizeof(special));
	assert_string_equal(ask_bytes(&f, packet, (size_t)size + sizeof(special)), "OK");
	assert_string_equal(ask(&f, "m1000,8"), "23247d2a0003ff2b");
	assert_memory_equal(ask(&f, "x1000,8"), "b#$}*\0\x03\xff+", 9);
	teardown(&f);
}

static void a_packet_that_is_too_long_is_refused(void **state)
{
	static char body[GDB_PACKET_MAX + 100];
	struct fixture f;

	memset(body, 'm', sizeof(body));
	setup(&f, 1, false);
	gdb_session_attach(&f.session);
	assert_memory_equal(ask_bytes(&f, body, sizeof(body)), "E", 1);
	assert_memory_equal(ask_bytes(&f, body, GDB_PACKET_MAX), "E", 1);
	assert_string_equal(ask(&f, "qAttached"), "1");
	teardown(&f);
}

static void malformed_packets_are_errors_or_unknown(void **state)
{
	static const char *const bad[] = {
		"",
		"m",
		"m,",
		"m1000",
		"m1000,",
		"m1000,1,",
		"m1000,1ffffffffffffffff",
		"mffffffffffffffffff,1",
		"M1000,2:00",
		"M1000,2:0000z",
		"M1000,ffffffffffffffff:00",
		"X1000,2:a",
		"X1000,ffffffffffffffff:a",
		"x",
		"p",
		"pffffffff",
		"p1000",
		"P0",
		"P0=",
		"P0=00",
		"Pfff=0000000000000000",
		"P21=zz",
		"G00",
		"Gz",
		"H",
		"Hx1",
		"Hg99",
		"Hg",
		"Hc-2",
		"T",
		"T99",
		"T0",
		"Z",
		"Z0",
		"Z0,",
		"Z0,1c000000",
		"Z0,1c000002,4",
		"Z9,0,4",
		"Z2,1000,0",
		"Z2,ffffffffffffffff,2",
		"z0,1c000000,4",
		"z2,1000,8",
		"vCont",
		"vCont;",
		"vCont;x",
		"vCont;c:",
		"vCont;c:99",
		"vCont;c:1;",
		"vCont;cs",
		"vCont;C",
		"c1x",
		"C",
		"Cx",
		"S",
		"qXfer",
		"qXfer:features:read:target.xml:",
		"qXfer:features:read:target.xml:0",
		"qXfer:features:read:target.xml:ffffff,10",
		"qXfer:features:read:other.xml:0,10",
		"qXfer:memory-map:read::0,10",
		"qThreadExtraInfo",
		"qThreadExtraInfo,",
		"qThreadExtraInfo,99",
		"qRcmd",
		"qRcmd,",
		"qRcmd,6",
		"qRcmd,zz",
		"Qqemu.PhyMemMode",
		"Qqemu.PhyMemMode:2",
		"Qqemu.sstep=",
		"Qqemu.sstep=2",
		"Qqemu.sstep=ff",
		"Q",
		"q",
		"v",
		"vFile:open:00",
		"\x80\xff",
		"R00",
		"!",
		"A",
	};
	struct fixture f;

	setup(&f, 2, false);
	gdb_session_attach(&f.session);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *answer = ask(&f, bad[i]);

		if (answer[0] && answer[0] != 'E' && strcmp(bad[i], "qRcmd,") != 0)
			fail_msg("%s was answered with %s", bad[i], answer);
	}
	assert_true(machine_is_stopped(f.machine));
	teardown(&f);
}

static void registers_have_the_sizes_that_the_description_says(void **state)
{
	struct gdb_bytes xml = { 0 };
	uint8_t data[GDB_REGISTER_MAX];
	struct fixture f;
	unsigned n = 0;

	setup(&f, 1, false);
	gdb_target_xml(f.machine->group.cpu[0], &xml);
	gdb_bytes_append(&xml, "", 1);
	for (const char *reg = xml.data; (reg = strstr(reg, "<reg ")); reg++, n++) {
		unsigned bits = (unsigned)strtoul(strstr(reg, "bitsize=\"") + 9, NULL, 10);

		assert_int_equal(gdb_register_size(f.machine->group.cpu[0], n), bits / 8);
		assert_int_equal(gdb_register_read(f.machine->group.cpu[0], n, data), bits / 8);
	}
	assert_true(n > 150);
	assert_int_equal(gdb_register_size(f.machine->group.cpu[0], n), 0);
	gdb_bytes_free(&xml);
	teardown(&f);
}

static void all_registers_are_written_and_read_back_in_one_packet(void **state)
{
	struct fixture f;
	char packet[2048];

	setup(&f, 1, false);
	gdb_session_attach(&f.session);
	snprintf(packet, sizeof(packet), "G%s", ask(&f, "g"));
	assert_int_equal(strlen(packet), 1 + 2 * (35 * 8 + 32 * 8 + 8 + 4));
	memcpy(packet + 1 + 16 * 4, "efcdab8967452301", 16); /* a0 */
	assert_string_equal(ask(&f, packet), "OK");
	assert_string_equal(ask(&f, "p4"), "efcdab8967452301");
	assert_string_equal(ask(&f, "g"), packet + 1);
	assert_int_equal(f.machine->group.cpu[0]->gpr[4], 0x0123456789abcdef);
	teardown(&f);
}

static void devices_and_nothing_are_not_memory(void **state)
{
	struct fixture f;

	setup(&f, 1, false);
	gdb_session_attach(&f.session);
	assert_memory_equal(ask(&f, "m1fe001e0,1"), "E", 1);
	assert_memory_equal(ask(&f, "mfffffffff000,8"), "E", 1);
	assert_memory_equal(ask(&f, "M1c000000,1:00"), "E", 1); /* the ROM */
	assert_int_equal(strlen(ask(&f, "mffff0,20")), 32);	/* up to the end of RAM */
	teardown(&f);
}

static void too_many_points_are_refused(void **state)
{
	struct fixture f;
	char packet[32];

	setup(&f, 1, false);
	gdb_session_attach(&f.session);
	for (unsigned i = 0; i < MACHINE_DEBUG_POINTS_MAX; i++) {
		snprintf(packet, sizeof(packet), "Z0,%x,4", 4 * i);
		assert_string_equal(ask(&f, packet), "OK");
	}
	assert_string_equal(ask(&f, "Z0,0,4"), "OK"); /* it is there */
	assert_memory_equal(ask(&f, "Z1,0,4"), "E", 1);
	assert_string_equal(ask(&f, "z0,0,4"), "OK");
	assert_string_equal(ask(&f, "Z1,0,4"), "OK");
	teardown(&f);
}

static void session_of_a_running_machine(bool deterministic)
{
	struct fixture f;
	const char *stop;

	setup(&f, 1, deterministic);
	start(&f);
	assert_int_equal(pc_of(ask(&f, "?")), 0x1c000000);
	ask(&f, "qSupported:swbreak+;hwbreak+");

	/* Steps. */
	ask(&f, "vCont;s:1");
	assert_int_equal(pc_of(await(&f)), 0x1c000004);
	/* A breakpoint, met again and again. */
	assert_string_equal(ask(&f, "Z0," ROM "10,4"), "OK");
	ask(&f, "vCont;c");
	stop = await(&f);
	assert_non_null(strstr(stop, "swbreak:;"));
	assert_int_equal(pc_of(stop), 0x1c000010);
	assert_int_equal(f.machine->group.cpu[0]->gpr[T1], 1);
	ask(&f, "s");
	assert_int_equal(pc_of(await(&f)), 0x1c000014);
	ask(&f, "c");
	assert_int_equal(pc_of(await(&f)), 0x1c000010);
	assert_int_equal(f.machine->group.cpu[0]->gpr[T1], 2);
	assert_string_equal(ask(&f, "z0," ROM "10,4"), "OK");

	/* A watchpoint: before the access, and when the client goes on without a step, after a store. */
	assert_string_equal(ask(&f, "Z2,408,8"), "OK");
	ask(&f, "c");
	stop = await(&f);
	assert_non_null(strstr(stop, "watch:408;"));
	assert_int_equal(pc_of(stop), 0x1c000008);
	assert_int_equal(*(uint64_t *)bus_ram(&f.machine->bus, 0x408, 8), 2);
	ask(&f, "c");
	stop = await(&f);
	assert_non_null(strstr(stop, "watch:408;"));
	assert_int_equal(pc_of(stop), 0x1c00000c);
	assert_int_equal(*(uint64_t *)bus_ram(&f.machine->bus, 0x408, 8), 3);
	assert_string_equal(ask(&f, "z2,408,8"), "OK");

	/* A load of some of the bytes; then it is passed. */
	assert_string_equal(ask(&f, "Z3,40c,2"), "OK");
	ask(&f, "c");
	stop = await(&f);
	assert_non_null(strstr(stop, "rwatch:40c;"));
	assert_int_equal(pc_of(stop), 0x1c00000c);
	ask(&f, "c");
	stop = await(&f);
	assert_int_equal(pc_of(stop), 0x1c00000c);
	assert_int_equal(f.machine->group.cpu[0]->gpr[T1], 4);
	assert_string_equal(ask(&f, "z3,40c,2"), "OK");

	/* Ctrl-C, then somewhere else. */
	ask(&f, "c");
	f.session.out.size = 0;
	feed(&f.session, "\x03", 1);
	assert_memory_equal(take(&f), "T02", 3);
	assert_string_equal(ask(&f, "P21=1800001c00000000"), "OK");
	ask(&f, "s");
	assert_int_equal(pc_of(await(&f)), 0); /* EENTRY: the system call's exception is a step */
	assert_int_equal(f.machine->group.cpu[0]->csr->era, 0x1c000018);
	end(&f);
}

static void a_session_with_a_running_machine(void **state)
{
	session_of_a_running_machine(false);
}

static void a_session_with_a_deterministic_machine(void **state)
{
	session_of_a_running_machine(true);
}

static void one_core_steps_while_the_other_stands(void **state)
{
	struct fixture f;
	uint64_t before;

	setup(&f, 2, false);
	start(&f);
	ask(&f, "Z0," ROM "10,4");
	ask(&f, "vCont;c");
	await(&f);
	assert_string_equal(ask(&f, "z0," ROM "10,4"), "OK");
	assert_string_equal(ask(&f, "Hg1"), "OK");
	before = f.machine->group.cpu[0]->insn_count;
	for (unsigned i = 0; i < 20; i++) {
		uint64_t pc = f.machine->group.cpu[1]->pc;

		ask(&f, "vCont;s:2");
		assert_int_not_equal(pc_of(await(&f)), pc);
	}
	assert_int_equal(f.machine->group.cpu[0]->insn_count, before);
	assert_non_null(strstr(ask(&f, "vCont;t"), "T05")); /* nothing would run: no silence for ever */
	end(&f);
}

static void a_detached_machine_runs_without_points(void **state)
{
	struct fixture f;

	setup(&f, 1, false);
	start(&f);
	ask(&f, "Z0," ROM "10,4");
	ask(&f, "Z4,400,100");
	assert_string_equal(ask(&f, "D"), "OK");
	assert_false(machine_is_stopped(f.machine));
	assert_null(f.machine->group.cpu[0]->debug.points);
	assert_memory_equal(ask(&f, "g"), "E", 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_framed_and_acknowledged),
		cmocka_unit_test(binary_data_is_escaped_both_ways),
		cmocka_unit_test(a_packet_that_is_too_long_is_refused),
		cmocka_unit_test(malformed_packets_are_errors_or_unknown),
		cmocka_unit_test(registers_have_the_sizes_that_the_description_says),
		cmocka_unit_test(all_registers_are_written_and_read_back_in_one_packet),
		cmocka_unit_test(devices_and_nothing_are_not_memory),
		cmocka_unit_test(too_many_points_are_refused),
		cmocka_unit_test(a_session_with_a_running_machine),
		cmocka_unit_test(a_session_with_a_deterministic_machine),
		cmocka_unit_test(one_core_steps_while_the_other_stands),
		cmocka_unit_test(a_detached_machine_runs_without_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
