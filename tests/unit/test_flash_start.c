/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A machine with flash and fw_cfg: what its cores see of the flash in which firmware begins. */
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

#include "machine/firmware/flash_start.h"

#define CODE	0x2000u
#define RESULTS 0x1000u

/* Made by clang from the text beside it. */
static const uint32_t program[] = {
	0x14380004, /* lu12i.w $a0, 0x1c000: the flash */
	0x14201c4c, /* lu12i.w $t0, 0x100e2: the exit device */
	0x28800085, /* ld.w $a1, $a0, 0 */
	0x14013006, /* lu12i.w $a2, 0x980 */
	0x038260c6, /* ori $a2, $a2, 0x98: query */
	0x1401fe08, /* lu12i.w $a4, 0xff0 */
	0x0383fd08, /* ori $a4, $a4, 0xff: read array */
	0x29800086, /* st.w $a2, $a0, 0 */
	0x28810087, /* ld.w $a3, $a0, 0x40 */
	0x29800088, /* st.w $a4, $a0, 0 */
	0x28800089, /* ld.w $a5, $a0, 0 */
	0x29800086, /* st.w $a2, $a0, 0 */
	0x2881108a, /* ld.w $a6, $a0, 0x44 */
	0x29800088, /* st.w $a4, $a0, 0 */
	0x1400002d, /* lu12i.w $t1, 1 */
	0x29c001a5, /* st.d $a1, $t1, 0 */
	0x29c021a7, /* st.d $a3, $t1, 8 */
	0x29c041a9, /* st.d $a5, $t1, 16 */
	0x29c061aa, /* st.d $a6, $t1, 24 */
	0x02800c06, /* addi.w $a2, $zero, 3 */
	0x29800186, /* st.w $a2, $t0, 0: exit with 1 */
	0x50000000, /* b . */
};

static int load_program(struct machine *machine, void *opaque)
{
	memcpy(bus_ram(&machine->bus, CODE, sizeof(program)), program, sizeof(program));
	return 0;
}

static void commands_to_the_code_are_answered_at_once(void **state)
{
	static const uint32_t firmware[] = { 0x50000000, 0x12345678 };
	struct boot_request boot = { .cpus = 1 };
	char path[] = "/tmp/test_flash_start-XXXXXX", error[IMAGE_ERROR_SIZE];
	int fd = mkstemp(path);

	assert_int_equal(write(fd, firmware, sizeof(firmware)), sizeof(firmware));
	for (unsigned deterministic = 0; deterministic < 2; deterministic++) {
		const struct machine_config config = {
			.ram_size = 2 << 20, .cpus = 1, .entry = CODE, .deterministic = deterministic
		};
		struct flash_start *start;
		struct machine_result result;
		struct machine *machine;
		uint64_t word[4];

		assert_int_equal(machine_create(&machine, &config, error, sizeof(error)), 0);
		assert_int_equal(flash_start_create(&start, machine, path, NULL, &boot, error), 0);
		machine->reset_hook = load_program;
		result = machine_run(machine);
		assert_int_equal(result.end, MACHINE_EXIT);
		assert_int_equal(result.code, 1);
		memcpy(word, bus_ram(&machine->bus, RESULTS, sizeof(word)), sizeof(word));
		assert_int_equal((uint32_t)word[0], firmware[0]);
		assert_int_equal((uint32_t)word[1], 0x00510051);
		assert_int_equal((uint32_t)word[2], firmware[0]);
		assert_int_equal((uint32_t)word[3], 0x00520052);
		assert_int_equal(*(const uint32_t *)bus_rom(&machine->bus, 0x1c000008, 4), 0xffffffff);
		machine_destroy(machine);
		flash_start_destroy(start);
	}
	close(fd);
	unlink(path);
}

static uint64_t item(struct machine *machine, uint16_t key, unsigned size)
{
	uint64_t value;

	assert_true(bus_mmio_write(&machine->bus, 0x1e020008, 2, (uint16_t)(key << 8 | key >> 8)));
	assert_true(bus_mmio_read(&machine->bus, 0x1e020000, size, &value));
	return value;
}

static void items_say_what_the_machine_is(void **state)
{
	const struct machine_config config = { .ram_size = UINT64_C(512) << 20, .cpus = 2 };
	struct boot_request boot = { .cpus = 2, .cmdline = "quiet" };
	char path[] = "/tmp/test_flash_start-XXXXXX", error[IMAGE_ERROR_SIZE];
	int fd = mkstemp(path);
	struct flash_start *start;
	struct machine *machine;

	assert_int_equal(write(fd, "MZ\0\0", 4), 4);
	assert_int_equal(machine_create(&machine, &config, error, sizeof(error)), 0);
	/* A kernel is no firmware. */
	assert_int_not_equal(flash_start_create(&start, machine, path, NULL, &boot, error), 0);
	assert_non_null(strstr(error, path));
	assert_int_equal(pwrite(fd, program, 4, 0), 4);
	assert_int_equal(flash_start_create(&start, machine, path, NULL, &boot, error), 0);
	/* And the other way round. */
	boot.kernel = path;
	assert_int_not_equal(flash_start_load(start, error), 0);
	assert_non_null(strstr(error, path));
	assert_int_equal(pwrite(fd, "MZ\0\0", 4, 0), 4);
	assert_int_equal(flash_start_load(start, error), 0);
	assert_int_equal(item(machine, 0, 4), 0x554d4551);
	assert_int_equal(item(machine, 1, 4), 3);
	assert_int_equal(item(machine, 3, 8), UINT64_C(512) << 20);
	assert_int_equal(item(machine, 5, 2), 2);
	assert_int_equal(item(machine, 0xf, 2), 2);
	assert_int_equal(item(machine, 8, 4), 4);
	assert_int_equal(item(machine, 0x11, 2), 'Z' << 8 | 'M');
	assert_int_equal(item(machine, 0xb, 4), 0);
	assert_int_equal(item(machine, 0x14, 4), 6);
	assert_int_equal(item(machine, 0x15, 1), 'q');
	machine_destroy(machine);
	flash_start_destroy(start);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_to_the_code_are_answered_at_once),
		cmocka_unit_test(items_say_what_the_machine_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
