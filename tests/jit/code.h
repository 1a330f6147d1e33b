/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Instruction words, as an assembler makes them. */
#ifndef BIXI_TEST_JIT_CODE_H
#define BIXI_TEST_JIT_CODE_H

#include "isa/isa.h"

/* WORD(addi_d, 4, 4, 1): operands as the assembler has them; branches take offsets in bytes. */
#define WORD(name, ...) code_word(ISA_##name, (const int64_t[4]){ __VA_ARGS__ })
uint32_t code_word(enum isa_op op, const int64_t operands[4]);

/* Words one after another; what does not fit is not written, but counted. */
struct code_buffer {
	uint32_t *word;
	unsigned count, capacity;
};

void code_put(struct code_buffer *code, uint32_t word);
#define PUT(code, name, ...) code_put(code, WORD(name, ##__VA_ARGS__))

/* Always CODE_CONSTANT_WORDS words. */
#define CODE_CONSTANT_WORDS 4
void code_constant(struct code_buffer *code, unsigned reg, uint64_t value);

/* Makes the branch at @site lead to @target (indexes of words). */
void code_link(struct code_buffer *code, unsigned site, unsigned target);

void code_print(const uint32_t *words, unsigned count, uint64_t pc);

#endif
