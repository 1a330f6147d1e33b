/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The world switch of the LVZ tests, root's handlers for exits and stage-2 refills, and the guest's own
 * handlers.  Root's SAVE0 holds the core's struct lvz_core while its guest runs; SAVE1-SAVE3 are scratch.
 */
#include "lvz.h"

#define CRMD 0x0
#define PRMD 0x1
#define ESTAT 0x5
#define ERA 0x6
#define BADV 0x7
#define BADI 0x8
#define EENTRY 0xc
#define GTLBC 0x15
#define PGD 0x1b
#define CPUID 0x20
#define SAVE0 0x30
#define SAVE1 0x31
#define SAVE2 0x32
#define SAVE3 0x33
#define SAVE5 0x35
#define SAVE6 0x36
#define SAVE7 0x37
#define GSTAT 0x50
#define TLBRENTRY 0x88
#define TLBRBADV 0x89
#define TLBRERA 0x8a
#define TLBRSAVE 0x8b
#define TLBREHI 0x8e
#define TLBRPRMD 0x8f

#define PVM 0x2
#define PGM 0x8
#define TGID_MSB 23
#define TGID_LSB 16

/* Where things are in exit_record, refill_record and trap_record. */
#define EXIT(n) CORE_EXIT + 8 * (n)
#define EXIT_ENTRY EXIT(7)
#define EXIT_COUNT EXIT(13)
#define EXIT_CODE EXIT(14)
#define REFILL(n) CORE_REFILL + 8 * (n)
#define TRAP(n) CORE_TRAP + 8 * (n)
#define TRAP_CODE TRAP(1)
#define TRAP_ENTRY TRAP(8)
#define TRAP_RESUME TRAP(13)
#define TRAP_SCRATCH0 TRAP(14)
#define TRAP_SCRATCH1 TRAP(15)
#define CODE_REFILL 0x3f

/* @to, @base + @at := CSR @csr */
.macro	record csr, base, at, by
	csrrd	\by, \csr
	st.d	\by, \base, \at
.endm

/* void guest_switch(struct lvz_core *core): one entry, back at the exit. */
	.text
	.globl guest_switch
guest_switch:
	st.d	$ra, $a0, CORE_ROOT
	st.d	$tp, $a0, CORE_ROOT + 8
	st.d	$sp, $a0, CORE_ROOT + 16
	st.d	$r21, $a0, CORE_ROOT + 24
	st.d	$fp, $a0, CORE_ROOT + 32
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	st.d	$s\n, $a0, CORE_ROOT + 40 + 8 * \n
	.endr
	move	$t0, $a0
	csrwr	$t0, SAVE0
	la.pcrel $t0, exit_vectors
	csrwr	$t0, EENTRY
	st.d	$t0, $a0, CORE_ROOT + 112
	ld.d	$t0, $a0, CORE_PC
	csrwr	$t0, ERA
	ld.d	$t0, $a0, CORE_PRMD
	csrwr	$t0, PRMD
	ld.d	$t0, $a0, CORE_KEEP
	bnez	$t0, 1f
	csrrd	$t0, GSTAT
	bstrpick.d $t0, $t0, TGID_MSB, TGID_LSB
	slli.d	$t0, $t0, TGID_LSB
	li.d	$t1, 0xff0000
	csrxchg	$t0, $t1, GTLBC
	ori	$t0, $zero, PVM
	csrxchg	$t0, $t0, GSTAT
1:	.irp	n, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld.d	$r\n, $a0, 8 * \n
	.endr
	ld.d	$a0, $a0, 8 * 4
	ertn

/* Every entry that any ECFG.VS can ask for: 8 bytes each, so that ra tells which one was taken. */
	.section .text.vectors, "ax"
	.balign	0x10000
	.globl exit_vectors
exit_vectors:
	.rept	8192
	csrwr	$ra, SAVE1
	bl	exit_entry
	.endr

	.text
exit_entry:
	csrwr	$t0, SAVE2
	csrwr	$ra, SAVE3		/* the entry + 8 */
	csrrd	$t0, SAVE0
	csrrd	$ra, SAVE1
	st.d	$ra, $t0, 8 * 1
	csrrd	$ra, SAVE2
	st.d	$ra, $t0, 8 * 12
	.irp	n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	st.d	$r\n, $t0, 8 * \n
	.endr
	csrrd	$t1, SAVE3
	addi.d	$t1, $t1, -8
	la.pcrel $t2, exit_vectors
	sub.d	$t1, $t1, $t2
	bstrpick.d $t1, $t1, 15, 0
	st.d	$t1, $t0, EXIT_ENTRY
	csrrd	$t1, ESTAT
	bstrpick.d $t2, $t1, 30, 22
	slli.d	$t2, $t2, 8
	bstrpick.d $t1, $t1, 21, 16
	or	$t1, $t1, $t2
	st.d	$t1, $t0, EXIT_CODE
	csrrd	$t1, ERA

/* t0: core, t1: the guest's pc; EXIT_CODE and EXIT_ENTRY are recorded. */
exit_tail:
	st.d	$t1, $t0, EXIT(1)
	st.d	$t1, $t0, CORE_PC
	record	ESTAT, $t0, EXIT(0), $t1
	record	BADV, $t0, EXIT(2), $t1
	record	BADI, $t0, EXIT(3), $t1
	record	PRMD, $t0, EXIT(4), $t1
	record	CRMD, $t0, EXIT(5), $t1
	record	GSTAT, $t0, EXIT(6), $t1
	record	TLBRERA, $t0, EXIT(8), $t1
	record	TLBRBADV, $t0, EXIT(9), $t1
	record	TLBREHI, $t0, EXIT(10), $t1
	record	TLBRPRMD, $t0, EXIT(11), $t1
	record	GTLBC, $t0, EXIT(12), $t1
	ld.d	$t1, $t0, EXIT_COUNT
	addi.d	$t1, $t1, 1
	st.d	$t1, $t0, EXIT_COUNT
	ld.d	$t1, $t0, CORE_KEEP
	bnez	$t1, 1f
	ori	$t1, $zero, PVM
	csrxchg	$zero, $t1, GSTAT
	li.d	$t1, 0xff0000
	csrxchg	$zero, $t1, GTLBC
1:	la.pcrel $t1, vectors
	csrwr	$t1, EENTRY
	ld.d	$ra, $t0, CORE_ROOT
	ld.d	$tp, $t0, CORE_ROOT + 8
	ld.d	$sp, $t0, CORE_ROOT + 16
	ld.d	$r21, $t0, CORE_ROOT + 24
	ld.d	$fp, $t0, CORE_ROOT + 32
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	ld.d	$s\n, $t0, CORE_ROOT + 40 + 8 * \n
	.endr
	ret

/*
 * Root's TLBRENTRY: a refill from root is crt0.S's; one from the guest is recorded, then walked as an operating
 * system does, or handed out as an exit: out of the refill's direct mode first.
 */
	.section .text.vectors, "ax"
	.balign	4096
	.globl lvz_refill_entry
lvz_refill_entry:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, TLBRPRMD
	andi	$t0, $t0, PGM
	bnez	$t0, 1f
	csrrd	$t0, TLBRSAVE
	b	refill_entry
1:	csrwr	$t1, SAVE1
	csrrd	$t0, SAVE0
	ld.d	$t1, $t0, REFILL(0)
	addi.d	$t1, $t1, 1
	st.d	$t1, $t0, REFILL(0)
	record	TLBRERA, $t0, REFILL(1), $t1
	record	TLBRBADV, $t0, REFILL(2), $t1
	record	TLBREHI, $t0, REFILL(3), $t1
	record	TLBRPRMD, $t0, REFILL(4), $t1
	record	CRMD, $t0, REFILL(5), $t1
	record	ESTAT, $t0, REFILL(6), $t1
	record	GSTAT, $t0, REFILL(7), $t1
	ld.d	$t1, $t0, CORE_EXITS
	bnez	$t1, refill_exit
	csrrd	$t1, SAVE1
	csrrd	$t0, PGD
	lddir	$t0, $t0, 3
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, TLBRSAVE
	ertn

refill_exit:
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	st.d	$r\n, $t0, 8 * \n
	.endr
	csrrd	$t1, TLBRSAVE
	st.d	$t1, $t0, 8 * 12
	csrrd	$t1, SAVE1
	st.d	$t1, $t0, 8 * 13
	st.d	$zero, $t0, EXIT_ENTRY
	ori	$t1, $zero, CODE_REFILL
	st.d	$t1, $t0, EXIT_CODE
	ori	$t1, $zero, 1
	csrxchg	$zero, $t1, TLBRERA
	ori	$t1, $zero, PGM
	csrxchg	$zero, $t1, TLBRPRMD
	la.pcrel $t1, 1f
	bstrins.d $t1, $zero, 63, 48
	li.d	$t2, 0x9000000000000000
	or	$t1, $t1, $t2
	jirl	$zero, $t1, 0
1:	li.w	$t1, CRMD_PG
	csrwr	$t1, CRMD
	csrrd	$t1, TLBRERA
	b	exit_tail

/* The guest's handlers: they record, and go on as struct trap_record says.  SAVE5-SAVE7 are the guest's here. */
	.balign	0x10000
	.globl guest_vectors
guest_vectors:
	.rept	8192
	csrwr	$ra, SAVE7
	bl	guest_trap_entry
	.endr

	.balign	4096
	.globl guest_refill_entry
guest_refill_entry:
	csrwr	$ra, SAVE7
	bl	guest_trap_entry

	.text
guest_trap_entry:
	csrwr	$t0, SAVE6
	csrwr	$ra, SAVE5		/* the entry + 8 */
	csrrd	$ra, CPUID
	andi	$ra, $ra, LVZ_CORES - 1
	slli.d	$ra, $ra, CORE_SHIFT
	la.pcrel $t0, lvz_cores
	add.d	$t0, $t0, $ra
	st.d	$t1, $t0, TRAP_SCRATCH0
	st.d	$t2, $t0, TRAP_SCRATCH1
	ld.d	$t1, $t0, TRAP(0)
	addi.d	$t1, $t1, 1
	st.d	$t1, $t0, TRAP(0)
	csrrd	$t1, SAVE5
	addi.d	$t1, $t1, -8
	la.pcrel $t2, guest_vectors
	sub.d	$t1, $t1, $t2
	st.d	$t1, $t0, TRAP_ENTRY
	record	ERA, $t0, TRAP(3), $t1
	record	BADV, $t0, TRAP(4), $t1
	record	BADI, $t0, TRAP(5), $t1
	record	PRMD, $t0, TRAP(6), $t1
	record	CRMD, $t0, TRAP(7), $t1
	record	TLBRBADV, $t0, TRAP(10), $t1
	record	TLBREHI, $t0, TRAP(11), $t1
	record	TLBRPRMD, $t0, TRAP(12), $t1
	record	ESTAT, $t0, TRAP(2), $t2
	record	TLBRERA, $t0, TRAP(9), $t1
	andi	$t1, $t1, 1
	bnez	$t1, guest_refill
	bstrpick.d $t1, $t2, 30, 22
	slli.d	$t1, $t1, 8
	bstrpick.d $t2, $t2, 21, 16
	or	$t1, $t1, $t2
	st.d	$t1, $t0, TRAP_CODE
	bnez	$t1, 1f
	ori	$t1, $zero, 4		/* an interrupt: once is enough */
	csrxchg	$zero, $t1, PRMD
	b	guest_resume
1:	ld.d	$t1, $t0, TRAP_RESUME
	bnez	$t1, 2f
	csrrd	$t1, ERA
	addi.d	$t1, $t1, 4
2:	csrwr	$t1, ERA
	b	guest_resume

guest_refill:
	ori	$t1, $zero, CODE_REFILL
	st.d	$t1, $t0, TRAP_CODE
	ld.d	$t1, $t0, TRAP_RESUME
	bnez	$t1, 1f
	csrrd	$t1, TLBRERA
	addi.d	$t1, $t1, 4
1:	ori	$t1, $t1, 1
	csrwr	$t1, TLBRERA

guest_resume:
	ld.d	$t1, $t0, TRAP_SCRATCH0
	ld.d	$t2, $t0, TRAP_SCRATCH1
	csrrd	$t0, SAVE6
	csrrd	$ra, SAVE7
	ertn

/* Where a function that guest_run() started returns to. */
	.balign	16
	.globl guest_return
guest_return:
	hvcl	0
