/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Guest side of the differential test: puts a whole register state into the processor, jumps to the
 * instruction under test, and stores the state it leaves.
 */
#include "tests/isa/case.h"

	.bss
	.balign	8
saved_sp:
	.space	8

	.text
	.globl	_start
_start:
	bstrins.d	$sp, $zero, 3, 0
	bl	runner_main

/* void enter(struct test_case *case, uint64_t code) */
	.globl	enter
enter:
	addi.d	$sp, $sp, -128
	st.d	$ra, $sp, 0
	st.d	$tp, $sp, 8
	st.d	$r21, $sp, 16
	st.d	$fp, $sp, 24
	.irp	n, 23, 24, 25, 26, 27, 28, 29, 30, 31
	st.d	$r\n, $sp, 8 * \n - 152
	.endr
	pcalau12i	$t0, %pc_hi20(saved_sp)
	addi.d	$t0, $t0, %pc_lo12(saved_sp)
	st.d	$sp, $t0, 0
	move	$r31, $a0
	move	$r30, $a1
	ld.wu	$t0, $r31, STATE_FCSR
	movgr2fcsr	$fcsr0, $t0
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	ld.bu	$t0, $r31, STATE_FCC + \n
	movgr2cf	$fcc\n, $t0
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	xvld	$xr\n, $r31, STATE_VR + 32 * \n
	.endr
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	ld.d	$r\n, $r31, STATE_GPR + 8 * \n
	.endr
	jirl	$r30, $r30, 0

/* The signal handler comes here, too. */
	.globl	leave
leave:
	addi.d	$r30, $r31, STATE_OUT / 2
	addi.d	$r30, $r30, STATE_OUT / 2
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	st.d	$r\n, $r30, STATE_GPR + 8 * \n
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	xvst	$xr\n, $r30, STATE_VR + 32 * \n
	.endr
	movfcsr2gr	$t0, $fcsr0
	st.d	$t0, $r30, STATE_FCSR
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	movcf2gr	$t0, $fcc\n
	st.b	$t0, $r30, STATE_FCC + \n
	.endr
	movgr2fcsr	$fcsr0, $zero
	pcalau12i	$t0, %pc_hi20(saved_sp)
	addi.d	$t0, $t0, %pc_lo12(saved_sp)
	ld.d	$sp, $t0, 0
	ld.d	$ra, $sp, 0
	ld.d	$tp, $sp, 8
	ld.d	$r21, $sp, 16
	ld.d	$fp, $sp, 24
	.irp	n, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld.d	$r\n, $sp, 8 * \n - 152
	.endr
	addi.d	$sp, $sp, 128
	ret

	.section .note.GNU-stack, "", @progbits
