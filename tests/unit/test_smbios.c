/* SPDX-License-Identifier: MulanPSL-2.0 */
/* SMBIOS: the entry point and every structure can be walked; dmidecode reads them without complaint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/firmware/smbios.h"

#define ENTRY_SIZE 24u

static struct blob build(uint64_t address, uint64_t high_ram)
{
	static struct ram_range ram[2] = { { 0, 0x10000000, 0 }, { 0x80000000, 0, 0x10000000 } };
	const struct platform platform = {
		.cpus = 4, .cpu_name = "Loongson-3A5000", .ram = ram, .ram_count = 2, .cmdline = ""
	};
	struct blob blob = { 0 };

	ram[1].size = high_ram;
	assert_int_equal(smbios_build(&blob, address, &platform), 0);
	return blob;
}

/* The structure of @type, or NULL; checks that strings end where the next structure begins. */
static const uint8_t *find(const struct blob *blob, uint8_t type)
{
	size_t at = ENTRY_SIZE;

	for (;;) {
		const uint8_t *structure = blob->data + at;

		assert_true(at + 4 <= blob->size && structure[1] >= 4);
		at += structure[1];
		do {
			at += strnlen((const char *)blob->data + at, blob->size - at) + 1;
			assert_true(at < blob->size);
		} while (blob->data[at]);
		at++;
		if (structure[1] + structure + 2 == blob->data + at) /* no strings: two terminators */
			assert_int_equal(structure[structure[1]], 0);
		if (structure[0] == type)
			return structure;
		if (structure[0] == 127) {
			assert_int_equal(at, blob->size);
			return NULL;
		}
	}
}

static const char *string_of(const uint8_t *structure, unsigned field)
{
	const char *string = (const char *)structure + structure[1];

	for (unsigned i = 1; i < structure[field]; i++)
		string += strlen(string) + 1;
	return string;
}

static void entry_point_leads_to_the_structures(void **state)
{
	struct blob blob = build(0x28000, 0x30000000);
	uint64_t address;
	uint32_t size;

	assert_memory_equal(blob.data, "_SM3_", 5);
	assert_int_equal(blob.data[6], ENTRY_SIZE);
	assert_int_equal(blob_checksum(&blob, 0, ENTRY_SIZE), 0);
	memcpy(&size, blob.data + 12, 4);
	memcpy(&address, blob.data + 16, 8);
	assert_int_equal(size, blob.size - ENTRY_SIZE);
	assert_int_equal(address, 0x28000 + ENTRY_SIZE);
	assert_null(find(&blob, 255));
	blob_destroy(&blob);
}

static void processor_has_name_clock_and_cores(void **state)
{
	struct blob blob = build(0x28000, 0x30000000);
	const uint8_t *cpu = find(&blob, 4);

	assert_non_null(cpu);
	assert_int_equal(cpu[1], 48);
	assert_string_equal(string_of(cpu, 16), "Loongson-3A5000");
	assert_int_equal(cpu[0x16] | cpu[0x17] << 8, 2500);
	assert_int_equal(cpu[0x23], 4);
	blob_destroy(&blob);
}

static void every_string_says_bixi(void **state)
{
	struct blob blob = build(0x28000, 0x30000000);

	assert_string_equal(string_of(find(&blob, 0), 4), "Bixi");
	assert_string_equal(string_of(find(&blob, 1), 4), "Bixi");
	assert_string_equal(string_of(find(&blob, 3), 4), "Bixi");
	assert_non_null(find(&blob, 32));
	blob_destroy(&blob);
}

static void large_memory_uses_the_extended_fields(void **state)
{
	struct blob blob = build(0x28000, (64ull << 30) - 0x10000000);
	const uint8_t *device = find(&blob, 17);

	assert_int_equal(device[0x0c] | device[0x0d] << 8, 0x7fff);
	assert_int_equal(device[0x1c] | device[0x1d] << 8 | device[0x1e] << 16, 65536);
	blob_destroy(&blob);
}

static void dmidecode_reads_it_without_complaint(void **state)
{
	char path[] = "/tmp/bixi-smbios-XXXXXX", command[512];
	struct blob blob = build(0, 0x30000000); /* addresses are offsets in the file */
	int fd = mkstemp(path);

	if (system("PATH=$PATH:/usr/sbin command -v dmidecode > /dev/null 2>&1"))
		skip();
	assert_int_equal(write(fd, blob.data, blob.size), blob.size);
	close(fd);
	snprintf(command, sizeof(command),
		 "PATH=$PATH:/usr/sbin dmidecode --from-dump %s > %s.out 2>&1 && grep -q Loongson-3A5000 "
		 "%s.out && "
		 "! grep -v Family: %s.out | grep -iE 'broken|wrong|invalid|truncated|out of spec|bad index'",
		 path, path, path, path); /* dmidecode 3.4 does not know the family */
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s.out", path);
	unlink(command);
	unlink(path);
	blob_destroy(&blob);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_point_leads_to_the_structures),
		cmocka_unit_test(processor_has_name_clock_and_cores),
		cmocka_unit_test(every_string_says_bixi),
		cmocka_unit_test(large_memory_uses_the_extended_fields),
		cmocka_unit_test(dmidecode_reads_it_without_complaint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
