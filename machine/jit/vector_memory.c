/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Loads and stores of LSX and LASX, Vol.2: of whole vectors, of one element to all, of one element. */
#include "machine/jit/vector_frame.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/vector_memory.def"
#undef EMIT

static struct guest_address by_offset(const struct insn *insn)
{
	return (struct guest_address){ .base = insn->rj, .offset = insn->imm };
}

static struct guest_address by_index(const struct insn *insn)
{
	return (struct guest_address){ .base = insn->rj, .index = insn->rk, .indexed = true };
}

static bool load(struct emit *e, const struct insn *insn, unsigned bits, struct guest_address a)
{
	vector_need(e, bits);
	mem_load_vr(e, a, insn->rd, bits / 8);
	return true;
}

static bool store(struct emit *e, const struct insn *insn, unsigned bits, struct guest_address a)
{
	vector_need(e, bits);
	mem_store_vr(e, a, insn->rd, bits / 8);
	return true;
}

static bool load_replicate(struct emit *e, const struct insn *insn, unsigned bits, unsigned size,
			   enum x86_vop broadcast)
{
	vector_need(e, bits);
	mem_load_host(e, by_offset(insn), size);
	x86_v2m(&e->code, broadcast, bits, vr_def(e, insn->rd, bits / 8), x86_at(RAX, 0));
	return vector_end(e, insn, bits);
}

static bool store_element(struct emit *e, const struct insn *insn, unsigned bits, unsigned size,
			  enum x86_vop extract)
{
	const unsigned per_lane = 16 / size;
	unsigned v;

	vector_need(e, bits);
	if (insn->imm2 == 0 && size >= 4) {
		mem_store_vr(e, by_offset(insn), insn->rd, size);
		return true;
	}
	v = vr_use(e, insn->rd, bits / 8);
	mem_address(e, by_offset(insn), size, true);
	if (insn->imm2 >= per_lane) {
		x86_v2i(&e->code, V_extracti128, 256, T0, v, 1);
		v = T0;
	}
	x86_v2mi(&e->code, extract, 128, v, x86_at(RAX, 0), insn->imm2 % per_lane);
	return true;
}

VECTOR_ROWS(ld, load, by_offset(insn))
VECTOR_ROWS(st, store, by_offset(insn))
VECTOR_ROWS(ldx, load, by_index(insn))
VECTOR_ROWS(stx, store, by_index(insn))
VECTOR_ROWS(ldrepl_b, load_replicate, 1, V_pbroadcastb)
VECTOR_ROWS(ldrepl_h, load_replicate, 2, V_pbroadcastw)
VECTOR_ROWS(ldrepl_w, load_replicate, 4, V_pbroadcastd)
VECTOR_ROWS(ldrepl_d, load_replicate, 8, V_pbroadcastq)
VECTOR_ROWS(stelm_b, store_element, 1, V_pextrb)
VECTOR_ROWS(stelm_h, store_element, 2, V_pextrw)
VECTOR_ROWS(stelm_w, store_element, 4, V_pextrd)
VECTOR_ROWS(stelm_d, store_element, 8, V_pextrq)
