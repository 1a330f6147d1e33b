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

#define INSN_IOCSR 0x0648 /* bits 31 to 16 of iocsr{rd,wr}.{b,h,w,d}; 15 to 13 are 0 */

/* All but zero, tp and a0: those that functions in C may change, and those that they keep. */
.macro for_changed_gprs operation
	.irp	n, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
	\operation $r\n, $tp, 8 * \n
	.endr
.endm
#define FIRST_KEPT 21
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

/* The guest goes on behind its instruction.  What stat_count() of hv.h does, too; leaves the time in t0. */
.macro step_and_count stat
	csrrd	$t2, CSR_ERA
	addi.d	$t3, $t2, 4
	csrwr	$t3, CSR_ERA
	csrrd	$t3, CSR_BADI
	rdtime.d $t0, $zero
	ld.d	$t1, $tp, ARCH_CPU_BEGIN
	ld.d	$t4, $tp, CPU_EXIT_NEXT
	addi.d	$t5, $t4, EXIT_SIZE
	andi	$t5, $t5, EXIT_SIZE * EXITS_LAST
	st.d	$t5, $tp, CPU_EXIT_NEXT
	add.d	$t4, $t4, $tp
	st.d	$t1, $t4, CPU_EXITS		/* time, pc, stat, insn */
	st.d	$t2, $t4, CPU_EXITS + 8
	li.w	$t5, \stat
	st.w	$t5, $t4, CPU_EXITS + 16
	st.w	$t3, $t4, CPU_EXITS + 20
	sub.d	$t1, $t0, $t1
	ld.d	$t2, $tp, CPU_COUNT + 8 * \stat
	ld.d	$t3, $tp, CPU_TICKS + 8 * \stat
	addi.d	$t2, $t2, 1
	add.d	$t3, $t3, $t1
	st.d	$t2, $tp, CPU_COUNT + 8 * \stat
	st.d	$t3, $tp, CPU_TICKS + 8 * \stat
	clz.d	$t1, $t1
	alsl.d	$t1, $t1, $tp, 3
	ld.d	$t2, $t1, CPU_LATENCY
	addi.d	$t2, $t2, 1
	st.d	$t2, $t1, CPU_LATENCY
.endm

/*
 * The guest was left: root's general exception entry but while it sleeps.  Hardware has saved what it needs
 * in root's CSRs and has left the guest's CSRs and all registers alone.
 *
 * The ways that are gone most are short: hypercalls and accesses to IOCSR do not put the registers into memory
 * that functions keep, and hypercalls are told from each other right here.  Who wants something of this CPU
 * meanwhile sends a kick, and is heard at that.
 */
	.section .text.vectors.exit, "ax"
	.balign	4096
	.globl	exit_entry
exit_entry:
	csrwr	$tp, CSR_SAVE1
	csrrd	$tp, CSR_SAVE0
	for_changed_gprs st.d
	rdtime.d $t0, $zero
	st.d	$t0, $tp, ARCH_CPU_BEGIN
	csrrd	$t0, CSR_ESTAT
	bstrpick.d $t0, $t0, 21, 16
	li.w	$t1, ECODE_HVC
	beq	$t0, $t1, exit_hypercall
	li.w	$t1, ECODE_GSPR
	bne	$t0, $t1, exit_other

	/*
	 * iocsr{rd,wr} rd, rj, for functions in C with the CPU, the offset, the size, and the value to be written.
	 * A function that reads returns to where its answer is put into rd.
	 */
	csrrd	$t0, CSR_BADI
	addu16i.d $t1, $t0, -INSN_IOCSR
	srli.d	$t1, $t1, 13
	bnez	$t1, exit_other
	st.d	$a0, $tp, 8 * 4
	csrrd	$t1, CSR_SAVE1
	st.d	$t1, $tp, 8 * 2
	ld.d	$sp, $tp, ARCH_CPU_STACK
	move	$a0, $tp
	bstrpick.d $t1, $t0, 9, 5
	li.w	$t3, FIRST_KEPT
	bgeu	$t1, $t3, 3f
	alsl.d	$t1, $t1, $tp, 3
	ld.w	$a1, $t1, 0
iocsr_has_offset:
	bstrpick.d $t1, $t0, 11, 10
	li.w	$a2, 1
	sll.w	$a2, $a2, $t1
	andi	$t1, $t0, 31
	bstrpick.d $t2, $t0, 12, 12
	bnez	$t2, 2f
	pcaddi	$t2, %pcrel_20(iocsr_answers)
	alsl.d	$ra, $t1, $t2, 3
	b	iocsr_read
2:	bgeu	$t1, $t3, 4f
	alsl.d	$t1, $t1, $tp, 3
	ld.d	$a3, $t1, 0
iocsr_has_value:
	bl	iocsr_write
iocsr_end:
	step_and_count EXITS_IOCSR
	ld.d	$a0, $tp, 8 * 4
	for_changed_gprs ld.d
	ld.d	$tp, $tp, 8 * 2
	ertn

	/* Operands that are still in their registers. */
3:	pcaddi	$t2, %pcrel_20(kept_offsets)
	alsl.d	$t2, $t1, $t2, 3
	jirl	$zero, $t2, -8 * FIRST_KEPT
4:	pcaddi	$t2, %pcrel_20(kept_values)
	alsl.d	$t2, $t1, $t2, 3
	jirl	$zero, $t2, -8 * FIRST_KEPT

.macro kept_offset register, base, offset
	addi.w	$a1, \register, 0
	b	iocsr_has_offset
.endm
kept_offsets:
	for_saved_gprs kept_offset

.macro kept_value register, base, offset
	move	$a3, \register
	b	iocsr_has_value
.endm
kept_values:
	for_saved_gprs kept_value

.macro answer register, base, offset
	move	\register, $a0
	b	iocsr_end
.endm
iocsr_answers:
	nop
	b	iocsr_end
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
	st.d	$a0, $tp, 8 * \n
	b	iocsr_end
	.endr
	for_saved_gprs answer

	/*
	 * hvcl.  Hardware lets user programs through to here, and codes of other hypervisors, which get their
	 * answer in exit_other, as do calls for which all registers have to be in memory.
	 */
exit_hypercall:
	csrrd	$t0, CSR_BADI
	li.w	$t1, HVCL
	bne	$t0, $t1, exit_other
	gcsrrd	$t0, CSR_CRMD
	andi	$t0, $t0, CRMD_PLV
	bnez	$t0, exit_other
	ld.d	$t0, $tp, CPU_CELL
	ld.d	$t0, $t0, CELL_CALLS
	li.w	$t1, CALLS
	bgeu	$a0, $t1, exit_other
	alsl.d	$t0, $a0, $t0, 3
	ld.d	$t0, $t0, 0
	beqz	$t0, exit_other
	ld.d	$sp, $tp, ARCH_CPU_STACK
	move	$a0, $tp
	jirl	$ra, $t0, 0			/* a1 and a2 are as the guest had them, and a0 is the result */
	step_and_count EXITS_HYPERCALL
	for_changed_gprs ld.d
	csrrd	$tp, CSR_SAVE1
	ertn

exit_other:
	st.d	$a0, $tp, 8 * 4
	csrrd	$t0, CSR_SAVE1
	st.d	$t0, $tp, 8 * 2
	ld.d	$sp, $tp, ARCH_CPU_STACK
	csrrd	$t0, CSR_GSTAT
	andi	$t0, $t0, GSTAT_PVM
	beqz	$t0, root_failed
	for_saved_gprs st.d
	move	$a0, $tp
	bl	exit_rest
	/* Fall through: */

/* Into the guest, at root's ERA, with the registers of tp. */
	.globl	guest_enter
guest_enter:
	for_saved_gprs ld.d
	ld.d	$a0, $tp, 8 * 4
	for_changed_gprs ld.d
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
