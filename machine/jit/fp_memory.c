/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Floating-point loads and stores. */
#include "machine/jit/fp_emit.h"

static struct guest_address offset_of(const struct insn *insn)
{
	return (struct guest_address){ .base = insn->rj, .offset = insn->imm };
}

static struct guest_address index_of(const struct insn *insn)
{
	return (struct guest_address){ .base = insn->rj, .index = insn->rk, .indexed = true };
}

static bool load_s(struct emit *e, const struct insn *insn, struct guest_address address)
{
	unsigned d;

	emit_need_fp(e);
	mem_load_host(e, address, 4);
	d = vr_def(e, insn->rd, 8);
	x86_vload(&e->code, 4, d, x86_at(RAX, 0));
	emit_box_single(e, d);
	vr_done(e, insn->rd, 8);
	return true;
}

static bool load_d(struct emit *e, const struct insn *insn, struct guest_address address)
{
	emit_need_fp(e);
	mem_load_vr(e, address, insn->rd, 8);
	return true;
}

static bool store(struct emit *e, const struct insn *insn, struct guest_address address, unsigned size)
{
	emit_need_fp(e);
	mem_store_vr(e, address, insn->rd, size);
	return true;
}

bool emit_fld_s(struct emit *e, const struct insn *insn)
{
	return load_s(e, insn, offset_of(insn));
}

bool emit_fld_d(struct emit *e, const struct insn *insn)
{
	return load_d(e, insn, offset_of(insn));
}

bool emit_fldx_s(struct emit *e, const struct insn *insn)
{
	return load_s(e, insn, index_of(insn));
}

bool emit_fldx_d(struct emit *e, const struct insn *insn)
{
	return load_d(e, insn, index_of(insn));
}

bool emit_fst_s(struct emit *e, const struct insn *insn)
{
	return store(e, insn, offset_of(insn), 4);
}

bool emit_fst_d(struct emit *e, const struct insn *insn)
{
	return store(e, insn, offset_of(insn), 8);
}

bool emit_fstx_s(struct emit *e, const struct insn *insn)
{
	return store(e, insn, index_of(insn), 4);
}

bool emit_fstx_d(struct emit *e, const struct insn *insn)
{
	return store(e, insn, index_of(insn), 8);
}
