/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Memory that a guest's hypercall points to: looked up in its stage 2, page by page, so that it cannot point
 * to what is not its own.
 */
#include "hv.h"

/* The memory at @gpa if all of @wanted is allowed; *size becomes what of it is left in the page. */
static void *guest_page(const struct cpu *cpu, uint64_t gpa, uint64_t *size, uint64_t wanted)
{
	uint64_t phys, flags, left = PAGE_SIZE - gpa % PAGE_SIZE;

	if (!paging_find(&cpu->cell->stage2, gpa, &phys, &flags) ||
	    (flags & (wanted | CONFIG_MEM_IO)) != wanted)
		return NULL;
	if (*size > left)
		*size = left;
	return phys_to_virt(phys);
}

int guest_read(const struct cpu *cpu, uint64_t gpa, void *to, uint64_t size)
{
	for (uint64_t piece; size; size -= piece, gpa += piece, to = (uint8_t *)to + piece) {
		const void *memory = guest_page(cpu, gpa, (piece = size, &piece), CONFIG_MEM_READ);

		if (!memory)
			return -EFAULT;
		memcpy(to, memory, piece);
	}
	return 0;
}

int guest_write(const struct cpu *cpu, uint64_t gpa, const void *from, uint64_t size)
{
	for (uint64_t piece; size; size -= piece, gpa += piece, from = (const uint8_t *)from + piece) {
		void *memory = guest_page(cpu, gpa, (piece = size, &piece), CONFIG_MEM_WRITE);

		if (!memory)
			return -EFAULT;
		memcpy(memory, from, piece);
	}
	return 0;
}

int guest_may_write(const struct cpu *cpu, uint64_t gpa, uint64_t size)
{
	for (uint64_t piece; size; size -= piece, gpa += piece)
		if (!guest_page(cpu, gpa, (piece = size, &piece), CONFIG_MEM_WRITE))
			return -EFAULT;
	return 0;
}
