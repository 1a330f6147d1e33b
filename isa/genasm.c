/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Build-time program: prints one assembler macro per instruction, for instructions that an assembler does
 * not know.  "bx_xvadd_b 1, 2, 3" emits the word of "xvadd.b $xr1, $xr2, $xr3": operands in the order of
 * the assembler, registers as numbers, immediates as the assembler writes them, branch offsets in bytes.
 */
#include "isa/format.h"

#include <stdio.h>

static void print_operand(unsigned index, const struct isa_operand_info *operand)
{
	char value[64]; /* fully parenthesized: shifts bind as tightly as * in assemblers */

	snprintf(value, sizeof(value), "(((\\p%u)-%u)>>%u)", index, operand->bias, operand->shift);
	if (operand->bias == 0 && operand->shift == 0)
		snprintf(value, sizeof(value), "(\\p%u)", index);
	printf("|(%s&0x%x)<<%u", value, (1u << operand->width) - 1, operand->bit);
	if (operand->high_width)
		printf("|((%s>>%u)&0x%x)<<%u", value, operand->width, (1u << operand->high_width) - 1,
		       operand->high_bit);
}

static void print_macro(const char *name, const struct isa_info *info)
{
	const uint8_t *operands = isa_format_operands[info->format];

	printf(".macro bx_%s", name);
	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operands[i] != ISA_OPERAND_NONE; i++)
		printf("%s p%u", i ? "," : "", i);
	printf("\n.word 0x%08x", info->match);
	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operands[i] != ISA_OPERAND_NONE; i++)
		print_operand(i, &isa_operand_info[operands[i]]);
	printf("\n.endm\n");
}

int main(void)
{
#define INSN(name, mnemonic, match, format, flags) print_macro(#name, &isa_info[ISA_##name]);
#include "isa/isa.def"
#undef INSN
	return 0;
}
