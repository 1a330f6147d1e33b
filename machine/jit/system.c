/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The constant counter, CPUCFG and CSRs in translated code.  CSRs that only hold a value are read and written
 * in place; so is CRMD where nothing but IE changes and no interrupt is to be taken.  Everything else is the
 * reference engine's.
 */
#include "machine/cpu/internal.h"
#include "machine/jit/jit_impl.h"

#define EMIT(name) emit_fn emit_##name;
#include "machine/jit/system.def"
#undef EMIT

#define MISC_DRDTL_ALL (MISC_DRDTL(1) | MISC_DRDTL(2) | MISC_DRDTL(3))
#define CPUCFG_WORDS   (sizeof(((struct cpu_model *)0)->cpucfg) / sizeof(uint32_t))
#define CPUCFG1_MSGINT (UINT32_C(1) << 26)
#define ESTAT_IS       0x5fff

/* To the reference engine where one of these is missing. */
static void need(struct emit *e, unsigned missing)
{
	x86_test_mi(&e->code, 1, CPU_MEM(e, jit.missing), (int32_t)missing);
	emit_interp_slow_jcc(e, CC_NE);
}

/* RDTIME. */

struct counter {
	uint64_t value, expired;
};

static struct counter read_counter(struct cpu *cpu)
{
	struct counter counter;
	bool expired;

	counter.value = cpu_rdtime(cpu, &expired);
	counter.expired = expired;
	return counter;
}

/*
 * RAX: the counter.  Where RDTIME is forbidden, and where a timer has expired, whose interrupt is to come
 * now, the reference engine does it; also where time goes by instructions.
 */
static bool counter(struct emit *e)
{
	struct code *c = &e->code;

	if (!e->jit->group->parallel)
		return false;
	x86_mov_rm(c, 8, RAX, CPU_MEM(e, csr));
	x86_test_mi(c, 4, x86_at(RAX, offsetof(struct csr_file, misc)), MISC_DRDTL_ALL);
	emit_interp_slow_jcc(e, CC_NE);
	regs_flush(e);
	x86_mov_ri(c, RAX, (uintptr_t)read_counter);
	x86_call(c, e->jit->thunk.function);
	regs_begin(e);
	x86_test_rr(c, 4, RDX, RDX);
	emit_interp_slow_jcc(e, CC_NE);
	return true;
}

/* rj: the counter's number. */
static bool put_number(struct emit *e, const struct insn *insn)
{
	if (!insn->rj)
		return true;
	x86_mov_rm(&e->code, 8, RAX, CPU_MEM(e, csr));
	x86_movsx_rm(&e->code, gr_def(e, insn->rj), x86_at(RAX, offsetof(struct csr_file, tid)), 4);
	gr_done(e, insn->rj);
	return true;
}

bool emit_rdtime_d(struct emit *e, const struct insn *insn)
{
	if (!counter(e))
		return false;
	x86_mov_rr(&e->code, 8, gr_def(e, insn->rd), RAX);
	gr_done(e, insn->rd);
	return put_number(e, insn);
}

bool emit_rdtimel_w(struct emit *e, const struct insn *insn)
{
	if (!counter(e))
		return false;
	x86_movsx_rr(&e->code, gr_def(e, insn->rd), RAX, 4);
	gr_done(e, insn->rd);
	return put_number(e, insn);
}

bool emit_rdtimeh_w(struct emit *e, const struct insn *insn)
{
	if (!counter(e))
		return false;
	x86_shift_ri(&e->code, SHIFT_SAR, 8, RAX, 32);
	x86_mov_rr(&e->code, 8, gr_def(e, insn->rd), RAX);
	gr_done(e, insn->rd);
	return put_number(e, insn);
}

/* A guest's exits. */
bool emit_cpucfg(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	const unsigned index = gr_use(e, insn->rj);
	uint8_t *above;

	need(e, JIT_MISSING_ROOT);
	x86_mov_ri(c, RAX, 0);
	x86_alu_ri(c, ALU_CMP, 8, index, CPUCFG_WORDS - 1);
	above = x86_jcc_forward_short(c, CC_A);
	x86_mov_ri(c, RCX, (uintptr_t)e->cpu->model->cpucfg);
	x86_movsx_rm(c, RAX, x86_at_index(RCX, index, 4, 0), 4);
	x86_here_short(c, above);
	x86_mov_rr(c, 8, gr_def(e, insn->rd), RAX);
	gr_done(e, insn->rd);
	return true;
}

/* Who writes translated code has it made anew before it runs again. */
bool emit_ibar(struct emit *e, const struct insn *insn)
{
	(void)e, (void)insn;
	return true;
}

/* CSRs. */

/* The register if nothing but its stored value is read. */
static const struct csr_info *plain(const struct emit *e, const struct insn *insn)
{
	const struct csr_info *info = csr_find(e->cpu, (unsigned)insn->imm);

	return info && !info->read ? info : NULL;
}

/* A guest's kernel reaches its own registers, but root may keep those of its timer. */
static bool of_root(const struct csr_info *info)
{
	return info->guest != CSR_GUEST_COPY || (info->number >= CSR_TID && info->number <= CSR_TICLR);
}

static void need_access(struct emit *e, const struct csr_info *info)
{
	need(e, JIT_MISSING_PLV0 | (of_root(info) ? JIT_MISSING_ROOT : 0));
}

/* Where it is, by way of RCX. */
static struct x86_mem place(struct emit *e, const struct csr_info *info)
{
	x86_mov_rm(&e->code, 8, RCX, CPU_MEM(e, csr));
	return x86_at(RCX, (int32_t)(sizeof(uint64_t) * (size_t)(info - csr_info)));
}

/* Sets ZF unless a message or a timer may have something to say that is not in root's ESTAT.  RAX, RCX: lost.
 */
static void test_unnoticed(struct emit *e)
{
	struct code *c = &e->code;

	x86_movzx_rm(c, RAX, CPU_MEM(e, timer[0].fired), 1);
	for (unsigned mode = 1; mode < CPU_MODES; mode++) {
		x86_movzx_rm(c, RCX, CPU_MEM(e, timer[mode].fired), 1);
		x86_alu_rr(c, ALU_OR, 8, RAX, RCX);
	}
	if (e->cpu->model->cpucfg[1] & CPUCFG1_MSGINT)
		for (unsigned i = 0; i < 4; i++)
			x86_alu_rm(c, ALU_OR, 8, RAX, CPU_MEM(e, message_pending[i]));
	x86_test_rr(c, 8, RAX, RAX);
}

/*
 * Root's ESTAT.  An expiry of the timer shows when the clock has noticed it, or who has looked at the time;
 * where time goes by instructions it shows at once, which the reference engine does.
 */
static bool read_estat(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;

	need(e, JIT_MISSING_PLV0 | JIT_MISSING_ROOT | JIT_MISSING_PLAIN_INTERRUPTS);
	if (!e->jit->group->parallel) {
		x86_alu_mi(c, ALU_CMP, 1, CPU_MEM(e, timer[CPU_ROOT].running), 0);
		emit_interp_slow_jcc(e, CC_NE);
	}
	test_unnoticed(e);
	emit_interp_slow_jcc(e, CC_NE);
	x86_mov_rm(c, 4, RAX, CPU_MEM(e, lines));
	x86_alu_ri(c, ALU_AND, 4, RAX, ESTAT_LINES);
	x86_alu_rm(c, ALU_OR, 4, RAX, CPU_MEM(e, root.estat));
	x86_movsx_rr(c, gr_def(e, insn->rd), RAX, 4);
	gr_done(e, insn->rd);
	return true;
}

static struct x86_mem in_file(size_t offset)
{
	return x86_at(RCX, (int32_t)offset);
}
#define IN_FILE(member) in_file(offsetof(struct csr_file, member))

/* The directory for the bad address of the exception at hand. */
static bool read_pgd(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	unsigned d;

	need(e, JIT_MISSING_PLV0);
	x86_mov_rm(c, 8, RCX, CPU_MEM(e, csr));
	x86_mov_rm(c, 8, RAX, IN_FILE(badv));
	x86_test_mi(c, 1, IN_FILE(tlbrera), TLBRERA_ISTLBR);
	x86_cmov_rm(c, CC_NE, 8, RAX, IN_FILE(tlbrbadv));
	x86_test_rr(c, 8, RAX, RAX);
	d = gr_def(e, insn->rd);
	x86_mov_rm(c, 8, d, IN_FILE(pgdl));
	x86_cmov_rm(c, CC_S, 8, d, IN_FILE(pgdh));
	gr_done(e, insn->rd);
	return true;
}

bool emit_csrrd(struct emit *e, const struct insn *insn)
{
	const struct csr_info *info = plain(e, insn);
	struct x86_mem from;

	if (insn->imm == CSR_ESTAT)
		return read_estat(e, insn);
	if (insn->imm == CSR_PGD)
		return read_pgd(e, insn);
	if (!info)
		return false;
	need_access(e, info);
	from = place(e, info);
	x86_movsx_rm(&e->code, gr_def(e, insn->rd), from, info->width / 8);
	gr_done(e, insn->rd);
	return true;
}

/* Writes all bits of rd, or (@masked) those that rj has.  The upper half of a register of 32 bits stays 0. */
static bool exchange(struct emit *e, const struct insn *insn, bool masked)
{
	struct code *c = &e->code;
	const struct csr_info *info = plain(e, insn);
	const uint64_t writable = info ? csr_mask(e->cpu, &e->cpu->root, info) : 0;
	const unsigned size = info ? info->width / 8 : 0;
	unsigned value;
	struct x86_mem at;

	if (!writable || info->write || csr_mask(e->cpu, &e->cpu->guest, info) != writable)
		return false;
	value = gr_use(e, insn->rd);
	need_access(e, info);
	/* The reference engine looks at interrupts after it: who wants that has made the budget negative. */
	x86_test_rr(c, 8, REG_LEFT, REG_LEFT);
	emit_interp_slow_jcc(e, CC_S);
	at = place(e, info);
	x86_mov_rm(c, size, RAX, at);
	x86_mov_rr(c, size, RDX, value);
	x86_alu_rr(c, ALU_XOR, size, RDX, RAX);
	if (masked)
		x86_alu_rr(c, ALU_AND, size, RDX, gr_use(e, insn->rj));
	if (writable != CSR_ALL) {
		x86_mov_ri(c, RCX, writable);
		x86_alu_rr(c, ALU_AND, size, RDX, RCX);
		at = place(e, info);
	}
	x86_alu_mr(c, ALU_XOR, size, at, RDX);
	if (insn->rd) {
		x86_movsx_rr(c, gr_def(e, insn->rd), RAX, size);
		gr_done(e, insn->rd);
	}
	return true;
}

bool emit_csrwr(struct emit *e, const struct insn *insn)
{
	return exchange(e, insn, false);
}

/* To the reference engine if an interrupt may have to be taken in root mode with IE = 1. */
static void need_no_interrupt(struct emit *e)
{
	struct code *c = &e->code;

	x86_mov_rm(c, 4, RCX, CPU_MEM(e, lines));
	x86_alu_rm(c, ALU_OR, 4, RCX, CPU_MEM(e, root.estat));
	x86_alu_rm(c, ALU_AND, 4, RCX, CPU_MEM(e, root.ecfg));
	x86_alu_ri(c, ALU_AND, 4, RCX, ESTAT_IS);
	emit_interp_slow_jcc(e, CC_NE);
	test_unnoticed(e);
	emit_interp_slow_jcc(e, CC_NE);
}

/* The same in guest mode for the guest's.  An interrupt of root's that comes now has made the budget
 * negative. */
static void need_no_guest_interrupt(struct emit *e)
{
	struct code *c = &e->code;
	uint8_t *disabled;

	x86_test_rr(c, 8, REG_LEFT, REG_LEFT);
	emit_interp_slow_jcc(e, CC_S);
	x86_test_ri(c, 4, RDX, CRMD_IE);
	disabled = x86_jcc_forward(c, CC_E);
	/* GINTC: PIP of the lines, and VIP. */
	x86_mov_rm(c, 4, RCX, CPU_MEM(e, lines));
	x86_shift_ri(c, SHIFT_SHL, 4, RCX, 6);
	x86_alu_rm(c, ALU_AND, 4, RCX, CPU_MEM(e, root.gintc));
	x86_shift_ri(c, SHIFT_SHR, 4, RCX, 8);
	x86_alu_rm(c, ALU_OR, 4, RCX, CPU_MEM(e, root.gintc));
	x86_alu_ri(c, ALU_AND, 4, RCX, 0xff);
	x86_shift_ri(c, SHIFT_SHL, 4, RCX, 2);
	x86_alu_rm(c, ALU_OR, 4, RCX, CPU_MEM(e, guest.estat));
	x86_alu_rm(c, ALU_AND, 4, RCX, CPU_MEM(e, guest.ecfg));
	x86_test_ri(c, 4, RCX, ESTAT_IS);
	emit_interp_slow_jcc(e, CC_NE);
	test_unnoticed(e);
	emit_interp_slow_jcc(e, CC_NE);
	x86_here(c, disabled);
}

/*
 * CRMD, if only IE changes.  The reference engine looks at interrupts after it; in root mode there is nothing
 * to be seen with IE = 0, and else we look here.
 */
static bool exchange_crmd(struct emit *e, const struct insn *insn)
{
	struct code *c = &e->code;
	const unsigned value = gr_use(e, insn->rd), mask = gr_use(e, insn->rj);
	uint8_t *guest, *disabled, *done;

	need(e, JIT_MISSING_PLV0 | JIT_MISSING_PLAIN_INTERRUPTS);
	x86_mov_rm(c, 8, RCX, CPU_MEM(e, csr));
	x86_mov_rr(c, 4, RDX, value);
	x86_alu_rm(c, ALU_XOR, 4, RDX, IN_FILE(crmd));
	x86_alu_rr(c, ALU_AND, 4, RDX, mask);
	x86_test_ri(c, 4, RDX, (int32_t)(csr_info[CSR_SLOT_CRMD].mask & ~CRMD_IE));
	emit_interp_slow_jcc(e, CC_NE);
	x86_alu_ri(c, ALU_AND, 4, RDX, CRMD_IE);
	x86_alu_rm(c, ALU_XOR, 4, RDX, IN_FILE(crmd));
	x86_test_mi(c, 1, CPU_MEM(e, jit.missing), JIT_MISSING_ROOT);
	guest = x86_jcc_forward(c, CC_NE);
	x86_test_ri(c, 4, RDX, CRMD_IE);
	disabled = x86_jcc_forward(c, CC_E);
	need_no_interrupt(e);
	done = x86_jmp_forward(c);
	x86_here(c, guest);
	need_no_guest_interrupt(e);
	x86_here(c, disabled);
	x86_here(c, done);
	x86_mov_rm(c, 8, RCX, CPU_MEM(e, csr));
	x86_mov_rm(c, 4, RAX, IN_FILE(crmd));
	x86_mov_mr(c, 4, IN_FILE(crmd), RDX);
	if (insn->rd) {
		x86_mov_rr(c, 8, gr_def(e, insn->rd), RAX);
		gr_done(e, insn->rd);
	}
	return true;
}

bool emit_csrxchg(struct emit *e, const struct insn *insn)
{
	return insn->imm == CSR_CRMD ? exchange_crmd(e, insn) : exchange(e, insn, true);
}

/* Into the kernel and out of it: --engine check is to see such an instruction before anything else happens.
 */

/* What the function in RAX, which knows of RSI and RDX, answers is where the core goes on; NULL: slowly. */
static bool go_where_it_says(struct emit *e)
{
	struct code *c = &e->code;

	x86_call(c, e->jit->thunk.function);
	x86_test_rr(c, 8, RAX, RAX);
	emit_interp_slow(e, x86_jcc_forward(c, CC_E));
	x86_mov_rr(c, 8, RCX, RAX);
	x86_mov_rm(c, 8, RAX, CPU_MEM(e, pc));
	x86_jmp_r(c, RCX);
	e->ended = true;
	return true;
}

bool emit_syscall(struct emit *e, const struct insn *insn)
{
	if (e->jit->options.check)
		return false;
	regs_flush_last(e);
	x86_mov_ri(&e->code, RSI, e->pc);
	x86_mov_ri(&e->code, RDX, insn->word);
	x86_mov_ri(&e->code, RAX, (uintptr_t)jit_help_syscall);
	return go_where_it_says(e);
}

bool emit_ertn(struct emit *e, const struct insn *insn)
{
	(void)insn;
	if (e->jit->options.check)
		return false;
	regs_flush_last(e);
	x86_mov_ri(&e->code, RSI, emit_site(e, 0));
	x86_mov_ri(&e->code, RAX, (uintptr_t)jit_help_ertn);
	return go_where_it_says(e);
}

/* Page tables in root mode, where their addresses are physical: nothing fails. */

static uint64_t directory_entry(struct cpu *cpu, uint64_t base, unsigned level)
{
	uint64_t entry;

	(void)ptw_lddir(cpu, base, level, &entry);
	return entry;
}

static void load_pte(struct cpu *cpu, uint64_t base, unsigned seq)
{
	(void)ptw_ldpte(cpu, base, seq);
}

static void call_with_table(struct emit *e, const struct insn *insn, uintptr_t function)
{
	struct code *c = &e->code;
	const unsigned base = gr_use(e, insn->rj);

	need(e, JIT_MISSING_PLV0 | JIT_MISSING_ROOT);
	x86_mov_rr(c, 8, RSI, base);
	x86_mov_ri(c, RDX, (uint32_t)insn->imm);
	x86_mov_ri(c, RAX, function);
	x86_call(c, e->jit->thunk.function);
	regs_begin(e);
}

bool emit_lddir(struct emit *e, const struct insn *insn)
{
	call_with_table(e, insn, (uintptr_t)directory_entry);
	x86_mov_rr(&e->code, 8, gr_def(e, insn->rd), RAX);
	gr_done(e, insn->rd);
	return true;
}

bool emit_ldpte(struct emit *e, const struct insn *insn)
{
	call_with_table(e, insn, (uintptr_t)load_pte);
	return true;
}
