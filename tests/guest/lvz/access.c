/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The guest's accesses, stage-1 entries and tables, and tests on two cores: access.h. */
#include "access.h"

#define PAGES_OF_CORE 256

GUEST(guest_load, "ld.d $a0, $a0, 0");
GUEST(guest_store, "st.d $a1, $a0, 0");
GUEST(guest_jump, "jirl $zero, $a0, 0");
GUEST(guest_tlbwr, "tlbwr");
GUEST(guest_tlbfill, "tlbfill");

/* What a core's checks came to while two run. */
struct tally {
	unsigned checks, failures;
	const char *file, *sentence; /* of the first failure */
	int line;
	uint64_t got, want;
} __attribute__((aligned(64)));

static volatile struct tally tally[2];
static void (*volatile shared_tests)(void);
static volatile bool two_cores;
static volatile uint32_t round_begun, ready, done;

static void add_one(volatile uint32_t *word)
{
	__asm__ volatile("amadd_db.w $zero, %1, %0" ::"r"(word), "r"(1) : "memory");
}

static void count(const char *file, int line, bool ok, uint64_t got, uint64_t want, const char *sentence)
{
	volatile struct tally *mine = &tally[csr_read(CSR_CPUID)];

	mine->checks++;
	if (ok || mine->failures++)
		return;
	mine->file = file;
	mine->line = line;
	mine->sentence = sentence;
	mine->got = got;
	mine->want = want;
}

void expect_at(const char *file, int line, bool ok, const char *sentence)
{
	if (two_cores)
		count(file, line, ok, ok, true, sentence);
	else
		check_at(file, line, ok, sentence);
}

void expect_equal_at(const char *file, int line, uint64_t got, uint64_t want, const char *sentence)
{
	if (two_cores)
		count(file, line, got == want, got, want, sentence);
	else
		check_equal_at(file, line, got, want, sentence);
}

bool together(void)
{
	return two_cores;
}

/* The first round it runs alone, which makes its tables. */
void second_core(void)
{
	lvz_setup();
	add_one(&ready);
	for (uint32_t turn = 0;; turn++) {
		while (round_begun <= turn)
			;
		shared_tests();
		add_one(&done);
	}
}

static bool second_core_started(void)
{
	uint64_t limit = rdtime() + 500000000; /* 5 s */

	/* A core that has yet to reach the ROM's loop clears its mailbox there: ask again. */
	while (!ready && rdtime() < limit) {
		core_start(1);
		wait_ticks(1000000);
	}
	return ready;
}

void run_alone_then_together(void (*tests)(void), unsigned rounds, const char *sentence)
{
	lvz_setup();
	tests();
	if (cores_given < 2)
		return;
	check(second_core_started(), "two_cores: the second core is there");
	if (!ready)
		return;
	two_cores = true;
	shared_tests = tests;
	for (uint32_t turn = 0; turn <= rounds; turn++) {
		__asm__ volatile("dbar 0" ::: "memory");
		round_begun = turn + 1;
		if (turn)
			tests();
		while (done != turn + 1)
			;
	}
	two_cores = false;
	for (unsigned core = 0; core < 2; core++) {
		volatile struct tally *t = &tally[core];

		if (t->failures)
			print("# core %d: %d of %d checks failed, the first: %s (%s:%d: got %lx, not %lx)\n",
			      core, t->failures, t->checks, t->sentence, t->file, t->line, t->got, t->want);
		check(t->checks && !t->failures, sentence);
	}
}

unsigned gid_of(unsigned n)
{
	return 1 + n + 4 * (unsigned)csr_read(CSR_CPUID);
}

uint64_t page(unsigned n)
{
	return scratch(16) + S2_PAGE * (n + PAGES_OF_CORE * csr_read(CSR_CPUID));
}

uint64_t page_mark(unsigned n)
{
	return page(n) << 8 | 0x5a;
}

void fresh(void)
{
	guest_reset();
	csr_write(CSR_GCFG, GCFG_MATC(1) | GCFG_GCI(2));
	csr_write(CSR_ASID, 0);
	csr_change(CSR_PWCH, 0, 1 << 24);
	for (unsigned g = 3; g--;) {
		s2_select(gid_of(g));
		for (unsigned n = 0; n < 16; n++)
			s2_unmap(gpa(n));
	}
	for (unsigned n = 0; n < 16; n++) {
		store64(CACHED(page(n)), page_mark(n));
		store64(CACHED(page(n)) + S2_PAGE - 8, page_mark(n));
	}
	invtlb(0, 0, 0);
	vm_exit.count = 0;
	vm_refill.count = 0;
}

uint64_t guest_address(const char *fn)
{
	uint64_t crmd = gcsr_read(CSR_CRMD);

	if (crmd & CRMD_DA)
		return PHYSICAL(fn);
	return crmd & 3 ? USER(fn) : ADDRESS(fn);
}

unsigned access_by(const char *fn, uint64_t a0, uint64_t a1)
{
	guest_trap_clear();
	guest.gpr[4] = a0;
	guest.gpr[5] = a1;
	guest.pc = guest_address(fn);
	return guest_enter();
}

unsigned load(uint64_t address)
{
	return access_by(guest_load, address, 0);
}

unsigned store(uint64_t address, uint64_t value)
{
	return access_by(guest_store, address, value);
}

unsigned fetch(uint64_t address)
{
	guest_trap_clear();
	guest_trap.resume = guest_address(guest_return);
	guest.gpr[4] = address;
	guest.pc = guest_address(guest_jump);
	return guest_enter();
}

void stage1_set(unsigned index, uint64_t gva, unsigned ps, uint64_t elo0, uint64_t elo1)
{
	uint64_t crmd = gcsr_swap(CSR_CRMD, CRMD_DA);

	gcsr_write(CSR_TLBEHI, gva);
	gcsr_write(CSR_TLBELO0, elo0);
	gcsr_write(CSR_TLBELO1, elo1);
	gcsr_write(CSR_TLBIDX, (index & 0xfff) | (uint64_t)ps << 24);
	guest_run(index == FILL ? guest_tlbfill : guest_tlbwr, 0, 0);
	gcsr_write(CSR_CRMD, crmd);
}

void stage2_set(unsigned n, unsigned index, uint64_t address, unsigned ps, uint64_t elo0, uint64_t elo1)
{
	csr_change(CSR_GTLBC, n == ROOT_ENTRY ? 0 : GID_OPERAND(n), GTLBC_TGID);
	tlb_set(index, address, ps, elo0, elo1);
	csr_change(CSR_GTLBC, 0, GTLBC_TGID);
}

static uint64_t table(unsigned level)
{
	return page(240 + 2 * level);
}

uint64_t table_entry(unsigned level, uint64_t gva)
{
	return table(level) + 8 * (gva >> (14 + 11 * level) & 0x7ff);
}

void tables_setup(void)
{
	for (unsigned level = 0; level < 3; level++)
		memset((void *)CACHED(table(level)), 0, S2_PAGE);
	gcsr_write(CSR_PGDL, table(2));
	gcsr_write(CSR_PGDH, table(2));
	gcsr_write(CSR_PWCL, 14 | 11 << 5 | 25 << 10 | 11 << 15);
	gcsr_write(CSR_PWCH, 36 | 11 << 6);
	gcsr_write(CSR_STLBPS, 14);
	gcsr_write(CSR_TLBRENTRY, PHYSICAL(walk_entry));
}

void tables_map(uint64_t gva, uint64_t pte)
{
	store64(CACHED(table_entry(2, gva)), table(1));
	store64(CACHED(table_entry(1, gva)), table(0));
	store64(CACHED(table_entry(0, gva)), pte);
}
