/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Where the floating-point environment is while translated code runs.  Its arithmetic uses the host's SSE
 * unit with MXCSR = all exceptions masked, FCSR0.RM, and the flags raised so far: what FCSR0.Flags lacks.
 * FCSR0.Cause, which is about the last instruction alone, is not computed at all, but how to is noted
 * (struct jit_cause) where somebody could look before the next one.
 */
#ifndef BIXI_JIT_FP_STATE_H
#define BIXI_JIT_FP_STATE_H

#include "machine/cpu/cpu.h"

/* A value of jit_cause.word that is no instruction: the last instruction raised nothing. */
enum { JIT_CAUSE_NONE = 1 };

/* Before translated code does arithmetic, whose FCSR0.Enables are to be 0. */
void jit_fp_enter(struct cpu *cpu);

/*
 * Before anybody else does arithmetic or looks at or changes FCSR0: makes FCSR0 what it is, and MXCSR what C
 * code expects.  Nothing to do unless jit_fp_enter() was called after the last time.
 */
void jit_fp_leave(struct cpu *cpu);

/*
 * For translated code, which goes on with its arithmetic: reads and writes those bits of FCSR0.  The unit is
 * on.  After a write it has to look again whether FCSR0.Enables are 0.
 */
uint64_t jit_fp_read(struct cpu *cpu, uint32_t view);
void jit_fp_write(struct cpu *cpu, uint32_t value, uint32_t view);

#endif
