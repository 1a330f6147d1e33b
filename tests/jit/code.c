/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A small assembler on the tables of isa/ (code.h). */
#include "tests/jit/code.h"

#include <inttypes.h>
#include <stdio.h>

#include "isa/format.h"

static uint32_t operand_bits(const struct isa_operand_info *operand, int64_t value)
{
	const uint32_t low = (UINT32_C(1) << operand->width) - 1;
	const uint32_t high = (UINT32_C(1) << operand->high_width) - 1;
	const uint32_t field = (uint32_t)((value - operand->bias) >> operand->shift);

	return (field & low) << operand->bit | (field >> operand->width & high) << operand->high_bit;
}

uint32_t code_word(enum isa_op op, const int64_t operands[4])
{
	const uint8_t *operand = isa_format_operands[isa_info[op].format];
	uint32_t word = isa_info[op].match;

	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operand[i] != ISA_OPERAND_NONE; i++)
		word |= operand_bits(&isa_operand_info[operand[i]], operands[i]);
	return word;
}

void code_put(struct code_buffer *code, uint32_t word)
{
	if (code->count < code->capacity)
		code->word[code->count] = word;
	code->count++;
}

void code_constant(struct code_buffer *code, unsigned reg, uint64_t value)
{
	PUT(code, lu12i_w, reg, (int32_t)value >> 12);
	PUT(code, ori, reg, reg, value & 0xfff);
	PUT(code, lu32i_d, reg, (int64_t)value >> 32);
	PUT(code, lu52i_d, reg, reg, (int64_t)value >> 52);
}

void code_link(struct code_buffer *code, unsigned site, unsigned target)
{
	const int64_t offset = ((int64_t)target - site) * 4;
	uint32_t *word = &code->word[site];
	const enum isa_op op = isa_decode(*word);
	const uint8_t *operand = isa_format_operands[isa_info[op].format];

	if (site >= code->capacity)
		return;
	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operand[i] != ISA_OPERAND_NONE; i++) {
		const struct isa_operand_info *info = &isa_operand_info[operand[i]];

		if (info->kind == ISA_KIND_BRANCH)
			*word = (*word & ~operand_bits(info, -4)) | operand_bits(info, offset);
	}
}

void code_print(const uint32_t *words, unsigned count, uint64_t pc)
{
	char text[128];

	for (unsigned i = 0; i < count; i++) {
		isa_disasm(words[i], pc + 4 * i, text, sizeof(text));
		printf("    %" PRIx64 ": %08x  %s\n", pc + 4 * i, words[i], text);
	}
}
