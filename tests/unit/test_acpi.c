/* SPDX-License-Identifier: MulanPSL-2.0 */
/* ACPI tables: checksums, links and lengths; iasl reads all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/cpu/cpu.h"
#include "machine/firmware/acpi.h"

#define ADDRESS 0x40000u
#define HEADER	36u

static const struct ram_range ram[] = { { 0, 0x10000000, 0 }, { 0x80000000, 0x30000000, 0x10000000 } };

static struct blob build(unsigned cpus)
{
	const struct platform platform = {
		.cpus = cpus,
		.cpu_name = "Loongson-3A5000",
		.ram = ram,
		.ram_count = 2,
		.cmdline = "",
		.virtio_mmio = 8,
	};
	struct blob blob = { 0 };

	assert_int_equal(acpi_build(&blob, ADDRESS, &platform), 0);
	return blob;
}

static uint64_t get(const struct blob *blob, size_t at, unsigned size)
{
	uint64_t value = 0;

	assert_true(at + size <= blob->size);
	memcpy(&value, blob->data + at, size);
	return value;
}

/* The table at physical @address: inside the blob, and adding up to 0. */
static size_t check_table(const struct blob *blob, uint64_t address)
{
	size_t at = address - ADDRESS, length = get(blob, at + 4, 4);

	assert_true(address >= ADDRESS && length >= HEADER && at + length <= blob->size);
	assert_int_equal(blob_checksum(blob, at, length), 0);
	return at;
}

static size_t find_table(const struct blob *blob, const char *signature)
{
	size_t xsdt = check_table(blob, get(blob, 24, 8)), length = get(blob, xsdt + 4, 4);

	assert_memory_equal(blob->data + xsdt, "XSDT", 4);
	for (size_t i = HEADER; i < length; i += 8) {
		size_t at = check_table(blob, get(blob, xsdt + i, 8));

		if (!memcmp(blob->data + at, signature, 4))
			return at;
	}
	fail_msg("no %s in the XSDT", signature);
	return 0;
}

static void all_checksums_are_right(void **state)
{
	for (unsigned cpus = 1; cpus <= CPU_MAX; cpus += 21) {
		struct blob blob = build(cpus);

		assert_memory_equal(blob.data, "RSD PTR ", 8);
		assert_int_equal(blob_checksum(&blob, 0, 20), 0);
		assert_int_equal(blob_checksum(&blob, 0, 36), 0);
		find_table(&blob, "SSDT"); /* the last: all have been looked at */
		blob_destroy(&blob);
	}
}

static void fadt_has_reduced_hardware_and_its_registers(void **state)
{
	struct blob blob = build(1);
	size_t fadt = find_table(&blob, "FACP");

	assert_int_equal(get(&blob, fadt + 4, 4), 276);
	assert_int_equal(get(&blob, fadt + 112, 4) & (1 << 20 | 1 << 10), 1 << 20 | 1 << 10);
	assert_int_equal(get(&blob, fadt + 120, 8), 0x100e001e);
	assert_int_equal(get(&blob, fadt + 128, 1), 0x42);
	assert_int_equal(get(&blob, fadt + 248, 8), 0x100e001c);
	assert_int_equal(get(&blob, fadt + 260, 8), 0x100e001d);
	assert_int_equal(get(&blob, fadt + 40, 4), get(&blob, fadt + 140, 8));
	assert_memory_equal(blob.data + check_table(&blob, get(&blob, fadt + 140, 8)), "DSDT", 4);
	blob_destroy(&blob);
}

static void madt_names_every_core_and_controller(void **state)
{
	static const unsigned counts[] = { 1, 4, CPU_MAX };

	for (size_t i = 0; i < 3; i++) {
		struct blob blob = build(counts[i]);
		size_t madt = find_table(&blob, "APIC"), end = madt + get(&blob, madt + 4, 4);
		unsigned cores = 0, others = 0;

		for (size_t at = madt + HEADER + 8; at < end; at += get(&blob, at + 1, 1)) {
			assert_true(get(&blob, at + 1, 1) >= 2 && at + get(&blob, at + 1, 1) <= end);
			if (get(&blob, at, 1) != 17) {
				others |= 1u << (get(&blob, at, 1) - 17);
				continue;
			}
			assert_int_equal(get(&blob, at + 7, 4), cores++);
			assert_int_equal(get(&blob, at + 11, 4), 1);
		}
		assert_int_equal(cores, counts[i]);
		assert_int_equal(others, 1 << 3 | 1 << 4 | 1 << 5); /* EIO, MSI, BIO */
		blob_destroy(&blob);
	}
}

static void srat_covers_cores_and_ram(void **state)
{
	struct blob blob = build(3);
	size_t srat = find_table(&blob, "SRAT");

	assert_int_equal(get(&blob, srat + 4, 4), HEADER + 12 + 3 * 16 + 2 * 40);
	assert_int_equal(get(&blob, srat + HEADER + 12 + 3 * 16 + 40 + 8, 8), ram[1].base);
	assert_int_equal(get(&blob, srat + HEADER + 12 + 3 * 16 + 40 + 16, 8), ram[1].size);
	blob_destroy(&blob);
}

static void run_in(const char *directory, const char *format, const char *name)
{
	char command[256], inner[128];

	snprintf(inner, sizeof(inner), format, name, name);
	snprintf(command, sizeof(command), "cd %s && { %s; } > log 2>&1 || { cat log; exit 1; }", directory,
		 inner);
	assert_int_equal(system(command), 0);
}

static void save_table(const char *directory, const char *name, const struct blob *blob, size_t at)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.aml", directory, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(blob->data + at, 1, get(blob, at + 4, 4), file), get(blob, at + 4, 4));
	fclose(file);
}

/* The AML and the tables that all versions of iasl from 20200925 on know in full. */
static void iasl_reads_and_recompiles_tables(void **state)
{
	static const char *const names[] = { "FACP", "PPTT", "SRAT", "MCFG", "SSDT", "DSDT", "APIC", "SPCR" };
	enum { RECOMPILED = 6 };
	char directory[] = "/tmp/bixi-acpi-XXXXXX";
	struct blob blob = build(CPU_MAX);

	if (system("command -v iasl > /dev/null 2>&1"))
		skip();
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t at = strcmp(names[i], "DSDT")
				    ? find_table(&blob, names[i])
				    : get(&blob, find_table(&blob, "FACP") + 140, 8) - ADDRESS;

		save_table(directory, names[i], &blob, at);
		run_in(directory, i < RECOMPILED ? "iasl -d %s.aml && iasl -ve %s.dsl" : "iasl -d %s.aml",
		       names[i]);
	}
	run_in("/tmp", "rm -r %s", directory);
	blob_destroy(&blob);
}

static const char *file_name(const uint8_t *field)
{
	assert_non_null(memchr(field, 0, 56));
	return (const char *)field;
}

/* What firmware has of a file after LOADER_ALLOCATE. */
struct placed {
	const char *name;
	struct blob *file;
	uint64_t address;
};

static struct placed *placed_find(struct placed *placed, const char *name)
{
	unsigned i = 0;

	while (i < 2 && strcmp(placed[i].name, name) != 0)
		i++;
	assert_true(i < 2 && placed[i].address);
	return &placed[i];
}

/* One command of the script, as QEMU's hw/acpi/bios-linker-loader.c describes them. */
static void follow(const uint8_t *command, struct placed *placed)
{
	enum { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };
	uint32_t code, at, word[2];
	struct placed *to;
	uint64_t pointer = 0;

	memcpy(&code, command, 4);
	switch (code) {
	case ALLOCATE:
		memcpy(word, command + 60, 4);
		assert_true(command[64] == 1 || command[64] == 2);
		for (unsigned i = 0; i < 2; i++) {
			if (strcmp(placed[i].name, file_name(command + 4)) == 0)
				placed[i].address = i ? ADDRESS + ACPI_FIRST_TABLE : ADDRESS;
			assert_int_equal(placed[i].address % 16, 0);
		}
		break;
	case ADD_POINTER:
		to = placed_find(placed, file_name(command + 4));
		memcpy(&at, command + 116, 4);
		assert_true(command[120] == 4 || command[120] == 8);
		assert_true(at + command[120] <= to->file->size);
		memcpy(&pointer, to->file->data + at, command[120]);
		assert_true(pointer < placed_find(placed, file_name(command + 60))->file->size);
		pointer += placed_find(placed, file_name(command + 60))->address;
		memcpy(to->file->data + at, &pointer, command[120]);
		break;
	default:
		assert_int_equal(code, ADD_CHECKSUM);
		to = placed_find(placed, file_name(command + 4));
		memcpy(&at, command + 60, 4);
		memcpy(word, command + 64, 8);
		assert_true(at < to->file->size && word[0] + word[1] <= to->file->size);
		to->file->data[at] = blob_checksum(to->file, word[0], word[1]);
	}
}

static void firmware_places_the_tables_by_the_script(void **state)
{
	const struct platform platform = {
		.cpus = 4, .cpu_name = "Loongson-3A5000", .ram = ram, .ram_count = 2, .cmdline = ""
	};
	struct blob direct = { 0 };
	struct acpi_files files;
	struct placed placed[2] = { { ACPI_FILE_RSDP, &files.rsdp, 0 },
				    { ACPI_FILE_TABLES, &files.tables, 0 } };

	assert_int_equal(acpi_build(&direct, ADDRESS, &platform), 0);
	assert_int_equal(acpi_files_build(&files, &platform), 0);
	/* EDK2 looks for an RSDT at the begin, as the RSDP names none. */
	assert_int_equal(get(&files.rsdp, 16, 4), 0);
	assert_memory_equal(files.tables.data, "XSDT", 4);
	assert_int_equal(files.loader.size % 128, 0);
	for (size_t at = 0; at < files.loader.size; at += 128)
		follow(files.loader.data + at, placed);
	assert_int_equal(files.rsdp.size, 36);
	assert_memory_equal(files.rsdp.data, direct.data, 36);
	assert_int_equal(files.tables.size, direct.size - ACPI_FIRST_TABLE);
	assert_memory_equal(files.tables.data, direct.data + ACPI_FIRST_TABLE, files.tables.size);
	acpi_files_destroy(&files);
	blob_destroy(&direct);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_checksums_are_right),
		cmocka_unit_test(fadt_has_reduced_hardware_and_its_registers),
		cmocka_unit_test(madt_names_every_core_and_controller),
		cmocka_unit_test(srat_covers_cores_and_ram),
		cmocka_unit_test(iasl_reads_and_recompiles_tables),
		cmocka_unit_test(firmware_places_the_tables_by_the_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
