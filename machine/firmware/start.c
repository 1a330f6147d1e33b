/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Direct start: what goes where in RAM, see the README's table.  The kernel is entered as its EFI stub
 * would enter it (Linux, arch/loongarch/kernel/head.S): a0 = 1, a1 = command line, a2 = system table.
 */
#include "machine/firmware/start.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "machine/firmware/acpi.h"
#include "machine/firmware/efi.h"
#include "machine/firmware/fdt.h"
#include "machine/firmware/smbios.h"
#include "rom.h"

/* All pieces begin at multiples of this, so that kernels with pages of up to 64 KiB can map them apart. */
#define GRANULE 0x10000ull

/* The firmware's area: what is in it at which offset, one memory type a granule. */
#define AREA_PREFERRED 0x10000ull /* below the 2 MiB that Linux leaves alone */
enum area_offset {
	AREA_CMDLINE = 0,
	AREA_MEMMAP = 0x1000,
	AREA_EFI = 0x10000,
	AREA_SMBIOS = 0x18000,
	AREA_RUNTIME = 0x20000,
	AREA_ACPI = 0x30000,
	AREA_SIZE = 0x40000,
};

#define CMDLINE_SIZE 4096 /* of Linux, with the terminator */

/* A kernel with address randomization moves itself up by as much, 16 MiB and its own size at most. */
#define KERNEL_MOVE (17ull << 20)

#define GIB4	  (4ull << 30)
#define SMALL_RAM (512ull << 20) /* see place_initrd_in() */

/* Words at the end of rom.S. */
enum rom_parameter { ROM_A0, ROM_A1, ROM_A2, ROM_ENTRY, ROM_PARAMETERS };

struct start {
	const struct bus *bus;
	const struct boot_request *request;
	struct boot_layout *layout;
	char *error;
	struct kernel_image image;
	struct platform platform;
	struct efi_region region[EFI_MAX_REGIONS]; /* RAM in use */
	unsigned region_count;
	uint64_t area; /* physical address of the firmware's area */
};

static uint64_t round_up(uint64_t value)
{
	return (value + GRANULE - 1) & -GRANULE;
}

static bool is_free(const struct start *start, uint64_t base, uint64_t size,
		    const struct efi_region **conflict)
{
	for (unsigned i = 0; i < start->region_count; i++) {
		const struct efi_region *used = &start->region[i];

		if (base < used->base + used->size && used->base < base + size) {
			*conflict = used;
			return false;
		}
	}
	return true;
}

static void reserve(struct start *start, uint64_t base, uint64_t size, enum efi_memory_type type)
{
	start->region[start->region_count++] = (struct efi_region){ base, size, type };
}

/* The highest free place in [low, end) for @size bytes. */
static bool place_in(const struct start *start, uint64_t low, uint64_t end, uint64_t size, uint64_t *base)
{
	const struct efi_region *conflict;

	while (low <= end && size <= end - low) {
		*base = (end - size) & -GRANULE;
		if (*base < low)
			break;
		if (is_free(start, *base, size, &conflict))
			return true;
		end = conflict->base;
	}
	return false;
}

/* Anywhere: below 4 GiB if possible (some kernels reach no further at first), low RAM last. */
static bool place(const struct start *start, uint64_t size, uint64_t *base)
{
	for (unsigned i = start->bus->range_count; i-- > 0;) {
		const struct ram_range *range = &start->bus->range[i];
		uint64_t end = range->base + range->size, split = end < GIB4 ? end : GIB4;

		if (place_in(start, range->base, split, size, base) ||
		    (end > GIB4 && place_in(start, GIB4, end, size, base)))
			return true;
	}
	return false;
}

static bool place_preferring(const struct start *start, uint64_t preferred, uint64_t size, uint64_t *base)
{
	const struct efi_region *conflict;

	*base = preferred;
	if (bus_ram(start->bus, preferred, size) && is_free(start, preferred, size, &conflict))
		return true;
	return place(start, size, base);
}

/* Segments in address order, rounded out to granules and joined where they then touch. */
static void reserve_kernel(struct start *start)
{
	for (unsigned i = 0; i < start->image.segment_count; i++) {
		const struct image_segment *segment = &start->image.segment[i];
		uint64_t base = segment->address & -GRANULE, end = round_up(segment->address + segment->size);
		const struct efi_region *conflict;

		while (!is_free(start, base, end - base, &conflict)) {
			uint64_t conflict_end = conflict->base + conflict->size;

			base = conflict->base < base ? conflict->base : base;
			end = conflict_end > end ? conflict_end : end;
			start->region[conflict - start->region] = start->region[--start->region_count];
		}
		reserve(start, base, end - base, EFI_LOADER_CODE);
	}
}

static int load_kernel(struct start *start)
{
	const char *path = start->request->kernel;
	int error = image_load(&start->image, path, start->bus->ram_size, start->error);

	if (error)
		return error;
	error = image_check_ram(&start->image, path, start->bus, start->error);
	if (error)
		return error;
	image_copy(&start->image, start->bus);
	reserve_kernel(start);
	start->layout->kernel_entry = start->image.entry;
	start->layout->kernel_format = start->image.format;
	return 0;
}

static int no_room(struct start *start, const char *what, uint64_t size)
{
	return error_sentence(start->error, -ENOMEM,
			      "%s of %" PRIu64
			      " KiB does not fit beside the kernel into the machine's %" PRIu64
			      " MiB of RAM: give it more with -m",
			      what, (size + 1023) >> 10, start->bus->ram_size >> 20);
}

/*
 * In a small machine, from the middle of low RAM: with one free range of 128 MiB Debian's kernel would set it
 * aside as contiguous memory for devices and then starve.
 */
static bool place_initrd_in(struct start *start, uint64_t size)
{
	if (start->bus->ram_size < SMALL_RAM)
		return place_preferring(start, (start->bus->range[0].size / 2) & -GRANULE, size,
					&start->platform.initrd);
	return place(start, size, &start->platform.initrd);
}

/* If there is room, the place is clear of where the kernel may move itself. */
static bool place_initrd(struct start *start, uint64_t size)
{
	unsigned count = start->region_count;
	uint64_t low, end;
	bool placed;

	image_extent(&start->image, &low, &end);
	reserve(start, end, end - low + KERNEL_MOVE, EFI_RESERVED);
	placed = place_initrd_in(start, size);
	start->region_count = count;
	return placed || place(start, size, &start->platform.initrd);
}

static int fill_initrd(struct start *start, int fd, uint64_t size)
{
	const char *path = start->request->initrd;
	uint64_t base;

	if (!size)
		return error_sentence(start->error, -EINVAL, "initrd %s is empty", path);
	if (!place_initrd(start, size))
		return no_room(start, path, size);
	base = start->platform.initrd;
	start->platform.initrd_size = size;
	reserve(start, base, round_up(size), EFI_LOADER_DATA);
	return file_fill(fd, path, "initrd", bus_ram(start->bus, base, size), size, start->error);
}

static int load_initrd(struct start *start)
{
	uint64_t size;
	int fd, error;

	if (!start->request->initrd)
		return 0;
	fd = file_open(start->request->initrd, "initrd", start->bus->ram_size, &size, start->error);
	if (fd < 0)
		return fd;
	error = fill_initrd(start, fd, size);
	close(fd);
	return error;
}

/* Copies @blob to @offset of the area, where it has @room bytes; returns its physical address. */
static uint64_t install(struct start *start, const struct blob *blob, uint64_t offset, uint64_t room)
{
	uint8_t *ram = bus_ram(start->bus, start->area + offset, room);

	assert(blob->size <= room);
	memcpy(ram, blob->data, blob->size);
	return start->area + offset;
}

static int out_of_memory(struct start *start)
{
	return error_sentence(start->error, -ENOMEM, "no memory for the firmware tables");
}

static int install_fdt(struct start *start)
{
	uint64_t *fdt = &start->layout->fdt;

	if (!place_preferring(start, PLATFORM_FDT, PLATFORM_FDT_SIZE, fdt))
		return no_room(start, "the device tree", PLATFORM_FDT_SIZE);
	reserve(start, *fdt, PLATFORM_FDT_SIZE, EFI_ACPI_RECLAIM_MEMORY);
	if (fdt_build(bus_ram(start->bus, *fdt, PLATFORM_FDT_SIZE), PLATFORM_FDT_SIZE, &start->platform))
		return error_sentence(start->error, -ENOSPC, "the device tree does not fit into its %u KiB",
				      PLATFORM_FDT_SIZE >> 10);
	return 0;
}

static void make_rom(struct boot_layout *layout)
{
	const uint64_t parameter[ROM_PARAMETERS] = {
		[ROM_A0] = 1,
		[ROM_A1] = layout->cmdline,
		[ROM_A2] = layout->system_table,
		[ROM_ENTRY] = layout->kernel_entry,
	};

	_Static_assert(sizeof(rom_code) <= sizeof(layout->boot_rom), "boot_rom is too small");
	layout->boot_rom_size = sizeof(rom_code);
	memcpy(layout->boot_rom, rom_code, sizeof(rom_code));
	memcpy(layout->boot_rom + sizeof(rom_code) - sizeof(parameter), parameter, sizeof(parameter));
}

static void install_runtime(struct start *start)
{
	const uint8_t *code;
	size_t size;

	efi_runtime_code(&code, &size);
	memcpy(bus_ram(start->bus, start->area + AREA_RUNTIME, size), code, size);
}

static void reserve_area(struct start *start)
{
	reserve(start, start->area + AREA_CMDLINE, AREA_EFI - AREA_CMDLINE, EFI_ACPI_RECLAIM_MEMORY);
	reserve(start, start->area + AREA_EFI, AREA_RUNTIME - AREA_EFI, EFI_RUNTIME_SERVICES_DATA);
	reserve(start, start->area + AREA_RUNTIME, AREA_ACPI - AREA_RUNTIME, EFI_RUNTIME_SERVICES_CODE);
	reserve(start, start->area + AREA_ACPI, AREA_SIZE - AREA_ACPI, EFI_ACPI_RECLAIM_MEMORY);
}

static int install_tables(struct start *start)
{
	struct boot_layout *layout = start->layout;
	struct platform *platform = &start->platform;
	struct blob acpi = { 0 }, smbios = { 0 }, memmap = { 0 }, efi = { 0 };
	int error = 0;

	if (acpi_build(&acpi, start->area + AREA_ACPI, platform) ||
	    smbios_build(&smbios, start->area + AREA_SMBIOS, platform) ||
	    efi_memmap_build(&memmap, platform, start->region, start->region_count))
		error = out_of_memory(start);
	if (!error) {
		layout->acpi = install(start, &acpi, AREA_ACPI, AREA_SIZE - AREA_ACPI);
		layout->smbios = install(start, &smbios, AREA_SMBIOS, AREA_RUNTIME - AREA_SMBIOS);
		layout->memmap = install(start, &memmap, AREA_MEMMAP, AREA_EFI - AREA_MEMMAP);
		const struct efi_tables tables = { layout->memmap, layout->acpi, layout->smbios,
						   layout->fdt };

		if (efi_build(&efi, start->area + AREA_EFI, platform, &tables, start->area + AREA_RUNTIME))
			error = out_of_memory(start);
		else
			layout->system_table = install(start, &efi, AREA_EFI, AREA_SMBIOS - AREA_EFI);
	}
	blob_destroy(&acpi);
	blob_destroy(&smbios);
	blob_destroy(&memmap);
	blob_destroy(&efi);
	return error;
}

static int install_area(struct start *start)
{
	const char *cmdline = start->platform.cmdline;
	int error;

	if (strlen(cmdline) >= CMDLINE_SIZE)
		return error_sentence(start->error, -E2BIG,
				      "the kernel command line has %zu characters, at most %u are possible",
				      strlen(cmdline), CMDLINE_SIZE - 1);
	if (!place_preferring(start, AREA_PREFERRED, AREA_SIZE, &start->area))
		return no_room(start, "the firmware's area", AREA_SIZE);
	reserve_area(start);
	memset(bus_ram(start->bus, start->area, AREA_SIZE), 0, AREA_SIZE);
	start->layout->cmdline = start->area + AREA_CMDLINE;
	memcpy(bus_ram(start->bus, start->layout->cmdline, CMDLINE_SIZE), cmdline, strlen(cmdline) + 1);
	error = install_fdt(start);
	if (!error)
		error = install_tables(start);
	if (error)
		return error;
	install_runtime(start);
	make_rom(start->layout);
	return 0;
}

int firmware_start(const struct bus *bus, const struct boot_request *request, struct boot_layout *layout,
		   char *error)
{
	struct start start = {
		.bus = bus,
		.request = request,
		.layout = layout,
		.error = error,
		.platform = {
			.cpus = request->cpus,
			.cpu_name = request->cpu_name ? request->cpu_name : "Loongson-3A5000",
			.ram = bus->range,
			.ram_count = bus->range_count,
			.cmdline = request->cmdline ? request->cmdline : "",
			.seed = request->seed,
			.virtio_mmio = request->virtio_mmio,
		},
	};
	int result;

	*layout = (struct boot_layout){ 0 };
	result = load_kernel(&start);
	if (!result)
		result = load_initrd(&start);
	if (!result)
		result = install_area(&start);
	layout->initrd = start.platform.initrd;
	layout->initrd_size = start.platform.initrd_size;
	image_destroy(&start.image);
	return result;
}
