/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Snapshot files of small machines: machine/control/snapshot.c, snapshot_load.c, machine/board/state.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/board/state.h"
#include "machine/control/snapshot.h"
#include "machine/soc/uart.h"

/* Code in direct mode at the boot ROM.  t0-t5 are r12-r17, s0-s2 r23-r25. */
enum { ZERO, T0 = 12, T1, T2, T3, T4, T5, S0 = 23, S1, S2 };
#define LU12I_W(rd, imm)    (0x14000000u | ((imm)&0xfffff) << 5 | (rd))
#define ADDI_D(rd, rj, imm) (0x02c00000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define ORI(rd, rj, imm)    (0x03800000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define SLLI_D(rd, rj, imm) (0x00410000u | ((imm)&0x3f) << 10 | (rj) << 5 | (rd))
#define ADD_D(rd, rj, rk)   (0x00108000u | (rk) << 10 | (rj) << 5 | (rd))
#define LD_W(rd, rj, imm)   (0x28800000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define ST_B(rd, rj, imm)   (0x29000000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define ST_W(rd, rj, imm)   (0x29800000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define ST_D(rd, rj, imm)   (0x29c00000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define LL_W(rd, rj)	    (0x20000000u | (rj) << 5 | (rd))
#define SC_W(rd, rj)	    (0x21000000u | (rj) << 5 | (rd))
#define BRANCH(op, rj, n)   ((op) | ((unsigned)(n)&0xffff) << 10 | (rj) << 5 | ((unsigned)(n) >> 16 & 0x1f))
#define BEQZ(rj, n)	    BRANCH(0x40000000u, rj, n)
#define BNEZ(rj, n)	    BRANCH(0x44000000u, rj, n)
#define BLT(rj, rd, n)	    (0x60000000u | ((unsigned)(n)&0xffff) << 10 | (rj) << 5 | (rd))
#define B(insns)	    (0x50000000u | ((unsigned)(insns)&0xffff) << 10 | ((unsigned)(insns) >> 16 & 0x3ff))
#define RDTIME_D(rd, rj)    (0x00006800u | (rj) << 5 | (rd))
#define CSRRD(rd, csr)	    (0x04000000u | (csr) << 10 | (rd))
#define CSRWR(rd, csr)	    (0x04000020u | (csr) << 10 | (rd))
#define ERTN		    0x06483800u
#define IDLE		    0x06488000u
enum { CRMD = 0, ECFG = 4, EENTRY = 0xc, CPUID = 0x20, TCFG = 0x41, TICLR = 0x44 };
#define COUNTER 0x1000 /* in RAM: a sum of all cores; behind it one double word each */
#define ROUNDS	3000   /* of the program, as a rule */
#define MANY	300000 /* that take a while */
#define HANDLER 0x1000 /* in the ROM */

/*
 * Every core has its own periodic timer, adds to a common word with LL and SC, writes to a UART and to
 * memory what the time is, and after some rounds idles until its timer wakes it and finds that all are done;
 * then it ends the machine.
 */
static const uint32_t work_code[] = {
	CSRRD(T0, CPUID),
	LU12I_W(T1, 0x1c001),
	CSRWR(T1, EENTRY),
	ORI(T1, ZERO, 0x800),
	CSRWR(T1, ECFG),
	SLLI_D(T1, T0, 6),
	ADDI_D(T1, T1, 0x83),
	CSRWR(T1, TCFG),
	ORI(T1, ZERO, 0xc),
	CSRWR(T1, CRMD),
	LU12I_W(T1, COUNTER >> 12),
	SLLI_D(T2, T0, 3),
	ADD_D(T2, T2, T1),
	LU12I_W(T3, 0x1fe00),
	ORI(T3, T3, 0x1e0),
	LD_W(S0, T1, 0x100), /* how many rounds */
	LL_W(T4, T1),	     /* round: */
	ADDI_D(T4, T4, 1),
	SC_W(T4, T1),
	BEQZ(T4, -3),
	RDTIME_D(T4, ZERO),
	ST_D(T4, T2, 8),
	ST_B(S0, T3, 0),
	ADDI_D(S0, S0, -1),
	BNEZ(S0, -8),
	IDLE,
	LD_W(T4, T1, 0),
	LD_W(S2, T1, 0x104),
	BLT(T4, S2, -3),
	LU12I_W(T1, 0x100e2),
	ADDI_D(T2, ZERO, 1),
	ST_W(T2, T1, 0),
	B(0),
};

static const uint32_t handler_code[] = { ADDI_D(S1, S1, 1), ORI(T5, ZERO, 1), CSRWR(T5, TICLR), ERTN };

/* Every event of a run makes a different number of all before. */
struct recorder {
	struct trace trace;
	struct machine *machine;
	uint64_t hash, events, last; /* when the last event was */
};

static void mix(struct recorder *recorder, uint64_t value)
{
	recorder->hash = (recorder->hash ^ value) * 0x9e3779b97f4a7c15;
	recorder->hash ^= recorder->hash >> 29;
}

static void record(struct trace *trace, const struct trace_record *event)
{
	struct recorder *recorder = (struct recorder *)trace;

	recorder->events++;
	recorder->last = clock_now(&recorder->machine->clock);
	mix(recorder, recorder->last);
	mix(recorder, event->event);
	mix(recorder, (uint64_t)event->cpu);
	for (const char *c = event->name; *c; c++)
		mix(recorder, (uint64_t)*c);
	for (unsigned i = 0; i < 3; i++)
		mix(recorder, event->arg[i]);
}

static char directory[] = "/tmp/test_snapshot.XXXXXX";
static char file[64];

static int make_directory(void **state)
{
	assert_non_null(mkdtemp(directory));
	snprintf(file, sizeof(file), "%s/snapshot", directory);
	return 0;
}

static int remove_directory(void **state)
{
	unlink(file);
	return rmdir(directory); /* fails if some temporary file was left behind */
}

/* How often each core is to add to the counter. */
static void set_rounds(struct machine *machine, uint32_t rounds)
{
	const uint32_t words[] = { rounds, rounds * machine->config.cpus };

	memcpy(bus_ram(&machine->bus, COUNTER + 0x100, sizeof(words)), words, sizeof(words));
}

static struct machine *make(struct recorder *recorder, struct machine_config config)
{
	static uint32_t rom[HANDLER / 4 + sizeof(handler_code) / 4];
	struct machine *machine;
	char error[256];

	config.ram_size = config.ram_size ? config.ram_size : 1 << 20;
	if (recorder) {
		*recorder = (struct recorder){ .trace.emit = record };
		config.trace = &recorder->trace;
	}
	assert_int_equal(machine_create(&machine, &config, error, sizeof(error)), 0);
	memcpy(rom, work_code, sizeof(work_code));
	memcpy(rom + HANDLER / 4, handler_code, sizeof(handler_code));
	assert_int_equal(machine_set_boot_rom(machine, rom, sizeof(rom)), 0);
	set_rounds(machine, ROUNDS);
	if (recorder) {
		recorder->machine = machine;
		atomic_store(&recorder->trace.enabled, (1u << TRACE_EVENT_COUNT) - 1);
	}
	return machine;
}

static uint32_t counter(struct machine *machine)
{
	return __atomic_load_n((uint32_t *)bus_ram(&machine->bus, COUNTER, 4), __ATOMIC_RELAXED);
}

static void save(struct machine *machine)
{
	char error[256] = "";

	if (snapshot_save(machine, file, error, sizeof(error)))
		fail_msg("%s", error);
}

static void load(struct machine *machine)
{
	char error[256] = "";

	if (snapshot_load(machine, file, error, sizeof(error)))
		fail_msg("%s", error);
}

struct interruption {
	struct machine *machine;
	struct clock_timer timer;
	bool ends;
};

static void interrupt(void *opaque)
{
	struct interruption *i = opaque;

	if (i->ends)
		machine_request(i->machine, MACHINE_REQUEST_POWEROFF, 0);
}

/* Runs until @at at the latest; true if the machine then goes on where it was. */
static bool run_until(struct machine *machine, uint64_t at, bool ends)
{
	struct interruption i = { .machine = machine, .ends = ends };
	bool interrupted;

	clock_timer_init(&i.timer, interrupt, &i);
	clock_timer_set(&machine->clock, &i.timer, at);
	interrupted = machine_run(machine).end == MACHINE_POWEROFF;
	clock_timer_cancel(&machine->clock, &i.timer);
	machine->result = (struct machine_result){ 0 };
	machine->restored = interrupted; /* what is left of it, machine_run() takes as it is */
	return interrupted;
}

static const struct machine_config deterministic = { .cpus = 3, .deterministic = true };

/*
 * A machine saved at some instruction and loaded into another goes on exactly as it would have, and as the
 * one that was saved does.
 */
static void restored_machines_go_on_exactly(void **state)
{
	uint64_t seed = 88172645463325252, end, whole_events;

	{
		struct recorder whole;
		struct machine *machine = make(&whole, deterministic);

		assert_int_equal(machine_run(machine).end, MACHINE_EXIT);
		end = whole.last; /* the cores may go on a little after it */
		assert_int_equal(counter(machine), 3 * ROUNDS);
		whole_events = whole.events;
		assert_true(whole_events > 9200);
		machine_destroy(machine);
	}
	for (unsigned i = 0; i < 25; i++) {
		struct recorder whole, before, after;
		struct machine *machine, *saved, *loaded;
		uint64_t at;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		at = i ? seed % end : 0;
		machine = make(&whole, deterministic);
		assert_false(run_until(machine, at, false));
		saved = make(&before, deterministic);
		assert_true(run_until(saved, at, true));
		save(saved);
		loaded = make(&after, deterministic);
		load(loaded);
		after.hash = before.hash;
		assert_int_equal(machine_run(loaded).end, MACHINE_EXIT);
		assert_int_equal(before.events + after.events, whole.events);
		assert_int_equal(after.hash, whole.hash);
		assert_int_equal(counter(loaded), 3 * ROUNDS);
		assert_memory_equal(loaded->bus.ram, machine->bus.ram, 1 << 20);
		assert_int_equal(machine_run(saved).end, MACHINE_EXIT);
		assert_int_equal(before.hash, whole.hash);
		for (unsigned id = 0; id < 3; id++)
			assert_memory_equal(loaded->group.cpu[id]->gpr, machine->group.cpu[id]->gpr, 256);
		machine_destroy(machine);
		machine_destroy(saved);
		machine_destroy(loaded);
	}
}

static uint64_t now_standing(struct machine *machine)
{
	uint64_t now;

	machine_pause(machine);
	now = clock_now(&machine->clock);
	machine_resume(machine);
	return now;
}

static void *save_while_it_runs(void *opaque)
{
	struct machine *machine = opaque;
	uint64_t before, after;

	while (counter(machine) < 10)
		usleep(100);
	before = now_standing(machine);
	save(machine);
	after = now_standing(machine);
	assert_true(after >= before);
	assert_false(machine_is_stopped(machine));
	return NULL;
}

static void a_running_machine_can_be_saved(void **state)
{
	for (unsigned mode = 0; mode < 2; mode++) {
		const struct machine_config config = { .cpus = 3, .deterministic = mode };
		struct machine *machine = make(NULL, config);
		struct clock_state at;
		pthread_t thread;

		set_rounds(machine, MANY);
		assert_int_equal(pthread_create(&thread, NULL, save_while_it_runs, machine), 0);
		assert_int_equal(machine_run(machine).end, MACHINE_EXIT);
		pthread_join(thread, NULL);
		assert_int_equal(counter(machine), 3 * MANY);
		machine_destroy(machine);
		machine = make(NULL, config);
		load(machine);
		at = clock_save(&machine->clock);
		assert_true(at.now > 0 && at.now < 60000000000);
		assert_true(counter(machine) >= 10 && counter(machine) < 3 * MANY);
		assert_int_equal(machine_run(machine).end, MACHINE_EXIT);
		assert_int_equal(counter(machine), 3 * MANY);
		machine_destroy(machine);
	}
}

/* Saves a machine that has run for a while. */
static void save_one(void)
{
	struct machine *machine = make(NULL, deterministic);

	assert_true(run_until(machine, 20000, true));
	save(machine);
	machine_destroy(machine);
}

/* The reason for which a machine of @config does not take @path. */
static const char *refusal(struct machine_config config, const char *path)
{
	static char error[256];
	struct machine *machine = make(NULL, config);

	error[0] = 0;
	assert_true(snapshot_load(machine, path, error, sizeof(error)) < 0);
	machine_destroy(machine);
	return error;
}

static void part_state(void *opaque, struct state *state)
{
}

static void what_does_not_fit_is_refused_with_a_sentence(void **state)
{
	struct machine_config config = deterministic;
	struct machine *machine;
	char error[256];

	save_one();
	config.cpus = 2;
	assert_string_equal(refusal(config, file), "it has 3 cores, this machine 2: give -c 3");
	config = deterministic;
	config.ram_size = 2 << 20;
	assert_string_equal(refusal(config, file), "it has 1 MiB of RAM, this machine 2: give -m 1M");
	config = deterministic;
	config.cpu_model = "la464";
	assert_string_equal(refusal(config, file), "its processor is max, this machine's la464");
	config.cpu_model = "max,lvz=off";
	assert_string_equal(refusal(config, file), "its processor is max, this machine's max,lvz=off");
	config = deterministic;
	config.deterministic = false;
	assert_string_equal(refusal(config, file), "it ran with --deterministic, this machine does not");
	config = deterministic;
	assert_string_equal(refusal(config, "/nonexistent"), "No such file or directory");
	assert_string_equal(refusal(config, "/"), "Is a directory");
	assert_string_equal(refusal(config, "/dev/null"), "it is not a snapshot of bixi");
	machine = make(NULL, deterministic);
	assert_int_equal(machine_add_state(machine, "teapot0", part_state, NULL), 0);
	assert_true(snapshot_load(machine, file, error, sizeof(error)) < 0);
	assert_string_equal(error, "this machine has the part \"teapot0\", which the saved one has not");
	machine_reset(machine);
	assert_int_equal(snapshot_save(machine, file, error, sizeof(error)), 0);
	machine_destroy(machine);
	assert_string_equal(refusal(config, file),
			    "the saved machine has the part \"teapot0\", which this one has not");
}

static uint8_t *read_file(size_t *size)
{
	FILE *stream = fopen(file, "rb");
	uint8_t *data = malloc(1 << 20);

	*size = fread(data, 1, 1 << 20, stream);
	fclose(stream);
	return data;
}

static void write_file(const uint8_t *data, size_t size)
{
	FILE *stream = fopen(file, "wb");

	fwrite(data, 1, size, stream);
	fclose(stream);
}

/* Some bits of a zstd frame may be one or the other: then nothing has changed. */
static void check_damaged(void)
{
	struct machine *machine = make(NULL, deterministic);
	char error[256] = "";

	if (snapshot_load(machine, file, error, sizeof(error))) {
		assert_true(strlen(error) > 10);
	} else {
		assert_int_equal(machine_run(machine).end, MACHINE_EXIT);
		assert_int_equal(counter(machine), 3 * ROUNDS);
	}
	machine_destroy(machine);
}

static void a_truncated_or_damaged_file_is_refused(void **state)
{
	size_t size;
	uint8_t *data;

	save_one();
	data = read_file(&size);
	assert_true(size > 1000 && size < 100000);
	for (size_t at = 0; at < size; at += at < 64 ? 1 : size / 50) {
		write_file(data, at);
		if (at >= 8)
			assert_string_equal(refusal(deterministic, file), "it is truncated");
		else
			assert_string_equal(refusal(deterministic, file), "it is not a snapshot of bixi");
	}
	for (size_t at = 8; at < size; at += at < 64 ? 1 : size / 50) {
		data[at] ^= 0x40;
		write_file(data, size);
		check_damaged();
		data[at] ^= 0x40;
	}
	write_file(data, size + 1);
	assert_string_equal(refusal(deterministic, file), "it is damaged");
	data[8] = 9;
	write_file(data, size);
	assert_string_equal(refusal(deterministic, file),
			    "its format has version 9, this is bixi " BIXI_VERSION " which reads version 1");
	free(data);
}

/* Whatever goes wrong, the file that was there stays, and nothing else is left. */
static void a_save_that_fails_leaves_the_old_file(void **state)
{
	struct machine *machine = make(NULL, deterministic);
	struct rlimit limit, small;
	char error[256], path[300];
	struct stat before, after;
	int err;

	save_one();
	assert_int_equal(stat(file, &before), 0);
	assert_int_equal(before.st_mode & 0777, 0600);
	assert_true(run_until(machine, 5000, true));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	small = limit;
	small.rlim_cur = 300;
	setrlimit(RLIMIT_FSIZE, &small);
	err = snapshot_save(machine, file, error, sizeof(error));
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(err, -EFBIG);
	assert_string_equal(error, "File too large");
	assert_int_equal(stat(file, &after), 0);
	assert_true(after.st_ino == before.st_ino && after.st_size == before.st_size);
	assert_int_equal(snapshot_save(machine, directory, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "that is not a regular file");
	snprintf(path, sizeof(path), "%s/missing/snapshot", directory);
	assert_int_equal(snapshot_save(machine, path, error, sizeof(error)), -ENOENT);
	machine->result.end = MACHINE_POWEROFF;
	assert_int_equal(snapshot_save(machine, file, error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "run: the machine has ended");
	machine_destroy(machine);
}

static void pages_that_are_empty_take_no_room(void **state)
{
	const struct machine_config config = { .ram_size = UINT64_C(1) << 30, .deterministic = true };
	struct machine *machine = make(NULL, config);
	struct stat before, after, snapshot;
	volatile uint8_t *ram = machine->bus.ram;

	machine_reset(machine);
	ram[0] = 1;
	ram[(1 << 30) - 1] = 2;
	ram[500 << 20] = 0; /* touched, but empty */
	assert_int_equal(fstat(machine->bus.ram_fd, &before), 0);
	save(machine);
	assert_int_equal(fstat(machine->bus.ram_fd, &after), 0);
	assert_int_equal(before.st_blocks, after.st_blocks);
	assert_int_equal(stat(file, &snapshot), 0);
	assert_true(snapshot.st_size < 100000);
	machine_destroy(machine);
	machine = make(NULL, config);
	ram = machine->bus.ram;
	ram[12345678] = 1; /* must go */
	load(machine);
	assert_int_equal(ram[0], 1);
	assert_int_equal(ram[(1 << 30) - 1], 2);
	assert_int_equal(ram[12345678], 0);
	machine_destroy(machine);
}

static void reboot(void *opaque)
{
	machine_request(opaque, MACHINE_REQUEST_RESET, 0);
}

/* The ROM's image is part of a snapshot; a reset that was asked for is done after loading. */
static void a_restored_machine_can_be_reset(void **state)
{
	struct machine *machine = make(NULL, deterministic), *loaded;
	static const uint32_t other_rom[] = { IDLE, B(-1) };
	struct clock_timer timer;

	assert_true(run_until(machine, 20000, true));
	machine->reset_wanted = true;
	save(machine);
	machine_destroy(machine);
	loaded = make(NULL, deterministic);
	assert_int_equal(machine_set_boot_rom(loaded, other_rom, sizeof(other_rom)), 0);
	load(loaded);
	assert_true(loaded->reset_wanted);
	clock_timer_init(&timer, reboot, loaded);
	clock_timer_set(&loaded->clock, &timer, clock_now(&loaded->clock) + 10000);
	assert_int_equal(machine_run(loaded).end, MACHINE_EXIT);
	assert_true(counter(loaded) > 3 * ROUNDS);
	machine_destroy(loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restored_machines_go_on_exactly),
		cmocka_unit_test(a_running_machine_can_be_saved),
		cmocka_unit_test(what_does_not_fit_is_refused_with_a_sentence),
		cmocka_unit_test(a_truncated_or_damaged_file_is_refused),
		cmocka_unit_test(a_save_that_fails_leaves_the_old_file),
		cmocka_unit_test(pages_that_are_empty_take_no_room),
		cmocka_unit_test(a_restored_machine_can_be_reset),
	};

	alarm(300);
	return cmocka_run_group_tests_name("snapshot", tests, make_directory, remove_directory);
}
