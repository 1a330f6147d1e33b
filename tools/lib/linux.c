/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What goes where in the memory of a cell whose Linux is to be started: below 2 MiB, which Linux leaves
 * alone, the first instructions, command line, EFI system table and device tree; then the kernel, where it
 * wants to be; the initrd in the middle, as one free range of 128 MiB would be set aside for devices.
 */
#include "tools/lib/linux.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "machine/firmware/image.h"

#define GRANULE		0x10000ull
#define PARAMETERS	0x10000ull /* command line, and behind it the EFI tables */
#define TREE		0x100000ull
#define PORTS		0x120000ull
#define LOW_END		0x200000ull
#define CMDLINE_SIZE	4096 /* of Linux, with the terminator */
#define ENTRY_SIZE	32
#define INITRD_FILE_MAX (size_t)(1u << 30)
#define KERNEL_FILE_MAX (1ull << 31)
#define KERNEL_MOVE	(17ull << 20) /* beyond its own size: by how much a kernel may move itself up */
#define DEFAULT_CMDLINE "console=ttyS0"

/* UEFI 2.10, 4.3; what is 0 is not there. */
struct system_table {
	uint64_t signature;
	uint32_t revision, header_size, crc32, reserved;
	uint64_t vendor;
	uint32_t vendor_revision, padding;
	uint64_t consoles[6], runtime_services, boot_services, num_tables, tables;
};

struct parameters {
	char cmdline[CMDLINE_SIZE];
	struct system_table system;
	uint8_t tree_guid[16];
	uint64_t tree;
	uint16_t vendor[5];
};

static void add_image(struct linux_images *images, const void *source, uint64_t size, uint64_t target)
{
	images->image[images->count++] = (struct driver_image){ .source_address = (uintptr_t)source,
								.size = size,
								.target_address = target };
}

/* Instructions that set registers, and the numbers of these. */
enum { A0 = 4, A1, A2, T0 = 12 };
#define ORI(rd, rj, value) (0x03800000u | (uint32_t)(value) << 10 | (rj) << 5 | (rd))
#define LU12I(rd, value)   (0x14000000u | (uint32_t)(value) << 5 | (rd))
#define JR(rj)		   (0x4c000000u | (rj) << 5)
#define SET(rd, value)	   LU12I(rd, (value) >> 12), ORI(rd, rd, (value)&0xfff)

/* The cell's first CPU begins without arguments: they are set here.  All addresses are below 2 GiB. */
static void add_entry(struct linux_images *images, uint64_t at, uint64_t kernel_entry)
{
	const uint32_t code[] = {
		ORI(A0, 0, 1),
		SET(A1, PARAMETERS + offsetof(struct parameters, cmdline)),
		SET(A2, PARAMETERS + offsetof(struct parameters, system)),
		SET(T0, kernel_entry),
		JR(T0),
	};

	_Static_assert(sizeof(code) <= ENTRY_SIZE, "ENTRY_SIZE");
	blob_append(&images->entry, code, sizeof(code));
	add_image(images, images->entry.data, sizeof(code), at);
}

static int add_parameters(struct linux_images *images, const char *cmdline, struct error *error)
{
	static const struct parameters fixed = {
		.system = {
			.signature = 0x5453595320494249, /* "IBI SYST" */
			.revision = 2 << 16 | 100,
			.header_size = sizeof(struct system_table),
			.vendor = PARAMETERS + offsetof(struct parameters, vendor),
			.num_tables = 1,
			.tables = PARAMETERS + offsetof(struct parameters, tree_guid),
		},
		.tree_guid = { 0xd5, 0x21, 0xb6, 0xb1, 0x9c, 0xf1, 0xa5, 0x41, 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 },
		.tree = TREE,
		.vendor = { 'B', 'i', 'x', 'i' },
	};
	struct parameters *parameters = blob_extend(&images->parameters, sizeof(*parameters));

	if (strlen(cmdline) >= CMDLINE_SIZE)
		return error_set(error, "the command line has %zu characters, at most %u are possible",
				 strlen(cmdline), CMDLINE_SIZE - 1);
	*parameters = fixed;
	strcpy(parameters->cmdline, cmdline);
	parameters->system.crc32 =
		(uint32_t)crc32(0, (const uint8_t *)&parameters->system, sizeof(parameters->system));
	add_image(images, parameters, sizeof(*parameters), PARAMETERS);
	return 0;
}

/* @low and @end: where it is in memory. */
static int add_kernel(struct linux_images *images, const char *name, uint64_t ram, uint64_t *entry,
		      uint64_t *low, uint64_t *end, struct error *error)
{
	char sentence[IMAGE_ERROR_SIZE];
	struct kernel_image image;

	if (image_load(&image, name, KERNEL_FILE_MAX, sentence))
		return error_set(error, "%s", sentence);
	images->kernel = (struct blob){ image.data, image.size }; /* to be freed */
	image_extent(&image, low, end);
	*entry = image.entry;
	if (*low < LOW_END)
		return error_set(
			error,
			"kernel %s loads at 0x%llx: memory below 2 MiB is needed for what it starts with",
			name, (unsigned long long)*low);
	if (*end > ram || *entry >= ram)
		return error_set(error, "kernel %s ends at %llu MiB of memory, the cell has %llu", name,
				 (unsigned long long)(*end >> 20), (unsigned long long)(ram >> 20));
	for (unsigned i = 0; i < image.segment_count; i++)
		add_image(images, image.data + image.segment[i].offset, image.segment[i].file_size,
			  image.segment[i].address);
	return 0;
}

static int add_initrd(struct linux_images *images, const char *name, uint64_t low, uint64_t ram,
		      struct error *error)
{
	uint64_t base = ram / 2 > low ? ram / 2 : low;

	if (blob_read_file(&images->initrd, name, INITRD_FILE_MAX, error))
		return -1;
	base = (base + GRANULE - 1) & -GRANULE;
	if (!images->initrd.size)
		return error_set(error, "initrd %s is empty", name);
	if (base > ram || images->initrd.size > ram - base)
		return error_set(
			error, "initrd %s of %zu KiB does not fit beside the kernel into the cell's %llu MiB",
			name, images->initrd.size >> 10, (unsigned long long)(ram >> 20));
	add_image(images, images->initrd.data, images->initrd.size, base);
	return 0;
}

static int check_cell(const struct config_cell *cell, uint64_t *ram, struct error *error)
{
	uint64_t base, entry = cell->cpu_reset_address;

	if (cell->architecture != CONFIG_ARCH_LOONGARCH)
		return error_set(error, "cell %s is not one of LoongArch", cell->name);
	if (!linux_ram(cell, 0, &base, ram) || base || *ram <= LOW_END)
		return error_set(error, "cell %s has no memory for a Linux: it must begin at address 0",
				 cell->name);
	if (entry & 3 || entry + ENTRY_SIZE > PARAMETERS)
		return error_set(error,
				 "cell %s is entered at 0x%llx, a Linux needs an entry below 64 KiB: say "
				 "entry: 0x1000",
				 cell->name, (unsigned long long)entry);
	return 0;
}

/* As those of a bus read where no device is. */
static void add_ports(struct linux_images *images)
{
	memset(blob_extend(&images->ports, LINUX_PORTS), 0xff, LINUX_PORTS);
	add_image(images, images->ports.data, images->ports.size, PORTS);
}

int linux_prepare(struct linux_images *images, const struct linux_request *request, struct error *error)
{
	const char *cmdline = request->cmdline ? request->cmdline : DEFAULT_CMDLINE;
	struct linux_tree tree = {
		.cell = request->cell, .cmdline = cmdline, .ports = PORTS, .cpu_clock = request->cpu_clock
	};
	uint64_t ram, entry, low, end;

	*images = (struct linux_images){ 0 };
	if (check_cell(request->cell, &ram, error) || add_parameters(images, cmdline, error) ||
	    add_kernel(images, request->kernel, ram, &entry, &low, &end, error))
		return -1;
	if (request->initrd) {
		if (add_initrd(images, request->initrd, end + (end - low) + KERNEL_MOVE, ram, error))
			return -1;
		tree.initrd = images->image[images->count - 1].target_address;
		tree.initrd_size = images->initrd.size;
	}
	if (linux_tree_build(&images->tree, &tree, error))
		return -1;
	add_image(images, images->tree.data, images->tree.size, TREE);
	add_ports(images);
	add_entry(images, request->cell->cpu_reset_address, entry);
	return 0;
}

void linux_images_free(struct linux_images *images)
{
	blob_free(&images->kernel);
	blob_free(&images->initrd);
	blob_free(&images->tree);
	blob_free(&images->ports);
	blob_free(&images->parameters);
	blob_free(&images->entry);
}
