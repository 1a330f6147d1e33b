/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Taking exceptions and interrupts and returning from them: Vol.1 chapter 6, ERTN of Vol.1 4.2.6. */
#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"

#define ECODE(exc)     ((unsigned)(exc)&0x3f)
#define ESUBCODE(exc)  ((unsigned)(exc) >> 8)
#define ESTAT_ECODE    (UINT64_C(0x7fff) << 16)
#define ESTAT_IS       0x5fff /* 13 lines and the message interrupt */
#define INT_PMI	       10
#define INT_TIMER      11
#define INT_MESSAGE    14
#define LINES_EXTERNAL ((1u << 10) - 4 + (1u << INT_PMI) + (1u << 12)) /* HWI0-7, PMI, IPI */

#define PRMD_PWE     (UINT64_C(1) << 3)
#define TLBRPRMD_PWE (UINT64_C(1) << 4)
#define DBG_DCL	     (UINT64_C(1) << 9)
#define DBG_CAUSES   (UINT64_C(0xf) << 8)
#define DBG_ECODE    (UINT64_C(0x3f) << 16)

/* No address is documented for the debug entry; this is where other models of the core have it. */
#define DEBUG_OFFSET 0x480

/* Which exceptions are of the fetch, so that there is no instruction to record. */
static bool of_fetch(const struct cpu *cpu, enum exception exc, uint64_t badv)
{
	switch (exc) {
	case EXC_PIF:
	case EXC_PNX:
	case EXC_ADEF:
	case EXC_WPEF:
		return true;
	case EXC_PPI:
	case EXC_TLBR:
		return badv == cpu->pc;
	default:
		return false;
	}
}

/* Those whose address BADV records. */
static bool records_badv(enum exception exc)
{
	return (exc >= EXC_PIL && exc <= EXC_BCE) || exc == EXC_ADEM;
}

/* Those of the TLB, which record the page in TLBEHI as well. */
static bool records_vppn(enum exception exc)
{
	return exc >= EXC_PIL && exc <= EXC_PPI;
}

static uint64_t vppn(uint64_t va)
{
	return (uint64_t)((int64_t)(va << (64 - VALEN)) >> (64 - VALEN)) & CSR_VPPN;
}

/* Into PLV0, with interrupts and watchpoints off. */
static void crmd_enter(struct csr_file *csr)
{
	csr->crmd &= ~(CRMD_PLV | CRMD_IE | CRMD_WE);
}

static void crmd_enter_direct(struct csr_file *csr)
{
	crmd_enter(csr);
	csr->crmd = (csr->crmd | CRMD_DA) & ~CRMD_PG;
}

/* PLV, IE and WE as PRMD holds them, WE at bit @pwe. */
static uint64_t prmd_of(const struct csr_file *csr, uint64_t pwe)
{
	return (csr->crmd & (CRMD_PLV | CRMD_IE)) | (csr->crmd & CRMD_WE ? pwe : 0);
}

static uint64_t general_entry(const struct csr_file *csr, unsigned number)
{
	unsigned vs = csr->ecfg >> 16 & 7;

	return csr->eentry | (vs ? (uint64_t)number << (vs + 2) : 0);
}

static void enter_general(struct cpu *cpu, enum exception exc, unsigned number, uint64_t pc)
{
	struct csr_file *csr = cpu->csr;

	csr->prmd = prmd_of(csr, PRMD_PWE);
	csr->era = pc;
	csr->estat = (csr->estat & ~ESTAT_ECODE) | (uint64_t)ECODE(exc) << 16 | (uint64_t)ESUBCODE(exc) << 22;
	crmd_enter(csr);
	cpu->pc = general_entry(csr, number);
}

static void enter_refill(struct cpu *cpu, uint64_t pc, uint64_t badv)
{
	struct csr_file *csr = cpu->csr;

	cpu->stats.tlb_refills++;
	csr->tlbrprmd = prmd_of(csr, TLBRPRMD_PWE);
	csr->tlbrera = (pc & ~UINT64_C(3)) | TLBRERA_ISTLBR;
	csr->tlbrbadv = badv;
	csr->tlbrehi = (csr->tlbrehi & 0x3f) | vppn(badv);
	crmd_enter_direct(csr);
	/* Software may have written the entry's address in a direct-map window. */
	cpu->pc = csr->tlbrentry & PA_MASK;
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "refill", badv, pc, csr->asid & ASID_MASK);
}

static void enter_machine_error(struct cpu *cpu, uint64_t pc)
{
	struct csr_file *csr = cpu->csr;

	csr->merrctl = (csr->merrctl & 2) | MERRCTL_ISMERR | (csr->crmd & CRMD_PLV) << 2 |
		       (csr->crmd & CRMD_IE) << 2 | (csr->crmd & CRMD_WE) >> 3 |
		       (csr->crmd & (CRMD_DA | CRMD_PG | CRMD_DATF | CRMD_DATM)) << 4;
	csr->merrera = pc;
	crmd_enter_direct(csr);
	csr->crmd &= ~(CRMD_DATF | CRMD_DATM);
	cpu->pc = csr->merrentry & PA_MASK;
}

/* In debug mode an exception leaves everything but DBG as it is and starts the debug handler anew. */
static void enter_debug_again(struct cpu *cpu, unsigned ecode)
{
	struct csr_file *csr = cpu->csr;

	csr->dbg = (csr->dbg & ~DBG_ECODE) | (uint64_t)ecode << 16;
	cpu->pc = csr->eentry | DEBUG_OFFSET;
}

static unsigned debug_ecode(enum exception exc)
{
	return exc == EXC_TLBR ? 0x7 : exc == EXC_MERR ? 0xe : ECODE(exc);
}

static const char *exception_name(enum exception exc)
{
	static const struct {
		enum exception exc;
		const char *name;
	} names[] = {
#define NAME(name) { EXC_##name, #name }
		NAME(INT),  NAME(PIL),	NAME(PIS),  NAME(PIF),	NAME(PME),  NAME(PNR),	NAME(PNX),  NAME(PPI),
		NAME(ADEF), NAME(ADEM), NAME(ALE),  NAME(BCE),	NAME(SYS),  NAME(BRK),	NAME(INE),  NAME(IPE),
		NAME(FPD),  NAME(SXD),	NAME(ASXD), NAME(FPE),	NAME(VFPE), NAME(WPEF), NAME(WPEM), NAME(BTD),
		NAME(BTE),  NAME(GSPR), NAME(HVC),  NAME(GCSC), NAME(GCHC), NAME(TLBR), NAME(MERR),
#undef NAME
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].exc == exc)
			return names[i].name;
	return "exception";
}

int cpu_raise_address(struct cpu *cpu, enum exception exc, uint64_t badv)
{
	struct csr_file *csr = cpu->csr;
	uint64_t pc = cpu->pc;
	uint32_t word = 0;

	cpu_sync(cpu);
	pmu_sync(cpu);
	cpu->stats.exceptions++;
	if (mmu_va32(csr, cpu_plv(cpu))) {
		pc = (uint32_t)pc;
		badv = (uint32_t)badv;
	}
	if (exc != EXC_MERR && !of_fetch(cpu, exc, badv) && mmu_peek_insn(cpu, cpu->pc, &word))
		csr->badi = word;
	if (trace_on(cpu->trace, TRACE_EXCEPTION))
		trace_emit(cpu->trace, TRACE_EXCEPTION, (int)cpu->id, exception_name(exc), pc, badv, word);
	if (csr->dbg & DBG_DST) {
		enter_debug_again(cpu, debug_ecode(exc));
	} else if (exc == EXC_TLBR) {
		enter_refill(cpu, pc, badv);
	} else if (exc == EXC_MERR) {
		enter_machine_error(cpu, pc);
	} else {
		if (records_badv(exc))
			csr->badv = badv;
		if (records_vppn(exc))
			csr->tlbehi = vppn(badv);
		enter_general(cpu, exc, ECODE(exc), pc);
	}
	pmu_select(cpu);
	softtlb_select(cpu);
	return INSN_RAISED;
}

/* BADV of these is the instruction's own address where it is recorded at all (ADEF). */
int cpu_raise(struct cpu *cpu, enum exception exc)
{
	return cpu_raise_address(cpu, exc, cpu->pc);
}

int cpu_debug_call(struct cpu *cpu)
{
	struct csr_file *csr = cpu->csr;

	cpu_sync(cpu);
	cpu->stats.exceptions++;
	if (csr->dbg & DBG_DST) {
		enter_debug_again(cpu, 0xc);
		return INSN_RAISED;
	}
	csr->dera = cpu->pc;
	csr->dbg = (csr->dbg & ~(DBG_CAUSES | DBG_ECODE)) | DBG_DST | DBG_DCL;
	cpu->pc = csr->eentry | DEBUG_OFFSET;
	return INSN_RAISED;
}

/* Returning. */

static void crmd_restore(struct csr_file *csr, uint64_t prmd, uint64_t pwe)
{
	csr->crmd = (csr->crmd & ~(CRMD_PLV | CRMD_IE | CRMD_WE)) | (prmd & (CRMD_PLV | CRMD_IE)) |
		    (prmd & pwe ? CRMD_WE : 0);
}

static void leave_machine_error(struct csr_file *csr)
{
	uint64_t m = csr->merrctl;

	csr->crmd = (m >> 2 & (CRMD_PLV | CRMD_IE)) | (m << 3 & CRMD_WE) |
		    (m >> 4 & (CRMD_DA | CRMD_PG | CRMD_DATF | CRMD_DATM));
	csr->merrctl &= ~MERRCTL_ISMERR;
}

int cpu_return(struct cpu *cpu)
{
	struct csr_file *csr = cpu->csr;
	uint64_t target;

	pmu_sync(cpu);
	if (csr->dbg & DBG_DST) {
		csr->dbg &= ~DBG_DST;
		target = csr->dera;
	} else if (csr->merrctl & MERRCTL_ISMERR) {
		target = csr->merrera;
		leave_machine_error(csr);
	} else if (csr->tlbrera & TLBRERA_ISTLBR) {
		target = csr->tlbrera & ~UINT64_C(3);
		csr->tlbrera &= ~TLBRERA_ISTLBR;
		crmd_restore(csr, csr->tlbrprmd, TLBRPRMD_PWE);
		csr->crmd = (csr->crmd & ~CRMD_DA) | CRMD_PG;
	} else {
		target = csr->era;
		crmd_restore(csr, csr->prmd, PRMD_PWE);
	}
	if (csr->llbctl & LLBCTL_KLO)
		csr->llbctl &= ~LLBCTL_KLO;
	else
		reserve_clear(cpu);
	cpu->pc = target;
	pmu_select(cpu);
	softtlb_select(cpu);
	return INSN_STATE_JUMP;
}

/* Interrupts. */

int message_highest(const struct cpu *cpu)
{
	for (int i = 3; i >= 0; i--) {
		uint64_t pending = atomic_load(&cpu->message_pending[i]);
		int vector;

		if (!pending)
			continue;
		vector = 64 * i + 63 - __builtin_clzll(pending);
		return vector >= (int)(cpu->root.msgie & 0xff) ? vector : -1;
	}
	return -1;
}

/* ESTAT but for the timer's bit. */
static uint64_t estat_lines(const struct cpu *cpu)
{
	uint64_t estat = cpu->root.estat;

	estat |= atomic_load(&cpu->lines) & LINES_EXTERNAL;
	if (pmu_overflow(cpu))
		estat |= 1u << INT_PMI;
	if (message_highest(cpu) >= 0)
		estat |= 1u << INT_MESSAGE;
	return estat;
}

uint64_t cpu_estat(const struct cpu *cpu)
{
	return estat_lines(cpu) | (timer_due(cpu) ? 1u << INT_TIMER : 0);
}

static uint32_t interrupts_enabled(const struct cpu *cpu)
{
	uint64_t estat = estat_lines(cpu) | (timer_signalled(cpu) ? 1u << INT_TIMER : 0);

	return (uint32_t)(estat & cpu->root.ecfg & ESTAT_IS);
}

bool cpu_interrupt_pending(const struct cpu *cpu)
{
	return interrupts_enabled(cpu);
}

bool cpu_take_interrupt(struct cpu *cpu)
{
	struct csr_file *csr = &cpu->root;
	uint32_t pending;
	unsigned number;

	if (atomic_load_explicit(&cpu->timer_fired, memory_order_relaxed))
		timer_poll(cpu);
	if (!(csr->crmd & CRMD_IE) || csr->dbg & DBG_DST)
		return false;
	pending = interrupts_enabled(cpu);
	if (!pending)
		return false;
	/* The highest number wins, the message interrupt being number 14. */
	number = 31 - (unsigned)__builtin_clz(pending);
	cpu->stats.interrupts++;
	if (trace_on(cpu->trace, TRACE_INTERRUPT))
		trace_emit(cpu->trace, TRACE_INTERRUPT, (int)cpu->id, "interrupt", cpu->pc, number, 0);
	pmu_sync(cpu);
	enter_general(cpu, EXC_INT, 64 + number, mmu_va32(csr, cpu_plv(cpu)) ? (uint32_t)cpu->pc : cpu->pc);
	pmu_select(cpu);
	softtlb_select(cpu);
	return true;
}
