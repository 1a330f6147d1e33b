/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Why the guest was left, and what is done about it.  Everything here runs on the CPU's own stack with
 * interrupts off, between exit_entry and guest_enter in entry.S.
 */
#include "loongarch.h"

/* The guest may not do what it did; cpu_attend() will keep the CPU. */
void guest_fault(struct cpu *cpu, enum hv_fault_reason reason, uint64_t gpa, uint32_t insn)
{
	struct hv_fault fault = { .gpa = gpa, .gva = gcsr_read(CSR_BADV), .insn = insn };

	arch_cpu_describe(cpu, &fault);
	cell_fault(cpu, reason, &fault);
}

void arch_cpu_describe(struct cpu *cpu, struct hv_fault *fault)
{
	fault->pc = csr_read(CSR_ERA);
	fault->estat = csr_read(CSR_ESTAT);
	fault->crmd = gcsr_read(CSR_CRMD);
	memcpy(fault->gpr, cpu->arch.gpr, sizeof(fault->gpr));
}

/*
 * Root's timer, which runs whatever the guest does: it wakes CPUs that wait, and it is the alarm of those
 * that execute a guest.
 */

/* The longest that it can count. */
#define TICKS_MAX (UINT64_C(1) << 40)

/* In that many ticks, or a little later. */
static void timer_arm(uint64_t ticks)
{
	csr_write(CSR_TCFG, (((ticks < TICKS_MAX ? ticks : TICKS_MAX) + 4) & ~UINT64_C(3)) | TCFG_EN);
}

static void timer_disarm(void)
{
	csr_write(CSR_TCFG, 0);
	csr_write(CSR_TICLR, 1);
}

static uint64_t ticks_until(uint64_t time)
{
	uint64_t now = arch_time();

	return time > now ? time - now : 0;
}

void arch_cpu_alarm(struct cpu *cpu, uint64_t at)
{
	timer_disarm();
	cpu->arch.alarm = at;
	if (at != UINT64_MAX)
		timer_arm(ticks_until(at));
}

void arch_cpu_wait(struct cpu *cpu, uint64_t until)
{
	uint64_t left;

	arch_cpu_alarm(cpu, UINT64_MAX);
	while (!ipi_collect(cpu) && (left = ticks_until(until))) {
		timer_arm(left);
		root_sleep();
		timer_disarm();
	}
}

/* The earlier of the end of @left ticks and of the CPU's alarm, which may ring now. */
static APART uint64_t alarm_before(struct cpu *cpu, uint64_t left)
{
	uint64_t alarm = ticks_until(cpu->arch.alarm);

	if (!alarm)
		cpu->arch.alarm = heartbeat_look(cpu);
	return alarm < left ? alarm : left;
}

/*
 * idle.  The guest's timer counts on, but does not interrupt root, so root's timer stands in for it; lines
 * that go through to the guest wake root, too.
 */
static void guest_idle(struct cpu *cpu)
{
	uint64_t lie = csr_read(CSR_ECFG), guest_lie = gcsr_read(CSR_ECFG);

	csr_write(CSR_ECFG, lie | (guest_lie & IS_HWI));
	for (;;) {
		/* The timer before the interrupts: if it is over by now they show it. */
		uint64_t tcfg = gcsr_read(CSR_TCFG), left = gcsr_read(CSR_TVAL);

		if (gcsr_read(CSR_ESTAT) & guest_lie & IS_ALL ||
		    __atomic_load_n(&cpu->wanted, __ATOMIC_ACQUIRE))
			break;
		if (!(tcfg & TCFG_EN) || left > tcfg)
			left = TICKS_MAX;
		if (cpu->arch.alarm != UINT64_MAX)
			left = alarm_before(cpu, left);
		timer_arm(left);
		root_sleep();
		timer_disarm();
		if (csr_read(CSR_ESTAT) & IS_MSG)
			messages_collect();
		ipi_collect(cpu);
	}
	csr_write(CSR_ECFG, lie);
	if (cpu->arch.alarm != UINT64_MAX)
		timer_arm(ticks_until(cpu->arch.alarm));
}

/*
 * hvcl, as far as entry.S has not done it.  User programs get here, too, and so do other codes than ours:
 * those of other hypervisors, which do not exist for this guest.
 */
static void hypercall_exit(struct cpu *cpu, uint32_t insn)
{
	if (bits(insn, 14, 0) != HYPERCALL_CODE) {
		exception_inject(ECODE_INE, insn);
		return;
	}
	guest_step();
	if (gcsr_read(CSR_CRMD) & CRMD_PLV)
		cpu->arch.gpr[4] = (uint64_t)-EPERM;
	else
		cpu->arch.gpr[4] =
			(uint64_t)hypercall(cpu, cpu->arch.gpr[4], cpu->arch.gpr[5], cpu->arch.gpr[6]);
}

/*
 * GSPR: an instruction that is not the guest's.  Its privilege level has been checked, cpucfg has none. Those
 * of IOCSR do not come here.
 */
static enum hv_stat sensitive_exit(struct cpu *cpu, uint32_t insn)
{
	enum hv_stat stat = HV_STAT_OTHER;
	bool done = false;

	if (bits(insn, 31, 10) == 0x1b) {
		stat = HV_STAT_CPUCFG;
		done = cpucfg_emulate(cpu, insn);
	} else if (bits(insn, 31, 15) == 0xc91) {
		stat = HV_STAT_IDLE;
		guest_idle(cpu);
		done = true;
	} else if (bits(insn, 31, 24) == 0x04) {
		stat = HV_STAT_CSR;
		done = csr_emulate(cpu, insn);
	} else if (bits(insn, 31, 22) == 0x18) {
		stat = HV_STAT_CACOP; /* caches are coherent: nothing to do */
		done = true;
	}
	if (done)
		guest_step();
	else
		exception_inject(ECODE_INE, insn);
	return stat;
}

/* Stage 2 has no such page, or not for this kind of access. */
static enum hv_stat page_exit(struct cpu *cpu, unsigned ecode, uint32_t insn)
{
	uint64_t gpa = csr_read(CSR_BADV);

	if (ecode != ECODE_PIF && ecode != ECODE_PNX && access_emulate(cpu, insn, gpa))
		guest_step();
	else
		guest_fault(cpu, HV_FAULT_MEMORY, gpa, insn);
	return HV_STAT_MMIO;
}

static enum hv_stat interrupt_exit(struct cpu *cpu, uint64_t estat)
{
	if (estat & IS_MSG)
		messages_collect();
	if (estat & IS_TI)
		arch_cpu_alarm(cpu, heartbeat_look(cpu));
	if (!(estat & IS_IPI))
		return HV_STAT_OTHER;
	return ipi_collect(cpu) && cpu->wanted ? HV_STAT_MANAGEMENT : HV_STAT_IPI;
}

/* Until the CPU has a guest to execute: what others want of it, and waiting for a start. */
static void before_entry(struct cpu *cpu)
{
	uint64_t address;

	for (;;) {
		if (__atomic_load_n(&cpu->wanted, __ATOMIC_ACQUIRE))
			cpu_attend(cpu);
		if (!cpu->arch.pen)
			return;
		if (ipi_release_pen(cpu, &address)) {
			cpu->arch.pen = false;
			csr_write(CSR_ERA, address);
		} else {
			arch_cpu_wait(cpu, UINT64_MAX);
		}
	}
}

static enum hv_stat other_exit(struct cpu *cpu, uint64_t estat, uint32_t insn)
{
	unsigned ecode = bits((uint32_t)estat, 21, 16);

	switch (ecode) {
	case ECODE_INT:
		return interrupt_exit(cpu, estat);
	case ECODE_GSPR:
		return sensitive_exit(cpu, insn);
	case ECODE_PIL:
	case ECODE_PIS:
	case ECODE_PIF:
	case ECODE_PME:
	case ECODE_PNR:
	case ECODE_PNX:
	case ECODE_PPI:
		return page_exit(cpu, ecode, insn);
	case ECODE_WPE:
		watch_hit(cpu, estat, insn);
		return HV_STAT_OTHER;
	}
	guest_fault(cpu, HV_FAULT_INSTRUCTION, csr_read(CSR_BADV), insn);
	return HV_STAT_OTHER;
}

/* All exits but those that entry.S sees to, with all registers in memory. */
void exit_rest(struct cpu *cpu)
{
	uint64_t estat = csr_read(CSR_ESTAT), pc = csr_read(CSR_ERA);
	uint32_t insn = (uint32_t)csr_read(CSR_BADI);
	enum hv_stat stat = HV_STAT_HYPERCALL;

	if (bits((uint32_t)estat, 21, 16) == ECODE_HVC)
		hypercall_exit(cpu, insn);
	else
		stat = other_exit(cpu, estat, insn);
	stat_count(cpu, stat, cpu->arch.begin, pc, insn);
	if (cpu->wanted || cpu->arch.pen)
		before_entry(cpu);
}

/* An exception in the hypervisor itself: this CPU stops, perhaps with locks. */
void root_panic(struct cpu *cpu)
{
	hv_printf("CPU %u: the hypervisor failed at %lx, ESTAT %lx, BADV %lx, BADI %x\n", cpu->id,
		  csr_read(CSR_ERA), csr_read(CSR_ESTAT), csr_read(CSR_BADV), (unsigned)csr_read(CSR_BADI));
	cpu_die(cpu);
}
