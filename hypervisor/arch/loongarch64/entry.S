/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * How a CPU gets into the hypervisor and out of it: Linux's call of the image, exits of the guest, misses of
 * stage 2.
 *
 * In the hypervisor tp is the CPU's struct cpu, and so is root's SAVE0 from the first entry of the guest on;
 * SAVE1 is scratch.  Interrupts are off but in root_sleep().
 */
#include "arch_types.h"
#include "csr.h"

/* All but zero and tp: those that functions in C may change, and those that they keep. */
.macro for_changed_gprs operation
	.irp	n, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
	\operation $r\n, $tp, 8 * \n
	.endr
.endm
.macro for_saved_gprs operation
	.irp	n, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\operation $r\n, $tp, 8 * \n
	.endr
.endm

/* What a function has to keep for its caller, and the return address; tp apart. */
.macro for_kept_gprs operation, base
	.irp	n, 1, 3, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\operation $r\n, \base, 8 * \n
	.endr
.endm

	/* struct image_header */
	.section .header, "aw"
	.globl	image_header
image_header:
	.ascii	"BIXI-HV\0"
	.quad	image_core_size
	.quad	PERCPU_SIZE
	.quad	image_entry
	.quad	1			/* IMAGE_ABI */
	.quad	image_error
	.space	4 + 4 + 8 + 8 * 8	/* the driver's */
#define HEADER_CORE_SIZE 8
#define HEADER_MAX_CPUS 48

/*
 * long entry(unsigned cpu), from Linux on each CPU, at the image's address in the cached window: as it seems
 * to the caller it returns, with 0 as a guest or with -errno.
 */
	.text
	.globl	entry
entry:
	la.pcrel $t0, image_header
	ld.wu	$t1, $t0, HEADER_MAX_CPUS
	bstrpick.d $a0, $a0, 31, 0
	bgeu	$a0, $t1, 1f
	li.w	$t1, PERCPU_SIZE
	ld.d	$t2, $t0, HEADER_CORE_SIZE
	mul.d	$t1, $t1, $a0
	add.d	$t2, $t0, $t2
	add.d	$t2, $t2, $t1
	for_kept_gprs st.d, $t2
	st.d	$tp, $t2, 8 * 2
	move	$tp, $t2
	st.d	$zero, $tp, 8 * 4	/* a0: 0, should the CPU go on as a guest */
	li.w	$t1, CRMD_IE
	move	$t2, $zero
	csrxchg	$t2, $t1, CSR_CRMD
	st.d	$t2, $tp, ARCH_CPU_LINUX_CRMD
	li.w	$t1, PERCPU_SIZE
	add.d	$sp, $tp, $t1
	st.d	$sp, $tp, ARCH_CPU_STACK
	move	$a0, $t0
	bl	image_relocate
	move	$a0, $tp
	b	setup_cpu
1:	li.w	$a0, -22		/* EINVAL */
	ret

/*
 * The guest was left: root's general exception entry but while it sleeps.  Hardware has saved what it needs
 * in root's CSRs and has left the guest's CSRs and all registers alone.
 */
	.section .text.vectors.exit, "ax"
	.balign	4096
	.globl	exit_entry
exit_entry:
	csrwr	$tp, CSR_SAVE1
	csrrd	$tp, CSR_SAVE0
	for_changed_gprs st.d
	csrrd	$t0, CSR_SAVE1
	st.d	$t0, $tp, 8 * 2
	ld.d	$sp, $tp, ARCH_CPU_STACK
	move	$a0, $tp
	bl	exit_quick
	beqz	$a0, 1f
	csrrd	$t0, CSR_GSTAT
	andi	$t0, $t0, GSTAT_PVM
	beqz	$t0, root_failed
	for_saved_gprs st.d
	move	$a1, $a0
	move	$a0, $tp
	bl	exit_rest
	beqz	$a0, 1f
	/* Fall through: */

/* Into the guest, at root's ERA, with the registers of tp. */
	.globl	guest_enter
guest_enter:
	for_saved_gprs ld.d
1:	for_changed_gprs ld.d
	ld.d	$tp, $tp, 8 * 2
	ertn

root_failed:
	move	$a0, $tp
	b	root_panic

/*
 * Root's general exception entry in root_sleep() and in accesses to devices for guests.  An interrupt is what
 * the first waits for; it stays pending.  An address where nothing is ends the others: SAVE2 says where they
 * go on.  Anything else is a mistake of the hypervisor's.
 */
	.section .text.vectors.sleep, "ax"
	.balign	4096
sleep_entry:
	csrwr	$t0, CSR_SAVE1
	csrrd	$t0, CSR_ESTAT
	bstrpick.d $t0, $t0, 21, 16
	bnez	$t0, 2f
	la.pcrel $t0, root_sleep_end
1:	csrwr	$t0, CSR_ERA
	csrwr	$zero, CSR_PRMD
	csrrd	$t0, CSR_SAVE1
	ertn
2:	csrrd	$t0, CSR_SAVE2
	beqz	$t0, root_failed
	b	1b

/*
 * void root_sleep(void): until an interrupt that root's ECFG allows.  One that comes just before the idle
 * instruction is not slept over: it ends this function wherever it comes.
 */
	.globl	root_sleep
root_sleep:
	la.pcrel $t3, sleep_entry
	csrwr	$t3, CSR_EENTRY
	csrrd	$t2, CSR_ERA
	li.w	$t0, GSTAT_PVM
	csrxchg	$zero, $t0, CSR_GSTAT	/* exceptions here are root's */
	li.w	$t1, CRMD_IE
	csrxchg	$t1, $t1, CSR_CRMD
1:	idle	0
	b	1b
root_sleep_end:
	li.w	$t0, GSTAT_PVM
	csrxchg	$t0, $t0, CSR_GSTAT
	csrwr	$t2, CSR_ERA
	li.w	$t0, PRMD_PIE | PRMD_PWE
	csrwr	$t0, CSR_PRMD
	csrwr	$t3, CSR_EENTRY
	ret

/* As root_sleep(), for one of the four instructions that follow, by the size in @size. */
.macro guarded size, insn1, insn2, insn4, insn8
	la.pcrel $t3, sleep_entry
	csrwr	$t3, CSR_EENTRY
	csrrd	$t2, CSR_ERA
	li.w	$t0, GSTAT_PVM
	csrxchg	$zero, $t0, CSR_GSTAT
	la.pcrel $t0, guarded_end
	csrwr	$t0, CSR_SAVE2
	sltui	$t0, \size, 2
	bnez	$t0, 1f
	sltui	$t0, \size, 4
	bnez	$t0, 2f
	sltui	$t0, \size, 8
	bnez	$t0, 4f
	\insn8	$a2, $a0, 0
	b	guarded_end
1:	\insn1	$a2, $a0, 0
	b	guarded_end
2:	\insn2	$a2, $a0, 0
	b	guarded_end
4:	\insn4	$a2, $a0, 0
	b	guarded_end
.endm

/*
 * uint64_t device_read(uint64_t address, unsigned size), void device_write(uint64_t address, unsigned size,
 * uint64_t value): of guests' choice.  Where nothing is, ones are read and nothing is written.
 */
	.globl	device_read, device_write
device_read:
	li.w	$a2, -1
	guarded	$a1, ld.b, ld.h, ld.w, ld.d
device_write:
	guarded	$a1, st.b, st.h, st.w, st.d
guarded_end:
	csrwr	$zero, CSR_SAVE2
	move	$a0, $a2
	b	root_sleep_end

	.balign	64
	.globl	machine_error_entry
machine_error_entry:
	csrrd	$tp, CSR_SAVE0
	ld.d	$sp, $tp, ARCH_CPU_STACK
	li.w	$t0, 0xb0		/* PG again, memory cached */
	csrwr	$t0, CSR_CRMD
	move	$a0, $tp
	la.pcrel $t0, root_panic
	li.d	$t1, 0x9000000000000000
	bstrins.d $t0, $zero, 63, 48
	or	$t0, $t0, $t1
	jr	$t0

/*
 * A guest-physical address is not in the TLB: straight from guest mode and straight back.  This runs in
 * direct mode; root's PGD is the stage-2 table, and tlbfill tags the entry with GTLBC.TGID.  Where nothing is
 * mapped an entry with V = 0 is filled in, and the access, tried again, exits with PIL, PIS or PIF.
 */
	.section .text.vectors.refill, "ax"
	.balign	4096
	.globl	stage2_refill
stage2_refill:
	csrwr	$t0, CSR_TLBRSAVE
	csrrd	$t0, CSR_PGD
	lddir	$t0, $t0, 3
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	tlbfill
	csrrd	$t0, CSR_TLBRSAVE
	ertn

/* void linux_return(struct cpu *, long result): behind Linux's call of entry(), nothing being changed. */
	.text
	.globl	linux_return
linux_return:
	move	$t0, $a0
	move	$a0, $a1
	ld.d	$t1, $t0, ARCH_CPU_LINUX_CRMD
	for_kept_gprs ld.d, $t0
	ld.d	$tp, $t0, 8 * 2
	csrwr	$t1, CSR_CRMD
	ret
