/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The function of words that are no instruction, or none that this processor has: raises INE. */
#ifndef BIXI_INTERP_UNDEFINED_H
#define BIXI_INTERP_UNDEFINED_H

#include "machine/interp/interp.h"

int interp_undefined(struct cpu *cpu, const struct insn *insn);

#endif
