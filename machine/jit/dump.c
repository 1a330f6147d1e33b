/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * --jit-dump: guest and host code side by side, of the blocks that have certain guest addresses, with how
 * often they were executed.  Such a block counts that at its entry.
 */
#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "machine/jit/jit_impl.h"

#define GUEST_WIDTH 64 /* columns of the guest's side */

/* From its translation to the end, or until it is evicted. */
struct dumped_block {
	struct dumped_block *next;
	uint32_t number;
	uint32_t word[JIT_BLOCK_INSNS];
	uint64_t executed;
};

static bool wanted(const struct emit *e, uint64_t pc)
{
	const struct jit_options *options = &e->jit->options;

	for (unsigned i = 0; i < options->dumps; i++)
		if (options->dump[i] - pc < 4 * (uint64_t)e->count)
			return true;
	return false;
}

void dump_entry(struct emit *e, uint64_t pc)
{
	struct dumped_block *block;

	if (!wanted(e, pc))
		return;
	block = calloc(1, sizeof(*block));
	if (!block)
		return;
	block->number = e->block;
	for (unsigned i = 0; i < e->count; i++)
		block->word[i] = e->insns[i].word;
	e->dumped = block;
	/* Several cores may be here. */
	x86_mov_ri(&e->code, RAX, (uintptr_t)&block->executed);
	x86_mov_ri(&e->code, RCX, 1);
	x86_lock_alu_mr(&e->code, ALU_ADD, 8, x86_at(RAX, 0), RCX);
}

void dump_keep(struct emit *e, bool there)
{
	struct dumped_block **last = &e->jit->dumped;

	if (!e->dumped)
		return;
	if (!there) {
		free(e->dumped);
		return;
	}
	while (*last)
		last = &(*last)->next;
	*last = e->dumped;
}

static void print_line(FILE *file, const char *guest, const char *host)
{
	fprintf(file, "%-*s | %s\n", GUEST_WIDTH, guest, host);
}

/* The host code in [at, end) with @guest at its first line. */
static void print_code(FILE *file, const char *guest, const uint8_t *at, const uint8_t *end)
{
	ZydisDisassembledInstruction insn;

	if (at == end)
		print_line(file, guest, "");
	for (; at < end; at += insn.info.length, guest = "") {
		char host[sizeof(insn.text) + 24];

		if (!ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, (uintptr_t)at, at,
							(size_t)(end - at), &insn)))
			return print_line(file, guest, "(cannot be disassembled)");
		snprintf(host, sizeof(host), "%012" PRIxPTR ": %s", (uintptr_t)at, insn.text);
		print_line(file, guest, host);
	}
}

static void print_insn(FILE *file, uint64_t pc, uint32_t word, const uint8_t *at, const uint8_t *end)
{
	char text[128], guest[192], *tab;

	isa_disasm(word, pc, text, sizeof(text));
	tab = strchr(text, '\t');
	if (tab)
		*tab = 0;
	snprintf(guest, sizeof(guest), "%16" PRIx64 ": %08" PRIx32 " %-10s %s", pc, word, text,
		 tab ? tab + 1 : "");
	print_code(file, guest, at, end);
}

void jit_print_block(const struct jit *jit, uint32_t number, const uint32_t *word, FILE *file)
{
	const struct jit_block *block = &jit->block[number];
	uint16_t offset[JIT_BLOCK_INSNS + 1];

	memcpy(offset, (const void *)((uintptr_t)(block->end + 1) & ~(uintptr_t)1), 2 * (block->insns + 1));
	print_code(file, "entry", block->guarded, block->guarded + offset[0]);
	for (unsigned i = 0; i < block->insns; i++)
		print_insn(file, (block->pc & ~(uint64_t)JIT_PIECEMEAL) + 4 * i, word[i],
			   block->guarded + offset[i], block->guarded + offset[i + 1]);
	print_code(file, "out of line", block->guarded + offset[block->insns], block->end);
}

void dump_print(struct jit *jit, uint32_t first, uint32_t end, FILE *file)
{
	struct dumped_block **from = &jit->dumped, *block;

	while ((block = *from)) {
		if (block->number < first || block->number >= end) {
			from = &block->next;
			continue;
		}
		*from = block->next;
		fprintf(file, "bixi: block at %" PRIx64 ", executed %" PRIu64 " times\n",
			jit->block[block->number].pc, block->executed);
		jit_print_block(jit, block->number, block->word, file);
		free(block);
	}
}
