/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The instruction tables, their decoder, fields, disassembler and random words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "isa/format.h"
#include "isa/random.h"

static void match_bits_lie_in_the_mask(void **state)
{
	for (unsigned op = 1; op < ISA_OP_COUNT; op++) {
		assert_int_equal(isa_info[op].match & ~isa_info[op].mask, 0);
		assert_true(isa_info[op].mask >> 26 == 0x3f);
	}
}

/* A row may only overlap another as its special case: csrrd and csrwr in csrxchg, the same for LVZ. */
static void rows_overlap_only_as_special_cases(void **state)
{
	unsigned overlaps = 0;

	for (unsigned a = 1; a < ISA_OP_COUNT; a++) {
		for (unsigned b = a + 1; b < ISA_OP_COUNT; b++) {
			uint32_t common = isa_info[a].mask & isa_info[b].mask;

			if ((isa_info[a].match ^ isa_info[b].match) & common)
				continue;
			overlaps++;
			/* All that the one fixes the other fixes, and more. */
			assert_true(common == isa_info[a].mask || common == isa_info[b].mask);
			assert_int_not_equal(isa_info[a].mask, isa_info[b].mask);
			assert_true(strstr(isa_info[a].mnemonic, "csr") &&
				    strstr(isa_info[b].mnemonic, "csr"));
		}
	}
	assert_int_equal(overlaps, 4);
}

static void operands_of_a_format_do_not_overlap(void **state)
{
	for (unsigned format = 0; format < ISA_FORMAT_COUNT; format++) {
		uint32_t covered = 0;

		for (unsigned i = 0; i < ISA_OPERANDS_MAX; i++) {
			const struct isa_operand_info *operand =
				&isa_operand_info[isa_format_operands[format][i]];
			uint32_t low = ((1u << operand->width) - 1) << operand->bit;
			uint32_t high = ((1u << operand->high_width) - 1) << operand->high_bit;

			assert_int_equal(covered & low, 0);
			assert_int_equal((covered | low) & high, 0);
			covered |= low | high;
		}
	}
}

static void names_are_mnemonics_with_underscores(void **state)
{
	static const char *const names[ISA_OP_COUNT] = {
#define INSN(name, mnemonic, match, format, flags) [ISA_##name] = #name,
#include "isa/isa.def"
#undef INSN
	};

	for (unsigned op = 1; op < ISA_OP_COUNT; op++) {
		char name[32];

		snprintf(name, sizeof(name), "%s", isa_info[op].mnemonic);
		for (char *dot = name; (dot = strchr(dot, '.'));)
			*dot = '_';
		assert_string_equal(name, names[op]);
	}
}

static void random_words_decode_to_their_row(void **state)
{
	uint64_t random = 1;

	for (unsigned op = 1; op < ISA_OP_COUNT; op++)
		for (unsigned i = 0; i < 100; i++)
			assert_int_equal(isa_decode(isa_random(op, &random)), op);
}

/* The decoder's table against the plain definition of a match: the most specific row that fits. */
static void decoding_is_what_the_rows_say(void **state)
{
	uint64_t random = 2;

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t word = isa_random_u64(&random);
		enum isa_op expected = ISA_INVALID;

		if (i & 1)
			word = isa_random(1 + i % (ISA_OP_COUNT - 1), &random) ^ 1u << (i >> 4 & 31);
		if (i & 2)
			word &= 0x7fffffff;
		for (unsigned op = 1; op < ISA_OP_COUNT; op++)
			if ((word & isa_info[op].mask) == isa_info[op].match &&
			    (!expected || __builtin_popcount(isa_info[op].mask) >
						  __builtin_popcount(isa_info[expected].mask)))
				expected = op;
		assert_int_equal(isa_decode(word), expected);
	}
}

static struct insn fields(uint32_t word)
{
	struct insn insn = { 0 };

	isa_fields(word, &insn);
	return insn;
}

static void immediates_are_as_the_assembler_writes_them(void **state)
{
	struct insn insn;

	insn = fields(0x57fff7ff); /* bl -12 */
	assert_int_equal(insn.op, ISA_bl);
	assert_int_equal(insn.imm, -12);
	insn = fields(0x43fff49f); /* beqz a0, -12 */
	assert_int_equal(insn.op, ISA_beqz);
	assert_int_equal(insn.imm, -12);
	assert_int_equal(insn.rj, 4);
	insn = fields(0x5ffff4a4); /* bne a1, a0, -12 */
	assert_int_equal(insn.op, ISA_bne);
	assert_int_equal(insn.imm, -12);
	insn = fields(0x20fffca4); /* ll.w a0, a1, -4 */
	assert_int_equal(insn.op, ISA_ll_w);
	assert_int_equal(insn.imm, -4);
	insn = fields(0x15ffffe4); /* lu12i.w a0, -1 */
	assert_int_equal(insn.op, ISA_lu12i_w);
	assert_int_equal(insn.imm, -1);
	insn = fields(0x002d18a4); /* alsl.d a0, a1, a2, 3 */
	assert_int_equal(insn.op, ISA_alsl_d);
	assert_int_equal(insn.imm, 3);
	insn = fields(0x009428a4); /* bstrins.d a0, a1, 20, 10 */
	assert_int_equal(insn.op, ISA_bstrins_d);
	assert_int_equal(insn.imm, 10);
	assert_int_equal(insn.imm2, 20);
	insn = fields(0x331bfc83); /* xvstelm.d xr3, a0, -8, 2 */
	assert_int_equal(insn.op, ISA_xvstelm_d);
	assert_int_equal(insn.imm, -8);
	assert_int_equal(insn.imm2, 2);
	insn = fields(0x063ffca9); /* cacop 9, a1, -1 */
	assert_int_equal(insn.op, ISA_cacop);
	assert_int_equal(insn.imm, -1);
	assert_int_equal(insn.imm2, 9);
	insn = fields(0x08120c41); /* fmadd.s fa1, fa2, fa3, fa4 */
	assert_int_equal(insn.op, ISA_fmadd_s);
	assert_int_equal(insn.rd, 1);
	assert_int_equal(insn.rj, 2);
	assert_int_equal(insn.rk, 3);
	assert_int_equal(insn.ra, 4);
	insn = fields(0xffffffff);
	assert_int_equal(insn.op, ISA_INVALID);
}

static void assert_text(uint32_t word, uint64_t pc, const char *expected)
{
	char text[128];

	assert_int_equal(isa_disasm(word, pc, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void disassembly_is_objdumps(void **state)
{
	assert_text(0x02bffc85, 0, "addi.w      \t$a1, $a0, -1");
	assert_text(0x58000885, 0x28, "beq         \t$a0, $a1, 8\t# 0x30");
	assert_text(0x57ffffff, 0, "bl          \t-4\t# 0xfffffffffffffffc");
	assert_text(0x4c000020, 0, "ret");
	assert_text(0x00150085, 0, "move        \t$a1, $a0");
	assert_text(0x38600421, 0, "ud          \t0x1");
	assert_text(0x38600422, 0, "amswap.w    \t$tp, $ra, $ra");
	assert_text(0x0600fc85, 0, "cacop       \t0x5, $a0, 63");
	assert_text(0x06482001, 0, "gtlbclr");
	assert_text(0xffffffff, 0, ".word\t\t0xffffffff");
}

static void disassembly_never_writes_past_the_buffer(void **state)
{
	uint64_t random = 3;

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t word = isa_random(1 + i % (ISA_OP_COUNT - 1), &random);
		char text[160];
		size_t size = isa_random_u64(&random) % 100;
		int length;

		memset(text, 'x', sizeof(text));
		length = isa_disasm(word, isa_random_u64(&random), text, size);
		assert_true(length > 0 && length < 100);
		for (size_t j = size; j < sizeof(text); j++)
			assert_int_equal(text[j], 'x');
		if (size)
			assert_non_null(memchr(text, '\0', size));
	}
}

static void flags_fit_the_instruction(void **state)
{
	for (unsigned op = 1; op < ISA_OP_COUNT; op++) {
		const struct isa_info *info = &isa_info[op];
		bool memory = info->flags & (ISA_LOAD | ISA_STORE);
		const uint8_t *operands = isa_format_operands[info->format];
		bool branch_operand = false;

		for (unsigned i = 0; i < ISA_OPERANDS_MAX; i++)
			branch_operand |= isa_operand_info[operands[i]].kind == ISA_KIND_BRANCH;
		assert_int_equal(memory, info->flags >> 8 != 0);
		if (branch_operand || info->flags & ISA_CALL)
			assert_true(info->flags & ISA_BRANCH);
		if (info->extension == ISA_EXT_PRIV || info->extension == ISA_EXT_LVZ)
			assert_true(info->flags & ISA_PRIVILEGED);
	}
	assert_int_equal(isa_info[ISA_xvstelm_h].flags, ISA_STORE | ISA_SIZE(2));
	assert_int_equal(isa_info[ISA_amadd_db_d].flags, ISA_LOAD | ISA_STORE | ISA_SIZE(8));
	assert_int_equal(isa_info[ISA_sc_q].flags, ISA_STORE | ISA_SIZE(16) | ISA_LA664);
	assert_int_equal(isa_info[ISA_vld].flags, ISA_LOAD | ISA_SIZE(16));
	assert_int_equal(isa_info[ISA_bl].flags, ISA_BRANCH | ISA_CALL);
	assert_int_equal(isa_info[ISA_ertn].flags, ISA_PRIVILEGED | ISA_BRANCH | ISA_END);
}

static int init(void **state)
{
	isa_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match_bits_lie_in_the_mask),
		cmocka_unit_test(rows_overlap_only_as_special_cases),
		cmocka_unit_test(operands_of_a_format_do_not_overlap),
		cmocka_unit_test(names_are_mnemonics_with_underscores),
		cmocka_unit_test(random_words_decode_to_their_row),
		cmocka_unit_test(decoding_is_what_the_rows_say),
		cmocka_unit_test(immediates_are_as_the_assembler_writes_them),
		cmocka_unit_test(disassembly_is_objdumps),
		cmocka_unit_test(disassembly_never_writes_past_the_buffer),
		cmocka_unit_test(flags_fit_the_instruction),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
