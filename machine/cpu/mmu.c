/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * From virtual to physical: direct mode, direct-map windows and the TLB (Vol.1 5.3, 5.4), and the slow
 * path of loads, stores and fetches that ends in the soft TLB, in RAM or in a device.
 *
 * A guest's addresses (virtualization extension) pass two stages: windows and TLB entries of the guest's own,
 * as if it were alone, then TLB entries that root made for its GID.  Stage 2 knows neither direct mode nor
 * windows nor privilege levels, and what it does not allow ends guest mode.
 */
#include <string.h>

#include "machine/cpu/access.h"
#include "machine/cpu/code.h"
#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"

#define PAGE_MASK   (~(uint64_t)(BUS_PAGE_SIZE - 1))
#define RIGHT(kind) (1u << (kind))
#define RIGHTS_ALL  (RIGHT(SOFTTLB_LOAD) | RIGHT(SOFTTLB_STORE) | RIGHT(SOFTTLB_FETCH))
#define BITS_ALL    60 /* of direct mode, and of a window */

/* Direct-map window of @va: 0-3, -1 if none.  Fetches use only the first two. */
static int window_find(const struct csr_file *csr, uint64_t va, enum softtlb_access kind)
{
	const uint64_t *dmw = &csr->value[CSR_SLOT_DMW0];
	unsigned plv = csr->crmd & CRMD_PLV;

	for (int n = 0; n < (kind == SOFTTLB_FETCH ? 2 : 4); n++)
		if (dmw[n] >> plv & 1 && dmw[n] >> 60 == va >> 60)
			return n;
	return -1;
}

/* Bits that must all be equal: from the topmost valid one, which RVACFG may lower, up to bit 63. */
static bool address_legal(const struct csr_file *csr, uint64_t va)
{
	unsigned reduced = csr->rvacfg > 8 ? 8 : (unsigned)csr->rvacfg;
	int64_t top = (int64_t)va >> (VALEN - 1 - reduced);

	return top == 0 || top == -1;
}

/* Page-invalid exception of each kind of access. */
static const enum exception page_invalid[] = {
	[SOFTTLB_LOAD] = EXC_PIL,
	[SOFTTLB_STORE] = EXC_PIS,
	[SOFTTLB_FETCH] = EXC_PIF,
};

static bool plv_allowed(uint64_t elo, unsigned plv)
{
	unsigned page_plv = elo >> 2 & 3;

	return elo & TLBELO_RPLV ? plv == page_plv : plv <= page_plv;
}

/* MISC.DWPLn: stores of privilege level n (not 3) ignore D. */
static bool unprotected(const struct csr_file *csr)
{
	unsigned plv = csr->crmd & CRMD_PLV;

	return plv < PLV3 && csr->misc & MISC_DWPL(plv);
}

struct mmu_space mmu_space(const struct cpu *cpu)
{
	const struct csr_file *csr = cpu->csr;

	return (struct mmu_space){
		.csr = csr,
		.asid = csr->asid & ASID_MASK,
		.kind = cpu->guest_mode ? TLB_G1 : TLB_ROOT,
		.gid = cpu->guest_mode ? GSTAT_GID(cpu->root.gstat) : 0,
		.plv = csr->crmd & CRMD_PLV,
		.unprotected = unprotected(csr),
	};
}

struct mmu_space mmu_space2(const struct cpu *cpu)
{
	return (struct mmu_space){
		.csr = &cpu->root, .kind = TLB_S2, .gid = GSTAT_GID(cpu->root.gstat), .plv = PLV0
	};
}

bool mmu_page_check(const struct mmu_space *space, uint64_t elo, enum softtlb_access kind,
		    enum exception *exc)
{
	if (!(elo & TLBELO_V))
		*exc = page_invalid[kind];
	else if (kind == SOFTTLB_FETCH && elo & TLBELO_NX)
		*exc = EXC_PNX;
	else if (!plv_allowed(elo, space->plv))
		*exc = EXC_PPI;
	else if (kind == SOFTTLB_LOAD && elo & TLBELO_NR)
		*exc = EXC_PNR;
	else if (kind == SOFTTLB_STORE && !(elo & TLBELO_D) && !space->unprotected)
		*exc = EXC_PME;
	else
		return true;
	return false;
}

/* What else than the access that was checked the page allows. */
static uint8_t page_rights(const struct mmu_space *space, uint64_t elo)
{
	uint8_t rights = 0;

	if (!(elo & TLBELO_NR))
		rights |= RIGHT(SOFTTLB_LOAD);
	if (elo & TLBELO_D || space->unprotected)
		rights |= RIGHT(SOFTTLB_STORE);
	if (!(elo & TLBELO_NX))
		rights |= RIGHT(SOFTTLB_FETCH);
	return rights;
}

static uint64_t page_address(const struct tlb_entry *entry, uint64_t va)
{
	uint64_t mask = (UINT64_C(1) << entry->ps) - 1;

	return (tlb_half(entry, va) & CSR_VPN & PA_MASK & ~mask) | (va & mask);
}

/* Through the TLB, and the page walker where that is on.  What fails is said of @va. */
static bool page_translate(struct cpu *cpu, const struct mmu_space *space, uint64_t va,
			   enum softtlb_access kind, struct mmu_page *page, struct mmu_fault *fault)
{
	struct tlb_key key = { .address = va, .asid = space->asid, .kind = space->kind, .gid = space->gid };
	struct tlb_entry *entry = tlb_search(&cpu->tlb, &key);
	uint64_t elo;

	*fault = (struct mmu_fault){ EXC_TLBR, va, space->kind == TLB_S2 };
	cpu->stats.stage2_misses += space->kind == TLB_S2 && !entry;
	if (space->csr->pwch & PWCH_HPTW && (!entry || ptw_wanted(tlb_half(entry, va), kind))) {
		entry = ptw_walk(cpu, space, va, kind, entry, fault);
		if (!entry)
			return false;
	}
	if (!entry)
		return false;
	elo = tlb_half(entry, va);
	if (!mmu_page_check(space, elo, kind, &fault->exc))
		return false;
	page->pa = page_address(entry, va);
	page->mat = elo >> 4 & 3;
	page->rights = page_rights(space, elo);
	page->bits = entry->ps;
	page->entry = entry;
	return true;
}

/* The guest's address between the stages; without a guest the physical one. */
static bool stage1(struct cpu *cpu, uint64_t va, enum softtlb_access kind, struct mmu_page *page,
		   struct mmu_fault *fault)
{
	const struct csr_file *csr = cpu->csr;
	struct mmu_space space;
	int window;

	if (mmu_va32(csr, csr->crmd & CRMD_PLV))
		va = (uint32_t)va;
	if ((csr->crmd & (CRMD_DA | CRMD_PG)) == CRMD_DA) {
		page->pa = va & PA_MASK;
		page->mat = csr->crmd >> (kind == SOFTTLB_FETCH ? 5 : 7) & 3;
		page->rights = RIGHTS_ALL;
		page->bits = BITS_ALL;
		page->entry = NULL;
		return true;
	}
	window = window_find(csr, va, kind);
	if (window >= 0) {
		page->pa = va & PA_MASK;
		page->mat = csr->value[CSR_SLOT_DMW0 + window] >> 4 & 3;
		page->rights = window < 2 ? RIGHTS_ALL : RIGHTS_ALL & ~RIGHT(SOFTTLB_FETCH);
		page->bits = BITS_ALL;
		page->entry = NULL;
		return true;
	}
	if (!address_legal(csr, va)) {
		*fault = (struct mmu_fault){ kind == SOFTTLB_FETCH ? EXC_ADEF : EXC_ADEM, va, false };
		return false;
	}
	space = mmu_space(cpu);
	if (!page_translate(cpu, &space, va, kind, page, fault))
		return false;
	/* Where loads and stores have a window that fetches have not, the page is for fetches alone. */
	if (kind == SOFTTLB_FETCH && window_find(csr, va, SOFTTLB_LOAD) >= 0)
		page->rights = RIGHT(SOFTTLB_FETCH);
	return true;
}

/* GCFG.MATC: the guest's memory type (0), root's (1), or the stricter one (2); lower is stricter but for SUC.
 */
static uint8_t memory_type(const struct cpu *cpu, uint8_t mat1, uint8_t mat2)
{
	enum { SUC = 0, CC = 1, WUC = 2 };

	switch (GCFG_MATC(cpu->root.gcfg)) {
	case 0:
		return mat1;
	case 2:
		return mat1 == SUC || mat2 == SUC ? SUC : mat1 == CC ? mat2 : mat1;
	default:
		return mat2;
	}
}

bool mmu_stage2(struct cpu *cpu, struct mmu_page *page, enum softtlb_access kind, struct mmu_fault *fault)
{
	const struct mmu_space space = mmu_space2(cpu);
	/* As TLB entries have it; guests that use the topmost bit get addresses that no entry can be for. */
	const uint64_t address = (uint64_t)((int64_t)(page->gpa << (64 - VALEN)) >> (64 - VALEN));
	struct mmu_fault why;
	struct mmu_page host;

	if (!page_translate(cpu, &space, address, kind, &host, &why)) {
		*fault = (struct mmu_fault){ why.exc, page->gpa, true };
		return false;
	}
	page->pa = host.pa;
	page->mat = memory_type(cpu, page->mat, host.mat);
	page->rights &= host.rights;
	if (page->bits > host.bits)
		page->bits = host.bits;
	return true;
}

bool mmu_translate(struct cpu *cpu, uint64_t va, enum softtlb_access kind, struct mmu_page *page,
		   struct mmu_fault *fault)
{
	/*
	 * Root's page walker may have put its entry in the place of the one that stage 1 used: then again,
	 * since nothing may be derived from an entry that invalidation by address would not find any more.
	 */
	do {
		if (!stage1(cpu, va, kind, page, fault))
			return false;
		page->gpa = page->pa;
		if (!cpu->guest_mode)
			return true;
		if (!mmu_stage2(cpu, page, kind, fault))
			return false;
	} while (page->entry && page->entry->kind != TLB_G1);
	return true;
}

bool mmu_look(const struct cpu *cpu, const struct mmu_space *space, uint64_t va, uint64_t *pa)
{
	const struct tlb_key key = {
		.address = va, .asid = space->asid, .kind = space->kind, .gid = space->gid
	};
	/* A search changes nothing, but its answer may be changed: hence no const in its argument. */
	const struct tlb_entry *entry = tlb_search((struct tlb *)&cpu->tlb, &key);

	if (!entry || !(tlb_half(entry, va) & TLBELO_V))
		return ptw_peek(cpu, space, va, pa);
	*pa = page_address(entry, va);
	return true;
}

/* The slow path. */

/* One access inside one page, translated. */
struct target {
	uint64_t va, pa;
	void *host; /* NULL: not RAM */
	unsigned size;
	uint8_t mat;
};

/* What the flags of all pages of RAM (or ROM) that a page of the soft TLB has say, reserve.h. */
struct page_flags {
	uint8_t any, all;
};

static struct page_flags page_flags(const struct cpu *cpu, const void *host)
{
	const _Atomic uint8_t *flag = &cpu->bus->ram_page_flags[bus_ram_page(cpu->bus, host)];
	struct page_flags flags = { 0, UINT8_MAX };

	for (unsigned i = 0; i < 1u << (cpu->page_bits - BUS_PAGE_BITS); i++) {
		/* Acquire: pairs with the guarding of pages. */
		uint8_t page = atomic_load_explicit(&flag[i], memory_order_acquire);

		flags.any |= page;
		flags.all &= page;
	}
	return flags;
}

/*
 * The core is going to have the right to store to the page of the soft TLB at @host, unless it is guarded.
 * Each page of RAM learns of the first such right only from a store, so that code that is never written is
 * guarded without asking the cores.
 */
static bool may_store(struct cpu *cpu, const void *host, enum softtlb_access kind, bool *guarded)
{
	const size_t first = bus_ram_page(cpu->bus, host);
	struct page_flags flags = page_flags(cpu, host);

	*guarded = flags.any & RAM_PAGE_GUARDED;
	if (*guarded || flags.all & RAM_PAGE_STORED)
		return true;
	if (kind != SOFTTLB_STORE)
		return false;
	for (unsigned i = 0; i < 1u << (cpu->page_bits - BUS_PAGE_BITS); i++)
		flags.any |= atomic_fetch_or(&cpu->bus->ram_page_flags[first + i], RAM_PAGE_STORED);
	*guarded = flags.any & RAM_PAGE_GUARDED;
	return true;
}

/* Enters what was found for an access of @kind into the soft TLB, if all of the page there is RAM, or ROM. */
static void target_enter(struct cpu *cpu, const struct target *t, const struct mmu_page *page,
			 enum softtlb_access kind)
{
	const uint64_t base = page->pa & -cpu->page_size;
	void *host = bus_ram(cpu->bus, base, cpu->page_size);
	uint8_t rights = page->rights;
	bool guarded = false;

	if (page->bits < cpu->page_bits) {
		softtlb_want_pages(cpu, page->bits, true);
		return;
	}
	if (!host) {
		host = (void *)bus_rom(cpu->bus, base, cpu->page_size);
		rights &= ~RIGHT(SOFTTLB_STORE);
	}
	if (!host)
		return;
	if (rights & RIGHT(SOFTTLB_STORE) && !may_store(cpu, host, kind, &guarded))
		rights &= ~RIGHT(SOFTTLB_STORE);
	softtlb_enter(cpu, t->va, page->gpa, host, rights, guarded);
}

/* Translates, checks watchpoints last (so that they report an access once), and fills the soft TLB. */
static bool target_find(struct cpu *cpu, struct target *t, enum softtlb_access kind)
{
	struct mmu_page page;
	struct mmu_fault fault;
	void *base;

	if (__builtin_expect(cpu->rehearsal != NULL, 0)) {
		if (!cpu->rehearsal->access(cpu, t->va, t->size, kind, &page, &t->host))
			return false;
		t->mat = page.mat;
		return true;
	}
	if (!mmu_translate(cpu, t->va, kind, &page, &fault)) {
		cpu_raise_fault(cpu, &fault);
		return false;
	}
	if (kind != SOFTTLB_FETCH && cpu->watch_memory && watch_enabled(cpu) &&
	    watch_hit_memory(cpu, t->va, t->size, kind == SOFTTLB_STORE)) {
		cpu_raise_root(cpu, EXC_WPEM);
		return false;
	}
	t->pa = page.pa;
	t->mat = page.mat;
	base = bus_ram(cpu->bus, page.pa & PAGE_MASK, BUS_PAGE_SIZE);
	if (!base && kind != SOFTTLB_STORE)
		base = (void *)bus_rom(cpu->bus, page.pa & PAGE_MASK, BUS_PAGE_SIZE);
	t->host = base ? (uint8_t *)base + (page.pa & ~PAGE_MASK) : NULL;
	if (!base)
		return true;
	if (kind == SOFTTLB_STORE)
		code_before_store(cpu, t->host);
	target_enter(cpu, t, &page, kind);
	return true;
}

/* A naturally aligned unit in one access, everything else by bytes. */
static void ram_load(void *buf, const void *host, unsigned size)
{
	if ((uintptr_t)host & (size - 1)) {
		memcpy(buf, host, size);
		return;
	}
	switch (size) {
	case 1:
		*(uint8_t *)buf = __atomic_load_n((const uint8_t *)host, __ATOMIC_RELAXED);
		break;
	case 2:
		*(uint16_t *)buf = __atomic_load_n((const uint16_t *)host, __ATOMIC_RELAXED);
		break;
	case 4:
		*(uint32_t *)buf = __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED);
		break;
	case 8:
		*(uint64_t *)buf = __atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED);
		break;
	default:
		memcpy(buf, host, size);
	}
}

/* The widest access of at most 8 bytes that is naturally aligned at @pa and fits into @size. */
static unsigned mmio_unit(uint64_t pa, unsigned size)
{
	unsigned unit = 8;

	while (pa & (unit - 1) || unit > size)
		unit /= 2;
	return unit;
}

static bool mmio_load(struct cpu *cpu, const struct target *t, uint8_t *buf)
{
	uint64_t value;
	unsigned unit;

	cpu_sync(cpu);
	for (unsigned done = 0; done < t->size; done += unit) {
		unit = mmio_unit(t->pa + done, t->size - done);
		if (!bus_mmio_read(cpu->bus, t->pa + done, unit, &value)) {
			cpu_raise_address(cpu, EXC_ADEM, t->va);
			return false;
		}
		memcpy(buf + done, &value, unit);
	}
	return true;
}

static bool mmio_store(struct cpu *cpu, const struct target *t, const uint8_t *buf)
{
	unsigned unit;

	cpu_sync(cpu);
	for (unsigned done = 0; done < t->size; done += unit) {
		uint64_t value = 0;

		unit = mmio_unit(t->pa + done, t->size - done);
		memcpy(&value, buf + done, unit);
		if (!bus_mmio_write(cpu->bus, t->pa + done, unit, value)) {
			cpu_raise_address(cpu, EXC_ADEM, t->va);
			return false;
		}
	}
	/* A command to the flash chip in which the ROM is: this core's next load is to see its answer. */
	if (atomic_load_explicit(&cpu->attention, memory_order_relaxed) & ATTENTION_FLUSH)
		softtlb_flush_all(cpu);
	return true;
}

static bool target_load(struct cpu *cpu, const struct target *t, void *buf)
{
	if (!t->host)
		return mmio_load(cpu, t, buf);
	ram_load(buf, t->host, t->size);
	return true;
}

static bool target_store(struct cpu *cpu, const struct target *t, const void *buf)
{
	if (!t->host)
		return mmio_store(cpu, t, buf);
	reserve_store(cpu, t->host, buf, t->size);
	return true;
}

/* MISC.ALCLn makes privilege level n's misaligned scalar accesses exceptions. */
static bool alignment_checked(struct cpu *cpu, uint64_t va, unsigned size)
{
	if (size > 8 || !(va & (size - 1)) || !(cpu->csr->misc & MISC_ALCL(cpu_plv(cpu))))
		return true;
	cpu_raise_address(cpu, EXC_ALE, va);
	return false;
}

/*
 * Finds the one or two pages of an access; both before anything is read or written.  The two parts of an
 * access must not differ in memory type (the lowest of the exceptions in Vol.1 6.1.2).
 */
static unsigned targets_find(struct cpu *cpu, uint64_t va, unsigned size, enum softtlb_access kind,
			     struct target target[2])
{
	unsigned first = BUS_PAGE_SIZE - (unsigned)(va & ~PAGE_MASK);

	if (!alignment_checked(cpu, va, size))
		return 0;
	target[0] = (struct target){ .va = va, .size = size < first ? size : first };
	if (!target_find(cpu, &target[0], kind))
		return 0;
	if (size <= first)
		return 1;
	target[1] = (struct target){ .va = va + first, .size = size - first };
	if (!target_find(cpu, &target[1], kind))
		return 0;
	if (target[0].mat == target[1].mat)
		return 2;
	cpu_raise_address(cpu, EXC_ALE, va);
	return 0;
}

bool access_load_slow(struct cpu *cpu, uint64_t va, void *buf, unsigned size)
{
	struct target target[2];
	unsigned count;

	count = targets_find(cpu, va, size, SOFTTLB_LOAD, target);
	if (count && cpu->debug.points && !debug_watch(cpu, va, size, DEBUG_LOAD))
		return false;
	if (!count || !target_load(cpu, &target[0], buf))
		return false;
	return count == 1 || target_load(cpu, &target[1], (uint8_t *)buf + target[0].size);
}

/* Stores to guarded pages, whose place the soft TLB knows; not to those that need no guard any more. */
static bool store_guarded(struct cpu *cpu, uint64_t va, const void *buf, unsigned size)
{
	const unsigned index = softtlb_index(cpu->page_bits, va);
	const struct softtlb_entry *e = &cpu->bank->entry[index];
	const uint64_t offset = va - e->tag[SOFTTLB_LOAD];
	uint8_t *host = softtlb_host(e, va);

	if (e->tag[SOFTTLB_STORE] != (softtlb_none(cpu->page_bits, index) | SOFTTLB_GUARDED) ||
	    offset > cpu->page_size - size || offset % BUS_PAGE_SIZE > BUS_PAGE_SIZE - size)
		return false;
	code_before_store(cpu, host);
	if (!(page_flags(cpu, host - offset).any & RAM_PAGE_GUARDED))
		return false;
	reserve_store(cpu, host, buf, size);
	return true;
}

bool access_store_slow(struct cpu *cpu, uint64_t va, const void *buf, unsigned size)
{
	struct target target[2];
	unsigned count;

	if (store_guarded(cpu, va, buf, size))
		return true;
	count = targets_find(cpu, va, size, SOFTTLB_STORE, target);
	if (count && cpu->debug.points && !debug_watch(cpu, va, size, DEBUG_STORE))
		return false;
	if (!count || !target_store(cpu, &target[0], buf))
		return false;
	return count == 1 || target_store(cpu, &target[1], (const uint8_t *)buf + target[0].size);
}

struct access_word access_load_word(struct cpu *cpu, uint64_t va, unsigned size)
{
	struct access_word word = { 0 };

	word.done = access_load_slow(cpu, va, &word.value, size);
	return word;
}

bool access_store_word(struct cpu *cpu, uint64_t va, uint64_t value, unsigned size)
{
	return access_store_slow(cpu, va, &value, size);
}

bool access_translate(struct cpu *cpu, uint64_t va, unsigned size, enum softtlb_access kind, uint64_t *pa,
		      void **host)
{
	struct target target = { .va = va, .size = size };

	if (kind == SOFTTLB_FETCH && cpu->watch_fetch && watch_enabled(cpu) && watch_hit_fetch(cpu, va)) {
		cpu_raise_root(cpu, EXC_WPEF);
		return false;
	}
	if (!target_find(cpu, &target, kind))
		return false;
	/* What stores through this function (SC, AM*) reads as well. */
	if (kind != SOFTTLB_FETCH && cpu->debug.points &&
	    !debug_watch(cpu, va, size, kind == SOFTTLB_LOAD ? DEBUG_LOAD : DEBUG_LOAD | DEBUG_STORE))
		return false;
	*pa = target.pa;
	*host = target.host;
	return true;
}

bool mmu_peek_insn(struct cpu *cpu, uint64_t va, uint32_t *word)
{
	const void *host = NULL;
	struct mmu_page page;
	struct mmu_fault fault;

	/* What is executed has been fetched, though its data may since have taken its TLB entry's place. */
	if (cpu->code && !(va & 3) && (va & PAGE_MASK) == cpu->code_base)
		host = cpu->code + va % BUS_PAGE_SIZE / 4;
	else if (!(va & 3))
		host = access_host(cpu, va, 4, SOFTTLB_FETCH);
	if (!host) {
		if (va & 3 || !mmu_translate(cpu, va, SOFTTLB_FETCH, &page, &fault))
			return false;
		host = bus_ram(cpu->bus, page.pa, 4);
	}
	if (!host) {
		uint64_t value;

		/* A boot ROM: the processor has just fetched this word from there. */
		if (!bus_mmio_read(cpu->bus, page.pa, 4, &value))
			return false;
		*word = (uint32_t)value;
		return true;
	}
	*word = __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED);
	return true;
}
