/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The differential test of the instruction set, host side: inputs.c makes cases, qemu.c has QEMU run
 * them, interpreter.c has us run them, compare.c says what differs, main.c goes through the rows.
 */
#ifndef BIXI_TEST_ISA_TEST_H
#define BIXI_TEST_ISA_TEST_H

#include "isa/format.h"
#include "tests/isa/case.h"

/* A program under QEMU that answers batches. */
struct qemu {
	struct batch *batch; /* shared with it */
	int pid, to, from;
};

/* Starts "@command @program" (command is split by a shell).  0 or a negative errno. */
int qemu_start(struct qemu *qemu, const char *command, const char *program);
void qemu_stop(struct qemu *qemu);

/* Has it run qemu->batch.  False if it died. */
bool qemu_run(struct qemu *qemu);

/*
 * Fills the batch with up to @count cases for row @op, the same for the same *state.  Returns the number,
 * at least 1.
 */
unsigned inputs_make(struct batch *batch, enum isa_op op, unsigned count, uint64_t *state);

/* Runs one case with our interpreter and fills @out.  interpreter_init(): 0 or a negative errno. */
int interpreter_init(void);
void interpreter_run(const struct test_case *test, struct case_state *out);

/*
 * Do QEMU's test->out and our @ours agree in all that the architecture defines?  If not and @report is
 * set, prints the case.
 */
bool compare_case(const struct test_case *test, const struct case_state *ours, bool report);

#endif
