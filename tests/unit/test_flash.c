/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * NOR flash: what JEP137 (CFI), Intel's data sheets of the 28FxxxJ3 and P30 and the drivers made after them
 * say of two 16-bit chips with command set 0001 side by side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/bus/trace.h"
#include "machine/firmware/flash.h"
#include "machine/firmware/image.h"

#define BASE  0x1d000000u
#define BLOCK 0x40000u
#define READY 0x00800080u

static void emit_nothing(struct trace *trace, const struct trace_record *record)
{
}

static struct trace trace = { .emit = emit_nothing };

struct fixture {
	struct bus bus;
	struct flash flash;
	char path[64], error[IMAGE_ERROR_SIZE];
};

static void make(struct fixture *f, uint8_t *content)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "/tmp/test_flash.%d", (int)getpid());
	unlink(f->path);
	assert_int_equal(bus_init(&f->bus, 1 << 20, &trace), 0);
	assert_int_equal(flash_init(&f->flash, "flash1", content, &trace), 0);
	assert_int_equal(flash_map(&f->flash, &f->bus, BASE), 0);
}

static void unmake(struct fixture *f)
{
	flash_destroy(&f->flash);
	bus_destroy(&f->bus);
	unlink(f->path);
}

static uint64_t get(struct fixture *f, uint32_t offset, unsigned size)
{
	uint64_t value;

	assert_true(bus_mmio_read(&f->bus, BASE + offset, size, &value));
	return value;
}

static void put(struct fixture *f, uint32_t offset, uint32_t value)
{
	assert_true(bus_mmio_write(&f->bus, BASE + offset, 4, value));
}

/* As drivers send commands: to both chips. */
static void command(struct fixture *f, uint32_t offset, uint16_t code)
{
	put(f, offset, (uint32_t)code << 16 | code);
}

static uint32_t status(struct fixture *f)
{
	command(f, 0, 0x70);
	return (uint32_t)get(f, 0, 4);
}

static void program(struct fixture *f, uint32_t offset, uint32_t value)
{
	command(f, offset, 0x40);
	put(f, offset, value);
}

static void erase(struct fixture *f, uint32_t offset)
{
	command(f, offset, 0x20);
	command(f, offset, 0xd0);
}

static uint32_t array(struct fixture *f, uint32_t offset)
{
	command(f, 0, 0xff);
	return (uint32_t)get(f, offset, 4);
}

/* CFI: the query answers at word 10h of each chip, which is byte 40h of two 16-bit chips. */
static unsigned query(struct fixture *f, unsigned index)
{
	uint32_t word = (uint32_t)get(f, 4 * index, 4);

	assert_int_equal(word >> 16, word & 0xffff);
	return word & 0xffff;
}

static void the_query_tells_the_geometry(void **state)
{
	struct fixture f;
	unsigned chip, blocks, block_size, table;

	make(&f, NULL);
	command(&f, 4 * 0x55, 0x98);
	assert_int_equal(get(&f, 0x40, 4), 0x00510051);
	assert_int_equal(query(&f, 0x11), 'R');
	assert_int_equal(query(&f, 0x12), 'Y');
	assert_int_equal(query(&f, 0x13) | query(&f, 0x14) << 8, 0x0001);
	assert_int_equal(query(&f, 0x27), 0x17);
	chip = 1u << query(&f, 0x27);
	assert_int_equal(2 * chip, FLASH_SIZE);
	assert_int_equal(query(&f, 0x28) | query(&f, 0x29) << 8, 2); /* x8/x16 */
	assert_int_equal(2u << query(&f, 0x2a), FLASH_BUFFER_SIZE);
	assert_int_equal(query(&f, 0x2c), 1);
	blocks = (query(&f, 0x2d) | query(&f, 0x2e) << 8) + 1;
	block_size = (query(&f, 0x2f) | query(&f, 0x30) << 8) * 256;
	assert_int_equal(blocks, 64);
	assert_int_equal(block_size, 0x20000);
	assert_int_equal(blocks * block_size, chip);
	table = query(&f, 0x15) | query(&f, 0x16) << 8;
	assert_int_equal(query(&f, table), 'P');
	assert_int_equal(query(&f, table + 1), 'R');
	assert_int_equal(query(&f, table + 2), 'I');
	assert_int_equal(query(&f, table + 3), '1');
	assert_int_equal(query(&f, 0x200), 0);
	unmake(&f);
}

static void identifiers_and_lock_bits_are_read(void **state)
{
	struct fixture f;

	make(&f, NULL);
	command(&f, BLOCK, 0x90);
	assert_int_equal(get(&f, 0, 4), 0x00890089);
	assert_int_equal(get(&f, 4, 4), 0x00180018);
	assert_int_equal(get(&f, 4, 2), 0x18);
	assert_int_equal(get(&f, 6, 2), 0x18);
	assert_int_equal(get(&f, 4, 8), 0x00180018);
	assert_int_equal(get(&f, BLOCK + 8, 4), 0);
	command(&f, BLOCK, 0x60);
	command(&f, BLOCK, 0x01);
	command(&f, BLOCK, 0x90);
	assert_int_equal(get(&f, BLOCK + 8, 4), 0x00010001);
	assert_int_equal(get(&f, 2 * BLOCK + 8, 4), 0);
	unmake(&f);
}

static void erased_flash_is_all_ones_and_programming_clears_bits(void **state)
{
	struct fixture f;

	make(&f, NULL);
	assert_int_equal(get(&f, 0x1234 & ~7, 8), UINT64_MAX);
	program(&f, 0x100, 0x12345678);
	assert_int_equal(status(&f), READY);
	assert_int_equal(array(&f, 0x100), 0x12345678);
	program(&f, 0x100, 0xffff0000);
	assert_int_equal(array(&f, 0x100), 0x12340000);
	program(&f, BLOCK, 0);
	/* Erasing takes its block, all of it and nothing else. */
	program(&f, BLOCK - 4, 0);
	erase(&f, 0x80);
	assert_int_equal(status(&f), READY);
	assert_int_equal(array(&f, 0x100), 0xffffffff);
	assert_int_equal(array(&f, BLOCK - 4), 0xffffffff);
	assert_int_equal(array(&f, BLOCK), 0);
	unmake(&f);
}

static void a_chip_can_be_programmed_alone(void **state)
{
	struct fixture f;

	make(&f, NULL);
	assert_true(bus_mmio_write(&f.bus, BASE + 0x12, 2, 0x40));
	assert_true(bus_mmio_write(&f.bus, BASE + 0x12, 2, 0xabcd));
	assert_int_equal(array(&f, 0x10), 0xabcdffff);
	assert_int_equal(get(&f, 0x13, 1), 0xab);
	unmake(&f);
}

static void operations_leave_the_status_to_read(void **state)
{
	struct fixture f;

	make(&f, NULL);
	command(&f, 0x100, 0x40);
	assert_int_equal(get(&f, 0x100, 4), READY);
	put(&f, 0x100, 0);
	assert_int_equal(get(&f, 0x2000, 4), READY);
	assert_int_equal(get(&f, 0x2000, 8), (uint64_t)READY << 32 | READY);
	assert_int_equal(get(&f, 0x2000, 1), 0x80);
	command(&f, 0, 0xff);
	assert_int_equal(get(&f, 0x100, 4), 0);
	unmake(&f);
}

/* The confirmation is missing: a command sequence error, and nothing happens. */
static void a_wrong_sequence_is_an_error_until_the_status_is_cleared(void **state)
{
	struct fixture f;

	make(&f, NULL);
	program(&f, 0, 0);
	command(&f, 0, 0x20);
	command(&f, 0, 0xff);
	assert_int_equal(status(&f), 0x00b000b0);
	assert_int_equal(array(&f, 0), 0);
	command(&f, 0, 0x50);
	assert_int_equal(status(&f), READY);
	unmake(&f);
}

static void buffer_put(struct fixture *f, uint32_t offset, unsigned words, uint32_t first)
{
	command(f, offset, 0xe8);
	assert_int_equal(get(f, offset, 4) & READY, READY);
	command(f, offset, (uint16_t)(words - 1));
	for (unsigned i = 0; i < words; i++)
		put(f, offset + 4 * i, first + i);
}

static void a_buffer_is_programmed_at_once(void **state)
{
	static const unsigned sizes[] = { 1, 32, FLASH_BUFFER_SIZE / 4 };
	struct fixture f;

	for (unsigned s = 0; s < 3; s++) {
		make(&f, NULL);
		buffer_put(&f, 0x3000, sizes[s], 1000);
		command(&f, 0, 0xd0);
		assert_int_equal(status(&f), READY);
		for (unsigned i = 0; i < sizes[s]; i++)
			assert_int_equal(array(&f, 0x3000 + 4 * i), 1000 + i);
		assert_int_equal(array(&f, 0x3000 + 4 * sizes[s]), 0xffffffff);
		unmake(&f);
	}
}

static void a_buffer_outside_its_place_is_refused(void **state)
{
	struct fixture f;

	make(&f, NULL);
	/* Too many words. */
	command(&f, 0, 0xe8);
	command(&f, 0, FLASH_BUFFER_SIZE / 4);
	assert_int_equal(status(&f), 0x00b000b0);
	/* A word that does not belong to it. */
	command(&f, 0, 0x50);
	command(&f, 0, 0xe8);
	command(&f, 0, 3);
	put(&f, 0x100, 0);
	put(&f, 0x110, 0);
	assert_int_equal(status(&f), 0x00b000b0);
	/* Over the end of the block. */
	command(&f, 0, 0x50);
	command(&f, 0, 0xe8);
	command(&f, 0, 1);
	put(&f, BLOCK - 4, 0);
	assert_int_equal(status(&f), 0x00b000b0);
	/* Without its confirmation. */
	command(&f, 0, 0x50);
	buffer_put(&f, 0x200, 2, 0);
	command(&f, 0, 0xff);
	assert_int_equal(status(&f), 0x00b000b0);
	for (uint32_t offset = 0; offset < 2 * BLOCK; offset += 4)
		assert_int_equal(array(&f, offset), 0xffffffff);
	unmake(&f);
}

static void locked_blocks_are_neither_programmed_nor_erased(void **state)
{
	struct fixture f;

	make(&f, NULL);
	program(&f, BLOCK, 0x11111111);
	command(&f, BLOCK, 0x60);
	command(&f, BLOCK, 0x01);
	assert_int_equal(status(&f), READY);
	program(&f, BLOCK, 0);
	assert_int_equal(status(&f), 0x00920092);
	command(&f, 0, 0x50);
	erase(&f, BLOCK);
	assert_int_equal(status(&f), 0x00a200a2);
	assert_int_equal(array(&f, BLOCK), 0x11111111);
	command(&f, 0, 0x50);
	program(&f, 0, 0);
	assert_int_equal(status(&f), READY);
	command(&f, BLOCK, 0x60);
	command(&f, BLOCK, 0xd0);
	erase(&f, BLOCK);
	assert_int_equal(status(&f), READY);
	assert_int_equal(array(&f, BLOCK), 0xffffffff);
	/* Locked down: until the next reset. */
	command(&f, BLOCK, 0x60);
	command(&f, BLOCK, 0x2f);
	command(&f, BLOCK, 0x60);
	command(&f, BLOCK, 0xd0);
	command(&f, 0, 0x50);
	erase(&f, BLOCK);
	assert_int_equal(status(&f), 0x00a200a2);
	flash_reset(&f.flash);
	assert_int_equal(get(&f, 4, 4), 0xffffffff);
	erase(&f, BLOCK);
	assert_int_equal(status(&f), READY);
	unmake(&f);
}

static bool shown;

static void show(void *opaque, bool now)
{
	shown = now;
}

static void a_read_only_bank_answers_and_stays_as_it_is(void **state)
{
	uint8_t *content = malloc(FLASH_SIZE);
	struct fixture f;

	memset(content, 0x5a, FLASH_SIZE);
	make(&f, content);
	f.flash.show = show;
	shown = true;
	assert_int_equal(get(&f, 0, 4), 0x5a5a5a5a);
	command(&f, 0, 0x98);
	assert_false(shown);
	assert_int_equal(get(&f, 0x40, 4), 0x00510051);
	command(&f, 0, 0x60);
	command(&f, 0, 0xd0);
	program(&f, 0, 0);
	assert_int_equal(status(&f) & 0x00120012, 0x00120012);
	erase(&f, 0);
	assert_false(shown);
	command(&f, 0, 0xff);
	assert_true(shown);
	assert_int_equal(get(&f, 0, 4), 0x5a5a5a5a);
	command(&f, 0, 0x70);
	flash_reset(&f.flash);
	assert_true(shown);
	unmake(&f);
	free(content);
}

static uint32_t in_file(const struct fixture *f, uint32_t offset)
{
	uint32_t word = 0;
	int fd = open(f->path, O_RDONLY);

	assert_int_equal(pread(fd, &word, 4, offset), 4);
	close(fd);
	return word;
}

static void what_is_acknowledged_is_in_the_file(void **state)
{
	struct fixture f, again;

	make(&f, NULL);
	assert_int_equal(flash_keep_in(&f.flash, f.path, f.error), 0);
	assert_int_equal(in_file(&f, FLASH_SIZE - 4), 0xffffffff);
	program(&f, 0x100, 0x12345678);
	assert_int_equal(in_file(&f, 0x100), 0x12345678);
	buffer_put(&f, BLOCK, 8, 0x1000);
	assert_int_equal(in_file(&f, BLOCK), 0xffffffff);
	command(&f, 0, 0xd0);
	assert_int_equal(in_file(&f, BLOCK + 4), 0x1001);
	erase(&f, 0);
	assert_int_equal(in_file(&f, 0x100), 0xffffffff);
	flash_destroy(&f.flash);

	assert_int_equal(flash_init(&again.flash, "again", NULL, &trace), 0);
	assert_int_equal(flash_keep_in(&again.flash, f.path, again.error), 0);
	assert_int_equal(flash_map(&again.flash, &f.bus, BASE + 0x1000000), 0);
	assert_int_equal(get(&f, 0x1000000 + BLOCK + 28, 4), 0x1007);
	flash_destroy(&again.flash);
	bus_destroy(&f.bus);
	unlink(f.path);
}

static void bad_files_are_refused_with_a_sentence(void **state)
{
	struct fixture f;
	struct flash other;
	int fd;

	make(&f, NULL);
	assert_int_not_equal(flash_keep_in(&f.flash, "/tmp", f.error), 0);
	assert_non_null(strstr(f.error, "/tmp"));
	assert_int_not_equal(flash_keep_in(&f.flash, "/nonexistent/vars", f.error), 0);
	assert_non_null(strstr(f.error, "/nonexistent/vars"));
	assert_int_not_equal(flash_keep_in(&f.flash, "/dev/full", f.error), 0);
	fd = open(f.path, O_CREAT | O_RDWR, 0600);
	assert_int_equal(write(fd, "short", 5), 5);
	assert_int_not_equal(flash_keep_in(&f.flash, f.path, f.error), 0);
	assert_non_null(strstr(f.error, "5 bytes"));
	assert_int_equal(lseek(fd, 0, SEEK_END), 5);
	/* Two machines with one file. */
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	assert_int_equal(flash_keep_in(&f.flash, f.path, f.error), 0);
	assert_int_equal(flash_init(&other, "other", NULL, &trace), 0);
	assert_int_not_equal(flash_keep_in(&other, f.path, f.error), 0);
	assert_non_null(strstr(f.error, "in use"));
	flash_destroy(&other);
	unmake(&f);
}

static void a_full_host_is_an_error_of_the_flash(void **state)
{
	struct fixture f;

	make(&f, NULL);
	assert_int_equal(flash_keep_in(&f.flash, f.path, f.error), 0);
	close(f.flash.fd);
	f.flash.fd = open("/dev/full", O_RDWR);
	assert_true(f.flash.fd >= 0);
	program(&f, 0, 0);
	assert_int_equal(status(&f), 0x00900090);
	assert_int_equal(array(&f, 0), 0xffffffff);
	command(&f, 0, 0x50);
	erase(&f, 0);
	assert_int_equal(status(&f), 0x00a000a0);
	unmake(&f);
}

static void a_snapshot_takes_the_flash_back(void **state)
{
	struct fixture f;
	struct state *saved, *restored;
	const void *data;
	size_t size;

	make(&f, NULL);
	assert_int_equal(flash_keep_in(&f.flash, f.path, f.error), 0);
	program(&f, 0x100, 0x11111111);
	command(&f, 0x200, 0xe8);
	command(&f, 0x200, 1);
	put(&f, 0x200, 0x22222222);
	saved = state_writer(NULL);
	state_section(saved, "flash1", 1, flash_state, &f.flash);
	assert_true(state_good(saved));
	data = state_data(saved, &size);

	put(&f, 0x204, 0);
	command(&f, 0, 0xd0);
	erase(&f, 0);
	assert_int_equal(array(&f, 0x100), 0xffffffff);
	restored = state_reader(data, size, NULL);
	state_section(restored, "flash1", 1, flash_state, &f.flash);
	assert_true(state_good(restored));
	assert_int_equal(get(&f, 0, 4), READY);
	assert_int_equal(in_file(&f, 0x100), 0xffffffff);
	put(&f, 0x204, 0x33333333);
	command(&f, 0, 0xd0);
	assert_int_equal(array(&f, 0x100), 0x11111111);
	assert_int_equal(array(&f, 0x200), 0x22222222);
	assert_int_equal(array(&f, 0x204), 0x33333333);
	/* With the guest's first write the file has it all. */
	assert_int_equal(in_file(&f, 0x100), 0x11111111);
	assert_int_equal(in_file(&f, 0x204), 0x33333333);
	state_free(saved);
	state_free(restored);
	unmake(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_query_tells_the_geometry),
		cmocka_unit_test(identifiers_and_lock_bits_are_read),
		cmocka_unit_test(erased_flash_is_all_ones_and_programming_clears_bits),
		cmocka_unit_test(a_chip_can_be_programmed_alone),
		cmocka_unit_test(operations_leave_the_status_to_read),
		cmocka_unit_test(a_wrong_sequence_is_an_error_until_the_status_is_cleared),
		cmocka_unit_test(a_buffer_is_programmed_at_once),
		cmocka_unit_test(a_buffer_outside_its_place_is_refused),
		cmocka_unit_test(locked_blocks_are_neither_programmed_nor_erased),
		cmocka_unit_test(a_read_only_bank_answers_and_stays_as_it_is),
		cmocka_unit_test(what_is_acknowledged_is_in_the_file),
		cmocka_unit_test(bad_files_are_refused_with_a_sentence),
		cmocka_unit_test(a_full_host_is_an_error_of_the_flash),
		cmocka_unit_test(a_snapshot_takes_the_flash_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
