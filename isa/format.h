/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Operand formats as C data: what isa/format.def says, for the decoder, the disassembler and whoever
 * makes instruction words.
 */
#ifndef BIXI_ISA_FORMAT_H
#define BIXI_ISA_FORMAT_H

#include "isa/isa.h"

enum isa_operand_kind {
	ISA_KIND_GPR,
	ISA_KIND_FPR,
	ISA_KIND_VR,
	ISA_KIND_XR,
	ISA_KIND_FCC,
	ISA_KIND_FCSR,
	ISA_KIND_SCR,	 /* LBT scratch register */
	ISA_KIND_SIMM,	 /* to insn.imm */
	ISA_KIND_UIMM,	 /* to insn.imm */
	ISA_KIND_UIMM2,	 /* to insn.imm2 */
	ISA_KIND_BRANCH, /* to insn.imm, relative to the pc */
};

enum isa_operand {
	ISA_OPERAND_NONE,
#define OPERAND(name, kind, bit, width, high_bit, high_width, shift, bias) ISA_OPERAND_##name,
#include "isa/format.def"
#undef OPERAND
	ISA_OPERAND_COUNT
};

enum isa_format {
#define FORMAT(name, a, b, c, d) ISA_FORMAT_##name,
#include "isa/format.def"
#undef FORMAT
	ISA_FORMAT_COUNT
};

#define ISA_OPERANDS_MAX 4

struct isa_operand_info {
	uint8_t kind; /* enum isa_operand_kind */
	uint8_t bit, width, high_bit, high_width, shift, bias;
};

extern const struct isa_operand_info isa_operand_info[ISA_OPERAND_COUNT];

/* The operands of each format, ISA_OPERAND_NONE after the last. */
extern const uint8_t isa_format_operands[ISA_FORMAT_COUNT][ISA_OPERANDS_MAX];

/* The operand's value in @word: register number, or immediate extended, shifted and biased. */
int32_t isa_operand_value(const struct isa_operand_info *operand, uint32_t word);

#endif
