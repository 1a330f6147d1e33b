/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * An image that the driver takes for the hypervisor's: looks at how it was loaded, waits until all CPUs have
 * called it, and refuses with a sentence.  So the way in and the way out of a refusal are tested alone.
 */
#define CORE_SIZE   0x8000
#define PERCPU_SIZE 0x4000
#define EINVAL	    22
#define ENODEV	    19

	.text
header:
	.ascii	"BIXI-HV\0"
	.quad	CORE_SIZE
	.quad	PERCPU_SIZE
	.quad	entry - header
	.quad	1
	.quad	error - header
	.space	4 + 4 + 8 + 8 * 8	/* the driver's */
#define MAX_CPUS    48
#define ONLINE_CPUS 52
#define PHYS_START  56

error:
	.word	-ENODEV
	.word	0
	.word	-1
	.word	-1
	.space	32 + 32
	.asciz	"this is the test's image and no hypervisor"
	.space	160 - (. - error - 80)
called:
	.word	0

	.balign	4
entry:
	la.pcrel $t0, header
	ld.wu	$t1, $t0, MAX_CPUS
	bgeu	$a0, $t1, wrong
	/* phys_start, and the configuration behind the areas */
	ld.d	$t2, $t0, PHYS_START
	bstrpick.d $t3, $t0, 47, 0
	bne	$t2, $t3, wrong
	li.w	$t2, PERCPU_SIZE
	mul.d	$t1, $t1, $t2
	li.w	$t2, CORE_SIZE
	add.d	$t1, $t1, $t2
	ldx.wu	$t2, $t0, $t1
	li.w	$t3, 0x5953484a		/* "JHSY" */
	bne	$t2, $t3, wrong
	/* Memory behind the file is cleared. */
	li.w	$t1, CORE_SIZE - 8
	ldx.d	$t2, $t0, $t1
	bnez	$t2, wrong
	li.w	$t1, 1
	la.pcrel $t2, called
	amadd_db.w $zero, $t1, $t2
	ld.wu	$t1, $t0, ONLINE_CPUS
1:	ld.w	$t3, $t2, 0
	bltu	$t3, $t1, 1b
	li.w	$a0, -ENODEV
	ret
wrong:
	li.w	$a0, -EINVAL
	ret
