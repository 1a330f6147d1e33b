/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The check of configurations: hypervisor/core/config.c, config_memory.c.  Each row below breaks one rule in
 * a description of which all else is right, and says what the refusal must name.
 */
#include <string.h>

#include "test.h"

/* Where refused: a field of struct config_cell, or of an array's entry, whose offset depends on the counts.
 */
#define FIELD(name)	offsetof(struct config_cell, name)
#define MEMORY(i, name) (sizeof(struct config_cell) + 8 + (i)*32 + offsetof(struct config_memory, name))
#define PINS(memory_regions, i)                                                                              \
	(sizeof(struct config_cell) + 8 + (memory_regions)*32 + (i)*32 +                                     \
	 offsetof(struct config_irqchip, pin_bitmap))
#define CPU_SET(byte) (sizeof(struct config_cell) + (byte))

struct rule {
	const char *sentence; /* how it begins */
	void (*change)(struct description *d);
	int error;
	uint64_t field;
	int index;
	const char *rival; /* NULL: none */
	int rival_index;
};

#define CHANGE(name, ...)                                                                                    \
	static void name(struct description *d)                                                              \
	{                                                                                                    \
		__VA_ARGS__;                                                                                 \
	}

CHANGE(signature, d->cell.signature[0] = 'X')
CHANGE(revision, d->cell.revision = 13)
CHANGE(revision_and_architecture, d->cell.revision = 13; d->cell.architecture = 0)
CHANGE(architecture, d->cell.architecture = CONFIG_ARCH_ARM64)
CHANGE(many_regions, d->cell.num_memory_regions = 0x8000000)
CHANGE(many_pins, d->cell.num_stream_ids = UINT32_MAX)
CHANGE(no_name, d->cell.name[0] = 0)
CHANGE(endless_name, memset(d->cell.name, 'n', sizeof(d->cell.name)))
CHANGE(roots_name, memcpy(d->cell.name, "root", 5))
CHANGE(others_name, memcpy(d->cell.name, "cell-2", 7))
CHANGE(longer_name, memcpy(d->cell.name, "cell-22", 8))
CHANGE(id_of_root, d->cell.id = 0)
CHANGE(id_too_large, d->cell.id = CELLS_MAX)
CHANGE(id_of_other, d->cell.id = 2)
CHANGE(cell_flags, d->cell.flags |= 0x800)
CHANGE(pci_device, d->cell.num_pci_devices = 1)
CHANGE(cache, d->cell.num_cache_regions = 1)
CHANGE(ports, d->cell.num_pio_regions = 1)
CHANGE(streams, d->cell.num_stream_ids = 1)
CHANGE(no_cpu, d->cpus = 0)
CHANGE(cpu_0, d->cpus = 3)
CHANGE(cpu_that_asks, d->cpus = 1 << 5)
CHANGE(cpu_of_other, d->cpus = 1 << 2)
CHANGE(cpu_that_is_none, d->cpus = 1ull << 40)
CHANGE(memory_flags, d->memory[0].flags |= 1ull << 40)
CHANGE(no_rights, d->memory[0].flags = 0)
CHANGE(loadable_device, d->memory[0].flags |= CONFIG_MEM_IO | CONFIG_MEM_LOADABLE)
CHANGE(empty, d->memory[1].size = 0)
CHANGE(beyond_virt, d->memory[0].virt_start = PAGING_LIMIT - PAGE_SIZE)
CHANGE(overflow_virt, d->memory[0].virt_start = UINT64_MAX - 0xfff)
CHANGE(overflow_size, d->memory[0].size = UINT64_MAX - 0xfff)
CHANGE(beyond_phys, d->memory[0].phys_start = PAGING_LIMIT - PAGE_SIZE)
CHANGE(overflow_phys, d->memory[0].phys_start = UINT64_MAX - 0xfff)
CHANGE(comm_size, d->memory[2].size = 2 * PAGE_SIZE)
CHANGE(comm_small, d->memory[2].size = PAGE_SIZE / 2)
CHANGE(comm_place, d->memory[2].virt_start += 8)
CHANGE(comm_flags, d->memory[2].flags |= CONFIG_MEM_ROOTSHARED)
CHANGE(two_comms, d->memory[3] = d->memory[2]; d->memory[3].virt_start += PAGE_SIZE;
       d->cell.num_memory_regions = 4)
CHANGE(unaligned, d->memory[0].phys_start += 0x800)
CHANGE(widths, d->memory[0].flags |= CONFIG_MEM_IO_32)
CHANGE(part_without_io, d->memory[0].size -= 0x10)
CHANGE(part_without_widths, d->memory[0].size -= 0x10; d->memory[0].flags |= CONFIG_MEM_IO)
CHANGE(part_executable, d->memory[0].size -= 0x10;
       d->memory[0].flags |= CONFIG_MEM_IO | CONFIG_MEM_IO_8 | CONFIG_MEM_EXECUTE)
CHANGE(part_shifted, d->memory[0] = (struct config_memory){ MOCK_PARTS, 0x200004, 0x10,
							    CONFIG_MEM_IO | CONFIG_MEM_IO_8 | 3 })
CHANGE(dma, d->memory[0].flags |= CONFIG_MEM_DMA)
CHANGE(own_virt, d->memory[1].virt_start = 0x3f000)
CHANGE(own_phys, d->memory[1].phys_start = d->memory[0].phys_start + 0x3f000)
CHANGE(comm_on_memory, d->memory[2].virt_start = 0x1000)
CHANGE(ours, d->memory[0].phys_start = MOCK_HV + MOCK_HV_SIZE - PAGE_SIZE)
CHANGE(ours_inside, d->memory[1].phys_start = MOCK_HV + 0x1000)
CHANGE(nobodys, d->memory[0].phys_start = 0x30000000)
CHANGE(partly_nobodys, d->memory[0].phys_start = MOCK_RAM + MOCK_RAM_SIZE - PAGE_SIZE)
CHANGE(device_as_ram, d->memory[0] = (struct config_memory){ MOCK_DEVICES, 0, 0x1000, 3 })
CHANGE(ram_as_device, d->memory[0].flags |= CONFIG_MEM_IO)
CHANGE(part_of_roots_page,
       d->memory[0] = (struct config_memory){ MOCK_DEVICES, 0, 0x100, CONFIG_MEM_IO | CONFIG_MEM_IO_8 | 3 })
CHANGE(others_memory, d->memory[0].phys_start = MOCK_GIVE + 0x100000 + 0x3f000)
CHANGE(others_memory_shared_by_us, d->memory[0].phys_start = MOCK_GIVE + 0x100000;
       d->memory[0].flags |= CONFIG_MEM_ROOTSHARED)
CHANGE(others_shared_not_by_us, d->memory[0].phys_start = MOCK_RAM + 0x100000)
CHANGE(entry, d->cell.cpu_reset_address = 0x90000)
CHANGE(entry_in_data, d->cell.cpu_reset_address = 0x1000)
CHANGE(console_type, d->cell.console = (struct config_console){ .type = 9, .flags = 1 })
CHANGE(console_flags, d->cell.console = (struct config_console){ .type = 2, .flags = 5 })
CHANGE(console_ports, d->cell.console = (struct config_console){ .type = 2 })
CHANGE(console_far,
       d->cell.console = (struct config_console){ .type = 2, .flags = 1, .address = UINT64_MAX - 2 })
CHANGE(console_across, d->cell.console = (struct config_console){ .type = 2, .flags = 1, .address = 0x3fffc })
CHANGE(console_pl011, d->cell.console = (struct config_console){ .type = 3, .flags = 1, .address = 0x500000 })
CHANGE(pins_twice, d->irqchips[1] = d->irqchips[0]; d->cell.num_irqchips = 2)
CHANGE(pin_not_roots, d->irqchips[0].pin_bitmap[2] = 0x10)
CHANGE(pin_of_other_kind, d->irqchips[0].id = 3)
CHANGE(pin_of_other, d->irqchips[0].pin_bitmap[0] = 0x100)

static const struct rule rules[] = {
	{ "the signature is not JHCLL", signature, EINVAL, FIELD(signature), -1, NULL, -1 },
	{ "revision 13, this", revision, EINVAL, FIELD(revision), -1, NULL, -1 },
	{ "revision 13, this", revision_and_architecture, EINVAL, FIELD(revision), -1, NULL, -1 },
	{ "architecture 2, this", architecture, EINVAL, FIELD(architecture), -1, NULL, -1 },
	{ "num_memory_regions is 134217728, but", many_regions, E2BIG, FIELD(num_memory_regions), -1, NULL,
	  -1 },
	{ "num_stream_ids is 4294967295, but", many_pins, E2BIG, FIELD(num_stream_ids), -1, NULL, -1 },
	{ "the name is empty", no_name, EINVAL, FIELD(name), -1, NULL, -1 },
	{ "the name does not end", endless_name, EINVAL, FIELD(name), -1, NULL, -1 },
	{ "there is a cell of this name", roots_name, EEXIST, FIELD(name), -1, "root", -1 },
	{ "there is a cell of this name", others_name, EEXIST, FIELD(name), -1, "cell-2", -1 },
	{ "id 0, cells have 1 to 15", id_of_root, EINVAL, FIELD(id), -1, NULL, -1 },
	{ "id 16, cells have 1 to 15", id_too_large, EINVAL, FIELD(id), -1, NULL, -1 },
	{ "there is a cell with id 2", id_of_other, EEXIST, FIELD(id), -1, "cell-2", -1 },
	{ "unknown flags 0x800", cell_flags, EINVAL, FIELD(flags), -1, NULL, -1 },
	{ "PCI devices can only be root's", pci_device, EINVAL, FIELD(num_pci_devices), -1, NULL, -1 },
	{ "parts of caches", cache, EINVAL, FIELD(num_cache_regions), -1, NULL, -1 },
	{ "there are no I/O ports", ports, EINVAL, FIELD(num_pio_regions), -1, NULL, -1 },
	{ "there is no IOMMU", streams, EINVAL, FIELD(num_stream_ids), -1, NULL, -1 },
	{ "no CPU", no_cpu, EINVAL, FIELD(cpu_set_size), -1, NULL, -1 },
	{ "CPU 0 stays root's", cpu_0, EINVAL, CPU_SET(0), 0, NULL, -1 },
	{ "CPU 5 is the one that asks", cpu_that_asks, EBUSY, CPU_SET(0), 5, NULL, -1 },
	{ "CPU 2 is not root's to give", cpu_of_other, EBUSY, CPU_SET(0), 2, "cell-2", -1 },
	{ "CPU 40 is not root's to give", cpu_that_is_none, EBUSY, CPU_SET(5), 40, NULL, -1 },
	{ "memory region 0 has unknown flags 0x10000000000", memory_flags, EINVAL, MEMORY(0, flags), 0, NULL,
	  -1 },
	{ "memory region 0 may not be read", no_rights, EINVAL, MEMORY(0, flags), 0, NULL, -1 },
	{ "memory region 0 is of devices, and", loadable_device, EINVAL, MEMORY(0, flags), 0, NULL, -1 },
	{ "memory region 1 is empty", empty, EINVAL, MEMORY(1, size), 1, NULL, -1 },
	{ "memory region 0 reaches beyond the highest address", beyond_virt, ERANGE, MEMORY(0, virt_start), 0,
	  NULL, -1 },
	{ "memory region 0 reaches beyond the highest address", overflow_virt, ERANGE, MEMORY(0, virt_start),
	  0, NULL, -1 },
	{ "memory region 0 reaches beyond the highest address", overflow_size, ERANGE, MEMORY(0, virt_start),
	  0, NULL, -1 },
	{ "memory region 0 reaches beyond the highest physical", beyond_phys, ERANGE, MEMORY(0, phys_start),
	  0, NULL, -1 },
	{ "memory region 0 reaches beyond the highest physical", overflow_phys, ERANGE, MEMORY(0, phys_start),
	  0, NULL, -1 },
	{ "memory region 2, the comm region, is not one page", comm_size, EINVAL, MEMORY(2, size), 2, NULL,
	  -1 },
	{ "memory region 2, the comm region, is not one page", comm_small, EINVAL, MEMORY(2, size), 2, NULL,
	  -1 },
	{ "memory region 2, the comm region, is not one page", comm_place, EINVAL, MEMORY(2, size), 2, NULL,
	  -1 },
	{ "memory region 2 is the comm region, and can be", comm_flags, EINVAL, MEMORY(2, flags), 2, NULL,
	  -1 },
	{ "memory region 3 is a second comm region, after 2", two_comms, EINVAL, MEMORY(3, flags), 3, NULL,
	  -1 },
	{ "memory region 0: 0x10c00800 is no multiple", unaligned, EINVAL, MEMORY(0, phys_start), 0, NULL,
	  -1 },
	{ "memory region 0 is of whole pages: widths", widths, EINVAL, MEMORY(0, flags), 0, NULL, -1 },
	{ "memory region 0 is not of whole pages: it needs", part_without_io, EINVAL, MEMORY(0, flags), 0,
	  NULL, -1 },
	{ "memory region 0 is not of whole pages: it needs", part_without_widths, EINVAL, MEMORY(0, flags), 0,
	  NULL, -1 },
	{ "memory region 0 is not of whole pages: no EXEC", part_executable, EINVAL, MEMORY(0, flags), 0,
	  NULL, -1 },
	{ "memory region 0: registers would be aligned", part_shifted, EINVAL, MEMORY(0, phys_start), 0, NULL,
	  -1 },
	{ "memory region 0: there is no IOMMU, so DMA", dma, EINVAL, MEMORY(0, virt_start), 0, NULL, -1 },
	{ "memory region 1 overlaps with region 0", own_virt, EINVAL, MEMORY(1, virt_start), 1, NULL, -1 },
	{ "memory region 1 is the same memory as region 0", own_phys, EINVAL, MEMORY(1, phys_start), 1, NULL,
	  -1 },
	{ "memory region 2 overlaps with region 0", comm_on_memory, EINVAL, MEMORY(2, virt_start), 2, NULL,
	  -1 },
	{ "memory region 0 overlaps with the hypervisor's", ours, EBUSY, MEMORY(0, phys_start), 0,
	  "hypervisor", -1 },
	{ "memory region 1 overlaps with the hypervisor's", ours_inside, EBUSY, MEMORY(1, phys_start), 1,
	  "hypervisor", -1 },
	{ "memory region 0: 0x30000000 is not root's to give", nobodys, EINVAL, MEMORY(0, phys_start), 0,
	  NULL, -1 },
	{ "memory region 0: 0x11400000 is not root's to give", partly_nobodys, EINVAL, MEMORY(0, phys_start),
	  0, NULL, -1 },
	{ "memory region 0: 0x40000000 is of devices (IO)", device_as_ram, EINVAL, MEMORY(0, flags), 0, NULL,
	  -1 },
	{ "memory region 0: 0x10c00000 is RAM (no IO)", ram_as_device, EINVAL, MEMORY(0, flags), 0, NULL,
	  -1 },
	{ "memory region 0 is part of a page root maps", part_of_roots_page, EINVAL, MEMORY(0, phys_start), 0,
	  NULL, -1 },
	{ "memory region 0 overlaps with region 0 of another", others_memory, EBUSY, MEMORY(0, phys_start), 0,
	  "cell-2", 0 },
	{ "memory region 0 overlaps with region 0 of another", others_memory_shared_by_us, EBUSY,
	  MEMORY(0, phys_start), 0, "cell-2", 0 },
	{ "memory region 0 overlaps with region 3 of another", others_shared_not_by_us, EBUSY,
	  MEMORY(0, phys_start), 0, "cell-2", 3 },
	{ "cpu_reset_address 0x90000 is in no region", entry, EINVAL, FIELD(cpu_reset_address), -1, NULL,
	  -1 },
	{ "cpu_reset_address 0x1000 is in no region", entry_in_data, EINVAL, FIELD(cpu_reset_address), -1,
	  NULL, -1 },
	{ "console of unknown type 9", console_type, EINVAL, FIELD(console.type), -1, NULL, -1 },
	{ "console flags 0x5", console_flags, EINVAL, FIELD(console.flags), -1, NULL, -1 },
	{ "console flags 0x0", console_ports, EINVAL, FIELD(console.flags), -1, NULL, -1 },
	{ "console at 0xfffffffffffffffd: no such", console_far, ERANGE, FIELD(console.address), -1, NULL,
	  -1 },
	{ "console at 0x3fffc is only in part in memory region 0", console_across, EINVAL,
	  FIELD(console.address), 0, NULL, -1 },
	{ "console at 0x500000 is in no memory region, and", console_pl011, EINVAL, FIELD(console.type), -1,
	  NULL, -1 },
	{ "irqchip 1 lists pin 4, as does irqchip 0", pins_twice, EINVAL, PINS(3, 1), 1, NULL, -1 },
	{ "irqchip 0 lists pin 68, which is not root's", pin_not_roots, EINVAL, PINS(3, 0), 0, NULL, -1 },
	{ "irqchip 0 lists pin 4, which is not root's", pin_of_other_kind, EINVAL, PINS(3, 0), 0, NULL, -1 },
	{ "irqchip 0 lists pin 8, which another cell has", pin_of_other, EBUSY, PINS(3, 0), 0, "cell-2", 0 },
};

/* Root on CPU 5 has made cell 2 (CPU 2, pin 8, a shared region), and describes cell 1. */
static struct description described(void)
{
	struct description other = mock_cell(2, 1 << 2), d = mock_cell(1, 1 << 1);

	other.cell.num_irqchips = d.cell.num_irqchips = 1;
	other.irqchips[0] = (struct config_irqchip){ 0x1000, 2, 0, { 0x100 } };
	d.irqchips[0] = (struct config_irqchip){ 0x1000, 2, 0, { 0x10 } };
	other.memory[3] =
		(struct config_memory){ MOCK_RAM + 0x100000, 0x200000, 0x10000, CONFIG_MEM_ROOTSHARED | 3 };
	other.cell.num_memory_regions = 4;
	mock_power_on(1);
	assert_int_equal(mock_enable(), 0);
	assert_int_equal(mock_create(5, &other), 0);
	return d;
}

static void what_is_right_is_taken(void **state)
{
	struct description d = described();

	assert_int_equal(mock_create(5, &d), 0);
	mock_check();
}

static void each_rule_is_enforced_and_names_what_broke_it(void **state)
{
	struct description good = described();
	uint64_t used = pool_used(), map = mock_root_map();

	for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *rule = &rules[i];
		struct description d = good;
		struct hv_error error;
		uint8_t packed[4096];
		uint64_t size;

		rule->change(&d);
		/* Counts beyond what there is would have packing read too far. */
		size = mock_pack(d.cell.num_memory_regions > 12 ? &good : &d, packed);
		memcpy(packed, &d.cell, sizeof(d.cell));
		if (rule->error == E2BIG) {
			memcpy(mock_memory_at(MOCK_BUFFER), packed, size);
			assert_int_equal(mock_hypercall(5, HC_CELL_CREATE, MOCK_BUFFER, 0), -E2BIG);
			assert_int_equal(config_check_cell(system_config, (void *)packed, size, &error),
					 -EINVAL);
		} else {
			memcpy(mock_memory_at(MOCK_BUFFER), packed, size);
			assert_int_equal(mock_hypercall(5, HC_CELL_CREATE, MOCK_BUFFER, 0), -rule->error);
			assert_int_equal(mock_hypercall(5, HC_LAST_ERROR, MOCK_BUFFER, 0), 0);
			memcpy(&error, mock_memory_at(MOCK_BUFFER), sizeof(error));
			assert_int_equal(error.error, -rule->error);
		}
		if (memcmp(error.sentence, rule->sentence, strlen(rule->sentence)))
			fail_msg("rule %u says \"%s\" and not \"%s\"", i, error.sentence, rule->sentence);
		if (error.field != rule->field)
			fail_msg("%s: field %u and not %u", rule->sentence, error.field,
				 (unsigned)rule->field);
		if (error.index != rule->index)
			fail_msg("%s: index %d and not %d", rule->sentence, error.index, rule->index);
		assert_string_equal(error.rival, rule->rival ? rule->rival : "");
		if (rule->rival)
			assert_int_equal(error.rival_index, rule->rival_index);
		assert_int_equal(pool_used(), used);
		assert_int_equal(mock_root_map(), map);
	}
	mock_check();
}

static void names_may_begin_like_others(void **state)
{
	struct description d = described();

	longer_name(&d);
	assert_int_equal(mock_create(5, &d), 0);
}

static void lost_cpus_are_given_to_nobody(void **state)
{
	struct description d = described();
	long result;

	cpus_dead = d.cpus;
	result = mock_create(5, &d);
	cpus_dead = 0;
	assert_int_equal(result, -EBUSY);
	assert_non_null(strstr(last_error.sentence, "is lost"));
	assert_int_equal(mock_create(5, &d), 0);
}

static void memory_shared_both_ways_is_taken(void **state)
{
	struct description d = described();

	others_shared_not_by_us(&d);
	d.memory[0].size = 0x10000;
	d.memory[0].flags |= CONFIG_MEM_ROOTSHARED;
	assert_int_equal(mock_create(5, &d), 0);
	mock_check();
}

static void bytes_behind_the_description_do_not_matter(void **state)
{
	struct description d = described();
	struct hv_error error;
	uint8_t packed[4096];
	uint64_t size = mock_pack(&d, packed);

	/* config_check_cell() asks who calls: the test itself stands for CPU 0. */
	assert_int_equal(config_check_cell(system_config, (void *)packed, size, &error), 0);
	assert_int_equal(config_check_cell(system_config, (void *)packed, size + 56, &error), 0);
	for (uint64_t shorter = 0; shorter < size; shorter++)
		assert_int_equal(config_check_cell(system_config, (void *)packed, shorter, &error), -EINVAL);
}

/* The system's. */

struct system_rule {
	const char *sentence;
	void (*change)(void);
	uint64_t field;
};

#define SYSTEM(name)	     offsetof(struct config_system, name)
#define ROOT_MEMORY(i, name) (offsetof(struct config_system, root_cell) + MEMORY(i, name))
#define CHANGE_SYSTEM(name, ...)                                                                             \
	static void name(void)                                                                               \
	{                                                                                                    \
		__VA_ARGS__;                                                                                 \
	}

CHANGE_SYSTEM(system_signature, mock.system.signature[4] = 0)
CHANGE_SYSTEM(system_revision, mock.system.revision = 10)
CHANGE_SYSTEM(system_architecture, mock.system.architecture = 2)
CHANGE_SYSTEM(system_flags, mock.system.flags = 2)
CHANGE_SYSTEM(root_name, mock.root.cell.name[0] = 0)
CHANGE_SYSTEM(root_flags, mock.root.cell.flags = CONFIG_CELL_FAULT_RESTART)
CHANGE_SYSTEM(root_counts, mock.root.cell.num_pci_devices = 0x7fffffff)
CHANGE_SYSTEM(root_cpus, mock.root.cpus = 0)
CHANGE_SYSTEM(root_memory, mock.root.memory[0].virt_start = 0)
CHANGE_SYSTEM(root_loadable, mock.root.memory[0].flags |= CONFIG_MEM_LOADABLE)
CHANGE_SYSTEM(root_overlap,
	      mock.root.memory[1].phys_start = mock.root.memory[1].virt_start = MOCK_RAM + 0x1000)
CHANGE_SYSTEM(root_pins, mock.root.irqchips[1] = mock.root.irqchips[0]; mock.root.cell.num_irqchips = 2)

static const struct system_rule system_rules[] = {
	{ "the signature is not JHSYS", system_signature, SYSTEM(signature) },
	{ "revision 10, this", system_revision, SYSTEM(revision) },
	{ "architecture 2, this", system_architecture, SYSTEM(architecture) },
	{ "unknown flags 0x2 of the system", system_flags, SYSTEM(flags) },
	{ "the name is empty", root_name, SYSTEM(root_cell.name) },
	{ "unknown flags 0x10000", root_flags, SYSTEM(root_cell.flags) },
	{ "num_pci_devices is 2147483647, but", root_counts, SYSTEM(root_cell.num_pci_devices) },
	{ "no CPU", root_cpus, SYSTEM(root_cell.cpu_set_size) },
	{ "memory region 0: root has its memory where", root_memory, ROOT_MEMORY(0, virt_start) },
	{ "memory region 0 has unknown flags 0x40", root_loadable, ROOT_MEMORY(0, flags) },
	{ "memory region 1 overlaps with region 0", root_overlap, ROOT_MEMORY(1, virt_start) },
	{ "irqchip 1 lists pin 0, as does irqchip 0", root_pins,
	  offsetof(struct config_system, root_cell) + PINS(3, 1) },
};

static void each_rule_for_systems_is_enforced(void **state)
{
	for (unsigned i = 0; i < sizeof(system_rules) / sizeof(*system_rules); i++) {
		mock_power_on(1);
		system_rules[i].change();
		assert_int_equal(mock_enable(), -EINVAL);
		assert_int_equal(last_error.error, -EINVAL);
		if (memcmp(last_error.sentence, system_rules[i].sentence, strlen(system_rules[i].sentence)))
			fail_msg("rule %u says \"%s\" and not \"%s\"", i, last_error.sentence,
				 system_rules[i].sentence);
		assert_int_equal(last_error.field, system_rules[i].field);
	}
}

/* Whole pages of the hypervisor's may lie in a region of root's; accesses to parts are done for root. */
static void root_has_no_part_of_the_hypervisors_memory(void **state)
{
	mock_power_on(1);
	mock.root.memory[mock.root.cell.num_memory_regions++] =
		(struct config_memory){ MOCK_HV + 8, MOCK_HV + 8, 8, CONFIG_MEM_IO | CONFIG_MEM_IO_8 | 3 };
	mock.root.memory[0].size = MOCK_HV - MOCK_RAM;
	assert_int_equal(mock_enable(), -EBUSY);
	assert_string_equal(last_error.rival, "hypervisor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right_is_taken),
		cmocka_unit_test(each_rule_is_enforced_and_names_what_broke_it),
		cmocka_unit_test(names_may_begin_like_others),
		cmocka_unit_test(lost_cpus_are_given_to_nobody),
		cmocka_unit_test(memory_shared_both_ways_is_taken),
		cmocka_unit_test(bytes_behind_the_description_do_not_matter),
		cmocka_unit_test(each_rule_for_systems_is_enforced),
		cmocka_unit_test(root_has_no_part_of_the_hypervisors_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
