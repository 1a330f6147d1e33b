/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Cores on host threads walk at random through far more code than a small code cache holds, so that all of
 * them translate all the time and what they jump to is evicted under their feet; now and then one writes to a
 * page of it.  Where a walk leads follows from its core's own state alone, so that the reference engine's end
 * is the only right one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "isa/random.h"
#include "machine/jit/jit.h"
#include "tests/jit/code.h"
#include "tests/jit/test.h"

#define START	   UINT64_C(0x100000)
#define NODES_AT   UINT64_C(0x200000)
#define NODE_BITS  13
#define NODES	   (1u << NODE_BITS)
#define NODE_SHIFT 6 /* of a node's address */
#define NODE_WORDS ((1u << NODE_SHIFT) / 4)
#define END_AT	   (NODES_AT + ((uint64_t)NODES << NODE_SHIFT))
#define ZEROS_AT   UINT64_C(0x400000) /* pages of zeros, for LL */
#define STEPS	   250000
#define BUDGET	   1000000
#define EVICTIONS  100 /* at least, or the test is none */

enum { ZERO = 0, A0 = 4, T0 = 12, T1, T2, S0 = 23, S1 };

static uint32_t nodes[NODES * NODE_WORDS];

static unsigned below(uint64_t *state, unsigned n)
{
	return (unsigned)(isa_random_u64(state) % n);
}

/* T0: the address of the node that A0 says. */
static void put_node_address(struct code_buffer *c)
{
	PUT(c, bstrpick_d, T0, A0, NODE_BITS - 1, 0);
	PUT(c, slli_d, T0, T0, NODE_SHIFT);
	PUT(c, add_d, T0, T0, S0);
}

/* Seldom: writes what is there to the node that A0 says. */
static void put_write(struct code_buffer *c)
{
	unsigned skip;

	PUT(c, bstrpick_d, T0, A0, 40, 35);
	skip = c->count;
	PUT(c, bnez, T0, 0);
	put_node_address(c);
	PUT(c, ld_w, T1, T0, 0);
	PUT(c, st_w, T1, T0, 0);
	code_link(c, skip, c->count);
}

/* An LL in one of many pages: for the first in each, other cores are waited for. */
static void put_reserve(struct code_buffer *c)
{
	PUT(c, bstrpick_d, T0, A0, 11, 0);
	PUT(c, addi_d, T0, T0, ZEROS_AT >> 12);
	PUT(c, slli_d, T0, T0, 12);
	PUT(c, ll_d, T1, T0, 0);
	PUT(c, add_d, A0, A0, T1);
}

/* Counts, changes A0 in its own way, and goes on to one of two nodes, or to any. */
static void put_node(struct code_buffer *c, uint64_t *state)
{
	const unsigned kind = below(state, 64);
	unsigned site;

	PUT(c, addi_d, A0, A0, below(state, 4096) - 2048);
	PUT(c, rotri_d, A0, A0, below(state, 64));
	PUT(c, xor, A0, A0, S1);
	PUT(c, addi_d, S1, S1, -1);
	site = c->count;
	PUT(c, beqz, S1, 0);
	code_link(c, site, NODES * NODE_WORDS);
	if (kind == 0)
		put_write(c);
	if (kind == 1)
		put_reserve(c);
	if (kind < 8) {
		put_node_address(c);
		PUT(c, jirl, ZERO, T0, 0);
		return;
	}
	PUT(c, andi, T0, A0, 1u << below(state, 12));
	site = c->count;
	PUT(c, beqz, T0, 0);
	code_link(c, site, below(state, NODES) * NODE_WORDS);
	site = c->count;
	PUT(c, b, 0);
	code_link(c, site, below(state, NODES) * NODE_WORDS);
}

static void load_code(struct rig *rig, uint64_t seed)
{
	const uint32_t end[] = { WORD(idle, 0), WORD(b, -4) };
	uint32_t words[32];
	struct code_buffer c = { words, 0, sizeof(words) / 4 };
	uint64_t state = seed;

	code_constant(&c, S0, NODES_AT);
	code_constant(&c, S1, STEPS);
	PUT(&c, csrrd, A0, CSR_CPUID);
	PUT(&c, addi_d, A0, A0, (int64_t)(seed % 1024));
	PUT(&c, jirl, ZERO, S0, 0);
	rig_write(rig, START, words, c.count * 4);
	c = (struct code_buffer){ nodes, 0, NODES * NODE_WORDS };
	for (unsigned i = 0; i < NODES; i++) {
		c.count = i * NODE_WORDS;
		put_node(&c, &state);
	}
	rig_write(rig, NODES_AT, nodes, sizeof(nodes));
	rig_write(rig, END_AT, end, sizeof(end));
}

/* How many instructions each core executes, and what is in its registers then. */
static bool same_end(const struct rig *reference, const struct rig *translated)
{
	for (unsigned id = 0; id < reference->options.cores; id++) {
		const struct cpu *expected = reference->cpu[id], *cpu = translated->cpu[id];

		if (expected->insn_count == cpu->insn_count && expected->pc == cpu->pc &&
		    !memcmp(expected->gpr, cpu->gpr, sizeof(cpu->gpr)))
			continue;
		printf("FAIL walk: core %u: %" PRIu64 " instructions to %" PRIx64 " expected, %" PRIu64
		       " to %" PRIx64 " there, A0 %" PRIx64 " %" PRIx64 "\n",
		       id, expected->insn_count, expected->pc, cpu->insn_count, cpu->pc, expected->gpr[A0],
		       cpu->gpr[A0]);
		return false;
	}
	return true;
}

static bool was_evicted(const struct rig *rig)
{
	struct jit_stats stats;

	if (!rig->options.translated || !rig->options.small_cache)
		return true;
	jit_get_stats(&rig->group, &stats);
	if (stats.evictions < EVICTIONS)
		printf("FAIL walk: only %" PRIu64 " regions were evicted\n", stats.evictions);
	return stats.evictions >= EVICTIONS;
}

bool walk_run(uint64_t seed, const struct variant *variant)
{
	struct rig_options options = { .cores = 1 + seed % RIG_CORES };
	static struct rig reference, translated;
	bool good;

	if (rig_create(&reference, &options))
		return false;
	options.translated = !variant->reference;
	options.features = variant->features;
	options.weak_llsc = variant->weak_llsc;
	options.small_cache = variant->small_cache;
	options.threads = true;
	if (rig_create(&translated, &options))
		return false;
	load_code(&reference, seed);
	load_code(&translated, seed);
	for (unsigned id = 0; id < options.cores; id++) {
		reference.cpu[id]->pc = START;
		while (!atomic_load(&reference.cpu[id]->halted))
			rig_run(&reference, id, BUDGET);
	}
	threads_start(&translated, START);
	good = same_end(&reference, &translated) && was_evicted(&translated);
	rig_destroy(&reference);
	rig_destroy(&translated);
	return good;
}
