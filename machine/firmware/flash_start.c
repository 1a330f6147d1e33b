/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Start from flash: what EDK2's LoongArchVirt platform, made for QEMU's virt machine, expects to find. */
#include "machine/firmware/flash_start.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isa/isa.h"
#include "machine/firmware/acpi.h"
#include "machine/firmware/fdt.h"
#include "machine/firmware/image.h"
#include "machine/firmware/smbios.h"

#define FEATURES 3 /* fw_cfg: data register and DMA */

enum { MEMMAP_RAM = 1 };

/* The cores begin at the first byte.  What people give by mistake are kernels. */
static bool is_code(const uint8_t *content)
{
	static const uint8_t elf[] = { 0x7f, 'E', 'L', 'F' };
	uint32_t word;

	memcpy(&word, content, sizeof(word));
	return isa_decode(word) != ISA_INVALID && memcmp(content, "MZ", 2) != 0 &&
	       memcmp(content, elf, sizeof(elf)) != 0;
}

/* The rest of the bank reads as erased. */
static int load_code(struct flash_start *start, const char *path, char *error)
{
	uint8_t *content = bus_rom_content(&start->machine->bus);
	uint64_t size;
	int fd = file_open(path, "firmware", FLASH_SIZE, &size, error), result;

	if (fd < 0)
		return fd;
	memset(content, 0xff, FLASH_SIZE);
	if (size < 4)
		result = error_sentence(error, -EINVAL, "firmware %s is too short: it has %" PRIu64 " bytes",
					path, size);
	else
		result = file_fill(fd, path, "firmware", content, size, error);
	close(fd);
	if (!result && !is_code(content))
		return error_sentence(
			error, -EINVAL,
			"firmware %s does not begin with an instruction; a kernel is given with -k", path);
	return result;
}

/* Reads of the code bypass the chip, and must not while it answers something else. */
static void code_shown(void *opaque, bool shown)
{
	struct machine *machine = opaque;

	atomic_store(&machine->bus.rom_hidden, !shown);
	for (unsigned id = 0; !shown && id < machine->group.count; id++)
		cpu_notify(machine->group.cpu[id], ATTENTION_FLUSH);
}

static int add_devices(struct flash_start *start)
{
	struct machine *machine = start->machine;
	const struct {
		const char *name;
		void (*reset)(void *opaque);
		void (*state)(void *opaque, struct state *state);
		void *device;
	} list[] = {
		{ "fw_cfg", fw_cfg_reset, fw_cfg_state, &start->fw_cfg },
		{ "flash0", flash_reset, flash_state, &start->code },
		{ "flash1", flash_reset, flash_state, &start->vars },
	};
	int error = fw_cfg_map(&start->fw_cfg, PLATFORM_FW_CFG);

	if (!error)
		error = flash_map(&start->code, &machine->bus, PLATFORM_FLASH0);
	if (!error)
		error = flash_map(&start->vars, &machine->bus, PLATFORM_FLASH1);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]) && !error; i++) {
		error = machine_add_reset(machine, list[i].reset, list[i].device);
		if (!error)
			error = machine_add_state(machine, list[i].name, list[i].state, list[i].device);
	}
	return error;
}

static int fill_flash(struct flash_start *start, const char *code, const char *vars, char *error)
{
	struct machine *machine = start->machine;
	int result = load_code(start, code, error);

	if (result)
		return result;
	flash_init(&start->code, "flash0", bus_rom_content(&machine->bus), machine->trace);
	start->code.show = code_shown;
	start->code.opaque = machine;
	if (flash_init(&start->vars, "flash1", NULL, machine->trace))
		return error_sentence(error, -ENOMEM, "no memory for the flash");
	return vars ? flash_keep_in(&start->vars, vars, error) : 0;
}

int flash_start_create(struct flash_start **result, struct machine *machine, const char *code,
		       const char *vars, const struct boot_request *boot, char *error)
{
	struct flash_start *start = calloc(1, sizeof(*start));
	int err;

	*result = NULL;
	if (!start)
		return error_sentence(error, -ENOMEM, "no memory for the flash");
	start->machine = machine;
	start->boot = boot;
	fw_cfg_init(&start->fw_cfg, &machine->bus);
	err = fill_flash(start, code, vars, error);
	if (!err) {
		err = add_devices(start);
		if (err)
			error_sentence(error, err, "flash and fw_cfg: %s", strerror(-err));
	}
	if (err)
		flash_start_destroy(start);
	else
		*result = start;
	return err;
}

void flash_start_destroy(struct flash_start *start)
{
	flash_destroy(&start->vars);
	flash_destroy(&start->code);
	fw_cfg_destroy(&start->fw_cfg);
	free(start);
}

/* A file as the item @data, its size as the item @size; neither if @path is NULL. */
static int load_file(struct flash_start *start, const char *path, const char *what, unsigned size_key,
		     unsigned data_key, char *error)
{
	uint64_t limit = start->machine->bus.ram_size, size;
	uint8_t *data;
	int fd, result;

	if (!path)
		return 0;
	fd = file_open(path, what, limit < FW_CFG_ITEM_MAX ? limit : FW_CFG_ITEM_MAX, &size, error);
	if (fd < 0)
		return fd;
	data = malloc(size + 1); /* an empty file is no special case */
	if (!data)
		result = error_sentence(error, -ENOMEM, "%s %s: no memory to read it", what, path);
	else if (!size)
		result = error_sentence(error, -EINVAL, "%s %s is empty", what, path);
	else
		result = file_fill(fd, path, what, data, size, error);
	close(fd);
	if (!result)
		result = fw_cfg_set_number(&start->fw_cfg, size_key, size, 4);
	if (result)
		free(data);
	else
		fw_cfg_take(&start->fw_cfg, data_key, data, size);
	return result;
}

static int load_kernel(struct flash_start *start, char *error)
{
	const struct boot_request *boot = start->boot;
	struct fw_cfg *fw_cfg = &start->fw_cfg;
	const char *cmdline = boot->cmdline ? boot->cmdline : "";
	const struct fw_cfg_item *kernel = &fw_cfg->item[FW_CFG_KERNEL_DATA];
	int result;

	if (!boot->kernel)
		return 0;
	result = load_file(start, boot->kernel, "kernel", FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA, error);
	if (result)
		return result;
	if (kernel->size < 2 || memcmp(kernel->data, "MZ", 2) != 0)
		return error_sentence(
			error, -EINVAL,
			"kernel %s is no EFI application, and firmware starts no other: leave -b "
			"out to start it directly",
			boot->kernel);
	result = load_file(start, boot->initrd, "initrd", FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA, error);
	if (result)
		return result;
	if (fw_cfg_set_number(fw_cfg, FW_CFG_CMDLINE_SIZE, strlen(cmdline) + 1, 4) ||
	    fw_cfg_set(fw_cfg, FW_CFG_CMDLINE_DATA, cmdline, strlen(cmdline) + 1))
		return error_sentence(error, -ENOMEM, "no memory for the firmware's files");
	return 0;
}

static int set_numbers(struct flash_start *start)
{
	const struct {
		uint16_t key;
		uint8_t size;
		uint64_t value;
	} number[] = {
		{ FW_CFG_ID, 4, FEATURES },
		{ FW_CFG_RAM_SIZE, 8, start->machine->bus.ram_size },
		{ FW_CFG_NOGRAPHIC, 2, 1 },
		{ FW_CFG_NB_CPUS, 2, start->boot->cpus },
		{ FW_CFG_MAX_CPUS, 2, start->boot->cpus },
		{ FW_CFG_KERNEL_ADDR, 4, 0 }, /* firmware chooses */
		{ FW_CFG_INITRD_ADDR, 4, 0 },
	};
	int error = fw_cfg_set(&start->fw_cfg, FW_CFG_SIGNATURE, "QEMU", 4);

	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]) && !error; i++)
		error = fw_cfg_set_number(&start->fw_cfg, number[i].key, number[i].value, number[i].size);
	return error;
}

static int set_memmap(struct flash_start *start)
{
	const struct bus *bus = &start->machine->bus;
	struct blob memmap = { 0 };
	int error;

	for (unsigned i = 0; i < bus->range_count; i++) {
		blob_put64(&memmap, bus->range[i].base);
		blob_put64(&memmap, bus->range[i].size);
		blob_put32(&memmap, MEMMAP_RAM);
		blob_put32(&memmap, 0);
	}
	error = memmap.failed ? -ENOMEM
			      : fw_cfg_set_file(&start->fw_cfg, "etc/memmap", memmap.data, memmap.size);
	blob_destroy(&memmap);
	return error;
}

static int set_acpi(struct flash_start *start, const struct platform *platform)
{
	struct fw_cfg *fw_cfg = &start->fw_cfg;
	struct acpi_files files;
	int error = acpi_files_build(&files, platform);

	if (!error)
		error = fw_cfg_set_file(fw_cfg, ACPI_FILE_RSDP, files.rsdp.data, files.rsdp.size);
	if (!error)
		error = fw_cfg_set_file(fw_cfg, ACPI_FILE_TABLES, files.tables.data, files.tables.size);
	if (!error)
		error = fw_cfg_set_file(fw_cfg, ACPI_FILE_LOADER, files.loader.data, files.loader.size);
	acpi_files_destroy(&files);
	return error;
}

/* The entry point says 0 for the place of the structures: firmware chooses it. */
static int set_smbios(struct flash_start *start, const struct platform *platform)
{
	struct fw_cfg *fw_cfg = &start->fw_cfg;
	struct blob all = { 0 };
	int error = smbios_build(&all, -(uint64_t)SMBIOS_ENTRY_POINT_SIZE, platform);

	if (!error)
		error = fw_cfg_set_file(fw_cfg, "etc/smbios/smbios-anchor", all.data,
					SMBIOS_ENTRY_POINT_SIZE);
	if (!error)
		error = fw_cfg_set_file(fw_cfg, "etc/smbios/smbios-tables",
					all.data + SMBIOS_ENTRY_POINT_SIZE,
					all.size - SMBIOS_ENTRY_POINT_SIZE);
	blob_destroy(&all);
	return error;
}

/* Nobody wants another order than the firmware's own, nor a pause after a boot that failed. */
static int set_boot_files(struct flash_start *start)
{
	static const uint8_t no_wait[4] = { 0xff, 0xff, 0xff, 0xff };
	int error = fw_cfg_set_file(&start->fw_cfg, "bootorder", NULL, 0);

	return error ? error
		     : fw_cfg_set_file(&start->fw_cfg, "etc/boot-fail-wait", no_wait, sizeof(no_wait));
}

int flash_start_load(struct flash_start *start, char *error)
{
	const struct bus *bus = &start->machine->bus;
	const struct platform platform = {
		.cpus = start->boot->cpus,
		.cpu_name = start->boot->cpu_name ? start->boot->cpu_name : "Loongson-3A5000",
		.ram = bus->range,
		.ram_count = bus->range_count,
		.cmdline = "",
		.seed = start->boot->seed,
		.virtio_mmio = start->boot->virtio_mmio,
		.firmware = true,
	};
	void *fdt = bus_ram(bus, PLATFORM_FDT, PLATFORM_FDT_SIZE);
	int result;

	if (!fdt || fdt_build(fdt, PLATFORM_FDT_SIZE, &platform))
		return error_sentence(error, -ENOSPC, "the device tree does not fit into its %u KiB",
				      PLATFORM_FDT_SIZE >> 10);
	result = set_numbers(start);
	if (!result)
		result = set_boot_files(start);
	if (!result)
		result = set_memmap(start);
	if (!result)
		result = set_acpi(start, &platform);
	if (!result)
		result = set_smbios(start, &platform);
	if (result)
		return error_sentence(error, result, "no memory for the firmware's files");
	return load_kernel(start, error);
}
