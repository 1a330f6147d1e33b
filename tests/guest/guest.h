/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The runtime of the bare-metal tests: CSR access, checks that are sentences, exceptions as records.
 * A suite is one C file with a function suite(); it runs in PLV0, mapped mode, at the 0x9000... alias.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stdint.h>

#define CSR_CRMD      0x0
#define CSR_PRMD      0x1
#define CSR_EUEN      0x2
#define CSR_MISC      0x3
#define CSR_ECFG      0x4
#define CSR_ESTAT     0x5
#define CSR_ERA	      0x6
#define CSR_BADV      0x7
#define CSR_BADI      0x8
#define CSR_EENTRY    0xc
#define CSR_TLBIDX    0x10
#define CSR_TLBEHI    0x11
#define CSR_TLBELO0   0x12
#define CSR_TLBELO1   0x13
#define CSR_ASID      0x18
#define CSR_PGDL      0x19
#define CSR_PGDH      0x1a
#define CSR_PGD	      0x1b
#define CSR_PWCL      0x1c
#define CSR_PWCH      0x1d
#define CSR_STLBPS    0x1e
#define CSR_RVACFG    0x1f
#define CSR_CPUID     0x20
#define CSR_PRCFG1    0x21
#define CSR_PRCFG2    0x22
#define CSR_PRCFG3    0x23
#define CSR_SAVE0     0x30
#define CSR_TID	      0x40
#define CSR_TCFG      0x41
#define CSR_TVAL      0x42
#define CSR_CNTC      0x43
#define CSR_TICLR     0x44
#define CSR_LLBCTL    0x60
#define CSR_TLBRENTRY 0x88
#define CSR_TLBRBADV  0x89
#define CSR_TLBRERA   0x8a
#define CSR_TLBRSAVE  0x8b
#define CSR_TLBRELO0  0x8c
#define CSR_TLBRELO1  0x8d
#define CSR_TLBREHI   0x8e
#define CSR_TLBRPRMD  0x8f
#define CSR_MERRCTL   0x90
#define CSR_MERRENTRY 0x93
#define CSR_MERRERA   0x94
#define CSR_MSGIS0    0xa0
#define CSR_MSGIR     0xa4
#define CSR_MSGIE     0xa5
#define CSR_DMW0      0x180
#define CSR_DMW1      0x181
#define CSR_DMW2      0x182
#define CSR_DMW3      0x183
#define CSR_PMCFG0    0x200
#define CSR_PMCNT0    0x201
#define CSR_MWPC      0x300
#define CSR_MWPS      0x301
#define CSR_MWP0CFG1  0x310
#define CSR_FWPC      0x380
#define CSR_FWPS      0x381
#define CSR_FWP0CFG1  0x390
#define CSR_DBG	      0x500
#define CSR_DERA      0x501
#define CSR_DSAVE     0x502

#define csr_read(n)		   __builtin_loongarch_csrrd_d(n)
#define csr_write(n, value)	   ((void)__builtin_loongarch_csrwr_d(value, n))
#define csr_swap(n, value)	   __builtin_loongarch_csrwr_d(value, n)
#define csr_change(n, value, mask) ((void)__builtin_loongarch_csrxchg_d(value, mask, n))

enum {
	EXC_INT,
	EXC_PIL,
	EXC_PIS,
	EXC_PIF,
	EXC_PME,
	EXC_PNR,
	EXC_PNX,
	EXC_PPI,
	EXC_ADEF,
	EXC_ALE,
	EXC_BCE,
	EXC_SYS,
	EXC_BRK,
	EXC_INE,
	EXC_IPE,
	EXC_FPD,
	EXC_SXD,
	EXC_ASXD,
	EXC_FPE,
	EXC_WPE,
	EXC_TLBR = 0x3f,
	EXC_ADEM = 0x108,
	EXC_WPEM = 0x113,
};

/* Registers at an exception; the layout is crt0.S's. */
struct trap_frame {
	uint64_t gpr[32];
	uint64_t estat, era, badv, badi, prmd, crmd, entry;
	uint64_t tlbrera, tlbrbadv, tlbrehi, tlbrprmd;
};

/* The last exception, and how many there were since trap_clear(). */
struct trap {
	unsigned count;
	unsigned code; /* EXC_*, Ecode | EsubCode << 8 */
	struct trap_frame frame;
};
extern volatile struct trap trap;

/* Where to go on after the next exception; 0: behind the instruction. */
extern volatile uint64_t trap_resume;

/* Called for interrupts; without it PRMD.PIE is cleared and the code goes on.  May clear the cause. */
extern void (*volatile interrupt_hook)(struct trap_frame *frame);

/* Called for a refill in place of recording it; returns true to retry the access. */
extern bool (*volatile refill_hook)(struct trap_frame *frame);

void trap_clear(void);
bool trapped(unsigned code); /* exactly one exception since trap_clear(), of this code */

/* fn(a0, a1) at a privilege level (through the 0x8000... alias), or here; an exception that cannot go on
 * behind its instruction (a bad jump) ends it if trap_resume is user_return or call_return. */
uint64_t user_run(uint64_t plv, uint64_t fn, uint64_t a0, uint64_t a1);
uint64_t call(uint64_t fn, uint64_t a0, uint64_t a1);
extern const char user_exit[], user_return[], call_return[], vectors[], refill_entry[], walk_entry[],
	scratch_start[];
void secondary_main(unsigned core);

#define ADDRESS(symbol)	 ((uint64_t)(symbol))
#define PHYSICAL(symbol) (ADDRESS(symbol) & 0xffffffffffff)
#define USER(symbol)	 (PHYSICAL(symbol) | 0x8000000000000000)
#define CACHED(pa)	 ((uint64_t)(pa) | 0x9000000000000000)

/* A function in assembler: SNIPPET(name, "insn; insn") returns after its text. */
#define SNIPPET(name, text)                                                                                  \
	__asm__(".pushsection .text." #name ", \"ax\"\n\t.balign 16\n\t.globl " #name "\n" #name             \
		":\n\t" text "\n\tjr $ra\n\t.popsection\n");                                                 \
	extern const char name[]

/* Checks.  The sentence says what must hold. */
void check_at(const char *file, int line, bool ok, const char *sentence);
void check_equal_at(const char *file, int line, uint64_t got, uint64_t want, const char *sentence);
void skip(const char *sentence, const char *why);
#define check(ok, sentence)		 check_at(__FILE_NAME__, __LINE__, ok, sentence)
#define check_equal(got, want, sentence) check_equal_at(__FILE_NAME__, __LINE__, got, want, sentence)

/* The next check is known to fail on QEMU, which runs these programs as a cross-check. */
void qemu_differs(void);
extern bool on_qemu;

extern bool deterministic; /* the command line says so: a tick is ten instructions */

extern unsigned cores_given; /* "cores=N" of the command line, 0: the program has to find out */

void print(const char *format, ...); /* %s %d %u %x %lx %ld %c */

static inline uint32_t cpucfg(uint32_t word)
{
	return __builtin_loongarch_cpucfg(word);
}

static inline bool has_page_walker(void)
{
	return cpucfg(2) >> 24 & 1;
}

static inline bool has_message_interrupts(void)
{
	return cpucfg(1) >> 26 & 1;
}

static inline bool has_lvz(void)
{
	return cpucfg(2) >> 10 & 1;
}

static inline uint64_t rdtime(void)
{
	uint64_t value;

	__asm__ volatile("rdtime.d %0, $zero" : "=r"(value));
	return value;
}

static inline void wait_ticks(uint64_t ticks)
{
	uint64_t start = rdtime();

	while (rdtime() - start < ticks)
		;
}

/* TLB entries written by hand: index 2048 + n is MTLB entry n. */
#define ELO_V	   0x1
#define ELO_D	   0x2
#define ELO_PLV(n) ((uint64_t)(n) << 2)
#define ELO_CC	   0x10
#define ELO_G	   0x40
#define ELO_NR	   (1ull << 61)
#define ELO_NX	   (1ull << 62)
#define ELO_RPLV   (1ull << 63)
#define PAGE_RW	   (ELO_V | ELO_D | ELO_CC)
void tlb_set(unsigned index, uint64_t va, unsigned ps, uint64_t elo0, uint64_t elo1);
void tlb_flush(void);

static inline uint64_t load64(uint64_t va)
{
	return *(volatile uint64_t *)va;
}

static inline void store64(uint64_t va, uint64_t value)
{
	*(volatile uint64_t *)va = value;
}

/* The @n-th 64 KiB of the tests' own memory: physical, zeroed by the tests that need it. */
static inline uint64_t scratch(unsigned n)
{
	return PHYSICAL(scratch_start) + 0x10000ull * n;
}

void *memset(void *to, int value, unsigned long size);
void *memcpy(void *to, const void *from, unsigned long size);

void suite(void);

#endif
