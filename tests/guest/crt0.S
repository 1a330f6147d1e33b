/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Start-up, exception entries and mode switches of the bare-metal tests.  SAVE4-SAVE7 and TLBRSAVE belong
 * to this file.
 */
#define CRMD 0x0
#define PRMD 0x1
#define ESTAT 0x5
#define ERA 0x6
#define BADV 0x7
#define BADI 0x8
#define EENTRY 0xc
#define CPUID 0x20
#define SAVE4 0x34
#define SAVE5 0x35
#define SAVE6 0x36
#define SAVE7 0x37
#define TLBRENTRY 0x88
#define TLBRBADV 0x89
#define TLBRERA 0x8a
#define TLBRSAVE 0x8b
#define TLBREHI 0x8e
#define TLBRPRMD 0x8f
#define MERRENTRY 0x93
#define DMW0 0x180
#define DMW1 0x181

#define STACK_SHIFT 14
#define FRAME_SHIFT 9

	.section .text.start, "ax"
	.globl start
start:
	move	$s0, $a1		/* command line, physical */
	bl	core_setup
	la.pcrel $t0, bss_start
	la.pcrel $t1, bss_end
1:	st.d	$zero, $t0, 0
	addi.d	$t0, $t0, 8
	bltu	$t0, $t1, 1b
	bl	stack_setup
	move	$a0, $s0
	la.pcrel $t0, guest_main
	jirl	$zero, $t0, 0

	.globl secondary_start
secondary_start:
	bl	core_setup
	bl	stack_setup
	csrrd	$a0, CPUID
	la.pcrel $t0, secondary_main
	jirl	$zero, $t0, 0

/* Goes over to the 0x9000... alias, then to mapped mode; windows for code and data, exception entries. */
core_setup:
	li.d	$t1, 0x9000000000000000
	bstrins.d $ra, $zero, 63, 48
	or	$ra, $ra, $t1
	la.pcrel $t0, 1f
	bstrins.d $t0, $zero, 63, 48
	or	$t0, $t0, $t1
	jirl	$zero, $t0, 0
1:	li.d	$t0, 0x8000000000000019	/* PLV0 and PLV3 */
	csrwr	$t0, DMW0
	li.d	$t0, 0x9000000000000011	/* PLV0 */
	csrwr	$t0, DMW1
	csrwr	$zero, DMW1 + 1
	csrwr	$zero, DMW1 + 2
	csrwr	$zero, 0x4		/* ECFG */
	la.pcrel $t0, vectors
	csrwr	$t0, EENTRY
	la.pcrel $t0, refill_entry
	csrwr	$t0, TLBRENTRY
	csrwr	$zero, 0x2		/* EUEN */
	li.w	$t0, 0xb0		/* PG, DATF and DATM cached */
	csrwr	$t0, CRMD
	ret

stack_setup:
	csrrd	$t0, CPUID
	addi.d	$t0, $t0, 1
	slli.d	$t0, $t0, STACK_SHIFT
	la.pcrel $sp, stacks
	add.d	$sp, $sp, $t0
	ret

/* Every entry that any ECFG.VS can ask for: 8 bytes each, so that ra tells which one was taken. */
	.section .text.vectors, "ax"
	.balign	0x10000
	.globl vectors
vectors:
	.rept	8192
	csrwr	$ra, SAVE7
	bl	trap_entry
	.endr

	.balign	4096
	.globl refill_entry
refill_entry:
	csrwr	$ra, SAVE7
	bl	trap_entry

/* The refill handler of an operating system: three levels, as PWCL and PWCH say. */
	.balign	4096
	.globl walk_entry
walk_entry:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, 0x1b
	lddir	$t0, $t0, 3
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, TLBRSAVE
	ertn

	.text
trap_entry:
	csrwr	$t0, SAVE6
	csrwr	$ra, SAVE5		/* the entry + 8 */
	csrrd	$ra, CPUID
	slli.d	$ra, $ra, FRAME_SHIFT
	la.pcrel $t0, trap_frames
	add.d	$t0, $t0, $ra
	st.d	$zero, $t0, 0
	csrrd	$ra, SAVE7
	st.d	$ra, $t0, 8
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	st.d	$r\n, $t0, 8 * \n
	.endr
	csrrd	$ra, SAVE6
	st.d	$ra, $t0, 8 * 12
	.irp	n, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	st.d	$r\n, $t0, 8 * \n
	.endr
	csrrd	$ra, ESTAT
	st.d	$ra, $t0, 256
	csrrd	$ra, ERA
	st.d	$ra, $t0, 264
	csrrd	$ra, BADV
	st.d	$ra, $t0, 272
	csrrd	$ra, BADI
	st.d	$ra, $t0, 280
	csrrd	$ra, PRMD
	st.d	$ra, $t0, 288
	csrrd	$ra, CRMD
	st.d	$ra, $t0, 296
	csrrd	$ra, SAVE5
	addi.d	$ra, $ra, -8
	st.d	$ra, $t0, 304
	csrrd	$ra, TLBRERA
	st.d	$ra, $t0, 312
	csrrd	$ra, TLBRBADV
	st.d	$ra, $t0, 320
	csrrd	$ra, TLBREHI
	st.d	$ra, $t0, 328
	csrrd	$ra, TLBRPRMD
	st.d	$ra, $t0, 336
	move	$s0, $t0
	move	$a0, $t0
	/* The handler's own stack: the frame's core's second one. */
	csrrd	$t1, CPUID
	addi.d	$t1, $t1, 1
	slli.d	$t1, $t1, STACK_SHIFT
	la.pcrel $sp, trap_stacks
	add.d	$sp, $sp, $t1
	bl	trap_handler
	move	$t0, $s0
	ld.d	$ra, $t0, 8
	csrwr	$ra, SAVE7
	ld.d	$ra, $t0, 8 * 12
	csrwr	$ra, SAVE6
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld.d	$r\n, $t0, 8 * \n
	.endr
	csrrd	$t0, SAVE6
	csrrd	$ra, SAVE7
	ertn

/* uint64_t user_run(unsigned plv, uint64_t fn, uint64_t a0, uint64_t a1): runs fn at that level until it returns. */
	.globl user_run
user_run:
	la.pcrel $t0, user_context
	st.d	$ra, $t0, 0
	st.d	$sp, $t0, 8
	st.d	$fp, $t0, 16
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	st.d	$s\n, $t0, 24 + 8 * \n
	.endr
	csrwr	$a0, PRMD
	csrwr	$a1, ERA
	la.pcrel $ra, user_exit
	bstrins.d $ra, $zero, 63, 48
	li.d	$t1, 0x8000000000000000
	or	$ra, $ra, $t1
	la.pcrel $sp, user_stack_top
	bstrins.d $sp, $zero, 63, 48
	or	$sp, $sp, $t1
	move	$a0, $a2
	move	$a1, $a3
	ertn

	.globl user_exit
user_exit:
	syscall	0x77

/* The trap handler returns here, in PLV0, for the syscall above; a0 is the function's. */
	.globl user_return
user_return:
	la.pcrel $t0, user_context
	ld.d	$ra, $t0, 0
	ld.d	$sp, $t0, 8
	ld.d	$fp, $t0, 16
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	ld.d	$s\n, $t0, 24 + 8 * \n
	.endr
	ret

/* uint64_t call(uint64_t fn, uint64_t a0, uint64_t a1): comes back here whatever becomes of fn. */
	.globl call
call:
	addi.d	$sp, $sp, -16
	st.d	$ra, $sp, 0
	move	$t0, $a0
	move	$a0, $a1
	move	$a1, $a2
	la.pcrel $ra, call_return
	la.pcrel $t1, call_stack
	st.d	$sp, $t1, 0
	jirl	$zero, $t0, 0
	.globl call_return
call_return:
	la.pcrel $t1, call_stack
	ld.d	$sp, $t1, 0
	ld.d	$ra, $sp, 0
	addi.d	$sp, $sp, 16
	ret

	.bss
	.balign	4096
stacks:		.space	16 << STACK_SHIFT
trap_stacks:	.space	16 << STACK_SHIFT
user_stack:	.space	8192
user_stack_top:
	.globl trap_frames
trap_frames:	.space	16 << FRAME_SHIFT
user_context:	.space	128
call_stack:	.space	8
