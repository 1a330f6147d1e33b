/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Guest loads and stores in translated code: the soft TLB (machine/cpu/softtlb.h) is looked up inline, eight
 * host instructions a load; what it does not know goes out of line to help.c.
 *
 * Accesses by one base register often lie together: a structure, a stack frame.  Where several follow each
 * other in a block, the soft TLB is looked up once for the span of all, and each is then one host
 * instruction. A translation cannot change inside a block.  If the span does not lie in one page that the
 * soft TLB knows, the rest of the block is executed by a second translation of it in which each access is
 * looked up.
 */
#include "isa/format.h"
#include "machine/jit/jit_impl.h"

static struct x86_mem entry_at(size_t member)
{
	return x86_at_index(REG_BANK, RCX, 1, (int32_t)(offsetof(struct softtlb_bank, entry) + member));
}

static struct x86_mem tag_of(enum softtlb_access kind)
{
	return entry_at(offsetof(struct softtlb_entry, tag) + sizeof(uint64_t) * kind);
}

/*
 * RCX: the entry's offset; RAX: offset in the page of the access, of an indexed one its address.  Returns the
 * jump that is taken where the entry does not allow it, or the access leaves the page.
 */
static uint8_t *look_up(struct emit *e, struct guest_address a, unsigned size, enum softtlb_access kind)
{
	struct code *c = &e->code;
	const unsigned base = gr_use(e, a.base), bits = e->jit->page_bits;

	if (a.indexed)
		x86_lea(c, 8, RAX, x86_at_index(base, gr_use(e, a.index), 1, a.offset));
	else if (a.offset)
		x86_lea(c, 8, RAX, x86_at(base, a.offset));
	else
		x86_mov_rr(c, 8, RAX, base);
	_Static_assert(sizeof(struct softtlb_entry) == 32, "the shift below");
	x86_rorx(c, 4, RCX, RAX, bits - 5);
	x86_alu_ri(c, ALU_AND, 4, RCX, (SOFTTLB_ENTRIES - 1) * (int32_t)sizeof(struct softtlb_entry));
	if (a.indexed)
		x86_mov_rr(c, 8, RDX, RAX);
	x86_alu_rm(c, ALU_SUB, 8, a.indexed ? RDX : RAX, tag_of(kind));
	regs_flush(e);
	x86_alu_ri(c, ALU_CMP, 8, a.indexed ? RDX : RAX, (int32_t)((1u << bits) - size));
	return x86_jcc_forward(c, CC_A);
}

/* Spans. */

#define SPAN_MAX 2048 /* bytes */

void regs_changed(struct emit *e, unsigned g)
{
	for (unsigned i = 0; i < JIT_SPANS; i++)
		if (e->span[i].base == g)
			e->span[i].live = false;
}

void mem_base_moved(struct emit *e, unsigned g, int32_t by)
{
	for (unsigned i = 0; i < JIT_SPANS; i++)
		if (e->span[i].base == g) {
			e->span[i].low -= by;
			e->span[i].high -= by;
		}
}

/* Of a load or store by base and immediate offset its size, 0 of all other instructions. */
static unsigned access_size(const struct insn *insn, enum softtlb_access kind)
{
	const uint16_t flags = isa_info[insn->op].flags, size = flags / ISA_SIZE(1) & 7;
	const unsigned wanted = kind == SOFTTLB_STORE ? ISA_LOAD | ISA_STORE : ISA_LOAD;

	switch (isa_info[insn->op].format) {
	case ISA_FORMAT_DJSk12:
	case ISA_FORMAT_DJSk14s2:
	case ISA_FORMAT_FdJSk12:
	case ISA_FORMAT_VdJSk12:
	case ISA_FORMAT_XdJSk12:
		break;
	default:
		return 0;
	}
	if (isa_info[insn->op].extension == ISA_EXT_ATOMIC || !(flags & wanted))
		return 0;
	return size ? 1u << (size - 1) : 0;
}

/* Whether @insn may give guest register @g a new value. */
static bool may_write(const struct insn *insn, unsigned g)
{
	const uint16_t flags = isa_info[insn->op].flags;

	if (insn->op == ISA_bl)
		return g == 1;
	if (insn->rd != g || flags & ISA_STORE || (flags & ISA_BRANCH && !(flags & ISA_CALL)))
		return false;
	return isa_info[insn->op].format == ISA_FORMAT_DJSk12 || !access_size(insn, SOFTTLB_LOAD);
}

/* Makes *span what this access and those that follow by its base register reach.  False: none does. */
static bool span_find(const struct emit *e, struct guest_address a, unsigned size, enum softtlb_access kind,
		      struct span *span)
{
	unsigned others = 0;
	int32_t moved = 0; /* the base register, since this instruction */

	*span = (struct span){ true, kind == SOFTTLB_STORE, a.base, a.offset, a.offset + (int32_t)size };
	for (unsigned i = e->index; i < e->count; i++) {
		const struct insn *insn = &e->insns[i];
		const unsigned bytes = insn->rj == a.base ? access_size(insn, kind) : 0;
		const int32_t offset = insn->imm + moved, low = offset < span->low ? offset : span->low;
		const int32_t end = offset + (int32_t)bytes, high = end > span->high ? end : span->high;

		if (bytes && i > e->index && high - low <= SPAN_MAX) {
			span->low = low;
			span->high = high;
			others++;
		}
		if (insn->op == ISA_addi_d && insn->rd == a.base && insn->rj == a.base)
			moved += insn->imm;
		else if (may_write(insn, a.base))
			break;
	}
	return others;
}

/* Looks the span up: host address less guest address is then the allocator's register GR_SPAN + @i. */
static void span_enter(struct emit *e, unsigned i)
{
	const struct span *span = &e->span[i];
	const enum softtlb_access kind = span->store ? SOFTTLB_STORE : SOFTTLB_LOAD;
	const struct guest_address low = { .base = span->base, .offset = span->low };
	struct slow *slow;
	unsigned host;

	slow = emit_slow(e, SLOW_LEAVE, look_up(e, low, (unsigned)(span->high - span->low), kind));
	slow->target = e->pc + JIT_PIECEMEAL;
	slow->give = (int32_t)(e->count - e->index);
	host = gr_def(e, GR_SPAN + i);
	x86_mov_rm(&e->code, 8, host, entry_at(offsetof(struct softtlb_entry, addend)));
	gr_done(e, GR_SPAN + i);
}

/* Where the access goes, if it is in a span. */
static bool in_span(struct emit *e, struct guest_address a, unsigned size, enum softtlb_access kind,
		    struct x86_mem *place)
{
	struct span wanted;
	unsigned i = 0;

	if (a.indexed || !a.base || e->piecemeal)
		return false;
	while (i < JIT_SPANS &&
	       !(e->span[i].live && e->span[i].base == a.base && e->span[i].low <= a.offset &&
		 a.offset + (int32_t)size <= e->span[i].high && (kind == SOFTTLB_LOAD || e->span[i].store)))
		i++;
	if (i == JIT_SPANS) {
		if (!span_find(e, a, size, kind, &wanted))
			return false;
		i = e->spans++ % JIT_SPANS;
		e->span[i] = wanted;
		span_enter(e, i);
	}
	*place = x86_at_index(gr_use(e, a.base), gr_use(e, GR_SPAN + i), 1, a.offset);
	return true;
}

/* Single accesses. */

/*
 * Where the access goes: RDX is host address less guest address, which the host can work out while it still
 * compares.
 */
static struct x86_mem host_at(struct emit *e, struct guest_address a, struct slow *slow)
{
	const unsigned base = a.indexed ? RAX : gr_use(e, a.base);

	x86_mov_rm(&e->code, 8, RDX, entry_at(offsetof(struct softtlb_entry, addend)));
	slow->base = (uint8_t)base;
	slow->offset = a.indexed ? 0 : a.offset;
	return x86_at_index(base, RDX, 1, slow->offset);
}

static struct x86_mem load(struct emit *e, struct guest_address a, unsigned size)
{
	struct x86_mem place;
	struct slow *slow;

	if (in_span(e, a, size, SOFTTLB_LOAD, &place))
		return place;
	slow = emit_slow(e, SLOW_LOAD, look_up(e, a, size, SOFTTLB_LOAD));
	slow->site = emit_site(e, size);
	place = host_at(e, a, slow);
	slow->back = e->code.at + e->code.rx;
	regs_note(e, slow);
	return place;
}

void mem_load_gr(struct emit *e, struct guest_address a, unsigned rd, unsigned size, bool sign)
{
	const struct x86_mem from = load(e, a, size);
	const unsigned d = gr_def(e, rd);

	if (size == 8)
		x86_mov_rm(&e->code, 8, d, from);
	else if (sign)
		x86_movsx_rm(&e->code, d, from, size);
	else
		x86_movzx_rm(&e->code, d, from, size);
	if (size == 8 || (size == 4 && !sign))
		gr_done(e, rd);
	else
		gr_done_extended(e, rd);
}

void mem_load_vr(struct emit *e, struct guest_address a, unsigned vd, unsigned size)
{
	const struct x86_mem from = load(e, a, size);

	x86_vload(&e->code, size, vr_def(e, vd, size), from);
	vr_done(e, vd, size);
}

void mem_load_host(struct emit *e, struct guest_address a, unsigned size)
{
	x86_lea(&e->code, 8, RAX, load(e, a, size));
}

/* The slow path of a store is not known to the span's place, so *slow is NULL there. */
static struct x86_mem store(struct emit *e, struct guest_address a, unsigned size, enum slow_kind kind,
			    unsigned reg, struct slow **slow)
{
	struct x86_mem place;

	*slow = NULL;
	if (in_span(e, a, size, SOFTTLB_STORE, &place))
		return place;
	*slow = emit_slow(e, kind, look_up(e, a, size, SOFTTLB_STORE));
	(*slow)->site = emit_site(e, size);
	(*slow)->reg = (uint8_t)reg;
	(*slow)->size = (uint8_t)size;
	return host_at(e, a, *slow);
}

static void store_done(struct emit *e, struct slow *slow)
{
	if (!slow)
		return;
	slow->back = e->code.at + e->code.rx;
	regs_note(e, slow);
}

void mem_store_gr(struct emit *e, struct guest_address a, unsigned rd, unsigned size)
{
	const unsigned value = gr_use(e, rd);
	struct slow *slow;
	const struct x86_mem to = store(e, a, size, SLOW_STORE_GR, value, &slow);

	x86_mov_mr(&e->code, size, to, value);
	store_done(e, slow);
}

void mem_store_vr(struct emit *e, struct guest_address a, unsigned vd, unsigned size)
{
	const unsigned value = vr_use(e, vd, size);
	struct slow *slow;
	const struct x86_mem to = store(e, a, size, SLOW_STORE_VR, value, &slow);

	x86_vstore(&e->code, size, value, to);
	store_done(e, slow);
}

/* The reference engine may hear of other cores' wishes about store rights: no span outlives that. */
void mem_address(struct emit *e, struct guest_address a, unsigned size, bool store)
{
	uint8_t *miss = look_up(e, a, size, store ? SOFTTLB_STORE : SOFTTLB_LOAD);

	emit_interp_slow(e, miss);
	for (unsigned i = 0; i < JIT_SPANS; i++)
		e->span[i].live = false;
	x86_alu_rm(&e->code, ALU_ADD, 8, RAX, tag_of(store ? SOFTTLB_STORE : SOFTTLB_LOAD));
	x86_alu_rm(&e->code, ALU_ADD, 8, RAX, entry_at(offsetof(struct softtlb_entry, addend)));
}

/* Rows of base.def. */

static struct guest_address offset_of(const struct insn *insn)
{
	return (struct guest_address){ .base = insn->rj, .offset = insn->imm };
}

static struct guest_address index_of(const struct insn *insn)
{
	return (struct guest_address){ .base = insn->rj, .index = insn->rk, .indexed = true };
}

#define LOAD(name, address, size, sign)                                                                      \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		mem_load_gr(e, address(insn), insn->rd, size, sign);                                         \
		return true;                                                                                 \
	}
#define STORE(name, address, size)                                                                           \
	bool emit_##name(struct emit *e, const struct insn *insn)                                            \
	{                                                                                                    \
		mem_store_gr(e, address(insn), insn->rd, size);                                              \
		return true;                                                                                 \
	}
#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/memory.def"
#undef EMIT

LOAD(ld_b, offset_of, 1, true)
LOAD(ld_h, offset_of, 2, true)
LOAD(ld_w, offset_of, 4, true)
LOAD(ld_d, offset_of, 8, false)
LOAD(ld_bu, offset_of, 1, false)
LOAD(ld_hu, offset_of, 2, false)
LOAD(ld_wu, offset_of, 4, false)
LOAD(ldptr_w, offset_of, 4, true)
LOAD(ldptr_d, offset_of, 8, false)
LOAD(ldx_b, index_of, 1, true)
LOAD(ldx_h, index_of, 2, true)
LOAD(ldx_w, index_of, 4, true)
LOAD(ldx_d, index_of, 8, false)
LOAD(ldx_bu, index_of, 1, false)
LOAD(ldx_hu, index_of, 2, false)
LOAD(ldx_wu, index_of, 4, false)
STORE(st_b, offset_of, 1)
STORE(st_h, offset_of, 2)
STORE(st_w, offset_of, 4)
STORE(st_d, offset_of, 8)
STORE(stptr_w, offset_of, 4)
STORE(stptr_d, offset_of, 8)
STORE(stx_b, index_of, 1)
STORE(stx_h, index_of, 2)
STORE(stx_w, index_of, 4)
STORE(stx_d, index_of, 8)

/* Prefetches do nothing, and never fault. */
bool emit_preld(struct emit *e, const struct insn *insn)
{
	(void)e, (void)insn;
	return true;
}

bool emit_preldx(struct emit *e, const struct insn *insn)
{
	return emit_preld(e, insn);
}

/*
 * A host fence is wanted where a store before must be seen before a load after it: x86 keeps every other
 * order by itself.  Bits 2 and 1 of the hint (Vol.1 2.2.8.1) being 0 says that, but for 0x700, which orders
 * loads from one place only.
 */
bool emit_dbar(struct emit *e, const struct insn *insn)
{
	const uint32_t hint = insn->word & 0x7fff;

	if (hint != 0x700 && (hint > 0x1f || (hint & 6) == 0))
		x86_lock_or_stack(&e->code);
	return true;
}
