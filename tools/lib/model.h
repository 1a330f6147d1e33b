/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A configuration as people write it, in YAML: what schema.c describes, member by member.  Parts of which a
 * person wants nothing other than the binary has are the binary's structs.  Addresses, sizes and ranges are
 * text: "auto", "32M", "0-3".
 */
#ifndef BIXI_CELL_MODEL_H
#define BIXI_CELL_MODEL_H

#include <stdbool.h>
#include <cyaml/cyaml.h>

#include "hypervisor/include/config.h"
#include "tools/lib/blob.h"

/* config_memory.phys_start (and virt_start, where it follows) of memory that is still to be reserved. */
#define CONFIG_AUTO UINT64_MAX

struct model_memory {
	char *phys, *virt, *size;
	uint64_t flags;
};

struct model_irqchip {
	uint32_t kind;
	uint64_t address;
	uint32_t *base; /* NULL: as many entries as the pins need */
	char **pins;
	unsigned pins_count;
};

struct model_amd_iommu {
	uint16_t bdf;
	uint8_t base_cap, msi_cap;
	uint32_t features;
};

struct model_pvu {
	uint64_t tlb_base;
	uint32_t tlb_size;
};

struct model_iommu {
	uint32_t type;
	uint64_t base;
	uint32_t size;
	struct model_amd_iommu *amd;
	struct model_pvu *pvu;
};

struct model_pci {
	uint64_t mmconfig_base;
	uint8_t end_bus, is_virtual;
	uint16_t domain;
};

/* The arch block of x86, which our hypervisor does not use. */
struct model_x86 {
	uint16_t pm_timer_address;
	uint8_t apic_mode, padding;
	uint32_t vtd_interrupt_limit, tsc_khz, apic_khz;
} __attribute__((packed));

struct model_cell {
	char *name;
	uint32_t id, flags;
	uint32_t *cpu_set_size;
	uint32_t vpci_irq_base;
	uint64_t entry, message_timeout;
	struct config_console console;
	char **cpus;
	struct model_memory *memory;
	struct config_cache *caches;
	struct model_irqchip *irqchips;
	struct config_pio *pio;
	struct config_pci_device *pci_devices;
	struct config_pci_cap *pci_caps;
	uint32_t *stream_ids;
	unsigned cpus_count, memory_count, caches_count, irqchips_count, pio_count, pci_devices_count,
		pci_caps_count, stream_ids_count;
};

struct model_system {
	uint32_t flags;
	struct model_memory hypervisor_memory;
	struct config_console debug_console;
	struct model_pci pci;
	struct model_iommu *iommus;
	unsigned iommus_count;
	struct config_loongarch *loongarch;
	struct config_arm *arm;
	struct model_x86 *x86;
};

struct model {
	uint8_t architecture;
	struct model_system *system; /* NULL: a cell's configuration */
	struct model_cell cell;	     /* the root cell, if there is system */
};

extern const cyaml_schema_value_t model_schema;
extern const cyaml_config_t model_cyaml; /* log nothing, default memory functions */

/* yaml.c: errors have a line in front: "12: ". */
int model_load_yaml(struct model **model, const struct blob *text, struct error *error);
void model_free(struct model *model);
/* Line of the field of @text, 1 and up, or of the nearest thing around it that is there. */
unsigned yaml_line(const struct blob *text, const char *path);

/* emit.c: as YAML, or as JSON (which is YAML, too).  Fields that are as if left out are left out. */
void model_emit(const struct model *model, bool json, struct blob *text);

/* compile.c */
int model_compile(const struct model *model, struct blob *binary, struct error *error);
/* decompile.c: of a configuration of revision 14 whose sizes are right (convert.c). */
struct model *model_from_binary(const struct blob *binary);

#endif
