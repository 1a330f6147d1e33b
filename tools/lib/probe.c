/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What is taken: memory from /proc/iomem, CPUs from /proc/cpuinfo, the interrupt controllers from ACPI's MADT
 * and the PCI configuration space from MCFG (ACPI 6.5, 5.2.12, and the PCI firmware specification).
 *
 * On Loongson computers all between the low memory's 256 MiB and 2 GiB is devices'; Linux's list has only
 * those with a driver, so all of it is given to root.
 */
#include "tools/lib/probe.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_BEGIN UINT64_C(0x10000000)
#define DEVICES_END   UINT64_C(0x80000000)
#define PAGE	      UINT64_C(0x4000)
#define RANGES_MAX    64
#define VECTORS	      256 /* of the extended I/O interrupt controller */

struct range {
	uint64_t begin, end; /* end: the byte behind */
};

struct probe {
	struct range ram[RANGES_MAX], mmio[RANGES_MAX];
	unsigned ram_count, mmio_count;
	uint64_t cpus; /* bits */
	uint64_t pch_pic, msi, ecam;
	uint32_t msi_first, msi_count; /* vectors of messages */
	unsigned end_bus, nodes;
};

static void print(struct blob *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct blob *text, const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	blob_append(text, line, strlen(line));
}

static int read_file(const char *root, const char *name, struct blob *file, struct error *error)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return blob_read_file(file, path, BLOB_FILE_MAX, error);
}

/* Ranges come in ascending order; firmware's pieces between two of RAM were memory, too. */
static void add_ram(struct probe *probe, uint64_t begin, uint64_t end)
{
	struct range *last = probe->ram_count ? &probe->ram[probe->ram_count - 1] : NULL;
	bool same_side = last && (last->begin < DEVICES_BEGIN) == (begin < DEVICES_BEGIN);

	begin = begin < DEVICES_BEGIN ? 0 : begin / PAGE * PAGE;
	end = (end + PAGE - 1) / PAGE * PAGE;
	if (same_side && (begin < DEVICES_BEGIN || begin - last->end < (UINT64_C(16) << 20)))
		last->end = end;
	else if (probe->ram_count < RANGES_MAX)
		probe->ram[probe->ram_count++] = (struct range){ begin, end };
}

static void add_mmio(struct probe *probe, uint64_t begin, uint64_t end)
{
	begin = begin / PAGE * PAGE;
	end = (end + PAGE - 1) / PAGE * PAGE;
	if (end > DEVICES_END && probe->mmio_count < RANGES_MAX)
		probe->mmio[probe->mmio_count++] =
			(struct range){ begin < DEVICES_END ? DEVICES_END : begin, end };
}

/* Lines that are not indented: what is in them is part of them. */
static int probe_iomem(struct probe *probe, const char *root, struct error *error)
{
	struct blob file;
	char *rest, *line;

	if (read_file(root, "proc/iomem", &file, error))
		return -1;
	for (line = strtok_r((char *)file.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long begin, last;
		char name[64];

		if (*line == ' ' || sscanf(line, "%llx-%llx : %63[^\n]", &begin, &last, name) != 3)
			continue;
		if (strcmp(name, "System RAM") == 0 || (strcmp(name, "Reserved") == 0 && probe->ram_count))
			add_ram(probe, begin, last + 1);
		else
			add_mmio(probe, begin, last + 1);
	}
	blob_free(&file);
	if (!probe->ram_count || probe->ram[probe->ram_count - 1].end <= PAGE)
		return error_set(error, "%s/proc/iomem shows no addresses: root alone sees them", root);
	return 0;
}

static int probe_cpus(struct probe *probe, const char *root, struct error *error)
{
	struct blob file;
	const char *at, *key;
	unsigned n;

	if (read_file(root, "proc/cpuinfo", &file, error))
		return -1;
	/* Configurations have the processor's own numbers, from which Linux's may differ. */
	key = strstr((const char *)file.data, "\nglobal_id\t") ? "global_id\t" : "processor\t";
	for (at = (const char *)file.data; (at = strstr(at, key)); at++) {
		if (sscanf(at, "%*s%*[ \t:]%u", &n) == 1 && n < 64)
			probe->cpus |= UINT64_C(1) << n;
	}
	blob_free(&file);
	return probe->cpus ? 0 : error_set(error, "%s/proc/cpuinfo names no processor", root);
}

static uint64_t load(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

/* MADT: header of 36 bytes, 8 more, then entries of type and length. */
static int probe_madt(struct probe *probe, const char *root, struct error *error)
{
	enum { MADT_EIO_PIC = 20, MADT_MSI_PIC = 21, MADT_BIO_PIC = 22 };
	struct blob table;

	if (read_file(root, "sys/firmware/acpi/tables/APIC", &table, error))
		return -1;
	for (size_t at = 44; at + 2 <= table.size && table.data[at + 1] >= 2; at += table.data[at + 1]) {
		const uint8_t *entry = table.data + at;
		uint8_t type = entry[0], length = entry[1];

		if (at + length > table.size)
			break;
		if (type == MADT_EIO_PIC) {
			probe->nodes++;
		} else if (type == MADT_MSI_PIC && length >= 19 && !probe->msi) {
			probe->msi = load(entry + 3, 8);
			probe->msi_first = (uint32_t)load(entry + 11, 4);
			probe->msi_count = (uint32_t)load(entry + 15, 4);
		} else if (type == MADT_BIO_PIC && length >= 11 && !probe->pch_pic) {
			probe->pch_pic = load(entry + 3, 8);
		}
	}
	blob_free(&table);
	if (probe->msi && (!probe->msi_count || probe->msi_first >= VECTORS ||
			   probe->msi_count > VECTORS - probe->msi_first))
		return error_set(error,
				 "ACPI's table APIC has %u vectors of messages from %u on: there are %u",
				 probe->msi_count, probe->msi_first, VECTORS);
	if (!probe->pch_pic)
		return error_set(error, "ACPI's table APIC names no controller of the bridge (PCH-PIC)");
	return 0;
}

/* A computer without PCI has no MCFG. */
static void probe_mcfg(struct probe *probe, const char *root)
{
	struct blob table;
	struct error error;

	if (read_file(root, "sys/firmware/acpi/tables/MCFG", &table, &error))
		return;
	if (table.size >= 44 + 16) {
		probe->ecam = load(table.data + 44, 8);
		probe->end_bus = table.data[44 + 11];
	}
	blob_free(&table);
}

static void print_region(struct blob *text, const struct range *range, const char *flags)
{
	uint64_t size = range->end - range->begin;

	if (size % (1 << 20) == 0)
		print(text, "    - { phys: 0x%llx, size: %lluM, flags: [%s] }\n",
		      (unsigned long long)range->begin, (unsigned long long)size >> 20, flags);
	else
		print(text, "    - { phys: 0x%llx, size: 0x%llx, flags: [%s] }\n",
		      (unsigned long long)range->begin, (unsigned long long)size, flags);
}

static void print_cpus(struct blob *text, uint64_t cpus)
{
	const char *separator = "";

	print(text, "  cpus: [");
	for (unsigned n = 0; n < 64; n++) {
		unsigned first = n;

		if (!(cpus >> n & 1))
			continue;
		while (n < 63 && cpus >> (n + 1) & 1)
			n++;
		print(text, first == n ? "%s%u" : "%s%u-%u", separator, first, n);
		separator = ", ";
	}
	print(text, "]\n");
}

static void print_system(const struct probe *probe, struct blob *text)
{
	print(text, "# Made by \"bixi-cell config create\" from what Linux says of this computer.\n");
	print(text, "architecture: loongarch64\n\nsystem:\n");
	print(text, "  # Reserved from Linux when the hypervisor is enabled.\n");
	print(text, "  hypervisor-memory: { phys: auto, size: 32M }\n");
	if (probe->ecam)
		print(text, "  pci: { mmconfig-base: 0x%llx, end-bus: %u }\n",
		      (unsigned long long)probe->ecam, probe->end_bus);
	print(text,
	      "  loongarch:\n    node-count: %u\n    extioi-iocsr-base: 0x1400\n    pch-pic-base: 0x%llx\n",
	      probe->nodes ? probe->nodes : 1, (unsigned long long)probe->pch_pic);
	if (probe->msi)
		print(text, "    pch-msi-base: 0x%llx\n    pch-msi-doorbell: 0x%llx\n",
		      (unsigned long long)probe->msi, (unsigned long long)probe->msi);
	print(text, "\ncell:\n  name: root\n");
	print_cpus(text, probe->cpus);
	print(text, "  memory:\n    # RAM\n");
	for (unsigned i = 0; i < probe->ram_count; i++)
		print_region(text, &probe->ram[i], "read, write, execute, dma");
	print(text, "    # Devices: all that is between the low and the high memory, and what Linux uses "
		    "elsewhere.\n");
	print_region(text, &(struct range){ DEVICES_BEGIN, DEVICES_END }, "read, write, io");
	for (unsigned i = 0; i < probe->mmio_count; i++)
		print_region(text, &probe->mmio[i], "read, write, io");
	print(text, "  irqchips:\n    # Linux numbers the vectors of the bridge's pins from 0; those of "
		    "messages are below.\n");
	print(text, "    - { kind: extioi, pins: [0-%u] }\n", VECTORS - 1);
	print(text, "    - { kind: pch-pic, address: 0x%llx, pins: [0-63] }\n",
	      (unsigned long long)probe->pch_pic);
	if (probe->msi)
		print(text, "    - { kind: msi, address: 0x%llx, pins: [%u-%u] }\n",
		      (unsigned long long)probe->msi, probe->msi_first,
		      probe->msi_first + probe->msi_count - 1);
}

int probe_system(const char *root, struct blob *text, struct error *error)
{
	struct probe probe = { 0 };

	*text = (struct blob){ 0 };
	if (probe_iomem(&probe, root, error) || probe_cpus(&probe, root, error) ||
	    probe_madt(&probe, root, error))
		return -1;
	probe_mcfg(&probe, root);
	print_system(&probe, text);
	return 0;
}
