/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What arch.h asks of <arch_types.h>, for LoongArch64 with LVZ. */
#ifndef BIXI_ARCH_TYPES_H
#define BIXI_ARCH_TYPES_H

/* Offsets in struct cpu and its struct arch_cpu, and in struct cell, for entry.S; loongarch.h compares. */
#define ARCH_CPU_STACK	    256
#define ARCH_CPU_LINUX_CRMD 264
#define ARCH_CPU_BEGIN	    272
#define ARCH_CPU_SIZE	    408
#define CPU_CELL	    ARCH_CPU_SIZE
#define CPU_COUNT	    (ARCH_CPU_SIZE + 8)
#define CPU_TICKS	    (CPU_COUNT + 8 * EXITS_REASONS)
#define CPU_LATENCY	    (CPU_TICKS + 8 * EXITS_REASONS)
#define CPU_EXIT_NEXT	    (CPU_LATENCY + 8 * 65)
#define CPU_EXITS	    (CPU_EXIT_NEXT + 8)
#define CELL_CALLS	    8

/* And numbers of C's that it needs. */
#define EXITS_HYPERCALL 3 /* enum hv_stat */
#define EXITS_IOCSR	4
#define EXITS_REASONS	11 /* HV_STATS */
#define EXIT_SIZE	32
#define EXITS_LAST	7 /* HV_FAULT_EXITS - 1 */
#define CALLS		72
#define HVCL		0x2bca48 /* hvcl HYPERCALL_CODE */
#define UNITS_FCC	1024
#define UNITS_FCSR	1032
#define UNITS_EFLAGS	1036
#define UNITS_FTOP	1040
#define UNITS_SCRATCH	1048

/* A CPU's area, in bytes: its struct cpu, at PERCPU_CONTEXT what is Linux's, and the stack at its end. */
#define PERCPU_SIZE    0x4000
#define PERCPU_CONTEXT 0x800
#define PERCPU_STACK   0x1800 /* the lower end */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

#define ARCH_NUMBER CONFIG_ARCH_LOONGARCH

#define PAGE_BITS   14
#define S2_LEVELS   3
#define S2_BITS	    11
#define S2_LEAF_MAX 1 /* 32 MiB */

#define WINDOW_MASK	UINT64_C(0xffffffffffff)
#define WINDOW_CACHED	UINT64_C(0x9000000000000000)
#define WINDOW_UNCACHED UINT64_C(0x8000000000000000)

static inline void *phys_to_virt(uint64_t phys)
{
	return (void *)(phys | WINDOW_CACHED);
}

static inline uint64_t virt_to_phys(const void *virt)
{
	return (uint64_t)virt & WINDOW_MASK;
}

static inline uint64_t arch_time(void)
{
	uint64_t ticks;

	__asm__ volatile("rdtime.d %0, $zero" : "=r"(ticks));
	return ticks;
}

static inline void cpu_relax(void)
{
	__asm__ volatile("nop" ::: "memory");
}

enum {
#define CSR(name) GUEST_##name,
#include "csrs.def"
#undef CSR
	GUEST_CSRS
};

#define COUNTERS     4	 /* of the PMU that can be handed over */
#define VECTORS	     256 /* of the extended I/O interrupt controller */
#define VECTOR_WORDS (VECTORS / 32)
#define PIC_PINS     64

/* FP and vector registers (each the lower part of the next larger), and the binary translation unit's. */
struct units {
	uint64_t vector[32][4];
	uint8_t fcc[8];
	uint32_t fcsr, eflags, ftop, padding;
	uint64_t scratch[4];
} __attribute__((aligned(32)));

struct timer {
	uint64_t tcfg, tval, estat, at; /* at: of the counter, when they were read */
};

/* A CPU's own interrupt controller as its guest sees it; status is everybody's to set. */
struct ipi {
	uint32_t status, enable;
	uint64_t mailbox[4];
};

/* Registers that only root has and that guests may think to be theirs: nothing happens by them. */
struct shadow {
	uint64_t merrctl, merrentry, merrsave;
};

/* Watchpoints for loads and stores, or those for fetches. */
struct watch {
	uint64_t off;	 /* bit n: number n is off for programs, as WE of the guest is */
	uint64_t status; /* bits that the guest knows of */
};

/* All of a guest that is not in memory. */
struct context {
	uint64_t gpr[32], pc;
	uint64_t csr[GUEST_CSRS], cntc;
	uint64_t counter[2 * COUNTERS], message[5];
	struct timer timer;
	struct ipi ipi;
	struct shadow shadow;
	struct units units;
};

struct arch_cpu {
	uint64_t gpr[32];    /* the guest's, while the hypervisor runs */
	uint64_t stack;	     /* its upper end */
	uint64_t linux_crmd; /* when Linux called */
	uint64_t begin;	     /* ticks: when the guest was left */
	bool started;	     /* in guest mode at least once: its exits are */
	bool pen;	     /* waits as after reset, for an address to begin at */
	unsigned counters;   /* of the PMU that the guest has */
	bool messages;	     /* there are message interrupts */
	uint64_t refused;    /* accesses to other cells' interrupts, without effect */
	uint64_t alarm;	     /* of arch_cpu_alarm() */
	struct ipi ipi;
	struct shadow shadow;
	struct watch watch[2]; /* [1]: for fetches */
};

/*
 * Where some of a cell's vectors are in hardware: those of a granule of 64 that are all in the same granule
 * of hardware's, at the same distance.  A granule's are a list; most have one.
 */
struct vector_run {
	uint8_t offset;	     /* of hardware's granule in a bitmap, in bytes */
	uint8_t left, right; /* how far to rotate for hardware's bits, and for the cell's */
	uint8_t next;	     /* of the list: 1 and more_runs[0], ...; 0: the last */
	bool longer;	     /* of a head: there are more, or other nodes */
	uint64_t mask;	     /* the cell's bits */
};

#define GRANULES (VECTORS / 64)

/*
 * Which interrupts are a cell's; all numbers are the cell's own.  Made of owned[] and physical[], so that an
 * access needs not look at each vector: runs, route_word[], groups[], with_vectors.
 */
struct arch_cell {
	uint8_t cpu_id[64];		 /* hardware's number of each of its CPUs, 255: there is none */
	struct vector_run run[GRANULES]; /* the lists' heads */
	uint32_t owned[VECTOR_WORDS];
	uint8_t route_word[VECTORS / 4]; /* of 4 routes, where hardware has them in one word, too */
	uint8_t groups[VECTOR_WORDS];	 /* of 32 vectors: hardware's that they are in */
	uint8_t with_vectors;		 /* groups of the cell's */
	uint8_t ipmap[VECTOR_WORDS];
	uint8_t route[VECTORS];	   /* as written */
	uint8_t route_to_hw[256];  /* with hardware's numbers of CPUs; 0: no CPU of the cell's */
	uint8_t physical[VECTORS]; /* vector in hardware */
	struct vector_run more_runs[VECTORS - GRANULES];
	uint64_t pins; /* of the bridge's controller */
	uint8_t pin_vector[PIC_PINS];
};
#endif
#endif
