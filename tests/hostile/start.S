/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Start-up of the hostile guest.  All exceptions skip the instruction that raised them; interrupts are
 * switched off for the code they interrupt.
 */
#define CRMD 0x0
#define PRMD 0x1
#define EUEN 0x2
#define ECFG 0x4
#define ESTAT 0x5
#define ERA 0x6
#define EENTRY 0xc
#define CPUID 0x20
#define SAVE0 0x30
#define TLBRENTRY 0x88
#define TLBRERA 0x8a
#define TLBRSAVE 0x8b
#define MERRENTRY 0x93
#define MERRERA 0x94
#define MERRSAVE 0x95
#define DMW0 0x180
#define SAVE1 0x31
#define TLBRPRMD 0x8f
#define GSTAT 0x50
#define PVM 2

#define STACK_SHIFT 13

	.section .text.start, "ax"
	.globl start
start:
	move	$s0, $a1		/* command line, physical */
	la.pcrel $s1, hostile_main
	b	1f
	.globl secondary_start
secondary_start:
	la.pcrel $s1, hostile_secondary
1:	li.d	$s2, 0x9000000000000000
	la.pcrel $t0, 2f
	bstrins.d $t0, $zero, 63, 48
	or	$t0, $t0, $s2
	jirl	$zero, $t0, 0
2:	bstrins.d $s1, $zero, 63, 48
	or	$s1, $s1, $s2
	li.d	$t0, 0x8000000000000001
	csrwr	$t0, DMW0
	li.d	$t0, 0x9000000000000011
	csrwr	$t0, DMW0 + 1
	csrwr	$zero, DMW0 + 2
	csrwr	$zero, DMW0 + 3
	csrwr	$zero, ECFG
	la.pcrel $t0, trap_entry
	csrwr	$t0, EENTRY
	la.pcrel $t0, refill_entry
	csrwr	$t0, TLBRENTRY
	la.pcrel $t0, error_entry
	csrwr	$t0, MERRENTRY
	csrwr	$zero, EUEN
	li.w	$t0, 0xb0		/* PG, DATF and DATM cached */
	csrwr	$t0, CRMD
	csrrd	$a1, CPUID
	addi.d	$t0, $a1, 1
	slli.d	$t0, $t0, STACK_SHIFT
	la.pcrel $sp, stacks
	add.d	$sp, $sp, $t0
	move	$a0, $s0
	jirl	$ra, $s1, 0
3:	idle	0
	b	3b

	.text
	.balign	4096
trap_entry:
	csrwr	$t0, SAVE0
	csrrd	$t0, ESTAT
	bstrpick.d $t0, $t0, 21, 16
	beqz	$t0, 1f
	csrrd	$t0, ERA
	addi.d	$t0, $t0, 4
	csrwr	$t0, ERA
	csrrd	$t0, SAVE0
	ertn
1:	csrrd	$t0, PRMD
	bstrins.d $t0, $zero, 2, 2
	csrwr	$t0, PRMD
	csrrd	$t0, SAVE0
	ertn

	.balign	4096
refill_entry:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, TLBRERA
	addi.d	$t0, $t0, 4
	csrwr	$t0, TLBRERA
	csrrd	$t0, TLBRSAVE
	ertn

	.balign	4096
error_entry:
	csrwr	$t0, MERRSAVE
	csrrd	$t0, MERRERA
	addi.d	$t0, $t0, 4
	csrwr	$t0, MERRERA
	csrrd	$t0, MERRSAVE
	ertn

/*
 * hostile_enter(pc): into guest mode at @pc.  Whatever brings it out, a refill included, ends it: from there
 * on root is as it was.  Root's timer is to be set before, as guests may go round in circles.
 */
	.globl	hostile_enter
hostile_enter:
	addi.d	$sp, $sp, -112
	st.d	$ra, $sp, 0
	st.d	$tp, $sp, 8
	st.d	$r21, $sp, 16
	st.d	$fp, $sp, 24
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	st.d	$s\n, $sp, 32 + 8 * \n
	.endr
	csrwr	$a0, ERA
	move	$t0, $sp
	csrwr	$t0, SAVE1
	la.pcrel $t0, exit_entry
	csrwr	$t0, EENTRY
	la.pcrel $t0, exit_entry
	csrwr	$t0, TLBRENTRY
	csrwr	$zero, TLBRERA
	ori	$t0, $zero, 4		/* interrupts on */
	csrwr	$t0, PRMD
	ori	$t0, $zero, PVM
	csrxchg	$t0, $t0, GSTAT
	ertn

	.balign	4096
exit_entry:
	csrwr	$zero, TLBRERA
	csrwr	$zero, TLBRPRMD
	ori	$t0, $zero, PVM
	csrxchg	$zero, $t0, GSTAT
	la.pcrel $t0, 1f		/* a refill comes here in direct mode */
	bstrins.d $t0, $zero, 63, 48
	li.d	$t1, 0x9000000000000000
	or	$t0, $t0, $t1
	jirl	$zero, $t0, 0
1:	li.w	$t0, 0xb0
	csrwr	$t0, CRMD
	la.pcrel $t0, trap_entry
	csrwr	$t0, EENTRY
	la.pcrel $t0, refill_entry
	csrwr	$t0, TLBRENTRY
	csrrd	$sp, SAVE1
	ld.d	$ra, $sp, 0
	ld.d	$tp, $sp, 8
	ld.d	$r21, $sp, 16
	ld.d	$fp, $sp, 24
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	ld.d	$s\n, $sp, 32 + 8 * \n
	.endr
	addi.d	$sp, $sp, 112
	ret

	.bss
	.balign	4096
stacks:	.space	64 << STACK_SHIFT
