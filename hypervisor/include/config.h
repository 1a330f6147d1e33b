/* SPDX-License-Identifier: MulanPSL-2.0 OR GPL-2.0-only */
/*
 * Configurations of the system and of cells, as files and in memory: the layout of Jailhouse's revision 14,
 * byte for byte, with an arch block for LoongArch.  Everything is little-endian and packed.  A cell's
 * description is followed by its arrays, without padding, in the order of the counts below; the system's by
 * those of the root cell, with which it ends.
 *
 * Shared by the hypervisor, the driver and the tools; includes nothing of theirs.
 */
#ifndef BIXI_CONFIG_H
#define BIXI_CONFIG_H

#ifdef __KERNEL__
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#define CONFIG_REVISION		14
#define CONFIG_SYSTEM_SIGNATURE "JHSYS"
#define CONFIG_CELL_SIGNATURE	"JHCLL"
#define CONFIG_SIGNATURE_LENGTH 5
#define CONFIG_NAME_LENGTH	32 /* with the NUL */
#define CONFIG_IOMMUS		8
#define CONFIG_PINS		128 /* of an irqchip entry */

/* config_cell.architecture: Jailhouse's; it has no number for LoongArch yet, ours is a private one. */
enum { CONFIG_ARCH_X86, CONFIG_ARCH_ARM, CONFIG_ARCH_ARM64, CONFIG_ARCH_LOONGARCH = 0x4c };

/* config_memory.flags */
#define CONFIG_MEM_READ		0x1
#define CONFIG_MEM_WRITE	0x2
#define CONFIG_MEM_EXECUTE	0x4
#define CONFIG_MEM_DMA		0x8
#define CONFIG_MEM_IO		0x10
#define CONFIG_MEM_COMM_REGION	0x20
#define CONFIG_MEM_LOADABLE	0x40
#define CONFIG_MEM_ROOTSHARED	0x80
#define CONFIG_MEM_NO_HUGEPAGES 0x100
#define CONFIG_MEM_IO_UNALIGNED 0x8000
#define CONFIG_MEM_IO_8		0x10000
#define CONFIG_MEM_IO_16	0x20000
#define CONFIG_MEM_IO_32	0x40000
#define CONFIG_MEM_IO_64	0x80000
#define CONFIG_MEM_IO_WIDTHS	0xf0000

/*
 * Memory that a cell sees at virt_start (guest-physical).  Where virt_start or size is no multiple of the
 * page size it is a sub-page region: never mapped, each access is done by the hypervisor if its width is
 * among the CONFIG_MEM_IO_*.
 */
struct config_memory {
	uint64_t phys_start, virt_start, size, flags;
} __attribute__((packed));

enum { CONFIG_CONSOLE_NONE = 0, CONFIG_CONSOLE_8250 = 2, CONFIG_CONSOLE_PL011 = 3 };
#define CONFIG_CONSOLE_MMIO	 0x1
#define CONFIG_CONSOLE_REGDIST_4 0x2

struct config_console {
	uint64_t address;
	uint32_t size;
	uint16_t type, flags;
	uint32_t divider, gate_nr;
	uint64_t clock_reg;
} __attribute__((packed));

/*
 * An 8250 whose address is in no memory region is a virtual one.  Behind its registers, or those of one that
 * the cell has, is another of 32 bits by which the cell ends: all of its CPUs stop when CONFIG_POWER_OFF is
 * written there.  If that place is in a memory region there is none.
 */
#define CONFIG_POWER_SIZE 4
#define CONFIG_POWER_OFF  1

static inline uint64_t config_uart_size(const struct config_console *console)
{
	return console->flags & CONFIG_CONSOLE_REGDIST_4 ? 32 : 8;
}

static inline uint64_t config_power_address(const struct config_console *console)
{
	return console->address + config_uart_size(console);
}

struct config_cache {
	uint32_t start, size;
	uint8_t type, padding;
	uint16_t flags;
} __attribute__((packed));

/* config_irqchip.id on LoongArch: which controller; pin_base is a multiple of 128. */
enum config_irqchip_kind {
	CONFIG_IRQCHIP_LIOINTC = 1,
	CONFIG_IRQCHIP_EXTIOI = 2,  /* its physical vectors, 0 to 255 */
	CONFIG_IRQCHIP_PCH_PIC = 3, /* its pins; address is the controller's */
	CONFIG_IRQCHIP_MSI = 4,	    /* message vectors (EXTIOI's) that functions of the cell may use */
};

struct config_irqchip {
	uint64_t address;
	uint32_t id, pin_base;
	uint32_t pin_bitmap[CONFIG_PINS / 32];
} __attribute__((packed));

struct config_pio {
	uint16_t base, length;
} __attribute__((packed));

struct config_pci_device {
	uint8_t type, iommu;
	uint16_t domain, bdf;
	uint32_t bar_mask[6];
	uint16_t caps_start, num_caps;
	uint8_t num_msi_vectors, msi_flags; /* bit 0: 64-bit, bit 1: maskable */
	uint16_t num_msix_vectors, msix_region_size;
	uint64_t msix_address;
	uint32_t shmem_regions_start;
	uint8_t shmem_dev_id, shmem_peers;
	uint16_t shmem_protocol;
} __attribute__((packed));

struct config_pci_cap {
	uint16_t id, start, len, flags;
} __attribute__((packed));

struct config_iommu {
	uint32_t type;
	uint64_t base;
	uint32_t size;
	uint8_t more[12];
} __attribute__((packed));

struct config_stream_id {
	uint32_t id;
} __attribute__((packed));

/* config_cell.flags */
#define CONFIG_CELL_PASSIVE_COMMREG   0x1
#define CONFIG_CELL_CONSOLE_PERMITTED 0x40000000
#define CONFIG_CELL_CONSOLE_ACTIVE    0x80000000
/* What becomes of the cell after a fault, ours: neither is to park it. */
#define CONFIG_CELL_FAULT_RESTART 0x00010000 /* restart it, each time later than the last */
#define CONFIG_CELL_FAULT_NOTIFY  0x00020000 /* raise root's event interrupt, too */

struct config_cell {
	char signature[CONFIG_SIGNATURE_LENGTH]; /* of the root cell: 0 */
	uint8_t architecture;
	uint16_t revision;
	char name[CONFIG_NAME_LENGTH];
	uint32_t id; /* the driver's to fill in */
	uint32_t flags;
	uint32_t cpu_set_size; /* bytes */
	uint32_t num_memory_regions, num_cache_regions, num_irqchips, num_pio_regions, num_pci_devices,
		num_pci_caps, num_stream_ids;
	uint32_t vpci_irq_base;
	uint64_t cpu_reset_address;
	uint64_t msg_reply_timeout; /* loops; 0: none (but root is not kept for ever) */
	struct config_console console;
} __attribute__((packed));

struct config_arm {
	uint8_t maintenance_irq, gic_version, padding[2];
	uint64_t gicd_base, gicc_base, gich_base, gicv_base, gicr_base;
} __attribute__((packed));

struct config_loongarch {
	uint8_t ipi_mode;	/* 0: IOCSR */
	uint8_t extioi_version; /* 0: 256 vectors */
	uint8_t node_count;
	uint8_t flags;
	uint64_t liointc_base, extioi_iocsr_base, pch_pic_base, pch_msi_base, pch_msi_doorbell;
} __attribute__((packed));

struct config_system {
	char signature[CONFIG_SIGNATURE_LENGTH];
	uint8_t architecture;
	uint16_t revision;
	uint32_t flags; /* 1: virtual debug console */
	struct config_memory hypervisor_memory;
	struct config_console debug_console;
	struct {
		uint64_t pci_mmconfig_base;
		uint8_t pci_mmconfig_end_bus, pci_is_virtual;
		uint16_t pci_domain;
		struct config_iommu iommu_units[CONFIG_IOMMUS];
		union {
			struct config_arm arm;
			struct config_loongarch loongarch;
			uint8_t bytes[44];
		} __attribute__((packed));
	} __attribute__((packed)) platform_info;
	struct config_cell root_cell;
} __attribute__((packed));

_Static_assert(sizeof(struct config_memory) == 32, "ABI");
_Static_assert(sizeof(struct config_console) == 32, "ABI");
_Static_assert(sizeof(struct config_cache) == 12, "ABI");
_Static_assert(sizeof(struct config_irqchip) == 32, "ABI");
_Static_assert(sizeof(struct config_pio) == 4, "ABI");
_Static_assert(sizeof(struct config_pci_device) == 56, "ABI");
_Static_assert(offsetof(struct config_pci_device, msix_address) == 40, "ABI");
_Static_assert(sizeof(struct config_pci_cap) == 8, "ABI");
_Static_assert(sizeof(struct config_iommu) == 28, "ABI");
_Static_assert(sizeof(struct config_arm) == 44, "ABI");
_Static_assert(sizeof(struct config_loongarch) == 44, "ABI");
_Static_assert(sizeof(struct config_cell) == 132, "ABI");
_Static_assert(offsetof(struct config_cell, cpu_reset_address) == 84, "ABI");
_Static_assert(sizeof(struct config_system) == 488, "ABI");
_Static_assert(offsetof(struct config_system, root_cell) == 356, "ABI");

/* Where a cell's arrays are.  Right only of a description whose counts have been checked. */
static inline const uint8_t *config_cpu_set(const struct config_cell *cell)
{
	return (const uint8_t *)(cell + 1);
}

static inline const struct config_memory *config_memory(const struct config_cell *cell)
{
	return (const struct config_memory *)(config_cpu_set(cell) + cell->cpu_set_size);
}

/* Whether the cell sees memory, or a device that it has, at @gpa. */
static inline bool config_has_memory(const struct config_cell *cell, uint64_t gpa)
{
	const struct config_memory *memory = config_memory(cell);

	for (uint32_t i = 0; i < cell->num_memory_regions; i++)
		if (gpa - memory[i].virt_start < memory[i].size)
			return true;
	return false;
}

static inline bool config_has_power(const struct config_cell *cell)
{
	return cell->console.type == CONFIG_CONSOLE_8250 &&
	       !config_has_memory(cell, config_power_address(&cell->console));
}

static inline const struct config_cache *config_cache(const struct config_cell *cell)
{
	return (const struct config_cache *)(config_memory(cell) + cell->num_memory_regions);
}

static inline const struct config_irqchip *config_irqchips(const struct config_cell *cell)
{
	return (const struct config_irqchip *)(config_cache(cell) + cell->num_cache_regions);
}

static inline const struct config_pio *config_pio(const struct config_cell *cell)
{
	return (const struct config_pio *)(config_irqchips(cell) + cell->num_irqchips);
}

static inline const struct config_pci_device *config_pci_devices(const struct config_cell *cell)
{
	return (const struct config_pci_device *)(config_pio(cell) + cell->num_pio_regions);
}

static inline const struct config_pci_cap *config_pci_caps(const struct config_cell *cell)
{
	return (const struct config_pci_cap *)(config_pci_devices(cell) + cell->num_pci_devices);
}

static inline const struct config_stream_id *config_stream_ids(const struct config_cell *cell)
{
	return (const struct config_stream_id *)(config_pci_caps(cell) + cell->num_pci_caps);
}

/* Bytes of a cell's description with its arrays: 64 bits, as a file's counts may be anything. */
static inline uint64_t config_cell_size(const struct config_cell *cell)
{
	return sizeof(*cell) + (uint64_t)cell->cpu_set_size +
	       (uint64_t)cell->num_memory_regions * sizeof(struct config_memory) +
	       (uint64_t)cell->num_cache_regions * sizeof(struct config_cache) +
	       (uint64_t)cell->num_irqchips * sizeof(struct config_irqchip) +
	       (uint64_t)cell->num_pio_regions * sizeof(struct config_pio) +
	       (uint64_t)cell->num_pci_devices * sizeof(struct config_pci_device) +
	       (uint64_t)cell->num_pci_caps * sizeof(struct config_pci_cap) +
	       (uint64_t)cell->num_stream_ids * sizeof(struct config_stream_id);
}

static inline uint64_t config_system_size(const struct config_system *system)
{
	return offsetof(struct config_system, root_cell) + config_cell_size(&system->root_cell);
}

#endif
