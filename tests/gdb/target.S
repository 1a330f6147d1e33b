/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A guest to be debugged: each label is a place that a GDB session of tests/gdb/ knows.  Core 0 goes through
 * all of it once and switches the machine off; core 1, if there is one, counts for ever.
 */
#define CRMD 0x0
#define EUEN 0x2
#define ECFG 0x4
#define ERA 0x6
#define EENTRY 0xc
#define PGDL 0x19
#define PWCL 0x1c
#define PWCH 0x1d
#define STLBPS 0x1e
#define SAVE0 0x30
#define TCFG 0x41
#define TICLR 0x44
#define TLBRENTRY 0x88
#define TLBRSAVE 0x8b
#define DMW0 0x180
#define MWPS 0x301
#define MWP0 0x310

#define MAPPED 0x12005000	/* a virtual page that only the page table knows */
#define EXIT_DEVICE 0x80000000100e2000

	.section .text.start, "ax"
	.globl start
start:
	la.pcrel $s1, mapped_start
	b	enter
	.globl secondary_start
secondary_start:
	la.pcrel $s1, second
enter:	li.d	$t1, 0x9000000000000000
	bstrins.d $s1, $zero, 63, 48
	or	$s1, $s1, $t1
	la.pcrel $t0, 1f
	bstrins.d $t0, $zero, 63, 48
	or	$t0, $t0, $t1
	jirl	$zero, $t0, 0
1:	li.d	$t0, 0x8000000000000001
	csrwr	$t0, DMW0
	li.d	$t0, 0x9000000000000011
	csrwr	$t0, DMW0 + 1
	la.pcrel $t0, general_entry
	csrwr	$t0, EENTRY
	la.pcrel $t0, refill_entry
	csrwr	$t0, TLBRENTRY
	li.w	$t0, 7
	csrwr	$t0, EUEN
	li.w	$t0, 0xb0
	csrwr	$t0, CRMD
	jirl	$zero, $s1, 0

	.text
	.globl mapped_start
mapped_start:
	/* 4 KiB pages, two levels of 512: page table at bit 12, Dir1 at 21. */
	li.d	$t0, 12 | 9 << 5 | 21 << 10 | 9 << 15
	csrwr	$t0, PWCL
	csrwr	$zero, PWCH
	li.w	$t0, 12
	csrwr	$t0, STLBPS
	la.pcrel $t0, directory
	la.pcrel $t1, page_table
	st.d	$t1, $t0, 8 * (MAPPED >> 21)
	la.pcrel $t2, page
	bstrins.d $t2, $zero, 63, 48
	ori	$t2, $t2, 0x53	/* cached, global, D, V */
	st.d	$t2, $t1, 8 * (MAPPED >> 12 & 511)
	bstrins.d $t0, $zero, 63, 48
	csrwr	$t0, PGDL
	b	straight

/* Ten instructions, one of which jumps over another. */
	.balign	16
	.globl straight
straight:
	li.w	$a0, 1
	addi.w	$a1, $a0, 1
	add.d	$a2, $a0, $a1
	sub.d	$a3, $a2, $a0
	bne	$a2, $a3, 1f
	.word	0
1:	mul.d	$a4, $a2, $a3
	slli.d	$a5, $a4, 4
	or	$a6, $a5, $a0
	nop
	.globl straight_end
straight_end:
	nop

/* Five stores to a variable, then a load, an atomic and an LL/SC of it. */
	la.pcrel $s0, counter
	li.w	$s2, 5
	li.w	$t1, 0
	.globl loop
loop:	ld.w	$t0, $s0, 8	/* the word behind it in the same page */
	addi.w	$t1, $t1, 3
	.globl store_counter
store_counter:
	st.w	$t1, $s0, 0
	.globl stored
stored:	addi.w	$s2, $s2, -1
	bnez	$s2, loop
	.globl load_counter
load_counter:
	ld.w	$t0, $s0, 0
	.globl loaded
loaded:	li.w	$t1, 100
	amadd.w	$t0, $t1, $s0
	.globl added
added:
1:	ll.w	$t0, $s0, 0
	addi.w	$t0, $t0, 1
	sc.w	$t0, $s0, 0
	beqz	$t0, 1b
	.globl conditional
conditional:
	nop

/* A page fault of the TLB, filled by the handler; a system call. */
	li.d	$t0, MAPPED
	.globl mapped_load
mapped_load:
	ld.d	$a0, $t0, 8
	.globl mapped_loaded
mapped_loaded:
	li.w	$a7, 7
	.globl system_call
system_call:
	syscall	5
	.globl system_called
system_called:
	nop

/* Vector and FP registers with values that tell them apart. */
	vldi	$vr0, 0x11	/* bytes 0x11 */
	xvldi	$xr1, 0x422	/* half words 0x22 */
	movgr2fr.d $fa2, $a0
	fcmp.ceq.d $fcc3, $fa2, $fa2
	.globl vectors_set
vectors_set:
	nop

/* The guest's own watchpoints, while a debugger has its own on the same page. */
	la.pcrel $s3, guest_watched
	move	$t0, $s3
	csrwr	$t0, MWP0
	csrwr	$zero, MWP0 + 1
	li.w	$t1, 0x202	/* stores at PLV0 */
	csrwr	$t1, MWP0 + 2
	li.w	$t1, 0x200
	csrxchg	$t1, $t1, CRMD
	.globl guest_store
guest_store:
	st.d	$zero, $s3, 0
	.globl guest_stored
guest_stored:
	csrrd	$a1, MWPS
	csrwr	$zero, MWP0 + 2

/* A sleep that the timer ends; its interrupt is taken at once. */
	li.w	$t0, 1 << 11
	csrwr	$t0, ECFG
	li.w	$t0, 4
	csrxchg	$t0, $t0, CRMD
	li.d	$t0, 100000 | 1
	csrwr	$t0, TCFG
	.globl sleep
sleep:	idle	0
	.globl slept
slept:	nop

/* The other core, if it is there. */
	csrwr	$zero, ECFG
	li.w	$t0, 0x1048
	li.d	$t1, 1 << 31 | 1 << 16 | 1 << 2
	iocsrwr.d $t1, $t0
	la.pcrel $t2, secondary_start
	bstrins.d $t1, $t2, 63, 32
	bstrins.d $t1, $zero, 2, 2
	iocsrwr.d $t1, $t0
	li.w	$t0, 0x1040
	li.d	$t1, 1 << 31 | 1 << 16
	iocsrwr.w $t1, $t0
	.globl both
both:	la.pcrel $s0, turns
	la.pcrel $s1, limit
	.globl turn
turn:	ld.d	$t0, $s0, 0
	addi.d	$t0, $t0, 1
	st.d	$t0, $s0, 0
	ld.d	$t1, $s1, 0
	bltu	$t0, $t1, turn
	.globl off
off:	li.d	$t0, EXIT_DEVICE
	li.w	$t1, 1
	st.w	$t1, $t0, 0
1:	idle	0
	b	1b

	.globl second
second:	la.pcrel $s0, second_turns
	.globl second_turn
second_turn:
	ld.d	$t0, $s0, 0
	addi.d	$t0, $t0, 1
	.globl second_store
second_store:
	st.d	$t0, $s0, 0
	b	second_turn

	.balign	4096
	.globl general_entry
general_entry:
	csrwr	$t0, SAVE0
	csrrd	$t0, 0x5	/* ESTAT */
	bstrpick.d $t0, $t0, 21, 16
	bnez	$t0, 1f
	li.w	$t0, 1
	csrwr	$t0, TICLR
	b	2f
1:	csrrd	$t0, ERA
	addi.d	$t0, $t0, 4
	csrwr	$t0, ERA
2:	csrrd	$t0, SAVE0
	ertn

	.balign	4096
	.globl refill_entry
refill_entry:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, 0x1b	/* PGD */
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, TLBRSAVE
	ertn

	.data
	.balign	4096
	.globl directory, page_table, page
directory: .space 4096
page_table: .space 4096
page:	.dword	0x1122334455667788, 0x99aabbccddeeff00
	.space	4080
	.globl counter
counter: .word	0, 0
	.globl neighbour
neighbour: .dword 42
	.globl guest_watched
guest_watched: .dword 1
	.balign	4096
	.globl turns, limit, second_turns
turns:	.dword	0
limit:	.dword	1000
	.balign	64
second_turns: .dword 0
