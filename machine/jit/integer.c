/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Arithmetic and logic but multiplication and division, Vol.1 2.2.1, to host code; semantics as in
 * machine/interp/integer.c.  Register 0 as a source is what the assembler's move, li, neg, not, snez and
 * seqz are made of, so it has its own forms here.
 */
#include "machine/jit/integer.h"

#define SI ((uint64_t)(int64_t)insn->imm) /* a signed immediate, extended */

void gr_set(struct emit *e, unsigned rd, uint64_t value)
{
	const unsigned d = gr_def(e, rd);

	if (value)
		x86_mov_ri(&e->code, d, value);
	else
		x86_alu_rr(&e->code, ALU_XOR, 4, d, d);
	if (value == (uint64_t)(int64_t)(int32_t)value)
		gr_done_extended(e, rd);
	else
		gr_done(e, rd);
}

void gr_move(struct emit *e, unsigned rd, unsigned rs)
{
	unsigned a, d;

	if (rd == rs)
		return;
	if (!rs) {
		gr_set(e, rd, 0);
		return;
	}
	if (gr_is_word(e, rs)) {
		gr_move_word(e, rd, rs);
		return;
	}
	a = gr_use(e, rs);
	d = gr_def(e, rd);
	x86_mov_rr(&e->code, 8, d, a);
	gr_done(e, rd);
}

void gr_move_word(struct emit *e, unsigned rd, unsigned rs)
{
	unsigned a, d;

	if (!rs) {
		gr_set(e, rd, 0);
		return;
	}
	a = gr_use_word(e, rs);
	d = gr_def(e, rd);
	copy(&e->code, 4, d, a);
	gr_done_word(e, rd);
}

/* d = a + b */
static void add(struct code *c, unsigned size, struct operands o)
{
	if (o.d == o.a)
		x86_alu_rr(c, ALU_ADD, size, o.d, o.b);
	else if (o.d == o.b)
		x86_alu_rr(c, ALU_ADD, size, o.d, o.a);
	else
		x86_lea(c, size, o.d, x86_at_index(o.a, o.b, 1, 0));
}

/* d = a - b */
static void subtract(struct code *c, unsigned size, struct operands o)
{
	if (o.d == o.b && o.d != o.a) {
		x86_unary(c, UNARY_NEG, size, o.d);
		x86_alu_rr(c, ALU_ADD, size, o.d, o.a);
	} else {
		copy(c, size, o.d, o.a);
		x86_alu_rr(c, ALU_SUB, size, o.d, o.b);
	}
}

/* d = a + imm */
static void add_immediate(struct code *c, unsigned size, unsigned d, unsigned a, int32_t imm)
{
	if (d == a)
		x86_alu_ri(c, ALU_ADD, size, d, imm);
	else
		x86_lea(c, size, d, x86_at(a, imm));
}

/* d = (a << shift) + b, shift from 1 to 4 */
static void shift_and_add(struct code *c, unsigned size, struct operands o, unsigned shift)
{
	if (shift == 4) {
		x86_mov_rr(c, size, RAX, o.a);
		x86_shift_ri(c, SHIFT_SHL, size, RAX, 3);
		o.a = RAX;
		shift = 1;
	}
	x86_lea(c, size, o.d, x86_at_index(o.b, o.a, 1u << shift, 0));
}

COMPUTE(add_d)
{
	if (!insn->rj || !insn->rk) {
		gr_move(e, insn->rd, insn->rj | insn->rk);
		return;
	}
	add(&e->code, 8, operands_jk(e, insn));
	gr_done(e, insn->rd);
}

COMPUTE(add_w)
{
	struct operands o;

	if (!insn->rj || !insn->rk) {
		gr_move_word(e, insn->rd, insn->rj | insn->rk);
		return;
	}
	o = operands_words(e, insn);
	add(&e->code, 4, o);
	done_word(e, insn, o.d, o.d);
}

/* rd = -rk */
static unsigned negate(struct emit *e, const struct insn *insn, unsigned size)
{
	const unsigned b = gr_use(e, insn->rk);
	const unsigned d = gr_def(e, insn->rd);

	copy(&e->code, size, d, b);
	x86_unary(&e->code, UNARY_NEG, size, d);
	return d;
}

COMPUTE(sub_d)
{
	if (!insn->rk) {
		gr_move(e, insn->rd, insn->rj);
		return;
	}
	if (!insn->rj)
		negate(e, insn, 8);
	else
		subtract(&e->code, 8, operands_jk(e, insn));
	gr_done(e, insn->rd);
}

COMPUTE(sub_w)
{
	struct operands o;

	if (!insn->rk) {
		gr_move_word(e, insn->rd, insn->rj);
		return;
	}
	if (!insn->rj) {
		o.d = negate(e, insn, 4);
	} else {
		o = operands_words(e, insn);
		subtract(&e->code, 4, o);
	}
	done_word(e, insn, o.d, o.d);
}

COMPUTE(addi_d)
{
	struct operands o;

	if (!insn->rj) {
		gr_set(e, insn->rd, SI);
	} else if (!insn->imm) {
		gr_move(e, insn->rd, insn->rj);
	} else {
		o = operands_j(e, insn);
		add_immediate(&e->code, 8, o.d, o.a, insn->imm);
		if (insn->rd == insn->rj)
			gr_done_moved(e, insn->rd, insn->imm);
		else
			gr_done(e, insn->rd);
	}
}

COMPUTE(addi_w)
{
	struct operands o;

	if (!insn->rj) {
		gr_set(e, insn->rd, SI);
	} else if (!insn->imm) {
		gr_move_word(e, insn->rd, insn->rj);
	} else {
		o = operands_word(e, insn);
		add_immediate(&e->code, 4, o.d, o.a, insn->imm);
		done_word(e, insn, o.d, o.d);
	}
}

COMPUTE(addu16i_d)
{
	struct operands o;

	if (!insn->rj) {
		gr_set(e, insn->rd, SI << 16);
		return;
	}
	o = operands_j(e, insn);
	add_immediate(&e->code, 8, o.d, o.a, insn->imm * 65536);
	gr_done(e, insn->rd);
}

COMPUTE(alsl_w)
{
	const struct operands o = operands_words(e, insn);

	shift_and_add(&e->code, 4, o, (unsigned)insn->imm);
	done_word(e, insn, o.d, o.d);
}

COMPUTE(alsl_wu)
{
	shift_and_add(&e->code, 4, operands_words(e, insn), (unsigned)insn->imm);
	gr_done(e, insn->rd);
}

COMPUTE(alsl_d)
{
	shift_and_add(&e->code, 8, operands_jk(e, insn), (unsigned)insn->imm);
	gr_done(e, insn->rd);
}

static uint64_t with_high_word(const struct insn *insn, uint64_t low)
{
	return SI << 32 | (uint32_t)low;
}

static uint64_t with_high_bits(const struct insn *insn, uint64_t low)
{
	return SI << 52 | (low & ((UINT64_C(1) << 52) - 1));
}

/*
 * Whether instruction @index of the block finds a constant in register @g, because the ones right before it
 * are of those that lead up to lu32i.d and lu52i.d in a constant.
 */
static bool is_constant(const struct emit *e, unsigned index, unsigned g, uint64_t *value)
{
	const struct insn *insn;

	*value = 0;
	if (!g)
		return true;
	if (!index)
		return false;
	insn = &e->insns[--index];
	if (insn->rd != g)
		return false;
	switch (insn->op) {
	case ISA_lu12i_w:
		*value = SI << 12;
		return true;
	case ISA_addi_w:
	case ISA_addi_d:
		*value = SI;
		return !insn->rj;
	case ISA_ori:
		if (!is_constant(e, index, insn->rj, value))
			return false;
		*value |= SI;
		return true;
	case ISA_lu32i_d:
		if (!is_constant(e, index, g, value))
			return false;
		*value = with_high_word(insn, *value);
		return true;
	default:
		return false;
	}
}

COMPUTE(lu32i_d)
{
	struct code *c = &e->code;
	uint64_t low;
	unsigned a, d;

	if (is_constant(e, e->index, insn->rd, &low)) {
		gr_set(e, insn->rd, with_high_word(insn, low));
		return;
	}
	a = gr_use(e, insn->rd);
	d = gr_def(e, insn->rd);
	x86_mov_rr(c, 4, d, a);
	if (insn->imm) {
		x86_mov_ri(c, RAX, SI << 32);
		x86_alu_rr(c, ALU_OR, 8, d, RAX);
	}
	gr_done(e, insn->rd);
}

COMPUTE(lu52i_d)
{
	struct code *c = &e->code;
	struct operands o;
	uint64_t low;

	if (is_constant(e, e->index, insn->rj, &low)) {
		gr_set(e, insn->rd, with_high_bits(insn, low));
		return;
	}
	o = operands_j(e, insn);
	copy(c, 8, o.d, o.a);
	x86_shift_ri(c, SHIFT_SHL, 8, o.d, 12);
	x86_shift_ri(c, SHIFT_SHR, 8, o.d, 12);
	if (insn->imm) {
		x86_mov_ri(c, RAX, SI << 52);
		x86_alu_rr(c, ALU_OR, 8, o.d, RAX);
	}
	gr_done(e, insn->rd);
}

#define CONSTANT(name, value)                                                                                \
	COMPUTE(name)                                                                                        \
	{                                                                                                    \
		gr_set(e, insn->rd, value);                                                                  \
	}

CONSTANT(lu12i_w, SI << 12)
CONSTANT(pcaddi, e->pc + (SI << 2))
CONSTANT(pcaddu12i, e->pc + (SI << 12))
CONSTANT(pcaddu18i, e->pc + (SI << 18))
CONSTANT(pcalau12i, (e->pc + (SI << 12)) & ~UINT64_C(0xfff))

/* d = a op b, where the order of a and b does not matter. */
static void commutative(struct code *c, enum x86_alu op, unsigned size, struct operands o)
{
	if (o.d == o.b) {
		x86_alu_rr(c, op, size, o.d, o.a);
	} else {
		copy(c, size, o.d, o.a);
		x86_alu_rr(c, op, size, o.d, o.b);
	}
}

/* Of logic on two words that are sign-extended the upper halves need not be computed. */
static unsigned logic_size(const struct emit *e, const struct insn *insn)
{
	return gr_is_word(e, insn->rj) && gr_is_word(e, insn->rk) ? 4 : 8;
}

static struct operands logic_operands(struct emit *e, const struct insn *insn, unsigned size)
{
	return size == 4 ? operands_words(e, insn) : operands_jk(e, insn);
}

static void logic_done(struct emit *e, const struct insn *insn, unsigned size)
{
	if (size == 4)
		gr_done_word(e, insn->rd);
	else
		gr_done(e, insn->rd);
}

static void logic(struct emit *e, const struct insn *insn, enum x86_alu op)
{
	const unsigned size = logic_size(e, insn);

	commutative(&e->code, op, size, logic_operands(e, insn, size));
	logic_done(e, insn, size);
}

COMPUTE(and)
{
	if (!insn->rj || !insn->rk) {
		gr_set(e, insn->rd, 0);
		return;
	}
	logic(e, insn, ALU_AND);
}

COMPUTE(or)
{
	if (!insn->rj || !insn->rk) {
		gr_move(e, insn->rd, insn->rj | insn->rk);
		return;
	}
	logic(e, insn, ALU_OR);
}

COMPUTE(xor)
{
	if (!insn->rj || !insn->rk) {
		gr_move(e, insn->rd, insn->rj | insn->rk);
		return;
	}
	if (insn->rj == insn->rk) {
		gr_set(e, insn->rd, 0);
		return;
	}
	logic(e, insn, ALU_XOR);
}

COMPUTE(nor)
{
	const unsigned size = logic_size(e, insn);
	const struct operands o = logic_operands(e, insn, size);

	if (!insn->rj || !insn->rk)
		copy(&e->code, size, o.d, insn->rj ? o.a : o.b);
	else
		commutative(&e->code, ALU_OR, size, o);
	x86_unary(&e->code, UNARY_NOT, size, o.d);
	logic_done(e, insn, size);
}

COMPUTE(andn)
{
	const unsigned size = logic_size(e, insn);
	struct operands o;

	if (!insn->rj || !insn->rk) {
		gr_move(e, insn->rd, insn->rj);
		return;
	}
	o = logic_operands(e, insn, size);
	x86_andn(&e->code, size, o.d, o.b, o.a);
	logic_done(e, insn, size);
}

/* a | ~b = ~(~a & b) */
COMPUTE(orn)
{
	const unsigned size = logic_size(e, insn);
	const struct operands o = logic_operands(e, insn, size);

	if (insn->rj)
		x86_andn(&e->code, size, o.d, o.a, o.b);
	else
		copy(&e->code, size, o.d, o.b);
	x86_unary(&e->code, UNARY_NOT, size, o.d);
	logic_done(e, insn, size);
}

COMPUTE(andi)
{
	struct code *c = &e->code;
	struct operands o;

	if (!insn->rj || !insn->imm) {
		gr_set(e, insn->rd, 0);
		return;
	}
	o = operands_j(e, insn);
	if (insn->imm == 0xff) {
		x86_movzx_rr(c, o.d, o.a, 1);
	} else {
		copy(c, 4, o.d, o.a);
		x86_alu_ri(c, ALU_AND, 4, o.d, insn->imm);
	}
	gr_done(e, insn->rd);
}

/* rd = rj op imm, where op leaves rj as it is if imm is 0, and makes imm of 0. */
static void immediate(struct emit *e, const struct insn *insn, enum x86_alu op)
{
	struct operands o;

	if (!insn->rj) {
		gr_set(e, insn->rd, SI);
	} else if (!insn->imm) {
		gr_move(e, insn->rd, insn->rj);
	} else {
		o = operands_j(e, insn);
		copy(&e->code, 8, o.d, o.a);
		x86_alu_ri(&e->code, op, 8, o.d, insn->imm);
		gr_done(e, insn->rd);
	}
}

COMPUTE(ori)
{
	immediate(e, insn, ALU_OR);
}

COMPUTE(xori)
{
	immediate(e, insn, ALU_XOR);
}

/* Before a comparison: makes d 0 if it is none of the operands, so that the flag need not be widened. */
static bool clear_ahead(struct code *c, struct operands o)
{
	if (o.d == o.a || o.d == o.b)
		return false;
	x86_alu_rr(c, ALU_XOR, 4, o.d, o.d);
	return true;
}

/* d = whether @cc, after clear_ahead(), which said @cleared, and the comparison. */
static void set_condition(struct code *c, enum x86_cond cc, unsigned d, bool cleared)
{
	if (cleared) {
		x86_setcc(c, cc, d);
	} else {
		x86_setcc(c, cc, RAX);
		x86_movzx_rr(c, d, RAX, 1);
	}
}

/* rd = rj @cc rk */
static void set_if(struct emit *e, const struct insn *insn, enum x86_cond cc)
{
	const struct operands o = operands_jk(e, insn);
	const bool cleared = clear_ahead(&e->code, o);

	x86_alu_rr(&e->code, ALU_CMP, 8, o.a, o.b);
	set_condition(&e->code, cc, o.d, cleared);
	gr_done(e, insn->rd);
}

/* rd = rj @cc imm */
static void set_if_immediate(struct emit *e, const struct insn *insn, enum x86_cond cc)
{
	const struct operands o = operands_j(e, insn);
	const bool cleared = clear_ahead(&e->code, o);

	x86_alu_ri(&e->code, ALU_CMP, 8, o.a, insn->imm);
	set_condition(&e->code, cc, o.d, cleared);
	gr_done(e, insn->rd);
}

/* rd = rk @cc 0 */
static void set_if_zero(struct emit *e, const struct insn *insn, enum x86_cond cc)
{
	const unsigned b = gr_use(e, insn->rk);
	const struct operands o = { .d = gr_def(e, insn->rd), .a = b, .b = b };
	const bool cleared = clear_ahead(&e->code, o);

	x86_test_rr(&e->code, 8, b, b);
	set_condition(&e->code, cc, o.d, cleared);
	gr_done(e, insn->rd);
}

/* rd = rj < 0 */
static void set_if_negative(struct emit *e, const struct insn *insn)
{
	const struct operands o = operands_j(e, insn);

	copy(&e->code, 8, o.d, o.a);
	x86_shift_ri(&e->code, SHIFT_SHR, 8, o.d, 63);
	gr_done(e, insn->rd);
}

COMPUTE(slt)
{
	if (!insn->rk)
		set_if_negative(e, insn);
	else if (!insn->rj)
		set_if_zero(e, insn, CC_G);
	else
		set_if(e, insn, CC_L);
}

COMPUTE(sltu)
{
	if (!insn->rk)
		gr_set(e, insn->rd, 0);
	else if (!insn->rj)
		set_if_zero(e, insn, CC_NE);
	else
		set_if(e, insn, CC_B);
}

COMPUTE(slti)
{
	if (!insn->rj)
		gr_set(e, insn->rd, insn->imm > 0);
	else if (!insn->imm)
		set_if_negative(e, insn);
	else
		set_if_immediate(e, insn, CC_L);
}

COMPUTE(sltui)
{
	if (!insn->rj || !insn->imm)
		gr_set(e, insn->rd, insn->imm != 0);
	else
		set_if_immediate(e, insn, CC_B);
}

/* rd = rk @keep 0 ? rj : 0, where the condition is E or NE. */
static void mask(struct emit *e, const struct insn *insn, enum x86_cond keep)
{
	const struct operands o = operands_jk(e, insn);
	struct code *c = &e->code;

	if (o.d == o.a) {
		x86_alu_rr(c, ALU_XOR, 4, RAX, RAX);
		x86_test_rr(c, 8, o.b, o.b);
		x86_cmov(c, keep ^ 1, 8, o.d, RAX);
	} else if (o.d != o.b) {
		x86_alu_rr(c, ALU_XOR, 4, o.d, o.d);
		x86_test_rr(c, 8, o.b, o.b);
		x86_cmov(c, keep, 8, o.d, o.a);
	} else if (keep == CC_NE) {
		/* What is not replaced is 0. */
		x86_test_rr(c, 8, o.d, o.d);
		x86_cmov(c, CC_NE, 8, o.d, o.a);
	} else {
		/* All ones where rk is not 0, and what is left of rj then. */
		x86_unary(c, UNARY_NEG, 8, o.d);
		x86_alu_rr(c, ALU_SBB, 8, o.d, o.d);
		x86_andn(c, 8, o.d, o.d, o.a);
	}
	gr_done(e, insn->rd);
}

COMPUTE(maskeqz)
{
	if (!insn->rj || !insn->rk)
		gr_set(e, insn->rd, 0);
	else
		mask(e, insn, CC_NE);
}

COMPUTE(masknez)
{
	if (!insn->rj || !insn->rk)
		gr_move(e, insn->rd, insn->rj);
	else
		mask(e, insn, CC_E);
}
