/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The ACPI tables of the virt machine. */
#ifndef BIXI_FIRMWARE_ACPI_H
#define BIXI_FIRMWARE_ACPI_H

#include "machine/firmware/blob.h"
#include "machine/firmware/platform.h"

/*
 * Writes all tables, to be placed at guest-physical @address, into the empty @blob; the RSDP comes
 * first.  0 or -ENOMEM.
 */
int acpi_build(struct blob *blob, uint64_t address, const struct platform *platform);

#endif
