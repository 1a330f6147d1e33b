/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * EFI tables, after the UEFI specification 2.10 (4.3, 4.5, 4.6, 7.2.3) and Linux's include/linux/efi.h
 * for the tables that its EFI stub makes.
 */
#include "machine/firmware/efi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime.h"

#define SYSTEM_SIGNATURE   0x5453595320494249ull /* "IBI SYST" */
#define RUNTIME_SIGNATURE  0x56524553544e5552ull /* "RUNTSERV" */
#define SPECIFICATION_2_10 (2u << 16 | 100)
#define HEADER_SIZE	   24
#define HEADER_CRC	   16 /* offset */
#define SYSTEM_TABLE_SIZE  120
#define RUNTIME_SERVICES   14
#define RUNTIME_TABLE_SIZE (HEADER_SIZE + 8 * RUNTIME_SERVICES)
#define DESCRIPTOR_SIZE	   40

/* EFI_RT_PROPERTIES: which services do something. */
enum {
	SUPPORTED_GET_TIME = 1 << 0,
	SUPPORTED_SET_TIME = 1 << 1,
	SUPPORTED_GET_VARIABLE = 1 << 4,
	SUPPORTED_GET_NEXT_VARIABLE_NAME = 1 << 5,
	SUPPORTED_RESET_SYSTEM = 1 << 10,
};

#define ATTRIBUTE_UNCACHED    1ull
#define ATTRIBUTE_ANY_CACHING 15ull
#define ATTRIBUTE_RUNTIME     (1ull << 63)

#define GUID(a, b, c, ...)                                                                                   \
	{                                                                                                    \
		(uint8_t)(a), (uint8_t)((a) >> 8), (uint8_t)((a) >> 16), (uint8_t)((a) >> 24), (uint8_t)(b), \
			(uint8_t)((b) >> 8), (uint8_t)(c), (uint8_t)((c) >> 8), __VA_ARGS__                  \
	}
typedef uint8_t guid_bytes[16];

/* clang-format off */
static const guid_bytes guid_boot_memmap =
	GUID(0x800f683f, 0xd08b, 0x423a, 0xa2, 0x93, 0x96, 0x5c, 0x3c, 0x6f, 0xe2, 0xb4);
static const guid_bytes guid_initrd =
	GUID(0x5568e427, 0x68fc, 0x4f3d, 0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68);
static const guid_bytes guid_random_seed =
	GUID(0x1ce1e5bc, 0x7ceb, 0x42f2, 0x81, 0xe5, 0x8a, 0xad, 0xf1, 0x80, 0xf5, 0x7b);
static const guid_bytes guid_device_tree =
	GUID(0xb1b621d5, 0xf19c, 0x41a5, 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0);
static const guid_bytes guid_acpi20 =
	GUID(0x8868e871, 0xe4f1, 0x11d3, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81);
static const guid_bytes guid_smbios3 =
	GUID(0xf2fd1544, 0x9794, 0x4a2c, 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94);
static const guid_bytes guid_runtime_properties =
	GUID(0xeb66918a, 0x7eef, 0x402a, 0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9);
/* clang-format on */

static void put_header(struct blob *blob, uint64_t signature, uint32_t size)
{
	blob_put64(blob, signature);
	blob_put32(blob, SPECIFICATION_2_10);
	blob_put32(blob, size);
	blob_put32(blob, 0); /* CRC */
	blob_put32(blob, 0);
}

static void set_crc(struct blob *blob, size_t table, uint32_t size)
{
	if (!blob->failed)
		blob_set32(blob, table + HEADER_CRC, (uint32_t)crc32(0, blob->data + table, size));
}

static size_t put_vendor(struct blob *blob)
{
	size_t at = blob_align(blob, 2);

	for (const char *c = PLATFORM_VENDOR; *c; c++)
		blob_put16(blob, (uint8_t)*c);
	blob_put16(blob, 0);
	return at;
}

/* The services' addresses are the virtual ones: as SetVirtualAddressMap() leaves them. */
static size_t put_runtime_table(struct blob *blob, uint64_t runtime)
{
	size_t table = blob_align(blob, 8);

	put_header(blob, RUNTIME_SIGNATURE, RUNTIME_TABLE_SIZE);
	for (unsigned i = 0; i < RUNTIME_SERVICES; i++) {
		uint64_t offset;

		memcpy(&offset, runtime_code + 8 * i, sizeof(offset));
		blob_put64(blob, EFI_CACHED_WINDOW + runtime + offset);
	}
	set_crc(blob, table, RUNTIME_TABLE_SIZE);
	return table;
}

static size_t put_runtime_properties(struct blob *blob)
{
	size_t at = blob_align(blob, 8);

	blob_put16(blob, 1); /* version */
	blob_put16(blob, 8); /* length */
	blob_put32(blob, SUPPORTED_GET_TIME | SUPPORTED_SET_TIME | SUPPORTED_GET_VARIABLE |
				 SUPPORTED_GET_NEXT_VARIABLE_NAME | SUPPORTED_RESET_SYSTEM);
	return at;
}

static size_t put_initrd(struct blob *blob, const struct platform *platform)
{
	size_t at = blob_align(blob, 8);

	blob_put64(blob, platform->initrd);
	blob_put64(blob, platform->initrd_size);
	return at;
}

static size_t put_random_seed(struct blob *blob, const struct platform *platform)
{
	size_t at = blob_align(blob, 8);

	blob_put32(blob, PLATFORM_SEED_SIZE);
	blob_put(blob, platform->seed, PLATFORM_SEED_SIZE);
	return at;
}

struct configuration {
	const uint8_t *guid;
	uint64_t address; /* 0: leave it out */
};

static unsigned put_configuration(struct blob *blob, const struct configuration *entry, unsigned count)
{
	unsigned present = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!entry[i].address)
			continue;
		blob_put(blob, entry[i].guid, 16);
		blob_put64(blob, entry[i].address);
		present++;
	}
	return present;
}

void efi_runtime_code(const uint8_t **code, size_t *size)
{
	*code = runtime_code;
	*size = sizeof(runtime_code);
}

int efi_build(struct blob *blob, uint64_t address, const struct platform *platform,
	      const struct efi_tables *tables, uint64_t runtime)
{
	enum {
		VENDOR = 24,
		REVISION = 32,
		RUNTIME = 88,
		TABLE_COUNT = 104,
		TABLES = 112
	}; /* of the system table */
	size_t system = blob->size, vendor, services, table;
	unsigned count;

	put_header(blob, SYSTEM_SIGNATURE, SYSTEM_TABLE_SIZE);
	blob_put(blob, NULL, SYSTEM_TABLE_SIZE - HEADER_SIZE);
	vendor = put_vendor(blob);
	services = put_runtime_table(blob, runtime);
	const struct configuration configuration[] = {
		{ guid_boot_memmap, tables->memmap },
		{ guid_initrd, platform->initrd_size ? address + put_initrd(blob, platform) : 0 },
		{ guid_random_seed, platform->seed ? address + put_random_seed(blob, platform) : 0 },
		{ guid_acpi20, tables->acpi },
		{ guid_smbios3, tables->smbios },
		{ guid_device_tree, tables->fdt },
		{ guid_runtime_properties, address + put_runtime_properties(blob) },
	};
	table = blob_align(blob, 8);
	count = put_configuration(blob, configuration, sizeof(configuration) / sizeof(configuration[0]));
	blob_set64(blob, system + VENDOR, address + vendor);
	blob_set32(blob, system + REVISION, 0x10000);
	blob_set64(blob, system + RUNTIME, EFI_CACHED_WINDOW + address + services);
	blob_set64(blob, system + TABLE_COUNT, count);
	blob_set64(blob, system + TABLES, address + table);
	set_crc(blob, system, SYSTEM_TABLE_SIZE);
	return blob->failed ? -ENOMEM : 0;
}

static void put_descriptor(struct blob *blob, enum efi_memory_type type, uint64_t base, uint64_t end)
{
	bool io = type == EFI_MEMORY_MAPPED_IO;
	bool runtime = io || type == EFI_RUNTIME_SERVICES_CODE || type == EFI_RUNTIME_SERVICES_DATA;

	if (base >= end)
		return;
	blob_put32(blob, type);
	blob_put32(blob, 0);
	blob_put64(blob, base);
	blob_put64(blob, runtime ? base + (io ? EFI_UNCACHED_WINDOW : EFI_CACHED_WINDOW) : 0);
	blob_put64(blob, (end - base) / EFI_PAGE_SIZE);
	blob_put64(blob,
		   (io ? ATTRIBUTE_UNCACHED : ATTRIBUTE_ANY_CACHING) | (runtime ? ATTRIBUTE_RUNTIME : 0));
}

static int compare_regions(const void *a, const void *b)
{
	const struct efi_region *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

/* One RAM range, with the regions in it. */
static void put_ram(struct blob *blob, const struct ram_range *range, const struct efi_region *region,
		    unsigned count)
{
	uint64_t at = range->base, end = (range->base + range->size) & -(uint64_t)EFI_PAGE_SIZE;

	for (unsigned i = 0; i < count; i++) {
		uint64_t region_end = region[i].base + region[i].size;

		if (region[i].base - range->base >= range->size)
			continue;
		if (region_end > end) /* rounded up over the end of RAM */
			region_end = end;
		put_descriptor(blob, EFI_CONVENTIONAL_MEMORY, at, region[i].base);
		put_descriptor(blob, region[i].type, region[i].base, region_end);
		at = region_end;
	}
	put_descriptor(blob, EFI_CONVENTIONAL_MEMORY, at, end);
}

static void put_io(struct blob *blob, uint64_t address)
{
	uint64_t page = address & -(uint64_t)EFI_PAGE_SIZE;

	put_descriptor(blob, EFI_MEMORY_MAPPED_IO, page, page + EFI_PAGE_SIZE);
}

int efi_memmap_build(struct blob *blob, const struct platform *platform, struct efi_region *region,
		     unsigned count)
{
	enum { MAP_SIZE = 0, BUFFER_SIZE = 32, MAP = 40 };
	size_t start = blob_put64(blob, 0);

	blob_put64(blob, DESCRIPTOR_SIZE);
	blob_put64(blob, 1); /* version of a descriptor; padding */
	blob_put64(blob, 0); /* key, of use to boot services only */
	blob_put64(blob, 0);
	qsort(region, count, sizeof(*region), compare_regions);
	for (unsigned i = 0; i < platform->ram_count; i++) {
		put_ram(blob, &platform->ram[i], region, count);
		if (i == 0) { /* registers lie between low and high RAM */
			put_io(blob, PLATFORM_RTC);
			put_io(blob, PLATFORM_GED);
		}
	}
	blob_set64(blob, start + MAP_SIZE, blob->size - start - MAP);
	blob_set64(blob, start + BUFFER_SIZE, blob->size - start - MAP);
	return blob->failed ? -ENOMEM : 0;
}
