/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Execution of translated code: finds or makes the code for an address, enters it, and deals with why it was
 * left.  Interrupts, attention and what comes between straight runs of instructions is the run loop's
 * business (machine/interp/run.c), which asks for one stretch after the other.
 */
#include "machine/jit/run.h"

#include "machine/cpu/access.h"
#include "machine/cpu/code.h"
#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"
#include "machine/jit/fp_state.h"

/*
 * Instructions between two looks at attention: some 5 us, and less than 50 us where each is the slowest that
 * is done in line, a square root of a vector.
 */
#define STRETCH 8192

/* All other cores come outside, where this one is, and stay there.  False: another one has done that. */
static bool cores_stop(struct cpu *cpu)
{
	const struct cpu_group *group = cpu->group;
	unsigned spins = 0;

	if (atomic_exchange(&group->translator.jit->stop, true))
		return false;
	for (unsigned i = 0; i < group->count; i++)
		while (atomic_load(&group->cpu[i]->jit.inside))
			reserve_wait(cpu, &spins);
	return true;
}

/* Changes what is not to change while cores are inside; this one is outside. */
static void make_room(struct cpu *cpu)
{
	struct jit *jit = cpu->group->translator.jit;
	struct jit_lane *lane = lane_of(jit, cpu);
	const uint64_t begin = jit_now_ns();

	if (!cores_stop(cpu))
		return;
	pthread_mutex_lock(&jit->lock);
	if (jit->page_bits != cpu->page_bits || cache_pages_full(jit)) {
		cache_flush(jit);
		jit->page_bits = cpu->page_bits;
	} else if (!region_has_room(lane->region)) {
		lane_next_region(jit, lane);
	}
	jit->stats.stopped_ns += jit_now_ns() - begin;
	pthread_mutex_unlock(&jit->lock);
	atomic_store(&jit->stop, false);
}

/* Every entry leads to where what is not known is looked up, whatever its address. */
static void forget_jumps(struct cpu *cpu)
{
	for (unsigned i = 0; i < JIT_JUMP_ENTRIES; i++)
		cpu->jit.jump[i] = (struct jit_jump){ 0, cpu->group->translator.jit->thunk.indirect };
}

/* From here on what the tables say stays there, until go_outside(). */
static void go_inside(struct cpu *cpu)
{
	struct jit *jit = cpu->group->translator.jit;
	unsigned spins = 0;
	uint32_t epoch;

	for (;;) {
		/* Sequentially consistent: either cores_stop() waits for this core or this core sees stop. */
		atomic_store(&cpu->jit.inside, true);
		if (!atomic_load(&jit->stop) && jit->page_bits == cpu->page_bits)
			break;
		atomic_store(&cpu->jit.inside, false);
		/* All cores come to use pages of the same size, each at its time. */
		if (atomic_load(&jit->stop))
			reserve_wait(cpu, &spins);
		else
			make_room(cpu);
	}
	epoch = atomic_load_explicit(&jit->epoch, memory_order_acquire);
	if (epoch != cpu->jit.epoch) {
		cpu->jit.epoch = epoch;
		forget_jumps(cpu);
		softtlb_forget_code(cpu);
	}
}

static void go_outside(struct cpu *cpu)
{
	atomic_store_explicit(&cpu->jit.inside, false, memory_order_release);
}

/*
 * Makes the code page at @va, whose memory is at @host; the core is outside.  False: it is written all the
 * time.
 */
static bool make_page(struct cpu *cpu, uint64_t va, const uint8_t *host)
{
	struct jit *jit = cpu->group->translator.jit;
	const size_t size = (size_t)1 << jit->page_bits;
	bool full = false;

	if (cache_page_rests(jit, host))
		return false;
	for (;;) {
		if (!code_page_protect(cpu, host, size))
			return false;
		pthread_mutex_lock(&jit->lock);
		/* Who writes there takes the mark off and then wants the lock: with both, all is well. */
		if (code_page_is_protected(cpu->bus, host, size))
			break;
		pthread_mutex_unlock(&jit->lock);
	}
	if (!cache_find_page(jit, va, host))
		full = !cache_add_page(jit, va, host);
	pthread_mutex_unlock(&jit->lock);
	if (full)
		make_room(cpu);
	return true;
}

/*
 * The code page of pc, 0 if there is none: *host is its memory then, or NULL if pc cannot be fetched from
 * directly.  The core is inside.
 */
static uint32_t find_page(struct cpu *cpu, const uint8_t **host)
{
	const struct jit *jit = cpu->group->translator.jit;
	const uint64_t va = cpu->pc & -((uint64_t)1 << jit->page_bits);
	uint32_t *id = &cpu->bank->exec_id[softtlb_index(cpu->page_bits, cpu->pc)];

	*host = access_host(cpu, cpu->pc, 4, SOFTTLB_FETCH);
	if (!*host && softtlb_recall(cpu, cpu->pc, SOFTTLB_FETCH))
		*host = access_host(cpu, cpu->pc, 4, SOFTTLB_FETCH);
	if (!*host || cpu->pc & 3)
		return *host = NULL, 0;
	*host -= cpu->pc - va;
	if (!cache_page_lives(jit, *id) || jit->page[*id].va != va)
		*id = cache_find_page(jit, va, *host);
	return *id;
}

/* The block for @target in code page @page, made if there is none; 0: no room, or the page is gone. */
static uint32_t page_block(struct cpu *cpu, uint64_t target, uint32_t page, bool *full)
{
	struct jit *jit = cpu->group->translator.jit;
	struct jit_lane *lane = lane_of(jit, cpu);
	uint32_t block = cache_find_block(jit, page, target);

	if (block)
		return block;
	/* Who holds it waits for nobody but holders of jit->lock, so it will be had soon. */
	pthread_mutex_lock(&lane->lock);
	if (region_has_room(lane->region))
		block = translate(jit, cpu, lane->region, page, target);
	*full = !region_has_room(lane->region);
	pthread_mutex_unlock(&lane->lock);
	return block;
}

/*
 * The block at pc, or + JIT_PIECEMEAL, which @target is; 0 if the run loop is to go on, as pc cannot be
 * fetched from directly.  The core is inside, and may have been outside meanwhile.
 */
static uint32_t find_block(struct cpu *cpu, uint64_t target)
{
	struct jit *jit = cpu->group->translator.jit;

	for (;;) {
		const uint8_t *host;
		uint32_t page = find_page(cpu, &host), block;
		bool full = false, made = true;

		block = page ? page_block(cpu, target, page, &full) : 0;
		if (block || (!page && !host))
			return block;
		if (page && !full)
			continue;
		go_outside(cpu);
		if (full)
			make_room(cpu);
		else
			made = make_page(cpu, cpu->pc & -((uint64_t)1 << jit->page_bits), host);
		go_inside(cpu);
		if (!made)
			return 0;
	}
}

uint32_t jit_block_at(struct cpu *cpu)
{
	uint32_t block;

	go_inside(cpu);
	block = find_block(cpu, cpu->pc);
	go_outside(cpu);
	return block;
}

const uint32_t *jit_block_code(const struct jit *jit, uint32_t number)
{
	const struct jit_block *block = &jit->block[number];
	const struct jit_page *page = &jit->page[block->page];

	return (const uint32_t *)(page->host + (block->pc - page->va));
}

/* The jump cache leads to @block. */
static void note_jump(struct cpu *cpu, const struct jit_block *block)
{
	*jit_jump_of(cpu, block->pc) = (struct jit_jump){ block->pc, block->guarded };
}

/*
 * Counts and pc are right.  Where each core has a thread others may want its attention at any time; else
 * nobody does, and the end of a stretch inside a straight run would be one place more to take interrupts.
 */
static void begin(struct cpu *cpu, uint64_t budget)
{
	if (cpu->group->parallel && budget > STRETCH)
		budget = STRETCH;
	cpu->jit.budget = cpu->jit.left = budget < INT64_MAX ? (int64_t)budget : INT64_MAX;
	cpu->jit.count = cpu->insn_count;
	cpu->jit.raised = 0;
}

/* Why the stretch ends. */
enum verdict { GO_ON, LOOK, INTERPRET, RESULT };

/* pc was reached at the end of a straight run, or of a page. */
static enum verdict exit_link(struct cpu *cpu, const void **entry)
{
	struct jit *jit = cpu->group->translator.jit;
	const uint32_t number = cpu->jit.link, epoch = cpu->jit.epoch;
	uint32_t block;

	cpu->pc = jit->link[number].target & ~(uint64_t)JIT_PIECEMEAL;
	if (jit->options.check && cpu->insn_count != cpu->jit.count)
		return LOOK; /* block by block */
	block = find_block(cpu, jit->link[number].target);
	if (!block)
		return LOOK;
	if (epoch == cpu->jit.epoch) {
		pthread_mutex_lock(&jit->lock);
		cache_link(jit, number, block);
		pthread_mutex_unlock(&jit->lock);
	}
	*entry = jit->block[block].guarded;
	return GO_ON;
}

static enum verdict exit_indirect(struct cpu *cpu, const void **entry)
{
	const struct jit *jit = cpu->group->translator.jit;
	const uint32_t block = find_block(cpu, cpu->pc);

	if (!block)
		return LOOK;
	if (!jit->options.check)
		note_jump(cpu, &jit->block[block]);
	*entry = jit->block[block].guarded;
	return GO_ON;
}

/* An instruction with a result that is the run loop's business, settle.c. */
static enum verdict exit_result(struct cpu *cpu, struct translated_insn *insn)
{
	insn->pc = jit_site_pc(cpu->group->translator.jit, cpu->jit.site);
	insn->result = (int)cpu->jit.result;
	return RESULT;
}

/* At the entry of a block for which the budget does not suffice. */
static enum verdict exit_budget(struct cpu *cpu, uint64_t limit)
{
	if (atomic_load_explicit(&cpu->attention, memory_order_relaxed) || cpu->insn_count >= limit)
		return LOOK;
	return cpu->insn_count + JIT_BLOCK_INSNS <= limit ? LOOK : INTERPRET;
}

/* In the middle of what the reference engine executes as one straight run, which is to go on. */
static enum verdict inside_run(const struct cpu *cpu, uint64_t limit)
{
	return cpu->insn_count < limit && cpu->pc % BUS_PAGE_SIZE ? INTERPRET : LOOK;
}

/* The instruction at core.site, which is done, has overwritten code of its own page. */
static enum verdict rewritten(struct cpu *cpu, uint64_t limit)
{
	cpu->pc += 4;
	cpu->insn_count++;
	return inside_run(cpu, limit);
}

static enum verdict left(struct cpu *cpu, int why, uint64_t limit, struct translated_insn *insn,
			 const void **entry)
{
	const struct jit *jit = cpu->group->translator.jit;

	limit -= cpu->jit.raised;
	switch (why) {
	case JIT_EXIT_LINK:
		return exit_link(cpu, entry);
	case JIT_EXIT_RESUME:
		cpu->pc = jit->link[cpu->jit.link].target & ~(uint64_t)JIT_PIECEMEAL;
		return inside_run(cpu, limit);
	case JIT_EXIT_BUDGET:
		cpu->pc = jit_site_pc(jit, cpu->jit.site);
		return exit_budget(cpu, limit);
	case JIT_EXIT_GUARD:
		cpu->pc = jit_site_pc(jit, cpu->jit.site);
		return exit_indirect(cpu, entry);
	case JIT_EXIT_INDIRECT:
		return jit->options.check ? LOOK : exit_indirect(cpu, entry);
	case JIT_EXIT_INTERPRET:
		cpu->pc = jit_site_pc(jit, cpu->jit.site);
		return INTERPRET;
	case JIT_EXIT_REWRITTEN:
		return rewritten(cpu, limit);
	default:
		return exit_result(cpu, insn);
	}
}

enum translated jit_run(struct cpu *cpu, uint64_t limit, struct translated_insn *insn)
{
	struct jit *jit = cpu->group->translator.jit;
	enum verdict verdict;
	const void *entry;

	jit_set_missing(cpu);
	go_inside(cpu);
	if (exit_indirect(cpu, &entry) != GO_ON) {
		go_outside(cpu);
		return TRANSLATED_INTERPRET;
	}
	begin(cpu, limit - cpu->insn_count);
	jit_fp_enter(cpu);
	do {
		const int why = jit->thunk.enter(cpu, entry);

		jit->counts[cpu->id].exits[why]++;
		if (why < JIT_EXIT_RESULT) {
			jit_count(cpu, cpu->jit.left);
			cpu->segment_pc = cpu->pc; /* whatever it is: nothing is to be counted twice */
		}
		verdict = left(cpu, why, limit, insn, &entry);
		cpu->segment_pc = verdict == RESULT ? cpu->segment_pc : cpu->pc;
	} while (verdict == GO_ON);
	insn->raised = cpu->jit.raised;
	jit_fp_leave(cpu);
	go_outside(cpu);
	return verdict == RESULT      ? TRANSLATED_INSN
	       : verdict == INTERPRET ? TRANSLATED_INTERPRET
				      : TRANSLATED_LOOK;
}
