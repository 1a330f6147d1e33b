/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Pages that translated code was made from; the scheme is described in code.h. */
#include "machine/cpu/code.h"

#include "machine/cpu/reserve.h"

/* How often a page may be written while it is being guarded. */
enum { TRIES = 3 };

/* Takes RAM_PAGE_STORED off a page that is still guarded.  False: it has been written. */
static bool forget_stores(_Atomic uint8_t *flag)
{
	uint8_t flags = atomic_load(flag);

	do {
		if (!(flags & RAM_PAGE_CODE))
			return false;
	} while (!atomic_compare_exchange_weak(flag, &flags, flags & ~RAM_PAGE_STORED));
	return true;
}

/*
 * As only one core at a time is here, a page with RAM_PAGE_CODE is one for which somebody has waited.
 * That bit and RAM_PAGE_STORED change in one piece: either the core that enters a store right sees the one,
 * or this one sees the other.
 */
static bool page_protect(struct cpu *cpu, size_t page)
{
	_Atomic uint8_t *flag = &cpu->bus->ram_page_flags[page];

	for (unsigned i = 0; i < TRIES; i++) {
		uint8_t flags = atomic_fetch_or(flag, RAM_PAGE_CODE);

		if (flags & RAM_PAGE_CODE || !(flags & RAM_PAGE_STORED))
			return true;
		reserve_sync(cpu);
		if (forget_stores(flag))
			return true;
	}
	return false;
}

bool code_page_protect(struct cpu *cpu, const void *host, size_t size)
{
	const size_t first = bus_ram_page(cpu->bus, host);
	const size_t last = bus_ram_page(cpu->bus, (const uint8_t *)host + size - 1);
	bool done = true;

	reserve_sync_lock(cpu);
	for (size_t page = first; done && page <= last; page++)
		done = page_protect(cpu, page);
	reserve_sync_unlock(cpu);
	return done;
}

bool code_page_is_protected(const struct bus *bus, const void *host, size_t size)
{
	const size_t first = bus_ram_page(bus, host),
		     last = bus_ram_page(bus, (const uint8_t *)host + size - 1);
	bool all = true;

	for (size_t page = first; page <= last; page++)
		all = all && atomic_load(&bus->ram_page_flags[page]) & RAM_PAGE_CODE;
	return all;
}

/* @writer is NULL for a device. */
static void release(const struct cpu *cpu, struct cpu *writer, size_t page)
{
	const struct cpu_group *group = cpu->group;
	_Atomic uint8_t *flag = &cpu->bus->ram_page_flags[page];
	uint8_t flags = atomic_load(flag);
	unsigned spins = 0;

	while (flags & RAM_PAGE_WATCHED) {
		if (flags & RAM_PAGE_TELLING) {
			reserve_wait(writer, &spins);
			flags = atomic_load(flag);
		} else if (atomic_compare_exchange_weak(flag, &flags, flags ^ RAM_PAGE_WATCHED)) {
			if (group->code_written)
				group->code_written(group->code_opaque, page);
			flags = atomic_fetch_and(flag, (uint8_t)~RAM_PAGE_TELLING) & ~RAM_PAGE_TELLING;
		}
	}
}

void code_page_release(struct cpu *cpu, size_t page)
{
	release(cpu, cpu, page);
}

void code_device_wrote(void *cpu, size_t page)
{
	release(cpu, NULL, page);
}
