/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Translation of one block (jit_impl.h): which guest instructions it has, their code one after the other by
 * the emitters, and behind them what is out of line.
 */
#include <string.h>

#include "machine/interp/fp.h"
#include "machine/interp/interp.h"
#include "machine/jit/check.h"
#include "machine/jit/fp_emit.h"
#include "machine/jit/jit_impl.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/emit.def"
#undef EMIT

static emit_fn *const emitter[ISA_OP_COUNT] = {
#define EMIT(name) [ISA_##name] = emit_##name,
#include "machine/jit/emit.def"
#undef EMIT
};

uint32_t emit_site(struct emit *e, unsigned size)
{
	const uint32_t site = e->next_site++;

	e->jit->site[site] =
		(struct jit_site){ e->insns[e->index], e->block, (uint16_t)e->index, (uint16_t)size };
	return site;
}

struct slow *emit_slow(struct emit *e, enum slow_kind kind, uint8_t *from)
{
	struct slow *slow = &e->slow[e->slows];

	/* An instruction has a few at most; room for them is left when a block is begun. */
	e->slows++;
	memset(slow, 0, sizeof(*slow));
	slow->kind = kind;
	slow->from = from;
	return slow;
}

uint32_t emit_link(struct emit *e, uint64_t target, uint8_t *jump)
{
	const uint32_t link = e->next_link++;

	e->jit->link[link] = (struct jit_link){ .target = target, .jump = jump, .from = e->block };
	return link;
}

void emit_interp_slow(struct emit *e, uint8_t *jump)
{
	struct slow *slow = emit_slow(e, SLOW_INSN, jump);

	slow->site = emit_site(e, 0);
}

void emit_interp_slow_jcc(struct emit *e, enum x86_cond cc)
{
	regs_flush(e);
	emit_interp_slow(e, x86_jcc_forward(&e->code, cc));
}

/* Leaves for the reference engine if a unit is missing; what has been tested stays so in a block. */
static void need(struct emit *e, unsigned missing)
{
	struct slow *slow;

	if (!(missing & ~e->tested))
		return;
	regs_flush(e);
	x86_test_mi(&e->code, 1, CPU_MEM(e, jit.missing), (int32_t)missing);
	slow = emit_slow(e, SLOW_INTERPRET, x86_jcc_forward(&e->code, CC_NE));
	slow->site = emit_site(e, 0);
	slow->give = (int32_t)(e->count - e->index);
	e->tested |= (uint8_t)missing;
}

void emit_need_fp(struct emit *e)
{
	need(e, JIT_MISSING_FP);
}

void emit_need_lsx(struct emit *e)
{
	need(e, JIT_MISSING_LSX);
}

void emit_need_lasx(struct emit *e)
{
	need(e, JIT_MISSING_LASX);
}

void emit_need_fp_arith(struct emit *e)
{
	need(e, JIT_MISSING_QUIET_FP);
}

static bool is_branch(const struct insn *insn)
{
	return (isa_info[insn->op].flags & (ISA_BRANCH | ISA_PRIVILEGED)) == ISA_BRANCH;
}

/*
 * After which no instruction of the block can follow: unconditional and backward branches, and what may
 * change how the next ones are to be translated or executed.
 */
static bool ends_block(const struct insn *insn)
{
	switch (insn->op) {
	case ISA_b:
	case ISA_bl:
	case ISA_jirl:
	case ISA_syscall:
	case ISA_break:
	case ISA_ibar:
	case ISA_INVALID:
		return true;
	case ISA_beq:
	case ISA_bge:
	case ISA_bgeu:
		return insn->rj == insn->rd || insn->imm < 0; /* always taken */
	default:
		return (is_branch(insn) && insn->imm < 0) || isa_info[insn->op].flags & ISA_END;
	}
}

/*
 * Decodes the instructions of a block of @cpu, whose words are at @code in a page of @room words.  With
 * --engine check what cannot be checked is a block of its own.
 */
static unsigned scan(struct insn *insns, const uint32_t *code, unsigned room, const struct cpu *cpu)
{
	const bool checked = cpu->group->translator.jit->options.check;
	unsigned count = 0;

	while (count < room && count < JIT_BLOCK_INSNS) {
		struct insn *insn = &insns[count];
		bool alone;

		interp_decode(insn, __atomic_load_n(&code[count], __ATOMIC_RELAXED));
		alone = checked && check_alone(cpu, insn);
		if (alone && count)
			break;
		count++;
		if (alone || ends_block(insn))
			break;
	}
	return count;
}

/* The units that an instruction with an emitter tests, JIT_MISSING_*. */
static unsigned units_of(const struct insn *insn)
{
	switch (isa_info[insn->op].extension) {
	case ISA_EXT_FP:
		return JIT_MISSING_FP | (emit_sets_cause(insn) ? JIT_MISSING_QUIET_FP : 0);
	case ISA_EXT_LSX:
		return JIT_MISSING_LSX | (emit_sets_cause(insn) ? JIT_MISSING_QUIET_FP : 0);
	case ISA_EXT_LASX:
		return JIT_MISSING_LASX | (emit_sets_cause(insn) ? JIT_MISSING_QUIET_FP : 0);
	default:
		return insn->op == ISA_bceqz || insn->op == ISA_bcnez ? JIT_MISSING_FP : 0;
	}
}

/* Whether @insn sets FCSR0.Cause, so that nobody wants to know any more what it was. */
static bool sets_cause(const struct insn *insn)
{
	if (insn->op == ISA_movgr2fcsr)
		return fp_fcsr_view(insn->rd) & FCSR_CAUSE;
	return emit_sets_cause(insn);
}

/* Whether somebody may look at FCSR0 in @insn or behind it, as it leaves the block; @tested: units_of()
 * before. */
static bool may_look(const struct insn *insn, unsigned tested)
{
	switch (insn->op) {
	case ISA_movfcsr2gr:
		return units_of(insn) & ~tested || fp_fcsr_view(insn->rj) & FCSR_CAUSE;
	case ISA_movgr2fcsr: /* what it leaves of Cause is about an instruction before */
		return units_of(insn) & ~tested || !sets_cause(insn);
	case ISA_rdtimel_w: /* may be forbidden, as CPUCFG is to guests */
	case ISA_rdtimeh_w:
	case ISA_rdtime_d:
	case ISA_cpucfg:
	case ISA_bstrins_w: /* these have encodings that raise INE */
	case ISA_bstrins_d:
	case ISA_bstrpick_w:
	case ISA_bstrpick_d:
	case ISA_vldi:
	case ISA_xvldi:
		return true;
	}
	switch (isa_info[insn->op].extension) {
	case ISA_EXT_BASE:
	case ISA_EXT_FP:
	case ISA_EXT_LSX:
	case ISA_EXT_LASX:
		return !emitter[insn->op] || units_of(insn) & ~tested ||
		       isa_info[insn->op].flags & (ISA_LOAD | ISA_STORE | ISA_BRANCH);
	default:
		return true;
	}
}

/*
 * Which FP instructions need to leave word of FCSR0.Cause: not those that another one follows before
 * anybody may look.
 */
static void find_causes(struct emit *e)
{
	bool looks[JIT_BLOCK_INSNS], wanted = true;
	unsigned tested = 0;

	for (unsigned i = 0; i < e->count; i++) {
		looks[i] = may_look(&e->insns[i], tested);
		tested |= units_of(&e->insns[i]);
		if (e->insns[i].op == ISA_movgr2fcsr)
			tested &= ~(unsigned)JIT_MISSING_QUIET_FP;
	}
	for (unsigned i = e->count; i-- > 0;) {
		e->cause_wanted[i] = wanted;
		wanted = looks[i] || (wanted && !sets_cause(&e->insns[i]));
	}
}

/* The reference engine's function does it, in line. */
static void call_interpreter(struct emit *e)
{
	regs_flush(e);
	x86_mov_ri(&e->code, RSI, emit_site(e, 0));
	x86_call(&e->code, e->jit->thunk.insn);
	regs_begin(e);
	e->stats.interpreted++;
}

static void insn_translate(struct emit *e)
{
	const struct insn *insn = &e->insns[e->index];
	const unsigned slows = e->slows;

	regs_begin_insn(e);
	if (!emitter[insn->op] || !emitter[insn->op](e, insn)) {
		call_interpreter(e);
		return;
	}
	/* The reference engine's part in this instruction ends here. */
	for (unsigned i = slows; i < e->slows; i++) {
		if (e->slow[i].kind != SLOW_INSN)
			continue;
		e->slow[i].back = e->code.at + e->code.rx;
		regs_note(e, &e->slow[i]);
	}
}

static void give_back(struct emit *e, int32_t insns)
{
	if (insns)
		x86_lea(&e->code, 8, REG_LEFT, x86_at(REG_LEFT, insns));
}

/* Leaves by @thunk, which finds @what in ECX. */
static void leave(struct emit *e, uint32_t what, const uint8_t *thunk)
{
	x86_mov_ri(&e->code, RCX, what);
	x86_jmp(&e->code, thunk);
}

static void link_stub(struct emit *e, uint32_t link, const uint8_t *thunk)
{
	e->jit->link[link].stub = e->code.at + e->code.rx;
	leave(e, link, thunk);
}

/*
 * RAX is the address of the access, or the offset in the page of the soft TLB's entry that RCX says, and then
 * becomes the address again.
 */
static void restore_address(struct emit *e, const struct slow *slow, enum softtlb_access kind)
{
	if (slow->base == RAX)
		return;
	x86_alu_rm(&e->code, ALU_ADD, 8, RAX,
		   x86_at_index(REG_BANK, RCX, 1,
				(int32_t)(offsetof(struct softtlb_bank, entry) +
					  offsetof(struct softtlb_entry, tag) + sizeof(uint64_t) * kind)));
}

static void slow_store(struct emit *e, const struct slow *slow)
{
	struct code *c = &e->code;

	restore_address(e, slow, SOFTTLB_STORE);
	if (slow->kind == SLOW_STORE_GR)
		x86_mov_mr(c, slow->size, CPU_MEM(e, jit.bounce), slow->reg);
	else
		x86_vstore(c, slow->size, slow->reg, CPU_MEM(e, jit.bounce));
	x86_mov_ri(c, RDX, slow->site);
	x86_call(c, e->jit->thunk.store);
	regs_reload(e, slow);
	x86_jmp(c, slow->back);
}

static void slow_load(struct emit *e, const struct slow *slow)
{
	struct code *c = &e->code;

	restore_address(e, slow, SOFTTLB_LOAD);
	x86_mov_ri(c, RDX, slow->site);
	x86_call(c, e->jit->thunk.load);
	regs_reload(e, slow);
	/* RAX is 0 and RDX the place, for [RAX + RDX]. */
	if (slow->base != RAX) {
		x86_lea(c, 8, RDX, x86_at(RDX, -slow->offset));
		x86_alu_rr(c, ALU_SUB, 8, RDX, slow->base);
	}
	x86_jmp(c, slow->back);
}

/* Goes on at @target inside what the reference engine executes as one straight run. */
static void go_on(struct emit *e, uint64_t target)
{
	struct slow *slow;

	/*
	 * There it would not look at interrupts.  Who wants that to be done soon has made the budget negative
	 * (help.c), and would be heard too early.
	 */
	regs_flush_last(e);
	x86_test_rr(&e->code, 8, REG_LEFT, REG_LEFT);
	slow = emit_slow(e, SLOW_RESUME, x86_jcc_forward(&e->code, CC_S));
	emit_goto(e, target);
	slow->link = e->slow[e->slows - 1].link;
}

static void slow_path(struct emit *e, const struct slow *slow)
{
	struct code *c = &e->code;

	x86_here(c, slow->from);
	switch ((enum slow_kind)slow->kind) {
	case SLOW_LOAD:
		slow_load(e, slow);
		break;
	case SLOW_STORE_GR:
	case SLOW_STORE_VR:
		slow_store(e, slow);
		break;
	case SLOW_INSN:
		x86_mov_ri(c, RSI, slow->site);
		x86_call(c, e->jit->thunk.insn);
		regs_reload(e, slow);
		x86_jmp(c, slow->back);
		break;
	case SLOW_INTERPRET:
		give_back(e, slow->give);
		leave(e, slow->site, e->jit->thunk.interpret);
		break;
	case SLOW_LEAVE:
		give_back(e, slow->give);
		if (slow->target & JIT_PIECEMEAL)
			go_on(e, slow->target);
		else
			emit_goto(e, slow->target);
		break;
	case SLOW_LINK:
		link_stub(e, slow->link, e->jit->thunk.link);
		break;
	case SLOW_RESUME:
		leave(e, slow->link, e->jit->thunk.resume);
		break;
	case SLOW_GUARD:
		leave(e, slow->site, e->jit->thunk.guard);
		break;
	case SLOW_BUDGET:
		give_back(e, slow->give);
		leave(e, slow->site, e->jit->thunk.budget);
		break;
	}
}

void emit_fall_through(struct emit *e)
{
	if ((e->pc + 4) % BUS_PAGE_SIZE)
		go_on(e, e->pc + 4);
	else
		emit_goto(e, e->pc + 4);
}

static void entries(struct emit *e, struct jit_block *block)
{
	struct code *c = &e->code;
	const struct jit_page *page = &e->jit->page[e->page];
	const unsigned index = (unsigned)(page->va >> e->jit->page_bits) % SOFTTLB_ENTRIES;
	struct slow *slow;

	/* Aligned so that the number of the page can be changed while cores execute this, cache.c. */
	while ((uintptr_t)c->at % 16 && !c->full)
		x86_nop(c, 16 - (uintptr_t)c->at % 16 > 8 ? 8 : 16 - (uintptr_t)c->at % 16);
	block->guarded = c->at + c->rx;
	x86_alu_mi(c, ALU_CMP, 4,
		   x86_at(REG_BANK, (int32_t)(offsetof(struct softtlb_bank, exec_id) + 4 * index)),
		   (int32_t)e->page);
	slow = emit_slow(e, SLOW_GUARD, x86_jcc_forward(c, CC_NE));
	slow->site = emit_site(e, 0);
	block->entry = c->at + c->rx;
	x86_alu_ri(c, ALU_SUB, 8, REG_LEFT, (int32_t)e->count);
	slow = emit_slow(e, SLOW_BUDGET, x86_jcc_forward(c, CC_S));
	slow->site = slow[-1].site;
	slow->give = (int32_t)e->count;
	dump_entry(e, block->pc);
}

/* The number of host code bytes before each instruction and before what is out of line, for who shows the
 * code. */
static void put_offsets(struct emit *e, const uint16_t *offset)
{
	struct code *c = &e->code;

	c->at += -(uintptr_t)c->at % sizeof(*offset);
	if ((size_t)(c->end - c->at) < (e->count + 1) * sizeof(*offset)) {
		c->full = true;
		return;
	}
	memcpy(c->at, offset, (e->count + 1) * sizeof(*offset));
	c->at += (e->count + 1) * sizeof(*offset);
}

static void body(struct emit *e, struct jit_block *block)
{
	struct jit_stats *stats = &e->stats;
	uint16_t offset[JIT_BLOCK_INSNS + 1];
	const uint8_t *begin;

	regs_begin(e);
	entries(e, block);
	begin = block->guarded;
	for (e->index = 0; e->index < e->count; e->index++) {
		e->pc = (block->pc & ~(uint64_t)JIT_PIECEMEAL) + 4 * e->index;
		offset[e->index] = (uint16_t)(e->code.at + e->code.rx - begin);
		insn_translate(e);
	}
	e->index = e->count - 1;
	if (!e->ended)
		emit_fall_through(e);
	offset[e->count] = (uint16_t)(e->code.at + e->code.rx - begin);
	stats->host_insns = e->code.insns;
	for (unsigned i = 0; i < e->slows; i++)
		slow_path(e, &e->slow[i]);
	stats->slow_insns = e->code.insns - stats->host_insns;
	block->end = e->code.at + e->code.rx;
	put_offsets(e, offset);
}

/* Of one more block. */
static void count(struct jit_stats *sum, const struct jit_stats *block)
{
	sum->blocks++;
	sum->guest_insns += block->guest_insns;
	sum->host_bytes += block->host_bytes;
	sum->host_insns += block->host_insns;
	sum->slow_insns += block->slow_insns;
	sum->interpreted += block->interpreted;
}

/* The block is there for all cores, or it is as if it had not been made: what cache_publish() says. */
static uint32_t publish(struct emit *e, struct jit_region *region, uint64_t begin)
{
	struct jit *jit = e->jit;
	uint32_t number;

	pthread_mutex_lock(&jit->lock);
	number = cache_publish(jit, e->block);
	if (number == e->block) {
		count(&jit->stats, &e->stats);
		region->next = (struct jit_place){ e->code.at, e->block + 1, e->next_link, e->next_site };
	} else {
		jit->stats.discarded++;
	}
	dump_keep(e, number == e->block);
	jit->stats.translate_ns += jit_now_ns() - begin;
	pthread_mutex_unlock(&jit->lock);
	return number;
}

uint32_t translate(struct jit *jit, struct cpu *cpu, struct jit_region *region, uint32_t page, uint64_t pc)
{
	const uint64_t begin = jit_now_ns(), at = pc & ~(uint64_t)JIT_PIECEMEAL,
		       offset = at - jit->page[page].va;
	struct insn insns[JIT_BLOCK_INSNS];
	struct jit_block *block = &jit->block[region->next.block];
	struct emit e;

	e.code = (struct code){ .at = region->next.at, .end = region->end, .rx = jit->rx - jit->rw };
	e.jit = jit;
	e.cpu = cpu;
	e.insns = insns;
	/* Blocks end where the reference engine's straight runs do. */
	e.count = scan(insns, (const uint32_t *)(jit->page[page].host + offset),
		       (unsigned)(BUS_PAGE_SIZE - offset % BUS_PAGE_SIZE) / 4, cpu);
	e.index = 0;
	e.pc = at;
	e.piecemeal = pc & JIT_PIECEMEAL;
	e.spans = 0;
	e.block = region->next.block;
	e.page = page;
	e.next_link = region->next.link;
	e.next_site = region->next.site;
	e.stats = (struct jit_stats){ 0 };
	e.dumped = NULL;
	e.tested = 0;
	e.ended = false;
	e.slows = 0;
	e.gr_clock = e.vr_clock = 0;
	find_causes(&e);
	*block = (struct jit_block){ .pc = pc, .page = page, .insns = e.count };
	body(&e, block);
	if (e.code.full) {
		region->full = true;
		dump_keep(&e, false);
		return 0;
	}
	e.stats.guest_insns = e.count;
	e.stats.host_bytes = (uint64_t)(block->end - block->guarded);
	return publish(&e, region, begin);
}
