/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * uint64_t debug_csr_exchange(uint64_t value, uint64_t mask, unsigned number): csrxchg with a register of the
 * watchpoints, 0x300 to 0x3ff, whose number is part of the instruction.
 */
	.text
	.globl	debug_csr_exchange
debug_csr_exchange:
	la.pcrel $t0, 1f
	bstrpick.d $a2, $a2, 7, 0
	slli.d	$a2, $a2, 3
	add.d	$t0, $t0, $a2
	jr	$t0
1:	.irp	high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f
	.irp	low, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f
	csrxchg	$a0, $a1, 0x3\high\low
	ret
	.endr
	.endr
