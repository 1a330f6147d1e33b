/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The cell's memory, linked for its own addresses, as data. */
	.section .rodata
	.balign	16
	.globl	cell_image
cell_image:
	.incbin	"cell.bin"
	.globl	cell_image_end
cell_image_end:
