/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Saved state: the stream of pieces (machine/bus/state.c), and what devices say of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "machine/board/machine.h"
#include "machine/board/state.h"
#include "machine/bus/state.h"

struct thing {
	uint32_t number;
	uint8_t bytes[5];
	bool flag;
	uint8_t *blob;
	size_t blob_size;
	struct clock_timer timer;
};

static void thing_state(void *opaque, struct state *state)
{
	struct thing *thing = opaque;

	STATE_MEMBER(state, thing, number);
	STATE_MEMBER(state, thing, bytes);
	STATE_BOOL(state, thing, flag);
	state_blob(state, "blob", &thing->blob, &thing->blob_size, 100);
	state_timer(state, "timer", &thing->timer);
}

static void nothing(void *opaque)
{
}

static struct thing make_thing(void)
{
	struct thing thing = { .number = 0x12345678, .bytes = "abcd", .flag = true, .blob_size = 7 };

	thing.blob = (uint8_t *)strdup("blobby");
	clock_timer_init(&thing.timer, nothing, NULL);
	return thing;
}

static void what_is_written_is_read(void **unused)
{
	struct thing thing = make_thing(), again = { 0 };
	struct clock clock, other;
	struct state *writer, *reader;
	const void *data;
	size_t size;

	clock_init(&clock, true, 0);
	clock_init(&other, true, 0);
	clock_timer_init(&again.timer, nothing, NULL);
	clock_timer_set(&clock, &thing.timer, 777);
	other.order = clock.order;
	writer = state_writer(&clock);
	assert_false(state_loading(writer));
	state_section(writer, "thing", 3, thing_state, &thing);
	state_section(writer, "thing", 3, thing_state, &thing);
	data = state_data(writer, &size);
	reader = state_reader(data, size, &other);
	assert_true(state_loading(reader));
	state_section(reader, "thing", 3, thing_state, &again);
	assert_false(state_at_end(reader));
	state_section(reader, "thing", 3, thing_state, &again);
	assert_true(state_good(reader) && state_at_end(reader));
	assert_null(state_reason(reader));
	assert_int_equal(again.number, 0x12345678);
	assert_string_equal((char *)again.bytes, "abcd");
	assert_true(again.flag);
	assert_int_equal(again.blob_size, 7);
	assert_string_equal((char *)again.blob, "blobby");
	assert_int_equal(again.timer.deadline, 777);
	assert_int_equal(clock_next_deadline(&other), 777);
	state_free(reader);
	state_free(writer);
	free(again.blob);
	free(thing.blob);
	clock_destroy(&clock);
	clock_destroy(&other);
}

static void wrong_name(void *opaque, struct state *state)
{
	uint32_t number;

	state_bytes(state, "size", &number, 4);
}

static void wrong_size(void *opaque, struct state *state)
{
	uint64_t number;

	state_bytes(state, "number", &number, 8);
}

static void too_little(void *opaque, struct state *state)
{
	uint32_t number;

	state_bytes(state, "number", &number, 4);
}

static void refusing(void *opaque, struct state *state)
{
	state_refuse(state, "%s", "because");
	state_refuse(state, "not this");
	state_bytes(state, "anything", opaque, 4);
}

static void what_does_not_fit_is_refused_with_its_reason(void **unused)
{
	static const struct {
		const char *section;
		uint32_t version;
		void (*fn)(void *opaque, struct state *state);
		const char *reason;
	} cases[] = {
		{ "other", 1, thing_state, "it holds \"thing\" where this machine has \"other\"" },
		{ "thing", 2, thing_state, "thing: its state has version 1, this bixi reads version 2" },
		{ "thing", 1, wrong_name, "thing: it holds \"number\" where this machine has \"size\"" },
		{ "thing", 1, wrong_size, "thing: \"number\" has 4 bytes, not 8" },
		{ "thing", 1, too_little, "thing: it holds more than this machine has" },
		{ "thing", 1, refusing, "thing: because" },
	};
	struct thing thing = make_thing();
	struct clock clock;
	struct state *writer;
	const void *data;
	size_t size;

	clock_init(&clock, true, 0);
	writer = state_writer(&clock);
	state_section(writer, "thing", 1, thing_state, &thing);
	data = state_data(writer, &size);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct state *reader = state_reader(data, size, &clock);

		state_section(reader, cases[i].section, cases[i].version, cases[i].fn, &thing);
		assert_false(state_good(reader));
		assert_string_equal(state_reason(reader), cases[i].reason);
		state_free(reader);
	}
	state_free(writer);
	free(thing.blob);
	clock_destroy(&clock);
}

static void timers_keep_their_order_and_cannot_come_from_the_future(void **unused)
{
	struct clock clock;
	struct clock_timer timer[3];

	clock_init(&clock, true, 0);
	for (unsigned i = 0; i < 3; i++)
		clock_timer_init(&timer[i], nothing, NULL);
	clock.order = 10;
	assert_true(clock_timer_restore(&clock, &timer[0], 100, 7));
	assert_true(clock_timer_restore(&clock, &timer[1], 100, 3));
	assert_true(clock_timer_restore(&clock, &timer[2], 50, 9));
	assert_ptr_equal(clock.armed, &timer[2]);
	assert_ptr_equal(clock.armed->next, &timer[1]);
	assert_ptr_equal(clock.armed->next->next, &timer[0]);
	assert_false(clock_timer_restore(&clock, &timer[0], 100, 10));
	assert_true(clock_timer_restore(&clock, &timer[2], UINT64_MAX, 10));
	assert_false(clock_timer_armed(&clock, &timer[2]));
	clock_destroy(&clock);
}

/* Cut anywhere or with any byte changed: refused or taken, nothing else (the sanitizers watch). */
static void no_stream_does_harm(void **unused)
{
	struct thing thing = make_thing(), again = make_thing();
	struct clock clock;
	struct state *writer;
	const void *data;
	uint8_t *copy;
	size_t size;

	clock_init(&clock, true, 0);
	writer = state_writer(&clock);
	state_section(writer, "thing", 1, thing_state, &thing);
	data = state_data(writer, &size);
	for (size_t i = 0; i < size; i++) {
		struct state *reader;

		copy = malloc(i ? i : 1);
		memcpy(copy, data, i);
		reader = state_reader(copy, i, &clock);
		state_section(reader, "thing", 1, thing_state, &again);
		assert_false(state_good(reader));
		state_free(reader);
		free(copy);
		copy = malloc(size);
		for (unsigned change = 1; change < 256; change++) {
			memcpy(copy, data, size);
			copy[i] ^= (uint8_t)change;
			reader = state_reader(copy, size, &clock);
			state_section(reader, "thing", 1, thing_state, &again);
			assert_true(again.flag == 0 || again.flag == 1);
			assert_true(again.blob_size <= 100);
			state_free(reader);
		}
		free(copy);
	}
	state_free(writer);
	free(thing.blob);
	free(again.blob);
	clock_destroy(&clock);
}

#define CORES 6

static struct machine *make_machine(void)
{
	const struct machine_config config = { .cpus = CORES, .ram_size = 1 << 20, .deterministic = true };
	struct machine *machine;
	char error[256];

	assert_int_equal(machine_create(&machine, &config, error, sizeof(error)), 0);
	assert_int_equal(machine_reset(machine), 0);
	return machine;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* One access that follows from @seed alone, and time that goes on; what was read. */
static uint64_t random_step(struct machine *machine, uint64_t *seed)
{
	struct device *dev = machine->device[next_random(seed) % machine->device_count];
	unsigned size = 1u << next_random(seed) % 4, bank = next_random(seed) % dev->banks;
	uint64_t offset = next_random(seed) % (dev->type->size + 8), value = 0, written = next_random(seed),
		 deadline;
	bool write = next_random(seed) % 2;

	pthread_mutex_lock(dev->lock);
	if (write)
		device_write(dev, bank, offset, size, written, UINT64_MAX);
	else
		device_read(dev, bank, offset, size, &value);
	pthread_mutex_unlock(dev->lock);
	machine->clock.virtual_now += next_random(seed) % 100000;
	deadline = clock_next_deadline(&machine->clock);
	if (next_random(seed) % 16 == 0 && deadline > machine->clock.virtual_now && deadline < UINT64_MAX / 8)
		machine->clock.virtual_now = deadline;
	clock_run_timers(&machine->clock);
	return value;
}

static void compare_machines(struct machine *a, struct machine *b)
{
	for (unsigned id = 0; id < CORES; id++) {
		assert_int_equal(a->group.cpu[id]->lines, b->group.cpu[id]->lines);
		assert_memory_equal((void *)a->group.cpu[id]->message_pending,
				    (void *)b->group.cpu[id]->message_pending, 32);
	}
	assert_int_equal(clock_next_deadline(&a->clock), clock_next_deadline(&b->clock));
	assert_int_equal(clock_now(&a->clock), clock_now(&b->clock));
}

/* A machine that took over another's state answers everything as that one does from then on. */
static void devices_say_everything_of_themselves(void **unused)
{
	uint64_t seed = 0x5eed;

	for (unsigned round = 0; round < 20; round++) {
		struct machine *a = make_machine(), *b = make_machine();
		struct state *writer, *reader;
		uint64_t other = seed ^ 0x123456789;
		const void *data;
		size_t size;

		for (unsigned i = 0; i < 20000; i++)
			random_step(a, &seed);
		for (unsigned i = 0; i < 2000; i++)
			random_step(b, &other);
		writer = state_writer(&a->clock);
		a->result = (struct machine_result){ 0 };
		machine_state(a, writer);
		assert_true(state_good(writer));
		data = state_data(writer, &size);
		reader = state_reader(data, size, &b->clock);
		machine_state(b, reader);
		if (!state_good(reader))
			print_message("%s\n", state_reason(reader));
		assert_true(state_good(reader));
		compare_machines(a, b);
		other = seed;
		for (unsigned i = 0; i < 20000; i++) {
			uint64_t which = seed, value = random_step(a, &seed), same = random_step(b, &other);

			if (value != same)
				print_message("%s differs\n",
					      a->device[next_random(&which) % a->device_count]->name);
			assert_int_equal(value, same);
		}
		compare_machines(a, b);
		state_free(reader);
		state_free(writer);
		machine_destroy(a);
		machine_destroy(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_does_not_fit_is_refused_with_its_reason),
		cmocka_unit_test(timers_keep_their_order_and_cannot_come_from_the_future),
		cmocka_unit_test(no_stream_does_harm),
		cmocka_unit_test(devices_say_everything_of_themselves),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
