/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * SMBIOS structures, after DSP0134 3.6.  Linux takes the processor's name and clock from type 4, shows
 * types 0 to 3 in /sys/class/dmi, and needs no other.
 */
#include "machine/firmware/smbios.h"

#include <errno.h>
#include <string.h>

#define HEADER_LENGTH 1 /* offset of a structure's length byte */

/* Handles of the structures, in the order they appear. */
enum handle {
	HANDLE_BIOS = 0x0000,
	HANDLE_SYSTEM = 0x0100,
	HANDLE_CHASSIS = 0x0300,
	HANDLE_CPU = 0x0400,
	HANDLE_MEMORY_ARRAY = 0x1000,
	HANDLE_MEMORY_DEVICE = 0x1100,
	HANDLE_ARRAY_ADDRESS = 0x1300, /* and the next, one a RAM range */
	HANDLE_BOOT = 0x2000,
	HANDLE_END = 0x7f00,
	HANDLE_NONE = 0xffff, /* not provided */
	HANDLE_NO_ERROR = 0xfffe,
};

/* A structure being written: its strings follow it, numbered from 1. */
struct structure {
	struct blob *blob;
	size_t start;
	const char *string[8];
	unsigned strings;
};

static struct structure structure_begin(struct blob *blob, uint8_t type, enum handle handle)
{
	struct structure structure = { .blob = blob };

	structure.start = blob_put8(blob, type);
	blob_put8(blob, 0); /* length */
	blob_put16(blob, (uint16_t)handle);
	return structure;
}

/* A string field. */
static void put_string(struct structure *structure, const char *string)
{
	structure->string[structure->strings++] = string;
	blob_put8(structure->blob, (uint8_t)structure->strings);
}

static void structure_end(struct structure *structure)
{
	struct blob *blob = structure->blob;

	blob_set8(blob, structure->start + HEADER_LENGTH, (uint8_t)(blob->size - structure->start));
	for (unsigned i = 0; i < structure->strings; i++)
		blob_put(blob, structure->string[i], strlen(structure->string[i]) + 1);
	blob_put(blob, NULL, structure->strings ? 1 : 2);
}

static void put_bios(struct blob *blob)
{
	enum { CHARACTERISTICS_NOT_SUPPORTED = 1 << 3, EXTENSION_ACPI = 1 << 0 };
	enum { EXTENSION_UEFI = 1 << 3, EXTENSION_VIRTUAL_MACHINE = 1 << 4 };
	struct structure s = structure_begin(blob, 0, HANDLE_BIOS);

	put_string(&s, PLATFORM_VENDOR);
	put_string(&s, "Bixi direct start");
	blob_put16(blob, 0); /* start segment: not x86 */
	put_string(&s, "01/01/2026");
	blob_put8(blob, 0); /* ROM of 64 KiB */
	blob_put64(blob, CHARACTERISTICS_NOT_SUPPORTED);
	blob_put8(blob, EXTENSION_ACPI);
	blob_put8(blob, EXTENSION_UEFI | EXTENSION_VIRTUAL_MACHINE);
	blob_put8(blob, 1); /* release 1.0 */
	blob_put8(blob, 0);
	blob_put16(blob, 0xffff); /* no embedded controller */
	blob_put16(blob, 0);
	structure_end(&s);
}

static void put_system(struct blob *blob)
{
	enum { WAKE_UP_POWER_SWITCH = 6 };
	struct structure s = structure_begin(blob, 1, HANDLE_SYSTEM);

	put_string(&s, PLATFORM_VENDOR);
	put_string(&s, PLATFORM_PRODUCT);
	put_string(&s, "virt");
	blob_put8(blob, 0);	  /* no serial number */
	blob_put(blob, NULL, 16); /* no UUID */
	blob_put8(blob, WAKE_UP_POWER_SWITCH);
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	structure_end(&s);
}

static void put_chassis(struct blob *blob)
{
	enum { CHASSIS_OTHER = 1, STATE_SAFE = 3, SECURITY_UNKNOWN = 2 };
	struct structure s = structure_begin(blob, 3, HANDLE_CHASSIS);

	put_string(&s, PLATFORM_VENDOR);
	blob_put8(blob, CHASSIS_OTHER);
	put_string(&s, "virt");
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	blob_put8(blob, STATE_SAFE); /* boot-up, power supply, thermal */
	blob_put8(blob, STATE_SAFE);
	blob_put8(blob, STATE_SAFE);
	blob_put8(blob, SECURITY_UNKNOWN);
	blob_put32(blob, 0);
	blob_put8(blob, 0); /* height, power cords, contained elements */
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	structure_end(&s);
}

static void put_processor(struct blob *blob, const struct platform *platform)
{
	enum { TYPE_CENTRAL = 3, FAMILY_USE_2 = 0xfe, FAMILY_LOONGSON_3A = 0x25d, UPGRADE_NONE = 6 };
	enum { STATUS_ENABLED = 0x41, CAPABLE_64BIT = 1 << 2, MULTICORE = 1 << 3 };
	struct structure s = structure_begin(blob, 4, HANDLE_CPU);

	put_string(&s, "CPU0");
	blob_put8(blob, TYPE_CENTRAL);
	blob_put8(blob, FAMILY_USE_2);
	put_string(&s, "Loongson");
	blob_put64(blob, 0);
	put_string(&s, platform->cpu_name); /* version: Linux's "Model Name" */
	blob_put8(blob, 0);		    /* voltage */
	blob_put16(blob, 100);		    /* external clock, MHz */
	blob_put16(blob, PLATFORM_CPU_MHZ); /* maximum */
	blob_put16(blob, PLATFORM_CPU_MHZ); /* current: Linux's "CPU MHz" */
	blob_put8(blob, STATUS_ENABLED);
	blob_put8(blob, UPGRADE_NONE);
	blob_put16(blob, HANDLE_NONE); /* caches */
	blob_put16(blob, HANDLE_NONE);
	blob_put16(blob, HANDLE_NONE);
	blob_put8(blob, 0); /* serial number, asset tag, part number */
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	blob_put8(blob, (uint8_t)platform->cpus); /* cores, enabled cores, threads */
	blob_put8(blob, (uint8_t)platform->cpus);
	blob_put8(blob, (uint8_t)platform->cpus);
	blob_put16(blob, CAPABLE_64BIT | (platform->cpus > 1 ? MULTICORE : 0));
	blob_put16(blob, FAMILY_LOONGSON_3A);
	blob_put16(blob, (uint16_t)platform->cpus);
	blob_put16(blob, (uint16_t)platform->cpus);
	blob_put16(blob, (uint16_t)platform->cpus);
	structure_end(&s);
}

static uint64_t ram_total(const struct platform *platform)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < platform->ram_count; i++)
		total += platform->ram[i].size;
	return total;
}

static void put_memory_array(struct blob *blob, const struct platform *platform)
{
	enum { LOCATION_BOARD = 3, USE_SYSTEM = 3, CORRECTION_NONE = 3, SEE_EXTENDED = 0x80000000u };
	struct structure s = structure_begin(blob, 16, HANDLE_MEMORY_ARRAY);

	blob_put8(blob, LOCATION_BOARD);
	blob_put8(blob, USE_SYSTEM);
	blob_put8(blob, CORRECTION_NONE);
	blob_put32(blob, SEE_EXTENDED);
	blob_put16(blob, HANDLE_NO_ERROR);
	blob_put16(blob, 1); /* devices */
	blob_put64(blob, ram_total(platform));
	structure_end(&s);
}

static void put_memory_device(struct blob *blob, const struct platform *platform)
{
	enum { FORM_DIMM = 9, TYPE_RAM = 7, DETAIL_OTHER = 1 << 1, SEE_EXTENDED = 0x7fff };
	struct structure s = structure_begin(blob, 17, HANDLE_MEMORY_DEVICE);
	uint64_t mib = ram_total(platform) >> 20;

	blob_put16(blob, HANDLE_MEMORY_ARRAY);
	blob_put16(blob, HANDLE_NO_ERROR);
	blob_put16(blob, 64); /* total and data width */
	blob_put16(blob, 64);
	blob_put16(blob, mib < SEE_EXTENDED ? (uint16_t)mib : SEE_EXTENDED);
	blob_put8(blob, FORM_DIMM);
	blob_put8(blob, 0); /* in no set */
	put_string(&s, "DIMM 0");
	blob_put8(blob, 0); /* bank */
	blob_put8(blob, TYPE_RAM);
	blob_put16(blob, DETAIL_OTHER);
	blob_put16(blob, 0); /* speed */
	put_string(&s, PLATFORM_VENDOR);
	blob_put8(blob, 0); /* serial number, asset tag, part number, rank */
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	blob_put8(blob, 0);
	blob_put32(blob, mib < SEE_EXTENDED ? 0 : (uint32_t)mib);
	blob_put16(blob, 0); /* configured speed; voltages */
	blob_put16(blob, 0);
	blob_put16(blob, 0);
	blob_put16(blob, 0);
	structure_end(&s);
}

/* Which addresses the memory array has, one structure a range. */
static void put_array_addresses(struct blob *blob, const struct platform *platform)
{
	for (unsigned i = 0; i < platform->ram_count; i++) {
		struct structure s = structure_begin(blob, 19, HANDLE_ARRAY_ADDRESS + i);
		const struct ram_range *range = &platform->ram[i];

		blob_put32(blob, 0xffffffff); /* see the extended addresses */
		blob_put32(blob, 0xffffffff);
		blob_put16(blob, HANDLE_MEMORY_ARRAY);
		blob_put8(blob, 1);
		blob_put64(blob, range->base);
		blob_put64(blob, range->base + range->size - 1);
		structure_end(&s);
	}
}

static void put_boot(struct blob *blob)
{
	struct structure s = structure_begin(blob, 32, HANDLE_BOOT);

	blob_put(blob, NULL, 6);
	blob_put8(blob, 0); /* no errors detected */
	structure_end(&s);
}

static void put_end(struct blob *blob)
{
	struct structure s = structure_begin(blob, 127, HANDLE_END);

	structure_end(&s);
}

static void put_entry_point(struct blob *blob, uint64_t address)
{
	blob_put(blob, "_SM3_", 5);
	blob_put8(blob, 0); /* checksum */
	blob_put8(blob, SMBIOS_ENTRY_POINT_SIZE);
	blob_put8(blob, 3); /* version 3.6 */
	blob_put8(blob, 6);
	blob_put8(blob, 0);
	blob_put8(blob, 1); /* revision of the entry point */
	blob_put8(blob, 0);
	blob_put32(blob, 0); /* size of the structures */
	blob_put64(blob, address + SMBIOS_ENTRY_POINT_SIZE);
}

int smbios_build(struct blob *blob, uint64_t address, const struct platform *platform)
{
	put_entry_point(blob, address);
	if (!platform->firmware) /* which describes itself */
		put_bios(blob);
	put_system(blob);
	put_chassis(blob);
	put_processor(blob, platform);
	put_memory_array(blob, platform);
	put_memory_device(blob, platform);
	put_array_addresses(blob, platform);
	put_boot(blob);
	put_end(blob);
	blob_set32(blob, 12, (uint32_t)(blob->size - SMBIOS_ENTRY_POINT_SIZE));
	blob_set8(blob, 5, blob_checksum(blob, 0, SMBIOS_ENTRY_POINT_SIZE));
	return blob->failed ? -ENOMEM : 0;
}
