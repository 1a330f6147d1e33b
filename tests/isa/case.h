/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * What the host program and the guest program of the differential test share: a file of test cases,
 * mapped by both.  Also read by the assembler (enter.S), which sees the numbers only.
 */
#ifndef BIXI_TEST_ISA_CASE_H
#define BIXI_TEST_ISA_CASE_H

/* Offsets in struct case_state. */
#define STATE_GPR  0
#define STATE_VR   256
#define STATE_FCSR 1280
#define STATE_FCC  1288
#define STATE_OUT  2048 /* from a case's input state to its output state */

/* Guest addresses, the same in both programs. */
#define CODE_BASE	0x20000000 /* slots of four words: prologue, instruction, jr r30, break */
#define CODE_SIZE	0x10000
#define SHARED_BASE	0x30000000
#define BRANCH_BASE	0x40000000 /* nothing but breaks, and unmapped memory around */
#define BRANCH_SIZE	0x10000
#define BRANCH_SITE	0x8000	   /* offset of the branch under test */
#define WINDOW_BASE	0x80000f80 /* memory that loads and stores reach; crosses a page */
#define WINDOW_SIZE	256
#define WINDOW_MAP	0x80000000
#define WINDOW_MAP_SIZE 0x4000

#define BATCH_CASES 1024
#define BATCH_SLOTS 1024

/* Registers that the guest program needs for itself and that no tested word uses. */
#define REG_EXIT  30
#define REG_STATE 31

#ifndef __ASSEMBLER__
#include <stdint.h>

struct case_state {
	uint64_t gpr[32];
	uint64_t vr[32][4];
	uint64_t fcsr;
	uint8_t fcc[8];
	uint64_t pc;	 /* in: of the instruction; out: where it went, or its own if it raised a signal */
	uint64_t signal; /* out: 0, or the Linux signal number */
	uint8_t memory[WINDOW_SIZE];
};

struct test_case {
	struct case_state in;
	uint32_t word;	   /* the instruction */
	uint32_t prologue; /* executed just before it; ANDI_NOP if none */
	uint32_t branch;   /* to be executed at BRANCH_SITE, without a prologue */
	uint32_t op;	   /* enum isa_op; the host's */
	uint8_t pad[STATE_OUT - sizeof(struct case_state) - 16];
	struct case_state out;
	uint8_t pad_out[STATE_OUT - sizeof(struct case_state)];
};

struct batch {
	uint32_t case_count, slot_count;
	uint32_t pad[1022];
	uint32_t code[BATCH_SLOTS][4];
	struct test_case cases[BATCH_CASES];
};

#define WORD_NOP   0x03400000u
#define WORD_EXIT  0x4c0003c0u /* jr r30 */
#define WORD_BREAK 0x002a0000u
#endif
#endif
