/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The guests' kernel, linked for its own addresses, as data of the hypervisor. */
	.section .rodata
	.balign	16
	.globl	kernel_image
kernel_image:
	.incbin	"kernel.bin"
	.globl	kernel_image_end
kernel_image_end:
