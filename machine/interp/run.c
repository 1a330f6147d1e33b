/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The reference engine's run loop.  Instructions are decoded once and kept in a cache indexed by their
 * address; before each execution the decoded form is compared with the word in memory, so that no store,
 * DMA or other core can leave it stale and nothing ever has to be invalidated.
 *
 * Code is executed in segments: straight-line runs inside one page.  Everything that is not an
 * instruction's own work (counting, the budget, attention bits, fetch translation) happens between
 * segments.
 */
#include <errno.h>
#include <stdlib.h>

#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"
#include "machine/interp/integer.h"
#include "machine/interp/undefined.h"

#define PAGE_INSNS (BUS_PAGE_SIZE / 4)

/*
 * Pages of decoded instructions a core keeps, 24 KiB each as far as used: many for a few cores, and not
 * more than 48 MiB for all cores of a machine.
 */
#define CACHE_PAGES	  512
#define CACHE_PAGES_TOTAL 2048

/* Copies of the instruction loop's body, run_straight(). */
enum { RUN_COPIES = 8 };

struct decode_cache {
	unsigned mask;		/* number of pages - 1; page: host page number & mask */
	bool used[CACHE_PAGES]; /* insn[page] is filled in: memory is spent as code needs it */
	struct insn insn[][PAGE_INSNS];
};

/* LBT is absent (CPUCFG2.LBT_* are 0): its rows are not instructions of this processor. */
#define FUNCTION(extension, name) ((extension) == ISA_EXT_LBT ? interp_undefined : interp_##name)

static const insn_fn dispatch[ISA_OP_COUNT] = {
	[ISA_INVALID] = interp_undefined,
#define INSN(name, mnemonic, match, format, flags) [ISA_##name] = FUNCTION(ISA_EXTENSION, name),
#include "isa/isa.def"
#undef INSN
};

/* Values of insn->inlined. */
enum inlined {
	NOT_INLINED,
#define INLINED(name, value) INLINED_##name,
	INTEGER_INLINE(INLINED)
#undef INLINED
};

static const uint8_t inlined[ISA_OP_COUNT] = {
#define INLINED(name, value) [ISA_##name] = INLINED_##name,
	INTEGER_INLINE(INLINED)
#undef INLINED
};

/* Privileged instructions may read or set what depends on time and counters. */
static int run_privileged(struct cpu *cpu, const struct insn *insn)
{
	cpu_sync(cpu);
	return dispatch[insn->op](cpu, insn);
}

__attribute__((noinline)) void interp_decode(struct insn *insn, uint32_t word)
{
	isa_fields(word, insn);
	insn->fn = isa_info[insn->op].flags & ISA_PRIVILEGED ? run_privileged : dispatch[insn->op];
	insn->inlined = inlined[insn->op];
}

int interp_init(struct cpu *cpu, unsigned cores)
{
	unsigned pages = CACHE_PAGES;

	while (pages > 1 && pages * cores > CACHE_PAGES_TOTAL)
		pages /= 2;
	isa_init();
	cpu->decode_cache =
		calloc(1, sizeof(*cpu->decode_cache) + pages * sizeof(cpu->decode_cache->insn[0]));
	if (!cpu->decode_cache)
		return -ENOMEM;
	cpu->decode_cache->mask = pages - 1;
	return 0;
}

void interp_destroy(struct cpu *cpu)
{
	free(cpu->decode_cache);
	cpu->decode_cache = NULL;
}

/* Decoded instructions of the page at @host, each of which holds for the word it says only. */
static inline struct insn *cache_page(struct decode_cache *cache, const void *host)
{
	unsigned page = (uintptr_t)host / BUS_PAGE_SIZE & cache->mask;

	if (__builtin_expect(!cache->used[page], 0)) {
		for (unsigned i = 0; i < PAGE_INSNS; i++)
			interp_decode(&cache->insn[page][i], 0);
		cache->used[page] = true;
	}
	return cache->insn[page];
}

/* The instruction word at @code, which any core or device may be writing. */
static inline uint32_t word_fetch(const uint32_t *code)
{
	return __atomic_load_n(code, __ATOMIC_RELAXED);
}

/* Takes interrupts and ends IDLE where that is due, between segments.  False: the core sleeps on. */
static bool interrupts_look(struct cpu *cpu)
{
	cpu_sync(cpu);
	if (cpu->debug.stepping)
		return !atomic_load_explicit(&cpu->halted, memory_order_relaxed);
	if (atomic_load_explicit(&cpu->halted, memory_order_relaxed)) {
		if (!cpu_interrupt_pending(cpu))
			return false;
		atomic_store_explicit(&cpu->halted, false, memory_order_relaxed);
	}
	cpu_take_interrupt(cpu);
	cpu->segment_pc = cpu->pc;
	return true;
}

/* Looks at the attention bits, between segments.  False: leave the run loop. */
static __attribute__((noinline)) bool attend(struct cpu *cpu)
{
	/* Acquire: what the notifier wrote before setting a bit is seen below. */
	uint32_t attention = atomic_load_explicit(&cpu->attention, memory_order_acquire);

	if (attention & ~(uint32_t)(ATTENTION_INTERRUPT | ATTENTION_SYNC | ATTENTION_FLUSH | ATTENTION_PAGES))
		return false;
	if (attention & ATTENTION_PAGES) {
		atomic_fetch_and_explicit(&cpu->attention, ~(uint32_t)ATTENTION_PAGES, memory_order_acquire);
		softtlb_take_pages(cpu);
	}
	if (attention & ATTENTION_FLUSH) {
		atomic_fetch_and_explicit(&cpu->attention, ~(uint32_t)ATTENTION_FLUSH, memory_order_acquire);
		softtlb_flush_all(cpu);
	}
	if (attention & ATTENTION_SYNC) {
		atomic_fetch_and_explicit(&cpu->attention, ~(uint32_t)ATTENTION_SYNC, memory_order_acquire);
		reserve_acknowledge(cpu);
	}
	if (attention & ATTENTION_INTERRUPT) {
		/* Cleared before the lines are looked at: one raised after that look sets it again. */
		atomic_fetch_and_explicit(&cpu->attention, ~(uint32_t)ATTENTION_INTERRUPT,
					  memory_order_acquire);
		return interrupts_look(cpu);
	}
	return true;
}

static inline bool wants_attention(const struct cpu *cpu)
{
	return __builtin_expect(atomic_load_explicit(&cpu->attention, memory_order_relaxed) != 0, 0);
}

/* How far a call of interp_run() may go, in terms of insn_count. */
struct slice {
	uint64_t stop;	/* the caller's budget; each exception takes one off, so that it ends in any case */
	uint64_t limit; /* up to here without looking at interrupts: a performance counter overflows then */
	int last;	/* what the last segment ended with; STATE if interrupts are looked at after it */
};

static void slice_set_limit(struct cpu *cpu, struct slice *slice)
{
	uint64_t budget = cpu_pmu_budget(cpu);

	if (!budget)
		budget = 1; /* a segment has at least one instruction */
	slice->limit = slice->stop - cpu->insn_count < budget ? slice->stop : cpu->insn_count + budget;
}

/*
 * Sets the slice's limits anew and looks at interrupts, after events that may change either.  False: the
 * core sleeps on.
 */
static bool slice_restart(struct cpu *cpu, struct slice *slice)
{
	slice_set_limit(cpu, slice);
	return interrupts_look(cpu);
}

/* Exceptions were raised. */
static inline void slice_take(struct slice *slice, unsigned raised)
{
	slice->stop -= raised;
	if (slice->limit > slice->stop)
		slice->limit = slice->stop;
}

/*
 * Accounts for the segment that ended with the instruction at @pc giving @result, and after a STATE
 * looks at interrupts.  False: leave the run loop.
 */
static inline bool segment_end(struct cpu *cpu, uint64_t pc, int result, struct slice *slice)
{
	uint64_t retired = (pc - cpu->segment_pc) / 4;

	if (result == INSN_RAISED) {
		slice_take(slice, 1);
	} else {
		retired++;
		if (result == INSN_NEXT || result == INSN_STATE)
			cpu->pc = pc + 4;
	}
	cpu->insn_count += retired;
	cpu->segment_pc = cpu->pc;
	if (result == INSN_STATE || result == INSN_STATE_JUMP)
		return slice_restart(cpu, slice);
	return true;
}

static inline __attribute__((always_inline)) int execute(struct cpu *cpu, const struct insn *insn)
{
	const unsigned which = insn->inlined;

	if (which == NOT_INLINED)
		return insn->fn(cpu, insn);
#define INLINED(name, value)                                                                                 \
	if (which == INLINED_##name) {                                                                       \
		cpu_set_gpr(cpu, insn->rd, value);                                                           \
		return INSN_NEXT;                                                                            \
	}
	INTEGER_INLINE(INLINED)
#undef INLINED
	__builtin_unreachable();
}

/*
 * Executes straight-line code from *@pc on, whose words are at @code and decoded forms at @insn, until
 * @count instructions are done or one answers other than NEXT.  Returns the last one's answer, its address
 * in *@pc.
 *
 * The loop's body is repeated for the host's sake, which predicts an indirect call by the place it is made
 * from.  Many more copies help some code further, but long straight-line code such as OpenSSL's SHA-256
 * then runs slower than with a single one.
 */
static inline int run_straight(struct cpu *cpu, const uint32_t *code, struct insn *insn, uint64_t *pc,
			       unsigned count)
{
	for (;;) {
#pragma GCC unroll RUN_COPIES
		for (unsigned i = 0; i < RUN_COPIES; i++) {
			uint32_t word = word_fetch(&code[i]);
			int result;

			if (__builtin_expect(insn[i].word != word, 0))
				interp_decode(&insn[i], word);
			cpu->pc = *pc + 4 * i;
			result = execute(cpu, &insn[i]);
			if (__builtin_expect(result != INSN_NEXT, 0) || i + 1 == count) {
				*pc += 4 * i;
				return result;
			}
		}
		code += RUN_COPIES;
		insn += RUN_COPIES;
		*pc += 4 * RUN_COPIES;
		count -= RUN_COPIES;
	}
}

/* Instructions of the page of cpu->pc are going to be executed, which are at @page. */
static inline void code_enter(struct cpu *cpu, const uint32_t *page)
{
	cpu->code = page;
	cpu->code_base = cpu->pc & -(uint64_t)BUS_PAGE_SIZE;
}

/*
 * Runs in the page of cpu->pc, whose instructions are at @page, as long as nothing but instructions'
 * own work is to be done.  False: leave the run loop.
 */
static __attribute__((noinline)) bool run_page(struct cpu *cpu, const uint32_t *page, struct slice *slice)
{
	struct insn *const cache = cache_page(cpu->decode_cache, page);
	const uint64_t base = cpu->pc & -(uint64_t)BUS_PAGE_SIZE;
	int result;

	code_enter(cpu, page);
	do {
		uint64_t pc = cpu->pc, left = slice->limit - cpu->insn_count;
		unsigned first = (pc - base) / 4, count = PAGE_INSNS - first;

		if (left < count)
			count = left;
		result = run_straight(cpu, page + first, cache + first, &pc, count);
		if (!segment_end(cpu, pc, result, slice)) {
			slice->last = result;
			return false;
		}
	} while (result == INSN_JUMP && cpu->pc - base < BUS_PAGE_SIZE && !(cpu->pc & 3) &&
		 cpu->insn_count < slice->limit && !wants_attention(cpu));
	slice->last = result;
	return true;
}

/* Counts @insn, which gave @result, if it is a branch. */
static void count_branch(struct cpu *cpu, const struct insn *insn, int result)
{
	bool conditional = insn->op != ISA_b && insn->op != ISA_bl && insn->op != ISA_jirl;
	bool taken = result == INSN_JUMP, backward = insn->imm < 0;

	if ((isa_info[insn->op].flags & (ISA_BRANCH | ISA_PRIVILEGED)) == ISA_BRANCH && result != INSN_RAISED)
		cpu_pmu_branch(cpu, conditional && taken != backward);
}

/*
 * Runs at most @count instructions of straight-line code in the page of cpu->pc, whose instructions are at
 * @page, as run_page() does; only one while a performance counter counts branches, so that it is exact
 * whenever it is read.  False: leave the run loop.
 */
static bool run_segment(struct cpu *cpu, const uint32_t *page, unsigned count, struct slice *slice)
{
	const uint64_t left = slice->limit - cpu->insn_count;
	uint64_t pc = cpu->pc;
	const unsigned first = pc / 4 % PAGE_INSNS;
	struct insn *const insn = cache_page(cpu->decode_cache, page) + first;

	if (left < count)
		count = left;
	if (cpu->pmu_branching)
		count = 1;
	code_enter(cpu, page);
	slice->last = run_straight(cpu, page + first, insn, &pc, count);
	if (cpu->pmu_branching)
		count_branch(cpu, insn, slice->last);
	return segment_end(cpu, pc, slice->last, slice);
}

/* Stops before the instruction at pc if a debugger's breakpoint is there. */
static bool meet_breakpoint(struct cpu *cpu)
{
	const struct debug_point *point;

	if (!cpu->debug.points || cpu->debug.stepping)
		return false;
	point = debug_breakpoint(cpu, cpu->pc);
	if (!point)
		return false;
	cpu->debug.at_breakpoint = true;
	cpu->debug.resume = DEBUG_RESUME_HERE;
	cpu->debug.met = (struct debug_stop){ DEBUG_AT_POINT, point->kind, cpu->pc };
	return true;
}

/*
 * Runs straight-line code in a page with a debugger's breakpoints, whose instructions are at @page: up to the
 * next of them.  False: leave the run loop.
 */
static bool run_debugged(struct cpu *cpu, const uint32_t *page, struct slice *slice)
{
	if (!run_segment(cpu, page, debug_straight(cpu, cpu->pc), slice))
		return false;
	if (slice->last != INSN_NEXT || cpu->insn_count >= slice->limit || !(cpu->pc % BUS_PAGE_SIZE))
		return true;
	/* Here interrupts would not be looked at without the breakpoint. */
	return !meet_breakpoint(cpu);
}

/*
 * Runs one instruction that cannot be reached through the soft TLB: in MMIO, such as a boot ROM, or in a
 * page with a watchpoint; or some in a page with a debugger's breakpoints.  False: leave the run loop.
 */
static bool run_uncached(struct cpu *cpu, struct slice *slice)
{
	uint64_t pc = cpu->pc, pa, word;
	struct insn insn;
	void *host;
	int result;

	slice->last = INSN_STATE;
	cpu->code = NULL;
	if (meet_breakpoint(cpu))
		return false;
	if (pc & 3)
		return segment_end(cpu, pc, cpu_raise_address(cpu, EXC_ADEF, pc), slice);
	if (!access_translate(cpu, pc, 4, SOFTTLB_FETCH, &pa, &host))
		return segment_end(cpu, pc, INSN_RAISED, slice);
	if (access_host(cpu, pc, 4, SOFTTLB_FETCH)) {
		slice->last = -1;
		return true; /* it can now */
	}
	if (host && cpu->debug.points && debug_page(cpu, pc, true) &&
	    !(watch_enabled(cpu) && watch_page(cpu, pc, true)))
		return run_debugged(cpu, (const void *)((uintptr_t)host & -(uintptr_t)BUS_PAGE_SIZE), slice);
	if (host) {
		code_enter(cpu, (const void *)((uintptr_t)host & -(uintptr_t)BUS_PAGE_SIZE));
		word = word_fetch(host);
	} else if (!bus_mmio_read(cpu->bus, pa, 4, &word)) {
		return segment_end(cpu, pc, cpu_raise_address(cpu, EXC_ADEF, pc), slice);
	}
	interp_decode(&insn, word);
	result = insn.fn(cpu, &insn);
	if (cpu->pmu_branching)
		count_branch(cpu, &insn, result);
	return segment_end(cpu, pc, result, slice);
}

/* Runs what can be run at pc, whose word is at @host, by this engine. */
static bool run_direct(struct cpu *cpu, const void *host, struct slice *slice)
{
	host = (const void *)((uintptr_t)host & -(uintptr_t)BUS_PAGE_SIZE);
	if (__builtin_expect(cpu->pmu_branching, 0))
		return run_segment(cpu, host, 1, slice);
	return run_page(cpu, host, slice);
}

/* Goes on at pc, which may be inside a straight run; a page that enters the soft TLB first executes nothing.
 */
static bool run_interpreted(struct cpu *cpu, struct slice *slice)
{
	const void *host = access_host(cpu, cpu->pc, 4, SOFTTLB_FETCH);

	if (!host || cpu->pc & 3) {
		if (!run_uncached(cpu, slice))
			return false;
		if (slice->last >= 0)
			return true;
		host = access_host(cpu, cpu->pc, 4, SOFTTLB_FETCH);
	}
	return run_direct(cpu, host, slice);
}

/* The same by the translator, and what it leaves to this engine. */
static bool run_translated(struct cpu *cpu, struct slice *slice)
{
	struct translated_insn insn = { .raised = 0 };
	enum translated translated = cpu->group->translator.run(cpu, slice->limit, &insn);

	slice_take(slice, insn.raised);
	switch (translated) {
	case TRANSLATED_INSN:
		slice->last = insn.result;
		return segment_end(cpu, insn.pc, insn.result, slice);
	case TRANSLATED_INTERPRET:
		return run_interpreted(cpu, slice);
	case TRANSLATED_LOOK:
		break;
	}
	slice->last = INSN_JUMP;
	return true;
}

/* Runs what can be run at pc before interrupts are looked at again.  False: leave the run loop. */
static inline bool run_some(struct cpu *cpu, struct slice *slice)
{
	const void *host = access_host(cpu, cpu->pc, 4, SOFTTLB_FETCH);

	if (__builtin_expect(!host || cpu->pc & 3, 0))
		return run_uncached(cpu, slice);
	if (cpu->group->translator.run && !cpu->pmu_branching && !cpu->debug.stepping)
		return run_translated(cpu, slice);
	return run_direct(cpu, host, slice);
}

static void run(struct cpu *cpu, struct slice *slice)
{
	while (cpu->insn_count < slice->stop) {
		if (cpu->insn_count >= slice->limit && !slice_restart(cpu, slice))
			return;
		if (wants_attention(cpu) && !attend(cpu))
			return;
		if (!run_some(cpu, slice))
			return;
	}
}

/* Goes on where a debugger stopped the core. */
static void run_on(struct cpu *cpu, struct slice *slice)
{
	bool here = cpu->debug.resume == DEBUG_RESUME_HERE, go_on = true;

	cpu->debug.resume = DEBUG_RESUME_FRESH;
	slice_set_limit(cpu, slice);
	/* A page that enters the soft TLB only now has executed nothing yet. */
	for (unsigned tries = 0; here && tries < 2 && go_on && slice->last < 0; tries++)
		go_on = run_some(cpu, slice);
	if (go_on && !cpu->debug.stepping)
		run(cpu, slice);
}

uint64_t interp_run(struct cpu *cpu, uint64_t budget)
{
	const uint64_t start = cpu->insn_count;
	struct slice slice = { .stop = budget < UINT64_MAX - start ? start + budget : UINT64_MAX,
			       .last = -1 };

	cpu->segment_pc = cpu->pc;
	cpu->clock_count = start;
	cpu->executing = true;
	reserve_enter(cpu);
	if (__builtin_expect(cpu->debug.resume != DEBUG_RESUME_FRESH, 0))
		run_on(cpu, &slice);
	else if (slice_restart(cpu, &slice))
		run(cpu, &slice);
	reserve_leave(cpu);
	cpu->code = NULL;
	cpu->segment_pc = cpu->pc;
	cpu_sync(cpu);
	cpu->executing = false;
	cpu->stats.instructions += cpu->insn_count - start;
	cpu->debug.last = slice.last;
	cpu->debug.left = slice.stop - cpu->insn_count;
	return cpu->insn_count - start;
}
