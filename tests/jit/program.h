/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Random whole programs: a small kernel that keeps them going whatever they do (kernel.c), and code that
 * loops, branches, calls, faults and changes itself (generate.c, statement.c).  Everything follows from the
 * seed.
 */
#ifndef BIXI_TEST_JIT_PROGRAM_H
#define BIXI_TEST_JIT_PROGRAM_H

#include "tests/jit/code.h"
#include "tests/jit/rig.h"

/* How the program's addresses become physical ones. */
enum space { SPACE_DIRECT, SPACE_WINDOW, SPACE_MAPPED };

/* Registers with a purpose; which ones they are is random.  The others hold anything. */
enum role {
	ROLE_BASE0, /* into the data */
	ROLE_BASE1,
	ROLE_DEVICE, /* into the device's registers */
	ROLE_BAD,    /* where there is nothing */
	ROLE_STACK,
	ROLE_TABLE, /* of jump targets */
	ROLE_COUNTER0,
	ROLE_COUNTER1,
	ROLE_COUNTER2,
	ROLE_T0, /* of one statement */
	ROLE_T1,
	ROLES
};

#define LINK 1 /* as BL has it */

#define PROGRAM_WORDS	4096
#define PROGRAM_CORES	2
#define PROGRAM_FIXUPS	256
#define PROGRAM_PATCHES 32
#define FUNCTIONS	6

/* Physical addresses. */
#define KERNEL_ENTRY  UINT64_C(0x10000)
#define KERNEL_REFILL UINT64_C(0x20000)
#define KERNEL_TABLE  UINT64_C(0x30000) /* page table: KERNEL_PAGES entries */
#define KERNEL_PAGES  256
#define KERNEL_WORDS  256
#define HOST_ENTRY    UINT64_C(0x40000) /* of the hypervisor, if there is one */
#define HOST_REFILL   UINT64_C(0x41000)
#define REGION	      UINT64_C(0x400000) /* of the program, behind translation */
#define REGION_END    UINT64_C(0x800000)

/* Offsets in the program's virtual region. */
#define CODE_OFFSET   0x00000
#define STACK_OFFSET  0x10000 /* a page a core */
#define TABLE_OFFSET  0x18000
#define DATA_OFFSET   0x20000
#define DATA_SIZE     0x20000
#define TWIN_OFFSET   0x50000 /* pages of code that take the place of those at CODE_OFFSET now and then */
#define CODE_SIZE_MAX 0x8000

/* A jump whose target was not there yet. */
struct fixup {
	enum { FIXUP_BRANCH, FIXUP_JIRL, FIXUP_TABLE } kind;
	unsigned site;	 /* word; FIXUP_TABLE: entry of the table */
	unsigned target; /* word; or function if @function */
	bool function;
};

struct program {
	uint64_t seed, state;
	enum space space;
	unsigned cores, page_bits;
	bool guest;	    /* in guest mode, under a hypervisor */
	bool watched;	    /* there are watchpoints */
	bool walker;	    /* the processor walks page tables itself */
	bool modifies_code; /* stores into itself */
	bool counts;	    /* uses performance counters */
	bool checks_alignment;
	unsigned plv;
	uint8_t kinds[8]; /* kinds of straight code, enum straight; repeated ones come oftener */
	uint8_t role[ROLES];
	bool has_role[32];
	uint16_t page[KERNEL_PAGES]; /* physical page of each virtual one */
	uint64_t base;		     /* virtual address of the region */

	uint32_t words[PROGRAM_WORDS], kernel[KERNEL_WORDS], refill[16];
	struct code_buffer code;
	unsigned kernel_count, refill_count;
	unsigned code_at; /* offset of words[0] in the region */
	unsigned current; /* function being made; 0: main */
	unsigned depth;	  /* of loops */
	unsigned function[FUNCTIONS];
	unsigned functions, tables;
	struct fixup fixup[PROGRAM_FIXUPS];
	unsigned fixups;
	unsigned patch[PROGRAM_PATCHES]; /* sites that code may change */
	unsigned patches;
};

/* generate.c: makes all of the program of @seed. */
void program_make(struct program *p, uint64_t seed);

/* kernel.c: the exception handlers; and the program with all it needs, put into @rig. */
void kernel_make(struct program *p);
void kernel_start(const struct program *p, struct rig *rig);

/* host.c: the hypervisor, if the program is a guest; what kernel_start() has set up becomes the guest's. */
void host_load(const struct program *p, struct rig *rig);
void host_enter(const struct program *p, struct cpu *cpu);

/* statement.c: appends one statement, which may hold others. */
void statement_make(struct program *p);

static inline unsigned role(const struct program *p, enum role r)
{
	return p->role[r];
}

uint64_t program_random(struct program *p);
bool program_one_in(struct program *p, unsigned n);

/* A register that may be written: mostly one without a role, at times r0. */
unsigned program_free(struct program *p);

/* Numbers that matter to some instruction. */
uint64_t program_value(uint64_t *state);

/* Virtual address of word @index. */
static inline uint64_t program_address(const struct program *p, unsigned index)
{
	return p->base + p->code_at + 4 * index;
}

/* Where the region's offset @offset is in physical memory. */
uint64_t program_physical(const struct program *p, uint64_t offset);

void program_fix(struct program *p, struct fixup fixup);

/* An instruction for a site that may change, instead of the one there. */
uint32_t program_patch(uint32_t word, uint64_t random);

/* Does to @rig what a device does that writes to a site. */
void program_disturb(const struct program *p, struct rig *rig, uint64_t random);

#endif
