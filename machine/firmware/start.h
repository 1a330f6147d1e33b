/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Direct start: kernel, initrd and the tables that firmware would have left are put into RAM, and the
 * cores begin in a few instructions of ours that enter the kernel.
 */
#ifndef BIXI_FIRMWARE_START_H
#define BIXI_FIRMWARE_START_H

#include <stdint.h>

#include "machine/bus/bus.h"
#include "machine/firmware/image.h"

struct boot_request {
	const char *kernel;   /* path */
	const char *initrd;   /* path; NULL: none */
	const char *cmdline;  /* NULL: empty */
	unsigned cpus;	      /* 1 to CPU_MAX */
	const char *cpu_name; /* "Loongson-3A5000"; NULL: that */
	const uint8_t *seed;  /* PLATFORM_SEED_SIZE bytes for the guest's entropy pool; NULL: none */
	unsigned virtio_mmio; /* virtio devices off PCI */
};

struct boot_layout {
	uint64_t kernel_entry; /* physical addresses */
	uint64_t cmdline, system_table;
	uint64_t initrd, initrd_size;
	uint64_t fdt, acpi, smbios, memmap;
	const char *kernel_format; /* for messages: "EFI zboot" */
	uint8_t boot_rom[256];	   /* position independent: what every core executes after reset */
	size_t boot_rom_size;
};

/*
 * Prepares RAM for a start; the machine is stopped.  The caller puts the boot ROM where the cores start.
 * To be called again at each reset (files are read anew).  0, or a negative errno and a sentence in @error
 * (IMAGE_ERROR_SIZE bytes); RAM may have been written then.
 */
int firmware_start(const struct bus *bus, const struct boot_request *request, struct boot_layout *layout,
		   char *error);

#endif
