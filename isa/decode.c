/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * From instruction words to rows of the tables and to struct insn.  Everything here is read-only after
 * isa_init().
 */
#include "isa/format.h"

#include <pthread.h>
#include <stdlib.h>

const struct isa_operand_info isa_operand_info[ISA_OPERAND_COUNT] = {
#define OPERAND(name, kind, bit, width, high_bit, high_width, shift, bias)                                   \
	[ISA_OPERAND_##name] = { ISA_KIND_##kind, bit, width, high_bit, high_width, shift, bias },
#include "isa/format.def"
#undef OPERAND
};

const uint8_t isa_format_operands[ISA_FORMAT_COUNT][ISA_OPERANDS_MAX] = {
#define FORMAT(name, a, b, c, d)                                                                             \
	[ISA_FORMAT_##name] = { ISA_OPERAND_##a, ISA_OPERAND_##b, ISA_OPERAND_##c, ISA_OPERAND_##d },
#include "isa/format.def"
#undef FORMAT
};

/* Bits of a word that an operand, and then a format, covers. */
enum {
	COVER_NONE = 0,
#define OPERAND(name, kind, bit, width, high_bit, high_width, shift, bias)                                   \
	COVER_##name = ((1 << (width)) - 1) << (bit) | ((1 << (high_width)) - 1) << (high_bit),
#include "isa/format.def"
#undef OPERAND
};

enum {
#define FORMAT(name, a, b, c, d) COVER_FORMAT_##name = COVER_##a | COVER_##b | COVER_##c | COVER_##d,
#include "isa/format.def"
#undef FORMAT
};

const struct isa_info isa_info[ISA_OP_COUNT] = {
	[ISA_INVALID] = { .mnemonic = "invalid", .match = 1, .mask = 0 },
#define INSN(name, mnemonic, match, format, flags)                                                           \
	[ISA_##name] = { mnemonic,	match, ~(uint32_t)COVER_FORMAT_##format, ISA_FORMAT_##format,        \
			 ISA_EXTENSION, flags },
#include "isa/isa.def"
#undef INSN
};

/*
 * First level: bits 31:26.  A bucket holds the rows that have these bits, the more specific (more fixed
 * bits) first, so that csrrd and csrwr stand before csrxchg, of which they are special cases.  Inside a
 * large bucket the second level is an index by bits 25:15, which every row of such a bucket fixes at least
 * in part; a row stands under each index that it can have.
 */
enum {
	LEVEL1_SHIFT = 26,
	LEVEL1_SIZE = 64,
	LEVEL2_SHIFT = 15,
	LEVEL2_SIZE = 1 << (LEVEL1_SHIFT - LEVEL2_SHIFT),
};

struct bucket {
	uint16_t start[LEVEL2_SIZE + 1]; /* into rows */
	uint16_t *rows;			 /* enum isa_op */
};

static struct bucket *decode_table[LEVEL1_SIZE];
static pthread_once_t decode_once = PTHREAD_ONCE_INIT;

static int compare_specific(const void *a, const void *b)
{
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
	int fixed_x = __builtin_popcount(isa_info[x].mask), fixed_y = __builtin_popcount(isa_info[y].mask);

	return fixed_x != fixed_y ? fixed_y - fixed_x : (int)x - (int)y;
}

/* Can a word with bits 31:15 equal to @index << 15 be an instance of @op? */
static bool row_has_index(unsigned op, uint32_t index)
{
	uint32_t word = index << LEVEL2_SHIFT, high = ~((1u << LEVEL2_SHIFT) - 1);

	return ((word ^ isa_info[op].match) & isa_info[op].mask & high) == 0;
}

static struct bucket *bucket_build(uint32_t level1, const uint16_t *sorted, unsigned count)
{
	struct bucket *bucket = calloc(1, sizeof(*bucket));
	unsigned used = 0, room = 0;

	if (!bucket)
		abort();
	for (uint32_t index = 0; index < LEVEL2_SIZE; index++) {
		bucket->start[index] = used;
		for (unsigned i = 0; i < count; i++) {
			if (!row_has_index(sorted[i], level1 << (LEVEL1_SHIFT - LEVEL2_SHIFT) | index))
				continue;
			if (used == room) {
				room = room ? 2 * room : 64;
				bucket->rows = reallocarray(bucket->rows, room, sizeof(*bucket->rows));
				if (!bucket->rows)
					abort();
			}
			bucket->rows[used++] = sorted[i];
		}
	}
	bucket->start[LEVEL2_SIZE] = used;
	return bucket;
}

static void decode_build(void)
{
	uint16_t sorted[ISA_OP_COUNT];
	uint16_t rows[ISA_OP_COUNT];

	for (unsigned op = 0; op < ISA_OP_COUNT; op++)
		sorted[op] = op;
	qsort(sorted, ISA_OP_COUNT, sizeof(*sorted), compare_specific);
	for (uint32_t level1 = 0; level1 < LEVEL1_SIZE; level1++) {
		unsigned count = 0;

		for (unsigned i = 0; i < ISA_OP_COUNT; i++) {
			const struct isa_info *info = &isa_info[sorted[i]];

			if (sorted[i] != ISA_INVALID && info->match >> LEVEL1_SHIFT == level1)
				rows[count++] = sorted[i];
		}
		if (count)
			decode_table[level1] = bucket_build(level1, rows, count);
	}
}

void isa_init(void)
{
	pthread_once(&decode_once, decode_build);
}

enum isa_op isa_decode(uint32_t word)
{
	const struct bucket *bucket = decode_table[word >> LEVEL1_SHIFT];
	uint32_t index = word >> LEVEL2_SHIFT & (LEVEL2_SIZE - 1);

	if (!bucket)
		return ISA_INVALID;
	for (unsigned i = bucket->start[index]; i < bucket->start[index + 1]; i++) {
		const struct isa_info *info = &isa_info[bucket->rows[i]];

		if ((word & info->mask) == info->match)
			return bucket->rows[i];
	}
	return ISA_INVALID;
}

int32_t isa_operand_value(const struct isa_operand_info *operand, uint32_t word)
{
	unsigned width = operand->width + operand->high_width;
	uint32_t low = word >> operand->bit & ((1u << operand->width) - 1);
	uint32_t high = word >> operand->high_bit & ((1u << operand->high_width) - 1);
	uint32_t value = high << operand->width | low;

	if (operand->kind == ISA_KIND_SIMM || operand->kind == ISA_KIND_BRANCH)
		value = (uint32_t)((int32_t)(value << (32 - width)) >> (32 - width));
	return (int32_t)((value << operand->shift) + operand->bias);
}

void isa_fields(uint32_t word, struct insn *insn)
{
	enum isa_op op = isa_decode(word);

	insn->word = word;
	insn->op = op;
	insn->imm = 0;
	insn->imm2 = 0;
	insn->rd = word & 0x1f;
	insn->rj = word >> 5 & 0x1f;
	insn->rk = word >> 10 & 0x1f;
	insn->ra = word >> 15 & 0x1f;
	if (op == ISA_INVALID)
		return;
	for (unsigned i = 0; i < ISA_OPERANDS_MAX; i++) {
		const struct isa_operand_info *operand =
			&isa_operand_info[isa_format_operands[isa_info[op].format][i]];

		if (operand->kind == ISA_KIND_UIMM2)
			insn->imm2 = isa_operand_value(operand, word);
		else if (operand->kind >= ISA_KIND_SIMM && operand->width)
			insn->imm = isa_operand_value(operand, word);
	}
}
