/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The SMBIOS 3.0 tables of the virt machine. */
#ifndef BIXI_FIRMWARE_SMBIOS_H
#define BIXI_FIRMWARE_SMBIOS_H

#include "machine/firmware/blob.h"
#include "machine/firmware/platform.h"

#define SMBIOS_ENTRY_POINT_SIZE 0x18

/*
 * Writes the entry point, then the structures, to be placed at guest-physical @address, into the empty
 * @blob.  0 or -ENOMEM.
 */
int smbios_build(struct blob *blob, uint64_t address, const struct platform *platform);

#endif
