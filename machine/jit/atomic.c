/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * AM* in translated code: locked instructions of the host, which are full barriers as the _DB forms want it.
 * A store right (soft TLB) says that nobody has reserved anything in the page, so nothing is owed to LL/SC.
 */
#include "machine/interp/interp.h"
#include "machine/jit/jit_impl.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/atomic.def"
#undef EMIT

static bool model_has(const struct emit *e, uint32_t cpucfg2)
{
	return e->cpu->model->cpucfg[2] & cpucfg2;
}

/* What the reference engine raises an exception for is left to it. */
static bool possible(const struct emit *e, const struct insn *insn, unsigned size)
{
	return model_has(e, size < 4 ? CPUCFG2_LAM_BH : CPUCFG2_LAM) &&
	       !(insn->rd && (insn->rd == insn->rj || insn->rd == insn->rk));
}

/* RAX: the host address of what rj points to, naturally aligned. */
static void address(struct emit *e, const struct insn *insn, unsigned size)
{
	mem_address(e, (struct guest_address){ .base = insn->rj }, size, true);
	if (size == 1)
		return;
	x86_test_ri(&e->code, 1, RAX, (int32_t)size - 1);
	emit_interp_slow_jcc(e, CC_NE);
}

/* rd is what was in memory, which is in @old now. */
static void result(struct emit *e, const struct insn *insn, unsigned old, unsigned size)
{
	if (!insn->rd)
		return;
	x86_movsx_rr(&e->code, gr_def(e, insn->rd), old, size);
	gr_done(e, insn->rd);
}

static bool swap(struct emit *e, const struct insn *insn, unsigned size)
{
	unsigned value;

	if (!possible(e, insn, size))
		return false;
	value = gr_use(e, insn->rk);
	address(e, insn, size);
	x86_mov_rr(&e->code, 8, RCX, value);
	x86_xchg_mr(&e->code, size, x86_at(RAX, 0), RCX);
	result(e, insn, RCX, size);
	return true;
}

static bool add(struct emit *e, const struct insn *insn, unsigned size)
{
	unsigned value;

	if (!possible(e, insn, size))
		return false;
	value = gr_use(e, insn->rk);
	address(e, insn, size);
	if (!insn->rd) {
		x86_lock_alu_mr(&e->code, ALU_ADD, size, x86_at(RAX, 0), value);
		return true;
	}
	x86_mov_rr(&e->code, 8, RCX, value);
	x86_lock_xadd(&e->code, size, x86_at(RAX, 0), RCX);
	result(e, insn, RCX, size);
	return true;
}

/* RDX: the address; RAX: what is there. */
static void loop_begin(struct emit *e, const struct insn *insn, unsigned size)
{
	address(e, insn, size);
	x86_mov_rr(&e->code, 8, RDX, RAX);
	x86_mov_rm(&e->code, size, RAX, x86_at(RDX, 0));
}

/* From @again on until nobody has come between: RCX is the new value. */
static void loop_end(struct emit *e, const struct insn *insn, unsigned size, const uint8_t *again)
{
	x86_lock_cmpxchg(&e->code, size, x86_at(RDX, 0), RCX);
	x86_jcc(&e->code, CC_NE, again);
	result(e, insn, RAX, size);
}

static bool logic(struct emit *e, const struct insn *insn, enum x86_alu op, unsigned size)
{
	const uint8_t *again;
	unsigned value;

	if (!possible(e, insn, size))
		return false;
	value = gr_use(e, insn->rk);
	if (!insn->rd) {
		address(e, insn, size);
		x86_lock_alu_mr(&e->code, op, size, x86_at(RAX, 0), value);
		return true;
	}
	loop_begin(e, insn, size);
	again = e->code.at + e->code.rx;
	x86_mov_rr(&e->code, 8, RCX, RAX);
	x86_alu_rr(&e->code, op, size, RCX, value);
	loop_end(e, insn, size, again);
	return true;
}

/* The old value stays if @cc after its comparison with rk. */
static bool choose(struct emit *e, const struct insn *insn, enum x86_cond cc, unsigned size)
{
	const uint8_t *again;
	unsigned value;

	if (!possible(e, insn, size))
		return false;
	value = gr_use(e, insn->rk);
	loop_begin(e, insn, size);
	again = e->code.at + e->code.rx;
	x86_mov_rr(&e->code, 8, RCX, value);
	x86_alu_rr(&e->code, ALU_CMP, size, RAX, RCX);
	x86_cmov(&e->code, cc, size, RCX, RAX);
	loop_end(e, insn, size, again);
	return true;
}

/* rd is the expected value, and may be any of the other registers. */
static bool compare_and_swap(struct emit *e, const struct insn *insn, unsigned size)
{
	unsigned expected, value;

	if (!model_has(e, CPUCFG2_LAMCAS))
		return false;
	expected = gr_use(e, insn->rd);
	value = gr_use(e, insn->rk);
	address(e, insn, size);
	x86_mov_rr(&e->code, 8, RDX, RAX);
	x86_mov_rr(&e->code, 8, RAX, expected);
	x86_lock_cmpxchg(&e->code, size, x86_at(RDX, 0), value);
	result(e, insn, RAX, size);
	return true;
}

#define ROW(name, expression)                                                                                \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		return expression;                                                                           \
	}
#define PAIR(op, suffix, expression)                                                                         \
	ROW(op##_##suffix, expression)                                                                       \
	ROW(op##_db_##suffix, expression)
#define WORDS(op, function, how)                                                                             \
	PAIR(op, w, function(e, insn, how, 4))                                                               \
	PAIR(op, d, function(e, insn, how, 8))

PAIR(amswap, b, swap(e, insn, 1))
PAIR(amswap, h, swap(e, insn, 2))
PAIR(amswap, w, swap(e, insn, 4))
PAIR(amswap, d, swap(e, insn, 8))
PAIR(amadd, b, add(e, insn, 1))
PAIR(amadd, h, add(e, insn, 2))
PAIR(amadd, w, add(e, insn, 4))
PAIR(amadd, d, add(e, insn, 8))
WORDS(amand, logic, ALU_AND)
WORDS(amor, logic, ALU_OR)
WORDS(amxor, logic, ALU_XOR)
WORDS(ammax, choose, CC_G)
WORDS(ammin, choose, CC_L)
PAIR(ammax, wu, choose(e, insn, CC_A, 4))
PAIR(ammax, du, choose(e, insn, CC_A, 8))
PAIR(ammin, wu, choose(e, insn, CC_B, 4))
PAIR(ammin, du, choose(e, insn, CC_B, 8))
PAIR(amcas, b, compare_and_swap(e, insn, 1))
PAIR(amcas, h, compare_and_swap(e, insn, 2))
PAIR(amcas, w, compare_and_swap(e, insn, 4))
PAIR(amcas, d, compare_and_swap(e, insn, 8))
