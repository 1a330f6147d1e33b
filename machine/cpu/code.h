/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Pages of guest memory that translated code was made from, so that the translator learns of every write.
 *
 * Such a page has RAM_PAGE_CODE and is guarded: no core stores there directly.  Whoever writes it (a core in
 * the slow path before it stores, a device by bus_written() after it has) takes the bit away and calls
 * cpu_group.code_written(); then the page is like any other again.  While that is under way the page has
 * RAM_PAGE_TELLING, for which other writers wait, so that whoever has written knows that the translator was
 * told.
 *
 * A page without RAM_PAGE_STORED is one that no core may store to directly, so it is guarded at once.  For
 * any other all cores are made to drop their rights, as for LL/SC (reserve.h); then the bit is taken away,
 * too.
 */
#ifndef BIXI_CPU_CODE_H
#define BIXI_CPU_CODE_H

#include "machine/cpu/cpu.h"

/*
 * Guards the pages that [host, host + size) of RAM or ROM lies in.  When this returns true each write that it
 * does not find in memory will be told.  False: somebody is writing there all the time, nothing is promised.
 * On the core's thread, between instructions; it may wait for other cores and makes @cpu drop its store
 * rights.
 *
 * cpu_group.code_written() is called on any thread, also while another core is in here and waits for the
 * writer: it must not take a lock that is held around this.
 */
bool code_page_protect(struct cpu *cpu, const void *host, size_t size);

/* Whether it still is so: nobody has written there since. */
bool code_page_is_protected(const struct bus *bus, const void *host, size_t size);

/* Ends the guarding of page @page (bus_ram_page()), which the core is about to write. */
void code_page_release(struct cpu *cpu, size_t page);

/* The same for a device that has written it: bus.code_written.  @cpu is any core of the machine. */
void code_device_wrote(void *cpu, size_t page);

/*
 * Before a core writes at @host by any path but a store right.  It must not wait for anything in between:
 * whoever guards the page from now on waits until this core has written.
 */
static inline void code_before_store(struct cpu *cpu, const void *host)
{
	const size_t page = bus_ram_page(cpu->bus, host);
	_Atomic uint8_t *flag = &cpu->bus->ram_page_flags[page];
	uint8_t flags;

	for (;;) {
		flags = atomic_load_explicit(flag, memory_order_acquire);
		if (__builtin_expect(!(flags & RAM_PAGE_STORED), 0))
			flags = atomic_fetch_or(flag, RAM_PAGE_STORED);
		if (__builtin_expect(!(flags & RAM_PAGE_WATCHED), 1))
			return;
		code_page_release(cpu, page); /* it may wait */
	}
}

#endif
