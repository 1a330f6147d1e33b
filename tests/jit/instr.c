/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * One instruction at a time, alone or among others of its kind, with the inputs of the differential test of
 * the instruction set (tests/isa/inputs.c), on both engines.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/random.h"
#include "machine/cpu/exception.h"
#include "machine/interp/interp.h"
#include "tests/jit/code.h"
#include "tests/jit/compare.h"
#include "tests/jit/test.h"

#define ENTRY	   UINT64_C(0x10000) /* EENTRY: an idle, which ends each case */
#define CODE_FIRST UINT64_C(0x200000)
#define CODE_LAST  UINT64_C(0xa00000)
#define BUDGET	   100
#define PAGE	   UINT64_C(0x1000)

/* Both engines, and where the next block goes. */
struct bench {
	struct rig reference, translated;
	struct variant variant;
	uint64_t next;
	bool made;
};

static struct bench bench;
static struct batch batch;

static void bench_write(struct bench *b, uint64_t pa, const void *data, size_t size)
{
	rig_write(&b->reference, pa, data, size);
	rig_write(&b->translated, pa, data, size);
}

static void core_prepare(struct cpu *cpu)
{
	cpu->root.eentry = ENTRY;
	cpu->root.tlbrentry = ENTRY;
}

static bool bench_make(struct bench *b, const struct variant *variant)
{
	struct rig_options options = { .cores = 1 };
	const uint32_t end[] = { WORD(idle, 0), WORD(b, -4) };

	b->variant = *variant;
	if (rig_create(&b->reference, &options))
		return false;
	options.translated = !variant->reference;
	options.features = variant->features;
	options.weak_llsc = variant->weak_llsc;
	options.small_cache = variant->small_cache;
	if (rig_create(&b->translated, &options))
		return false;
	core_prepare(b->reference.cpu[0]);
	core_prepare(b->translated.cpu[0]);
	bench_write(b, ENTRY, end, sizeof(end));
	b->next = CODE_FIRST;
	b->made = true;
	return true;
}

static void bench_drop(struct bench *b)
{
	if (!b->made)
		return;
	rig_destroy(&b->reference);
	rig_destroy(&b->translated);
	b->made = false;
}

void instr_end(void)
{
	bench_drop(&bench);
}

/* A bench for @variant with room for another block. */
static bool bench_ready(struct bench *b, const struct variant *variant)
{
	if (b->made && memcmp(&b->variant, variant, sizeof(*variant)) == 0 && b->next < CODE_LAST)
		return true;
	bench_drop(b);
	return bench_make(b, variant);
}

bool instr_has(enum isa_op op)
{
	const struct isa_info *info = &isa_info[op];

	return !(info->flags & ISA_PRIVILEGED) && info->extension != ISA_EXT_LBT &&
	       info->extension != ISA_EXT_LVZ && op != ISA_dbcl;
}

/* Rows that may stand around others: they go on behind themselves and touch no memory. */
static bool is_plain(enum isa_op op)
{
	return instr_has(op) && !(isa_info[op].flags & (ISA_LOAD | ISA_STORE | ISA_BRANCH | ISA_END)) &&
	       isa_info[op].extension != ISA_EXT_BOUND;
}

/* Whether @op has a base register and an offset of 12 bits. */
static bool has_offset(enum isa_op op)
{
	const struct isa_operand_info *third = &isa_operand_info[isa_format_operands[isa_info[op].format][2]];

	return isa_info[op].flags & (ISA_LOAD | ISA_STORE) && !(isa_info[op].flags & ISA_PRIVILEGED) &&
	       isa_info[op].extension != ISA_EXT_LBT && third->kind == ISA_KIND_SIMM && third->width == 12;
}

static bool one_in(uint64_t *state, unsigned n)
{
	return isa_random_u64(state) % n == 0;
}

/* A plain row, mostly of the same extension as @like. */
static enum isa_op random_neighbour(enum isa_op like, uint64_t *state)
{
	const uint8_t extension = isa_info[like].extension;
	const bool any = one_in(state, 6) || extension == ISA_EXT_ATOMIC || extension == ISA_EXT_BOUND;
	enum isa_op op;

	do
		op = (enum isa_op)(isa_random_u64(state) % (ISA_OP_COUNT - 1) + 1);
	while (!is_plain(op) || (!any && isa_info[op].extension != extension));
	return op;
}

/* Whether @word writes a register that @reader, which follows it, has for an operand. */
static bool disturbs(uint32_t word, uint32_t reader)
{
	unsigned rd = word & 31, rj = word >> 5 & 31;

	for (unsigned bit = 0; bit < 20; bit += 5)
		if ((reader >> bit & 31) == rd || (reader >> bit & 31) == rj)
			return true;
	return false;
}

/* Another load or store by the base register of @word, near by; or that register moves on. */
static uint32_t access_near(uint32_t word, uint64_t *state)
{
	struct insn insn;
	enum isa_op op;
	uint32_t offset;

	isa_fields(word, &insn);
	if (one_in(state, 6))
		return WORD(addi_d, insn.rj, insn.rj, (int64_t)(isa_random_u64(state) % 128) - 64);
	offset = (uint32_t)(insn.imm + (int32_t)(isa_random_u64(state) % 128) - 64);
	do
		op = (enum isa_op)(isa_random_u64(state) % (ISA_OP_COUNT - 1) + 1);
	while (!has_offset(op));
	word = (isa_random(op, state) & ~UINT32_C(0x3fffe0)) | (offset & 0xfff) << 10 | insn.rj << 5;
	return one_in(state, 6) ? (word & ~UINT32_C(31)) | insn.rj : word;
}

static void add_neighbours(struct code_buffer *code, const struct test_case *test, uint64_t *state,
			   unsigned count, bool before)
{
	for (unsigned tries = 0; count && tries < 40; tries++) {
		uint32_t word = !before && has_offset(test->op) && one_in(state, 2)
					? access_near(test->word, state)
					: isa_random(random_neighbour(test->op, state), state);

		/* Inputs made for the instruction are to reach it. */
		if (before && disturbs(word, test->word))
			continue;
		code_put(code, word);
		count--;
	}
}

/* A block for @test: itself, or among up to twelve others. */
static void make_block(struct bench *b, struct instr_case *instr, const struct test_case *test,
		       uint64_t *state)
{
	struct code_buffer code = { instr->words, 0, INSTR_WORDS };
	bool alone = one_in(state, 4);

	if (!alone)
		add_neighbours(&code, test, state, isa_random_u64(state) % 7, true);
	if (test->prologue != WORD_NOP)
		code_put(&code, test->prologue);
	instr->tested = code.count;
	code_put(&code, test->word);
	if (!alone)
		add_neighbours(&code, test, state, isa_random_u64(state) % 7, false);
	PUT(&code, break, 0);
	instr->count = code.count;
	/* Now and then a block lies across the end of a page. */
	if (one_in(state, 12))
		b->next = (b->next | (PAGE - 1)) + 1 - 4 * (isa_random_u64(state) % 8);
	instr->pc = b->next;
	b->next += (INSTR_WORDS * 4);
}

/* Jumps of half the cases lead into the block itself, of a few to 0; accesses of a few to no RAM. */
static void bend_inputs(struct instr_case *instr, const struct test_case *test, uint64_t *state)
{
	struct insn insn;

	isa_fields(test->word, &insn);
	if (test->op == ISA_jirl && insn.rj && one_in(state, 2))
		instr->in.gpr[insn.rj] =
			instr->pc + isa_random_u64(state) % instr->count * 4 - (int64_t)insn.imm;
	else if (test->op == ISA_jirl && insn.rj && one_in(state, 8)) /* a null pointer */
		instr->in.gpr[insn.rj] = -(uint64_t)(int64_t)insn.imm;
	if (isa_info[test->op].flags & (ISA_LOAD | ISA_STORE) && insn.rj && insn.rj != insn.rk) {
		if (one_in(state, 16))
			instr->in.gpr[insn.rj] += RIG_DEVICE + (isa_random_u64(state) & 0x1ff0) - WINDOW_BASE;
		else if (one_in(state, 24))
			instr->in.gpr[insn.rj] += RIG_HIGH_SIZE - 0x1000;
		else if (one_in(state, 32))
			instr->in.gpr[insn.rj] += isa_random_u64(state) << 40;
	}
}

static uint64_t random_budget(const struct instr_case *instr, uint64_t *state)
{
	return one_in(state, 8) ? isa_random_u64(state) % instr->count + 1 : BUDGET;
}

static void set_mode(struct instr_case *instr, uint64_t *state)
{
	instr->crmd = CRMD_DA | (one_in(state, 2) ? PLV3 : PLV0);
	instr->euen = one_in(state, 24) ? isa_random_u64(state) & 7 : 7;
}

static void core_start(struct rig *rig, const struct instr_case *instr)
{
	struct cpu *cpu = rig->cpu[0];

	memcpy(cpu->gpr, instr->in.gpr, sizeof(cpu->gpr));
	memcpy(cpu->vr, instr->in.vr, sizeof(cpu->vr));
	memcpy(cpu->fcc, instr->in.fcc, sizeof(cpu->fcc));
	cpu->fcsr = (uint32_t)instr->in.fcsr;
	cpu->pc = instr->pc;
	cpu->ll[CPU_ROOT].bit = false;
	atomic_store(&cpu->halted, false);
	csr_write(cpu, &cpu->root, CSR_CRMD, instr->crmd, UINT64_MAX);
	csr_write(cpu, &cpu->root, CSR_EUEN, instr->euen, UINT64_MAX);
	memcpy(rig_ram(rig, WINDOW_BASE), instr->in.memory, WINDOW_SIZE);
}

static bool same(struct bench *b, bool report)
{
	return compare_cores(&b->reference, &b->translated, report) &&
	       compare_memory(&b->reference, &b->translated, WINDOW_MAP, WINDOW_MAP_SIZE, report);
}

/* Runs the case, whose words are in place, on both engines.  False: they differ. */
static bool execute(struct bench *b, const struct instr_case *instr)
{
	core_start(&b->reference, instr);
	core_start(&b->translated, instr);
	interp_run(b->reference.cpu[0], instr->budget);
	interp_run(b->translated.cpu[0], instr->budget);
	return same(b, false);
}

/* For isolated(): 1 if the case fails on fresh machines. */
struct trial {
	struct instr_case *instr;
	const struct variant *variant;
	bool report;
};

static unsigned trial_run(void *opaque)
{
	struct trial *trial = opaque;
	struct instr_case *instr = trial->instr;

	bench_drop(&bench);
	if (!bench_make(&bench, trial->variant))
		return 1;
	bench_write(&bench, instr->pc, instr->words, instr->count * 4);
	if (execute(&bench, instr) && (!instr->again || execute(&bench, instr)))
		return 0;
	if (trial->report)
		same(&bench, true);
	return 1;
}

/* The registers that a word may name, as they were before. */
static void print_inputs(const struct instr_case *instr, uint32_t word)
{
	const bool vector = isa_info[isa_decode(word)].extension != ISA_EXT_BASE;

	printf("    inputs of %08x:", word);
	for (unsigned bit = 0; bit < 20; bit += 5) {
		unsigned reg = word >> bit & 31;
		const uint64_t *vr = instr->in.vr[reg];

		printf(" r%u %016" PRIx64, reg, instr->in.gpr[reg]);
		if (vector)
			printf(" vr%u %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64, reg, vr[3],
			       vr[2], vr[1], vr[0]);
	}
	printf("\n");
}

void instr_show(struct instr_case *instr, const struct variant *variant)
{
	struct trial trial = { instr, variant, false };
	unsigned result = isolated(trial_run, &trial);

	for (unsigned i = 0; result && i < instr->count;) {
		struct instr_case smaller = *instr;

		trial.instr = &smaller;
		smaller.count--;
		memmove(&smaller.words[i], &smaller.words[i + 1], (smaller.count - i) * 4);
		if (isolated(trial_run, &trial))
			*instr = smaller;
		else
			i++;
	}
	printf("    %s, crmd %" PRIx64 " euen %" PRIx64 " fcsr %08" PRIx64 " budget %" PRIu64 "\n",
	       result ? "the smallest block that fails"
		      : "it does not fail on a fresh machine; the block was",
	       instr->crmd, instr->euen, instr->in.fcsr, instr->budget);
	code_print(instr->words, instr->count, instr->pc);
	for (unsigned i = 0; i < instr->count && i < 4; i++)
		print_inputs(instr, instr->words[i]);
	trial = (struct trial){ instr, variant, true };
	result = isolated(trial_run, &trial);
	if (result > 1)
		printf("    the process ends with status %u\n", result);
}

static bool run_case(struct instr_case *instr, const struct test_case *test, bool fresh, uint64_t *state,
		     bool report)
{
	instr->in = test->in;
	if (fresh)
		make_block(&bench, instr, test, state);
	instr->again = !fresh;
	bend_inputs(instr, test, state);
	instr->budget = random_budget(instr, state);
	set_mode(instr, state);
	if (fresh)
		bench_write(&bench, instr->pc, instr->words, instr->count * 4);
	if (execute(&bench, instr))
		return true;
	if (report) {
		printf("FAIL %s: word %08x\n", isa_info[test->op].mnemonic, test->word);
		same(&bench, true);
		instr_show(instr, &bench.variant);
	}
	bench_drop(&bench);
	return false;
}

unsigned instr_run(enum isa_op op, uint64_t seed, unsigned count, const struct variant *variant,
		   struct progress *progress)
{
	uint64_t state = seed * UINT64_C(0x100000001b3) + op;
	struct instr_case *instr = &progress->instr;
	unsigned failed = 0;

	for (unsigned done = 0, made; done < count; done += made) {
		made = inputs_make(&batch, op, count - done, &state);
		for (unsigned i = 0; i < made; i++) {
			const struct test_case *test = &batch.cases[i];
			bool fresh = !i || test->word != test[-1].word || !bench.made;

			if (fresh && !bench_ready(&bench, variant))
				return failed + 1;
			progress->in_case = true;
			failed += !run_case(instr, test, fresh, &state, failed < 1);
			progress->in_case = false;
		}
	}
	return failed;
}
