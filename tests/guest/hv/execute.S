/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * void execute(const uint64_t *before, uint64_t *after): what is in execute_slots, with all registers as in
 * before[], and after[] gets what they are then.  And a cell's first instructions.
 */
#define SAVE0 0x30
#define SAVE1 0x31
#define SLOTS 100

.macro for_all_gprs operation, base
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\operation $r\n, \base, 8 * \n
	.endr
.endm

	.text
	.globl	execute, execute_slots
execute:
	la.pcrel $t0, own
	for_all_gprs st.d, $t0
	csrwr	$a1, SAVE0
	move	$t0, $a0
	for_all_gprs ld.d, $t0
	ld.d	$t0, $t0, 8 * 12
execute_slots:
	.rept	SLOTS
	nop
	.endr
	csrwr	$t0, SAVE1
	csrrd	$t0, SAVE0
	for_all_gprs st.d, $t0
	csrrd	$t1, SAVE1
	st.d	$t1, $t0, 8 * 12
	la.pcrel $t0, own
	for_all_gprs ld.d, $t0
	ret

/* In direct mode. */
	.globl	cell_start
cell_start:
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
	la.pcrel $sp, cell_stack_end
	bl	cell_main

	.bss
	.balign	4096
own:	.space	8 * 32
cell_stack: .space 4096
cell_stack_end:
