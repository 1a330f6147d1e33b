/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The ACPI tables of the virt machine. */
#ifndef BIXI_FIRMWARE_ACPI_H
#define BIXI_FIRMWARE_ACPI_H

#include "machine/firmware/blob.h"
#include "machine/firmware/platform.h"

/* Where the tables begin behind the RSDP; the first is the XSDT. */
#define ACPI_RSDP_SIZE	 36
#define ACPI_FIRST_TABLE 48

/*
 * Writes all tables, to be placed at guest-physical @address, into the empty @blob; the RSDP comes
 * first.  0 or -ENOMEM.
 */
int acpi_build(struct blob *blob, uint64_t address, const struct platform *platform);

/* fw_cfg files: the RSDP, all tables, and what firmware is to do with them. */
#define ACPI_FILE_RSDP	 "etc/acpi/rsdp"
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_LOADER "etc/table-loader"

struct acpi_files {
	struct blob rsdp, tables, loader;
};

/*
 * Makes the three files for firmware that places the tables itself.  0 or -ENOMEM; in both cases the caller
 * owes acpi_files_destroy().
 */
int acpi_files_build(struct acpi_files *files, const struct platform *platform);
void acpi_files_destroy(struct acpi_files *files);

#endif
