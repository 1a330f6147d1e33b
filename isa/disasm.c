/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Instruction words as text, in the notation of GNU objdump with its default aliases.
 */
#include "isa/format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char gpr_names[32][6] = {
	"$zero", "$ra", "$tp", "$sp", "$a0", "$a1", "$a2", "$a3", "$a4", "$a5", "$a6",
	"$a7",	 "$t0", "$t1", "$t2", "$t3", "$t4", "$t5", "$t6", "$t7", "$t8", "$r21",
	"$fp",	 "$s0", "$s1", "$s2", "$s3", "$s4", "$s5", "$s6", "$s7", "$s8",
};

static const char fpr_names[32][6] = {
	"$fa0",	 "$fa1",  "$fa2", "$fa3", "$fa4", "$fa5", "$fa6", "$fa7",  "$ft0",  "$ft1",  "$ft2",
	"$ft3",	 "$ft4",  "$ft5", "$ft6", "$ft7", "$ft8", "$ft9", "$ft10", "$ft11", "$ft12", "$ft13",
	"$ft14", "$ft15", "$fs0", "$fs1", "$fs2", "$fs3", "$fs4", "$fs5",  "$fs6",  "$fs7",
};

struct alias {
	const char *mnemonic;
	uint32_t match, mask;
	uint8_t format;
};

static const struct alias aliases[] = {
#define ALIAS(mnemonic, match, mask, format) { mnemonic, match, mask, ISA_FORMAT_##format },
#include "isa/alias.def"
#undef ALIAS
};

/*
 * objdump writes amswap.w rd, ra, rd, which Vol.1 leaves undefined and processors refuse, as the one
 * instruction whose registers have to be equal.
 */
static const struct alias alias_ud = { "ud", 0x38600400, 0xfffffc00, ISA_FORMAT_Ud5 };

struct text {
	char *at;
	size_t room, length;
};

static void __attribute__((format(printf, 2, 3))) text_add(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at, text->room, format, args);
	va_end(args);
	if (n < 0)
		return;
	text->length += n;
	if ((size_t)n >= text->room)
		n = text->room ? (int)text->room - 1 : 0;
	text->at += n;
	text->room -= n;
}

static const struct alias *alias_find(uint32_t word)
{
	if ((word & alias_ud.mask) == alias_ud.match && (word & 0x1f) == (word >> 5 & 0x1f))
		return &alias_ud;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if ((word & aliases[i].mask) == aliases[i].match)
			return &aliases[i];
	return NULL;
}

static void operand_print(struct text *text, const struct isa_operand_info *operand, int32_t value)
{
	switch (operand->kind) {
	case ISA_KIND_GPR:
		text_add(text, "%s", gpr_names[value]);
		break;
	case ISA_KIND_FPR:
		text_add(text, "%s", fpr_names[value]);
		break;
	case ISA_KIND_VR:
		text_add(text, "$vr%d", value);
		break;
	case ISA_KIND_XR:
		text_add(text, "$xr%d", value);
		break;
	case ISA_KIND_FCC:
		text_add(text, "$fcc%d", value);
		break;
	case ISA_KIND_FCSR:
		text_add(text, "$fcsr%d", value);
		break;
	case ISA_KIND_SCR:
		text_add(text, "$scr%d", value);
		break;
	case ISA_KIND_SIMM:
	case ISA_KIND_BRANCH:
		text_add(text, "%" PRId32, value);
		break;
	default:
		text_add(text, "0x%" PRIx32, (uint32_t)value);
		break;
	}
}

static void operands_print(struct text *text, const uint8_t *operands, uint32_t word, uint64_t pc)
{
	const char *separator = "\t";
	bool branch = false;
	uint64_t target = 0;

	for (unsigned i = 0; i < ISA_OPERANDS_MAX && operands[i] != ISA_OPERAND_NONE; i++) {
		const struct isa_operand_info *operand = &isa_operand_info[operands[i]];
		int32_t value = isa_operand_value(operand, word);

		text_add(text, "%s", separator);
		separator = ", ";
		operand_print(text, operand, value);
		if (operand->kind == ISA_KIND_BRANCH) {
			branch = true;
			target = pc + (int64_t)value;
		}
	}
	if (branch)
		text_add(text, "\t# 0x%" PRIx64, target);
}

int isa_disasm(uint32_t word, uint64_t pc, char *buffer, size_t size)
{
	struct text text = { .at = buffer, .room = size };
	const struct alias *alias = alias_find(word);
	enum isa_op op = isa_decode(word);
	uint8_t format = alias ? alias->format : isa_info[op].format;

	if (size)
		*buffer = '\0';
	if (op == ISA_INVALID) {
		text_add(&text, ".word\t\t0x%08" PRIx32, word);
	} else {
		text_add(&text, format == ISA_FORMAT_EMPTY ? "%s" : "%-12s",
			 alias ? alias->mnemonic : isa_info[op].mnemonic);
		operands_print(&text, isa_format_operands[format], word, pc);
	}
	return (int)text.length;
}
