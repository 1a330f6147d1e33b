/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What a debugger outside the guest asks of a core: break- and watchpoints on virtual addresses, single
 * steps, memory.  The guest sees none of it: its memory, its registers and its own watchpoints (Vol.1 7.8)
 * stay as they are, and a core that stops and goes on executes what it would have executed without.
 *
 * Pages with a point are left out of the soft TLB, as those with a watchpoint of the guest's own are, so
 * that other pages pay nothing.
 */
#ifndef BIXI_CPU_DEBUG_H
#define BIXI_CPU_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

enum debug_kind {
	DEBUG_BREAK, /* software breakpoint; the two differ only in what the debugger calls them */
	DEBUG_HARDWARE_BREAK,
	DEBUG_WATCH_WRITE,
	DEBUG_WATCH_READ,
	DEBUG_WATCH_ACCESS,
};

struct debug_point {
	enum debug_kind kind;
	uint64_t address, size; /* bytes; of a breakpoint only the address counts */
};

/* Set while no core runs; the same for all cores.  Then softtlb_flush_all() for each. */
struct debug_points {
	struct debug_point *point;
	unsigned count;
};

/* What a core is to do once it may run. */
enum debug_action {
	DEBUG_RUN,
	DEBUG_STEP, /* one instruction, or up to the entry of the exception or interrupt it takes */
	DEBUG_HOLD, /* nothing */
};

/* Why a core stopped. */
enum debug_reason { DEBUG_NONE, DEBUG_STEPPED, DEBUG_AT_POINT };

struct debug_stop {
	enum debug_reason reason;
	enum debug_kind kind; /* AT_POINT: of the point; for watchpoints: */
	uint64_t address;     /* the first watched byte that was accessed */
};

/*
 * How the engine goes on at pc: so that a core that stopped looks at interrupts, and at what else is between
 * segments, exactly where it would have done so without.
 */
enum debug_resume {
	DEBUG_RESUME_FRESH, /* as at the beginning of a budget */
	DEBUG_RESUME_LOOP,  /* as after a segment of code */
	DEBUG_RESUME_HERE,  /* in the midst of a segment */
};

/* Part of struct cpu. */
struct cpu_debug {
	const struct debug_points *points; /* NULL: there are none */
	enum debug_action action;	   /* protected by the machine's lock */
	struct debug_stop stop;		   /* and why that is HOLD */

	/* Between the engine (interp/run.c) and who runs it (board/debug.c), on the core's thread. */
	bool stepping;	       /* one instruction: breakpoints, attention and interrupts are not looked at */
	bool passing;	       /* watched accesses go ahead, else they set */
	bool hit;	       /* the instruction at pc was not executed: it accesses a watchpoint */
	bool at_breakpoint;    /* the instruction at pc was not executed: a breakpoint is there */
	struct debug_stop met; /* the point that was met */
	bool reported;	       /* that the instruction at pc accesses one has been a stop already */
	enum debug_resume resume;
	int last;      /* enum insn_result that the last segment ended with, -1: nothing was executed */
	uint64_t left; /* of the budget of interp_run() */
};

/* Whether a fetch from (else a load or store to) the page of @va may meet a point. */
bool debug_page(const struct cpu *cpu, uint64_t va, bool fetch);

/* The breakpoint at @va, NULL if there is none. */
const struct debug_point *debug_breakpoint(const struct cpu *cpu, uint64_t va);

/* Instructions from @va to the next breakpoint above it in its page, or to the page's end. */
unsigned debug_straight(const struct cpu *cpu, uint64_t va);

/* What the current instruction does at an address. */
enum debug_access { DEBUG_LOAD = 1, DEBUG_STORE = 2 };

/*
 * An access to [va, va + size) that raises nothing is to be made (@access: a sum of enum debug_access).
 * False: it must not, the instruction is to return INSN_RAISED; it is executed again with passing set.
 */
bool debug_watch(struct cpu *cpu, uint64_t va, unsigned size, unsigned access);

/*
 * The physical address behind @va as the core's current mode has it, for an access of any kind with
 * kernel's rights: direct mode, windows, TLB, and beyond the TLB the page table that PWCL and PWCH describe.
 * Changes nothing.
 */
bool debug_translate(const struct cpu *cpu, uint64_t va, uint64_t *pa);

/* The same without stage 2: in guest mode the guest-physical address, in root mode the physical one. */
bool debug_guest_physical(const struct cpu *cpu, uint64_t va, uint64_t *gpa);

/*
 * Reads or writes memory at a virtual (or @physical) address, no core running: RAM, and the ROM for reading.
 * Devices are refused, as reading them would change them.  Returns the bytes done before the first that
 * cannot be.
 */
size_t debug_read(const struct cpu *cpu, uint64_t address, bool physical, void *data, size_t size);
size_t debug_write(struct cpu *cpu, uint64_t address, bool physical, const void *data, size_t size);

#endif
