/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * unsigned attempt(uint64_t pc, uint64_t prmd, const uint64_t *arguments, uint64_t *results): executes what is at
 * pc, at the privilege level of prmd and with a0-a3, until its first exception, whose code is the result (0x3f: a
 * TLB refill).  Whatever it did to the modes is undone; it must leave EENTRY and TLBRENTRY alone, no register else.
 */
#define CRMD 0x0
#define PRMD 0x1
#define EUEN 0x2
#define MISC 0x3
#define ECFG 0x4
#define ESTAT 0x5
#define ERA 0x6
#define RVACFG 0x1f
#define TLBRERA 0x8a
#define DMW0 0x180

	.text
	.globl	attempt
attempt:
	la.pcrel $t0, kept
	st.d	$ra, $t0, 0
	st.d	$sp, $t0, 8
	st.d	$tp, $t0, 16
	.irp	n, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	st.d	$r\n, $t0, 8 * (\n - 18)
	.endr
	st.d	$a3, $t0, 112
	csrwr	$zero, TLBRERA
	csrwr	$a0, ERA
	csrwr	$a1, PRMD
	move	$t0, $a2
	.irp	n, 4, 5, 6, 7
	ld.d	$r\n, $t0, 8 * (\n - 4)
	.endr
	ertn

	.balign	4096
	.globl	attempt_ended
attempt_ended:
	li.d	$t0, 0x8000000000000009
	csrwr	$t0, DMW0
	li.d	$t0, 0x9000000000000019
	csrwr	$t0, DMW0 + 1
	csrwr	$zero, DMW0 + 2
	csrwr	$zero, DMW0 + 3
	csrwr	$zero, MISC
	csrwr	$zero, ECFG
	csrwr	$zero, RVACFG
	li.w	$t0, 0xb0
	csrwr	$t0, CRMD
	la.pcrel $t0, 1f
	li.d	$t1, 0x9000000000000000
	bstrins.d $t0, $zero, 63, 48
	or	$t0, $t0, $t1
	jr	$t0
1:	la.pcrel $t0, kept
	ld.d	$t1, $t0, 112
	st.d	$a0, $t1, 0
	st.d	$a1, $t1, 8
	csrrd	$a0, ESTAT
	bstrpick.d $a0, $a0, 21, 16
	csrrd	$t1, TLBRERA
	andi	$t1, $t1, 1
	beqz	$t1, 2f
	li.w	$a0, 0x3f
	csrwr	$zero, TLBRERA
2:	ld.d	$ra, $t0, 0
	ld.d	$sp, $t0, 8
	ld.d	$tp, $t0, 16
	.irp	n, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld.d	$r\n, $t0, 8 * (\n - 18)
	.endr
	ret

/* void units_fill(uint64_t), uint64_t units_or(void): all vector registers and FCSR's rounding mode. */
	.text
	.globl	units_fill, units_or
units_fill:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	xvreplgr2vr.d $xr\n, $a0
	.endr
	li.w	$t0, 0x300
	movgr2fcsr $fcsr0, $t0
	ret
units_or:
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	xvor.v	$xr0, $xr0, $xr\n
	.endr
	movfcsr2gr $a0, $fcsr0
	.irp	n, 0, 1, 2, 3
	xvpickve2gr.d $t0, $xr0, \n
	or	$a0, $a0, $t0
	.endr
	ret

	.section .bss.kept, "aw", @nobits
	.balign	16
kept:
	.space	128

/* As Linux's, for three levels, whatever the tables are. */
	.text
	.balign	4096
	.globl	tables_refill
tables_refill:
	csrwr	$t0, 0x8b		/* TLBRSAVE */
	csrrd	$t0, 0x1b		/* PGD */
	lddir	$t0, $t0, 3
	lddir	$t0, $t0, 2
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, 0x8b
	ertn
