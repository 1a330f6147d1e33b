/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The architectural state of one core.  Nothing about the guest's processor lives elsewhere.  There are
 * two CSR files, root and guest (of the virtualization extension); which one instructions mean follows from
 * the mode.
 */
#ifndef BIXI_CPU_CPU_H
#define BIXI_CPU_CPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/bus/bus.h"
#include "machine/bus/clock.h"
#include "machine/bus/state.h"
#include "machine/bus/trace.h"
#include "machine/cpu/csr.h"
#include "machine/cpu/debug.h"
#include "machine/cpu/softtlb.h"
#include "machine/cpu/tlb.h"
#include "machine/jit/core.h"

#define CPU_MAX 64 /* cores of a machine */

enum { PLV0 = 0, PLV3 = 3 };

/* A vector register; the FP register of the same number is its low 64 bits (d[0]). */
union vreg {
	uint8_t ub[32];
	int8_t b[32];
	uint16_t uh[16];
	int16_t h[16];
	uint32_t uw[8];
	int32_t w[8];
	uint64_t ud[4];
	int64_t d[4];
	float s[8];
	double fd[4];
	unsigned __int128 uq[2];
	__int128 q[2];
} __attribute__((aligned(32)));

/* Reasons for a core to leave its run loop; bits of cpu->attention. */
enum cpu_attention {
	ATTENTION_INTERRUPT = 1 << 0, /* lines or enables changed: evaluate interrupts */
	ATTENTION_PAUSE = 1 << 1,     /* the run control wants the thread */
	ATTENTION_RESET = 1 << 2,     /* reset this core */
	ATTENTION_SYNC = 1 << 3,      /* acknowledge cpu_group.sync_generation, see reserve.h */
	ATTENTION_FLUSH = 1 << 4,     /* the ROM was hidden: forget where it is on the host */
	ATTENTION_DEBUG = 1 << 5,     /* an access meets a debugger's watchpoint, see debug.h */
	ATTENTION_PAGES = 1 << 6,     /* the soft TLB's pages change their size, see softtlb.h */
};

/* How a call of a translator ended. */
enum translated {
	TRANSLATED_LOOK,      /* after a straight run of instructions: interrupts may be looked at */
	TRANSLATED_INTERPRET, /* inside one: the reference engine is to go on to its end */
	TRANSLATED_INSN,      /* with an instruction that gave a result: */
};

struct translated_insn {
	uint64_t pc;	 /* its own */
	int result;	 /* enum insn_result; not counted yet */
	unsigned raised; /* exceptions before it: each takes one off the run loop's budget, and @limit */
};

/*
 * A translator (machine/jit) executes code in place of the reference engine's loop (interp/run.c): from pc
 * on, until insn_count is @limit at most.
 */
struct translator {
	enum translated (*run)(struct cpu *cpu, uint64_t limit, struct translated_insn *insn);
	struct jit *jit;
};

/* What the cores of one machine share. */
struct cpu_group {
	struct cpu *cpu[CPU_MAX];
	unsigned count;
	bool parallel;			   /* one host thread a core; false in deterministic mode */
	struct reservations *reservations; /* LL/SC, reserve.h */
	bool llsc_compares;		   /* SC may compare with what LL has read, reserve.h */
	struct translator translator;	   /* run is NULL if there is none */
	_Atomic unsigned page_bits; /* that the cores' soft TLBs are to have; 0: there is no core yet */

	/* For the translator; may be NULL. */
	void (*code_written)(void *opaque, size_t page); /* code.h */
	void *code_opaque;
};

/* IOCSR space as the processor sees it; implemented by soc/iocsr.c. */
struct iocsr_ops {
	/* @core is the accessing core.  An offset that nothing decodes reads 0 and ignores writes. */
	uint64_t (*read)(void *opaque, unsigned core, uint32_t offset, unsigned size);
	void (*write)(void *opaque, unsigned core, uint32_t offset, unsigned size, uint64_t value);
	void *opaque;
};

/* A processor model: --cpu la464, la664, max; cpu/model.c. */
struct cpu_model {
	char name[24];	       /* as --cpu takes it: "la464", "la464,lvz=off" */
	uint32_t cpucfg[0x15]; /* words 0..0x14; higher words read 0 */
	uint32_t prcfg1, prcfg2, prcfg3;
	uint64_t iocsr_features; /* IOCSR 8 */
	uint64_t iocsr_chip;	 /* IOCSR 0x20, chip name in ASCII */
	uint8_t fetch_watchpoints, memory_watchpoints, counters;
};

struct cpu;
struct mmu_page;

/* While instructions are executed on trial, to be undone (jit/check.h). */
struct cpu_rehearsal {
	/* Finds the RAM of an access in place of the slow path, changing nothing.  False: as if it raised an
	 * exception. */
	bool (*access)(struct cpu *cpu, uint64_t va, unsigned size, enum softtlb_access kind,
		       struct mmu_page *page, void **host);
	void (*exception)(struct cpu *cpu); /* one is going to be raised */
};

struct cpu_stats {
	uint64_t instructions, exceptions, interrupts, tlb_refills, softtlb_fills, ptw_walks;
	/* Entries into guest mode, exits by Ecode (63: stage-2 refill), TLB misses of stage 2. */
	uint64_t vm_entries, vm_exits[64], stage2_misses;
};

/* The constant timer of a mode; timer.c. */
struct cpu_timer {
	struct clock_timer clock;
	struct cpu *cpu;
	uint64_t expiry;    /* stable-counter tick of the next expiry, when running */
	uint64_t stopped;   /* TVAL while TCFG.En is 0 */
	bool running;	    /* counting down to expiry */
	_Atomic bool fired; /* the clock says that expiry has come; any thread */
};

/* The LL/SC reservation of a mode; reserve.h. */
struct cpu_ll {
	bool bit;     /* an LL was executed and no SC, ERTN since; others may have broken the reservation */
	uint8_t size; /* bytes */
	bool compare; /* it stands as long as memory holds value */
	uint64_t offset; /* of the address in bus->ram */
	uint64_t value;	 /* that LL read, zero-extended */
};

struct cpu {
	/* What every instruction touches comes first. */
	uint64_t gpr[32]; /* gpr[0] is always 0: who writes a general register goes through cpu_set_gpr() */
	uint64_t pc;	  /* while an instruction executes: its own address */
	struct softtlb_bank *bank; /* of the current translation regime, see softtlb.h */
	uint64_t page_size;	   /* of the soft TLB: 2^page_bits */
	uint8_t page_bits;
	_Atomic uint32_t attention; /* enum cpu_attention */
	struct csr_file *csr;	    /* the current file: &root or &guest */
	uint32_t fcsr;		    /* FCSR0; FCSR1-3 are views of it */
	uint8_t fcc[8];		    /* 0 or 1 */
	union vreg vr[32];

	struct csr_file root, guest;
	bool guest_mode; /* CPU_GUEST; only ERTN in root mode sets it */

	struct tlb tlb;
	struct softtlb softtlb;

	struct cpu_ll ll[CPU_MODES];

	_Atomic uint32_t lines; /* interrupt inputs, bit n = ESTAT.IS[n] (2-9 HWI, 10 PMI, 12 IPI) */
	_Atomic uint64_t message_pending[4]; /* MSGIS0-3 of root; the guest's are in its file */
	struct cpu_timer timer[CPU_MODES];
	_Atomic bool halted; /* in IDLE */

	struct cpu_stats stats;
	uint64_t insn_count;  /* instructions retired before segment_pc; cpu_sync() makes it exact */
	uint64_t segment_pc;  /* where the straight-line code being executed began, after cpu_sync(): pc */
	bool executing;	      /* inside interp_run(): segment_pc means something */
	const uint32_t *code; /* the host's page that instructions are being executed from, NULL: none */
	uint64_t code_base;   /* and its virtual address */
	uint64_t pmu_mark;    /* insn_count up to which PMCNTn are exact, pmu.c */
	uint8_t pmu_active[CPU_MODES];	 /* bit n: PMCNTn of that file counts now */
	uint8_t pmu_branches[CPU_MODES]; /* the same, and what it counts is branches, by cpu_pmu_branch() */
	bool pmu_branching;		 /* there is one of the latter */
	uint8_t pmu_counters;		 /* so many are configured: of all others PMCFG is 0 in both files */
	bool watch_fetch, watch_memory;	 /* some watchpoint is configured, watch.c */
	bool watch_guest;		 /* one of them for guest mode */
	uint64_t clock_count;		 /* the part of insn_count that clock->virtual_now has advanced by */

	unsigned id; /* core number = CSR.CPUID at reset */
	const struct cpu_model *model;
	struct cpu_group *group;
	struct bus *bus;
	struct clock *clock;
	struct trace *trace;
	struct iocsr_ops iocsr;
	uint64_t reset_pc; /* 0x1c000000 unless the board starts a kernel directly */
	uint64_t random;   /* state of the generator for TLBFILL's way; seeded, never from the host */
	struct decode_cache *decode_cache;     /* of the interpreter, interp/interp.h */
	struct cpu_debug debug;		       /* a debugger's wishes */
	struct jit_core jit;		       /* of the translator */
	const struct cpu_rehearsal *rehearsal; /* NULL: instructions are executed in earnest */
	pthread_mutex_t wake_lock;	       /* protects: the halted -> running hand-over with wake */
	pthread_cond_t wake;
};

static inline void cpu_set_gpr(struct cpu *cpu, unsigned reg, uint64_t value)
{
	cpu->gpr[reg] = value;
	cpu->gpr[0] = 0;
}

static inline struct csr_file *cpu_csr(struct cpu *cpu, enum cpu_mode mode)
{
	return mode == CPU_GUEST ? &cpu->guest : &cpu->root;
}

/* Whose file @file is. */
static inline enum cpu_mode csr_mode(const struct cpu *cpu, const struct csr_file *file)
{
	return file == &cpu->guest ? CPU_GUEST : CPU_ROOT;
}

/* CPUCFG.2.LVZ */
static inline bool cpu_model_lvz(const struct cpu_model *model)
{
	return model->cpucfg[2] >> 10 & 1;
}

static inline unsigned cpu_plv(const struct cpu *cpu)
{
	return cpu->csr->crmd & 3;
}

/*
 * Brings insn_count, and in deterministic mode the clock, up to the instruction at pc: before an
 * instruction reads or sets anything that depends on time or on the number of instructions retired
 * (counters, timers, MMIO, IOCSR).  Only while pc is still the executing instruction's own address.
 */
static inline void cpu_sync(struct cpu *cpu)
{
	if (!cpu->executing)
		return;
	cpu->insn_count += (cpu->pc - cpu->segment_pc) / 4;
	cpu->segment_pc = cpu->pc;
	if (cpu->clock->deterministic) {
		cpu->clock->virtual_now += cpu->insn_count - cpu->clock_count;
		cpu->clock_count = cpu->insn_count;
	}
}

/* Creates core @id with the fields below set; returns 0 or a negative errno. */
int cpu_init(struct cpu *cpu, unsigned id, const struct cpu_model *model, struct cpu_group *group,
	     struct bus *bus, struct clock *clock, struct trace *trace, uint64_t seed);
void cpu_destroy(struct cpu *cpu);

/* Reset state of Vol.1 "Reset": DA=1, pc = reset_pc.  On the core's own thread, or before it runs. */
void cpu_reset(struct cpu *cpu);

/* All of a core's state, to a snapshot or from one; @cpu is a struct cpu that does not run. */
void cpu_state(void *cpu, struct state *state);

/* The model called @name (la464, la664, max), NULL if there is none. */
const struct cpu_model *cpu_model_find(const char *name);

/*
 * Makes *@model what @text says: a model's name and, after a comma, lvz=on (which all models have) or
 * lvz=off, which takes the virtualization extension away.  False, *@model as it was: there is no such model
 * or key.
 */
bool cpu_model_parse(struct cpu_model *model, const char *text);

/* CPUCFG: word @index as the model has it; 0 above the last word. */
uint32_t cpu_cpucfg(const struct cpu *cpu, uint64_t index);

/* Sets attention bits and wakes the core if it idles.  Any thread. */
void cpu_notify(struct cpu *cpu, uint32_t attention);

/* Drives input @bit of ESTAT.IS (2-9 HWI0-7, 10 PMI, 12 IPI).  Any thread. */
void cpu_set_line(void *cpu, unsigned bit, bool level);

/* Delivers message interrupt @vector (0-255) to the core (AVEC).  Any thread. */
void cpu_message_interrupt(struct cpu *cpu, unsigned vector);

/*
 * The stable counter: 100 MHz, before CNTC is added, the same for all cores.
 */
uint64_t cpu_stable_counter(const struct cpu *cpu);

/*
 * What RDTIME reads in the current mode: the stable counter with its compensation.  @expired: past the expiry
 * of a timer, whose interrupt is to come now, so that none is late to who looks at the counter.
 */
uint64_t cpu_rdtime(struct cpu *cpu, bool *expired);

/*
 * Instructions until a performance counter overflows and may interrupt, UINT64_MAX if none will: the
 * run loop executes no more than that before it looks at interrupts again.
 */
uint64_t cpu_pmu_budget(const struct cpu *cpu);

/* A branch has retired: to be called for each while cpu->pmu_branching. */
void cpu_pmu_branch(struct cpu *cpu, bool mispredicted);

#endif
