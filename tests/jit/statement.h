/* SPDX-License-Identifier: MulanPSL-2.0 */
/* What the files that make statements (statement.c, system.c) use of each other. */
#ifndef BIXI_TEST_JIT_STATEMENT_H
#define BIXI_TEST_JIT_STATEMENT_H

#include "tests/jit/program.h"

/* A source register: any. */
unsigned statement_any(struct program *p);

/* A word of straight code that leaves registers with a role alone. */
uint32_t statement_word(struct program *p);

/* system.c: FCSR0; code that changes; privileged instructions, and what the timer and devices do to code. */
void statement_fcsr(struct program *p);
void statement_site(struct program *p);
void statement_patch(struct program *p);
void statement_system(struct program *p);

#endif
