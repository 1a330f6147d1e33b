/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The guests' kernel: start-up, exceptions, stage-1 refill.  Nothing here knows of a hypervisor: the same
 * instructions boot a real core.
 */
#include "machine.h"

#define CRMD 0x0
#define ECFG 0x4
#define EENTRY 0xc
#define PGD 0x1b
#define CPUID 0x20
#define TLBRENTRY 0x88
#define TLBRSAVE 0x8b
#define DMW0 0x180

#define STACK_SHIFT 13

	.section .text.start, "ax"
	.globl	start
start:					/* direct mode, a0: this guest's number */
	li.d	$t0, 0x8000000000000001	/* uncached, PLV0 */
	csrwr	$t0, DMW0
	li.d	$t1, 0x9000000000000011	/* cached, PLV0 */
	csrwr	$t1, DMW0 + 1
	li.d	$t1, 0x9000000000000000
	la.pcrel $t0, 1f
	or	$t0, $t0, $t1
	jirl	$zero, $t0, 0
1:	li.w	$t0, 0xb0		/* PG, cached */
	csrwr	$t0, CRMD
	la.pcrel $t0, vector
	csrwr	$t0, EENTRY
	la.pcrel $t0, refill
	bstrins.d $t0, $zero, 63, 48
	csrwr	$t0, TLBRENTRY
	csrrd	$t1, CPUID
	addi.d	$t0, $t1, 1
	slli.d	$t0, $t0, STACK_SHIFT
	la.pcrel $sp, stacks
	add.d	$sp, $sp, $t0
	bnez	$t1, wait_for_mail
	la.pcrel $t0, boot_main
	jirl	$zero, $t0, 0

/* What a board's boot ROM does with all other processors: sleep until an IPI, go where the mailbox says. */
wait_for_mail:
	li.w	$t1, IOCSR_IPI_EN
	li.w	$t0, -1
	iocsrwr.w $t0, $t1
	li.w	$t0, IS_IPI		/* wakes, but cannot interrupt: CRMD.IE is 0 */
	csrwr	$t0, ECFG
1:	idle	0
	li.w	$t1, IOCSR_IPI_CLEAR
	li.w	$t0, -1
	iocsrwr.w $t0, $t1
	li.w	$t1, IOCSR_MAIL
	iocsrrd.d $t0, $t1
	beqz	$t0, 1b
	jirl	$zero, $t0, 0

	.balign	4096
vector:
	addi.d	$sp, $sp, -160
	st.d	$ra, $sp, 0
	.irp	n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
	st.d	$r\n, $sp, 8 * \n - 16
	.endr
	bl	kernel_trap
	.irp	n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
	ld.d	$r\n, $sp, 8 * \n - 16
	.endr
	ld.d	$ra, $sp, 0
	addi.d	$sp, $sp, 160
	ertn

/* PGD is a table of one level.  It is read at guest-physical addresses, which can miss in stage 2. */
	.balign	4096
refill:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, PGD
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, TLBRSAVE
	ertn

/* void vectors_fill(uint64_t seed): seed + n into the elements of register n, bits of it into FCC, FCSR. */
	.text
	.globl	vectors_fill
vectors_fill:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	addi.d	$t0, $a0, \n
	xvreplgr2vr.d $xr\n, $t0
	.endr
	andi	$t0, $a0, 1
	movgr2cf $fcc0, $t0
	xori	$t0, $t0, 1
	movgr2cf $fcc7, $t0
	bstrpick.d $t0, $a0, 1, 0
	slli.d	$t0, $t0, 8		/* rounding mode */
	movgr2fcsr $fcsr0, $t0
	ret

/* unsigned vectors_differ(uint64_t seed): how many of these registers no longer hold that. */
	.globl	vectors_differ
vectors_differ:
	move	$a1, $zero
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	addi.d	$t0, $a0, \n
	.irp	element, 0, 1, 2, 3
	xvpickve2gr.d $t1, $xr\n, \element
	xor	$t1, $t1, $t0
	sltu	$t1, $zero, $t1
	add.d	$a1, $a1, $t1
	.endr
	.endr
	andi	$t0, $a0, 1
	movcf2gr $t1, $fcc0
	xor	$t1, $t1, $t0
	add.d	$a1, $a1, $t1
	movcf2gr $t1, $fcc7
	xor	$t1, $t1, $t0
	xori	$t1, $t1, 1
	add.d	$a1, $a1, $t1
	bstrpick.d $t0, $a0, 1, 0
	movfcsr2gr $t1, $fcsr0
	bstrpick.d $t1, $t1, 9, 8
	xor	$t1, $t1, $t0
	sltu	$t1, $zero, $t1
	add.d	$a0, $a1, $t1
	ret

/* void second_start(void): where boot_main() sends processor 1. */
	.globl	second_start
second_start:
	la.pcrel $t0, second_main
	jirl	$zero, $t0, 0

	.bss
	.balign	16
stacks:	.space	VCPUS << STACK_SHIFT
