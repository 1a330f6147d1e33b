/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A hypervisor with its guest, to be debugged: root maps five pages for guest 1 and enters it; the guest goes from
 * direct to mapped mode, takes a TLB refill of its own, and calls root twice.  The second call ends the machine.
 */
#define CRMD 0x0
#define PRMD 0x1
#define ERA 0x6
#define BADI 0x8
#define EENTRY 0xc
#define GTLBC 0x15
#define PGDL 0x19
#define PGD 0x1b
#define PWCL 0x1c
#define PWCH 0x1d
#define STLBPS 0x1e
#define GSTAT 0x50
#define GCFG 0x51
#define TLBRENTRY 0x88
#define TLBRSAVE 0x8b
#define DMW0 0x180

#define EXIT_DEVICE 0x80000000100e2000
#define PAGES (12 | 9 << 5 | 21 << 10 | 9 << 15) /* PWCL: 4 KiB pages, two levels of 512 */
#define PAGE_FLAGS 0x13				 /* cached, D, V */

/* Guest physical: code, data, the guest's own tables, its refill handler.  Guest virtual: the data. */
#define GPA_CODE 0x8000
#define GPA_DATA 0x9000
#define GPA_DIRECTORY 0xa000
#define GPA_TABLE 0xb000
#define GPA_REFILL 0xc000
#define GVA_DATA 0x12005000

/* Entry @n of the table in @table leads to @page. */
.macro	map table, n, page
	la.pcrel $t0, \page
	bstrins.d $t0, $zero, 63, 48
	ori	$t0, $t0, PAGE_FLAGS
	st.d	$t0, \table, 8 * (\n)
.endm

	.section .text.start, "ax"
	.globl start
start:
	li.d	$t1, 0x9000000000000000
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
	li.w	$t0, 0xb0
	csrwr	$t0, CRMD

/* Stage 2, and the registers as KVM sets them. */
	li.d	$t0, PAGES
	csrwr	$t0, PWCL
	csrwr	$zero, PWCH
	li.w	$t0, 12
	csrwr	$t0, STLBPS
	la.pcrel $s1, table
	map	$s1, GPA_CODE >> 12, guest_start
	map	$s1, GPA_DATA >> 12, data
	map	$s1, GPA_DIRECTORY >> 12, guest_directory
	map	$s1, GPA_TABLE >> 12, guest_table
	map	$s1, GPA_REFILL >> 12, guest_refill
	la.pcrel $s0, directory
	bstrins.d $s1, $zero, 63, 48
	st.d	$s1, $s0, 0
	bstrins.d $s0, $zero, 63, 48
	csrwr	$s0, PGDL
	li.w	$t0, 0x200010		/* MATC = 1, GCI = 2 */
	csrwr	$t0, GCFG
	li.w	$t0, 1 << 16 | 1 << 12	/* TGID = 1, USETGID */
	csrwr	$t0, GTLBC
	li.w	$t0, 1 << 16 | 2	/* GID = 1, PVM */
	csrwr	$t0, GSTAT
	li.w	$t0, 4
	csrwr	$t0, PRMD
	li.d	$t0, GPA_CODE
	csrwr	$t0, ERA
	.globl enter
enter:	ertn

	.text
	.balign	4096
	.globl guest_start
guest_start:
	li.w	$t0, 0x11
	lu52i.d	$t0, $t0, -0x700	/* 0x9000000000000011 */
	csrwr	$t0, DMW0
	li.d	$t0, PAGES
	csrwr	$t0, PWCL
	csrwr	$zero, PWCH
	li.w	$t0, 12
	csrwr	$t0, STLBPS
	li.d	$t0, GPA_DIRECTORY
	csrwr	$t0, PGDL
	li.d	$t0, GPA_REFILL
	csrwr	$t0, TLBRENTRY
	pcaddi	$t0, 4
	lu52i.d	$t0, $t0, -0x700
	jirl	$zero, $t0, 0
	nop
	li.w	$t0, 0xb0		/* here, at the 0x9000... alias */
	csrwr	$t0, CRMD
	li.d	$t1, GVA_DATA
	.globl guest_load
guest_load:
	ld.d	$a0, $t1, 8
	.globl guest_loaded
guest_loaded:
	nop
	.globl guest_call
guest_call:
	hvcl	0x12
	.globl guest_called
guest_called:
	csrrd	$a1, 0x33		/* SAVE3 */
	.globl guest_store
guest_store:
	st.d	$a0, $t1, 16
	.globl guest_stored
guest_stored:
	hvcl	0x13

	.balign	4096
	.globl guest_refill
guest_refill:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, PGD
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, TLBRSAVE
	ertn

/* Root: behind the instruction, back into the guest; PVM is set by the exit. */
	.balign	4096
	.globl general_entry
general_entry:
	csrrd	$t3, ERA
	addi.d	$t3, $t3, 4
	csrwr	$t3, ERA
	csrrd	$t3, BADI
	li.w	$t4, 0x2b8013
	beq	$t3, $t4, off
	ertn
	.globl off
off:	li.d	$t0, EXIT_DEVICE
	li.w	$t1, 1
	st.w	$t1, $t0, 0
1:	idle	0
	b	1b

	.balign	4096
	.globl refill_entry
refill_entry:
	csrwr	$t0, TLBRSAVE
	csrrd	$t0, PGD
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, TLBRSAVE
	ertn

	.data
	.balign	4096
	.globl directory, table
directory: .space 4096
table:	.space	4096
	.globl data
data:	.dword	0x1122334455667788, 0x99aabbccddeeff00
	.space	4080
guest_directory:
	.space	8 * (GVA_DATA >> 21)
	.dword	GPA_TABLE
	.balign	4096
guest_table:
	.space	8 * (GVA_DATA >> 12 & 511)
	.dword	GPA_DATA | PAGE_FLAGS
	.balign	4096
