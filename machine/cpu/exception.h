/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Exceptions and interrupts, Vol.1 chapter 6; the codes are those of Vol.1, CSR.ESTAT. */
#ifndef BIXI_CPU_EXCEPTION_H
#define BIXI_CPU_EXCEPTION_H

#include "machine/cpu/cpu.h"

/* Ecode | EsubCode << 8 */
enum exception {
	EXC_INT = 0x0,
	EXC_PIL = 0x1,
	EXC_PIS = 0x2,
	EXC_PIF = 0x3,
	EXC_PME = 0x4,
	EXC_PNR = 0x5,
	EXC_PNX = 0x6,
	EXC_PPI = 0x7,
	EXC_ADEF = 0x8,
	EXC_ADEM = 0x108,
	EXC_ALE = 0x9,
	EXC_BCE = 0xa,
	EXC_SYS = 0xb,
	EXC_BRK = 0xc,
	EXC_INE = 0xd,
	EXC_IPE = 0xe,
	EXC_FPD = 0xf,
	EXC_SXD = 0x10,
	EXC_ASXD = 0x11,
	EXC_FPE = 0x12,
	EXC_VFPE = 0x112,
	EXC_WPEF = 0x13,
	EXC_WPEM = 0x113,
	EXC_BTD = 0x14,
	EXC_BTE = 0x15,
	EXC_GSPR = 0x16,
	EXC_HVC = 0x17,
	EXC_GCSC = 0x18,
	EXC_GCHC = 0x118,
	EXC_TLBR = 0x3f, /* not an Ecode: taken through TLBRENTRY */
	EXC_MERR = 0x40, /* not an Ecode: taken through MERRENTRY */
};

/*
 * What an instruction's function answers.
 *   NEXT   done; go on at pc + 4.
 *   JUMP   done; cpu->pc has been set to the target.
 *   RAISED not done; an exception was taken and cpu->pc is its entry.
 *   STATE  done, go on at pc + 4, but translation, privilege, enables or pending interrupts may have
 *          changed: look at interrupts and fetch anew.
 *   STATE_JUMP  the same with cpu->pc set (ertn).
 */
enum insn_result { INSN_NEXT, INSN_JUMP, INSN_RAISED, INSN_STATE, INSN_STATE_JUMP };

/*
 * Takes exception @exc at cpu->pc: saves state, switches mode, sets cpu->pc to the entry.  Always
 * returns INSN_RAISED, so that a handler can end with "return cpu_raise(...)".
 * cpu_raise_address() also sets BADV (TLBRBADV for TLBR).
 */
int cpu_raise(struct cpu *cpu, enum exception exc);
int cpu_raise_address(struct cpu *cpu, enum exception exc, uint64_t badv);

/*
 * The same of an instruction that is @word, with no performance counter configured, no trace of exceptions
 * and not in debug mode, so that counts need not be exact.
 */
void cpu_raise_plain(struct cpu *cpu, enum exception exc, uint32_t word);

/* An exit: raises @exc in root mode although the guest runs, without an address. */
int cpu_raise_root(struct cpu *cpu, enum exception exc);

/* @exc of the unit of @bit in EUEN: the guest's own if it has it off, else root's. */
int cpu_raise_unit(struct cpu *cpu, unsigned bit, enum exception exc);

/* DBCL: enters debug mode.  Returns INSN_RAISED. */
int cpu_debug_call(struct cpu *cpu);

/* ERTN: returns from the debug, machine error, refill or general exception at hand. */
int cpu_return(struct cpu *cpu);

/*
 * ESTAT of a mode as software reads it, with the bits that lines, timers and counters drive; and the same but
 * for a timer's expiry that is still to be noticed.
 */
uint64_t cpu_estat(const struct cpu *cpu, enum cpu_mode mode);
uint64_t cpu_estat_noticed(const struct cpu *cpu, enum cpu_mode mode);

/*
 * Looks whether an interrupt is pending and enabled, root's first, and takes it.  True if cpu->pc changed.
 * Between instructions only.
 */
bool cpu_take_interrupt(struct cpu *cpu);

/* Whether cpu_take_interrupt() may have anything to do, but for debug mode. */
bool cpu_interrupt_due(const struct cpu *cpu);

/* True if a pending interrupt is enabled in root's ECFG whatever CRMD.IE says: ends IDLE. */
bool cpu_interrupt_pending(const struct cpu *cpu);

#endif
