/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Where all cores start in a direct start: core 0 enters the kernel, the others wait for a mailbox
 * (3A5000 manual ch. 10).  Position independent; start.c fills in the words at the end.
 */
	.equ	CSR_CRMD, 0x0
	.equ	CSR_ECFG, 0x4
	.equ	CSR_CPUID, 0x20
	.equ	CRMD_IE, 1 << 2
	.equ	ECFG_IPI, 1 << 12
	.equ	IOCSR_IPI_STATUS, 0x1000
	.equ	IOCSR_IPI_ENABLE, 0x1004
	.equ	IOCSR_IPI_CLEAR, 0x100c
	.equ	IOCSR_MAILBOX0, 0x1020

	.text
	.globl	_start
_start:
	ori	$t0, $zero, CRMD_IE
	csrxchg	$zero, $t0, CSR_CRMD
	csrrd	$t0, CSR_CPUID
	andi	$t0, $t0, 0x3ff
	pcaddi	$t1, %pcrel_20(parameters)
	bnez	$t0, secondary
	ld.d	$a0, $t1, 0
	ld.d	$a1, $t1, 8
	ld.d	$a2, $t1, 16
	ld.d	$t1, $t1, 24
	jr	$t1

	/*
	 * The mailboxes are 0 after reset.  They are looked at before the first wait, so that core 0 may
	 * have written before this core came here; an interrupt that is pending ends idle at once.
	 */
secondary:
	lu12i.w	$t0, ECFG_IPI >> 12
	move	$t1, $t0		/* csrxchg answers the old value in it */
	csrxchg	$t1, $t0, CSR_ECFG
	addi.w	$t1, $zero, -1
	li.w	$t2, IOCSR_IPI_ENABLE
	iocsrwr.w $t1, $t2
	li.w	$t2, IOCSR_MAILBOX0
	b	look
wait:
	idle	0
look:
	iocsrrd.w $t1, $t2
	beqz	$t1, wait

	li.w	$t3, IOCSR_IPI_STATUS
	iocsrrd.w $t1, $t3
	li.w	$t3, IOCSR_IPI_CLEAR
	iocsrwr.w $t1, $t3
	csrxchg	$zero, $t0, CSR_ECFG
	iocsrrd.d $t1, $t2
	jr	$t1

	.balign	8
parameters:
	.dword	0, 0, 0, 0	/* a0, a1, a2, entry: enum rom_parameter of start.c */
