/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Run control of whole machines, real and deterministic: machine/board/run.c, machine.c, virt.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "machine/board/machine.h"
#include "machine/soc/uart.h"

/* A few instructions, in direct mode at the boot ROM.  t0-t2 are r12-r14. */
enum { ZERO, T0 = 12, T1, T2 };
#define LU12I_W(rd, imm)    (0x14000000u | ((imm)&0xfffff) << 5 | (rd))
#define ADDI_D(rd, rj, imm) (0x02c00000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define LD_W(rd, rj, imm)   (0x28800000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define ST_B(rd, rj, imm)   (0x29000000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define ST_W(rd, rj, imm)   (0x29800000u | ((imm)&0xfff) << 10 | (rj) << 5 | (rd))
#define BEQ(rj, rd, insns)  (0x58000000u | ((unsigned)(insns)&0xffff) << 10 | (rj) << 5 | (rd))
#define B(insns)	    (0x50000000u | ((unsigned)(insns)&0xffff) << 10 | ((unsigned)(insns) >> 16 & 0x3ff))
#define CSRRD(rd, csr)	    (0x04000000u | (csr) << 10 | (rd))
#define IDLE		    0x06488000u
#define CPUID		    0x20
#define COUNTER		    0x1000 /* in RAM */

static void no_emit(struct trace *trace, const struct trace_record *record)
{
}

static struct machine *make(const uint32_t *program, size_t size, struct machine_config config)
{
	struct machine *machine;
	char error[256];

	config.ram_size = 1 << 20;
	assert_int_equal(machine_create(&machine, &config, error, sizeof(error)), 0);
	assert_int_equal(machine_set_boot_rom(machine, program, size), 0);
	return machine;
}

/* Guest memory, perhaps while the guest runs: that race is the guest's. */
static __attribute__((no_sanitize("thread"))) uint32_t word(struct machine *machine, uint64_t pa)
{
	const void *rom = bus_rom(&machine->bus, pa, 4);

	return *(const volatile uint32_t *)(rom ? rom : bus_ram(&machine->bus, pa, 4));
}

static const uint32_t exit_program[] = {
	LU12I_W(T0, 0x100e2),	       ADDI_D(T1, ZERO, 2), ST_W(T1, T0, 0), /* even: nothing */
	ADDI_D(T1, ZERO, 37 << 1 | 1), ST_W(T1, T0, 0),	    B(0),
};

static void the_exit_device_ends_with_its_code(void **state)
{
	for (unsigned mode = 0; mode < 4; mode++) {
		struct machine *machine =
			make(exit_program, sizeof(exit_program),
			     (struct machine_config){ .deterministic = mode & 1, .cpus = mode & 2 ? 5 : 1 });
		struct machine_result result = machine_run(machine);

		assert_int_equal(result.end, MACHINE_EXIT);
		assert_int_equal(result.code, 37);
		/* It can be run again. */
		assert_int_equal(machine_run(machine).code, 37);
		machine_destroy(machine);
	}
}

static const uint32_t poweroff_program[] = {
	LU12I_W(T0, 0x100e0), ADDI_D(T1, ZERO, 0x34), ST_B(T1, T0, 0x1c), IDLE, B(-1),
};

static void the_sleep_register_powers_off(void **state)
{
	for (unsigned mode = 0; mode < 2; mode++) {
		struct machine *machine = make(poweroff_program, sizeof(poweroff_program),
					       (struct machine_config){ .deterministic = mode, .cpus = 2 });

		assert_int_equal(machine_run(machine).end, MACHINE_POWEROFF);
		machine_destroy(machine);
	}
}

/* Counts its starts and resets until the third, then exits. */
static const uint32_t reset_program[] = {
	LU12I_W(T0, COUNTER >> 12),
	LD_W(T1, T0, 0),
	ADDI_D(T1, T1, 1),
	ST_W(T1, T0, 0),
	ADDI_D(T2, ZERO, 3),
	BEQ(T1, T2, 5),
	LU12I_W(T0, 0x100e0),
	ADDI_D(T1, ZERO, 0x42),
	ST_B(T1, T0, 0x1e),
	B(0),
	LU12I_W(T0, 0x100e2),
	ADDI_D(T1, ZERO, 1),
	ST_W(T1, T0, 0),
	B(0),
};

static void count_call(void *opaque)
{
	++*(unsigned *)opaque;
}

static int hook(struct machine *machine, void *opaque)
{
	count_call(opaque);
	return 0;
}

static void the_reset_register_starts_again(void **state)
{
	for (unsigned mode = 0; mode < 2; mode++) {
		struct machine *machine = make(reset_program, sizeof(reset_program),
					       (struct machine_config){ .deterministic = mode });
		unsigned entries = 0, hooks = 0;

		assert_int_equal(machine_add_reset(machine, count_call, &entries), 0);
		machine->reset_hook = hook;
		machine->reset_opaque = &hooks;
		assert_int_equal(machine_run(machine).end, MACHINE_EXIT);
		assert_int_equal(word(machine, COUNTER), 3);
		assert_int_equal(entries, 3);
		assert_int_equal(hooks, 3);
		machine_destroy(machine);
		machine = make(reset_program, sizeof(reset_program),
			       (struct machine_config){ .deterministic = mode, .no_reboot = true });
		assert_int_equal(machine_run(machine).end, MACHINE_REBOOT);
		assert_int_equal(word(machine, COUNTER), 1);
		machine_destroy(machine);
	}
}

static int failing_hook(struct machine *machine, void *opaque)
{
	return ++*(unsigned *)opaque == 2 ? -ENOENT : 0;
}

static void a_failing_reload_ends_with_an_error(void **state)
{
	for (unsigned mode = 0; mode < 2; mode++) {
		struct machine *machine = make(reset_program, sizeof(reset_program),
					       (struct machine_config){ .deterministic = mode });
		struct machine_result result;
		unsigned hooks = 0;

		machine->reset_hook = failing_hook;
		machine->reset_opaque = &hooks;
		result = machine_run(machine);
		assert_int_equal(result.end, MACHINE_ERROR);
		assert_int_equal(result.code, -ENOENT);
		machine_destroy(machine);
	}
}

/* Core 0 counts, the others sleep for ever. */
static const uint32_t count_program[] = {
	CSRRD(T0, CPUID),  BEQ(T0, ZERO, 3), IDLE,  B(-1), LU12I_W(T0, COUNTER >> 12), LD_W(T1, T0, 0),
	ADDI_D(T1, T1, 1), ST_W(T1, T0, 0),  B(-3),
};

static void *pauser(void *opaque)
{
	struct machine *machine = opaque;
	uint32_t before, after;

	while (!word(machine, COUNTER))
		usleep(1000);
	for (unsigned i = 0; i < 20; i++) {
		machine_pause(machine);
		machine_pause(machine);
		before = word(machine, COUNTER);
		usleep(1000);
		machine_resume(machine);
		usleep(1000);
		after = word(machine, COUNTER);
		assert_int_equal(before, after);
		machine_resume(machine);
		while (word(machine, COUNTER) == after)
			usleep(100);
	}
	if (machine->config.seed == 7)
		machine->press_power_button(machine);
	machine_request(machine, MACHINE_REQUEST_EXIT, 5);
	return NULL;
}

static void a_paused_machine_stands_still(void **state)
{
	for (unsigned mode = 0; mode < 2; mode++) {
		struct machine *machine =
			make(count_program, sizeof(count_program),
			     (struct machine_config){ .deterministic = mode, .cpus = 3, .seed = 7 });
		struct machine_result result;
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, pauser, machine), 0);
		result = machine_run(machine);
		pthread_join(thread, NULL);
		assert_int_equal(result.end, MACHINE_EXIT);
		assert_int_equal(result.code, 5);
		machine_destroy(machine);
	}
}

/* What listeners heard, one letter an event. */
static char heard[16];
static _Atomic bool heard_reset;

static void hear(void *opaque, enum machine_event event)
{
	size_t length = strlen(heard);

	if (length + 1 < sizeof(heard))
		heard[length] = "SCRPE"[event];
	if (event == MACHINE_EVENT_RESET)
		atomic_store(&heard_reset, true);
}

static void timer_fired(void *opaque)
{
	atomic_store((_Atomic bool *)opaque, true);
}

struct stopper {
	struct machine *machine;
	struct clock_timer timer;
	struct event_work work;
	_Atomic bool timer_ran, work_ran;
};

static void *stopper(void *opaque)
{
	struct stopper *s = opaque;
	struct machine *machine = s->machine;
	uint64_t now;
	uint32_t count;

	assert_true(machine_is_stopped(machine));
	usleep(20000);
	assert_int_equal(word(machine, COUNTER), 0);
	machine_cont(machine);
	machine_cont(machine); /* does nothing */
	while (!word(machine, COUNTER))
		usleep(1000);
	machine_stop(machine);
	machine_stop(machine); /* does nothing */
	now = clock_now(&machine->clock);
	count = word(machine, COUNTER);
	if (!machine->config.deterministic)
		clock_timer_set(&machine->clock, &s->timer, now + 5000000);
	usleep(20000);
	assert_int_equal(clock_now(&machine->clock), now);
	assert_int_equal(word(machine, COUNTER), count);
	assert_false(atomic_load(&s->timer_ran));
	/* The event loop serves the host all the same, and a reset is done. */
	event_loop_post(&machine->loop, &s->work);
	while (!atomic_load(&s->work_ran))
		usleep(100);
	machine_request(machine, MACHINE_REQUEST_RESET, 0);
	while (!atomic_load(&heard_reset))
		usleep(100);
	assert_true(machine_is_stopped(machine));
	machine_pause(machine);
	machine_cont(machine);
	assert_false(machine_is_stopped(machine));
	count = word(machine, COUNTER);
	usleep(5000);
	assert_int_equal(word(machine, COUNTER), count); /* still paused */
	machine_resume(machine);
	while (word(machine, COUNTER) == count ||
	       (!machine->config.deterministic && !atomic_load(&s->timer_ran)))
		usleep(100);
	machine->press_power_button(machine);
	machine_stop(machine);
	machine_request(machine, MACHINE_REQUEST_EXIT, 9);
	return NULL;
}

static void time_stands_still_in_a_stopped_machine(void **state)
{
	for (unsigned mode = 0; mode < 2; mode++) {
		struct machine_listener listener = { .fn = hear };
		struct stopper s = {
			.machine = make(count_program, sizeof(count_program),
					(struct machine_config){ .deterministic = mode, .cpus = 3 }),
		};
		struct machine_result result;
		pthread_t thread;

		memset(heard, 0, sizeof(heard));
		atomic_store(&heard_reset, false);
		clock_timer_init(&s.timer, timer_fired, &s.timer_ran);
		event_work_init(&s.work, timer_fired, &s.work_ran);
		machine_listen(s.machine, &listener);
		machine_stop(s.machine);
		assert_int_equal(pthread_create(&thread, NULL, stopper, &s), 0);
		result = machine_run(s.machine);
		pthread_join(thread, NULL);
		assert_int_equal(result.end, MACHINE_EXIT);
		assert_int_equal(result.code, 9);
		assert_string_equal(heard, "SCSRCPSE");
		machine_destroy(s.machine);
	}
}

static const uint32_t idle_program[] = { IDLE, B(-1) };

static void *ender(void *opaque)
{
	usleep(30000);
	machine_pause(opaque);
	machine_resume(opaque);
	machine_request(opaque, MACHINE_REQUEST_RESET, 0);
	usleep(30000);
	machine_request(opaque, MACHINE_REQUEST_POWEROFF, 0);
	machine_request(opaque, MACHINE_REQUEST_EXIT, 1); /* too late */
	return NULL;
}

static void a_sleeping_machine_can_be_reset_and_ended(void **state)
{
	for (unsigned mode = 0; mode < 2; mode++) {
		struct machine *machine = make(idle_program, sizeof(idle_program),
					       (struct machine_config){ .deterministic = mode, .cpus = 4 });
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, ender, machine), 0);
		assert_int_equal(machine_run(machine).end, MACHINE_POWEROFF);
		pthread_join(thread, NULL);
		machine_destroy(machine);
	}
}

/* Four cores add to one word without any care, then core 3 ends it: the outcome depends on every turn. */
static const uint32_t race_program[] = {
	ADDI_D(T2, ZERO, 2000),
	LU12I_W(T0, COUNTER >> 12),
	LD_W(T1, T0, 0),
	ADDI_D(T1, T1, 1),
	ST_W(T1, T0, 0),
	ADDI_D(T2, T2, -1),
	BEQ(T2, ZERO, 2),
	B(-5),
	CSRRD(T0, CPUID),
	ADDI_D(T1, ZERO, 3),
	BEQ(T0, T1, 3),
	IDLE,
	B(-1),
	LU12I_W(T0, 0x100e2),
	ADDI_D(T1, ZERO, 1),
	ST_W(T1, T0, 0),
	B(0),
};

static void deterministic_runs_are_the_same(void **state)
{
	uint64_t count[4] = { 0 }, now = 0;
	uint32_t sum = 0;

	for (unsigned run = 0; run < 3; run++) {
		struct machine *machine = make(race_program, sizeof(race_program),
					       (struct machine_config){ .deterministic = true, .cpus = 4 });

		assert_int_equal(machine_run(machine).end, MACHINE_EXIT);
		for (unsigned id = 0; id < 4; id++) {
			assert_true(run == 0 || count[id] == machine->group.cpu[id]->stats.instructions);
			count[id] = machine->group.cpu[id]->stats.instructions;
		}
		assert_true(run == 0 || (sum == word(machine, COUNTER) && now == clock_now(&machine->clock)));
		sum = word(machine, COUNTER);
		now = clock_now(&machine->clock);
		machine_destroy(machine);
	}
	assert_true(count[0] > 10000 && sum > 2000);
}

static void bad_configurations_get_a_sentence(void **state)
{
	static struct trace trace = { .emit = no_emit };
	static const struct machine_config bad[] = {
		{ .cpus = 65 },
		{ .board = "pc" },
		{ .cpu_model = "i486" },
		{ .cpu_model = "i486,lvz=off" },
		{ .cpu_model = "la464," },
		{ .cpu_model = "la464,lvz" },
		{ .cpu_model = "la464,lvz=off,lvz=on" },
		{ .cpu_model = "max-of-all-that-there-is-and-more" },
		{ .ram_size = 4097 },
		{ .ram_size = UINT64_MAX },
		{ .ram_size = UINT64_C(1) << 62, .trace = &trace },
	};
	struct machine *machine;
	char error[256];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = 0;
		assert_true(machine_create(&machine, &bad[i], error, sizeof(error)) < 0);
		assert_true(strlen(error) > 10);
		assert_null(machine);
	}
	assert_string_equal(machine_board(0)->name, "virt");
	assert_null(machine_board(1));
}

static void a_model_is_had_without_virtualization(void **state)
{
	static const char *const model[] = { "la464", "la664", "max" };
	const uint32_t lvz = 0xf << 10; /* CPUCFG.2.LVZ and its version */

	for (unsigned i = 0; i < sizeof(model) / sizeof(model[0]); i++) {
		const struct cpu_model *all = cpu_model_find(model[i]);
		struct cpu_model parsed;
		char text[32];

		assert_true(cpu_model_parse(&parsed, model[i]));
		assert_memory_equal(&parsed, all, sizeof(parsed));
		snprintf(text, sizeof(text), "%s,lvz=on", model[i]);
		assert_true(cpu_model_parse(&parsed, text));
		assert_memory_equal(&parsed, all, sizeof(parsed));
		snprintf(text, sizeof(text), "%s,lvz=off", model[i]);
		assert_true(cpu_model_parse(&parsed, text));
		assert_string_equal(parsed.name, text);
		assert_int_equal(parsed.cpucfg[2], all->cpucfg[2] & ~lvz);
		assert_int_equal(parsed.cpucfg[1], all->cpucfg[1]);
	}
}

static void a_rom_image_must_fit(void **state)
{
	struct machine *machine =
		make(idle_program, sizeof(idle_program), (struct machine_config){ .cpus = 1 });
	uint8_t *rom = bus_rom_content(&machine->bus);

	assert_int_equal(machine_set_boot_rom(machine, rom, 0), -EFBIG);
	assert_int_equal(machine_set_boot_rom(machine, rom, (16 << 20) + 1), -EFBIG);
	assert_int_equal(word(machine, 0x1c000000), IDLE);
	memset(rom, 0, 4);
	assert_int_equal(machine_reset(machine), 0);
	assert_int_equal(word(machine, 0x1c000000), IDLE);
	machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_device_ends_with_its_code),
		cmocka_unit_test(the_sleep_register_powers_off),
		cmocka_unit_test(the_reset_register_starts_again),
		cmocka_unit_test(a_failing_reload_ends_with_an_error),
		cmocka_unit_test(a_paused_machine_stands_still),
		cmocka_unit_test(time_stands_still_in_a_stopped_machine),
		cmocka_unit_test(a_sleeping_machine_can_be_reset_and_ended),
		cmocka_unit_test(deterministic_runs_are_the_same),
		cmocka_unit_test(bad_configurations_get_a_sentence),
		cmocka_unit_test(a_model_is_had_without_virtualization),
		cmocka_unit_test(a_rom_image_must_fit),
	};

	alarm(120);
	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
