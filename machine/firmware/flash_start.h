/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Start from flash: all cores begin in a firmware's code, which finds the device tree at PLATFORM_FDT and
 * everything else (kernel, ACPI tables, SMBIOS) by fw_cfg.  The flash banks and fw_cfg are there only then.
 */
#ifndef BIXI_FIRMWARE_FLASH_START_H
#define BIXI_FIRMWARE_FLASH_START_H

#include "machine/board/machine.h"
#include "machine/firmware/flash.h"
#include "machine/firmware/fw_cfg.h"
#include "machine/firmware/start.h"

struct flash_start {
	struct machine *machine;
	const struct boot_request *boot; /* kernel NULL: none */
	struct fw_cfg fw_cfg;
	struct flash code, vars;
};

/*
 * Adds fw_cfg and both banks of flash to @machine, with the firmware in file @code and variables that are
 * kept in file @vars (NULL: in memory only); @vars and @boot are kept.  0, or a negative errno and
 * a sentence in @error (IMAGE_ERROR_SIZE bytes).  On success the caller owes flash_start_destroy() after the
 * machine has run.
 */
int flash_start_create(struct flash_start **start, struct machine *machine, const char *code,
		       const char *vars, const struct boot_request *boot, char *error);
void flash_start_destroy(struct flash_start *start);

/*
 * Puts the device tree into RAM and the rest into fw_cfg; the machine is stopped.  To be called again at each
 * reset (kernel and initrd are read anew).  As firmware_start().
 */
int flash_start_load(struct flash_start *start, char *error);

#endif
