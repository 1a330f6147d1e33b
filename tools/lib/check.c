/* SPDX-License-Identifier: MulanPSL-2.0 */
#include "tools/lib/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/lib/convert.h"
#include "tools/lib/model.h"

#define KNOWN_MEMORY_FLAGS                                                                                   \
	(CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE | CONFIG_MEM_DMA | CONFIG_MEM_IO |          \
	 CONFIG_MEM_COMM_REGION | CONFIG_MEM_LOADABLE | CONFIG_MEM_ROOTSHARED | CONFIG_MEM_NO_HUGEPAGES |    \
	 CONFIG_MEM_IO_UNALIGNED | CONFIG_MEM_IO_WIDTHS)

static void find(struct check *check, int severity, const char *path, unsigned index, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void find(struct check *check, int severity, const char *path, unsigned index, const char *format, ...)
{
	struct error finding;
	va_list arguments;

	snprintf(finding.path, sizeof(finding.path), path, index);
	va_start(arguments, format);
	vsnprintf(finding.text, sizeof(finding.text), format, arguments);
	va_end(arguments);
	if (severity == CHECK_ERROR)
		check->errors++;
	else
		check->warnings++;
	check->report(check->opaque, severity, &finding);
}

static uint8_t architecture_of(const struct blob *binary)
{
	return binary->data[CONFIG_SIGNATURE_LENGTH];
}

/* A configuration for our hypervisor, not for Jailhouse's. */
static bool is_ours(const struct blob *binary)
{
	return architecture_of(binary) == CONFIG_ARCH_LOONGARCH;
}

/* Of what Jailhouse's own configurations do here and there, and we do not allow. */
static int severity_of(const struct blob *binary)
{
	return is_ours(binary) ? CHECK_ERROR : CHECK_WARNING;
}

static uint64_t page_size(const struct blob *binary)
{
	return is_ours(binary) ? 16384 : 4096;
}

/* One of the ranges begins in the other. */
static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size && b_size && (a - b < b_size || b - a < a_size);
}

/* Whether the region has physical memory that is known. */
static bool has_phys(const struct config_memory *region)
{
	return region->size && region->phys_start != CONFIG_AUTO && !(region->flags & CONFIG_MEM_COMM_REGION);
}

static bool is_subpage(const struct config_memory *region, uint64_t page)
{
	return region->virt_start != CONFIG_AUTO && (region->virt_start % page || region->size % page);
}

static void check_region_flags(struct check *check, const struct blob *binary,
			       const struct config_memory *region, unsigned i)
{
	if (region->flags & ~(uint64_t)KNOWN_MEMORY_FLAGS)
		find(check, CHECK_ERROR, "cell.memory[%u].flags", i,
		     "memory region %u has flags 0x%" PRIx64 ", which mean nothing", i,
		     region->flags & ~(uint64_t)KNOWN_MEMORY_FLAGS);
	if ((region->flags & CONFIG_MEM_IO) && (region->flags & CONFIG_MEM_EXECUTE))
		find(check, CHECK_ERROR, "cell.memory[%u].flags", i, "memory region %u is I/O and executable",
		     i);
	if ((region->flags & CONFIG_MEM_LOADABLE) && !(region->flags & CONFIG_MEM_WRITE))
		find(check, CHECK_WARNING, "cell.memory[%u].flags", i,
		     "memory region %u is loadable but not writable, so nothing can be loaded there", i);
	if (!is_ours(binary))
		return;
	if (!(region->flags & (CONFIG_MEM_READ | CONFIG_MEM_WRITE | CONFIG_MEM_EXECUTE)))
		find(check, CHECK_ERROR, "cell.memory[%u].flags", i,
		     "memory region %u may be neither read, written nor executed", i);
	if (config_is_system(binary) && region->virt_start != region->phys_start)
		find(check, CHECK_ERROR, "cell.memory[%u].virt", i,
		     "memory region %u: the root cell sees memory where it is, virt must be phys", i);
	else if ((region->flags & CONFIG_MEM_DMA) && region->virt_start != region->phys_start)
		find(check, CHECK_ERROR, "cell.memory[%u]", i,
		     "memory region %u is for DMA but virt is not phys, and there is no IOMMU to translate",
		     i);
}

static void check_region(struct check *check, const struct blob *binary, const struct config_memory *region,
			 unsigned i)
{
	uint64_t page = page_size(binary);
	bool is_auto = region->phys_start == CONFIG_AUTO;

	if (!region->size) { /* Jailhouse leaves places free so, of shared memory */
		if (is_ours(binary))
			find(check, CHECK_ERROR, "cell.memory[%u]", i, "memory region %u has no size", i);
		return;
	}
	if (is_ours(binary) && (region->flags & CONFIG_MEM_COMM_REGION) && region->size != page)
		find(check, CHECK_ERROR, "cell.memory[%u].size", i,
		     "memory region %u, the communication region, is not one page of %" PRIu64 " KiB", i,
		     page / 1024);
	if (!is_auto && region->phys_start + region->size - 1 < region->phys_start)
		find(check, CHECK_ERROR, "cell.memory[%u]", i,
		     "memory region %u goes beyond the end of the address space", i);
	if (region->virt_start != CONFIG_AUTO && region->virt_start + region->size - 1 < region->virt_start)
		find(check, CHECK_ERROR, "cell.memory[%u]", i,
		     "memory region %u goes beyond the end of the guest's address space", i);
	if (is_subpage(region, page)) {
		if (!(region->flags & CONFIG_MEM_IO_WIDTHS) &&
		    architecture_of(binary) == CONFIG_ARCH_LOONGARCH)
			find(check, CHECK_ERROR, "cell.memory[%u]", i,
			     "memory region %u is not made of pages of %" PRIu64
			     " KiB, and allows no width of access (io-8, ...)",
			     i, page / 1024);
		if (is_auto)
			find(check, CHECK_ERROR, "cell.memory[%u]", i,
			     "memory region %u is to be reserved but not made of pages", i);
	} else if (!is_auto && region->phys_start % page && !(region->flags & CONFIG_MEM_COMM_REGION)) {
		find(check, CHECK_ERROR, "cell.memory[%u].phys", i,
		     "memory region %u begins at 0x%" PRIx64 ", not at a page of %" PRIu64 " KiB", i,
		     region->phys_start, page / 1024);
	}
	check_region_flags(check, binary, region, i);
}

static void check_regions(struct check *check, const struct blob *binary)
{
	const struct config_cell *cell = config_cell_of(binary);
	const struct config_memory *regions = config_memory(cell);
	unsigned comm_regions = 0;

	for (unsigned i = 0; i < cell->num_memory_regions; i++) {
		check_region(check, binary, &regions[i], i);
		if ((regions[i].flags & CONFIG_MEM_COMM_REGION) && comm_regions++)
			find(check, CHECK_ERROR, "cell.memory[%u]", i,
			     "memory region %u is a second communication region", i);
		for (unsigned j = 0; j < i; j++) {
			if (regions[i].virt_start != CONFIG_AUTO && regions[j].virt_start != CONFIG_AUTO &&
			    overlap(regions[i].virt_start, regions[i].size, regions[j].virt_start,
				    regions[j].size))
				find(check, severity_of(binary), "cell.memory[%u]", i,
				     "memory region %u overlaps region %u in the guest's address space", i,
				     j);
		}
	}
	if (!config_is_system(binary) && comm_regions == 0)
		find(check, CHECK_WARNING, "cell.memory", 0, "the cell has no communication region");
}

static void check_pins(struct check *check, const struct blob *binary, const struct config_irqchip *chip,
		       unsigned i)
{
	static const uint32_t pins[] = { [CONFIG_IRQCHIP_LIOINTC] = 32,
					 [CONFIG_IRQCHIP_EXTIOI] = 256,
					 [CONFIG_IRQCHIP_PCH_PIC] = 64,
					 [CONFIG_IRQCHIP_MSI] = 256 };

	if (!is_ours(binary))
		return;
	if (chip->id < CONFIG_IRQCHIP_LIOINTC || chip->id > CONFIG_IRQCHIP_MSI) {
		find(check, CHECK_ERROR, "cell.irqchips[%u].kind", i,
		     "irqchip %u has kind %u, which there is not", i, chip->id);
		return;
	}
	if (chip->pin_base % CONFIG_PINS)
		find(check, CHECK_ERROR, "cell.irqchips[%u].base", i,
		     "irqchip %u begins at pin %u, which is no multiple of %u", i, chip->pin_base,
		     CONFIG_PINS);
	for (unsigned pin = 0; pin < CONFIG_PINS; pin++) {
		if (!(chip->pin_bitmap[pin / 32] >> pin % 32 & 1) || chip->pin_base + pin < pins[chip->id])
			continue;
		find(check, CHECK_ERROR, "cell.irqchips[%u].pins", i, "irqchip %u has no pin %u: it has %u",
		     i, chip->pin_base + pin, pins[chip->id]);
		return;
	}
}

static void check_pci(struct check *check, const struct config_cell *cell)
{
	const struct config_pci_device *devices = config_pci_devices(cell);

	for (unsigned i = 0; i < cell->num_pci_devices; i++) {
		if ((uint32_t)devices[i].caps_start + devices[i].num_caps > cell->num_pci_caps)
			find(check, CHECK_ERROR, "cell.pci-devices[%u]", i,
			     "PCI device %u has capabilities %u to %u, but there are %u", i,
			     devices[i].caps_start, devices[i].caps_start + devices[i].num_caps - 1,
			     cell->num_pci_caps);
		if (devices[i].type == 3 &&
		    (uint64_t)devices[i].shmem_regions_start + 2 + devices[i].shmem_peers >
			    cell->num_memory_regions)
			find(check, CHECK_ERROR, "cell.pci-devices[%u]", i,
			     "PCI device %u has shared memory in regions that there are not", i);
		for (unsigned j = 0; j < i; j++) {
			if (devices[i].domain == devices[j].domain && devices[i].bdf == devices[j].bdf)
				find(check, CHECK_ERROR, "cell.pci-devices[%u]", i,
				     "PCI devices %u and %u are the same function", j, i);
		}
	}
}

static bool has_cpu(const struct config_cell *cell, unsigned n)
{
	return n / 8 < cell->cpu_set_size && (config_cpu_set(cell)[n / 8] >> n % 8 & 1);
}

static unsigned cpu_count(const struct config_cell *cell)
{
	unsigned count = 0;

	for (unsigned n = 0; n < cell->cpu_set_size * 8; n++)
		count += has_cpu(cell, n);
	return count;
}

/* Others are those of Jailhouse's boards, or mistakes: the cell's text would be lost without a word. */
static void check_console(struct check *check, const struct config_cell *cell)
{
	if (cell->console.type != CONFIG_CONSOLE_NONE && cell->console.type != CONFIG_CONSOLE_8250)
		find(check, CHECK_ERROR, "cell.console.type", 0,
		     "a console of type %u is unknown here: write 8250, or none", cell->console.type);
}

static void check_name(struct check *check, const struct config_cell *cell)
{
	if (!memchr(cell->name, 0, CONFIG_NAME_LENGTH))
		find(check, CHECK_ERROR, "cell.name", 0, "the name has no end");
	else if (!cell->name[0])
		find(check, CHECK_ERROR, "cell.name", 0, "the cell has no name");
}

static void check_hypervisor_memory(struct check *check, const struct blob *binary)
{
	const struct config_system *system = (const struct config_system *)(const void *)binary->data;
	const struct config_memory *memory = &system->hypervisor_memory;
	uint64_t page = page_size(binary);

	if (!memory->size || memory->size % page)
		find(check, CHECK_ERROR, "system.hypervisor-memory", 0,
		     "the hypervisor's memory has 0x%" PRIx64 " bytes, no multiple of %" PRIu64 " KiB",
		     memory->size, page / 1024);
	if (memory->phys_start == CONFIG_AUTO || !memory->size)
		return;
	if (memory->phys_start % page || memory->phys_start + memory->size - 1 < memory->phys_start)
		find(check, CHECK_ERROR, "system.hypervisor-memory", 0,
		     "the hypervisor's memory is not made of pages");
}

/* The first CPU begins in memory that it may execute. */
static void check_entry(struct check *check, const struct config_cell *cell)
{
	for (unsigned i = 0; i < cell->num_memory_regions; i++) {
		const struct config_memory *region = &config_memory(cell)[i];

		/* Of what is still to be reserved, with virt as phys, nobody knows yet. */
		if ((region->flags & CONFIG_MEM_EXECUTE) &&
		    (region->virt_start == CONFIG_AUTO ||
		     cell->cpu_reset_address - region->virt_start < region->size))
			return;
	}
	find(check, CHECK_ERROR, "cell.entry", 0,
	     "entry 0x%" PRIx64 " is in no memory region that may be executed", cell->cpu_reset_address);
}

/* What Jailhouse's description has and our hypervisor cannot give. */
static void check_unsupported(struct check *check, const struct config_cell *cell)
{
	const struct {
		uint32_t count;
		const char *path, *name;
	} lists[] = {
		{ cell->num_cache_regions, "cell.caches", "parts of caches" },
		{ cell->num_pio_regions, "cell.pio", "I/O ports" },
		{ cell->num_pci_devices, "cell.pci-devices", "PCI devices" },
		{ cell->num_stream_ids, "cell.stream-ids", "stream IDs" },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i].count)
			find(check, CHECK_ERROR, lists[i].path, 0, "%s cannot be a cell's", lists[i].name);
	}
}

void check_config(struct check *check, const struct blob *binary)
{
	const struct config_cell *cell = config_cell_of(binary);

	check_name(check, cell);
	if (cpu_count(cell) == 0)
		find(check, CHECK_ERROR, "cell.cpus", 0, "the cell has no CPU");
	check_regions(check, binary);
	for (unsigned i = 0; i < cell->num_irqchips; i++)
		check_pins(check, binary, &config_irqchips(cell)[i], i);
	check_pci(check, cell);
	if (config_is_system(binary)) {
		check_hypervisor_memory(check, binary);
	} else if (is_ours(binary)) {
		if (has_cpu(cell, 0))
			find(check, CHECK_ERROR, "cell.cpus", 0, "CPU 0 cannot be a cell's: it stays root's");
		check_console(check, cell);
		check_entry(check, cell);
		check_unsupported(check, cell);
	}
}

/* Whether all of the region is in regions of the root cell, one after the other. */
static bool root_has(const struct config_cell *root, uint64_t phys, uint64_t size)
{
	while (size) {
		uint64_t found = 0;

		for (unsigned i = 0; i < root->num_memory_regions && !found; i++) {
			const struct config_memory *region = &config_memory(root)[i];

			if (has_phys(region) && phys - region->phys_start < region->size)
				found = region->size - (phys - region->phys_start);
		}
		if (!found)
			return false;
		if (found >= size)
			return true;
		phys += found;
		size -= found;
	}
	return true;
}

static bool same_irqchip(const struct config_irqchip *a, const struct config_irqchip *b)
{
	return a->id == b->id && a->address == b->address && a->pin_base == b->pin_base;
}

static void check_pins_of_root(struct check *check, const struct config_cell *root,
			       const struct config_cell *cell)
{
	for (unsigned i = 0; i < cell->num_irqchips; i++) {
		const struct config_irqchip *chip = &config_irqchips(cell)[i];

		for (unsigned pin = 0; pin < CONFIG_PINS; pin++) {
			bool found = !(chip->pin_bitmap[pin / 32] >> pin % 32 & 1);

			for (unsigned j = 0; j < root->num_irqchips && !found; j++)
				found = same_irqchip(&config_irqchips(root)[j], chip) &&
					(config_irqchips(root)[j].pin_bitmap[pin / 32] >> pin % 32 & 1);
			if (!found)
				find(check, CHECK_ERROR, "cell.irqchips[%u].pins", i,
				     "pin %u of irqchip %u is not the root cell's to give",
				     chip->pin_base + pin, i);
		}
	}
}

/* What the hypervisor says of devices' registers when the cell is to be created. */
static void check_registers(struct check *check, const struct config_system *system,
			    const struct config_memory *region, unsigned i)
{
	const struct config_cell *root = &system->root_cell;
	const struct config_loongarch *board = &system->platform_info.loongarch;
	const uint64_t page = 16384, doorbells = 0x100000; /* the CPUs', below the bridge's */

	for (unsigned j = 0; j < root->num_memory_regions; j++) {
		const struct config_memory *roots = &config_memory(root)[j];

		if (is_subpage(region, page) && !(region->flags & CONFIG_MEM_ROOTSHARED) &&
		    overlap(region->phys_start, region->size, roots->phys_start, roots->size) &&
		    !is_subpage(roots, page))
			find(check, CHECK_ERROR, "cell.memory[%u]", i,
			     "memory region %u is part of a page that root has as a whole: give root parts, "
			     "or make it root-shared",
			     i);
	}
	if ((board->pch_pic_base && overlap(region->phys_start, region->size, board->pch_pic_base, 0x1000)) ||
	    (board->pch_msi_doorbell &&
	     overlap(region->phys_start, region->size, board->pch_msi_doorbell - doorbells, doorbells + 8)))
		find(check, CHECK_ERROR, "cell.memory[%u]", i,
		     "memory region %u is where an interrupt controller is: its pins or vectors can be a "
		     "cell's",
		     i);
}

void check_against_system(struct check *check, const struct blob *system_binary, const struct blob *binary)
{
	const struct config_system *system = (const struct config_system *)(const void *)system_binary->data;
	const struct config_cell *root = &system->root_cell, *cell = config_cell_of(binary);

	if (architecture_of(system_binary) != architecture_of(binary))
		find(check, CHECK_ERROR, "architecture", 0,
		     "the cell is of another architecture than the system");
	if (strncmp(root->name, cell->name, CONFIG_NAME_LENGTH) == 0)
		find(check, CHECK_ERROR, "cell.name", 0, "the cell has the root cell's name");
	for (unsigned n = 0; n < cell->cpu_set_size * 8; n++) {
		if (has_cpu(cell, n) && !has_cpu(root, n))
			find(check, CHECK_ERROR, "cell.cpus", 0, "CPU %u is not the root cell's to give", n);
	}
	if (is_ours(binary))
		check_pins_of_root(check, root, cell);
	for (unsigned i = 0; i < cell->num_memory_regions; i++) {
		const struct config_memory *region = &config_memory(cell)[i];

		if (!has_phys(region))
			continue;
		if (system->hypervisor_memory.phys_start != CONFIG_AUTO &&
		    overlap(region->phys_start, region->size, system->hypervisor_memory.phys_start,
			    system->hypervisor_memory.size))
			find(check, CHECK_ERROR, "cell.memory[%u]", i,
			     "memory region %u overlaps the hypervisor's memory", i);
		else if (!root_has(root, region->phys_start, region->size))
			find(check, severity_of(binary), "cell.memory[%u]", i,
			     "memory region %u (0x%" PRIx64 ") is not all the root cell's to give", i,
			     region->phys_start);
		else if (is_ours(binary))
			check_registers(check, system, region, i);
	}
}

static void check_two_memories(struct check *check, const struct config_cell *other,
			       const struct config_cell *cell)
{
	for (unsigned i = 0; i < cell->num_memory_regions; i++) {
		const struct config_memory *a = &config_memory(cell)[i];

		for (unsigned j = 0; j < other->num_memory_regions; j++) {
			const struct config_memory *b = &config_memory(other)[j];

			if ((a->flags & b->flags & CONFIG_MEM_ROOTSHARED) || !has_phys(a) || !has_phys(b) ||
			    !overlap(a->phys_start, a->size, b->phys_start, b->size))
				continue;
			find(check, CHECK_ERROR, "cell.memory[%u]", i,
			     "memory region %u overlaps region %u of cell %.31s", i, j, other->name);
		}
	}
}

static void check_two_irqchips(struct check *check, const struct config_cell *other,
			       const struct config_cell *cell)
{
	for (unsigned i = 0; i < cell->num_irqchips; i++) {
		const struct config_irqchip *a = &config_irqchips(cell)[i];

		for (unsigned j = 0; j < other->num_irqchips; j++) {
			const struct config_irqchip *b = &config_irqchips(other)[j];

			if (!same_irqchip(a, b))
				continue;
			for (unsigned pin = 0; pin < CONFIG_PINS; pin++) {
				if (a->pin_bitmap[pin / 32] & b->pin_bitmap[pin / 32] &
				    UINT32_C(1) << pin % 32)
					find(check, CHECK_ERROR, "cell.irqchips[%u]", i,
					     "pin %u of irqchip %u is also cell %.31s's", a->pin_base + pin,
					     i, other->name);
			}
		}
	}
}

void check_two_cells(struct check *check, const struct blob *other_binary, const struct blob *binary)
{
	const struct config_cell *other = config_cell_of(other_binary), *cell = config_cell_of(binary);

	if (strncmp(other->name, cell->name, CONFIG_NAME_LENGTH) == 0)
		find(check, CHECK_ERROR, "cell.name", 0, "another cell has the name %.31s", cell->name);
	for (unsigned n = 0; n < cell->cpu_set_size * 8; n++) {
		if (has_cpu(cell, n) && has_cpu(other, n))
			find(check, CHECK_ERROR, "cell.cpus", 0, "CPU %u is also cell %.31s's", n,
			     other->name);
	}
	check_two_memories(check, other, cell);
	check_two_irqchips(check, other, cell);
	for (unsigned i = 0; i < cell->num_pci_devices; i++) {
		const struct config_pci_device *a = &config_pci_devices(cell)[i];

		for (unsigned j = 0; j < other->num_pci_devices; j++) {
			const struct config_pci_device *b = &config_pci_devices(other)[j];

			if (a->type != 3 && b->type != 3 && a->domain == b->domain && a->bdf == b->bdf)
				find(check, CHECK_ERROR, "cell.pci-devices[%u]", i,
				     "PCI device %u is also cell %.31s's", i, other->name);
		}
	}
}
