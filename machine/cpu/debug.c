/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Break- and watchpoints of a debugger outside the guest, and its looks into memory (debug.h). */
#include "machine/cpu/debug.h"

#include "machine/bus/copy.h"
#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"

#define PAGE_OFFSET (BUS_PAGE_SIZE - 1)

/* In 32-bit address mode the upper half of an address does not count. */
static uint64_t effective(const struct cpu *cpu, uint64_t va)
{
	return mmu_va32(cpu->csr, cpu_plv(cpu)) ? (uint32_t)va : va;
}

static bool is_breakpoint(const struct debug_point *point)
{
	return point->kind == DEBUG_BREAK || point->kind == DEBUG_HARDWARE_BREAK;
}

/* Whether [a, a + a_size) and [b, b + b_size) meet; neither is empty, both may end at the top of memory. */
static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a - b < b_size || b - a < a_size;
}

bool debug_page(const struct cpu *cpu, uint64_t va, bool fetch)
{
	uint64_t page = effective(cpu, va) & -cpu->page_size;

	for (unsigned i = 0; i < cpu->debug.points->count; i++) {
		const struct debug_point *point = &cpu->debug.points->point[i];

		if (is_breakpoint(point) == fetch &&
		    overlaps(page, cpu->page_size, point->address, fetch ? 1 : point->size))
			return true;
	}
	return false;
}

const struct debug_point *debug_breakpoint(const struct cpu *cpu, uint64_t va)
{
	va = effective(cpu, va);
	for (unsigned i = 0; i < cpu->debug.points->count; i++) {
		const struct debug_point *point = &cpu->debug.points->point[i];

		if (is_breakpoint(point) && point->address == va)
			return point;
	}
	return NULL;
}

unsigned debug_straight(const struct cpu *cpu, uint64_t va)
{
	uint64_t distance = BUS_PAGE_SIZE - (va & PAGE_OFFSET);

	va = effective(cpu, va);
	for (unsigned i = 0; i < cpu->debug.points->count; i++) {
		const struct debug_point *point = &cpu->debug.points->point[i];

		if (is_breakpoint(point) && point->address - va - 1 < distance - 1)
			distance = point->address - va;
	}
	/* A breakpoint inside an instruction is never met. */
	return (unsigned)(distance + 3) / 4;
}

static unsigned accesses_of(enum debug_kind kind)
{
	switch (kind) {
	case DEBUG_WATCH_WRITE:
		return DEBUG_STORE;
	case DEBUG_WATCH_READ:
		return DEBUG_LOAD;
	case DEBUG_WATCH_ACCESS:
		return DEBUG_LOAD | DEBUG_STORE;
	default:
		return 0;
	}
}

static const struct debug_point *watchpoint_met(const struct cpu *cpu, uint64_t va, unsigned size,
						unsigned access)
{
	for (unsigned i = 0; i < cpu->debug.points->count; i++) {
		const struct debug_point *point = &cpu->debug.points->point[i];

		if (accesses_of(point->kind) & access && overlaps(va, size, point->address, point->size))
			return point;
	}
	return NULL;
}

bool debug_watch(struct cpu *cpu, uint64_t va, unsigned size, unsigned access)
{
	struct cpu_debug *debug = &cpu->debug;
	const struct debug_point *point;

	va = effective(cpu, va);
	point = watchpoint_met(cpu, va, size, access);
	if (!point)
		return true;
	debug->met = (struct debug_stop){
		.reason = DEBUG_AT_POINT,
		.kind = point->kind,
		.address = point->address - va < size ? point->address : va,
	};
	if (debug->passing)
		return true;
	debug->hit = true;
	atomic_fetch_or_explicit(&cpu->attention, ATTENTION_DEBUG, memory_order_relaxed);
	return false;
}

/* Memory. */

static bool window_translate(const struct csr_file *csr, uint64_t va, uint64_t *pa)
{
	for (unsigned n = 0; n < 4; n++) {
		uint64_t window = csr->value[CSR_SLOT_DMW0 + n];

		/* The kernel's windows serve while a program runs, too. */
		if (window & 0xf && window >> 60 == va >> 60) {
			*pa = va & PA_MASK;
			return true;
		}
	}
	return false;
}

/* Stage 1: what the current mode's own registers and tables say. */
static bool look_virtual(const struct cpu *cpu, uint64_t va, uint64_t *pa)
{
	const struct csr_file *csr = cpu->csr;
	const struct mmu_space space = mmu_space(cpu);

	if ((csr->crmd & (CRMD_DA | CRMD_PG)) == CRMD_DA) {
		*pa = va & PA_MASK;
		return true;
	}
	return window_translate(csr, va, pa) || mmu_look(cpu, &space, va, pa);
}

bool debug_guest_physical(const struct cpu *cpu, uint64_t va, uint64_t *gpa)
{
	return look_virtual(cpu, effective(cpu, va), gpa);
}

bool debug_translate(const struct cpu *cpu, uint64_t va, uint64_t *pa)
{
	const struct mmu_space stage2 = mmu_space2(cpu);

	if (!debug_guest_physical(cpu, va, pa))
		return false;
	return !cpu->guest_mode || mmu_look(cpu, &stage2, *pa, pa);
}

/* The bytes of [address, address + size) that lie in its page, as physical; 0: there is nothing. */
static size_t piece(const struct cpu *cpu, uint64_t address, bool physical, size_t size, uint64_t *pa)
{
	size_t rest = BUS_PAGE_SIZE - (size_t)(address & PAGE_OFFSET);

	*pa = address;
	if (!physical && !debug_translate(cpu, address, pa))
		return 0;
	return size < rest ? size : rest;
}

size_t debug_read(const struct cpu *cpu, uint64_t address, bool physical, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t pa;
		size_t part = piece(cpu, address + done, physical, size - done, &pa);
		const void *host = bus_ram(cpu->bus, pa, part);

		if (!host)
			host = bus_rom(cpu->bus, pa, part);
		if (!part || !host)
			break;
		copy_in((uint8_t *)data + done, host, part);
		done += part;
	}
	return done;
}

size_t debug_write(struct cpu *cpu, uint64_t address, bool physical, const void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t pa;
		size_t part = piece(cpu, address + done, physical, size - done, &pa);
		void *host = bus_ram(cpu->bus, pa, part);

		if (!part || !host)
			break;
		/* Other cores' SCs to this line are to fail as after any store. */
		if (part > RESERVE_LINE - pa % RESERVE_LINE)
			part = RESERVE_LINE - pa % RESERVE_LINE;
		reserve_store(cpu, host, (const uint8_t *)data + done, (unsigned)part);
		done += part;
	}
	return done;
}
