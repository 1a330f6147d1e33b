/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * ACPI tables, after the ACPI specification 6.5 (chapter 5) and what Linux's arch/loongarch/kernel/acpi.c
 * takes from them.  The DSDT comes from dsdt.asl; what varies, processors and virtio devices
 * off PCI, is in an SSDT written here.
 */
#include "machine/firmware/acpi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dsdt.h"

#define HEADER_LENGTH	4 /* offsets in a table's header */
#define HEADER_CHECKSUM 9
#define OEM_ID		"BIXI  "
#define OEM_TABLE_ID	"BIXIVIRT"
#define CREATOR_ID	"BIXI"

enum address_space { SPACE_MEMORY = 0 };
enum access_size { ACCESS_BYTE = 1 };

/* Generic address structure, 5.2.3.2: @bits wide, accessed bytewise. */
static void put_address(struct blob *blob, uint64_t address, uint8_t bits)
{
	blob_put8(blob, SPACE_MEMORY);
	blob_put8(blob, bits);
	blob_put8(blob, 0);
	blob_put8(blob, ACCESS_BYTE);
	blob_put64(blob, address);
}

/* Begins a table; returns its offset for table_end(). */
static size_t table_begin(struct blob *blob, const char *signature, uint8_t revision)
{
	size_t table = blob_align(blob, 16);

	blob_put(blob, signature, 4);
	blob_put32(blob, 0); /* length */
	blob_put8(blob, revision);
	blob_put8(blob, 0); /* checksum */
	blob_put(blob, OEM_ID, 6);
	blob_put(blob, OEM_TABLE_ID, 8);
	blob_put32(blob, 1);
	blob_put(blob, CREATOR_ID, 4);
	blob_put32(blob, 1);
	return table;
}

static void set_checksum(struct blob *blob, size_t table, size_t length)
{
	blob_set8(blob, table + HEADER_CHECKSUM, 0);
	blob_set8(blob, table + HEADER_CHECKSUM, blob_checksum(blob, table, length));
}

static void table_end(struct blob *blob, size_t table)
{
	size_t length = blob->size - table;

	blob_set32(blob, table + HEADER_LENGTH, (uint32_t)length);
	set_checksum(blob, table, length);
}

static size_t put_dsdt(struct blob *blob)
{
	size_t table = blob_align(blob, 16);

	blob_put(blob, dsdt_aml, sizeof(dsdt_aml));
	return table;
}

/* An AML package length that counts itself: always written in two bytes, enough for 4 KiB. */
static void set_package_length(struct blob *blob, size_t at)
{
	size_t length = blob->size - at;

	blob_set8(blob, at, (uint8_t)(0x40 | (length & 15)));
	blob_set8(blob, at + 1, (uint8_t)(length >> 4));
}

/* Begins Device (@name) { Name (_HID, @hid) Name (_UID, @uid); returns where its length is. */
static size_t device_begin(struct blob *blob, const char *name, const char *hid, unsigned uid)
{
	size_t device;

	blob_put(blob, "\x5b\x82", 2); /* DeviceOp */
	device = blob_put16(blob, 0);
	blob_put(blob, name, 4);
	blob_put(blob, "\x08_HID\x0d", 6); /* NameOp, StringPrefix */
	blob_put(blob, hid, strlen(hid) + 1);
	blob_put(blob, "\x08_UID\x0a", 6); /* NameOp, BytePrefix */
	blob_put8(blob, (uint8_t)uid);
	return device;
}

/* A memory-mapped virtio device: Name (_CCA, 1) and a _CRS with its registers and its interrupt. */
static void put_virtio_mmio(struct blob *blob, unsigned slot)
{
	enum { MEMORY32_FIXED = 0x86, WRITABLE = 1, INTERRUPT = 0x89, CONSUMER = 1, END_TAG = 0x79 };
	enum { RESOURCES_SIZE = 12 + 9 + 2 };
	char name[8];
	size_t device;

	snprintf(name, sizeof(name), "VR%02X", slot & 0xff);
	device = device_begin(blob, name, "LNRO0005", slot);
	blob_put(blob, "\x08_CCA\x01", 6);
	blob_put(blob, "\x08_CRS\x11", 6); /* NameOp, BufferOp */
	blob_put8(blob, RESOURCES_SIZE + 3);
	blob_put(blob, "\x0a", 1);
	blob_put8(blob, RESOURCES_SIZE);
	blob_put8(blob, MEMORY32_FIXED);
	blob_put16(blob, 9);
	blob_put8(blob, WRITABLE);
	blob_put32(blob, (uint32_t)PLATFORM_MMIO + slot * PLATFORM_MMIO_SLOT_SIZE);
	blob_put32(blob, PLATFORM_MMIO_SLOT_SIZE);
	blob_put8(blob, INTERRUPT);
	blob_put16(blob, 6);
	blob_put8(blob, CONSUMER); /* level, active high */
	blob_put8(blob, 1);
	blob_put32(blob, PLATFORM_GSI_BASE + PLATFORM_PIN_MMIO + slot);
	blob_put8(blob, END_TAG);
	blob_put8(blob, 0);
	set_package_length(blob, device);
}

/* Scope (\_SB) with Device (Cnnn) for every processor and Device (VRnn) for memory-mapped virtio */
static void put_ssdt(struct blob *blob, const struct platform *platform, uint64_t dsdt)
{
	size_t table = table_begin(blob, "SSDT", 2);
	size_t scope;

	blob_put8(blob, 0x10); /* ScopeOp */
	scope = blob_put16(blob, 0);
	blob_put(blob, "\\_SB_", 5);
	for (unsigned i = 0; i < platform->cpus; i++) {
		char name[8];
		size_t device;

		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		device = device_begin(blob, name, "ACPI0007", i);
		set_package_length(blob, device);
	}
	for (unsigned i = 0; i < platform->virtio_mmio; i++)
		put_virtio_mmio(blob, i);
	set_package_length(blob, scope);
	table_end(blob, table);
}

/* 5.2.9; no fixed hardware, so most of it is 0. */
static void put_fadt(struct blob *blob, const struct platform *platform, uint64_t dsdt)
{
	enum {
		WBINVD = 1 << 0,
		POWER_BUTTON_IS_DEVICE = 1 << 4,
		SLEEP_BUTTON_IS_DEVICE = 1 << 5,
		RESET_REGISTER = 1 << 10,
		HARDWARE_REDUCED = 1 << 20,
	};
	enum { PROFILE_DESKTOP = 1 };
	enum { FADT_DSDT = 40, FADT_PROFILE = 45, FADT_FLAGS = 112, FADT_X_DSDT = 140, FADT_SLEEP = 244 };
	size_t table = table_begin(blob, "FACP", 6);

	blob_put(blob, NULL, FADT_FLAGS - (blob->size - table));
	blob_set32(blob, table + FADT_DSDT, (uint32_t)dsdt);
	blob_set8(blob, table + FADT_PROFILE, PROFILE_DESKTOP);
	blob_put32(blob, WBINVD | POWER_BUTTON_IS_DEVICE | SLEEP_BUTTON_IS_DEVICE | RESET_REGISTER |
				 HARDWARE_REDUCED);
	put_address(blob, PLATFORM_GED_RESET, 8);
	blob_put8(blob, PLATFORM_RESET_VALUE);
	blob_put16(blob, 0);
	blob_put8(blob, 5); /* minor revision */
	blob_put(blob, NULL, FADT_SLEEP - (blob->size - table));
	blob_set64(blob, table + FADT_X_DSDT, dsdt);
	put_address(blob, PLATFORM_GED_SLEEP_CONTROL, 8);
	put_address(blob, PLATFORM_GED_SLEEP_STATUS, 8);
	blob_put(blob, "BIXI\0\0\0", 8); /* hypervisor vendor */
	table_end(blob, table);
}

/* 5.2.12: one CORE_PIC a processor, then the interrupt controllers. */
static void put_madt(struct blob *blob, const struct platform *platform, uint64_t dsdt)
{
	enum { CORE_PIC = 17, EIO_PIC = 20, MSI_PIC = 21, BIO_PIC = 22 };
	enum { CORE_ENABLED = 1, EIO_CASCADE = 3 /* HWI1 */, MSI_FIRST = 64, MSI_COUNT = 192 };
	size_t table = table_begin(blob, "APIC", 6);

	blob_put32(blob, 0); /* local controllers have no memory address */
	blob_put32(blob, 0);
	for (unsigned i = 0; i < platform->cpus; i++) {
		blob_put8(blob, CORE_PIC);
		blob_put8(blob, 15);
		blob_put8(blob, 1);
		blob_put32(blob, i); /* _UID */
		blob_put32(blob, i); /* CSR.CPUID */
		blob_put32(blob, CORE_ENABLED);
	}
	blob_put8(blob, EIO_PIC);
	blob_put8(blob, 13);
	blob_put8(blob, 1);
	blob_put8(blob, EIO_CASCADE);
	blob_put8(blob, 0);	  /* node */
	blob_put64(blob, 0xffff); /* nodes whose cores it serves */

	blob_put8(blob, MSI_PIC);
	blob_put8(blob, 19);
	blob_put8(blob, 1);
	blob_put64(blob, PLATFORM_PCH_MSI);
	blob_put32(blob, MSI_FIRST);
	blob_put32(blob, MSI_COUNT);

	blob_put8(blob, BIO_PIC);
	blob_put8(blob, 17);
	blob_put8(blob, 1);
	blob_put64(blob, PLATFORM_PCH_PIC);
	blob_put16(blob, 0x1000);
	blob_put16(blob, 0); /* identifier */
	blob_put16(blob, PLATFORM_GSI_BASE);
	table_end(blob, table);
}

/* 5.2.30: one package of single-threaded cores. */
static void put_pptt(struct blob *blob, const struct platform *platform, uint64_t dsdt)
{
	enum { PACKAGE = 1 << 0, ID_VALID = 1 << 1, LEAF = 1 << 3, IDENTICAL = 1 << 4 };
	size_t table = table_begin(blob, "PPTT", 2);
	uint32_t package = (uint32_t)(blob->size - table);

	for (unsigned i = 0; i <= platform->cpus; i++) {
		blob_put8(blob, 0); /* processor hierarchy node */
		blob_put8(blob, 20);
		blob_put16(blob, 0);
		blob_put32(blob, i ? ID_VALID | LEAF : PACKAGE | IDENTICAL);
		blob_put32(blob, i ? package : 0); /* parent */
		blob_put32(blob, i ? i - 1 : 0);   /* _UID */
		blob_put32(blob, 0);		   /* caches: CPUCFG tells them */
	}
	table_end(blob, table);
}

/* 5.2.16: everything is in one node. */
static void put_srat(struct blob *blob, const struct platform *platform, uint64_t dsdt)
{
	enum { LOCAL_APIC = 0, MEMORY = 1, ENABLED = 1 };
	size_t table = table_begin(blob, "SRAT", 3);

	blob_put32(blob, 1);
	blob_put64(blob, 0);
	for (unsigned i = 0; i < platform->cpus; i++) {
		blob_put8(blob, LOCAL_APIC);
		blob_put8(blob, 16);
		blob_put8(blob, 0);	     /* proximity domain */
		blob_put8(blob, (uint8_t)i); /* CSR.CPUID */
		blob_put32(blob, ENABLED);
		blob_put64(blob, 0);
	}
	for (unsigned i = 0; i < platform->ram_count; i++) {
		blob_put8(blob, MEMORY);
		blob_put8(blob, 40);
		blob_put32(blob, 0);
		blob_put16(blob, 0);
		blob_put64(blob, platform->ram[i].base);
		blob_put64(blob, platform->ram[i].size);
		blob_put32(blob, 0);
		blob_put32(blob, ENABLED);
		blob_put64(blob, 0);
	}
	table_end(blob, table);
}

/* PCI firmware specification 3.0, 4.1.2 */
static void put_mcfg(struct blob *blob, const struct platform *platform, uint64_t dsdt)
{
	size_t table = table_begin(blob, "MCFG", 1);

	blob_put64(blob, 0);
	blob_put64(blob, PLATFORM_ECAM);
	blob_put16(blob, 0); /* segment */
	blob_put8(blob, 0);
	blob_put8(blob, PLATFORM_PCI_BUS_LAST);
	blob_put32(blob, 0);
	table_end(blob, table);
}

/* Serial Port Console Redirection Table, revision 2 */
static void put_spcr(struct blob *blob, const struct platform *platform, uint64_t dsdt)
{
	enum { TYPE_16550 = 0, INTERRUPT_IOAPIC = 1 << 1, BAUD_115200 = 7, STOP_1 = 1, TERMINAL_ANSI = 3 };
	static const uint32_t uart[PLATFORM_UARTS] = PLATFORM_UART_ADDRESSES;
	size_t table = table_begin(blob, "SPCR", 2);

	blob_put8(blob, TYPE_16550);
	blob_put(blob, NULL, 3);
	put_address(blob, uart[0], 8);
	blob_put8(blob, INTERRUPT_IOAPIC);
	blob_put8(blob, 0);
	blob_put32(blob, PLATFORM_GSI_BASE + PLATFORM_PIN_UART);
	blob_put8(blob, BAUD_115200);
	blob_put8(blob, 0); /* parity */
	blob_put8(blob, STOP_1);
	blob_put8(blob, 0); /* flow control */
	blob_put8(blob, TERMINAL_ANSI);
	blob_put8(blob, 0);
	blob_put16(blob, 0xffff); /* no PCI device */
	blob_put16(blob, 0xffff);
	blob_put(blob, NULL, 3); /* bus, device, function */
	blob_put32(blob, 0);
	blob_put8(blob, 0);
	blob_put32(blob, 0);
	table_end(blob, table);
}

static void put_rsdp(struct blob *blob)
{
	blob_put(blob, "RSD PTR ", 8);
	blob_put8(blob, 0); /* checksum of the first 20 bytes */
	blob_put(blob, OEM_ID, 6);
	blob_put8(blob, 2);  /* revision */
	blob_put32(blob, 0); /* no RSDT */
	blob_put32(blob, 36);
	blob_put64(blob, 0); /* XSDT */
	blob_put8(blob, 0);  /* checksum of all */
	blob_put(blob, NULL, 3);
}

static void set_rsdp(struct blob *blob, uint64_t xsdt)
{
	blob_set64(blob, 24, xsdt);
	blob_set8(blob, 8, blob_checksum(blob, 0, 20));
	blob_set8(blob, 32, blob_checksum(blob, 0, 36));
}

/* What the XSDT lists, in its order. */
static void (*const tables[])(struct blob *blob, const struct platform *platform, uint64_t dsdt) = {
	put_fadt, put_madt, put_pptt, put_srat, put_mcfg, put_spcr, put_ssdt,
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

int acpi_build(struct blob *blob, uint64_t address, const struct platform *platform)
{
	size_t xsdt, entry, dsdt;

	put_rsdp(blob);
	xsdt = table_begin(blob, "XSDT", 1);
	entry = blob_put(blob, NULL, TABLE_COUNT * 8);
	table_end(blob, xsdt);
	dsdt = put_dsdt(blob);
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		blob_set64(blob, entry + 8 * i, address + blob_align(blob, 16));
		tables[i](blob, platform, address + dsdt);
	}
	set_checksum(blob, xsdt, entry + TABLE_COUNT * 8 - xsdt);
	set_rsdp(blob, address + xsdt);
	return blob->failed ? -ENOMEM : 0;
}
