/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Banks of the software TLB, softtlb.h.  A bank belongs to one regime: what besides the page itself
 * decides how an address is translated and whether an access may bypass the slow path.
 */
#include <string.h>

#include "machine/cpu/internal.h"

#define KEY_USED       (UINT64_C(1) << 0)
#define KEY_GUEST      (UINT64_C(1) << 1)
#define KEY_DIRECT     (UINT64_C(1) << 2)
#define KEY_VA32       (UINT64_C(1) << 3)
#define KEY_ALIGN      (UINT64_C(1) << 4) /* MISC.ALCL: loads and stores all take the slow path */
#define KEY_WATCH      (UINT64_C(1) << 5) /* watchpoints are on: pages with one are left out */
#define KEY_PLV_SHIFT  6
#define KEY_ASID_SHIFT 8
#define KEY_GID_SHIFT  18
#define KEY_ASID(key)  ((int)((key) >> KEY_ASID_SHIFT & ASID_MASK))
#define KEY_GID(key)   ((int)((key) >> KEY_GID_SHIFT))

static bool regime_direct(const struct csr_file *csr)
{
	return (csr->crmd & (CRMD_DA | CRMD_PG)) == CRMD_DA;
}

static uint64_t regime_key(const struct cpu *cpu)
{
	const struct csr_file *csr = cpu->csr;
	unsigned plv = csr->crmd & CRMD_PLV;
	uint64_t key = KEY_USED | (uint64_t)plv << KEY_PLV_SHIFT;

	if (cpu->guest_mode)
		key |= KEY_GUEST | (uint64_t)GSTAT_GID(cpu->root.gstat) << KEY_GID_SHIFT;
	if (regime_direct(csr))
		key |= KEY_DIRECT;
	else
		key |= (csr->asid & ASID_MASK) << KEY_ASID_SHIFT;
	if (mmu_va32(csr, plv))
		key |= KEY_VA32;
	if (csr->misc & MISC_ALCL(plv))
		key |= KEY_ALIGN;
	if (watch_enabled(cpu))
		key |= KEY_WATCH;
	return key;
}

static void victims_forget(struct softtlb *soft)
{
	for (unsigned i = 0; i < SOFTTLB_VICTIMS; i++)
		soft->victim[i].bank = SOFTTLB_BANKS;
}

static void entry_clear(struct softtlb_bank *bank, unsigned bits, unsigned index)
{
	for (unsigned kind = 0; kind < 3; kind++)
		bank->entry[index].tag[kind] = softtlb_none(bits, index);
	bank->exec_id[index] = 0;
}

/* The first entry of bank @i from @index on that is filled, SOFTTLB_ENTRIES if none is. */
static unsigned next_filled(const struct softtlb *soft, unsigned i, unsigned index)
{
	uint64_t word;

	if (index == SOFTTLB_ENTRIES)
		return index;
	word = soft->filled[i][index / 64] & UINT64_MAX << index % 64;
	index &= ~63u;
	while (!word) {
		index += 64;
		if (index == SOFTTLB_ENTRIES)
			return index;
		word = soft->filled[i][index / 64];
	}
	return index + (unsigned)__builtin_ctzll(word);
}

static bool is_filled(const struct softtlb *soft, unsigned i, unsigned index)
{
	return soft->filled[i][index / 64] >> index % 64 & 1;
}

static void set_filled(struct softtlb *soft, unsigned i, unsigned index)
{
	soft->filled[i][index / 64] |= UINT64_C(1) << index % 64;
}

static void bank_clear(struct softtlb *soft, unsigned i, unsigned bits)
{
	if (soft->page_bits[i] != bits) {
		soft->page_bits[i] = (uint8_t)bits;
		memset(soft->filled[i], 0xff, sizeof(soft->filled[i]));
	}
	for (unsigned index = next_filled(soft, i, 0); index < SOFTTLB_ENTRIES;
	     index = next_filled(soft, i, index + 1))
		entry_clear(&soft->bank[i], bits, index);
	memset(soft->filled[i], 0, sizeof(soft->filled[i]));
}

/* The bank that was not current for the longest time, emptied for the regime @key. */
static unsigned bank_replace(struct cpu *cpu, uint64_t key)
{
	struct softtlb *soft = &cpu->softtlb;
	unsigned oldest = 0;

	for (unsigned i = 1; i < SOFTTLB_BANKS; i++)
		if (soft->used[i] < soft->used[oldest])
			oldest = i;
	bank_clear(soft, oldest, cpu->page_bits);
	victims_forget(soft);
	soft->key[oldest] = key;
	return oldest;
}

/* By privilege level and ASID, mode and DA: what differs between regimes that follow each other. */
static uint8_t *place_of(struct softtlb *soft, uint64_t key)
{
	return &soft->place[(key >> KEY_PLV_SHIFT ^ key >> 1) % SOFTTLB_PLACES];
}

/* The bank for @key, SOFTTLB_BANKS if there is none. */
static unsigned bank_search(const struct softtlb *soft, uint64_t key)
{
	unsigned i = 0;

	while (i < SOFTTLB_BANKS && soft->key[i] != key)
		i++;
	return i;
}

void softtlb_select(struct cpu *cpu)
{
	struct softtlb *soft = &cpu->softtlb;
	const uint64_t key = regime_key(cpu);
	uint8_t *place = place_of(soft, key);
	unsigned i = *place;

	if (soft->key[i] != key) {
		i = bank_search(soft, key);
		if (i == SOFTTLB_BANKS)
			i = bank_replace(cpu, key);
		*place = (uint8_t)i;
	}
	soft->used[i] = ++soft->clock;
	cpu->bank = &soft->bank[i];
}

/* Empties the bank; one that is not current is given up, so that only what is used is cleared. */
static void bank_flush(struct cpu *cpu, unsigned i)
{
	struct softtlb *soft = &cpu->softtlb;

	victims_forget(soft);
	if (cpu->bank == &soft->bank[i]) {
		bank_clear(soft, i, cpu->page_bits);
	} else {
		soft->key[i] = 0;
		soft->used[i] = 0;
	}
}

void softtlb_flush_all(struct cpu *cpu)
{
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++)
		bank_flush(cpu, i);
}

static bool bank_is_guest(const struct cpu *cpu, unsigned i, int gid)
{
	uint64_t key = cpu->softtlb.key[i];

	return key & KEY_GUEST && (gid < 0 || KEY_GID(key) == gid);
}

static bool bank_in_scope(const struct cpu *cpu, unsigned i, struct softtlb_scope scope)
{
	uint64_t key = cpu->softtlb.key[i];

	if (!key || key & KEY_DIRECT || (scope.asid >= 0 && KEY_ASID(key) != scope.asid))
		return false;
	return scope.kind == TLB_ROOT ? !(key & KEY_GUEST) : bank_is_guest(cpu, i, scope.gid);
}

void softtlb_flush_mode(struct cpu *cpu, enum cpu_mode mode)
{
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++)
		if (!(cpu->softtlb.key[i] & KEY_GUEST) == (mode == CPU_ROOT))
			bank_flush(cpu, i);
}

void softtlb_flush_scope(struct cpu *cpu, struct softtlb_scope scope)
{
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++)
		if (bank_in_scope(cpu, i, scope))
			bank_flush(cpu, i);
}

void softtlb_flush_guest(struct cpu *cpu, int gid)
{
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++)
		if (bank_is_guest(cpu, i, gid))
			bank_flush(cpu, i);
}

/* Whether an entry's page lies in the naturally aligned range of 2^bits bytes around @va. */
static bool entry_in_range(const struct softtlb_entry *e, uint64_t va, uint64_t mask)
{
	return !((e->tag[SOFTTLB_LOAD] ^ va) & mask) || !((e->tag[SOFTTLB_STORE] ^ va) & mask) ||
	       !((e->tag[SOFTTLB_FETCH] ^ va) & mask);
}

static void bank_flush_range(struct softtlb *soft, unsigned i, unsigned page_bits, uint64_t va, unsigned bits)
{
	struct softtlb_bank *bank = &soft->bank[i];
	unsigned count = SOFTTLB_ENTRIES;
	uint64_t mask;

	if (bits < page_bits)
		bits = page_bits;
	mask = bits < 64 ? ~UINT64_C(0) << bits : 0;
	/* In 32-bit address mode a tag keeps the upper half that the program used. */
	if (soft->key[i] & KEY_VA32)
		mask &= UINT32_MAX;
	if (bits < page_bits + SOFTTLB_ENTRY_BITS)
		count = 1u << (bits - page_bits);
	for (unsigned n = 0; n < count; n++) {
		unsigned index = (softtlb_index(page_bits, va & mask) + n) % SOFTTLB_ENTRIES;

		if (is_filled(soft, i, index) && entry_in_range(&bank->entry[index], va, mask))
			entry_clear(bank, page_bits, index);
	}
}

void softtlb_flush_page(struct cpu *cpu, struct softtlb_scope scope, uint64_t va, unsigned bits)
{
	victims_forget(&cpu->softtlb);
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++)
		if (bank_in_scope(cpu, i, scope))
			bank_flush_range(&cpu->softtlb, i, cpu->page_bits, va, bits);
}

void softtlb_flush_gpa(struct cpu *cpu, uint8_t gid, uint64_t gpa, unsigned bits)
{
	const unsigned shift = (bits > cpu->page_bits ? bits : cpu->page_bits) - SOFTTLB_BITS_MIN;
	const uint32_t mask = shift < 32 ? UINT32_MAX << shift : 0;
	const uint32_t page = (uint32_t)(gpa >> SOFTTLB_BITS_MIN);

	victims_forget(&cpu->softtlb);
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++) {
		if (!bank_is_guest(cpu, i, gid))
			continue;
		for (unsigned index = next_filled(&cpu->softtlb, i, 0); index < SOFTTLB_ENTRIES;
		     index = next_filled(&cpu->softtlb, i, index + 1))
			if (!((cpu->softtlb.gpa_page[i][index] ^ page) & mask))
				entry_clear(&cpu->softtlb.bank[i], cpu->page_bits, index);
	}
}

void softtlb_forget_code(struct cpu *cpu)
{
	victims_forget(&cpu->softtlb);
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++)
		memset(cpu->softtlb.bank[i].exec_id, 0, sizeof(cpu->softtlb.bank[i].exec_id));
}

void softtlb_flush_stores(struct cpu *cpu)
{
	cpu->softtlb.store_flushes++;
	victims_forget(&cpu->softtlb);
	for (unsigned i = 0; i < SOFTTLB_BANKS; i++) {
		if (!cpu->softtlb.key[i])
			continue;
		for (unsigned index = next_filled(&cpu->softtlb, i, 0); index < SOFTTLB_ENTRIES;
		     index = next_filled(&cpu->softtlb, i, index + 1))
			cpu->softtlb.bank[i].entry[index].tag[SOFTTLB_STORE] =
				softtlb_none(cpu->page_bits, index);
	}
}

/* The largest size of pages here that is not larger than the guest's. */
static unsigned page_bits_for(unsigned bits)
{
	return bits >= SOFTTLB_BITS_MAX ? SOFTTLB_BITS_MAX : bits >= 14 ? 14 : SOFTTLB_BITS_MIN;
}

void softtlb_want_pages(struct cpu *cpu, unsigned bits, bool smaller)
{
	struct cpu_group *group = cpu->group;
	unsigned wanted = atomic_load(&group->page_bits);

	bits = page_bits_for(bits);
	do {
		if (wanted == bits || (smaller && wanted < bits))
			return;
	} while (!atomic_compare_exchange_weak(&group->page_bits, &wanted, bits));
	for (unsigned i = 0; i < group->count; i++)
		if (group->cpu[i])
			cpu_notify(group->cpu[i], ATTENTION_PAGES);
}

void softtlb_take_pages(struct cpu *cpu)
{
	const unsigned bits = atomic_load(&cpu->group->page_bits);

	if (cpu->page_bits == bits)
		return;
	cpu->page_bits = (uint8_t)bits;
	cpu->page_size = UINT64_C(1) << bits;
	softtlb_flush_all(cpu);
}

/* The regime's own checks take away the rights whose accesses must not bypass the slow path. */
static unsigned regime_rights(const struct cpu *cpu, uint64_t key, uint64_t va, unsigned rights)
{
	if (key & KEY_ALIGN)
		rights &= 1u << SOFTTLB_FETCH;
	if (key & KEY_WATCH) {
		if (watch_page(cpu, va, true))
			rights &= ~(1u << SOFTTLB_FETCH);
		if (watch_page(cpu, va, false))
			rights &= 1u << SOFTTLB_FETCH;
	}
	return rights;
}

/* Pages with a debugger's break- or watchpoint: the same. */
static unsigned debug_rights(const struct cpu *cpu, uint64_t va, unsigned rights)
{
	if (debug_page(cpu, va, true))
		rights &= ~(1u << SOFTTLB_FETCH);
	if (debug_page(cpu, va, false))
		rights &= 1u << SOFTTLB_FETCH;
	return rights;
}

/* Whether the entry allows anything. */
static bool entry_is_used(const struct softtlb_entry *e, unsigned bits, unsigned index)
{
	return softtlb_index(bits, e->tag[SOFTTLB_LOAD]) == index ||
	       softtlb_index(bits, e->tag[SOFTTLB_FETCH]) == index;
}

/* Entry @index of the current bank changes places with victim @victim, of the same bank or nothing. */
static void victim_swap(struct cpu *cpu, struct softtlb_victim *victim, unsigned index)
{
	const unsigned bank = (unsigned)(cpu->bank - cpu->softtlb.bank);
	struct softtlb_entry *e = &cpu->bank->entry[index];
	const bool used = entry_is_used(e, cpu->page_bits, index);
	const struct softtlb_victim old = { *e, cpu->bank->exec_id[index], cpu->softtlb.gpa_page[bank][index],
					    used ? bank : SOFTTLB_BANKS, index };

	set_filled(&cpu->softtlb, bank, index);
	*e = victim->entry;
	cpu->bank->exec_id[index] = victim->exec_id;
	cpu->softtlb.gpa_page[bank][index] = victim->gpa_page;
	*victim = old;
}

bool softtlb_recall(struct cpu *cpu, uint64_t va, enum softtlb_access kind)
{
	struct softtlb *soft = &cpu->softtlb;
	const unsigned bank = (unsigned)(cpu->bank - soft->bank), index = softtlb_index(cpu->page_bits, va);

	for (unsigned i = 0; i < SOFTTLB_VICTIMS; i++) {
		struct softtlb_victim *victim = &soft->victim[i];

		/* A tag that allows nothing is the address of a page with another index. */
		if (victim->bank == bank && victim->index == index &&
		    victim->entry.tag[kind] == (va & -cpu->page_size)) {
			victim_swap(cpu, victim, index);
			return true;
		}
	}
	return false;
}

/* The entry that @page is going to take may be wanted again, unless it is the same page's. */
static void victim_keep(struct cpu *cpu, unsigned index, uint64_t page)
{
	struct softtlb *soft = &cpu->softtlb;
	const struct softtlb_entry *e = &cpu->bank->entry[index];

	if (!entry_is_used(e, cpu->page_bits, index) || e->tag[SOFTTLB_LOAD] == page ||
	    e->tag[SOFTTLB_FETCH] == page)
		return;
	soft->victim[soft->next_victim++ % SOFTTLB_VICTIMS] = (struct softtlb_victim){
		.entry = *e,
		.exec_id = cpu->bank->exec_id[index],
		.gpa_page = soft->gpa_page[cpu->bank - soft->bank][index],
		.bank = (unsigned)(cpu->bank - soft->bank),
		.index = index,
	};
}

void softtlb_enter(struct cpu *cpu, uint64_t va, uint64_t gpa, void *host, unsigned rights, bool guarded)
{
	unsigned bank = (unsigned)(cpu->bank - cpu->softtlb.bank);
	uint64_t key = cpu->softtlb.key[bank];
	unsigned index = softtlb_index(cpu->page_bits, va);
	struct softtlb_entry *e = &cpu->bank->entry[index];

	rights = regime_rights(cpu, key, va, rights);
	if (cpu->debug.points)
		rights = debug_rights(cpu, va, rights);
	/* Who may store may load, so that one look at the tags is enough for both. */
	if (!(rights & 1u << SOFTTLB_LOAD))
		rights &= ~(1u << SOFTTLB_STORE);
	cpu->stats.softtlb_fills++;
	victim_keep(cpu, index, va & -cpu->page_size);
	set_filled(&cpu->softtlb, bank, index);
	for (unsigned kind = 0; kind < 3; kind++)
		e->tag[kind] =
			rights >> kind & 1 ? va & -cpu->page_size : softtlb_none(cpu->page_bits, index);
	if (guarded && rights & 1u << SOFTTLB_STORE)
		e->tag[SOFTTLB_STORE] = softtlb_none(cpu->page_bits, index) | SOFTTLB_GUARDED;
	e->addend = (uintptr_t)host - (va & -cpu->page_size);
	cpu->bank->exec_id[index] = 0;
	if (key & KEY_GUEST)
		cpu->softtlb.gpa_page[bank][index] = (uint32_t)(gpa >> SOFTTLB_BITS_MIN);
}
