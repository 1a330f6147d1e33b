/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The board under us, and root's accesses to what it does not let be mapped: the chip's registers by their
 * addresses, which are as good as IOCSR instructions and filtered as they are, and the doorbells at which
 * whoever writes raises interrupts.
 */
#include "loongarch.h"

#define VENDOR	    0x10 /* IOCSR */
#define CHIP	    0x20
#define PIC_VERSION 4 /* 23:16: pins, less 1 */

/* A core's registers by address, each 0x100 behind the last core's, but for what sends to others. */
#define CORE_FIRST 0x1000
#define CORE_LAST  0x13ff
#define ISR_LAST   0x1bff
#define FREQ_SEND  0x1058
#define MAIL_SEND  0x1048

const struct platform *platform;

int guard_find_platform(const struct config_system *system, struct hv_error *error)
{
	uint64_t described = system->platform_info.loongarch.pch_pic_base, pic = platform_pic(described);
	uint64_t chip = hw_iocsr_read(CHIP, 8);
	struct platform_id id = { .prid = cpucfg(0), .vendor = hw_iocsr_read(VENDOR, 8) };
	char name[sizeof(id.chip) + 1] = { 0 };

	if (!pic)
		return config_refuse(
			error, EINVAL, system, &system->root_cell,
			&system->platform_info.loongarch.pch_pic_base, -1,
			"pch-pic-base is 0x%lx: no known board has the bridge's controller there", described);
	memcpy(id.chip, &chip, sizeof(id.chip));
	memcpy(name, id.chip, sizeof(id.chip));
	id.pins = (hw_read(pic + PIC_VERSION, 4) >> 16 & 0xff) + 1;
	platform = platform_find(&id);
	if (!platform)
		return config_refuse(
			error, ENODEV, system, &system->root_cell, &system->platform_info.loongarch, -1,
			"no board is known with %s, PRID 0x%x, a bridge of %u pins: it needs a table "
			"(docs/porting.md, A new board)",
			name, id.prid, id.pins);
	return platform_check_system(platform, system, error);
}

static bool is_send(uint32_t offset)
{
	return (offset & ~UINT32_C(3)) == IPI_SEND || (offset & ~UINT32_C(7)) == MAIL_SEND ||
	       (offset & ~UINT32_C(3)) == FREQ_SEND || (offset & ~UINT32_C(3)) == EXTIOI_SEND ||
	       (offset & ~UINT32_C(7)) == ANY_SEND;
}

/* The offset that IOCSR has for a register of this core, ~0: it is another core's. */
static uint32_t own_offset(const struct cpu *cpu, uint32_t offset)
{
	unsigned core = offset >> 8 & 3;

	if (is_send(offset) || !((offset >= CORE_FIRST && offset <= CORE_LAST) ||
				 (offset >= EXTIOI_CORE_ISR && offset <= ISR_LAST)))
		return offset;
	return core == cpu->id ? offset - (core << 8) : ~UINT32_C(0);
}

static void chip_read(struct cpu *cpu, uint32_t offset, struct mmio_access *access)
{
	if (iocsr_is_divided(offset))
		access->value = extended(iocsr_read(cpu, offset, access->size), access->size, false);
	else
		access->value = hw_read(access->gpa, access->size);
}

static void chip_write(struct cpu *cpu, uint32_t offset, struct mmio_access *access)
{
	if (iocsr_is_divided(offset))
		iocsr_write(cpu, offset, access->size, access->value);
	else
		hw_write(access->gpa, access->size, access->value);
}

static enum mmio_result chip_access(struct cpu *cpu, void *opaque, struct mmio_access *access)
{
	const struct platform_range *range = opaque;
	uint32_t offset = own_offset(cpu, (uint32_t)(access->gpa - range->base));
	bool refused = offset == ~UINT32_C(0) ||
		       (access->write && !platform_allows_write(platform, offset, access->size));

	if (access->gpa % access->size)
		return MMIO_FORBIDDEN;
	if (refused) {
		cpu->arch.refused++;
		access->value = 0;
	} else if (access->write) {
		chip_write(cpu, offset, access);
	} else {
		chip_read(cpu, offset, access);
	}
	return MMIO_DONE;
}

/*
 * What is written, or at which address, says what is raised; there is nothing to be read.  A vector has the
 * number that it has for the cell.
 */
static enum mmio_result doorbell_access(struct cpu *cpu, void *opaque, struct mmio_access *access)
{
	const struct platform_range *range = opaque;
	uint64_t offset = access->gpa - range->base, value = access->value;
	unsigned vector = (unsigned)value & 0xff;
	bool allowed = access->size == 4;

	if (range->guard == GUARD_VECTOR_DOORBELL) {
		allowed = allowed && !offset && extioi_owns(cpu->cell, vector);
		value = allowed ? cpu->cell->arch.physical[vector] : 0;
	} else {
		allowed = allowed && cell_owns_cpu(&root_cell, (unsigned)offset >> 12);
	}
	if (!access->write)
		access->value = 0;
	else if (allowed)
		hw_write(access->gpa, access->size, value);
	else
		cpu->arch.refused++;
	return MMIO_DONE;
}

static bool has_message_vectors(const struct config_cell *config)
{
	const struct config_irqchip *chip = config_irqchips(config);

	for (unsigned i = 0; i < config->num_irqchips; i++, chip++)
		if (chip->id == CONFIG_IRQCHIP_MSI)
			return true;
	return false;
}

int guard_cell(struct cell *cell)
{
	for (unsigned i = 0; i < platform->range_count; i++) {
		const struct platform_range *range = &platform->ranges[i];

		if (range->guard == GUARD_VECTOR_DOORBELL && has_message_vectors(cell->config))
			return mmio_register(cell, range->base, range->size, doorbell_access, (void *)range);
	}
	return 0;
}

/* Without message interrupts there may be nothing at their doorbell, and an access is root's mistake. */
static bool is_there(const struct platform_range *range)
{
	return platform_is_done_for_root(range) && (range->guard != GUARD_CPU_DOORBELL || has_messages);
}

static bool is_listed(const struct cell *root, const struct platform_range *range)
{
	const struct config_memory *memory = config_memory(root->config);

	for (unsigned i = 0; i < root->config->num_memory_regions; i++)
		if (!(memory[i].flags & CONFIG_MEM_COMM_REGION) &&
		    config_overlap(memory[i].phys_start, memory[i].size, range->base, range->size))
			return true;
	return false;
}

int guard_root(struct cell *root)
{
	for (unsigned i = 0; i < platform->range_count; i++) {
		const struct platform_range *range = &platform->ranges[i];
		int error;

		if (!is_there(range) || !is_listed(root, range))
			continue;
		error = mmio_register(root, range->base, range->size,
				      range->guard == GUARD_CHIP ? chip_access : doorbell_access,
				      (void *)range);
		if (!error)
			error = paging_unmap(&root->stage2, range->base, range->size);
		if (error)
			return config_refuse(
				&last_error, -error, system_config, root->config,
				&system_config->hypervisor_memory, -1,
				"0x%lx, %s, cannot be taken out of root's map: more memory is needed",
				range->base, range->name);
	}
	return 0;
}
