/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Entries of stage-2 tables as LDDIR and LDPTE read them (Vol.1 5.4.5), and forgetting them.  There is no bit
 * for "no table": where one is missing stands one whose pages all have V = 0, as in Linux.
 */
#include "loongarch.h"

#define PTE_V	     (UINT64_C(1) << 0)
#define PTE_D	     (UINT64_C(1) << 1)
#define PTE_CACHED   (UINT64_C(1) << 4) /* coherent; 0 there: strongly ordered, uncached */
#define PTE_HUGE     (UINT64_C(1) << 6)
#define PTE_PRESENT  (UINT64_C(1) << 7)
#define PTE_WRITE    (UINT64_C(1) << 8)
#define PTE_NO_READ  (UINT64_C(1) << 61)
#define PTE_NO_EXEC  (UINT64_C(1) << 62)
#define PTE_PHYS     (WINDOW_MASK & ~(PAGE_SIZE - 1))
#define TABLE_LENGTH (1 << S2_BITS)

/* Stand for absent tables of level 0 and 1. */
static uint64_t no_table[S2_LEVELS - 1][TABLE_LENGTH] __attribute__((aligned(1 << PAGE_BITS)));

void stage2_init(void)
{
	for (unsigned level = 1; level < S2_LEVELS - 1; level++)
		for (unsigned i = 0; i < TABLE_LENGTH; i++)
			no_table[level][i] = virt_to_phys(no_table[level - 1]);
}

uint64_t arch_pte_empty(unsigned level)
{
	return level ? virt_to_phys(no_table[level - 1]) : 0;
}

uint64_t arch_pte_table(uint64_t phys)
{
	return phys;
}

uint64_t arch_pte_leaf(uint64_t phys, uint64_t flags, unsigned level)
{
	uint64_t pte = phys | PTE_V | PTE_PRESENT;

	if (flags & CONFIG_MEM_WRITE)
		pte |= PTE_D | PTE_WRITE;
	if (!(flags & CONFIG_MEM_READ))
		pte |= PTE_NO_READ;
	if (!(flags & CONFIG_MEM_EXECUTE))
		pte |= PTE_NO_EXEC;
	if (!(flags & CONFIG_MEM_IO))
		pte |= PTE_CACHED;
	return level ? pte | PTE_HUGE : pte;
}

bool arch_pte_is_empty(uint64_t pte, unsigned level)
{
	return pte == arch_pte_empty(level);
}

bool arch_pte_is_leaf(uint64_t pte, unsigned level)
{
	return level ? pte & PTE_HUGE : pte & PTE_PRESENT;
}

uint64_t arch_pte_phys(uint64_t pte, unsigned level)
{
	return pte & PTE_PHYS;
}

uint64_t arch_pte_flags(uint64_t pte, unsigned level)
{
	return (pte & PTE_NO_READ ? 0 : CONFIG_MEM_READ) | (pte & PTE_D ? CONFIG_MEM_WRITE : 0) |
	       (pte & PTE_NO_EXEC ? 0 : CONFIG_MEM_EXECUTE) | (pte & PTE_CACHED ? 0 : CONFIG_MEM_IO);
}

/* A CPU has one cell's entries at a time, and KVM's operation is the one that is known to work everywhere. */
void arch_flush_stage2(struct cpu *cpu)
{
	tlb_forget(TLB_GUESTS);
}

/* Caches are coherent, of instructions too; what has been fetched already is not. */
void arch_sync_memory(const void *virt, uint64_t size)
{
	__asm__ volatile("dbar 0\n\tibar 0" ::: "memory");
}

uint64_t arch_mmio_read(uint64_t phys, unsigned size)
{
	return extended(device_read(phys | WINDOW_UNCACHED, size), size, false);
}

void arch_mmio_write(uint64_t phys, unsigned size, uint64_t value)
{
	device_write(phys | WINDOW_UNCACHED, size, value);
}
