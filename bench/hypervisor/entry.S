/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The least that an interrupt's handler can be: it notes when it was entered in SAVE1, and goes on with interrupts off. */
#define PRMD 0x1
#define SAVE0 0x30
#define SAVE1 0x31
#define PRMD_PIE 4

	.text
	.balign	4096
	.globl	quick_entry
quick_entry:
	csrwr	$t0, SAVE0
	rdtime.d $t0, $zero
	csrwr	$t0, SAVE1
	li.w	$t0, PRMD_PIE
	csrxchg	$zero, $t0, PRMD
	csrrd	$t0, SAVE0
	ertn
