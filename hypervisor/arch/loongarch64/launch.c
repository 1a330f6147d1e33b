/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Late launch and its undoing: a CPU's Linux becomes the guest of the same CPU, and comes back.  Up to
 * arch_cpu_activate() only Linux's callee-saved registers are saved, and CSRs are read; what follows cannot
 * fail.
 */
#include "loongarch.h"

#define CPUCFG1_MSG_INT (1 << 26)
#define CPUCFG2_LVZ	(1 << 10)
#define CPUCFG6_PMP	1

/* How root walks stage 2: 11 bits a level, above the 14 within a page. */
#define S2_PWCL	  (14 | 11 << 5 | 25 << 10 | 11 << 15)
#define S2_PWCH	  (36 | 11 << 6)
#define ALL_UNITS 0xf

bool has_messages;

/*
 * The image's own pointers are offsets from its beginning until the first CPU has added its address.  Runs
 * before anything else, so it uses no pointer in memory.
 */
struct relocation {
	uint64_t offset, type, addend;
};
#define R_LARCH_RELATIVE 3
extern const struct relocation relocations_begin[], relocations_end[];

void image_relocate(struct image_header *image)
{
	static uint32_t state; /* 0: to do, 1: somebody does it, 2: done */
	uint32_t expected = 0;

	if (!__atomic_compare_exchange_n(&state, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != 2)
			cpu_relax();
		return;
	}
	for (const struct relocation *r = relocations_begin; r < relocations_end; r++)
		if (r->type == R_LARCH_RELATIVE)
			*(uint64_t *)((uint64_t)image + r->offset) = (uint64_t)image + r->addend;
	__atomic_store_n(&state, 2, __ATOMIC_RELEASE);
}

struct cpu *arch_this_cpu(void)
{
	struct cpu *cpu;

	__asm__ volatile("move %0, $tp" : "=r"(cpu));
	return cpu;
}

uint64_t arch_time_frequency(void)
{
	uint64_t base = cpucfg(4), multiplier = cpucfg(5) & 0xffff, divider = cpucfg(5) >> 16;

	return divider ? base * multiplier / divider : base;
}

/* The windows in which this runs have to be there, and stay: cached at 0x9..., uncached at 0x8..., for PLV0.
 */
static bool windows_are_there(void)
{
	uint64_t window[] = { csr_read(CSR_DMW0), csr_read(CSR_DMW1), csr_read(CSR_DMW2),
			      csr_read(CSR_DMW3) };
	unsigned found = 0;

	for (unsigned i = 0; i < 4; i++) {
		found |= window[i] >> 60 == 9 && (window[i] & 0x31) == 0x11;
		found |= (window[i] >> 60 == 8 && (window[i] & 0x31) == 0x01) << 1;
	}
	return found == 3;
}

int arch_init(const struct config_system *config)
{
	if (!(cpucfg(2) & CPUCFG2_LVZ) || !(csr_read(CSR_GSTAT) >> 4 & 0x3f))
		return -ENODEV;
	has_messages = cpucfg(1) & CPUCFG1_MSG_INT;
	stage2_init();
	return 0;
}

/* The extension may be in use: by Linux's KVM. */
int arch_cpu_init(struct cpu *cpu)
{
	if (csr_read(CSR_GCFG) & GCFG_ENABLES || csr_read(CSR_GTLBC) & (GTLBC_USETGID | GTLBC_TGID))
		return -EBUSY;
	if (!windows_are_there() || cpu->arch.linux_crmd & (CRMD_DA | CRMD_PLV))
		return -EINVAL;
	cpu->arch.alarm = UINT64_MAX;
	cpu->arch.messages = has_messages;
	if (csr_read(CSR_GCFG) & GCFG_GPMP && cpucfg(6) & CPUCFG6_PMP)
		cpu->arch.counters = (cpucfg(6) >> 4 & 0xf) + 1;
	if (cpu->arch.counters > COUNTERS)
		cpu->arch.counters = COUNTERS;
	ipi_from_hardware(cpu);
	return 0;
}

void arch_cpu_restore(struct cpu *cpu, long result)
{
	linux_return(cpu, result);
}

/* Root's own registers, for as long as the hypervisor runs; those that Linux used have been saved. */
static void root_setup(struct cpu *cpu)
{
	uint64_t can = csr_read(CSR_GCFG);

	csr_write(CSR_GCFG, (can & GCFG_MATP_ROOT ? GCFG_MATC_ROOT : 0) |
				    (can & GCFG_GCIP_SECURE ? GCFG_GCI_SECURE : 0) |
				    (uint64_t)cpu->arch.counters << GPERF_SHIFT);
	csr_write(CSR_GINTC, GINTC_PIP);
	csr_write(CSR_GCNTC, 0);
	csr_write(CSR_ECFG, IS_IPI | IS_TI | (cpu->arch.messages ? IS_MSG : 0));
	csr_write(CSR_ESTAT, 0);
	csr_write(CSR_EENTRY, (uint64_t)exit_entry);
	csr_write(CSR_MERRENTRY, virt_to_phys(machine_error_entry));
	csr_write(CSR_TLBRENTRY, virt_to_phys(stage2_refill));
	csr_write(CSR_TLBREHI, PAGE_BITS);
	csr_write(CSR_PWCL, S2_PWCL);
	csr_write(CSR_PWCH, S2_PWCH);
	csr_write(CSR_STLBPS, PAGE_BITS);
	csr_write(CSR_ASID, 0);
	csr_write(CSR_MISC, 0);
	csr_write(CSR_RVACFG, 0);
	csr_write(CSR_EUEN, ALL_UNITS);
	csr_write(CSR_SAVE0, (uint64_t)cpu);
	csr_write(CSR_SAVE2, 0);
	csr_write(CSR_PRMD, PRMD_PIE | PRMD_PWE);
	tlb_forget(TLB_ALL);
	guest_select(cpu);
	csr_change(CSR_GSTAT, GSTAT_PVM, GSTAT_PVM);
}

static void counters_from_root(unsigned counters, uint64_t *value)
{
#define READ(n)                                                                                              \
	if (n < counters) {                                                                                  \
		value[2 * n] = csr_swap(CSR_PMCFG0 + 2 * n, 0);                                              \
		value[2 * n + 1] = csr_read(CSR_PMCNT0 + 2 * n);                                             \
	}
	READ(0) READ(1) READ(2) READ(3)
#undef READ
}

static void counters_to_root(unsigned counters, const uint64_t *value)
{
#define WRITE(n)                                                                                             \
	if (n < counters) {                                                                                  \
		csr_write(CSR_PMCFG0 + 2 * n, value[2 * n]);                                                 \
		csr_write(CSR_PMCNT0 + 2 * n, value[2 * n + 1]);                                             \
	}
	WRITE(0) WRITE(1) WRITE(2) WRITE(3)
#undef WRITE
}

/*
 * The counter goes on without a jump: what root had added to it the guest adds now.  The timer is read after
 * that, as what is left of it is reckoned by the counter.
 */
void arch_cpu_activate(struct cpu *cpu)
{
	struct context *context = context_of(cpu); /* there is nothing else in it yet */

	context->cntc = csr_swap(CSR_CNTC, 0);
	timer_from_root(&context->timer);
	csr_write(CSR_TICLR, 1);
	csrs_from_root(context->csr);
	counters_from_root(cpu->arch.counters, context->counter);
	cpu->arch.shadow =
		(struct shadow){ csr_read(CSR_MERRCTL), csr_read(CSR_MERRENTRY), csr_read(CSR_MERRSAVE) };
	context->csr[GUEST_CRMD] = cpu->arch.linux_crmd;

	root_setup(cpu);
	csrs_to_guest(context->csr);
	watch_to_guest(cpu);
	gcsr_write(CSR_CNTC, context->cntc);
	counters_to_guest(cpu->arch.counters, context->counter);
	timer_to_guest(&context->timer);
	if (cpu->arch.messages)
		gcsr_write(CSR_MSGIE, csr_swap(CSR_MSGIE, 0));
	ipi_take_hardware();
	ipi_update(cpu);
	csr_write(CSR_ERA, cpu->arch.gpr[1]); /* behind the call; a0 is 0 */
	guest_enter();
}

/*
 * Of the ways to change mode, address and interrupt enable at once the return from a TLB refill is the one
 * whose registers no one misses.
 */
void arch_cpu_release(struct cpu *cpu)
{
	struct context *context = context_of(cpu);
	uint64_t pc = csr_read(CSR_ERA), crmd = gcsr_read(CSR_CRMD);

	csrs_from_guest(context->csr);
	context->csr[GUEST_CRMD] = crmd & ~(uint64_t)CRMD_IE;
	context->cntc = gcsr_read(CSR_CNTC);
	counters_from_guest(cpu->arch.counters, context->counter);
	timer_from_guest(&context->timer);

	csr_change(CSR_GSTAT, 0, GSTAT_PVM | GSTAT_GID);
	csr_write(CSR_GCFG, 0);
	csr_write(CSR_GINTC, 0);
	csr_change(CSR_GTLBC, 0, GTLBC_USETGID | GTLBC_TGID);
	tlb_forget(TLB_ALL);

	timer_to_root(&context->timer);
	csr_write(CSR_CNTC, context->cntc);
	csrs_to_root(context->csr);
	watch_to_root(cpu);
	csr_change(CSR_ESTAT, context->timer.estat, IS_SWI);
	counters_to_root(cpu->arch.counters, context->counter);
	csr_write(CSR_MERRENTRY, cpu->arch.shadow.merrentry);
	csr_write(CSR_MERRSAVE, cpu->arch.shadow.merrsave);
	ipi_to_hardware(cpu);
	if (cpu->arch.messages)
		messages_to_hardware(cpu);

	csr_write(CSR_TLBRERA, pc | TLBRERA_ISTLBR);
	csr_write(CSR_TLBRPRMD, (crmd & (CRMD_PLV | CRMD_IE)) | (crmd & CRMD_WE ? TLBRPRMD_PWE : 0));
	cpu->arch.gpr[4] = 0;
	guest_enter();
}
