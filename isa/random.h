/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Random instruction words for tests and fuzzers.
 */
#ifndef BIXI_ISA_RANDOM_H
#define BIXI_ISA_RANDOM_H

#include "isa/isa.h"

/* The next of a sequence of 64-bit numbers that any start value begins (SplitMix64). */
uint64_t isa_random_u64(uint64_t *state);

/*
 * A word of row @op (not ISA_INVALID) with every operand random.  Where the row is the general case of
 * another (csrxchg of csrrd and csrwr), never a word of that other.
 */
uint32_t isa_random(enum isa_op op, uint64_t *state);

#endif
