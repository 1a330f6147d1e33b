/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What the tables describe: the addresses and interrupt pins of the virt machine (those of QEMU 11.1's
 * virt machine), and what differs from one machine to the next.
 */
#ifndef BIXI_FIRMWARE_PLATFORM_H
#define BIXI_FIRMWARE_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/bus/bus.h"

#define PLATFORM_PCH_PIC	   0x10000000ull
#define PLATFORM_RTC		   0x100d0100ull
#define PLATFORM_GED		   0x100e0000ull /* event selector; +1c sleep control, +1d sleep status, +1e reset */
#define PLATFORM_GED_SLEEP_CONTROL (PLATFORM_GED + 0x1c)
#define PLATFORM_GED_SLEEP_STATUS  (PLATFORM_GED + 0x1d)
#define PLATFORM_GED_RESET	   (PLATFORM_GED + 0x1e)
#define PLATFORM_RESET_VALUE	   0x42
#define PLATFORM_POWEROFF_VALUE	   0x34		 /* SLP_EN | SLP_TYP 5 << 2 */
#define PLATFORM_PCI_IO		   0x18000000ull /* port 0; ports from PLATFORM_PCI_IO_FIRST up are decoded */
#define PLATFORM_PCI_IO_FIRST	   0x4000u
#define PLATFORM_PCI_IO_SIZE	   0xc000u
#define PLATFORM_FLASH0		   0x1c000000ull /* code: where all cores begin */
#define PLATFORM_FLASH1		   0x1d000000ull /* the firmware's variables */
#define PLATFORM_FW_CFG		   0x1e020000ull
#define PLATFORM_ECAM		   0x20000000ull
#define PLATFORM_ECAM_SIZE	   0x08000000ull
#define PLATFORM_PCI_BUS_LAST	   0x7f
#define PLATFORM_PCH_MSI	   0x2ff00000ull
#define PLATFORM_PCI_MEM	   0x40000000ull
#define PLATFORM_MMIO		   0x16000000ull /* virtio devices off PCI, a slot each */
#define PLATFORM_MMIO_SLOT_SIZE	   0x1000u
#define PLATFORM_PCI_MEM_SIZE	   0x40000000ull

#define PLATFORM_UARTS	    4
#define PLATFORM_UART_CLOCK 100000000u /* Hz */
#define PLATFORM_UART_ADDRESSES                                                                              \
	{                                                                                                    \
		0x1fe001e0, 0x1fe002e0, 0x1fe003e0, 0x1fe004e0                                               \
	}
#define PLATFORM_UART_SIZE 8

/* PCH-PIC pins; the ACPI global interrupt of pin n is 64 + n. */
#define PLATFORM_PIN_UART 2 /* and the next three */
#define PLATFORM_PIN_RTC  6
#define PLATFORM_PIN_PCI  16 /* and the next three */
#define PLATFORM_PIN_MMIO 24 /* and the next seven */
#define PLATFORM_GSI_BASE 64

#define PLATFORM_CPU_MHZ 2500 /* what SMBIOS says; a 3A5000 runs at 2.3 to 2.5 GHz */

#define PLATFORM_FDT	  0x100000ull /* where EDK2 and bare-metal programs look for it */
#define PLATFORM_FDT_SIZE 0x10000u    /* Linux maps that much */

struct platform {
	unsigned cpus;	      /* 1 to CPU_MAX */
	const char *cpu_name; /* "Loongson-3A5000" */
	const struct ram_range *ram;
	unsigned ram_count;
	const char *cmdline;	      /* never NULL */
	uint64_t initrd, initrd_size; /* physical address and bytes; size 0: none */
	const uint8_t *seed;	      /* PLATFORM_SEED_SIZE random bytes for the guest's entropy pool */
	bool firmware;		      /* started from flash: flash banks and fw_cfg are there */
	unsigned virtio_mmio;	      /* slots in use at PLATFORM_MMIO, at most 8 */
};

#define PLATFORM_SEED_SIZE 32

/* For messages and tables: what all tables say made them. */
#define PLATFORM_VENDOR	 "Bixi"
#define PLATFORM_PRODUCT "Bixi LoongArch64 Virtual Machine"

#endif
