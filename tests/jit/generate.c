/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Random programs: what they are, their functions, and the jumps between (program.h). */
#include "tests/jit/program.h"

#include <string.h>

#include "isa/random.h"

uint64_t program_random(struct program *p)
{
	return isa_random_u64(&p->state);
}

bool program_one_in(struct program *p, unsigned n)
{
	return program_random(p) % n == 0;
}

unsigned program_free(struct program *p)
{
	unsigned reg;

	if (program_one_in(p, 24))
		return 0;
	do
		reg = program_random(p) % 32;
	while (p->has_role[reg] || reg <= LINK);
	return reg;
}

uint64_t program_value(uint64_t *state)
{
	const uint64_t any = isa_random_u64(state), bit = UINT64_C(1) << (any & 63);
	const uint64_t sign = any & UINT64_C(0x8000000080000000);

	switch (any >> 8 & 15) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return bit;
	case 3:
		return bit - 1;
	case 4:
		return -bit;
	case 5 ... 7:
		return any >> 16 & 0xff;
	case 8: /* NaNs, signalling ones too, and infinities of both sizes */
		return UINT64_C(0x7ff000007f800000) | sign |
		       (any >> 16 & (any & 64 ? UINT64_C(0x8000000400001) : 0));
	case 9: /* denormals */
		return sign | (any & UINT64_C(0x0007ffff007fffff));
	case 10: /* doubles near one */
		return UINT64_C(0x3fe0000000000000) + (any << 32 & UINT64_C(0x7fffff00000000)) +
		       (sign & INT64_MIN);
	case 11 ... 12: /* small floats, two of them */
		return UINT64_C(0x3f8000003f800000) + (any & UINT64_C(0x07ffff0003ff0000)) + sign;
	default:
		return isa_random_u64(state);
	}
}

uint64_t program_physical(const struct program *p, uint64_t offset)
{
	const uint64_t mask = (UINT64_C(1) << p->page_bits) - 1;

	if (p->space != SPACE_MAPPED)
		return REGION + offset;
	return REGION + ((uint64_t)p->page[offset >> p->page_bits] << p->page_bits) + (offset & mask);
}

void program_fix(struct program *p, struct fixup fixup)
{
	if (p->fixups < PROGRAM_FIXUPS)
		p->fixup[p->fixups++] = fixup;
}

uint32_t program_patch(uint32_t word, uint64_t random)
{
	return (word & ~(UINT32_C(0xfff) << 10)) | (random & 0xfff) << 10;
}

void program_disturb(const struct program *p, struct rig *rig, uint64_t random)
{
	unsigned site;
	uint32_t word;

	if (!p->modifies_code || !p->patches)
		return;
	site = p->patch[random % p->patches];
	word = program_patch(p->words[site], random >> 8);
	rig_write(rig, program_physical(p, p->code_at + 4 * site), &word, 4);
}

static void choose_roles(struct program *p)
{
	memset(p->has_role, 0, sizeof(p->has_role));
	for (unsigned r = 0; r < ROLES; r++) {
		unsigned reg;

		do
			reg = program_random(p) % 32;
		while (reg <= LINK || p->has_role[reg]);
		p->has_role[reg] = true;
		p->role[r] = (uint8_t)reg;
	}
}

static void choose_pages(struct program *p)
{
	for (unsigned i = 0; i < KERNEL_PAGES; i++)
		p->page[i] = (uint16_t)i;
	for (unsigned i = KERNEL_PAGES - 1; i; i--) {
		unsigned j = program_random(p) % (i + 1);
		uint16_t page = p->page[i];

		p->page[i] = p->page[j];
		p->page[j] = page;
	}
}

static void choose(struct program *p)
{
	static const uint64_t mapped_bases[] = { UINT64_C(0x120000000), UINT64_C(0xffff900000000000),
						 UINT64_C(0x7fff80000000) };

	p->space = (enum space[]){ SPACE_DIRECT, SPACE_WINDOW, SPACE_MAPPED,
				   SPACE_MAPPED }[program_random(p) % 4];
	p->page_bits = program_one_in(p, 2) ? 12 : 14;
	p->walker = program_one_in(p, 4);
	p->cores = program_one_in(p, 4) ? 2 : 1;
	p->modifies_code = program_one_in(p, 2);
	p->counts = program_one_in(p, 16);
	p->checks_alignment = program_one_in(p, 8);
	p->plv = program_one_in(p, 2) ? 0 : 3;
	for (unsigned i = 0; i < sizeof(p->kinds); i++)
		p->kinds[i] = (uint8_t)program_random(p);
	choose_roles(p);
	choose_pages(p);
	p->base = p->space == SPACE_DIRECT   ? REGION
		  : p->space == SPACE_WINDOW ? UINT64_C(9) << 60 | REGION
					     : mapped_bases[program_random(p) % 3];
	p->code_at = CODE_OFFSET + 4 * (program_random(p) % 1024);
}

/* Stores or loads what a function keeps for its caller: its return address and the loops' counters. */
static void frame(struct program *p, unsigned index, enum isa_op op)
{
	const unsigned kept[] = { LINK, role(p, ROLE_COUNTER0), role(p, ROLE_COUNTER1),
				  role(p, ROLE_COUNTER2) };

	for (unsigned i = 0; i < 4; i++)
		code_put(&p->code, code_word(op, (const int64_t[4]){ kept[i], role(p, ROLE_STACK),
								     32 * index + 8 * i }));
}

static void make_function(struct program *p, unsigned index, unsigned statements)
{
	p->current = index;
	p->depth = 0;
	p->function[index] = p->code.count;
	if (index)
		frame(p, index, ISA_st_d);
	while (statements--)
		statement_make(p);
	if (index) {
		frame(p, index, ISA_ld_d);
		PUT(&p->code, jirl, 0, LINK, 0);
	} else {
		PUT(&p->code, b, -4 * (int64_t)p->code.count);
	}
}

static void apply_fixups(struct program *p)
{
	for (unsigned i = 0; i < p->fixups; i++) {
		const struct fixup *fixup = &p->fixup[i];
		unsigned target = fixup->function ? p->function[fixup->target] : fixup->target;

		if (fixup->kind == FIXUP_BRANCH)
			code_link(&p->code, fixup->site, target);
		else if (fixup->kind == FIXUP_JIRL) /* relative to the PCADDI before it */
			p->words[fixup->site] =
				WORD(jirl, LINK, role(p, ROLE_T0), ((int64_t)target - fixup->site + 1) * 4);
	}
}

void program_make(struct program *p, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	p->seed = p->state = seed;
	p->code = (struct code_buffer){ p->words, 0, PROGRAM_WORDS };
	choose(p);
	p->functions = 1 + program_random(p) % (FUNCTIONS - 1);
	for (unsigned i = 0; i < p->functions; i++)
		make_function(p, i, i ? 4 + program_random(p) % 12 : 20 + program_random(p) % 40);
	apply_fixups(p);
	kernel_make(p);
}
