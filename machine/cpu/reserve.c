/* SPDX-License-Identifier: MulanPSL-2.0 */
/* LL/SC reservations, Vol.1 2.2.7.3; the scheme is described in reserve.h. */
#include "machine/cpu/reserve.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "machine/cpu/code.h"
#include "machine/cpu/softtlb.h"

#define RESERVE_BUCKETS	   1024
#define SPINS_BEFORE_YIELD 200

/* The reservations in all pages that hash to one number. */
struct reserve_bucket {
	atomic_flag lock;	   /* protects: cores */
	uint64_t cores[CPU_MODES]; /* bit n: core n has a reservation of that mode in this bucket */
} __attribute__((aligned(64)));

/* What a core tells the core that flags a page. */
struct reserve_core {
	_Atomic bool running;	       /* executes guest code */
	_Atomic uint64_t acknowledged; /* the sync_generation it has dropped its store rights for */
	/* Reserved: offset in RAM / RESERVE_LINE; written under its bucket's lock. */
	_Atomic uint64_t line[CPU_MODES];
} __attribute__((aligned(64)));

struct reservations {
	struct reserve_bucket bucket[RESERVE_BUCKETS];
	struct reserve_core core[CPU_MAX];
	_Atomic uint64_t sync_generation; /* counts reserve_sync() */
	atomic_flag sync_lock;		  /* reserve_sync_lock() */
};

int reserve_init(struct cpu_group *group)
{
	struct reservations *r = aligned_alloc(64, sizeof(*r));

	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < RESERVE_BUCKETS; i++)
		atomic_flag_clear(&r->bucket[i].lock);
	atomic_flag_clear(&r->sync_lock);
	group->reservations = r;
	return 0;
}

void reserve_destroy(struct cpu_group *group)
{
	free(group->reservations);
	group->reservations = NULL;
}

/* Alone in its group: no other core can break its reservation. */
static bool core_is_alone(const struct cpu *cpu)
{
	return cpu->group->count <= 1 || !cpu->group->reservations;
}

static uint64_t ram_offset(const struct cpu *cpu, const void *host)
{
	return (uint64_t)((const uint8_t *)host - cpu->bus->ram);
}

static struct reserve_bucket *bucket_of(const struct cpu *cpu, uint64_t offset)
{
	return &cpu->group->reservations->bucket[(offset >> BUS_PAGE_BITS) % RESERVE_BUCKETS];
}

/* Held for a few instructions and never while waiting for anything, so spinning is right. */
static void bucket_lock(const struct cpu *cpu, struct reserve_bucket *bucket)
{
	unsigned spins = 0;

	if (!cpu->group->parallel)
		return;
	while (atomic_flag_test_and_set_explicit(&bucket->lock, memory_order_acquire))
		if (++spins % SPINS_BEFORE_YIELD == 0)
			sched_yield(); /* the owner may have lost its host processor */
		else
			__builtin_ia32_pause();
}

static void bucket_unlock(const struct cpu *cpu, struct reserve_bucket *bucket)
{
	if (cpu->group->parallel)
		atomic_flag_clear_explicit(&bucket->lock, memory_order_release);
}

/* Ends the reservations of @line that cores other than @cpu hold.  The bucket is locked. */
static void bucket_break(struct cpu *cpu, struct reserve_bucket *bucket, uint64_t line)
{
	const struct reservations *r = cpu->group->reservations;

	for (unsigned mode = 0; mode < CPU_MODES; mode++) {
		uint64_t others = bucket->cores[mode] & ~(UINT64_C(1) << cpu->id);

		for (; others; others &= others - 1) {
			unsigned core = __builtin_ctzll(others);

			if (atomic_load_explicit(&r->core[core].line[mode], memory_order_relaxed) == line)
				bucket->cores[mode] &= ~(UINT64_C(1) << core);
		}
	}
}

void reserve_acknowledge(struct cpu *cpu)
{
	struct reservations *r = cpu->group->reservations;
	uint64_t generation;

	if (core_is_alone(cpu))
		return;
	/* Acquire: the flags that were set before this generation are seen when store rights are refilled. */
	generation = atomic_load_explicit(&r->sync_generation, memory_order_acquire);
	softtlb_flush_stores(cpu);
	atomic_store_explicit(&r->core[cpu->id].acknowledged, generation, memory_order_release);
}

void reserve_enter(struct cpu *cpu)
{
	struct reservations *r = cpu->group->reservations;
	struct reserve_core *core;

	if (core_is_alone(cpu))
		return;
	core = &r->core[cpu->id];
	/*
	 * Sequentially consistent with reserve_sync(): either it sees this core running and waits for it, or
	 * this core sees the new generation here.
	 */
	atomic_store(&core->running, true);
	if (atomic_load_explicit(&core->acknowledged, memory_order_relaxed) !=
	    atomic_load(&r->sync_generation))
		reserve_acknowledge(cpu);
}

void reserve_leave(struct cpu *cpu)
{
	if (!core_is_alone(cpu))
		atomic_store_explicit(&cpu->group->reservations->core[cpu->id].running, false,
				      memory_order_release);
}

void reserve_wait(struct cpu *cpu, unsigned *spins)
{
	const struct reservations *r = cpu ? cpu->group->reservations : NULL;

	/* The other core may be waiting for this one. */
	if (r && !core_is_alone(cpu) &&
	    atomic_load_explicit(&r->core[cpu->id].acknowledged, memory_order_relaxed) !=
		    atomic_load_explicit(&r->sync_generation, memory_order_relaxed))
		reserve_acknowledge(cpu);
	if (++*spins % SPINS_BEFORE_YIELD == 0)
		sched_yield();
	else
		__builtin_ia32_pause();
}

/* Waits until every other core that runs has dropped the store rights it had before @generation. */
static void wait_for_cores(struct cpu *cpu, uint64_t generation)
{
	struct reservations *r = cpu->group->reservations;
	unsigned spins = 0;

	for (unsigned i = 0; i < cpu->group->count; i++) {
		struct reserve_core *core = &r->core[i];

		if (i == cpu->id)
			continue;
		while (atomic_load(&core->running) &&
		       atomic_load_explicit(&core->acknowledged, memory_order_acquire) < generation)
			reserve_wait(cpu, &spins);
	}
}

void reserve_sync(struct cpu *cpu)
{
	struct cpu_group *group = cpu->group;
	uint64_t generation;

	if (!group->parallel || core_is_alone(cpu)) {
		for (unsigned i = 0; i < group->count; i++)
			if (group->cpu[i])
				softtlb_flush_stores(group->cpu[i]);
		return;
	}
	generation = atomic_fetch_add(&group->reservations->sync_generation, 1) + 1;
	for (unsigned i = 0; i < group->count; i++)
		if (i != cpu->id && atomic_load(&group->reservations->core[i].running))
			cpu_notify(group->cpu[i], ATTENTION_SYNC);
	reserve_acknowledge(cpu);
	wait_for_cores(cpu, generation);
}

void reserve_sync_lock(struct cpu *cpu)
{
	unsigned spins = 0;

	if (core_is_alone(cpu) || !cpu->group->parallel)
		return;
	while (atomic_flag_test_and_set_explicit(&cpu->group->reservations->sync_lock, memory_order_acquire))
		reserve_wait(cpu, &spins);
}

void reserve_sync_unlock(struct cpu *cpu)
{
	if (!core_is_alone(cpu) && cpu->group->parallel)
		atomic_flag_clear_explicit(&cpu->group->reservations->sync_lock, memory_order_release);
}

/*
 * Makes the page of RAM @offset one whose stores go through reserve_store().  A second core that finds
 * the page ARMING asks for a generation of its own, so each waits for acknowledgements of its own.
 */
static void page_reserve(struct cpu *cpu, uint64_t offset)
{
	_Atomic uint8_t *flag = &cpu->bus->ram_page_flags[offset >> BUS_PAGE_BITS];

	atomic_fetch_or(flag, RAM_PAGE_ARMING);
	reserve_sync(cpu);
	atomic_fetch_or(flag, RAM_PAGE_RESERVED);
}

/* Whether stores to the page of @offset must go through its bucket. */
static bool page_is_reserved(const struct cpu *cpu, uint64_t offset)
{
	return atomic_load_explicit(&cpu->bus->ram_page_flags[offset >> BUS_PAGE_BITS],
				    memory_order_relaxed) &
	       (RAM_PAGE_ARMING | RAM_PAGE_RESERVED);
}

static uint64_t host_load(const void *host, unsigned size)
{
	return size == 4 ? __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED)
			 : __atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED);
}

/* Naturally aligned units in one piece, as other cores read without the lock; the rest in bytes. */
static void host_store(void *host, const void *buf, unsigned size)
{
	uint64_t value = 0;

	while (size && ((uintptr_t)host | size) & 7) {
		unsigned unit = ((uintptr_t)host | size) & -((uintptr_t)host | size);

		memcpy(&value, buf, unit);
		if (unit == 1)
			__atomic_store_n((uint8_t *)host, value, __ATOMIC_RELAXED);
		else if (unit == 2)
			__atomic_store_n((uint16_t *)host, value, __ATOMIC_RELAXED);
		else
			__atomic_store_n((uint32_t *)host, value, __ATOMIC_RELAXED);
		host = (uint8_t *)host + unit;
		buf = (const uint8_t *)buf + unit;
		size -= unit;
	}
	for (; size; size -= 8) {
		memcpy(&value, buf, 8);
		__atomic_store_n((uint64_t *)host, value, __ATOMIC_RELAXED);
		host = (uint64_t *)host + 1;
		buf = (const uint8_t *)buf + 8;
	}
}

/* Whether an LL at @offset is one whose SC compares. */
static bool compares(const struct cpu *cpu, uint64_t offset)
{
	return cpu->group->llsc_compares && cpu->group->parallel && !page_is_reserved(cpu, offset);
}

uint64_t reserve_load(struct cpu *cpu, const void *host, unsigned size)
{
	const enum cpu_mode mode = cpu->guest_mode;
	uint64_t offset = ram_offset(cpu, host), value;
	struct cpu_ll *ll = &cpu->ll[mode];
	struct reserve_bucket *bucket;

	reserve_clear(cpu, mode);
	*ll = (struct cpu_ll){ .bit = true, .size = (uint8_t)size, .offset = offset };
	if (core_is_alone(cpu))
		return host_load(host, size);
	if (compares(cpu, offset)) {
		ll->compare = true;
		return ll->value = host_load(host, size);
	}

	if (!(atomic_load_explicit(&cpu->bus->ram_page_flags[offset >> BUS_PAGE_BITS], memory_order_acquire) &
	      RAM_PAGE_RESERVED))
		page_reserve(cpu, offset);
	bucket = bucket_of(cpu, offset);
	bucket_lock(cpu, bucket);
	atomic_store_explicit(&cpu->group->reservations->core[cpu->id].line[mode], offset / RESERVE_LINE,
			      memory_order_relaxed);
	bucket->cores[mode] |= UINT64_C(1) << cpu->id;
	value = host_load(host, size);
	bucket_unlock(cpu, bucket);
	return value;
}

/* Stores @value if the @size (4 or 8) bytes at @host are @old. */
static bool host_exchange(void *host, unsigned size, uint64_t old, uint64_t value)
{
	uint32_t word = (uint32_t)old;

	return size == 4 ? __atomic_compare_exchange_n((uint32_t *)host, &word, (uint32_t)value, false,
						       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
			 : __atomic_compare_exchange_n((uint64_t *)host, &old, value, false, __ATOMIC_SEQ_CST,
						       __ATOMIC_RELAXED);
}

/* SC after an LL of @old that did not reserve anything; others may have reserved the page meanwhile. */
static bool store_compared(struct cpu *cpu, void *host, unsigned size, uint64_t old, uint64_t value)
{
	struct reserve_bucket *bucket;
	bool done;

	if (size == 16) {
		page_reserve(cpu, ram_offset(cpu, host));
		return false;
	}
	bucket = reserve_begin(cpu, host);
	done = host_exchange(host, size, old, value);
	reserve_end(cpu, bucket, host);
	return done;
}

bool reserve_store_conditional(struct cpu *cpu, void *host, unsigned size, const uint64_t value[2])
{
	const enum cpu_mode mode = cpu->guest_mode;
	struct cpu_ll *ll = &cpu->ll[mode];
	uint64_t offset = ram_offset(cpu, host);
	bool paired = ll->bit && (size == 16 ? ll->size == 8 && ll->offset / 16 == offset / 16
					     : ll->size == size && ll->offset == offset);
	struct reserve_bucket *bucket;
	bool done;

	if (!paired) {
		reserve_clear(cpu, mode);
		return false;
	}
	ll->bit = false;
	if (core_is_alone(cpu)) {
		host_store(host, value, size);
		return true;
	}
	if (ll->compare)
		return store_compared(cpu, host, size, ll->value, value[0]);
	bucket = bucket_of(cpu, offset);
	bucket_lock(cpu, bucket);
	done = bucket->cores[mode] >> cpu->id & 1;
	if (done) {
		host_store(host, value, size);
		bucket_break(cpu, bucket, offset / RESERVE_LINE);
		bucket->cores[mode] &= ~(UINT64_C(1) << cpu->id);
	}
	bucket_unlock(cpu, bucket);
	return done;
}

void reserve_clear(struct cpu *cpu, enum cpu_mode mode)
{
	struct cpu_ll *ll = &cpu->ll[mode];
	struct reserve_bucket *bucket;

	if (!ll->bit)
		return;
	ll->bit = false;
	if (core_is_alone(cpu) || ll->compare)
		return;
	bucket = bucket_of(cpu, ll->offset);
	bucket_lock(cpu, bucket);
	bucket->cores[mode] &= ~(UINT64_C(1) << cpu->id);
	bucket_unlock(cpu, bucket);
}

bool reserve_stands(struct cpu *cpu, enum cpu_mode mode)
{
	const struct cpu_ll *ll = &cpu->ll[mode];
	struct reserve_bucket *bucket;
	bool stands;

	if (!ll->bit || core_is_alone(cpu))
		return ll->bit;
	if (ll->compare)
		return host_load(cpu->bus->ram + ll->offset, ll->size) == ll->value;
	bucket = bucket_of(cpu, ll->offset);
	bucket_lock(cpu, bucket);
	stands = bucket->cores[mode] >> cpu->id & 1;
	bucket_unlock(cpu, bucket);
	return stands;
}

/* Makes the reservation that cpu->ll says.  No core runs, and none has store rights. */
static void reserve_again(struct cpu *cpu, enum cpu_mode mode)
{
	uint64_t offset = cpu->ll[mode].offset;

	if (core_is_alone(cpu))
		return;
	atomic_fetch_or(&cpu->bus->ram_page_flags[offset >> BUS_PAGE_BITS], RAM_PAGE_RESERVED);
	atomic_store(&cpu->group->reservations->core[cpu->id].line[mode], offset / RESERVE_LINE);
	bucket_of(cpu, offset)->cores[mode] |= UINT64_C(1) << cpu->id;
}

void reserve_state(struct cpu *cpu, enum cpu_mode mode, struct state *state)
{
	uint64_t size = cpu->bus->ram_size + cpu->bus->rom.size;
	bool stands = reserve_stands(cpu, mode);
	struct cpu_ll *ll = &cpu->ll[mode];

	if (state_loading(state)) {
		reserve_clear(cpu, mode);
		ll->compare = false;
	}
	STATE_BOOL(state, ll, bit);
	STATE_MEMBER(state, ll, size);
	STATE_MEMBER(state, ll, offset);
	state_bool(state, "stands", &stands);
	if (!state_loading(state) || !state_good(state) || !ll->bit)
		return;
	if ((ll->size != 4 && ll->size != 8) || ll->offset % ll->size || ll->offset >= size) {
		ll->bit = false;
		state_refuse(state, "a reservation of memory that there is not");
	} else if (stands) {
		reserve_again(cpu, mode);
	}
}

struct reserve_bucket *reserve_begin(struct cpu *cpu, const void *host)
{
	uint64_t offset = ram_offset(cpu, host);
	struct reserve_bucket *bucket;

	code_before_store(cpu, host);
	if (core_is_alone(cpu) || !page_is_reserved(cpu, offset))
		return NULL;
	bucket = bucket_of(cpu, offset);
	bucket_lock(cpu, bucket);
	return bucket;
}

void reserve_end(struct cpu *cpu, struct reserve_bucket *bucket, const void *host)
{
	if (!bucket)
		return;
	bucket_break(cpu, bucket, ram_offset(cpu, host) / RESERVE_LINE);
	bucket_unlock(cpu, bucket);
}

void reserve_store(struct cpu *cpu, void *host, const void *buf, unsigned size)
{
	struct reserve_bucket *bucket = reserve_begin(cpu, host);
	const uint8_t *last = (const uint8_t *)host + size - 1;

	host_store(host, buf, size);
	if (bucket && ram_offset(cpu, last) / RESERVE_LINE != ram_offset(cpu, host) / RESERVE_LINE)
		bucket_break(cpu, bucket, ram_offset(cpu, last) / RESERVE_LINE);
	reserve_end(cpu, bucket, host);
}
