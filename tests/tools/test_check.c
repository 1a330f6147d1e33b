/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Checks without a hypervisor, and memory that is filled in: tools/lib/check.c, fill.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/tools/fixture.h"
#include "tools/lib/check.h"
#include "tools/lib/fill.h"

#define SYSTEM                                                                                               \
	"architecture: loongarch64\n"                                                                        \
	"system:\n"                                                                                          \
	"  hypervisor-memory: { phys: 0x88000000, size: 32M }\n"                                             \
	"  loongarch: { pch-pic-base: 0x1fe08000 }\n"                                                        \
	"cell:\n"                                                                                            \
	"  name: root\n"                                                                                     \
	"  cpus: [0-3]\n"                                                                                    \
	"  memory:\n"                                                                                        \
	"    - { phys: 0x0, size: 256M, flags: [read, write, execute, dma] }\n"                              \
	"    - { phys: 0x80000000, size: 1G, flags: [read, write, execute, dma] }\n"                         \
	"    - { phys: 0x1fe00000, size: 64K, flags: [read, write, io] }\n"                                  \
	"  irqchips:\n"                                                                                      \
	"    - { kind: extioi, pins: [0-255] }\n"                                                            \
	"    - { kind: pch-pic, address: 0x10000000, pins: [0-31] }\n"

#define RAM  "    - { phys: 0x90000000, virt: 0x0, size: 4M, flags: [read, write, execute] }\n"
#define COMM "    - { virt: 0xf000000, size: 16K, flags: [read, write, comm-region] }\n"
/* A good cell with CPUs 1 and 2, and @more lines. */
#define CELL(name, memory, more)                                                                             \
	"architecture: loongarch64\ncell:\n  name: " name                                                    \
	"\n  entry: 0x200000\n  cpus: [1-2]\n  memory:\n" memory more

struct findings {
	char text[4096]; /* path: sentence, a line each */
};

static void collect(void *opaque, int severity, const struct error *finding)
{
	struct findings *findings = opaque;
	size_t length = strlen(findings->text);

	snprintf(findings->text + length, sizeof(findings->text) - length, "%s%s: %s\n",
		 severity == CHECK_WARNING ? "warning: " : "", finding->path, finding->text);
}

/* The findings of @yaml, with SYSTEM and with @other where they are not NULL, are one that begins with
 * @expected, or none. */
static void expect(const char *yaml, const char *system, const char *other, const char *expected)
{
	struct findings findings = { 0 };
	struct check check = { .report = collect, .opaque = &findings };
	struct blob binary = compiled(yaml);

	check_config(&check, &binary);
	if (system) {
		struct blob system_binary = compiled(system);

		check_against_system(&check, &system_binary, &binary);
		blob_free(&system_binary);
	}
	if (other) {
		struct blob other_binary = compiled(other);

		check_two_cells(&check, &other_binary, &binary);
		blob_free(&other_binary);
	}
	blob_free(&binary);
	if (expected ? strncmp(findings.text, expected, strlen(expected)) != 0 ||
			       strchr(findings.text, '\n')[1] || check.errors + check.warnings != 1
		     : findings.text[0])
		fail_msg("found:\n%sexpected: %s", findings.text, expected ? expected : "nothing");
}

static void test_good_ones(void **state)
{
	expect(SYSTEM, NULL, NULL, NULL);
	expect(CELL("a", RAM COMM, ""), SYSTEM, NULL, NULL);
	expect(CELL("a", RAM COMM, "  irqchips: [{ kind: extioi, pins: [32-63] }]\n"), SYSTEM, NULL, NULL);
	expect(CELL("a", "    - { phys: auto, virt: 0x0, size: 4M, flags: [read, write, execute] }\n" COMM,
		    ""),
	       SYSTEM, NULL, NULL);
}

static void test_memory(void **state)
{
	expect(CELL("a", RAM "    - { phys: 0x92001000, virt: 0x1000000, size: 16K, flags: [read] }\n" COMM,
		    ""),
	       NULL, NULL, "cell.memory[1].phys: memory region 1 begins at");
	expect(CELL("a",
		    RAM
		    "    - { phys: 0xffffffffffffc000, virt: 0x1000000, size: 32K, flags: [read] }\n" COMM,
		    ""),
	       NULL, NULL, "cell.memory[1]: memory region 1 goes beyond the end of the address space");
	expect(CELL("a", RAM "    - { phys: 0x92000000, virt: 0x1000000, flags: [read] }\n" COMM, ""), NULL,
	       NULL, "cell.memory[1]: memory region 1 has no size");
	expect(CELL("a", RAM "    - { phys: 0x92000000, virt: 0x1000000, size: 16K }\n" COMM, ""), NULL, NULL,
	       "cell.memory[1].flags: memory region 1 may be neither");
	expect(CELL("a", RAM "    - { phys: 0x92000000, virt: 0x3fc000, size: 32K, flags: [read] }\n" COMM,
		    ""),
	       NULL, NULL, "cell.memory[1]: memory region 1 overlaps region 0");
	expect(CELL("a", RAM "    - { phys: 0x92000000, virt: 0x1000000, size: 8, flags: [read] }\n" COMM,
		    ""),
	       NULL, NULL, "cell.memory[1]: memory region 1 is not made of pages of 16 KiB");
	expect(CELL("a", RAM "    - { phys: 0x1fe001e0, size: 8, flags: [read, write, io, io-8] }\n" COMM,
		    ""),
	       NULL, NULL, NULL);
	expect(CELL("a",
		    RAM "    - { phys: 0x92000000, virt: 0x1000000, size: 16K, flags: [read, dma] }\n" COMM,
		    ""),
	       NULL, NULL, "cell.memory[1]: memory region 1 is for DMA but virt is not phys");
	expect(CELL("a",
		    RAM "    - { phys: 0x92000000, virt: 0x1000000, size: 16K, flags: [read, 0x400] }\n" COMM,
		    ""),
	       NULL, NULL, "cell.memory[1].flags: memory region 1 has flags 0x400");
	expect(CELL("a", RAM COMM "    - { virt: 0xf004000, size: 16K, flags: [read, comm-region] }\n", ""),
	       NULL, NULL, "cell.memory[2]: memory region 2 is a second");
	expect(CELL("a", RAM, ""), NULL, NULL, "warning: cell.memory: the cell has no comm");
	expect(CELL("a", "    - { phys: 0x90000000, size: 4M, flags: [read, execute] }\n" COMM, ""), NULL,
	       NULL, "cell.entry: entry 0x200000 is in no memory region");
}

static void test_other_fields(void **state)
{
	expect(CELL("\"\"", RAM COMM, ""), NULL, NULL, "cell.name: the cell has no name");
	expect("architecture: loongarch64\ncell:\n  name: a\n  entry: 0x200000\n  memory:\n" RAM COMM, NULL,
	       NULL, "cell.cpus: the cell has no CPU");
	expect(CELL("a", RAM COMM, "  irqchips: [{ kind: 9, pins: [1] }]\n"), NULL, NULL,
	       "cell.irqchips[0].kind: irqchip 0 has kind 9");
	expect(CELL("a", RAM COMM, "  irqchips: [{ kind: pch-pic, pins: [64] }]\n"), NULL, NULL,
	       "cell.irqchips[0].pins: irqchip 0 has no pin 64: it has 64");
	expect(CELL("a", RAM COMM, "  irqchips: [{ kind: extioi, base: 64, pins: [64] }]\n"), NULL, NULL,
	       "cell.irqchips[0].base: irqchip 0 begins at pin 64");
	expect("architecture: loongarch64\ncell:\n  name: a\n  cpus: [0-1]\n  entry: 0x200000\n  "
	       "memory:\n" RAM COMM,
	       NULL, NULL, "cell.cpus: CPU 0 cannot be");
	expect(CELL("a", RAM COMM, "  console: { type: 16550 }\n"), NULL, NULL,
	       "cell.console.type: a console of type 16550");
	expect(CELL("a", RAM COMM, "  pio: [{ base: 1, length: 2 }]\n"), NULL, NULL,
	       "cell.pio: I/O ports cannot be");
	expect("architecture: x86\ncell:\n  name: a\n  cpus: [1]\n  memory:\n" COMM
	       "  pci-devices: [{ type: device, caps: 1 }]\n",
	       NULL, NULL, "cell.pci-devices[0]: PCI device 0 has capabilities 0 to 0, but there are 0");
	expect("architecture: x86\ncell:\n  name: a\n  cpus: [1]\n  memory:\n" COMM
	       "  pci-devices: [{ type: ivshmem, shmem-peers: 2 }]\n",
	       NULL, NULL, "cell.pci-devices[0]: PCI device 0 has shared memory in regions");
	expect("architecture: loongarch64\nsystem:\n  flags: []\ncell:\n  name: r\n  cpus: [0]\n", NULL, NULL,
	       "system.hypervisor-memory: the hypervisor's memory has 0x0 bytes");
}

static void test_against_the_system(void **state)
{
	expect(CELL("root", RAM COMM, ""), SYSTEM, NULL, "cell.name: the cell has the root cell's name");
	expect("architecture: loongarch64\ncell:\n  name: a\n  entry: 0x200000\n  cpus: [0]\n  memory:\n" RAM
		       COMM,
	       SYSTEM, NULL, "cell.cpus: CPU 0 cannot be a cell's");
	expect("architecture: loongarch64\ncell:\n  name: a\n  entry: 0x200000\n  cpus: [7]\n  memory:\n" RAM
		       COMM,
	       SYSTEM, NULL, "cell.cpus: CPU 7 is not the root cell's to give");
	expect(CELL("a", RAM "    - { phys: 0x89ffc000, virt: 0x1000000, size: 32K, flags: [read] }\n" COMM,
		    ""),
	       SYSTEM, NULL, "cell.memory[1]: memory region 1 overlaps the hypervisor's memory");
	expect(CELL("a", RAM "    - { phys: 0xbfffc000, virt: 0x1000000, size: 32K, flags: [read] }\n" COMM,
		    ""),
	       SYSTEM, NULL, "cell.memory[1]: memory region 1 (0xbfffc000) is not all the root cell's");
	expect(CELL("a", RAM "    - { phys: 0x1fe001e0, size: 8, flags: [read, write, io, io-8] }\n" COMM,
		    ""),
	       SYSTEM, NULL, "cell.memory[1]: memory region 1 is part of a page that root has as a whole");
	expect(CELL("a",
		    RAM "    - { phys: 0x1fe001e0, size: 8, flags: [read, io, io-8, root-shared] }\n" COMM,
		    ""),
	       SYSTEM, NULL, NULL);
	expect(CELL("a", RAM "    - { phys: 0x1fe08000, size: 16K, flags: [read, write, io] }\n" COMM, ""),
	       SYSTEM, NULL, "cell.memory[1]: memory region 1 is where an interrupt controller is");
	expect(CELL("a", RAM COMM, "  irqchips: [{ kind: pch-pic, address: 0x10000000, pins: [32] }]\n"),
	       SYSTEM, NULL, "cell.irqchips[0].pins: pin 32 of irqchip 0 is not the root cell's");
}

static void test_two_cells(void **state)
{
#define OTHER(name, cpu, phys, more)                                                                         \
	"architecture: loongarch64\ncell:\n  name: " name "\n  entry: 0x200000\n  cpus: [" cpu               \
	"]\n  memory:\n"                                                                                     \
	"    - { phys: " phys ", virt: 0x0, size: 4M, flags: [read, execute] }\n" COMM more
	const char *cell = CELL("a", RAM COMM, "  irqchips: [{ kind: extioi, pins: [32] }]\n");

	expect(cell, NULL, OTHER("b", "3", "0x92000000", ""), NULL);
	expect(cell, NULL, OTHER("a", "3", "0x92000000", ""), "cell.name: another cell has the name a");
	expect(cell, NULL, OTHER("b", "2-3", "0x92000000", ""), "cell.cpus: CPU 2 is also cell b's");
	expect(cell, NULL, OTHER("b", "3", "0x903fc000", ""),
	       "cell.memory[0]: memory region 0 overlaps region 0 of cell b");
	expect(cell, NULL, OTHER("b", "3", "0x92000000", "  irqchips: [{ kind: extioi, pins: [30-32] }]\n"),
	       "cell.irqchips[0]: pin 32 of irqchip 0 is also cell b's");
}

/* Gives chunks of 32 MiB at most, one after the other. */
struct memory {
	uint64_t next;
	bool refuse;
};

static int give(void *opaque, uint64_t size, struct driver_chunk *chunks, unsigned *count,
		struct error *error)
{
	struct memory *memory = opaque;
	unsigned n = 0;

	if (memory->refuse)
		return error_set(error, "there is none");
	for (uint64_t done = 0; done < size; n++) {
		uint64_t chunk = size - done < 32 << 20 ? size - done : 32 << 20;

		assert_true(n < *count);
		chunks[n] = (struct driver_chunk){ memory->next, chunk };
		memory->next += 64 << 20;
		done += chunk;
	}
	*count = n;
	return 0;
}

static void test_memory_is_filled_in(void **state)
{
	struct blob binary =
		compiled(CELL("a", COMM "    - { phys: auto, virt: 0x0, size: 65M, flags: [read] }\n" RAM,
			      "  stream-ids: [7]\n"));
	struct memory memory = { 0x98000000, false };
	const struct reserver reserver = { give, &memory };
	const struct config_memory *regions;
	struct error error;

	assert_true(config_has_auto(&binary));
	assert_int_equal(config_fill(&binary, &reserver, &error), 0);
	assert_false(config_has_auto(&binary));
	assert_int_equal(config_cell_of(&binary)->num_memory_regions, 5);
	assert_int_equal(config_cell_size(config_cell_of(&binary)), binary.size);
	regions = config_memory(config_cell_of(&binary));
	assert_int_equal(regions[0].virt_start, 0xf000000);
	assert_int_equal(regions[1].phys_start, 0x98000000);
	assert_int_equal(regions[1].virt_start, 0);
	assert_int_equal(regions[2].phys_start, 0x9c000000);
	assert_int_equal(regions[2].virt_start, 32 << 20);
	assert_int_equal(regions[3].virt_start, 64 << 20);
	assert_int_equal(regions[3].size, 1 << 20);
	assert_int_equal(regions[3].flags, CONFIG_MEM_READ);
	assert_int_equal(regions[4].phys_start, 0x90000000);
	assert_int_equal(config_stream_ids(config_cell_of(&binary))->id, 7);
	blob_free(&binary);
}

/* Where virt is not given, it is where the memory is found. */
static void test_memory_for_dma_is_filled_in(void **state)
{
	struct blob binary = compiled(CELL("a", "    - { phys: auto, size: 64M, flags: [read, dma] }\n", ""));
	struct memory memory = { 0x98000000, false };
	const struct reserver reserver = { give, &memory };
	struct error error;

	assert_int_equal(config_fill(&binary, &reserver, &error), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(config_memory(config_cell_of(&binary))[i].virt_start,
				 0x98000000 + i * (64 << 20));
	blob_free(&binary);
}

static void test_hypervisor_memory_is_one_piece(void **state)
{
	static const char yaml[] =
		"architecture: loongarch64\nsystem:\n"
		"  hypervisor-memory: { phys: auto, size: 32M }\ncell:\n  name: root\n  cpus: [0]\n";
	struct memory memory = { 0x98000000, false };
	const struct reserver reserver = { give, &memory };
	struct blob binary = compiled(yaml);
	struct error error;

	assert_true(config_has_auto(&binary));
	assert_int_equal(config_fill(&binary, &reserver, &error), 0);
	assert_int_equal(((struct config_system *)(void *)binary.data)->hypervisor_memory.phys_start,
			 0x98000000);
	blob_free(&binary);
	binary = compiled(yaml);
	memory.refuse = true;
	assert_int_equal(config_fill(&binary, &reserver, &error), -1);
	assert_string_equal(error.text, "there is none");
	blob_free(&binary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_ones),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_other_fields),
		cmocka_unit_test(test_against_the_system),
		cmocka_unit_test(test_two_cells),
		cmocka_unit_test(test_memory_is_filled_in),
		cmocka_unit_test(test_memory_for_dma_is_filled_in),
		cmocka_unit_test(test_hypervisor_memory_is_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
