/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the emitters of LSX and LASX floating-point rows share. */
#ifndef BIXI_JIT_VECTOR_FP_H
#define BIXI_JIT_VECTOR_FP_H

#include "machine/jit/fp_emit.h"
#include "machine/jit/vector_frame.h"

/* vector_begin() of an instruction that raises what its sources make it raise. */
struct vectors vector_fp_begin(struct emit *e, const struct insn *insn, unsigned bits, unsigned sources);

/* If the sign of an element of @mask is set, the reference engine does the instruction.  Uses RCX. */
void vector_slow_if_any(struct emit *e, unsigned size, unsigned bits, unsigned mask);

#endif
