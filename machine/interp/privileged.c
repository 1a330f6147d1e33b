/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Privileged instructions: Vol.1 chapter 4.  All raise IPE outside PLV0, but for reading a performance
 * counter that CSR.MISC.RPCNTL opens.
 */
#include "machine/cpu/internal.h"
#include "machine/interp/interp.h"

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
	return csr_exchange(cpu, insn, UINT64_MAX);
}

INTERP(csrxchg)
{
	NEED_PLV0();
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
 * Memory and all caches agree at any time here, so the operations themselves are nothing.  Those that
 * look an address up (op[4:3] = 2) translate it as a load does.
 */
INTERP(cacop)
{
	uint64_t pa;
	void *host;

	NEED_PLV0();
	if (insn->rd >> 3 == 2 &&
	    !access_translate(cpu, GR(rj) + (uint64_t)(int64_t)insn->imm, 1, SOFTTLB_LOAD, &pa, &host))
		return INSN_RAISED;
	return INSN_NEXT;
}

#define TLB_INSN(name, function, result)                                                                     \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		NEED_PLV0();                                                                                 \
		function(cpu, cpu->csr);                                                                     \
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
	if (!tlb_invalidate(cpu, insn->rd, GR(rj), GR(rk)))
		return cpu_raise(cpu, EXC_INE);
	return INSN_STATE;
}

INTERP(lddir)
{
	NEED_PLV0();
	cpu_set_gpr(cpu, insn->rd, ptw_lddir(cpu, GR(rj), (unsigned)insn->imm));
	return INSN_NEXT;
}

INTERP(ldpte)
{
	NEED_PLV0();
	ptw_ldpte(cpu, GR(rj), insn->imm & 1);
	return INSN_NEXT;
}

INTERP(ertn)
{
	NEED_PLV0();
	return cpu_return(cpu);
}

INTERP(dbcl)
{
	NEED_PLV0();
	return cpu_debug_call(cpu);
}

/* Waits for an interrupt that ECFG enables, whatever CRMD.IE says: boot code sleeps with IE clear. */
INTERP(idle)
{
	NEED_PLV0();
	atomic_store(&cpu->halted, true);
	return INSN_STATE;
}

/* CPUCFG.2.LVZ is 0: the virtualization instructions are none of this processor's, at any privilege level. */
#define ABSENT(name)                                                                                         \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		return cpu_raise(cpu, EXC_INE);                                                              \
	}
ABSENT(hvcl)
ABSENT(gcsrrd)
ABSENT(gcsrwr)
ABSENT(gcsrxchg)
ABSENT(gtlbclr)
ABSENT(gtlbflush)
ABSENT(gtlbsrch)
ABSENT(gtlbrd)
ABSENT(gtlbwr)
ABSENT(gtlbfill)
