/* SPDX-License-Identifier: MulanPSL-2.0 */
/* From the binary of revision 14 to what people read: the way back of compile.c. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lib/model.h"

/* Memory that cyaml_free() gives back; @count elements of zeros, NULL for none. */
static void *allocate(size_t count, size_t size)
{
	struct blob blob = { 0 };

	return count ? blob_extend(&blob, count * size) : NULL;
}

static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text_of(const char *format, ...)
{
	char *text = allocate(64, 1);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, 64, format, arguments);
	va_end(arguments);
	return text;
}

static char *address_text(uint64_t address)
{
	return address == CONFIG_AUTO ? text_of("auto") : text_of("0x%llx", (unsigned long long)address);
}

static char *size_text(uint64_t size)
{
	if (size && size % (1 << 20) == 0)
		return text_of("%lluM", (unsigned long long)size >> 20);
	if (size && size % (1 << 10) == 0)
		return text_of("%lluK", (unsigned long long)size >> 10);
	return text_of("0x%llx", (unsigned long long)size);
}

static struct model_memory memory_of(const struct config_memory *from, bool identity)
{
	struct model_memory to = { .flags = from->flags };

	if (from->phys_start || (from->size && !(from->flags & CONFIG_MEM_COMM_REGION)))
		to.phys = address_text(from->phys_start);
	if (from->virt_start != (identity ? from->phys_start : 0))
		to.virt = address_text(from->virt_start);
	if (from->size)
		to.size = size_text(from->size);
	return to;
}

/* Ranges of the bits that are set, numbered from @base. */
static char **ranges_of(const uint8_t *bits, uint64_t count, uint64_t base, unsigned *ranges)
{
	char **list = allocate(count, sizeof(*list));

	*ranges = 0;
	for (uint64_t n = 0; n < count; n++) {
		uint64_t first = n;

		if (!(bits[n / 8] >> n % 8 & 1))
			continue;
		while (n + 1 < count && bits[(n + 1) / 8] >> (n + 1) % 8 & 1)
			n++;
		list[(*ranges)++] = first == n ? text_of("%llu", (unsigned long long)(base + n))
					       : text_of("%llu-%llu", (unsigned long long)(base + first),
							 (unsigned long long)(base + n));
	}
	if (!*ranges) {
		free(list);
		return NULL;
	}
	return list;
}

static void cpus_of(struct model_cell *to, const struct config_cell *from)
{
	const uint8_t *set = config_cpu_set(from);
	unsigned used = 0;

	for (unsigned i = 0; i < from->cpu_set_size; i++)
		used = set[i] ? i + 1 : used;
	to->cpus = ranges_of(set, (uint64_t)from->cpu_set_size * 8, 0, &to->cpus_count);
	if (from->cpu_set_size == ((used ? used : 1) + 7) / 8 * 8)
		return;
	to->cpu_set_size = allocate(1, sizeof(*to->cpu_set_size));
	*to->cpu_set_size = from->cpu_set_size;
}

static void irqchip_of(struct model_irqchip *to, const struct config_irqchip *from)
{
	uint8_t bits[CONFIG_PINS / 8];

	memcpy(bits, from->pin_bitmap, sizeof(bits));
	to->kind = from->id;
	to->address = from->address;
	to->base = allocate(1, sizeof(*to->base));
	*to->base = from->pin_base;
	to->pins = ranges_of(bits, CONFIG_PINS, from->pin_base, &to->pins_count);
}

static void *copy(const void *from, size_t count, size_t size)
{
	void *to = allocate(count, size);

	if (count)
		memcpy(to, from, count * size);
	return to;
}

static char *name_of(const struct config_cell *from)
{
	char *name = allocate(CONFIG_NAME_LENGTH, 1);

	memcpy(name, from->name, CONFIG_NAME_LENGTH - 1);
	for (char *c = name; *c; c++) {
		if (!isprint((unsigned char)*c))
			*c = '?';
	}
	return name;
}

static void cell_of(struct model_cell *to, const struct config_cell *from)
{
	to->name = name_of(from);
	to->id = from->id;
	to->flags = from->flags;
	to->vpci_irq_base = from->vpci_irq_base;
	to->entry = from->cpu_reset_address;
	to->message_timeout = from->msg_reply_timeout;
	to->console = from->console;
	cpus_of(to, from);
	to->memory_count = from->num_memory_regions;
	to->memory = allocate(to->memory_count, sizeof(*to->memory));
	for (unsigned i = 0; i < to->memory_count; i++)
		to->memory[i] = memory_of(&config_memory(from)[i], true);
	to->irqchips_count = from->num_irqchips;
	to->irqchips = allocate(to->irqchips_count, sizeof(*to->irqchips));
	for (unsigned i = 0; i < to->irqchips_count; i++)
		irqchip_of(&to->irqchips[i], &config_irqchips(from)[i]);
	to->caches_count = from->num_cache_regions;
	to->caches = copy(config_cache(from), to->caches_count, sizeof(*to->caches));
	to->pio_count = from->num_pio_regions;
	to->pio = copy(config_pio(from), to->pio_count, sizeof(*to->pio));
	to->pci_devices_count = from->num_pci_devices;
	to->pci_devices = copy(config_pci_devices(from), to->pci_devices_count, sizeof(*to->pci_devices));
	to->pci_caps_count = from->num_pci_caps;
	to->pci_caps = copy(config_pci_caps(from), to->pci_caps_count, sizeof(*to->pci_caps));
	to->stream_ids_count = from->num_stream_ids;
	to->stream_ids = copy(config_stream_ids(from), to->stream_ids_count, sizeof(*to->stream_ids));
}

static void iommu_of(struct model_iommu *to, const struct config_iommu *from)
{
	static const uint8_t none[sizeof(from->more)];

	*to = (struct model_iommu){ .type = from->type, .base = from->base, .size = from->size };
	if (memcmp(from->more, none, sizeof(none)) == 0)
		return;
	if (from->type == 1) {
		to->amd = allocate(1, sizeof(*to->amd));
		memcpy(&to->amd->bdf, from->more, 2);
		to->amd->base_cap = from->more[2];
		to->amd->msi_cap = from->more[3];
		memcpy(&to->amd->features, from->more + 4, 4);
	} else if (from->type == 4) {
		to->pvu = allocate(1, sizeof(*to->pvu));
		memcpy(&to->pvu->tlb_base, from->more, 8);
		memcpy(&to->pvu->tlb_size, from->more + 8, 4);
	}
}

static void iommus_of(struct model_system *to, const struct config_iommu *units)
{
	static const struct config_iommu none;

	for (unsigned i = 0; i < CONFIG_IOMMUS; i++) {
		if (memcmp(&units[i], &none, sizeof(none)) != 0)
			to->iommus_count = i + 1;
	}
	to->iommus = allocate(to->iommus_count, sizeof(*to->iommus));
	for (unsigned i = 0; i < to->iommus_count; i++)
		iommu_of(&to->iommus[i], &units[i]);
}

static void arch_block_of(struct model_system *to, const struct config_system *from)
{
	static const uint8_t none[sizeof(from->platform_info.bytes)];
	const uint8_t *bytes = from->platform_info.bytes;

	if (memcmp(bytes, none, sizeof(none)) == 0)
		return;
	switch (from->architecture) {
	case CONFIG_ARCH_LOONGARCH:
		to->loongarch = copy(bytes, 1, sizeof(*to->loongarch));
		break;
	case CONFIG_ARCH_ARM:
	case CONFIG_ARCH_ARM64:
		to->arm = copy(bytes, 1, sizeof(*to->arm));
		break;
	case CONFIG_ARCH_X86:
		to->x86 = copy(bytes, 1, sizeof(*to->x86));
		break;
	}
}

static struct model_system *system_of(const struct config_system *from)
{
	struct model_system *to = allocate(1, sizeof(*to));

	to->flags = from->flags;
	to->hypervisor_memory = memory_of(&from->hypervisor_memory, false);
	to->debug_console = from->debug_console;
	to->pci.mmconfig_base = from->platform_info.pci_mmconfig_base;
	to->pci.end_bus = from->platform_info.pci_mmconfig_end_bus;
	to->pci.is_virtual = from->platform_info.pci_is_virtual;
	to->pci.domain = from->platform_info.pci_domain;
	iommus_of(to, from->platform_info.iommu_units);
	arch_block_of(to, from);
	return to;
}

struct model *model_from_binary(const struct blob *binary)
{
	struct model *model = allocate(1, sizeof(*model));
	const struct config_system *system = (const struct config_system *)binary->data;
	bool is_system = memcmp(binary->data, CONFIG_SYSTEM_SIGNATURE, CONFIG_SIGNATURE_LENGTH) == 0;

	model->architecture = system->architecture;
	if (is_system)
		model->system = system_of(system);
	cell_of(&model->cell, is_system ? &system->root_cell : (const struct config_cell *)binary->data);
	return model;
}
