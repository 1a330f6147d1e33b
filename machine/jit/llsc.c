/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * LL and SC in translated code (machine/cpu/reserve.h).  The only core of a machine keeps its reservation by
 * itself, and where an SC may compare with what its LL has read, that is the host's CMPXCHG; what is kept is
 * the same struct cpu_ll in both engines.  Real reservations are the reference engine's: in pages that have
 * some, nobody has a store right.
 */
#include "machine/interp/interp.h"
#include "machine/jit/jit_impl.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/llsc.def"
#undef EMIT

/* The mode's struct cpu_ll is at REG_CPU + RCX * 8. */
_Static_assert(sizeof(struct cpu_ll) == 24, "the index below");
_Static_assert(offsetof(struct cpu_ll, size) == 1 && offsetof(struct cpu_ll, compare) == 2 &&
		       offsetof(struct cpu_ll, offset) >= 4,
	       "kind_of() below");

static struct x86_mem ll_at(struct emit *e, size_t member)
{
	return x86_at_index(REG_CPU, RCX, 8, cpu_mem(e, offsetof(struct cpu, ll) + member).disp);
}

static void find_ll(struct emit *e)
{
	x86_movzx_rm(&e->code, RCX, CPU_MEM(e, guest_mode), 1);
	x86_lea(&e->code, 8, RCX, x86_at_index(RCX, RCX, 2, 0));
}

static bool alone(const struct emit *e)
{
	return e->jit->group->count <= 1;
}

static bool possible(const struct emit *e, bool ordered)
{
	const struct cpu_group *group = e->jit->group;

	if (ordered && !(e->cpu->model->cpucfg[2] & CPUCFG2_LLACQ_SCREL))
		return false;
	return alone(e) || (group->llsc_compares && group->parallel);
}

/* The first four bytes of struct cpu_ll after an LL. */
static int32_t kind_of(const struct emit *e, unsigned size)
{
	return (int32_t)(1u | size << 8 | (alone(e) ? 0 : 1u << 16));
}

/* RAX: the host address, naturally aligned. */
static void address(struct emit *e, struct guest_address a, unsigned size, bool store)
{
	mem_address(e, a, size, store);
	x86_test_ri(&e->code, 1, RAX, (int32_t)size - 1);
	emit_interp_slow_jcc(e, CC_NE);
}

/* A page without store rights may be one of real reservations, which RAM_PAGE_RESERVED would say. */
static bool load_linked(struct emit *e, const struct insn *insn, int32_t offset, unsigned size)
{
	struct code *c = &e->code;

	address(e, (struct guest_address){ .base = insn->rj, .offset = offset }, size, !alone(e));
	x86_mov_rm(c, size, RDX, x86_at(RAX, 0));
	x86_mov_ri(c, RCX, (uintptr_t)e->cpu->bus->ram);
	x86_alu_rr(c, ALU_SUB, 8, RAX, RCX);
	find_ll(e);
	x86_mov_mi(c, 4, ll_at(e, 0), kind_of(e, size));
	x86_mov_mr(c, 8, ll_at(e, offsetof(struct cpu_ll, offset)), RAX);
	if (!alone(e))
		x86_mov_mr(c, 8, ll_at(e, offsetof(struct cpu_ll, value)), RDX);
	x86_movsx_rr(c, gr_def(e, insn->rd), RDX, size);
	gr_done(e, insn->rd);
	return true;
}

/* Whatever is not the SC of the LL that came last is left to the reference engine. */
static bool store_conditional(struct emit *e, const struct insn *insn, int32_t offset, unsigned size)
{
	struct code *c = &e->code;
	const unsigned value = gr_use(e, insn->rd);
	unsigned done;

	address(e, (struct guest_address){ .base = insn->rj, .offset = offset }, size, true);
	find_ll(e);
	x86_mov_ri(c, RDX, -(uintptr_t)e->cpu->bus->ram);
	x86_alu_rr(c, ALU_ADD, 8, RDX, RAX);
	x86_alu_rm(c, ALU_CMP, 8, RDX, ll_at(e, offsetof(struct cpu_ll, offset)));
	emit_interp_slow_jcc(e, CC_NE);
	x86_alu_mi(c, ALU_CMP, 4, ll_at(e, 0), kind_of(e, size));
	emit_interp_slow_jcc(e, CC_NE);
	x86_mov_mi(c, 1, ll_at(e, 0), 0);
	if (alone(e)) {
		x86_mov_mr(c, size, x86_at(RAX, 0), value);
		x86_mov_ri(c, gr_def(e, insn->rd), 1);
		gr_done(e, insn->rd);
		return true;
	}
	x86_mov_rr(c, 8, RDX, RAX);
	x86_mov_rm(c, size, RAX, ll_at(e, offsetof(struct cpu_ll, value)));
	x86_lock_cmpxchg(c, size, x86_at(RDX, 0), value);
	x86_setcc(c, CC_E, RAX);
	done = gr_def(e, insn->rd);
	x86_movzx_rr(c, done, RAX, 1);
	gr_done(e, insn->rd);
	return true;
}

bool emit_ll_w(struct emit *e, const struct insn *insn)
{
	return possible(e, false) && load_linked(e, insn, insn->imm, 4);
}

bool emit_ll_d(struct emit *e, const struct insn *insn)
{
	return possible(e, false) && load_linked(e, insn, insn->imm, 8);
}

bool emit_sc_w(struct emit *e, const struct insn *insn)
{
	return possible(e, false) && store_conditional(e, insn, insn->imm, 4);
}

bool emit_sc_d(struct emit *e, const struct insn *insn)
{
	return possible(e, false) && store_conditional(e, insn, insn->imm, 8);
}

bool emit_llacq_w(struct emit *e, const struct insn *insn)
{
	return possible(e, true) && load_linked(e, insn, 0, 4);
}

bool emit_llacq_d(struct emit *e, const struct insn *insn)
{
	return possible(e, true) && load_linked(e, insn, 0, 8);
}

bool emit_screl_w(struct emit *e, const struct insn *insn)
{
	return possible(e, true) && store_conditional(e, insn, 0, 4);
}

bool emit_screl_d(struct emit *e, const struct insn *insn)
{
	return possible(e, true) && store_conditional(e, insn, 0, 8);
}
