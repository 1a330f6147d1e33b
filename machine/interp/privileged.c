/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Privileged instructions: Vol.1 chapter 4, and those of the virtualization extension.  All raise IPE outside
 * PLV0, but for reading a performance counter that CSR.MISC.RPCNTL opens.  What a guest's kernel may not do
 * itself then exits to root, as a guest-sensitive privileged resource exception (GSPR).
 */
#include "machine/cpu/internal.h"
#include "machine/interp/interp.h"

/* A guest's kernel leaves this to root. */
#define GUEST_EXITS(condition)                                                                               \
	do {                                                                                                 \
		if (__builtin_expect(cpu->guest_mode, 0) && (condition))                                     \
			return cpu_raise_root(cpu, EXC_GSPR);                                                \
	} while (0)

static int csr_result(bool changed)
{
	return changed ? INSN_STATE : INSN_NEXT;
}

static void csr_trace(struct cpu *cpu, unsigned number, uint64_t old, uint64_t new)
{
	const struct csr_info *info;

	if (!trace_on(cpu->trace, TRACE_CSR))
		return;
	info = csr_find(cpu, number);
	trace_emit(cpu->trace, TRACE_CSR, (int)cpu->id, info ? info->name : "CSR", number, old, new);
}

/* CSR.MISC.RPCNTLn lets privilege level n read PMCNT. */
static bool csr_readable(const struct cpu *cpu, unsigned number)
{
	unsigned plv = cpu_plv(cpu);
	const struct csr_info *info;

	if (plv == PLV0)
		return true;
	info = csr_find(cpu, number);
	return info && info->need >= CSR_NEED_COUNTER0 && info->need < CSR_NEED_MWP0 && number & 1 &&
	       cpu->csr->misc & MISC_RPCNTL(plv);
}

INTERP(csrrd)
{
	unsigned number = (unsigned)insn->imm;
	uint64_t value;

	if (__builtin_expect(!csr_readable(cpu, number), 0))
		return cpu_raise(cpu, EXC_IPE);
	GUEST_EXITS(csr_exits(cpu, number));
	value = csr_read(cpu, cpu->csr, number);
	csr_trace(cpu, number, value, value);
	cpu_set_gpr(cpu, insn->rd, value);
	return INSN_NEXT;
}

/* The bits of @mask are written; rd gets the old value. */
static int csr_exchange(struct cpu *cpu, const struct insn *insn, uint64_t mask)
{
	unsigned number = (unsigned)insn->imm;
	uint64_t old = csr_read(cpu, cpu->csr, number);
	bool changed = csr_write(cpu, cpu->csr, number, GR(rd), mask);

	csr_trace(cpu, number, old, GR(rd));
	cpu_set_gpr(cpu, insn->rd, old);
	return csr_result(changed);
}

INTERP(csrwr)
{
	NEED_PLV0();
	GUEST_EXITS(csr_exits(cpu, (unsigned)insn->imm));
	return csr_exchange(cpu, insn, UINT64_MAX);
}

INTERP(csrxchg)
{
	NEED_PLV0();
	GUEST_EXITS(csr_exits(cpu, (unsigned)insn->imm));
	return csr_exchange(cpu, insn, GR(rj));
}

/* IOCSR space is addressed by 32 bits. */
static bool iocsr_aligned(struct cpu *cpu, uint64_t address, unsigned size)
{
	if (!(address & (size - 1)) || !(cpu->csr->misc & MISC_ALCL(PLV0)))
		return true;
	cpu_raise_address(cpu, EXC_ALE, address);
	return false;
}

static uint64_t iocsr_read(struct cpu *cpu, uint64_t address, unsigned size)
{
	return cpu->iocsr.read ? cpu->iocsr.read(cpu->iocsr.opaque, cpu->id, (uint32_t)address, size) : 0;
}

#define IOCSRRD(suffix, type)                                                                                \
	INTERP(iocsrrd_##suffix)                                                                             \
	{                                                                                                    \
		uint64_t address = GR(rj);                                                                   \
                                                                                                             \
		NEED_PLV0();                                                                                 \
		GUEST_EXITS(true);                                                                           \
		if (!iocsr_aligned(cpu, address, sizeof(type)))                                              \
			return INSN_RAISED;                                                                  \
		cpu_set_gpr(cpu, insn->rd, (uint64_t)(type)iocsr_read(cpu, address, sizeof(type)));          \
		return INSN_NEXT;                                                                            \
	}

/* A write may raise or clear interrupts of this core. */
#define IOCSRWR(suffix, type)                                                                                \
	INTERP(iocsrwr_##suffix)                                                                             \
	{                                                                                                    \
		uint64_t address = GR(rj);                                                                   \
                                                                                                             \
		NEED_PLV0();                                                                                 \
		GUEST_EXITS(true);                                                                           \
		if (!iocsr_aligned(cpu, address, sizeof(type)))                                              \
			return INSN_RAISED;                                                                  \
		if (cpu->iocsr.write)                                                                        \
			cpu->iocsr.write(cpu->iocsr.opaque, cpu->id, (uint32_t)address, sizeof(type),        \
					 (type)GR(rd));                                                      \
		return INSN_STATE;                                                                           \
	}

IOCSRRD(b, int8_t)
IOCSRRD(h, int16_t)
IOCSRRD(w, int32_t)
IOCSRRD(d, int64_t)
IOCSRWR(b, uint8_t)
IOCSRWR(h, uint16_t)
IOCSRWR(w, uint32_t)
IOCSRWR(d, uint64_t)

/*
 * GCFG.GCI: a guest's operations all exit (0), or all but those that look an address up, op[4:3] = 2 (1), or
 * only initialization, op[4:3] = 0, and what is not defined (2).
 */
static bool cacop_exits(const struct cpu *cpu, const struct insn *insn)
{
	unsigned type = insn->rd >> 3;

	switch (GCFG_GCI(cpu->root.gcfg)) {
	case 1:
		return type != 2;
	case 2:
		return type == 0 || type == 3;
	default:
		return true;
	}
}

/*
 * Memory and all caches agree at any time here, so the operations themselves are nothing.  Those that
 * look an address up (op[4:3] = 2) translate it as a load does.
 */
INTERP(cacop)
{
	uint64_t pa;
	void *host;

	NEED_PLV0();
	GUEST_EXITS(cacop_exits(cpu, insn));
	if (insn->rd >> 3 == 2 &&
	    !access_translate(cpu, GR(rj) + (uint64_t)(int64_t)insn->imm, 1, SOFTTLB_LOAD, &pa, &host))
		return INSN_RAISED;
	return INSN_NEXT;
}

#define TLB_INSN(name, function, result)                                                                     \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		NEED_PLV0();                                                                                 \
		GUEST_EXITS(cpu->root.gtlbc &GTLBC_TOTI);                                                    \
		function(cpu, tlb_view(cpu));                                                                \
		return result;                                                                               \
	}
TLB_INSN(tlbsrch, tlb_insn_search, INSN_NEXT)
TLB_INSN(tlbrd, tlb_insn_read, INSN_STATE)
TLB_INSN(tlbwr, tlb_insn_write, INSN_STATE)
TLB_INSN(tlbfill, tlb_insn_fill, INSN_STATE)
TLB_INSN(tlbclr, tlb_insn_clear, INSN_STATE)
TLB_INSN(tlbflush, tlb_insn_flush, INSN_STATE)

INTERP(invtlb)
{
	NEED_PLV0();
	GUEST_EXITS(cpu->root.gtlbc & GTLBC_TOTI);
	if (!tlb_invalidate(cpu, insn->rd, GR(rj), GR(rk)))
		return cpu_raise(cpu, EXC_INE);
	return INSN_STATE;
}

INTERP(lddir)
{
	uint64_t entry;

	NEED_PLV0();
	if (!ptw_lddir(cpu, GR(rj), (unsigned)insn->imm, &entry))
		return INSN_RAISED;
	cpu_set_gpr(cpu, insn->rd, entry);
	return INSN_NEXT;
}

INTERP(ldpte)
{
	NEED_PLV0();
	return ptw_ldpte(cpu, GR(rj), insn->imm & 1) ? INSN_NEXT : INSN_RAISED;
}

INTERP(ertn)
{
	NEED_PLV0();
	return cpu_return(cpu);
}

INTERP(dbcl)
{
	NEED_PLV0();
	GUEST_EXITS(true);
	return cpu_debug_call(cpu);
}

/* Waits for an interrupt that ECFG enables, whatever CRMD.IE says: boot code sleeps with IE clear. */
INTERP(idle)
{
	NEED_PLV0();
	GUEST_EXITS(true);
	atomic_store(&cpu->halted, true);
	return INSN_STATE;
}

/* The virtualization extension. */

/* In root mode only: in a guest these instructions are none, as the extension does not nest. */
#define NEED_ROOT()                                                                                          \
	do {                                                                                                 \
		if (!cpu_model_lvz(cpu->model) || cpu->guest_mode)                                           \
			return cpu_raise(cpu, EXC_INE);                                                      \
		NEED_PLV0();                                                                                 \
	} while (0)

/* A call of root from the guest, at any privilege level. */
INTERP(hvcl)
{
	return cpu->guest_mode ? cpu_raise_root(cpu, EXC_HVC) : cpu_raise(cpu, EXC_INE);
}

INTERP(gcsrrd)
{
	NEED_ROOT();
	cpu_set_gpr(cpu, insn->rd, csr_guest_read(cpu, (unsigned)insn->imm));
	return INSN_NEXT;
}

static int guest_csr_exchange(struct cpu *cpu, const struct insn *insn, uint64_t mask)
{
	unsigned number = (unsigned)insn->imm;
	uint64_t old = csr_guest_read(cpu, number);
	bool changed = csr_guest_write(cpu, number, GR(rd), mask);

	csr_trace(cpu, number, old, GR(rd));
	cpu_set_gpr(cpu, insn->rd, old);
	return csr_result(changed);
}

INTERP(gcsrwr)
{
	NEED_ROOT();
	return guest_csr_exchange(cpu, insn, UINT64_MAX);
}

INTERP(gcsrxchg)
{
	NEED_ROOT();
	return guest_csr_exchange(cpu, insn, GR(rj));
}

#define GTLB_INSN(name, function)                                                                            \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		NEED_ROOT();                                                                                 \
		function(cpu, tlb_view_guest(cpu));                                                          \
		return INSN_STATE;                                                                           \
	}
GTLB_INSN(gtlbclr, tlb_insn_clear)
GTLB_INSN(gtlbflush, tlb_insn_flush)
GTLB_INSN(gtlbsrch, tlb_insn_search)
GTLB_INSN(gtlbrd, tlb_insn_read)
GTLB_INSN(gtlbwr, tlb_insn_write)
GTLB_INSN(gtlbfill, tlb_insn_fill)
