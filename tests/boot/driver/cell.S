/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A cell: says a sentence by hypercall, then waits; or, if the word at 0x100 is set, first reads what is not its. */
	.text
	la.pcrel $s0, sentence
1:	ld.bu	$a1, $s0, 0
	beqz	$a1, 2f
	li.w	$a0, 8			/* HC_CONSOLE_PUTC */
	hvcl	0x4a48
	addi.d	$s0, $s0, 1
	b	1b
2:	la.pcrel $t0, wrong
	ld.w	$t0, $t0, 0
	beqz	$t0, 3f
	li.d	$t0, 0x80000000
	ld.d	$t1, $t0, 0
3:	idle	0
	b	3b

	.org	0x100
wrong:
	.word	0
sentence:
	.asciz	"the cell is there\n"
