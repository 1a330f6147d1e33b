/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * PCI: a generic ECAM host bridge with one bus, and the configuration space framework its functions share
 * (type 0 header, BARs, capabilities, MSI, MSI-X, INTx).  PCI Local Bus 3.0 ch. 6; PCIe Base 7.2.2 (ECAM).
 * No bridges, no hot plug, no I/O between functions.
 */
#ifndef BIXI_PCI_PCI_H
#define BIXI_PCI_PCI_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/bus/bus.h"
#include "machine/bus/irq.h"

#define PCI_CONFIG_SIZE	  256
#define PCI_BARS	  6
#define PCI_MSIX_MAX	  128 /* vectors of one function: table and PBA fit one 4 KiB BAR */
#define PCI_BUS_FUNCTIONS 256

/* Where the host bridge sits in the processor's address space.  The board says. */
struct pci_layout {
	uint64_t ecam_base;
	unsigned bus_count;	     /* 1 MiB of ECAM each */
	uint64_t mem_base, mem_size; /* memory window: PCI address = processor address */
	uint64_t io_base, io_size;   /* I/O window, processor addresses */
	uint32_t io_first;	     /* port number at io_base */
};

/* Offsets in configuration space. */
enum {
	PCI_VENDOR_ID = 0x00,
	PCI_DEVICE_ID = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_CLASS = 0x09, /* 3 bytes: interface, subclass, class */
	PCI_CACHE_LINE = 0x0c,
	PCI_LATENCY = 0x0d,
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SUBSYSTEM_VENDOR = 0x2c,
	PCI_SUBSYSTEM_ID = 0x2e,
	PCI_CAPABILITY_LIST = 0x34,
	PCI_CAPABILITY_FIRST = 0x40,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
};

enum {
	PCI_COMMAND_IO = 1 << 0,
	PCI_COMMAND_MEMORY = 1 << 1,
	PCI_COMMAND_MASTER = 1 << 2,
	PCI_COMMAND_INTX_DISABLE = 1 << 10
};
enum { PCI_STATUS_INTERRUPT = 1 << 3, PCI_STATUS_CAPABILITIES = 1 << 4 };

/* What a BAR gives access to.  @offset + @size lies inside the BAR and is aligned; size 1, 2, 4 or 8 (I/O:
 * up to 4).  No PCI lock is held: the device locks itself. */
struct pci_bar_ops {
	uint64_t (*read)(void *opaque, uint64_t offset, unsigned size);
	void (*write)(void *opaque, uint64_t offset, unsigned size, uint64_t value);
};

enum pci_bar_type { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM32, PCI_BAR_MEM64, PCI_BAR_MEM64_PREFETCH };

#define PCI_BAR_UNMAPPED UINT64_MAX

struct pci_bar {
	enum pci_bar_type type;
	uint64_t size; /* power of two */
	const struct pci_bar_ops *ops;
	void *opaque;
	_Atomic uint64_t base; /* where it is decoded now (memory address or port), or PCI_BAR_UNMAPPED */
	struct pci_bar *next;  /* in the host's list of its space */
};

struct state;
struct pci_function;
struct pci_msi;
struct pci_msix;

/* Identity of a function; what pci_add_function() puts into the header. */
struct pci_identity {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint32_t class_code; /* 24 bits */
	uint8_t revision;
	uint8_t interrupt_pin; /* 0: none, 1-4: INTA-INTD */
};

struct pci_function {
	const char *name; /* as shown in traces and the monitor */
	struct pci_host *host;
	uint8_t devfn;	      /* on bus 0 */
	pthread_mutex_t lock; /* protects: everything here but bar[].base */
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];     /* bits software can change */
	uint8_t clear_on_one[PCI_CONFIG_SIZE]; /* bits software clears by writing 1 */
	uint8_t next_capability;	       /* free space for pci_add_capability() */
	uint8_t last_capability;	       /* where the list's end is linked */
	struct pci_bar bar[PCI_BARS];
	struct pci_msi *msi;   /* NULL: none */
	struct pci_msix *msix; /* NULL: none */
	bool intx_level;       /* what the device asks for */
	bool intx_driven;      /* what the wire carries */
	/*
	 * Optional, for the device: before_read may bring config up to date, after_write sees the new bytes.
	 * Called without lock; they use pci_config_get() and pci_config_set().
	 */
	void (*before_read)(struct pci_function *fn, unsigned offset, unsigned size);
	void (*after_write)(struct pci_function *fn, unsigned offset, unsigned size);
	void *device; /* for the hooks */
};

struct pci_host {
	struct pci_layout layout;
	struct bus *bus;
	struct irq_line intx[4];
	pthread_mutex_t irq_lock; /* protects: intx_count; order: function lock, irq_lock, PCH-PIC */
	unsigned intx_count[4];	  /* functions that drive each line */
	struct pci_function *function[PCI_BUS_FUNCTIONS]; /* by devfn; fixed once the machine runs */
	struct pci_bar *memory_bars, *io_bars; /* in the order added: of overlapping BARs the first answers */
	struct pci_function bridge;	       /* 00:00.0 */
	_Atomic uint64_t msi_count;	       /* messages sent, for --stats */
};

/*
 * Builds the host bridge and adds its three regions (ECAM, memory and I/O window) to @bus.  @intx are
 * the lines of INTA-INTD of device 0; other devices are swizzled.  Returns 0 or a negative errno.
 */
int pci_host_init(struct pci_host *host, struct bus *bus, const struct pci_layout *layout,
		  const struct irq_line intx[4]);
void pci_host_destroy(struct pci_host *host);

/* All functions and BARs back to power-on state (BARs 0, command 0, MSI off).  No core runs. */
void pci_host_reset(struct pci_host *host);

/*
 * Saved state of all functions (bus/state.h); the interrupt lines carry what their receivers' state says.
 * For machine_add_state(), with the host.
 */
void pci_host_state(void *host, struct state *state);

#define PCI_DEVFN(device, function) ((device) << 3 | (function))
#define PCI_DEVFN_AUTO		    (-1)

/*
 * Adds a function at @devfn, or PCI_DEVFN_AUTO for the next free device number.  Then capabilities and
 * BARs are added.  All before the machine runs.  Returns 0, -EEXIST, -ENOSPC.
 */
int pci_add_function(struct pci_host *host, struct pci_function *fn, const char *name, int devfn,
		     const struct pci_identity *identity);
void pci_remove_function(struct pci_function *fn); /* once the machine has stopped */

void pci_add_bar(struct pci_function *fn, unsigned index, enum pci_bar_type type, uint64_t size,
		 const struct pci_bar_ops *ops, void *opaque);

/* Appends a capability of @size bytes (id and next pointer included); returns its offset. */
unsigned pci_add_capability(struct pci_function *fn, uint8_t id, unsigned size);

/* MSI-X with its table (offset 0) and PBA (offset 0x800) in BAR @bar, 4 KiB.  Returns 0 or -ENOMEM. */
int pci_add_msix(struct pci_function *fn, unsigned bar, unsigned vectors);
/* MSI with @vectors (1, 2, 4, ... 32), 64-bit address, masking.  Returns 0 or -ENOMEM. */
int pci_add_msi(struct pci_function *fn, unsigned vectors);

bool pci_msix_enabled(struct pci_function *fn);
bool pci_msi_enabled(struct pci_function *fn);

/* Whether software lets the function read and write memory (command register, bus master). */
bool pci_bus_master(struct pci_function *fn);

/* Sends (or, masked, records) message @vector.  Any thread; the caller may hold its device's lock. */
void pci_msix_notify(struct pci_function *fn, unsigned vector);
void pci_msi_notify(struct pci_function *fn, unsigned vector);

/* The function's INTx pin.  Any thread; the caller may hold its device's lock. */
void pci_set_intx(struct pci_function *fn, bool level);

/* Little-endian fields of configuration space, for devices; takes the function's lock. */
void pci_config_set(struct pci_function *fn, unsigned offset, unsigned size, uint64_t value);
uint64_t pci_config_get(struct pci_function *fn, unsigned offset, unsigned size);

/* Configuration access as the ECAM makes it (@bdf: bus << 8 | devfn); used by tests and the monitor. */
uint32_t pci_config_read(struct pci_host *host, unsigned bdf, unsigned offset, unsigned size);
void pci_config_write(struct pci_host *host, unsigned bdf, unsigned offset, unsigned size, uint32_t value);

/* Little-endian fields of a byte array; size 1-8. */
static inline uint64_t pci_get_le(const uint8_t *bytes, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

static inline void pci_put_le(uint8_t *bytes, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

/* All ones, as wide as an access: what nobody answers. */
static inline uint64_t pci_ones(unsigned size)
{
	return size < 8 ? (UINT64_C(1) << (8 * size)) - 1 : UINT64_MAX;
}

static inline bool pci_overlap(unsigned a, unsigned a_size, unsigned b, unsigned b_size)
{
	return a < b + b_size && b < a + a_size;
}

#endif
