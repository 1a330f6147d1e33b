/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The code around translated code: how it is entered and left, and how it calls functions.  Pinned guest
 * registers (regs.c) are in memory while C code runs.  Written once, at the beginning of the code cache.
 *
 * Within blocks the stack pointer is 8 off a multiple of 16, so that it is right for C after the call of a
 * thunk.
 */
#include "machine/cpu/exception.h"
#include "machine/jit/jit_impl.h"

static const uint8_t saved[] = { RBP, RBX, R12, R13, R14, R15 };

static struct x86_mem at(size_t offset)
{
	return x86_at(REG_CPU, (int32_t)offset - CPU_BIAS);
}
#define AT(member) at(offsetof(struct cpu, member))

static const uint8_t *here(const struct code *c)
{
	return c->at + c->rx;
}

static void pinned_to_memory(struct code *c)
{
	unsigned g, host;

	for (unsigned i = 0; (host = regs_pinned(i, &g)) != X86_NONE; i++)
		x86_mov_mr(c, 8, at(offsetof(struct cpu, gpr) + 8 * g), host);
}

static void pinned_from_memory(struct code *c)
{
	unsigned g, host;

	for (unsigned i = 0; (host = regs_pinned(i, &g)) != X86_NONE; i++)
		x86_mov_rm(c, 8, host, at(offsetof(struct cpu, gpr) + 8 * g));
}

static void state_from_memory(struct code *c)
{
	x86_mov_rm(c, 8, REG_LEFT, AT(jit.left));
	x86_mov_rm(c, 8, REG_BANK, AT(bank));
	pinned_from_memory(c);
}

/* enum jit_exit enter(struct cpu *cpu, const void *entry) */
static const uint8_t *enter(struct code *c)
{
	const uint8_t *start = here(c);

	for (unsigned i = 0; i < sizeof(saved); i++)
		x86_push(c, saved[i]);
	x86_lea(c, 8, REG_CPU, x86_at(RDI, CPU_BIAS));
	state_from_memory(c);
	x86_jmp_r(c, RSI);
	return start;
}

/* Back to who called enter(), with EAX. */
static const uint8_t *leave(struct code *c)
{
	const uint8_t *start = here(c);

	pinned_to_memory(c);
	x86_mov_mr(c, 8, AT(jit.left), REG_LEFT);
	x86_vzeroupper(c);
	for (unsigned i = sizeof(saved); i-- > 0;)
		x86_pop(c, saved[i]);
	x86_ret(c);
	return start;
}

/* ECX, what the exit is about, goes to @place. */
static const uint8_t *exit_with(struct code *c, enum jit_exit why, size_t place, const uint8_t *leave)
{
	const uint8_t *start = here(c);

	x86_mov_mr(c, 4, at(place), RCX);
	x86_mov_ri(c, RAX, why);
	x86_jmp(c, leave);
	return start;
}

/* What the exit is about is there already. */
static const uint8_t *exit_plain(struct code *c, enum jit_exit why, const uint8_t *leave)
{
	const uint8_t *start = here(c);

	x86_mov_ri(c, RAX, why);
	x86_jmp(c, leave);
	return start;
}

/* RAX is the new pc. */
static const uint8_t *exit_indirect(struct code *c, const uint8_t *leave)
{
	const uint8_t *start = here(c);

	x86_mov_mr(c, 8, AT(pc), RAX);
	(void)exit_plain(c, JIT_EXIT_INDIRECT, leave);
	return start;
}

/* Calls the function at RAX with the core and what is in RSI and RDX; its result is in RAX, RDX. */
static void call_rax(struct code *c)
{
	pinned_to_memory(c);
	x86_mov_mr(c, 8, AT(jit.left), REG_LEFT);
	x86_lea(c, 8, RDI, x86_at(REG_CPU, -CPU_BIAS));
	x86_vzeroupper(c);
	x86_call_r(c, RAX);
	state_from_memory(c);
}

static void call(struct code *c, uintptr_t function)
{
	x86_mov_ri(c, RAX, function);
	call_rax(c);
}

/* Back into the block, unless RAX says where else to go, with the new pc in RAX. */
static void go_on(struct code *c)
{
	uint8_t *elsewhere;

	x86_test_rr(c, 8, RAX, RAX);
	elsewhere = x86_jcc_forward_short(c, CC_NE);
	x86_ret(c);
	x86_here_short(c, elsewhere);
	x86_alu_ri(c, ALU_ADD, 8, RSP, 8);
	x86_mov_rr(c, 8, RCX, RAX);
	x86_mov_rm(c, 8, RAX, AT(pc));
	x86_jmp_r(c, RCX);
}

/* RAX: address, EDX: site -> RDX: host pointer. */
static const uint8_t *load(struct code *c)
{
	const uint8_t *start = here(c);

	x86_mov_rr(c, 8, RSI, RAX);
	x86_mov_mr(c, 4, AT(jit.site), RDX);
	call(c, (uintptr_t)jit_help_load);
	go_on(c);
	return start;
}

/* RAX: address, EDX: site; the value is in jit_core.bounce. */
static const uint8_t *store(struct code *c)
{
	const uint8_t *start = here(c);

	x86_mov_rr(c, 8, RSI, RAX);
	x86_mov_mr(c, 4, AT(jit.site), RDX);
	call(c, (uintptr_t)jit_help_store);
	go_on(c);
	return start;
}

/* ESI: site. */
static const uint8_t *insn(struct code *c)
{
	const uint8_t *start = here(c);

	x86_mov_mr(c, 4, AT(jit.site), RSI);
	call(c, (uintptr_t)jit_help_insn);
	go_on(c);
	return start;
}

static const uint8_t *function(struct code *c)
{
	const uint8_t *start = here(c);

	call_rax(c);
	x86_ret(c);
	return start;
}

void thunks_emit(struct jit *jit, struct code *c)
{
	struct jit_thunks *thunk = &jit->thunk;
	const uint8_t *enter_code = enter(c), *out = leave(c);
	const size_t site = offsetof(struct cpu, jit.site), link = offsetof(struct cpu, jit.link);

	thunk->enter = (int (*)(struct cpu *, const void *))(uintptr_t)enter_code;
	thunk->link = exit_with(c, JIT_EXIT_LINK, link, out);
	thunk->resume = exit_with(c, JIT_EXIT_RESUME, link, out);
	thunk->budget = exit_with(c, JIT_EXIT_BUDGET, site, out);
	thunk->guard = exit_with(c, JIT_EXIT_GUARD, site, out);
	thunk->interpret = exit_with(c, JIT_EXIT_INTERPRET, site, out);
	thunk->indirect = exit_indirect(c, out);
	thunk->result = exit_plain(c, JIT_EXIT_RESULT, out);
	thunk->rewritten = exit_plain(c, JIT_EXIT_REWRITTEN, out);
	thunk->load = load(c);
	thunk->store = store(c);
	thunk->insn = insn(c);
	thunk->function = function(c);
}
