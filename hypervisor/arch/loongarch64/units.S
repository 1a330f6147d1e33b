/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * FP, vector and binary translation registers, the only code that touches them.  Each function has variants
 * for what the CPU has: none but the FP unit, LSX, LASX.  Root's EUEN allows all units all the time, so it is
 * the guest's alone that counts for a guest.
 */
#include "arch_types.h"

.macro for_registers operation, letters, base, scale
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\operation $\letters\n, \base, \scale * \n
	.endr
.endm

	.text
/* void units_save_fp(struct units *), units_save_lsx, units_save_lasx */
	.globl	units_save_lasx, units_save_lsx, units_save_fp
units_save_lasx:
	for_registers xvst, xr, $a0, 32
	b	1f
units_save_lsx:
	for_registers vst, vr, $a0, 32
	b	1f
units_save_fp:
	for_registers fst.d, f, $a0, 32
1:	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	movcf2gr $t0, $fcc\n
	st.b	$t0, $a0, UNITS_FCC + \n
	.endr
	movfcsr2gr $t0, $fcsr0
	st.w	$t0, $a0, UNITS_FCSR
	ret

	.globl	units_load_lasx, units_load_lsx, units_load_fp
units_load_lasx:
	for_registers xvld, xr, $a0, 32
	b	1f
units_load_lsx:
	for_registers vld, vr, $a0, 32
	b	1f
units_load_fp:
	for_registers fld.d, f, $a0, 32
1:	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	ld.bu	$t0, $a0, UNITS_FCC + \n
	movgr2cf $fcc\n, $t0
	.endr
	ld.wu	$t0, $a0, UNITS_FCSR
	movgr2fcsr $fcsr0, $t0
	ret

/* void units_save_lbt(struct units *): before the others, whose registers' numbers depend on its mode. */
	.globl	units_save_lbt, units_load_lbt
units_save_lbt:
	.irp	n, 0, 1, 2, 3
	movscr2gr $t0, $scr\n
	st.d	$t0, $a0, UNITS_SCRATCH + 8 * \n
	.endr
	x86mfflag $t0, 0x3f
	st.w	$t0, $a0, UNITS_EFLAGS
	x86mftop $t0
	st.w	$t0, $a0, UNITS_FTOP
	x86clrtm
	ret

/* After the others: FCSR has brought the mode. */
units_load_lbt:
	.irp	n, 0, 1, 2, 3
	ld.d	$t0, $a0, UNITS_SCRATCH + 8 * \n
	movgr2scr $scr\n, $t0
	.endr
	ld.wu	$t0, $a0, UNITS_EFLAGS
	x86mtflag $t0, 0x3f
	ld.wu	$t0, $a0, UNITS_FTOP
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	li.w	$t1, \n
	bne	$t0, $t1, 1f
	x86mttop \n
1:
	.endr
	ret
