/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What EFI firmware would leave behind for a kernel: system table, configuration tables, memory map and
 * runtime services.  There are no boot services: the kernel is entered as its EFI stub would enter it.
 */
#ifndef BIXI_FIRMWARE_EFI_H
#define BIXI_FIRMWARE_EFI_H

#include "machine/firmware/blob.h"
#include "machine/firmware/platform.h"

/* EFI memory types, UEFI 7.2.1 */
enum efi_memory_type {
	EFI_RESERVED = 0,
	EFI_LOADER_CODE = 1,
	EFI_LOADER_DATA = 2,
	EFI_BOOT_SERVICES_DATA = 4,
	EFI_RUNTIME_SERVICES_CODE = 5,
	EFI_RUNTIME_SERVICES_DATA = 6,
	EFI_CONVENTIONAL_MEMORY = 7,
	EFI_ACPI_RECLAIM_MEMORY = 9,
	EFI_MEMORY_MAPPED_IO = 11,
};

#define EFI_PAGE_SIZE 4096u

/* Where the direct-mapped windows of a kernel have RAM, and uncached registers. */
#define EFI_CACHED_WINDOW   0x9000000000000000ull
#define EFI_UNCACHED_WINDOW 0x8000000000000000ull

/* A piece of memory that is in use; all of them are multiples of EFI_PAGE_SIZE. */
struct efi_region {
	uint64_t base, size;
	enum efi_memory_type type;
};

#define EFI_MAX_REGIONS 64

/* Physical addresses of what the configuration table points to. */
struct efi_tables {
	uint64_t memmap, acpi, smbios, fdt;
};

/* The content of the runtime services' page; position independent. */
void efi_runtime_code(const uint8_t **code, size_t *size);

/*
 * Writes the system table (first), runtime services table, configuration tables and what they point to
 * besides @tables, to be placed at @address, into the empty @blob.  @runtime is where the code will be.
 * 0 or -ENOMEM.
 */
int efi_build(struct blob *blob, uint64_t address, const struct platform *platform,
	      const struct efi_tables *tables, uint64_t runtime);

/*
 * Writes the memory map in the form of Linux's LINUX_EFI_BOOT_MEMMAP table: all of @platform's RAM, what
 * is in no region as free, and the registers that the runtime services use.  @region is sorted here; the
 * regions lie in RAM and do not overlap.  0 or -ENOMEM.
 */
int efi_memmap_build(struct blob *blob, const struct platform *platform, struct efi_region *region,
		     unsigned count);

#endif
