/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Taking exceptions and interrupts and returning from them: Vol.1 chapter 6, ERTN of Vol.1 4.2.6. */
#include "machine/cpu/internal.h"
#include "machine/cpu/reserve.h"

#define ECODE(exc)    ((unsigned)(exc)&0x3f)
#define ESUBCODE(exc) ((unsigned)(exc) >> 8)
#define ESTAT_ECODE   (UINT64_C(0x7fff) << 16)
#define ESTAT_IS      0x5fff /* 13 lines and the message interrupt */
#define INT_PMI	      10
#define INT_MESSAGE   14

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

/* Leaves guest mode, if this is it: the exception at hand is root's. */
static bool leave_guest(struct cpu *cpu)
{
	bool left = cpu->guest_mode;

	cpu->guest_mode = false;
	cpu->csr = &cpu->root;
	return left;
}

/*
 * @exit: guest mode was left for it, which is where ERTN goes back to.  Root's own exceptions return to root;
 * a guest's know nothing of GSTAT.
 */
static void enter_general(struct cpu *cpu, enum exception exc, unsigned number, uint64_t pc, bool exit)
{
	struct csr_file *csr = cpu->csr;

	if (!cpu->guest_mode)
		csr->gstat = (csr->gstat & ~GSTAT_PVM) | (exit ? GSTAT_PVM : 0);
	csr->prmd = prmd_of(csr, PRMD_PWE);
	csr->era = pc;
	csr->estat = (csr->estat & ~ESTAT_ECODE) | (uint64_t)ECODE(exc) << 16 | (uint64_t)ESUBCODE(exc) << 22;
	crmd_enter(csr);
	cpu->pc = general_entry(csr, number);
}

static void enter_refill(struct cpu *cpu, uint64_t pc, uint64_t badv, bool exit)
{
	struct csr_file *csr = cpu->csr;

	cpu->stats.tlb_refills++;
	csr->tlbrprmd = prmd_of(csr, TLBRPRMD_PWE) | (exit ? TLBRPRMD_PGM : 0);
	csr->tlbrera = (pc & ~UINT64_C(3)) | TLBRERA_ISTLBR;
	csr->tlbrbadv = badv;
	csr->tlbrehi = (csr->tlbrehi & 0x3f) | vppn(badv);
	crmd_enter_direct(csr);
	/* Software may have written the entry's address in a direct-map window. */
	cpu->pc = csr->tlbrentry & PA_MASK;
	if (trace_on(cpu->trace, TRACE_TLB))
		trace_emit(cpu->trace, TRACE_TLB, (int)cpu->id, "refill", badv, pc, csr->asid & ASID_MASK);
}

static void enter_machine_error(struct cpu *cpu, uint64_t pc, bool exit)
{
	struct csr_file *csr = cpu->csr;

	csr->merrctl = (csr->merrctl & 2) | MERRCTL_ISMERR | (csr->crmd & CRMD_PLV) << 2 |
		       (csr->crmd & CRMD_IE) << 2 | (csr->crmd & CRMD_WE) >> 3 |
		       (csr->crmd & (CRMD_DA | CRMD_PG | CRMD_DATF | CRMD_DATM)) << 4 |
		       (exit ? MERRCTL_PGM : 0);
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

/* Counts and traces an exit of the guest at @pc; @what is the address or the instruction it is about. */
static void record_exit(struct cpu *cpu, enum exception exc, uint64_t pc, uint64_t what)
{
	cpu->stats.vm_exits[ECODE(exc) & 63]++;
	if (trace_on(cpu->trace, TRACE_VMEXIT))
		trace_emit(cpu->trace, TRACE_VMEXIT, (int)cpu->id, exception_name(exc), pc, what,
			   GSTAT_GID(cpu->root.gstat));
}

/* To root if @to_root, else in the current mode. */
static int raise(struct cpu *cpu, enum exception exc, uint64_t badv, bool to_root)
{
	bool va32 = mmu_va32(cpu->csr, cpu_plv(cpu)), exit = false;
	uint64_t pc = va32 ? (uint32_t)cpu->pc : cpu->pc;
	struct csr_file *csr;
	uint32_t word = 0;
	bool recorded;

	if (__builtin_expect(cpu->rehearsal != NULL, 0))
		cpu->rehearsal->exception(cpu);
	cpu_sync(cpu);
	pmu_sync(cpu);
	cpu->stats.exceptions++;
	recorded = exc != EXC_MERR && !of_fetch(cpu, exc, badv) && mmu_peek_insn(cpu, cpu->pc, &word);
	if (to_root)
		exit = leave_guest(cpu);
	if (exit)
		record_exit(cpu, exc, pc, records_badv(exc) || exc == EXC_TLBR ? badv : word);
	else if (va32)
		badv = (uint32_t)badv;
	csr = cpu->csr;
	if (recorded)
		csr->badi = word;
	if (trace_on(cpu->trace, TRACE_EXCEPTION))
		trace_emit(cpu->trace, TRACE_EXCEPTION, (int)cpu->id, exception_name(exc), pc, badv, word);
	if (csr->dbg & DBG_DST) {
		enter_debug_again(cpu, debug_ecode(exc));
	} else if (exc == EXC_TLBR) {
		enter_refill(cpu, pc, badv, exit);
	} else if (exc == EXC_MERR) {
		enter_machine_error(cpu, pc, exit);
	} else {
		if (records_badv(exc))
			csr->badv = badv;
		if (records_vppn(exc))
			csr->tlbehi = vppn(badv);
		enter_general(cpu, exc, ECODE(exc), pc, exit);
	}
	pmu_select(cpu);
	softtlb_select(cpu);
	return INSN_RAISED;
}

int cpu_raise_address(struct cpu *cpu, enum exception exc, uint64_t badv)
{
	return raise(cpu, exc, badv, exc == EXC_MERR);
}

int cpu_raise_fault(struct cpu *cpu, const struct mmu_fault *fault)
{
	return raise(cpu, fault->exc, fault->address, fault->stage2);
}

int cpu_raise_root(struct cpu *cpu, enum exception exc)
{
	return raise(cpu, exc, cpu->pc, true);
}

/* BADV of these is the instruction's own address where it is recorded at all (ADEF). */
int cpu_raise(struct cpu *cpu, enum exception exc)
{
	return cpu_raise_address(cpu, exc, cpu->pc);
}

int cpu_raise_unit(struct cpu *cpu, unsigned bit, enum exception exc)
{
	return raise(cpu, exc, cpu->pc, cpu->csr->euen & bit);
}

void cpu_raise_plain(struct cpu *cpu, enum exception exc, uint32_t word)
{
	const uint64_t pc = mmu_va32(cpu->csr, cpu_plv(cpu)) ? (uint32_t)cpu->pc : cpu->pc;

	cpu->stats.exceptions++;
	cpu->csr->badi = word;
	enter_general(cpu, exc, ECODE(exc), pc, false);
	softtlb_select(cpu);
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

/* ERTN's way into the guest: which of root's three return paths was taken said so. */
static void enter_guest(struct cpu *cpu)
{
	cpu->guest_mode = true;
	cpu->csr = &cpu->guest;
	cpu->stats.vm_entries++;
	if (trace_on(cpu->trace, TRACE_VMEXIT))
		trace_emit(cpu->trace, TRACE_VMEXIT, (int)cpu->id, TRACE_VMENTER, cpu->pc, 0,
			   GSTAT_GID(cpu->root.gstat));
}

int cpu_return(struct cpu *cpu)
{
	struct csr_file *csr = cpu->csr;
	enum cpu_mode mode = csr_mode(cpu, csr);
	bool refill = false, to_guest = false;
	uint64_t target;

	pmu_sync(cpu);
	if (csr->dbg & DBG_DST) {
		csr->dbg &= ~DBG_DST;
		target = csr->dera;
	} else if (csr->merrctl & MERRCTL_ISMERR) {
		target = csr->merrera;
		to_guest = csr->merrctl & MERRCTL_PGM;
		leave_machine_error(csr);
	} else if (csr->tlbrera & TLBRERA_ISTLBR) {
		target = csr->tlbrera & ~UINT64_C(3);
		csr->tlbrera &= ~TLBRERA_ISTLBR;
		refill = true;
		to_guest = csr->tlbrprmd & TLBRPRMD_PGM;
		crmd_restore(csr, csr->tlbrprmd, TLBRPRMD_PWE);
		csr->crmd = (csr->crmd & ~CRMD_DA) | CRMD_PG;
	} else {
		target = csr->era;
		to_guest = csr->gstat & GSTAT_PVM;
		crmd_restore(csr, csr->prmd, PRMD_PWE);
	}
	if (csr->llbctl & LLBCTL_KLO)
		csr->llbctl &= ~LLBCTL_KLO;
	else if (!refill) /* a refill between LL and SC must not make a loop of them endless */
		reserve_clear(cpu, mode);
	cpu->pc = target;
	if (to_guest && mode == CPU_ROOT && cpu_model_lvz(cpu->model))
		enter_guest(cpu);
	pmu_select(cpu);
	softtlb_select(cpu);
	return INSN_STATE_JUMP;
}

/* Interrupts. */

uint64_t message_pending(const struct cpu *cpu, enum cpu_mode mode, unsigned n)
{
	return mode == CPU_GUEST ? cpu->guest.value[CSR_SLOT_MSGIS0 + n]
				 : atomic_load(&cpu->message_pending[n]);
}

int message_highest(const struct cpu *cpu, enum cpu_mode mode)
{
	uint64_t threshold = (mode == CPU_GUEST ? cpu->guest.msgie : cpu->root.msgie) & 0xff;

	for (int i = 3; i >= 0; i--) {
		uint64_t pending = message_pending(cpu, mode, (unsigned)i);
		int vector;

		if (!pending)
			continue;
		vector = 64 * i + 63 - __builtin_clzll(pending);
		return vector >= (int)threshold ? vector : -1;
	}
	return -1;
}

int message_take(struct cpu *cpu, enum cpu_mode mode)
{
	int vector = message_highest(cpu, mode);
	uint64_t bit = UINT64_C(1) << (vector & 63);

	if (mode == CPU_ROOT) {
		if (vector >= 0)
			atomic_fetch_and(&cpu->message_pending[vector / 64], ~bit);
		return vector;
	}
	if (vector >= 0)
		cpu->guest.value[CSR_SLOT_MSGIS0 + vector / 64] &= ~bit;
	/* Also one that root signalled without a vector, or the guest would take it for ever. */
	if (message_highest(cpu, CPU_GUEST) < 0)
		cpu->guest.estat &= ~(UINT64_C(1) << INT_MESSAGE);
	return vector;
}

/* What root's ESTAT shows beside the stored bits. */
static uint64_t estat_lines(const struct cpu *cpu)
{
	uint64_t lines = atomic_load(&cpu->lines) & ESTAT_LINES;

	if (message_highest(cpu, CPU_ROOT) >= 0)
		lines |= 1u << INT_MESSAGE;
	return lines;
}

/*
 * The guest's: HWI0-7 are what GINTC injects or passes through and nothing else, so that what root restores
 * of a saved ESTAT cannot raise a line again.  The other bits are stored ones, which root sets.
 */
static uint64_t estat_guest_lines(const struct cpu *cpu)
{
	uint64_t gintc = cpu->root.gintc;

	return (GINTC_VIP(gintc) | (GINTC_PIP(gintc) & atomic_load(&cpu->lines) >> 2)) << 2;
}

uint64_t cpu_estat_noticed(const struct cpu *cpu, enum cpu_mode mode)
{
	uint64_t estat = mode == CPU_GUEST ? cpu->guest.estat | estat_guest_lines(cpu)
					   : cpu->root.estat | estat_lines(cpu);

	return estat | (pmu_overflow(cpu, mode) ? 1u << INT_PMI : 0);
}

uint64_t cpu_estat(const struct cpu *cpu, enum cpu_mode mode)
{
	return cpu_estat_noticed(cpu, mode) | (timer_due(cpu, mode) ? ESTAT_TI : 0);
}

static uint32_t interrupts_enabled(const struct cpu *cpu, enum cpu_mode mode)
{
	const struct csr_file *csr = mode == CPU_GUEST ? &cpu->guest : &cpu->root;
	uint64_t estat = cpu_estat_noticed(cpu, mode) | (timer_signalled(cpu, mode) ? ESTAT_TI : 0);

	return (uint32_t)(estat & csr->ecfg & ESTAT_IS);
}

bool cpu_interrupt_pending(const struct cpu *cpu)
{
	return interrupts_enabled(cpu, CPU_ROOT);
}

/* Takes the highest of @pending in the current mode; @exit: after having left guest mode for it. */
static void take(struct cpu *cpu, uint32_t pending, uint64_t pc, bool exit)
{
	/* The highest number wins, the message interrupt being number 14. */
	unsigned number = 31 - (unsigned)__builtin_clz(pending);

	cpu->stats.interrupts++;
	if (exit)
		record_exit(cpu, EXC_INT, pc, number);
	if (trace_on(cpu->trace, TRACE_INTERRUPT))
		trace_emit(cpu->trace, TRACE_INTERRUPT, (int)cpu->id, "interrupt", cpu->pc, number, 0);
	enter_general(cpu, EXC_INT, 64 + number, pc, exit);
	pmu_select(cpu);
	softtlb_select(cpu);
}

bool cpu_interrupt_due(const struct cpu *cpu)
{
	for (unsigned mode = 0; mode < CPU_MODES; mode++)
		if (atomic_load_explicit(&cpu->timer[mode].fired, memory_order_relaxed))
			return true;
	return (cpu->root.crmd & CRMD_IE && interrupts_enabled(cpu, CPU_ROOT)) ||
	       (cpu->guest_mode && cpu->guest.crmd & CRMD_IE && interrupts_enabled(cpu, CPU_GUEST));
}

bool cpu_take_interrupt(struct cpu *cpu)
{
	const uint64_t pc = mmu_va32(cpu->csr, cpu_plv(cpu)) ? (uint32_t)cpu->pc : cpu->pc;
	uint32_t pending;

	for (unsigned mode = 0; mode < CPU_MODES; mode++)
		if (atomic_load_explicit(&cpu->timer[mode].fired, memory_order_relaxed))
			timer_poll(cpu, mode);
	if (cpu->root.dbg & DBG_DST)
		return false;
	pending = cpu->root.crmd & CRMD_IE ? interrupts_enabled(cpu, CPU_ROOT) : 0;
	if (pending) {
		pmu_sync(cpu);
		take(cpu, pending, pc, leave_guest(cpu));
		return true;
	}
	if (!cpu->guest_mode || !(cpu->guest.crmd & CRMD_IE))
		return false;
	pending = interrupts_enabled(cpu, CPU_GUEST);
	if (!pending)
		return false;
	pmu_sync(cpu);
	take(cpu, pending, pc, false);
	return true;
}
