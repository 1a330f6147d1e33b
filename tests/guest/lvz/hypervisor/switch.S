/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The way into the guest and back.  Root's SAVE0 holds the vCPU, SAVE1 is scratch.  Everything here is
 * reached through a direct-map window: while a guest's stage-2 table is root's page table, root may not miss
 * in the TLB.
 */
#include "hypervisor.h"

#define CRMD 0x0
#define PRMD 0x1
#define ESTAT 0x5
#define ERA 0x6
#define BADV 0x7
#define BADI 0x8
#define PGD 0x1b
#define SAVE0 0x30
#define SAVE1 0x31
#define TLBRSAVE 0x8b

/* All but zero and a0, which points at the vCPU. */
.macro for_gprs operation
	.irp	n, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\operation $r\n, $a0, 8 * \n
	.endr
.endm

/*
 * void vcpu_enter(struct vcpu *): lets the guest run until something needs root.  For the caller this is a
 * function call: it returns when the guest has exited.
 */
	.text
	.globl	vcpu_enter
vcpu_enter:
	/* What the caller expects to find again. */
	addi.d	$sp, $sp, -96
	st.d	$ra, $sp, 0
	st.d	$fp, $sp, 8
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	st.d	$s\n, $sp, 16 + 8 * \n
	.endr
	st.d	$sp, $a0, VCPU_HOST_SP

	/* ertn will take the address from ERA, root's IE from PRMD and guest mode from GSTAT.PVM. */
	move	$t0, $a0
	csrwr	$t0, SAVE0
	ld.d	$t0, $a0, VCPU_PC
	csrwr	$t0, ERA
	li.w	$t0, 4			/* PIE: root's interrupts are to end the guest's turn */
	csrwr	$t0, PRMD
	li.w	$t0, GSTAT_PVM
	csrxchg	$t0, $t0, CSR_GSTAT

	for_gprs ld.d
	ld.d	$a0, $a0, 8 * 4
	ertn

/*
 * Root's only general exception entry.  Hardware has saved what it needs in root's CSRs and has left the
 * guest's CSRs and all registers alone.
 */
	.balign	4096
	.globl	exit_entry
exit_entry:
	csrwr	$a0, SAVE1
	csrrd	$a0, CSR_GSTAT
	andi	$a0, $a0, GSTAT_PVM
	beqz	$a0, root_exception

	csrrd	$a0, SAVE0
	for_gprs st.d
	csrrd	$t0, SAVE1
	st.d	$t0, $a0, 8 * 4
	csrrd	$t0, ERA		/* of the instruction: emulation will have to step over it */
	st.d	$t0, $a0, VCPU_PC
	csrrd	$t0, ESTAT
	st.d	$t0, $a0, VCPU_ESTAT
	csrrd	$t0, BADV
	st.d	$t0, $a0, VCPU_BADV
	csrrd	$t0, BADI
	st.d	$t0, $a0, VCPU_BADI

	/* From now on an ertn stays in root. */
	li.w	$t0, GSTAT_PVM
	csrxchg	$zero, $t0, CSR_GSTAT

	ld.d	$sp, $a0, VCPU_HOST_SP
	ld.d	$ra, $sp, 0
	ld.d	$fp, $sp, 8
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8
	ld.d	$s\n, $sp, 16 + 8 * \n
	.endr
	addi.d	$sp, $sp, 96
	ret

/*
 * Root keeps interrupts off but in root_idle(), so an interrupt of root's means that it shall wake up, the
 * interrupt still pending.  Anything else is a mistake of the hypervisor's, which crt0.S's entry records.
 */
root_exception:
	csrrd	$a0, ESTAT
	bstrpick.d $a0, $a0, 21, 16
	bnez	$a0, 1f
	la.pcrel $a0, root_idle_end
	csrwr	$a0, ERA
	csrwr	$zero, PRMD
	csrrd	$a0, SAVE1
	ertn
1:	csrrd	$a0, SAVE1
	b	vectors

/* void root_idle(void): sleeps until an interrupt.  One that comes just before idle is not slept over. */
	.globl	root_idle
root_idle:
	li.w	$t0, 4
	csrxchg	$t0, $t0, CRMD		/* IE */
	idle	0
	b	root_idle		/* woken without being interrupted */
root_idle_end:
	ret

/*
 * A guest-physical address is not in the TLB: root's refill exception, straight from guest mode and straight
 * back to it, unseen by the rest of the hypervisor.  It runs in direct mode; root's PGD is the stage-2 table,
 * TLBRBADV the GPA, and tlbfill tags the entry with GTLBC.TGID.  Where nothing is mapped, an entry with V = 0
 * is filled in, and the access, tried again, exits with PIL, PIS or PIF.
 */
	.balign	4096
	.globl	stage2_refill
stage2_refill:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, PGD
	lddir	$t0, $t0, 3
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, TLBRSAVE
	ertn

/* void fpu_save(struct fpu *) */
	.globl	fpu_save
fpu_save:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	xvst	$xr\n, $a0, 32 * \n
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	movcf2gr $t0, $fcc\n
	st.b	$t0, $a0, FPU_FCC + \n
	.endr
	movfcsr2gr $t0, $fcsr0
	st.w	$t0, $a0, FPU_FCSR
	ret

/* void fpu_load(const struct fpu *) */
	.globl	fpu_load
fpu_load:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	xvld	$xr\n, $a0, 32 * \n
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	ld.bu	$t0, $a0, FPU_FCC + \n
	movgr2cf $fcc\n, $t0
	.endr
	ld.wu	$t0, $a0, FPU_FCSR
	movgr2fcsr $fcsr0, $t0
	ret
