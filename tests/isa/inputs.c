/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Makes test cases: random words of a row, and for each several register and memory states that are
 * random, but with a liking for the values where instructions change their minds.
 */
#include "tests/isa/test.h"

#include <string.h>

#include "isa/random.h"

enum { INPUTS_PER_WORD = 4 };

/* What the lanes of a vector or FP register are filled with. */
enum lanes { LANES_INTEGER, LANES_F16, LANES_F32, LANES_F64 };

static const uint64_t integer_edges[] = {
	0,
	1,
	2,
	3,
	7,
	8,
	0xf,
	0x10,
	0x1f,
	0x20,
	0x3f,
	0x40,
	0x7f,
	0x80,
	0xff,
	0x100,
	0x7fff,
	0x8000,
	0xffff,
	0x10000,
	0x7fffffff,
	0x80000000,
	0x80000001,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0x8000000000000001,
	0xffffffff7fffffff,
	0xffffffff80000000,
	0xfffffffffffffffe,
	0xffffffffffffffff,
	0xffffffffffff8000,
	0xffffffffffffff80,
	0xffffffffffffff7f,
	0x5555555555555555,
	0xaaaaaaaaaaaaaaaa,
	0x0123456789abcdef,
	0x00ff00ff00ff00ff,
	0x8080808080808080,
	0x7f7f7f7f7f7f7f7f,
	0x8000800080008000,
	0x7fff7fff7fff7fff,
	0x8000000080000000,
	0x7fffffff7fffffff,
};

/* Zeros, ones, infinities, quiet and signalling NaNs, denormals, extremes, halves, integer limits. */
static const uint32_t f32_edges[] = {
	0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
	0x7fc12345, 0xffc54321, 0x7f800001, 0xff812345, 0x7fa00000, 0x00000001, 0x80000001, 0x00400000,
	0x007fffff, 0x807fffff, 0x00800000, 0x80800000, 0x00800001, 0x7f7fffff, 0xff7fffff, 0x3f000000,
	0xbf000000, 0x3fc00000, 0xbfc00000, 0x40200000, 0x40000000, 0x3effffff, 0x3f000001, 0x3f7fffff,
	0x4f000000, 0xcf000000, 0x4effffff, 0x4f800000, 0x5f000000, 0xdf000000, 0x5effffff, 0x5f800000,
	0x4b000000, 0x4b7fffff, 0x4b000001, 0x33800000, 0x34000000, 0x47ff8000, 0x477fe000, 0x477ff000,
	0x38800000, 0x387fc000, 0x33000000, 0x33000001, 0x1fffffff, 0x20000000, 0xcf000001, 0x5f000001,
};

static const uint64_t f64_edges[] = {
	0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
	0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000, 0x7ff8123456789abc, 0xfff80000deadbeef,
	0x7ff0000000000001, 0xfff0123456789abc, 0x7ff4000000000000, 0x0000000000000001, 0x8000000000000001,
	0x0008000000000000, 0x000fffffffffffff, 0x800fffffffffffff, 0x0010000000000000, 0x8010000000000000,
	0x0010000000000001, 0x7fefffffffffffff, 0xffefffffffffffff, 0x3fe0000000000000, 0xbfe0000000000000,
	0x3ff8000000000000, 0xbff8000000000000, 0x4004000000000000, 0x4000000000000000, 0x3fdfffffffffffff,
	0x3fe0000000000001, 0x3fefffffffffffff, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000000000,
	0x41dfffffffe00000, 0xc1e0000000200000, 0x41efffffffe00000, 0x41f0000000000000, 0x43e0000000000000,
	0xc3e0000000000000, 0x43dfffffffffffff, 0x43f0000000000000, 0x4330000000000000, 0x4340000000000001,
	0x47efffffe0000000, 0x47effffff0000000, 0x47f0000000000000, 0x3810000000000000, 0x380fffffc0000000,
	0x3690000000000000, 0x36a0000000000000, 0x36a0000000000001, 0x3ca0000000000000, 0x1ff0000000000000,
	0x5ff0000000000000,
};

static const uint16_t f16_edges[] = {
	0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7e55, 0x7c01,
	0xfd55, 0x0001, 0x8001, 0x03ff, 0x0400, 0x7bff, 0xfbff, 0x3555, 0x0200, 0x83ff,
};

#define PICK(table) ((table)[isa_random_u64(state) % (sizeof(table) / sizeof(*(table)))])

static bool one_in(uint64_t *state, unsigned n)
{
	return isa_random_u64(state) % n == 0;
}

static uint64_t random_integer(uint64_t *state)
{
	uint64_t value = isa_random_u64(state);

	switch (isa_random_u64(state) % 6) {
	case 0:
		return PICK(integer_edges);
	case 1:
		return value % 129 - 64;
	case 2: /* a sign-extended word */
		return (int32_t)(one_in(state, 2) ? value : PICK(integer_edges));
	case 3: /* two words */
		return (PICK(integer_edges) & 0xffffffff) | value << 32;
	case 4: /* some length */
		return value >> (isa_random_u64(state) & 63);
	default:
		return value;
	}
}

/* Random bits under an exponent near @middle, where arithmetic neither vanishes nor overflows. */
static uint64_t random_float(uint64_t *state, unsigned fraction_bits, unsigned exponent_bits)
{
	uint64_t bias = (1u << (exponent_bits - 1)) - 1;
	uint64_t spread = one_in(state, 2) ? 4 : 2 * fraction_bits;
	uint64_t exponent = bias + isa_random_u64(state) % (2 * spread + 1) - spread;
	uint64_t fraction = isa_random_u64(state) & ((UINT64_C(1) << fraction_bits) - 1);

	if (one_in(state, 4)) /* few significant bits: exact results and ties */
		fraction &= ~((UINT64_C(1) << (fraction_bits - isa_random_u64(state) % 8)) - 1);
	exponent &= (1u << exponent_bits) - 1;
	return fraction | exponent << fraction_bits |
	       (isa_random_u64(state) & 1) << (fraction_bits + exponent_bits);
}

static uint64_t random_f32(uint64_t *state)
{
	switch (isa_random_u64(state) % 4) {
	case 0:
		return PICK(f32_edges);
	case 1:
		return isa_random_u64(state) & 0xffffffff;
	default:
		return random_float(state, 23, 8);
	}
}

static uint64_t random_doubleword(uint64_t *state, enum lanes lanes)
{
	uint64_t value = 0;

	switch (lanes) {
	case LANES_F16:
		for (unsigned i = 0; i < 4; i++)
			value = value << 16 |
				(one_in(state, 2) ? PICK(f16_edges) : (isa_random_u64(state) & 0xffff));
		return value;
	case LANES_F32:
		value = random_f32(state) << 32;
		return value | random_f32(state);
	case LANES_F64:
		if (one_in(state, 4))
			return PICK(f64_edges);
		return one_in(state, 4) ? isa_random_u64(state) : random_float(state, 52, 11);
	default:
		return random_integer(state);
	}
}

/* The kind of number that an instruction works on, after its name. */
static enum lanes row_lanes(enum isa_op op, uint64_t *state)
{
	const char *name = isa_info[op].mnemonic, *dot = strchr(name, '.');
	bool vector_float = strncmp(name, "vf", 2) == 0 || strncmp(name, "xvf", 3) == 0;

	if (isa_info[op].extension != ISA_EXT_FP && !vector_float)
		return LANES_INTEGER;
	if (!dot || one_in(state, 16))
		return isa_random_u64(state) % 4;
	if (strstr(dot, "_h") || strcmp(dot, ".s.h") == 0 || strstr(name, "cvtl.s.h") ||
	    strstr(name, "cvth.s.h"))
		return LANES_F16;
	/* The last letter is the source's: ftint.w.d, fcvt.s.d, ffint.s.w. */
	switch (name[strlen(name) - 1]) {
	case 's':
		return LANES_F32;
	case 'd':
		return LANES_F64;
	case 'h':
		return LANES_F16;
	default:
		return LANES_INTEGER;
	}
}

static bool kind_is_register(unsigned kind)
{
	return kind <= ISA_KIND_XR;
}

static void set_field(uint32_t *word, const struct isa_operand_info *operand, uint32_t value)
{
	uint32_t mask = (1u << operand->width) - 1, high = (1u << operand->high_width) - 1;

	*word = (*word & ~(mask << operand->bit)) | (value & mask) << operand->bit;
	if (operand->high_width)
		*word = (*word & ~(high << operand->high_bit)) | (value >> operand->width & high)
									 << operand->high_bit;
}

/* Makes registers coincide and immediates extreme more often than chance does. */
static uint32_t bend_word(uint32_t word, enum isa_op op, uint64_t *state)
{
	const uint8_t *operands = isa_format_operands[isa_info[op].format];
	int first = -1;

	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operands[i] != ISA_OPERAND_NONE; i++) {
		const struct isa_operand_info *operand = &isa_operand_info[operands[i]];
		unsigned width = operand->width + operand->high_width;

		if (kind_is_register(operand->kind)) {
			if (first >= 0 && one_in(state, 8))
				set_field(&word, operand, first);
			else if (operand->kind == ISA_KIND_GPR && one_in(state, 12))
				set_field(&word, operand, 0);
			first = isa_operand_value(operand, word);
		} else if (operand->kind >= ISA_KIND_SIMM && one_in(state, 4)) {
			const uint32_t extremes[] = { 0, 1, ~0u, 1u << (width - 1), (1u << (width - 1)) - 1 };

			set_field(&word, operand, PICK(extremes));
		}
	}
	return word;
}

static bool is_store_conditional(enum isa_op op)
{
	return op == ISA_sc_w || op == ISA_sc_d || op == ISA_sc_q || op == ISA_screl_w || op == ISA_screl_d;
}

/* Does @word do nothing that would harm the programs that run it? */
static bool word_allowed(uint32_t word, enum isa_op op)
{
	const struct isa_info *info = &isa_info[op];
	const uint8_t *operands = isa_format_operands[info->format];
	struct insn insn;

	if (isa_decode(word) != op)
		return false;
	isa_fields(word, &insn);
	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operands[i] != ISA_OPERAND_NONE; i++) {
		const struct isa_operand_info *operand = &isa_operand_info[operands[i]];

		if (operand->kind == ISA_KIND_GPR && isa_operand_value(operand, word) >= REG_EXIT)
			return false;
	}
	if (info->flags & (ISA_LOAD | ISA_STORE) && insn.rj == 0)
		return false;
	if (is_store_conditional(op))
		return insn.rd < 28 && insn.rj < 28 && insn.rj != insn.rd && (op != ISA_sc_q || insn.rk < 28);
	if (info->flags & ISA_BRANCH && op != ISA_jirl && op != ISA_ertn)
		return insn.imm != 0; /* not to itself */
	return true;
}

static uint32_t make_word(enum isa_op op, uint64_t *state)
{
	uint32_t word;

	do
		word = bend_word(isa_random(op, state), op, state);
	while (!word_allowed(word, op));
	return word;
}

static void random_operand(struct case_state *in, const struct isa_operand_info *operand, uint32_t word,
			   enum lanes lanes, uint64_t *state)
{
	unsigned index = isa_operand_value(operand, word);

	if (operand->kind == ISA_KIND_GPR) {
		in->gpr[index] = one_in(state, 8) && lanes != LANES_INTEGER ? random_doubleword(state, lanes)
									    : random_integer(state);
	} else if (kind_is_register(operand->kind)) {
		for (unsigned i = 0; i < 4; i++)
			in->vr[index][i] =
				random_doubleword(state, one_in(state, 16) ? LANES_INTEGER : lanes);
	} else if (operand->kind == ISA_KIND_FCC) {
		in->fcc[index] = isa_random_u64(state) & 1;
	}
}

/* Makes the second source equal, opposite or close to the first: ties, cancellation, comparisons. */
static void relate_operands(struct case_state *in, const struct insn *insn, uint64_t *state)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t value = in->vr[insn->rj][i];

		if (one_in(state, 2))
			value ^= 0x8000000000000000;
		else if (one_in(state, 2))
			value += 1 - isa_random_u64(state) % 3;
		in->vr[insn->rk][i] = value;
		if (one_in(state, 2))
			in->vr[insn->ra][i] = value;
	}
	in->gpr[insn->rk] = in->gpr[insn->rj] + 1 - isa_random_u64(state) % 3;
	in->gpr[0] = 0;
}

static unsigned access_size(enum isa_op op)
{
	unsigned code = isa_info[op].flags >> 8 & 7;

	return code ? 1u << (code - 1) : 0;
}

/*
 * Points the base register at the window.  Returns the offset in it.  Misaligned store-conditionals and
 * bound-checked accesses are left out: Vol.1 2.2.6 and 2.2.7 have ALE, QEMU does without.
 */
static unsigned aim_at_window(struct case_state *in, const struct insn *insn, enum isa_op op, uint64_t *state)
{
	const uint8_t *operands = isa_format_operands[isa_info[op].format];
	unsigned size = access_size(op), offset = isa_random_u64(state) % (WINDOW_SIZE - 32 + 1);
	unsigned slip = isa_info[op].extension == ISA_EXT_ATOMIC ? 16 : 4;
	uint64_t index = 0;

	if (!one_in(state, slip) || is_store_conditional(op) || isa_info[op].extension == ISA_EXT_BOUND)
		offset &= -size;
	/* Only formats "register, base, index" have an index; AM* "rd, rk, rj" have not. */
	if (isa_operand_info[operands[2]].bit == 10 && isa_operand_info[operands[2]].kind == ISA_KIND_GPR &&
	    isa_info[op].extension != ISA_EXT_BOUND && isa_info[op].extension != ISA_EXT_ATOMIC) {
		if (insn->rk == insn->rj) {
			offset &= ~1u;
			in->gpr[insn->rj] = (WINDOW_BASE + offset) / 2;
			return offset;
		}
		index = in->gpr[insn->rk];
	}
	in->gpr[insn->rj] = WINDOW_BASE + offset - index - (int64_t)insn->imm;
	return offset;
}

static void make_memory(struct test_case *test, const struct insn *insn, enum isa_op op, enum lanes lanes,
			uint64_t *state)
{
	struct case_state *in = &test->in;
	unsigned offset = aim_at_window(in, insn, op, state);

	if (one_in(state, 2))
		for (unsigned i = 0; i < 32; i += 8) {
			uint64_t value = random_doubleword(state, lanes);

			memcpy(in->memory + (offset & -8u) + i, &value, 8);
		}
	if (isa_info[op].extension == ISA_EXT_BOUND && insn->rk != insn->rj && insn->rk)
		in->gpr[insn->rk] = one_in(state, 4) ? random_integer(state)
						     : in->gpr[insn->rj] + 1 - isa_random_u64(state) % 3;
	/* AMCAS: often with the value that is there. */
	if (isa_info[op].extension == ISA_EXT_ATOMIC && one_in(state, 2) && insn->rd != insn->rj && insn->rd)
		memcpy(&in->gpr[insn->rd], in->memory + offset, access_size(op) < 8 ? access_size(op) : 8);
}

/* The load-linked that goes before a store-conditional, usually of the same address. */
static void make_reservation(struct test_case *test, const struct insn *insn, enum isa_op op, uint64_t *state)
{
	bool elsewhere = one_in(state, 4);
	unsigned base = elsewhere ? 29 : insn->rj;
	uint32_t offset = elsewhere ? 0 : (uint32_t)insn->imm >> 2 & 0x3fff;

	if (op == ISA_sc_w || op == ISA_screl_w)
		test->prologue = isa_info[ISA_ll_w].match | offset << 10 | base << 5 | 28;
	else
		test->prologue = isa_info[ISA_ll_d].match | offset << 10 | base << 5 | 28;
	/* Another line of 64 bytes, in the window. */
	test->in.gpr[29] = WINDOW_BASE + ((test->in.gpr[insn->rj] + insn->imm + 64 - WINDOW_BASE) & 0xc0);
	if ((test->in.gpr[insn->rj] + insn->imm) & (access_size(op) - 1))
		test->prologue = WORD_NOP;
}

/* Where a jump may go: near, or to an address that is surely not mapped. */
static void make_jump(struct test_case *test, const struct insn *insn, uint64_t *state)
{
	uint64_t target;

	do
		target = one_in(state, 2) ? BRANCH_BASE + isa_random_u64(state) % BRANCH_SIZE
					  : 0x0001000000000000 << (isa_random_u64(state) % 14) |
						    (isa_random_u64(state) & 0xffffff);
	while (target >> 2 == (BRANCH_BASE + BRANCH_SITE) >> 2);
	target &= ~UINT64_C(3); /* QEMU's user mode executes misaligned instructions; Vol.1 has ADEF */
	if (insn->rj)
		test->in.gpr[insn->rj] = target - (int64_t)insn->imm;
}

static uint32_t random_fcsr(uint64_t *state)
{
	uint64_t random = isa_random_u64(state);
	uint32_t fcsr = random & 0x300; /* rounding mode */

	if (one_in(state, 4))
		fcsr |= random >> 10 & 0x1f1f0000; /* flags and cause */
	if (one_in(state, 8))
		fcsr |= random >> 5 & 0x1f; /* enables */
	return fcsr;
}

static void make_background(struct case_state *in, uint64_t *state)
{
	memset(in, 0, sizeof(*in));
	for (unsigned i = 1; i < 32; i++)
		in->gpr[i] = isa_random_u64(state);
	for (unsigned i = 0; i < 128; i++)
		in->vr[i / 4][i % 4] = isa_random_u64(state);
	for (unsigned i = 0; i < 8; i++)
		in->fcc[i] = isa_random_u64(state) & 1;
	for (unsigned i = 0; i < WINDOW_SIZE; i++)
		in->memory[i] = isa_random_u64(state);
}

static void make_case(struct test_case *test, uint32_t word, unsigned slot, enum isa_op op, uint64_t *state)
{
	const struct isa_info *info = &isa_info[op];
	const uint8_t *operands = isa_format_operands[info->format];
	enum lanes lanes = row_lanes(op, state);
	struct case_state *in = &test->in;
	struct insn insn;

	isa_fields(word, &insn);
	test->word = word;
	test->op = op;
	test->prologue = WORD_NOP;
	test->branch = !!(info->flags & ISA_BRANCH);
	in->pc = test->branch ? BRANCH_BASE + BRANCH_SITE : CODE_BASE + slot * 16 + 4;
	in->fcsr = random_fcsr(state);
	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operands[i] != ISA_OPERAND_NONE; i++)
		random_operand(in, &isa_operand_info[operands[i]], word, lanes, state);
	if (one_in(state, 4))
		relate_operands(in, &insn, state);
	in->gpr[0] = 0;
	if (info->flags & (ISA_LOAD | ISA_STORE))
		make_memory(test, &insn, op, lanes, state);
	if (info->extension == ISA_EXT_BOUND) {
		/* Vol.1 2.2.10.3 compares signed numbers, QEMU unsigned ones: only where that is the same. */
		in->gpr[insn.rj] &= INT64_MAX;
		in->gpr[insn.rk] &= INT64_MAX;
	}
	if (op == ISA_jirl)
		make_jump(test, &insn, state);
	if (is_store_conditional(op))
		make_reservation(test, &insn, op, state);
	in->gpr[0] = 0;
}

unsigned inputs_make(struct batch *batch, enum isa_op op, unsigned count, uint64_t *state)
{
	static struct case_state background;
	/* A store-conditional has its own load-linked before it; the rest of these have no other inputs. */
	bool single =
		is_store_conditional(op) || isa_format_operands[isa_info[op].format][2] == ISA_OPERAND_NONE;
	unsigned per_word = single ? 1 : INPUTS_PER_WORD;

	if (count > BATCH_CASES)
		count = BATCH_CASES;
	make_background(&background, state);
	batch->case_count = count;
	batch->slot_count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct test_case *test = &batch->cases[i];
		unsigned slot = i / per_word;

		if (i % per_word == 0) {
			batch->code[slot][1] = make_word(op, state);
			batch->code[slot][2] = WORD_EXIT;
			batch->code[slot][3] = WORD_BREAK;
			batch->slot_count = slot + 1;
		}
		test->in = background;
		make_case(test, batch->code[slot][1], slot, op, state);
		batch->code[slot][0] = test->prologue;
	}
	return count;
}
