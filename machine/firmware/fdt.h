/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The flattened device tree of the virt machine, for whoever does not read ACPI. */
#ifndef BIXI_FIRMWARE_FDT_H
#define BIXI_FIRMWARE_FDT_H

#include "machine/firmware/platform.h"

/* Writes the tree into the @size bytes at @buffer.  0, -ENOSPC, or -EINVAL. */
int fdt_build(void *buffer, int size, const struct platform *platform);

#endif
