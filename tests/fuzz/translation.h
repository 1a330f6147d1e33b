/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What must hold of a core at any moment between instructions, in root and in guest mode.  Whatever does not
 * is printed and aborts: that is how a fuzzer reports.
 */
#ifndef BIXI_FUZZ_TRANSLATION_H
#define BIXI_FUZZ_TRANSLATION_H

#include "machine/cpu/cpu.h"

/* A translation regime: what a bank of the soft TLB is for. */
struct regime {
	bool guest;
	uint8_t gid;
	uint16_t asid;
	uint16_t crmd; /* PLV, DA, PG, WE */
};

/* The regimes that a core has lately been in: their banks may still be there. */
#define REGIMES 12
struct regimes {
	struct regime regime[REGIMES];
	unsigned count;
};

/* The current file is the mode's, and the structures behind the registers agree with each other. */
void core_check(const struct cpu *cpu);

/*
 * Every entry of the soft TLB, in the current bank and in those of @seen, must be what live entries of the
 * TLB allow: of one stage in root mode and of both in a guest.  The current regime joins @seen.
 */
void translation_check(struct cpu *cpu, struct regimes *seen);

/*
 * Saves the core, loads that into it and saves it again: it must be taken, and the two must be equal, as no
 * register may hold what could not be there.
 */
void saved_check(struct cpu *cpu);

#endif
