/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Start of a cell's CPUs and their exceptions.  The first CPU begins at start, the others wait until cpu_start()
 * sends them to secondary_start; all begin in direct address mode.
 */
#define CRMD 0x0
#define ECFG 0x4
#define ESTAT 0x5
#define ERA 0x6
#define EENTRY 0xc
#define CPUID 0x20
#define TLBRENTRY 0x88
#define DMW0 0x180

#define STACK_SHIFT 14

	.section .text.start, "ax"
	.globl start
start:
	bl	cpu_setup
	la.pcrel $t0, bss_start
	la.pcrel $t1, bss_end
1:	st.d	$zero, $t0, 0
	addi.d	$t0, $t0, 8
	bltu	$t0, $t1, 1b
	bl	stack_setup
	bl	cell_main
2:	idle	0
	b	2b

	.globl secondary_start
secondary_start:
	bl	cpu_setup
	bl	stack_setup
	csrrd	$a0, CPUID
	bl	secondary_main
3:	idle	0
	b	3b

/* To mapped mode by windows: 0x8000... uncached, 0x9000... cached; the rest of the way at the latter. */
cpu_setup:
	li.d	$t1, 0x9000000000000000
	bstrins.d $ra, $zero, 63, 48
	or	$ra, $ra, $t1
	li.d	$t0, 0x8000000000000001
	csrwr	$t0, DMW0
	li.d	$t0, 0x9000000000000011
	csrwr	$t0, DMW0 + 1
	csrwr	$zero, DMW0 + 2
	csrwr	$zero, DMW0 + 3
	la.pcrel $t0, 1f
	bstrins.d $t0, $zero, 63, 48
	or	$t0, $t0, $t1
	jirl	$zero, $t0, 0
1:	li.w	$t0, 0xb0		/* PG, cached; interrupts off */
	csrwr	$t0, CRMD
	csrwr	$zero, ECFG
	la.pcrel $t0, exception
	csrwr	$t0, EENTRY
	bstrins.d $t0, $zero, 63, 48	/* no TLB is used: a refill is an exception like others */
	csrwr	$t0, TLBRENTRY
	ret

stack_setup:
	csrrd	$t0, CPUID
	addi.d	$t0, $t0, 1
	slli.d	$t0, $t0, STACK_SHIFT
	la.pcrel $sp, stacks
	add.d	$sp, $sp, $t0
	ret

	.balign	4096
exception:
	addi.d	$sp, $sp, -160
	st.d	$ra, $sp, 0
	.irp	n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
	st.d	$r\n, $sp, 8 * \n - 16
	.endr
	csrrd	$a0, ESTAT
	csrrd	$a1, ERA
	bl	exception_handle
	.irp	n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
	ld.d	$r\n, $sp, 8 * \n - 16
	.endr
	ld.d	$ra, $sp, 0
	addi.d	$sp, $sp, 160
	ertn

	.section .bss.stacks, "aw", @nobits
	.balign	16
stacks:
	.space	4 << STACK_SHIFT	/* CELL_CPUS */
