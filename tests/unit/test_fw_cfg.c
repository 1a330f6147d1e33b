/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * fw_cfg: what QEMU's docs/specs/fw_cfg says of the registers, the directory and DMA, and what QEMU 11.1
 * answered to the same accesses (through its qtest protocol).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/bus/trace.h"
#include "machine/firmware/fw_cfg.h"

#define BASE  0x1e020000u
#define RAM   (1u << 20)
#define ERROR 1u

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static struct trace trace = { .emit = emit_nothing };

struct fixture {
	struct bus bus;
	struct fw_cfg fw_cfg;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	assert_int_equal(bus_init(&f->bus, RAM, &trace), 0);
	fw_cfg_init(&f->fw_cfg, &f->bus);
	assert_int_equal(fw_cfg_map(&f->fw_cfg, BASE), 0);
	assert_int_equal(fw_cfg_set(&f->fw_cfg, FW_CFG_SIGNATURE, "QEMU", 4), 0);
	assert_int_equal(fw_cfg_set_number(&f->fw_cfg, FW_CFG_ID, 3, 4), 0);
	assert_int_equal(fw_cfg_set(&f->fw_cfg, FW_CFG_CMDLINE_DATA, "0123456789abcdef", 17), 0);
	fw_cfg_reset(&f->fw_cfg);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fw_cfg_destroy(&f->fw_cfg);
	bus_destroy(&f->bus);
	free(f);
	return 0;
}

static uint64_t get(struct fixture *f, unsigned offset, unsigned size)
{
	uint64_t value;

	assert_true(bus_mmio_read(&f->bus, BASE + offset, size, &value));
	return value;
}

static void put(struct fixture *f, unsigned offset, unsigned size, uint64_t value)
{
	assert_true(bus_mmio_write(&f->bus, BASE + offset, size, value));
}

/* As a little-endian guest does it: the register is big-endian. */
static void item_select(struct fixture *f, uint16_t key)
{
	put(f, 8, 2, htobe16(key));
}

static void the_signature_is_item_0(void **state)
{
	struct fixture *f = *state;

	/* Selected after reset, too. */
	assert_int_equal(get(f, 0, 4), 0x554d4551);
	item_select(f, 0);
	assert_int_equal(get(f, 0, 8), 0x554d4551);
	item_select(f, 1);
	assert_int_equal(get(f, 0, 4), 3);
}

static void data_streams_in_memory_order_and_ends_in_zeros(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	item_select(f, FW_CFG_CMDLINE_DATA);
	assert_int_equal(get(f, 0, 1), '0');
	assert_int_equal(get(f, 0, 2), '2' << 8 | '1');
	value = get(f, 0, 4);
	assert_memory_equal(&value, "3456\0\0\0\0", 8);
	value = get(f, 0, 8);
	assert_memory_equal(&value, "789abcde", 8);
	value = get(f, 0, 8);
	assert_memory_equal(&value, "f\0\0\0\0\0\0\0", 8);
	assert_int_equal(get(f, 0, 8), 0);
	/* Selecting anew begins anew; the bit for writing does not matter. */
	item_select(f, FW_CFG_CMDLINE_DATA | 0x4000);
	assert_int_equal(get(f, 0, 1), '0');
}

static void items_that_are_not_there_read_as_zeros(void **state)
{
	static const uint16_t keys[] = { 0x17, 0x3f, 0x40, 0x3fff, 0x7777, 0x8000, 0xffff };
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		item_select(f, keys[i]);
		assert_int_equal(get(f, 0, 8), 0);
		assert_int_equal(get(f, 0, 1), 0);
	}
}

static void data_cannot_be_written(void **state)
{
	struct fixture *f = *state;

	item_select(f, FW_CFG_CMDLINE_DATA);
	put(f, 0, 1, 'x');
	put(f, 0, 8, UINT64_MAX);
	assert_int_equal(get(f, 0, 1), '0');
}

static void other_accesses_are_not_decoded(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_false(bus_mmio_read(&f->bus, BASE + 8, 2, &value));
	assert_false(bus_mmio_write(&f->bus, BASE + 8, 4, 0));
	assert_false(bus_mmio_write(&f->bus, BASE + 8, 1, 0));
	assert_false(bus_mmio_write(&f->bus, BASE + 16, 2, 0));
	assert_false(bus_mmio_write(&f->bus, BASE + 18, 4, 0));
	assert_false(bus_mmio_read(&f->bus, BASE + 24, 1, &value));
}

static void files_are_found_in_the_directory(void **state)
{
	static const char *const names[] = { "etc/one", "bootorder", "etc/three" };
	struct fixture *f = *state;
	uint8_t data[4 + 3 * 64];
	uint32_t number;

	assert_int_equal(fw_cfg_set_file(&f->fw_cfg, names[0], "1", 1), 0);
	assert_int_equal(fw_cfg_set_file(&f->fw_cfg, names[1], NULL, 0), 0);
	assert_int_equal(fw_cfg_set_file(&f->fw_cfg, names[2], "three", 5), 0);
	assert_int_equal(fw_cfg_set_file(&f->fw_cfg, names[0], "one", 3), 0);
	item_select(f, 0x19);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)get(f, 0, 1);
	memcpy(&number, data, 4);
	assert_int_equal(be32toh(number), 3);
	for (unsigned i = 0; i < 3; i++) {
		static const uint32_t sizes[] = { 3, 0, 5 };
		const uint8_t *entry = data + 4 + 64 * i;

		memcpy(&number, entry, 4);
		assert_int_equal(be32toh(number), sizes[i]);
		assert_true((entry[4] << 8 | entry[5]) >= 0x20);
		assert_int_equal(entry[6] << 8 | entry[7], 0);
		assert_string_equal((const char *)entry + 8, names[i]);
		item_select(f, (uint16_t)(entry[4] << 8 | entry[5]));
		if (i == 2)
			assert_int_equal(get(f, 0, 2), 'h' << 8 | 't');
	}
	for (unsigned i = 3; i < FW_CFG_ITEMS - FW_CFG_FILE_FIRST; i++) {
		char name[16];

		snprintf(name, sizeof(name), "file%u", i);
		assert_int_equal(fw_cfg_set_file(&f->fw_cfg, name, name, 1), 0);
	}
	assert_int_not_equal(fw_cfg_set_file(&f->fw_cfg, "one too many", "", 1), 0);
}

/* DMA. */

enum { CONTROL_ERROR = 1, CONTROL_READ = 2, CONTROL_SKIP = 4, CONTROL_SELECT = 8, CONTROL_WRITE = 16 };

static uint32_t answer(struct fixture *f, uint64_t at)
{
	uint32_t control;

	memcpy(&control, bus_ram(&f->bus, at, 4), 4);
	return be32toh(control);
}

/* A command at @at, started as EDK2 and Linux start it: upper half, then lower. */
static uint32_t dma(struct fixture *f, uint64_t at, uint32_t control, uint32_t length, uint64_t address)
{
	uint32_t words[2] = { htobe32(control), htobe32(length) };
	uint64_t where = htobe64(address);

	memcpy(bus_ram(&f->bus, at, 16), words, 8);
	memcpy(bus_ram(&f->bus, at + 8, 8), &where, 8);
	put(f, 16, 4, htobe32((uint32_t)(at >> 32)));
	put(f, 20, 4, htobe32((uint32_t)at));
	return answer(f, at);
}

static uint32_t select_read(uint16_t key)
{
	return (uint32_t)key << 16 | CONTROL_SELECT | CONTROL_READ;
}

static void the_dma_register_reads_its_signature(void **state)
{
	struct fixture *f = *state;
	uint64_t value = get(f, 16, 8);

	assert_memory_equal(&value, "QEMU CFG", 8);
	assert_int_equal(get(f, 16, 4), 0x554d4551);
	assert_int_equal(get(f, 20, 4), 0x47464320);
	assert_int_equal(get(f, 16, 1), 'Q');
}

static void dma_reads_and_zeros_what_lies_behind_the_end(void **state)
{
	struct fixture *f = *state;
	char *target = bus_ram(&f->bus, 0x2000, 32);

	memset(target, '.', 32);
	assert_int_equal(dma(f, 0x1000, select_read(FW_CFG_CMDLINE_DATA), 4, 0x2000), 0);
	assert_memory_equal(target, "0123....", 8);
	assert_int_equal(dma(f, 0x1000, CONTROL_READ, 4, 0x2000), 0);
	assert_memory_equal(target, "4567....", 8);
	assert_int_equal(dma(f, 0x1000, CONTROL_READ, 20, 0x2000), 0);
	assert_memory_equal(target, "89abcdef\0\0\0\0\0\0\0\0\0\0\0\0....", 24);
	/* An item that is not there. */
	assert_int_equal(dma(f, 0x1000, select_read(0x7777), 24, 0x2000), 0);
	assert_int_equal(target[20], 0);
	assert_int_equal(target[24], '.');
	/* All 8 bytes of the address at once. */
	assert_int_equal(dma(f, 0x1000, select_read(0), 0, 0), 0);
	memcpy(bus_ram(&f->bus, 0x3000, 16), (uint32_t[4]){ htobe32(2), htobe32(4), 0, htobe32(0x2000) }, 16);
	put(f, 16, 8, htobe64(0x3000));
	assert_int_equal(answer(f, 0x3000), 0);
	assert_memory_equal(target, "QEMU", 4);
}

static void dma_skips_and_selects(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dma(f, 0x1000, FW_CFG_CMDLINE_DATA << 16 | CONTROL_SELECT | CONTROL_SKIP, 3, 0), 0);
	assert_int_equal(get(f, 0, 1), '3');
	assert_int_equal(dma(f, 0x1000, CONTROL_SKIP, 0xffffffff, 0), 0);
	assert_int_equal(get(f, 0, 8), 0);
	assert_int_equal(dma(f, 0x1000, FW_CFG_CMDLINE_DATA << 16 | CONTROL_SELECT, 5, 0x2000), 0);
	assert_int_equal(get(f, 0, 1), '0');
	/* Nothing to do is no error, wherever it would be. */
	assert_int_equal(dma(f, 0x1000, 0, 4, 0x30000000), 0);
	assert_int_equal(dma(f, 0x1000, CONTROL_READ, 0, 0x30000000), 0);
}

static void dma_outside_ram_and_writes_are_errors(void **state)
{
	static const uint64_t bad[] = { RAM, RAM - 3, BASE, 0x30000000, UINT64_MAX, UINT64_MAX - 3 };
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(dma(f, 0x1000, select_read(0), 4, bad[i]), ERROR);
	assert_int_equal(dma(f, 0x1000, select_read(0), 0xffffffff, 0), ERROR);
	assert_int_equal(dma(f, 0x1000, CONTROL_SELECT | CONTROL_WRITE, 2, 0x2000), ERROR);
	assert_int_equal(dma(f, 0x1000, CONTROL_WRITE, 0, 0x2000), 0);
	/* The command itself: half of it in RAM, with room for the answer; none of it. */
	memset(bus_ram(&f->bus, RAM - 8, 8), 0, 8);
	put(f, 16, 8, htobe64(RAM - 8));
	assert_int_equal(answer(f, RAM - 8), ERROR);
	put(f, 16, 8, htobe64(UINT64_MAX - 8));
	put(f, 16, 8, htobe64(BASE));
	/* And over itself. */
	assert_int_equal(dma(f, 0x1000, select_read(FW_CFG_CMDLINE_DATA), 16, 0x1000), 0);
	assert_memory_equal(bus_ram(&f->bus, 0x1004, 4), "4567", 4);
}

static void a_snapshot_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct state *saved, *restored;
	const void *data;
	size_t size;

	assert_int_equal(fw_cfg_set_file(&f->fw_cfg, "etc/one", "one", 3), 0);
	item_select(f, FW_CFG_CMDLINE_DATA);
	get(f, 0, 4);
	saved = state_writer(NULL);
	state_section(saved, "fw_cfg", 1, fw_cfg_state, &f->fw_cfg);
	assert_true(state_good(saved));
	data = state_data(saved, &size);

	assert_int_equal(fw_cfg_set(&f->fw_cfg, FW_CFG_CMDLINE_DATA, "", 1), 0);
	assert_int_equal(fw_cfg_set_file(&f->fw_cfg, "etc/two", "two", 3), 0);
	fw_cfg_reset(&f->fw_cfg);
	restored = state_reader(data, size, NULL);
	state_section(restored, "fw_cfg", 1, fw_cfg_state, &f->fw_cfg);
	assert_true(state_good(restored));
	assert_int_equal(get(f, 0, 1), '4');
	assert_int_equal(f->fw_cfg.file_count, 1);
	item_select(f, FW_CFG_FILE_FIRST);
	assert_int_equal(get(f, 0, 4), 'e' << 16 | 'n' << 8 | 'o');
	state_free(saved);
	state_free(restored);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_signature_is_item_0),
		TEST(data_streams_in_memory_order_and_ends_in_zeros),
		TEST(items_that_are_not_there_read_as_zeros),
		TEST(data_cannot_be_written),
		TEST(other_accesses_are_not_decoded),
		TEST(files_are_found_in_the_directory),
		TEST(the_dma_register_reads_its_signature),
		TEST(dma_reads_and_zeros_what_lies_behind_the_end),
		TEST(dma_skips_and_selects),
		TEST(dma_outside_ram_and_writes_are_errors),
		TEST(a_snapshot_goes_on_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
