/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Jailhouse's configurations since revision 10, and sysHyper's, made into revision 14.  What differs is where
 * things are (a table of offsets), how I/O ports are listed (a bitmap in 10), how large an IOMMU's entry is,
 * and the meaning of a few bits.  Files are not trusted.
 */
#include "tools/lib/convert.h"

#include <string.h>

#define IOMMU_OLD_SIZE 20 /* in revisions 10 and 11: no type; of x86 alone */

/* Where things are in a form; 0 where it has none. */
struct layout {
	const char *name;
	uint16_t revision;
	uint16_t cell_size;  /* without arrays */
	uint16_t root_cell;  /* offset in a system's file */
	uint16_t arm_block;  /* offset of maintenance_irq */
	uint16_t arm_bases;  /* offset of gicd_base, then gicc, gich, gicv, gicr */
	uint16_t x86_block;  /* offset of pm_timer_address */
	uint16_t iommus_arm; /* offset of the units */
	uint16_t iommus_x86;
	bool x86_old_order; /* pm_timer, vtd_limit, apic_mode, 3 bytes, tsc, apic */
	bool pio_bitmap, has_stream_ids, old_iommus;
};

static const struct layout layouts[] = {
	[FORM_10] = { "revision 10", 10, 128, 266, 88, 90, 88, 0, 106, true, true, false, true },
	[FORM_11] = { "revision 11", 11, 128, 266, 88, 90, 88, 0, 106, true, false, false, true },
	[FORM_12] = { "revision 12", 12, 132, 354, 88, 90, 88, 130, 106, true, false, true, false },
	[FORM_13A] = { "revision 13 (13a)", 13, 132, 354, 312, 314, 312, 88, 88, true, false, true, false },
	[FORM_13B] = { "revision 13 (13b)", 13, 132, 356, 312, 316, 312, 88, 88, false, false, true, false },
	[FORM_14] = { "revision 14", 14, 132, 356, 312, 316, 312, 88, 88, false, false, true, false },
	[FORM_RVM] = { "revision 10 (RVMSYS)", 10, 128, 266, 88, 90, 88, 0, 106, true, true, false, true },
};

/* Offsets that are the same in all forms. */
enum {
	AT_REVISION = 6,
	AT_SYSTEM_FLAGS = 8,
	AT_HYPERVISOR_MEMORY = 12,
	AT_PCI = 76, /* to the end of pci_domain */
	AT_PCI_END = 88,
	AT_CELL_NAME = 8,
	AT_CPU_SET_SIZE = 48,
	AT_NUM_PIO = 64,
	AT_NUM_PCI_CAPS = 72,
	AT_NUM_STREAM_IDS = 76,
};

/* The arrays of a cell, in their order. */
enum { CPU_SET, MEMORY, CACHES, IRQCHIPS, PIO, PCI_DEVICES, PCI_CAPS, STREAM_IDS, ARRAYS };

static const struct {
	const char *name;
	size_t entry;
} array_table[ARRAYS] = {
	[CPU_SET] = { "CPU set", 1 },
	[MEMORY] = { "memory regions", sizeof(struct config_memory) },
	[CACHES] = { "cache regions", sizeof(struct config_cache) },
	[IRQCHIPS] = { "irqchips", sizeof(struct config_irqchip) },
	[PIO] = { "I/O ports", sizeof(struct config_pio) },
	[PCI_DEVICES] = { "PCI devices", sizeof(struct config_pci_device) },
	[PCI_CAPS] = { "PCI capabilities", sizeof(struct config_pci_cap) },
	[STREAM_IDS] = { "stream IDs", sizeof(struct config_stream_id) },
};

/* A cell's description in a file. */
struct source {
	const struct layout *layout;
	const uint8_t *cell; /* the description */
	uint32_t count[ARRAYS];
	const uint8_t *array[ARRAYS];
	size_t end; /* of the arrays, from the file's beginning */
};

const char *convert_form_name(enum convert_form form)
{
	return layouts[form].name;
}

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint64_t entry_size(const struct layout *layout, int array)
{
	return array == PIO && layout->pio_bitmap ? 1 : array_table[array].entry;
}

static uint32_t array_count(const struct layout *layout, const uint8_t *cell, int array)
{
	if (array == STREAM_IDS && !layout->has_stream_ids)
		return 0;
	return load32(cell + AT_CPU_SET_SIZE + 4 * array);
}

/* Bytes that a file of this form must have, or 0 if it has not even its header. */
static uint64_t needed_size(const struct layout *layout, const struct blob *file, bool is_system)
{
	uint64_t size = (is_system ? layout->root_cell : 0) + (uint64_t)layout->cell_size;
	const uint8_t *cell = file->data + (is_system ? layout->root_cell : 0);

	if (file->size < size)
		return 0;
	for (int array = 0; array < ARRAYS; array++)
		size += array_count(layout, cell, array) * entry_size(layout, array);
	return size;
}

/* Of the two revisions 13: the one whose size is the file's, else the one that fits, newer first. */
static enum convert_form form_of_13(const struct blob *file, bool is_system)
{
	uint64_t size_a = needed_size(&layouts[FORM_13A], file, is_system);
	uint64_t size_b = needed_size(&layouts[FORM_13B], file, is_system);

	if (size_b == file->size || !is_system)
		return FORM_13B;
	if (size_a == file->size)
		return FORM_13A;
	return size_b && size_b <= file->size	? FORM_13B
	       : size_a && size_a <= file->size ? FORM_13A
						: FORM_13B;
}

/* By signature, then revision; the byte that is the architecture from 14 on is looked at by nobody before
 * that. */
static enum convert_form form_of(const struct blob *file, bool *is_system)
{
	static const struct {
		char signature[7];
		bool is_system, is_rvm, is_old; /* is_old: of 6 characters, before revision 14 */
	} signatures[] = {
		{ "JHSYST", true, false, true },  { "JHCELL", false, false, true },
		{ "RVMSYS", true, true, true },	  { "JHSYS", true, false, false },
		{ "JHCLL", false, false, false },
	};
	uint16_t revision = load16(file->data + AT_REVISION);

	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		/* Where a new signature is on an old revision, its sixth character is NUL. */
		size_t length = revision < 14 ? 6 : CONFIG_SIGNATURE_LENGTH;

		if (memcmp(file->data, signatures[i].signature, length) != 0 ||
		    (signatures[i].is_old && revision >= 14))
			continue;
		*is_system = signatures[i].is_system;
		if (signatures[i].is_rvm)
			return revision == 10 ? FORM_RVM : FORM_NONE;
		switch (revision) {
		case 10:
			return FORM_10;
		case 11:
			return FORM_11;
		case 12:
			return FORM_12;
		case 13:
			return form_of_13(file, *is_system);
		case 14:
			return FORM_14;
		}
	}
	return FORM_NONE;
}

/* Finds the arrays; all of them must be in the file. */
static int source_open(struct source *source, const struct layout *layout, const struct blob *file, size_t at,
		       struct error *error)
{
	uint64_t end = at + (uint64_t)layout->cell_size;

	if (file->size < end)
		return error_set(error, "it ends after %zu bytes, in the description, which has %llu",
				 file->size, (unsigned long long)end);
	*source = (struct source){ .layout = layout, .cell = file->data + at };
	for (int array = 0; array < ARRAYS; array++) {
		uint64_t count = array_count(layout, source->cell, array);
		uint64_t bytes = count * entry_size(layout, array);

		if (bytes > file->size - end)
			return error_set(error, "its %llu %s (%llu bytes) end behind the file's %zu bytes",
					 (unsigned long long)count, array_table[array].name,
					 (unsigned long long)bytes, file->size);
		source->count[array] = (uint32_t)count;
		source->array[array] = file->data + end;
		end += bytes;
	}
	source->end = (size_t)end;
	return 0;
}

/* Revision 10's bitmap has a bit for each port that the cell may not use; now ranges that it may are listed.
 */
static uint32_t convert_pio_bitmap(const struct source *source, struct blob *binary)
{
	const uint8_t *bitmap = source->array[PIO];
	uint32_t ports = source->count[PIO] < 8192 ? source->count[PIO] * 8 : 65536, count = 0;

	for (uint32_t port = 0; port < ports; port++) {
		struct config_pio pio = { .base = (uint16_t)port };

		for (; port < ports && !(bitmap[port / 8] >> port % 8 & 1) && pio.length < UINT16_MAX; port++)
			pio.length++;
		if (!pio.length)
			continue;
		blob_append(binary, &pio, sizeof(pio));
		count++;
		port--;
	}
	return count;
}

/* Bit 8 was IO_UNALIGNED, which matters to sub-page regions only, before it became NO_HUGEPAGES, in 12. */
static void convert_memory(const struct source *source, struct blob *binary)
{
	for (uint32_t i = 0; i < source->count[MEMORY]; i++) {
		struct config_memory memory;

		memcpy(&memory, source->array[MEMORY] + i * sizeof(memory), sizeof(memory));
		if (source->layout->revision < 12 && (memory.flags & CONFIG_MEM_NO_HUGEPAGES))
			memory.flags ^= CONFIG_MEM_NO_HUGEPAGES | CONFIG_MEM_IO_UNALIGNED;
		blob_append(binary, &memory, sizeof(memory));
	}
}

/* Until 12 shared memory was one region between two, and the protocol's number one of another list. */
static void convert_pci_devices(const struct source *source, struct blob *binary)
{
	for (uint32_t i = 0; i < source->count[PCI_DEVICES]; i++) {
		struct config_pci_device device;

		memcpy(&device, source->array[PCI_DEVICES] + i * sizeof(device), sizeof(device));
		if (source->layout->revision < 12) {
			uint16_t protocol = load16((const uint8_t *)&device + 52);

			device.shmem_dev_id = 0;
			device.shmem_peers = device.type == 3 ? 2 : 0;
			device.shmem_protocol = protocol == 0x100    ? 1
						: protocol >= 0x8000 ? 0x4000 | (protocol & 0x3fff)
								     : 0;
		}
		blob_append(binary, &device, sizeof(device));
	}
}

static void convert_arrays(const struct source *source, struct config_cell *cell, struct blob *binary)
{
	for (int array = 0; array < ARRAYS; array++) {
		if (array == PIO && source->layout->pio_bitmap)
			cell->num_pio_regions = convert_pio_bitmap(source, binary);
		else if (array == MEMORY)
			convert_memory(source, binary);
		else if (array == PCI_DEVICES)
			convert_pci_devices(source, binary);
		else
			blob_append(binary, source->array[array],
				    source->count[array] * array_table[array].entry);
	}
}

/* Appends the cell's description and arrays; of the embedded root cell if @is_root. */
static void convert_cell(const struct source *source, uint8_t architecture, bool is_root, struct blob *binary)
{
	const struct layout *layout = source->layout;
	struct config_cell cell = { 0 };
	size_t at = binary->size, rest = sizeof(cell) - offsetof(struct config_cell, vpci_irq_base);

	if (!is_root) {
		memcpy(cell.signature, CONFIG_CELL_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
		cell.architecture = architecture;
		cell.revision = CONFIG_REVISION;
	}
	/* From the name to the counts, then what follows them, is the same but for its place. */
	memcpy(cell.name, source->cell + AT_CELL_NAME, AT_NUM_STREAM_IDS - AT_CELL_NAME);
	cell.num_stream_ids = source->count[STREAM_IDS];
	memcpy(&cell.vpci_irq_base, source->cell + layout->cell_size - rest, rest);
	blob_extend(binary, sizeof(cell));
	convert_arrays(source, &cell, binary);
	memcpy(binary->data + at, &cell, sizeof(cell));
}

static void convert_iommus(const struct layout *layout, const uint8_t *file, bool is_arm,
			   struct config_iommu *to)
{
	const uint8_t *from = file + (is_arm ? layout->iommus_arm : layout->iommus_x86);

	if (!layout->old_iommus) {
		memcpy(to, from, CONFIG_IOMMUS * sizeof(*to));
		return;
	}
	if (is_arm)
		return;
	for (unsigned i = 0; i < CONFIG_IOMMUS; i++, from += IOMMU_OLD_SIZE) {
		memcpy(&to[i].base, from, 12);
		memcpy(to[i].more, from + 12, 8);
		if (to[i].base) /* AMD's have a PCI address, Intel's have none */
			to[i].type = load16(from + 12) ? 1 : 2;
	}
}

static void convert_arch_block(const struct layout *layout, const uint8_t *file, bool is_arm, uint8_t *to)
{
	const uint8_t *from = file + (is_arm ? layout->arm_block : layout->x86_block);

	if (layout->revision >= 14) {
		memcpy(to, from, sizeof(struct config_arm)); /* whichever it is */
	} else if (is_arm) {
		memcpy(to, from, 2);
		memcpy(to + offsetof(struct config_arm, gicd_base), file + layout->arm_bases, 5 * 8);
	} else if (layout->x86_old_order) {
		memcpy(to, from, 2);	      /* pm_timer_address */
		to[2] = from[6];	      /* apic_mode */
		memcpy(to + 4, from + 2, 4);  /* vtd_interrupt_limit */
		memcpy(to + 8, from + 10, 8); /* tsc_khz, apic_khz */
	} else {
		memcpy(to, from, 16);
	}
}

static void convert_system(const struct layout *layout, const uint8_t *file, uint8_t architecture,
			   struct blob *binary)
{
	struct config_system system = { 0 };
	bool is_arm = architecture == CONFIG_ARCH_ARM || architecture == CONFIG_ARCH_ARM64;

	memcpy(system.signature, CONFIG_SYSTEM_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
	system.architecture = architecture;
	system.revision = CONFIG_REVISION;
	memcpy(&system.flags, file + AT_SYSTEM_FLAGS, 4);
	memcpy(&system.hypervisor_memory, file + AT_HYPERVISOR_MEMORY, AT_PCI - AT_HYPERVISOR_MEMORY);
	memcpy(&system.platform_info, file + AT_PCI, AT_PCI_END - AT_PCI);
	convert_iommus(layout, file, is_arm, system.platform_info.iommu_units);
	convert_arch_block(layout, file, is_arm, system.platform_info.bytes);
	blob_append(binary, &system, offsetof(struct config_system, root_cell));
}

/* sysHyper knows arm64 alone; Arm's systems have a GIC of version 2 or 3 and x86's cells no irqchip but with
 * ports. */
static uint8_t guess_architecture(enum convert_form form, const struct source *source, const uint8_t *file,
				  bool is_system)
{
	const struct layout *layout = &layouts[form];
	uint8_t gic_version = is_system ? file[layout->arm_block + 1] : 0;

	if (form == FORM_RVM)
		return CONFIG_ARCH_ARM64;
	if (source->count[PIO] || source->count[CACHES] || source->count[PCI_CAPS])
		return CONFIG_ARCH_X86;
	if (is_system)
		return gic_version == 2 || gic_version == 3 ? CONFIG_ARCH_ARM64 : CONFIG_ARCH_X86;
	return source->count[IRQCHIPS] ? CONFIG_ARCH_ARM64 : CONFIG_ARCH_X86;
}

int config_convert(const struct blob *file, int architecture, struct converted *to, struct error *error)
{
	const struct layout *layout;
	struct source source = { 0 };
	bool is_system;

	*to = (struct converted){ 0 };
	if (file->size < AT_CELL_NAME)
		return error_set(error, "it has %zu bytes, too few for a configuration", file->size);
	to->form = form_of(file, &is_system);
	if (to->form == FORM_NONE)
		return error_set(
			error,
			"it is no configuration of revision 10 to 14 (it begins with %02x %02x %02x %02x, "
			"revision %u)",
			file->data[0], file->data[1], file->data[2], file->data[3],
			load16(file->data + AT_REVISION));
	layout = &layouts[to->form];
	if (source_open(&source, layout, file, is_system ? layout->root_cell : 0, error))
		return -1;
	if (layout->revision >= 14) {
		architecture = file->data[CONFIG_SIGNATURE_LENGTH];
	} else if (architecture < 0) {
		architecture = guess_architecture(to->form, &source, file->data, is_system);
		to->arch_guessed = true;
	}
	if (is_system)
		convert_system(layout, file->data, (uint8_t)architecture, &to->binary);
	convert_cell(&source, (uint8_t)architecture, is_system, &to->binary);
	to->trailing = file->size - source.end;
	return 0;
}
