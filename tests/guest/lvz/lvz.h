/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The runtime of the LVZ tests: root is the test, the guest is a few instructions or a C function of the same
 * program.  lvz_setup() gives guest 1 its stage-2 tables, guest_reset() a virtual processor as after reset;
 * guest_run() runs a function in it, guest_enter() goes in once and tells why it came out.
 */
#ifndef LVZ_H
#define LVZ_H

/* Places in struct lvz_core, for entry.S. */
#define CORE_PC	    256
#define CORE_PRMD   264
#define CORE_KEEP   272
#define CORE_EXITS  280
#define CORE_EXIT   288
#define CORE_REFILL 408
#define CORE_TRAP   472
#define CORE_ROOT   600
#define CORE_SHIFT  10
#define LVZ_CORES   16

#define CRMD_DA 0x8
#define CRMD_PG 0xb0 /* mapped, direct accesses cached */

#ifndef __ASSEMBLER__
#include <stddef.h>

#include "guest.h"

#define CSR_GTLBC   0x15
#define CSR_TRGP    0x16
#define CSR_GSTAT   0x50
#define CSR_GCFG    0x51
#define CSR_GINTC   0x52
#define CSR_GCNTC   0x53
#define CSR_SAVE(n) (CSR_SAVE0 + (n))

#define GTLBC_USETGID 0x1000
#define GTLBC_TOTI    0x2000
#define GTLBC_TGID    0xff0000
#define GSTAT_PVM     0x2
#define GSTAT_GIDBIT  0x3f0
#define GSTAT_GID     0xff0000
#define GCFG_MATC(n)  ((uint64_t)(n) << 4)
#define GCFG_TIT      0x200
#define GCFG_TORU     0x8000
#define GCFG_GCI(n)   ((uint64_t)(n) << 20)
#define GCFG_GPERF(n) ((uint64_t)(n) << 24)
#define GCFG_CAPS     0x874107ull /* all that this machine can: MATC and GCI 0-2, TIT, TORU, GPMP */
#define TLBRPRMD_PGM  0x8

enum { EXC_GSPR = 0x16, EXC_HVC = 0x17, EXC_GCM = 0x18 };

/* What this assembler does not know. */
__asm__(".macro gtlbclr\n\t.word 0x06482001\n\t.endm\n"
	".macro gtlbsrch\n\t.word 0x06482801\n\t.endm\n"
	".macro gtlbrd\n\t.word 0x06482c01\n\t.endm\n"
	".macro gtlbwr\n\t.word 0x06483001\n\t.endm\n"
	".macro gtlbfill\n\t.word 0x06483401\n\t.endm\n");

#define gtlb_clear()  __asm__ volatile("gtlbclr" ::: "memory")
#define gtlb_flush()  __asm__ volatile("gtlbflush" ::: "memory")
#define gtlb_search() __asm__ volatile("gtlbsrch" ::: "memory")
#define gtlb_read()   __asm__ volatile("gtlbrd" ::: "memory")
#define gtlb_write()  __asm__ volatile("gtlbwr" ::: "memory")
#define gtlb_fill()   __asm__ volatile("gtlbfill" ::: "memory")
#define hvcl(code)    __asm__ volatile("hvcl %0" ::"i"(code) : "memory")
#define invtlb(op, rj, rk)                                                                                   \
	__asm__ volatile("invtlb %0, %1, %2" ::"i"(op), "r"((uint64_t)(rj)), "r"((uint64_t)(rk)) : "memory")

/* The guest's CSRs; @n is a constant.  For others, gcsr_read_any() and gcsr_write_any(). */
#define gcsr_read(n)                                                                                         \
	({                                                                                                   \
		uint64_t value_;                                                                             \
		__asm__ volatile("gcsrrd %0, %1" : "=r"(value_) : "i"(n) : "memory");                        \
		value_;                                                                                      \
	})
#define gcsr_swap(n, value) /* returns the old value */                                                      \
	({                                                                                                   \
		uint64_t value_ = (value);                                                                   \
		__asm__ volatile("gcsrwr %0, %1" : "+r"(value_) : "i"(n) : "memory");                        \
		value_;                                                                                      \
	})
#define gcsr_write(n, value)	      ((void)gcsr_swap(n, value))
#define gcsr_exchange(n, value, mask) /* returns the old value */                                            \
	({                                                                                                   \
		uint64_t value_ = (value);                                                                   \
		register uint64_t mask_ __asm__("$t8") = (mask); /* r0 and r1 make other instructions */     \
		__asm__ volatile("gcsrxchg %0, %1, %2" : "+r"(value_) : "r"(mask_), "i"(n) : "memory");      \
		value_;                                                                                      \
	})
#define gcsr_change(n, value, mask) ((void)gcsr_exchange(n, value, mask))
uint64_t gcsr_read_any(unsigned n);
uint64_t gcsr_write_any(unsigned n, uint64_t value); /* returns the old value */

/* What the guest has of its own, without PGD, TICLR, message interrupts and counters. */
#define GUEST_FILE_SIZE 50
extern const uint16_t guest_file[GUEST_FILE_SIZE];

/* The guest's registers: as it left them, or as the next entry gives them to it. */
struct guest_state {
	uint64_t gpr[32];
	uint64_t pc;
	uint64_t prmd;	       /* root's PRMD at an entry; guest_reset(): 4, interrupts on */
	uint64_t keep_pvm;     /* leave GSTAT.PVM and GTLBC.TGID alone, at exits and at entries */
	uint64_t refill_exits; /* a stage-2 refill is an exit, EXC_TLBR, in place of a walk of the tables */
};

/* What root saw at the last exit.  era is the guest's pc also for a refill. */
struct exit_record {
	uint64_t estat, era, badv, badi, prmd, crmd, gstat;
	uint64_t entry; /* the vector that was taken, as an offset from EENTRY */
	uint64_t tlbrera, tlbrbadv, tlbrehi, tlbrprmd;
	uint64_t gtlbc;
	uint64_t count; /* exits since lvz_setup() or since a test wrote 0 */
	uint64_t code;	/* Ecode | EsubCode << 8, EXC_TLBR for a refill */
};

/* What root saw at the last stage-2 refill, walked or handed out. */
struct refill_record {
	uint64_t count; /* since lvz_setup() or since a test wrote 0 */
	uint64_t tlbrera, tlbrbadv, tlbrehi, tlbrprmd, crmd, estat, gstat;
};

/*
 * The last exception that the guest took itself.  The guest's handler records it and goes on behind the
 * instruction, or at @resume; after an interrupt it clears PRMD.PIE and goes on where it was.
 */
struct trap_record {
	uint64_t count, code;
	uint64_t estat, era, badv, badi, prmd, crmd;
	uint64_t entry; /* the vector that was taken, as an offset from EENTRY */
	uint64_t tlbrera, tlbrbadv, tlbrehi, tlbrprmd;
	uint64_t resume;
	uint64_t scratch[2]; /* the handler's */
};

struct lvz_core {
	struct guest_state state;
	struct exit_record exit;
	struct refill_record refill;
	struct trap_record trap;
	uint64_t root[16]; /* root's registers while the guest runs */
} __attribute__((aligned(1 << CORE_SHIFT)));

extern volatile struct lvz_core lvz_cores[LVZ_CORES];

static inline volatile struct lvz_core *this_core(void)
{
	return &lvz_cores[csr_read(CSR_CPUID)];
}

/* This core's. */
#define guest	   (this_core()->state)
#define vm_exit	   (this_core()->exit)
#define vm_refill  (this_core()->refill)
#define guest_trap (this_core()->trap)

/*
 * On each core that runs guests.  Root's registers as KVM sets them up (MATC 1, GCI 2, USETGID), GID 1, its
 * stage-2 table, all guest TLB entries gone, guest_reset().  Root's SAVE0-SAVE3 belong to the runtime.
 */
void lvz_setup(void);

/*
 * Guest CSRs as after reset but for CPUID (the core's), EENTRY and TLBRENTRY (the recording handlers at their
 * guest physical addresses); GPRs 0, sp at a stack; no interrupts; records cleared.  The guest's handlers use
 * its SAVE5-SAVE7.
 */
void guest_reset(void);

/* The guest in mapped mode at the 0x9000... window for PLV0 and the 0x8000... one for PLV0 and PLV3, its
 * EENTRY at the 0x9000... alias.  guest_run() then needs CACHED() or USER() addresses. */
void guest_windows(void);

/* One entry by PVM and ertn with guest's registers; returns vm_exit.code. */
unsigned guest_enter(void);

/* fn(a0, a1) in the guest until it returns or does `hvcl 0`, result its a0; @fn is a guest address, and
 * guest_run() takes a function's physical one.  Other exits go to exit_hook, or end it with a line printed.
 */
uint64_t guest_run_at(uint64_t fn, uint64_t a0, uint64_t a1);
#define guest_run(fn, a0, a1) guest_run_at(PHYSICAL(fn), (uint64_t)(a0), (uint64_t)(a1))

/* Called for every other exit of guest_run(); returns true to enter again at guest.pc. */
extern bool (*volatile exit_hook)(unsigned code);

/* True if the last guest_run() ended with its `hvcl 0`. */
bool guest_ended(void);

/* One instruction in the guest's mode as it is, `hvcl 0` behind it; returns the first exit's code.  guest's
 * other registers stay as they are.  In mapped mode set guest_code_base to the window's. */
unsigned guest_execute(uint32_t instruction);
uint64_t guest_code(const uint32_t *words, unsigned count); /* puts them and `hvcl 0`; their address */
extern uint64_t guest_code_base;			    /* added to code's physical address: 0 */
extern const char guest_return[]; /* `hvcl 0`, where ra points to at the start of guest_run() */

/* One instruction in root with these a0, a1; returns a0.  An exception is in trap, as always. */
uint64_t root_execute(uint32_t instruction, uint64_t a0, uint64_t a1);

static inline bool exited_by_hvcl(unsigned code)
{
	return vm_exit.code == EXC_HVC && (vm_exit.badi & 0xffffffff) == (0x2b8000 | code);
}

void guest_trap_clear(void);
bool guest_trapped(unsigned code); /* exactly one guest exception since guest_trap_clear(), of this code */

/*
 * Stage 2: tables of 16 KiB pages as walk_entry reads them; GIDs that are equal modulo 8 share one.  At first
 * each maps 0x1000000-0x2000000, where this program and scratch() are, to itself.  Every other address gets a
 * pair with V=0.  No function but s2_flush() and s2_select() touches the TLB or a register.  Only one core at
 * a time may change tables.
 */
#define S2_PAGE 0x4000ull
#define S2_HUGE 0x2000000ull
void s2_select(unsigned gid);		   /* GSTAT.GID and the table; no TLB entry is touched */
void s2_identity(void);			   /* the selected table as at first */
volatile uint64_t *s2_entry(uint64_t gpa); /* the page's entry in the selected table */
void s2_map(uint64_t gpa, uint64_t hpa, uint64_t flags);      /* flags: PAGE_RW and the like */
void s2_map_huge(uint64_t gpa, uint64_t hpa, uint64_t flags); /* 32 MiB */
void s2_unmap(uint64_t gpa);
void s2_flush(uint64_t gpa); /* invtlb 0x16 for the selected GID */

/* Code for the guest in assembler: GUEST(name, "insn; insn"), ends with `hvcl 0`. */
#define GUEST(name, text)                                                                                    \
	__asm__(".pushsection .text.guest." #name ", \"ax\"\n\t.balign 16\n\t.globl " #name "\n" #name       \
		":\n\t" text "\n\thvcl 0\n\t.popsection\n");                                                 \
	extern const char name[]

/* Wakes a secondary core, which calls secondary_main(). */
void core_start(unsigned core);

/*
 * A suite's tests on the second core, if there is one, while the first keeps a guest running: suite() calls
 * lvz_both() after its own tests, secondary_main() lvz_second().
 */
void lvz_both(void);
void lvz_second(void (*tests)(void));

#define OFFSET_IS(member, at) _Static_assert(offsetof(struct lvz_core, member) == (at), #member)
OFFSET_IS(state.pc, CORE_PC);
OFFSET_IS(state.prmd, CORE_PRMD);
OFFSET_IS(state.keep_pvm, CORE_KEEP);
OFFSET_IS(state.refill_exits, CORE_EXITS);
OFFSET_IS(exit, CORE_EXIT);
OFFSET_IS(refill, CORE_REFILL);
OFFSET_IS(trap, CORE_TRAP);
OFFSET_IS(root, CORE_ROOT);
_Static_assert(sizeof(struct lvz_core) == 1 << CORE_SHIFT, "lvz_core");

#endif
#endif
