/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The hypervisor's image, as data of the program that plays Linux. */
	.section .rodata
	.balign	16
	.globl	hv_image
hv_image:
	.incbin	"bixi-hv.bin"
	.globl	hv_image_end
hv_image_end:
