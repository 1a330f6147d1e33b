/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * AArch64 as far as it goes: what core/ must know of it to be compiled.  A port fills in the two structures
 * and writes the functions of arch.h.  Stage 2: 4 KiB pages, three levels from 39 bits of IPA, blocks of 2
 * MiB and 1 GiB.  At EL2 memory is mapped where it is.
 */
#ifndef BIXI_ARCH_TYPES_H
#define BIXI_ARCH_TYPES_H

#include <stdint.h>

#define PAGE_BITS   12
#define S2_LEVELS   3
#define S2_BITS	    9
#define S2_LEAF_MAX 2
#define ARCH_NUMBER CONFIG_ARCH_ARM64

struct arch_cpu {
	uint64_t x[31], elr, spsr; /* of the guest, at its exit */
};

struct arch_cell {
	uint64_t vttbr; /* VMID and stage 2's table */
};

static inline void *phys_to_virt(uint64_t phys)
{
	return (void *)phys;
}

static inline uint64_t virt_to_phys(const void *virt)
{
	return (uint64_t)virt;
}

static inline void cpu_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

#endif
