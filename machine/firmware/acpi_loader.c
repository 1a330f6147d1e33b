/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The ACPI tables as files of fw_cfg, with the script by which firmware places them (QEMU,
 * hw/acpi/bios-linker-loader.c): allocate a file, add a file's address to a pointer, make a checksum.
 */
#include <errno.h>
#include <string.h>

#include "machine/firmware/acpi.h"
#include "machine/firmware/fw_cfg.h"

enum loader_command { LOADER_ALLOCATE = 1, LOADER_ADD_POINTER = 2, LOADER_ADD_CHECKSUM = 3 };
enum loader_zone { ZONE_ANY = 1, ZONE_RSDP = 2 };

#define COMMAND_SIZE 128

/* Offsets in tables, ACPI 5.2.6 and 5.2.9. */
enum { TABLE_LENGTH = 4, TABLE_CHECKSUM = 9, TABLE_HEADER = 36, FADT_DSDT = 40, FADT_X_DSDT = 140 };

/* Offsets in the RSDP, 5.2.5.3. */
enum { RSDP_CHECKSUM = 8, RSDP_XSDT = 24, RSDP_EXTENDED_CHECKSUM = 32, RSDP_FIRST_PART = 20 };

static void put_name(struct blob *loader, const char *name)
{
	size_t length = strlen(name);

	blob_put(loader, name, length);
	blob_put(loader, NULL, FW_CFG_NAME_SIZE - length);
}

static void put_allocate(struct blob *loader, const char *name, uint32_t alignment, enum loader_zone zone)
{
	blob_put32(loader, LOADER_ALLOCATE);
	put_name(loader, name);
	blob_put32(loader, alignment);
	blob_put8(loader, (uint8_t)zone);
	blob_align(loader, COMMAND_SIZE);
}

/* The pointer of @size bytes at @offset of file @name counts from the begin of the tables. */
static void put_pointer(struct blob *loader, const char *name, size_t offset, uint8_t size)
{
	blob_put32(loader, LOADER_ADD_POINTER);
	put_name(loader, name);
	put_name(loader, ACPI_FILE_TABLES);
	blob_put32(loader, (uint32_t)offset);
	blob_put8(loader, size);
	blob_align(loader, COMMAND_SIZE);
}

/* Firmware adds up what is there, so the byte it fills in is 0 before. */
static void put_checksum(struct blob *loader, const char *name, struct blob *file, size_t offset,
			 size_t start, size_t length)
{
	blob_set8(file, offset, 0);
	blob_put32(loader, LOADER_ADD_CHECKSUM);
	put_name(loader, name);
	blob_put32(loader, (uint32_t)offset);
	blob_put32(loader, (uint32_t)start);
	blob_put32(loader, (uint32_t)length);
	blob_align(loader, COMMAND_SIZE);
}

static uint32_t get32(const struct blob *blob, size_t offset)
{
	const uint8_t *p = blob->data + offset;

	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_table_checksum(struct acpi_files *files, size_t table)
{
	put_checksum(&files->loader, ACPI_FILE_TABLES, &files->tables, table + TABLE_CHECKSUM, table,
		     get32(&files->tables, table + TABLE_LENGTH));
}

static void put_table(struct acpi_files *files, size_t table)
{
	if (memcmp(files->tables.data + table, "FACP", 4) != 0)
		return;
	put_pointer(&files->loader, ACPI_FILE_TABLES, table + FADT_DSDT, 4);
	put_pointer(&files->loader, ACPI_FILE_TABLES, table + FADT_X_DSDT, 8);
	put_table_checksum(files, table);
}

/* The XSDT is the first table, and only the FADT points to another. */
static void put_script(struct acpi_files *files)
{
	struct blob *loader = &files->loader, *rsdp = &files->rsdp, *tables = &files->tables;
	size_t end = get32(tables, TABLE_LENGTH);

	put_allocate(loader, ACPI_FILE_RSDP, 16, ZONE_RSDP);
	put_allocate(loader, ACPI_FILE_TABLES, 64, ZONE_ANY);
	for (size_t entry = TABLE_HEADER; entry < end; entry += 8) {
		put_pointer(loader, ACPI_FILE_TABLES, entry, 8);
		put_table(files, get32(tables, entry));
	}
	put_table_checksum(files, 0);
	put_pointer(loader, ACPI_FILE_RSDP, RSDP_XSDT, 8);
	put_checksum(loader, ACPI_FILE_RSDP, rsdp, RSDP_CHECKSUM, 0, RSDP_FIRST_PART);
	put_checksum(loader, ACPI_FILE_RSDP, rsdp, RSDP_EXTENDED_CHECKSUM, 0, ACPI_RSDP_SIZE);
}

/*
 * In the files pointers count from the begin of the tables.  EDK2 looks for the FADT before it has placed
 * the tables and takes an RSDT that is not there for one at 0: it finds the XSDT there.
 */
int acpi_files_build(struct acpi_files *files, const struct platform *platform)
{
	struct blob all = { 0 };
	int error = acpi_build(&all, -(uint64_t)ACPI_FIRST_TABLE, platform);

	*files = (struct acpi_files){ 0 };
	if (!error) {
		blob_put(&files->rsdp, all.data, ACPI_RSDP_SIZE);
		blob_put(&files->tables, all.data + ACPI_FIRST_TABLE, all.size - ACPI_FIRST_TABLE);
		if (!files->rsdp.failed && !files->tables.failed)
			put_script(files);
		if (files->rsdp.failed || files->tables.failed || files->loader.failed)
			error = -ENOMEM;
	}
	blob_destroy(&all);
	return error;
}

void acpi_files_destroy(struct acpi_files *files)
{
	blob_destroy(&files->rsdp);
	blob_destroy(&files->tables);
	blob_destroy(&files->loader);
}
