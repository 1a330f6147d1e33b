/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A small hypervisor for LVZ, to be read from top to bottom: enabling a core, stage-2 tables, the world
 * switch, interrupts, exits, and the loop that ties them together.  README.md walks through it.
 *
 * Root runs in PLV0 at the 0x9000... window with interrupts off.  A guest runs when vcpu_enter() is called
 * and has exited when that returns; an interrupt of root's is one more reason to exit.
 */
#include "hypervisor.h"

#define PAGE_SHIFT 14 /* 16 KiB; a table is a page of 2048 entries */
#define PAGE_SIZE  (1ull << PAGE_SHIFT)
#define ENTRIES	   2048
#define SLICE	   200000 /* ticks (10 ns) that a vCPU may run while others wait */
#define LONG_SLEEP 100000000

#define TCFG_EN	      1
#define TCFG_PERIODIC 2

uint64_t give_up;

/*
 * 1. A core is enabled, once: no guest bits left from before, memory types from stage 2, no trap that is not
 * needed, exceptions to the exit path.
 */
void core_enable(struct core *core)
{
	uint64_t can = csr_read(CSR_GCFG);

	csr_write(CSR_GCFG, 0);
	csr_write(CSR_GSTAT, 0);
	csr_write(CSR_GINTC, 0);
	csr_change(CSR_GTLBC, 0, GTLBC_USETGID | GTLBC_TOTI);
	csr_write(CSR_GCFG, (can & GCFG_MATP1 ? GCFG_MATC1 : 0) | (can & GCFG_GCIP2 ? GCFG_GCI2 : 0));
	__asm__ volatile("invtlb 0x12, $zero, $zero" ::: "memory"); /* all guests' entries */
	csr_change(CSR_GTLBC, GTLBC_USETGID, GTLBC_USETGID);

	/* How a stage-2 table is walked: 11 bits of the GPA a level, above the 14 within a page. */
	csr_write(CSR_PWCL, 14 | 11 << 5 | 25 << 10 | 11 << 15);
	csr_write(CSR_PWCH, 36 | 11 << 6);
	csr_write(CSR_STLBPS, PAGE_SHIFT);
	csr_write(CSR_TLBRENTRY, PHYSICAL(stage2_refill));

	csr_write(CSR_EUEN, 0);
	csr_write(CSR_EENTRY, ADDRESS(exit_entry));
	csr_write(CSR_ECFG, IS_TI | IS_IPI); /* and one vector for all (VS = 0) */
	__builtin_loongarch_iocsrwr_w(~0u, IOCSR_IPI_EN);
}

/* 2. Stage 2: three levels of tables from guest-physical to physical; pages are given when touched. */

/* Stands for every table that is not there, so that a walk always ends at an entry: one with V = 0. */
static uint64_t no_table[2][ENTRIES] __attribute__((aligned(PAGE_SIZE)));

/* A zeroed page, physical. */
static uint64_t page_new(void)
{
	static uint64_t pages;
	uint64_t page = scratch(0) + PAGE_SIZE * __atomic_fetch_add(&pages, 1, __ATOMIC_RELAXED);

	for (uint64_t offset = 0; offset < PAGE_SIZE; offset += 8)
		store64(CACHED(page + offset), 0);
	return page;
}

/* A table of level 0 (entries map pages), 1 or 2. */
static uint64_t table_new(unsigned level)
{
	uint64_t table = page_new();

	for (unsigned i = 0; level && i < ENTRIES; i++)
		store64(CACHED(table + 8 * i), PHYSICAL(no_table[level - 1]));
	return table;
}

/* The entry that maps @gpa; with @make the tables on the way are made.  vm->lock is held. */
static uint64_t *stage2_entry(struct vm *vm, uint64_t gpa, bool make)
{
	uint64_t *entry = &vm->stage2;

	for (unsigned level = 2; level; level--) {
		entry = (uint64_t *)CACHED(*entry) + (gpa >> (PAGE_SHIFT + 11 * level)) % ENTRIES;
		if (make && *entry == PHYSICAL(no_table[level - 1]))
			*entry = table_new(level - 1);
	}
	return (uint64_t *)CACHED(*entry) + (gpa >> PAGE_SHIFT) % ENTRIES;
}

/* Root's address of a guest-physical one; NULL where the guest has no memory. */
void *guest_memory(struct vm *vm, uint64_t gpa)
{
	uint64_t *entry;

	if (gpa >= RAM_SIZE)
		return 0;
	lock(&vm->lock);
	entry = stage2_entry(vm, gpa, true);
	if (!*entry) {
		*entry = page_new() | ELO_V | ELO_D | ELO_CC; /* PLV0, which counts for nothing in stage 2 */
		vm->pages++;
	}
	unlock(&vm->lock);
	return (void *)CACHED((*entry & ~(PAGE_SIZE - 1)) | gpa % PAGE_SIZE);
}

/* 3. The world switch: the guest file and the shared registers change owner. */

/*
 * Ticks until the saved timer's expiry; 0 and less when it is due, INT64_MAX when it will not come: off, or
 * one-shot and over, which TVAL says by being all ones.
 */
static int64_t timer_left(const struct vcpu *vcpu)
{
	if (!(vcpu->timer.tcfg & TCFG_EN) || vcpu->timer.tval > vcpu->timer.tcfg)
		return INT64_MAX;
	return (int64_t)(vcpu->timer.tval - (rdtime() - vcpu->timer.saved_at));
}

/* The guest timer runs on in root mode: ESTAT last, so that an expiry meanwhile is seen. */
static void timer_save(struct vcpu *vcpu)
{
	vcpu->timer.tcfg = gcsr_read(CSR_TCFG);
	vcpu->timer.tval = gcsr_read(CSR_TVAL);
	vcpu->timer.saved_at = rdtime();
	vcpu->timer.estat = gcsr_read(CSR_ESTAT);
}

/* Time has passed since timer_save(); an expiry that fell into it happens now. */
static void timer_restore(struct vcpu *vcpu)
{
	uint64_t tcfg = vcpu->timer.tcfg, estat = vcpu->timer.estat, period = tcfg & ~3ull;
	int64_t left = timer_left(vcpu);
	bool missed = left <= 0, over = tcfg & TCFG_EN && vcpu->timer.tval > tcfg;

	gcsr_write(CSR_TCFG, 0);
	if (missed)
		estat |= IS_TI;
	gcsr_write(CSR_ESTAT, estat); /* also takes away what is the last vCPU's; HWIs are GINTC's business */
	gcsr_write(CSR_TCFG, tcfg);   /* starts at the full period, hence: */
	if (!(tcfg & TCFG_EN))
		gcsr_write(CSR_TVAL, vcpu->timer.tval);
	else if (!missed && !over)
		gcsr_write(CSR_TVAL, (uint64_t)left);
	else if (tcfg & TCFG_PERIODIC)
		gcsr_write(CSR_TVAL, period - (uint64_t)-left % period);
	else
		gcsr_write(CSR_TVAL, 0); /* expires, which leaves all ones */
	if (over && !(estat & IS_TI)) {
		wait_ticks(3);
		gcsr_write(CSR_TICLR, 1); /* the guest has had this one */
	}
}

/*
 * FP and vector registers: root's EUEN is 0, so the vCPU's first use of them exits; from then on they are the
 * vCPU's own until it leaves the core.
 */
static void fpu_give(struct vcpu *vcpu)
{
	csr_write(CSR_EUEN, 7); /* all three at once, whichever was asked for */
	fpu_load(&vcpu->fpu);
	vcpu->fpu_loads++;
}

static void fpu_take(struct vcpu *vcpu)
{
	if (!csr_read(CSR_EUEN))
		return;
	fpu_save(&vcpu->fpu);
	csr_write(CSR_EUEN, 0);
}

static void vcpu_load(struct core *core, struct vcpu *vcpu)
{
	uint64_t gid = (uint64_t)vcpu->vm->gid << GID_SHIFT;

#define GCSR(name, number) gcsr_write(number, vcpu->csr.name);
#include "guest_csrs.def"
#undef GCSR
	gcsr_write(CSR_LLBCTL, vcpu->csr.llbctl | 2); /* WCLLB: no SC succeeds for another's LL */

	csr_change(CSR_GSTAT, gid, GSTAT_GID);
	csr_change(CSR_GTLBC, gid, GTLBC_TGID);
	csr_write(CSR_GCNTC, vcpu->vm->clock);
	csr_write(CSR_PGDL, vcpu->vm->stage2);
	csr_write(CSR_PGDH, vcpu->vm->stage2);

	/* vCPUs of one guest have own page tables but, here, one GID: they must not share entries. */
	if (core->last[vcpu->vm->gid] != vcpu)
		__asm__ volatile("invtlb 0x13, %0, $zero" ::"r"(gid) : "memory");
	core->last[vcpu->vm->gid] = vcpu;

	timer_restore(vcpu);
	core->loaded = vcpu;
	vcpu->loads++;
}

static void vcpu_put(struct core *core)
{
	struct vcpu *vcpu = core->loaded;

	if (!vcpu)
		return;
#define GCSR(name, number) vcpu->csr.name = gcsr_read(number);
#include "guest_csrs.def"
#undef GCSR
	timer_save(vcpu);
	fpu_take(vcpu);
	core->loaded = 0;
}

/* 4. Interrupts: root's own, and those that a guest is to see. */

/* Root's interrupts are acknowledged here, and what they are for is looked at by core_run()'s next turn. */
static void root_interrupts(struct core *core)
{
	uint64_t estat = csr_read(CSR_ESTAT);

	if (estat & IS_TI) {
		csr_write(CSR_TICLR, 1);
		core->slice_over = true;
	}
	if (estat & IS_IPI) {
		__builtin_loongarch_iocsrwr_w(~0u, IOCSR_IPI_CLEAR);
		core->kicks++;
	}
}

/* What of the emulated devices waits for this vCPU: bits of ESTAT.IS. */
static unsigned device_lines(const struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	unsigned lines = 0;

	lock(&vm->lock);
	if (vcpu->ipi_state & vcpu->ipi_enable)
		lines |= IS_IPI;
	if (!vcpu->index && vm->uart.empty_pending && vm->uart.enable & IER_THRE)
		lines |= IS_UART;
	unlock(&vm->lock);
	return lines;
}

/*
 * Before each entry.  Hardware interrupts go through GINTC.VIP, from which the guest's ESTAT.IS[9:2] follows;
 * IPI is a bit of ESTAT itself.  Clearing is as important as setting: both are levels.
 */
static void interrupts_inject(struct vcpu *vcpu)
{
	unsigned lines = device_lines(vcpu);
	uint64_t before;

	csr_write(CSR_GINTC, lines >> 2 & 0xff); /* PIP = 0: no interrupt of the real machine's */
	before = gcsr_read(CSR_TVAL);
	gcsr_change(CSR_ESTAT, lines, IS_IPI);
	/* If the timer has expired just now, the exchange may have written back an ESTAT without TI. */
	if (gcsr_read(CSR_TVAL) > before)
		gcsr_change(CSR_ESTAT, IS_TI, IS_TI);
}

/* Whether an interrupt ends this vCPU's idle, whatever CRMD.IE says.  The vCPU is not loaded. */
static bool vcpu_wakes(const struct vcpu *vcpu)
{
	uint64_t pending = (vcpu->timer.estat & (IS_TI | 3)) | device_lines(vcpu);

	if (timer_left(vcpu) <= 0)
		pending |= IS_TI;
	return pending & vcpu->csr.ecfg;
}

/* Interrupts a vCPU's core, so that it looks at what has changed. */
void vcpu_kick(const struct vcpu *vcpu)
{
	if (vcpu->core != csr_read(CSR_CPUID))
		__builtin_loongarch_iocsrwr_w(1u << 31 | vcpu->core << 16, IOCSR_IPI_SEND);
}

/* The guest takes an exception, as the processor would have made it.  The vCPU is loaded. */
void exception_inject(struct vcpu *vcpu, unsigned code, uint64_t badv)
{
	uint64_t crmd = gcsr_read(CSR_CRMD), vs = gcsr_read(CSR_ECFG) >> 16 & 7;

	gcsr_write(CSR_PRMD, (crmd & 7) | (crmd >> 9 & 1) << 3);
	gcsr_write(CSR_CRMD, crmd & ~0x207ull); /* PLV0, IE and WE off */
	gcsr_write(CSR_ERA, vcpu->pc);
	gcsr_write(CSR_BADV, badv);
	gcsr_write(CSR_BADI, vcpu->exit_badi);
	gcsr_change(CSR_ESTAT, (uint64_t)(code & 0x3f) << 16 | (uint64_t)(code >> 8) << 22, 0x7fff0000);
	vcpu->pc = gcsr_read(CSR_EENTRY) + (vs ? (code & 0x3full) * (4ull << vs) : 0);
}

/*
 * 5. Exits.  PIL, PIS and PIF of stage 2: BADV is the GPA, to the byte.  Memory is given and the access tried
 * again, once the entry with V = 0 is out of the TLB (a second vCPU that faults on the same page needs no
 * more than that).
 */
static void stage2_fault(struct vcpu *vcpu, unsigned code)
{
	uint64_t gpa = vcpu->exit_badv, gid = (uint64_t)vcpu->vm->gid << GID_SHIFT;

	if (guest_memory(vcpu->vm, gpa))
		__asm__ volatile("invtlb 0x16, %0, %1" ::"r"(gid), "r"(gpa) : "memory");
	else if (code == EXC_PIF)
		exception_inject(vcpu, EXC_ADEF, vcpu->pc);
	else if (!mmio_emulate(vcpu, gpa))
		exception_inject(vcpu, EXC_ADEM, gpa);
}

static void vcpu_exit(struct vcpu *vcpu)
{
	unsigned code = vcpu->exit_estat >> 16 & 0x3f;

	vcpu->exits[code]++;
	switch (code) {
	case EXC_INT: /* still pending, for root_interrupts() */
		break;
	case EXC_PIL:
	case EXC_PIS:
	case EXC_PIF:
		stage2_fault(vcpu, code);
		break;
	case EXC_FPD:
	case EXC_SXD:
	case EXC_ASXD:
		fpu_give(vcpu);
		break;
	case EXC_GSPR:
		sensitive_emulate(vcpu);
		break;
	case EXC_HVC:
		hypercall(vcpu);
		break;
	default: /* nothing that this hypervisor's settings allow to happen */
		exception_inject(vcpu, EXC_INE, gcsr_read(CSR_BADV));
	}
}

/* 6. The loop of a core: choose a vCPU, let it run, do what its exit asks for. */

/* The next vCPU that can run, loaded and with a fresh slice; NULL if all sleep or are off. */
static struct vcpu *core_next(struct core *core)
{
	vcpu_put(core);
	for (unsigned i = 1; i <= core->count; i++) {
		unsigned n = (core->turn + i) % core->count;
		struct vcpu *vcpu = core->vcpus[n];

		if (vcpu->state == VCPU_IDLE && vcpu_wakes(vcpu))
			vcpu->state = VCPU_RUNS;
		if (vcpu->state != VCPU_RUNS)
			continue;
		core->turn = n;
		core->slice_over = false;
		vcpu_load(core, vcpu);
		csr_write(CSR_TCFG, SLICE | TCFG_EN);
		return vcpu;
	}
	return 0;
}

/* Sleeps until the first of the guests' timers, whose work root's timer does while nobody is loaded, or an
 * IPI. */
static void core_sleep(struct core *core)
{
	int64_t first = LONG_SLEEP;

	for (unsigned i = 0; i < core->count; i++) {
		int64_t left = timer_left(core->vcpus[i]);

		if (core->vcpus[i]->state == VCPU_IDLE && left < first)
			first = left;
	}
	csr_write(CSR_TCFG, ((uint64_t)(first > 0 ? first + 3 : 4) & ~3ull) | TCFG_EN);
	core->sleeps++;
	root_idle();
}

static bool core_finished(const struct core *core)
{
	for (unsigned i = 0; i < core->count; i++)
		if (core->vcpus[i]->state != VCPU_OFF)
			return rdtime() > give_up;
	return true;
}

void core_run(struct core *core)
{
	struct vcpu *vcpu = 0;

	while (!core_finished(core)) {
		root_interrupts(core);
		if (vcpu && vcpu->state == VCPU_RUNS && core->slice_over)
			vcpu->preemptions++;
		if (!vcpu || vcpu->state != VCPU_RUNS || core->slice_over)
			vcpu = core_next(core);
		if (!vcpu) {
			core_sleep(core);
			continue;
		}
		interrupts_inject(vcpu);
		vcpu_enter(vcpu);
		vcpu_exit(vcpu);
	}
	vcpu_put(core);
}

/* 7. Guests are made: a processor as after reset, in direct mode at the kernel, as on a board. */
void vm_create(struct vm *vm, unsigned gid, const void *kernel, uint64_t size)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		no_table[1][i] = PHYSICAL(no_table[0]);
	vm->gid = gid;
	vm->stage2 = table_new(2);
	vm->clock = CLOCK_START(gid) - rdtime();
	for (uint64_t done = 0; done < size; done += PAGE_SIZE)
		memcpy(guest_memory(vm, KERNEL_GPA + done), (const char *)kernel + done,
		       size - done < PAGE_SIZE ? size - done : PAGE_SIZE);
}

void vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned index, struct core *core)
{
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->core = core->number;
	vcpu->pc = KERNEL_GPA;
	vcpu->gpr[4] = vm->gid;
	vcpu->csr.crmd = 8; /* DA; everything else 0 */
	vcpu->csr.cpuid = index;
	core->vcpus[core->count++] = vcpu;
}
