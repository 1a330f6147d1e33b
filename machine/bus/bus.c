/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The physical address space (bus.h): guest RAM in one memfd, sorted MMIO regions, DMA. */
#include "machine/bus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOW_RAM_SIZE  (UINT64_C(256) << 20)
#define HIGH_RAM_BASE UINT64_C(0x80000000)

static void ranges_init(struct bus *bus)
{
	uint64_t low = bus->ram_size < LOW_RAM_SIZE ? bus->ram_size : LOW_RAM_SIZE;

	bus->range[0] = (struct ram_range){ .base = 0, .size = low, .offset = 0 };
	bus->range_count = 1;
	if (bus->ram_size > low)
		bus->range[bus->range_count++] = (struct ram_range){ .base = HIGH_RAM_BASE,
								     .size = bus->ram_size - low,
								     .offset = low };
}

int bus_init(struct bus *bus, uint64_t ram_size, struct trace *trace)
{
	uint64_t mapped = ram_size + BUS_ROM_MAX;
	int err;

	*bus = (struct bus){ .ram_fd = -1, .ram_size = ram_size, .ram = MAP_FAILED, .trace = trace };
	if (!ram_size || ram_size % BUS_PAGE_SIZE || mapped < ram_size || mapped > INT64_MAX)
		return -EINVAL;
	bus->ram_fd = memfd_create("bixi-ram", MFD_CLOEXEC);
	if (bus->ram_fd < 0 || ftruncate(bus->ram_fd, (off_t)mapped) < 0)
		goto fail;
	bus->ram = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, bus->ram_fd, 0);
	if (bus->ram == MAP_FAILED)
		goto fail;
	/* Only advice: where the host has no huge pages for shared memory small ones do. */
	madvise(bus->ram, mapped, MADV_HUGEPAGE);
	bus->ram_page_flags = calloc(mapped / BUS_PAGE_SIZE, 1);
	if (!bus->ram_page_flags) {
		errno = ENOMEM;
		goto fail;
	}
	ranges_init(bus);
	return 0;
fail:
	err = -errno;
	bus_destroy(bus);
	return err;
}

void bus_destroy(struct bus *bus)
{
	if (bus->ram != MAP_FAILED)
		munmap(bus->ram, bus->ram_size + BUS_ROM_MAX);
	if (bus->ram_fd >= 0)
		close(bus->ram_fd);
	free((void *)bus->ram_page_flags);
	free(bus->region);
}

static bool overlaps(uint64_t base, uint64_t size, uint64_t other_base, uint64_t other_size)
{
	return base < other_base + other_size && other_base < base + size;
}

/* Whether memory or a region lies somewhere in [base, base + size). */
static bool is_occupied(const struct bus *bus, uint64_t base, uint64_t size)
{
	for (unsigned i = 0; i < bus->range_count; i++)
		if (overlaps(base, size, bus->range[i].base, bus->range[i].size))
			return true;
	for (unsigned i = 0; i < bus->region_count; i++)
		if (overlaps(base, size, bus->region[i].base, bus->region[i].size))
			return true;
	if (base == bus->rom.base && size == bus->rom.size)
		return false;
	return bus->rom.size && overlaps(base, size, bus->rom.base, bus->rom.size);
}

int bus_add_rom(struct bus *bus, uint64_t base, uint64_t size)
{
	if (bus->rom.size || is_occupied(bus, base, size))
		return -EEXIST;
	if (!size || size > BUS_ROM_MAX || size % BUS_PAGE_SIZE || base % BUS_PAGE_SIZE)
		return -EINVAL;
	bus->rom = (struct ram_range){ .base = base, .size = size, .offset = bus->ram_size };
	return 0;
}

int bus_add_region(struct bus *bus, const struct mmio_region *region)
{
	struct mmio_region *grown;
	unsigned at = 0;

	if (!region->size || region->base + region->size < region->base)
		return -EINVAL;
	if (is_occupied(bus, region->base, region->size))
		return -EEXIST;
	grown = realloc(bus->region, (bus->region_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	bus->region = grown;
	while (at < bus->region_count && grown[at].base < region->base)
		at++;
	memmove(&grown[at + 1], &grown[at], (bus->region_count - at) * sizeof(*grown));
	grown[at] = *region;
	bus->region_count++;
	return 0;
}

/* The region that [pa, pa + size) lies in, or NULL. */
static const struct mmio_region *region_find(const struct bus *bus, uint64_t pa, unsigned size)
{
	unsigned low = 0, high = bus->region_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct mmio_region *region = &bus->region[middle];

		if (pa < region->base)
			high = middle;
		else if (pa - region->base >= region->size)
			low = middle + 1;
		else
			return size <= region->size - (pa - region->base) ? region : NULL;
	}
	return NULL;
}

static bool rom_read(const struct bus *bus, uint64_t pa, unsigned size, uint64_t *value)
{
	const void *host = bus_rom(bus, pa, size);

	if (host)
		memcpy(value, host, size);
	return host;
}

bool bus_mmio_read(struct bus *bus, uint64_t pa, unsigned size, uint64_t *value)
{
	const struct mmio_region *region = region_find(bus, pa, size);
	bool decoded;

	*value = 0;
	atomic_fetch_add_explicit(&bus->mmio_reads, 1, memory_order_relaxed);
	if (!region)
		return rom_read(bus, pa, size, value);
	if (region->lock)
		pthread_mutex_lock(region->lock);
	decoded = region->ops->read(region->dev, pa - region->base, size, value);
	if (region->lock)
		pthread_mutex_unlock(region->lock);
	return decoded;
}

bool bus_mmio_write(struct bus *bus, uint64_t pa, unsigned size, uint64_t value)
{
	const struct mmio_region *region = region_find(bus, pa, size);
	bool decoded;

	atomic_fetch_add_explicit(&bus->mmio_writes, 1, memory_order_relaxed);
	if (!region)
		return bus_rom(bus, pa, size);
	if (region->lock)
		pthread_mutex_lock(region->lock);
	decoded = region->ops->write(region->dev, pa - region->base, size, value);
	if (region->lock)
		pthread_mutex_unlock(region->lock);
	return decoded;
}

bool bus_dma_read(struct bus *bus, uint64_t pa, void *buf, size_t size)
{
	const void *host = bus_ram(bus, pa, size);

	if (!host)
		return false;
	memcpy(buf, host, size);
	return true;
}

bool bus_dma_write(struct bus *bus, uint64_t pa, const void *buf, size_t size)
{
	void *host = bus_ram(bus, pa, size);

	if (!host)
		return false;
	memcpy(host, buf, size);
	bus_written(bus, host, size);
	return true;
}
