/* SPDX-License-Identifier: MulanPSL-2.0 */
/* A cell that writes to memory of root's, at 0x90000000, with a0 = 0x5a. */
	.globl	start
start:
	li.d	$t0, 0x9000000000000011
	csrwr	$t0, 0x181		/* DMW1 */
	li.d	$t1, 0x9000000000000000
	la.pcrel $t2, 1f
	bstrins.d $t2, $zero, 63, 48
	or	$t2, $t2, $t1
	jirl	$zero, $t2, 0
1:	li.w	$t0, 0xb0		/* mapped mode */
	csrwr	$t0, 0x0
	li.d	$t1, 0x9000000090000000
	li.w	$a0, 0x5a
	st.d	$a0, $t1, 8
2:	b	2b
