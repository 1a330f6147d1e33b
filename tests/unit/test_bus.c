/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The physical address space: machine/bus/bus.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "machine/bus/bus.h"

#define MIB (UINT64_C(1) << 20)

/* A region that notes what it is asked. */
struct probe {
	uint64_t offset, value;
	unsigned size, reads, writes;
	bool refuse;
};

static bool probe_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct probe *probe = dev;

	probe->offset = offset;
	probe->size = size;
	probe->reads++;
	*value = 0x1122334455667788;
	return !probe->refuse;
}

static bool probe_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct probe *probe = dev;

	probe->offset = offset;
	probe->size = size;
	probe->value = value;
	probe->writes++;
	return !probe->refuse;
}

static const struct mmio_ops probe_ops = { probe_read, probe_write };

static int add(struct bus *bus, struct probe *probe, uint64_t base, uint64_t size)
{
	const struct mmio_region region = {
		.name = "probe", .base = base, .size = size, .ops = &probe_ops, .dev = probe
	};

	return bus_add_region(bus, &region);
}

static void ram_up_to_256_mib_is_at_0_and_the_rest_at_2_gib(void **state)
{
	struct bus bus;

	assert_int_equal(bus_init(&bus, 1024 * MIB, NULL), 0);
	assert_int_equal(bus.range_count, 2);
	assert_ptr_equal(bus_ram(&bus, 0, 1), bus.ram);
	assert_non_null(bus_ram(&bus, 256 * MIB - 8, 8));
	assert_null(bus_ram(&bus, 256 * MIB - 8, 9));
	assert_null(bus_ram(&bus, 256 * MIB, 1));
	assert_null(bus_ram(&bus, 0x7fffffff, 1));
	assert_ptr_equal(bus_ram(&bus, 0x80000000, 1), bus.ram + 256 * MIB);
	assert_non_null(bus_ram(&bus, 0x80000000 + 768 * MIB - 1, 1));
	assert_null(bus_ram(&bus, 0x80000000 + 768 * MIB, 1));
	assert_null(bus_ram(&bus, UINT64_MAX, 8));
	assert_null(bus_ram(&bus, UINT64_MAX - 7, 16));
	assert_null(bus_ram(&bus, 0, UINT64_MAX));
	assert_int_equal(bus_ram_page(&bus, bus_ram(&bus, 0x80001000, 1)), 256 * MIB / 4096 + 1);
	bus_destroy(&bus);
	assert_int_equal(bus_init(&bus, 64 * MIB, NULL), 0);
	assert_int_equal(bus.range_count, 1);
	assert_null(bus_ram(&bus, 64 * MIB, 1));
	bus_destroy(&bus);
}

static void bad_ram_sizes_are_refused(void **state)
{
	static const uint64_t bad[] = { 0, 1, 4095, 4097, UINT64_MAX, UINT64_MAX - 4095, UINT64_C(1) << 63 };
	struct bus bus;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(bus_init(&bus, bad[i], NULL) < 0);
}

static void a_region_gets_what_lies_in_it_and_nothing_else(void **state)
{
	struct probe probe[3] = { 0 };
	struct bus bus;
	uint64_t value;

	assert_int_equal(bus_init(&bus, 64 * MIB, NULL), 0);
	assert_int_equal(add(&bus, &probe[0], 0x20000000, 0x10), 0);
	assert_int_equal(add(&bus, &probe[2], 0x30000000, 0x10), 0);
	assert_int_equal(add(&bus, &probe[1], 0x20000010, 0x4), 0);
	assert_true(bus_mmio_read(&bus, 0x20000008, 8, &value));
	assert_int_equal(value, 0x1122334455667788);
	assert_int_equal(probe[0].offset, 8);
	assert_int_equal(probe[0].size, 8);
	assert_true(bus_mmio_write(&bus, 0x20000012, 2, 0xabcd));
	assert_int_equal(probe[1].offset, 2);
	assert_int_equal(probe[1].value, 0xabcd);
	assert_true(bus_mmio_write(&bus, 0x3000000f, 1, 0));
	assert_int_equal(probe[2].offset, 15);
	/* Crossing an end, before, between and behind: nobody. */
	assert_false(bus_mmio_read(&bus, 0x2000000c, 8, &value));
	assert_int_equal(value, 0);
	assert_false(bus_mmio_write(&bus, 0x20000013, 2, 0));
	assert_false(bus_mmio_read(&bus, 0x1fffffff, 1, &value));
	assert_false(bus_mmio_read(&bus, 0x20000014, 1, &value));
	assert_false(bus_mmio_write(&bus, 0x30000010, 4, 0));
	assert_false(bus_mmio_write(&bus, UINT64_MAX, 8, 0));
	probe[2].refuse = true;
	assert_false(bus_mmio_write(&bus, 0x30000000, 4, 0));
	assert_int_equal(probe[0].reads, 1);
	assert_int_equal(probe[1].writes, 1);
	assert_int_equal(atomic_load(&bus.mmio_reads), 4);
	assert_int_equal(atomic_load(&bus.mmio_writes), 6);
	bus_destroy(&bus);
}

static void overlapping_regions_are_refused(void **state)
{
	struct probe probe = { 0 };
	struct bus bus;

	assert_int_equal(bus_init(&bus, 512 * MIB, NULL), 0);
	assert_int_equal(add(&bus, &probe, 0x20000000, 0x1000), 0);
	assert_int_equal(add(&bus, &probe, 0x20000fff, 1), -EEXIST);
	assert_int_equal(add(&bus, &probe, 0x1fffffff, 2), -EEXIST);
	assert_int_equal(add(&bus, &probe, 0x1fffffff, 0x3000), -EEXIST);
	assert_int_equal(add(&bus, &probe, 0, 8), -EEXIST);
	assert_int_equal(add(&bus, &probe, 0x8ffffff8, 0x10), -EEXIST);
	assert_int_equal(add(&bus, &probe, 0x50000000, 0), -EINVAL);
	assert_int_equal(add(&bus, &probe, UINT64_MAX, 2), -EINVAL);
	assert_int_equal(add(&bus, &probe, 0x90000000, 0x10), 0);
	assert_int_equal(bus_add_rom(&bus, 0x20000000, 0x1000), -EEXIST);
	assert_int_equal(bus_add_rom(&bus, 0x1c000000, BUS_ROM_MAX), 0);
	assert_int_equal(add(&bus, &probe, 0x1c000000, 8), -EEXIST);
	assert_int_equal(bus_add_rom(&bus, 0x60000000, 0x1000), -EEXIST);
	assert_int_equal(add(&bus, &probe, 0x1c000000, BUS_ROM_MAX), 0);
	bus_destroy(&bus);
}

static void rom_is_read_in_place_and_written_to_its_region(void **state)
{
	struct probe probe = { 0 };
	struct bus bus;
	uint64_t value;

	assert_int_equal(bus_init(&bus, 512 * MIB, NULL), 0);
	assert_int_equal(bus_add_rom(&bus, 0x1c000000, BUS_ROM_MAX), 0);
	memcpy(bus_rom_content(&bus) + 0x100, "abcdefgh", 8);
	assert_null(bus_ram(&bus, 0x1c000000, 1));
	assert_ptr_equal(bus_rom(&bus, 0x1c000000, 1), bus.ram + 512 * MIB);
	assert_null(bus_rom(&bus, 0x1c000000 + BUS_ROM_MAX - 4, 8));
	assert_false(bus_dma_write(&bus, 0x1c000100, "12345678", 8));
	/* Without a region: its content, and writes are ignored. */
	assert_true(bus_mmio_write(&bus, 0x1c000100, 8, 0));
	assert_true(bus_mmio_read(&bus, 0x1c000104, 4, &value));
	assert_memory_equal(&value, "efgh\0\0\0", 8);
	assert_false(bus_mmio_write(&bus, 0x1c000000 + BUS_ROM_MAX - 4, 8, 0));
	/* With one, it has the writes; the reads, too, while the ROM is hidden. */
	assert_int_equal(add(&bus, &probe, 0x1c000000, BUS_ROM_MAX), 0);
	assert_true(bus_mmio_write(&bus, 0x1c000100, 8, 7));
	assert_int_equal(probe.value, 7);
	assert_non_null(bus_rom(&bus, 0x1c000100, 8));
	atomic_store(&bus.rom_hidden, true);
	assert_null(bus_rom(&bus, 0x1c000100, 8));
	assert_true(bus_mmio_read(&bus, 0x1c000100, 8, &value));
	assert_int_equal(probe.reads, 1);
	bus_destroy(&bus);
}

static void dma_reaches_ram_only(void **state)
{
	struct probe probe = { 0 };
	uint8_t data[16] = "abcdefghijklmno", back[16];
	struct bus bus;

	assert_int_equal(bus_init(&bus, 64 * MIB, NULL), 0);
	assert_int_equal(add(&bus, &probe, 0x20000000, 0x1000), 0);
	assert_true(bus_dma_write(&bus, 0x1000, data, sizeof(data)));
	assert_true(bus_dma_read(&bus, 0x1000, back, sizeof(back)));
	assert_memory_equal(data, back, sizeof(data));
	assert_true(bus_dma_write(&bus, 64 * MIB - 16, data, 16));
	assert_false(bus_dma_write(&bus, 64 * MIB - 15, data, 16));
	assert_false(bus_dma_read(&bus, 0x20000000, back, 4));
	assert_false(bus_dma_read(&bus, UINT64_MAX - 3, back, 8));
	assert_int_equal(probe.reads, 0);
	bus_destroy(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ram_up_to_256_mib_is_at_0_and_the_rest_at_2_gib),
		cmocka_unit_test(bad_ram_sizes_are_refused),
		cmocka_unit_test(a_region_gets_what_lies_in_it_and_nothing_else),
		cmocka_unit_test(overlapping_regions_are_refused),
		cmocka_unit_test(rom_is_read_in_place_and_written_to_its_region),
		cmocka_unit_test(dma_reaches_ram_only),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
