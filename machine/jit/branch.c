/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Branches in translated code.  A direct jump leads straight to its target's code once that exists; to
 * another page only by way of the target's check that the page is still what it was.  An indirect jump looks
 * its target up in the core's jump cache.
 *
 * A block takes all its instructions off the budget when it is entered; who leaves it early gives back
 * what was not executed.
 */
#include "machine/jit/jit_impl.h"

#define CACHE_LINE 64

/*
 * A jump's distance is changed while other cores may be executing it: it must not lie across cache lines.
 * @before: bytes of the jump before it.
 */
static void align_distance(struct code *c, unsigned before)
{
	const unsigned offset = ((uintptr_t)c->at + before) % CACHE_LINE;

	if (offset > CACHE_LINE - 4)
		x86_nop(c, CACHE_LINE - offset);
}

/* A jump that leads to the stub of a new link until its target is known.  jcc if @cc is not negative. */
static struct slow *link_jump(struct emit *e, int cc, uint64_t target)
{
	struct slow *slow;
	uint8_t *site;

	align_distance(&e->code, cc < 0 ? 1 : 2);
	site = cc < 0 ? x86_jmp_forward(&e->code) : x86_jcc_forward(&e->code, (enum x86_cond)cc);
	slow = emit_slow(e, SLOW_LINK, site);
	slow->link = emit_link(e, target, site);
	return slow;
}

void emit_goto(struct emit *e, uint64_t target)
{
	regs_flush_last(e);
	(void)link_jump(e, -1, target);
	e->ended = true;
}

/* The condition is in the flags. */
static void branch_on(struct emit *e, enum x86_cond cc, uint64_t target)
{
	const unsigned left = e->count - e->index - 1;

	regs_flush(e);
	if (!left) {
		(void)link_jump(e, (int)cc, target);
		emit_fall_through(e);
		return;
	}
	/* Out of line: what is left of the block is given back on the way. */
	struct slow *slow = emit_slow(e, SLOW_LEAVE, x86_jcc_forward(&e->code, cc));

	slow->give = (int32_t)left;
	slow->target = target;
}

static uint64_t target_of(const struct emit *e, const struct insn *insn)
{
	return e->pc + (uint64_t)(int64_t)insn->imm;
}

static bool compare(struct emit *e, const struct insn *insn, enum x86_cond cc)
{
	unsigned size, a, b;

	if (insn->rj == insn->rd) {
		/* Decided already: eq, ge and geu hold. */
		if (cc == CC_E || cc == CC_GE || cc == CC_AE)
			emit_goto(e, target_of(e, insn));
		return true;
	}
	/* Words that are sign-extended compare as their low halves do. */
	size = gr_is_word(e, insn->rj) && gr_is_word(e, insn->rd) ? 4 : 8;
	a = size == 4 ? gr_use_word(e, insn->rj) : gr_use(e, insn->rj);
	b = !insn->rd ? a : size == 4 ? gr_use_word(e, insn->rd) : gr_use(e, insn->rd);
	if (insn->rd)
		x86_alu_rr(&e->code, ALU_CMP, size, a, b);
	else
		x86_test_rr(&e->code, size, a, a); /* below and overflow are 0 */
	branch_on(e, cc, target_of(e, insn));
	return true;
}

static bool compare_zero(struct emit *e, const struct insn *insn, enum x86_cond cc)
{
	const unsigned size = gr_is_word(e, insn->rj) ? 4 : 8;
	const unsigned a = size == 4 ? gr_use_word(e, insn->rj) : gr_use(e, insn->rj);

	x86_test_rr(&e->code, size, a, a);
	branch_on(e, cc, target_of(e, insn));
	return true;
}

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/branch.def"
#undef EMIT

#define COMPARE(name, cc)                                                                                    \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		return compare(e, insn, cc);                                                                 \
	}
COMPARE(beq, CC_E)
COMPARE(bne, CC_NE)
COMPARE(blt, CC_L)
COMPARE(bge, CC_GE)
COMPARE(bltu, CC_B)
COMPARE(bgeu, CC_AE)

bool emit_beqz(struct emit *e, const struct insn *insn)
{
	return compare_zero(e, insn, CC_E);
}

bool emit_bnez(struct emit *e, const struct insn *insn)
{
	return compare_zero(e, insn, CC_NE);
}

static bool branch_fcc(struct emit *e, const struct insn *insn, enum x86_cond cc)
{
	emit_need_fp(e);
	x86_alu_mi(&e->code, ALU_CMP, 1, cpu_mem(e, offsetof(struct cpu, fcc) + (insn->rj & 7)), 0);
	branch_on(e, cc, target_of(e, insn));
	return true;
}

bool emit_bceqz(struct emit *e, const struct insn *insn)
{
	return branch_fcc(e, insn, CC_E);
}

bool emit_bcnez(struct emit *e, const struct insn *insn)
{
	return branch_fcc(e, insn, CC_NE);
}

static void put_return_address(struct emit *e, unsigned rd)
{
	if (!rd)
		return;
	x86_mov_ri(&e->code, gr_def(e, rd), e->pc + 4);
	gr_done(e, rd);
}

bool emit_b(struct emit *e, const struct insn *insn)
{
	emit_goto(e, target_of(e, insn));
	return true;
}

bool emit_bl(struct emit *e, const struct insn *insn)
{
	put_return_address(e, 1);
	emit_goto(e, target_of(e, insn));
	return true;
}

bool emit_jirl(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	const unsigned base = gr_use(e, insn->rj);

	if (insn->imm)
		x86_lea(c, 8, RAX, x86_at(base, insn->imm));
	else
		x86_mov_rr(c, 8, RAX, base);
	/* RAX is put_return_address()'s only for rd 0. */
	put_return_address(e, insn->rd);
	regs_flush_last(e);
	_Static_assert(sizeof(struct jit_jump) == 16, "the scale below");
	x86_mov_rr(c, 4, RCX, RAX);
	x86_alu_ri(c, ALU_AND, 4, RCX, (JIT_JUMP_ENTRIES - 1) << 2);
	x86_alu_rm(c, ALU_CMP, 8, RAX, x86_at_index(REG_CPU, RCX, 4, CPU_MEM(e, jit.jump[0].va).disp));
	x86_jcc(c, CC_NE, e->jit->thunk.indirect);
	x86_jmp_m(c, x86_at_index(REG_CPU, RCX, 4, CPU_MEM(e, jit.jump[0].entry).disp));
	e->ended = true;
	return true;
}
