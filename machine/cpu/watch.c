/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Fetch and load/store watchpoints, Vol.1 7.8.  Pages that a watchpoint may hit never enter the soft
 * TLB while CRMD.WE is set, so these functions see every access that matters.
 */
#include "machine/cpu/internal.h"

#define CFG3_DMONLY	UINT64_C(1)
#define CFG3_PLV(plv)	(UINT64_C(2) << (plv))
#define CFG3_PLVS	UINT64_C(0x1e)
#define CFG3_GMOD(cfg3) ((cfg3) >> 5 & 3)
#define CFG3_LCL	(UINT64_C(1) << 7)
#define CFG3_LOAD	(UINT64_C(1) << 8)
#define CFG3_STORE	(UINT64_C(1) << 9)
#define CFG3_SIZE(cfg3) ((cfg3) >> 10 & 3)
#define WPS_SKIP	(UINT64_C(1) << 16)

struct watchpoint {
	uint64_t address, mask, cfg3, asid;
	uint8_t gid;
};

/* There are root's only; a guest's accesses to these registers exit. */
static struct watchpoint watchpoint(const struct cpu *cpu, bool fetch, unsigned n)
{
	const uint64_t *cfg = &cpu->root.value[fetch ? CSR_SLOT_FWP0CFG1 : CSR_SLOT_MWP0CFG1] + 4 * n;

	return (struct watchpoint){ cfg[0], cfg[1], cfg[2], cfg[3] & ASID_MASK, (uint8_t)(cfg[3] >> 16) };
}

static unsigned watchpoint_count(const struct cpu *cpu, bool fetch)
{
	return fetch ? cpu->model->fetch_watchpoints : cpu->model->memory_watchpoints;
}

static bool watch_any(const struct cpu *cpu, bool fetch, bool *guest)
{
	bool any = false;

	for (unsigned n = 0; n < watchpoint_count(cpu, fetch); n++) {
		uint64_t cfg3 = watchpoint(cpu, fetch, n).cfg3;

		if (!(cfg3 & CFG3_PLVS))
			continue;
		any = true;
		*guest |= CFG3_GMOD(cfg3) != 0;
	}
	return any;
}

void watch_update(struct cpu *cpu)
{
	cpu->watch_guest = false;
	cpu->watch_fetch = watch_any(cpu, true, &cpu->watch_guest);
	cpu->watch_memory = watch_any(cpu, false, &cpu->watch_guest);
}

bool watch_page(const struct cpu *cpu, uint64_t va, bool fetch)
{
	for (unsigned n = 0; n < watchpoint_count(cpu, fetch); n++) {
		struct watchpoint w = watchpoint(cpu, fetch, n);
		uint64_t compared = ~w.mask & -cpu->page_size;

		if (w.cfg3 & CFG3_PLVS && !((va ^ w.address) & compared))
			return true;
	}
	return false;
}

/* In which modes: 0 root, 1 guest, else both; a guest's GID must be the watchpoint's (inferred). */
static bool watch_mode(const struct cpu *cpu, const struct watchpoint *w)
{
	unsigned gmod = CFG3_GMOD(w->cfg3);

	if (!cpu->guest_mode)
		return gmod != 1;
	return gmod != 0 && w->gid == GSTAT_GID(cpu->root.gstat);
}

/* The conditions that do not depend on the address. */
static bool watch_applies(const struct cpu *cpu, const struct watchpoint *w)
{
	const struct csr_file *csr = cpu->csr;

	if (!watch_mode(cpu, w))
		return false;
	if (w->cfg3 & CFG3_DMONLY && !(cpu->root.dbg & DBG_DST))
		return false;
	if (!(w->cfg3 & CFG3_PLV(csr->crmd & CRMD_PLV)))
		return false;
	return !(w->cfg3 & CFG3_LCL) || (csr->asid & ASID_MASK) == w->asid;
}

/* Skip swallows one access with all its hits; else they are recorded. */
static bool watch_report(uint64_t *status, uint64_t hits)
{
	if (!hits)
		return false;
	if (*status & WPS_SKIP) {
		*status &= ~WPS_SKIP;
		return false;
	}
	*status |= hits;
	return true;
}

bool watch_hit_fetch(struct cpu *cpu, uint64_t va)
{
	uint64_t hits = 0;

	for (unsigned n = 0; n < watchpoint_count(cpu, true); n++) {
		struct watchpoint w = watchpoint(cpu, true, n);

		if (watch_applies(cpu, &w) && !((va ^ w.address) & ~w.mask))
			hits |= UINT64_C(1) << n;
	}
	return watch_report(&cpu->root.fwps, hits);
}

/* The bytes of a double word that the watchpoint looks at: 8, 4, 2 or 1 around its address. */
static uint8_t watched_bytes(const struct watchpoint *w)
{
	unsigned size = 8u >> CFG3_SIZE(w->cfg3);
	unsigned first = w->address & 7 & ~(size - 1);

	return (uint8_t)(((1u << size) - 1) << first);
}

/* The bytes of the double word at @base that an access to [va, va + size) touches. */
static uint8_t touched_bytes(uint64_t base, uint64_t va, unsigned size)
{
	uint8_t bytes = 0;

	for (unsigned i = 0; i < 8; i++)
		if (base + i - va < size)
			bytes |= (uint8_t)(1u << i);
	return bytes;
}

/*
 * The address comparison is one of double words: the bytes within are compared by the two byte masks
 * (the manual's formula compares bits 2:0 as well, which would leave its byte masks without a use).
 */
static bool memory_matches(const struct watchpoint *w, uint64_t va, unsigned size)
{
	for (uint64_t base = va & ~UINT64_C(7); base - (va & ~UINT64_C(7)) < size + (va & 7); base += 8)
		if (!((base ^ w->address) & ~w->mask & ~UINT64_C(7)) &&
		    watched_bytes(w) & touched_bytes(base, va, size))
			return true;
	return false;
}

bool watch_hit_memory(struct cpu *cpu, uint64_t va, unsigned size, bool store)
{
	uint64_t hits = 0;

	for (unsigned n = 0; n < watchpoint_count(cpu, false); n++) {
		struct watchpoint w = watchpoint(cpu, false, n);

		if (w.cfg3 & (store ? CFG3_STORE : CFG3_LOAD) && watch_applies(cpu, &w) &&
		    memory_matches(&w, va, size))
			hits |= UINT64_C(1) << n;
	}
	return watch_report(&cpu->root.mwps, hits);
}
