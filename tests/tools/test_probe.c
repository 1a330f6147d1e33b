/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A configuration from what Linux says of "bixi run -c 4 -m 2G": tools/lib/probe.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tools/fixture.h"
#include "tools/lib/check.h"
#include "tools/lib/probe.h"

static const char iomem[] = "00000000-0001ffff : System RAM\n"
			    "  00000000-0001ffff : Reserved\n"
			    "00040000-0fffffff : System RAM\n"
			    "  00200000-012fffff : Kernel code\n"
			    "1fe001e0-1fe001e7 : serial\n"
			    "20000000-27ffffff : PCI ECAM\n"
			    "40000000-7fffffff : PCI Bus 0000:00\n"
			    "80000000-efffffff : System RAM\n"
			    "  ea000000-ea01ffff : Reserved\n"
			    "efdfc000000-efdfdffffff : PCI I/O\n";

static const char cpuinfo[] = "system type\t\t: generic-loongson-machine\n\n"
			      "processor\t\t: 0\npackage\t\t\t: 0\nglobal_id\t\t: 0\n\n"
			      "processor\t\t: 1\nglobal_id\t\t: 1\n\nprocessor\t\t: 2\nglobal_id\t\t: 3\n";

/* Header and flags of 44 bytes, an EIO_PIC, an MSI_PIC, a BIO_PIC. */
static const uint8_t madt[] = {
	'A', 'P', 'I', 'C',  [44] = 20, 13, 1, 3, 0, 0xff, 0xff, 0, 0, 0,    0, 0, 0, [57] = 21, 19,
	1,   0,	  0,   0xf0, 0x2f,	0,  0, 0, 0, 0x40, 0,	 0, 0, 0xc0, 0, 0, 0, [76] = 22, 17,
	1,   0,	  0,   0,    0x10,	0,  0, 0, 0, 0,	   0x10, 0, 0, 0x40, 0,
};
static const uint8_t mcfg[60] = { 'M', 'C', 'F', 'G', [47] = 0x20, [55] = 127 };

static char root[] = "/tmp/bixi-probe-XXXXXX";

static void write_file(const char *name, const void *data, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

static int make_root(void **state)
{
	static const char *const directories[] = { "proc", "sys", "sys/firmware", "sys/firmware/acpi",
						   "sys/firmware/acpi/tables" };
	char path[128];

	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, directories[i]);
		mkdir(path, 0700);
	}
	return 0;
}

static int remove_root(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void write_all(void)
{
	write_file("proc/iomem", iomem, sizeof(iomem) - 1);
	write_file("proc/cpuinfo", cpuinfo, sizeof(cpuinfo) - 1);
	write_file("sys/firmware/acpi/tables/APIC", madt, sizeof(madt));
	write_file("sys/firmware/acpi/tables/MCFG", mcfg, sizeof(mcfg));
}

static void no_finding(void *opaque, int severity, const struct error *finding)
{
	fail_msg("%s: %s", finding->path, finding->text);
}

static void test_system(void **state)
{
	struct check check = { .report = no_finding };
	const struct config_system *system;
	const struct config_memory *memory;
	struct blob text, binary;
	struct error error;

	write_all();
	if (probe_system(root, &text, &error))
		fail_msg("%s", error.text);
	binary = compiled((const char *)text.data);
	check_config(&check, &binary);
	system = (const struct config_system *)(void *)binary.data;
	assert_int_equal(system->hypervisor_memory.phys_start, CONFIG_AUTO);
	assert_int_equal(system->platform_info.pci_mmconfig_base, 0x20000000);
	assert_int_equal(system->platform_info.pci_mmconfig_end_bus, 127);
	assert_int_equal(system->platform_info.loongarch.pch_pic_base, 0x10000000);
	assert_int_equal(system->platform_info.loongarch.pch_msi_doorbell, 0x2ff00000);
	assert_int_equal(config_cpu_set(&system->root_cell)[0], 0xb);
	memory = config_memory(&system->root_cell);
	assert_int_equal(system->root_cell.num_memory_regions, 4);
	/* What firmware keeps in the middle was memory, too. */
	assert_int_equal(memory[0].phys_start, 0);
	assert_int_equal(memory[0].size, 0x10000000);
	assert_int_equal(memory[1].phys_start, 0x80000000);
	assert_int_equal(memory[1].size, 0x70000000);
	assert_int_equal(memory[2].phys_start, 0x10000000);
	assert_int_equal(memory[2].size, 0x70000000);
	assert_int_equal(memory[2].flags, CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_IO);
	assert_int_equal(memory[3].phys_start, 0xefdfc000000);
	blob_free(&binary);
	blob_free(&text);
}

static void expect_refusal(const char *words)
{
	struct blob text;
	struct error error;

	assert_int_equal(probe_system(root, &text, &error), -1);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
}

static void write_messages(uint8_t first, uint8_t count)
{
	uint8_t table[sizeof(madt)];

	memcpy(table, madt, sizeof(table));
	table[57 + 11] = first;
	table[57 + 15] = count;
	write_file("sys/firmware/acpi/tables/APIC", table, sizeof(table));
}

/* Their vectors are the firmware's choice. */
static void test_messages(void **state)
{
	struct blob text;
	struct error error;

	write_all();
	write_messages(96, 96);
	assert_int_equal(probe_system(root, &text, &error), 0);
	blob_append(&text, "", 1);
	assert_non_null(strstr((char *)text.data, "- { kind: msi, address: 0x2ff00000, pins: [96-191] }"));
	blob_free(&text);
	write_messages(96, 161);
	expect_refusal("161 vectors of messages from 96 on");
	write_messages(96, 0);
	expect_refusal("0 vectors of messages");
}

static void test_refusals(void **state)
{
	write_all();
	write_file("proc/iomem", "00000000-00000000 : System RAM\n", 31); /* as others than root see it */
	expect_refusal("root alone sees them");
	write_all();
	write_file("proc/cpuinfo", "", 0);
	expect_refusal("no processor");
	write_all();
	for (size_t size = 0; size < 76; size += 3) {
		write_file("sys/firmware/acpi/tables/APIC", madt, size);
		expect_refusal("PCH-PIC");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_system), cmocka_unit_test(test_messages),
					    cmocka_unit_test(test_refusals) };

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
