/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The statements of random programs: straight code, memory, loops, branches, calls (program.h). */
#include "tests/jit/program.h"

#include "isa/format.h"
#include "isa/random.h"
#include "tests/jit/statement.h"

#define LOOPS	  3    /* nested */
#define WORDS_MAX 3400 /* beyond which nothing long begins */
#define TABLES	  120
#define ARMS	  4 /* of a jump table */

/* What a run of straight code is made of. */
enum straight { STRAIGHT_INTEGER, STRAIGHT_FP, STRAIGHT_LSX, STRAIGHT_LASX, STRAIGHT_ANY, STRAIGHTS };

static bool is_straight(enum isa_op op)
{
	const struct isa_info *info = &isa_info[op];

	return !(info->flags & (ISA_PRIVILEGED | ISA_LOAD | ISA_STORE | ISA_BRANCH | ISA_END)) &&
	       info->extension != ISA_EXT_LBT && info->extension != ISA_EXT_LVZ &&
	       info->extension != ISA_EXT_BOUND && op != ISA_dbcl && op != ISA_movgr2fcsr;
}

static bool is_of(enum isa_op op, enum straight kind)
{
	switch (kind) {
	case STRAIGHT_INTEGER:
		return isa_info[op].extension == ISA_EXT_BASE || isa_info[op].extension == ISA_EXT_CRC;
	case STRAIGHT_FP:
		return isa_info[op].extension == ISA_EXT_FP;
	case STRAIGHT_LSX:
		return isa_info[op].extension == ISA_EXT_LSX;
	case STRAIGHT_LASX:
		return isa_info[op].extension == ISA_EXT_LASX;
	default:
		return true;
	}
}

unsigned statement_any(struct program *p)
{
	return program_random(p) % 32;
}

static const struct isa_operand_info *operand(enum isa_op op, unsigned i)
{
	return &isa_operand_info[isa_format_operands[isa_info[op].format][i]];
}

/* @word with its destination, if that is a general register, one that may be written. */
static uint32_t tame(struct program *p, enum isa_op op, uint32_t word)
{
	const struct isa_operand_info *first = operand(op, 0);
	bool counter = op == ISA_rdtime_d || op == ISA_rdtimel_w || op == ISA_rdtimeh_w;

	if (isa_format_operands[isa_info[op].format][0] == ISA_OPERAND_NONE)
		return word;
	if (first->kind == ISA_KIND_GPR && first->bit == 0)
		word = (word & ~UINT32_C(31)) | program_free(p);
	if (counter) /* writes both */
		word = (word & ~(UINT32_C(31) << 5)) | program_free(p) << 5;
	return word;
}

uint32_t statement_word(struct program *p)
{
	enum straight kind = p->kinds[program_random(p) % sizeof(p->kinds)] % STRAIGHTS;
	enum isa_op op;

	do
		op = (enum isa_op)(program_random(p) % (ISA_OP_COUNT - 1) + 1);
	while (!is_straight(op) || !is_of(op, kind));
	return tame(p, op, isa_random(op, &p->state));
}

static void straight(struct program *p)
{
	for (unsigned n = 1 + program_random(p) % 12; n; n--)
		code_put(&p->code, statement_word(p));
}

static bool is_access(enum isa_op op)
{
	return isa_info[op].flags & (ISA_LOAD | ISA_STORE) && !(isa_info[op].flags & ISA_PRIVILEGED) &&
	       isa_info[op].extension != ISA_EXT_LBT;
}

static unsigned access_base(struct program *p)
{
	switch (program_random(p) % 32) {
	case 0:
		return role(p, ROLE_BAD);
	case 1 ... 2:
		return role(p, ROLE_DEVICE);
	default:
		return role(p, program_one_in(p, 2) ? ROLE_BASE0 : ROLE_BASE1);
	}
}

static uint32_t with_register(uint32_t word, unsigned bit, unsigned reg)
{
	return (word & ~(UINT32_C(31) << bit)) | reg << bit;
}

/* A load or store by @base and offset or index. */
static void plain_access(struct program *p, enum isa_op op, unsigned base)
{
	const struct isa_operand_info *third = operand(op, 2);
	uint32_t word = with_register(tame(p, op, isa_random(op, &p->state)), 5, base);

	if (isa_info[op].flags & ISA_STORE && operand(op, 0)->kind == ISA_KIND_GPR)
		word = with_register(word, 0, statement_any(p));
	if (third->kind == ISA_KIND_GPR) {
		unsigned index = role(p, ROLE_T0);

		if (isa_info[op].extension == ISA_EXT_BOUND)
			PUT(&p->code, addi_d, index, word >> 5 & 31, (int64_t)(program_random(p) % 3) - 1);
		else
			PUT(&p->code, bstrpick_d, index, statement_any(p), 11, 0);
		word = with_register(word, 10, index);
	} else if (third->width == 14) {
		/* Four pages either way are enough. */
		word &= ~(UINT32_C(3) << 22);
		if (word >> 21 & 1)
			word |= UINT32_C(3) << 22;
	}
	code_put(&p->code, word);
}

/* An atomic operation, mostly at an aligned address. */
static void atomic_access(struct program *p, enum isa_op op)
{
	const unsigned address = role(p, ROLE_T1);
	bool load_linked =
		op == ISA_sc_w || op == ISA_sc_d || op == ISA_screl_w || op == ISA_screl_d || op == ISA_sc_q;
	uint32_t word = with_register(tame(p, op, isa_random(op, &p->state)), 5, address);
	unsigned again = p->code.count + 1;

	PUT(&p->code, addi_d, address, access_base(p), (int64_t)(program_random(p) % 4096) - 2048);
	if (!program_one_in(p, 12)) {
		PUT(&p->code, bstrins_d, address, 0, 3, 0);
		again++;
	}
	if (operand(op, 2)->kind == ISA_KIND_SIMM) /* LL and SC meet at the base */
		word &= ~(UINT32_C(0x3fff) << 10);
	if (load_linked) {
		unsigned value = program_free(p);

		if (op == ISA_sc_w || op == ISA_screl_w)
			PUT(&p->code, ll_w, value, address, 0);
		else
			PUT(&p->code, ll_d, value, address, 0);
		for (unsigned n = program_random(p) % 3; n; n--)
			code_put(&p->code, statement_word(p));
		word = with_register(word, 0, value);
	}
	code_put(&p->code, word);
	if (load_linked && program_one_in(p, 2) && word & 31) {
		PUT(&p->code, beqz, word & 31, 0);
		code_link(&p->code, p->code.count - 1, again);
	}
}

static enum isa_op random_access(struct program *p)
{
	enum isa_op op;

	do
		op = (enum isa_op)(program_random(p) % (ISA_OP_COUNT - 1) + 1);
	while (!is_access(op) || (isa_info[op].extension != ISA_EXT_BASE && program_one_in(p, 3)));
	return op;
}

static void access(struct program *p)
{
	for (unsigned n = 1 + program_random(p) % 6; n; n--) {
		enum isa_op op = random_access(p);

		if (isa_info[op].extension == ISA_EXT_ATOMIC)
			atomic_access(p, op);
		else
			plain_access(p, op, access_base(p));
	}
}

/* Accesses by a pointer that moves on between them, over and over. */
static void walk(struct program *p)
{
	const unsigned counter = role(p, ROLE_COUNTER0 + p->depth), pointer = role(p, ROLE_T1);
	unsigned top;

	if (p->depth == LOOPS || p->code.count > WORDS_MAX)
		return;
	PUT(&p->code, addi_d, counter, 0, 1 + program_random(p) % 20);
	PUT(&p->code, addi_d, pointer, access_base(p), program_random(p) & 0x3f8);
	top = p->code.count;
	for (unsigned n = 2 + program_random(p) % 8; n; n--) {
		enum isa_op op;

		do
			op = random_access(p);
		while (isa_info[op].extension == ISA_EXT_ATOMIC);
		plain_access(p, op, pointer);
		if (program_one_in(p, 3))
			PUT(&p->code, addi_d, pointer, pointer, (int64_t)(program_random(p) % 128) - 48);
	}
	PUT(&p->code, addi_d, counter, counter, -1);
	PUT(&p->code, bnez, counter, 0);
	code_link(&p->code, p->code.count - 1, top);
}

/* Bases move on, in MAPPED space also to other names of the same pages. */
static void rebase(struct program *p)
{
	uint64_t alias = p->space == SPACE_MAPPED ? (program_random(p) & 3) << (p->page_bits + 8) : 0;
	uint64_t offset = DATA_OFFSET + 0x1000 + program_random(p) % (DATA_SIZE - 0x4000);

	if (!program_one_in(p, 4))
		offset &= ~UINT64_C(7);
	code_constant(&p->code, role(p, program_one_in(p, 2) ? ROLE_BASE0 : ROLE_BASE1),
		      p->base + alias + offset);
}

static void body(struct program *p)
{
	for (unsigned n = 1 + program_random(p) % 4; n; n--)
		statement_make(p);
}

/* A conditional branch, to be linked. */
static unsigned condition(struct program *p)
{
	static const enum isa_op ops[] = { ISA_beqz, ISA_bnez, ISA_beq,	 ISA_bne,   ISA_blt,
					   ISA_bge,  ISA_bltu, ISA_bgeu, ISA_bceqz, ISA_bcnez };
	enum isa_op op = ops[program_random(p) % (sizeof(ops) / sizeof(*ops))];

	code_put(&p->code, isa_random(op, &p->state));
	return p->code.count - 1;
}

static void loop(struct program *p)
{
	const unsigned counter = role(p, ROLE_COUNTER0 + p->depth);
	unsigned top;

	if (p->depth == LOOPS || p->code.count > WORDS_MAX) {
		straight(p);
		return;
	}
	PUT(&p->code, addi_d, counter, 0, 1 + program_random(p) % (p->depth ? 8 : 40));
	top = p->code.count;
	p->depth++;
	body(p);
	p->depth--;
	PUT(&p->code, addi_d, counter, counter, -1);
	if (program_one_in(p, 2))
		PUT(&p->code, bnez, counter, 0);
	else if (program_one_in(p, 2))
		PUT(&p->code, blt, 0, counter, 0);
	else
		PUT(&p->code, bne, counter, 0, 0);
	code_link(&p->code, p->code.count - 1, top);
}

static void branch(struct program *p)
{
	unsigned site = condition(p), end;

	body(p);
	if (program_one_in(p, 2)) {
		code_link(&p->code, site, p->code.count);
		return;
	}
	end = p->code.count;
	PUT(&p->code, b, 0);
	code_link(&p->code, site, p->code.count);
	body(p);
	code_link(&p->code, end, p->code.count);
}

static void call(struct program *p)
{
	unsigned callee, t0 = role(p, ROLE_T0);
	enum { DIRECT, RELATIVE, BY_TABLE } how = program_random(p) % 3;

	if (p->current + 1 >= p->functions || p->depth > 1) {
		straight(p);
		return;
	}
	callee = p->current + 1 + program_random(p) % (p->functions - p->current - 1);
	if (how == BY_TABLE && p->tables < TABLES) {
		PUT(&p->code, ld_d, t0, role(p, ROLE_TABLE), 8 * ARMS * (int64_t)p->tables);
		PUT(&p->code, jirl, LINK, t0, 0);
		program_fix(p, (struct fixup){ FIXUP_TABLE, ARMS * p->tables++, callee, true });
		return;
	}
	if (how == RELATIVE) {
		PUT(&p->code, pcaddi, t0, 0);
		program_fix(p, (struct fixup){ FIXUP_JIRL, p->code.count, callee, true });
	} else {
		program_fix(p, (struct fixup){ FIXUP_BRANCH, p->code.count, callee, true });
	}
	PUT(&p->code, bl, 0);
}

static void jump_by_table(struct program *p)
{
	const unsigned t0 = role(p, ROLE_T0), table = role(p, ROLE_TABLE), first = ARMS * p->tables;
	unsigned end[ARMS];

	if (p->tables >= TABLES || p->code.count > WORDS_MAX) {
		straight(p);
		return;
	}
	p->tables++;
	PUT(&p->code, bstrpick_d, t0, statement_any(p), 1, 0);
	PUT(&p->code, alsl_d, t0, t0, table, 3);
	PUT(&p->code, ld_d, t0, t0, 8 * (int64_t)first);
	PUT(&p->code, jirl, 0, t0, 0);
	for (unsigned arm = 0; arm < ARMS; arm++) {
		program_fix(p, (struct fixup){ FIXUP_TABLE, first + arm, p->code.count, false });
		straight(p);
		end[arm] = p->code.count;
		PUT(&p->code, b, 0);
	}
	for (unsigned arm = 0; arm < ARMS; arm++)
		code_link(&p->code, end[arm], p->code.count);
}

/* A system call, a breakpoint, or a word or operation that is refused. */
static void fault(struct program *p)
{
	switch (program_random(p) % 6) {
	case 0 ... 2:
		PUT(&p->code, syscall, program_random(p) & 0x7fff);
		break;
	case 3:
		PUT(&p->code, break, program_random(p) & 0x7fff);
		break;
	case 4:
		code_put(&p->code, program_one_in(p, 2) ? 0 : UINT32_MAX);
		break;
	default:
		PUT(&p->code, asrtgt_d, statement_any(p), statement_any(p));
	}
}

void statement_make(struct program *p)
{
	static void (*const makers[])(struct program *) = {
		straight,
		straight,
		straight,
		straight,
		access,
		access,
		access,
		access,
		loop,
		loop,
		branch,
		branch,
		call,
		call,
		jump_by_table,
		rebase,
		walk,
		walk,
		fault,
		statement_patch,
		statement_site,
		statement_patch,
		statement_fcsr,
		statement_system,
		statement_system,
	};

	if (p->code.count > WORDS_MAX + 300)
		return;
	makers[program_random(p) % (sizeof(makers) / sizeof(*makers))](p);
}
