/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The physical address space of the machine: RAM in one memfd, MMIO regions, and what an access that
 * nobody decodes answers.
 * Regions are added while the board is built and never change afterwards, so look-ups take no lock.
 */
#ifndef BIXI_BUS_BUS_H
#define BIXI_BUS_BUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_PAGE_BITS 12
#define BUS_PAGE_SIZE (1u << BUS_PAGE_BITS)

struct trace;

/*
 * Access functions of an MMIO region.  @offset is relative to the region's base, @size is 1, 2, 4 or
 * 8 bytes.  They return false when the region does not decode this offset or width: the processor then
 * raises ADEM, as for an address with no region at all.  The region's lock is held.
 */
struct mmio_ops {
	bool (*read)(void *dev, uint64_t offset, unsigned size, uint64_t *value);
	bool (*write)(void *dev, uint64_t offset, unsigned size, uint64_t value);
};

struct mmio_region {
	const char *name;    /* as shown in traces and the monitor */
	uint64_t base, size; /* guest-physical, bytes */
	const struct mmio_ops *ops;
	void *dev;
	pthread_mutex_t *lock; /* the device's lock, taken around ops; NULL: the device locks itself */
};

/* One piece of guest RAM: [base, base + size) is at ram_host + ram_offset. */
struct ram_range {
	uint64_t base, size, offset;
};

#define BUS_MAX_RAM_RANGES 2
#define BUS_ROM_MAX	   (16u << 20) /* bytes of boot ROM that bus_add_rom() can make */

struct bus {
	uint8_t *ram;	   /* all guest RAM, then the ROM, contiguous on the host, shared mapping of ram_fd */
	uint64_t ram_size; /* bytes, without the ROM */
	int ram_fd;	   /* memfd */
	struct ram_range range[BUS_MAX_RAM_RANGES];
	unsigned range_count;
	struct ram_range rom;		 /* memory that is read and executed, not written; size 0: none */
	_Atomic bool rom_hidden;	 /* reads of the ROM, too, go to the region at its place */
	_Atomic uint8_t *ram_page_flags; /* one byte a BUS_PAGE of RAM and ROM: enum ram_page_flag */
	struct mmio_region *region;	 /* sorted by base, not overlapping */
	unsigned region_count;
	/* The processors': a device has written page @page, whose flags RAM_PAGE_WATCHED has some of. */
	void (*code_written)(void *opaque, size_t page);
	void *code_opaque;
	struct trace *trace;			  /* never NULL */
	_Atomic uint64_t mmio_reads, mmio_writes; /* for --stats */
};

/* Why a page of RAM is not like all others; cpu/reserve.h and cpu/code.h say how each bit changes. */
enum ram_page_flag {
	RAM_PAGE_PLAIN = 0,
	RAM_PAGE_ARMING = 1 << 0,   /* an LL waits until it is RESERVED */
	RAM_PAGE_RESERVED = 1 << 1, /* has LL/SC words: stores must break other cores' reservations */
	RAM_PAGE_CODE = 1 << 2,	    /* code was translated from it: a write must be told */
	RAM_PAGE_TELLING = 1 << 3,  /* one is being told */
	RAM_PAGE_STORED = 1 << 4,   /* a core may have the right to store there directly */
};
#define RAM_PAGE_WATCHED (RAM_PAGE_CODE | RAM_PAGE_TELLING)
/* No core stores there directly. */
#define RAM_PAGE_GUARDED (RAM_PAGE_ARMING | RAM_PAGE_RESERVED | RAM_PAGE_WATCHED)

/*
 * Makes an empty address space with @ram_size bytes of RAM: up to 256 MiB at 0, the rest from
 * 0x80000000, as the virt machine has it.  Returns 0 or a negative errno.
 */
int bus_init(struct bus *bus, uint64_t ram_size, struct trace *trace);
void bus_destroy(struct bus *bus);

/*
 * Adds a region (copied).  Returns 0, -EEXIST if it overlaps another region or RAM, -ENOMEM.  A region at
 * exactly the place of the ROM is that of the chip it is in.
 */
int bus_add_region(struct bus *bus, const struct mmio_region *region);

/*
 * Makes @size bytes (at most BUS_ROM_MAX, whole pages) of boot ROM at @base; before the machine runs.
 * It is executed and read at full speed.  A guest's writes go to the region at the same place; if there is
 * none, they are ignored.  Returns 0, -EEXIST, -EINVAL.
 */
int bus_add_rom(struct bus *bus, uint64_t base, uint64_t size);

/* The ROM's content, for whoever fills it. */
static inline uint8_t *bus_rom_content(const struct bus *bus)
{
	return bus->ram + bus->rom.offset;
}

/* Host pointer to guest-physical @pa if [pa, pa + size) lies in one RAM range, else NULL. */
static inline void *bus_ram(const struct bus *bus, uint64_t pa, uint64_t size)
{
	for (unsigned i = 0; i < bus->range_count; i++) {
		const struct ram_range *r = &bus->range[i];
		uint64_t off = pa - r->base;

		if (off < r->size && size <= r->size - off)
			return bus->ram + r->offset + off;
	}
	return NULL;
}

/* The same for the ROM, to be read only; NULL as well while it is hidden. */
static inline const void *bus_rom(const struct bus *bus, uint64_t pa, uint64_t size)
{
	uint64_t off = pa - bus->rom.base;

	if (off < bus->rom.size && size <= bus->rom.size - off && !atomic_load(&bus->rom_hidden))
		return bus->ram + bus->rom.offset + off;
	return NULL;
}

/* Index into ram_page_flags of a host pointer that bus_ram() or bus_rom() gave. */
static inline size_t bus_ram_page(const struct bus *bus, const void *host)
{
	return (size_t)((const uint8_t *)host - bus->ram) >> BUS_PAGE_BITS;
}

/*
 * Devices, and whoever else writes guest memory from outside the processors: [host, host + size), which
 * bus_ram() or bus_rom() gave, has been written.  To be called before the guest is told of it.
 */
static inline void bus_written(struct bus *bus, const void *host, size_t size)
{
	size_t page = bus_ram_page(bus, host), end = bus_ram_page(bus, (const uint8_t *)host + size - 1) + 1;

	/* The data before the flags: whoever sets one reads the memory afterwards. */
	atomic_thread_fence(memory_order_seq_cst);
	for (; size && page < end; page++)
		if (atomic_load_explicit(&bus->ram_page_flags[page], memory_order_relaxed) & RAM_PAGE_WATCHED)
			bus->code_written(bus->code_opaque, page);
}

/*
 * One access of a processor to MMIO.  False: nothing decodes it.  RAM is not reached through these
 * (the caller has tried bus_ram() and, to read, bus_rom() first).
 */
bool bus_mmio_read(struct bus *bus, uint64_t pa, unsigned size, uint64_t *value);
bool bus_mmio_write(struct bus *bus, uint64_t pa, unsigned size, uint64_t value);

/* Device access to guest memory (DMA): RAM only; false when any byte lies outside RAM. */
bool bus_dma_read(struct bus *bus, uint64_t pa, void *buf, size_t size);
bool bus_dma_write(struct bus *bus, uint64_t pa, const void *buf, size_t size);

#endif
