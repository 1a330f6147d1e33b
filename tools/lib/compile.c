/* SPDX-License-Identifier: MulanPSL-2.0 */
/* From what people write to the binary of revision 14. */
#include <string.h>

#include "tools/lib/model.h"
#include "tools/lib/number.h"

#define CPU_SET_MAX 4096 /* bytes */

static bool is_auto(const char *text)
{
	return text && strcmp(text, "auto") == 0;
}

static int parse_address(const char *text, uint64_t *value)
{
	if (is_auto(text)) {
		*value = CONFIG_AUTO;
		return 0;
	}
	return parse_number(text, value) ? 0 : -1;
}

/* @path is of the region, with a %u for @index; where virt is not given it is phys if @identity. */
static int compile_memory(const struct model_memory *from, bool identity, struct config_memory *to,
			  const char *path, unsigned index, struct error *error)
{
	uint64_t phys, virt, size;

	if (parse_address(from->phys, &phys))
		return error_at(error, path, index, "phys \"%s\" is neither an address nor auto", from->phys);
	if (!parse_number(from->size, &size))
		return error_at(error, path, index, "size \"%s\" is no number", from->size);
	virt = identity ? phys : 0;
	if (from->virt && parse_address(from->virt, &virt))
		return error_at(error, path, index, "virt \"%s\" is neither an address nor auto", from->virt);
	*to = (struct config_memory){ phys, virt, size, from->flags };
	return 0;
}

static void set_bits(uint8_t *bits, uint64_t first, uint64_t last)
{
	for (uint64_t n = first; n <= last; n++)
		bits[n / 8] |= (uint8_t)(1u << n % 8);
}

static int compile_cpus(const struct model_cell *cell, struct blob *binary, uint32_t *size,
			struct error *error)
{
	uint8_t bits[CPU_SET_MAX] = { 0 };
	uint64_t needed = 1;

	for (unsigned i = 0; i < cell->cpus_count; i++) {
		uint64_t first, last;

		if (!parse_range(cell->cpus[i], CPU_SET_MAX * 8, &first, &last))
			return error_at(error, "cell.cpus[%u]", i, "\"%s\" is no CPU or range of CPUs",
					cell->cpus[i]);
		set_bits(bits, first, last);
		if (last / 8 + 1 > needed)
			needed = last / 8 + 1;
	}
	*size = cell->cpu_set_size ? *cell->cpu_set_size : (uint32_t)((needed + 7) / 8 * 8);
	if (*size > CPU_SET_MAX)
		return error_at(error, "cell.cpu-set-size", 0, "a set of CPUs has at most %u bytes",
				CPU_SET_MAX);
	if (cell->cpus_count && *size < needed)
		return error_at(error, "cell.cpu-set-size", 0,
				"%u bytes have no room for all of the cell's CPUs", *size);
	blob_append(binary, bits, *size);
	return 0;
}

#define PINS_MAX 4096

/* The entries that the pins need, in blocks of CONFIG_PINS, or the one that is asked for by its base. */
static int compile_irqchip(const struct model_irqchip *from, unsigned index, struct blob *binary,
			   uint32_t *count, struct error *error)
{
	uint8_t bits[PINS_MAX / 8] = { 0 };
	struct config_irqchip entry = { .address = from->address, .id = from->kind };
	uint64_t base = from->base ? *from->base : 0, limit = from->base ? CONFIG_PINS : PINS_MAX;

	for (unsigned i = 0; i < from->pins_count; i++) {
		uint64_t first, last;

		if (!parse_range(from->pins[i], base + limit, &first, &last) || first < base)
			return error_at(error, "cell.irqchips[%u].pins", index,
					"\"%s\" is no pin or range of pins from %llu to %llu", from->pins[i],
					(unsigned long long)base, (unsigned long long)(base + limit - 1));
		set_bits(bits, first - base, last - base);
	}
	for (unsigned block = 0; block < limit / CONFIG_PINS; block++) {
		static const uint8_t none[CONFIG_PINS / 8];
		const uint8_t *pins = bits + block * CONFIG_PINS / 8;

		if (!from->base && memcmp(pins, none, sizeof(none)) == 0)
			continue;
		entry.pin_base = (uint32_t)base + block * CONFIG_PINS;
		memcpy(entry.pin_bitmap, pins, sizeof(entry.pin_bitmap));
		blob_append(binary, &entry, sizeof(entry));
		(*count)++;
	}
	return 0;
}

/* The arrays behind a cell's description; their counts go to *to. */
static int compile_arrays(const struct model_cell *from, struct config_cell *to, struct blob *binary,
			  struct error *error)
{
	uint32_t cpu_set_size = 0, num_irqchips = 0;

	if (compile_cpus(from, binary, &cpu_set_size, error))
		return -1;
	for (unsigned i = 0; i < from->memory_count; i++) {
		struct config_memory memory;

		if (compile_memory(&from->memory[i], true, &memory, "cell.memory[%u]", i, error))
			return -1;
		blob_append(binary, &memory, sizeof(memory));
	}
	blob_append(binary, from->caches, from->caches_count * sizeof(*from->caches));
	for (unsigned i = 0; i < from->irqchips_count; i++) {
		if (compile_irqchip(&from->irqchips[i], i, binary, &num_irqchips, error))
			return -1;
	}
	blob_append(binary, from->pio, from->pio_count * sizeof(*from->pio));
	blob_append(binary, from->pci_devices, from->pci_devices_count * sizeof(*from->pci_devices));
	blob_append(binary, from->pci_caps, from->pci_caps_count * sizeof(*from->pci_caps));
	blob_append(binary, from->stream_ids, from->stream_ids_count * sizeof(*from->stream_ids));
	to->cpu_set_size = cpu_set_size;
	to->num_irqchips = num_irqchips;
	to->num_memory_regions = from->memory_count;
	to->num_cache_regions = from->caches_count;
	to->num_pio_regions = from->pio_count;
	to->num_pci_devices = from->pci_devices_count;
	to->num_pci_caps = from->pci_caps_count;
	to->num_stream_ids = from->stream_ids_count;
	return 0;
}

/* Appends the cell's description with its arrays; a root cell has neither signature nor revision. */
static int compile_cell(const struct model *model, struct blob *binary, struct error *error)
{
	const struct model_cell *from = &model->cell;
	size_t at = binary->size;
	struct config_cell cell = {
		.id = from->id,
		.flags = from->flags,
		.vpci_irq_base = from->vpci_irq_base,
		.cpu_reset_address = from->entry,
		.msg_reply_timeout = from->message_timeout,
		.console = from->console,
	};

	if (!model->system) {
		memcpy(cell.signature, CONFIG_CELL_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
		cell.architecture = model->architecture;
		cell.revision = CONFIG_REVISION;
	}
	memcpy(cell.name, from->name, strlen(from->name));
	blob_extend(binary, sizeof(cell));
	if (compile_arrays(from, &cell, binary, error))
		return -1;
	memcpy(binary->data + at, &cell, sizeof(cell));
	return 0;
}

static int compile_arch_block(const struct model *model, struct config_system *to, struct error *error)
{
	const struct model_system *from = model->system;
	const bool wrong = (from->loongarch && model->architecture != CONFIG_ARCH_LOONGARCH) ||
			   (from->arm && model->architecture != CONFIG_ARCH_ARM &&
			    model->architecture != CONFIG_ARCH_ARM64) ||
			   (from->x86 && model->architecture != CONFIG_ARCH_X86);

	if (wrong)
		return error_at(error,
				from->arm   ? "system.arm"
				: from->x86 ? "system.x86"
					    : "system.loongarch",
				0, "this part is of another architecture than the file's");
	if (from->loongarch)
		to->platform_info.loongarch = *from->loongarch;
	if (from->arm)
		to->platform_info.arm = *from->arm;
	if (from->x86)
		memcpy(to->platform_info.bytes, from->x86, sizeof(*from->x86));
	return 0;
}

static void compile_iommu(const struct model_iommu *from, struct config_iommu *to)
{
	*to = (struct config_iommu){ .type = from->type, .base = from->base, .size = from->size };
	if (from->amd) {
		memcpy(to->more, &from->amd->bdf, 2);
		to->more[2] = from->amd->base_cap;
		to->more[3] = from->amd->msi_cap;
		memcpy(to->more + 4, &from->amd->features, 4);
	}
	if (from->pvu) {
		memcpy(to->more, &from->pvu->tlb_base, 8);
		memcpy(to->more + 8, &from->pvu->tlb_size, 4);
	}
}

static int compile_system(const struct model *model, struct config_system *to, struct error *error)
{
	const struct model_system *from = model->system;

	memcpy(to->signature, CONFIG_SYSTEM_SIGNATURE, CONFIG_SIGNATURE_LENGTH);
	to->architecture = model->architecture;
	to->revision = CONFIG_REVISION;
	to->flags = from->flags;
	to->debug_console = from->debug_console;
	to->platform_info.pci_mmconfig_base = from->pci.mmconfig_base;
	to->platform_info.pci_mmconfig_end_bus = from->pci.end_bus;
	to->platform_info.pci_is_virtual = from->pci.is_virtual;
	to->platform_info.pci_domain = from->pci.domain;
	for (unsigned i = 0; i < from->iommus_count; i++)
		compile_iommu(&from->iommus[i], &to->platform_info.iommu_units[i]);
	if (compile_arch_block(model, to, error))
		return -1;
	return compile_memory(&from->hypervisor_memory, false, &to->hypervisor_memory,
			      "system.hypervisor-memory", 0, error);
}

int model_compile(const struct model *model, struct blob *binary, struct error *error)
{
	*binary = (struct blob){ 0 };
	if (model->system) {
		struct config_system system = { 0 };

		if (compile_system(model, &system, error))
			return -1;
		blob_append(binary, &system, offsetof(struct config_system, root_cell));
	}
	if (compile_cell(model, binary, error)) {
		blob_free(binary);
		return -1;
	}
	return 0;
}
