/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Whether two rigs are in the same state, and where they are not. */
#ifndef BIXI_TEST_JIT_COMPARE_H
#define BIXI_TEST_JIT_COMPARE_H

#include "tests/jit/rig.h"

/*
 * All that is architectural of all cores, and how much they have executed; not memory and the TLB.  Of what
 * differs @report prints the first few: reference, then translated.
 */
bool compare_cores(struct rig *reference, struct rig *translated, bool report);

/* The TLB and the memory in [pa, pa + size). */
bool compare_tlbs(const struct rig *reference, const struct rig *translated, bool report);
bool compare_memory(const struct rig *reference, const struct rig *translated, uint64_t pa, uint64_t size,
		    bool report);

#endif
