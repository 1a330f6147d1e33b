/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What may be written in a configuration's YAML: libcyaml reads by this, emit.c writes by it. */
#include "tools/lib/model.h"

#define OPTIONAL CYAML_FLAG_OPTIONAL

#define COUNT(table)		  (sizeof(table) / sizeof((table)[0]))
#define UINT(key, type, m)	  CYAML_FIELD_UINT(key, OPTIONAL, type, m)
#define TEXT(key, type, m)	  CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | OPTIONAL, type, m, 0, 64)
#define ENUM(key, type, m, table) CYAML_FIELD_ENUM(key, OPTIONAL, type, m, table, COUNT(table))
#define FLAGS(key, type, m, table)                                                                           \
	CYAML_FIELD_FLAGS(key, OPTIONAL | CYAML_FLAG_FLOW, type, m, table, COUNT(table))
#define LIST(key, type, m, entry)                                                                            \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | OPTIONAL, type, m, entry, 0, CYAML_UNLIMITED)
#define PART(key, type, m, fields) CYAML_FIELD_MAPPING(key, OPTIONAL, type, m, fields)
#define PART_PTR(key, type, m, fields)                                                                       \
	CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | OPTIONAL, type, m, fields)

static const cyaml_strval_t bool_names[] = { { "false", 0 }, { "true", 1 } };

static const cyaml_strval_t architecture_names[] = {
	{ "x86", CONFIG_ARCH_X86 },
	{ "arm", CONFIG_ARCH_ARM },
	{ "arm64", CONFIG_ARCH_ARM64 },
	{ "loongarch64", CONFIG_ARCH_LOONGARCH },
};

static const cyaml_strval_t memory_flags[] = {
	{ "read", CONFIG_MEM_READ },
	{ "write", CONFIG_MEM_WRITE },
	{ "execute", CONFIG_MEM_EXECUTE },
	{ "dma", CONFIG_MEM_DMA },
	{ "io", CONFIG_MEM_IO },
	{ "comm-region", CONFIG_MEM_COMM_REGION },
	{ "loadable", CONFIG_MEM_LOADABLE },
	{ "root-shared", CONFIG_MEM_ROOTSHARED },
	{ "no-hugepages", CONFIG_MEM_NO_HUGEPAGES },
	{ "io-unaligned", CONFIG_MEM_IO_UNALIGNED },
	{ "io-8", CONFIG_MEM_IO_8 },
	{ "io-16", CONFIG_MEM_IO_16 },
	{ "io-32", CONFIG_MEM_IO_32 },
	{ "io-64", CONFIG_MEM_IO_64 },
};

static const cyaml_schema_field_t memory_fields[] = {
	TEXT("phys", struct model_memory, phys),
	TEXT("virt", struct model_memory, virt),
	TEXT("size", struct model_memory, size),
	FLAGS("flags", struct model_memory, flags, memory_flags),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t memory_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct model_memory, memory_fields),
};

static const cyaml_strval_t console_types[] = {
	{ "none", CONFIG_CONSOLE_NONE },
	{ "efifb", 1 },
	{ "8250", CONFIG_CONSOLE_8250 },
	{ "pl011", CONFIG_CONSOLE_PL011 },
	{ "xuartps", 4 },
	{ "mvebu", 5 },
	{ "hscif", 6 },
	{ "scifa", 7 },
	{ "imx", 8 },
	{ "imx-lpuart", 9 },
	{ "scif", 10 },
};

static const cyaml_strval_t console_flags[] = {
	{ "mmio", CONFIG_CONSOLE_MMIO },
	{ "regdist-4", CONFIG_CONSOLE_REGDIST_4 },
	{ "1920x1080", 0x4 },
	{ "inverted-gate", 0x1000 },
	{ "mdr-quirk", 0x2000 },
};

static const cyaml_schema_field_t console_fields[] = {
	ENUM("type", struct config_console, type, console_types),
	UINT("address", struct config_console, address),
	UINT("size", struct config_console, size),
	FLAGS("flags", struct config_console, flags, console_flags),
	UINT("divider", struct config_console, divider),
	UINT("gate", struct config_console, gate_nr),
	UINT("clock-reg", struct config_console, clock_reg),
	CYAML_FIELD_END,
};

static const cyaml_strval_t cache_types[] = { { "code", 1 }, { "data", 2 }, { "both", 3 } };
static const cyaml_strval_t cache_flags[] = { { "root-shared", 1 } };

static const cyaml_schema_field_t cache_fields[] = {
	UINT("start", struct config_cache, start),
	UINT("size", struct config_cache, size),
	ENUM("type", struct config_cache, type, cache_types),
	FLAGS("flags", struct config_cache, flags, cache_flags),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t cache_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_cache, cache_fields),
};

static const cyaml_strval_t irqchip_kinds[] = {
	{ "liointc", CONFIG_IRQCHIP_LIOINTC },
	{ "extioi", CONFIG_IRQCHIP_EXTIOI },
	{ "pch-pic", CONFIG_IRQCHIP_PCH_PIC },
	{ "msi", CONFIG_IRQCHIP_MSI },
};
static const cyaml_schema_value_t text_entry = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, 64) };

static const cyaml_schema_field_t irqchip_fields[] = {
	ENUM("kind", struct model_irqchip, kind, irqchip_kinds),
	UINT("address", struct model_irqchip, address),
	CYAML_FIELD_UINT_PTR("base", CYAML_FLAG_POINTER | OPTIONAL, struct model_irqchip, base),
	LIST("pins", struct model_irqchip, pins, &text_entry),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t irqchip_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct model_irqchip, irqchip_fields),
};

static const cyaml_schema_field_t pio_fields[] = {
	UINT("base", struct config_pio, base),
	UINT("length", struct config_pio, length),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t pio_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_pio, pio_fields),
};

static const cyaml_strval_t pci_types[] = { { "device", 1 }, { "bridge", 2 }, { "ivshmem", 3 } };
static const cyaml_strval_t msi_flags[] = { { "64-bit", 1 }, { "maskable", 2 } };
static const cyaml_schema_value_t mask_entry = { CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t) };

static const cyaml_schema_field_t pci_device_fields[] = {
	ENUM("type", struct config_pci_device, type, pci_types),
	UINT("iommu", struct config_pci_device, iommu),
	UINT("domain", struct config_pci_device, domain),
	UINT("bdf", struct config_pci_device, bdf),
	CYAML_FIELD_SEQUENCE_FIXED("bar-mask", OPTIONAL | CYAML_FLAG_FLOW, struct config_pci_device, bar_mask,
				   &mask_entry, 6),
	UINT("caps-start", struct config_pci_device, caps_start),
	UINT("caps", struct config_pci_device, num_caps),
	UINT("msi-vectors", struct config_pci_device, num_msi_vectors),
	FLAGS("msi-flags", struct config_pci_device, msi_flags, msi_flags),
	UINT("msix-vectors", struct config_pci_device, num_msix_vectors),
	UINT("msix-region-size", struct config_pci_device, msix_region_size),
	UINT("msix-address", struct config_pci_device, msix_address),
	UINT("shmem-regions-start", struct config_pci_device, shmem_regions_start),
	UINT("shmem-device-id", struct config_pci_device, shmem_dev_id),
	UINT("shmem-peers", struct config_pci_device, shmem_peers),
	UINT("shmem-protocol", struct config_pci_device, shmem_protocol),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t pci_device_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_pci_device, pci_device_fields),
};

static const cyaml_strval_t pci_cap_flags[] = { { "write", 1 } };

static const cyaml_schema_field_t pci_cap_fields[] = {
	UINT("id", struct config_pci_cap, id),
	UINT("start", struct config_pci_cap, start),
	UINT("length", struct config_pci_cap, len),
	FLAGS("flags", struct config_pci_cap, flags, pci_cap_flags),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t pci_cap_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct config_pci_cap, pci_cap_fields),
};

static const cyaml_schema_value_t stream_id_entry = { CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t) };

static const cyaml_strval_t cell_flags[] = {
	{ "passive-comm-region", CONFIG_CELL_PASSIVE_COMMREG },
	{ "test-device", 0x2 },
	{ "aarch32", 0x4 },
	{ "fault-restart", CONFIG_CELL_FAULT_RESTART },
	{ "fault-notify", CONFIG_CELL_FAULT_NOTIFY },
	{ "console-permitted", CONFIG_CELL_CONSOLE_PERMITTED },
	{ "console-active", CONFIG_CELL_CONSOLE_ACTIVE },
};

static const cyaml_schema_field_t cell_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct model_cell, name, 0,
			       CONFIG_NAME_LENGTH - 1),
	UINT("id", struct model_cell, id),
	FLAGS("flags", struct model_cell, flags, cell_flags),
	LIST("cpus", struct model_cell, cpus, &text_entry),
	CYAML_FIELD_UINT_PTR("cpu-set-size", CYAML_FLAG_POINTER | OPTIONAL, struct model_cell, cpu_set_size),
	UINT("entry", struct model_cell, entry),
	UINT("message-timeout", struct model_cell, message_timeout),
	UINT("vpci-irq-base", struct model_cell, vpci_irq_base),
	PART("console", struct model_cell, console, console_fields),
	LIST("memory", struct model_cell, memory, &memory_entry),
	LIST("caches", struct model_cell, caches, &cache_entry),
	LIST("irqchips", struct model_cell, irqchips, &irqchip_entry),
	LIST("pio", struct model_cell, pio, &pio_entry),
	LIST("pci-devices", struct model_cell, pci_devices, &pci_device_entry),
	LIST("pci-capabilities", struct model_cell, pci_caps, &pci_cap_entry),
	LIST("stream-ids", struct model_cell, stream_ids, &stream_id_entry),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t pci_fields[] = {
	UINT("mmconfig-base", struct model_pci, mmconfig_base),
	UINT("end-bus", struct model_pci, end_bus),
	ENUM("virtual", struct model_pci, is_virtual, bool_names),
	UINT("domain", struct model_pci, domain),
	CYAML_FIELD_END,
};

static const cyaml_strval_t iommu_types[] = {
	{ "none", 0 }, { "amd", 1 }, { "intel", 2 }, { "smmuv3", 3 }, { "pvu", 4 }, { "mmu500", 5 },
};

static const cyaml_schema_field_t amd_fields[] = {
	UINT("bdf", struct model_amd_iommu, bdf),
	UINT("base-cap", struct model_amd_iommu, base_cap),
	UINT("msi-cap", struct model_amd_iommu, msi_cap),
	UINT("features", struct model_amd_iommu, features),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t pvu_fields[] = {
	UINT("tlb-base", struct model_pvu, tlb_base),
	UINT("tlb-size", struct model_pvu, tlb_size),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t iommu_fields[] = {
	ENUM("type", struct model_iommu, type, iommu_types),
	UINT("base", struct model_iommu, base),
	UINT("size", struct model_iommu, size),
	PART_PTR("amd", struct model_iommu, amd, amd_fields),
	PART_PTR("pvu", struct model_iommu, pvu, pvu_fields),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t iommu_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct model_iommu, iommu_fields),
};

static const cyaml_schema_field_t loongarch_fields[] = {
	UINT("ipi-mode", struct config_loongarch, ipi_mode),
	UINT("extioi-version", struct config_loongarch, extioi_version),
	UINT("node-count", struct config_loongarch, node_count),
	UINT("flags", struct config_loongarch, flags),
	UINT("liointc-base", struct config_loongarch, liointc_base),
	UINT("extioi-iocsr-base", struct config_loongarch, extioi_iocsr_base),
	UINT("pch-pic-base", struct config_loongarch, pch_pic_base),
	UINT("pch-msi-base", struct config_loongarch, pch_msi_base),
	UINT("pch-msi-doorbell", struct config_loongarch, pch_msi_doorbell),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t arm_fields[] = {
	UINT("maintenance-irq", struct config_arm, maintenance_irq),
	UINT("gic-version", struct config_arm, gic_version),
	UINT("gicd-base", struct config_arm, gicd_base),
	UINT("gicc-base", struct config_arm, gicc_base),
	UINT("gich-base", struct config_arm, gich_base),
	UINT("gicv-base", struct config_arm, gicv_base),
	UINT("gicr-base", struct config_arm, gicr_base),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t x86_fields[] = {
	UINT("pm-timer-address", struct model_x86, pm_timer_address),
	UINT("apic-mode", struct model_x86, apic_mode),
	UINT("vtd-interrupt-limit", struct model_x86, vtd_interrupt_limit),
	UINT("tsc-khz", struct model_x86, tsc_khz),
	UINT("apic-khz", struct model_x86, apic_khz),
	CYAML_FIELD_END,
};

static const cyaml_strval_t system_flags[] = { { "virtual-debug-console", 1 } };

static const cyaml_schema_field_t system_fields[] = {
	FLAGS("flags", struct model_system, flags, system_flags),
	PART("hypervisor-memory", struct model_system, hypervisor_memory, memory_fields),
	PART("debug-console", struct model_system, debug_console, console_fields),
	PART("pci", struct model_system, pci, pci_fields),
	CYAML_FIELD_SEQUENCE("iommus", CYAML_FLAG_POINTER | OPTIONAL, struct model_system, iommus,
			     &iommu_entry, 0, CONFIG_IOMMUS),
	PART_PTR("loongarch", struct model_system, loongarch, loongarch_fields),
	PART_PTR("arm", struct model_system, arm, arm_fields),
	PART_PTR("x86", struct model_system, x86, x86_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t top_fields[] = {
	CYAML_FIELD_ENUM("architecture", CYAML_FLAG_DEFAULT, struct model, architecture, architecture_names,
			 COUNT(architecture_names)),
	PART_PTR("system", struct model, system, system_fields),
	CYAML_FIELD_MAPPING("cell", CYAML_FLAG_DEFAULT, struct model, cell, cell_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t model_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct model, top_fields),
};

const cyaml_config_t model_cyaml = { .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR };
