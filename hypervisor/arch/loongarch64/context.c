/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The state of a guest that is not in memory: between root's registers and the guest's copies (late launch
 * and back), and between those and memory (a CPU that is lent to a cell).  FP and vector registers are there
 * only once, so the former leaves them alone.
 */
#include "loongarch.h"

/* Registers that are merely moved. */

void csrs_from_root(uint64_t *csr)
{
#define CSR(name) csr[GUEST_##name] = csr_read(CSR_##name);
#include "csrs.def"
#undef CSR
}

void csrs_to_root(const uint64_t *csr)
{
#define CSR(name) csr_write(CSR_##name, csr[GUEST_##name]);
#include "csrs.def"
#undef CSR
}

void csrs_from_guest(uint64_t *csr)
{
#define CSR(name) csr[GUEST_##name] = gcsr_read(CSR_##name);
#include "csrs.def"
#undef CSR
}

void csrs_to_guest(const uint64_t *csr)
{
#define CSR(name) gcsr_write(CSR_##name, csr[GUEST_##name]);
#include "csrs.def"
#undef CSR
	/* Whatever an LL of this CPU's last guest reserved, no SC succeeds for it. */
	gcsr_write(CSR_LLBCTL, csr[GUEST_LLBCTL] | LLBCTL_WCLLB);
}

/* Numbers of CSRs are part of instructions, hence no loops. */
#define FOR_COUNTERS(operation) operation(0) operation(1) operation(2) operation(3)

void counters_from_guest(unsigned counters, uint64_t *value)
{
#define READ(n)                                                                                              \
	if (n < counters) {                                                                                  \
		value[2 * n] = gcsr_read(CSR_PMCFG0 + 2 * n);                                                \
		value[2 * n + 1] = gcsr_read(CSR_PMCNT0 + 2 * n);                                            \
	}
	FOR_COUNTERS(READ)
#undef READ
}

void counters_to_guest(unsigned counters, const uint64_t *value)
{
#define WRITE(n)                                                                                             \
	if (n < counters) {                                                                                  \
		gcsr_write(CSR_PMCFG0 + 2 * n, value[2 * n]);                                                \
		gcsr_write(CSR_PMCNT0 + 2 * n, value[2 * n + 1]);                                            \
	}
	FOR_COUNTERS(WRITE)
#undef WRITE
}

/*
 * The timer.  It counts on in all modes, so it is stopped, read, and started anew with less to go.  A
 * one-shot timer that has fired is known by TVAL > TCFG, all ones.
 */

static bool timer_is_over(const struct timer *timer)
{
	return timer->tcfg & TCFG_EN && timer->tval > timer->tcfg;
}

void timer_from_root(struct timer *timer)
{
	timer->tcfg = csr_swap(CSR_TCFG, 0);
	timer->tval = csr_read(CSR_TVAL);
	timer->at = arch_time();
	timer->estat = csr_read(CSR_ESTAT);
}

void timer_from_guest(struct timer *timer)
{
	timer->tcfg = gcsr_swap(CSR_TCFG, 0);
	timer->tval = gcsr_read(CSR_TVAL);
	timer->at = arch_time();
	timer->estat = gcsr_read(CSR_ESTAT);
}

/* Also brings ESTAT.  An expiry that fell into the time since the timer was read happens now. */
void timer_to_guest(const struct timer *timer)
{
	uint64_t estat = timer->estat, gone = arch_time() - timer->at, period = timer->tcfg & ~UINT64_C(3);
	bool over = timer_is_over(timer), missed = timer->tcfg & TCFG_EN && !over && gone >= timer->tval;

	if (missed)
		estat |= IS_TI;
	gcsr_write(CSR_TCFG, 0);
	gcsr_write(CSR_ESTAT, estat); /* HWIs are not in it: they follow GINTC */
	gcsr_write(CSR_TCFG, timer->tcfg);
	if (!(timer->tcfg & TCFG_EN))
		gcsr_write(CSR_TVAL, timer->tval);
	else if (!missed && !over)
		gcsr_write(CSR_TVAL, timer->tval - gone);
	else if (timer->tcfg & TCFG_PERIODIC && period)
		gcsr_write(CSR_TVAL, period - (gone - timer->tval) % period);
	else
		gcsr_write(CSR_TVAL, 0); /* fires, which leaves all ones */
	if (over && !(estat & IS_TI)) {
		while (!(gcsr_read(CSR_ESTAT) & IS_TI))
			;
		gcsr_write(CSR_TICLR, 1); /* the guest has had this one */
	}
}

/*
 * Root's TVAL and ESTAT.TI cannot be written.  A pending interrupt is made by a shortest one-shot; the rest
 * of a running one-shot becomes its whole; a periodic timer starts with a full period.
 */
void timer_to_root(const struct timer *timer)
{
	uint64_t gone = arch_time() - timer->at, left;
	bool over = timer_is_over(timer);

	csr_write(CSR_TCFG, 0);
	csr_write(CSR_TICLR, 1);
	if (timer->estat & IS_TI) {
		csr_write(CSR_TCFG, 4 | TCFG_EN);
		while (!(csr_read(CSR_ESTAT) & IS_TI))
			;
	}
	left = timer->tval > gone + 4 ? timer->tval - gone : 4;
	if (!(timer->tcfg & TCFG_EN) || over)
		csr_write(CSR_TCFG, timer->tcfg & ~UINT64_C(TCFG_EN));
	else if (timer->tcfg & TCFG_PERIODIC)
		csr_write(CSR_TCFG, timer->tcfg);
	else
		csr_write(CSR_TCFG, ((left + 3) & ~UINT64_C(3)) | TCFG_EN);
}

/* FP, vector and binary translation registers: units.S has the variants. */

void units_save_fp(struct units *units), units_save_lsx(struct units *units),
	units_save_lasx(struct units *units), units_save_lbt(struct units *units),
	units_load_fp(const struct units *units), units_load_lsx(const struct units *units),
	units_load_lasx(const struct units *units), units_load_lbt(const struct units *units);

/* CPUCFG word 2. */
#define CPUCFG2_LSX  (1 << 6)
#define CPUCFG2_LASX (1 << 7)
#define CPUCFG2_LBT  (7 << 18)

static void units_save(struct units *units)
{
	uint32_t has = cpucfg(2);

	if ((has & CPUCFG2_LBT) == CPUCFG2_LBT)
		units_save_lbt(units);
	if (has & CPUCFG2_LASX)
		units_save_lasx(units);
	else if (has & CPUCFG2_LSX)
		units_save_lsx(units);
	else
		units_save_fp(units);
}

static void units_load(const struct units *units)
{
	uint32_t has = cpucfg(2);

	if (has & CPUCFG2_LASX)
		units_load_lasx(units);
	else if (has & CPUCFG2_LSX)
		units_load_lsx(units);
	else
		units_load_fp(units);
	if ((has & CPUCFG2_LBT) == CPUCFG2_LBT)
		units_load_lbt(units);
}

static struct context zero; /* stays so */

void units_clear(void)
{
	units_load(&zero.units);
}

/* The CPU itself. */

void guest_select(const struct cpu *cpu)
{
	uint64_t gid = (uint64_t)(cpu->cell->id + 1) << GID_SHIFT;

	csr_change(CSR_GSTAT, gid, GSTAT_GID);
	csr_change(CSR_GTLBC, gid | GTLBC_USETGID, GTLBC_TGID | GTLBC_USETGID);
	csr_write(CSR_PGDL, virt_to_phys(cpu->cell->stage2.root));
	csr_write(CSR_PGDH, virt_to_phys(cpu->cell->stage2.root));
	tlb_forget(TLB_GUESTS);
}

static void messages_from_guest(uint64_t *message)
{
	message[0] = gcsr_read(CSR_MSGIS0);
	message[1] = gcsr_read(CSR_MSGIS1);
	message[2] = gcsr_read(CSR_MSGIS2);
	message[3] = gcsr_read(CSR_MSGIS3);
	message[4] = gcsr_read(CSR_MSGIE);
}

static void messages_to_guest(const uint64_t *message)
{
	gcsr_write(CSR_MSGIS0, message[0]);
	gcsr_write(CSR_MSGIS1, message[1]);
	gcsr_write(CSR_MSGIS2, message[2]);
	gcsr_write(CSR_MSGIS3, message[3]);
	gcsr_write(CSR_MSGIE, message[4]);
}

static void context_save(struct cpu *cpu, struct context *context)
{
	memcpy(context->gpr, cpu->arch.gpr, sizeof(context->gpr));
	context->pc = csr_read(CSR_ERA);
	timer_from_guest(&context->timer);
	csrs_from_guest(context->csr);
	context->cntc = gcsr_read(CSR_CNTC);
	counters_from_guest(cpu->arch.counters, context->counter);
	if (cpu->arch.messages)
		messages_from_guest(context->message);
	context->ipi = cpu->arch.ipi;
	context->shadow = cpu->arch.shadow;
	units_save(&context->units);
}

static void context_load(struct cpu *cpu, const struct context *context)
{
	memcpy(cpu->arch.gpr, context->gpr, sizeof(context->gpr));
	csr_write(CSR_ERA, context->pc);
	units_load(&context->units);
	cpu->arch.shadow = context->shadow;
	cpu->arch.ipi = context->ipi;
	if (cpu->arch.messages)
		messages_to_guest(context->message);
	counters_to_guest(cpu->arch.counters, context->counter);
	gcsr_write(CSR_CNTC, context->cntc);
	csrs_to_guest(context->csr);
	timer_to_guest(&context->timer);
	guest_select(cpu);
	ipi_update(cpu);
}

void arch_cpu_save_root(struct cpu *cpu)
{
	context_save(cpu, context_of(cpu));
}

void arch_cpu_load_root(struct cpu *cpu)
{
	cpu->arch.pen = false;
	context_load(cpu, context_of(cpu));
}

/* The registers are as after a reset where that defines them, else 0. */
void arch_cpu_reset(struct cpu *cpu, uint64_t entry)
{
	memset(cpu->arch.gpr, 0, sizeof(cpu->arch.gpr));
	cpu->arch.shadow = zero.shadow;
	units_clear();
	counters_to_guest(cpu->arch.counters, zero.counter);
	if (cpu->arch.messages)
		messages_to_guest(zero.message);
	csrs_to_guest(zero.csr);
	gcsr_write(CSR_CRMD, CRMD_DA);
	gcsr_write(CSR_CPUID, cpu->number);
	gcsr_write(CSR_TID, cpu->number);
	gcsr_write(CSR_STLBPS, 12);
	gcsr_write(CSR_CNTC, 0);
	gcsr_write(CSR_TCFG, 0);
	gcsr_write(CSR_TVAL, 0);
	gcsr_write(CSR_ESTAT, 0);
	arch_cpu_alarm(cpu, UINT64_MAX);
	guest_select(cpu);
	ipi_update(cpu);
	cpu->arch.pen = entry == ~UINT64_C(0);
	csr_write(CSR_ERA, cpu->arch.pen ? 0 : entry);
}

/* What a guest leaves in the CPU: arch_cpu_reset() and arch_cpu_load_root() write all the same registers. */
void arch_cpu_scrub(struct cpu *cpu)
{
	arch_cpu_reset(cpu, ~UINT64_C(0));
}
