/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The cell's CPUs begin here in direct mode: the first after a reset, the second from the pen. */
	.section .text.start, "ax"
	.globl	start
start:
	move	$t0, $zero
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	or	$t0, $t0, $r\n
	.endr
	move	$a1, $t0		/* 0: all were */
	li.d	$t0, 0x8000000000000009
	csrwr	$t0, 0x180
	li.d	$t0, 0x9000000000000011
	csrwr	$t0, 0x181
	la.pcrel $t0, 1f
	li.d	$t1, 0x9000000000000000
	bstrins.d $t0, $zero, 63, 48
	or	$t0, $t0, $t1
	jr	$t0
1:	li.w	$t0, 0xb0
	csrwr	$t0, 0
	csrrd	$a0, 0x20
	addi.d	$t0, $a0, 1
	slli.d	$t0, $t0, 12
	la.pcrel $sp, stacks
	add.d	$sp, $sp, $t0
	bl	cell_main

	.bss
	.balign	4096
stacks:	.space	2 << 12
