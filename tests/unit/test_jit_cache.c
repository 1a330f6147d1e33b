/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The translator's code cache when there is more code than it holds, by one core and by several at once,
 * while pages of code are written: what is in its tables has to fit together.  Nothing is executed here, so
 * that ThreadSanitizer sees all there is.
 */
#include "tests/unit/cpu_fixture.h"

#include <pthread.h>

#include "isa/isa.h"
#include "isa/random.h"
#include "machine/cpu/reserve.h"
#include "machine/interp/interp.h"
#include "machine/jit/run.h"

#define CODE	   UINT64_C(0x400000)
#define CODE_WORDS (1u << 16)
#define ROUNDS	   40000

enum { CORES = 4 };

static const struct jit_options options = { .cache_bytes = JIT_CACHE_MIN };

/* A load, a store, an addition, or a branch to somewhere near. */
static uint32_t random_word(uint64_t random)
{
	const uint32_t registers = random & 0x3ff, imm12 = random >> 10 & 0xfff;
	const uint32_t offset16 = random >> 10 & 0xffff;

	switch (random >> 40 & 7) {
	case 0:
		return 0x28c00000 | imm12 << 10 | registers; /* ld.d */
	case 1:
		return 0x29c00000 | imm12 << 10 | registers; /* st.d */
	case 2:
		return 0x58000000 | offset16 << 10 | registers; /* beq */
	case 3:
		return 0x50000000 | offset16 << 10; /* b */
	default:
		return 0x02c00000 | imm12 << 10 | registers; /* addi.d */
	}
}

static void fill(struct bus *bus)
{
	uint32_t *word = bus_ram(bus, CODE, 4 * CODE_WORDS);
	uint64_t state = 1;

	for (unsigned i = 0; i < CODE_WORDS; i++)
		word[i] = random_word(isa_random_u64(&state));
}

static uint64_t random_pc(uint64_t *state)
{
	return CODE + isa_random_u64(state) % CODE_WORDS * 4;
}

/* The number of the block at @pc, made if there is none; 0: not now, or never. */
static uint32_t block_at(struct cpu *cpu, uint64_t pc)
{
	uint64_t pa;
	void *host;

	if (pc < CODE || pc >= CODE + 4 * CODE_WORDS)
		return 0;
	cpu->pc = pc;
	assert_true(access_translate(cpu, pc, 4, SOFTTLB_FETCH, &pa, &host));
	return jit_block_at(cpu);
}

static void write_word(struct cpu *cpu, uint64_t *state)
{
	const uint32_t word = random_word(isa_random_u64(state));

	assert_true(access_store_slow(cpu, random_pc(state), &word, 4));
}

/* The tables. */

static const uint8_t *jump_target(const struct jit *jit, const struct jit_link *link)
{
	int32_t distance;

	memcpy(&distance, link->jump, 4);
	return link->jump + 4 + distance + (jit->rx - jit->rw);
}

static bool is_used(const struct jit *jit, uint32_t number)
{
	for (unsigned i = 0; i < JIT_REGIONS; i++)
		if (number >= jit->region[i].first.block && number < jit->region[i].next.block)
			return true;
	return false;
}

/* Returns how many jumps are in the list of those that lead to the block. */
static unsigned check_block(const struct jit *jit, uint32_t number)
{
	const struct jit_block *block = &jit->block[number];
	uint32_t guard;
	unsigned count = 0;

	/* cmp [r14 + disp32], imm32: no core comes into a dead page's block. */
	memcpy(&guard, block->guarded + 7, 4);
	assert_int_equal(guard, cache_page_lives(jit, block->page) ? block->page : UINT32_MAX);
	assert_int_equal(cache_find_block(jit, block->page, block->pc), number);
	for (uint32_t link = block->links; link; link = jit->link[link].sibling, count++)
		assert_int_equal(jit->link[link].to, number);
	return count;
}

/* Returns whether the jump leads to a block. */
static bool check_link(const struct jit *jit, const struct jit_link *link)
{
	const struct jit_block *to = &jit->block[link->to], *from = &jit->block[link->from];

	if (!link->to) {
		assert_ptr_equal(jump_target(jit, link), link->stub);
		return false;
	}
	assert_true(is_used(jit, link->to));
	assert_int_equal(to->pc, link->target);
	assert_ptr_equal(jump_target(jit, link), to->page == from->page ? to->entry : to->guarded);
	return true;
}

/* What was translated is what is in memory, unless the page is dead. */
static void check_site(const struct jit *jit, uint32_t number)
{
	const struct jit_block *block = &jit->block[jit->site[number].block];
	const struct jit_page *page = &jit->page[block->page];
	uint32_t word;

	if (!cache_page_lives(jit, block->page))
		return;
	memcpy(&word, page->host + (jit_site_pc(jit, number) - page->va), 4);
	assert_int_equal(jit->site[number].insn.word, word);
}

/* Each block is found and in its page's list, each jump leads where the tables say. */
static void check_tables(const struct jit *jit)
{
	unsigned blocks = 0, in_pages = 0, linked = 0, in_blocks = 0, taken = 0;

	for (unsigned i = 0; i < JIT_REGIONS; i++) {
		const struct jit_region *region = &jit->region[i];

		taken += region->taken;
		blocks += region->next.block - region->first.block;
		for (uint32_t number = region->first.block; number < region->next.block; number++)
			in_blocks += check_block(jit, number);
		for (uint32_t number = region->first.link; number < region->next.link; number++)
			linked += check_link(jit, &jit->link[number]);
		for (uint32_t number = region->first.site; number < region->next.site; number++)
			check_site(jit, number);
	}
	for (uint32_t id = 1; id < jit->pages; id++)
		for (uint32_t number = jit->page[id].blocks; number; number = jit->block[number].sibling) {
			assert_int_equal(jit->block[number].page, id);
			in_pages++;
		}
	assert_int_equal(blocks, in_pages);
	assert_int_equal(linked, in_blocks);
	assert_in_range(taken, 1, JIT_LANES);
}

/* One core. */

static struct jit *prepared(struct cpu_fixture *f)
{
	char error[256];

	if (!jit_supported())
		skip();
	assert_int_equal(jit_create(&f->group, &options, error, sizeof(error)), 0);
	fill(&f->bus);
	return f->group.translator.jit;
}

/* As a core does that comes out of some jump. */
static void link_some(struct jit *jit, struct cpu *cpu, uint64_t *state)
{
	const struct jit_region *region = &jit->region[isa_random_u64(state) % JIT_REGIONS];
	const uint32_t links = region->next.link - region->first.link, epoch = jit->epoch;
	uint32_t number, block;

	if (!links)
		return;
	number = region->first.link + (uint32_t)(isa_random_u64(state) % links);
	block = jit->link[number].target & JIT_PIECEMEAL ? 0 : block_at(cpu, jit->link[number].target);
	if (!block || epoch != jit->epoch)
		return;
	pthread_mutex_lock(&jit->lock);
	cache_link(jit, number, block);
	pthread_mutex_unlock(&jit->lock);
}

static void what_is_evicted_leaves_no_trace(void **state)
{
	struct cpu_fixture *f = *state;
	struct jit *jit = prepared(f);
	struct jit_stats stats;
	uint64_t random = 7;

	for (unsigned i = 0; i < ROUNDS; i++) {
		f->cpu.insn_count += 1000; /* time, for pages that rest */
		block_at(&f->cpu, random_pc(&random));
		link_some(jit, &f->cpu, &random);
		if (i % 64 == 0)
			write_word(&f->cpu, &random);
		if (i % 512 == 0)
			check_tables(jit);
	}
	check_tables(jit);
	jit_get_stats(&f->group, &stats);
	assert_true(stats.evictions > 2 * JIT_REGIONS);
	assert_true(stats.links > 0 && stats.pages_written > 0);
	assert_int_equal(stats.discarded, 0);
	jit_destroy(&f->group);
}

static void regions_are_filled_in_turn(void **state)
{
	struct cpu_fixture *f = *state;
	struct jit *jit = prepared(f);
	uint64_t random = 7;

	for (unsigned i = 0; i < 3 * JIT_REGIONS; i++) {
		const struct jit_region *region = &jit->region[i % JIT_REGIONS];

		while (jit->given == i)
			block_at(&f->cpu, random_pc(&random));
		assert_ptr_equal(lane_of(jit, &f->cpu)->region, region);
		while (!region->full)
			block_at(&f->cpu, random_pc(&random));
	}
	jit_destroy(&f->group);
}

/* Another core has made the same block, or has written to its page, while this one was at it. */
static void what_comes_too_late_is_discarded(void **state)
{
	struct cpu_fixture *f = *state;
	struct jit *jit = prepared(f);
	const uint32_t first = block_at(&f->cpu, CODE), page = jit->block[first].page, word = 0;
	struct jit_region *region = lane_of(jit, &f->cpu)->region;
	const struct jit_place next = region->next;

	assert_int_equal(translate(jit, &f->cpu, region, page, CODE), first);
	assert_memory_equal(&region->next, &next, sizeof(next));
	assert_true(access_store_slow(&f->cpu, CODE + 8, &word, 4));
	assert_int_equal(translate(jit, &f->cpu, region, page, CODE + 4), 0);
	assert_false(region->full);
	assert_memory_equal(&region->next, &next, sizeof(next));
	assert_int_equal(jit->stats.discarded, 2);
	check_tables(jit);
	jit_destroy(&f->group);
}

/* Several cores. */

static struct {
	struct bus bus;
	struct clock clock;
	struct trace trace;
	struct cpu_group group;
	struct cpu cpu[CORES];
	_Atomic uint64_t turn;
} machine;

static void *core_thread(void *opaque)
{
	struct cpu *cpu = opaque;
	uint64_t random = cpu->id;

	reserve_enter(cpu);
	for (unsigned i = 0; i < ROUNDS / CORES; i++) {
		/* Several at once come to make the same block. */
		uint64_t common = atomic_fetch_add(&machine.turn, 1) / CORES;

		block_at(cpu, random_pc(&common));
		block_at(cpu, random_pc(&random));
		if (i % 256 == 0)
			write_word(cpu, &random);
		if (atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_SYNC) & ATTENTION_SYNC)
			reserve_acknowledge(cpu);
	}
	reserve_leave(cpu);
	return NULL;
}

static void cores_translate_at_once(void **state)
{
	pthread_t thread[CORES];
	struct jit_stats stats;
	char error[256];

	if (!jit_supported())
		skip();
	assert_int_equal(bus_init(&machine.bus, RAM_SIZE, &machine.trace), 0);
	clock_init(&machine.clock, false, 1);
	machine.group.parallel = true;
	assert_int_equal(reserve_init(&machine.group), 0);
	for (unsigned i = 0; i < CORES; i++)
		assert_int_equal(cpu_init(&machine.cpu[i], i, cpu_model_find("max"), &machine.group,
					  &machine.bus, &machine.clock, &machine.trace, 1),
				 0);
	assert_int_equal(jit_create(&machine.group, &options, error, sizeof(error)), 0);
	fill(&machine.bus);
	for (unsigned i = 0; i < CORES; i++)
		pthread_create(&thread[i], NULL, core_thread, &machine.cpu[i]);
	for (unsigned i = 0; i < CORES; i++)
		pthread_join(thread[i], NULL);
	check_tables(machine.group.translator.jit);
	jit_get_stats(&machine.group, &stats);
	assert_true(stats.evictions > 2 * JIT_REGIONS);
	assert_true(stats.pages_written > 0);
	jit_destroy(&machine.group);
	for (unsigned i = 0; i < CORES; i++)
		cpu_destroy(&machine.cpu[i]);
	reserve_destroy(&machine.group);
	clock_destroy(&machine.clock);
	bus_destroy(&machine.bus);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CPU_TEST(what_is_evicted_leaves_no_trace),
		CPU_TEST(regions_are_filled_in_turn),
		CPU_TEST(what_comes_too_late_is_discarded),
		cmocka_unit_test(cores_translate_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
