/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The register-table framework (machine/bus/device.c), on a device made for it and on the tables of all
 * devices: reset values, writable bits, order, and that no access does harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/board/machine.h"
#include "machine/bus/device.h"

struct toy {
	struct device dev;
	uint32_t word, status;
	uint64_t wide;
	uint8_t bytes[4];
	unsigned side_reads, written;
	uint64_t last, last_mask, last_old;
	uint32_t bank_word[3];
};

static uint64_t side_read(struct device *dev, const struct reg_access *at)
{
	return 0xaabbccdd00000000 | ++device_of(dev, struct toy, dev)->side_reads;
}

static void side_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct toy *toy = device_of(dev, struct toy, dev);

	toy->last = value;
	toy->last_mask = at->mask;
}

static void byte_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	struct toy *toy = device_of(dev, struct toy, dev);

	toy->written |= 1u << at->index;
	toy->last_old = old;
}

/* clang-format off */
static const struct reg toy_regs[] = {
	{ .offset = 0x00, .width = 4, .name = "word", .field = offsetof(struct toy, word),
	  .reset = 0x12345678, .writable = 0x00ffff00 },
	{ .offset = 0x04, .width = 4, .name = "status", .field = offsetof(struct toy, status),
	  .reset = 0xff, .writable = 0xff00, .w1c = 0xff },
	{ .offset = 0x08, .width = 8, .name = "wide", .field = offsetof(struct toy, wide), .writable = UINT64_MAX },
	{ .offset = 0x10, .width = 1, .count = 4, .name = "bytes", .field = offsetof(struct toy, bytes),
	  .reset = 0x10, .reset_step = 2, .writable = 0xff, .written = byte_written },
	{ .offset = 0x18, .width = 8, .name = "side", .field = REG_NO_FIELD, .read = side_read, .write = side_write },
	{ .offset = 0x20, .width = 4, .name = "constant", .field = REG_NO_FIELD, .reset = 0xc0ffee },
};
/* clang-format on */

static const struct device_type toy_type = {
	.name = "toy", DEVICE_REGS(toy_regs), .size = 0x30, .widths = 1 | 2 | 4 | 8
};
static const struct device_type single_type = {
	.name = "single",
	DEVICE_REGS(toy_regs),
	.size = 0x24,
	.widths = 1 | 2 | 4,
	.flags = DEVICE_SINGLE | DEVICE_STRICT,
};

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static struct trace quiet = { .emit = emit_nothing };

static void toy_init(struct toy *toy, const struct device_type *type)
{
	memset(toy, 0, sizeof(*toy));
	assert_int_equal(device_init(&toy->dev, type, "toy0", 1, &quiet), 0);
	device_reset(&toy->dev);
}

static uint64_t get(struct toy *toy, uint64_t offset, unsigned size)
{
	uint64_t value;

	assert_true(device_read(&toy->dev, 0, offset, size, &value));
	return value;
}

static void put(struct toy *toy, uint64_t offset, unsigned size, uint64_t value)
{
	assert_true(device_write(&toy->dev, 0, offset, size, value, UINT64_MAX));
}

static void accesses_of_any_size_reach_their_lanes(void **state)
{
	struct toy toy;

	toy_init(&toy, &toy_type);
	assert_int_equal(get(&toy, 0, 4), 0x12345678);
	assert_int_equal(get(&toy, 1, 1), 0x56);
	assert_int_equal(get(&toy, 2, 2), 0x1234);
	assert_int_equal(get(&toy, 0, 8), 0x000000ff12345678);
	assert_int_equal(get(&toy, 2, 4), 0x00ff1234);
	put(&toy, 0, 4, 0xffffffff);
	assert_int_equal(toy.word, 0x12ffff78);
	put(&toy, 1, 1, 0xab);
	assert_int_equal(toy.word, 0x12ffab78);
	put(&toy, 8, 8, 0x0102030405060708);
	put(&toy, 0xe, 2, 0xeeff);
	assert_int_equal(toy.wide, 0xeeff030405060708);
	assert_int_equal(get(&toy, 0x10, 4), 0x16141210);
	put(&toy, 0x10, 4, 0x44332211);
	assert_int_equal(toy.written, 15);
	assert_int_equal(toy.last_old, 0x16);
	assert_int_equal(toy.bytes[3], 0x44);
	/* Holes read 0 and ignore writes; the lanes beside them work. */
	put(&toy, 0x12, 4, 0x99998877);
	assert_int_equal(get(&toy, 0x10, 8), 0x88772211);
	assert_int_equal(get(&toy, 0x24, 8), 0);
	device_destroy(&toy.dev);
}

static void writing_one_clears_only_the_lanes_written(void **state)
{
	struct toy toy;

	toy_init(&toy, &toy_type);
	put(&toy, 4, 1, 0x0f);
	assert_int_equal(toy.status, 0xf0);
	put(&toy, 5, 1, 0xff);
	assert_int_equal(toy.status, 0xfff0);
	put(&toy, 4, 4, 0x30);
	assert_int_equal(toy.status, 0xc0);
	device_destroy(&toy.dev);
}

static void functions_get_value_and_mask(void **state)
{
	struct toy toy;

	toy_init(&toy, &toy_type);
	put(&toy, 0x1c, 2, 0x1234);
	assert_int_equal(toy.last, 0x0000123400000000);
	assert_int_equal(toy.last_mask, 0x0000ffff00000000);
	assert_int_equal(get(&toy, 0x1c, 4), 0xaabbccdd);
	assert_int_equal(toy.side_reads, 1);
	assert_int_equal(get(&toy, 0x20, 4), 0xc0ffee);
	put(&toy, 0x20, 4, 0);
	assert_int_equal(get(&toy, 0x20, 4), 0xc0ffee);
	device_destroy(&toy.dev);
}

static void masked_writes_leave_the_other_bytes(void **state)
{
	struct toy toy;

	toy_init(&toy, &toy_type);
	assert_true(device_write(&toy.dev, 0, 0x10, 4, 0x44332211, 0x0000ff00));
	assert_int_equal(toy.written, 2);
	assert_int_equal(get(&toy, 0x10, 4), 0x16142210);
	device_destroy(&toy.dev);
}

static void a_single_device_answers_with_one_register(void **state)
{
	struct toy toy;
	uint64_t value;

	toy_init(&toy, &single_type);
	assert_int_equal(get(&toy, 0x10, 4), 0x10);
	assert_int_equal(get(&toy, 0x11, 2), 0x12);
	put(&toy, 0x10, 4, 0x44332211);
	assert_int_equal(toy.written, 1);
	/* Strict: no register, no access; nor another width or a place outside. */
	assert_false(device_read(&toy.dev, 0, 0x14, 4, &value));
	assert_false(device_write(&toy.dev, 0, 0x14, 1, 0, UINT64_MAX));
	assert_false(device_read(&toy.dev, 0, 0, 8, &value));
	assert_false(device_read(&toy.dev, 0, 0x22, 4, &value));
	assert_false(device_read(&toy.dev, 0, UINT64_MAX, 1, &value));
	device_destroy(&toy.dev);
}

static struct trace_record seen;

static void emit_seen(struct trace *trace, const struct trace_record *record)
{
	seen = *record;
}

static void traces_carry_register_names(void **state)
{
	struct trace trace = { .emit = emit_seen };
	struct toy toy;

	toy_init(&toy, &toy_type);
	toy.dev.trace = &trace;
	put(&toy, 4, 1, 0x1ff);
	assert_null(seen.name);
	atomic_store(&trace.enabled, 1u << TRACE_DEVICE);
	put(&toy, 5, 1, 0x1ff);
	assert_string_equal(seen.name, "toy0.status");
	assert_int_equal(seen.arg[0], 5);
	assert_int_equal(seen.arg[1], 0xff);
	assert_int_equal(seen.arg[2], 1 | 1 << 8);
	get(&toy, 0x20, 4);
	assert_string_equal(seen.name, "toy0.constant");
	assert_int_equal(seen.arg[1], 0xc0ffee);
	get(&toy, 0x28, 4);
	assert_string_equal(seen.name, "toy0");
	device_destroy(&toy.dev);
}

/* Everything below runs on every device of a machine of two nodes. */
static int machine_setup(void **state)
{
	const struct machine_config config = { .cpus = 5, .ram_size = 1 << 20, .deterministic = true };
	struct machine *machine;
	char error[256];

	assert_int_equal(machine_create(&machine, &config, error, sizeof(error)), 0);
	assert_int_equal(machine_reset(machine), 0);
	*state = machine;
	return 0;
}

static int machine_teardown(void **state)
{
	machine_destroy(*state);
	return 0;
}

static uint64_t width_mask(const struct reg *reg)
{
	return reg->width == 8 ? UINT64_MAX : (UINT64_C(1) << (reg->width * 8)) - 1;
}

static void tables_are_sorted_and_consistent(void **state)
{
	struct machine *machine = *state;

	for (unsigned i = 0; i < machine->device_count; i++) {
		const struct device_type *type = machine->device[i]->type;
		uint64_t end = 0;

		for (unsigned r = 0; r < type->reg_count; r++) {
			const struct reg *reg = &type->reg[r];
			uint64_t mask = width_mask(reg);

			assert_true(reg->offset >= end);
			end = reg->offset + (uint64_t)reg->width * reg_elements(reg);
			assert_true(end <= type->size);
			assert_int_equal(reg->offset % reg->width, 0);
			assert_true(reg->width && (reg->width & (reg->width - 1)) == 0 && reg->width <= 8);
			assert_true((reg->writable & reg->w1c) == 0);
			assert_true(((reg->reset | reg->w1c) & ~mask) == 0);
			/* Writable bits need a place to be kept. */
			assert_true(!reg->writable || reg->field != REG_NO_FIELD);
		}
	}
}

static void registers_have_their_reset_values(void **state)
{
	struct machine *machine = *state;

	for (unsigned i = 0; i < machine->device_count; i++) {
		struct device *dev = machine->device[i];

		for (unsigned r = 0; r < dev->type->reg_count; r++) {
			const struct reg *reg = &dev->type->reg[r];

			if (reg->read || (reg->field == REG_NO_FIELD && reg->write))
				continue;
			for (unsigned n = 0; n < dev->banks * reg_elements(reg); n++) {
				unsigned index = n % reg_elements(reg);
				uint64_t value, want = reg->reset + index * reg->reset_step;

				if (!(dev->type->widths & reg->width))
					continue;
				assert_true(device_read(dev, n / reg_elements(reg),
							reg->offset + index * reg->width, reg->width,
							&value));
				if (value != want)
					print_message("%s.%s\n", dev->name, reg->name);
				assert_int_equal(value, want & width_mask(reg));
			}
		}
	}
}

/* Writes all ones and all zeros to the registers that only store. */
static void only_writable_bits_change(void **state)
{
	struct machine *machine = *state;

	for (unsigned i = 0; i < machine->device_count; i++) {
		struct device *dev = machine->device[i];

		for (unsigned r = 0; r < dev->type->reg_count; r++) {
			const struct reg *reg = &dev->type->reg[r];
			uint64_t before, after;

			if (reg->write || reg->field == REG_NO_FIELD || !(dev->type->widths & reg->width))
				continue;
			before = device_field_get(dev, reg, 0, 0);
			assert_true(device_write(dev, 0, reg->offset, reg->width, UINT64_MAX, UINT64_MAX));
			after = device_field_get(dev, reg, 0, 0);
			assert_int_equal(after, ((before | reg->writable) & ~reg->w1c) & width_mask(reg));
			assert_true(device_write(dev, 0, reg->offset, reg->width, 0, UINT64_MAX));
			assert_int_equal(device_field_get(dev, reg, 0, 0), after & ~reg->writable);
		}
	}
	assert_int_equal(machine_reset(machine), 0);
	registers_have_their_reset_values(state);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void random_accesses_do_no_harm_and_reset_undoes_them(void **state)
{
	struct machine *machine = *state;
	uint64_t seed = 0x5eed, value;

	for (unsigned i = 0; i < 400000; i++) {
		struct device *dev = machine->device[next_random(&seed) % machine->device_count];
		unsigned size = 1u << next_random(&seed) % 4, bank = next_random(&seed) % dev->banks;
		uint64_t offset = next_random(&seed) % (dev->type->size + 8);

		pthread_mutex_lock(dev->lock);
		if (next_random(&seed) % 2)
			device_read(dev, bank, offset, size, &value);
		else
			device_write(dev, bank, offset, size, next_random(&seed), UINT64_MAX);
		pthread_mutex_unlock(dev->lock);
		machine->clock.virtual_now += next_random(&seed) % 100000;
		clock_run_timers(&machine->clock);
	}
	/* Whatever was asked of the machine (exit, reset) it is not running. */
	assert_int_equal(machine_reset(machine), 0);
	registers_have_their_reset_values(state);
	for (unsigned id = 0; id < machine->group.count; id++)
		assert_int_equal(atomic_load(&machine->group.cpu[id]->lines), 0);
}

static void count_field(void *opaque, const char *name, void *data, size_t size)
{
	volatile uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		bytes[i] = bytes[i]; /* all of it is there */
	*(size_t *)opaque += size;
}

static void state_and_listing_cover_every_device(void **state)
{
	struct machine *machine = *state;
	size_t total = 0, size;
	char *text;
	FILE *file = open_memstream(&text, &size);

	for (unsigned i = 0; i < machine->device_count; i++)
		device_for_each_field(machine->device[i], count_field, &total);
	assert_true(total > 4096);
	machine_print_devices(machine, file);
	machine_print_stats(machine, file);
	fclose(file);
	assert_non_null(strstr(text, "pch-pic"));
	assert_non_null(strstr(text, "int_mask         ffffffffffffffff"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_of_any_size_reach_their_lanes),
		cmocka_unit_test(writing_one_clears_only_the_lanes_written),
		cmocka_unit_test(functions_get_value_and_mask),
		cmocka_unit_test(masked_writes_leave_the_other_bytes),
		cmocka_unit_test(a_single_device_answers_with_one_register),
		cmocka_unit_test(traces_carry_register_names),
		cmocka_unit_test_setup_teardown(tables_are_sorted_and_consistent, machine_setup,
						machine_teardown),
		cmocka_unit_test_setup_teardown(registers_have_their_reset_values, machine_setup,
						machine_teardown),
		cmocka_unit_test_setup_teardown(only_writable_bits_change, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(random_accesses_do_no_harm_and_reset_undoes_them,
						machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(state_and_listing_cover_every_device, machine_setup,
						machine_teardown),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
