/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The runtime of the LVZ tests, lvz.h: set-up, entries, the guest's CSRs and code written at run time. */
#include "lvz.h"

#define STACK_SIZE	0x4000
#define IOCSR_IPI_CLEAR 0x100c
#define IOCSR_IPI_SEND	0x1040
#define IOCSR_MAIL_SEND 0x1048

void guest_switch(volatile struct lvz_core *core);
void secondary_start(void);
extern const char lvz_refill_entry[], guest_vectors[], guest_refill_entry[];

volatile struct lvz_core lvz_cores[LVZ_CORES];
bool (*volatile exit_hook)(unsigned code);
uint64_t guest_code_base;

static uint8_t guest_stacks[LVZ_CORES][STACK_SIZE] __attribute__((aligned(16)));
static volatile uint32_t root_words[LVZ_CORES][16], guest_words[LVZ_CORES][64];

/* TCFG first: with the timer off the others can be written in any order. */
const uint16_t guest_file[GUEST_FILE_SIZE] = {
	CSR_TCFG,     CSR_CRMD,	    CSR_PRMD,	 CSR_EUEN,	CSR_MISC,     CSR_ECFG,	   CSR_ESTAT,
	CSR_ERA,      CSR_BADV,	    CSR_BADI,	 CSR_EENTRY,	CSR_TLBIDX,   CSR_TLBEHI,  CSR_TLBELO0,
	CSR_TLBELO1,  CSR_ASID,	    CSR_PGDL,	 CSR_PGDH,	CSR_PWCL,     CSR_PWCH,	   CSR_STLBPS,
	CSR_RVACFG,   CSR_CPUID,    CSR_PRCFG1,	 CSR_PRCFG2,	CSR_PRCFG3,   CSR_SAVE(0), CSR_SAVE(1),
	CSR_SAVE(2),  CSR_SAVE(3),  CSR_SAVE(4), CSR_SAVE(5),	CSR_SAVE(6),  CSR_SAVE(7), CSR_TID,
	CSR_TVAL,     CSR_CNTC,	    CSR_LLBCTL,	 CSR_TLBRENTRY, CSR_TLBRBADV, CSR_TLBRERA, CSR_TLBRSAVE,
	CSR_TLBRELO0, CSR_TLBRELO1, CSR_TLBREHI, CSR_TLBRPRMD,	CSR_DMW0,     CSR_DMW1,	   CSR_DMW2,
	CSR_DMW3,
};

void lvz_setup(void)
{
	csr_write(CSR_GCFG, 0);
	csr_write(CSR_GSTAT, 0);
	csr_write(CSR_GINTC, 0);
	csr_write(CSR_GCNTC, 0);
	csr_write(CSR_GTLBC, 0);
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(2));
	invtlb(0x12, 0, 0);
	csr_write(CSR_GTLBC, GTLBC_USETGID);
	csr_write(CSR_PWCL, 14 | 11 << 5 | 25 << 10 | 11 << 15);
	csr_write(CSR_PWCH, 36 | 11 << 6);
	csr_write(CSR_STLBPS, 14);
	csr_write(CSR_ASID, 0);
	csr_write(CSR_TLBRENTRY, ADDRESS(lvz_refill_entry));
	vm_exit.count = 0;
	vm_refill.count = 0;
	exit_hook = 0;
	s2_select(1);
	guest_reset();
}

void guest_reset(void)
{
	unsigned core = csr_read(CSR_CPUID);

	for (unsigned n = 0; n < GUEST_FILE_SIZE; n++)
		gcsr_write_any(guest_file[n], 0);
	csr_write(CSR_GINTC, 0);
	gcsr_write(CSR_LLBCTL, 2);
	gcsr_write(CSR_CRMD, CRMD_DA);
	gcsr_write(CSR_STLBPS, 12);
	gcsr_write(CSR_CPUID, core);
	gcsr_write(CSR_TID, core);
	gcsr_write(CSR_EENTRY, PHYSICAL(guest_vectors));
	gcsr_write(CSR_TLBRENTRY, PHYSICAL(guest_refill_entry));
	for (unsigned n = 0; n < 32; n++)
		guest.gpr[n] = 0;
	guest.gpr[3] = PHYSICAL(guest_stacks[core]) + STACK_SIZE;
	guest.pc = 0;
	guest.prmd = 4;
	guest.keep_pvm = 0;
	guest.refill_exits = 0;
	guest_code_base = 0;
	guest_trap_clear();
}

void guest_windows(void)
{
	gcsr_write(CSR_CRMD, CRMD_PG);
	gcsr_write(CSR_DMW0, 0x8000000000000019);
	gcsr_write(CSR_DMW1, 0x9000000000000011);
	gcsr_write(CSR_EENTRY, CACHED(PHYSICAL(guest_vectors)));
	guest.gpr[3] = CACHED(PHYSICAL(guest.gpr[3]));
	guest_code_base = CACHED(0);
}

unsigned guest_enter(void)
{
	guest_switch(this_core());
	return vm_exit.code;
}

uint64_t guest_run_at(uint64_t fn, uint64_t a0, uint64_t a1)
{
	unsigned code;

	guest.pc = fn;
	guest.gpr[1] = (fn & 0xffff000000000000) | PHYSICAL(guest_return);
	guest.gpr[4] = a0;
	guest.gpr[5] = a1;
	for (;;) {
		code = guest_enter();
		if (exited_by_hvcl(0))
			return guest.gpr[4];
		if (!exit_hook) {
			print("# the guest stopped: exit %x at %lx, badv %lx, badi %lx\n", code, vm_exit.era,
			      vm_exit.badv, vm_exit.badi);
			return guest.gpr[4];
		}
		if (!exit_hook(code))
			return guest.gpr[4];
	}
}

bool guest_ended(void)
{
	if (exited_by_hvcl(0))
		return true;
	print("# last exit %lx at %lx, badv %lx, badi %lx\n", vm_exit.code, vm_exit.era, vm_exit.badv,
	      vm_exit.badi);
	return false;
}

void guest_trap_clear(void)
{
	guest_trap.count = 0;
	guest_trap.code = ~0ull;
	guest_trap.resume = 0;
}

bool guest_trapped(unsigned code)
{
	if (guest_trap.count == 1 && guest_trap.code == code)
		return true;
	print("# %lu guest exceptions, last code %lx at %lx, badv %lx; exit %lx at %lx\n", guest_trap.count,
	      guest_trap.code, guest_trap.era, guest_trap.badv, vm_exit.code, vm_exit.era);
	return false;
}

uint64_t guest_code(const uint32_t *words, unsigned count)
{
	volatile uint32_t *to = guest_words[csr_read(CSR_CPUID)];

	for (unsigned n = 0; n < count; n++)
		to[n] = words[n];
	to[count] = 0x002b8000; /* hvcl 0 */
	__asm__ volatile("ibar 0" ::: "memory");
	return guest_code_base + PHYSICAL(to);
}

unsigned guest_execute(uint32_t instruction)
{
	guest.pc = guest_code(&instruction, 1);
	return guest_enter();
}

uint64_t root_execute(uint32_t instruction, uint64_t a0, uint64_t a1)
{
	volatile uint32_t *to = root_words[csr_read(CSR_CPUID)];

	to[0] = instruction;
	to[1] = 0x4c000020; /* jr $ra */
	__asm__ volatile("ibar 0" ::: "memory");
	return ((uint64_t(*)(uint64_t, uint64_t))ADDRESS(to))(a0, a1);
}

uint64_t gcsr_read_any(unsigned n)
{
	return root_execute(0x05000004 | n << 10, 0, 0); /* gcsrrd $a0, n */
}

uint64_t gcsr_write_any(unsigned n, uint64_t value)
{
	return root_execute(0x05000024 | n << 10, value, 0); /* gcsrwr $a0, n */
}

void core_start(unsigned core)
{
	uint64_t entry = PHYSICAL(secondary_start);

	for (unsigned half = 2; half--;)
		__builtin_loongarch_iocsrwr_d(
			(entry >> (32 * half)) << 32 | 1u << 31 | core << 16 | half << 2, IOCSR_MAIL_SEND);
	__builtin_loongarch_iocsrwr_w(1u << 31 | core << 16, IOCSR_IPI_SEND);
}

#define BUSY_GID  7
#define BUSY_WORD 0x1fffff8 /* the last word that is mapped to itself */

/* As long as the second core tests, the first one's guest adds to a word and leaves it to its host. */
GUEST(busy_guest, "ld.d $t0, $a0, 0; addi.d $t0, $t0, 1; st.d $t0, $a0, 0");

static volatile uint32_t second_runs, second_done, first_runs;

void lvz_second(void (*tests)(void))
{
	second_runs = 1;
	while (!first_runs)
		; /* the tests may be short */
	/* This core may have been asked twice. */
	__builtin_loongarch_iocsrwr_w(~0u, IOCSR_IPI_CLEAR);
	tests();
	__asm__ volatile("dbar 0" ::: "memory");
	second_done = 1;
	for (;;)
		__asm__ volatile("idle 0");
}

void lvz_both(void)
{
	uint64_t turns = 0, limit;

	if (cores_given < 2)
		return;
	lvz_setup();
	s2_select(BUSY_GID);
	store64(CACHED(BUSY_WORD), 0);
	limit = rdtime() + 500000000; /* 5 s */
	while (!second_runs && rdtime() < limit) {
		core_start(1); /* a core that has yet to reach the ROM's loop has to be asked again */
		wait_ticks(1000000);
	}
	while (second_runs && !second_done) {
		guest_run(busy_guest, BUSY_WORD, 0);
		turns++;
		first_runs = 1;
	}
	check(second_done && turns, "the second core passes through the same tests");
	check_equal(load64(CACHED(BUSY_WORD)), turns,
		    "and the first one's guest has missed no turn meanwhile");
}
